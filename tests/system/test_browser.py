"""Web pages call: JsSIP and SIP.js over WS and WSS, with passwords, each other and phones on UDP (RFC 7118)."""

import contextlib
import time

import pytest
import sipp
from browser import Browser, page
from tls import Authority
from trapezoid import TOP, free_port
from ua import Ua

STRANGER = "sip:stranger@elsewhere.example"
SDP = ("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
       "m=audio 4000 RTP/AVP 0\r\n")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture(params=["ws", "wss"])
def web(request, server, root):
    """A server that web pages reach over WS or WSS: one.url; and phones: web(one, user)."""
    certificate, key = root.sign("server", "DNS:localhost,IP:127.0.0.1")
    port = free_port()
    one = server(start=False, domains=["example.org"], drain_time="0s", tls__certificate=certificate, tls__key=key,
                 ws__path="/sip", ws__origins=["https://phone.example.org"])
    one.settings["listen"] += [f"{request.param}:127.0.0.1:{port}"]
    one.ca = str(root.certificate)
    one.url = f"{request.param}://localhost:{port}/sip"
    one.start()
    for user in ("anna", "bert"):
        one.user_add(user, "secret")
    with contextlib.ExitStack() as stack:
        def page(user, **settings):
            return stack.enter_context(Browser(one.url, user, "example.org", ca=one.ca,
                                               origin="https://phone.example.org", **settings))
        one.page = page
        yield one


def test_pages_register_and_call_each_other(web):
    anna, bert = web.page("anna"), web.page("bert")
    for page in (anna, bert):
        page.wait_for("registered")
    (contact,) = web.json("contacts", "anna")["contacts"]
    assert contact["transport"] == web.url.split(":")[0]
    for caller, callee, ends in ((anna, bert, bert), (bert, anna, bert)):
        caller.do("call", target=callee.uri)
        assert callee.wait_for("incoming")["from"] == caller.uri
        caller.wait_for("ringing")
        callee.do("answer")
        caller.wait_for("confirmed")
        callee.wait_for("confirmed")
        ends.do("end")
        for page in (caller, callee):
            page.wait_for("ended")
    anna.do("message", target=bert.uri, body="grüße")
    assert bert.wait_for("message")["body"] == "grüße"
    anna.do("call", target=bert.uri)
    bert.wait_for("incoming")
    bert.do("reject")
    assert anna.wait_for("failed")["status"] == 486
    anna.do("call", target=bert.uri)
    bert.wait_for("incoming")
    anna.do("end")
    assert bert.wait_for("failed")["cause"] == "Canceled"


def test_pages_with_sip_js_and_with_jssip_call_each_other(web):
    """Another library: its own handshake, transactions and dialogs."""
    anna, bert = web.page("anna", script="sipjs.js"), web.page("bert")
    for page in (anna, bert):
        page.wait_for("registered")
    (contact,) = web.json("contacts", "anna")["contacts"]
    assert contact["transport"] == web.url.split(":")[0]
    for caller, callee in ((anna, bert), (bert, anna)):
        caller.do("call", target=callee.uri)
        assert callee.wait_for("incoming")["from"] == caller.uri
        caller.wait_for("ringing")
        callee.do("answer")
        caller.wait_for("confirmed")
        callee.wait_for("confirmed")
        anna.do("end")
        for page in (caller, callee):
            page.wait_for("ended")
        caller.do("message", target=callee.uri, body="grüße")
        assert callee.wait_for("message")["body"] == "grüße"
    anna.do("call", target=bert.uri)
    bert.wait_for("incoming")
    bert.do("reject")
    assert anna.wait_for("failed")["status"] == 486
    bert.do("call", target=anna.uri)
    anna.wait_for("incoming")
    bert.do("end")
    assert anna.wait_for("failed")["cause"] == "Canceled"


