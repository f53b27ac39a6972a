"""`trapezoid doctor`: each check where it is good and where it is not, and that what it advises helps."""

import concurrent.futures
import json
import os
import re
import shlex
import socket
import subprocess
import sys
import time

import nsd
import pytest
import trapezoid
from tls import Authority
from trapezoid import PROGRAM, free_port

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "nat"))
from lab import ONE_TO_ONE, Lab  # noqa: E402

OPEN = {"auth.register": False, "auth.call": False, "drain_time": "0s", "workers": 1}


class Findings:
    """What the doctor has found."""

    def __init__(self, done):
        self.code = done.returncode
        self.answer = json.loads(done.stdout)
        self.all = self.answer["findings"]

    def of(self, verdict):
        return [f for f in self.all if f["verdict"] == verdict]

    def find(self, verdict, pattern):
        """The finding whose text fits; its advice as text."""
        for finding in self.of(verdict):
            if re.search(pattern, finding["text"]):
                return "\n".join(finding["do"])
        raise AssertionError(f"no {verdict} with {pattern!r}: {json.dumps(self.all, indent=1)}")

    def good(self):
        assert self.code == 0 and not self.of("failed") and not self.of("warning"), json.dumps(self.all, indent=1)
        return self


def doctor(one, *checks, before=(), **more):
    """Asks the doctor about a server, that runs or does not, in its namespace."""
    settings = [w for key, value in more.items() for w in ("--set", f"{key.replace('__', '.')}={trapezoid.text_of(value)}")]
    done = subprocess.run([*one.prefix, *before, PROGRAM, "doctor", *checks, "--json", *one.options(), *settings],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120, check=False)
    assert not trapezoid.SANITIZER.search(done.stderr) and done.returncode in (0, 1), done.stderr + done.stdout
    return Findings(done)


@pytest.fixture
def absent(server):
    """A server that does not run."""
    return server(start=False, **{key.replace(".", "__"): value for key, value in OPEN.items()})


@pytest.fixture(scope="module")
def lab():
    with Lab() as one:
        yield one


@pytest.fixture(scope="module")
def stun(lab):
    """A STUN server outside, on two addresses."""
    one = trapezoid.Trapezoid({"listen": f"udp:{lab.servers[0]}:5070", "stun.listen": f"udp:{lab.servers[0]}:3478",
                               "stun.alternate": f"{lab.servers[1]}:3479", **OPEN})
    one.prefix = lab.outside.command()
    one.start()
    yield lab.servers[0]
    one.close()


class Behind(trapezoid.Trapezoid):
    """A server in a namespace."""

    def __init__(self, namespace, **settings):
        super().__init__({"listen": ["udp:0.0.0.0:5060", "tcp:0.0.0.0:5060"], **OPEN, **settings})
        self.prefix = namespace.command()


@pytest.fixture
def behind():
    made = []

    def make(namespace, start=True, **settings):
        made.append(Behind(namespace, **settings))
        return made[-1].start() if start else made[-1]

    yield make
    for one in made:
        one.close()


# ---- The command ----

def test_words_for_people_and_exit_codes(absent):
    done = absent.run("doctor", "ports", "clock")
    assert done.returncode == 0, done.stdout
    assert re.match(r"No server answers on \S+: the set-up is looked at without it\.\n\nPorts\n  ok       udp:127", done.stdout)
    assert re.search(r"\n\d+ good, \d+ notes, \d+ warnings, 0 failed", done.stdout)
    done = absent.run("doctor", "port")
    assert done.returncode == 2 and "there is no check \"port\"; did you mean ports?" in done.stderr
    absent.settings["sip.t1"] = "never"
    done = absent.run("doctor")
    assert done.returncode == 2 and "sip.t1" in done.stderr


