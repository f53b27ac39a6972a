"""The SIP trapezoid: two domains, each in a network namespace with a DNS server, SIP servers and phones, that know each other
only through DNS. a.test is served by Trapezoid, b.test by Trapezoid or by Kamailio.

For every transport T there is a domain T.a.test and T.b.test whose NAPTR records ask for T before anything else; two.a.test and
two.b.test (by UDP), safe.a.test and safe.b.test (by TLS) have two servers each, of which the second does not stay in the path of
calls (no Record-Route)."""

import contextlib
import itertools
import os
import pathlib
import re
import shutil
import sys
import threading
import time

import pytest
import sipp
from baresip import Baresip
from dialog import establish
from kamailio import Kamailio
from nsd import Nsd
from tls import Authority
from trapezoid import Trapezoid
from ua import Ua
from ws import WsUa

sys.path.append(os.path.join(os.path.dirname(__file__), "..", "nat"))
from lab import Namespace  # noqa: E402

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs network namespaces")

# NAPTR service, protocol label of SRV, port. What is here is listened for, put into the zones, and tried.
TRANSPORTS = {"udp": ("SIP+D2U", "_sip._udp", 5060), "tcp": ("SIP+D2T", "_sip._tcp", 5060),
              "tls": ("SIPS+D2T", "_sips._tcp", 5061), "sctp": ("SIP+D2S", "_sip._sctp", 5060)}
# Its SCTP is that of the kernel, which has none here.
KAMAILIO = ["udp", "tcp", "tls"]
PAIRS = {"two": ("_sip._udp", 5060), "safe": ("_sips._tcp", 5061)}
NUMBER = itertools.count(os.getpid() * 100)
OTHER = {"a": "b", "b": "a"}


class Phone(Ua):
    """A phone in a domain's namespace that speaks to its server as an outbound proxy."""

    def __init__(self, domain, user, host=None, server=1):
        self.domain = domain
        with domain.namespace.entered():
            super().__init__(f"{domain.server_host(server)}:5060", user, host=host or domain.phones)
        self.call_id = f"{user}-{next(NUMBER)}"

    def send(self, text):
        """Responses go where the Via says, requests of a call along its route set, others to the phone's own server."""
        first, _, rest = text.partition("\r\n")
        place = None
        if first.startswith("SIP/2.0 "):
            place = re.search(r"(?m)^Via: SIP/2\.0/UDP ([\d.]+)(?::(\d+))?", rest)
        elif re.search(r"(?m)^To: .*;tag=", rest):
            place = (re.search(r"(?m)^Route: <sip:([\d.]+)(?::(\d+))?", rest) or
                     re.search(r"sip:(?:[^@ ]*@)?([\d.]+)(?::(\d+))?", first))
        self.socket.sendto(text.encode(), (place.group(1), int(place.group(2) or 5060)) if place else self.target)

    def new_call(self):
        self.call_id = f"{self.user}-{next(NUMBER)}"

    def register_at(self, name, contact=None):
        """As user@NAME, at this server."""
        uri = f"sip:{self.user}@{name}"
        answer = self.ask("REGISTER", f"sip:{name}", to=uri, from_=uri, call_id=f"register-{next(NUMBER)}",
                          lines=[f"Contact: {contact or self.contact};expires=3600"])
        assert answer.status == 200, answer


