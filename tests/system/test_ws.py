"""SIP over WebSocket, each byte ours (RFC 6455, RFC 7118): what is right works, what is wrong has its answer, its bound and
its counter."""

import contextlib
import os
import socket
import struct
import time

import pytest
import trapezoid
from counters import counts, watched
from tls import Authority
from ua import Ua
from ws import BINARY, PING, PONG, TEXT, Wire, WsUa, frame

OPEN = {"auth__register": False, "auth__call": False, "drain_time": "0s"}


@pytest.fixture
def ws_server(server):
    """A server that listens for WebSocket too, on `ws`."""
    def make(config=None, **settings):
        port = trapezoid.free_port()
        one = server(config=config, start=False, **settings)
        one.settings["listen"] += [f"ws:127.0.0.1:{port}"]
        one.settings["metrics.listen"] = f"127.0.0.1:{trapezoid.free_port()}"
        one.ws = f"127.0.0.1:{port}"
        return one.start()
    return make


def test_options_and_register_over_websocket(ws_server):
    one = ws_server(auth__register=True, drain_time="0s")
    one.user_add("walter", "secret")
    with WsUa(one.ws, "walter", "secret") as alice:
        assert alice.ask("OPTIONS", f"sip:{one.address}").status == 200
        alice.server = one.address
        answer = alice.register()
        assert answer.status == 200
        assert alice.address in answer.get("Contact")
        (contact,) = one.json("contacts", "walter")["contacts"]
        assert contact["transport"] == "ws"
    counts(one, "ws_handshakes_total", 1)


def test_a_message_needs_no_content_length(ws_server):
    one = ws_server(**OPEN)
    with WsUa(one.ws) as ua:
        ua.send(ua.without_length(ua.request("OPTIONS", f"sip:{one.address}", body="anything")))
        assert ua.final().status == 200


def test_text_binary_and_fragments_are_all_messages(ws_server):
    one = ws_server(**OPEN)
    with WsUa(one.ws) as ua:
        text = ua.request("OPTIONS", f"sip:{one.address}").encode()
        for frames in ([frame(BINARY, text)], [frame(TEXT, text[:40], fin=False), frame(PING, b"x"), frame(0, text[40:])],
                       [bytes([byte]) for byte in frame(TEXT, text)]):
            for part in frames:
                ua.wire.send(part)
            opcode, data = ua.wire.frame()
            if opcode == PONG:
                assert data == b"x"
                opcode, data = ua.wire.frame()
            assert opcode == TEXT and data.startswith(b"SIP/2.0 200 ")


def test_bytes_that_are_no_text_come_in_binary_frames(ws_server):
    one = ws_server(**OPEN)
    with WsUa(one.ws) as alice, Ua(one.address, "bob") as bob:
        alice.server = one.address
        assert alice.register().status == 200
        bob.send(bob.request("MESSAGE", alice.aor, body="gr\xfc\xdfe"))
        opcode, data = alice.wire.frame()
        assert opcode == BINARY and data.endswith(b"gr\xfc\xdfe")


def test_crlf_and_ping_keep_alives(ws_server):
    one = ws_server(**OPEN)
    with WsUa(one.ws) as ua:
        ua.send("\r\n\r\n")
        assert ua.wire.frame() == (TEXT, b"\r\n")
        ua.send("")
        ua.send("\r\n")
        ua.wire.send(frame(PING, b"12345"))
        assert ua.wire.frame() == (PONG, b"12345")
        counts(one, "ws_pings_answered_total", 1)


