"""How the server starts and ends."""

import os
import signal
import socket
import time

import pytest
import trapezoid


def test_it_says_what_it_listens_on_and_ready(server):
    one = server()
    assert f"  udp:{one.address}\n  tcp:{one.address}\n" in one.out()
    assert one.log().splitlines()[-1] == "ready"


@pytest.mark.skipif(trapezoid.SANITIZED, reason="sanitizers slow the start down")
def test_it_is_ready_in_less_than_a_second(server):
    began = time.monotonic()
    server()
    assert time.monotonic() - began < 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_with_exit_code_0(server, number):
    one = server()
    one.signal(number)
    assert one.wait() == 0
    assert not os.path.exists(one.path("control"))


def test_port_0_is_chosen_by_the_system_and_printed(server):
    one = server(listen="udp:127.0.0.1:0,tcp:127.0.0.1:0")
    ports = [int(line.rsplit(":", 1)[1]) for line in one.out().splitlines() if line.startswith("  udp:127.0.0.1:")
             or line.startswith("  tcp:127.0.0.1:")]
    assert len(ports) == 2 and all(ports)
    socket.create_connection(("127.0.0.1", ports[1])).close()