class Domain:
    """a.test or b.test: a namespace with addresses for two SIP servers, a DNS server and phones."""

    def __init__(self, stack, letter, kind, authority):
        self.letter, self.kind, self.net = letter, kind, f"10.43.{'ab'.index(letter) + 1}"
        self.name, self.dns, self.phones = f"{letter}.test", f"{self.net}.53", f"{self.net}.100"
        self.namespace = Namespace(f"land-{letter}-{next(NUMBER)}")
        stack.callback(self.namespace.delete)
        self.servers = {}
        # Record-Route names servers by address, so certificates hold those too.
        self.authority, hosts = authority, [self.server_host(number) for number in (1, 2)]
        self.pair = authority.sign(letter, ",".join([f"DNS:{name},URI:sip:{name}" for name in self.names] +
                                                    [f"IP:{host}" for host in hosts]))

    def server_host(self, number):
        return f"{self.net}.{number}"

    @property
    def names(self):
        return [self.name, *(f"{name}.{self.name}" for name in [*TRANSPORTS, *PAIRS])]

    def plug(self, stack):
        for host in (1, 2, 53, 100, 101, 102):
            self.namespace.ip("address", "add", f"{self.net}.{host}/16", "dev", "net")
        self.namespace.ip("link", "set", "net", "up")
        # `ip netns exec` puts this in the place of /etc/resolv.conf.
        folder = pathlib.Path("/etc/netns") / self.namespace.name
        folder.mkdir(parents=True)
        stack.callback(shutil.rmtree, folder)
        (folder / "resolv.conf").write_text(f"nameserver {self.dns}\n")

    def records(self):
        lines = [f"@ A {self.server_host(1)}", f"one A {self.server_host(1)}", f"both A {self.server_host(2)}"]
        for name, (label, port) in PAIRS.items():
            lines += [f"{label}.{name} SRV 10 1 {port} {host}" for host in ("one", "both")]
        for name in TRANSPORTS:
            for other, (service, label, port) in TRANSPORTS.items():
                order = 10 if other == name else 20
                lines.append(f'{name} NAPTR {order} 10 "s" "{service}" "" {label}.{name}')
                lines.append(f"{label}.{name} SRV 0 1 {port} one")
        return "\n".join(lines)

    def serve(self, stack, number):
        host = self.server_host(number)
        listen = [f"{name}:{host}:{port}" for name, (_, _, port) in TRANSPORTS.items()
                  if self.kind == "trapezoid" or name in KAMAILIO]
        certificate, key = self.pair
        if self.kind == "kamailio":
            files = {"TLS_CERTIFICATE": certificate, "TLS_KEY": key, "TLS_TRUST": self.authority.certificate}
            defines = [f'{name}="{path}"' for name, path in files.items()]
            server = Kamailio("b_test", listen, self.namespace.command(),
                              defines if number == 1 else [*defines, "NO_RECORD_ROUTE"])
        else:
            server = Trapezoid({"listen": [*listen, f"ws:{host}:8080"], "tls.certificate": certificate, "tls.key": key,
                                "tls.trust": self.authority.certificate, "sctp.encapsulation": "udp",
                                "sctp.udp_port": 9898 + number, "domains": self.names, "auth.register": False, "auth.call": False,
                                "record_route": number == 1, "proxy.failover_time": "2s", "drain_time": "0s", "workers": 1})
            server.prefix = self.namespace.command()
        stack.callback(server.close)
        self.servers[number] = server.launch()

    def ready(self, number):
        """Waits until a server answers."""
        with Phone(self, "asker", server=number) as asker:
            until = time.monotonic() + 60
            while True:
                asker.send(asker.request("OPTIONS", f"sip:{asker.server}", cseq=next(NUMBER)))
                with contextlib.suppress(ConnectionRefusedError):
                    if asker.receive(0.2):
                        return
                assert time.monotonic() < until, self.servers[number].log()


class Land:
    """Both domains, up and running."""

    def __init__(self, stack, kind, authority):
        self.kind = kind
        self.domains = {letter: Domain(stack, letter, kind if letter == "b" else "trapezoid", authority) for letter in "ab"}
        a, b = self.domains.values()
        a.namespace.ip("link", "add", "net", "type", "veth", "peer", "name", "net", "netns", b.namespace.name)
        zones = {}
        for domain in (a, b):
            domain.plug(stack)
            zones[domain.name] = domain.records()
        for domain in (a, b):
            names = Nsd(zones, host=domain.dns, port=53, prefix=domain.namespace.command())
            stack.callback(names.close)
            for number in (1, 2):
                domain.serve(stack, number)
        for domain in (a, b):
            for number in (1, 2):
                domain.ready(number)

    @contextlib.contextmanager
    def phone(self, letter, user, names, servers=(1,)):
        """A phone registered as user at these names."""
        domain = self.domains[letter]
        with contextlib.ExitStack() as stack:
            phones = [stack.enter_context(Phone(domain, user, server=number)) for number in servers]
            for one, name in itertools.product(phones, names):
                one.register_at(name, phones[0].contact)
            yield phones[0]


