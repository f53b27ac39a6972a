"""`trapezoid route`: every decision and every record, against real zones."""

import json
import socket
import subprocess

import pytest
from trapezoid import PROGRAM, SANITIZER
from ua import Ua

ZONES = {
    "example.com": """
        @ NAPTR 50  50 "s" "SIPS+D2T" "" _sips._tcp
        @ NAPTR 90  50 "s" "SIP+D2T"  "" _sip._tcp
        @ NAPTR 100 50 "s" "SIP+D2U"  "" _sip._udp
        @ NAPTR 10  10 "u" "E2U+sip"  "!^.*$!sip:x@y.invalid!" .
        _sip._tcp SRV 0 1 5060 server1
        _sip._tcp SRV 0 2 5060 server2
        _sip._udp SRV 0 0 5070 server1
        server1 A 192.0.2.1
        server2 A 192.0.2.2
        server2 AAAA 2001:db8::2
    """,
    "bare.example": "@ A 192.0.2.9",
    "never.example": "_sip._udp SRV 0 0 0 .\n_sip._tcp SRV 0 0 0 .",
}


@pytest.fixture
def route(dns, tmp_path):
    names = dns(ZONES)

    def ask(*options, code=0, stdin=None):
        done = subprocess.run(
            [PROGRAM, "route", "--set", f"dns.servers={names.address}", "--set",
             "listen=udp:127.0.0.1:5060,tcp:127.0.0.1:5060", "--set", "store.path=:memory:",
             "--set", f"control.path={tmp_path}/control", *options],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, input=stdin, text=True, timeout=60, check=False)
        assert not SANITIZER.search(done.stderr), done.stderr
        assert done.returncode == code, f"{done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    return ask


# RFC 3263 section 4.1: the example of the RFC.
def test_each_record_and_decision_is_told(route):
    text = route("sip:user@example.com")
    for words in ("neither port nor transport is given: NAPTR records of the host are asked for  [RFC 3263 4.1]",
                  'NAPTR 50 50 "s" "SIPS+D2T" _sips._tcp.example.com is left out: this server has no listener for it',
                  'NAPTR 90 50 "s" "SIP+D2T" _sip._tcp.example.com is of use',
                  'NAPTR 100 50 "s" "SIP+D2U" _sip._udp.example.com is left out: a record of a lower order is of use',
                  'NAPTR 10 10 "u" "E2U+sip"  is left out: its flag is not "s", or it has no replacement',
                  "SRV priority 0, weight 2: server2.example.com port 5060 by TCP",
                  "A server1.example.com: 1 record",
                  "targets, in the order in which they are tried"):
        assert words in text, text
    targets = json.loads(route("sip:user@example.com", "--json"))["targets"]
    assert sorted(target["address"] for target in targets[:2]) == ["192.0.2.1:5060", "192.0.2.2:5060"]
    assert [target["transport"] for target in targets] == ["TCP", "TCP"]


def test_both_families_where_both_are_spoken(route):
    targets = json.loads(route("sip:server2.example.com:5060", "--json", "--set",
                               "listen=udp:127.0.0.1:5060,udp:[::1]:5060"))["targets"]
    assert [target["address"] for target in targets] == ["[2001:db8::2]:5060", "192.0.2.2:5060"]


def test_a_host_without_records_of_service(route):
    text = route("bare.example")
    assert "there are no SRV records: the addresses of the host are tried" in text
    assert "1. UDP 192.0.2.9:5060" in text


@pytest.mark.parametrize("uri, words", [
    ("sip:never.example", "the domain does not offer the service"),
    ("sip:gone.bare.example", "no server was found"),
    ("sips:bare.example", "this server has no listener of the transport that is needed"),
    ("sip:a b", "that is no SIP URI"),
])
def test_why_there_is_no_target(route, uri, words):
    assert words in route(uri, code=1)


def test_a_dead_name_server_is_named(route):
    text = route("sip:bare.example", "--set", "dns.servers=127.0.0.1:9", "--set", "dns.timeout=500ms", code=1)
    assert "no DNS server answers" in text


# RFC 3261 section 16.5: our own domains are not looked up, static routes come first.
def test_own_domains_and_static_routes(route):
    text = route("sip:alice@example.com", "--set", "domains=example.com", code=1)
    assert "example.com is a domain of this server" in text
    text = route("sip:4912@elsewhere.example", "--set", "routes=49@elsewhere.example=sip:bare.example")
    assert 'the static route with prefix "49" and domain elsewhere.example leads to sip:bare.example' in text
    assert "1. UDP 192.0.2.9:5060" in text


def test_the_wrong_words(route):
    assert route("sip:x", "sip:y", code=2) == ""


# ---- A request from a file ----

