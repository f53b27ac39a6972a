"""metrics.listen: Prometheus text and a health check."""

import re
import signal
import socket
import time
import urllib.error
import urllib.request

import pytest
import trapezoid
from phone import Phone, status

SAMPLE = re.compile(r'^([a-z_:][a-z0-9_:]*)(\{[a-z_]+="[^"]*"(?:,[a-z_]+="[^"]*")*\})? (-?[0-9.]+)$')


@pytest.fixture
def watched(server):
    port = trapezoid.free_port()
    one = server(auth__register=False, auth__call=False, metrics__listen=f"127.0.0.1:{port}")
    one.http = f"http://127.0.0.1:{port}"
    return one


def get(url):
    with urllib.request.urlopen(url, timeout=30) as answer:
        return answer.headers["Content-Type"], answer.read().decode()


def samples(text):
    """name and labels -> value, after a look at the grammar of every line."""
    values, typed, helped = {}, set(), set()
    for line in text.splitlines():
        if line.startswith("# HELP "):
            name = line.split()[2]
            assert name not in helped, f"two HELP of {name}"
            assert len(line.split()) > 3
            helped.add(name)
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            assert kind in ("counter", "gauge") and name not in typed
            assert kind != "counter" or name.endswith("_total"), name
            typed.add(name)
        else:
            found = SAMPLE.match(line)
            assert found, line
            name, labels, value = found.groups()
            assert name in typed and name in helped, name
            assert name + (labels or "") not in values
            values[name + (labels or "")] = float(value)
    return values


def test_metrics_are_prometheus_text(watched):
    kind, text = get(watched.http + "/metrics")
    assert kind == "text/plain; version=0.0.4; charset=utf-8"
    values = samples(text)
    assert any(name.startswith("trapezoid_build_info{version=") for name in values)
    assert values["process_open_fds"] > 5 and values["process_resident_memory_bytes"] > 1e6
    assert values["trapezoid_sip_requests_received_total"] == 0
    assert {'trapezoid_worker_busy_ratio{worker="0"}', 'trapezoid_worker_busy_ratio{worker="1"}'} <= set(values)


def test_metrics_count_and_never_name_users(watched):
    with Phone(watched.address, "carol") as phone:
        assert status(phone.register()) == 200
    # Workers bring their figures up to date at the end of a turn.
    until = time.monotonic() + 30
    while time.monotonic() < until:
        _, text = get(watched.http + "/metrics")
        values = samples(text)
        if values["trapezoid_udp_received_total"] == 1:
            break
    assert values["trapezoid_sip_requests_received_total"] == 1
    assert values["trapezoid_registrations_accepted_total"] == 1
    assert values["trapezoid_location_contacts"] == 1 and values["trapezoid_store_commits_total"] >= 1
    assert "carol" not in text and "127.0.0.1" not in text


def test_healthz_says_ok_and_503_while_it_ends(watched):
    assert get(watched.http + "/healthz") == ("text/plain; charset=utf-8", "ok\n")
    with Phone(watched.address, "carol") as carol, Phone(watched.address, "dave") as dave:
        assert status(dave.register()) == 200
        carol.send(carol.request("INVITE", dave.aor, f"Contact: <sip:{carol.address}>\r\n", to=dave.aor))
        dave.receive()
        watched.signal(signal.SIGTERM)
        watched.wait_for("waiting for what is under way")
        with pytest.raises(urllib.error.HTTPError) as error:
            get(watched.http + "/healthz")
        assert error.value.code == 503
        watched.signal(signal.SIGTERM)
        assert watched.wait() == 0


@pytest.mark.parametrize("path, method, code", [("/", "GET", 404), ("/metrics/", "GET", 404), ("/metrics", "POST", 405),
                                                ("/metrics", "DELETE", 405)])
def test_other_requests_are_refused(watched, path, method, code):
    request = urllib.request.Request(watched.http + path, method=method, data=b"x" * 100000 if method == "POST" else None)
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(request, timeout=30)
    assert error.value.code == code


def test_connections_that_say_nothing_hold_up_nobody(watched):
    host, port = watched.http[len("http://"):].rsplit(":", 1)
    idle = [socket.create_connection((host, int(port))) for _ in range(40)]
    assert get(watched.http + "/healthz")[1] == "ok\n"
    for connection in idle:
        connection.close()


def test_it_is_off_unless_configured_and_a_port_in_use_is_named(server, watched):
    one = server()
    assert "metrics on" not in one.log()
    other = server(start=False, metrics__listen=watched.http[len("http://"):]).launch()
    assert other.wait() == 1
    assert "metrics.listen: cannot listen on" in other.log()
