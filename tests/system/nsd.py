"""A real DNS server (NSD) with zones that a test writes:

    def test_it(server, dns):
        names = dns({"example.com": '''
            @           NAPTR 10 10 "s" "SIP+D2T" "" _sip._tcp
            _sip._tcp   SRV   0 1 5060 host
            host    300 A     127.0.0.1
        '''})
        one = server(dns__servers=names.address)
        names.write({"example.com": "@ A 127.0.0.2"})    # other zones from now on
        names.stop()                                     # nobody answers any more

SOA, NS and $TTL are added; names are relative to their zone. It listens on 127.0.0.1 (dns(zones, host="...") for
another address, or a namespace: prefix=["ip", "netns", "exec", "x"]), port 53 only if asked: port=53.
"""

import contextlib
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import tempfile
import time

from trapezoid import PATIENCE, free_port

NSD = shutil.which("nsd") or "/usr/sbin/nsd"
TYPES = {"A": 1, "SOA": 6, "AAAA": 28, "SRV": 33, "NAPTR": 35}
HEAD = """$ORIGIN {zone}.
$TTL {ttl}
@ SOA ns.trapezoid.invalid. hostmaster.trapezoid.invalid. {serial} 60 60 60 {negative}
@ NS ns.trapezoid.invalid.
"""


def question(name, kind, number=0x1234):
    """A query as it goes over UDP."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.rstrip(".").split(".") if label)
    return struct.pack("!6H", number, 0x0100, 1, 0, 0, 0) + labels + struct.pack("!xHH", TYPES[kind], 1)


class Nsd:
    """One NSD from start to end."""

    def __init__(self, zones, host="127.0.0.1", port=None, prefix=(), ttl=60, negative=30):
        self.folder = tempfile.mkdtemp(prefix="tz-nsd-")
        self.host, self.port = host, port or free_port(host)
        self.prefix, self.ttl, self.negative = list(prefix), ttl, negative
        self.serial = 0
        self.zones = {}
        self.process = None
        self._write_zones(zones)
        self._write_config()
        self.start()

    @property
    def address(self):
        """As dns.servers takes it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def path(self, name):
        return os.path.join(self.folder, name)

    def start(self):
        with open(self.path("out"), "w", encoding="utf-8") as out:
            self.process = subprocess.Popen([*self.prefix, NSD, "-d", "-c", self.path("nsd.conf")], stdout=out,
                                            stderr=out, stdin=subprocess.DEVNULL)
        self._wait()
        return self

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None

    def close(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def write(self, zones):
        """Zones in the place of those it has; the set of their names stays."""
        assert set(zones) == set(self.zones), "the names of the zones are those of the start"
        self._write_zones(zones)
        self.stop()
        self.start()

    def sign(self, zone):
        """Signs a zone with a new key; the path of a file with its trust anchor (dns.trust_anchor)."""
        run = {"cwd": self.folder, "check": True, "stdout": subprocess.PIPE, "text": True}
        key = subprocess.run(["ldns-keygen", "-a", "ECDSAP256SHA256", "-k", zone], **run).stdout.strip()
        subprocess.run(["ldns-signzone", "-f", f"{zone}.zone", f"{zone}.zone", key], **run)
        self.stop()
        self.start()
        anchor = pathlib.Path(self.path(f"{zone}.{self.serial}.anchor"))
        anchor.write_text(pathlib.Path(self.path(f"{key}.ds")).read_text())
        return str(anchor)

    # ---- Files ----

    def _write_zones(self, zones):
        self.zones = dict(zones)
        self.serial += 1
        for zone, records in zones.items():
            head = HEAD.format(zone=zone, ttl=self.ttl, serial=self.serial, negative=self.negative)
            lines = "\n".join(line.strip() for line in records.strip().split("\n"))
            with open(self.path(f"{zone}.zone"), "w", encoding="utf-8") as file:
                file.write(f"{head}{lines}\n")

    def _write_config(self):
        with open(self.path("nsd.conf"), "w", encoding="utf-8") as file:
            file.write(f"""server:
    ip-address: {self.host}@{self.port}
    server-count: 1
    username: ""
    zonesdir: "{self.folder}"
    pidfile: "{self.path('pid')}"
    database: ""
    xfrdfile: "{self.path('xfrd')}"
    zonelistfile: "{self.path('zonelist')}"
    xfrdir: "{self.folder}"
    rrl-ratelimit: 0
    verbosity: 1
remote-control:
    control-enable: no
""")
            for zone in self.zones:
                file.write(f'zone:\n    name: "{zone}"\n    zonefile: "{zone}.zone"\n')

    # ---- Is it there? ----

    def said(self):
        with open(self.path("out"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def _wait(self):
        until = time.monotonic() + PATIENCE
        while not all(self._serves(zone) for zone in self.zones):
            assert self.process.poll() is None, f"nsd has ended:\n{self.said()}"
            assert time.monotonic() < until, f"nsd does not answer:\n{self.said()}"

    def _serves(self, zone):
        """Asked by a process of the same namespace: a test may have put the server into another one."""
        if self.prefix:
            code = (f"import sys; sys.path.insert(0, {os.path.dirname(os.path.abspath(__file__))!r}); import nsd; "
                    f"sys.exit(not nsd.answers({self.host!r}, {self.port}, {zone!r}))")
            return subprocess.run([*self.prefix, "python3", "-c", code], check=False).returncode == 0
        return answers(self.host, self.port, zone)


def answers(host, port, zone, timeout=0.1):
    """Does a server there have this zone?"""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as udp, contextlib.suppress(OSError):
        udp.settimeout(timeout)
        udp.connect((host, port))
        udp.send(question(zone, "SOA"))
        reply = udp.recv(4096)
        return reply[3] & 15 == 0 and reply[6:8] != b"\0\0"
    time.sleep(0.01)
    return False
