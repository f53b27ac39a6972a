"""`trapezoid nat` behind every NAT of the laboratory, asking our server and those of others.

All that can run at once does, before the first test: what takes time is waiting for answers that do not come.
"""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

import pytest
from lab import KINDS, SERVERS, Lab

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "system"))
import trapezoid  # noqa: E402

# Ours, coturn and Debian's stun-server (RFC 3489) have two addresses each, the last one has one.
OURS, COTURN, CLASSIC = SERVERS[0], "198.51.100.4", "198.51.100.6"
ONE_ADDRESS = SERVERS[2]
SECOND = {OURS: SERVERS[1], COTURN: "198.51.100.5", CLASSIC: "198.51.100.7"}
SILENT = "198.51.100.8"  # a host that nothing runs on
NOBODY = "198.51.100.9"  # no host at all

ENDPOINT, ADDRESS, PORT = "endpoint-independent", "address-dependent", "address and port-dependent"
# The name by RFC 3489, mapping and filtering by RFC 5780, what calls need.
EXPECTED = {
    "open": ("open internet", "none", ENDPOINT, "straight"),
    "full cone": ("full cone", ENDPOINT, ENDPOINT, "straight"),
    "restricted cone": ("restricted cone", ENDPOINT, ADDRESS, "straight"),
    "port-restricted cone": ("port-restricted cone", ENDPOINT, PORT, "straight"),
    "symmetric": ("symmetric", PORT, PORT, "relay"),
    "symmetric firewall": ("symmetric firewall", "none", PORT, "straight"),
    "udp blocked": ("UDP blocked", "unknown", "unknown", "relay"),
}
# Two NATs in a row, inner and outer: the stricter one shows.
ROWS = {
    ("full cone", "symmetric"): "symmetric",
    ("symmetric", "full cone"): "symmetric",
    ("port-restricted cone", "restricted cone"): "port-restricted cone",
    ("full cone", "full cone"): "full cone",
    ("restricted cone", "udp blocked"): "udp blocked",
}
SHORT_LIFE = 2  # seconds
OURS_V6, SECOND_V6, HOST_V6 = "2001:db8:1::1", "2001:db8:1::2", "2001:db8:1::{}"
FIREWALL_V6 = """
table ip6 lab {
    chain input {
        type filter hook input priority 0; policy drop;
        ct state established,related accept
        meta l4proto ipv6-icmp accept
    }
}
"""


def wait_for_port(namespace, address, port):
    until = time.monotonic() + 60
    while True:
        with namespace.socket(kind=socket.SOCK_STREAM, timeout=1) as s:
            if s.connect_ex((address, port)) == 0:
                return
        assert time.monotonic() < until, f"nothing listens at {address}:{port}"
        time.sleep(0.02)


def wait_for_stun(namespace, address):
    """Until it answers a classic Binding request."""
    with namespace.socket(timeout=0.1) as s:
        for _ in range(200):
            s.sendto(b"\0\1\0\0" + os.urandom(16), (address, 3478))
            with contextlib.suppress(socket.timeout):
                s.recv(2048)
                return
    raise AssertionError(f"no STUN server at {address}")


class Folder:
    """A folder as long as it is needed."""

    def __init__(self, path):
        self.path = path

    def __enter__(self):
        os.makedirs(self.path)
        return self.path

    def __exit__(self, *error):
        shutil.rmtree(self.path)


