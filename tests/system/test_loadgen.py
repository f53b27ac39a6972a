"""The load generator judges servers: here small servers of our own judge the load generator."""

import hashlib
import json
import os
import pathlib
import re
import socket
import subprocess
import threading

import pytest
from trapezoid import free_neighbours

TOP = pathlib.Path(__file__).resolve().parents[2]
LOADGEN = TOP / "build" / os.environ.get("TRAPEZOID_BUILD", "release") / "loadgen"
REFLECTOR = LOADGEN.with_name("reflector")

pytestmark = pytest.mark.skipif(not LOADGEN.exists(), reason="this build has no load generator")


def header(text, name):
    """Value of the first header of that name."""
    return re.search(rf"^{name}: (.*)\r$", text, re.M).group(1)


def lines(text, *names):
    """Whole lines of the headers of those names."""
    return "".join(f"{line}\r\n" for line in text.split("\r\n") if line.split(":")[0] in names)


def answer(request, status, extra="", to_tag=";tag=server"):
    """The answer of a registrar."""
    return (f"SIP/2.0 {status}\r\n{lines(request, 'Via', 'From', 'Call-ID', 'CSeq')}To: {header(request, 'To')}{to_tag}\r\n"
            f"{extra}Content-Length: 0\r\n\r\n")


class Server(threading.Thread):
    """Calls on_datagram(text, address) for each datagram until it is left."""

    def __init__(self, on_datagram):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(0.05)
        self.port = self.socket.getsockname()[1]
        self.on_datagram, self.over = on_datagram, False

    def run(self):
        while not self.over:
            try:
                data, address = self.socket.recvfrom(4096)
                self.on_datagram(self, data.decode(), address)
            except TimeoutError:
                pass

    def send(self, text, address):
        self.socket.sendto(text.encode(), address)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over = True
        self.join()
        self.socket.close()


HASTY = ("--t1=100", "--give-up=1500")  # for answers that do not come
PATIENT = ("--t1=10000", "--give-up=30000")  # nothing is sent twice


def load(server, mode, *options, manner=PATIENT):
    """(exit code, report)"""
    command = [LOADGEN, mode, f"--server=127.0.0.1:{server.port}", f"--local=127.0.0.1:{free_neighbours()}", "--json", "--window=4",
               "--users=10", "--sources=1", *manner, *options]
    done = subprocess.run(command, stdout=subprocess.PIPE, timeout=120, text=True, check=False)
    return done.returncode, json.loads(done.stdout)


def registrar(change=lambda text: text):
    def on_datagram(server, request, address):
        extra = f"Contact: {header(request, 'Contact')};expires=3600\r\n"
        server.send(change(answer(request, "200 OK", extra)), address)
    return Server(on_datagram)


def test_registers_each_user_once():
    seen = set()

    def on_datagram(server, request, address):
        seen.add((header(request, "To"), header(request, "Call-ID")))
        server.send(answer(request, "200 OK", f"Contact: {header(request, 'Contact')}\r\n"), address)

    with Server(on_datagram) as server:
        code, report = load(server, "register", "--count=10")
    assert (code, report["done"], report["failed"]) == (0, 10, 0)
    assert len(seen) == 10


def test_refresh_has_the_same_call_id_and_a_higher_cseq():
    cseqs = {}

    def on_datagram(server, request, address):
        cseqs.setdefault(header(request, "Call-ID"), []).append(int(header(request, "CSeq").split()[0]))
        server.send(answer(request, "200 OK", f"Contact: {header(request, 'Contact')}\r\n"), address)

    with Server(on_datagram) as server:
        load(server, "register", "--count=20")
        load(server, "register", "--count=10")
    assert len(cseqs) == 10
    assert all(len(c) == 3 and c[0] < c[1] < c[2] for c in cseqs.values())


@pytest.mark.parametrize("what, change", [
    ("Contact", lambda text: text.replace("Contact: <sip:u", "Contact: <sip:x")),
    ("Via", lambda text: text.replace("\r\nFrom", "\r\nVia: SIP/2.0/UDP left.over\r\nFrom")),
    ("tag", lambda text: text.replace(";tag=server", "")),
    ("CSeq", lambda text: re.sub(r"CSeq: \d+", "CSeq: 7", text)),
    ("not a whole SIP message", lambda text: text.replace("Content-Length: 0", "Content-Length: 3")),
])
def test_notices_a_wrong_answer(what, change):
    with registrar(change) as server:
        code, report = load(server, "register", "--count=4", manner=HASTY)
    assert code == 1
    assert report["wrong"][what] > 0


