"""What calls need beyond the usual: any method passes untouched, redirects, forks by q, calls that go wrong."""

import contextlib
import re
import subprocess
import time
import uuid

import dialog
import pytest
import trapezoid
from ua import Ua, digest

OPEN = {"auth__register": False, "auth__call": False, "drain_time": "0s"}


@contextlib.contextmanager
def pair(one, transport="UDP"):
    """(caller, callee), the callee registered."""
    with Ua(one.address, "caller", transport) as caller, Ua(one.address, "callee", transport) as callee:
        assert callee.register().status == 200
        yield caller, callee


def establish(caller, callee):
    """A call that is up: (the INVITE that the callee got, the 200 that the caller got); both know the dialog."""
    caller.send(caller.request("INVITE", callee.aor, lines=[f"Contact: {caller.contact}"]))
    invite = callee.wait_for("INVITE")
    callee.send(callee.response(invite, "200 OK", [f"Contact: {callee.contact}"]))
    answer = caller.wait_for(200)
    caller.send(in_dialog(caller, "ACK", answer, cseq=caller.cseq))
    callee.wait_for("ACK")
    return invite, answer


def in_dialog(ua, method, answer, lines=(), body="", **parts):
    """A request of the caller, by the route set and the remote target of the 200."""
    routes = [f"Route: {value}" for value in reversed(answer.all("Record-Route"))]
    tag = re.search(r"tag=(\w+)", answer.get("To")).group(1)
    return ua.request(method, re.search(r"<(.*?)>", answer.get("Contact")).group(1), to=answer.get("To").partition(
        "<")[2].partition(">")[0], to_tag=tag, lines=[*routes, *lines], body=body, **parts)


BODY = "a body\r\nwith \x00 and \xff, \tand no end of line"
LINES = ["Subject:   as  it   is ", "X-Unknown: ;;,, \"quoted , ; <\"", "x-UNKNOWN: a second one",
         "Content-Type: application/octet-stream", "Event: presence;id=7", "Subscription-State: active;expires=60",
         "Refer-To: <sip:third@192.0.2.1?Replaces=a%3Bto-tag%3Db>", "RAck: 1 2 INVITE", "Supported: 100rel,timer",
         "Session-Expires: 1800;refresher=uac"]


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
@pytest.mark.parametrize("where", ["alone", "in a dialog"])
def test_every_method_passes_byte_for_byte(server, where, transport):
    """RFC 3261 section 16.6: a proxy changes what it must and nothing else."""
    one = server(record_route=where != "alone", **OPEN)
    with pair(one, transport) as (caller, callee):
        answer = establish(caller, callee)[1] if where != "alone" else None
        for method in ("REFER", "NOTIFY", "SUBSCRIBE", "MESSAGE", "INFO", "UPDATE", "PRACK", "PUBLISH", "OPTIONS", "X-m.~%"):
            if answer:
                caller.send(in_dialog(caller, method, answer, LINES, BODY))
            else:
                caller.send(caller.request(method, callee.aor, lines=LINES, body=BODY))
            got = callee.wait_for(method)
            assert got.body == BODY, method
            at = [got.text.index(f"\r\n{line}\r\n") for line in LINES]
            assert at == sorted(at), method
            assert got.get("Max-Forwards") == "69" and len(got.all("Via")) == 2 and got.all("Route") == []
            callee.send(callee.response(got, "202 Accepted Indeed", ["X-Back: \t as it is "], body=BODY))
            back = caller.final()
            assert back.first == "SIP/2.0 202 Accepted Indeed" and back.body == BODY
            assert "\r\nX-Back: \t as it is \r\n" in back.text and len(back.all("Via")) == 1


