"""The TURN server (RFC 8656): against coturn's clients, and with plain sockets for what those do not do."""

import base64
import concurrent.futures
import contextlib
import hmac
import os
import random
import socket
import struct

import pytest
import trapezoid
import turn


@pytest.fixture
def relay(server):
    """Starts servers that relay: relay(key=value) -> (server, address)."""
    def make(host="127.0.0.1", **settings):
        port = trapezoid.free_port(host)
        at = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        settings = {"stun__listen": [f"udp:{at}", f"tcp:{at}"], "turn__enabled": True, "turn__relay": ["127.0.0.1", "::1"],
                    "turn__realm": "test", "turn__users": ["user:secret", "other:secret"],
                    "turn__allow_peers": ["127.0.0.0/8", "::1"], **settings}
        return server(**settings), (host, port)
    return make


def allocate(client, *arguments, **named):
    answer = client.allocate(*arguments, **named)
    assert answer.kind == "success", answer.code
    return answer


def permit(client, peer):
    assert client.permit(peer.address).kind == "success"


# ---- coturn's clients ----

def test_coturns_clients_are_relayed(relay):
    """They run at the same time, because each of them takes seconds to begin. Each sends RTP and RTCP: two per message."""
    secure = ("127.0.0.1", trapezoid.free_port())
    v4 = ("127.0.0.1", trapezoid.free_port())
    relay(stun__listen=[f"{name}:127.0.0.1:{at[1]}" for name, at in (("udp", v4), ("tcp", v4), ("tls", secure), ("dtls", secure))])
    _, v6 = relay("::1")
    port = trapezoid.free_port()
    to_v4, to_v6 = ["-e", "127.0.0.1", "-r", str(port)], ["-x", "-e", "::1", "-r", str(port)]
    runs = {"channels over UDP": (v4, to_v4), "Send over UDP": (v4, ["-s", *to_v4]), "channels over TCP": (v4, ["-t", *to_v4]),
            "Send over TCP": (v4, ["-t", "-s", *to_v4]), "IPv6 relays": (v4, to_v6), "IPv6 clients, Send": (v6, ["-s", *to_v6]),
            "TLS": (secure, ["-S", "-t", *to_v4]), "DTLS": (secure, ["-S", *to_v4]), "Send over DTLS": (secure, ["-S", "-s", *to_v4]),
            "IPv6 clients, IPv4 relays": (v6, to_v4), "relay to relay": (v4, ["-y"])}
    with turn.peer_program(port), turn.peer_program(port, "::1"), concurrent.futures.ThreadPoolExecutor(len(runs)) as pool:
        found = {name: pool.submit(turn.uclient, address, *options, messages=3, clients=2) for name, (address, options) in runs.items()}
        results = {name: one.result() for name, one in found.items()}
    assert all(sent == received >= 6 for sent, received in results.values()), results


# ---- Data ----

@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("length", [0, 1, 3, 4, 172, 1400])
def test_data_passes_both_ways(relay, transport, length):
    _, address = relay()
    payload = os.urandom(length)
    with turn.Client(address, transport=transport) as client, turn.Peer() as peer:
        relayed = allocate(client).relayed[0]
        permit(client, peer)
        client.send(peer.address, payload)
        assert peer.receive() == (payload, relayed)
        peer.send(relayed, payload)
        assert client.receive() == (peer.address, payload)
        assert client.bind(0x4001, peer.address).kind == "success"
        client.channel(0x4001, payload)
        assert peer.receive() == (payload, relayed)
        peer.send(relayed, payload)
        assert client.receive() == (0x4001, payload)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_both_families_in_one_allocation(relay, host):
    _, address = relay(host)
    with turn.Client(address) as client, turn.Peer() as peer, turn.Peer("::1") as peer6:
        answer = allocate(client, turn.attribute(turn.ADDITIONAL_ADDRESS_FAMILY, b"\2\0\0\0"))
        assert [relayed[0] for relayed in answer.relayed] == ["127.0.0.1", "::1"]
        assert client.permit(peer.address, peer6.address).kind == "success"
        for one, relayed in ((peer, answer.relayed[0]), (peer6, answer.relayed[1])):
            client.send(one.address, b"out")
            assert one.receive() == (b"out", relayed)
            one.send(relayed, b"in")
            assert client.receive() == (one.address, b"in")
        # Section 8.1: one of them can be ended alone.
        assert client.refresh(0, turn.attribute(turn.REQUESTED_ADDRESS_FAMILY, b"\1\0\0\0")).kind == "success"
        assert client.permit(peer.address).code == 443
        client.send(peer6.address, b"still")
        assert peer6.receive() == (b"still", answer.relayed[1])


