"""The servers that are measured: started pinned to one CPU, stopped for sure."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request

from . import machine


class Skipped(Exception):
    """A row cannot be measured here; the text says why."""


class Broken(Exception):
    """A server that is here does not start or does not end as it should."""


class Server:
    """A server that runs; use as a context manager."""

    label = "?"
    domain = "bench.test"

    def __init__(self, cpus=None):
        self.port = machine.ports(1)
        self.local = machine.ports(100)  # for the phones of this server
        self.cpus = set(cpus or {machine.SERVER_CPU})
        self.folder = tempfile.mkdtemp(prefix="bench-")
        self.log = os.path.join(self.folder, "log")
        self.process = None

    def command(self):
        raise NotImplementedError

    def is_ready(self, log):
        return any(line == "ready" or line.endswith(" ready") for line in log.splitlines())

    def start(self, timeout=60):
        """Starts it and waits until it says that it is ready; returns the seconds that this took."""
        with open(self.log, "w", encoding="utf-8") as log:
            begun = time.monotonic()
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            preexec_fn=lambda: os.sched_setaffinity(0, self.cpus))
        while time.monotonic() - begun < timeout:
            text = self.output()
            if self.is_ready(text):
                return time.monotonic() - begun
            if self.process.poll() is not None:
                self.process = None
                kind = Skipped if "no command" in text else Broken
                raise kind(f"{self.label} does not start: {_last_line(text)}")
            time.sleep(0.002)
        self.stop()
        raise Broken(f"{self.label} is not ready after {timeout} s: {_last_line(text)}")

    def output(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read()

    def stop(self, timeout=30):
        """Ends it, by force if it does not end; returns its exit code."""
        process, self.process = self.process, None
        if not process:
            return None
        pids = machine.descendants(process.pid)
        process.send_signal(signal.SIGTERM)
        try:
            return process.wait(timeout)
        except subprocess.TimeoutExpired:
            for pid in pids:
                _kill(pid)
            return process.wait()

    def pids(self):
        return machine.descendants(self.process.pid)

    def memory(self):
        return machine.memory(self.pids())

    def cpu_ns(self):
        return machine.cpu_ns(self.pids())

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def _kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def _last_line(text):
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1][:200] if lines else "it says nothing"


class Reflector(Server):
    """Receives and sends datagrams, nothing else."""

    label = "floor"

    def command(self):
        return [os.path.join(machine.BUILD, "reflector"), f"127.0.0.1:{self.port}"]


class Kamailio(Server):
    """The peer, with the configuration next to this folder."""

    label = "kamailio"

    def __init__(self, auth_users=0, touched=0, tls=False):
        """touched: MB of shared memory that it touches before it starts, so that no page fault is measured later. tls: TCP
        beside UDP, and TLS on the port .tls."""
        super().__init__()
        self.tls = machine.ports(1) if tls else None
        self.auth_users, self.touched = auth_users, touched

    def command(self):
        program = shutil.which("kamailio", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
        if not program:
            raise Skipped("kamailio is not installed")
        defines = ["-A", "WITH_AUTH", "-A", f"USERS={self.auth_users}"] if self.auth_users else []
        defines += ["-A", "TOUCH_MEMORY"] if self.touched else []
        return [program, "-f", os.path.join(machine.BENCH, "kamailio.cfg"), "-l", f"udp:127.0.0.1:{self.port}",
                "-x", "tlsf", "-X", "tlsf", "-m", str(self.touched or 8192), "-M", "32", "-n", "1", "-DD", "-E",
                "-Y", self.folder] + defines + (self._streams() if self.tls else [])

    def _streams(self):
        certificate, key = (os.path.join(self.folder, name) for name in ("certificate.pem", "key.pem"))
        try:
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                            "-subj", f"/CN={self.domain}", "-keyout", key, "-out", certificate], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as why:
            raise Skipped(f"openssl makes no certificate: {why}") from why
        return ["-l", f"tcp:127.0.0.1:{self.port}", "-l", f"tls:127.0.0.1:{self.tls}", "-N", "1", "-A", "WITH_STREAMS",
                "-A", f'CERTIFICATE="{certificate}"', "-A", f'KEY="{key}"']

    def is_ready(self, log):
        if "could not find module" in log:
            raise Skipped("kamailio-tls-modules is not installed")
        # It says nothing; its worker names itself once it reads the socket.
        return (self.process.poll() is None and len(self.pids()) >= 5 and _bound("udp", self.port)
                and (self.tls is None or _bound("tcp", self.tls)))


def _bound(kind, port):
    wanted = f":{port:04X} "
    with open(f"/proc/net/{kind}", encoding="ascii") as file:
        return any(wanted in line for line in file)


class Trapezoid(Server):
    """The program of this tree."""

    label = "trapezoid"

    def __init__(self, auth_users=0, workers=1, store=None, cpus=None, tls=False):
        """tls: TCP beside UDP, and TLS on the port .tls."""
        super().__init__(cpus)
        self.tls, self.metrics = (machine.ports(1), machine.ports(1)) if tls else (None, None)
        self.auth_users, self.workers, self.store = auth_users, workers, store
        self.program = os.environ.get("TRAPEZOID", os.path.join(machine.BUILD, "trapezoid"))
        self.control = os.path.join(self.folder, "control")

    def command(self):
        if not os.access(self.program, os.X_OK):
            raise Skipped("build/release/trapezoid is not there")
        settings = {
            "workers": self.workers,
            "listen": f"udp:127.0.0.1:{self.port}",
            "tcp.per_source": 1000000,
            "domains": self.domain,
            "auth.register": "on" if self.auth_users else "off",
            "auth.call": "off",
            "record_route": "on",
            "store.path": self.store or ":memory:",
            "location.durability": "async",
            "data_dir": self.folder,
            "control.path": self.control,
        }
        if self.tls:
            settings["listen"] += f",tcp:127.0.0.1:{self.port},tls:127.0.0.1:{self.tls}"
            settings["metrics.listen"] = f"127.0.0.1:{self.metrics}"
        command = [self.program, "serve"]
        for key, value in settings.items():
            command += ["--set", f"{key}={value}"]
        return command

    def start(self, timeout=60):
        took = super().start(timeout)
        for number in range(self.auth_users):
            self._user_add(f"u{number:07d}@{self.domain}")
        return took

    def metric(self, name):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics}/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        return sum(float(line.split()[1]) for line in lines if line.split("{")[0].split()[0] == f"trapezoid_{name}")

    def _user_add(self, name):
        done = subprocess.run([self.program, "user", "add", name, "--password-stdin", "--set",
                               f"control.path={self.control}"], input="secret\n", stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=20, check=False)
        if done.returncode != 0:
            self.stop()
            kind = Skipped if "no command" in done.stdout else Broken
            raise kind(f"trapezoid user add {name}: {_last_line(done.stdout)}")
