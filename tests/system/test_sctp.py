"""Two Trapezoids that speak SCTP with each other, each in a network namespace of its own, between phones on UDP: over IP and over
UDP (RFC 6951). What crosses is captured, and tshark takes it apart."""

import contextlib
import itertools
import os
import random
import re
import select
import socket
import struct
import subprocess
import sys
import time

import pytest
import sctp
import ua
from trapezoid import PROGRAM, Trapezoid, free_port

sys.path.append(os.path.join(os.path.dirname(__file__), "..", "nat"))
from lab import Namespace  # noqa: E402

NUMBER = itertools.count(os.getpid() * 10)
UDP_PORT = 9899


class Side:
    """A domain: its namespace, its server, and one phone in the namespace."""

    def __init__(self, domain, user, address, namespace):
        self.domain, self.user, self.address, self.namespace = domain, user, address, namespace
        self.server = self.phone = None

    def serve(self, other, encapsulation, workers, **settings):
        self.server = Trapezoid({
            "listen": f"udp:{self.address}:5060,sctp:{self.address}:5060", "sctp.encapsulation": encapsulation,
            "domains": self.domain, "auth.register": False, "auth.call": False, "record_route": True, "workers": workers,
            "metrics.listen": f"{self.address}:9090",
            "routes": f"@{other.domain}=sip:{other.address};transport=sctp", **settings})
        self.server.prefix = self.namespace.command()
        self.server.start()

    def register(self):
        with self.namespace.entered():
            self.phone = ua.Ua(f"{self.address}:5060", self.user, host=self.address)
        uri = f"sip:{self.user}@{self.domain}"
        answer = self.phone.ask("REGISTER", f"sip:{self.domain}", to=uri, from_=uri,
                                lines=[f"Contact: {self.phone.contact}"])
        assert answer.status == 200
        self.phone.call_id = f"{self.user}-{next(NUMBER)}"

    def metric(self, name):
        text = self.namespace.run("curl", "-s", f"http://{self.address}:9090/metrics")
        return sum(float(line.split()[-1]) for line in text.splitlines()
                   if line.split("{")[0].split(" ")[0].removeprefix("trapezoid_") == name)


class Trapez:
    def __init__(self, encapsulation, workers=1, **settings):
        self.encapsulation, self.workers, self.settings = encapsulation, workers, settings

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            sides, number = [], next(NUMBER)
            for side, domain, user in ((1, "a.test", "alice"), (2, "b.test", "bob")):
                namespace = Namespace(f"tz-sctp-{number}-{side}")
                stack.callback(namespace.delete)
                sides.append(Side(domain, user, f"10.41.68.{side}", namespace))
            self.a, self.b = sides
            self.a.namespace.ip("link", "add", "veth0", "type", "veth", "peer", "name", "veth0", "netns", self.b.namespace.name)
            for side in sides:
                side.namespace.ip("address", "add", f"{side.address}/24", "dev", "veth0")
                side.namespace.ip("link", "set", "veth0", "up")
            for side, other in ((self.a, self.b), (self.b, self.a)):
                side.serve(other, self.encapsulation, self.workers, **self.settings)
                stack.callback(side.server.close)
                side.register()
                stack.callback(side.phone.socket.close)
            self.stack = stack.pop_all()
            return self

    def __exit__(self, *what):
        return self.stack.__exit__(*what)


def invite(caller, callee):
    """An INVITE on its way: the text to send."""
    return caller.phone.request("INVITE", f"sip:{callee.user}@{callee.domain}", from_=f"sip:{caller.user}@{caller.domain}",
                                lines=[f"Contact: {caller.phone.contact}"])