@pytest.mark.parametrize("answers", [True, False], ids=["answers", "dies"])
def test_a_call_from_udp_to_websocket(ws_server, answers):
    """The contact is a name that nobody can resolve: it is reached along its connection, or not at all (RFC 5626
    section 5.3: 430, or 480 as nothing else is left)."""
    one = ws_server(**OPEN)
    with WsUa(one.ws, "alice") as alice, Ua(one.address, "bob") as bob:
        alice.server = one.address
        assert alice.register().status == 200
        if not answers:
            alice.socket.close()
            counts(one, "sip_connections", 0)
            began = time.monotonic()
            assert bob.ask("INVITE", f"sip:alice@{one.address}").status in (430, 480)
            assert time.monotonic() - began < 15
            return
        bob.send(bob.request("INVITE", f"sip:alice@{one.address}", lines=[f"Contact: {bob.contact}"]))
        invite = alice.wait_for("INVITE")
        assert invite.uri.startswith(f"sip:alice@{alice.address}")
        assert invite.get("Via").startswith("SIP/2.0/WS ")
        assert "transport=ws" in invite.get("Record-Route")
        alice.send(alice.response(invite, "200 OK", [f"Contact: {alice.contact}"]))
        ok = bob.final()
        routes = [f"Route: {route}" for line in reversed(ok.all("Record-Route")) for route in reversed(line.split(","))]
        bob.send(bob.ack(alice.contact[1:-1], ok, via=bob.via(), lines=routes))
        alice.wait_for("ACK")
        # Either side ends it.
        to, of = invite.get("From"), ok.get("To")
        alice.send("\r\n".join([f"BYE {bob.contact[1:-1]} SIP/2.0", alice.via(), f"From: {of}", f"To: {to}",
                                f"Call-ID: {invite.get('Call-ID')}", "CSeq: 7 BYE", "Max-Forwards: 70",
                                *(f"Route: {route}" for route in invite.all("Record-Route")), "", ""]))
        bye = bob.wait_for("BYE")
        bob.send(bob.response(bye, "200 OK"))
        assert alice.wait_for(200).get("CSeq") == "7 BYE"


def test_a_page_that_is_closed_while_it_rings_is_no_longer_waited_for(ws_server):
    """RFC 7118 section 5.3: its answer cannot come any other way. Another phone of the user rings on."""
    one = ws_server(**OPEN)
    with Ua(one.address, "bob") as bob, Ua(one.address, "alice") as other:
        for also in (False, True):
            with WsUa(one.ws, "alice") as alice:
                alice.server = one.address
                assert alice.register().status == 200
                if also:
                    assert other.register().status == 200
                bob.send(bob.request("INVITE", f"sip:alice@{one.address}", lines=[f"Contact: {bob.contact}"]))
                alice.send(alice.response(alice.wait_for("INVITE"), "180 Ringing", [f"Contact: {alice.contact}"]))
                assert bob.wait_for(180)
                if also:
                    invite = other.wait_for("INVITE")
            if also:
                counts(one, "sip_connections", 0)
                other.send(other.response(invite, "200 OK", [f"Contact: {other.contact}"]))
            began = time.monotonic()
            answer = bob.final()
            assert answer.status == (200 if also else 480)
            assert time.monotonic() - began < 5
            if not also:
                bob.send(bob.ack(f"sip:alice@{one.address}", answer))


@pytest.mark.parametrize("path, lines, status", [
    ("/other", {}, 404), ("/", {"Upgrade": None}, 426), ("/", {"Sec_WebSocket_Version": "12"}, 426),
    ("/", {"Sec_WebSocket_Protocol": "xmpp"}, 400), ("/", {"Sec_WebSocket_Protocol": None}, 400),
    ("/", {"Sec_WebSocket_Key": "short"}, 400), ("/", {"Host": None}, 400), ("/", {"Content_Length": "4"}, 400),
    ("/", {"X": "y" * 9000}, 431),
])
def test_a_wrong_handshake_is_refused_and_counted(ws_server, path, lines, status):
    one = ws_server(**OPEN)
    with Wire(one.ws) as wire:
        head = wire.open(path, **lines)
        assert head.startswith(f"HTTP/1.1 {status} ")
        if lines.get("Sec_WebSocket_Version"):
            assert "\r\nSec-WebSocket-Version: 13" in head
        with pytest.raises(EOFError):
            while wire._more(time.monotonic() + 30):
                pass
    counts(one, "ws_handshakes_refused_total", 1)
    counts(one, "sip_connections", 0)


def test_path_and_origins_are_configured(ws_server):
    one = ws_server(ws__path="/sip", ws__origins=["https://phone.example.org"], **OPEN)
    for path, origin, status in (("/", None, 404), ("/sip?x=1", None, 101), ("/sip", "https://phone.example.org", 101),
                                 ("/sip", "https://evil.example.org", 403)):
        with Wire(one.ws) as wire:
            assert wire.open(path, Origin=origin).startswith(f"HTTP/1.1 {status} ")


