"""Phones of web pages: JsSIP in Node (browser/phone.js)."""

import contextlib
import json
import os
import pathlib
import queue
import subprocess
import threading
import time

from trapezoid import TOP

SCRIPT = pathlib.Path(__file__).with_name("browser") / "phone.js"
MODULES = TOP / "build/node/node_modules"


class Browser:
    """A phone with an account; it connects, registers and comes back by itself, as a page does."""

    def __init__(self, url, user, domain, password="secret", **settings):
        assert MODULES.is_dir(), "the packages of tests/system/browser are missing: ./dev deps"
        self.uri = f"sip:{user}@{domain}"
        settings = {"url": url, "uri": self.uri, "password": password, **settings}
        self.process = subprocess.Popen(["node", str(SCRIPT), json.dumps(settings)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, env={**os.environ, "NODE_PATH": str(MODULES)})
        self.events, self.seen = queue.Queue(), []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.events.put(json.loads(line))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def do(self, command, **more):
        self.process.stdin.write(json.dumps({"do": command, **more}) + "\n")
        self.process.stdin.flush()

    def wait_for(self, *wanted, timeout=15):
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
