"""A TURN server on a way that takes packets of 1400 bytes: what is larger goes in fragments, or comes back with the MTU."""

import os
import struct
import sys

import pytest
from lab import Namespace

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "system"))
import trapezoid  # noqa: E402
import turn  # noqa: E402

MTU, HEADERS = 1400, 28
HOST = "127.0.0.1"


@pytest.fixture
def way():
    namespace = Namespace(f"tz{os.getpid()}-way")
    try:
        namespace.ip("link", "set", "lo", "mtu", str(MTU))
        yield namespace
    finally:
        namespace.delete()


@pytest.fixture
def relay(way):
    """Its address."""
    server = trapezoid.Trapezoid({"listen": f"udp:{HOST}:5060", "stun.listen": f"udp:{HOST}:3478", "turn.enabled": True, "turn.relay": HOST,
                                  "turn.realm": "test", "turn.users": "user:secret", "turn.allow_peers": "127.0.0.0/8"})
    server.prefix = way.command()
    server.start()
    yield HOST, 3478
    server.close()


def test_messages_larger_than_the_way(way, relay):
    """RFC 8656 sections 11.5, 14 and 18.13."""
    with way.entered():
        client, peer = turn.Client(relay), turn.Peer()
    with client, peer:
        relayed = client.allocate(turn.attribute(turn.DONT_FRAGMENT)).relayed[0]
        assert client.permit(peer.address).kind == "success"
        client.send(peer.address, bytes(MTU - HEADERS), turn.attribute(turn.DONT_FRAGMENT))
        assert len(peer.receive()[0]) == MTU - HEADERS
        client.send(peer.address, bytes(MTU - HEADERS + 1), turn.attribute(turn.DONT_FRAGMENT))
        told = turn.Answer(client.take())
        assert told.get(turn.ICMP) == bytes([0, 0, 3, 4]) + struct.pack("!I", MTU)
        assert told.addresses(turn.XOR_PEER_ADDRESS) == [peer.address]
        for size in (2000, 100, 8000):
            client.send(peer.address, bytes(size))
            assert len(peer.receive()[0]) == size
            peer.send(relayed, bytes(size))
            assert client.receive() == (peer.address, bytes(size))
