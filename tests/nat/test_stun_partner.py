"""Two addresses on two hosts (RFC 5780): each server has its own address, what must leave from the other's is passed on."""

import hashlib
import hmac
import os
import socket
import struct
import subprocess
import sys
import time

import pytest
from lab import KINDS, SERVERS, Lab
from test_stun_server import COTURN, said_by_clients, assert_classic, assert_coturn

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "system"))
import trapezoid  # noqa: E402

FIRST, SECOND = SERVERS[0], "198.51.100.50"
SECRET = "correct horse battery staple"
COOKIE = 0x2112A442
CHANGE_IP, CHANGE_PORT = 4, 2


def one_server(namespace, own, other, **settings):
    server = trapezoid.Trapezoid({"listen": f"udp:{own}:5060", "stun.listen": f"udp:{own}:3478", "stun.alternate": f"{other}:3479",
                                  "stun.partner": f"{other}:3480", "stun.partner_secret": SECRET, "drain_time": "0s", **settings})
    server.prefix = namespace.command()
    return server


class Pair:
    def __init__(self, lab):
        self.lab = lab
        self.far = lab.namespace("far")
        lab.plug(self.far, "eth0", "far", f"{SECOND}/24")
        self.far.ip("route", "add", "default", "via", FIRST)
        lab.outside.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
        self.first = one_server(lab.outside, FIRST, SECOND).start()
        self.second = one_server(self.far, SECOND, FIRST).start()
        self.first.wait_for("the partner .* is there")
        self.second.wait_for("the partner .* is there")

    def close(self):
        self.first.close()
        self.second.close()


@pytest.fixture(scope="module")
def lab():
    with Lab() as one:
        yield one


@pytest.fixture(scope="module")
def pair(lab):
    one = Pair(lab)
    yield one
    one.close()


@pytest.fixture(scope="module")
def said(lab, pair):
    return said_by_clients(lab)


@pytest.mark.parametrize("kind", COTURN)
def test_coturns_client_finds_mapping_and_filtering(said, kind):
    assert_coturn(said, kind)


@pytest.mark.parametrize("kind", KINDS)
def test_the_classic_client_finds_the_kind(said, kind):
    assert_classic(said, kind)


# ---- By hand ----

def binding(change=None):
    attributes = struct.pack("!HHI", 3, 4, change) if change is not None else b""
    return struct.pack("!HHI", 1, len(attributes), COOKIE) + os.urandom(12) + attributes


def attributes(answer):
    found, at = {}, 20
    while at < len(answer):
        kind, length = struct.unpack("!HH", answer[at:at + 4])
        found[kind] = answer[at + 4:at + 4 + length]
        at += 4 + (length + 3) // 4 * 4
    return found


def address_of(value):
    return socket.inet_ntoa(value[4:8]), struct.unpack("!H", value[2:4])[0]


def ask(client, server, change=None):
    """(answer, where it came from), or (None, None)."""
    request = binding(change)
    client.sendto(request, server)
    try:
        answer, source = client.recvfrom(2048)
    except TimeoutError:
        return None, None
    assert answer[4:20] == request[4:20]
    return answer, source


def until(condition, timeout=60):
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize("own, other", [(FIRST, SECOND), (SECOND, FIRST)])
@pytest.mark.parametrize("port, second", [(3478, 3479), (3479, 3478)])
def test_each_of_the_four_sockets_answers_from_the_four(lab, pair, own, other, port, second):
    with lab.outside.socket(SERVERS[2]) as client:
        client.settimeout(20)
        for change in range(0, 8, 2):
            answer, source = ask(client, (own, port), change)
            wanted = (other if change & CHANGE_IP else own, second if change & CHANGE_PORT else port)
            assert source == wanted
            told = attributes(answer)
            assert address_of(told[0x802B]) == wanted  # RESPONSE-ORIGIN
            assert address_of(told[0x802C]) == (other, second)  # OTHER-ADDRESS
            assert address_of(told[0x0001]) == client.getsockname()
            assert len(answer) <= 20 + 4 * 12 + 16


def test_without_the_partner_change_requests_are_refused_until_it_is_back(lab, pair):
    with lab.outside.socket(SERVERS[2]) as client:
        client.settimeout(20)
        pair.second.kill()

        def refused():
            answer, source = ask(client, (FIRST, 3478), CHANGE_IP)
            return answer is not None and source == (FIRST, 3478) and attributes(answer)[9][2:4] == b"\4\x14"

        client.settimeout(0.2)
        until(refused)
        client.settimeout(20)
        told = attributes(ask(client, (FIRST, 3478))[0])
        assert 0x802C not in told and 0x0020 in told
        assert attributes(ask(client, (FIRST, 3478), CHANGE_PORT)[0])[9][2:4] == b"\4\x14"
        pair.first.wait_for("the partner .* does not answer")
        pair.second.start()
        until(lambda: ask(client, (FIRST, 3478), CHANGE_IP)[1] == (SECOND, 3478))
        until(lambda: ask(client, (SECOND, 3478), CHANGE_IP | CHANGE_PORT)[1] == (FIRST, 3479))