def test_the_path_changes_by_reload(ws_server, tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text("ws.path: /one\n")
    one = ws_server(config=config, **OPEN)
    with WsUa(one.ws, path="/one") as old:
        config.write_text("ws.path: /two\nws.origins: [https://phone.example.org]\n")
        one.command("reload")
        for path, origin, status in (("/one", None, 404), ("/two", "https://evil.example.org", 403), ("/two", None, 101)):
            with Wire(one.ws) as wire:
                assert wire.open(path, Origin=origin).startswith(f"HTTP/1.1 {status} ")
        assert old.ask("OPTIONS", f"sip:{one.address}").status == 200


BAD_FRAMES = {
    "not masked": (frame(TEXT, "hello", mask=False), 1002),
    "reserved bit": (frame(TEXT, "hello", rsv=4), 1002),
    "reserved opcode": (frame(3, "hello"), 1002),
    "reserved control": (frame(11, "hello"), 1002),
    "fragmented ping": (frame(PING, "hello", fin=False), 1002),
    "long ping": (frame(PING, "x" * 126), 1002),
    "continuation of nothing": (frame(0, "hello"), 1002),
    "two messages at once": (frame(TEXT, "a", fin=False) + frame(TEXT, "b"), 1002),
    "too large": (frame(TEXT, "x", length=65536), 1009),
    "absurdly large": (frame(TEXT, "x", length=1 << 62), 1009),
    "too large in pieces": (frame(TEXT, "x" * 40000, fin=False) + frame(0, "x" * 40000), 1009),
    "no text": (frame(TEXT, b"\xc3\x28"), 1007),
    "half a code": (frame(8, "x"), 1002),
    "code that is never sent": (frame(8, struct.pack("!H", 1006)), 1002),
    "garbage": (b"\xff" * 100, 1002),
}


@pytest.mark.parametrize("what", BAD_FRAMES)
def test_a_frame_that_breaks_the_rules_closes_with_its_code(ws_server, what):
    one = ws_server(**OPEN)
    sent, code = BAD_FRAMES[what]
    with Wire(one.ws) as wire:
        assert wire.open().startswith("HTTP/1.1 101 ")
        wire.send(sent)
        assert wire.closed_with() == code
    counts(one, "ws_protocol_errors_total", 1)
    with WsUa(one.ws) as ua:
        assert ua.ask("OPTIONS", f"sip:{one.address}").status == 200


def test_garbage_that_is_no_sip_is_counted_and_harms_nobody(ws_server):
    one = ws_server(**OPEN)
    with WsUa(one.ws) as ua:
        ua.send("\x00garbage\x01" * 50)
        ua.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        counts(one, "sip_malformed_total", 2)
        assert ua.ask("OPTIONS", f"sip:{one.address}").status == 200


def test_slow_loris_in_handshake_and_frame(ws_server):
    """Each byte must not buy more time; others are served meanwhile."""
    one = ws_server(tcp__half_message_time="500ms", workers=1, **OPEN)
    with contextlib.ExitStack() as stack:
        halves = [stack.enter_context(WsUa(one.ws)) for _ in range(20)]
        message = frame(TEXT, "x" * 200)
        fragment = frame(TEXT, "x", fin=False)
        began, at = time.monotonic(), 0
        for ua in halves[10:]:
            ua.wire.send(fragment)
        while time.monotonic() - began < 0.9:
            for i, ua in enumerate(halves):
                with contextlib.suppress(OSError):
                    ua.wire.send(message[at:at + 1] if i < 10 else frame(PING))
            at += 1
            time.sleep(0.05)
        for ua in halves:
            assert ua.is_closed()
        counts(one, "stream_half_messages_total", 20)
        with WsUa(one.ws) as ua:
            assert ua.ask("OPTIONS", f"sip:{one.address}").status == 200


@pytest.mark.parametrize("what", ["half a frame", "half a record"])
def test_slow_loris_over_wss(server, tmp_path, what):
    """A frame in TLS records of one byte, a record in single bytes: neither buys more time."""
    root = Authority(tmp_path)
    certificate, key = root.sign("server", "DNS:localhost,IP:127.0.0.1")
    port = trapezoid.free_port()
    one = server(start=False, tcp__half_message_time="500ms", workers=1, tls__certificate=certificate, tls__key=key, **OPEN, **watched())
    one.settings["listen"] += [f"wss:127.0.0.1:{port}"]
    one.start()
    with contextlib.ExitStack() as stack:
        def wrap(plain):
            return root.client().wrap_socket(plain, server_hostname="localhost")

        lorises = [stack.enter_context(Wire(f"127.0.0.1:{port}", wrap)) for _ in range(10)]
        for loris in lorises:
            assert loris.open().startswith("HTTP/1.1 101 ")
            loris.below = stack.enter_context(socket.socket(fileno=os.dup(loris.socket.fileno())))
            if what == "half a record":
                loris.below.sendall(b"\x17\x03\x03\x03\xe8")
        message, began, at = frame(TEXT, "x" * 200), time.monotonic(), 0
        while time.monotonic() - began < 0.9:
            for loris in lorises:
                with contextlib.suppress(OSError):
                    if what == "half a record":
                        loris.below.sendall(b"x")
                    else:
                        loris.send(message[at:at + 1])
            at += 1
            time.sleep(0.05)
        counts(one, "stream_half_messages_total", 10)
        counts(one, "sip_connections", 0)
        with Ua(one.address, "asker") as ua:
            assert ua.ask("OPTIONS", f"sip:{one.address}").status == 200


def test_a_header_section_without_end_is_refused(ws_server):
    one = ws_server(**OPEN)
    with Wire(one.ws) as wire:
        wire.send("A" * 9000)
        assert wire.http().startswith("HTTP/1.1 431 ")
    counts(one, "sip_connections", 0)


def test_a_handshake_that_never_ends_is_given_up(ws_server):
    one = ws_server(tls__handshake_time="300ms", **OPEN)
    with contextlib.ExitStack() as stack:
        wires = [stack.enter_context(Wire(one.ws)) for _ in range(2)]
        wires[1].send("GET / HTTP/1.1\r\n")
        for wire in wires:
            with pytest.raises(EOFError):
                assert wire._more(time.monotonic() + 30)
    counts(one, "stream_handshakes_late_total", 2)
    counts(one, "sip_connections", 0)


def test_the_peer_closes_and_the_server_drains_with_the_right_codes(ws_server):
    one = ws_server(**OPEN)
    with Wire(one.ws) as wire:
        wire.open()
        wire.send(frame(8, struct.pack("!H", 1000) + b"bye"))
        assert wire.closed_with() == 1000
    with Wire(one.ws) as wire:
        wire.open()
        one.stop()
        assert wire.closed_with() == 1001


def test_messages_of_one_segment_are_each_answered(ws_server):
    one = ws_server(**OPEN)
    with WsUa(one.ws) as ua:
        ua.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)
        ua.wire.send(b"".join(frame(TEXT, ua.request("OPTIONS", f"sip:{one.address}")) for _ in range(50)))
        assert sorted(int(ua.final().get("CSeq").split()[0]) for _ in range(50)) == list(range(1, 51))


