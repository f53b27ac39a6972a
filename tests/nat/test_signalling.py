"""Phones behind every NAT of the laboratory register, call and are called, over UDP, TCP and TLS."""

import contextlib
import os
import re
import sys
import threading
import time

import pytest
from lab import KINDS, Lab

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "system"))
import trapezoid  # noqa: E402
from baresip import Baresip  # noqa: E402
from dialog import establish  # noqa: E402
from tls import Authority  # noqa: E402
from ua import Ua  # noqa: E402

PORTS = {"UDP": 5060, "TCP": 5060, "TLS": 5061}
INSTANCE = "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
TWO = "symmetric behind port-restricted cone"
SITES = [*KINDS, TWO]


class Server(trapezoid.Trapezoid):
    """A server outside."""

    def __init__(self, lab, pair, address=0, **settings):
        self.lab = lab
        host = lab.servers[address]
        super().__init__({"domains": host, "auth.register": False, "auth.call": False, "tls.certificate": pair[0], "tls.key": pair[1],
                          "drain_time": "0s", **settings})
        self.settings["listen"] = [*(f"{kind.lower()}:{host}:{port}" for kind, port in PORTS.items()), f"udp:{host}:5070"]
        self.host, self.prefix = host, lab.outside.command()

    def contacts(self, user):
        answer = self.json("contacts", user)
        assert "contacts" in answer, answer
        return answer["contacts"]


class Phone(Ua):
    """`style`: plain (rport, RFC 3581), old (knows of no NAT), outbound (RFC 5626), learned (writes the outside address
    that it was told of into its Contact), wrong (it has learned that of another server), or another (its Contact is a
    private address of another interface)."""

    outside, reg_id = None, 1

    def __init__(self, server, place, host, user, transport="UDP", style="plain", context=None, **more):
        self.style = style
        with place.entered():
            super().__init__(f"{server.host}:{PORTS[transport]}", user, transport, host, tls=context, name=server.host, **more)

    @property
    def aor(self):
        return f"sip:{self.user}@{self.target[0]}"

    @property
    def contact(self):
        if self.style == "outbound":
            return super().contact.replace(">", ";ob>")
        if self.style == "another":
            return f"<sip:{self.user}@10.254.254.254:5060{self.parameter}>"
        return super().contact.replace(self.address, self.outside or self.address)

    def via(self):
        if self.style == "wrong":
            return super().via().replace(self.address, self.outside)
        return super().via().replace(";rport", "") if self.style == "old" else super().via()

    def learn(self, site):
        """Asks what its address is outside (RFC 3581 section 4)."""
        if self.style == "learned":
            via = self.ask("OPTIONS", f"sip:{self.target[0]}").get("Via")
            self.outside = "%s:%s" % tuple(re.search(rf"{name}=([^;]*)", via).group(1) for name in ("received", "rport"))
        elif self.style == "wrong":
            self.outside = f"{site.outside}:9"

    def register(self, contact=None, expires=600):
        flow = f';reg-id={self.reg_id};+sip.instance="<{INSTANCE}>"' if self.style == "outbound" else ""
        return self.ask("REGISTER", f"sip:{self.target[0]}", to=self.aor, lines=[
            f"Contact: {contact or self.contact}{flow};expires={expires}",
            *(["Supported: outbound, path"] if self.style == "outbound" else [])])


def invites(dialog, other):
    """A re-INVITE with its ACK."""
    dialog.arrives(other, "INVITE")
    dialog.arrives(other, "ACK", cseq=dialog.cseq)


def talk(caller, callee):
    """A call in which both sides change something; the callee hangs up."""
    _, here, there = establish(caller, callee, callee.aor)
    invites(there, caller)
    invites(here, callee)
    here.arrives(callee, "UPDATE")
    there.arrives(caller, "BYE")


@pytest.fixture(scope="module")
def lab():
    with Lab() as one:
        yield one


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def pair(root, lab):
    return root.sign("server", ",".join(f"IP:{address}" for address in lab.servers))


@pytest.fixture(scope="module")
def server(lab, pair):
    one = Server(lab, pair).start()
    yield one
    one.close()


@pytest.fixture(scope="module")
def sites(lab):
    """One of each kind, made when it is first asked for."""
    made = {}

    def site(kind):
        if kind not in made:
            made[kind] = (lab.site("symmetric", behind=lab.site("port-restricted cone")) if kind == TWO else lab.site(kind))
        return made[kind]

    return site


