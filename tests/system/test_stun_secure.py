"""STUN over TLS and DTLS (RFC 8489 section 6.2.3, RFC 7350)."""

import os
import socket
import ssl
import struct

import pytest
import tls
import trapezoid

COOKIE = 0x2112A442


def binding(attributes=b""):
    return struct.pack("!HHI", 1, len(attributes), COOKIE) + os.urandom(12) + attributes


def mapped(answer, request):
    """(address, port) of XOR-MAPPED-ADDRESS, IPv4, the first attribute of a success response."""
    assert answer[:2] == b"\x01\x01" and answer[4:20] == request[4:20]
    kind, length, _, family, port = struct.unpack("!HHBBH", answer[20:28])
    assert (kind, length, family) == (0x0020, 8, 1)
    return socket.inet_ntoa(bytes(a ^ b for a, b in zip(answer[28:32], request[4:8]))), port ^ COOKIE >> 16


def whole(stream):
    """One STUN message of a stream."""
    data = b""
    while len(data) < 20 or len(data) < 20 + struct.unpack("!H", data[2:4])[0]:
        more = stream.recv(4096)
        assert more, "the stream has ended"
        data += more
    return data


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return tls.Authority(tmp_path_factory.mktemp("authority"))


def test_a_binding_request_over_tls(server, authority):
    port = trapezoid.free_port()
    certificate, key = authority.sign("stun", "IP:127.0.0.1")
    server(stun__listen=f"tls:127.0.0.1:{port}", tls__certificate=certificate, tls__key=key)
    with socket.create_connection(("127.0.0.1", port), timeout=5) as tcp, \
            authority.client().wrap_socket(tcp, server_hostname="127.0.0.1") as stream:
        requests = [binding(), binding()]
        stream.sendall(requests[0] + requests[1][:7])
        assert mapped(whole(stream), requests[0]) == stream.getsockname()
        stream.sendall(requests[1][7:])
        assert mapped(whole(stream), requests[1]) == stream.getsockname()


def test_the_certificate_of_the_first_start_is_enough(server):
    port = trapezoid.free_port()
    one = server(stun__listen=f"tls:127.0.0.1:{port}")
    context = ssl.create_default_context(cafile=os.path.join(one.folder, "data", "tls-certificate.pem"))
    with socket.create_connection(("127.0.0.1", port), timeout=5) as tcp, \
            context.wrap_socket(tcp, server_hostname="127.0.0.1") as stream:
        request = binding()
        stream.sendall(request)
        assert mapped(whole(stream), request) == stream.getsockname()