def test_the_sockets_of_a_second_address_and_relays(server):
    """RFC 5780 section 6: four sockets. What the server would not start with the doctor finds."""
    ports = [trapezoid.free_port(), trapezoid.free_port("127.0.0.2")]
    stun = {"stun__listen": f"udp:127.0.0.1:{ports[0]}", "stun__alternate": f"127.0.0.2:{ports[1]}", "turn__enabled": True,
            "turn__relay": "127.0.0.1", **{key.replace(".", "__"): value for key, value in OPEN.items()}}
    corners = [f"udp:127.0.0.1:{ports[1]}", f"udp:127.0.0.2:{ports[0]}", f"udp:127.0.0.2:{ports[1]}"]
    found = doctor(server(start=False, **stun), "ports")
    assert found.code == 0
    for text in [f"{corner}: free" for corner in corners] + ["turn.relay 127.0.0.1: an address of this machine"]:
        found.find("ok", re.escape(text))
    found = doctor(server(**stun), "ports")
    assert found.code == 0
    for corner in corners:
        found.find("ok", re.escape(f"{corner}: the server answers STUN"))
    other = {**stun, "stun__listen": f"udp:127.0.0.1:{trapezoid.free_port()}"}
    for wrong, words in (({"turn__relay": "192.0.2.77"}, "turn.relay 192.0.2.77: this machine has no such address"),
                         ({"stun__alternate": "192.0.2.9:3479"}, "udp:192.0.2.9:3479: this machine has no such address"),
                         ({}, f"{corners[0]}: trapezoid")):
        one = server(start=False, **{**other, **wrong})
        found = doctor(one, "ports")
        assert found.code == 1 and found.find("failed", re.escape(words))
        assert one.launch().wait() != 0
    assert "cannot listen on udp:127.0.0.1:" in one.log()


def test_all_checks_with_a_running_server_take_little_time(server):
    one = server(**{key.replace(".", "__"): value for key, value in OPEN.items()})
    began = time.monotonic()
    found = doctor(one)
    assert time.monotonic() - began < 60
    assert found.answer["running"] is True and found.code == 0, found.all
    assert {f["check"] for f in found.all} == {"addresses", "ports", "inbound", "certificate", "names", "clock", "files", "kernel",
                                               "store", "firewall", "machine"}
    assert sum(found.answer["counts"].values()) == len(found.all)


# ---- Ports ----

def test_ports_that_are_free_are_good_and_who_has_a_taken_one_is_said(absent):
    assert [f["text"] for f in doctor(absent, "ports").good().all] == [f"{p}:{absent.address}: free" for p in ("udp", "tcp")]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind((absent.host, absent.port))
        found = doctor(absent, "ports")
        advice = found.find("failed", rf"udp:{absent.address}: .* \(process {os.getpid()}\) has this port")
        assert found.code == 1 and "ss -lnpu" in advice
    found = doctor(absent, "ports", listen="udp:192.0.2.199:5060")
    assert "ip address" in found.find("failed", "this machine has no such address")


def test_a_running_server_is_asked(server, tmp_path):
    tls_port, ws_port, stun_port = free_port(), free_port(), free_port()
    one = server(start=False, **{key.replace(".", "__"): value for key, value in OPEN.items()})
    one.settings["listen"] += [f"tls:127.0.0.1:{tls_port}", f"ws:127.0.0.1:{ws_port}"]
    dtls_port = free_port()
    one.settings["stun.listen"] = [f"udp:127.0.0.1:{stun_port}", f"tcp:127.0.0.1:{stun_port}", f"tls:127.0.0.1:{dtls_port}",
                                   f"dtls:127.0.0.1:{dtls_port}"]
    one.start()
    found = doctor(one, "ports").good()
    assert [f["text"].split(": ")[1] for f in found.all] == [
        "the server answers OPTIONS and STUN", "the server answers OPTIONS", "the server answers OPTIONS",
        "the server answers HTTP", *["the server answers STUN"] * 4]
    found = doctor(one, "ports", listen=[*one.settings["listen"], "udp:127.0.0.1:9"])
    assert "restart it" in found.find("failed", "udp:127.0.0.1:9: the running server does not listen there")


def test_a_server_that_a_rule_cuts_off_does_not_answer(lab, behind):
    site = lab.site("open")
    one = behind(site.host)
    doctor(one, "ports").good()
    site.run("nft", "add table inet cut; add chain inet cut in { type filter hook input priority 0; }; "
                    "add rule inet cut in udp dport 5060 drop")
    advice = doctor(one, "ports").find("failed", r"udp:0.0.0.0:5060: the server does not answer OPTIONS: no answer within 2 s")
    assert "nft list ruleset" in advice


# ---- Addresses, and ports from outside ----

