"""Rows that compare small with large: users, calls that are up, workers."""

import contextlib
import statistics

from . import machine, servers
from .load import LoadFailed
from .plan import median

WINDOW = 64  # operations under way, unless said otherwise: loadgen's own default


def _scale(bench, what, server, results, unit="us"):
    """Adds a line with the medians of several variants."""
    bench.scales.append({"row": what, "server": server.label, "unit": unit,
                         "values": {key: median(runs, "server_us") for key, runs in results.items()}})


def users(bench):
    """The cost with few users and with many, and what a contact takes in memory."""
    for kind in (servers.Trapezoid, servers.Kamailio):
        with bench.started(kind(), kind()) as running:
            if len(running) == 2:
                bench.say(f"users: {running[0].label}, {bench.plan.many_users} contacts")
                try:
                    with bench.note("users"):
                        _users_of(bench, *running)
                except LoadFailed as failure:
                    bench.fail(f"users of {running[0].label}", failure)


def _users_of(bench, small, large):
    few, many = bench.plan.users, bench.plan.many_users
    ours = large.label == "trapezoid"
    for server in (small, large):
        bench.register(server, few)
        bench.measure(server, "register")
    # Before any call: memory that a call has left behind would hold contacts at no cost.
    before = large.memory()
    added = bench.register(large, many - few, first=few)
    after = large.memory()
    bench.rows.append({"row": "contact in memory", "unit": "bytes", "reach": 300, "reach_ratio": 300 / 870,
                       "ours" if ours else "peer": (after - before) / (many - few)})
    bench.rows.append({"row": "register, new contact", "ours" if ours else "peer": added["server_us"],
                       "ours_rate" if ours else "peer_rate": added["rate"]})
    bench.settle(small, "call")
    bench.settle(large, "call", users=many)
    for mode in ("register", "call"):
        results = bench.interleaved({f"{few:,} users": lambda: bench.measure(small, mode),
                                     f"{many:,} users": lambda: bench.measure(large, mode, users=many)},
                                    bench.plan.scale_rounds)
        _scale(bench, f"{mode}, by users", small, results)


def calls_up(bench):
    """The cost of a call while few or many others are up, or ring."""
    few, many = bench.plan.calls_up, bench.plan.many_calls_up
    wanted = {f"{few:,} up": (few, False), f"{many:,} up": (many, False), f"{many:,} ringing": (many, True)}
    with bench.started(*(servers.Trapezoid() for _ in wanted)) as running, contextlib.ExitStack() as stack:
        if len(running) < len(wanted):
            return
        bench.say("calls up: trapezoid")
        variants = {}
        try:
            with bench.note("calls up"):
                for server, (key, (count, ringing)) in zip(running, wanted.items()):
                    stack.enter_context(_held(bench, server, count, ringing))
                    bench.settle(server, "call")
                    variants[key] = lambda server=server: bench.measure(server, "call")
                _scale(bench, "call, by calls held", running[0], bench.interleaved(variants, bench.plan.scale_rounds))
        except LoadFailed as failure:
            bench.fail("calls up", failure)


def _held(bench, server, count, ringing):
    """Calls between phones of their own, behind ports of their own."""
    phones = {"first": 5000000, "users": bench.plan.users, "local": f"127.0.0.1:{server.local + 50}"}
    bench.register(server, bench.plan.users)
    bench.runner.run(server, "register", count=bench.plan.users, stride=1, **phones)
    return bench.runner.hold(server, count, ringing=ringing or None, **phones)


def workers(bench):
    """One worker against two, with all traffic from one address and from many. Two workers share the calls that are under
    way: each finds half as many datagrams that travel together, unless twice as many are offered. One of them has the
    generator on its CPU, and both are idle part of the time, which makes batches small too; on one CPU, taking turns, they
    are not: what they cost there more than one worker is what sharing costs."""
    if len(machine.CPUS) < 2:
        bench.skip("workers", "one CPU")
        return
    with bench.started(servers.Trapezoid(workers=1), servers.Trapezoid(workers=2, cpus=machine.CPUS[:2]),
                       servers.Trapezoid(workers=2)) as running:
        if len(running) < 3:
            return
        bench.say("workers: trapezoid")
        try:
            with bench.note("workers"):
                _workers_of(bench, *running)
        except LoadFailed as failure:
            bench.fail("workers", failure)


def _workers_of(bench, one, two, together):
    for sources in (1, 16):
        first = sources * 1000000  # users of their own: each has one contact
        options = {"sources": sources, "first": first}
        for server in (one, two, together):
            bench.register(server, bench.plan.users, first=first, sources=sources)
            bench.settle(server, "call", **options)
        results = bench.interleaved(
            {"1 worker": lambda: bench.measure(one, "call", **options),
             "2 workers, as many calls under way": lambda: bench.measure(two, "call", **options),
             "2 workers, as many each": lambda: bench.measure(two, "call", window=2 * WINDOW, **options),
             "both on one CPU": lambda: bench.measure(together, "call", window=2 * WINDOW, **options)},
            bench.plan.scale_rounds)
        _scale(bench, f"call, by workers, {sources} source address{'es' if sources > 1 else ''}", one, results)
        cost = bench.scales[-1]["values"]
        bench.scales[-1]["speed_up"] = {}
        for key in list(results)[1:3]:
            share = statistics.median(_busiest_share(r) for r in results[key])
            bench.scales[-1]["speed_up"][key] = cost["1 worker"] / (cost[key] * share)


def _busiest_share(result):
    """The part of the server's CPU time that its busiest thread used."""
    times = [task["run_us"] for task in result["tasks"]]
    return max(times) / sum(times)
