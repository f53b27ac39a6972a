"""A laboratory of NATs: network namespaces with a router between an inside and an outside, one nftables rule set per kind.

    with Lab() as lab:                      an outside with addresses lab.servers
        home = lab.site("symmetric")        a router of that kind and a host behind it
        with home.socket() as s:            a UDP socket on that host
            s.sendto(b"x", (lab.servers[0], 3478))
        home.run("trapezoid", "nat", ...)   a program on that host

Kinds are named as RFC 3489 section 5 does; filter and mapping in the words of RFC 4787 stand beside each.
"""

import contextlib
import ctypes
import itertools
import os
import socket
import subprocess

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000

# The outside: addresses of servers, and of routers towards it (TEST-NET-2, RFC 5737).
SERVERS = ["198.51.100.1", "198.51.100.2", "198.51.100.3"]
ROUTER = "198.51.100.{}"
INSIDE = "10.77.{}"
PUBLIC = "203.0.113.{}"  # hosts without NAT

# Without an address of its own a bridge takes another one when a port is added, and neighbours lose it for a while.
BRIDGE = "02:00:00:00:00:01"

MAPPING_TIME = 30  # seconds

# What all NATs share: forwarding from inside is free, from outside only what rules let in. `owner` remembers which
# host an outside port belongs to, `talked` and `talked_port` to whom a host has written from a port.
COMMON = """
table ip lab {{
    map owner {{ type inet_service : ipv4_addr; flags dynamic,timeout; timeout {time}s; size 65535; }}
    set talked {{ type inet_service . ipv4_addr; flags dynamic,timeout; timeout {time}s; size 65535; }}
    chain remember {{
        type filter hook forward priority -10; policy accept;
        iifname "lan" meta l4proto udp update @owner {{ udp sport : ip saddr }}
        iifname "lan" meta l4proto udp update @talked {{ udp sport . ip daddr }}
    }}
    chain forward {{
        type filter hook forward priority 0; policy drop;
        {block}
        iifname "lan" oifname "wan" accept
        iifname "lan" oifname "lan" ct status != dnat accept comment "neighbours, where bridges are filtered too"
        ct state established,related accept
        ct status dnat accept
    }}
    chain input {{
        type filter hook input priority 0; policy accept;
        iifname "wan" meta l4proto udp drop
    }}
    chain prerouting {{
        type nat hook prerouting priority -100;
        {inward}
    }}
    chain postrouting {{
        type nat hook postrouting priority 100;
        {hairpin_out}
        {outward}
    }}
}}
"""

HAIRPIN_IN = 'iifname "lan" ip daddr {wan} meta l4proto udp dnat to udp dport map @owner'
HAIRPIN_OUT = 'oifname "lan" ip saddr {lan} ct status dnat snat to {wan}'
PRESERVING = 'oifname "wan" snat to {wan}'

KINDS = {
    # Endpoint-independent mapping and filtering.
    "full cone": {"inward": 'iifname "wan" meta l4proto udp dnat to udp dport map @owner', "outward": PRESERVING},
    # Endpoint-independent mapping, address-dependent filtering.
    "restricted cone": {"inward": 'iifname "wan" udp dport . ip saddr @talked dnat to udp dport map @owner',
                        "outward": PRESERVING},
    # Endpoint-independent mapping, address and port-dependent filtering: connection tracking alone.
    "port-restricted cone": {"inward": "", "outward": PRESERVING},
    # Address and port-dependent mapping and filtering.
    "symmetric": {"inward": "", "outward": 'oifname "wan" masquerade random,fully-random'},
    # A NAT that lets nothing but TCP through.
    "udp blocked": {"inward": "", "outward": PRESERVING, "block": "meta l4proto udp drop"},
    # No NAT: the host has an address of the outside; answers come back, nothing else.
    "symmetric firewall": {"inward": "", "outward": "", "public": True},
    # Neither NAT nor firewall.
    "open": {"inward": "", "outward": "", "public": True, "block": "accept"},
}
# Not a kind of RFC 3489: an address for the host alone, as clouds give it to a server. All of it passes both ways.
ONE_TO_ONE = "one to one"
RULES = {**KINDS, ONE_TO_ONE: {"inward": 'iifname "wan" ip daddr {wan} dnat to {host}', "outward": PRESERVING}}
CONES = ("full cone", "restricted cone", "port-restricted cone")


