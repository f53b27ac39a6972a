"""A baresip phone under a terminal of its own, as a person starts it, that plays a tone and records what it hears."""

import array
import contextlib
import math
import os
import pathlib
import pty
import re
import subprocess
import termios
import threading
import time
import wave
import zlib

RATE = 8000  # of G.711
COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|\x1b\[;m|\r")


class Baresip:
    """`command` is a shell command line; `home` stands for the home directory, where baresip keeps its settings."""

    def __init__(self, command, home):
        self.command, self.home = command, pathlib.Path(home)
        self.process = self.terminal = self.reader = None
        self.said = b""

    @property
    def folder(self):
        """What -f names."""
        return pathlib.Path(re.search(r"-f (\S+)", self.command).group(1).replace("~", str(self.home)))

    @property
    def sounds(self):
        """A short name: baresip cuts the names of its recordings after 127 characters."""
        return self.home / f"snd{zlib.crc32(self.folder.name.encode())}"

    @property
    def recording(self):
        """What it has heard in its call, once it hears something."""
        return next(iter(self.sounds.glob("*dec.wav")), None)

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
        with contextlib.suppress(OSError):  # EIO: the phone has ended
            while some := os.read(self.terminal, 65536):
                self.said += some

    def text(self):
        return COLOURS.sub("", self.said.decode(errors="replace"))

    def wait_for(self, pattern, timeout=20):
        until = time.monotonic() + timeout
        while not (found := re.search(pattern, self.text())):
            assert self.process.poll() is None, f"baresip has ended:\n{self.text()}"
            assert time.monotonic() < until, f"baresip does not say {pattern!r}:\n{self.text()}"
            time.sleep(0.02)
        return found

    def type(self, keys):
        os.write(self.terminal, keys.encode())

    def stop(self):
        if self.process is None:
            return
        self.process.terminate()
        try:
            code = self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            code = None
        self.process = None
        self.reader.join()
        os.close(self.terminal)
        assert code == 0, f"baresip ended with {code}:\n{self.text()}"

    def use_tone(self, hertz):
        """No sound card: it says a tone and writes what it hears to a file. Needs the settings that a first start makes."""
        self.sounds.mkdir()
        with wave.open(str(self.sounds / "tone.wav"), "wb") as file:
            file.setparams((1, 2, RATE, 0, "NONE", ""))
            second = (int(8000 * math.sin(2 * math.pi * hertz * i / RATE)) for i in range(RATE))
            file.writeframes(array.array("h", second).tobytes() * 60)
        path = self.folder / "config"
        text = path.read_text()
        for pattern, value in ((r"^audio_source.*", f"audio_source aufile,{self.sounds}/tone.wav"),
                               (r"^audio_player.*", "audio_player aubridge,none"),
                               (r"^audio_alert.*", "audio_alert aubridge,none"),
                               (r"^#sip_listen.*", "sip_listen 127.0.0.1:0"),
                               (r"^module\s+alsa.so", "module aufile.so\nmodule aubridge.so\nmodule sndfile.so"),
                               (r"^#snd_path.*", f"snd_path {self.sounds}")):
            text, count = re.subn(pattern, value, text, flags=re.MULTILINE)
            assert count == 1, f"baresip's own settings have changed: no {pattern}"
        path.write_text(text)


def tone(path, hertz):
    """The share of that frequency in the power of the recording's loudest second, 0 to 1."""
    with wave.open(str(path)) as file:
        rate, samples = file.getframerate(), array.array("h", file.readframes(file.getnframes()))
        assert file.getnchannels() == 1 and file.getsampwidth() == 2
    best = 0.0
    for start in range(0, max(1, len(samples) - rate // 2), rate // 2):
        part = samples[start:start + rate // 2]
        power = sum(s * s for s in part)
        if power < 1000 * len(part):  # silence
            continue
        turn = 2 * math.pi * hertz / rate
        real = sum(s * math.cos(turn * i) for i, s in enumerate(part))
        imaginary = sum(s * math.sin(turn * i) for i, s in enumerate(part))
        best = max(best, 2 * (real * real + imaginary * imaginary) / (len(part) * power))
    return best


