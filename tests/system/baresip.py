"""A baresip phone under a terminal of its own, as a person starts it, that plays a tone and records what it hears."""

import array
import math
import pathlib
import re
import signal
import wave
import zlib

from terminal import Terminal

RATE = 8000  # of G.711


class Baresip(Terminal):
    good_ends = (0, -signal.SIGTERM)  # until its main loop runs it knows no signals

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

    def use_tone(self, hertz):
        """No sound card: it says a tone and writes what it hears to a file. Needs the settings that a first start makes."""
        self.sounds.mkdir()
        make_tone(self.sounds / "tone.wav", hertz)
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


def make_tone(path, hertz):
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        second = (int(8000 * math.sin(2 * math.pi * hertz * i / RATE)) for i in range(RATE))
        file.writeframes(array.array("h", second).tobytes() * 60)


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


