"""A small SCTP end (RFC 9260) over UDP (RFC 6951), written from the RFCs, so that the server's has another peer than itself. One
association, no retransmission: for loopback and namespaces."""

import itertools
import random
import select
import socket
import struct
import time

from trapezoid import PATIENCE

DATA, INIT, INIT_ACK, SACK, HEARTBEAT, HEARTBEAT_ACK, ABORT, SHUTDOWN, SHUTDOWN_ACK = range(9)
COOKIE_ECHO, COOKIE_ACK, SHUTDOWN_COMPLETE = 10, 11, 14
STATE_COOKIE = 7
LAST, FIRST, UNORDERED = 1, 2, 4  # flags of DATA
FRAGMENT = 1100
PORTS = itertools.cycle(range(20000, 60000))  # no two associations of a test have the same


def crc32c_table():
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        yield value


TABLE = list(crc32c_table())


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def chunk(kind, flags, value):
    return struct.pack("!BBH", kind, flags, 4 + len(value)) + value + b"\0" * (-len(value) % 4)


def packet(source, destination, tag, *chunks):
    head = struct.pack("!HHI", source, destination, tag)
    rest = b"".join(chunks)
    return head + struct.pack("<I", crc32c(head + b"\0\0\0\0" + rest)) + rest


def taken_apart(data):
    """Ports, tag and [(type, flags, value)] of a packet with a right checksum."""
    source, destination, tag, told = struct.unpack("!HHI", data[:8]) + struct.unpack("<I", data[8:12])
    assert crc32c(data[:8] + b"\0\0\0\0" + data[12:]) == told, "wrong CRC32c"
    chunks, at = [], 12
    while at < len(data):
        kind, flags, length = struct.unpack("!BBH", data[at:at + 4])
        assert length >= 4 and at + length <= len(data), "a chunk reaches beyond its packet"
        chunks.append((kind, flags, data[at + 4:at + length]))
        at += length + -length % 4
    return source, destination, tag, chunks


def parameters(value):
    found = {}
    while len(value) >= 4:
        kind, length = struct.unpack("!HH", value[:4])
        found[kind] = value[4:length]
        value = value[length + -length % 4:]
    return found


class Association:
    """Like a socket of a stream, with whole messages: recv() gives those that one packet completed, None when it completed none,
    b"" when the association has ended."""

    def __init__(self, host, udp_port=0, port=None):
        self.udp = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind((host, udp_port))
        self.port = port or next(PORTS)
        self.open = False
        self.messages = []  # (stream, unordered, ppid, bytes), all that came
        self.outgoing_streams = 8

    def connect(self, host, port, udp_port, timeout=PATIENCE):
        self.peer, self.remote_port = (host, udp_port), port
        self.tag, self.tsn = random.getrandbits(32) or 1, random.getrandbits(32)
        self.sequence, self.parts, self.whole = {}, {}, []
        until = time.monotonic() + timeout
        value = struct.pack("!IIHHI", self.tag, 1 << 17, self.outgoing_streams, 8, self.tsn)
        self.write(chunk(INIT, 0, value), tag=0)
        while not self.open:
            assert select.select([self.udp], [], [], max(0, until - time.monotonic()))[0], "no association in time"
            if self.recv() == b"":
                raise ConnectionRefusedError
        return self

    # ---- Like a socket ----

    def fileno(self):
        return self.udp.fileno()

    def close(self):
        if self.open:
            self.write(chunk(ABORT, 0, b""))
        self.udp.close()

    def getsockname(self):
        return self.udp.getsockname()[0], self.port

    def settimeout(self, seconds):
        self.udp.settimeout(seconds)

    def sendall(self, data, stream=0, flags=UNORDERED, ppid=0):
        pieces = [data[i:i + FRAGMENT] for i in range(0, len(data), FRAGMENT)]
        sequence = self.sequence.get(stream, 0)
        for i, piece in enumerate(pieces):
            mark = flags | (FIRST if i == 0 else 0) | (LAST if i == len(pieces) - 1 else 0)
            self.write(chunk(DATA, mark, struct.pack("!IHHI", self.tsn, stream, sequence, ppid) + piece))
            self.tsn = (self.tsn + 1) & 0xFFFFFFFF
        if not flags & UNORDERED:
            self.sequence[stream] = (sequence + 1) & 0xFFFF

    def recv(self, _=0):
        data = self.udp.recv(65536)
        self.whole = []
        ended = self.take(data)
        return b"" if ended else b"".join(self.whole) or None

    # ---- Packets ----

    def write(self, *chunks, tag=None):
        self.raw(packet(self.port, self.remote_port, self.remote_tag if tag is None else tag, *chunks))

    def raw(self, data):
        self.udp.sendto(data, self.peer)

    def take(self, data):
        source, destination, tag, chunks = taken_apart(data)
        assert (source, destination) == (self.remote_port, self.port)
        sack = False
        for kind, flags, value in chunks:
            assert tag == self.tag or kind in (ABORT, SHUTDOWN_COMPLETE), "wrong verification tag"
            if kind == INIT_ACK:
                self.remote_tag, _, self.remote_streams, _, first = struct.unpack("!IIHHI", value[:16])
                self.received = (first - 1) & 0xFFFFFFFF
                self.write(chunk(COOKIE_ECHO, 0, parameters(value[16:])[STATE_COOKIE]))
            elif kind == COOKIE_ACK:
                self.open = True
            elif kind == DATA:
                self.take_data(flags, value)
                sack = True
            elif kind == HEARTBEAT:
                self.write(chunk(HEARTBEAT_ACK, 0, value))
            elif kind == SHUTDOWN:
                self.write(chunk(SHUTDOWN_ACK, 0, b""))
            elif kind in (ABORT, SHUTDOWN_COMPLETE):
                self.open = False
                return True
        if sack:
            self.write(chunk(SACK, 0, struct.pack("!IIHH", self.received, 1 << 17, 0, 0)))
        return False

    def take_data(self, flags, value):
        tsn, stream, _, ppid = struct.unpack("!IHHI", value[:12])
        self.parts[tsn] = (flags, stream, ppid, value[12:])
        while (self.received + 1) & 0xFFFFFFFF in self.parts:
            self.received = (self.received + 1) & 0xFFFFFFFF
            flags, stream, ppid, piece = self.parts.pop(self.received)
            self.message = piece if flags & FIRST else self.message + piece
            if flags & LAST:
                self.messages.append((stream, bool(flags & UNORDERED), ppid, self.message))
                self.whole.append(self.message)
