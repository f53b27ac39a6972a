"""A program under a terminal of its own, as a person starts it."""

import contextlib
import os
import pathlib
import pty
import re
import subprocess
import termios
import threading
import time

COLOURS = re.compile(r"\x1b\[\??[0-9;]*[A-Za-z]|\x1b\[;m|\r")


class Terminal:
    """`command` is a shell command line; `home` stands for the home directory, where programs keep their settings."""

    good_ends = (0,)

    def __init__(self, command, home):
        self.command, self.home = command, pathlib.Path(home)
        self.process = self.terminal = self.reader = None
        self.said = b""

    def start(self):
        self.said = b""
        self.terminal, other = pty.openpty()
        settings = termios.tcgetattr(other)
        settings[3] &= ~termios.ECHO
        termios.tcsetattr(other, termios.TCSANOW, settings)
        self.process = subprocess.Popen(["sh", "-c", f"exec {self.command}"], stdin=other, stdout=other, stderr=other,
                                        env={**os.environ, "HOME": str(self.home)}, start_new_session=True)
        os.close(other)
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self):
        with contextlib.suppress(OSError):  # EIO: the program has ended
            while some := os.read(self.terminal, 65536):
                self.said += some

    def text(self):
        return COLOURS.sub("", self.said.decode(errors="replace"))

    def wait_for(self, pattern, timeout=60, after=0):
        """Waits until it has said that, in its text from there on; returns the match."""
        until, wanted = time.monotonic() + timeout, re.compile(pattern)
        while not (found := wanted.search(self.text(), after)):
            assert self.process.poll() is None, f"{self.command} has ended:\n{self.text()}"
            assert time.monotonic() < until, f"{self.command} does not say {pattern!r}:\n{self.text()[after:]}"
            time.sleep(0.02)
        return found

    def type(self, keys):
        os.write(self.terminal, keys.encode())

    def ask_to_end(self):
        self.process.terminate()

    def stop(self):
        if self.process is None:
            return
        self.ask_to_end()
        try:
            code = self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            code = None
        self.process = None
        self.reader.join()
        os.close(self.terminal)
        assert code in self.good_ends, f"{self.command} ended with {code}:\n{self.text()}"