def call(caller, callee):
    """A whole call; the INVITE as it came, and the caller's 200."""
    caller.phone.call_id = f"call-{next(NUMBER)}"
    caller.phone.send(invite(caller, callee))
    offered = callee.phone.wait_for("INVITE")
    callee.phone.send(callee.phone.response(offered, "200 OK", [f"Contact: {callee.phone.contact}"]))
    answer = caller.phone.final()
    assert answer.status == 200, answer
    caller.phone.send(in_dialog(caller, answer, "ACK"))
    assert callee.phone.wait_for("ACK")
    caller.phone.send(in_dialog(caller, answer, "BYE"))
    bye = callee.phone.wait_for("BYE")
    callee.phone.send(callee.phone.response(bye, "200 OK"))
    assert caller.phone.final().status == 200
    return offered, answer


def in_dialog(caller, answer, method):
    """A request along the route set of an answer (RFC 3261 section 12.2.1.1)."""
    routes = list(reversed([part.strip() for line in answer.all("Record-Route") for part in line.split(",")]))
    target = answer.get("Contact").strip("<>")
    to_tag = answer.get("To").partition(";tag=")[2]
    cseq = caller.phone.cseq if method == "ACK" else None
    parts = {"cseq": cseq} if cseq else {}
    return caller.phone.request(method, target, to=answer.get("To").partition(">")[0].partition("<")[2], to_tag=to_tag,
                                from_=f"sip:{caller.user}@{caller.domain}",
                                lines=[f"Route: {route}" for route in routes], **parts)


@contextlib.contextmanager
def capture(side, path, to):
    """What passes the side's interface, as pcap. A last datagram to `to` shows that all is written."""
    command = side.namespace.command("tcpdump", "-i", "veth0", "-U", "--immediate-mode", "-w", str(path), "not", "arp")
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        assert any("listening on" in line for line in process.stderr)
        yield
        mark, until = b"all is written %d" % next(NUMBER), time.monotonic() + 60
        with side.namespace.socket() as s:
            s.sendto(mark, (to, 9))
        while mark not in path.read_bytes():
            assert time.monotonic() < until
            time.sleep(0.01)
    finally:
        process.terminate()
        process.communicate()


def dissect(path, fields, condition):
    words = ["tshark", "-r", str(path), "-o", "sctp.checksum:TRUE", "-d", f"udp.port=={UDP_PORT},sctp", "-Y", condition,
             "-T", "fields", "-E", "separator=|"]
    for field in fields:
        words += ["-e", field]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return [line.split("|") for line in done.stdout.splitlines()]


@pytest.mark.parametrize("encapsulation,workers", [("off", 1), ("udp", 3)])
def test_calls_cross_from_udp_to_sctp_to_udp(tmp_path, encapsulation, workers):
    """RFC 4168 sections 4, 5, 5.1: both directions, over one association; the capture is SCTP carrying SIP without error."""
    path = tmp_path / "capture.pcap"
    with Trapez(encapsulation, workers) as t:
        with capture(t.a, path, t.b.address):
            for caller, callee in ((t.a, t.b), (t.b, t.a), (t.a, t.b)):
                offered, _ = call(caller, callee)
                assert offered.all("Via")[1].startswith(f"SIP/2.0/SCTP {caller.address}:5060")
        assert t.a.metric("sctp_associations") == t.b.metric("sctp_associations") == 1
    errors = dissect(path, ["frame.number", "_ws.expert.message"], "(_ws.expert.severity == error || _ws.malformed) && sctp")
    assert errors == []
    assert dissect(path, ["frame.number"], "sctp.checksum.status == 0") == [], "wrong CRC32c"
    sip = dissect(path, ["ip.proto", "sctp.data_sid", "sctp.data_payload_proto_id", "sctp.data_u_bit", "sip.Method"],
                  "sctp && sip")
    protocol = {"off": "132", "udp": "17"}[encapsulation]
    for proto, stream, ppid, unordered, _ in sip:
        assert proto == protocol
        assert set(int(s, 0) for s in stream.split(",")) == {0}
        assert set(int(p) for p in ppid.split(",")) == {0}
        assert set(unordered.replace("True", "1").split(",")) == {"1"}
    methods = ",".join(row[4] for row in sip)
    assert all(methods.count(method) >= 3 for method in ("INVITE", "ACK", "BYE"))
    inits = dissect(path, ["frame.number"], "sctp.chunk_type == 1")
    assert len(inits) == 1, "more than one association was made"


