"""STUN over TLS and DTLS (RFC 8489 section 6.2.3, RFC 7350)."""

import concurrent.futures
import os
import re
import select
import socket
import ssl
import struct
import subprocess
import time
import urllib.request

import pytest
import tls
import trapezoid
import turn

COOKIE = 0x2112A442


def binding(attributes=b""):
    return struct.pack("!HHI", 1, len(attributes), COOKIE) + os.urandom(12) + attributes


def mapped(answer, request):
    """(address, port) of XOR-MAPPED-ADDRESS, IPv4, the first attribute of a success response."""
    assert answer[:2] == b"\x01\x01" and answer[4:20] == request[4:20]
    kind, length, _, family, port = struct.unpack("!HHBBH", answer[20:28])
    assert (kind, length, family) == (0x0020, 8, 1)
    return socket.inet_ntoa(bytes(a ^ b for a, b in zip(answer[28:32], request[4:8]))), port ^ COOKIE >> 16


def whole(stream):
    """One STUN message of a stream."""
    data = b""
    while len(data) < 20 or len(data) < 20 + struct.unpack("!H", data[2:4])[0]:
        more = stream.recv(4096)
        assert more, "the stream has ended"
        data += more
    return data


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return tls.Authority(tmp_path_factory.mktemp("authority"))


def test_a_binding_request_over_tls(server, authority):
    port = trapezoid.free_port()
    certificate, key = authority.sign("stun", "IP:127.0.0.1")
    server(stun__listen=f"tls:127.0.0.1:{port}", tls__certificate=certificate, tls__key=key)
    with socket.create_connection(("127.0.0.1", port), timeout=30) as tcp, \
            authority.client().wrap_socket(tcp, server_hostname="127.0.0.1") as stream:
        requests = [binding(), binding()]
        stream.sendall(requests[0] + requests[1][:7])
        assert mapped(whole(stream), requests[0]) == stream.getsockname()
        stream.sendall(requests[1][7:])
        assert mapped(whole(stream), requests[1]) == stream.getsockname()


def test_the_certificate_of_the_first_start_is_enough(server):
    port = trapezoid.free_port()
    one = server(stun__listen=f"tls:127.0.0.1:{port}")
    context = ssl.create_default_context(cafile=os.path.join(one.folder, "data", "tls-certificate.pem"))
    with socket.create_connection(("127.0.0.1", port), timeout=30) as tcp, \
            context.wrap_socket(tcp, server_hostname="127.0.0.1") as stream:
        request = binding()
        stream.sendall(request)
        assert mapped(whole(stream), request) == stream.getsockname()


