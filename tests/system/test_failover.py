"""Two servers behind one name: one of them dies in the middle, and no call fails (RFC 3263 section 4.3)."""

import contextlib
import re
import socket
import subprocess
import threading
import time

import pytest
import sipp
from trapezoid import free_port
from ua import Ua

ONE, TWO = "127.0.0.21", "127.0.0.22"


@contextlib.contextmanager
def peer(host, port, transport):
    """A SIPp that answers; its process, for the test to kill."""
    command = ["sipp", "-sf", str(sipp.SCENARIOS / "uas_answers.xml"), "-i", host, "-p", str(port), "-t", transport,
               "-nostdin"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


def zone(port, service="_sip._udp"):
    return {"far.example": f"""
        {service} SRV 10 50 {port} one
        {service} SRV 10 50 {port} two
        one A {ONE}
        two A {TWO}
    """}


def states(one):
    return {target["address"].split(":")[0]: target["state"] for target in one.json("targets")["targets"]}


def both_have_answered(one):
    return set(states(one)) == {ONE, TWO}


def wait_until(condition, timeout=60):
    until = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < until, "it does not come true"
        time.sleep(0.05)


# RFC 3263 section 4.3: by UDP a dead server is silent, by TCP its host refuses connections.
@pytest.mark.parametrize("transport", ["u1", "t1"])
def test_a_server_that_dies_costs_no_call(server, dns, transport):
    port = free_port(ONE)
    service = "_sip._udp" if transport == "u1" else "_sip._tcp"
    names = dns(zone(port, service))
    one = server(dns__servers=names.address, auth__call=False, routes="@far.example=sip:far.example",
                 proxy__failover_time="2s", drain_time="1s")
    with peer(ONE, port, transport) as first, peer(TWO, port, transport):
        calls = threading.Thread(target=sipp.run, args=("call_answered", one.address),
                                 kwargs={"calls": 240, "rate": 60, "transport": transport})
        failed = []
        threading.excepthook, before = lambda args: failed.append(args.exc_value), threading.excepthook
        try:
            calls.start()
            wait_until(lambda: both_have_answered(one))
            first.kill()
            calls.join(120)
        finally:
            threading.excepthook = before
        assert not calls.is_alive()
        assert not failed, failed[0]
    assert states(one) == {ONE: "down", TWO: "up"}
    text = one.command("targets")
    assert re.search(rf"{ONE}:{port}  down for .*tried first again in", text), text
    assert re.search(rf"{TWO}:{port}  up for .*last answered", text), text


def bound(one, host, port):
    """A peer at a given port."""
    ua = Ua(one.address, "peer", host=host)
    ua.socket.close()
    ua.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    ua.socket.bind((host, port))
    return ua


def answer_all(ua, counts, host, over):
    while not over.is_set():
        if (message := ua.receive(0.1)) is not None:
            counts[host].add(message.get("Call-ID"))
            ua.send(ua.response(message, "200 OK"))


# RFC 2782: the weights hold over many requests.
def test_requests_spread_by_weight(server, dns):
    port = free_port(ONE)
    names = dns({"far.example": f"""
        _sip._udp SRV 10 25 {port} one
        _sip._udp SRV 10 75 {port} two
        one A {ONE}
        two A {TWO}
    """})
    one = server(dns__servers=names.address, auth__call=False, routes="@far.example=sip:far.example", drain_time="1s")
    counts, over = {ONE: set(), TWO: set()}, threading.Event()
    peers = {host: bound(one, host, port) for host in counts}
    threads = [threading.Thread(target=answer_all, args=(ua, counts, host, over)) for host, ua in peers.items()]
    for thread in threads:
        thread.start()
    with Ua(one.address, "caller") as caller:
        try:
            for i in range(200):
                caller.send(caller.request("OPTIONS", f"sip:{i}@far.example", call_id=f"spread-{i}"))
                assert caller.final().status == 200
        finally:
            over.set()
            for thread, ua in zip(threads, peers.values()):
                thread.join()
                ua.socket.close()
    assert len(counts[ONE] | counts[TWO]) == 200
    assert 14 <= len(counts[ONE]) <= 90, counts  # 50 of 200; six standard deviations
