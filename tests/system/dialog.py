"""Calls said message by message (ua.py) along their route sets."""

import re


def listed(message, name):
    """The values of a header, however many lines they stand on."""
    return [value.strip() for line in message.all(name) for value in line.split(",")]


def uri_of(value):
    return re.search(r"<(.*?)>", value).group(1)


class Dialog:
    """What one phone knows of a call (RFC 3261 section 12)."""

    def __init__(self, phone, message, local, remote, routes):
        self.phone, self.local, self.remote = phone, local, remote
        self.call_id = message.get("Call-ID")
        self.target = uri_of(message.get("Contact"))
        self.routes, self.cseq = routes, 100

    def send(self, method, cseq=None):
        if cseq is None:
            self.cseq += 1
        number = cseq or self.cseq
        self.phone.send("\r\n".join([
            f"{method} {self.target} SIP/2.0", self.phone.via(), f"From: {self.local}", f"To: {self.remote}",
            f"Call-ID: {self.call_id}", f"CSeq: {number} {method}", "Max-Forwards: 70",
            *(f"Route: {route}" for route in self.routes), f"Contact: {self.phone.contact}", "Content-Length: 0", "", ""]))

    def arrives(self, other, method, cseq=None):
        """A request inside the call reaches the other phone, with nothing of the route set left, and its answer comes
        back."""
        self.send(method, cseq)
        request = other.wait_for(method)
        assert request.uri == uri_of(other.contact)
        assert request.all("Route") == []
        if method != "ACK":
            other.send(other.response(request, "200 OK"))
            answer = self.phone.wait_for(200)
            assert answer.get("CSeq") == request.get("CSeq")


def establish(caller, callee, uri, from_=None):
    """A call that is up, its ACK included: (the INVITE that the callee got, the caller's dialog, the callee's)."""
    caller.send(caller.request("INVITE", uri, from_=from_, lines=[f"Contact: {caller.contact}"]))
    invite = callee.wait_for("INVITE")
    callee.send(callee.response(invite, "180 Ringing", [f"Contact: {callee.contact}"]))
    callee.send(callee.response(invite, "200 OK", [f"Contact: {callee.contact}"]))
    answer = caller.wait_for(200, *range(300, 700))
    assert answer.status == 200, answer
    routes = listed(answer, "Record-Route")
    assert routes == listed(invite, "Record-Route")
    here = Dialog(caller, answer, answer.get("From"), answer.get("To"), routes[::-1])
    there = Dialog(callee, invite, answer.get("To"), answer.get("From"), routes)
    here.arrives(callee, "ACK", cseq=int(answer.get("CSeq").split()[0]))
    return invite, here, there