@pytest.fixture(scope="module", params=["trapezoid", "kamailio"])
def land(request, tmp_path_factory):
    with contextlib.ExitStack() as stack:
        yield Land(stack, request.param, Authority(tmp_path_factory.mktemp("tls")))


@pytest.fixture
def name(request, land):
    """A transport that both sides speak."""
    if land.kind == "kamailio" and request.param not in KAMAILIO:
        pytest.skip("Kamailio does not speak it here")
    return request.param


# ---- Each transport ----


@pytest.mark.parametrize("direction", ["a to b", "b to a"])
@pytest.mark.parametrize("name", TRANSPORTS, indirect=True)
def test_a_call_goes_by_the_transport_that_the_records_ask_for(land, name, direction):
    here, there = land.domains[direction[0]], land.domains[direction[-1]]
    target = f"{name}.{there.name}"
    with land.phone(here.letter, "caller", [here.name]) as caller, land.phone(there.letter, "callee", [target]) as callee:
        invite, left, right = establish(caller, callee, f"sip:callee@{target}", from_=f"sip:caller@{here.name}")
        vias = [via for line in invite.all("Via") for via in line.split(",")]
        assert len(vias) == 3
        assert vias[1].strip().startswith(f"SIP/2.0/{name.upper()} {here.server_host(1)}"), vias
        left.arrives(callee, "INFO")
        right.arrives(caller, "INFO")
        left.arrives(callee, "BYE")


