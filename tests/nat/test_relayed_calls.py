"""Two baresip phones, each behind a NAT of its own, register, call, and hear each other: by ICE where the NATs let media
go straight, through the relay where they do not (RFC 8445, RFC 8656)."""

import concurrent.futures
import os
import re
import sys
import time

import pytest
from lab import Lab

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "system"))
import trapezoid  # noqa: E402
from baresip import Baresip, tone  # noqa: E402

SYMMETRIC, RESTRICTED = "symmetric", "port-restricted cone"
TONES = (440, 660)
CASES = {  # name: the NAT of the caller, that of the called phone, what baresip does about it, must media be relayed
    "both": (SYMMETRIC, SYMMETRIC, "ice", True),
    "plain": (SYMMETRIC, SYMMETRIC, "turn", True),
    "one": (RESTRICTED, SYMMETRIC, "ice", True),
    "none": (RESTRICTED, RESTRICTED, "ice", False),
}


def users(case):
    return f"{case}-caller", f"{case}-called"


@pytest.fixture(scope="module")
def lab():
    with Lab() as one:
        yield one


@pytest.fixture(scope="module")
def server(lab):
    host = lab.servers[0]
    one = trapezoid.Trapezoid({"listen": f"udp:{host}:5060", "stun.listen": f"udp:{host}:3478", "turn.enabled": True,
                               "turn.relay": host, "drain_time": "0s"})
    one.prefix = lab.outside.command()
    one.host = host
    one.start()
    for case in CASES:
        for user in users(case):
            one.user_add(user, "secret")
    yield one
    one.close()


class Phone(Baresip):
    def __init__(self, site, server, name, nat, home, hertz):
        account = (f"<sip:{name}@{server.host}>;auth_pass=secret;medianat={nat};stunserver=turn:{server.host}:3478;"
                   f"stunuser={name};stunpass=secret")
        prefix = " ".join(site.host.command())
        super().__init__(f"{prefix} baresip -f ~/{name} -e '/uanew {account}'", home)
        self.hertz = hertz

    def prepare(self):
        """The settings of a first start, with a tone and with what NATs need."""
        self.start()
        self.wait_for(r"All 1 useragent registered successfully!")
        self.stop()
        self.use_tone(self.hertz)
        path = self.folder / "config"
        text = path.read_text().replace("sip_listen 127.0.0.1:0", "sip_listen 0.0.0.0:0")
        for module in ("ice", "turn", "stun"):
            text = re.sub(rf"(?m)^#?module\s+{module}.so.*\n", "", text) + f"module {module}.so\n"
        path.write_text(text)
        self.start()
        self.wait_for(r"All 1 useragent registered successfully!")


def seconds_heard(phone):
    """How much it has recorded. What it is can be told when the phone has ended."""
    return phone.recording.stat().st_size / 16000 if phone.recording else 0


def wait_until_heard(phones, seconds):
    until = time.monotonic() + 120  # baresip's ICE waits for every check that nobody answers
    while any(seconds_heard(phone) < seconds for phone in phones):
        assert time.monotonic() < until, "they do not hear each other:\n" + "\n".join(p.text()[-1500:] for p in phones)
        time.sleep(0.1)


def relayed(server, names):
    """Bytes of media that went through relays of these users."""
    mine = [one for one in server.json("relays")["relays"] if one["owner"] in names]
    return sum(one[way]["bytes"] for one in mine for way in ("to_peers", "from_peers"))


def call(lab, server, case, home):
    """A call from its beginning to its end; what two seconds of it took of relays, and what each side has heard."""
    *nats, how, _ = CASES[case]
    names = users(case)
    caller, called = phones = [Phone(lab.site(nat), server, name, how, home, hertz)
                               for nat, name, hertz in zip(nats, names, TONES)]
    try:
        for phone in phones:
            phone.prepare()
        caller.type(f"/dial sip:{names[1]}@{server.host}\r")
        called.wait_for(rf"Incoming call from: +sip:{names[0]}@")
        called.type("a")
        for phone in phones:
            phone.wait_for(r"Call established: sip:")
        wait_until_heard(phones, 2)
        before = relayed(server, names)
        wait_until_heard(phones, 2 + max(seconds_heard(phone) for phone in phones))
        bytes_relayed = relayed(server, names) - before
        caller.type("b")
        called.wait_for(r"session closed|Call with .* terminated")
    finally:
        for phone in phones:
            phone.stop()
    return bytes_relayed, [[tone(phone.recording, hertz) for hertz in TONES] for phone in phones]


def test_phones_behind_nats_hear_each_other(lab, server, tmp_path):
    with concurrent.futures.ThreadPoolExecutor() as pool:
        calls = {case: pool.submit(call, lab, server, case, tmp_path) for case in CASES}
        found = {case: one.result() for case, one in calls.items()}
    for case, (bytes_relayed, (caller, called)) in found.items():
        if CASES[case][3]:  # else it goes straight, unless the relay's pair of addresses was the first to be found good
            assert bytes_relayed > 20000, (case, bytes_relayed)
        assert caller[0] < 0.1 and caller[1] > 0.8, (case, caller)
        assert called[0] > 0.8 and called[1] < 0.1, (case, called)