def test_a_server_behind_a_nat_is_seen_from_outside(lab, stun, behind):
    one = behind(lab.site(ONE_TO_ONE).host, **{"outside.stun": stun})
    found = doctor(one, "addresses", "inbound").good()
    found.find("ok", rf"IPv4: behind a NAT; outside 198\.51\.100\.\d+ \(by STUN of {stun}\), inside 10\.77\.")
    found.find("ok", r"udp:198\.51\.100\.\d+:5060: who has never been written to reaches UDP port 5060")
    assert "nc -vz 198.51.100." in found.find("note", "connections")
    doctor(one, "ports").good()  # the server still gets all that is sent to it
    one.stop()
    doctor(one, "inbound").good()  # nor does it have to run
    one.start()


def test_root_tests_the_port_of_a_server_of_another_user(lab, stun, behind):
    one = behind(lab.site(ONE_TO_ONE).host, start=False, **{"outside.stun": stun})
    os.chmod(one.folder, 0o777)
    in_the_namespace = one.prefix
    one.prefix = [*in_the_namespace, "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    one.start()
    one.prefix = in_the_namespace
    doctor(one, "inbound").good().find("ok", "who has never been written to reaches UDP port 5060")


def test_a_nat_that_lets_nobody_in_is_told_with_the_port_to_forward(lab, stun, behind):
    kinds = ("port-restricted cone", "symmetric", "udp blocked")
    ones = [behind(lab.site(kind).host, start=kind != "udp blocked", **{"outside.stun": stun}) for kind in kinds]
    with concurrent.futures.ThreadPoolExecutor() as pool:  # they wait for time-outs
        told = pool.submit(doctor, ones[2], "inbound", outside__address="198.51.100.99")
        restricted, symmetric, found = pool.map(lambda one: doctor(one, "addresses", "inbound"), ones)
    advice = restricted.find("failed", "what strangers send to UDP port 5060 does not arrive")
    assert "forward UDP and TCP port 5060 of the router" in advice
    assert "to the same port" in symmetric.find("failed", r"the NAT makes port \d+ of our UDP port 5060")
    found.find("failed", "IPv4: nobody says what the outside address is")
    found.find("failed", "not tested: no STUN server answers")
    told.result().find("failed", "the STUN server does not answer UDP port 5060")


def test_an_address_that_has_changed_is_told(lab, stun, behind):
    site = lab.site(ONE_TO_ONE)
    one = behind(site.host, **{"outside.stun": stun, "outside.interval": "1h"})
    before = site.outside
    site.move(241)
    advice = doctor(one, "addresses").find("warning", rf"tells {before} as its outside IPv4 address, but now it is {site.outside}")
    assert advice == "trapezoid reload"
    one.command("reload")
    one.wait_for(rf"outside address \(IPv4\): {site.outside}")
    doctor(one, "addresses").good()


def test_without_a_nat_the_address_is_that_of_the_interface(lab, stun, behind):
    one = behind(lab.site("open").host, start=False, **{"outside.stun": stun})
    doctor(one, "addresses").good().find("ok", r"IPv4: 203\.0\.113\.\d+, no NAT \(STUN says so\)")


# ---- Certificates ----

@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("doctor"))


@pytest.fixture
def secure(absent, root):
    absent.settings.update({"listen": f"tls:127.0.0.1:{free_port()}", "domains": "example.org", "tls.trust": root.certificate})

    def make(name, alternatives="URI:sip:example.org,DNS:localhost", days=100):
        pair = root.sign(name, alternatives, days)
        absent.settings.update({"tls.certificate": pair[0], "tls.key": pair[1]})
        return absent

    return make


def test_a_good_certificate_is_named_with_its_time_and_names(secure):
    found = doctor(secure("good"), "certificate").good()
    found.find("ok", "good for (99|100) more days; for example.org, localhost")
    found.find("ok", "leads to a root that this machine trusts")


def test_what_is_wrong_with_a_certificate_is_said(secure, root, tmp_path):
    one = secure("soon", days=5)
    assert "reload" in doctor(one, "certificate").find("warning", "it runs out in [45] days")
    one = secure("other", "DNS:example.net")
    assert "RFC 5922" in doctor(one, "certificate").find("warning", "no certificate proves the domain example.org")
    one = secure("untrusted")
    assert "fullchain" in doctor(one, "certificate", tls__trust=Authority(tmp_path, "stranger").certificate).find(
        "warning", "does not lead to a root")
    os.chmod(one.settings["tls.key"], 0o644)
    assert "chmod" in doctor(one, "certificate").find("warning", "can read or change the key")
    one.settings["tls.key"] = root.sign("unlike", "DNS:example.org")[1]
    found = doctor(one, "certificate")
    assert found.code == 1 and found.find("failed", "key")


