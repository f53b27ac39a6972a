"""The row "idle-many": 100,000 idle TCP connections and 20,000 TLS ones. A process may have so many descriptors as its hard limit
says; where that is too low the connections are spread over several servers, and the row says over how many."""

import contextlib
import os
import re
import resource
import subprocess
import sys
import time

from . import machine, servers
from .load import LoadFailed

WANTED = {"TCP": 100000, "TLS": 20000}
OWN = 200       # descriptors that a server needs for itself
HOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "holder.py")


def many(bench):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    for name, count in WANTED.items():
        each = min(count, hard - OWN)
        shares = [min(each, count - first) for first in range(0, count, each)]
        bench.say(f"idle-many: {count:,} {name} connections, {len(shares)} server(s)")
        try:
            with contextlib.ExitStack() as stack, bench.note(f"idle-many {name}"):
                _hold(bench, stack, name, shares)
        except servers.Skipped as reason:
            bench.skip(f"idle-many {name}", reason)
        except (servers.Broken, LoadFailed, OSError) as failure:
            bench.fail(f"idle-many {name}", failure)


def _hold(bench, stack, name, shares):
    running = [stack.enter_context(servers.Trapezoid(tls=True)) for _ in shares]
    time.sleep(1)
    before, slab = sum(server.memory() for server in running), _slab()
    holders = [stack.enter_context(_holder(server, share, number, name)) for number, (server, share) in enumerate(zip(running, shares))]
    for holder, share in zip(holders, shares):
        if holder.stdout.readline().strip() != str(share):
            raise LoadFailed(f"{share} {name} connections could not be made; the process has ended with {holder.poll()}")
    time.sleep(1)
    after, more_slab, cpu = sum(server.memory() for server in running), _slab(), sum(server.cpu_ns() for server in running)
    time.sleep(10)
    idle = (sum(server.cpu_ns() for server in running) - cpu) / 10e9
    took = [_ping(holder, share) for holder, share in zip(holders, shares)]
    total = sum(shares)
    bench.rows.append({"row": f"idle {name} connection, {total:,} of them", "unit": "bytes", "ours": (after - before) / total,
                       "reach": {"TCP": 4096, "TLS": 30720}[name]})
    bench.notes.append(f"{total:,} idle {name} connections held by {len(shares)} server(s) of {shares[0]:,} at most: "
                       f"{(more_slab - slab) / total / 2:,.0f} bytes of the kernel's per end; {100 * idle:.2f} % of a CPU while nothing "
                       f"happens; then all of them were answered, {shares[0]:,} in {max(took):.1f} s")


@contextlib.contextmanager
def _holder(server, count, number, name):
    command = ["taskset", "-c", str(machine.GENERATOR_CPU), sys.executable, HOLDER, str(server.tls if name == "TLS" else server.port),
               str(count), str(number + 1)]
    with subprocess.Popen(command + ["tls"] * (name == "TLS"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def _ping(holder, share):
    holder.stdin.write("\n")
    holder.stdin.flush()
    count, _, took = holder.stdout.readline().partition(" ")
    if count != str(share):
        raise LoadFailed(f"{count or 'not all'} of {share} connections were answered")
    return float(took)


def _slab():
    with open("/proc/meminfo", encoding="ascii") as file:
        return int(re.search(r"Slab:\s+(\d+)", file.read()).group(1)) * 1024