def test_a_callee_that_never_gets_an_ack_ends_its_call_and_both_are_clean(server):
    """RFC 3261 section 13.3.1.4: it repeats its 200, every one reaches the caller, then it sends BYE."""
    one = server(record_route=True, **OPEN)
    with pair(one) as (caller, callee):
        caller.send(caller.request("INVITE", callee.aor, lines=[f"Contact: {caller.contact}"]))
        invite = callee.wait_for("INVITE")
        ok = callee.response(invite, "200 OK", [f"Contact: {callee.contact}"])
        for _ in range(3):
            callee.send(ok)
            assert caller.wait_for(200).get("Call-ID") == caller.call_id
        tag = re.search(r"tag=(\w+)", invite.get("From")).group(1)
        callee.send(callee.request("BYE", re.search(r"<(.*?)>", invite.get("Contact")).group(1), to=caller.aor,
                                   to_tag=tag, from_=callee.aor, from_tag="callee", call_id=caller.call_id,
                                   lines=[f"Route: {value}" for value in invite.all("Record-Route")]))
        bye = caller.wait_for("BYE")
        caller.send(caller.response(bye, "200 OK"))
        assert callee.final().get("CSeq").endswith("BYE")
        caller.nothing()
        callee.nothing()


@pytest.mark.parametrize("workers", [1, 4])
def test_requests_of_a_dialog_go_along_the_connection_that_registered(server, workers):
    """By TCP the callee's contact is the far end of its connection: nothing else leads there, whose worker it is."""
    one = server(record_route=True, workers=workers, **OPEN)
    with pair(one, "TCP") as (caller, callee):
        for number in range(12):
            caller.call_id = f"dialog-{number}-{caller.tag}"
            answer = establish(caller, callee)[1]
            caller.send(in_dialog(caller, "BYE", answer))
            callee.send(callee.response(callee.wait_for("BYE"), "200 OK"))
            assert caller.final().get("CSeq").endswith("BYE")


def test_an_invite_that_nobody_answers_ends_when_the_caller_gives_up(server):
    one = server(sip__t1="50ms", **OPEN)
    with pair(one) as (caller, callee):
        caller.send(caller.request("INVITE", callee.aor))
        assert caller.final(60).status == 408  # 64*T1
        assert callee.wait_for("INVITE")


def redirecting(one, stack):
    """The caller's answer; a phone that redirects to another, which answers."""
    caller, first, second = (stack.enter_context(Ua(one.address, name)) for name in ("caller", "first", "second"))
    for phone in (first, second):
        assert phone.register().status == 200
    caller.send(caller.request("INVITE", first.aor))
    invite = first.wait_for("INVITE")
    first.send(first.response(invite, "302 Moved Temporarily", [f"Contact: <{second.aor}>"]))
    assert first.wait_for("ACK")
    return caller, second


def test_a_redirect_is_handed_to_the_caller(server):
    one = server(**OPEN)
    with contextlib.ExitStack() as stack:
        caller, second = redirecting(one, stack)
        answer = caller.final()
        assert answer.status == 302 and answer.get("Contact") == f"<{second.aor}>"
        second.nothing()


def test_a_redirect_is_followed_when_told_so(server):
    """proxy.follow_redirects; RFC 3261 section 16.7 step 4."""
    one = server(proxy__follow_redirects=True, **OPEN)
    with contextlib.ExitStack() as stack:
        caller, second = redirecting(one, stack)
        invite = second.wait_for("INVITE")
        second.send(second.response(invite, "200 OK", [f"Contact: {second.contact}"]))
        assert caller.final().status == 200


def test_phones_are_tried_by_q_one_after_the_other(server):
    """RFC 3261 section 16.6: serial; the better answer of all wins at the end."""
    one = server(**OPEN)
    with contextlib.ExitStack() as stack:
        caller = stack.enter_context(Ua(one.address, "caller"))
        phones = [stack.enter_context(Ua(one.address, "bob")) for _ in range(3)]
        for phone, q in zip(phones, ("0.2", "0.9", "0.5"), strict=True):
            assert phone.register(f"{phone.contact};q={q}").status == 200
        caller.send(caller.request("INVITE", phones[0].aor))
        for phone, status in zip((phones[1], phones[2]), ("486 Busy Here", "480 Away"), strict=True):
            invite = phone.wait_for("INVITE")
            for other in phones:
                if other is not phone:
                    other.nothing(0.1)
            phone.send(phone.response(invite, status))
            assert phone.wait_for("ACK")
        invite = phones[0].wait_for("INVITE")
        phones[0].send(phones[0].response(invite, "200 OK", [f"Contact: {phones[0].contact}"]))
        assert caller.final().status == 200


