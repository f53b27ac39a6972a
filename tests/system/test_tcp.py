"""Peers on TCP that are slow, silent, many or mad; and REGISTER and calls along one connection."""

import contextlib
import random
import socket
import time

import pytest
from counters import counter, counts, watched
from ua import Ua

OPEN = {"auth__register": False, "auth__call": False, "drain_time": "0s"}
TCP_REPAIR = 19


def connection(one, host="127.0.0.1"):
    return Ua(one.address, "peer", "TCP", host)


def asks(one, ua=None):
    """The server answers: over UDP, or the given connection."""
    with contextlib.ExitStack() as stack:
        ua = ua or stack.enter_context(Ua(one.address, "asker"))
        assert ua.ask("OPTIONS", f"sip:{one.address}").status == 200


def test_a_message_in_single_bytes_is_put_together(server):
    one = server(**OPEN)
    with connection(one) as ua:
        ua.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in ua.request("OPTIONS", f"sip:{one.address}", body="hello").encode():
            ua.send(bytes([byte]))
            time.sleep(0.0005)
        assert ua.final().status == 200


def test_several_messages_in_one_segment_are_each_answered(server):
    one = server(**OPEN)
    with connection(one) as ua:
        ua.send("\r\n\r\n".join(ua.request("OPTIONS", f"sip:{one.address}") for _ in range(20)))
        assert sorted(int(ua.final().get("CSeq").split()[0]) for _ in range(20)) == list(range(1, 21))


@pytest.mark.parametrize("part", ["OPTIONS sip:x", "OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/TCP x\r\nTo: ", "body"])
def test_half_a_message_does_not_wait_for_ever(server, part):
    one = server(tcp__half_message_time="400ms", **OPEN, **watched())
    with connection(one) as ua:
        if part == "body":
            part = ua.request("OPTIONS", f"sip:{one.address}", body="four").removesuffix("our")
        ua.send(part)
        began = time.monotonic()
        assert ua.is_closed()
        assert time.monotonic() - began > 0.3
    counts(one, "stream_half_messages_total", 1)
    asks(one)


def test_slow_loris_loses_its_connections_and_delays_nobody(server):
    """Headers for ever, a byte now and then: each byte must not buy more time."""
    one = server(tcp__half_message_time="1s", workers=1, **OPEN, **watched())
    with contextlib.ExitStack() as stack:
        lorises = [stack.enter_context(connection(one)) for _ in range(50)]
        for loris in lorises:
            loris.send("OPTIONS sip:x SIP/2.0\r\nX-A: ")
        until, open_still = time.monotonic() + 60, lorises
        while open_still and time.monotonic() < until:
            for loris in open_still:
                with contextlib.suppress(OSError):
                    loris.send("b")
            asks(one)
            time.sleep(0.2)
            open_still = [loris for loris in open_still if not loris.is_closed(0)]
        assert not open_still, f"{len(open_still)} of 50 are still there"
        counts(one, "stream_half_messages_total", 50)


def test_idle_connections_are_closed(server):
    one = server(tcp__idle_time="2s", **OPEN, **watched())
    with connection(one) as ua:
        asks(one, ua)
        assert ua.is_closed()
    counts(one, "stream_idle_closed_total", 1)


def test_half_open_connections_are_closed_though_their_ends_say_nothing_more(server):
    """The far end is gone without a word (its host lost power): nothing comes, nothing can be sent."""
    one = server(tcp__idle_time="5s", workers=1, **OPEN, **watched())
    with contextlib.ExitStack() as stack:
        gone = [stack.enter_context(connection(one)) for _ in range(50)]
        for ua in gone:
            asks(one, ua)
            ua.socket.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)  # closing it will tell nobody
            ua.socket.close()
        counts(one, "stream_idle_closed_total", 50)
        counts(one, "sip_connections", 0)
    asks(one)


@pytest.mark.parametrize("garbage", [b"\0" * 5000, random.Random(3261).randbytes(200_000), b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"A" * 300_000,
                                     b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 600,
                                     b"OPTIONS sip:x SIP/2.0\r\n" + b"X: y\r\n" * 50_000,
                                     b"OPTIONS sip:x SIP/2.0\r\nContent-Length: 99999999999\r\n\r\n"],
                         ids=["nul", "random", "http", "endless", "tls", "headers", "length"])