def test_sip_js_with_a_wrong_password_does_not_get_in(web):
    assert web.page("anna", password="guess", script="sipjs.js").wait_for("refused")["cause"] in ("401", "403")


@pytest.mark.parametrize("web", ["wss"], indirect=True)
def test_a_page_calls_a_phone_on_udp(web):
    with sipp.phone("uas") as port, Ua(web.address, "bert", password="secret") as registrar:
        answer = registrar.ask("REGISTER", f"sip:{web.address}", to="sip:bert@example.org", from_="sip:bert@example.org",
                               lines=[f"Contact: <sip:bert@127.0.0.1:{port}>;expires=600"])
        assert answer.status == 200
        anna = web.page("anna")
        anna.wait_for("registered")
        anna.do("call", target="sip:bert@example.org")
        anna.wait_for("confirmed")
        anna.do("end")
        anna.wait_for("ended")


def test_a_phone_on_udp_calls_a_page(web):
    anna = web.page("anna")
    anna.wait_for("registered")
    with Ua(web.address, "stranger") as ua:
        ua.send(ua.request("INVITE", anna.uri, from_=STRANGER, lines=[f"Contact: {ua.contact}", "Content-Type: application/sdp"],
                           body=SDP))
        anna.wait_for("incoming")
        anna.do("answer")
        answer = ua.final()
        assert answer.status == 200
        routes = [route.strip() for line in reversed(answer.all("Record-Route")) for route in reversed(line.split(","))]
        lines = [f"Route: {route}" for route in routes]
        contact = answer.get("Contact").split("<")[1].split(">")[0]
        assert ";gr=" in contact  # RFC 5627: what the registrar gave the page for others to reach it by
        ua.send(ua.ack(contact, answer, via=ua.via(), lines=lines))
        anna.wait_for("confirmed")
        tag = answer.get("To").split(";tag=")[1]
        bye = ua.ask("BYE", contact, to=anna.uri, from_=STRANGER, to_tag=tag, lines=lines)
        assert bye.status == 200
        anna.wait_for("ended")


def test_a_page_that_is_gone_is_not_rung_and_comes_back(web):
    anna = web.page("anna")
    anna.wait_for("registered")
    with Ua(web.address, "stranger") as ua:
        anna.do("drop")
        anna.wait_for("disconnected")
        began = time.monotonic()
        answer = ua.ask("INVITE", anna.uri, from_=STRANGER, lines=[f"Contact: {ua.contact}"])
        assert answer.status in (430, 480)
        assert time.monotonic() - began < 15, "nobody was waited for"
        anna.wait_for("registered")
        ua.send(ua.request("INVITE", anna.uri, from_=STRANGER, call_id="second", lines=[f"Contact: {ua.contact}"]))
        anna.wait_for("incoming")
        anna.do("reject")
        assert ua.final().status == 486


def test_a_wrong_password_or_page_does_not_get_in(web):
    web.page("anna", password="guess").wait_for("refused")
    with Browser(web.url, "anna", "example.org", ca=web.ca, origin="https://evil.example.org") as evil:
        assert evil.wait_for("disconnected")["event"]


@pytest.mark.parametrize("web", ["wss"], indirect=True)
def test_the_page_of_the_documentation_registers_and_answers(web):
    html = (TOP / "docs/websocket.md").read_text(encoding="utf-8").split("```html")[1].split("```")[0]
    web.user_add("alice2", "secret")
    with page(html, {"wss://example.org/sip": web.url, "alice@": "alice2@", "mediaConstraints: {": "mediaStream: { getTracks() { return []; },"},
              ca=web.ca, origin="https://phone.example.org") as one, Ua(web.address, "stranger") as ua:
        assert one.stdout.readline() == "registered\n"
        ua.send(ua.request("INVITE", "sip:alice2@example.org", from_=STRANGER,
                           lines=[f"Contact: {ua.contact}", "Content-Type: application/sdp"], body=SDP))
        assert ua.final().status == 200
