"""The commands that speak to a running server, and the control socket itself."""

import json
import os
import re
import socket
import stat
import subprocess
import time

import pytest
import trapezoid
from phone import Phone, header, status
from ua import Ua, digest

GOOD, FAILED, USAGE, NO_SERVER = 0, 1, 2, 3


def test_without_a_server_commands_say_so_with_exit_code_3(server):
    one = server(start=False)
    for words in (["status"], ["contacts"], ["contacts", "alice"], ["kick", "alice"], ["log", "debug"], ["reload"]):
        done = one.run(*words)
        assert done.returncode == NO_SERVER, words
        assert f"no server answers on {one.path('control')}" in done.stderr
        done = one.run(*words, "--json")
        assert done.returncode == NO_SERVER and done.stderr == "", words
        assert f"no server answers on {one.path('control')}" in json.loads(done.stdout)["message"]


def test_wrong_words_are_usage_errors(server):
    one = server(start=False)
    for words in (["status", "x"], ["contacts", "a", "b"], ["kick"], ["log"], ["log", "a", "b"], ["user"], ["user", "ad"],
                  ["user", "add"], ["user", "list", "x"], ["user", "add", "a", "b", "c"], ["reload", "now"]):
        assert one.run(*words).returncode == USAGE, words


def test_an_unknown_command_or_option_names_the_nearest(server):
    one = server(start=False)
    done = one.run("contcts")
    assert done.returncode == USAGE and "did you mean contacts?" in done.stderr
    done = one.run("status", "--jsn")
    assert done.returncode == USAGE and "did you mean --json?" in done.stderr
    done = one.run("status", "--defaults")
    assert done.returncode == USAGE and "does not take it" in done.stderr


@pytest.mark.parametrize("command", ["serve", "config", "status", "contacts", "user", "kick", "log", "reload", "help",
                                     "version"])
def test_every_command_has_help(server, command):
    one = server(start=False)
    one.settings = {}
    text = one.command("help", command)
    assert text.startswith(f"trapezoid {command}")
    assert one.command(command, "--help") == text
    assert f"trapezoid {command} " in one.command("help")


# ---- status ----


def test_status_tells_what_the_server_is_doing(server):
    one = server(workers=2, auth__register=False, overload__control=None)
    with Phone(one.address, "alice") as phone:
        assert status(phone.register()) == 200
    answer = one.json("status")
    assert answer["listen"] == [f"udp:{one.address}", f"tcp:{one.address}"]
    assert [w["worker"] for w in answer["workers"]] == [0, 1]
    assert all(0 <= w["busy_percent"] <= 100 for w in answer["workers"])
    assert sum(w["requests"] for w in answer["workers"]) >= 1
    assert answer["contacts"]["contacts"] == 1 and answer["contacts"]["users"] == 1
    assert answer["registrations"]["accepted"] == 1
    assert answer["overload"] == {"control": True, "now": False, "refused": 0}
    assert answer["store"]["durability"] == "commit" and answer["store"]["commits"] >= 1
    assert answer["draining"] is False and answer["config"] is None
    text = one.command("status")
    assert "1 registered by 1 users" in text and f"udp:{one.address}" in text


# ---- accounts ----


def test_a_first_start_makes_two_accounts_whose_passwords_work(server):
    one = server()
    accounts = dict(re.findall(r"(?m)^  (alice|bob) +(\S+)$", one.out()))
    assert sorted(accounts) == ["alice", "bob"] and accounts["alice"] != accounts["bob"]
    assert re.search(rf"baresip .*<sip:alice@{re.escape(one.address)}>;auth_pass={accounts['alice']}'", one.out())
    for user, password in accounts.items():
        with Phone(one.address, user, password) as phone:
            assert status(phone.register()) == 200
    with Phone(one.address, "alice", "wrong") as phone:
        assert status(phone.register()) == 401
    one.restart()
    assert "auth_pass" not in one.out() and accounts["alice"] not in one.out()
    with Phone(one.address, "alice", accounts["alice"]) as phone:
        assert status(phone.register()) == 200


def test_the_commands_that_a_first_start_prints_find_the_server(server):
    one = server()
    line = next(line for line in one.out().splitlines() if line.startswith("A new password: "))
    words = line.partition(": ")[2].split()
    assert words[0] == trapezoid.PROGRAM
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0 and "alice has the password" in done.stdout, (line, done.stderr)
    assert "user password: alice" in one.log(), "the running server did it"


def test_no_accounts_are_made_when_nobody_is_asked_for_a_password(server):
    one = server(auth__register=False, auth__call=False)
    assert "auth_pass" not in one.out()
    assert one.command("user", "list") == ""