def test_a_killed_server_comes_back():
    """RFC 9260 section 8.4: a peer that forgot us says so; calls fail with an answer while it is away, and work after."""
    with Trapez("udp", 3) as t:
        call(t.a, t.b)
        t.b.server.process.kill()
        t.b.server.process.wait()
        t.b.server.process = None
        t.a.phone.call_id = f"away-{next(NUMBER)}"
        t.a.phone.send(invite(t.a, t.b))
        # Along the old association nothing comes back until the peer is there again, which then forgets all.
        t.b.server.start()
        answer = t.a.phone.final(timeout=60)
        assert answer.status in (500, 503), answer
        t.a.phone.send(t.a.phone.ack(f"sip:{t.b.user}@{t.b.domain}", answer))
        assert t.a.metric("sctp_associations") == 0
        t.b.register()
        call(t.a, t.b)


def test_nobody_there_is_answered_soon():
    """A peer that does not answer INIT: the call fails when sctp.connect_time is over, not after 32 s."""
    with Trapez("udp", 3, **{"sctp.connect_time": "500ms"}) as t:
        t.b.server.stop()
        before = time.monotonic()
        for _ in range(3):
            t.a.phone.call_id = f"nobody-{next(NUMBER)}"
            t.a.phone.send(invite(t.a, t.b))
            answer = t.a.phone.final()
            assert answer.status in (500, 503, 408)
            t.a.phone.send(t.a.phone.ack(f"sip:{t.b.user}@{t.b.domain}", answer))
        assert time.monotonic() - before < 25
        assert t.a.metric("sctp_associations") == 0


def test_garbage_and_floods_leave_the_server_at_work():
    """Datagrams of any kind to the encapsulation port are dropped and counted, and calls go on."""
    with Trapez("udp") as t:
        call(t.a, t.b)
        with t.a.namespace.entered():
            flood = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        chance, until = random.Random(6951), time.monotonic() + 60
        with flood:
            while t.b.metric("sctp_bad_packets_total") <= 2000:  # what does not fit into its buffer it does not see
                assert time.monotonic() < until
                for _ in range(300):
                    flood.sendto(chance.randbytes(chance.randrange(1400)), (t.b.address, UDP_PORT))
        call(t.a, t.b)
        assert t.b.metric("sctp_associations") == 1


def test_sctp_over_ip_needs_a_right_and_says_so():
    server = Trapezoid({"listen": "sctp:127.0.0.1:5060", "sctp.encapsulation": "off"})
    server.prefix = ["setpriv", "--bounding-set", "-net_raw", "--inh-caps", "-net_raw", "--"]
    server.launch()
    assert server.process.wait(60) != 0
    server.process = None
    assert "CAP_NET_RAW" in server.log() and "sctp.encapsulation=udp" in server.log()


def test_no_name_of_ours_replaces_one_of_the_library():
    """The linker would let a function of the program stand in for the library's own of the same name."""
    def names(path):
        done = subprocess.run(["nm", "-D", "--defined-only", path], capture_output=True, text=True, check=True)
        return {line.split()[-1].split("@")[0] for line in done.stdout.splitlines()}

    libraries = subprocess.run(["ldd", PROGRAM], capture_output=True, text=True, check=True).stdout
    library = re.search(r"libusrsctp\S* => (\S+)", libraries).group(1)
    assert "usrsctp_connect" in names(library)
    assert names(PROGRAM) & names(library) == set()


# ---- Peers of our own making ----

@pytest.fixture
def alone(server):
    """A server on loopback that speaks SCTP over UDP, and a way to be its peer."""
    udp_port, port = free_port(), free_port()
    one = server(listen=f"udp:127.0.0.1:{port},sctp:127.0.0.1:{port}", sctp__encapsulation="udp", sctp__udp_port=udp_port,
                 domains="example.org", auth__register=False, auth__call=False, metrics__listen=f"127.0.0.1:{free_port()}")
    one.udp_port, one.sctp_port = udp_port, port
    return one