def test_retransmits_what_was_lost():
    lost = set()

    def on_datagram(server, request, address):
        branch = re.search("branch=([^;\r]*)", request).group(1)
        if branch in lost:
            server.send(answer(request, "200 OK", f"Contact: {header(request, 'Contact')}\r\n"), address)
        lost.add(branch)

    with Server(on_datagram) as server:
        code, report = load(server, "register", "--count=6", manner=HASTY)
    assert (code, report["done"]) == (0, 6)
    assert report["resent"] >= 6


def test_counts_what_is_never_answered():
    with Server(lambda *_: None) as server:
        code, report = load(server, "register", "--count=3", manner=HASTY)
    assert (code, report["done"], report["timeouts"]) == (1, 0, 3)
    assert report["resent"] >= 9


@pytest.mark.parametrize("algorithm, function", [("MD5", hashlib.md5), ("SHA-256", hashlib.sha256)])
@pytest.mark.parametrize("password", ["secret", "wrong"])
def test_answers_a_challenge(algorithm, function, password):
    def digest(*parts):
        return function(":".join(parts).encode()).hexdigest()

    def on_datagram(server, request, address):
        challenges = "".join(f'WWW-Authenticate: Digest realm="a, b=c", nonce="n{name}", qop="auth,auth-int", '
                             f'algorithm={name}, opaque="o"\r\n' for name in ("SHA-256", "MD5"))
        if "\r\nAuthorization: " in request:
            given = dict(re.findall(r'(\w+)="?([^",]*(?:, b=c)?)"?', header(request, "Authorization")))
            ha1 = digest(given["username"], "a, b=c", "secret")
            ha2 = digest("REGISTER", given["uri"])
            right = digest(ha1, f"n{algorithm}", given["nc"], given["cnonce"], "auth", ha2)
            if given["response"] == right and given["opaque"] == "o" and given["algorithm"] == algorithm:
                server.send(answer(request, "200 OK", f"Contact: {header(request, 'Contact')}\r\n"), address)
                return
        server.send(answer(request, "401 Unauthorized", challenges), address)

    with Server(on_datagram) as server:
        code, report = load(server, "register-auth", "--count=5", f"--algorithm={algorithm}", f"--password={password}")
    if password == "secret":
        assert (code, report["done"]) == (0, 5)
        assert report["received"]["401 REGISTER"]["count"] == 5
    else:
        assert (code, report["done"], report["status"]) == (1, 0, {"401": 5})


class Proxy(Server):
    """A stateless proxy that records its route; `change` spoils what it forwards."""

    def __init__(self, change=lambda text: text, record_route=True):
        super().__init__(Proxy.on_message)
        self.change, self.record_route = change, record_route
        self.methods = []

    def on_message(self, text, address):
        if text.startswith("SIP/2.0"):
            text = re.sub(rf"Via: SIP/2.0/UDP 127.0.0.1:{self.port}.*\r\n", "", text, count=1)
            target = re.search(r"Via: SIP/2.0/UDP 127.0.0.1:(\d+)", text)
        else:
            text = self.request(text, address)
            target = re.search(r"^\S+ sip:[^@ ]*@127.0.0.1:(\d+)", text)
        self.send(self.change(text), ("127.0.0.1", int(target.group(1))))

    def request(self, text, address):
        method = text.split()[0]
        self.methods.append(method)
        if method == "INVITE":
            # All phones are behind the one socket that the request came from.
            text = text.replace("@bench.test SIP/2.0", f"@127.0.0.1:{address[1]} SIP/2.0", 1)
        text = re.sub(rf"Route: <sip:127.0.0.1:{self.port};lr>\r\n", "", text)
        hops = int(header(text, "Max-Forwards"))
        text = text.replace(f"Max-Forwards: {hops}", f"Max-Forwards: {hops - 1}")
        branch = re.search("branch=([^;\r]*)", text).group(1)
        added = f"Via: SIP/2.0/UDP 127.0.0.1:{self.port};branch={branch}x\r\n"
        if method == "INVITE" and self.record_route:
            added += f"Record-Route: <sip:127.0.0.1:{self.port};lr>\r\n"
        return text.replace("\r\n", f"\r\n{added}", 1)


