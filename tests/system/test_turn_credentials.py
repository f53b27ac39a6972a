"""Who may use TURN: RFC 8489 section 9.2 and the credentials that this server knows."""

import base64
import hashlib
import hmac
import os
import struct
import time

import pytest
import trapezoid
import turn

PASSWORD_ALGORITHM, PASSWORD_ALGORITHMS, MESSAGE_INTEGRITY_SHA256 = 0x001D, 0x8002, 0x001C


@pytest.fixture
def relay(server):
    """Starts servers that relay: relay(key=value) -> (server, address)."""
    def make(**settings):
        port = trapezoid.free_port()
        settings = {"stun__listen": [f"udp:127.0.0.1:{port}", f"tcp:127.0.0.1:{port}"], "turn__enabled": True,
                    "turn__relay": ["127.0.0.1"], "turn__allow_peers": ["127.0.0.0/8"], **settings}
        return server(**settings), ("127.0.0.1", port)
    return make


def expiring(secret, user="alice", seconds=600):
    """Name and password of the REST scheme."""
    name = f"{int(time.time()) + seconds}:{user}"
    return name, base64.b64encode(hmac.new(secret.encode(), name.encode(), hashlib.sha1).digest()).decode()


def logs_in(address, user, password, **more):
    with turn.Client(address, user, password, **more) as client:
        answer = client.allocate()
        assert answer.code in (0, 401)
        return answer.code == 0


def test_sip_accounts_log_in(relay):
    one, address = relay()
    one.user_add("dana", "wonderland")
    one.user_add("bob@example.com", "builder")
    assert logs_in(address, "dana", "wonderland")
    assert logs_in(address, "bob@example.com", "builder")
    assert not logs_in(address, "dana", "builder")
    assert not logs_in(address, "carol", "wonderland")
    one.command("user", "remove", "dana")
    assert not logs_in(address, "dana", "wonderland")


def test_sip_accounts_log_in_by_their_hash(relay):
    """RFC 8489 section 14.4; accounts that come and go while the server runs."""
    class Hashed(turn.Client):
        def signed(self, method, attributes, transaction):
            name = hashlib.sha256(f"{self.user}:{self.realm}".encode()).digest()
            if self.realm is None:
                return super().signed(method, attributes, transaction)
            attributes += turn.attribute(0x001E, name) + turn.attribute(turn.REALM, self.realm.encode())
            attributes += turn.attribute(turn.NONCE, self.nonce)
            text = turn.message(method, 0, transaction, attributes)
            text = text[:2] + struct.pack("!H", len(attributes) + 24) + text[4:]
            return text + turn.attribute(turn.MESSAGE_INTEGRITY, hmac.new(self.key, text, hashlib.sha1).digest())

    server, address = relay(turn__userhash=True)
    server.user_add("carol", "secret")
    with Hashed(address, "carol", "secret") as carol, Hashed(address, "dora", "secret") as dora:
        assert carol.allocate().code == 0 and carol.nonce.startswith(b"obMatJos2w")
        assert [one["owner"] for one in server.json("relays")["relays"]] == ["carol"]
        assert dora.allocate().code == 401
        server.user_add("dora", "secret")
        assert dora.allocate().code == 0
        server.command("user", "remove", "carol")
        assert carol.refresh().code == 401


def test_another_realm_leaves_sip_accounts_out(relay):
    one, address = relay(turn__realm="relays.example.com", turn__users=["carol:pass"])
    one.user_add("dana", "wonderland")
    one.wait_for("SIP accounts cannot log in to TURN")
    assert not logs_in(address, "dana", "wonderland")
    assert logs_in(address, "carol", "pass")


def test_credentials_that_expire(relay):
    _, address = relay(turn__secret=["northwest", "southeast"])
    assert logs_in(address, *expiring("northwest"))
    assert logs_in(address, *expiring("southeast"))
    assert not logs_in(address, *expiring("somewhere"))
    assert not logs_in(address, *expiring("northwest", seconds=-1))
    with turn.Client(address, *expiring("northwest", seconds=100)) as client:
        assert client.allocate().lifetime in range(40, 101)
    sent, received = turn.uclient(address, "-W", "southeast", "-y", "-c", messages=1)
    assert sent == received > 0


def test_a_reload_changes_who_may(relay, tmp_path):
    config = tmp_path / "trapezoid.yaml"
    config.write_text("turn: {users: ['alice:wonderland'], secret: [northwest]}\n")
    one, address = relay(config=str(config))
    assert logs_in(address, "alice", "wonderland")
    with turn.Client(address, "alice", "wonderland") as client:
        assert client.allocate().code == 0
        config.write_text("turn: {users: ['bob:builder'], secret: [southeast]}\n")
        one.command("reload")
        assert logs_in(address, "bob", "builder") and logs_in(address, *expiring("southeast"))
        assert not logs_in(address, "alice", "wonderland") and not logs_in(address, *expiring("northwest"))
        assert client.refresh().code == 401