def peer_of(one, **parts):
    return sctp.Association("127.0.0.1", **parts).connect("127.0.0.1", one.sctp_port, one.udp_port)


def options(peer, number, body=""):
    return (f"OPTIONS sip:example.org SIP/2.0\r\nVia: SIP/2.0/SCTP 127.0.0.1:{peer.port};branch=z9hG4bK-{number}\r\n"
            f"From: <sip:a@example.org>;tag=1\r\nTo: <sip:example.org>\r\nCall-ID: {number}@{peer.port}\r\nCSeq: 1 OPTIONS\r\n"
            f"Max-Forwards: 70\r\nContent-Length: {len(body)}\r\n\r\n{body}").encode()


def answers(peer, count, timeout=30):
    """Waits for so many messages more; what came, by Call-ID."""
    wanted, until = len(peer.messages) + count, time.monotonic() + timeout
    while len(peer.messages) < wanted:
        assert select.select([peer], [], [], max(0, until - time.monotonic()))[0], f"{len(peer.messages)} of {wanted}"
        assert peer.recv() != b"", "the server has ended the association"
    return {ua.Message(message).get("Call-ID").partition("@")[0]: ua.Message(message) for _, _, _, message in peer.messages}


def test_messages_are_taken_from_any_stream(alone):
    """RFC 4168 section 5.1: on any stream, ordered or not, divided or not; answers are unordered, on stream 0, PPID 0 (section 5)."""
    with contextlib.closing(peer_of(alone)) as peer:
        for number in range(16):
            peer.sendall(options(peer, number, "x" * (number * 500)), stream=number % 8,
                         flags=sctp.UNORDERED if number % 3 else 0)
        got = answers(peer, 16)
        assert sorted(got) == sorted(str(number) for number in range(16))
        assert {message.status for message in got.values()} == {200}
        assert {(stream, unordered, ppid) for stream, unordered, ppid, _ in peer.messages} == {(0, True, 0)}


def test_an_answer_goes_back_along_the_association_whatever_via_says(alone):
    """RFC 3261 section 18.2.2: reliable transports answer on the connection."""
    with contextlib.closing(peer_of(alone)) as peer:
        peer.sendall(options(peer, 1).replace(b"SCTP 127.0.0.1:%d" % peer.port, b"SCTP 192.0.2.1:5060"))
        assert answers(peer, 1)["1"].get("Via").count("received=127.0.0.1") == 1


def test_a_message_that_is_no_sip_ends_nothing(alone):
    with contextlib.closing(peer_of(alone)) as peer:
        for text in (b"hello", b"\0" * 2000, b"\r\n", b"OPTIONS sip:x SIP/2.0\r\n\r\n"):
            peer.sendall(text)
        peer.sendall(options(peer, 1))
        answers(peer, 1)
        peer.sendall(b"\r\n\r\n")
        until = time.monotonic() + 30
        while peer.messages[-1][3] != b"\r\n":
            assert time.monotonic() < until
            peer.recv()


def test_a_message_that_never_ends_is_refused(alone):
    """Beyond 128 KiB: ABORT. The first part of a message holds what it holds until then."""
    with contextlib.closing(peer_of(alone)) as peer:
        tsn = peer.tsn
        ended = False
        for i in range(400):
            value = struct.pack("!IHHI", (tsn + i) & 0xFFFFFFFF, 0, 0, 0) + b"y" * 1000
            peer.write(sctp.chunk(sctp.DATA, sctp.UNORDERED | (sctp.FIRST if i == 0 else 0), value))
            while not ended and select.select([peer], [], [], 0.001)[0]:
                ended = peer.recv() == b""
            if ended:
                break
        assert ended and i * 1000 >= 128 * 1024 - 2000
        with contextlib.closing(peer_of(alone)) as other:
            other.sendall(options(other, 1))
            answers(other, 1)