class Dtls:
    """openssl s_client -dtls1_2: one datagram per write."""

    def __init__(self, host, port, *words):
        at = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self.process = subprocess.Popen(["openssl", "s_client", "-dtls1_2", "-quiet", "-no_ign_eof", "-connect", at, *map(str, words)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.stdin.close()
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()

    def send(self, data):
        self.process.stdin.write(data)

    def receive(self, timeout=30):
        """One answer, or None."""
        ready, _, _ = select.select([self.process.stdout], [], [], timeout)
        return os.read(self.process.stdout.fileno(), 65536) or None if ready else None

    def end(self):
        """Ends as a client does that has no more to ask; what it said on the way."""
        self.process.stdin.close()
        self.process.wait(30)
        return self.process.stderr.read().decode()


@pytest.mark.parametrize("local, host", [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("0.0.0.0", "127.0.0.1"), ("::", "::1")])
def test_a_binding_request_over_dtls(server, authority, local, host):
    port = trapezoid.free_port(host)
    certificate, key = authority.sign("stun", "IP:127.0.0.1")
    at = f"[{local}]:{port}" if ":" in local else f"{local}:{port}"
    server(stun__listen=f"dtls:{at}", tls__certificate=certificate, tls__key=key)
    with Dtls(host, port, "-CAfile", authority.certificate, "-verify_return_error") as client:
        for _ in range(2):
            request = binding()
            client.send(request)
            answer = client.receive()
            assert answer[:2] == b"\x01\x01" and answer[4:20] == request[4:20]
            kind, length = struct.unpack("!HH", answer[20:24])
            assert (kind, length) == (0x0020, 20 if ":" in host else 8)
            assert len(answer) <= 20 + 4 + length + 16


@pytest.mark.parametrize("suite", ["ECDHE-RSA-AES128-GCM-SHA256", "DHE-RSA-AES128-GCM-SHA256"])
def test_the_suites_that_must_be_there(server, tmp_path, suite):
    """RFC 8489 section 6.2.3, RFC 7350 section 3; with an RSA key, which these suites need."""
    port = trapezoid.free_port()
    certificate, key = tmp_path / "rsa.pem", tmp_path / "rsa.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=rsa", "-keyout", key,
                    "-out", certificate], check=True, stderr=subprocess.DEVNULL)
    server(stun__listen=[f"dtls:127.0.0.1:{port}", f"tls:127.0.0.1:{port}"], tls__certificate=certificate, tls__key=key)
    with Dtls("127.0.0.1", port, "-cipher", suite) as client:
        client.send(binding())
        assert client.receive()[:2] == b"\x01\x01"
    if suite.startswith("ECDHE"):
        context = ssl._create_unverified_context()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(suite)
        with socket.create_connection(("127.0.0.1", port), timeout=30) as tcp, context.wrap_socket(tcp) as stream:
            stream.sendall(binding())
            assert whole(stream)[:2] == b"\x01\x01" and stream.cipher()[0] == suite


def test_classic_requests_and_change_requests_over_dtls_are_refused(server):
    port = trapezoid.free_port()
    server(stun__listen=f"dtls:127.0.0.1:{port}")
    with Dtls("127.0.0.1", port) as client:
        client.send(struct.pack("!HH", 1, 0) + b"\xee" * 16)
        answer = client.receive()
        assert answer[:2] == b"\x01\x11" and answer[20:28] == struct.pack("!HHHBB", 9, 16, 0, 4, 0)
        client.send(binding(struct.pack("!HHI", 3, 4, 6)))
        answer = client.receive()
        assert answer[:2] == b"\x01\x11" and answer[26:28] == b"\4\x14"


def test_what_says_goodbye_is_gone_at_once(server):
    port = trapezoid.free_port()
    watch = trapezoid.free_port()
    server(stun__listen=f"dtls:127.0.0.1:{port}", metrics__listen=f"127.0.0.1:{watch}")

    def sessions():
        with urllib.request.urlopen(f"http://127.0.0.1:{watch}/metrics", timeout=30) as page:
            return int(re.search(r"(?m)^trapezoid_stun_dtls_sessions (\d+)", page.read().decode())[1])

    def wait_for(count):
        until = time.monotonic() + 30
        while sessions() != count:
            assert time.monotonic() < until, sessions()
            time.sleep(0.02)

    with Dtls("127.0.0.1", port) as client:
        client.send(binding())
        assert client.receive()
        wait_for(1)
        client.end()
        wait_for(0)