def test_an_old_certificate_in_a_running_server_is_noticed(secure, root):
    one = secure("shown").start()
    doctor(one, "certificate").good().find("ok", "the running server shows the certificate of the file")
    root.sign("shown", "URI:sip:example.org", 200)
    assert "trapezoid reload" in doctor(one, "certificate").find("failed", "shows another certificate than the file has now")
    one.command("reload")
    doctor(one, "certificate").good()


def test_the_certificate_of_a_first_start_must_be_trusted_by_hand(server):
    one = server(start=False, listen=f"tls:127.0.0.1:{free_port()}", drain_time="0s")
    doctor(one, "certificate").good().find("ok", "made by the first start")
    one.start()
    assert "docs/tls.md" in doctor(one, "certificate").good().find("note", "it signs itself")


# ---- DNS ----

@pytest.fixture
def zone(lab, behind):
    """A server for example.org on an address outside, and its zone: zone(records) starts both, more records are added by
    `write`."""
    servers = []

    def make(records, **settings):
        names = nsd.Nsd({"example.org": records}, host=lab.servers[2], port=5353, prefix=lab.outside.command())
        servers.append(names)
        one = behind(lab.outside, start=False, **{
            "listen": [f"{t}:{lab.servers[2]}:{p}" for t, p in (("udp", 5060), ("tcp", 5060), ("tls", 5061))],
            "domains": "example.org", "dns.servers": names.address, **settings})
        return one, names

    yield make
    for names in servers:
        names.close()


def lines_of(advice):
    return "\n".join(line for line in advice.split("\n") if " IN " in line)


def test_what_is_missing_in_the_zone_is_written_out_and_is_enough(zone):
    """The lines of the advice, put into the zone, make every record right."""
    one, names = zone("other A 192.0.2.1")
    found = doctor(one, "names")
    assert found.code == 1
    advice = found.find("failed", "example.org: nothing in DNS leads here")
    records = lines_of(advice)
    assert "_sip._udp.example.org. 3600 IN SRV 10 10 5060 sip.example.org." in records
    assert "_sips._tcp.example.org. 3600 IN SRV 10 10 5061 sip.example.org." in records
    assert "sip.example.org. 3600 IN A 198.51.100.3" in records
    records += "\n" + lines_of(found.find("note", "no NAPTR records"))
    names.write({"example.org": records})
    found = doctor(one, "names").good()
    assert len(found.of("ok")) == 4 and not found.of("note"), found.all


def test_records_that_lead_elsewhere_are_told_with_the_right_ones(zone):
    one, names = zone("""
        @ NAPTR 10 50 "s" "SIP+D2S" "" _sip._sctp
        _sip._udp SRV 10 10 5060 sip
        _sip._tcp SRV 10 10 5099 here
        _sips._tcp SRV 10 10 5061 nowhere
        sip A 192.0.2.1
        here A 198.51.100.3
    """)
    found = doctor(one, "names")
    assert found.code == 1
    assert "sip.example.org. 3600 IN A 198.51.100.3" in found.find(
        "failed", r"_sip._udp.example.org: SRV leads to sip.example.org, 192.0.2.1, which is not this machine \(198.51.100.")
    assert "_sip._tcp.example.org. 3600 IN SRV 10 10 5060 here.example.org." in found.find(
        "failed", "SRV says port 5099, where tcp is not served")
    found.find("failed", "SRV leads to nowhere.example.org, which has no address")
    assert "listen on sctp:" in found.find("failed", "NAPTR offers SIP\\+D2S, which is not served here")
    assert '"SIP+D2U"' in found.find("warning", "NAPTR leaves out some of our transports")
    names.stop()
    found = doctor(one, "names", dns__timeout="300ms")
    found.find("failed", "example.org: no DNS server answers")


# ---- Clock, limits, kernel ----

def test_a_clock_behind_what_was_written_is_wildly_wrong(absent):
    doctor(absent, "clock").find("ok", "not behind what this machine has written")
    os.makedirs(absent.settings["data_dir"])
    store = os.path.join(absent.settings["data_dir"], "trapezoid.db")
    with open(store, "w", encoding="ascii"):
        pass
    future = time.time() + 10 * 86400 + 60
    os.utime(store, (future, future))
    found = doctor(absent, "clock")
    assert found.code == 1 and "timedatectl" in found.find("failed", "the clock is at least 10 days behind")


