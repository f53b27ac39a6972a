"""Far more calls than the server can carry: it goes on answering some, refuses the rest, and says so."""

import json
import os
import pathlib
import re
import subprocess
import time
import urllib.request

import trapezoid
from ua import Ua

BUILDS = pathlib.Path(__file__).resolve().parents[2] / "build"
LOADGEN = next((path for build in ("release", os.environ.get("TRAPEZOID_BUILD", "debug"))
                if (path := BUILDS / build / "loadgen").exists()), BUILDS / "release/loadgen")
USERS = 100


def loadgen(one, mode, local, *options):
    done = subprocess.run([LOADGEN, mode, "--server", one.address, "--local", f"127.0.0.1:{local}", "--users", str(USERS),
                           "--json", *map(str, options)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=150, check=False)
    assert done.stdout.startswith("{"), done
    return json.loads(done.stdout)


def resident(one):
    text = pathlib.Path(f"/proc/{one.process.pid}/smaps_rollup").read_text()
    return int(re.search(r"Rss:\s+(\d+) kB", text).group(1)) * 1024


def metric(address, name):
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=30) as answer:
        return float(re.search(rf"(?m)^{name} (\S+)$", answer.read().decode()).group(1))


def test_a_flood_is_refused_in_part_and_the_server_recovers(server):
    metrics = f"127.0.0.1:{trapezoid.free_port()}"
    one = server(workers=1, auth__register=False, auth__call=False, record_route=True, domains=["bench.test"],
                 store__path=":memory:", metrics__listen=metrics, udp__receive_buffer="256K", drain_time="0s",
                 overload__control=True, overload__retry_after="7s", limits__memory="256M")
    local = trapezoid.free_neighbours()  # loadgen's callers and phones
    # They share the machine: the server gets less of it than it would like. A sanitized one is slow enough.
    for task in pathlib.Path(f"/proc/{one.process.pid}/task").iterdir() if not trapezoid.SANITIZED else ():
        os.setpriority(os.PRIO_PROCESS, int(task.name), 5)
    loadgen(one, "register", local, "--count", USERS, "--stride", 1)
    result = loadgen(one, "flood", local, "--rate", 80000, "--window", 20000, "--seconds", 2, "--give-up", 6000)
    refused = result["status"].get("503", 0)
    assert refused > 0, result
    assert result["retry_after"] == refused, "a 503 without Retry-After"
    assert result["done"] > 0 and result["status"].keys() <= {"503", "486", "487", "408"}, result
    assert result["wrong"] == {}
    overload = one.json("status")["overload"]
    assert overload["control"] and overload["refused"] >= refused
    assert metric(metrics, "trapezoid_sip_overload_rejected_total") == overload["refused"]
    assert "requests refused so far" in one.command("status")
    assert resident(one) < (1500 << 20 if trapezoid.SANITIZED else 400 << 20)
    # When nothing comes any more, nothing is refused any more.
    until = time.monotonic() + 60
    while one.json("status")["overload"]["now"]:
        assert time.monotonic() < until, "it still refuses"
        time.sleep(0.1)
    assert metric(metrics, "trapezoid_sip_overload_permille") == 0
    with Ua(one.address, "x") as phone:
        for _ in range(200):
            assert phone.ask("OPTIONS", f"sip:{one.address}").status == 200
        phone.send(phone.request("MESSAGE", "sip:nobody@bench.test"))
        assert phone.final().status == 404


def test_transactions_are_bounded(server):
    """limits.transactions: beyond, 503; what is under way goes on."""
    one = server(workers=1, auth__register=False, auth__call=False, domains=["bench.test"], drain_time="0s",
                 limits__transactions=100)
    with Ua(one.address, "callee") as callee, Ua(one.address, "caller") as caller:
        assert callee.register().status == 200
        statuses = []
        for number in range(300):
            caller.call_id = f"bounded-{number}"
            caller.send(caller.request("INVITE", callee.aor))
            while (answer := caller.receive()) and answer.get("Call-ID") != caller.call_id:
                pass
            statuses.append(answer.status)
        assert statuses[0] == 100 and statuses[-1] == 503, statuses
        assert 20 <= statuses.count(100) <= 100, statuses
        invite = callee.wait_for("INVITE")
        callee.send(callee.response(invite, "200 OK", [f"Contact: {callee.contact}"]))
        assert caller.wait_for(200).get("Call-ID") == invite.get("Call-ID")