def test_new_certificates_are_taken_live(server, authority, tmp_path):
    port = trapezoid.free_port()
    pairs = [authority.sign(name, f"DNS:{name}.example.org") for name in ("first", "second")]
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"

    def install(pair):
        certificate.write_bytes(pair[0].read_bytes())
        key.write_bytes(pair[1].read_bytes())

    def shows(name):
        with Dtls("127.0.0.1", port, "-verify_return_error", "-verify_hostname", f"{name}.example.org", "-CAfile",
                  authority.certificate) as client:
            client.send(binding())
            return client.receive() is not None

    install(pairs[0])
    one = server(stun__listen=f"dtls:127.0.0.1:{port}", tls__certificate=certificate, tls__key=key)
    assert shows("first") and not shows("second")
    install(pairs[1])
    one.command("reload")
    assert shows("second") and not shows("first")


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls", "dtls"])
def test_a_source_gets_no_more_answers_than_its_rate(server, transport):
    port = trapezoid.free_port()
    server(stun__listen=f"{transport}:127.0.0.1:{port}", stun__rate=20, workers=1)
    asked, answers, began = 200, b"", time.monotonic()
    if transport == "dtls":
        with Dtls("127.0.0.1", port) as client:
            client.send(binding())
            answers += client.receive()
            for _ in range(asked):
                client.send(binding())
                time.sleep(0.0005)  # s_client makes one datagram of what waits for it
            while more := client.receive(0.5):
                answers += more
    elif transport == "udp":
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(0.3)
            s.connect(("127.0.0.1", port))
            for _ in range(asked):
                s.send(binding())
            try:
                while True:
                    answers += s.recv(2048)
            except TimeoutError:
                pass
    else:
        with socket.create_connection(("127.0.0.1", port), timeout=30) as tcp:
            context = ssl._create_unverified_context()
            stream = context.wrap_socket(tcp) if transport == "tls" else tcp
            for _ in range(asked):
                stream.sendall(binding())
            stream.settimeout(0.3)
            try:
                while True:
                    answers += stream.recv(4096)
            except TimeoutError:
                pass
    count = len(re.findall(rb"\x01\x01..\x21\x12\xa4\x42", answers, re.DOTALL))
    assert 10 <= count <= 40 + 20 * (time.monotonic() - began), count


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls", "dtls"])
def test_no_answer_is_longer_than_it_must_be(server, transport):
    """XOR-MAPPED-ADDRESS and SOFTWARE, or ERROR-CODE, what was not understood, and SOFTWARE."""
    port = trapezoid.free_port()
    server(stun__listen=f"{transport}:127.0.0.1:{port}", workers=1)
    requests = {binding(): 20 + 12 + 16, binding(struct.pack("!HHI", 3, 4, 6)): 20 + 28 + 8 + 16,
                binding(struct.pack("!HH", 0x0026, 400) + bytes(400)): 20 + 28 + 8 + 16,
                binding(struct.pack("!HH", 1, 2) + bytes(4)): 20 + 20 + 16}
    for request, longest in requests.items():
        if transport == "dtls":
            with Dtls("127.0.0.1", port) as client:
                client.send(request)
                assert 0 < len(client.receive()) <= longest
        elif transport == "udp":
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                s.settimeout(30)
                s.sendto(request, ("127.0.0.1", port))
                assert 0 < len(s.recv(2048)) <= longest
        else:
            with socket.create_connection(("127.0.0.1", port), timeout=30) as tcp:
                stream = ssl._create_unverified_context().wrap_socket(tcp) if transport == "tls" else tcp
                stream.sendall(request)
                assert 0 < len(whole(stream)) <= longest


def test_coturns_client_is_relayed_over_tls_and_dtls(server):
    """turnutils_uclient -S (DTLS) and -t -S (TLS), by channels and by Send, from one relay to the other and to a peer."""
    port, peer = trapezoid.free_port(), trapezoid.free_port()
    at = f"127.0.0.1:{port}"
    server(stun__listen=[f"dtls:{at}", f"tls:{at}"], turn__enabled=True, turn__relay="127.0.0.1", turn__realm="test",
           turn__users="user:secret", turn__allow_peers="127.0.0.0/8")
    to_peer = ["-e", "127.0.0.1", "-r", str(peer)]
    runs = {"channels over DTLS": ["-S", *to_peer], "Send over DTLS": ["-S", "-s", *to_peer],
            "relay to relay over DTLS": ["-S", "-y"], "channels over TLS": ["-t", "-S", *to_peer],
            "Send over TLS": ["-t", "-S", "-s", *to_peer]}
    with turn.peer_program(peer), concurrent.futures.ThreadPoolExecutor(len(runs)) as pool:
        found = {name: pool.submit(turn.uclient, ("127.0.0.1", port), *options, messages=3, clients=2)
                 for name, options in runs.items()}
        results = {name: one.result() for name, one in found.items()}
    assert all(sent == received >= 6 for sent, received in results.values()), results
