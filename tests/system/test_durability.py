"""location.durability: commit. What was answered 200 is there after a SIGKILL at any moment."""

import os
import random
import subprocess
import threading
import time
import uuid

import pytest
from ua import Ua

OPEN = {"auth__register": False, "location__durability": "commit"}


class Registering(threading.Thread):
    """Sends REGISTERs of new users without waiting for answers; `answered` are those whose 200 came."""

    def __init__(self, server, prefix):
        super().__init__()
        self.server, self.prefix = server, prefix
        self.sent, self.answered, self.others, self.over = 0, set(), [], threading.Event()

    def run(self):
        with Ua(self.server) as phone:
            while not self.over.is_set():
                if self.sent - len(self.answered) < 200:
                    user = f"{self.prefix}{self.sent}"
                    phone.send(phone.request("REGISTER", f"sip:{self.server}", to=f"sip:{user}@{self.server}",
                                             call_id=uuid.uuid4().hex, cseq=1,
                                             lines=[f"Contact: <sip:{user}@{phone.address}>;expires=3600"]))
                    self.sent += 1
                self._take(phone, 0 if self.sent % 20 else 0.001)
            self._take(phone, 0.2)

    def _take(self, phone, timeout):
        try:
            while answer := phone.receive(timeout):
                if answer.status == 200:
                    self.answered.add(answer.get("To").partition("sip:")[2].partition("@")[0])
                else:
                    self.others.append(answer)
        except ConnectionRefusedError:  # the server is dead
            self.over.set()


@pytest.mark.parametrize("workers", [1, 3])
def test_every_acknowledged_registration_survives_sigkill(server, workers):
    one = server(workers=workers, **OPEN)
    chance = random.Random(workers)
    acknowledged, unanswered = set(), 0
    for number in range(4):
        loads = [Registering(one.address, f"r{number}t{thread}u") for thread in range(2)]
        for load in loads:
            load.start()
        until = time.monotonic() + 60
        while not all(load.answered for load in loads):
            assert time.monotonic() < until, "no registration is answered"
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.7))
        one.kill()
        for load in loads:
            load.over.set()
            load.join()
            assert not load.others
            acknowledged |= load.answered
            unanswered += load.sent - len(load.answered)
        one.start()
        there = {c["aor"].partition(":")[2].partition("@")[0] for c in one.json("contacts")["contacts"]}
        assert not acknowledged - there, f"lost of {len(acknowledged)}: {sorted(acknowledged - there)[:10]}"
    assert unanswered > 0, "no registration was under way at any SIGKILL"


def test_a_removal_survives_sigkill(server):
    one = server(**OPEN)
    with Ua(one.address, "alice") as phone:
        for _ in range(3):
            assert phone.register().status == 200
            answer = phone.register(expires=0)
            assert answer.status == 200 and answer.get("Contact") is None
            one.kill()
            one.start()
            assert one.json("contacts", "alice")["contacts"] == []


def test_a_refresh_survives_sigkill_with_its_expiry_and_cseq(server):
    one = server(**OPEN)
    with Ua(one.address, "alice") as phone:
        assert phone.register(expires=100).status == 200
        assert phone.register(expires=3000).status == 200
        one.kill()
        one.start()
        contact, = one.json("contacts", "alice")["contacts"]
        assert contact["expires_in"] > 2000
        # RFC 3261 section 10.3 step 7: a CSeq that goes back is refused after the restart too.
        phone.cseq = 0
        assert phone.register(expires=100).status == 500
        phone.cseq = 10
        answer = phone.ask("REGISTER", f"sip:{one.address}", to=phone.aor)
        assert answer.status == 200 and phone.address in answer.get("Contact")


def test_a_full_disk_changes_nothing_but_the_answer(server):
    """RFC 3261 section 10.3 step 7: 500, and all is as before; once there is room the phone registers as ever."""
    one = server(**OPEN)

    def limit(size):
        subprocess.run(["prlimit", f"--fsize={size}:", f"--pid={one.process.pid}"], check=True)

    def expires():
        return [contact["expires_in"] for contact in one.json("contacts", "alice")["contacts"]]

    with Ua(one.address, "alice") as phone, Ua(one.address, "alice") as second:
        assert phone.register(expires=3000).status == 200
        limit(os.stat(os.path.join(one.path("data"), "trapezoid.db-wal")).st_size)
        assert phone.register(expires=100).status == 500
        assert second.register().status == 500
        assert phone.register(expires=0).status == 500
        assert [left > 2000 for left in expires()] == [True]
        assert one.run("user", "add", "zoe").returncode == 1
        limit("unlimited")
        assert second.register().status == 200
        one.kill()
        one.start()
        assert len(expires()) == 2 and max(expires()) > 2000
