"""TCP relays (RFC 6062): against coturn's client, and with plain sockets for what that does not do."""

import concurrent.futures
import contextlib
import os
import socket
import struct
import threading

import pytest
import trapezoid
import turn

CONNECT, CONNECTION_BIND, CONNECTION_ATTEMPT, CONNECTION_ID = 0x0A, 0x0B, 0x0C, 0x2A
TCP = b"\x06\0\0\0"


@pytest.fixture
def relay(server):
    """Starts servers that relay: relay(key=value) -> (server, address)."""
    def make(**settings):
        port = trapezoid.free_port()
        settings = {"stun__listen": [f"udp:127.0.0.1:{port}", f"tcp:127.0.0.1:{port}"], "turn__enabled": True,
                    "turn__relay": ["127.0.0.1", "::1"], "turn__realm": "test", "turn__users": ["user:secret", "other:secret"],
                    "turn__allow_peers": ["127.0.0.0/8", "::1"], **settings}
        return server(**settings), ("127.0.0.1", port)
    return make


class Control(turn.Client):
    """A control connection with an allocation for TCP, and the data connections that belong to it."""

    def __init__(self, address, attributes=b"", **more):
        super().__init__(address, transport="tcp", **more)
        self.address = address
        answer = self.allocate(attributes, transport=TCP)
        assert answer.kind == "success", answer.code
        self.relayed = answer.relayed[0]
        self.stack = contextlib.ExitStack()  # peers that listen

    def __exit__(self, *_):
        self.stack.close()
        super().__exit__()

    def connect(self, peer):
        return self.ask(CONNECT, lambda t: turn.attribute(turn.XOR_PEER_ADDRESS, turn.xor_address(peer, t)))

    def attempt(self):
        """The ConnectionAttempt that comes: its ID and the peer."""
        attempt = turn.Answer(self.take())
        assert (attempt.method, attempt.kind) == (CONNECTION_ATTEMPT, "indication")
        return attempt.get(CONNECTION_ID), attempt.addresses(turn.XOR_PEER_ADDRESS)[0]

    def bind_data(self, identifier, user="user"):
        """(connection, answer to its ConnectionBind)."""
        data = turn.Client(self.address, transport="tcp", user=user)
        return data, data.ask(CONNECTION_BIND, turn.attribute(CONNECTION_ID, identifier))

    def data(self, identifier):
        """A data connection that is bound."""
        data, answer = self.bind_data(identifier)
        assert answer.kind == "success", answer.code
        return Data(data)


class Data:
    """A data connection, as a socket is used; what came with the answer comes first."""

    def __init__(self, client):
        self.early, self.socket = client.buffer, client.socket
        self.settimeout, self.send, self.sendall, self.close = (
            self.socket.settimeout, self.socket.send, self.socket.sendall, self.socket.close)
        self.settimeout(30)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def recv(self, size):
        early, self.early = self.early[:size], self.early[size:]
        return early or self.socket.recv(size)


@contextlib.contextmanager
def listener(host="127.0.0.1"):
    with socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET) as one:
        one.settimeout(30)
        yield one


def connected(control):
    """A data connection and the far end of it: (client's, peer's). Each peer has a port of its own: a connection that has ended
    keeps its two addresses for a while."""
    peer = control.stack.enter_context(listener(control.relayed[0]))
    answer = control.connect(peer.getsockname()[:2])
    assert answer.kind == "success", answer.code
    accepted, source = peer.accept()
    assert source[:2] == control.relayed
    accepted.settimeout(30)
    return control.data(answer.get(CONNECTION_ID)), accepted


def read(connection, length):
    data = b""
    while len(data) < length:
        more = connection.recv(1 << 20)
        if not more:
            break
        data += more
    return data


# ---- coturn's client ----

def test_coturns_client_is_relayed(relay):
    """Along TCP and along TLS, at the same time, for each takes seconds."""
    plain, secure = ("127.0.0.1", trapezoid.free_port()), ("127.0.0.1", trapezoid.free_port())
    relay(stun__listen=["tcp:%s:%d" % plain, "tls:%s:%d" % secure])
    runs = {"TCP": (plain, ["-T", "-y"]), "TLS": (secure, ["-S", "-T", "-y"])}
    with concurrent.futures.ThreadPoolExecutor(len(runs)) as pool:
        found = {name: pool.submit(turn.uclient, address, *options, messages=3, clients=2) for name, (address, options) in runs.items()}
        results = {name: one.result() for name, one in found.items()}
    assert all(sent == received >= 6 for sent, received in results.values()), results