def test_only_the_families_there_are(relay):
    _, address = relay(turn__relay=["127.0.0.1"])
    with turn.Client(address) as client:
        assert client.allocate(turn.attribute(turn.REQUESTED_ADDRESS_FAMILY, b"\2\0\0\0")).code == 440
        answer = allocate(client, turn.attribute(turn.ADDITIONAL_ADDRESS_FAMILY, b"\2\0\0\0"))
        assert len(answer.relayed) == 1
        assert answer.get(turn.ADDRESS_ERROR_CODE)[:4] == bytes([2, 0, 4, 40])
        assert client.permit(("::1", 9)).code == 443


def test_icmp_is_told(relay):
    _, address = relay()
    with turn.Client(address) as client:
        with turn.Peer() as peer:
            nobody = peer.address
        allocate(client)
        assert client.permit(nobody).kind == "success"
        client.send(nobody, b"?")
        answer = turn.Answer(client.take())
        assert answer.method == turn.DATA and answer.addresses(turn.XOR_PEER_ADDRESS) == [nobody]
        assert answer.get(turn.ICMP) == bytes([0, 0, 3, 3, 0, 0, 0, 0])
        with turn.Peer() as peer:  # and the relay goes on
            client.send(peer.address, b"!")
            assert peer.receive()[0] == b"!"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root sees headers of packets")
def test_dont_fragment(relay):
    _, address = relay()
    with turn.Client(address) as client, turn.Peer() as peer, socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM) as wire:
        wire.bind(("lo", 0x0800))
        wire.settimeout(30)

        def df(payload):
            while True:
                packet = wire.recv(65536)
                head = (packet[0] & 15) * 4
                if packet[0] >> 4 == 4 and packet[9] == 17 and packet[head + 8:] == payload:
                    return bool(packet[6] & 0x40)

        allocate(client, turn.attribute(turn.DONT_FRAGMENT))
        permit(client, peer)
        client.bind(0x4000, peer.address)
        client.send(peer.address, b"may be cut")
        assert df(b"may be cut") is False
        client.send(peer.address, b"may not", turn.attribute(turn.DONT_FRAGMENT))
        assert df(b"may not") is True
        client.channel(0x4000, b"may be cut again")
        assert df(b"may be cut again") is False


# ---- Allocate ----

def test_an_allocate_that_is_repeated_is_answered_the_same(relay):
    _, address = relay()
    with turn.Client(address) as client:
        client.allocate(transport=b"\6\0\0\0")  # learns the nonce
        transaction = os.urandom(12)
        first = allocate(client, transaction=transaction)
        again = allocate(client, transaction=transaction)
        assert again.relayed == first.relayed
        assert client.allocate().code == 437


