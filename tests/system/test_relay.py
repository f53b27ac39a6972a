"""Nobody who is not one of our users reaches a third party through us. src/service/proxy/proxy.md says who may what.

The third party listens on 127.0.0.9, on one port with UDP and TCP; strangers send from 127.0.0.3, our users register
from 127.0.0.1."""

import contextlib
import re
import select
import socket
import threading
import time

import pytest
import trapezoid
from ua import Ua, digest

STRANGER = "127.0.0.3"
METHODS = ["INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "MESSAGE", "SUBSCRIBE", "NOTIFY", "REFER", "INFO", "UPDATE",
           "PRACK", "PUBLISH", "REGISTER", "UNHEARD"]


class ThirdParty:
    """Sockets that must stay silent."""

    def __init__(self):
        self.host, self.port = "127.0.0.9", trapezoid.free_port("127.0.0.9")
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        for one in (self.udp, self.tcp):
            one.bind((self.host, self.port))
        self.tcp.listen(100)
        self.address = f"{self.host}:{self.port}"

    def close(self):
        self.udp.close()
        self.tcp.close()

    def check(self, why="", wait=0.5):
        """Nothing has come."""
        ready, _, _ = select.select([self.udp, self.tcp], [], [], wait)
        assert self.tcp not in ready, f"{why}: a connection"
        assert not ready, f"{why}: {self.udp.recv(65536)}"


@pytest.fixture
def third():
    one = ThirdParty()
    yield one
    one.close()


@pytest.fixture(params=[True, False], ids=["auth", "open"])
def one(request, server):
    """Users alice and bob with passwords; bob is registered. record_route on: there are tokens to steal."""
    one = server(auth__call=request.param, record_route=True, domains=["example.com"], drain_time="0s")
    for user in ("alice", "bob"):
        with contextlib.suppress(AssertionError):  # a first start has made them
            one.user_add(user, "x")
        one.command("user", "password", user, "--password-stdin", input="secret\n")
    return one


AUTH = pytest.mark.parametrize("one", [True], ids=["auth"], indirect=True)  # else nobody is asked


def ways(one, third):
    """(what, method -> (Request-URI, parts of the request)): every way of naming the third party that we know."""
    there, ours = f"sip:victim@{third.address}", f"sip:{one.address}"
    token = "0123456789abcdef"

    def way(uri=there, to_tag=None, route=(), **parts):
        return uri, {"to_tag": to_tag, "lines": [f"Route: {r}" for r in route], **parts}

    return {
        "foreign Request-URI": way(),
        "foreign Request-URI by TCP": way(f"{there};transport=tcp"),
        "foreign sips-less tel context": way(f"tel:5551234;phone-context={third.host}"),
        "user=phone": way(f"sip:+1555@{third.address};user=phone"),
        "forged To tag": way(to_tag="forged"),
        "forged To tag, From of nobody": way(to_tag="forged", from_="sip:x@elsewhere.example"),
        "forged To tag, To of a user": way(to="sip:bob@example.com", to_tag="forged"),
        "forged To tag, From and To of users": way(to="sip:bob@example.com", to_tag="f", from_="sip:alice@example.com"),
        "our Route without token": way(route=[f"<{ours};lr>"], to_tag="forged"),
        "our Route with a wrong token": way(route=[f"<{ours};lr;tz={token}>"], to_tag="forged"),
        "our Route with an empty token": way(route=[f"<{ours};lr;tz=>"], to_tag="forged"),
        "two Routes of ours": way(route=[f"<{ours};lr>", f"<{ours};transport=tcp;lr;tz={token}>"], to_tag="forged"),
        "our Route, no To tag": way(route=[f"<{ours};lr;tz={token}>"]),
        "Route to the third party": way("sip:bob@example.com", route=[f"<sip:{third.address};lr>"]),
        "Route to the third party in a dialog": way("sip:bob@example.com", to_tag="f", route=[f"<sip:{third.address};lr>"]),
        "Route to us, then there": way("sip:bob@example.com", to_tag="f",
                                       route=[f"<{ours};lr;tz={token}>", f"<sip:{third.address};lr>"]),
        "Route to the domain, then there": way("sip:bob@example.com", route=["<sip:example.com;lr>", f"<{there};lr>"]),
        "strict Route": way("sip:bob@example.com", to_tag="f", route=[f"<sip:{third.address}>"]),
        "undone strict routing": way(f"{ours};lr;tz={token}", to_tag="f", route=[f"<{there}>"]),
        "undone strict routing, two": way(f"{ours};lr;tz={token}", to_tag="f", route=[f"<{ours};lr>", f"<{there}>"]),
        "maddr in our Request-URI": way(f"sip:bob@example.com:{third.port};maddr={third.host}"),
        "maddr in our own address": way(f"{ours};maddr={third.host}"),
        "maddr in our Route": way("sip:nobody@example.com", route=[f"<sip:example.com:{third.port};lr;maddr={third.host}>"]),
        "maddr in a Route of our address": way("sip:nobody@example.com", route=[f"<{ours};lr;maddr={third.host}>"]),
        "escaped host": way(f"sip:victim@{third.host.replace('.', '%2e')}:{third.port}"),
        "our domain as its user": way(f"sip:example.com@{third.address}"),
        "our domain and a foreign port": way(f"sip:victim@example.com:{third.port}", to_tag="f"),
        "From of ours without credentials": way(from_="sip:alice@example.com"),
        "From of ours by our address": way(from_=f"sip:alice@{one.address}"),
        "From of a user who does not exist": way(from_="sip:nobody@example.com"),
        "Path and Service-Route": way("sip:nobody@example.com", lines=[f"Path: <sip:{third.address};lr>",
                                                                      f"Service-Route: <sip:{third.address};lr>"]),
        "Via of the third party": way("sip:nobody@example.com",
                                      via=f"Via: SIP/2.0/UDP {third.address};branch=z9hG4bKvictim"),
        "Via maddr": way("sip:nobody@example.com",
                         via=f"Via: SIP/2.0/UDP {STRANGER}:{third.port};maddr={third.host};branch=z9hG4bKm"),
        "Via received": way("sip:nobody@example.com", via=f"Via: SIP/2.0/UDP {third.address};received={third.host};"
                                                         f"rport={third.port};branch=z9hG4bKr"),
    }


