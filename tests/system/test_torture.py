"""The torture messages of RFC 4475 to a running server. Files and outcomes: tests/unit/sip/torture."""

import pathlib
import re
import threading

import pytest
from ua import Ua

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "unit/sip/torture"
DOMAINS = ["example.com", "example.org", "example.net", "chair-dnrc.example.com", "registrar.example.com",
           "services.example.com", "company.com"]

# Users whom the messages call; the phone answers 200 to all of them.
CALLED = ["user@example.com", "vivekg@chair-dnrc.example.com", "sips%3Auser%40example.com@example.net",
          "user;par=u%40example.net@example.com", "kumiko@example.org", "UserB@example.com"]

# Messages for a UAS: the proxy hands them on and the phone's 200 comes back, or it does not know the user.
NOT_CALLED = {"intmeth": {404}, "esc02": {404}}

# What RFC 3261 makes of a stream that a datagram does not know: None is closed without an answer.
STREAM = {
    "clerr": {None},  # the rest of the body never comes
    "baddn": {None},  # nor does the end of the headers
    "inv2543": {400},  # section 20.14: Content-Length is mandatory on a stream
}


def table():
    """file -> (who answers, statuses)."""
    text = re.sub(r"/\*.*?\*/", "", (FOLDER / "torture.c").read_text(), flags=re.DOTALL)
    rows = re.findall(r'\{"(\w+)",\s*"[\d.]*",.*?TORTURE_(PARSER|PROXY|REGISTRAR|UAS|NOBODY),\s*"([\d ]*)"\}', text,
                      re.DOTALL)
    return {file: (who, {int(s) for s in statuses.split()}) for file, who, statuses in rows}


TABLE = table()


def expected(file, transport):
    """The statuses of the final answer; None stands for no answer."""
    who, statuses = TABLE[file]
    if transport == "TCP" and file in STREAM:
        return STREAM[file]
    if who == "UAS":
        return NOT_CALLED.get(file, {200})
    return statuses or {None}


def message(file):
    """With rport (RFC 3581), or the answer would go to the port that Via names; without mpart01's way by another proxy."""
    data = (FOLDER / "vectors" / f"{file}.dat").read_bytes()
    data = re.sub(rb"(?im)^Route: <sip:127\.0\.0\.1:5080>\r\n", b"", data)
    data, count = re.subn(rb"(?im)^((?:via|v)\s*:\s*SIP\s*/\s*[\d.]+\s*/\s*\w+\s+[^;\s,]+)", rb"\1;rport", data, count=1)
    assert count == 1 or file == "test", file
    data = data.replace(b";rport\r\n", b"\r\n") if data.count(b";rport") > 1 else data
    return data


class Callee(threading.Thread):
    """A phone that answers 200 and keeps what it was sent."""

    def __init__(self, server):
        super().__init__()
        self.ua, self.over, self.requests = Ua(server, "phone"), threading.Event(), []

    def run(self):
        while not self.over.is_set():
            request = self.ua.receive(0.05)
            if request and request.method not in (None, "ACK"):
                self.requests.append(request)
                self.ua.send(self.ua.response(request, "200 OK", [f"Contact: {self.ua.contact}"]))

    def __enter__(self):
        for user in CALLED:
            assert self.ua.ask("REGISTER", f"sip:{user.rpartition('@')[2]}", to=f"sip:{user}",
                               lines=[f"Contact: {self.ua.contact}"]).status == 200, user
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()
        self.ua.socket.close()


@pytest.fixture(params=["UDP", "TCP"])
def transport(request):
    return request.param


@pytest.fixture
def one(server):
    return server(auth__register=False, auth__call=False, domains=DOMAINS, drain_time="0s",
                  tcp__half_message_time="500ms")


def final(ua, wait):
    """The final answer, None when nothing comes or the connection is closed."""
    try:
        while answer := ua.receive(wait):
            if answer.status >= 200:
                return answer
    except EOFError:
        pass
    return None


def test_all_of_them_are_in_the_table():
    assert set(TABLE) == {path.stem for path in (FOLDER / "vectors").glob("*.dat")} and len(TABLE) == 50


def test_each_gets_the_answer_that_the_rfc_asks_for(one, transport):
    wrong = {}
    with Callee(one.address) as callee:
        for file in TABLE:
            if (file, transport) == ("dblreq", "TCP"):
                continue  # it is about what follows a message in its datagram
            with Ua(one.address, "torturer", transport) as ua:
                ua.send(message(file))
                wanted = expected(file, transport)
                answer = final(ua, 1 if wanted == {None} else 30)
                got = answer and answer.status
                if got not in wanted:
                    wrong[file] = (got, wanted)
                if file == "bext01":
                    assert answer.all("Unsupported") == ["noProxiesSupportThis, norDoAnyProxiesSupportThis"]
    assert not wrong, f"(got, wanted): {wrong}"
    assert one.json("status")
    assert callee.requests


def test_what_is_passed_on_is_passed_on_unchanged(one, transport):
    def passed(file):
        with Ua(one.address, "torturer", transport) as ua:
            ua.send(message(file))
            assert final(ua, 30).status == 200
        return callee.requests[-1]

    with Callee(one.address) as callee:
        # RFC 4475 section 3.1.1.1: unknown headers, folded as they are.
        request = passed("wsinv")
        assert "NewFangledHeader:   newfangled value\r\n continued newfangled value\r\n" in request.text
        assert "UnknownHeaderWithUnusualValue: ;;,,;;,;\r\n" in request.text
        # 3.1.1.11: a body with NULs and lone LFs.
        request = passed("mpart01")
        assert request.body.encode("latin-1") == message("mpart01").partition(b"\r\n\r\n")[2]
        # 3.2.1: a branch of nothing but the cookie is not ours to keep.
        assert passed("badbranch").all("Via")[0].count("branch=z9hG4bK") == 1


def test_what_follows_a_message_in_its_datagram_is_ignored(one):
    """RFC 4475 section 3.1.1.8."""
    with Callee(one.address) as callee, Ua(one.address, "torturer") as ua:
        ua.send(message("dblreq"))
        assert final(ua, 30).status == 200
        ua.nothing()
        assert callee.requests == []


def test_contacts_come_back_as_they_were_registered(one, transport):
    def register(file):
        with Ua(one.address, "torturer", transport) as ua:
            ua.send(message(file))
            answer = final(ua, 30)
            assert answer.status == 200, answer
            return answer.all("Contact")

    # 3.1.1.4: %00 ends no string. 3.3.12, 3.3.13: whose parameter. 3.3.14: headers in a contact.
    escaped = ",".join(register("escnull"))
    assert "<sip:%00@host5.example.com>" in escaped and "<sip:%00%00@host5.example.com>" in escaped
    contacts = one.json("contacts", "sip:null-%00-null@example.com")["contacts"]
    assert len(contacts) == 2
    assert "<sip:+19725552222@gw1.example.net>" in ",".join(register("cparam01"))
    assert "<sip:+19725552222@gw1.example.net;unknownparam>" in ",".join(register("cparam02"))
    assert "<sip:user@example.com?Route=%3Csip:sip.example.com%3E>" in ",".join(register("regescrt"))