def test_garbage_closes_its_connection_only(server, garbage):
    one = server(tcp__half_message_time="500ms", **OPEN, **watched())
    with connection(one) as good, connection(one) as bad:
        asks(one, good)
        with contextlib.suppress(ConnectionError):
            bad.send(garbage)
        assert bad.is_closed()
        asks(one, good)
    until = time.monotonic() + 30  # workers tell their figures at the end of a turn
    while sum(counter(one, f"stream_{name}_total") for name in ("bad_input", "half_messages", "not_sip")) < 1:
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_ping_is_answered_by_a_pong(server):
    """RFC 5626 section 4.4.1: CRLF CRLF, and one CRLF comes back."""
    one = server(**OPEN)
    with connection(one) as ua:
        for _ in range(3):
            ua.send("\r\n\r\n")
            assert ua.socket.recv(100) == b"\r\n"
        ua.send("\r\n")  # a pong, which is not answered
        asks(one, ua)


def test_many_connections_are_served(server):
    one = server(**OPEN)
    with contextlib.ExitStack() as stack:
        all_of_them = [stack.enter_context(connection(one)) for _ in range(400)]
        for ua in all_of_them:
            ua.send(ua.request("OPTIONS", f"sip:{one.address}"))
        for ua in all_of_them:
            assert ua.final().status == 200
        assert sum(worker["connections"] for worker in one.json("status")["workers"]) == 400


def test_one_source_gets_its_share_of_connections_and_others_theirs(server):
    one = server(workers=1, tcp__per_source=10, **OPEN, **watched())
    with contextlib.ExitStack() as stack:
        greedy, served = [], 0
        for _ in range(30):
            with contextlib.suppress(EOFError, ConnectionError):
                ua = stack.enter_context(connection(one, "127.0.0.3"))
                greedy.append(ua)
                ua.send(ua.request("OPTIONS", f"sip:{one.address}"))
                served += ua.final().status == 200
        assert served == 10
        counts(one, "stream_refused_source_total", 20)
        asks(one, stack.enter_context(connection(one, "127.0.0.4")))
        for ua in greedy:
            ua.socket.close()
        until = time.monotonic() + 30
        while sum(worker["connections"] for worker in one.json("status")["workers"]) > 1:
            assert time.monotonic() < until
            time.sleep(0.02)
        asks(one, stack.enter_context(connection(one, "127.0.0.3")))


def test_connections_have_a_limit(server):
    one = server(workers=1, tcp__connections=20, **OPEN, **watched())
    with contextlib.ExitStack() as stack:
        served = 0
        for _ in range(40):
            with contextlib.suppress(EOFError, ConnectionError):
                ua = stack.enter_context(connection(one))
                ua.send(ua.request("OPTIONS", f"sip:{one.address}"))
                served += ua.final().status == 200
        assert served == 20
        counts(one, "stream_refused_total", 20)
        asks(one)


def test_a_peer_that_does_not_read_delays_nobody_and_is_dropped(server):
    one = server(workers=1, tcp__send_stall_time="700ms", tcp__send_queue="64K", **OPEN, **watched())
    with connection(one) as deaf:
        deaf.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.socket.settimeout(10)
        text = deaf.request("OPTIONS", f"sip:{one.address}", lines=["X-Long: " + "x" * 1000] * 3)
        full, until = False, time.monotonic() + 60
        while not full:
            assert time.monotonic() < until
            try:
                for _ in range(100):
                    deaf.send(text.replace("branch=z9hG4bK", f"branch=z9hG4bK{time.monotonic_ns()}"))
            except (TimeoutError, ConnectionError):  # a message may have gone in part: no other may follow it
                full = True
            began = time.monotonic()
            asks(one)
            assert time.monotonic() - began < 30
        counts(one, "stream_stalled_total", 1)


@pytest.mark.parametrize("workers", [1, 4])
def test_a_call_comes_back_along_the_connection_that_registered(server, workers):
    """The contact cannot be connected to: only the connection leads to the phone."""
    one = server(workers=workers, **OPEN)
    with contextlib.ExitStack() as stack:
        phones = [stack.enter_context(Ua(one.address, f"phone{number}", "TCP")) for number in range(6)]
        caller = stack.enter_context(Ua(one.address, "caller"))
        for phone in phones:
            assert phone.register().status == 200
        for phone in phones:
            caller.call_id = f"call-to-{phone.user}-{caller.tag}"
            caller.send(caller.request("INVITE", phone.aor))
            invite = phone.wait_for("INVITE")
            phone.send(phone.response(invite, "486 Busy Here"))
            refused = caller.final()
            assert refused.status == 486
            caller.send(caller.ack(phone.aor, refused))
            assert phone.wait_for("ACK")
        for contact in one.json("contacts")["contacts"]:
            assert contact["transport"] == "tcp" and contact["reach"].startswith("connected")
        # When the connection is gone, so is the way.
        phones[0].socket.close()
        until = time.monotonic() + 30
        while one.json("contacts", "phone0")["contacts"][0]["reach"].startswith("connected"):
            assert time.monotonic() < until
            time.sleep(0.02)
        caller.call_id = "gone"
        caller.send(caller.request("MESSAGE", phones[0].aor))
        assert caller.final().status >= 400