# ---- Both ways of connecting ----

@pytest.mark.parametrize("workers", [1, 4])
def test_a_client_connects_to_peers(relay, workers):
    """With several workers, control and data connections come to different ones."""
    _, address = relay(workers=workers)
    payload = os.urandom(300000)
    with Control(address) as control:
        for _ in range(1 if workers == 1 else 8):
            client, far = connected(control)
            with client, far:
                client.sendall(b"hello")
                assert far.recv(100) == b"hello"
                threading.Thread(target=far.sendall, args=(payload,)).start()
                assert read(client, len(payload)) == payload
                threading.Thread(target=client.sendall, args=(payload,)).start()
                assert read(far, len(payload)) == payload


@pytest.mark.parametrize("workers", [1, 4])
def test_peers_connect_to_a_client(relay, workers):
    _, address = relay(workers=workers)
    with Control(address) as control:
        assert control.permit(("127.0.0.1", 1)).kind == "success"
        for _ in range(1 if workers == 1 else 8):
            with socket.create_connection(control.relayed) as peer:
                peer.sendall(b"early")  # section 5.4: what came before the ConnectionBind counts too
                identifier, source = control.attempt()
                assert source == peer.getsockname()
                with control.data(identifier) as client:
                    assert client.recv(100) == b"early"
                    client.sendall(b"back")
                    peer.settimeout(30)
                    assert peer.recv(100) == b"back"


def test_peers_without_permission_are_closed(relay):
    _, address = relay()
    with Control(address) as control:
        with socket.create_connection(control.relayed) as peer:
            peer.settimeout(30)
            with contextlib.suppress(ConnectionResetError):
                assert peer.recv(1) == b""
        assert control.take(0.2) is None
        assert control.permit(("127.0.0.1", 1)).kind == "success"
        with socket.create_connection(control.relayed):
            control.attempt()


def test_ipv6_peers(relay):
    _, address = relay()
    with Control(address, turn.attribute(turn.REQUESTED_ADDRESS_FAMILY, b"\2\0\0\0")) as control:
        assert control.relayed[0] == "::1"
        client, far = connected(control)
        with client, far:
            far.sendall(b"six")
            assert client.recv(10) == b"six"
        with listener() as other:
            assert control.connect(other.getsockname()).code == 443


# ---- What is refused ----

def test_allocations_that_are_refused(relay):
    one, address = relay()
    with turn.Client(address) as client:
        assert client.allocate(transport=TCP).code == 400  # section 5.1: not along UDP
    for extra in (turn.attribute(turn.DONT_FRAGMENT), turn.attribute(turn.EVEN_PORT, b"\0"),
                  turn.attribute(turn.RESERVATION_TOKEN, bytes(8))):
        with turn.Client(address, transport="tcp") as client:
            assert client.allocate(extra, transport=TCP).code == 400
    with turn.Client(address, transport="tcp") as client:
        assert client.allocate(transport=b"\x21\0\0\0").code == 442
    one.close()


def test_tcp_can_be_turned_off(relay):
    _, address = relay(turn__tcp=False)
    with turn.Client(address, transport="tcp") as client:
        assert client.allocate(transport=TCP).code == 442


def test_connects_that_are_refused(relay):
    _, address = relay(turn__deny_peers=["127.0.0.9"])
    with Control(address) as control, listener() as peer:
        assert control.ask(CONNECT).code == 400
        assert control.connect(("127.0.0.1", 0)).code == 400
        assert control.connect(("127.0.0.9", 80)).code == 403
        assert control.connect(("127.0.0.1", trapezoid.free_port())).code == 447
        assert control.connect(peer.getsockname()).kind == "success"
        assert control.connect(peer.getsockname()).code == 446
    with turn.Client(address, transport="tcp") as client:
        assert client.ask(CONNECT, lambda t: turn.attribute(turn.XOR_PEER_ADDRESS, turn.xor_address(("127.0.0.1", 9), t))).code == 437
        assert client.allocate().kind == "success"  # one for UDP has no connections
        assert client.ask(CONNECT, lambda t: turn.attribute(turn.XOR_PEER_ADDRESS, turn.xor_address(("127.0.0.1", 9), t))).code == 437


