"""NAT behaviour discovery along connections (RFC 5780 sections 4.3, 6)."""

import contextlib
import socket

import pytest
import trapezoid
import turn

MAPPED_ADDRESS, CHANGE_REQUEST, RESPONSE_ORIGIN, OTHER_ADDRESS = 0x0001, 0x0003, 0x802B, 0x802C


def plain(answer, kind):
    value = answer.get(kind)
    return value and (socket.inet_ntoa(value[4:8]), int.from_bytes(value[2:4], "big"))


def ask(address, local=0, attributes=b""):
    """The answer along a connection of its own, and what it was made from."""
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind(("127.0.0.1", local))
        one.settimeout(5)
        one.connect(address)
        one.sendall(turn.message(1, attributes=attributes))
        answer = turn.Answer(one.recv(2048))
        return answer, one.getsockname()


@pytest.fixture
def corners(server):
    """Starts a server of two addresses; its four sockets, each with the one across from it."""
    def make(**settings):
        first, second = trapezoid.free_port(), trapezoid.free_port("127.0.0.2")
        server(**{"stun__listen": [f"udp:127.0.0.1:{first}", f"tcp:127.0.0.1:{first}"],
                  "stun__alternate": f"127.0.0.2:{second}", **{key: value(second) for key, value in settings.items()}})
        hosts, ports = ("127.0.0.1", "127.0.0.2"), (first, second)
        return {(hosts[i], ports[j]): (hosts[1 - i], ports[1 - j]) for i in (0, 1) for j in (0, 1)}
    return make


def test_mapping_can_be_found_out_along_connections(corners):
    local = trapezoid.free_port()
    for address, across in corners().items():
        answer, source = ask(address, local)
        assert answer.kind == "success" and answer.addresses(turn.XOR_MAPPED_ADDRESS) == [source] == [("127.0.0.1", local)]
        assert plain(answer, MAPPED_ADDRESS) == source
        assert (plain(answer, RESPONSE_ORIGIN), plain(answer, OTHER_ADDRESS)) == (address, across)
        assert ask(address, 0, turn.attribute(CHANGE_REQUEST, bytes(4)))[0].code == 420


@pytest.mark.parametrize("taker", ["the SIP listener", "another program"])
def test_where_others_listen_connections_tell_no_other_address(corners, taker):
    with contextlib.ExitStack() as stack:
        def take(port):
            if taker != "another program":
                return f"udp:127.0.0.1:{trapezoid.free_port()},tcp:0.0.0.0:{port}"
            other = stack.enter_context(socket.socket())
            other.bind(("127.0.0.2", port))
            other.listen()
            return None
        first, *_ = corners(listen=take)
        answer, _ = ask(first)
        assert answer.kind == "success" and plain(answer, OTHER_ADDRESS) is None
        assert ask(first, 0, turn.attribute(CHANGE_REQUEST, bytes(4)))[0].code == 420