@pytest.mark.parametrize("scheme", ["ws", "wss"])
def test_a_server_connects_to_another_by_websocket(server, tmp_path, scheme):
    """RFC 7118 section 4.1: the client's side of the handshake; one connection for many messages."""
    root = Authority(tmp_path)
    certificate, key = root.sign("far", "DNS:localhost,IP:127.0.0.1")
    tls = {"tls__trust": root.certificate, "tls__certificate": certificate, "tls__key": key}
    far = server(start=False, **OPEN, **tls)
    port = trapezoid.free_port()
    far.settings["listen"] += [f"{scheme}:127.0.0.1:{port}"]
    far.settings["metrics.listen"] = f"127.0.0.1:{trapezoid.free_port()}"
    far.start()
    near = server(start=False, workers=1, **OPEN, **tls)
    near.settings["listen"] += [f"{scheme}:127.0.0.1:{trapezoid.free_port()}"]
    near.settings["routes"] = f"555=sip:localhost:{port};transport={scheme}"
    near.start()
    with Ua(far.address, "5551") as callee, Ua(near.address, "caller") as caller:
        assert callee.register().status == 200
        for number in range(3):
            caller.send(caller.request("MESSAGE", f"sip:5551@{near.address}", body=f"number {number}"))
            message = callee.wait_for("MESSAGE")
            assert message.body == f"number {number}"
            vias = message.all("Via")
            assert vias[1].startswith(f"SIP/2.0/{scheme.upper()} ")
            callee.send(callee.response(message, "200 OK"))
            assert caller.final().status == 200
    counts(far, "ws_handshakes_total", 1)
