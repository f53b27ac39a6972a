"""Phones behind a proxy of their own that puts itself into Path and Record-Route (RFC 3327)."""

from dialog import Dialog, listed
from ua import Ua


def edge_of(phone):
    return f"<sip:{phone.address};lr>"


def register(server, edge):
    """The phone and its proxy are one socket here."""
    answer = edge.ask("REGISTER", f"sip:{server.address}", to=edge.aor,
                      lines=[f"Contact: <sip:{edge.user}@192.0.2.7:5062>;expires=600", f"Path: {edge_of(edge)}"])
    assert answer.status == 200, answer


def answer_behind(edge, invite):
    text = edge.response(invite, "200 OK", [f"Contact: <sip:{edge.user}@192.0.2.7:5062>"])
    edge.send(text.replace("Record-Route:", f"Record-Route: {edge_of(edge)}\r\nRecord-Route:", 1))


def call(stranger, edge):
    """A stranger calls; the dialogs of both."""
    stranger.send(stranger.request("INVITE", edge.aor, from_="sip:eve@example.org", lines=[f"Contact: {stranger.contact}"]))
    invite = edge.wait_for("INVITE")
    assert invite.uri == f"sip:{edge.user}@192.0.2.7:5062" and invite.all("Route") == [edge_of(edge)]
    answer_behind(edge, invite)
    answer = stranger.wait_for(200)
    routes = listed(answer, "Record-Route")
    assert routes[0] == edge_of(edge) and len(routes) == 2
    here = Dialog(stranger, answer, answer.get("From"), answer.get("To"), routes[::-1])
    there = Dialog(edge, invite, answer.get("To"), answer.get("From"), routes[1:])
    here.send("ACK", int(answer.get("CSeq").split()[0]))
    assert edge.wait_for("ACK").all("Route") == [edge_of(edge)]
    return here, there


def test_a_stranger_changes_the_call_with_a_phone_behind_its_proxy(server):
    """RFC 3261 section 14: hold, and the refreshes of RFC 4028. They were refused as relaying."""
    one = server(record_route=True)
    one.user_add("kim", "secret")
    with Ua(one.address, "kim", password="secret") as edge, Ua(one.address, "eve", host="127.0.0.2") as stranger, \
            Ua(one.address, "third", host="127.0.0.3") as third:
        register(one, edge)
        here, _ = call(stranger, edge)
        for method in ("INVITE", "MESSAGE", "REFER"):
            here.send(method)
            request = edge.wait_for(method)
            assert request.uri == "sip:kim@192.0.2.7:5062" and request.all("Route") == [edge_of(edge)]
            answer_behind(edge, request)
            assert stranger.wait_for(200).get("CSeq").endswith(method)
        # Nothing of that leads to anybody else.
        routes = here.routes
        host, port = edge.address.split(":")
        for elsewhere in (edge_of(third), f"<sip:{edge.address};maddr=127.0.0.3;lr>", f"<sip:{host}:{int(port) ^ 1};lr>"):
            here.routes = [routes[0], elsewhere]
            here.send("MESSAGE")
            assert stranger.final().status == 403, elsewhere
        here.routes, here.target = routes, f"sip:third@{third.address}"
        here.send("MESSAGE")
        assert stranger.final().status == 403
        third.nothing()


def test_without_passwords_a_phone_is_known_by_its_proxy(server):
    """auth.call off: from the address that the phone has registered from, or from its proxy's."""
    one = server(record_route=True, auth__register=False, auth__call=False)
    with Ua(one.address, "kim", host="127.0.0.4") as edge, Ua(one.address, "kim") as registrar, \
            Ua(one.address, "eve", host="127.0.0.2") as stranger:
        registrar.address, registrar.user = edge.address, "kim"
        register(one, registrar)
        _, there = call(stranger, edge)
        for method in ("INVITE", "BYE"):
            there.send(method)
            request = stranger.wait_for(method)
            stranger.send(stranger.response(request, "200 OK", [f"Contact: {stranger.contact}"]))
            assert edge.wait_for(200).get("CSeq").endswith(method)


def test_a_path_that_is_none_is_refused(server):
    """RFC 3327 section 5.3: calls would be lost later."""
    one = server(auth__register=False)
    with Ua(one.address, "kim") as phone:
        for path in ("x", "<sip:>", "<sip:127.0.0.1;lr>, <"):
            answer = phone.ask("REGISTER", f"sip:{one.address}", to=phone.aor,
                               lines=[f"Contact: {phone.contact}", f"Path: {path}"])
            assert answer.status == 400 and "Path" in answer.first, answer
