import pytest
import trapezoid


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
