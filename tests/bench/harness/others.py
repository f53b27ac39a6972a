"""Rows of their own kind: restart, overload, a long run, parsing."""

import os
import statistics
import subprocess
import time

from . import machine, servers
from .load import LoadFailed
from .plan import median


def restart(bench):
    """From start to ready with many contacts in the store; then some of them are called."""
    many = bench.plan.many_users
    server = servers.Trapezoid()
    server.store = os.path.join(server.folder, "store.db")
    try:
        with server, bench.note("restart"):
            bench.say(f"restart: {many} contacts")
            bench.register(server, many)
            code = server.stop(timeout=120)
            if code != 0:
                raise LoadFailed(f"trapezoid ends with {code} on SIGTERM")
            size = sum(os.path.getsize(os.path.join(server.folder, name)) for name in os.listdir(server.folder)
                       if name.startswith("store.db"))
            times = [server.start()]
            bench.runner.run(server, "call", users=many, count=5000)
            for _ in range(2):
                server.stop(timeout=120)
                times.append(server.start())
        bench.rows.append({"row": f"restart with {many:,} contacts", "unit": "s", "reach": 2.0, "ours": sorted(times)[1],
                           "store_bytes": size})
    except servers.Skipped as reason:
        bench.skip("restart", reason)
    except (servers.Broken, LoadFailed) as failure:
        bench.fail("restart", failure)


OVERLOADS = (2.5, 5)  # times what the server carries
OVERLOAD_WINDOW = 256  # operations under way where the most is measured: full batches, as in overload


def overload(bench):
    """Calls offered at multiples of what one worker carries. It gets a third of its CPU: one generator cannot offer five
    times what a whole one carries, and what the generator loses would count as the server's loss."""
    rounds = {times: [] for times in OVERLOADS}
    try:
        with servers.Trapezoid() as server, bench.note("overload"), machine.busy(machine.SERVER_CPU, 2):
            bench.say("overload: trapezoid")
            bench.register(server, bench.plan.users)
            bench.settle(server, "call", window=OVERLOAD_WINDOW)
            before = server.memory()
            for _ in range(bench.plan.scale_rounds):
                for times in OVERLOADS:
                    rounds[times].append(_overload_round(bench, server, times))
            grown = server.memory() - before
    except servers.Skipped as reason:
        bench.skip("overload", reason)
    except (servers.Broken, LoadFailed) as failure:
        bench.fail("overload", failure)
    else:
        for times in OVERLOADS:
            _overload_note(bench, times, rounds[times])
        carried = sum(most["done"] + flood["done"] for pairs in rounds.values() for most, flood in pairs)
        bench.notes.append(f"overload: memory grew by {grown / 1e6:,.1f} MB while {carried:,.0f} calls were carried")


def _overload_round(bench, server, times):
    time.sleep(0.5)  # after a flood: what comes now fails if any call is refused
    most = bench.measure(server, "call", window=OVERLOAD_WINDOW)
    # Phones retransmit, as real ones do; one that hears nothing for four seconds has given up.
    return most, bench.measure(server, "flood", failures_allowed=True, rate=int(times * most["rate"]), window=200000,
                               give_up=4000, seconds=2 * bench.plan.seconds)


def _overload_note(bench, times, rounds):
    shares = sorted(flood["rate"] / most["rate"] for most, flood in rounds)
    floods = [flood for _, flood in rounds]
    latency = [flood["latency_us"] for flood in floods]
    refusal = statistics.median(_refusal_us(most, flood) for most, flood in rounds)
    bench.notes.append(
        f"overload, {times} times the most offered: {statistics.median(shares):.0%} of it carried ({shares[0]:.0%} - "
        f"{shares[-1]:.0%}); {sum(f['status'].get('503', 0) for f in floods):,} answered 503 "
        f"({sum(f['retry_after'] for f in floods):,} with Retry-After), half within "
        f"{_middle(latency, 'refusal', 'p50'):,.0f} ms, 99 % within {_middle(latency, 'refusal', 'p99'):,.0f} ms; ringing, half "
        f"within {_middle(latency, 'ring', 'p50'):,.0f} ms, 99 % within {_middle(latency, 'ring', 'p99'):,.0f} ms; "
        f"{sum(f['timeouts'] for f in floods):,} unanswered; a refusal cost {refusal:.1f} us, a call "
        f"{median([most for most, _ in rounds], 'server_us'):.1f}; generator idle "
        f"{min(f['generator_idle'] for f in floods):.0%}")


def _middle(latencies, what, which):
    return statistics.median(latency.get(what, {}).get(which, 0) for latency in latencies) / 1000


def _refusal_us(most, flood):
    """What is left of the CPU time when the calls have been paid, per refusal."""
    spent = flood["server_cpus"] * flood["seconds"] * 1e6 - flood["done"] * most["server_us"]
    return spent / max(1, flood["latency_us"].get("refusal", {}).get("count", 0))


def sustained(bench):
    """Slices of five seconds of calls without a pause: transactions that linger for 32 s all pile up."""
    for kind in (servers.Trapezoid, servers.Kamailio):
        with bench.started(kind()) as running, bench.note("sustained"):
            for server in running:
                try:
                    bench.register(server, bench.plan.users)
                    slices = [(bench.measure(server, "call", seconds=5, warmup=0), server.memory())
                              for _ in range(bench.plan.sustained)]
                except LoadFailed as failure:
                    bench.fail(f"sustained {server.label}", failure)
                    continue
                bench.notes.append(f"sustained, {server.label}: " + ", ".join(
                    f"{r['server_us']:.1f} us {m / 1e6:,.0f} MB" for r, m in slices) + " (slices of 5 s)")


def _micro(bench, row, name):
    """A program that prints its own lines."""
    program = os.path.join(machine.BUILD, name)
    if not os.access(program, os.X_OK):
        bench.skip(row, f"build/release/{name} is not there")
        return
    done = subprocess.run(["taskset", "-c", str(machine.SERVER_CPU), program], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=120, check=False)
    bench.notes.append(f"{name}:\n" + "\n".join("    " + line for line in done.stdout.splitlines()))
    if done.returncode != 0:
        bench.fail(row, f"{name} ends with {done.returncode}")


def parse(bench):
    _micro(bench, "parse", "bench_parse")


def resolver(bench):
    """What a call pays for a server that is known already: under 1 us."""
    _micro(bench, "resolver", "bench_resolver")
