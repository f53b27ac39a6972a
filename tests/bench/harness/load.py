"""Runs the load generator."""

import json
import os
import signal
import subprocess

from . import machine


class LoadFailed(Exception):
    """The generator saw failures where there should be none."""


class Runner:
    """What all runs have in common; keeps every result for --json."""

    def __init__(self):
        self.results = []
        self.note = ""

    def command(self, server, mode, options):
        base = {"server": f"127.0.0.1:{server.port}", "local": f"127.0.0.1:{server.local}", "core": machine.GENERATOR_CPU,
                "domain": server.domain}
        command = [os.path.join(machine.BUILD, "loadgen"), mode, "--json"]
        for name, value in {**base, **options}.items():
            name = name.replace("_", "-")
            if value is True:
                command.append(f"--{name}")
            elif value is not None:
                command.append(f"--{name}={value}")
        return command + [f"--watch={pid}" for pid in server.pids()]

    def run(self, server, mode, failures_allowed=False, **options):
        """One run; returns what the generator reports."""
        command = self.command(server, mode, options)
        try:
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
                                  timeout=300)
        except subprocess.TimeoutExpired as late:
            raise LoadFailed(f"loadgen {mode} is not done after 300 s") from late
        if done.returncode not in (0, 1) or not done.stdout:
            raise LoadFailed(f"loadgen {mode}: {done.stderr.strip()[:300]}")
        result = json.loads(done.stdout)
        result["server"] = server.label
        result["note"] = self.note
        self.results.append(result)
        if done.returncode == 1 and not failures_allowed:
            result["stderr"] = done.stderr
            raise LoadFailed(f"{server.label} failed under {mode}: {complaint(result)}")
        return result

    def hold(self, server, count, **options):
        """Sets up calls that stay up; the value is to be closed."""
        return Held(self.command(server, "hold", {"count": count, **options}))


class Held:
    """A generator that holds calls."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line.startswith("held "):
            self.process.wait()
            raise LoadFailed(f"calls cannot be held: {line.strip()[:300]}")

    def close(self):
        """Ends the calls; returns the generator's report."""
        self.process.send_signal(signal.SIGTERM)
        text = self.process.stdout.read()
        self.process.wait()
        return json.loads(text)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def complaint(result):
    """In words, what was not right in a run."""
    parts = [f"{count} answered {status}" for status, count in result["status"].items()]
    parts += [f"{count} with wrong {what}" for what, count in result["wrong"].items()]
    if result["timeouts"]:
        parts.append(f"{result['timeouts']} without an answer")
    return ", ".join(parts) or "calls left over"
