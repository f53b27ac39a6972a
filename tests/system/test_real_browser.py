"""Two phones of a web page in Chromium and in Firefox call each other through Trapezoid, and hear each other."""

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
