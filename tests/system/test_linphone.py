"""Linphone phones call each other and baresip, and hear each other. Their Contacts are the GRUUs that we have given them
(RFC 5627)."""

import contextlib
import time

import pytest
from baresip import Baresip, tone
from linphone import Linphone
from trapezoid import free_port

USERS = {"anna": 440, "bert": 660}
CALLED = r"Receiving new incoming call from sip:{}@"
RINGS, UP = r"Call \d+ to sip:\S+ ringing", r"Media streams established with sip:"
DECLINED, CANCELLED, ENDED = (rf"Call \d+ with sip:\S+ ended \({how}\)" for how in ("Call declined", "Not answered", "No error"))


def wait_until(ready, what, timeout=60):
    until = time.monotonic() + timeout
    while not ready():
        assert time.monotonic() < until, what
        time.sleep(0.05)


@pytest.fixture
def phones(server, tmp_path):
    """phones("udp"): a server with a first start's certificate, and a registered linphone for each of USERS."""
    with contextlib.ExitStack() as stack:

        def make(transport="udp", **more):
            port = free_port()
            one = server(start=False)
            one.settings["listen"] += [f"tls:127.0.0.1:{port}"]
            one.start()
            for user in USERS:
                one.user_add(user, "secret")
            # Linphone takes no address from a certificate, only names.
            at = f"localhost:{port}" if transport == "tls" else one.address
            both = [Linphone(tmp_path, user, at, transport, trust=one.path("data/tls-certificate.pem"), **more) for user in USERS]
            for phone in both:
                stack.callback(phone.stop)
                phone.start()
            wait_until(lambda: len(one.json("contacts")["contacts"]) == 2, "not registered: " + one.log())
            for phone in both:
                phone.use_tone(USERS[phone.user])
            return one, *both

        yield make


def hears(phone):
    """Waits until it has recorded a second."""

    def enough():
        head = phone.recording.read_bytes()[:44] if phone.recording and phone.recording.exists() else b""
        rate = int.from_bytes(head[24:28], "little") or 48000
        return len(head) == 44 and phone.recording.stat().st_size >= 2 * rate

    wait_until(enough, f"{phone.command} hears nothing:\n{phone.text()}")


def is_tone_of(user, recording):
    """That user's, and not the other's."""
    for name, hertz in USERS.items():
        share = tone(recording, hertz)
        assert share > 0.3 if name == user else share < 0.1, (recording, name, share)


def talk(caller, called):
    caller.call(called.user)
    called.wait_for(CALLED.format(caller.user))
    caller.wait_for(RINGS)
    called.type("answer\n")
    for phone in (caller, called):
        phone.wait_for(UP)


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_two_phones_register_call_and_hear_each_other(phones, transport):
    one, anna, bert = phones(transport)
    assert {c["transport"] for c in one.json("contacts")["contacts"]} == {transport}
    talk(anna, bert)
    if transport == "udp":
        for phone in (anna, bert):
            hears(phone)
    ends, is_told = (bert, anna) if transport == "tcp" else (anna, bert)
    ends.type("terminate\n")
    is_told.wait_for(ENDED)
    anna.type(f'chat sip:bert@{anna.domain} "straight on, then left"\n')
    bert.wait_for(r'Message received from sip:anna@\S+: "straight on, then left"')
    for phone in (anna, bert):
        phone.stop()
    assert one.json("contacts")["contacts"] == []  # they unregister
    if transport == "udp":
        is_tone_of("bert", anna.recording)
        is_tone_of("anna", bert.recording)


def test_calls_held_declined_and_cancelled(phones):
    _, anna, bert = phones()
    talk(anna, bert)
    for holder, held in ((anna, bert), (bert, anna)):
        said = {phone: len(phone.text()) for phone in (holder, held)}
        holder.type("pause\n")
        holder.wait_for(r"is now paused", after=said[holder])
        held.wait_for(r"has been paused by", after=said[held])
        said = {phone: len(phone.text()) for phone in (holder, held)}
        holder.type("resume 1\n")
        for phone in (holder, held):
            phone.wait_for(UP, after=said[phone])
    bert.type("terminate\n")
    anna.wait_for(ENDED)
    said = len(bert.text())
    anna.call("bert")
    bert.wait_for(CALLED.format("anna"), after=said)
    bert.type("terminate\n")
    anna.wait_for(DECLINED)
    said = len(anna.text())
    anna.call("bert")
    anna.wait_for(RINGS, after=said)
    anna.type("terminate\n")
    bert.wait_for(CANCELLED)


def test_who_has_a_wrong_password_cannot_be_called(server, tmp_path):
    one = server()
    for user in USERS:
        one.user_add(user, "secret")
    anna, bert = (Linphone(tmp_path, user, one.address, password=word) for user, word in (("anna", "secret"), ("bert", "wrong")))
    try:
        for phone in (anna, bert):
            phone.start()
        one.wait_for(r"auth-failure .*user=bert\b.*reason=wrong-credentials")
        wait_until(lambda: one.json("contacts")["contacts"], "anna is not registered")
        anna.call("bert")
        anna.wait_for(r"Call \d+ with sip:bert@\S+ error")
        assert [c["aor"] for c in one.json("contacts")["contacts"]] == ["sip:anna@localhost"]
    finally:
        for phone in (anna, bert):
            phone.stop()


def test_linphone_and_baresip_call_each_other(phones, tmp_path):
    one, anna, other = phones()
    other.stop()
    bert = Baresip(f"baresip -f ~/bert -e '/uanew <sip:bert@{one.address}>;auth_pass=secret'", tmp_path)
    registered = r"All 1 useragent registered successfully!"
    try:
        bert.start()
        bert.wait_for(registered)
        bert.stop()
        bert.use_tone(USERS["bert"])
        bert.start()
        bert.wait_for(registered)
        anna.call("bert")
        bert.wait_for(r"Incoming call from: +sip:anna@")
        bert.type("a")
        anna.wait_for(UP)
        for phone in (anna, bert):
            hears(phone)
        bert.type("b")
        anna.wait_for(ENDED)
        said, recording = len(bert.text()), bert.recording  # the second call has one of its own
        bert.type(f"/dial sip:anna@{one.address}\r")
        anna.wait_for(CALLED.format("bert"))
        anna.type("answer\n")
        bert.wait_for(r"Call established: sip:", after=said)
        anna.type("terminate\n")
        bert.wait_for(r"session closed|Call with .* terminated", after=said)
    finally:
        anna.stop()
        bert.stop()
    is_tone_of("anna", recording)
