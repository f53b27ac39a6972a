import nsd
import own_network
import pytest
import trapezoid

own_network.enter()


@pytest.fixture
def server():
    """Starts servers: server(key=value, ...) with config= (a file), arguments=, environment=, start=False to only make
    it. All of them end with the test, and must end well."""
    servers = []

    def make(config=None, arguments=(), environment=None, start=True, **settings):
        one = trapezoid.Trapezoid(settings, config, arguments, environment)
        servers.append(one)
        return one.start() if start else one

    yield make
    complaints = []
    for one in servers:
        try:
            one.close()
        except AssertionError as error:
            complaints.append(str(error))
    assert not complaints, "\n".join(complaints)


@pytest.fixture
def dns():
    """Starts DNS servers: dns({"example.com": "@ A 127.0.0.1"}); see nsd.py. All of them end with the test."""
    servers = []

    def make(zones, **how):
        servers.append(nsd.Nsd(zones, **how))
        return servers[-1]

    yield make
    for one in servers:
        one.close()