@pytest.mark.parametrize("attributes, transport, code", [
    (b"", None, 400),
    (b"", b"\x84\0\0\0", 442),
    (b"", b"\6\0\0\0", 400),  # RFC 6062 section 5.1: not over UDP
    (turn.attribute(turn.REQUESTED_ADDRESS_FAMILY, b"\3\0\0\0"), turn.UDP, 440),
    (turn.attribute(turn.REQUESTED_ADDRESS_FAMILY, b"\1\0\0\0") + turn.attribute(turn.ADDITIONAL_ADDRESS_FAMILY, b"\2\0\0\0"), turn.UDP, 400),
    (turn.attribute(turn.ADDITIONAL_ADDRESS_FAMILY, b"\1\0\0\0"), turn.UDP, 400),
    (turn.attribute(turn.ADDITIONAL_ADDRESS_FAMILY, b"\2\0\0\0") + turn.attribute(turn.EVEN_PORT, b"\x80"), turn.UDP, 400),
    (turn.attribute(turn.RESERVATION_TOKEN, b"12345678"), turn.UDP, 508),
    (turn.attribute(turn.RESERVATION_TOKEN, b"12345678") + turn.attribute(turn.EVEN_PORT, b"\0"), turn.UDP, 400),
    (turn.attribute(0x7FFF, b"what"), turn.UDP, 420),
])
def test_an_allocate_that_cannot_be_is_refused(relay, attributes, transport, code):
    _, address = relay()
    with turn.Client(address) as client:
        answer = client.allocate(attributes, transport)
        assert answer.code == code
        assert answer.get(turn.MESSAGE_INTEGRITY) is not None
        if code == 420:
            assert answer.get(turn.UNKNOWN_ATTRIBUTES)[:2] == b"\x7f\xff"
        allocate(client)


def test_even_ports_and_reservations(relay):
    _, address = relay()
    with turn.Client(address) as first, turn.Client(address) as second, turn.Client(address) as third:
        answer = allocate(first, turn.attribute(turn.EVEN_PORT, b"\x80"))
        token = answer.get(turn.RESERVATION_TOKEN)
        assert answer.relayed[0][1] % 2 == 0 and len(token) == 8
        wanted = (answer.relayed[0][0], answer.relayed[0][1] + 1)
        assert allocate(second, turn.attribute(turn.RESERVATION_TOKEN, token)).relayed == [wanted]
        assert third.allocate(turn.attribute(turn.RESERVATION_TOKEN, token)).code == 508
        assert allocate(third, turn.attribute(turn.EVEN_PORT, b"\0")).relayed[0][1] % 2 == 0


def test_one_user_cannot_have_all_reservations(relay):
    _, address = relay()
    pair = turn.attribute(turn.EVEN_PORT, b"\x80")

    def reserve(user):
        with turn.Client(address, user=user) as client:
            code = client.allocate(pair).code
            return code or client.refresh(0).code

    assert [reserve("user") for _ in range(65)] == [0] * 64 + [508]
    assert reserve("other") == 0


def test_lifetimes(relay):
    one, address = relay(turn__lifetime="1s", turn__max_lifetime="3s")
    with turn.Client(address) as client:
        answer = allocate(client, turn.attribute(turn.LIFETIME, b"\0\0\0\2"))
        assert answer.lifetime == 2 and answer.get(turn.SOFTWARE) == b"Trapezoid"
        assert client.refresh(100).lifetime == 3
        assert client.refresh(0).lifetime == 0
        assert client.refresh().code == 437
        assert client.permit(("127.0.0.1", 9)).code == 437
        assert allocate(client).lifetime == 1
        one.wait_for(r"has ended: it was not refreshed")
        assert client.refresh().code == 437


def test_when_no_port_is_left(relay):
    port = trapezoid.free_port()
    _, address = relay(turn__ports=f"{port}-{port}")
    with turn.Client(address) as client, turn.Client(address) as other:
        assert allocate(client).relayed[0][1] == port
        assert other.allocate().code == 508
        client.refresh(0)
        assert allocate(other).relayed[0][1] == port


def test_bounds_of_allocations_permissions_and_channels(relay):
    _, address = relay(turn__max_allocations=1, turn__max_permissions=2, turn__max_channels=1)
    with turn.Client(address) as client, turn.Client(address) as other:
        allocate(client)
        assert other.allocate().code == 508
        assert client.permit(("127.0.0.1", 0), ("127.0.0.2", 0)).kind == "success"
        assert client.permit(("127.0.0.3", 0)).code == 508
        assert client.permit(("127.0.0.2", 7)).kind == "success"
        assert client.bind(0x4000, ("127.0.0.1", 5)).kind == "success"
        assert client.bind(0x4001, ("127.0.0.1", 6)).code == 508
        assert client.bind(0x4000, ("127.0.0.1", 5)).kind == "success"