# ---- Who would like to use the link ----

class Link:
    """Speaks as the second host does, with its secret, or another one."""

    def __init__(self, namespace, address, secret=SECRET, server=(FIRST, 3480)):
        self.socket = namespace.socket(address)
        self.secret, self.server = secret.encode(), server
        self.asker, self.hellos, self.session = os.urandom(8), 0, bytes(8)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.socket.close()

    def sign(self, kind, number, body):
        text = b"\xf5\x74\x7a" + bytes([kind]) + self.asker + struct.pack("!Q", number) + self.session + body
        return text + hmac.new(self.secret, text, hashlib.sha256).digest()[:16]

    @staticmethod
    def address(host, port):
        return b"\4" + struct.pack("!H", port) + socket.inet_aton(host) + bytes(12)

    def hello(self, own=(SECOND, 3478), other=(FIRST, 3479), patience=20):
        """The WELCOME, or None."""
        self.socket.settimeout(patience)
        self.hellos += 1
        self.session = bytes(8)
        sent = self.sign(1, self.hellos, self.address(*own) + self.address(*other))
        self.socket.sendto(sent, self.server)
        try:
            welcome, source = self.socket.recvfrom(2048)
        except TimeoutError:
            return None
        assert source == self.server and len(welcome) == len(sent) and welcome[:4] == b"\xf5\x74\x7a\2"
        self.session = welcome[20:28]
        return welcome

    def request(self, number, client, request, port=3478):
        return self.sign(3, number, struct.pack("!H", port) + self.address(*client) + request)

    def send(self, data):
        self.socket.sendto(data, self.server)


def silent(client):
    client.settimeout(0.5)
    try:
        client.recvfrom(2048)
    except TimeoutError:
        return True
    return False


def test_a_request_is_acted_on_once_and_only_when_it_is_due(lab, pair):
    with Link(pair.far, SECOND) as link, lab.outside.socket(SERVERS[2]) as client:
        at = client.getsockname()
        assert link.hello()
        good = link.request(1, at, binding(CHANGE_IP))
        link.send(good)
        answer, source = client.recvfrom(2048)
        assert source == (FIRST, 3478) and address_of(attributes(answer)[0x0001]) == at
        link.send(good)  # once more
        link.send(link.request(2, at, binding()))  # nothing that must leave from here
        link.send(link.request(3, at, binding(CHANGE_PORT)))
        link.send(link.request(4, at, b"anything that somebody would like to have sent"))
        link.send(link.request(5, at, binding(CHANGE_IP), port=53))
        link.send(link.request(6, ("255.255.255.255", 9), binding(CHANGE_IP)))
        link.send(link.request(7, at, binding(CHANGE_IP))[:-1] + b"\0\0")
        link.session = os.urandom(8)
        link.send(link.request(8, at, binding(CHANGE_IP)))
        assert silent(client)


def test_nobody_else_is_listened_to(lab, pair):
    with lab.outside.socket(SERVERS[2]) as client:
        at = client.getsockname()
        with Link(pair.far, SECOND, secret="another secret, as long") as link:
            assert link.hello(patience=0.5) is None
            link.send(link.request(1, at, binding(CHANGE_IP)))
        with Link(lab.outside, SERVERS[1]) as link:  # the secret, but another host
            assert link.hello(patience=0.5) is None
            link.send(link.request(1, at, binding(CHANGE_IP)))
        with Link(pair.far, SECOND) as link:  # a partner that means other addresses
            assert link.hello(own=(SECOND, 3478), other=(SERVERS[1], 3479), patience=0.5) is None
            assert link.hello(own=(SECOND, 3478), other=(FIRST, 9999), patience=0.5) is None
            link.send(link.request(1, at, binding(CHANGE_IP)))  # no HELLO was answered
        assert silent(client)


def test_sources_keep_their_rate_at_the_partner(lab, pair):
    with Link(pair.far, SECOND) as link, lab.outside.socket(SERVERS[2]) as client:
        pair.first.settings["stun.rate"] = 20
        pair.first.restart()
        pair.first.wait_for("the partner .* is there")
        assert link.hello()
        count, began = 0, time.monotonic()
        for number in range(1, 301):
            link.send(link.request(number, client.getsockname(), binding(CHANGE_IP)))
        while not silent(client):
            count += 1
        assert 20 <= count <= 60 + 20 * (time.monotonic() - began)