def test_hostile_chunks_hurt_nobody(alone):
    """Inside an association: chunks of any type, flags, length and content, with a right checksum and tag."""
    rng = random.Random(9260)
    for _ in range(150):
        with contextlib.closing(peer_of(alone)) as peer:
            for _ in range(4):
                chunks = [sctp.chunk(rng.choice([*range(16), 0x40, 0x80, 0x81, 0xC0, 0xC1, 0xFF]), rng.randrange(256),
                                     rng.randbytes(rng.randrange(60))) for _ in range(rng.randrange(1, 4))]
                data = bytearray(sctp.packet(peer.port, peer.remote_port, peer.remote_tag, *chunks))
                if rng.randrange(2):  # a length that lies
                    data[14:16] = struct.pack("!H", rng.choice([0, 1, 3, 4, 5, len(data), 65535]))
                    data[8:12] = struct.pack("<I", sctp.crc32c(data[:8] + b"\0\0\0\0" + data[12:]))
                peer.raw(bytes(data))
    with contextlib.closing(peer_of(alone)) as peer:
        peer.sendall(options(peer, 1))
        answers(peer, 1)


def test_a_cookie_works_where_and_for_whom_it_was_made(alone):
    """RFC 9260 section 5.1.5: changed, or sent by another, it makes nothing."""
    class Thief(sctp.Association):
        def write(self, *chunks, tag=None):
            if chunks[0][0] == sctp.COOKIE_ECHO:
                self.cookies = chunks
                self.open = True  # as far as connect() is concerned
            else:
                super().write(*chunks, tag=tag)

    thief = Thief("127.0.0.1").connect("127.0.0.1", alone.sctp_port, alone.udp_port)
    other = Thief("127.0.0.1").connect("127.0.0.1", alone.sctp_port, alone.udp_port)
    cookie = thief.cookies[0]
    spoilt = bytearray(cookie)
    spoilt[40] ^= 1
    sctp.Association.write(thief, bytes(spoilt))
    other.port, thief.port = thief.port, other.port
    sctp.Association.write(other, cookie, tag=thief.remote_tag)
    other.port, thief.port = thief.port, other.port
    assert not select.select([other], [], [], 0.3)[0], "a stolen cookie is not answered"
    thief.open = False
    sctp.Association.write(thief, cookie)
    while not thief.open:
        assert select.select([thief], [], [], 30)[0]
        thief.recv()
    thief.sendall(options(thief, 1))
    answers(thief, 1)
    thief.close()
    other.udp.close()


def test_a_phone_whose_association_is_gone_is_answered_at_once(alone):
    """RFC 5626 section 5.3: its flow has failed, and it has no other."""
    with contextlib.closing(peer_of(alone)) as peer, ua.Ua(f"127.0.0.1:{alone.sctp_port}", "caller") as caller:
        register = (f"REGISTER sip:example.org SIP/2.0\r\nVia: SIP/2.0/SCTP 127.0.0.1:{peer.port};branch=z9hG4bK-r\r\n"
                    "From: <sip:bob@example.org>;tag=1\r\nTo: <sip:bob@example.org>\r\nCall-ID: r\r\nCSeq: 1 REGISTER\r\n"
                    f"Contact: <sip:bob@127.0.0.1:{peer.port};transport=sctp>;reg-id=1;"
                    '+sip.instance="<urn:uuid:00000000-0000-1000-8000-0000000000aa>"\r\n'
                    "Supported: path, outbound\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n")
        peer.sendall(register.encode())
        assert answers(peer, 1)["r"].status == 200
        caller.send(caller.request("MESSAGE", "sip:bob@example.org"))
        while (peer.recv() or b"").split(b" ")[0] != b"MESSAGE":
            pass
        peer.write(sctp.chunk(sctp.ABORT, 0, b""))
        peer.open = False
        assert caller.final(timeout=15).status in (408, 430, 480, 500, 503), "its transaction fails with the association"
        before = time.monotonic()
        caller.call_id = "another"
        caller.send(caller.request("MESSAGE", "sip:bob@example.org"))
        assert caller.final().status in (430, 480)
        assert time.monotonic() - before < 15