# ---- Who asks ----

def test_who_has_no_credentials_gets_nothing(relay):
    _, address = relay()
    with turn.Client(address) as client, turn.Client(address, password="wrong") as liar, turn.Client(address, user="other") as other:
        client.raw(turn.message(turn.ALLOCATE, attributes=turn.attribute(turn.REQUESTED_TRANSPORT, turn.UDP)))
        answer = turn.Answer(client.take())
        assert answer.code == 401 and answer.get(turn.REALM) == b"test" and answer.get(turn.NONCE)
        assert liar.allocate().code == 401
        for method in (turn.REFRESH, turn.CREATE_PERMISSION, turn.CHANNEL_BIND):
            client.raw(turn.message(method))
            assert turn.Answer(client.take()).code == 401
        # Section 5: another user's allocation.
        allocate(client)
        other.allocate(transport=None)
        client.user, client.nonce = "other", client.nonce
        assert client.refresh().code == 441


# ---- Peers ----

def test_channels_are_bound_to_one_peer(relay):
    _, address = relay()
    a, b = ("127.0.0.1", 1111), ("127.0.0.1", 2222)
    with turn.Client(address) as client:
        assert client.bind(0x4000, a).code == 437
        allocate(client)
        for number in (0x3FFF, 0x8000, 0):
            assert client.bind(number, a).code == 400
        assert client.bind(0x4000, a).kind == "success"
        assert client.bind(0x4000, b).code == 400
        assert client.bind(0x4001, a).code == 400
        assert client.bind(0x4001, b).kind == "success"
        assert client.bind(0x4000, a).kind == "success"
        assert client.ask(turn.CHANNEL_BIND, turn.attribute(turn.CHANNEL_NUMBER, b"\x40\2\0\0")).code == 400
        assert client.ask(turn.CREATE_PERMISSION).code == 400


def test_without_permission_nothing_passes(relay):
    _, address = relay()
    with turn.Client(address) as client, turn.Peer() as peer, turn.Peer("127.0.0.2") as stranger:
        relayed = allocate(client).relayed[0]
        client.send(peer.address, b"too early")
        client.channel(0x4000, b"no channel")
        permit(client, peer)
        stranger.send(relayed, b"not permitted")
        client.send(stranger.address, b"not permitted")
        peer.send(relayed, b"in")
        client.send(peer.address, b"out")
        assert client.receive() == (peer.address, b"in")
        assert peer.receive() == (b"out", relayed)
        assert stranger.receive(0.1) is None


UNREACHABLE = ["127.0.0.1", "127.1.2.3", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
               "224.0.0.1", "255.255.255.255", "240.0.0.1"]
UNREACHABLE6 = ["::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "2002:7f00:1::1", "2002:808:808::1",
                "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::1", "2001:0:1::1", "::7f00:1"]


def test_what_no_relay_reaches_by_default(relay):
    _, address = relay(turn__allow_peers=[])
    with turn.Client(address) as client:
        allocate(client, turn.attribute(turn.ADDITIONAL_ADDRESS_FAMILY, b"\2\0\0\0"))
        for host in UNREACHABLE + UNREACHABLE6:
            assert client.permit((host, 5060)).code == 403, host
            assert client.bind(0x4000, (host, 5060)).code == 403, host
        assert client.permit(("192.0.2.7", 1), ("10.0.0.1", 1)).code == 403
        assert client.permit(("192.0.2.7", 1), ("2001:db8::7", 1)).kind == "success"


def test_no_relay_reaches_this_machine_by_its_outside_address(relay, tmp_path):
    """The NAT before it may turn such datagrams around. Also when the address becomes known while a permission is there."""
    config = tmp_path / "config.yaml"
    config.write_text("outside:\n  address: [198.51.100.7]\n")
    server, address = relay(config=config)
    with turn.Client(address) as client:
        allocate(client)
        assert client.permit(("198.51.100.7", 22)).code == 403
        assert client.permit(("198.51.100.8", 22)).kind == "success"
        config.write_text("outside:\n  address: [198.51.100.8]\n")
        server.command("reload")
        assert client.permit(("198.51.100.8", 22)).code == 403
        assert client.permit(("198.51.100.7", 22)).kind == "success"
        assert server.json("relays")["relays"][0]["permissions"] == 1


