"""`trapezoid route`: every decision and every record, against real zones."""

import json
import subprocess

import pytest
from trapezoid import PROGRAM, SANITIZER

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
def route(dns):
    names = dns(ZONES)

    def ask(uri, *options, code=0):
        done = subprocess.run(
            [PROGRAM, "route", uri, "--set", f"dns.servers={names.address}", "--set",
             "listen=udp:127.0.0.1:5060,tcp:127.0.0.1:5060", "--set", "store.path=:memory:", *options],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=30, check=False)
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
                  'NAPTR 10 10 "u" "E2U+sip"  is left out: its flag is not "s", or it has no replacement',
                  "SRV priority 0, weight 2: server2.example.com port 5060 by TCP",
                  "A server1.example.com: 1 record",
                  "targets, in the order in which they are tried"):
        assert words in text, text
    targets = json.loads(route("sip:user@example.com", "--json"))["targets"]
    assert sorted(target["address"] for target in targets[:2]) == ["192.0.2.1:5060", "192.0.2.2:5060"]
    assert [target["transport"] for target in targets] == ["TCP", "TCP", "UDP"]
    assert targets[2]["address"] == "192.0.2.1:5070"


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
