"""STUN on the SIP port: what phones keep their NAT's mapping alive with (RFC 5626 section 4.4.2)."""

import os
import socket
import struct

import pytest
import trapezoid
from ua import Ua

COOKIE = 0x2112A442


def binding(attributes=b""):
    return struct.pack("!HHI", 1, len(attributes), COOKIE) + os.urandom(12) + attributes


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_phone_learns_its_address_on_the_sip_port(server, host):
    port = trapezoid.free_port(host)
    server(listen=f"udp:[{host}]:{port}" if ":" in host else f"udp:{host}:{port}")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as phone:
        phone.settimeout(30)
        phone.connect((host, port))
        request = binding()
        phone.send(request)
        answer = phone.recv(2048)
        assert answer[:2] == b"\x01\x01" and answer[4:20] == request[4:20]
        kind, length, _, _, mapped = struct.unpack("!HHBBH", answer[20:28])
        assert (kind, length) == (0x0020, 20 if ":" in host else 8)
        assert mapped ^ COOKIE >> 16 == phone.getsockname()[1]
        key = answer[4:20]
        plain = bytes(a ^ b for a, b in zip(answer[28:], key))
        assert plain == socket.inet_pton(family, host)
        assert len(answer) <= 44


def test_what_only_looks_like_stun_is_not_answered_and_sip_goes_on(server):
    one = server(auth__register=False)
    host, port = one.address.rsplit(":", 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.settimeout(0.3)
        phone.connect((host, int(port)))
        phone.send(b"\0\x11" + binding()[2:])  # an indication
        phone.send(binding()[:-1])
        phone.send(b"\0\1" + b"\xff" * 40)
        with pytest.raises(TimeoutError):
            phone.recv(2048)
        phone.settimeout(30)
        phone.send(binding())
        assert phone.recv(2048)[:2] == b"\x01\x01"
    with Ua(one.address, "asker") as ua:
        assert ua.ask("OPTIONS", f"sip:{one.address}").status == 200
