"""The main rows: CPU time of each operation, ours, the peer's, and the floor of bare datagrams, measured in turns."""

import contextlib
import dataclasses
import statistics
import time

from . import machine, servers
from .load import LoadFailed
from .plan import disturbed, idle, median, spread

# What to reach was set where Kamailio needed 64 us of CPU for a call, 8.7 for a REGISTER and 18 for one with digest, and
# a datagram 3.0. Those times differ from machine to machine and from hour to hour; the ratios hardly do.


@dataclasses.dataclass
class Operation:
    mode: str         # of loadgen
    datagrams: list   # (the server receives, the server sends, ...)
    accounts: bool = False
    options: dict = dataclasses.field(default_factory=dict)
    reach: float = None        # us, on the machine where it was set
    reach_ratio: float = None  # the same, as a part of what Kamailio needs


OPERATIONS = {
    "register": Operation("register", [("REGISTER", "200 REGISTER")], reach=5.0, reach_ratio=5.0 / 8.7),
    "register-auth": Operation("register-auth", [("REGISTER", "401 REGISTER"), ("REGISTER authorized", "200 REGISTER")],
                               accounts=True, options={"algorithm": "MD5"}, reach=10.0, reach_ratio=10.0 / 18.0),
    "options": Operation("options", [("OPTIONS", "200 OPTIONS")]),
    "call": Operation("call", [("INVITE", "100 INVITE", "INVITE"), ("180 INVITE", "180 INVITE"),
                               ("200 INVITE", "200 INVITE"), ("ACK", "ACK"), ("BYE", "BYE"), ("200 BYE", "200 BYE")],
                      reach=32.0, reach_ratio=32.0 / 64.0),
}


def sizes(result, datagrams):
    """What loadgen's mode echo has to send and the reflector to answer, from a run of the real thing."""
    parts = []
    for received, *sent in datagrams:
        out = "+".join(str(result["received"][kind]["size"]) for kind in sent if kind in result["received"])
        parts.append(f"{result['sent'][received]['size']}:{out}")
    return ",".join(parts)


def floor(bench):
    """Receiving and sending one datagram of 600 bytes."""
    with servers.Reflector() as reflector, bench.note("floor"):
        runs = [bench.measure(reflector, "echo") for _ in range(bench.plan.rounds)]
    bench.rows.append({"row": "datagram of 600 bytes in and out", "floor": median(runs, "server_us"),
                       "floor_rate": median(runs, "rate")})


def _register_mode(operation):
    return "register-auth" if operation.accounts else "register"


def _prepare(bench, server, operation):
    """Registers the users and warms up; returns a run of the real thing, or None when this server cannot do it."""
    try:
        options = {"users": bench.plan.users, "stride": 1, **operation.options}
        bench.runner.run(server, _register_mode(operation), count=bench.plan.users, **options)
        return bench.settle(server, operation.mode, **operation.options)
    except LoadFailed as failure:
        bench.fail(f"{operation.mode} of {server.label}", failure)
        return None


def _one_operation(bench, name, running, reflector):
    operation = OPERATIONS[name]
    variants, example = {}, None
    bench.say(f"{name}: {', '.join(s.label for s in running)}")
    for server in running:
        result = _prepare(bench, server, operation)
        if result:
            example = example or result
            variants[server.label] = lambda server=server: bench.measure(server, operation.mode, **operation.options)
    if not variants:
        return
    echo = sizes(example, operation.datagrams)
    variants["floor"] = lambda: bench.measure(reflector, "echo", sizes=echo)
    results = bench.interleaved(variants)
    row = {"row": name, "reach": operation.reach, "reach_ratio": operation.reach_ratio, "sizes": echo}
    for label, runs in results.items():
        short = {"trapezoid": "ours", "kamailio": "peer"}.get(label, label)
        row[short] = median(runs, "server_us")
        row[f"{short}_rate"] = median(runs, "rate")
        row[f"{short}_spread"] = spread(runs, "server_us")
        row[f"{short}_generator"] = median(runs, "generator_us")
        row[f"{short}_idle"] = statistics.median(map(idle, runs))
        row[f"{short}_disturbed"] = sum(map(disturbed, runs))
    bench.rows.append(row)


def _touch_memory(bench, running):
    """Calls, and then time for the transactions that linger after them (64*T1) to go: the memory of the calls that are
    measured later has been used once. Returns when that time will be over."""
    for server in running:
        _prepare(bench, server, OPERATIONS["call"])
    return time.monotonic() + bench.plan.linger


def operations(bench, names):
    with servers.Reflector() as reflector, contextlib.ExitStack() as stack:
        plain, lingering = [], 0
        if any(not OPERATIONS[name].accounts for name in names):
            # Kamailio keeps 38 KB of each call for five seconds.
            touched = min(bench.plan.peer_memory, machine.memory_available() // 3000000)
            plain = stack.enter_context(bench.started(servers.Trapezoid(), servers.Kamailio(touched=touched)))
        if "call" in names:
            lingering = _touch_memory(bench, plain)
        for name in names:
            if name == "call":
                time.sleep(max(0, lingering - time.monotonic()))
            with bench.note(name):
                if not OPERATIONS[name].accounts:
                    _one_operation(bench, name, plain, reflector)
                    continue
                with bench.started(*(kind(auth_users=bench.plan.users)
                                     for kind in (servers.Trapezoid, servers.Kamailio))) as running:
                    _one_operation(bench, name, running, reflector)
