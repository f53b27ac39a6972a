"""A SIP user agent over WebSocket (RFC 7118) for tests that say each byte themselves."""

import base64
import hashlib
import os
import re
import select
import socket
import struct
import time
import uuid

from trapezoid import PATIENCE
from ua import Message, Ua

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def frame(opcode, data=b"", fin=True, mask=True, rsv=0, length=None):
    """A frame as a client sends it; length: what its head says, if not the truth."""
    data = data.encode("latin-1") if isinstance(data, str) else data
    said = len(data) if length is None else length
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    bit = 0x80 if mask else 0
    if said < 126:
        head = struct.pack("!BB", first, bit | said)
    elif said < 65536:
        head = struct.pack("!BBH", first, bit | 126, said)
    else:
        head = struct.pack("!BBQ", first, bit | 127, said)
    if not mask:
        return head + data
    key = os.urandom(4)
    return head + key + bytes(byte ^ key[i % 4] for i, byte in enumerate(data))


class Wire:
    """A connection that speaks HTTP first and then frames. `wrap` makes a TLS socket of it."""

    def __init__(self, address, wrap=None, host="127.0.0.1"):
        there, port = address.rsplit(":", 1)
        plain = socket.create_connection((there.strip("[]"), int(port)), timeout=PATIENCE, source_address=(host, 0))
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = wrap(plain) if wrap else plain
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data.encode("latin-1") if isinstance(data, str) else data)

    def _more(self, until):
        """Reads something; False when nothing comes in time. EOFError at the end."""
        pending = getattr(self.socket, "pending", lambda: 0)()
        if not pending and not select.select([self.socket], [], [], max(0, until - time.monotonic()))[0]:
            return False
        try:
            data = self.socket.recv(65536)
        except (ConnectionResetError, BrokenPipeError):
            data = b""
        if not data:
            raise EOFError("the server has closed the connection")
        self.buffer += data
        return True

    def http(self, timeout=PATIENCE):
        """The head of an HTTP response, as text."""
        until = time.monotonic() + timeout
        while b"\r\n\r\n" not in self.buffer:
            assert self._more(until), f"no answer but {self.buffer!r}"
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        return head.decode("latin-1")

    def open(self, path="/", lines=(), **replaced):
        """The opening handshake; replaced: header lines by name with underscores, None leaves one out. The head of the
        answer."""
        key = base64.b64encode(os.urandom(16)).decode()
        fields = {"Host": "example.org", "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Key": key,
                  "Sec-WebSocket-Version": "13", "Sec-WebSocket-Protocol": "sip"}
        fields.update({name.replace("_", "-"): value for name, value in replaced.items()})
        self.send("\r\n".join([f"GET {path} HTTP/1.1", *(f"{k}: {v}" for k, v in fields.items() if v is not None),
                               *lines, "", ""]))
        head = self.http()
        if head.startswith("HTTP/1.1 101 "):
            accept = base64.b64encode(hashlib.sha1((fields["Sec-WebSocket-Key"] + GUID).encode()).digest()).decode()
            assert f"\r\nSec-WebSocket-Accept: {accept}\r\n" in head
            assert head.endswith("\r\nSec-WebSocket-Protocol: sip")
        return head

    def frame(self, timeout=PATIENCE):
        """The next frame: opcode and data; None when none comes in time."""
        until = time.monotonic() + timeout
        while True:
            if len(self.buffer) >= 2:
                size, at = self.buffer[1] & 0x7F, 2
                assert self.buffer[0] & 0xF0 == 0x80 and self.buffer[1] < 128, "fragment, reserved bit, or mask"
                if size >= 126 and len(self.buffer) >= 10:
                    at = 4 if size == 126 else 10
                    size = struct.unpack("!H" if at == 4 else "!Q", self.buffer[2:at])[0]
                if len(self.buffer) >= at + size:
                    opcode, data = self.buffer[0] & 15, self.buffer[at:at + size]
                    self.buffer = self.buffer[at + size:]
                    return opcode, data
            if not self._more(until):
                return None

    def closed_with(self, timeout=PATIENCE):
        """Frames until the end; the code of the Close that came, or None."""
        code, until = None, time.monotonic() + timeout
        try:
            while True:
                got = self.frame(until - time.monotonic())
                assert got is not None, "the server does not close"
                if got[0] == CLOSE:
                    code = struct.unpack("!H", got[1][:2])[0] if got[1] else 1005
        except EOFError:
            return code


class WsUa(Ua):
    """As Ua, over WS or WSS. It has no address that anybody could connect to."""

    def __init__(self, server, user="ua", password=None, wrap=None, path="/", host="127.0.0.1"):
        self.wire = Wire(server, wrap, host)
        self.server, self.user, self.password = server, user, password
        self.transport = "WSS" if wrap else "WS"
        self.socket, self.buffer = self.wire.socket, b""
        self.address = f"{uuid.uuid4().hex[:12]}.invalid"
        self.call_id, self.tag, self.cseq = uuid.uuid4().hex, uuid.uuid4().hex[:8], 0
        assert self.wire.open(path).startswith("HTTP/1.1 101 ")

    @property
    def contact(self):
        return f"<sip:{self.user}@{self.address};transport=ws>"

    def via(self):
        return f"Via: SIP/2.0/{self.transport} {self.address};branch=z9hG4bK{uuid.uuid4().hex}"

    def send(self, text):
        self.wire.send(frame(TEXT, text))

    def receive(self, timeout=PATIENCE):
        until = time.monotonic() + timeout
        while got := self.wire.frame(max(0, until - time.monotonic())):
            opcode, data = got
            if opcode == CLOSE:
                raise EOFError("the server closes the WebSocket")
            if opcode in (TEXT, BINARY):
                return Message(data)
        return None

    def without_length(self, text):
        """The same message without Content-Length, which WebSocket does not need."""
        return re.sub(r"(?m)^Content-Length: \d+\r\n", "", text)