CASES = [(kind, transport, "plain") for kind in SITES for transport in PORTS if (kind, transport) != ("udp blocked", "UDP")]
CASES += [(kind, "UDP", "old") for kind in SITES if kind != "udp blocked"]
CASES += [("symmetric", transport, style) for transport in PORTS for style in ("outbound", "learned", "wrong", "another")]


@pytest.mark.parametrize("kind,transport,style", CASES)
def test_a_phone_registers_calls_and_is_called(lab, server, sites, root, kind, transport, style):
    site = sites(kind)
    with contextlib.ExitStack() as stack:
        bob = stack.enter_context(Phone(server, site.host, site.address, "bob", transport, style, root.client()))
        alice = stack.enter_context(Phone(server, lab.outside, lab.servers[1], "alice"))
        bob.learn(site)
        assert bob.register().status == 200 and alice.register().status == 200
        nat = server.contacts("bob")[0]["nat"]
        shows = not site.public and (style != "wrong" or transport == "UDP")
        assert nat["behind"] is shows
        assert nat["pinged"] is (nat["behind"] and style != "outbound")
        try:
            talk(alice, bob)
            talk(bob, alice)
        finally:
            bob.register(expires=0)
            alice.register(expires=0)


class Awake(threading.Thread):
    """Answers what a phone is asked while nobody calls it."""

    def __init__(self, phone):
        super().__init__()
        self.phone, self.asked, self.ended = phone, [], threading.Event()
        self.start()

    def run(self):
        while not self.ended.is_set():
            if message := self.phone.receive(0.05):
                self.asked.append(message)
                self.phone.send(self.phone.response(message, "200 OK"))

    def stop(self):
        self.ended.set()
        self.join()


