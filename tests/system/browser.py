"""Phones of web pages: JsSIP in Node (browser/phone.js), and SIP.js (browser/sipjs.js)."""

import contextlib
import json
import os
import pathlib
import queue
import subprocess
import threading
import time

from trapezoid import TOP

SCRIPTS = pathlib.Path(__file__).with_name("browser")
MODULES = TOP / "build/node/node_modules"


def node(script, settings):
    assert MODULES.is_dir(), "the packages of tests/system/browser are missing: ./dev deps"
    return subprocess.Popen(["node", str(SCRIPTS / script), json.dumps(settings)], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, text=True, env={**os.environ, "NODE_PATH": str(MODULES)})


def end(process):
    """A script ends when nobody speaks to it any more."""
    with contextlib.suppress(OSError):
        process.stdin.close()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextlib.contextmanager
def page(html, replace, **settings):
    """The script of an HTML page, running; the process, whose standard output is the page's console."""
    process = node("page.js", {"html": html, "replace": replace, **settings})
    try:
        yield process
    finally:
        end(process)


class Browser:
    """A phone with an account; it connects, registers and comes back by itself, as a page does."""

    def __init__(self, url, user, domain, password="secret", script="phone.js", **settings):
        self.uri = f"sip:{user}@{domain}"
        self.process = node(script, {"url": url, "uri": self.uri, "password": password, **settings})
        self.events = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.events.put(json.loads(line))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        end(self.process)

    def do(self, command, **more):
        self.process.stdin.write(json.dumps({"do": command, **more}) + "\n")
        self.process.stdin.flush()

    def wait_for(self, *wanted, timeout=60):
        """The next event of that name; others before it are passed over."""
        until, seen = time.monotonic() + timeout, []
        while True:
            try:
                event = self.events.get(timeout=max(0.01, until - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"{self.uri} waits for {wanted}, got {seen}") from None
            if event["event"] in wanted:
                return event
            seen.append(event)