@pytest.mark.parametrize("name", TRANSPORTS, indirect=True)
def test_sipp_phones_call_each_other(land, name):
    """Both ways at once, the phones themselves over UDP and TCP."""
    failures = []

    def calls(here, there, transport):
        target, me = f"callee-{transport}@{name}.{there.name}", f"caller@{here.name}"
        try:
            with land.phone(here.letter, "caller", [here.name]), there.namespace.entered():
                with sipp.phone("uas_domain", transport=f"{transport[0]}1", host=there.phones, calls=10) as port:
                    with Phone(there, f"callee-{transport}") as registrar:
                        registrar.register_at(f"{name}.{there.name}",
                                              f"<sip:phone@{there.phones}:{port};transport={transport}>")
                    with here.namespace.entered():
                        sipp.run("call_domain", f"{here.server_host(1)}:5060", calls=10, rate=50, host=here.phones,
                                 transport=f"{transport[0]}1", fields=[target, me])
        except BaseException as error:  # a thread's failure is the test's
            failures.append(error)

    threads = [threading.Thread(target=calls, args=(land.domains[one], land.domains[OTHER[one]], transport))
               for one, transport in (("a", "udp"), ("b", "tcp"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for failure in failures:
        raise failure


@pytest.mark.parametrize("direction", ["out", "in"])
def test_a_browser_and_a_phone_of_the_other_domain_call_each_other(land, direction):
    """WebSocket is spoken inside a domain only (RFC 7118); between the domains it is TCP then, and UDP."""
    a, b = land.domains.values()
    target = f"tcp.{b.name}"
    with contextlib.ExitStack() as stack:
        with a.namespace.entered():
            browser = stack.enter_context(WsUa(f"{a.server_host(1)}:8080", "walter", host=a.phones))
        me = f"sip:walter@{a.name}"
        answer = browser.ask("REGISTER", f"sip:{a.name}", to=me, from_=me, lines=[f"Contact: {browser.contact};expires=3600"])
        assert answer.status == 200
        browser.call_id = f"walter-{next(NUMBER)}"
        phone = stack.enter_context(land.phone("b", "callee", [target]))
        if direction == "out":
            _, left, right = establish(browser, phone, f"sip:callee@{target}", from_=me)
        else:
            _, right, left = establish(phone, browser, me, from_=f"sip:callee@{target}")
        left.arrives(phone, "INFO")
        right.arrives(browser, "INFO")
        left.arrives(phone, "BYE")


# ---- Servers that die ----


class Load:
    """Calls one after the other until told to stop, six of them open at a time, or by TLS one."""

    def __init__(self, land, here, there, name):
        self.caller = land.phone(here.letter, "caller", [here.name])
        self.callee = land.phone(there.letter, "callee", [f"{name}.{there.name}"], servers=(1, 2))
        self.target, self.me = f"sip:callee@{name}.{there.name}", f"sip:caller@{here.name}"
        # Phones without TLS need every server in the path of a call that comes by TLS: it does not outlive one.
        self.open = 0 if name == "safe" else 5
        self.lock = threading.Lock()  # held while a call is being set up
        self.over = threading.Event()
        self.up, self.by, self.failure = 0, set(), None
        self.thread = threading.Thread(target=self._run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()

    def _run(self):
        try:
            with self.caller as caller, self.callee as callee:
                self._call(caller, callee)
        except BaseException as error:
            self.failure = error

    def _call(self, caller, callee):
        opened = []
        while not self.over.wait(0.02):
            with self.lock:
                caller.new_call()
                invite, here, there = establish(caller, callee, self.target, from_=self.me)
                self.by.add(re.match(r"SIP/2.0/UDP ([\d.]+)", invite.get("Via")).group(1))
                opened.append((here, there))
                if self.open == 0:
                    self._hang_up(caller, callee, *opened.pop())
            self.up += 1
            if len(opened) > self.open:
                self._hang_up(caller, callee, *opened.pop(0))
        for one in opened:
            self._hang_up(caller, callee, *one)

    @staticmethod
    def _hang_up(caller, callee, here, there):
        """The callee first has something to say."""
        there.arrives(caller, "INFO")
        here.arrives(callee, "BYE")

    def wait_for(self, calls):
        until, wanted = time.monotonic() + 60, self.up + calls
        while self.up < wanted:
            assert self.failure is None, self.failure
            assert time.monotonic() < until, f"{self.up} calls, not {wanted}"
            time.sleep(0.01)


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("direction", ["a to b", "b to a"])
def test_no_call_fails_when_one_of_two_servers_dies(land, direction, pair):
    """New calls go to the other one. The open ones do not miss it, as it was not in their path (by UDP). Between the INVITE that it
    has taken and the 200 nothing could help, so that moment is not chosen."""
    here, there = land.domains[direction[0]], land.domains[direction[-1]]
    with Load(land, here, there, pair) as load:
        load.wait_for(1)
        while len(load.by) < 2:
            load.wait_for(1)
        with load.lock:
            there.servers[2].kill()
            load.by.clear()
        load.wait_for(8)
        assert load.by == {there.server_host(1)}
        there.servers[2].launch()
        there.ready(2)
    assert load.failure is None, load.failure


# ---- baresip ----

BARESIP = """
poll_method epoll
sip_listen {host}:5060
sip_cafile {trust}
sip_verify_server yes
net_interface net
audio_player aubridge,none
audio_source aubridge,none
audio_alert aubridge,none
module_path /usr/lib/baresip/modules
module stdio.so
module g711.so
module aubridge.so
module_app account.so
module_app menu.so
"""


@contextlib.contextmanager
def baresip(domain, user, number, folder, transport):
    """A phone of its own address that registers as user at the domain's first server, which is its outbound proxy."""
    home, host = folder / user, f"{domain.net}.{100 + number}"
    home.mkdir()
    server = f"{domain.server_host(1)}:{TRANSPORTS[transport][2]};transport={transport}"
    (home / "config").write_text(BARESIP.format(host=host, trust=domain.authority.certificate))
    (home / "accounts").write_text(f'<sip:{user}@{domain.name};transport={transport}>;outbound="sip:{server}";regint=600\n')
    (home / "contacts").write_text("")
    phone = Baresip(f"baresip -f {home}", folder)
    with domain.namespace.entered():
        phone.start()
    try:
        phone.wait_for("All 1 useragent registered successfully!")
        yield phone
    finally:
        phone.stop()


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_baresip_phones_call_each_other(land, tmp_path, transport):
    a, b = land.domains.values()
    with baresip(a, "alice", 1, tmp_path, transport) as alice, baresip(b, "bob", 2, tmp_path, transport) as bob:
        for caller, callee, target in ((alice, bob, f"bob@{b.name}"), (bob, alice, f"alice@{a.name}")):
            caller.said = callee.said = b""
            caller.type(f"/dial sip:{target}\r")
            callee.wait_for("Incoming call from:")
            caller.wait_for("180 Ringing")
            callee.type("a")
            for phone in (caller, callee):
                phone.wait_for("Call established:")
            caller.type("b")
            callee.wait_for("session closed|terminated")
