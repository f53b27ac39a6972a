"""Real browsers, without a window, on a page of two phones (browser/call.js)."""

import http.server
import json
import pathlib
import queue
import shutil
import subprocess
import tempfile
import threading
import time
import urllib.parse

from browser import MODULES, SCRIPTS

BUNDLE = MODULES.parent / "jssip.js"

FIREFOX = {
    "app.update.enabled": False,
    "browser.aboutwelcome.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "media.autoplay.blocking_policy": 0,
    "media.autoplay.default": 0,
    "media.navigator.permission.disabled": True,
    "media.navigator.streams.fake": True,
    "media.peerconnection.ice.loopback": True,
    "media.peerconnection.ice.obfuscate_host_addresses": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
}


def chromium(profile, url):
    return ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
            "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", "--ignore-certificate-errors",
            "--autoplay-policy=no-user-gesture-required", "--disable-features=WebRtcHideLocalIpsWithMdns",
            "--allow-loopback-in-peer-connection", f"--user-data-dir={profile}", url]


def firefox(profile, url):
    lines = [f"user_pref({json.dumps(key)}, {json.dumps(value)});\n" for key, value in FIREFOX.items()]
    pathlib.Path(profile, "user.js").write_text("".join(lines), encoding="ascii")
    return ["firefox-esr", "--headless", "--no-remote", "--profile", profile, url]


BROWSERS = {"chromium": chromium, "firefox": firefox}


class _Pages(http.server.BaseHTTPRequestHandler):
    files = {"/call.html": (SCRIPTS / "call.html", "text/html"), "/call.js": (SCRIPTS / "call.js", "text/javascript"),
             "/jssip.js": (BUNDLE, "text/javascript")}

    def do_GET(self):
        path, kind = self.files.get(self.path, (None, None))
        if path is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(path.read_bytes())

    def do_POST(self):
        self.server.events.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


class Visit:
    """A browser that opens the page, until the test ends. Settings: those of browser/call.js."""

    def __init__(self, browser, **settings):
        assert BUNDLE.is_file(), "the packages of tests/system/browser are missing: ./dev deps"
        self.pages = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Pages)
        self.pages.events = queue.Queue()
        threading.Thread(target=self.pages.serve_forever, daemon=True).start()
        self.profile = tempfile.mkdtemp(prefix="browser-")
        fragment = urllib.parse.quote(json.dumps(settings))
        url = f"http://127.0.0.1:{self.pages.server_port}/call.html#{fragment}"
        self.process = subprocess.Popen(BROWSERS[browser](self.profile, url), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.pages.shutdown()
        self.pages.server_close()
        shutil.rmtree(self.profile, ignore_errors=True)

    def wait_for(self, wanted, timeout=90):
        """The next event of that name."""
        until, seen = time.monotonic() + timeout, []
        while True:
            try:
                event = self.pages.events.get(timeout=max(0.01, until - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"the page should say {wanted}, it said {seen[-5:]}") from None
            if event["event"] == wanted:
                return event
            assert event["event"] != "error", event["reason"]
            seen.append(event)
