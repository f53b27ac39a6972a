"""Rows of their own kind: restart, overload, a long run, parsing."""

import os
import subprocess

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


def overload(bench):
    """Calls offered at a multiple of what one worker carries."""
    try:
        with servers.Trapezoid() as server, bench.note("overload"):
            bench.say("overload: trapezoid")
            bench.register(server, bench.plan.users)
            bench.settle(server, "call")
            most = median([bench.measure(server, "call") for _ in range(3)], "rate")
            before = server.memory()
            # Phones retransmit, as real ones do; one that hears nothing for four seconds has given up.
            result = bench.measure(server, "flood", failures_allowed=True, rate=int(2.5 * most), window=200000,
                                   give_up=4000, seconds=max(4.0, 4 * bench.plan.seconds))
            grown = server.memory() - before
    except servers.Skipped as reason:
        bench.skip("overload", reason)
    except (servers.Broken, LoadFailed) as failure:
        bench.fail("overload", failure)
    else:
        _overload_note(bench, most, result, grown)


def _overload_note(bench, most, result, grown):
    refused = result["latency_us"].get("refusal", {}).get("p99", 0)
    bench.notes.append(
        f"overload: offered {result['offered'] / result['seconds']:,.0f} calls/s, {most:,.0f}/s is the most without "
        f"overload; carried {result['rate']:,.0f}/s ({result['rate'] / most:.0%}), answered 503 "
        f"{result['status'].get('503', 0):,} ({result['retry_after']:,} with Retry-After, 99 % within {refused:,.0f} us), "
        f"unanswered {result['timeouts']:,}, memory grew by {grown / 1e6:,.1f} MB; "
        f"generator idle {result['generator_idle']:.0%}")


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
