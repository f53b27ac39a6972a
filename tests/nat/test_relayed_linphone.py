"""Two linphone phones, each behind a symmetric NAT of its own, hear each other through the relay (RFC 8445, RFC 8656)."""

import os
import sys
import time

import pytest
from lab import Lab

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "system"))
import trapezoid  # noqa: E402
from baresip import tone  # noqa: E402
from linphone import Linphone  # noqa: E402

USERS = {"anna": 440, "bert": 660}
RELAY = """
[net]
nat_policy_ref=relay

[nat_policy_0]
ref=relay
stun_server={host}:3478
stun_server_username={user}
protocols=stun,turn,ice

[auth_info_1]
username={user}
passwd=secret
realm=trapezoid
"""


@pytest.fixture
def lab():
    with Lab() as one:
        yield one


@pytest.fixture
def server(lab):
    host = lab.servers[0]
    one = trapezoid.Trapezoid({"listen": f"udp:{host}:5060", "stun.listen": f"udp:{host}:3478", "turn.enabled": True,
                               "turn.relay": host, "drain_time": "0s"})
    one.prefix = lab.outside.command()
    one.host = host
    one.start()
    for user in USERS:
        one.user_add(user, "secret")
    yield one
    one.close()


@pytest.fixture
def phones(lab, server, tmp_path):
    both = []
    for user in USERS:
        phone = Linphone(tmp_path, user, f"{server.host}:5060", more=RELAY.format(host=server.host, user=user))
        phone.command = " ".join(lab.site("symmetric").host.command(phone.command))
        both.append(phone)
    try:
        for phone in both:
            phone.start()
        wait_until(lambda: len(server.json("contacts")["contacts"]) == 2, lambda: f"no registration:\n{server.log()}")
        for phone in both:
            phone.use_tone(USERS[phone.user])
        yield both
    finally:
        for phone in both:
            phone.stop()


def wait_until(ready, what):
    until = time.monotonic() + 30
    while not ready():
        assert time.monotonic() < until, what()
        time.sleep(0.1)


def relayed(server):
    """Bytes that the busiest relay has carried: what media there is, not what ICE asks."""
    return max((one["to_peers"]["bytes"] + one["from_peers"]["bytes"] for one in server.json("relays")["relays"]), default=0)


def test_linphones_behind_symmetric_nats_hear_each_other_through_the_relay(server, phones):
    anna, bert = phones
    anna.call("bert")
    bert.wait_for(r"Receiving new incoming call from sip:anna@")
    bert.type("answer\n")
    for phone in phones:
        phone.wait_for(r"Media streams established")
    wait_until(lambda: relayed(server) > 20000, lambda: "nothing is relayed:\n" + "\n".join(p.text()[-1500:] for p in phones))
    anna.type("terminate\n")
    bert.wait_for(r"ended \(No error\)")
    for phone, other in ((anna, "bert"), (bert, "anna")):
        phone.stop()
        assert tone(phone.recording, USERS[other]) > 0.8 and tone(phone.recording, USERS[phone.user]) < 0.1
