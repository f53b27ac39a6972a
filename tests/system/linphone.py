"""A linphone phone (linphonec of Debian's linphone-cli) in a home of its own, that plays a tone and records what it hears."""

import pathlib

from baresip import make_tone
from terminal import Terminal

SETTINGS = """\
[sip]
sip_port={udp}
sip_tcp_port={tcp}
sip_tls_port={tls}
use_ipv6=0
guess_hostname=0
contact=sip:{user}@{host}
default_proxy=0
root_ca={trust}

[rtp]
audio_rtp_port=-1
video_rtp_port=-1

[proxy_0]
reg_proxy=<sip:{server};transport={transport}>
reg_identity=sip:{user}@{host}
reg_expires=600
reg_sendregister=1
publish=0

[auth_info_0]
username={user}
passwd={password}
domain={host}
"""


class Linphone(Terminal):
    """user at server ("127.0.0.1:5060"). trust: the certificates that TLS may lead to. more: sections of linphonerc."""

    def __init__(self, home, user, server, transport="udp", password="secret", trust="", more=""):
        super().__init__("linphonec -c ~/linphonerc", pathlib.Path(home) / f"linphone-{user}")
        self.user, self.domain = user, server.rsplit(":", 1)[0]
        self.recording = self.home / "heard.wav"
        (self.home / ".local/share/linphone").mkdir(parents=True)  # it makes no directories for what it keeps
        ports = {kind: -1 if kind == transport else 0 for kind in ("udp", "tcp", "tls")}  # any, or none
        settings = SETTINGS.format(user=user, host=self.domain, server=server, transport=transport, password=password,
                                   trust=trust, **ports)
        (self.home / "linphonerc").write_text(settings + more)

    def ask_to_end(self):
        self.type("quit\n")

    def use_tone(self, hertz):
        """Files in place of a sound card."""
        make_tone(self.home / "tone.wav", hertz)
        self.type(f"soundcard use files\nplay {self.home}/tone.wav\nrecord {self.recording}\n")

    def call(self, user):
        self.type(f"call sip:{user}@{self.domain}\n")
