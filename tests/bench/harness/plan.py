"""How long and how large a run is, and what the rows share."""

import contextlib
import dataclasses
import statistics
import sys

from . import load, servers

# Microseconds between two looks of the generator at its sockets: short against the 64 operations that the server has
# still to do, long enough for a batch.
PAUSE = 100


@dataclasses.dataclass
class Plan:
    rounds: int = 5
    scale_rounds: int = 3
    seconds: float = 1.0
    warmup: float = 0.2
    settle: float = 4.0  # seconds of each load before its first measurement
    linger: float = 33.0  # seconds from the first calls to those that are measured
    users: int = 1000
    many_users: int = 1000000
    calls_up: int = 100
    many_calls_up: int = 100000
    sustained: int = 9  # slices of five seconds
    peer_memory: int = 4096  # MB that Kamailio touches before its calls are measured

    @classmethod
    def quick(cls):
        return cls(rounds=2, scale_rounds=2, seconds=0.5, warmup=0.1, settle=0.5, linger=0.0, many_users=100000, many_calls_up=10000, sustained=2,
                   peer_memory=1024)


class Bench:
    """One run of the benchmark: the plan, the generator, and what came out so far."""

    def __init__(self, plan):
        self.plan = plan
        self.runner = load.Runner()
        self.rows = []     # main table
        self.scales = []   # small against large
        self.skipped = []  # (what, why): cannot be measured here
        self.failed = []   # (what, why): a server did not do its work
        self.notes = []

    def say(self, text):
        print(f"bench: {text}", file=sys.stderr, flush=True)

    def skip(self, what, why):
        if (what, str(why)) not in self.skipped:
            self.say(f"{what}: {why}")
            self.skipped.append((what, str(why)))

    def fail(self, what, why):
        self.say(f"{what} FAILED: {why}")
        self.failed.append((what, str(why)))

    def measure(self, server, mode, **options):
        base = {"seconds": self.plan.seconds, "warmup": self.plan.warmup, "users": self.plan.users,
                "pause": PAUSE}
        return self.runner.run(server, mode, **{**base, **options})

    def register(self, server, count, first=0, **options):
        """Registers users one by one, each once."""
        return self.runner.run(server, "register", **{"count": count, "users": count, "first": first, "stride": 1, **options})

    def settle(self, server, mode, **options):
        """Load that is not measured: memory gets touched, pools fill."""
        return self.measure(server, mode, **{"seconds": self.plan.settle, **options})

    @contextlib.contextmanager
    def note(self, text):
        """Results of runs within carry this note in the JSON file."""
        before, self.runner.note = self.runner.note, text
        try:
            yield
        finally:
            self.runner.note = before

    def interleaved(self, variants, rounds=None):
        """Runs {key: function} in turns, A B A B; returns {key: [result]}."""
        results = {key: [] for key in variants}
        for _ in range(rounds or self.plan.rounds):
            for key, function in variants.items():
                results[key].append(function())
        return results

    @contextlib.contextmanager
    def started(self, *wanted):
        """Starts servers; yields those that could be started."""
        with contextlib.ExitStack() as stack:
            running = []
            for server in wanted:
                try:
                    running.append(stack.enter_context(server))
                except servers.Skipped as reason:
                    self.skip(server.label, reason)
                except servers.Broken as reason:
                    self.fail(server.label, reason)
            yield running


def median(results, field):
    """The median of one field over runs; None without runs."""
    return statistics.median(r[field] for r in results) if results else None


def spread(results, field):
    """Lowest and highest."""
    values = [r[field] for r in results]
    return (min(values), max(values)) if values else None


def disturbed(result):
    """True when the server lost more than 3 % of the time to other processes or other virtual machines."""
    lost = result["server_wait_ms"] + result["steal_ms"]
    return lost > 30 * result["seconds"]


def idle(result):
    """The part of the time in which the server had nothing to do: the generator was too slow, or the window too small."""
    return max(0.0, 1 - result["server_cpus"] - result["server_wait_ms"] / 1000 / result["seconds"])
