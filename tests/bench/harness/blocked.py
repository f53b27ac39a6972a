"""The row "blocked": a thousand peers on TCP call each other while one more reads nothing and another is not to be connected
to; both get requests all the time."""

import contextlib
import os
import re
import socket
import threading
import time
import types

from . import machine, servers
from .load import LoadFailed
from .plan import median

PEERS = 1000
PER_SECOND = 200  # requests to each of the two
AT_FIRST = 4000  # to the one with a connection: more than the system and the server keep for it
BODY = "x" * 900
CONNECTED, LISTENING = "deaf", "dead"


def blocked(bench):
    try:
        with servers.Trapezoid(tls=True) as server, bench.note("blocked"), _pinned():
            bench.say(f"blocked: {PEERS} peers on TCP")
            _measure(bench, server)
    except servers.Skipped as reason:
        bench.skip("blocked", reason)
    except (servers.Broken, LoadFailed, OSError) as failure:
        bench.fail("blocked", failure)


@contextlib.contextmanager
def _pinned():
    """The two and who sends to them live here: beside the generator."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {machine.GENERATOR_CPU})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _measure(bench, server):
    seen = types.SimpleNamespace(label=server.label, domain=server.domain, pids=server.pids, port=server.port, local=machine.ports(PEERS))
    options = {"transport": "tcp", "sources": PEERS, "users": PEERS}
    bench.runner.run(seen, "register", count=PEERS, stride=1, contact="tcp", sources=PEERS, users=PEERS)
    bench.settle(seen, "call", **options)

    def run(well, **more):
        with _Two(server, well):
            return bench.measure(seen, "call", **options, **more)

    for what, more in (("all that it can carry", {}), ("1,000 calls/s", {"rate": 1000})):
        results = bench.interleaved({"all are well": lambda: run(True, **more), "one deaf, one dead": lambda: run(False, **more)},
                                    bench.plan.rounds)
        bench.scales.append({"row": f"call among {PEERS:,} peers on TCP, {what}", "server": server.label, "unit": "us",
                             "values": {key: median(runs, "server_us") for key, runs in results.items()}})
        bench.notes.append(f"latency of these calls, {what}: " + "; ".join(f"{key}: {_latency(runs)}" for key, runs in results.items()))


def _latency(runs):
    """Of the answer to the INVITE: median of the runs."""
    parts = []
    for share in ("p50", "p99", "max"):
        values = sorted(next(iter(run["latency_us"].values()))[share] for run in runs)
        parts.append(f"{share} {values[len(values) // 2]:,.0f} us")
    return ", ".join(parts)


class _Two:
    """Two peers more, and somebody who sends them requests all the time. well: they read and answer. Else one has a
    connection and does not read it, the other one's host drops what would open a connection (its queue is full)."""

    def __init__(self, server, well):
        self.server, self.well, self.over = server, well, threading.Event()
        self.stack, self.threads = contextlib.ExitStack(), []

    def __enter__(self):
        there = ("127.0.0.1", self.server.port)
        self.sender = self.stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        self.sender.bind(("127.0.0.1", 0))
        self.sender.connect(there)
        connection = self.stack.enter_context(socket.socket())
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(there)
        listener = self.stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(1 if self.well else 0)
        if self.well:
            self._start(self._answer, connection)
            self._start(self._accept, listener)
        else:
            self._fill(listener)
        self._register(CONNECTED, connection.getsockname()[1], connection)
        self._register(LISTENING, listener.getsockname()[1])
        full = self.server.metric("stream_send_refused_total")
        for _ in range(AT_FIRST // 20):
            for _ in range(20):
                self._message(CONNECTED)
            time.sleep(0.005)
        self._start(self._send)
        time.sleep(0.5)  # of requests before the calls
        if not self.well and self.server.metric("stream_send_refused_total") == full:
            raise LoadFailed("blocked: the peer that does not read blocks nothing")
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()
        self.stack.close()

    def _start(self, function, *arguments):
        self.threads.append(threading.Thread(target=function, args=arguments))
        self.threads[-1].start()

    def _fill(self, listener):
        """Connections that nobody accepts, until the system drops what comes: three of them do for a queue of none."""
        for _ in range(3):
            waiting = self.stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())

    def _register(self, user, port, connection=None):
        """Instead of what an earlier run has left."""
        self._ask(self._register_text(user, "UDP", "*", "Expires: 0"))
        contact = f"<sip:{user}@127.0.0.1:{port};transport=tcp>"
        if connection is None:
            self._ask(self._register_text(user, "UDP", contact, "Expires: 600"))
            return
        connection.sendall(self._register_text(user, "TCP", contact, "Expires: 600"))
        if not self.well:
            connection.recv(4096)

    def _register_text(self, user, transport, contact, expires):
        uri, number = f"sip:{user}@{self.server.domain}", time.monotonic_ns()
        return "\r\n".join([
            f"REGISTER sip:{self.server.domain} SIP/2.0", f"Via: SIP/2.0/{transport} 127.0.0.1:9;branch=z9hG4bK{number};rport",
            f"From: <{uri}>;tag=1", f"To: <{uri}>", f"Call-ID: {number}", "CSeq: 1 REGISTER", "Max-Forwards: 70", f"Contact: {contact}",
            expires, "Content-Length: 0", "", ""]).encode()

    def _ask(self, text):
        self.sender.settimeout(5)
        self.sender.send(text)
        answer = self.sender.recv(4096)
        if b" 200 " not in answer[:20]:
            raise LoadFailed(f"blocked: {answer[:60]!r}")

    def _message(self, user):
        """What comes back is passed over."""
        number, uri = time.monotonic_ns(), f"sip:{user}@{self.server.domain}"
        self.sender.setblocking(False)
        self.sender.send("\r\n".join([
            f"MESSAGE {uri} SIP/2.0", f"Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK{number};rport",
            f"From: <sip:sender@{self.server.domain}>;tag=1", f"To: <{uri}>", f"Call-ID: {number}", "CSeq: 1 MESSAGE",
            "Max-Forwards: 70", f"Content-Length: {len(BODY)}", "", BODY]).encode())
        with contextlib.suppress(BlockingIOError):
            while self.sender.recv(4096):
                pass

    def _send(self):
        while not self.over.wait(1 / PER_SECOND):
            for user in (CONNECTED, LISTENING):
                self._message(user)

    def _accept(self, listener):
        listener.settimeout(0.1)
        while not self.over.is_set():
            with contextlib.suppress(TimeoutError):
                connection, _ = listener.accept()
                with connection:
                    self._answer(connection)

    def _answer(self, connection):
        """200 to every request; responses are passed over."""
        connection.settimeout(0.1)
        buffer = b""
        while not self.over.is_set():
            with contextlib.suppress(TimeoutError):
                data = connection.recv(65536)
                if not data:
                    return
                buffer += data
            while b"\r\n\r\n" in buffer:
                head, _, rest = buffer.partition(b"\r\n\r\n")
                length = int(re.search(rb"(?i)\r\nContent-Length: *(\d+)", head).group(1))
                if len(rest) < length:
                    break
                buffer = rest[length:]
                if not head.startswith(b"SIP/2.0 "):
                    lines = [line for line in head.split(b"\r\n")[1:] if line.split(b":")[0] in (b"Via", b"From", b"To", b"Call-ID", b"CSeq")]
                    connection.sendall(b"\r\n".join([b"SIP/2.0 200 OK", *lines, b"Content-Length: 0", b"", b""]))
