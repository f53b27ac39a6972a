"""Mobility (RFC 8016): allocations that go along with a client whose address changes."""

import contextlib

import pytest
import trapezoid
import turn

MOBILITY_TICKET = 0x8030


@pytest.fixture
def relay(server):
    """Starts servers that relay: relay(key=value) -> (server, address)."""
    def make(**settings):
        port = trapezoid.free_port()
        settings = {"stun__listen": [f"udp:127.0.0.1:{port}", f"tcp:127.0.0.1:{port}"], "turn__enabled": True,
                    "turn__relay": ["127.0.0.1"], "turn__realm": "test", "turn__users": ["user:secret", "other:secret"],
                    "turn__allow_peers": ["127.0.0.0/8"], **settings}
        return server(**settings), ("127.0.0.1", port)
    return make


def wanted(value=b""):
    return turn.attribute(MOBILITY_TICKET, value)


def begin(client, peer):
    """A mobile allocation with a channel: (relayed address, ticket)."""
    answer = client.allocate(wanted())
    assert answer.kind == "success", answer.code
    assert client.bind(0x4000, peer.address).kind == "success"
    return answer.relayed[0], answer.get(MOBILITY_TICKET)


def move(client, ticket):
    answer = client.refresh(attributes=wanted(ticket))
    assert answer.kind == "success", answer.code
    fresh = answer.get(MOBILITY_TICKET)
    assert fresh and fresh != ticket
    return fresh


def carries(client, peer, relayed, word):
    client.channel(0x4000, word)
    assert peer.receive() == (word, relayed)
    peer.send(relayed, word)
    assert client.receive() == (0x4000, word)


@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_an_allocation_goes_along(relay, workers, transport):
    """With several workers the new addresses come to others than the allocation's."""
    one, address = relay(workers=workers)
    with turn.Client(address) as first, turn.Peer() as peer:
        relayed, ticket = begin(first, peer)
        carries(first, peer, relayed, b"first")
        before = first
        for i in range(1 if workers == 1 else 6):
            client = turn.Client(address, transport=transport)
            ticket = move(client, ticket)
            # Section 3.2.2: the old address is used until data comes along the new one.
            peer.send(relayed, b"still")
            assert before.receive() == (0x4000, b"still")
            carries(client, peer, relayed, b"moved %d" % i)
            assert client.refresh().kind == "success"
            assert client.permit(("127.0.0.9", 9)).kind == "success"
            before.channel(0x4000, b"late")  # the old address is discarded
            assert peer.receive(0.1) is None
            if before is not first:
                before.socket.close()
            before = client
        relays = one.json("relays")["relays"]
        assert [r["client"] for r in relays] == ["127.0.0.1:%d" % before.socket.getsockname()[1]]
        assert before.refresh(0).kind == "success"
        assert before.refresh().code == 437
        assert one.json("relays")["relays"] == []
        before.socket.close()


@pytest.mark.parametrize("workers", [1, 4])
def test_a_connection_that_breaks_keeps_its_allocation(relay, workers):
    """Break before make."""
    one, address = relay(workers=workers)
    with turn.Peer() as peer:
        client = turn.Client(address, transport="tcp")
        relayed, ticket = begin(client, peer)
        for i in range(workers):
            client.socket.close()
            client = turn.Client(address, transport="tcp")
            ticket = move(client, ticket)
            carries(client, peer, relayed, b"again %d" % i)
        assert client.refresh(0).kind == "success"
        client.socket.close()
        # Without a ticket the allocation ends with its connection.
        client = turn.Client(address, transport="tcp")
        assert client.allocate().kind == "success"
        client.socket.close()
        one.wait_for("its client's connection has ended")


@pytest.mark.parametrize("workers", [1, 4])
def test_a_closed_old_connection_is_as_good_as_data(relay, workers):
    _, address = relay(workers=workers)
    with turn.Peer() as peer, turn.Client(address, transport="tcp") as first, turn.Client(address) as second:
        relayed, ticket = begin(first, peer)
        move(second, ticket)
        first.socket.close()
        for _ in range(50):
            peer.send(relayed, b"here")
            if (came := second.receive(0.1)) is not None:
                break
        assert came == (0x4000, b"here")


@pytest.mark.parametrize("workers", [1, 4])
def test_moves_that_are_refused(relay, workers):
    _, address = relay(workers=workers)
    with turn.Client(address) as client, turn.Peer() as peer:
        _, ticket = begin(client, peer)
        assert client.refresh(attributes=wanted(ticket)).code == 400  # the address has not changed
        for _ in range(workers):
            with turn.Client(address) as thief:
                assert thief.refresh(attributes=wanted(ticket[:-1] + bytes([ticket[-1] ^ 1]))).code == 400
                assert thief.refresh(attributes=wanted(b"")).code == 400
                assert thief.refresh().code == 437
            with turn.Client(address, user="other") as thief:
                assert thief.refresh(attributes=wanted(ticket)).code == 441
            with turn.Client(address, password="wrong") as thief:
                assert thief.refresh(attributes=wanted(ticket)).code == 401
        with turn.Client(address) as second, turn.Client(address) as third:
            fresh = move(second, ticket)
            again = second.refresh(attributes=wanted(ticket))  # a retransmission whose answer was lost
            assert again.kind == "success"
            assert third.refresh(attributes=wanted(ticket)).code == 400  # the old ticket serves nobody else
            move(third, fresh)
            assert client.refresh(0).kind == "success"
            assert third.refresh(attributes=wanted(fresh)).code == 437


def test_mobility_can_be_forbidden(relay):
    _, address = relay(turn__mobility=False)
    with turn.Client(address) as client:
        assert client.allocate(wanted()).code == 405
        assert client.allocate(wanted(b"x")).code == 400
        answer = client.allocate()
        assert answer.kind == "success" and answer.get(MOBILITY_TICKET) is None
    with turn.Client(address) as client:
        assert client.refresh(attributes=wanted(b"x")).code == 405


def test_tickets_are_for_those_who_ask(relay):
    _, address = relay()
    with turn.Client(address) as client:
        assert client.allocate(wanted(b"x")).code == 400
        assert client.allocate().get(MOBILITY_TICKET) is None
        assert client.refresh().get(MOBILITY_TICKET) is None


def test_coturns_client_moves(relay):
    _, address = relay()
    port = trapezoid.free_port()
    with turn.peer_program(port):
        sent, received = turn.uclient(address, "-M", "-e", "127.0.0.1", "-r", str(port), "-c", messages=3)
    assert sent == received > 0


def test_the_first_request_from_a_new_address_finds_the_allocation(relay):
    """It may come at once, to a worker that has only just been told whose the address is."""
    _, address = relay(workers=4)
    with contextlib.ExitStack() as stack:
        enter = stack.enter_context
        peer = enter(turn.Peer())
        _, ticket = begin(enter(turn.Client(address)), peer)
        for _ in range(100):
            client = enter(turn.Client(address))
            ticket = move(client, ticket)
            assert client.refresh().kind == "success"
