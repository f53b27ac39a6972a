"""What senders do who break the rules, or know them too well."""

import os
import socket
import time

import pytest
from phone import Phone, status


def processor_seconds(process):
    with open(f"/proc/{process.pid}/stat", encoding="utf-8") as file:
        fields = file.read().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def raw(method, via):
    return (f"{method} sip:127.0.0.1 SIP/2.0\r\nVia: {via}\r\nFrom: <sip:a@example.org>;tag=1\r\n"
            f"To: <sip:127.0.0.1>\r\nCall-ID: via-{method}@example.org\r\nCSeq: 1 {method}\r\n"
            "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n")


def final(phone):
    """The status of the final answer to the phone's latest request, whatever comes again meanwhile."""
    while True:
        answer = phone.receive()
        if f"\nCSeq: {phone.cseq} " in answer and status(answer) >= 200:
            return status(answer)


def test_a_malformed_top_via_is_answered_at_the_source(server):
    """RFC 3261 section 21.4.1, RFC 4475 section 3.1.2.1."""
    one = server()
    with Phone(one.address, "eve") as eve:
        for via in ("SIP/2.0/UDP 192.0.2.15;;,;,,", ";;", "SIP/2.0/UDP [;branch=z9hG4bK1"):
            eve.send(raw("INVITE", via))
            answer = eve.receive()
            assert status(answer) == 400, answer
            assert f"Via: {via}\r\n" in answer
        eve.send(raw("ACK", ";;"))
        eve.send(raw("OPTIONS", "SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bKalive"))
        assert "CSeq: 1 OPTIONS" in eve.receive(), "an ACK is never answered (RFC 3261 section 17.1.1.3)"


def test_a_request_too_large_for_udp_whose_tcp_fails_ends(server):
    """RFC 3261 section 18.1.1: TCP first, UDP after it, and then no more."""
    one = server(auth__register=False, auth__call=False, workers=1, drain_time="0s")
    head = ("MESSAGE sip:bob@{0} SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bKlarge{1}\r\n"
            "From: <sip:alice@{0}>;tag=1\r\nTo: <sip:bob@{0}>\r\nCall-ID: large\r\nCSeq: 1 MESSAGE\r\n"
            "Max-Forwards: 70\r\nContent-Length: {2}\r\n\r\n")
    with Phone(one.address, "bob") as bob, socket.create_connection((one.host, one.port)) as tcp:
        assert status(bob.register()) == 200
        # With our Via some of them are longer than a datagram, and still messages that we can write.
        for length in range(65390, 65440, 4):
            size = length - len(head.format(one.address, length, length))
            tcp.sendall(head.format(one.address, length, size).encode() + b"x" * size)
        tcp.settimeout(30)
        assert tcp.recv(65535).startswith(b"SIP/2.0 513 ")
        used, until = 1, time.monotonic() + 30
        while used > 0.3:
            assert time.monotonic() < until, "it works for ever"
            before = processor_seconds(one.process)
            time.sleep(1)
            used = processor_seconds(one.process) - before


def test_a_made_up_to_tag_opens_no_way(server):
    """RFC 3261 section 16.3 step 6: neither to a static route, nor to a phone in another user's name."""
    with Phone("127.0.0.1:1", "gateway") as gateway:
        one = server(routes=[f"0=sip:{gateway.address}"], drain_time="0s")
        for name in ("kim", "lee"):
            one.user_add(name, "secret")
        gateway.socket.settimeout(0.3)
        with Phone(one.address, "lee", "secret") as bob, Phone(one.address, "kim") as eve:
            assert status(bob.register()) == 200
            for sender in (eve.aor, "sip:eve@example.org"):
                for uri in (f"sip:0900@{one.address}", "tel:0900"):
                    asked = eve.request("INVITE", uri, to=f"{uri}>;tag=1;x=<y").replace("=<y>", "=y")
                    eve.send(asked.replace(f"From: <{eve.aor}>", f"From: <{sender}>"))
                    assert final(eve) == (407 if sender == eve.aor else 403)
            for method in ("INVITE", "MESSAGE"):
                eve.send(eve.request(method, bob.aor, to=f"{bob.aor}>;tag=1;x=<y").replace("=<y>", "=y"))
                assert final(eve) == 407, "a From of ours proves itself"
            eve.send(eve.request("BYE", bob.aor, to=f"{bob.aor}>;tag=1;x=<y").replace("=<y>", "=y"))
            assert bob.receive().startswith("BYE "), "some phones send it to the address-of-record"
            eve.send(eve.request("ACK", f"sip:0900@{one.address}", to="sip:x@example.org>;tag=1;x=<y").replace("=<y>", "=y"))
            with pytest.raises(TimeoutError):
                gateway.receive()


def test_strangers_are_refused_once(server):
    """RFC 3261 section 26.3.2.4: a forged source gets no more than was sent in its name."""
    one = server()
    with Phone(one.address, "alice") as eve:
        for uri, expected in ((f"sip:bob@{one.address}", 407), ("sip:bob@example.org", 407)):
            eve.send(eve.request("INVITE", uri))
            assert final(eve) == expected
        eve.send(eve.request("INVITE", "sip:bob@example.org").replace(eve.aor, "sip:eve@example.com"))
        assert final(eve) == 403
        eve.socket.settimeout(2.5)
        with pytest.raises(TimeoutError):
            eve.receive()
