"""A SIP user agent for tests that say each message themselves: UDP, TCP or TLS, messages as text, no timers of its own."""

import contextlib
import hashlib
import re
import select
import socket
import time
import uuid

from trapezoid import PATIENCE

COMPACT = {"v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "l": "content-length", "k": "supported"}


class Message:
    """One message received; `text` is what came, byte for byte (as Latin-1), `lines` the headers without folding."""

    again = False  # has it come before?

    def __init__(self, data):
        self.text = data.decode("latin-1")
        head, _, self.body = self.text.partition("\r\n\r\n")
        self.first, *self.lines = re.sub(r"\r\n[ \t]+", " ", head).split("\r\n")

    @property
    def status(self):
        return int(self.first.split()[1]) if self.first.startswith("SIP/2.0 ") else None

    @property
    def method(self):
        return None if self.status else self.first.split()[0]

    @property
    def uri(self):
        return self.first.split()[1]

    def all(self, name):
        """The values of all lines of that name."""
        return [value.strip() for key, _, value in (line.partition(":") for line in self.lines)
                if COMPACT.get(key.strip().lower(), key.strip().lower()) == name.lower()]

    def get(self, name):
        return (self.all(name) or [None])[0]

    def __repr__(self):
        return f"<{self.text}>"


def digest(challenge, user, password, method, uri, count=1, nonce=None):
    """The value of Authorization that answers one challenge."""
    given = dict(re.findall(r'(\w+)="?([^",]*)"?', challenge))
    name = given.get("algorithm", "MD5")
    function = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}[name]

    def hashed(*parts):
        return function(":".join(parts).encode()).hexdigest()

    nonce, cnonce, nc = nonce or given["nonce"], uuid.uuid4().hex[:8], f"{count:08x}"
    response = hashed(hashed(user, given["realm"], password), nonce, nc, cnonce, "auth", hashed(method, uri))
    return (f'Digest username="{user}", realm="{given["realm"]}", nonce="{nonce}", uri="{uri}", response="{response}", '
            f'algorithm={name}, cnonce="{cnonce}", qop=auth, nc={nc}')