@pytest.mark.parametrize("workers", [1, 4])
def test_binds_that_are_refused(relay, workers):
    _, address = relay(workers=workers)
    with Control(address) as control, listener() as peer:
        identifier = control.connect(peer.getsockname()).get(CONNECTION_ID)
        for _ in range(workers):
            data, answer = control.bind_data(identifier, user="other")
            assert answer.code == 441
            answer = data.ask(CONNECTION_BIND, turn.attribute(CONNECTION_ID, struct.pack("!I", 0xFFFFFFFF)))
            assert answer.code == 400
            answer = data.ask(CONNECTION_BIND)
            assert answer.code == 400
            data.socket.close()
            with turn.Client(address, transport="tcp", password="wrong") as wrong:
                assert wrong.ask(CONNECTION_BIND, turn.attribute(CONNECTION_ID, identifier)).code == 401
        with turn.Client(address) as datagrams:
            assert datagrams.ask(CONNECTION_BIND, turn.attribute(CONNECTION_ID, identifier)).code == 400
        assert control.ask(CONNECTION_BIND, turn.attribute(CONNECTION_ID, identifier)).code == 400
        # None of them has taken it away from its owner, and only one gets it.
        with control.data(identifier):
            _, answer = control.bind_data(identifier)
            assert answer.code == 400


def test_datagrams_do_not_pass(relay):
    _, address = relay()
    with Control(address) as control, turn.Peer() as peer:
        assert control.permit(peer.address).kind == "success"
        control.send(peer.address, b"no")
        assert peer.receive(0.2) is None
        peer.send(control.relayed, b"no")
        assert control.take(0.2) is None


# ---- Ends ----

@pytest.mark.parametrize("workers", [1, 4])
def test_one_side_that_closes_closes_the_other(relay, workers):
    _, address = relay(workers=workers)
    with Control(address) as control:
        for _ in range(workers):
            client, far = connected(control)
            with client:
                far.sendall(b"last words")
                far.close()
                assert read(client, 100) == b"last words"  # and then the end
            client, far = connected(control)
            with far:
                client.sendall(b"last words")
                client.close()
                assert read(far, 100) == b"last words"


@pytest.mark.parametrize("workers", [1, 4])
def test_the_end_of_the_allocation_ends_its_connections(relay, workers):
    one, address = relay(workers=workers)
    with Control(address) as control:
        pairs = [connected(control) for _ in range(workers)]
        assert control.refresh(0).kind == "success"
        for client, far in pairs:
            with client, far:
                assert client.recv(1) == b"" and far.recv(1) == b""
    assert one.json("relays")["relays"] == []


def test_a_control_connection_that_ends_takes_all_along(relay):
    _, address = relay()
    with Control(address) as control:
        client, far = connected(control)
        control.socket.close()
        with client, far:
            assert client.recv(1) == b"" and far.recv(1) == b""


# ---- Bounds ----

def test_connections_of_an_allocation_are_bounded(relay):
    _, address = relay()
    with Control(address) as control, contextlib.ExitStack() as stack:
        assert control.permit(("127.0.0.1", 1)).kind == "success"
        for _ in range(64):
            stack.enter_context(socket.create_connection(control.relayed))
            control.attempt()
        late = stack.enter_context(socket.create_connection(control.relayed))
        late.settimeout(30)
        with contextlib.suppress(ConnectionResetError):
            assert late.recv(1) == b""
        peer = stack.enter_context(listener())
        assert control.connect(peer.getsockname()).code == 508


@pytest.mark.parametrize("workers", [1, 4])
def test_a_side_that_reads_nothing_holds_the_other_up(relay, workers):
    """Back-pressure, both ways: the server's memory stays what it was, and nothing is lost."""
    one, address = relay(workers=workers)
    chunk = bytes(1 << 16)

    def fill(sender):
        sender.settimeout(0.5)
        sent = 0
        with contextlib.suppress(TimeoutError):
            while sent < 64 << 20:
                sent += sender.send(chunk)
        return sent

    with Control(address) as control:
        client, far = connected(control)
        with client, far:
            for sender, receiver in ((client, far), (far, client)):
                sent = fill(sender)
                assert sent < 64 << 20
                receiver.settimeout(30)
                assert len(read(receiver, sent)) == sent
    assert one.process.poll() is None


def test_bandwidth_of_connections_is_bounded(relay):
    """turn.user_bandwidth: a second's worth at once, then so much per second; nothing is lost."""
    _, address = relay(turn__user_bandwidth="100K")
    with Control(address) as control:
        client, far = connected(control)
        with client, far:
            threading.Thread(target=client.sendall, args=(bytes(250 << 10),)).start()
            began = turn.time.monotonic()
            assert len(read(far, 250 << 10)) == 250 << 10
            took = turn.time.monotonic() - began
            assert 0.5 < took < 60, took