def test_who_gives_up_when_refused_is_not_told_and_reaches_nobody_all_the_same(relay):
    """turn.unrefused; baresip's ICE asks for the private addresses of the other side and ends the relay at the first 403."""
    _, address = relay(turn__allow_peers=[])
    software = turn.attribute(turn.SOFTWARE, b"libre v1.1.0 (x86_64/linux)")
    with turn.Client(address) as client, turn.Peer() as peer:
        relayed = allocate(client).relayed[0]

        def ask(method, attributes=b""):
            return client.ask(method, lambda t: software + attributes +
                              turn.attribute(turn.XOR_PEER_ADDRESS, turn.xor_address(peer.address, t)))
        assert client.permit(peer.address).code == 403
        assert ask(turn.CREATE_PERMISSION).kind == "success"
        assert ask(turn.CHANNEL_BIND, turn.attribute(turn.CHANNEL_NUMBER, b"\x40\0\0\0")).kind == "success"
        client.send(peer.address, b"out")
        client.channel(0x4000, b"out")
        peer.send(relayed, b"in")
        assert client.receive(0.2) is None and peer.receive(0.1) is None


def test_deny_wins_over_allow_and_a_reload_ends_what_is_denied(relay, tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text("turn:\n  deny_peers: [127.0.0.2/32]\n")
    one, address = relay(config=config)
    with turn.Client(address) as client, turn.Peer() as peer, turn.Peer("127.0.0.3") as other:
        relayed = allocate(client).relayed[0]
        assert client.permit(("127.0.0.2", 1)).code == 403
        permit(client, peer)
        permit(client, other)
        assert client.bind(0x4000, peer.address).kind == "success"
        config.write_text("turn:\n  deny_peers: [127.0.0.1]\n")
        one.command("reload")
        client.channel(0x4000, b"denied")
        peer.send(relayed, b"denied")
        client.send(other.address, b"out")
        assert other.receive() == (b"out", relayed)
        other.send(relayed, b"in")
        assert client.receive() == (other.address, b"in")
        assert peer.receive(0.05) is None
        assert client.permit(peer.address).code == 403


def test_one_relay_reaches_another_of_ours_but_nothing_else_here(relay):
    """By default: only ports that are relays. Loopback stands for a public address: it is allowed for that, but not this one."""
    _, address = relay()
    with turn.Client(address) as first, turn.Client(address, user="other") as second:
        a, b = allocate(first).relayed[0], allocate(second).relayed[0]
        assert first.permit(b).kind == "success" and second.permit(a).kind == "success"
        first.send(b, b"to the other")
        assert second.receive() == (a, b"to the other")


# ---- Bad input ----

def garbage():
    transaction = os.urandom(12)
    good = turn.message(turn.SEND, 1, transaction, turn.attribute(turn.XOR_PEER_ADDRESS, turn.xor_address(("127.0.0.1", 9), transaction)) +
                        turn.attribute(turn.DATA_VALUE, b"data"))
    yield from (good[:n] for n in range(0, len(good), 3))
    yield good[:2] + b"\xff\xfc" + good[4:]
    yield good[:22] + b"\xff\xff" + good[24:]
    yield b"\x40\x00\x00\x10short"
    yield b"\x40\x00\xff\xff"
    yield b"\x40"
    yield b"\x4f\xff\x00\x00"
    yield b"\x7f\xff\x00\x01x"
    yield turn.message(turn.ALLOCATE, attributes=struct.pack("!HH", turn.REQUESTED_TRANSPORT, 400))
    for kind in (turn.LIFETIME, turn.EVEN_PORT, turn.XOR_PEER_ADDRESS, turn.CHANNEL_NUMBER, turn.RESERVATION_TOKEN, turn.DONT_FRAGMENT):
        for length in (0, 1, 3, 5, 21):
            yield turn.message(turn.ALLOCATE, attributes=turn.attribute(kind, bytes(length)))
            yield turn.message(turn.SEND, 1, attributes=turn.attribute(kind, bytes(length)) * 3)
    yield turn.message(0x7F, attributes=turn.attribute(turn.DATA_VALUE, bytes(900)))
    chance = random.Random(8656)
    yield from (chance.randbytes(n) for n in (1, 19, 20, 21, 40, 200, 1400))


def test_garbage_changes_nothing(relay):
    one, address = relay()
    with turn.Client(address) as client, turn.Peer() as peer:
        relayed = allocate(client).relayed[0]
        permit(client, peer)
        for data in garbage():
            client.raw(data)
        client.send(peer.address, b"still")
        assert peer.receive() == (b"still", relayed)
        assert one.process.poll() is None
    with turn.Client(address, transport="tcp") as client:
        for data in garbage():
            with socket.create_connection(address) as connection:
                connection.sendall(data)
        allocate(client)


def test_a_connection_that_ends_takes_its_allocation_along(relay):
    one, address = relay()
    with turn.Client(address, transport="tcp") as client:
        allocate(client)
        assert len(one.json("relays")["relays"]) == 1
    one.wait_for("its client's connection has ended")
    assert one.json("relays")["relays"] == []


def test_a_flood_of_allocates_without_credentials_costs_no_memory(relay):
    one, address = relay()
    wanted = turn.attribute(turn.REQUESTED_TRANSPORT, turn.UDP)
    bare = turn.message(turn.ALLOCATE, attributes=wanted)
    signed = turn.message(turn.ALLOCATE, attributes=wanted + turn.attribute(turn.USERNAME, b"user") +
                          turn.attribute(turn.REALM, b"test") + turn.attribute(turn.NONCE, b"guess") +
                          turn.attribute(turn.MESSAGE_INTEGRITY, bytes(20)))

    def memory():
        with open(f"/proc/{one.process.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))

    def flood(sources):
        for n in range(sources):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as source:
                source.bind((f"127.2.{n >> 8}.{n & 255}", 0))
                source.sendto(bare, address)
                source.sendto(signed, address)

    flood(4096)
    before = memory()
    flood(4096)
    with turn.Client(address) as client, turn.Peer() as peer:
        relayed = allocate(client).relayed[0]
        permit(client, peer)
        client.send(peer.address, b"honest")
        assert peer.receive() == (b"honest", relayed)
    assert memory() - before < (65536 if trapezoid.SANITIZED else 1024)  # KiB; the sanitizer keeps what is freed
    assert len(one.json("relays")["relays"]) <= 1


def test_a_flood_of_allocates_with_credentials_is_bounded(relay):
    one, address = relay(turn__user_allocations=40)
    codes = []
    with contextlib.ExitStack() as stack:
        for n in range(600):
            flooder = stack.enter_context(turn.Client(address, local=(f"127.3.{n >> 8}.{n & 255}", 0)))
            codes.append(flooder.allocate().code)
        assert codes == [0] * 40 + [486] * 560
        honest, peer = stack.enter_context(turn.Client(address, user="other")), stack.enter_context(turn.Peer())
        relayed = allocate(honest).relayed[0]
        permit(honest, peer)
        honest.send(peer.address, b"honest")
        assert peer.receive() == (b"honest", relayed)


# ---- Operating it ----

def test_relays_leave_open_files_to_everything_else():
    port = trapezoid.free_port()
    address = ("127.0.0.1", port)
    one = trapezoid.Trapezoid({"stun__listen": [f"udp:127.0.0.1:{port}"], "turn__enabled": True, "turn__relay": ["127.0.0.1", "::1"],
                               "turn__users": ["user:secret"], "turn__user_allocations": 0})
    one.prefix = ["prlimit", "--nofile=400"]
    both = turn.attribute(turn.ADDITIONAL_ADDRESS_FAMILY, b"\2\0\0\0")
    with contextlib.ExitStack() as stack:
        stack.callback(one.close)
        one.start()
        clients = [stack.enter_context(turn.Client(address)) for _ in range(200)]
        answers = [client.allocate(both) for client in clients]
        assert sum(len(answer.relayed) for answer in answers) == 300 and answers[-1].code == 508
        with socket.create_connection((one.host, one.port), 30) as phone:
            phone.settimeout(30)
            phone.sendall(b"\r\n\r\n")
            assert phone.recv(4) == b"\r\n"
        for client in clients[:10]:
            assert client.refresh(0).kind == "success"
        assert clients[-1].allocate(both).code == 0


def test_relays_shows_who_has_what(relay):
    one, address = relay()
    assert one.command("relays") == "nothing is relayed\n"
    with turn.Client(address) as client, turn.Client(address, user="other", transport="tcp") as other, turn.Peer() as peer:
        relayed = allocate(client).relayed[0]
        allocate(other, turn.attribute(turn.LIFETIME, struct.pack("!I", 1200)))
        permit(client, peer)
        assert client.bind(0x4000, peer.address).kind == "success"
        client.channel(0x4000, b"12345")
        assert peer.receive() == (b"12345", relayed)
        peer.send(relayed, b"123")
        assert client.receive() == (0x4000, b"123")
        relays = {r["owner"]: r for r in one.json("relays")["relays"]}
        mine, theirs = relays["user"], relays["other"]
        assert mine["client"] == "127.0.0.1:%d" % client.socket.getsockname()[1] and mine["transport"] == "udp"
        assert mine["relayed"][0]["address"] == "%s:%d" % relayed and 500 <= mine["relayed"][0]["expires_in"] <= 600
        assert (mine["permissions"], mine["channels"], mine["dropped"]) == (1, 1, 0)
        assert mine["to_peers"] == {"packets": 1, "bytes": 5} and mine["from_peers"] == {"packets": 1, "bytes": 3}
        assert theirs["transport"] == "tcp" and theirs["relayed"][0]["expires_in"] > 1000
        assert "user  udp:127.0.0.1:" in one.command("relays")


def test_status_names_the_listeners_and_a_short_secret_is_taken(relay):
    process, address = relay(turn__secret="s3cret")
    at = "{}:{}".format(*address)
    assert process.json("status")["stun"] == {"listen": [f"udp:{at}", f"tcp:{at}"], "turn": True}
    name = "4102444800:alice"
    password = base64.b64encode(hmac.digest(b"s3cret", name.encode(), "sha1")).decode()
    with turn.Client(address, user=name, password=password) as client:
        allocate(client)


def test_relays_shows_all_of_many(relay):
    one, address = relay(turn__user_allocations=0, workers=1)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(turn.Client(address)) for _ in range(300)]
        relayed = {"%s:%d" % allocate(client).relayed[0] for client in clients}
        relays = one.json("relays")["relays"]
        assert len(relayed) == len(relays) == 300  # more than one page
        assert {relay["relayed"][0]["address"] for relay in relays} == relayed
        assert one.command("relays").count("\n") == 300


def test_drain(relay):
    one, address = relay(turn__alternate="192.0.2.9:3478")
    with turn.Client(address) as client, turn.Client(address) as late:
        allocate(client)
        assert "1 are left" in one.command("relays", "drain", "on")
        answer = late.allocate()
        assert answer.code == 300 and answer.get(turn.ALTERNATE_SERVER) == bytes([0, 1, 3478 >> 8, 3478 & 255, 192, 0, 2, 9])
        assert client.refresh().kind == "success"
        assert one.json("relays")["draining"] is True
        one.command("relays", "drain", "off")
        allocate(late)
    assert one.run("relays", "drain", "maybe").returncode == 2


def test_without_turn_nothing_of_it_is_answered(server):
    port = trapezoid.free_port()
    one = server(stun__listen=[f"udp:127.0.0.1:{port}"])
    with turn.Client(("127.0.0.1", port)) as client:
        client.raw(turn.message(turn.ALLOCATE, attributes=turn.attribute(turn.REQUESTED_TRANSPORT, turn.UDP)))
        assert client.take(0.2) is None
    assert one.run("relays").returncode == 1
