"""Figures of /metrics of a server that has metrics.listen."""

import re
import time
import urllib.request

from trapezoid import PATIENCE, free_port


def watched():
    """The setting, for server(**watched())."""
    return {"metrics__listen": f"127.0.0.1:{free_port()}"}


def counter(one, name):
    """A metric, summed over its labels; waits for nothing."""
    with urllib.request.urlopen(f"http://{one.settings['metrics.listen']}/metrics", timeout=PATIENCE) as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(line.split()[-1]) for line in lines if re.split("[{ ]", line)[0] == "trapezoid_" + name)


def counts(one, name, wanted):
    until = time.monotonic() + PATIENCE
    while counter(one, name) != wanted:
        assert time.monotonic() < until, f"{name} is {counter(one, name)}, not {wanted}"
        time.sleep(0.02)
