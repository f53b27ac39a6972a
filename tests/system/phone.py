"""A small SIP phone for tests: one UDP socket, digest authentication, whole messages as text."""

import hashlib
import itertools
import re
import socket
import uuid

from trapezoid import PATIENCE

COUNTER = itertools.count(1)


def header(message, name):
    """The values of all lines of that name."""
    return re.findall(rf"(?mi)^{re.escape(name)}[ \t]*:[ \t]*(.*?)\r?$", message)


def status(message):
    return int(message.split()[1]) if message.startswith("SIP/2.0 ") else None


def md5(*parts):
    return hashlib.md5(":".join(parts).encode()).hexdigest()


class Phone:
    """`user` at `server` ("127.0.0.1:5060")."""

    def __init__(self, server, user, password=None, agent="test phone"):
        host, port = server.rsplit(":", 1)
        self.server, self.target = server, (host, int(port))
        self.user, self.password, self.agent = user, password, agent
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((host, 0))
        self.socket.settimeout(PATIENCE)
        self.address = "%s:%d" % self.socket.getsockname()
        self.call_id, self.tag = uuid.uuid4().hex, uuid.uuid4().hex[:8]
        self.cseq = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    @property
    def aor(self):
        return f"sip:{self.user}@{self.server}"

    def send(self, text):
        self.socket.sendto(text.encode(), self.target)

    def receive(self):
        return self.socket.recv(65535).decode(errors="replace")

    def request(self, method, uri, extra="", to=None, body=""):
        self.cseq += 1
        length = len(body.encode())
        return (f"{method} {uri} SIP/2.0\r\n"
                f"Via: SIP/2.0/UDP {self.address};branch=z9hG4bK{next(COUNTER)}{uuid.uuid4().hex[:8]};rport\r\n"
                f"From: <{self.aor}>;tag={self.tag}\r\nTo: <{to or self.aor}>\r\nCall-ID: {self.call_id}\r\n"
                f"CSeq: {self.cseq} {method}\r\nMax-Forwards: 70\r\nUser-Agent: {self.agent}\r\n"
                f"{extra}Content-Length: {length}\r\n\r\n{body}")

    def ask(self, *arguments, **keywords):
        """Sends a request; its first final answer."""
        self.send(self.request(*arguments, **keywords))
        while True:
            answer = self.receive()
            if (status(answer) or 0) >= 200:
                return answer

    def credentials(self, answer, method, uri):
        """The line that answers the MD5 challenge of a 401."""
        challenge = next(c for c in header(answer, "WWW-Authenticate") if "algorithm=MD5" in c)
        realm, nonce = (re.search(rf'{name}="([^"]*)"', challenge).group(1) for name in ("realm", "nonce"))
        cnonce, count = uuid.uuid4().hex[:8], "00000001"
        response = md5(md5(self.user, realm, self.password), nonce, count, cnonce, "auth", md5(method, uri))
        return (f'Authorization: Digest username="{self.user}", realm="{realm}", nonce="{nonce}", uri="{uri}", '
                f'response="{response}", algorithm=MD5, cnonce="{cnonce}", qop=auth, nc={count}\r\n')

    def register(self, expires=600):
        """Answers the challenge when there is one; the last answer."""
        uri = f"sip:{self.server}"
        contact = f"Contact: <sip:{self.user}@{self.address}>;expires={expires}\r\n"
        answer = self.ask("REGISTER", uri, contact)
        if status(answer) == 401 and self.password is not None:
            answer = self.ask("REGISTER", uri, contact + self.credentials(answer, "REGISTER", uri))
        return answer