def test_accounts_are_added_listed_changed_and_removed(server):
    one = server()
    assert re.fullmatch(r"carol has the password \S{20}\n", one.command("user", "add", "carol"))
    assert "password" not in one.json("user", "add", "dave", "secret")
    assert len(one.json("user", "add", "erin@example.org")["password"]) == 20
    names = [user["name"] for user in one.json("user", "list")["users"]]
    assert names == ["alice", "bob", "carol", "dave", "erin@example.org"]
    with Phone(one.address, "dave", "secret") as phone:
        assert status(phone.register()) == 200
        one.command("user", "password", "dave", "--password-stdin", input="other words\n")
        assert status(phone.register()) == 401
        phone.password = "other words"
        assert status(phone.register()) == 200
        assert one.command("user", "remove", "dave") == "dave was removed\n"
        assert status(phone.register()) == 401


def test_account_errors_have_exit_codes_and_words(server):
    one = server()
    assert one.run("user", "add", "alice").returncode == FAILED
    assert "there is already an account alice" in one.run("user", "add", "alice").stderr
    assert one.run("user", "remove", "nobody").returncode == FAILED
    assert one.run("user", "password", "nobody").returncode == FAILED
    assert "there is no account nobody" in one.run("user", "password", "nobody").stderr
    assert one.run("user", "add", "a b").returncode == USAGE
    assert one.run("user", "add", "frank", "--password-stdin", input="\n").returncode == USAGE
    assert one.run("user", "add", "frank", "--password-stdin", input="").returncode == USAGE
    assert one.json("user", "remove", "nobody") == {"message": "there is no account nobody"}


def test_another_realm_needs_new_passwords_and_the_start_says_so(server):
    one = server()
    one.stop()
    one.settings["auth.realm"] = "example.org"
    one.start()
    assert "2 accounts have passwords for another auth.realm than example.org" in one.log()
    one.command("user", "password", "alice", "--password-stdin", input="secret\n")
    with Phone(one.address, "alice", "secret") as phone:
        assert status(phone.register()) == 200


def test_user_commands_work_without_a_server_and_its_accounts_are_there_later(server):
    one = server(start=False)
    one.user_add("carol", "secret")
    assert [user["name"] for user in one.json("user", "list")["users"]] == ["carol"]
    one.start()
    assert "auth_pass" not in one.out()
    with Phone(one.address, "carol", "secret") as phone:
        assert status(phone.register()) == 200


def test_a_user_name_in_credentials_may_have_backslashes(server):
    """RFC 3261 section 25.1: in a quoted string they stand for the character after them."""
    one = server()
    one.user_add("dora", "secret")
    with Ua(one.address, "dora") as phone:
        uri = f"sip:{one.address}"
        contact = f"Contact: {phone.contact}"
        challenge = phone.ask("REGISTER", uri, to=phone.aor, lines=[contact]).get("WWW-Authenticate")
        proof = digest(challenge, "dora", "secret", "REGISTER", uri).replace('"dora"', '"do\\ra"')
        answer = phone.ask("REGISTER", uri, to=phone.aor, lines=[contact, f"Authorization: {proof}"])
        assert answer.status == 200, answer
    assert one.json("contacts", "dora")["contacts"] != []


def test_a_store_that_another_server_holds_is_named(server):
    one = server()
    other = server(start=False, store__path=os.path.join(one.path("data"), "trapezoid.db"))
    done = other.run("user", "list")
    assert done.returncode == NO_SERVER and "does not answer on" in done.stderr
    other.launch()
    assert other.wait() == FAILED
    assert "is in use: another server runs with it" in other.log()
    assert other.log().count("in use") == 1


# ---- contacts, kick ----


def test_contacts_says_where_a_phone_is_and_since_when(server):
    one = server()
    one.user_add("carol", "secret")
    with Phone(one.address, "carol", "secret", agent="Desk Phone/7") as phone:
        assert status(phone.register(expires=600)) == 200
        answer = one.json("contacts", "carol")
        assert answer["aor"] == "sip:carol@localhost" and answer["account"] is True
        assert answer["reason"] == "1 of 1 registered phones can be reached"
        contact, = answer["contacts"]
        assert contact["contact"] == f"sip:carol@{phone.address}"
        assert contact["transport"] == "udp" and contact["from"] == phone.address
        assert contact["user_agent"] == "Desk Phone/7" and contact["reachable"] is True
        assert 500 <= contact["expires_in"] <= 600
        assert contact["since"] <= contact["updated"] <= contact["seen"] <= contact["expires"]
        for form in ("sip:carol@localhost", f"carol@{one.address}", f"sip:carol@{one.address};x=y", "CAROL@localhost"):
            found = one.json("contacts", form)
            assert bool(found.get("contacts")) == (form != "CAROL@localhost"), form
        text = one.command("contacts", "carol")
        assert "expires in" in text and "last heard" in text and "Desk Phone/7" in text
        assert f"sip:carol@{phone.address}" in one.command("contacts")


