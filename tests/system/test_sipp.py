"""SIPp's own scenarios and ours through the server: UDP and TCP, one worker and several, Record-Route on and off."""

import pytest
import sipp

OPEN = {"auth__register": False, "auth__call": False}


@pytest.mark.parametrize("transport", ["u1", "t1"])
@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("record_route", [True, False])
def test_stock_scenarios(server, transport, workers, record_route):
    one = server(workers=workers, record_route=record_route, **OPEN)
    with sipp.phone("uas", transport) as port:
        sipp.register(one.address, "service", f"sip:service@127.0.0.1:{port}", transport)
        sipp.run("uac", one.address, calls=60, rate=60, transport=transport)


@pytest.mark.parametrize("caller,callee", [("u1", "t1"), ("t1", "u1"), ("u1", "u1"), ("t1", "t1")])
def test_route_set_across_transports(server, caller, callee):
    """RFC 3261 section 16.6 step 4 and RFC 5658: each side gets an address of ours that it can reach."""
    one = server(record_route=True, **OPEN)
    with sipp.phone("uas_routed", callee, calls=20) as port:
        sipp.register(one.address, "service", f"sip:service@127.0.0.1:{port}", callee)
        sipp.run("call_routed", one.address, calls=20, rate=20, transport=caller)


def test_ipv6(server):
    port = sipp.free_port("::1")
    one = server(listen=[f"udp:[::1]:{port}", f"tcp:[::1]:{port}"], **OPEN)
    with sipp.phone("uas", host="[::1]") as phone:
        sipp.register(f"[::1]:{port}", "service", f"sip:service@[::1]:{phone}", host="[::1]")
        sipp.run("uac", f"[::1]:{port}", calls=20, rate=40, host="[::1]")
    assert one.json("status")


def test_digest(server):
    """RFC 3261 section 22, RFC 7616: 401 first, then the right password."""
    one = server()
    one.user_add("carol", "secret")
    sipp.run("register_auth", one.address, fields=["carol", "sip:carol@127.0.0.1:9"],
             extra=["-au", "carol", "-ap", "secret"])
    assert "sip:carol@127.0.0.1:9" in one.command("contacts", "carol")
    with pytest.raises(AssertionError):
        sipp.run("register_auth", one.address, fields=["carol", "sip:carol@127.0.0.1:10"],
                 extra=["-au", "carol", "-ap", "wrong"])
    assert "127.0.0.1:10" not in one.command("contacts", "carol")


def test_busy(server):
    one = server(**OPEN)
    with sipp.phone("uas_busy", calls=5) as port:
        sipp.register(one.address, "service", f"sip:service@127.0.0.1:{port}")
        sipp.run("call_busy", one.address, calls=5)


def test_cancel(server):
    """RFC 3261 section 16.10: the phone gets a CANCEL, the caller 200 for his and 487 for the INVITE."""
    one = server(**OPEN)
    with sipp.phone("uas_cancelled", calls=5) as port:
        sipp.register(one.address, "service", f"sip:service@127.0.0.1:{port}")
        sipp.run("call_cancelled", one.address, calls=5)


def test_fork_first_answer_wins(server):
    """RFC 3261 section 16.7 step 10: the phone that did not answer is cancelled."""
    one = server(record_route=True, **OPEN)
    with sipp.phone("uas_cancelled", calls=3) as rings, sipp.phone("uas_routed", calls=3) as answers:
        sipp.register(one.address, "service", f"sip:service@127.0.0.1:{rings}")
        sipp.register(one.address, "service", f"sip:service@127.0.0.1:{answers}")
        sipp.run("call_routed", one.address, calls=3, rate=1)


@pytest.mark.parametrize("phone_transport", ["u1", "t1"])
def test_large_invite(server, phone_transport):
    """RFC 3261 section 18.1.1: over 1,300 bytes by TCP; a phone that has none gets it by UDP after all."""
    one = server(record_route=True, **OPEN)
    with sipp.phone("uas_routed", phone_transport, calls=3) as port:
        sipp.register(one.address, "service", f"sip:service@127.0.0.1:{port}")
        sipp.run("call_large", one.address, calls=3)


def test_static_route(server):
    one = server(start=False, **OPEN)
    with sipp.phone("uas") as port:
        one.settings["routes"] = f"555=sip:127.0.0.1:{port}"
        one.start()
        sipp.run("uac", one.address, calls=5, extra=["-s", "5551234"])
