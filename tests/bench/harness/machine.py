"""The machine: CPUs, free ports, what processes use."""

import contextlib
import os
import platform
import socket
import subprocess
import sys

TREE = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", ".."))
BENCH = os.path.join(TREE, "tests", "bench")
BUILD = os.environ.get("TRAPEZOID_BENCH_BUILD", os.path.join(TREE, "build", "release"))

CPUS = sorted(os.sched_getaffinity(0))
SERVER_CPU = CPUS[0]
GENERATOR_CPU = CPUS[1] if len(CPUS) > 1 else CPUS[0]

_next_port = 16000


def ports(count):
    """The first of so many UDP ports on 127.0.0.1, one after the other, that are free now and were not handed out."""
    global _next_port
    while _next_port + count < 32000:
        first, _next_port = _next_port, _next_port + count
        if all(_free(first + i) for i in range(count)):
            return first
    raise RuntimeError("no free ports between 16000 and 32000")


def _free(port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.bind(("127.0.0.1", port))
            return True
        except OSError:
            return False


def memory_available():
    """Bytes that could be used now."""
    with open("/proc/meminfo", encoding="ascii") as file:
        for line in file:
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return 0


def descendants(pid):
    """The process and everything that it has started."""
    found, children = [pid], {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", encoding="ascii", errors="replace") as file:
                    parent = int(file.read().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(name))
            except (OSError, IndexError):
                pass
    for parent in found:
        found += children.get(parent, [])
    return found


def memory(pids):
    """Bytes of memory that the processes hold, shared pages counted once (PSS)."""
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
            for line in file:
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
    return total


def cpu_ns(pids):
    """CPU time of all threads of the processes."""
    total = 0
    for pid in pids:
        for tid in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{tid}/schedstat", encoding="ascii") as file:
                total += int(file.read().split()[0])
    return total


def describe():
    """One line: CPU model, how many, whether virtual, kernel."""
    model, virtual = platform.machine(), False
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
            virtual = virtual or (line.startswith("flags") and " hypervisor" in line)
    kind = "virtual machine" if virtual else "machine"
    return f"{kind}, {len(CPUS)} CPUs ({model}), Linux {platform.release()}"


@contextlib.contextmanager
def busy(cpu, count):
    """So many processes that take what they can get of a CPU: who runs there too gets 1/(count+1) of it."""
    running = [subprocess.Popen([sys.executable, "-c", "while True: pass"],
                                preexec_fn=lambda: os.sched_setaffinity(0, {cpu})) for _ in range(count)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()