def test_calls_through_a_proxy():
    with Proxy() as server:
        code, report = load(server, "call", "--count=20")
        assert sorted(server.methods) == ["ACK"] * 20 + ["BYE"] * 20 + ["INVITE"] * 20
    assert (code, report["done"], report["failed"], report["ack_lost"], report["wrong"]) == (0, 20, 0, 0, {})
    for kind in ("INVITE", "180 INVITE", "200 INVITE", "ACK", "BYE", "200 BYE"):
        assert report["sent"][kind]["count"] == report["received"][kind]["count"] == 20


def test_calls_go_past_a_proxy_that_records_no_route():
    with Proxy(record_route=False) as server:
        code, report = load(server, "call", "--count=20", "--no-record-route")
        assert server.methods == ["INVITE"] * 20
    assert (code, report["done"], report["ack_lost"], report["wrong"]) == (0, 20, 0, {})


@pytest.mark.parametrize("what, change", [
    ("Max-Forwards", lambda text: text.replace("Max-Forwards: 69", "Max-Forwards: 70")),
    ("Record-Route", lambda text: re.sub("Record-Route: .*\r\n", "", text) if text.startswith("INVITE") else text),
    ("body", lambda text: text.replace("m=audio 2", "m=audio 3")),
    ("Contact", lambda text: text.replace("Contact: <sip:u", "Contact: <sip:v")),
    ("Request-URI", lambda text: text.replace("INVITE sip:u", "INVITE sip:v", 1)),
    ("Route", lambda text: text.replace("\r\n", "\r\nRoute: <sip:127.0.0.1:9;lr>\r\n", 1)
     if text.startswith(("ACK", "BYE")) else text),
    ("Via", lambda text: re.sub("Via: .*x\r\n", "", text, count=1) if text.startswith("ACK") else text),
])
def test_notices_a_spoilt_message(what, change):
    with Proxy(change) as server:
        code, report = load(server, "call", "--count=4", manner=HASTY)
    assert code == 1
    assert report["wrong"][what] > 0


def test_acknowledges_a_refusal():
    acks = []

    def on_datagram(server, request, address):
        if request.startswith("INVITE"):
            server.send(answer(request, "503 Service Unavailable", "Retry-After: 5\r\n"), address)
        else:
            acks.append((request.split()[0], re.search("branch=([^;\r]*)", request).group(1), header(request, "To")))

    with Server(on_datagram) as server:
        code, report = load(server, "flood", "--count=7", "--rate=1000")
    assert (code, report["status"], report["retry_after"]) == (1, {"503": 7}, 7)
    assert len(acks) == 7
    assert all(method == "ACK" and branch.endswith("i") and ";tag=server" in to for method, branch, to in acks)


def test_holds_calls_until_it_is_told_to_end_them():
    with Proxy() as server:
        command = [LOADGEN, "hold", f"--server=127.0.0.1:{server.port}", f"--local=127.0.0.1:{free_neighbours()}", "--json",
                   "--sources=1", "--count=30", "--window=4", "--users=10", *PATIENT]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout.readline() == "held 30\n"
            assert server.methods.count("INVITE") == 30 and "BYE" not in server.methods
            process.terminate()
            report = json.loads(process.stdout.read())
        assert process.returncode == 0
        assert server.methods.count("BYE") == report["done"] == 30


def test_reflector_sends_the_sizes_that_were_asked_for():
    port = free_neighbours()
    with subprocess.Popen([REFLECTOR, f"127.0.0.1:{port}"], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr.readline() == "ready\n"
        done = subprocess.run([LOADGEN, "echo", f"--server=127.0.0.1:{port}", f"--local=127.0.0.1:{free_neighbours()}", "--json",
                               "--sources=1", "--count=50", "--sizes=600:300+700,400:500"],
                              stdout=subprocess.PIPE, text=True, check=False, timeout=120)
        process.kill()
    report = json.loads(done.stdout)
    assert (done.returncode, report["done"]) == (0, 50)
    assert report["sent"]["other"] == {"count": 100, "size": 400}
    assert report["received"]["other"] == {"count": 150, "size": 500}