def until(condition, timeout=60):
    end = time.monotonic() + timeout
    while not (found := condition()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return found


@pytest.fixture(scope="module")
def eager(lab, pair):
    """Keeps mappings alive every second."""
    one = Server(lab, pair, 1, **{"nat.keepalive_first": "1s", "nat.keepalive_min": "1s", "nat.keepalive_max": "1s"}).start()
    yield one
    one.close()


def test_a_mapping_that_expires_fast_is_kept_alive(lab, server, eager):
    site = lab.site("symmetric", time=5)
    with contextlib.ExitStack() as stack:
        forgotten = stack.enter_context(Phone(server, site.host, site.address, "carol"))
        kept = stack.enter_context(Phone(eager, site.host, site.address, "bob", style="old"))
        assert forgotten.register().status == 200 and kept.register().status == 200
        awake = Awake(kept)
        time.sleep(7)
        awake.stop()
        assert {message.method for message in awake.asked} == {"OPTIONS"} and len(awake.asked) >= 3
        alice = stack.enter_context(Phone(eager, lab.outside, lab.servers[2], "alice"))
        talk(alice, kept)
        nat = eager.contacts("bob")[0]["nat"]
        assert (nat["changes"], nat["answers"], nat["lived_s"], nat["unreachable"]) == (0, True, 1, False)
        assert "pinged every 1 s" in nat["text"] and nat["text"] in eager.command("contacts", "bob")
        other = stack.enter_context(Phone(server, lab.outside, lab.servers[2], "alice"))
        other.send(other.request("INVITE", forgotten.aor, lines=[f"Contact: {other.contact}"]))
        forgotten.nothing()


@pytest.mark.parametrize("kind,named", [("symmetric", "symmetric"), ("restricted cone", "endpoint-independent")])
def test_a_phone_that_registers_at_two_ports_shows_how_its_nat_maps(server, sites, kind, named):
    site = sites(kind)
    with Phone(server, site.host, site.address, "dora", style="outbound") as dora:
        assert dora.register().status == 200
        assert server.contacts("dora")[0]["nat"]["kind"] == "unknown"
        dora.target, dora.reg_id = (server.host, 5070), 2
        assert dora.register().status == 200
        assert [contact["nat"]["kind"] for contact in server.contacts("dora")] == [named, named]
        listed = [contact for contact in server.json("contacts")["contacts"] if contact["aor"].startswith("sip:dora@")]
        assert [contact["nat"]["kind"] for contact in listed] == [named, named]


@pytest.fixture(scope="module")
def strict(lab, pair):
    """Asks for passwords."""
    one = Server(lab, pair, 2, **{"auth.register": True, "auth.call": True}).start()
    for user in ("carl", "eve"):
        one.user_add(user, "secret")
    yield one
    one.close()


@pytest.mark.parametrize("transport,words", [("UDP", "REGISTER"), ("UDP", "INVITE"), ("TCP", "INVITE"), ("TLS", "INVITE")])
def test_a_phone_whose_mapping_changed_is_found_with_its_next_request(lab, strict, root, transport, words):
    """The same phone: its Contact stays, over connections too."""
    site = lab.site("symmetric")
    with contextlib.ExitStack() as stack:
        def phone(**more):
            return stack.enter_context(Phone(strict, site.host, site.address, "carl", transport, context=root.client(),
                                             password="secret", **more))
        carl = phone()
        alice = stack.enter_context(Phone(strict, lab.outside, lab.servers[1], "alice"))
        assert carl.register().status == 200
        before = strict.contacts("carl")[0]
        site.new_mappings()
        if transport != "UDP":
            carl.socket.close()
            contact, again = carl.address, phone()
            again.outside, again.call_id, again.tag, again.cseq = contact, carl.call_id, carl.tag, carl.cseq
            carl = again
        if words == "REGISTER":
            assert carl.register().status == 200
        else:
            assert carl.ask("INVITE", "sip:nobody@" + strict.host, lines=[f"Contact: {carl.contact}"]).status == 404
        after = strict.contacts("carl")[0]
        assert after["from"] != before["from"] and after["nat"]["changes"] == 1 and "changed 1 times" in after["nat"]["text"]
        _, _, there = establish(alice, carl, carl.aor, from_="sip:stranger@elsewhere.example.org")
        there.arrives(alice, "BYE")
        carl.register(expires=0)


def test_nobody_else_moves_a_phone(lab, strict):
    site, thief = lab.site("symmetric"), lab.site("symmetric")
    with contextlib.ExitStack() as stack:
        carl = stack.enter_context(Phone(strict, site.host, site.address, "carl", password="secret"))
        assert carl.register().status == 200
        before = strict.contacts("carl")[0]
        for user, password, status in (("carl", "wrong", 407), ("eve", "secret", 404)):
            eve = stack.enter_context(Phone(strict, thief.host, thief.address, user, password=password))
            answer = eve.ask("INVITE", f"sip:nobody@{strict.host}", lines=[f"Contact: {carl.contact}"])
            assert answer.status == status
            assert strict.contacts("carl")[0]["from"] == before["from"]
        carl.register(expires=0)


@pytest.mark.parametrize("transport", ["TCP", "TLS"])
def test_a_silent_connection_is_pinged(eager, sites, root, transport):
    """With two CRLFs, which it may answer or not."""
    site = sites("symmetric")
    with Phone(eager, site.host, site.address, "bob", transport, context=root.client()) as bob:
        assert bob.register().status == 200
        got, end = b"", time.monotonic() + 30
        while b"\r\n\r\n" not in got and time.monotonic() < end:
            got += bob.socket.recv(100)
        assert got == b"\r\n\r\n"
        until(lambda: eager.contacts("bob")[0]["nat"]["lived_s"] == 1)
        seen = eager.contacts("bob")[0]["seen"]
        bob.send("\r\n")
        until(lambda: eager.contacts("bob")[0]["seen"] > seen)
        bob.register(expires=0)


def test_baresip_is_kept_reachable_behind_a_symmetric_nat_that_forgets_fast(lab, eager, tmp_path):
    """It sends no keep-alives of its own, and answers OPTIONS."""
    site = lab.site("symmetric", time=4)
    phone = Baresip(" ".join(site.command("baresip", "-f", str(tmp_path / "fred"), "-e",
                                          f"'/uanew <sip:fred@{eager.host}>;auth_pass=none'")), tmp_path)
    phone.start()
    try:
        phone.wait_for(r"200 OK \(Trapezoid\) \[1 binding\]")
        before = eager.contacts("fred")[0]
        assert before["nat"]["behind"] and before["nat"]["pinged"]
        time.sleep(5)
        after = until(lambda: (now := eager.contacts("fred")[0])["nat"]["answers"] and not now["nat"]["missed"] and now)
        assert after["from"] == before["from"]
        with Phone(eager, lab.outside, lab.servers[2], "alice") as alice:
            uri = f"sip:fred@{eager.host}"
            alice.send(alice.request("INVITE", uri, lines=[f"Contact: {alice.contact}"]))
            phone.wait_for(r"Incoming call from: +sip:alice@")
            phone.type("b")
            refused = alice.final()
            alice.send(alice.ack(uri, refused))
            assert refused.status == 486
    finally:
        phone.stop()