@contextlib.contextmanager
def refusing(phone):
    """The phone answers 486 to all that reaches it."""
    over = threading.Event()

    def run():
        while not over.is_set():
            request = phone.receive(0.05)
            if request and request.method not in (None, "ACK"):
                phone.send(phone.response(request, "486 Busy Here"))

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
def test_no_request_of_a_stranger_reaches_a_third_party(one, third, transport):
    with Ua(one.address, "bob", password="secret") as bob:
        assert bob.register().status == 200
        with refusing(bob):
            for what, (uri, parts) in ways(one, third).items():
                with Ua(one.address, "stranger", transport, STRANGER) as stranger:
                    stranger.from_ = f"sip:x@{STRANGER}"
                    for method in METHODS:
                        # One call for each request: a CANCEL or ACK that finds nothing, a BYE for no dialog.
                        stranger.call_id = f"{method}-{stranger.tag}"
                        fixed = dict(parts)
                        if "via" in fixed:
                            fixed["via"] = fixed["via"].replace("/UDP ", f"/{transport} ") + method
                        stranger.send(stranger.request(method, uri, **{"from_": stranger.from_, **fixed}))
                    if parts.get("via") is None:
                        answers = {}
                        while len(answers) < len(METHODS) - 1:
                            answer = stranger.receive(30)
                            assert answer, f"{what}: only {answers}"
                            if answer.status >= 200:
                                answers[answer.get("CSeq").split()[1]] = answer.status
                        assert "ACK" not in answers
                        for method, status in answers.items():
                            assert 400 <= status < 600 or (method, status) == ("OPTIONS", 200) or uri.startswith(
                                "sip:bob@"), f"{what}: {method} {status}"
                third.check(what, 0)
        third.check("some time later", 1)
    assert one.json("status")


def test_a_cancel_and_an_ack_of_a_refused_invite_go_nowhere(one, third):
    with Ua(one.address, "x", host=STRANGER) as stranger:
        uri = f"sip:victim@{third.address}"
        foreign = "sip:x@elsewhere.example"
        invite = stranger.request("INVITE", uri, from_=foreign)
        stranger.send(invite)
        refused = stranger.final()
        assert refused.status == 403
        stranger.send(stranger.ack(uri, refused))
        via = re.search(r"(?m)^Via: .*?(?=\r)", invite).group(0)
        stranger.send(stranger.request("CANCEL", uri, from_=foreign, via=via, cseq=stranger.cseq))
        stranger.send(stranger.request("ACK", uri, from_=foreign, to_tag="another", cseq=stranger.cseq))
    third.check()