class Modern(turn.Client):
    """A client of RFC 8489: SHA-256."""

    @property
    def key(self):
        return hashlib.sha256(f"{self.user}:{self.realm}:{self.password}".encode()).digest()

    def signed(self, method, attributes, transaction):
        if self.realm is None:
            return turn.message(method, 0, transaction, attributes)
        attributes += turn.attribute(turn.USERNAME, self.user.encode()) + turn.attribute(turn.REALM, self.realm.encode())
        attributes += turn.attribute(turn.NONCE, self.nonce)
        attributes += turn.attribute(PASSWORD_ALGORITHMS, bytes([0, 2, 0, 0, 0, 1, 0, 0]))
        attributes += turn.attribute(PASSWORD_ALGORITHM, bytes([0, 2, 0, 0]))
        text = turn.message(method, 0, transaction, attributes)
        text = text[:2] + struct.pack("!H", len(attributes) + 36) + text[4:]
        return text + turn.attribute(MESSAGE_INTEGRITY_SHA256, hmac.new(self.key, text, hashlib.sha256).digest())

    def proven(self, answer):
        """Is it signed with our key, with SHA-256?"""
        text = answer.data[:-36]
        text = text[:2] + struct.pack("!H", len(answer.data) - 20) + text[4:]
        return answer.get(MESSAGE_INTEGRITY_SHA256) == hmac.new(self.key, text, hashlib.sha256).digest()


def test_sha256(relay):
    one, address = relay()
    one.user_add("dana", "wonderland")
    with Modern(address, "dana", "wonderland") as client:
        answer = client.allocate()
        assert answer.code == 0 and client.proven(answer)
        assert not answer.get(turn.MESSAGE_INTEGRITY)
    with Modern(address, "dana", "looking-glass") as client:
        assert client.allocate().code == 401


def test_a_nonce_ends(relay):
    _, address = relay(turn__users=["alice:wonderland"], turn__nonce_lifetime="1s")
    with turn.Client(address, "alice", "wonderland") as client:
        assert client.allocate().code == 0
        first = client.nonce
        until = time.monotonic() + 30
        while client.nonce == first and time.monotonic() < until:
            assert client.refresh().code == 0  # by itself it answers the 438
            time.sleep(0.05)
        assert client.nonce != first


def test_nonces_outlive_a_restart(relay):
    one, address = relay(turn__users=["alice:wonderland"])
    with turn.Client(address, "alice", "wonderland") as client:
        assert client.allocate().code == 0
        first = client.nonce
        one.restart()
        assert client.allocate().code == 0
        assert client.nonce == first


def test_failures_are_logged_with_their_source(relay):
    one, address = relay(turn__users=["alice:wonderland"])
    with turn.Client(address, "alice", "no") as client:
        assert client.allocate().code == 401
        port = client.socket.getsockname()[1]
        one.wait_for(f"auth-failure src=127.0.0.1 port={port} proto=UDP method=Allocate user=alice reason=wrong-credentials")
    lines = one.log().count("auth-failure")
    with turn.Client(address) as forger:  # it has never seen an answer
        forger.realm, forger.nonce = "trapezoid", b"obMatJos2gAAAguess"
        forger.raw(forger.signed(turn.ALLOCATE, turn.attribute(turn.REQUESTED_TRANSPORT, turn.UDP), os.urandom(12)))
        assert turn.Answer(forger.take()).code == 401
    assert one.log().count("auth-failure") == lines


def test_a_user_has_so_many_allocations(relay):
    _, address = relay(turn__users=["alice:wonderland", "bob:builder"], turn__user_allocations=3, workers=4)
    clients = [turn.Client(address, "alice", "wonderland") for _ in range(4)]
    assert [client.allocate().code for client in clients] == [0, 0, 0, 486]
    assert logs_in(address, "bob", "builder")
    assert clients[0].refresh(0).code == 0
    assert clients[3].allocate().code == 0
    for client in clients:
        client.socket.close()


def test_a_user_has_so_much_bandwidth(relay):
    _, address = relay(turn__users=["alice:wonderland"], turn__user_bandwidth="20K")
    with turn.Client(address, "alice", "wonderland") as client, turn.Peer() as peer:
        relayed = client.allocate().relayed[0]
        assert client.permit(peer.address).code == 0
        for _ in range(40):
            client.send(peer.address, bytes(1024))
            peer.send(relayed, bytes(1024))
        came = len(list(iter(lambda: peer.receive(0.2), None)))
        back = len(list(iter(lambda: client.receive(0.2), None)))
        assert 20 <= came <= 24 and 20 <= back <= 24, (came, back)


def test_secrets_are_not_shown(server, tmp_path):
    config = tmp_path / "trapezoid.yaml"
    config.write_text("turn: {users: ['alice:wonderland'], secret: [northwest]}\n")
    one = server(config=str(config), start=False)
    shown = one.run("config", "print", "-c", str(config)).stdout
    assert "# turn.users: given, not shown" in shown and "wonderland" not in shown and "northwest" not in shown
    config.write_text("turn: {users: [wonderland], secret: [short]}\n")
    complaint = one.run("config", "check", "-c", str(config))
    assert complaint.returncode != 0 and "NAME:PASSWORD" in complaint.stderr + complaint.stdout
    assert "short" not in (complaint.stderr + complaint.stdout).replace("a secret", "")