class Ua:
    """`server` is "127.0.0.1:5060"; `host` is where it sends from; all of 127.0.0.0/8 is this machine's."""

    def __init__(self, server, user="ua", transport="UDP", host="127.0.0.1", password=None,
                 tls=None, name=None):
        """tls: an ssl.SSLContext for TLS; name: the server to ask for and to check."""
        address, port = server.rsplit(":", 1)
        self.server, self.target = server, (address, int(port))
        self.user, self.transport, self.password = user, transport, password
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if transport == "UDP" else socket.SOCK_STREAM)
        self.socket.bind((host, 0))
        self.buffer = b""
        if transport != "UDP":
            self.socket.settimeout(PATIENCE)
            self.socket.connect(self.target)
        if transport == "TLS":
            self.socket = tls.wrap_socket(self.socket, server_hostname=name)
        self.address = "%s:%d" % self.socket.getsockname()
        self.call_id, self.tag, self.cseq = uuid.uuid4().hex, uuid.uuid4().hex[:8], 0

    seen = ()  # the latest datagrams

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    @property
    def aor(self):
        return f"sip:{self.user}@{self.server}"

    @property
    def parameter(self):
        return "" if self.transport == "UDP" else f";transport={self.transport.lower()}"

    @property
    def contact(self):
        return f"<sip:{self.user}@{self.address}{self.parameter}>"

    # ---- Sending ----

    def via(self):
        return f"Via: SIP/2.0/{self.transport} {self.address};branch=z9hG4bK{uuid.uuid4().hex};rport"

    def request(self, method, uri, to=None, lines=(), body="", **parts):
        """Text of a request. parts: from_, from_tag, to_tag, call_id, cseq, via (one line or more)."""
        if "cseq" not in parts:
            self.cseq += 1
        to_tag = f";tag={parts['to_tag']}" if parts.get("to_tag") else ""
        return "\r\n".join([
            f"{method} {uri} SIP/2.0", parts.get("via") or self.via(),
            f"From: <{parts.get('from_') or self.aor}>;tag={parts.get('from_tag', self.tag)}",
            f"To: <{to or uri}>{to_tag}", f"Call-ID: {parts.get('call_id', self.call_id)}",
            f"CSeq: {parts.get('cseq', self.cseq)} {method}", "Max-Forwards: 70", *lines,
            f"Content-Length: {len(body.encode('latin-1'))}", "", body])

    def response(self, request, line, lines=(), tag="callee", body=""):
        """Text of a response to a Message."""
        copied = [f"{name}: {value}" for name in ("Via", "Record-Route", "From", "Call-ID", "CSeq")
                  for value in request.all(name)]
        to = request.get("To") + ("" if re.search(r";\s*tag\s*=", request.get("To")) or line.startswith("100") else f";tag={tag}")
        return "\r\n".join([f"SIP/2.0 {line}", *copied, f"To: {to}", *lines,
                            f"Content-Length: {len(body.encode('latin-1'))}", "", body])

    def send(self, text):
        data = text.encode("latin-1") if isinstance(text, str) else text
        if self.transport != "UDP":
            self.socket.sendall(data)
        else:
            self.socket.sendto(data, self.target)

    # ---- Receiving ----

    def _framed(self):
        """One message of a stream, if it is there whole; pongs before it go."""
        self.buffer = self.buffer.lstrip(b"\r\n")
        head, end, rest = self.buffer.partition(b"\r\n\r\n")
        if not end:
            return None
        length = int(re.search(rb"(?mi)^(?:Content-Length|l)\s*:\s*(\d+)", head).group(1))
        if len(rest) < length:
            return None
        self.buffer = rest[length:]
        return Message(head + end + rest[:length])

    def receive(self, timeout=PATIENCE):
        """The next message; None when there is none in time, EOFError when the connection is closed."""
        until = time.monotonic() + timeout
        while True:
            if self.transport != "UDP" and (message := self._framed()):
                return message
            left = max(0, until - time.monotonic())
            if not (self.transport == "TLS" and self.socket.pending()) and not select.select([self.socket], [], [], left)[0]:
                return None
            try:
                data = self.socket.recv(65536)
            except ConnectionResetError:
                data = b""
            if self.transport == "UDP":
                message = Message(data)
                message.again = message.text in self.seen
                self.seen = (*self.seen[-20:], message.text)
                return message
            if data is None:  # a packet of SCTP that completes no message
                continue
            if not data:
                raise EOFError("the server has closed the connection")
            self.buffer += data

    def wait_for(self, *wanted, timeout=PATIENCE):
        """The next message with such a status or method; others before it are passed over."""
        seen, until = [], time.monotonic() + timeout
        while message := self.receive(max(0, until - time.monotonic())):
            if (message.status or message.method) in wanted:
                return message
            seen.append(message.first)
        raise AssertionError(f"{self.user} waits for {wanted}, got {seen}")

    def final(self, timeout=PATIENCE):
        return self.wait_for(*range(200, 700), timeout=timeout)

    def nothing(self, timeout=0.3):
        """Nothing new comes: by UDP, what was answered late may come again."""
        while (message := self.receive(timeout)) is not None:
            assert message.again, f"{self.user} got {message}"

    def is_closed(self, timeout=PATIENCE):
        """Does the server close the connection in time?"""
        until = time.monotonic() + timeout
        with contextlib.suppress(EOFError):
            while self.receive(until - time.monotonic()):
                pass
            return False
        return True

    # ---- What phones do ----

    def ask(self, method, uri, **parts):
        """Sends a request, answers one challenge if it has a password; the last final answer."""
        self.send(self.request(method, uri, **parts))
        answer = self._final_acknowledged(method, uri)
        name = {401: "Authorization", 407: "Proxy-Authorization"}.get(answer.status)
        if name is None or self.password is None:
            return answer
        challenge = answer.get("WWW-Authenticate" if answer.status == 401 else "Proxy-Authenticate")
        line = f"{name}: {digest(challenge, self.user, self.password, method, uri)}"
        self.send(self.request(method, uri, **{**parts, "lines": [*parts.get("lines", ()), line]}))
        return self._final_acknowledged(method, uri)

    def _final_acknowledged(self, method, uri):
        """A refused INVITE gets its ACK; that of a 2xx is the test's."""
        answer = self.final()
        if method == "INVITE" and answer.status >= 300:
            self.send(self.ack(uri, answer))
        return answer

    def register(self, contact=None, expires=600):
        return self.ask("REGISTER", f"sip:{self.server}", to=self.aor,
                        lines=[f"Contact: {contact or self.contact};expires={expires}"])

    def ack(self, uri, answer, via=None, lines=()):
        """ACK to an answer to our INVITE: to a refusal with the Via of the INVITE, which the answer carries."""
        to = answer.get("To")
        via = via or f"Via: {re.sub(r';(received|rport)=[^;]*', '', answer.get('Via'))}"
        return "\r\n".join([f"ACK {uri} SIP/2.0", via, f"From: {answer.get('From')}", f"To: {to}",
                            f"Call-ID: {answer.get('Call-ID')}", f"CSeq: {answer.get('CSeq').split()[0]} ACK",
                            "Max-Forwards: 70", *lines, "Content-Length: 0", "", ""])
