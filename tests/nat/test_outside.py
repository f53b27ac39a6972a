"""Our outside address: the server stands behind a one-to-one NAT, as in a cloud; phones are outside and beside it."""

import os
import re
import ssl
import sys
import time

import pytest
from lab import ONE_TO_ONE, Lab

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "system"))
import trapezoid  # noqa: E402
import turn  # noqa: E402
from dialog import establish, listed, uri_of  # noqa: E402
from ua import Ua  # noqa: E402

PORTS = {"UDP": 5060, "TCP": 5060, "TLS": 5061}
OPEN = {"auth.register": False, "auth.call": False, "drain_time": "0s", "workers": 1}


class Server(trapezoid.Trapezoid):
    """A server on a host of the laboratory."""

    def __init__(self, namespace, **settings):
        super().__init__({"listen": ["udp:0.0.0.0:5060", "tcp:0.0.0.0:5060", "tls:0.0.0.0:5061"], **OPEN, **settings})
        self.namespace, self.prefix = namespace, namespace.command()

    def phone(self, namespace, user, transport, address):
        """A phone somewhere that knows the server by address."""
        tls = None
        if transport == "TLS":  # it trusts the certificate that the server has made, if that names the address
            tls = ssl.create_default_context(cafile=os.path.join(self.settings["data_dir"], "tls-certificate.pem"))
        with namespace.entered():
            host = namespace_address(namespace, address)
            return Ua(f"{address}:{PORTS[transport]}", user, transport, host=host, tls=tls, name=address)

    def outside(self):
        return self.json("status")["outside"]


def namespace_address(namespace, remote):
    return re.search(r"src (\S+)", namespace.ip("route", "get", remote)).group(1)


@pytest.fixture(scope="module")
def lab():
    with Lab() as one:
        yield one


@pytest.fixture(scope="module")
def stun(lab):
    """A STUN server outside."""
    one = trapezoid.Trapezoid({"listen": f"udp:{lab.servers[0]}:5070", "stun.listen": f"udp:{lab.servers[0]}:3478", **OPEN})
    one.prefix = lab.outside.command()
    one.start()
    yield f"{lab.servers[0]}"
    one.close()


@pytest.fixture(scope="module")
def site(lab):
    one = lab.site(ONE_TO_ONE)
    one.neighbour = one.second_host()
    return one



@pytest.fixture(scope="module")
def server(site, stun):
    one = Server(site.host, **{"outside.stun": stun}).start()
    yield one
    one.close()


def host_of(value):
    return re.search(r"sips?:([^:;>]+)", value).group(1)


def test_the_server_learns_its_outside_address_by_stun_and_says_so(server, site, stun):
    assert server.outside() == [{"address": site.outside, "source": "stun", "by": stun}]
    assert f"outside it is {site.outside}, by STUN of {stun}" in server.out()
    assert f"outside       {site.outside} (stun {stun})" in server.command("status")


@pytest.mark.parametrize("transport", PORTS)
def test_a_phone_outside_and_one_beside_the_server_call_each_other_both_ways(lab, site, server, transport):
    """Each side sees an address of the server that it can reach, in Via, Record-Route and so in requests of the dialog."""
    with server.phone(lab.outside, f"out{transport}", transport, site.outside) as outside, \
            server.phone(site.neighbour, f"in{transport}", transport, site.address) as inside:
        assert outside.register().status == 200
        assert inside.register().status == 200
        for caller, callee, here, there in ((outside, inside, site.outside, site.address),
                                            (inside, outside, site.address, site.outside)):
            uri = f"sip:{callee.user}@{here}:{PORTS[transport]}{caller.parameter}"
            invite, mine, theirs = establish(caller, callee, uri)
            assert re.match(rf"SIP/2.0/{transport} {there}:", invite.all("Via")[0])
            assert host_of(theirs.routes[0]) == there and host_of(mine.routes[0]) == here
            assert [host_of(r) for r in listed(invite, "Record-Route")] == [there, here]
            theirs.arrives(caller, "INFO")
            mine.arrives(callee, "BYE")


def test_two_phones_outside_need_no_record_route(lab, site, server):
    with server.phone(lab.outside, "one", "UDP", site.outside) as one, \
            server.phone(lab.outside, "two", "UDP", site.outside) as two:
        assert one.register().status == two.register().status == 200
        invite, _, _ = establish(one, two, f"sip:two@{site.outside}")
        assert invite.all("Record-Route") == []
        assert re.match(rf"SIP/2.0/UDP {site.outside}:5060", invite.all("Via")[0])


def test_a_request_whose_route_or_uri_names_the_outside_address_is_for_us(lab, site, server):
    with server.phone(lab.outside, "asker", "UDP", site.outside) as ua:
        for port in ("", ":5060"):
            assert ua.ask("OPTIONS", f"sip:{site.outside}{port}").status == 200
        assert ua.register().status == 200
        answer = ua.ask("OPTIONS", f"sip:asker-unknown@{site.outside}", lines=[f"Route: <sip:{site.outside};lr>"])
        assert answer.status in (404, 480), answer


def test_the_certificate_of_the_first_start_names_the_outside_address(lab, site, server):
    """server.phone checks it; here the check itself is shown to be one."""
    with server.phone(lab.outside, "secure", "TLS", site.outside) as ua:
        assert ua.ask("OPTIONS", f"sip:{site.outside}:5061;transport=tls").status == 200
    context = ssl.create_default_context(cafile=os.path.join(server.settings["data_dir"], "tls-certificate.pem"))
    with pytest.raises(ssl.SSLCertVerificationError), lab.outside.entered():
        Ua(f"{site.outside}:5061", "wrong", "TLS", host=lab.servers[0], tls=context, name="198.51.100.200")


