"""The laboratory proves itself: a probe sends packets and checks the definition of each kind (RFC 3489 section 5)."""

import contextlib
import socket
import time

import pytest
from lab import CONES, KINDS, Lab

SHORT = 0.25  # seconds without a datagram until we say that none comes: the path is one machine
LONG = 20  # what comes is waited for


@pytest.fixture(scope="module")
def lab():
    with Lab() as one:
        yield one


def receive(s, timeout=LONG):
    s.settimeout(timeout)
    try:
        return s.recvfrom(2048)
    except TimeoutError:
        return None, None


class Probe:
    """A host behind a site, and three server sockets: A, the same address with another port, another address."""

    def __init__(self, lab, site):
        self.stack = contextlib.ExitStack()
        self.a = self.stack.enter_context(lab.server(0))
        self.a_port = self.stack.enter_context(lab.server(0))
        self.b = self.stack.enter_context(lab.server(1))
        self.inside = self.stack.enter_context(site.socket())

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.stack.close()

    def seen_by(self, server, patience=LONG):
        """Sends from inside to a server; the address it sees, or None."""
        self.inside.sendto(b"out", server.getsockname())
        return receive(server, patience)[1]

    def reaches(self, server, address, patience=LONG):
        """Does a datagram of that server to that address arrive inside?"""
        server.sendto(b"in", address)
        data, source = receive(self.inside, patience)
        assert data in (None, b"in") and (data is None or source == server.getsockname())
        return data is not None

    def blocked(self, server, address):
        return not self.reaches(server, address, SHORT)

    def check(self, server, address, wanted):
        assert self.reaches(server, address) if wanted else self.blocked(server, address)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_what_its_name_says(lab, kind):
    site = lab.site(kind)
    with Probe(lab, site) as probe:
        mapped = probe.seen_by(probe.a, SHORT if kind == "udp blocked" else LONG)
        if kind == "udp blocked":
            assert mapped is None
            return
        assert mapped[0] == site.outside
        assert probe.reaches(probe.a, mapped)
        probe.check(probe.a_port, mapped, kind in ("open", "full cone", "restricted cone"))
        probe.check(probe.b, mapped, kind in ("open", "full cone"))
        # The mapping: the same for every destination, or one for each.
        others = {probe.seen_by(probe.a_port), probe.seen_by(probe.b)}
        if kind == "symmetric":
            assert mapped not in others and len(others) == 2
        else:
            assert others == {mapped}
        # Whoever was written to may write back now.
        if kind != "symmetric":
            assert probe.reaches(probe.b, mapped) and probe.reaches(probe.a_port, mapped)
        assert (mapped == probe.inside.getsockname()) == site.public


def test_a_cone_keeps_the_port_of_each_of_its_hosts(lab):
    site = lab.site("full cone")
    with Probe(lab, site) as probe, site.second_host().socket(port=0) as second:
        first = probe.seen_by(probe.a)
        second.sendto(b"out", probe.a.getsockname())
        _, other = receive(probe.a)
        assert first[1] == probe.inside.getsockname()[1] and other[1] == second.getsockname()[1]
        probe.b.sendto(b"to the second", other)
        assert receive(second)[0] == b"to the second"
        assert receive(probe.inside, SHORT)[0] is None


@pytest.mark.parametrize("hairpin", [True, False])
def test_hairpinning_is_on_or_off(lab, hairpin):
    site = lab.site("full cone", hairpin=hairpin)
    with Probe(lab, site) as probe, site.second_host().socket() as second:
        mapped = probe.seen_by(probe.a)
        second.sendto(b"around", probe.a.getsockname())  # it has a mapping too
        second.sendto(b"around", mapped)
        data, source = receive(probe.inside, LONG if hairpin else SHORT)
        assert (data == b"around") == hairpin
        if hairpin:
            assert source == (site.outside, second.getsockname()[1])


@pytest.mark.parametrize("inner, outer", [("full cone", "symmetric"), ("symmetric", "full cone"),
                                          ("port-restricted cone", "restricted cone")])
def test_of_two_nats_in_a_row_the_stricter_one_shows(lab, inner, outer):
    first = lab.site(outer)
    second = lab.site(inner, behind=first)
    with Probe(lab, second) as probe:
        mapped = probe.seen_by(probe.a)
        assert mapped[0] == first.outside
        assert probe.reaches(probe.a, mapped)
        assert probe.blocked(probe.b, mapped)
        assert (probe.seen_by(probe.b) == mapped) == ("symmetric" not in (inner, outer))


@pytest.mark.parametrize("kind", CONES)
def test_a_mapping_expires(lab, kind):
    site = lab.site(kind, time=1)
    with Probe(lab, site) as probe:
        mapped = probe.seen_by(probe.a)
        assert probe.reaches(probe.a, mapped)
        until = time.monotonic() + 60
        while True:  # each try that comes through refreshes it, so the pause grows
            time.sleep(2.2)
            if probe.blocked(probe.a, mapped):
                break
            assert time.monotonic() < until
        assert probe.seen_by(probe.a) is not None
        assert probe.reaches(probe.a, mapped)


def test_a_router_that_restarts_forgets_its_mappings(lab):
    site = lab.site("full cone")
    with Probe(lab, site) as probe:
        mapped = probe.seen_by(probe.a)
        assert probe.reaches(probe.b, mapped)
        site.new_mappings()
        assert probe.blocked(probe.a, mapped) and probe.blocked(probe.b, mapped)
        assert probe.reaches(probe.b, probe.seen_by(probe.a))


@pytest.mark.parametrize("kind", KINDS)
def test_tcp_goes_out_of_every_kind(lab, kind):
    site = lab.site(kind)
    with lab.server(0, kind=socket.SOCK_STREAM) as listener, \
         site.socket(kind=socket.SOCK_STREAM) as caller:
        listener.listen()
        caller.connect(listener.getsockname())
        accepted, source = listener.accept()
        with accepted:
            assert source[0] == site.outside
            caller.sendall(b"hello")
            assert accepted.recv(16) == b"hello"


def test_no_namespace_is_left_behind():
    with Lab() as one:
        one.site("symmetric")
        names = [n.name for n in one.namespaces]
    from lab import sh
    assert not set(names) & set(sh("ip", "netns", "list").replace("(", " ").split())