def test_a_phone_that_rings_too_long_gives_way_to_the_next(server):
    """proxy.ring_time: CANCEL to the first group, INVITE to the next."""
    one = server(proxy__ring_time="1s", **OPEN)
    with contextlib.ExitStack() as stack:
        caller, first, second = (stack.enter_context(Ua(one.address, name)) for name in ("caller", "bob", "bob"))
        assert first.register(f"{first.contact};q=0.9").status == 200
        assert second.register(f"{second.contact};q=0.1").status == 200
        caller.send(caller.request("INVITE", first.aor))
        invite = first.wait_for("INVITE")
        first.send(first.response(invite, "180 Ringing"))
        cancel = first.wait_for("CANCEL")
        first.send(first.response(cancel, "200 OK"))
        first.send(first.response(invite, "487 Request Terminated"))
        invite = second.wait_for("INVITE")
        second.send(second.response(invite, "200 OK", [f"Contact: {second.contact}"]))
        assert caller.final().status == 200


def test_sipsak_gets_200_to_options(server):
    one = server()
    done = subprocess.run(["sipsak", "-v", "-s", f"sip:{one.address}"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=30, check=False)
    assert done.returncode == 0 and "200 OK" in done.stdout, done.stdout


def test_sipsak_registers(server):
    """It reads the first challenge only, and knows MD5 alone."""
    one = server(domains="localhost")
    one.command("user", "password", "alice", "secret")
    done = subprocess.run(["sipsak", "-U", "-C", "sip:alice@127.0.0.1:7777", "-s", "sip:alice@localhost", "-a", "secret", "-u", "alice", "-x", "120",
                           "-p", f"{one.host}:{one.port}"], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [c["contact"] for c in one.json("contacts")["contacts"]] == ["sip:alice@127.0.0.1:7777"]


def test_one_source_address_loads_all_workers(server):
    """Decision 0002: calls belong to workers by Call-ID, whatever socket the kernel chose."""
    one = server(workers=4, **OPEN)
    with pair(one) as (caller, callee):
        for number in range(80):
            caller.call_id = f"spread-{number}-{caller.tag}"
            caller.send(caller.request("MESSAGE", callee.aor))
            callee.send(callee.response(callee.wait_for("MESSAGE"), "200 OK"))
            assert caller.final().get("Call-ID") == caller.call_id
        until = time.monotonic() + 30
        while sum(counts := [worker["requests"] for worker in one.json("status")["workers"]]) < 80:
            assert time.monotonic() < until, counts
            time.sleep(0.05)
        assert len(counts) == 4 and min(counts) >= 1, counts


@pytest.mark.parametrize("called", ["tel:+49-89-123", "tel:+49(89)1.2.3", "sip:+49-89-123@{0};user=phone",
                                    "sip:%2B4989123@{0}", "sip:+4989123;phone-context=x.example@{0};user=phone"])
def test_a_number_is_found_however_it_is_written(server, called):
    """RFC 3261 section 19.1.6, RFC 3966 section 5.1.1: what makes it readable means nothing."""
    one = server(**OPEN)
    with Ua(one.address, "caller") as caller, Ua(one.address, "+4989123") as phone:
        assert phone.register().status == 200
        caller.send(caller.request("MESSAGE", called.format(one.address)))
        phone.send(phone.response(phone.wait_for("MESSAGE"), "200 OK"))
        assert caller.final().status == 200


def test_the_largest_messages_pass_or_are_refused_as_too_large(server):
    """RFC 3261 section 21.5.7: what has grown beyond a datagram on the way is 513; a stream takes it."""
    one = server(**OPEN)
    with (Ua(one.address, "caller", "TCP") as caller, Ua(one.address, "udp") as udp,
          Ua(one.address, "tcp", "TCP") as tcp):
        for callee, length in ((udp, 65000), (udp, 65507), (tcp, 65535)):
            assert callee.register().status == 200
            room = length - len(caller.request("MESSAGE", callee.aor, body="x" * 10000)) + 10000
            caller.send(caller.request("MESSAGE", callee.aor, body="x" * room))
            if (callee, length) == (udp, 65507):
                assert caller.final().status == 513
                continue
            message = callee.wait_for("MESSAGE")
            assert len(message.body) == room
            callee.send(callee.response(message, "200 OK"))
            assert caller.final().status == 200


@pytest.mark.parametrize("record_route", [True, False], ids=["record-route", "direct"])
def test_a_phone_is_called_from_the_port_that_it_registered_at(server, record_route):
    """Firewalls on phones, and phones that listen to their registrar only, take nothing from another port of ours."""
    one = server(start=False, record_route=record_route, auth__register=False, auth__call=False)
    second = f"{one.host}:{trapezoid.free_port()}"
    one.settings["listen"] += [f"udp:{second}"]
    one.start()
    with Ua(one.address, "kim") as kim, Ua(second, "lee", host="127.0.0.2") as lee:
        assert kim.register().status == 200 and lee.register().status == 200
        for caller, callee in ((kim, lee), (lee, kim)):
            caller.call_id = uuid.uuid4().hex
            invite, here, there = dialog.establish(caller, callee, f"sip:{callee.user}@{one.address}")
            assert invite.get("Via").startswith(f"SIP/2.0/UDP {callee.server};")
            for side, other in ((here, callee), (there, caller)):
                side.send("INFO")
                request = other.wait_for("INFO")
                assert request.get("Via").startswith(f"SIP/2.0/UDP {other.server};")
                other.send(other.response(request, "200 OK"))
                side.phone.wait_for(200)
            here.arrives(callee, "BYE")


def test_the_ack_of_our_user_passes_also_where_nobody_is_registered(server):
    """Phones that send everything to their outbound proxy: the INVITE had to prove itself, an ACK cannot (RFC 3261 section
    22.1); it is known by the address that its phone is registered from."""
    one = server()
    one.user_add("kim", "secret")
    with Ua(one.address, "kim", password="secret", host="127.0.0.2") as kim, Ua(one.address, "ext", host="127.0.0.3") as ext, \
            Ua(one.address, "kim", host="127.0.0.4") as thief:
        assert kim.register().status == 200
        uri = f"sip:ext@{ext.address}"
        kim.send(kim.request("INVITE", uri, lines=[f"Contact: {kim.contact}"]))
        challenge = kim.wait_for(407)
        kim.send(kim.ack(uri, challenge))
        proof = digest(challenge.get("Proxy-Authenticate"), "kim", "secret", "INVITE", uri)
        kim.send(kim.request("INVITE", uri, lines=[f"Contact: {kim.contact}", f"Proxy-Authorization: {proof}"]))
        ext.send(ext.response(ext.wait_for("INVITE"), "200 OK", [f"Contact: {ext.contact}"]))
        answer = kim.wait_for(200)
        assert answer.all("Record-Route") == []
        thief.send(thief.ack(uri, answer, via=thief.via()))
        ext.nothing()
        kim.send(kim.ack(uri, answer, via=kim.via()))
        assert ext.wait_for("ACK").uri == uri


def test_the_contact_of_a_phone_is_called_along_its_connection(server):
    """As attended transfers do (RFC 5589 section 7.3): nobody listens there, and any worker may own the connection."""
    one = server(workers=4, **OPEN)
    with Ua(one.address, "kim", host="127.0.0.2") as kim, Ua(one.address, "lee", "TCP", host="127.0.0.3") as lee:
        assert kim.register().status == 200 and lee.register().status == 200
        for _ in range(8):
            kim.call_id = uuid.uuid4().hex
            _, here, _ = dialog.establish(kim, lee, lee.contact[1:-1])
            here.arrives(lee, "BYE")
        lee.socket.close()
        until = time.monotonic() + 10
        while kim.ask("MESSAGE", lee.contact[1:-1], call_id=uuid.uuid4().hex).status != 480:
            assert time.monotonic() < until
