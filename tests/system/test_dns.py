"""The DNS client of a worker (loop/dns.h) against NSD, and against servers that are silent or lie."""

import contextlib
import os
import pathlib
import socket
import struct
import subprocess
import threading
import time

import pytest
from trapezoid import PROGRAM, SANITIZER, free_port
from ua import Ua

LOOKUP = pathlib.Path(PROGRAM).with_name("lookup")


class Answer:
    def __init__(self, line):
        words = line.split("|")
        self.name, self.type, self.status, self.how, took = words[:5]
        self.took_ms = int(took)
        self.holds_ms, self.secure, self.left_out = (int(word) for word in words[5:8]) if len(words) > 5 else (0, 0, 0)
        self.records = words[8:]


class Client:
    """tests/system/lookup.c"""

    def __init__(self, servers, prefix=(), **options):
        words = [*prefix, str(LOOKUP)]
        for one in servers:
            words += ["--server", one]
        for key, value in options.items():
            words += [f"--{key}", str(value)]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True, bufsize=1)

    def _lines(self):
        lines = []
        while (line := self.process.stdout.readline()) != "\n":
            assert line, f"it has ended: {self.process.stderr.read()}"
            lines.append(line.rstrip("\n"))
        return lines

    def ask(self, *questions):
        """The answers to questions asked at once, by (name, type)."""
        self.process.stdin.write("".join(f"{question}\n" for question in questions) + "\n")
        answers = [Answer(line) for line in self._lines()]
        assert len(answers) == len(questions)
        return {f"{answer.name} {answer.type}": answer for answer in answers}

    def one(self, question):
        return self.ask(question)[question]

    def metrics(self):
        self.process.stdin.write("metrics\n")
        return {name: int(value) for name, value in (line.split() for line in self._lines())}

    def again(self, server):
        self.process.stdin.write(f"again {server}\n")

    def close(self):
        said = self.process.communicate()[1]
        assert self.process.returncode == 0, said
        assert not SANITIZER.search(said), said


@pytest.fixture
def client():
    clients = []

    def make(*servers, **options):
        clients.append(Client([getattr(server, "address", server) for server in servers], **options))
        return clients[-1]

    yield make
    for one in clients:
        one.close()