class Outside:
    """The laboratory with all servers."""

    def __init__(self, stack):
        self.lab = stack.enter_context(Lab())
        out = self.lab.outside
        for address in (COTURN, SECOND[COTURN], CLASSIC, SECOND[CLASSIC], SILENT):
            out.ip("address", "add", f"{address}/24", "dev", "net")
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="tz-"))
        self.start_ours(stack, OURS, {"stun.listen": [f"udp:{OURS}:3478", f"tcp:{OURS}:3478", f"tls:{OURS}:5349"],
                                      "stun.alternate": f"{SECOND[OURS]}:3479"})
        self.start_ours(stack, ONE_ADDRESS, {"stun.listen": f"udp:{ONE_ADDRESS}:3478"})
        for address in (OURS_V6, SECOND_V6):
            out.ip("address", "add", f"{address}/64", "dev", "net", "nodad")
        self.start_ours(stack, OURS_V6, {"listen": f"udp:[{OURS_V6}]:5060", "stun.listen": f"udp:[{OURS_V6}]:3478",
                                         "stun.alternate": f"[{SECOND_V6}]:3479"})
        self.start(stack, "turnserver", "-n", "-z", "-L", COTURN, "-L", SECOND[COTURN], "--log-file=stdout", "--no-cli",
                   "--no-tls", "--no-dtls", "--pidfile", f"{folder}/pid", "--userdb", f"{folder}/db", "--realm=lab")
        self.start(stack, "stund", "-h", CLASSIC, "-a", SECOND[CLASSIC])
        wait_for_port(out, COTURN, 3478)
        for address in SECOND:
            wait_for_stun(out, address)

    def start_ours(self, stack, address, settings):
        one = trapezoid.Trapezoid({"listen": f"udp:{address}:5060", "drain_time": "0s", **settings})
        one.prefix = self.lab.outside.command()
        one.start()
        stack.callback(one.close)

    def host_v6(self, number, rules=None):
        """A host outside with an IPv6 address."""
        host = self.lab.namespace(f"v{number}")
        self.lab.plug(host, "eth0", f"v{number}", f"198.51.100.{100 + number}/24")
        host.ip("address", "add", f"{HOST_V6.format(number)}/64", "dev", "eth0", "nodad")
        if rules:
            host.run("nft", "-f", "-", input=rules)
        return host

    def etc(self, stack, namespace, **files):
        """What these files of /etc say there."""
        folder = stack.enter_context(Folder(f"/etc/netns/{namespace.name}"))
        for name, text in files.items():
            with open(os.path.join(folder, name.replace("_", ".")), "w") as file:
                file.write(text)

    def start(self, stack, *words):
        process = subprocess.Popen(self.lab.outside.command(*words), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        stack.callback(process.wait)
        stack.callback(process.kill)


class Run:
    """One `trapezoid nat` under way; finish() waits for it."""

    def __init__(self, place, server, *options):
        words = [trapezoid.PROGRAM, "nat", *([server] if server else []), *options]
        self.process = subprocess.Popen(place.command(*words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def finish(self):
        self.out, self.err = self.process.communicate(timeout=170)
        self.code = self.process.returncode
        assert not trapezoid.SANITIZER.search(self.err), self.err
        return self

    def result(self):
        """The first address's."""
        return json.loads(self.out)["results"][0]


@pytest.fixture(scope="module")
def runs():
    """All runs, over: (what, server) -> Run."""
    with contextlib.ExitStack() as stack:
        outside = Outside(stack)
        lab = outside.lab
        sites = {kind: lab.site(kind) for kind in KINDS}
        for inner, outer in ROWS:
            sites[inner, outer] = lab.site(inner, behind=lab.site(outer))
        sites["hairpin"] = lab.site("full cone", hairpin=True)
        for kind in ("port-restricted cone", "symmetric"):
            sites["short", kind] = lab.site(kind, time=SHORT_LIFE)
        # No name server is there, and the host says so at once.
        outside.etc(stack, sites["open"].host, resolv_conf=f"nameserver {SILENT}\noptions attempts:1\n")
        started = {}
        for what, site in sites.items():
            for server in (OURS, COTURN, CLASSIC):
                started[what, server] = Run(site, server, "--json", "--lifetime", "4s" if "short" in what else "0")
        for what, server, *options in [
                ("restricted cone", ONE_ADDRESS, "--json"), ("open", ONE_ADDRESS, "--json", "--lifetime", "0"),
                ("full cone", SILENT), ("full cone", NOBODY, "--json"), ("symmetric", f"{OURS}:3478"),
                ("open", "no-such-name.invalid"), ("full cone", "203.0.113.250.1:99999")]:
            started[what, server] = Run(sites[what], server, *options)
        open_v6, firewall_v6 = outside.host_v6(10), outside.host_v6(11, FIREWALL_V6)
        outside.etc(stack, open_v6, hosts=f"{OURS_V6} stun.test\n{OURS} stun.test\n")
        started["v6", "open"] = Run(open_v6, OURS_V6, "--json")
        started["v6", "both"] = Run(open_v6, "stun.test", "--json")
        started["v6", "firewall"] = Run(firewall_v6, f"[{OURS_V6}]:3478", "--json", "--lifetime", "1s")
        started["host", "config"] = Run(lab.outside, None, "--set", f"stun.listen=udp:{OURS}:3478", "--json")
        started["host", "nothing"] = Run(lab.outside, None)
        for run in started.values():
            run.finish()
        for what, site in sites.items():
            for server in (OURS, COTURN, CLASSIC):
                started[what, server].site = site
        yield started


@pytest.mark.parametrize("server", [OURS, COTURN, CLASSIC], ids=["ours", "coturn", "stun-server"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_named_rightly_whoever_is_asked(runs, kind, server):
    run = runs[kind, server]
    found = run.result()
    assert (found["kind"], found["mapping"], found["filtering"], found["calls"]) == EXPECTED[kind], run.err
    assert found["server"] == f"{server}:3478" and found["local"].startswith(run.site.address)
    if kind == "udp blocked":
        assert found["outside"] is None and found["gap"] == "no answer"
        return
    assert run.code == 0 and found["gap"] == "none"
    assert found["outside"].rpartition(":")[0] == run.site.outside
    assert found["translated"] != run.site.public
    assert found["port_kept"] == (kind != "symmetric")
    assert not found["addresses_rewritten"]


@pytest.mark.parametrize("server", [OURS, COTURN, CLASSIC], ids=["ours", "coturn", "stun-server"])
@pytest.mark.parametrize("inner, outer", ROWS)
def test_of_two_nats_in_a_row_the_stricter_one_is_named(runs, inner, outer, server):
    found = runs[(inner, outer), server].result()
    assert (found["kind"], found["mapping"], found["filtering"], found["calls"]) == EXPECTED[ROWS[inner, outer]]


@pytest.mark.parametrize("server", [OURS, COTURN, CLASSIC], ids=["ours", "coturn", "stun-server"])
def test_hairpinning_is_found_where_it_is(runs, server):
    assert runs["hairpin", server].result()["hairpinning"] == "yes"
    assert runs["hairpin", server].result()["kind"] == "full cone"
    for kind in KINDS:
        public = kind in ("open", "symmetric firewall")
        assert runs[kind, server].result()["hairpinning"] == (
            "not needed" if public else "unknown" if kind == "udp blocked" else "no")


def test_fragments_pass_every_nat_of_the_laboratory(runs):
    for kind in KINDS:
        for server in (OURS, COTURN):
            assert runs[kind, server].result()["fragments"] == ("unknown" if kind == "udp blocked" else "pass")


@pytest.mark.parametrize("server", [OURS, COTURN, CLASSIC], ids=["ours", "coturn", "stun-server"])
@pytest.mark.parametrize("kind", ["port-restricted cone", "symmetric"])
def test_the_life_of_a_mapping_is_measured_and_does_not_mislead(runs, kind, server):
    """RFC 5780 section 4.6; RFC 3489 section 10.2 with the classic server. A mapping that has expired between two
    tests does not make a cone symmetric."""
    run = runs[("short", kind), server]
    found = run.result()
    assert (found["kind"], found["mapping"], found["filtering"], found["calls"]) == EXPECTED[kind], run.err
    assert found["lifetime"], run.err
    # The kernel of a busy machine lets it live a little longer.
    assert SHORT_LIFE * 1000 - 1000 <= found["lifetime"]["alive_ms"] < found["lifetime"]["gone_ms"], run.err
    assert found["lifetime"]["gone_ms"] <= SHORT_LIFE * 1000 + 3000, run.err
    assert "at most 8 s" in run.err


def test_a_server_with_one_address_cannot_tell_everything_and_that_is_said(runs):
    found = runs["restricted cone", ONE_ADDRESS].result()
    assert (found["kind"], found["mapping"], found["filtering"]) == ("some NAT", "unknown", "unknown")
    assert (found["gap"], found["calls"]) == ("one address", "unknown")
    assert found["outside"] and found["translated"] and found["hairpinning"] == "no"
    assert found["lifetime"] is None
    assert runs["restricted cone", ONE_ADDRESS].code == 0
    found = runs["open", ONE_ADDRESS].result()
    assert (found["kind"], found["mapping"], found["calls"]) == ("no NAT", "none", "straight")


def test_where_udp_is_blocked_tcp_and_tls_are_tried(runs):
    run = runs["udp blocked", OURS]
    states = {s["transport"]: s["state"] for s in run.result()["streams"]}
    assert states == {"tcp": "answered", "tls": "answered"} and run.code == 0
    run = runs["udp blocked", CLASSIC]
    states = {s["transport"]: s["state"] for s in run.result()["streams"]}
    assert states == {"tcp": "refused", "tls": "refused"} and run.code == 3
    assert "is one running there" in run.result()["advice"]


def test_a_person_is_told_in_words(runs):
    run = runs["symmetric", f"{OURS}:3478"]
    assert run.code == 0
    assert "kind         symmetric" in run.out and "calls        calls need the relay" in run.out
    assert "because each peer sees another outside port" in run.out
    assert "lives longer than 5.0 s" in run.out
    assert "test II, from the server's other address and port: does not get in" in run.err
    run = runs["full cone", SILENT]
    assert run.code == 3
    assert "kind         unknown" in run.out and "is one running there" in run.out


def test_a_server_that_is_not_there_does_not_make_udp_blocked(runs):
    """Its host says so itself (ICMP port unreachable): UDP passes both ways."""
    run = runs["full cone", SILENT]
    assert run.code == 3 and "UDP passes" in run.err and "UDP blocked" not in run.out
    assert "calls        whether media can go straight is not known" in run.out


def test_who_does_not_answer_is_told_apart_from_who_does_not_exist(runs):
    run = runs["full cone", NOBODY]
    assert run.code == 3
    assert "the server is down, the address is wrong, or a firewall" in run.result()["advice"]
    run = runs["open", "no-such-name.invalid"]
    assert run.code == 1 and "no-such-name.invalid cannot be looked up: no name server answers" in run.err
    run = runs["full cone", "203.0.113.250.1:99999"]
    assert run.code == 2 and "is no server" in run.err


def test_without_a_server_the_configuration_says_which(runs):
    run = runs["host", "config"]
    assert run.code == 0 and run.result()["server"] == f"{OURS}:3478" and run.result()["kind"] == "open internet"
    run = runs["host", "nothing"]
    assert run.code == 2 and "name a STUN server: trapezoid nat SERVER" in run.err


def test_ipv6_is_asked_as_ipv4_is(runs):
    found = runs["v6", "open"].result()
    assert (found["kind"], found["mapping"], found["filtering"], found["calls"]) == EXPECTED["open"]
    assert found["server"] == f"[{OURS_V6}]:3478" and found["outside"] == found["local"]
    assert found["local"].startswith(f"[{HOST_V6.format(10)}]:") and found["fragments"] == "pass"
    found = runs["v6", "firewall"].result()
    assert (found["kind"], found["mapping"], found["filtering"], found["calls"]) == EXPECTED["symmetric firewall"]
    assert found["lifetime"]["alive_ms"] >= 1000 and found["lifetime"]["gone_ms"] is None


def test_a_name_with_both_kinds_of_address_is_asked_over_both(runs):
    results = json.loads(runs["v6", "both"].out)["results"]
    assert [r["server"] for r in results] == [f"{OURS}:3478", f"[{OURS_V6}]:3478"]
    assert {r["kind"] for r in results} == {"open internet"}
