"""Flows that phones register by (RFC 5626), and URIs that lead to one of them (RFC 5627), over real connections."""

import contextlib
import os
import re
import struct
import time

import pytest
from baresip import Baresip
from ua import Ua

OPEN = {"auth__register": False, "auth__call": False, "drain_time": "0s"}
STUN = struct.pack("!HHI", 1, 0, 0x2112A442) + os.urandom(12)  # a Binding request (RFC 8489)
INSTANCE = "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"


class Phone(Ua):
    """Has one connection; several of them are flows of one phone."""

    def __init__(self, one, reg_id, user="bob", transport="TCP"):
        super().__init__(one.address, user, transport)
        self.reg_id = reg_id

    def register_flow(self, *lines):
        return self.ask("REGISTER", f"sip:{self.server}", to=self.aor, lines=[
            f'Contact: {self.contact};reg-id={self.reg_id};+sip.instance="<{INSTANCE}>"', "Supported: path, outbound, gruu", *lines])


def call(caller, uri, call_id):
    caller.call_id = call_id
    caller.send(caller.request("INVITE", uri, lines=[f"Contact: {caller.contact}"]))


def declines(phone, caller, uri):
    phone.send(phone.response(phone.wait_for("INVITE"), "486 Busy Here"))
    assert phone.wait_for("ACK")
    refused = caller.final()
    caller.send(caller.ack(uri, refused))
    assert refused.status == 486


def refused_at_once(caller, uri, call_id, status=480):
    began = time.monotonic()
    call(caller, uri, call_id)
    refused = caller.final()
    caller.send(caller.ack(uri, refused))
    assert refused.status == status and time.monotonic() - began < 15


def until(condition, timeout=30):
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def flows(one):
    return sorted((c["reg_id"], c["flow"]) for c in one.json("contacts", "bob")["contacts"])


@pytest.mark.parametrize("workers", [1, 3])
def test_one_flow_after_the_other_and_none_after_a_restart(server, workers):
    one = server(workers=workers, **OPEN)
    with contextlib.ExitStack() as stack:
        first, second = (stack.enter_context(Phone(one, number)) for number in (1, 2))
        caller = stack.enter_context(Ua(one.address, "alice"))
        for phone in (first, second):
            answer = phone.register_flow()
            assert answer.status == 200 and answer.get("Require") == "outbound"
            time.sleep(0.05)  # which one is newer shall be beyond doubt: workers look at the clock once a turn
        assert flows(one) == [(1, "alive"), (2, "alive")]
        shown = one.command("contacts", "bob")
        assert f"<{INSTANCE}>" in shown and "reg-id 1, alive" in shown and "reg-id 2, alive" in shown
        call(caller, first.aor, "newest")
        declines(second, caller, first.aor)
        first.nothing()
        second.socket.close()
        until(lambda: flows(one) == [(1, "alive"), (2, "gone")])
        call(caller, first.aor, "other")
        declines(first, caller, first.aor)
        first.socket.close()
        until(lambda: flows(one) == [(1, "gone"), (2, "gone")])
        assert "NOT REACHABLE" in one.command("contacts")
        refused_at_once(caller, first.aor, "none")
        back = stack.enter_context(Phone(one, 1))
        assert back.register_flow().status == 200
        one.restart()
        assert flows(one) == [(1, "gone"), (2, "gone")]
        with Ua(one.address, "alice") as again:
            refused_at_once(again, first.aor, "restart")


