"""Kamailio as the server of another domain: kamailio/NAME.cfg, from start to end."""

import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

CONFIGS = pathlib.Path(__file__).with_name("kamailio")
PROGRAM = shutil.which("kamailio") or "/usr/sbin/kamailio"


class Kamailio:
    """listen: ["udp:192.0.2.1:5060", ...]; prefix: words before the program (another namespace)."""

    def __init__(self, config, listen, prefix=(), defines=()):
        self.config, self.listen, self.prefix = CONFIGS / f"{config}.cfg", listen, list(prefix)
        self.defines = [word for name in defines for word in ("-A", name)]
        self.folder = tempfile.mkdtemp(prefix="tz-kamailio-")
        self.process = None

    def launch(self):
        words = [word for address in self.listen for word in ("-l", address)]
        with open(pathlib.Path(self.folder) / "log", "w", encoding="utf-8") as log:
            self.process = subprocess.Popen([*self.prefix, PROGRAM, "-f", str(self.config), *words, "-DD", "-E", "-m", "64",
                                             "-M", "8", "-Y", self.folder, *self.defines], stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL, start_new_session=True)
        return self

    def log(self):
        return (pathlib.Path(self.folder) / "log").read_text(encoding="utf-8", errors="replace")

    def kill(self):
        """All its processes at once, so that nothing is said to anybody."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def close(self):
        try:
            if self.process is not None:
                self.process.terminate()
                try:
                    code = self.process.wait(60)
                except subprocess.TimeoutExpired:
                    self.kill()
                    raise
                assert code == 0, f"kamailio ended with {code}:\n{self.log()}"
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)