def sh(*words, input=None):
    done = subprocess.run(words, input=input, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


class Namespace:
    """A network namespace; `name` is what `ip netns` knows it by."""

    def __init__(self, name):
        self.name = name
        sh("ip", "netns", "add", name)
        self.ip("link", "set", "lo", "up")

    def ip(self, *words):
        return sh("ip", "-n", self.name, *words)

    def command(self, *words):
        """What to start to have a program run here."""
        return ["ip", "netns", "exec", self.name, *words]

    def run(self, *words, input=None):
        return sh(*self.command(*words), input=input)

    @contextlib.contextmanager
    def entered(self):
        """This thread is in the namespace; sockets made meanwhile stay there."""
        with open("/proc/thread-self/ns/net") as before, open(f"/run/netns/{self.name}") as there:
            self._enter(there)
            try:
                yield
            finally:
                self._enter(before)

    @staticmethod
    def _enter(file):
        if LIBC.setns(file.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")

    def socket(self, address="0.0.0.0", port=0, kind=socket.SOCK_DGRAM, timeout=20):
        with self.entered():
            s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind)
        try:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.settimeout(timeout)
            s.bind((address, port))
        except OSError:
            s.close()
            raise
        return s

    def delete(self):
        sh("ip", "netns", "delete", self.name)


class Site:
    """A router of one kind and a host behind it. `address` is the host's own, `outside` the one that others see."""

    def __init__(self, lab, kind, number, upstream, hairpin, time):
        self.kind, self.lab = kind, lab
        rules = RULES[kind]
        self.public = rules.get("public", False)
        self.router = lab.namespace(f"r{number}")
        self.host = lab.namespace(f"h{number}")
        self.net = PUBLIC.format(number * 4) if self.public else INSIDE.format(f"{number}.0")
        prefix = self.net.rsplit(".", 1)[0]
        base = int(self.net.rsplit(".", 1)[1])
        self.gateway, self.address = f"{prefix}.{base + 1}", f"{prefix}.{base + 2}"
        self.length = 30 if self.public else 24
        self.wan = self._connect(upstream, number)
        self.outside = self.address if self.public else self.wan
        self._lan(number)
        # The inside is a bridge for want of a switch: what goes from one port to another must not meet the rules.
        self.router.run("sysctl", "-qew", "net.ipv4.ip_forward=1", "net.bridge.bridge-nf-call-iptables=0")
        self.rules = (rules, hairpin, time)
        self._rules(*self.rules)

    def _connect(self, upstream, number):
        """The router's side towards the outside, or towards another router's inside."""
        if upstream is None:
            wan, via = ROUTER.format(10 + number), SERVERS[0]
            self.lab.plug(self.router, "wan", f"w{number}", f"{wan}/24")
            if self.public:
                self.lab.outside.ip("route", "add", f"{self.net}/30", "via", wan)
        else:
            wan, via = INSIDE.format(f"{upstream.number}.{10 + number}"), upstream.gateway
            upstream.plug(self.router, "wan", f"w{number}", f"{wan}/24")
        self.router.ip("route", "add", "default", "via", via)
        self.number = number
        return wan

    def _lan(self, number):
        self.router.ip("link", "add", "lan", "address", BRIDGE, "type", "bridge")
        self.router.ip("link", "set", "lan", "up")
        self.router.ip("address", "add", f"{self.gateway}/{self.length}", "dev", "lan")
        self.plug(self.host, "eth0", f"l{number}", f"{self.address}/{self.length}")
        self.host.ip("route", "add", "default", "via", self.gateway)

    def plug(self, namespace, name, port, address):
        """A cable from a namespace to the inside of this site."""
        cable(namespace, name, address, self.router, port, "lan")

    def move(self, number):
        """Another outside address, as after a night at a provider's; what is mapped is forgotten."""
        self.wan = self.outside = ROUTER.format(number)
        self.router.ip("-4", "address", "flush", "dev", "wan")
        self.router.ip("address", "add", f"{self.wan}/24", "dev", "wan")
        self.router.ip("route", "replace", "default", "via", SERVERS[0])
        self.router.run("nft", "flush", "ruleset")
        self._rules(*self.rules)
        self.router.run("conntrack", "-F")

    def second_host(self):
        """Another host behind the same router."""
        host = self.lab.namespace(f"g{self.number}")
        self.plug(host, "eth0", f"k{self.number}", f"{INSIDE.format(f'{self.number}.3')}/24")
        host.ip("route", "add", "default", "via", self.gateway)
        return host

    def _rules(self, rules, hairpin, time):
        inward = [rules["inward"]] + ([HAIRPIN_IN] if hairpin else [])
        text = COMMON.format(time=time, block=rules.get("block", ""), inward="\n        ".join(inward),
                             hairpin_out=HAIRPIN_OUT if hairpin else "", outward=rules["outward"])
        self.router.run("nft", "-f", "-", input=text.replace("{wan}", self.wan).replace("{host}", self.address)
                        .replace("{lan}", f"{self.net}/{self.length}"))
        for timeout in ("nf_conntrack_udp_timeout", "nf_conntrack_udp_timeout_stream"):
            self.router.run("sysctl", "-qw", f"net.netfilter.{timeout}={time}")

    def socket(self, port=0, **options):
        return self.host.socket(self.address, port, **options)

    def command(self, *words):
        return self.host.command(*words)

    def run(self, *words):
        return self.host.run(*words)

    def new_mappings(self):
        """The router forgets all mappings, as one that was restarted does."""
        self.router.run("nft", "flush", "map", "ip", "lab", "owner")
        self.router.run("nft", "flush", "set", "ip", "lab", "talked")
        self.router.run("conntrack", "-F")


def cable(a, a_name, address, b, b_name, bridge):
    """A veth pair: a_name with an address in a, b_name as a port of a bridge of b."""
    a.ip("link", "add", a_name, "type", "veth", "peer", "name", b_name, "netns", b.name)
    a.ip("address", "add", address, "dev", a_name)
    a.ip("link", "set", a_name, "up")
    b.ip("link", "set", b_name, "master", bridge)
    b.ip("link", "set", b_name, "up")


class Lab:
    """The outside and all sites; everything is gone when it ends."""

    serial = itertools.count()
    servers = SERVERS

    def __init__(self):
        self.prefix = f"tz{os.getpid()}-{next(self.serial)}"
        self.namespaces = []
        self.numbers = itertools.count(1)

    def __enter__(self):
        self.outside = self.namespace("out")
        self.outside.ip("link", "add", "net", "address", BRIDGE, "type", "bridge")
        self.outside.ip("link", "set", "net", "up")
        for address in SERVERS:
            self.outside.ip("address", "add", f"{address}/24", "dev", "net")
        return self

    def __exit__(self, *error):
        for namespace in reversed(self.namespaces):
            namespace.delete()

    def namespace(self, name):
        made = Namespace(f"{self.prefix}{name}")
        self.namespaces.append(made)
        return made

    def plug(self, namespace, name, port, address):
        cable(namespace, name, address, self.outside, port, "net")

    def site(self, kind, behind=None, hairpin=False, time=MAPPING_TIME):
        """A site of that kind; behind: another site, whose host network it is connected to."""
        return Site(self, kind, next(self.numbers), behind, hairpin, time)

    def server(self, index=0, port=0, **options):
        """A UDP socket outside."""
        return self.outside.socket(SERVERS[index], port, **options)