def test_strangers_on_connections_are_called_back_whichever_worker_owns_them(server):
    """Without Record-Route in the configuration; their Contact is the port that the connection comes from."""
    one = server(workers=3, **OPEN)
    with contextlib.ExitStack() as stack:
        bob = stack.enter_context(Ua(one.address, "bob"))
        assert bob.register().status == 200
        strangers = [stack.enter_context(Ua(one.address, f"stranger{number}", "TCP")) for number in range(8)]
        for stranger in strangers:
            call(stranger, bob.aor, f"call-{stranger.user}")
            invite = bob.wait_for("INVITE")
            bob.send(bob.response(invite, "200 OK", lines=[f"Contact: {bob.contact}"]))
            accepted = stranger.final()
            routes = accepted.all("Record-Route")
            assert accepted.status == 200 and ";fl=" in ",".join(routes)
            stranger.send(stranger.ack(bob.contact.strip("<>"), accepted, via=stranger.via(),
                                       lines=[f"Route: {route}" for route in reversed(routes)]))
            assert bob.wait_for("ACK")
            target = re.search("<(.*)>", invite.get("Contact")).group(1)
            bye = dict(to=stranger.aor, from_tag="callee", to_tag=stranger.tag, call_id=stranger.call_id, cseq=1)
            for wrong in (";fl=X", ";fl="):
                lines = [f"Route: {route.replace(';fl=', wrong)}" for route in invite.all("Record-Route")]
                bob.send(bob.request("BYE", target, lines=lines, **bye))
                if wrong == ";fl=X":
                    assert bob.final().status == 403
            stranger.send(stranger.response(stranger.wait_for("BYE"), "200 OK"))
            assert bob.final().status == 200
            stranger.socket.close()
        until(lambda: not any(worker["connections"] for worker in one.json("status")["workers"]))
        began = time.monotonic()
        bob.send(bob.request("BYE", target, lines=lines, **{**bye, "cseq": 2}))
        assert bob.final().status == 430 and time.monotonic() - began < 15


def test_gruus_lead_to_the_phone_over_restarts(server):
    one = server(workers=2, **OPEN)
    with Ua(one.address, "bob") as bob, Ua(one.address, "bob") as other, Ua(one.address, "alice") as alice:
        assert other.register().status == 200
        answer = bob.ask("REGISTER", f"sip:{bob.server}", to=bob.aor, lines=[
            f'Contact: {bob.contact};+sip.instance="<{INSTANCE}>"', "Supported: gruu"])
        contact = next(line for line in answer.all("Contact") if INSTANCE in line)
        gruus = [re.search(f'{kind}-gruu="([^"]*)"', contact).group(1) for kind in ("pub", "temp")]
        assert gruus[0].endswith(f";gr={INSTANCE}") and gruus[1].endswith(";gr") and "bob" not in gruus[1]
        assert not any("gruu" in line for line in other.register().all("Contact"))
        for number, gruu in enumerate(gruus):
            call(alice, gruu, f"gruu-{number}")
            declines(bob, alice, gruu)
        one.restart()
        for number, gruu in enumerate(gruus):
            call(alice, gruu, f"restart-{number}")
            declines(bob, alice, gruu)
        other.nothing()
        assert bob.register(expires=0).status == 200
        refused_at_once(alice, gruus[0], "public")
        refused_at_once(alice, gruus[1], "temporary", status=404)


# RFC 5626 sections 4.4.1, 4.4.2: CRLFs on connections, STUN in datagrams, whichever worker gets them.
@pytest.mark.parametrize("transport", ["TCP", "UDP"])
def test_a_keep_alive_moves_the_time_last_seen(server, transport):
    one = server(registrar__flow_timer="30s", workers=3, **OPEN)
    with Phone(one, 1, transport=transport) as phone:
        answer = phone.register_flow()
        assert answer.get("Flow-Timer") == "30"
        seen = one.json("contacts", "bob")["contacts"][0]["seen"]
        time.sleep(1.1)
        phone.socket.sendto(b"\r\n\r\n" if transport == "TCP" else STUN, phone.target)
        until(lambda: one.json("contacts", "bob")["contacts"][0]["seen"] > seen)


def test_baresip_registers_a_flow_and_is_called_along_it(server, tmp_path):
    """Its account has outbound= and sipnat=outbound: it names reg-id and instance, and listens nowhere for TCP."""
    one = server(auth__call=False)
    line = re.findall(r"(?m)^  (baresip -f .*)$", one.out())[1]
    flow = f';transport=tcp>;sipnat=outbound;outbound="sip:{one.address};transport=tcp"'
    phone = Baresip(re.sub(r"(<sip:bob@[^>]*)>", lambda found: found.group(1) + flow, line), tmp_path)
    phone.start()
    try:
        phone.wait_for(r"200 OK \(Trapezoid\) \[1 binding\]")
        contact = one.json("contacts", "bob")["contacts"][0]
        assert contact["reg_id"] == 1 and contact["flow"] == "alive" and contact["instance"].startswith("<urn:uuid:")
        with Ua(one.address, "alice") as alice:
            uri = f"sip:bob@{one.address}"
            call(alice, uri, "call")
            phone.wait_for(r"Incoming call from: +sip:alice@")
            phone.type("b")
            refused = alice.final()
            alice.send(alice.ack(uri, refused))
            assert refused.status == 486
    finally:
        phone.stop()