INVITE = "\n".join([
    "INVITE {uri} SIP/2.0", "Via: SIP/2.0/UDP 127.0.0.1:5099;branch=z9hG4bKdry;rport", "Max-Forwards: 70",
    "From: <sip:alice@example.com>;tag=1", "To: <{uri}>", "Call-ID: dry", "CSeq: 1 INVITE",
    "Contact: <sip:alice@127.0.0.1:5099>", "Content-Length: 0", ""])


def texts(answer):
    return "\n".join(step["text"] for step in answer["steps"])


# RFC 3261 sections 16.4 to 16.6, with the phones that are registered now.
def test_an_invite_to_a_registered_phone(server, tmp_path):
    one = server(domains="example.com", auth__register=False)
    file = tmp_path / "invite"
    file.write_text(INVITE.format(uri="sip:bob@example.com"))
    with Ua(one.address, "bob") as bob:
        answer = one.json("route", "--invite", str(file))
        assert "SIP/2.0 480 " in answer["sends"][-1]["message"]  # the first start has made the account
        assert bob.ask("REGISTER", f"sip:{one.address}", to="sip:bob@example.com", from_="sip:bob@example.com",
                       lines=[f"Contact: {bob.contact}"]).status == 200
        answer = one.json("route", "--invite", str(file))
        assert "example.com is this server's: it is a user of the domain example.com" in texts(answer)
        assert "this user is asked for credentials (407)" in texts(answer)
        assert f"target: the phone sip:bob@{bob.address} of sip:bob@example.com" in texts(answer)
        trying, invite = answer["sends"]
        assert trying["message"].startswith("SIP/2.0 100 ") and trying["to"] == "127.0.0.1:5099"
        assert (invite["transport"], invite["to"]) == ("UDP", bob.address)
        lines = invite["message"].split("\r\n")
        assert lines[0] == f"INVITE sip:bob@{bob.address} SIP/2.0"
        assert lines[1].startswith(f"Via: SIP/2.0/UDP {one.address};rport;branch=z9hG4bK")
        assert "Max-Forwards: 69" in lines
        bob.nothing()
        text = one.command("route", "--invite", str(file))
        assert f"2. to {bob.address} by UDP:\n    INVITE sip:bob@{bob.address} SIP/2.0\n" in text


# Without a server: the configuration, its store and DNS.
def test_an_invite_by_a_static_route_without_a_server(route):
    answer = json.loads(route("--invite", "-", "--json", "--set", "domains=example.com", "--set",
                              "routes=49=sip:bare.example", stdin=INVITE.format(uri="sip:4930@example.com")))
    assert "target: the static route's next hop, sip:bare.example" in texts(answer)
    assert "there are no SRV records: the addresses of the host are tried" in texts(answer)
    invite = answer["sends"][-1]
    assert (invite["transport"], invite["to"]) == ("UDP", "192.0.2.9:5060")
    assert invite["message"].startswith("INVITE sip:4930@bare.example SIP/2.0\r\n")


@pytest.mark.parametrize("message, words", [
    (INVITE.format(uri="sip:nobody@example.com"), "SIP/2.0 404 "),
    (INVITE.format(uri="mailto:x@example.com"), "SIP/2.0 416 "),
    (INVITE.format(uri="sip:x@gone.bare.example"), "SIP/2.0 500 "),
    (INVITE.format(uri="sip:x@bare.example").replace("sip:alice@example.com", "sip:eve@else.example"), "SIP/2.0 403 "),
    (INVITE.format(uri="sip:bob@example.com").replace("CSeq: 1 INVITE", "CSeq: x"), "SIP/2.0 400 "),
])
def test_an_invite_that_is_refused(route, message, words):
    text = route("--invite", "-", "--set", "domains=example.com", stdin=message)
    assert words in text, text


def test_a_file_that_is_no_request(route, tmp_path):
    assert "nothing would leave" in route("--invite", "-", stdin="hello\n", code=1)
    assert route("--invite", str(tmp_path / "missing"), code=1) == ""


def test_a_dry_run_that_waits_for_dns_holds_up_nobody(server, tmp_path):
    """Other commands, reloads and the end go on meanwhile."""
    file = tmp_path / "invite"
    file.write_text(INVITE.format(uri="sip:x@slow.example.org"))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        one = server(domains="example.com", dns__servers="127.0.0.1:%d" % deaf.getsockname()[1], dns__timeout="30s")
        words = [PROGRAM, "route", "--invite", str(file), *one.options()]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as patient, \
                subprocess.Popen(words, stdout=subprocess.DEVNULL) as left:
            deaf.settimeout(20)
            deaf.recv(1000)  # now it waits
            left.kill()
            one.command("status")
            assert patient.poll() is None
            for command in ("reload", "contacts", "reload"):
                one.command(command)
            assert "DNS has not answered within 3 s" in patient.communicate(timeout=20)[0]
        with subprocess.Popen(words, stdout=subprocess.PIPE) as last:
            deaf.recv(1000)
            one.stop()
            last.wait(20)
