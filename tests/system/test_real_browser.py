"""Two phones of a web page in Chromium and in Firefox call each other through Trapezoid, and hear each other; straight,
and with all their media through its relays."""

import base64
import hmac
import time

import pytest
from real_browser import Visit
from trapezoid import free_port

# Firefox cannot be told to trust a certificate without a store of certificates in its profile.
KINDS = [("chromium", "ws"), ("chromium", "wss"), ("firefox", "ws")]


@pytest.mark.parametrize("browser, transport", KINDS)
def test_a_page_in_a_browser_calls_and_hears(server, browser, transport):
    port = free_port()
    one = server(start=False, domains=["example.org"])
    one.settings["listen"] += [f"{transport}:127.0.0.1:{port}"]
    one.start()
    for user in ("anna", "bert"):
        one.user_add(user, "secret")
    with Visit(browser, url=f"{transport}://127.0.0.1:{port}/", domain="example.org", password="secret") as page:
        page.wait_for("registered")
        (contact,) = one.json("contacts", "anna")["contacts"]
        assert contact["transport"] == transport
        page.wait_for("confirmed")
        for end in page.wait_for("heard")["ends"]:
            assert end["local"] in ("host", "prflx")
        page.wait_for("ended")


# turns: with a certificate that nobody has signed: as above.
RELAYS = [(browser, transport) for browser in ("chromium", "firefox") for transport in ("udp", "tcp")] + [("chromium", "tls")]


@pytest.mark.parametrize("browser, transport", RELAYS)
def test_pages_that_need_the_relay_hear_each_other(server, browser, transport):
    """With credentials that expire, as web applications give them out (turn.secret)."""
    ws, turn = free_port(), free_port()
    one = server(start=False, domains=["example.org"], turn__enabled=True, turn__relay="127.0.0.1",
                 turn__secret="north wind", stun__listen=[f"{transport}:127.0.0.1:{turn}"])
    one.settings["listen"] += [f"ws:127.0.0.1:{ws}"]
    one.start()
    for user in ("anna", "bert"):
        one.user_add(user, "secret")
    name = f"{int(time.time()) + 600}:page"
    password = base64.b64encode(hmac.digest(b"north wind", name.encode(), "sha1")).decode()
    way = f"turns:127.0.0.1:{turn}?transport=tcp" if transport == "tls" else f"turn:127.0.0.1:{turn}?transport={transport}"
    ice = [{"urls": way, "username": name, "credential": password}]
    with Visit(browser, url=f"ws://127.0.0.1:{ws}/", domain="example.org", password="secret", ice=ice,
               policy="relay") as page:
        page.wait_for("confirmed")
        for end in page.wait_for("heard")["ends"]:
            assert end["local"] == "relay"
        page.wait_for("ended")