@contextlib.contextmanager
def silent():
    """The address of a server that takes questions and says nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{udp.getsockname()[1]}"


def test_each_type_of_record_is_read(client, dns):
    """RFC 1035, 3596, 2782, 3403."""
    one = client(dns({"one.example": """
        @          A     192.0.2.1
        @          AAAA  2001:db8::1
        _sip._udp  SRV   20 5 5060 b
        _sip._udp  SRV   10 5 5060 a
        @          NAPTR 20 10 "s" "SIP+D2U" "" _sip._udp
        @          NAPTR 10 10 "s" "SIP+D2T" "" _sip._tcp
        none       SRV   0 0 0 .
    """}))
    answers = one.ask("one.example A", "one.example AAAA", "_sip._udp.one.example SRV", "one.example NAPTR",
                      "none.one.example SRV")
    assert answers["one.example A"].records == ["192.0.2.1"]
    assert answers["one.example AAAA"].records == ["2001:db8::1"]
    assert answers["_sip._udp.one.example SRV"].records == ["10 5 5060 a.one.example", "20 5 5060 b.one.example"]
    assert answers["one.example NAPTR"].records == ["10 10 s SIP+D2T  _sip._tcp.one.example",
                                                    "20 10 s SIP+D2U  _sip._udp.one.example"]
    assert answers["none.one.example SRV"].records == ["0 0 0 "]
    assert all(answer.status == "ok" and answer.how == "asked" for answer in answers.values())


def test_an_answer_is_kept_as_long_as_its_ttl_says(client, dns):
    """RFC 1035 section 3.2.1; case and a final dot make no other name."""
    names = dns({"one.example": "@ 2 A 192.0.2.1\nlong 600 A 192.0.2.2"})
    one = client(names)
    first = one.one("one.example A")
    assert first.how == "asked" and 0 < first.holds_ms <= 2000
    assert 500000 < one.one("long.one.example A").holds_ms <= 600000
    assert one.one("Long.One.Example. A").how == "cache"
    names.write({"one.example": "@ 2 A 192.0.2.7\nlong 600 A 192.0.2.8"})
    until = time.monotonic() + 30
    while one.one("one.example A").records != ["192.0.2.7"]:
        assert time.monotonic() < until
        time.sleep(0.05)
    assert one.one("long.one.example A").records == ["192.0.2.2"]
    metrics = one.metrics()
    assert metrics["dns_cache_hits_total"] >= 2 and metrics["dns_cached"] == 2


def test_absurd_ttls_are_bounded(client, dns):
    """RFC 2181 section 8: over 2^31 - 1 counts as 0; ours are between a second and a day."""
    one = client(dns({"one.example": """
        zero 0          A 192.0.2.1
        huge 2147483647 A 192.0.2.2
    """}))
    answers = one.ask("zero.one.example A", "huge.one.example A")
    assert answers["zero.one.example A"].holds_ms in range(1, 1001)
    assert 86300000 < answers["huge.one.example A"].holds_ms <= 86400000


def test_what_does_not_exist_is_remembered_by_the_minimum_of_the_soa(client, dns):
    """RFC 2308: NXDOMAIN and NODATA."""
    one = client(dns({"one.example": "here A 192.0.2.1"}, negative=30))
    answers = one.ask("no.one.example A", "here.one.example SRV")
    for answer in answers.values():
        assert answer.status == "not found"
        assert 20000 <= answer.holds_ms <= 30000
        assert answer.records == []
    assert one.one("no.one.example A").how == "cache"
    assert one.metrics()["dns_not_found_total"] == 2


def test_aliases_are_followed_but_not_in_circles(client, dns):
    """RFC 1034 section 3.6.2."""
    one = client(dns({"one.example": """
        alias  CNAME next
        next   CNAME host
        host   A     192.0.2.1
        left   CNAME right
        right  CNAME left
        self   CNAME self
        """ + "\n".join(f"c{i} CNAME c{i + 1}" for i in range(40))}))
    answers = one.ask("alias.one.example A", "left.one.example A", "self.one.example A", "c0.one.example A")
    assert answers["alias.one.example A"].records == ["192.0.2.1"]
    for name in ("left", "self", "c0"):
        assert answers[f"{name}.one.example A"].status != "ok"
        assert answers[f"{name}.one.example A"].took_ms < 15000


def test_of_hundreds_of_records_the_preferred_are_kept(client, dns):
    """RFC 7766: a truncated answer is asked for again over TCP."""
    one = client(dns({"one.example": "\n".join(
        [f"@ A 10.0.{i // 256}.{i % 256}" for i in range(200)] +
        [f"_sip._udp SRV {1000 - i} 1 5060 host{i}" for i in range(600)])}))
    answers = one.ask("one.example A", "_sip._udp.one.example SRV")
    assert sorted(answers["one.example A"].records) == sorted(f"10.0.0.{i}" for i in range(200))
    srv = answers["_sip._udp.one.example SRV"]
    assert len(srv.records) == 256 and srv.left_out == 600 - 256
    assert srv.records == [f"{1000 - i} 1 5060 host{i}.one.example" for i in range(599, 599 - 256, -1)]
    assert one.metrics()["dns_left_out_total"] == 600 - 256


def test_a_dead_server_costs_its_time_and_no_more(client):
    """It is answered by the time-out of the configuration, then remembered for a moment."""
    with silent() as address:
        one = client(address, timeout=1500)
        answers = one.ask("a.example A", "b.example SRV", "a.example A")
        for answer in answers.values():
            assert answer.status == "unreachable"
            assert answer.took_ms < 15000
        assert answers["b.example SRV"].took_ms >= 1400
        assert one.one("a.example A").how == "cache"
        metrics = one.metrics()
        assert metrics["dns_timeouts_total"] == 2 and metrics["dns_joined_total"] == 1


def test_of_two_servers_one_is_enough(client, dns):
    with silent() as address:
        one = client(address, dns({"one.example": "* A 192.0.2.1"}), timeout=30000)
        questions = [f"n{i}.one.example A" for i in range(50)]
        assert all(answer.records == ["192.0.2.1"] for answer in one.ask(*questions).values())


def test_a_server_that_comes_back_is_used_again(client, dns):
    names = dns({"one.example": "* A 192.0.2.1"})
    one = client(names, timeout=1500)
    assert one.one("a.one.example A").status == "ok"
    names.stop()
    assert one.one("b.one.example A").status == "unreachable"
    names.start()
    until = time.monotonic() + 60
    number = 0
    while one.one(f"n{number}.one.example A").status != "ok":
        assert time.monotonic() < until
        number += 1


class Liar:
    """A DNS server whose answer section is what say(first label) returns: records after the question, or None for
    silence, or "raw" and a whole packet."""

    def __init__(self, say):
        self.say = say
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.udp.getsockname()[1]}"
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                query, peer = self.udp.recvfrom(4096)
                end = query.index(b"\0", 12) + 5
                answers = self.say(query[12:end])
                if isinstance(answers, list):
                    counts = struct.pack("!4H", 1, len(answers), 0, 0)
                    answers = query[:2] + b"\x81\x80" + counts + query[12:end] + b"".join(answers)
                if answers is not None:
                    self.udp.sendto(answers, peer)

    def close(self):
        self.udp.close()


def record(kind, data, ttl=60):
    """A record for the name that was asked for (a pointer to it)."""
    return struct.pack("!HHHIH", 0xC00C, kind, 1, ttl, len(data)) + data


def test_a_domain_that_is_dead_delays_no_other(client):
    """A resolver that is silent about one domain (its servers are dead) still counts as alive."""
    resolver = Liar(lambda question: [record(1, b"\xc0\0\2\1")] if b"\4live" in question else None)
    one = client(resolver.address, timeout=2500)
    for batch in range(3):
        dead = [f"d{batch}x{i}.dead.example A" for i in range(100)]
        answers = one.ask(*dead[:50], f"a{batch}.live.example A", *dead[50:], f"b{batch}.live.example A")
        for question, answer in answers.items():
            if "live" in question:
                assert answer.records == ["192.0.2.1"] and answer.took_ms < 1900, question
            else:
                assert answer.status == "unreachable" and 2000 <= answer.took_ms < 20000
    resolver.close()


def test_lies_are_no_answers_and_harm_no_other(client):
    """RFC 1035 section 4.1, RFC 2181 section 8, RFC 2782."""
    target = b"\4host\7example\0"
    lies = {
        b"short": [record(33, b"\0\1\0")],
        b"cut": [record(33, b"\0\1\0\1\x13\xc4\4ho")],
        b"long": [record(33, b"\0\1\0\1\x13\xc4" + target + b"more")],
        b"circle": [record(33, b"\0\1\0\1\x13\xc4\1a\xc0\x30")],
        b"far": [record(33, b"\0\1\0\1\x13\xc4\xff\xff")],
        b"blank": [record(33, b"\0\1\0\1\x13\xc4\3a b\0")],
        b"dot": [record(33, b"\0\1\0\1\x13\xc4\3a.b\0")],
        b"garbage": bytes(range(256)),
        b"empty": b"",
    }

    def say(question):
        for word, lie in lies.items():
            if word in question:
                return lie
        if b"mixed" in question:
            return lies[b"blank"] + [record(33, b"\0\1\0\1\x13\xc4" + target)]
        return [record(33, b"\0\1\0\1\x13\xc4" + target, 0xFFFFFFFF if b"huge" in question else 60)]

    server = Liar(say)
    one = client(server.address, timeout=3000)
    names = [word.decode() for word in lies] + ["mixed", "huge", "good"]
    answers = one.ask(*(f"{name}.example SRV" for name in names))
    for name in names[:-3]:
        assert answers[f"{name}.example SRV"].status in ("invalid", "unreachable"), name
    for name in names[-3:]:
        assert answers[f"{name}.example SRV"].records == ["1 1 5060 host.example"], name
    assert answers["mixed.example SRV"].left_out == 1
    assert answers["huge.example SRV"].holds_ms <= 1000
    assert one.one("later.example SRV").status == "ok"
    server.close()


def test_the_hosts_file_counts_and_is_read_again(client, dns, tmp_path):
    hosts = tmp_path / "hosts"
    hosts.write_text("192.0.2.9 box Box.One.Example # the box\n2001:db8::9\tbox\n192.0.2.10 box\nnonsense here\n")
    one = client(dns({"one.example": "box A 192.0.2.1\nother A 192.0.2.2"}), hosts=hosts)
    assert one.one("box A").records == ["192.0.2.9", "192.0.2.10"]
    assert one.one("box AAAA").records == ["2001:db8::9"]
    assert one.one("box.one.example. A").records == ["192.0.2.9"]
    assert one.one("box.one.example AAAA").status == "not found"
    assert one.one("other.one.example A").records == ["192.0.2.2"]
    hosts.write_text("192.0.2.11 other.one.example\n")
    until = time.monotonic() + 30
    while one.one("other.one.example A").records != ["192.0.2.11"]:
        assert time.monotonic() < until
        time.sleep(0.05)
    assert one.one("box.one.example A").records == ["192.0.2.1"]
    hosts.unlink()
    while one.one("other.one.example A").records != ["192.0.2.2"]:
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.skipif(os.geteuid() != 0, reason="port 53 and a resolv.conf of its own need root")
def test_resolv_conf_counts_and_is_read_again(client, dns, tmp_path):
    """resolv.conf(5)"""
    first = dns({"one.example": "@ A 192.0.2.1"}, host="127.0.0.77", port=53)
    second = dns({"one.example": "@ A 192.0.2.2"}, host="127.0.0.78", port=53)
    conf = tmp_path / "resolv.conf"
    conf.write_text(f"search example.org\nnameserver {first.host}\n")
    one = client(prefix=["unshare", "-m", "sh", "-c", f'mount --bind {conf} /etc/resolv.conf && exec "$@"', "sh"])
    assert one.one("one.example A").records == ["192.0.2.1"]
    conf.write_text(f"nameserver {second.host}\n")
    until = time.monotonic() + 30
    while one.one("one.example A").records != ["192.0.2.2"]:
        assert time.monotonic() < until
        time.sleep(0.05)


def test_signed_answers_are_proved_and_bogus_ones_refused(client, dns):
    """RFC 4035 section 4.3."""
    names = dns({"one.example": "host A 192.0.2.1\n_sip._udp SRV 1 2 5060 host", "two.example": "host A 192.0.2.2"})
    anchor = names.sign("one.example")
    one = client(names, anchor=anchor)
    answers = one.ask("host.one.example A", "_sip._udp.one.example SRV", "no.one.example A", "host.two.example A")
    assert answers["host.one.example A"].secure == 1
    assert answers["_sip._udp.one.example SRV"].secure == 1
    assert answers["no.one.example A"].status == "not found" and answers["no.one.example A"].secure == 1
    assert answers["host.two.example A"].records == ["192.0.2.2"] and answers["host.two.example A"].secure == 0

    # The same zone with another key: what it says cannot be proved.
    names.write({"one.example": "host A 192.0.2.66", "two.example": "host A 192.0.2.2"})
    names.sign("one.example")
    two = client(names, anchor=anchor)
    assert two.one("host.one.example A").status == "invalid"
    assert two.metrics()["dns_bogus_total"] == 1

    # Without DNSSEC nobody asks for proof.
    three = client(names)
    assert three.one("host.one.example A").records == ["192.0.2.66"]


def test_a_new_configuration_asks_the_new_server(client, dns):
    """What is under way is asked anew."""
    with silent() as address:
        one = client(address)
        one.process.stdin.write("a.one.example A\n")
        names = dns({"one.example": "a A 192.0.2.1"})
        one.again(names.address)
        one.process.stdin.write("\n")
        (line,) = one._lines()
        assert Answer(line).records == ["192.0.2.1"]


def test_what_is_no_host_name_is_not_asked(client):
    """RFC 1123 section 2.1."""
    one = client(f"127.0.0.1:{free_port()}")
    bad = ["192.0.2.1 A", "a..example A", ".example A", "a.example.. A", "-.1 A", "a%b.example A", "a" * 64 + ".example A",
           ".".join(["a" * 50] * 6) + " A", "[2001:db8::1] AAAA", ". A"]
    answers = one.ask(*bad)
    assert {answer.how + " " + answer.status for answer in answers.values()} == {"refused invalid"}


def test_nothing_under_way_hinders_the_end(client):
    """Questions without an answer end with their worker, at once."""
    with silent() as address:
        one = client(address, timeout=30000)
        one.process.stdin.write("".join(f"n{i}.example A\n" for i in range(300)))
        began = time.monotonic()
        one.close()
        assert time.monotonic() - began < 20


def test_no_more_questions_than_the_bound(client):
    with silent() as address:
        one = client(address, timeout=5000)
        answers = one.ask(*(f"n{i}.example A" for i in range(2100)))
        refused = [answer for answer in answers.values() if answer.how == "refused"]
        assert {answer.status for answer in refused} == {"limit reached"}
        assert len(refused) == 2100 - 2048
        assert one.metrics()["dns_refused_total"] == len(refused)


def answer_one(ua):
    ua.send(ua.response(ua.receive(), "200 OK"))


def test_dead_dns_delays_only_the_requests_that_need_it(server, dns, tmp_path):
    """And a reload goes over to another server."""
    config = tmp_path / "trapezoid.yaml"
    settings = "auth.call: off\nroutes: ['@far.example=sip:far.example']\ndns.timeout: 4s\ndns.servers: "
    with silent() as dead:
        config.write_text(settings + f"'{dead}'\n")
        one = server(config=config, drain_time="0s")
        with Ua(one.address, "caller") as caller, Ua(one.address, "other") as other, Ua(one.address, "far") as far:
            began = time.monotonic()
            caller.send(caller.request("OPTIONS", "sip:1@far.example", call_id="dead"))
            while time.monotonic() - began < 1:
                asked = time.monotonic()
                assert other.ask("OPTIONS", f"sip:{one.address}").status == 200
                assert time.monotonic() - asked < 3
            assert caller.final().status >= 400
            assert 3.5 < time.monotonic() - began < 60

            port = far.socket.getsockname()[1]
            names = dns({"far.example": f"_sip._udp SRV 1 1 {port} host\nhost A 127.0.0.1"})
            config.write_text(settings + f"'{names.address}'\n")
            one.command("reload")
            caller.send(caller.request("OPTIONS", "sip:3@far.example", call_id="alive"))
            answer_one(far)
            assert caller.final().status == 200