def test_an_address_that_changes_is_noticed_while_the_server_runs(lab, stun):
    site = lab.site(ONE_TO_ONE)
    one = Server(site.host, **{"outside.stun": stun, "outside.interval": "1s", "listen": "udp:0.0.0.0:5060",
                               "metrics.listen": "0.0.0.0:9060"}).start()
    try:
        before = site.outside
        assert one.outside()[0]["address"] == before
        site.move(240)
        one.wait_for(rf"outside address \(IPv4\): {site.outside}, by STUN of {stun}; before: {before}", 60)
        with one.phone(lab.outside, "late", "UDP", site.outside) as ua:
            assert ua.ask("OPTIONS", f"sip:{site.outside}").status == 200
            # What was ours is somebody else's now.
            assert ua.ask("OPTIONS", f"sip:{before}").status != 200
        text = site.run("curl", "-s", "http://127.0.0.1:9060/metrics")
        assert re.search(r"(?m)^trapezoid_outside_changes_total 1$", text), text
        assert re.search(r"(?m)^trapezoid_outside_known 1$", text)
        # Nobody answers any more: what was known stays.
        site.router.run("nft", "add rule ip lab forward udp dport 3478 drop")
        site.router.run("nft", "insert rule ip lab forward udp dport 3478 drop")
        one.wait_for(r"nobody says what our outside address \(IPv4\) is", 60)
        assert one.outside()[0]["address"] == site.outside
    finally:
        one.close()


def test_a_configured_address_goes_before_stun_and_a_reload_changes_it(lab, site, stun, tmp_path):
    other = lab.site(ONE_TO_ONE)
    config = tmp_path / "config.yaml"
    config.write_text("outside.address: 203.0.113.200\n")
    one = Server(other.host, **{"outside.stun": stun, "listen": "udp:0.0.0.0:5060"})
    one.config = config
    one.start()
    try:
        assert [(a["address"], a["source"]) for a in one.outside()] == [("203.0.113.200", "configured")]
        config.write_text(f"outside.address: {other.outside}\n")
        one.command("reload")
        assert [(a["address"], a["source"]) for a in one.outside()] == [(other.outside, "configured")]
        with one.phone(lab.outside, "late", "UDP", other.outside) as ua:
            assert ua.ask("OPTIONS", f"sip:{other.outside}").status == 200
        config.write_text("")
        one.command("reload")
        until = time.monotonic() + 60
        while [a["source"] for a in one.outside()] != ["stun"]:
            assert time.monotonic() < until, one.outside()
            time.sleep(0.05)
    finally:
        one.close()


def test_without_a_nat_nothing_changes(lab, stun):
    """STUN says what the interface has: there is no NAT, and no other address is told."""
    site = lab.site("open")
    one = Server(site.host, **{"outside.stun": stun, "listen": "udp:0.0.0.0:5060"}).start()
    try:
        assert one.outside() == []
        with one.phone(lab.outside, "one", "UDP", site.address) as first, \
                one.phone(lab.outside, "two", "UDP", site.address) as second:
            assert first.register().status == second.register().status == 200
            invite, _, _ = establish(first, second, f"sip:two@{site.address}")
            assert re.match(rf"SIP/2.0/UDP {site.address}:5060", invite.all("Via")[0])
            assert invite.all("Record-Route") == []
    finally:
        one.close()


def test_a_service_route_leads_to_the_outside_address(lab, site, stun):
    other = lab.site(ONE_TO_ONE)
    one = Server(other.host, **{"outside.stun": stun, "listen": "udp:0.0.0.0:5060", "registrar.service_route": True}).start()
    try:
        with one.phone(lab.outside, "routed", "UDP", other.outside) as ua:
            answer = ua.register()
            assert uri_of(answer.get("Service-Route")) == f"sip:{other.outside}:5060;lr"
    finally:
        one.close()


def test_relays_are_known_by_the_outside_address_to_clients_peers_and_one_another(lab, site, stun):
    """RFC 8656 section 7.2. The NAT sends nothing back inside: what one relay sends to another must not pass it."""
    one = Server(site.host, **{"outside.stun": stun, "listen": "udp:0.0.0.0:5075", "stun.listen": "udp:0.0.0.0:3479",
                               "turn.enabled": True, "turn.relay": site.address, "turn.users": "user:secret"}).start()
    try:
        server = (site.outside, 3479)
        with lab.outside.entered():
            peer, first, second = turn.Peer(lab.servers[1]), turn.Client(server), turn.Client(server)
        with peer, first, second:
            (a,), (b,) = first.allocate().relayed, second.allocate().relayed
            assert a[0] == b[0] == site.outside
            assert first.permit(peer.address).code == 0
            first.send(peer.address, b"out")
            assert peer.receive() == (b"out", a)
            peer.send(a, b"in")
            assert first.receive() == (peer.address, b"in")

            assert first.permit(b).code == 0 and second.permit(a).code == 0
            first.send(b, b"to the other")
            assert second.receive() == (a, b"to the other")
            assert second.bind(0x4000, a).code == 0
            second.channel(0x4000, b"and back")
            assert first.receive() == (b, b"and back")
            for port in (5075, 3479, 22):  # the server's own, by its outside address
                assert first.permit((site.outside, port)).code == 403
                assert first.permit((site.address, port)).code == 403
        assert one.json("status")["outside"][0]["address"] == site.outside
    finally:
        one.close()
