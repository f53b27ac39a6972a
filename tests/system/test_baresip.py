"""Two baresip phones, started by the very lines that `trapezoid serve` prints, call each other."""

import pathlib
import re
import signal
import time

import pytest
from baresip import Baresip, tone

README = pathlib.Path(__file__).resolve().parents[2] / "README.md"
TONES = {"alice": 440, "bob": 660}


@pytest.fixture
def phones(server, tmp_path):
    """Alice's and bob's phone after a first start that registered; ready to be started again, now with tones."""
    one = server()
    lines = re.findall(r"(?m)^  (baresip -f .*)$", one.out())
    both = {re.search(r"<sip:(\w+)@", line).group(1): Baresip(line, tmp_path) for line in lines}
    assert list(both) == ["alice", "bob"]
    try:
        for name, phone in both.items():
            phone.start()
            phone.wait_for(rf"{name}@127\.0\.0\.1: \{{0/UDP/v4\}} 200 OK \(Trapezoid\) \[1 binding\]")
            phone.stop()
            phone.use_tone(TONES[name])
        yield one, both["alice"], both["bob"]
    finally:
        for phone in both.values():
            phone.stop()


def recorded(phone, seconds):
    """Waits until the recording has grown by so much: 8,000 samples a second."""
    size = phone.recording.stat().st_size if phone.recording else 0
    until = time.monotonic() + 60 + 3 * seconds
    while not phone.recording or phone.recording.stat().st_size < size + seconds * 16000:
        assert time.monotonic() < until, f"nothing is heard:\n{phone.text()}"
        time.sleep(0.05)


def keys_of_readme():
    """What README tells to type: (what alice dials, what bob presses, what hangs up)."""
    section = README.read_text().split("## A call in five minutes")[1].split("\n## ")[0]
    dial = re.search(r"type `(/dial \S+)` and press Enter", section).group(1)
    answer = re.search(r"bob's press `(\w)` to answer", section).group(1)
    hang_up = re.search(r"`(\w)` hangs up", section).group(1)
    return dial, answer, hang_up


def test_a_call_by_readme_with_audio_straight_between_the_phones(phones):
    one, alice, bob = phones
    dial, answer, hang_up = keys_of_readme()
    for phone in (alice, bob):
        phone.start()
        phone.wait_for(r"All 1 useragent registered successfully!")
    assert [c["user_agent"][:10] for c in one.json("contacts")["contacts"]] == ["baresip v1"] * 2
    alice.type(dial + "\r")
    bob.wait_for(r"Incoming call from: +sip:alice@")
    alice.wait_for(r"SIP Progress: 180 Ringing")
    bob.type(answer)
    for phone in (bob, alice):
        phone.wait_for(r"Call established: sip:")
    recorded(alice, 1)
    one.signal(signal.SIGSTOP)  # audio, and without Record-Route the BYE too, need no server
    try:
        recorded(alice, 1)
        recorded(bob, 1)
        alice.type(hang_up)
        bob.wait_for(r"session closed|Call with .* terminated")
    finally:
        one.signal(signal.SIGCONT)
    alice.stop()
    bob.stop()
    assert tone(alice.recording, TONES["bob"]) > 0.8 and tone(alice.recording, TONES["alice"]) < 0.1
    assert tone(bob.recording, TONES["alice"]) > 0.8 and tone(bob.recording, TONES["bob"]) < 0.1


def test_the_welcome_text_names_a_number_that_rings(phones):
    one, alice, bob = phones
    dial, answer = re.search(r"To call, type into the first: (/dial \S+) +and into the second: (\w) \(answer\)",
                             one.out()).groups()
    for phone in (alice, bob):
        phone.start()
        phone.wait_for(r"All 1 useragent registered successfully!")
    alice.type(dial + "\r")
    bob.wait_for(r"Incoming call from: +sip:alice@")
    bob.type(answer)
    alice.wait_for(r"Call established: sip:bob@")
    bob.type("b")
    alice.wait_for(r"session closed|Call with .* terminated")


def test_a_wrong_password_is_told_to_the_phone(phones):
    one, alice, _ = phones
    assert one.json("contacts")["contacts"] == []  # a phone that ends takes its registration back
    alice.command = re.sub(r"auth_pass=\w+", "auth_pass=wrong", alice.command)
    alice.start()
    alice.wait_for(r"alice@127\.0\.0\.1:\d+: 401 Unauthorized \(Trapezoid\)")
    assert one.json("contacts", "alice")["contacts"] == []
