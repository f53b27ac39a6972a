"""What lies in contrib/ fits the program."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest
import trapezoid
from phone import Phone, status

TOP = pathlib.Path(__file__).resolve().parents[2]


def fail2ban_patterns():
    """The failregex lines as fail2ban uses them, after it has cut the time out of a line."""
    text = (TOP / "contrib/fail2ban/filter.conf").read_text()
    lines = re.search(r"(?ms)^failregex = (.*?)^\w", text).group(1).splitlines()
    return [re.compile(line.strip().replace("%(__prefix_line)s", "").replace("<ADDR>", r"(?P<address>[0-9a-f:.]+)"))
            for line in lines if line.strip()]


@pytest.mark.parametrize("form", ["human", "json"])
def test_the_fail2ban_filter_finds_wrong_passwords_and_not_challenges(server, form):
    one = server(log__format=form)
    with Phone(one.address, "alice", "wrong src=10.9.9.9 reason=x") as phone:
        assert status(phone.register()) == 401
    with Phone(one.address, "bob") as phone:
        assert status(phone.register()) == 401
    one.wait_for("auth-failure")
    cut = [re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", "", line) for line in one.log().splitlines()]
    found = [match for line in cut for pattern in fail2ban_patterns() if (match := pattern.search(line.strip()))]
    assert [match.group("address") for match in found] == ["127.0.0.1"]


@pytest.mark.parametrize("user", ["x src=10.0.0.1 port=1 proto=UDP method=A user=b reason=c", 'q"uote', "a%0d%0ab"])
def test_no_user_name_can_write_another_address_into_the_line(server, user):
    one = server()
    with Phone(one.address, "alice", "wrong") as phone:
        challenged = phone.ask("REGISTER", f"sip:{one.address}")
        line = phone.credentials(challenged, "REGISTER", f"sip:{one.address}")
        quoted = user.replace('"', '\\"')
        phone.ask("REGISTER", f"sip:{one.address}", line.replace('username="alice"', f'username="{quoted}"'))
    one.wait_for("auth-failure")
    cut = [re.sub(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S*", "", line) for line in one.log().splitlines()]
    found = [match for line in cut for pattern in fail2ban_patterns() if (match := pattern.search(line.strip()))]
    assert [match.group("address") for match in found] == ["127.0.0.1"]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_the_systemd_unit_is_one(tmp_path):
    unit = (TOP / "contrib/trapezoid.service").read_text().replace("/usr/bin/trapezoid", trapezoid.PROGRAM)
    (tmp_path / "trapezoid.service").write_text(re.sub(r"(?m)^Documentation=.*\n", "", unit))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", str(tmp_path / "trapezoid.service")],
                          capture_output=True, text=True, timeout=120, check=False)
    mine = [line for line in done.stderr.splitlines() if "trapezoid" in line]
    assert not mine, done.stderr


def test_directories_of_systemd_are_used(server):
    one = server(start=False, data_dir=None, control__path=None)
    for name, variable in (("state", "STATE_DIRECTORY"), ("run", "RUNTIME_DIRECTORY")):
        os.mkdir(one.path(name))
        one.environment[variable] = one.path(name)
    one.start()
    assert os.path.exists(one.path("state/trapezoid.db")) and os.path.exists(one.path("run/control.sock"))


@pytest.mark.skipif(not shutil.which("man"), reason="man is not installed")
def test_the_manual_page_has_no_errors_and_names_every_command():
    done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", str(TOP / "contrib/trapezoid.8")],
                          capture_output=True, text=True, timeout=120, check=False,
                          env={**os.environ, "MANWIDTH": "100", "PAGER": "cat", "LC_ALL": "C.UTF-8"})
    assert done.returncode == 0 and done.stderr == ""
    commands = subprocess.run([trapezoid.PROGRAM, "help"], capture_output=True, text=True, check=True, timeout=60).stdout
    for command in re.findall(r"(?m)^  trapezoid (\w+)", commands):
        assert re.search(rf"trapezoid {command}\b", done.stdout), command
