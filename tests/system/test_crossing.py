"""Crossing transports: a call for every ordered pair of transport and IP version through one server, requests inside the call
from both sides, and what the server writes into Record-Route (RFC 5658)."""

import contextlib
import itertools
import re
import socket

import pytest
import sctp
from dialog import establish, listed, uri_of
from tls import Authority
from trapezoid import Trapezoid, free_port
from ua import Ua
from ws import WsUa

DOMAIN = "example.org"
HOSTS = {4: "127.0.0.1", 6: "::1"}
# Add a transport here, and in Leg how a phone speaks it.
TRANSPORTS = ["UDP", "TCP", "TLS", "WS", "WSS", "SCTP"]
SIDES = [(transport, version) for transport in TRANSPORTS for version in HOSTS]


def bracketed(host):
    return f"[{host}]" if ":" in host else host


def name_of(side):
    return f"{side[0].lower()}{side[1]}"


class Side:
    """What a phone is by where it is registered, whatever it speaks."""

    calls = itertools.count(1)

    def new_call(self):
        self.call_id, self.tag, self.cseq = f"{self.user}-{next(Side.calls)}", f"tag-{self.user}", 0

    @property
    def aor(self):
        return f"sip:{self.user}@{DOMAIN}"


class WsLeg(Side, WsUa):
    """A phone over WS or WSS."""


class Leg(Side, Ua):
    """A phone over anything else. `tls` is an ssl.SSLContext."""

    def __init__(self, side, address, user, tls, sctp_port):
        self.transport, version = side
        self.user, self.password, self.server = user, None, address
        self.host, self.buffer = HOSTS[version], b""
        self.target = (self.host, int(address.rpartition(":")[2]))
        if self.transport == "SCTP":
            self.socket = sctp.Association(self.host).connect(*self.target, sctp_port)
            port = self.socket.port
        else:
            self.socket = self.open_socket(version, tls)
            port = self.socket.getsockname()[1]
        self.address = f"{bracketed(self.host)}:{port}"

    def open_socket(self, version, tls):
        family = socket.AF_INET6 if version == 6 else socket.AF_INET
        kind = socket.SOCK_DGRAM if self.transport == "UDP" else socket.SOCK_STREAM
        made = socket.socket(family, kind)
        made.settimeout(30)
        made.bind((self.host, 0))
        if kind == socket.SOCK_STREAM:
            made.connect(self.target)
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return tls.wrap_socket(made, server_hostname=self.host) if self.transport == "TLS" else made


class World:
    """One server that listens on every side, and two phones on each."""

    def __init__(self, stack, authority):
        self.listeners = {side: f"{bracketed(HOSTS[side[1]])}:{free_port(HOSTS[side[1]])}" for side in SIDES}
        self.sctp_port, self.authority = free_port(), authority
        certificate, key = authority.sign("server", "IP:127.0.0.1,IP:::1")
        self.server = Trapezoid({
            "tls.certificate": certificate, "tls.key": key, "tls.trust": authority.certificate,
            "sctp.encapsulation": "udp", "sctp.udp_port": self.sctp_port,
            "listen": [f"{side[0].lower()}:{address}" for side, address in self.listeners.items()],
            "domains": DOMAIN, "auth.register": False, "auth.call": False, "record_route": True, "drain_time": "0s"})
        self.server.start()
        stack.callback(self.server.close)
        self.callers, self.callees = ({side: stack.enter_context(self.phone(side, f"{name_of(side)}-{role}"))
                                       for side in SIDES} for role in ("caller", "callee"))
        for phone in [*self.callers.values(), *self.callees.values()]:
            assert phone.register().status == 200

    def phone(self, side, user):
        address, host, context = self.listeners[side], HOSTS[side[1]], self.authority.client()
        if side[0] in ("WS", "WSS"):
            wrap = (lambda plain: context.wrap_socket(plain, server_hostname=host)) if side[0] == "WSS" else None
            phone = WsLeg(address, user, wrap=wrap, host=host)
        else:
            phone = Leg(side, address, user, context, self.sctp_port)
        phone.new_call()
        return phone


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with contextlib.ExitStack() as stack:
        yield World(stack, Authority(tmp_path_factory.mktemp("tls")))


def own_routes(message):
    """Record-Route as [(address, transport parameter or None)], topmost first."""
    uris = [uri_of(value) for value in listed(message, "Record-Route")]
    for uri in uris:
        assert re.search(r";lr\b", uri), uri
    return [(re.match(r"sips?:([^;]*)", uri).group(1),
             (re.search(r";transport=(\w+)", uri) or [None, None])[1]) for uri in uris]


def expected_routes(world, caller, callee):
    """RFC 5658: one value when both sides are the same, else the one for the callee above the one for the caller. A caller
    on a connection has one of his own in any case, as it leads back along that connection (RFC 5626 section 5.3.2)."""
    def route(side):
        return world.listeners[side], None if side[0] == "UDP" else side[0].lower()

    return [route(callee)] if caller == callee and caller[0] == "UDP" else [route(callee), route(caller)]


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
