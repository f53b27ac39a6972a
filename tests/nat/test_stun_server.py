"""Our STUN server seen through every NAT of the laboratory, by clients that others wrote."""

import os
import re
import socket
import struct
import subprocess
import sys

import pytest
from lab import KINDS, Lab

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "system"))
import trapezoid  # noqa: E402

# What turnutils_natdiscovery says of mapping and filtering (RFC 5780 sections 4.3, 4.4).
COTURN = {
    "full cone": ("Endpoint Independent Mapping", "Endpoint Independent Filtering"),
    "restricted cone": ("Endpoint Independent Mapping", "Address Dependent Filtering"),
    "port-restricted cone": ("Endpoint Independent Mapping", "Address and Port Dependent Filtering"),
    "symmetric": ("Address and Port Dependent Mapping", "Address and Port Dependent Filtering"),
    "open": ("Endpoint Independent Mapping", "Endpoint Independent Filtering"),
    "symmetric firewall": ("Endpoint Independent Mapping", "Address and Port Dependent Filtering"),
}
# What the classic client says (RFC 3489 section 10.1).
CLASSIC = {
    "full cone": "Independent Mapping, Independent Filter",
    "restricted cone": "Independent Mapping, Address Dependent Filter",
    "port-restricted cone": "Independent Mapping, Port Dependent Filter",
    "symmetric": "Dependent Mapping",
    "open": "Open",
    "symmetric firewall": "Firewall",
    "udp blocked": "Blocked or could not reach STUN server",
}


class Server(trapezoid.Trapezoid):
    """A server outside, on two addresses and two ports."""

    def __init__(self, lab, **settings):
        super().__init__({"listen": f"udp:{lab.servers[0]}:5060", "stun.listen": f"udp:{lab.servers[0]}:3478",
                          "stun.alternate": f"{lab.servers[1]}:3479", "drain_time": "0s", **settings})
        self.prefix = lab.outside.command()


@pytest.fixture(scope="module")
def lab():
    with Lab() as one:
        yield one


@pytest.fixture(scope="module")
def server(lab):
    one = Server(lab).start()
    yield one
    one.close()


def said_by_clients(lab):
    """What each client prints behind each kind; they wait for time-outs most of the time, so all do it at once."""
    clients = {"coturn": ["turnutils_natdiscovery", "-m", "-f", lab.servers[0]], "classic": ["stun", lab.servers[0], "-v"]}
    running = {}
    for kind in KINDS:
        for name, words in clients.items():
            site = lab.site(kind)
            running[name, kind] = subprocess.Popen(site.command(*words), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                                   text=True)
    return {key: process.communicate(timeout=120)[0] for key, process in running.items()}


def assert_coturn(said, kind):
    text = said["coturn", kind]
    assert re.findall(r"NAT with (.*)!", text) == list(COTURN[kind]), text


def assert_classic(said, kind):
    text = said["classic", kind]
    primary = re.search(r"Primary: (.*)", text)
    assert primary and primary[1].startswith(CLASSIC[kind]), text


@pytest.fixture(scope="module")
def said(lab, server):
    return said_by_clients(lab)


@pytest.mark.parametrize("kind", COTURN)
def test_coturns_client_finds_mapping_and_filtering(said, kind):
    assert_coturn(said, kind)


@pytest.mark.parametrize("kind", KINDS)
def test_the_classic_client_finds_the_kind(said, kind):
    assert_classic(said, kind)


def test_with_one_address_a_change_request_is_refused_and_not_answered_from_the_first(lab):
    one = Server(lab, **{"stun.alternate": None, "stun.listen": f"udp:{lab.servers[2]}:3478"})
    one.settings["listen"] = f"udp:{lab.servers[2]}:5060"
    one.start()
    try:
        with lab.site("open").socket() as s:
            request = struct.pack("!HHI", 1, 8, 0x2112A442) + os.urandom(12) + struct.pack("!HHI", 3, 4, 6)
            s.sendto(request, (lab.servers[2], 3478))
            answer, source = s.recvfrom(2048)
            assert source == (lab.servers[2], 3478)
            assert answer[:2] == b"\x01\x11" and answer[4:20] == request[4:20]
            kind, length, _, hundreds, units = struct.unpack("!HHHBB", answer[20:28])
            assert (kind, hundreds, units) == (9, 4, 20)
            at = 24 + (length + 3) // 4 * 4
            assert answer[at:at + 6] == struct.pack("!HHH", 0x000A, 2, 3)
            assert len(answer) < 80
            s.settimeout(0.2)
            with pytest.raises(socket.timeout):
                s.recvfrom(2048)
    finally:
        one.close()
