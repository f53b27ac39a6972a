"""A TURN client of plain sockets, for what no real client does, and the programs of coturn."""

import contextlib
import hashlib
import hmac
import ipaddress
import os
import re
import socket
import struct
import subprocess
import time

from trapezoid import PATIENCE

COOKIE = 0x2112A442
ALLOCATE, REFRESH, SEND, DATA, CREATE_PERMISSION, CHANNEL_BIND = 3, 4, 6, 7, 8, 9
USERNAME, MESSAGE_INTEGRITY, ERROR_CODE, UNKNOWN_ATTRIBUTES = 0x0006, 0x0008, 0x0009, 0x000A
CHANNEL_NUMBER, LIFETIME, XOR_PEER_ADDRESS, DATA_VALUE = 0x000C, 0x000D, 0x0012, 0x0013
REALM, NONCE, XOR_RELAYED_ADDRESS, REQUESTED_ADDRESS_FAMILY = 0x0014, 0x0015, 0x0016, 0x0017
EVEN_PORT, REQUESTED_TRANSPORT, DONT_FRAGMENT, XOR_MAPPED_ADDRESS = 0x0018, 0x0019, 0x001A, 0x0020
RESERVATION_TOKEN, ADDITIONAL_ADDRESS_FAMILY, ADDRESS_ERROR_CODE = 0x0022, 0x8000, 0x8001
ICMP, SOFTWARE, ALTERNATE_SERVER = 0x8004, 0x8022, 0x8023
UDP = b"\x11\0\0\0"


def attribute(kind, value=b""):
    return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)


def message(method, kind=0, transaction=None, attributes=b""):
    """kind: 0 request, 1 indication."""
    first = (method & 0xF) | (method & 0x70) << 1 | kind << 4
    return struct.pack("!HHI", first, len(attributes), COOKIE) + (transaction or os.urandom(12)) + attributes


def xor_address(address, transaction):
    host, port = address
    packed = ipaddress.ip_address(host).packed
    key = struct.pack("!I", COOKIE) + transaction
    return struct.pack("!BBH", 0, 1 if len(packed) == 4 else 2, port ^ COOKIE >> 16) + bytes(a ^ b for a, b in zip(packed, key))


class Answer:
    """A message that came: method, kind ("success", "error", "indication"), attributes."""

    def __init__(self, data):
        first, length, cookie = struct.unpack("!HHI", data[:8])
        assert cookie == COOKIE and length == len(data) - 20, data
        self.data, self.transaction = data, data[8:20]
        self.kind = ("request", "indication", "success", "error")[(first >> 7 & 2) | (first >> 4 & 1)]
        self.method = (first & 0xF) | (first >> 1 & 0x70)
        self.attributes, at = [], 20
        while at < len(data):
            kind, size = struct.unpack("!HH", data[at:at + 4])
            self.attributes.append((kind, data[at + 4:at + 4 + size]))
            at += 4 + size + -size % 4

    def all(self, kind):
        return [value for name, value in self.attributes if name == kind]

    def get(self, kind):
        return (self.all(kind) or [None])[0]

    @property
    def code(self):
        """Of an error, else 0."""
        value = self.get(ERROR_CODE)
        return value[2] * 100 + value[3] if value else 0

    @property
    def lifetime(self):
        return struct.unpack("!I", self.get(LIFETIME))[0]

    def addresses(self, kind):
        found = []
        for value in self.all(kind):
            key = struct.pack("!I", COOKIE) + self.transaction
            host = ipaddress.ip_address(bytes(a ^ b for a, b in zip(value[4:], key)))
            found.append((str(host), struct.unpack("!H", value[2:4])[0] ^ COOKIE >> 16))
        return found

    @property
    def relayed(self):
        return self.addresses(XOR_RELAYED_ADDRESS)


