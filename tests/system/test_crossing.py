"""Crossing transports: a call for every ordered pair of transport and IP version through one server, requests inside the call
from both sides, and what the server writes into Record-Route (RFC 5658)."""

import contextlib
import itertools
import re
import socket

import pytest
import sctp
from dialog import establish, listed, uri_of
from trapezoid import Trapezoid, free_port
from ua import Ua

DOMAIN = "example.org"
HOSTS = {4: "127.0.0.1", 6: "::1"}
# Add a transport here, and in Leg how a phone speaks it.
TRANSPORTS = ["UDP", "TCP", "SCTP"]
SIDES = [(transport, version) for transport in TRANSPORTS for version in HOSTS]


def bracketed(host):
    return f"[{host}]" if ":" in host else host


def name_of(side):
    return f"{side[0].lower()}{side[1]}"


class Leg(Ua):
    """A phone of one side."""

    def __init__(self, side, address, user, sctp_port):
        self.transport, version = side
        self.user, self.password, self.server = user, None, address
        self.host, self.buffer = HOSTS[version], b""
        if self.transport == "SCTP":
            self.socket = sctp.Association(self.host).connect(self.host, int(address.rpartition(":")[2]), sctp_port)
            self.address = f"{bracketed(self.host)}:{self.socket.port}"
        else:
            self.open_socket(version, address)
        self.new_call()

    def open_socket(self, version, address):
        family = socket.AF_INET6 if version == 6 else socket.AF_INET
        kind = socket.SOCK_DGRAM if self.transport == "UDP" else socket.SOCK_STREAM
        self.socket = socket.socket(family, kind)
        self.socket.settimeout(10)
        self.socket.bind((self.host, 0))
        self.target = (self.host, int(address.rpartition(":")[2]))
        if kind == socket.SOCK_STREAM:
            self.socket.connect(self.target)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.address = f"{bracketed(self.host)}:{self.socket.getsockname()[1]}"

    def new_call(self):
        self.call_id, self.tag, self.cseq = f"{self.user}-{next(Leg.calls)}", f"tag-{self.user}", 0

    calls = itertools.count(1)

    @property
    def aor(self):
        return f"sip:{self.user}@{DOMAIN}"

    @property
    def contact(self):
        parameter = "" if self.transport == "UDP" else f";transport={self.transport.lower()}"
        return f"<sip:{self.user}@{self.address}{parameter}>"


class World:
    """One server that listens on every side, and two phones on each."""

    def __init__(self, stack):
        self.listeners = {side: f"{bracketed(HOSTS[side[1]])}:{free_port(HOSTS[side[1]])}" for side in SIDES}
        sctp_port = free_port()
        self.server = Trapezoid({
            "sctp.encapsulation": "udp", "sctp.udp_port": sctp_port,
            "listen": [f"{side[0].lower()}:{address}" for side, address in self.listeners.items()],
            "domains": DOMAIN, "auth.register": False, "auth.call": False, "record_route": True, "drain_time": "0s"})
        self.server.start()
        stack.callback(self.server.close)
        self.callers, self.callees = ({side: stack.enter_context(Leg(side, address, f"{name_of(side)}-{role}", sctp_port))
                                       for side, address in self.listeners.items()} for role in ("caller", "callee"))
        for phone in [*self.callers.values(), *self.callees.values()]:
            assert phone.register().status == 200


@pytest.fixture(scope="module")
def world():
    with contextlib.ExitStack() as stack:
        yield World(stack)


def own_routes(message):
    """Record-Route as [(address, transport parameter or None)], topmost first."""
    uris = [uri_of(value) for value in listed(message, "Record-Route")]
    for uri in uris:
        assert re.search(r";lr\b", uri), uri
    return [(re.match(r"sips?:([^;]*)", uri).group(1),
             (re.search(r";transport=(\w+)", uri) or [None, None])[1]) for uri in uris]


def expected_routes(world, caller, callee):
    """RFC 5658: one value when both sides are the same, else the one for the callee above the one for the caller."""
    def route(side):
        return world.listeners[side], None if side[0] == "UDP" else side[0].lower()

    return [route(callee)] if caller == callee else [route(callee), route(caller)]


@pytest.mark.parametrize("callee_side", SIDES, ids=name_of)
@pytest.mark.parametrize("caller_side", SIDES, ids=name_of)
def test_a_call_crosses(world, caller_side, callee_side):
    caller, callee = world.callers[caller_side], world.callees[callee_side]
    caller.new_call()
    invite, here, there = establish(caller, callee, callee.aor)
    top = invite.get("Via").split(",")[0]
    assert top.startswith(f"SIP/2.0/{callee_side[0]} {world.listeners[callee_side]};"), top
    assert own_routes(invite) == expected_routes(world, caller_side, callee_side)
    here.arrives(callee, "INFO")
    there.arrives(caller, "INFO")
    # Each side hangs up half of its calls.
    if (SIDES.index(caller_side) + SIDES.index(callee_side)) % 2:
        here.arrives(callee, "BYE")
    else:
        there.arrives(caller, "BYE")