def test_responses_go_only_where_requests_came_from(one, third):
    with Ua(one.address, "x", host=STRANGER) as stranger:
        for status in ("100 Trying", "180 Ringing", "200 OK", "302 Moved", "404 Not Found"):
            for top in (f"Via: SIP/2.0/UDP {one.address};branch=z9hG4bKforged",
                        f"Via: SIP/2.0/UDP {one.address};branch=z9hG4bK.tz.00000000.00000000"):
                request = stranger.request("INVITE", "sip:bob@example.com",
                                           via=f"{top}\r\nVia: SIP/2.0/UDP {third.address};branch=z9hG4bKv")
                stranger.send(request.replace("INVITE sip:bob@example.com SIP/2.0", f"SIP/2.0 {status}", 1))
        stranger.nothing()
    third.check()


@AUTH
def test_credentials_of_another_user_or_a_wrong_password_open_nothing(one, third):
    uri = f"sip:victim@{third.address}"
    with Ua(one.address, "alice", host=STRANGER, password="wrong") as alice:
        assert alice.ask("INVITE", uri, from_="sip:alice@example.com").status == 407
    with Ua(one.address, "bob", host=STRANGER, password="secret") as bob:
        assert bob.ask("INVITE", uri, from_="sip:alice@example.com").status == 403
        assert bob.ask("MESSAGE", uri, from_="sip:x@elsewhere.example").status == 403
        third.check()
        # The same with his own name passes: what the test watches can be reached.
        bob.send(bob.request("MESSAGE", uri, from_="sip:bob@example.com"))
        challenge = bob.final().get("Proxy-Authenticate")
        line = f"Proxy-Authorization: {digest(challenge, 'bob', 'secret', 'MESSAGE', uri)}"
        bob.send(bob.request("MESSAGE", uri, from_="sip:bob@example.com", lines=[line]))
        third.udp.settimeout(30)
        forwarded = third.udp.recv(65536)
        assert forwarded.startswith(f"MESSAGE {uri} ".encode())
        assert b"Proxy-Authorization" not in forwarded


@AUTH
def test_replayed_credentials_are_refused(one, third):
    """RFC 7616 section 5.5: who has read a request on its way cannot use its credentials again."""
    uri = f"sip:victim@{third.address}"
    with Ua(one.address, "bob", password="secret") as bob, Ua(one.address, "thief", host=STRANGER) as thief:
        bob.send(bob.request("MESSAGE", uri, from_="sip:bob@example.com"))
        challenge = bob.final().get("Proxy-Authenticate")
        line = f"Proxy-Authorization: {digest(challenge, 'bob', 'secret', 'MESSAGE', uri)}"
        bob.send(bob.request("MESSAGE", uri, from_="sip:bob@example.com", lines=[line]))
        third.udp.settimeout(30)
        call_id = re.search(rb"Call-ID: (\S+)", third.udp.recv(65536)).group(1)
        assert call_id.decode() == bob.call_id
        for _ in range(3):
            thief.send(thief.request("MESSAGE", uri, from_="sip:bob@example.com", lines=[line]))
            answer = thief.final()
            assert answer.status == 407 and "stale=true" in answer.get("Proxy-Authenticate").lower()
        drain_until = time.monotonic() + 1
        while time.monotonic() < drain_until:
            if select.select([third.udp], [], [], 0.1)[0]:
                assert bob.call_id.encode() in third.udp.recv(65536)


def test_replayed_registration_is_refused(one):
    with Ua(one.address, "bob") as bob, Ua(one.address, "bob", host=STRANGER) as thief:
        uri = f"sip:{one.address}"
        bob.send(bob.request("REGISTER", uri, to=bob.aor, lines=[f"Contact: {bob.contact}"]))
        line = f"Authorization: {digest(bob.final().get('WWW-Authenticate'), 'bob', 'secret', 'REGISTER', uri)}"
        bob.send(bob.request("REGISTER", uri, to=bob.aor, lines=[f"Contact: {bob.contact}", line]))
        assert bob.final().status == 200
        thief.send(thief.request("REGISTER", uri, to=bob.aor, lines=[f"Contact: {thief.contact}", line]))
        assert thief.final().status == 401
    contact, = one.json("contacts", "bob")["contacts"]
    assert bob.address in contact["contact"]