def test_contacts_says_why_a_phone_is_not_reachable(server):
    one = server(domains="example.org")
    one.user_add("carol", "secret")
    for aor, why in (("carol", "the account exists, but no phone is registered for sip:carol@example.org now"),
                     ("nobody", "there is no account for sip:nobody@example.org, so no phone can register for it"),
                     ("carol@other.net", "other.net is no domain of this server")):
        done = one.run("contacts", aor)
        assert done.returncode == FAILED and why in done.stdout + done.stderr
    assert one.run("contacts", "<>").returncode == USAGE
    open_one = server(auth__register=False, auth__call=False)
    assert "no account is needed: auth.register is off" in open_one.run("contacts", "x").stdout


def test_contacts_says_when_the_connection_of_a_phone_is_gone(server):
    one = server(auth__register=False, auth__call=False)
    with Phone(one.address, "carol") as phone, socket.create_connection(phone.target) as tcp:
        local = "%s:%d" % tcp.getsockname()
        text = phone.request("REGISTER", f"sip:{one.address}", f"Contact: <sip:carol@{local};transport=tcp>\r\n")
        tcp.sendall(text.replace("SIP/2.0/UDP", "SIP/2.0/TCP").encode())
        assert b" 200 " in tcp.recv(65535).split(b"\r\n")[0]
        contact, = one.json("contacts", "carol")["contacts"]
        assert contact["transport"] == "tcp" and contact["reach"].startswith("connected")
    until = time.monotonic() + 30
    while one.json("contacts", "carol")["contacts"][0]["reach"].startswith("connected"):
        assert time.monotonic() < until
        time.sleep(0.05)
    assert "its connection is gone" in one.json("contacts", "carol")["contacts"][0]["reach"]


def test_the_names_of_phones_cannot_write_to_the_terminal(server):
    one = server(auth__register=False, auth__call=False)
    with Phone(one.address, "carol", agent="evil (\u009b31m\u202e)") as phone:
        assert status(phone.register()) == 200
    text = one.command("contacts", "carol")
    assert "\u009b" not in text and "\u202e" not in text and "evil (?31m?)" in text


def test_a_long_list_of_contacts_comes_in_pages(server):
    one = server(auth__register=False, auth__call=False)
    with Phone(one.address, "x") as phone:
        for number in range(1200):
            phone.user = f"user{number}"
            assert status(phone.register()) == 200
    contacts = one.json("contacts")["contacts"]
    assert len(contacts) == 1200
    assert {c["aor"] for c in contacts} == {f"sip:user{number}@localhost" for number in range(1200)}
    assert len(one.command("contacts").splitlines()) == 1200
    with socket.socket(socket.AF_UNIX) as control:
        control.connect(one.path("control"))
        control.sendall(b'{"command": "contacts"}\n')
        page = json.loads(control.makefile().readline())
        assert 500 <= len(page["contacts"]) < 1200 and page["cursor"] > 0


def test_kick_removes_the_registrations_of_a_user(server):
    one = server(auth__register=False, auth__call=False)
    with Phone(one.address, "carol") as phone:
        assert status(phone.register()) == 200
        assert one.command("kick", "carol") == "1 registrations removed\n"
        assert one.json("contacts", "carol")["contacts"] == []
        assert one.run("kick", "carol").returncode == FAILED
        assert status(phone.register()) == 200
    assert one.json("kick", "carol") == {"aor": "sip:carol@localhost", "removed": 1}
    one.restart()
    assert one.json("contacts", "carol")["contacts"] == []


# ---- log ----


def test_log_changes_levels_while_it_runs(server):
    one = server()
    one.command("log", "error")
    assert one.run("user", "add", "carol").returncode == GOOD
    one.command("log", "control=info")
    assert one.run("user", "add", "dave").returncode == GOOD
    assert "user add: dave" in one.log() and "user add: carol" not in one.log()
    assert one.run("log", "loud").returncode == USAGE
    assert one.run("log", "nothing=debug").returncode == USAGE


# ---- The socket ----


def ask(path, line, timeout=30):
    """The answers to raw bytes on the control socket, until it is closed or nothing more comes."""
    with socket.socket(socket.AF_UNIX) as control:
        control.settimeout(timeout)
        control.connect(path)
        control.sendall(line)
        control.shutdown(socket.SHUT_WR)
        return control.makefile("rb").read()


def test_only_the_owner_may_use_the_socket(server):
    one = server()
    assert stat.S_IMODE(os.stat(one.path("control")).st_mode) == 0o600