class Client:
    """One client: with Client(server) as c: c.allocate(); c.permit(peer); c.send(peer, b"..."); c.receive()."""

    def __init__(self, address, user="user", password="secret", transport="udp", local=None):
        self.server, self.user, self.password, self.transport = address, user, password, transport
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        kind = socket.SOCK_STREAM if transport == "tcp" else socket.SOCK_DGRAM
        self.socket = socket.socket(family, kind)
        self.socket.settimeout(PATIENCE)
        if local:
            self.socket.bind(local)
        self.socket.connect(address)
        self.realm = self.nonce = None
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    # ---- Bytes ----

    def raw(self, data):
        self.socket.send(data)

    def take(self, timeout=PATIENCE):
        """One message or ChannelData, as bytes; None after the timeout."""
        self.socket.settimeout(timeout)
        with contextlib.suppress(TimeoutError, ConnectionError):
            if self.transport == "udp":
                return self.socket.recv(65536)
            while True:
                if len(self.buffer) >= 4:
                    length = struct.unpack("!H", self.buffer[2:4])[0]
                    size = 20 + length if self.buffer[0] < 0x40 else 4 + length + -length % 4
                    if len(self.buffer) >= size:
                        whole, self.buffer = self.buffer[:size], self.buffer[size:]
                        return whole
                more = self.socket.recv(65536)
                if not more:
                    return None
                self.buffer += more
        return None

    # ---- Requests ----

    @property
    def key(self):
        return hashlib.md5(f"{self.user}:{self.realm}:{self.password}".encode()).digest()

    def signed(self, method, attributes, transaction):
        if self.realm is None:
            return message(method, 0, transaction, attributes)
        attributes += attribute(USERNAME, self.user.encode()) + attribute(REALM, self.realm.encode())
        attributes += attribute(NONCE, self.nonce)
        text = message(method, 0, transaction, attributes)
        text = text[:2] + struct.pack("!H", len(attributes) + 24) + text[4:]
        return text + attribute(MESSAGE_INTEGRITY, hmac.new(self.key, text, hashlib.sha1).digest())

    def ask(self, method, attributes=b"", transaction=None):
        """A request and its answer; a challenge is answered. attributes may be a function of the transaction ID."""
        for _ in range(3):
            transaction = transaction or os.urandom(12)
            built = attributes(transaction) if callable(attributes) else attributes
            self.raw(self.signed(method, built, transaction))
            answer = self.answer(transaction)
            fresh = answer.get(NONCE)
            if answer.code not in (401, 438) or not fresh or fresh == self.nonce:
                return answer
            if answer.code == 401 and self.realm is not None:
                return answer
            self.realm, self.nonce = answer.get(REALM).decode(), fresh
            transaction = None
        return answer

    def answer(self, transaction):
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            data = self.take()
            assert data, "no answer"
            if data[0] < 0x40 and data[8:20] == transaction:
                return Answer(data)
        raise AssertionError("no answer")

    def allocate(self, attributes=b"", transport=UDP, **more):
        return self.ask(ALLOCATE, (attribute(REQUESTED_TRANSPORT, transport) if transport else b"") + attributes, **more)

    def refresh(self, lifetime=None, attributes=b""):
        return self.ask(REFRESH, (b"" if lifetime is None else attribute(LIFETIME, struct.pack("!I", lifetime))) + attributes)

    def permit(self, *peers):
        return self.ask(CREATE_PERMISSION, lambda t: b"".join(attribute(XOR_PEER_ADDRESS, xor_address(p, t)) for p in peers))

    def bind(self, number, peer):
        return self.ask(CHANNEL_BIND, lambda t: attribute(CHANNEL_NUMBER, struct.pack("!HH", number, 0)) +
                        attribute(XOR_PEER_ADDRESS, xor_address(peer, t)))

    # ---- Data ----

    def send(self, peer, data, extra=b""):
        transaction = os.urandom(12)
        self.raw(message(SEND, 1, transaction, attribute(XOR_PEER_ADDRESS, xor_address(peer, transaction)) + extra +
                         attribute(DATA_VALUE, data)))

    def channel(self, number, data):
        padding = bytes(-len(data) % 4) if self.transport == "tcp" else b""
        self.raw(struct.pack("!HH", number, len(data)) + data + padding)

    def receive(self, timeout=PATIENCE):
        """(peer, payload) of a Data indication, (number, payload) of ChannelData, None."""
        data = self.take(timeout)
        if data is None:
            return None
        if data[0] >= 0x40:
            number, length = struct.unpack("!HH", data[:4])
            return number, data[4:4 + length]
        answer = Answer(data)
        assert answer.method == DATA and answer.kind == "indication"
        return answer.addresses(XOR_PEER_ADDRESS)[0], answer.get(DATA_VALUE)


class Peer:
    """Somebody at a UDP socket."""

    def __init__(self, host="127.0.0.1"):
        self.socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((host, 0))
        self.socket.settimeout(PATIENCE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    @property
    def address(self):
        return self.socket.getsockname()[:2]

    def receive(self, timeout=PATIENCE):
        self.socket.settimeout(timeout)
        with contextlib.suppress(TimeoutError):
            data, source = self.socket.recvfrom(65536)
            return data, source[:2]
        return None

    def send(self, to, data):
        self.socket.sendto(data, to)


@contextlib.contextmanager
def peer_program(port, host="127.0.0.1"):
    """coturn's turnutils_peer: echoes."""
    with subprocess.Popen(["turnutils_peer", "-p", str(port), "-L", host], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.kill()


def uclient(server, *options, user="user", password="secret", messages=5, clients=1):
    """coturn's turnutils_uclient; returns how many messages went and came back."""
    done = subprocess.run(["timeout", "120", "turnutils_uclient", "-u", user, "-w", password, "-n", str(messages), "-m", str(clients),
                           "-p", str(server[1]), *options, server[0]], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)
    found = re.findall(r"tot_send_msgs=(\d+), tot_recv_msgs=(\d+)", done.stdout)
    assert found and done.returncode == 0, done.stdout[-2000:]
    return int(found[-1][0]), int(found[-1][1])