def test_nobody_registers_for_another_user(one, third):
    with Ua(one.address, "alice", host=STRANGER, password="secret") as alice:
        answer = alice.ask("REGISTER", "sip:example.com", to="sip:bob@example.com",
                           lines=[f"Contact: <sip:bob@{third.address}>"])
        assert answer.status == 403
        # The name in From makes no difference: To is what is registered.
        answer = alice.ask("REGISTER", "sip:example.com", to="sip:bob@example.com", from_="sip:bob@example.com",
                           lines=[f"Contact: <sip:bob@{third.address}>"])
        assert answer.status == 403
    with Ua(one.address, "bob", host=STRANGER, password="wrong") as bob:
        assert bob.register(f"<sip:bob@{third.address}>").status == 401
    with Ua(one.address, "bob", host=STRANGER) as bob:
        assert bob.register(f"<sip:bob@{third.address}>").status == 401
    assert one.json("contacts")["contacts"] == []
    with Ua(one.address, "x", host=STRANGER) as stranger:
        assert stranger.ask("MESSAGE", "sip:bob@example.com", from_="sip:x@elsewhere.example").status == 480
    third.check()


def test_a_sender_of_our_domain_is_challenged_however_long_his_name(server):
    """RFC 3261 section 22.3: a name that is longer than any account's is no stranger's."""
    one = server(domains="example.com")
    one.command("user", "password", "bob", "secret")
    with Ua(one.address, "bob", password="secret") as bob, Ua(one.address, "x", host=STRANGER) as stranger:
        assert bob.ask("REGISTER", "sip:example.com", to="sip:bob@example.com",
                       lines=[f"Contact: {bob.contact}"]).status == 200
        for length in (10, 600, 1500):
            sender = f"sip:{'u' * length}@example.com"
            assert stranger.ask("MESSAGE", "sip:bob@example.com", from_=sender).status == 407
            assert bob.ask("MESSAGE", "sip:bob@example.com", from_=sender).status == 403
        bob.nothing()


def test_a_token_opens_the_way_for_its_call_only(one, third):
    """Decision 0003: the token of Record-Route goes with one Call-ID."""
    with Ua(one.address, "bob", password="secret") as bob, Ua(one.address, "x", host=STRANGER) as stranger:
        assert bob.register().status == 200
        stranger.send(stranger.request("INVITE", "sip:bob@example.com", from_="sip:x@elsewhere.example"))
        invite = bob.wait_for("INVITE")
        record_route = invite.all("Record-Route")
        assert record_route and all(";tz=" in value for value in record_route)
        bob.send(bob.response(invite, "486 Busy Here"))
        refused = stranger.final()
        assert refused.status == 486
        stranger.send(stranger.ack("sip:bob@example.com", refused))
        for method in ("BYE", "INVITE", "MESSAGE", "ACK"):
            stranger.call_id = f"another-{method}-{stranger.tag}"
            stranger.send(stranger.request(method, f"sip:victim@{third.address}", to_tag="callee",
                                           from_="sip:x@elsewhere.example", lines=[f"Route: {r}" for r in record_route]))
            if method != "ACK":
                assert stranger.final().status == 403
    third.check()


def test_a_strangers_own_token_opens_nothing_new(one, third):
    """Decision 0003: in a dialog that a stranger opened, what could open something new is no part of it."""
    with Ua(one.address, "bob", password="secret") as bob, Ua(one.address, "x", host=STRANGER) as stranger:
        assert bob.register().status == 200
        stranger.send(stranger.request("INVITE", "sip:bob@example.com", from_="sip:x@elsewhere.example"))
        invite = bob.wait_for("INVITE")
        record_route = invite.all("Record-Route")
        bob.send(bob.response(invite, "486 Busy Here"))
        refused = stranger.final()
        stranger.send(stranger.ack("sip:bob@example.com", refused))
        for method in ("INVITE", "MESSAGE", "REFER", "SUBSCRIBE", "PUBLISH", "UNHEARD"):
            stranger.send(stranger.request(method, f"sip:victim@{third.address}", to_tag="callee",
                                           from_="sip:x@elsewhere.example", lines=[f"Route: {r}" for r in record_route]))
            assert stranger.final().status == 403
    third.check()
