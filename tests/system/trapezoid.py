"""The program under test. The fixture `server` (conftest.py) starts it on free ports with a directory of its own:

    def test_it(server):
        one = server()                                        # UDP and TCP on 127.0.0.1:one.port
        two = server(auth__register=False, workers=1)         # two underscores stand for the dot of a key
        one.user_add("alice", "secret")
        assert one.json("contacts", "alice")["contacts"] == []

At the end of the test each server must end with exit code 0 on SIGTERM, without a word from a sanitizer.
"""

import contextlib
import itertools
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("TRAPEZOID", str(TOP / "build/debug/trapezoid"))
SANITIZED = os.environ.get("TRAPEZOID_BUILD", "debug") == "debug"
SANITIZER = re.compile(r"ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:")
PATIENCE = 30  # seconds in which all happens that does: a machine that tests share is slow at times
START_TIME = 60
END_TIME = 60


def _ports():
    """All of them, again and again: above those that baresip takes for RTP (10000 to 20000), below those that the system
    gives out by itself, and of each of the processes that run tests its own."""
    number = int(re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", "")) or 0) % 8
    ports = list(range(20100 + number * 1500, 20100 + (number + 1) * 1500))
    random.shuffle(ports)
    return itertools.cycle(ports)


PORTS = _ports()


def free_port(host="127.0.0.1"):
    """A port that is free for UDP and TCP, and not the same for a long time."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for port in itertools.islice(PORTS, 500):
        with socket.socket(family, socket.SOCK_STREAM) as tcp, socket.socket(family, socket.SOCK_DGRAM) as udp:
            with contextlib.suppress(OSError):
                tcp.bind((host, port))
                udp.bind((host, port))
                return port
    raise RuntimeError("no free port")


def free_neighbours(host="127.0.0.1"):
    """The first of two ports, one after the other, that are free."""
    while True:
        port = free_port(host)
        with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as neighbour:
            neighbour.bind((host, port + 1))
            return port


def text_of(value):
    """A setting as --set takes it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, (list, tuple)):
        return ",".join(text_of(item) for item in value)
    return str(value)


class Trapezoid:
    """One server with its directory, from start to end, and again if wanted: restart()."""

    def __init__(self, settings=None, config=None, arguments=(), environment=None):
        self.folder = tempfile.mkdtemp(prefix="tz-")
        self.host, self.port = "127.0.0.1", free_port()
        self.settings = {
            "listen": [f"udp:{self.host}:{self.port}", f"tcp:{self.host}:{self.port}"],
            "data_dir": os.path.join(self.folder, "data"),
            "control.path": os.path.join(self.folder, "control"),
            "workers": 2,
            "overload.control": not SANITIZED,  # a sanitized server on a busy machine has its reasons; test_overload.py asks for it
        }
        for key, value in (settings or {}).items():
            self.settings[key.replace("__", ".")] = value
        self.config, self.arguments, self.environment = config, list(arguments), environment or {}
        self.process = None
        self.prefix = []  # words before the program: another namespace
        self.starts = 0

    # ---- Running ----

    @property
    def address(self):
        return f"{self.host}:{self.port}"

    def options(self):
        """The options that name this server, for any subcommand."""
        options = ["-c", str(self.config)] if self.config else []
        for key, value in self.settings.items():
            if value is not None:
                options += ["--set", f"{key}={text_of(value)}"]
        return options

    def launch(self):
        """Starts the process and waits for nothing."""
        assert self.process is None, "it runs already"
        self.starts += 1
        with open(self.path("out"), "w") as out, open(self.path("log"), "w") as log:
            self.process = subprocess.Popen([*self.prefix, PROGRAM, "serve", *self.options(), *self.arguments], stdout=out,
                                            stderr=log, stdin=subprocess.DEVNULL, cwd=self.folder,
                                            env={**os.environ, **self.environment})
        return self

    def start(self):
        """Starts it and waits for the line "ready". Says what it said when it ends instead."""
        self.launch()
        self.wait_for(r"(?m)^ready$|\"message\":\"ready\"", START_TIME)
        return self

    def wait_for(self, pattern, timeout=PATIENCE):
        """Waits until a line of the log fits; returns the match."""
        until = time.monotonic() + timeout
        while True:
            ended = self.process is None or self.process.poll() is not None
            found = re.search(pattern, self.log())
            if found:
                return found
            assert not ended, f"it has ended with {self.process and self.process.returncode}:\n{self.log()}"
            assert time.monotonic() < until, f"no {pattern!r} within {timeout} s:\n{self.log()}"
            time.sleep(0.01)

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, timeout=END_TIME):
        """Waits for its end; returns the exit code."""
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            self.process = None
            raise AssertionError(f"it does not end within {timeout} s:\n{self.log()}") from None
        self.process = None
        self.check_sanitizer()
        return code

    def stop(self):
        """SIGTERM, and a clean end."""
        self.signal(signal.SIGTERM)
        code = self.wait()
        assert code == 0, f"exit code {code} after SIGTERM:\n{self.log()}"

    def kill(self):
        """SIGKILL: nothing is saved that was not saved before."""
        self.process.kill()
        self.process.wait()
        self.process = None

    def restart(self):
        self.stop()
        return self.start()

    def close(self):
        """The end of a test: a clean end when it still runs, then the directory goes."""
        try:
            if self.process is not None and self.process.poll() is None:
                self.stop()
            elif self.process is not None:
                code = self.wait()
                raise AssertionError(f"it has ended by itself with {code}:\n{self.log()}")
        finally:
            if self.process is not None:
                self.kill()
            shutil.rmtree(self.folder, ignore_errors=True)

    # ---- What it says ----

    def path(self, name):
        return os.path.join(self.folder, name)

    def _read(self, name):
        with contextlib.suppress(FileNotFoundError), open(self.path(name), encoding="utf-8", errors="replace") as file:
            return file.read()
        return ""

    def log(self):
        """Standard error of this start."""
        return self._read("log")

    def out(self):
        """Standard output of this start."""
        return self._read("out")

    def check_sanitizer(self):
        log = self.log()
        assert not SANITIZER.search(log), log

    # ---- Commands ----

    def run(self, *words, input=None):
        """A subcommand that speaks to this server, as subprocess.CompletedProcess with text."""
        done = subprocess.run([PROGRAM, *words, *self.options()], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              input=input, text=True, timeout=120, check=False)
        assert not SANITIZER.search(done.stderr), done.stderr
        return done

    def command(self, *words, input=None):
        """The same, which must succeed; what it printed."""
        done = self.run(*words, input=input)
        assert done.returncode == 0, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def json(self, *words):
        """The answer with --json; the command may fail."""
        return json.loads(self.run(*words, "--json").stdout)

    def user_add(self, name, password):
        self.command("user", "add", name, "--password-stdin", input=password + "\n")