def test_requests_that_are_none_get_an_answer(server):
    one = server()
    with socket.socket(socket.AF_UNIX) as control:
        control.settimeout(30)
        control.connect(one.path("control"))
        reader = control.makefile("rb")
        for line in (b"nonsense\n", b"[]\n", b"{}\n", b'{"command": 5}\n', b'{"command": "explode"}\n', b"\xff\xfe\n",
                     b'{"command": "user"}\n', b'{"command": "user", "action": "add"}\n', b'{"command": "log"}\n',
                     b'{"command": "kick"}\n', b"\n"):
            control.sendall(line)
            answer = json.loads(reader.readline())
            assert answer["ok"] is False and answer["code"] == USAGE and answer["message"], line
        control.sendall(b'{"command": "status"}\n{"command": "status"}\n')
        assert json.loads(reader.readline())["ok"] and json.loads(reader.readline())["ok"]


def test_a_line_without_end_is_not_kept(server):
    one = server()
    with socket.socket(socket.AF_UNIX) as control:
        control.settimeout(30)
        control.connect(one.path("control"))
        with pytest.raises(OSError):
            for _ in range(100):
                control.sendall(b"x" * 65536)
    assert one.json("status")["version"]


def test_clients_that_do_not_read_hold_up_nobody(server):
    one = server(auth__register=False, auth__call=False)
    with Phone(one.address, "x") as phone:
        for number in range(600):
            phone.user = f"user{number}"
            assert status(phone.register()) == 200
    stuck = []
    for _ in range(8):
        control = socket.socket(socket.AF_UNIX)
        control.connect(one.path("control"))
        control.setblocking(False)
        try:
            while True:
                control.send(b'{"command": "contacts"}\n' * 100)
        except BlockingIOError:
            stuck.append(control)
    began = time.monotonic()
    assert one.json("status")["version"]
    assert time.monotonic() - began < 30
    for control in stuck:
        control.close()


def test_more_clients_than_allowed_are_turned_away_and_later_ones_served(server):
    one = server()
    clients = []
    for _ in range(80):
        control = socket.socket(socket.AF_UNIX)
        control.connect(one.path("control"))
        clients.append(control)
    for control in clients:
        control.close()
    until = time.monotonic() + 30
    while one.run("status").returncode != GOOD:
        assert time.monotonic() < until


def test_a_socket_left_behind_is_replaced_but_not_one_that_answers(server):
    one = server()
    one.kill()
    assert os.path.exists(one.path("control"))
    one.start()
    other = server(start=False, control__path=one.path("control"))
    other.launch()
    assert other.wait() == FAILED
    assert f"a server answers on {one.path('control')}" in other.log()
    assert one.json("status")["version"]


def test_the_log_tells_a_wrong_name_from_a_wrong_password(server):
    one = server()
    for name, reason in (("alice", "wrong-credentials"), ("alcie", "no-such-user")):
        with Phone(one.address, name, "wrong") as phone:
            assert status(phone.register()) == 401
        one.wait_for(rf"auth-failure .* user={name} reason={reason}")


def test_a_phone_with_another_name_of_the_machine_is_told_in_the_log(server):
    one = server()
    with Ua(one.address, "alice") as ua:
        for _ in range(3):
            answer = ua.ask("REGISTER", "sip:pbx.example", to="sip:alice@pbx.example",
                            from_="sip:alice@pbx.example", lines=[f"Contact: {ua.contact}"])
            assert answer.first == "SIP/2.0 403 Forbidden - Not A Domain Of This Server"
        one.wait_for(r"wants to register at pbx.example, which is no domain of this server")
        assert one.log().count("wants to register") == 1


def test_phones_that_stumble_over_sha_256_are_offered_md5_alone(server):
    one = server()
    for agent, offers in (("test phone", ["SHA-256", "MD5"]), ("baresip v1.0.0 (x86_64/linux)", ["MD5"]),
                          ("baresip v3.11.0", ["MD5"]), ("baresip v3.12.0", ["SHA-256", "MD5"]),
                          ("sipsak 0.9.8.1", ["MD5"]), ("SIPp", ["MD5"]),
                          ("Janus WebRTC Server SIP Plugin 0.0.8", ["MD5"]), ("sofia-sip/1.12.11devel", ["MD5"]),
                          ("calls sofia-sip/1.12.11devel", ["MD5"]), ("my-sofia-sip/1", ["SHA-256", "MD5"])):
        with Phone(one.address, "alice", agent=agent) as phone:
            challenges = header(phone.register(), "WWW-Authenticate")
            assert [re.search(r"algorithm=([\w-]+)", c).group(1) for c in challenges] == offers, agent


def test_version_and_build(server):
    one = server(start=False)
    one.settings = {}
    assert re.fullmatch(r"trapezoid \d+\.\d+\.\d+\n", one.command("version"))
    assert set(one.json("version")) == {"name", "version"}
    assert trapezoid.PROGRAM