def test_open_files_are_compared_with_the_connections_that_are_allowed(absent):
    doctor(absent, "files", tcp__connections=100).good()
    found = doctor(absent, "files", before=["prlimit", "--nofile=1000:1000"])
    advice = found.find("failed", "may open 1000 files; tcp.connections allows 100000 on each of 1 workers")
    assert found.code == 1 and "ulimit -n 100256" in advice
    doctor(absent, "files", before=["prlimit", "--nofile=1000:1000"], tcp__connections=744).good()
    assert "--set tcp.connections=744" in advice


def test_the_limit_of_the_running_server_counts(server):
    one = server(workers=1, tcp__connections=100)
    subprocess.run(["prlimit", "--pid", str(one.process.pid), "--nofile=200:200"], check=True)
    doctor(one, "files").find("failed", "the running server may open 200 files")


def test_kernel_settings_are_compared_with_the_configuration(lab, behind):
    site = lab.site("open")
    one = behind(site.host, start=False, **{"udp.receive_buffer": "64K"})
    site.run("sysctl", "-qw", "net.core.somaxconn=4096", "net.ipv4.ip_local_port_range=32768 60999")
    doctor(one, "kernel").good()
    site.run("sysctl", "-qw", "net.core.somaxconn=100", "net.ipv4.ip_local_port_range=5000 60999")
    found = doctor(one, "kernel", udp__receive_buffer="1G")
    assert "sysctl -w net.core.rmem_max=1073741824" in found.find("warning", "net.core.rmem_max is")
    advice = found.find("warning", "net.core.somaxconn is 100")
    found.find("note", "port 5060 lies in net.ipv4.ip_local_port_range")
    found = doctor(one, "kernel", turn__enabled=True, turn__ports="6000-7000", stun__listen="udp:0.0.0.0:3478")
    assert "ip_local_reserved_ports=6000-7000" in found.find("note", r"turn.ports \(6000 to 7000\) meet")
    site.run(*shlex.split(advice.split("\n")[0].removeprefix("sudo ")))
    doctor(one, "kernel").good()


# ---- Store ----

def test_the_store_must_be_writable_private_and_have_room(absent, tmp_path):
    doctor(absent, "store").good().find("ok", "made by the first start")
    blocked = tmp_path / "file"
    blocked.write_text("")
    found = doctor(absent, "store", data_dir=blocked / "data")
    assert found.code == 1 and "install -d" in found.find("failed", "files cannot be made there: Not a directory")
    absent.start()
    absent.stop()
    doctor(absent, "store").good().find("ok", "for its owner only")
    os.chmod(os.path.join(absent.settings["data_dir"], "trapezoid.db"), 0o644)
    assert "chmod o=" in doctor(absent, "store").find("warning", "digests of passwords")
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", small], check=True)
    try:
        found = doctor(absent, "store", data_dir=small)
        assert found.code == 1 and "df -h" in found.find("failed", "MiB left on its disk")
    finally:
        subprocess.run(["umount", small], check=True)


# ---- Firewall, machine ----

def test_a_firewall_without_a_rule_for_our_ports_is_told_and_the_advice_helps(lab, behind):
    site = lab.site("open")
    one = behind(site.host, start=False)
    doctor(one, "firewall").good().find("ok", "no rule of nftables keeps anything out")
    site.run("nft", "add table inet filter; add chain inet filter input { type filter hook input priority 0; policy drop; }; "
                    "add rule inet filter input tcp dport 22 accept")
    advice = doctor(one, "firewall").find("warning", "the chain inet filter input drops what no rule lets in")
    for line in advice.split("\n"):
        site.run(*shlex.split(line.removeprefix("sudo ")))
    doctor(one, "firewall").good().find("ok", "has rules for every port")


def test_ipv6_that_nobody_reaches_is_a_note(lab, behind):
    site = lab.site("open")
    one = behind(site.host, start=False)
    doctor(one, "machine").good().find("ok", "IPv4 alone")
    doctor(one, "machine", listen="udp:[::]:5060").find("note", "this machine has no IPv6 address that others can reach")
    site.host.ip("address", "add", "2001:db8::7/64", "dev", "eth0", "nodad")
    doctor(one, "machine", listen="udp:[::]:5060").find("ok", "IPv6 is there and is listened on")
    doctor(one, "machine").find("note", "phones with IPv6 alone cannot register")
