"""Rows of TURN and STUN: what a relayed message costs, ours and coturn's, and what an allocation weighs."""

import json
import os
import shutil
import subprocess

from . import machine, servers
from .load import LoadFailed
from .plan import median

SIZE = 172   # an RTP packet with 20 ms of G.711
RATE = 50    # of them per second, each way
REACH = 1.25  # times the floor
REACH_BINDING = 1.1


class Relay(servers.Trapezoid):
    """Trapezoid as a TURN server."""

    label = "trapezoid"

    def command(self):
        command = super().command()
        for key, value in {"stun.listen": f"udp:127.0.0.1:{self.local}", "turn.enabled": "on", "turn.realm": "bench",
                           "turn.users": "user:secret", "turn.allow_peers": "127.0.0.0/8", "turn.user_allocations": 0,
                           "turn.ports": "32768-65535", "stun.rate": 0, "log.level": "error"}.items():
            command += ["--set", f"{key}={value}"]
        return command

    @property
    def turn(self):
        return self.local


class Coturn(servers.Server):
    """The peer: one relay thread, no log."""

    label = "coturn"

    def command(self):
        program = shutil.which("turnserver")
        if not program:
            raise servers.Skipped("coturn is not installed")
        return [program, "-n", "-L", "127.0.0.1", "-E", "127.0.0.1", "-p", str(self.port), "--min-port", "32768", "--max-port", "65535",
                "-a", "-u", "user:secret", "-r", "bench", "-m", "1", "--allow-loopback-peers", "--no-tls", "--no-dtls", "--no-cli",
                "--no-dynamic-ip-list", "--pidfile", os.path.join(self.folder, "pid"), "-b", os.path.join(self.folder, "db"),
                "--log-file", "stdout", "--simple-log", "--no-stdout-log"]

    def is_ready(self, log):
        return self.process.poll() is None and servers._bound("udp", self.port)

    @property
    def turn(self):
        return self.port


class Floor(servers.Reflector):
    @property
    def turn(self):
        return self.port


def _load(bench, server, mode, **options):
    """One run of turnload."""
    base = {"server": f"127.0.0.1:{server.turn}", "seconds": bench.plan.seconds, "warmup": bench.plan.warmup, "size": SIZE,
            "core": machine.GENERATOR_CPU, **options}
    command = [os.path.join(machine.BUILD, "turnload"), mode]
    for name, value in base.items():
        command.append(f"--{name}={value}")
    command += [f"--watch={pid}" for pid in server.pids()]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, timeout=120)
    except subprocess.TimeoutExpired as late:
        raise LoadFailed(f"turnload {mode} is not done after 120 s") from late
    if done.returncode != 0 or not done.stdout:
        raise LoadFailed(f"turnload {mode}: {(done.stderr or done.stdout).strip()[:300]}")
    result = {**json.loads(done.stdout), "server": server.label, "mode": mode, **options, "note": bench.runner.note}
    bench.runner.results.append(result)
    return result


class Row:
    """Ours, coturn's and the floor in turns."""

    def __init__(self, name, mode, floor_mode="echo", reach=REACH, **options):
        self.name, self.mode, self.floor_mode, self.reach, self.options = name, mode, floor_mode, reach, options

    def measure(self, bench, running, floor):
        variants = {"floor": lambda: _load(bench, floor, self.floor_mode, **self.floor_options())}
        for server in running:
            variants[server.label] = lambda server=server: _load(bench, server, self.mode, **self.options)
        found = {name: [] for name in variants}
        for _ in range(bench.plan.rounds):
            for name, function in list(variants.items()):
                try:
                    found[name].append(function())
                except LoadFailed as failure:
                    del variants[name]
                    if name == "coturn":
                        bench.skip(f"{self.name} of coturn", failure)
                    else:
                        bench.fail(f"{self.name} of {name}", failure)
        return {name: median(runs, "cpu_us") for name, runs in found.items() if runs}

    def floor_options(self):
        options = dict(self.options)
        if "rate" in options:  # the reflector's clients alone send what clients and peers do
            options["rate"] *= 2
        return options


def _memory(bench, server, count):
    """Bytes per idle allocation with its permission and channel, without the sockets in the kernel."""
    _load(bench, server, "channel", allocations=100)
    before = server.memory()
    command = [os.path.join(machine.BUILD, "turnload"), "idle", f"--server=127.0.0.1:{server.turn}", f"--allocations={count}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            if process.stdout.readline() != "up\n":
                raise LoadFailed("turnload idle does not come up")
            return (server.memory() - before) / count
        finally:
            process.terminate()


def rows(bench):
    small, large = 100, 1000 if bench.plan.rounds < 3 else 10000
    wanted = [Row("stun-binding", "binding", reach=REACH_BINDING, allocations=small)]
    for count in (small, large):
        wanted += [Row(f"turn-channel, {count:,} allocations", "channel", allocations=count),
                   Row(f"turn-send, {count:,} allocations", "send", allocations=count)]
    wanted += [Row(f"turn-channel, {small} calls of {RATE}/s", "channel", allocations=small, rate=RATE),
               Row(f"turn-send, {small} calls of {RATE}/s", "send", allocations=small, rate=RATE)]
    return wanted, large


def _cell(value, width=10):
    return f"{value:.2f}".rjust(width) if value is not None else "-".rjust(width)


def relays(bench):
    wanted, large = rows(bench)
    lines = [f"{'CPU us per message of 172 bytes':38}{'trapezoid':>10}{'coturn':>10}{'floor':>10}{'to floor':>10}{'reach':>10}{'to coturn':>10}"]
    with bench.started(Relay(), Coturn(), Floor()) as running, bench.note("relays"):
        floor = next((s for s in running if isinstance(s, Floor)), None)
        others = [s for s in running if s is not floor]
        if floor is None:
            return
        for row in wanted:
            bench.say(row.name)
            got = row.measure(bench, others, floor)
            ours, peer, least = got.get("trapezoid"), got.get("coturn"), got.get("floor")
            lines.append(f"{row.name:38}" + _cell(ours) + _cell(peer) + _cell(least) + _cell(ours / least if ours and least else None) +
                         _cell(row.reach) + _cell(ours / peer if ours and peer else None))
    for kind in (Relay, Coturn):
        with bench.started(kind()) as running, bench.note("relays, memory"):
            for server in running:
                try:
                    lines.append(f"memory per idle allocation, {server.label}: {_memory(bench, server, large):,.0f} bytes")
                except LoadFailed as failure:
                    bench.skip(f"memory per allocation of {server.label}", failure)
    bench.notes.append("\n".join(lines))
