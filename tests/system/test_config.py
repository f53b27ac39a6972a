"""trapezoid config, and --set and -c of the real program. Each type and complaint: tests/unit/app/config."""

import pathlib
import subprocess

import pytest
import trapezoid
import yaml

TOP = pathlib.Path(__file__).resolve().parents[2]


def run(*words, input=None):
    return subprocess.run([trapezoid.PROGRAM, *words], capture_output=True, text=True, timeout=60, input=input, check=False)


def test_print_is_yaml_with_every_key_and_a_comment_for_each():
    done = run("config", "print", "--set", "data_dir=/somewhere")
    assert done.returncode == 0
    tree = yaml.safe_load(done.stdout)
    assert tree["store"]["path"] == "/somewhere/trapezoid.db" and tree["workers"] >= 1
    lines = done.stdout.splitlines()
    for number, line in enumerate(lines):
        if ":" in line and not line.lstrip().startswith(("#", "-")) and line.rstrip()[-1] != ":":
            assert lines[number - 1].lstrip().startswith("#"), line


def test_what_is_printed_can_be_read_and_says_the_same(tmp_path):
    sets = ["--set", "listen=udp:[::1]:5070,tcp:127.0.0.1:5071", "--set", "domains=example.org,example.com",
            "--set", "routes=00=sip:192.0.2.1;transport=tcp,@a.example=sip:b.example", "--set", "sip.t1=700ms",
            "--set", "metrics.listen=127.0.0.1:9060", "--set", "log.levels=sip=debug", "--set", "auth.call=off"]
    first = run("config", "print", *sets).stdout
    (tmp_path / "printed.yaml").write_text(first)
    again = run("config", "print", "-c", str(tmp_path / "printed.yaml"))
    assert again.returncode == 0 and again.stdout == first


def test_print_defaults_shows_what_is_worked_out_at_start_as_empty():
    tree = yaml.safe_load(run("config", "print", "--defaults").stdout)
    assert tree["workers"] == 0 and tree["store"]["path"] == "" and tree["control"]["path"] == ""


def test_check_says_everything_wrong_at_once(tmp_path):
    config = tmp_path / "trapezoid.yaml"
    config.write_text("listen:\n  - udp:127.0.0.1:5060\n  - dccp:127.0.0.1:5060\nauth:\n  cal: on\nsip: {t1: soon}\n")
    done = run("config", "check", "-c", str(config), "--set", "workers=1000")
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr == (
        f'{config}:3: listen: "dccp:127.0.0.1:5060" does not begin with udp:, tcp:, tls:, ws:, wss: or sctp:; write for example '
        'udp:0.0.0.0:5060 or tls:[::]:5061\n'
        f"{config}:5: auth.cal: no such key; did you mean auth.call?\n"
        f'{config}:6: sip.t1: "soon" is not a duration; write a duration from 1ms to 1m (a plain number is '
        "milliseconds)\n"
        "--set: workers: 1000 is out of range; write a whole number from 0 to 64 threads\n")


def test_check_of_a_good_file_and_of_standard_input():
    assert run("config", "check", "-c", "-", input="workers: 3\n").stdout == (
        "the configuration is good: 6 listeners, 0 domains, 3 workers, 0 routes\n")
    assert run("config", "check", "-c", "-", input="workers: 1\ndomains: example.org\n").stdout == (
        "the configuration is good: 6 listeners, 1 domain, 1 worker, 0 routes\n")


def test_wrong_words_and_options_are_usage_errors():
    for words in (["config"], ["config", "chekc"], ["config", "print", "x"], ["config", "check", "-c"],
                  ["config", "print", "--json"], ["serve", "now"], ["frobnicate"], []):
        assert run(*words).returncode == 2, words


def test_the_examples_are_good():
    done = run("config", "check", "-c", str(TOP / "contrib/trapezoid.yaml"))
    assert done.returncode == 0, done.stderr
    assert len((TOP / "contrib/trapezoid.yaml").read_text().splitlines()) < 60


def test_a_file_and_set_together_configure_the_server(server, tmp_path):
    config = tmp_path / "trapezoid.yaml"
    config.write_text("sip.server: Mine\nworkers: 3\n")
    one = server(config=config, workers=1)
    answer = one.json("status")
    assert len(answer["workers"]) == 1 and answer["config"] == str(config)


@pytest.mark.parametrize("arguments, said", [
    (["--set", "auth=off"], "auth: is a group of keys; write --set auth.KEY=VALUE"),
    (["trapezoid.yaml"], "a configuration file: -c trapezoid.yaml"),
    (["-c", "tab.yaml"], "tab.yaml:2: this is no YAML: a tab; write blanks instead"),
    (["--set", "store.path=/nonexistent/a.db"], "its directory must exist, on a disk with room"),
    (["--set", "store.path=garbage.db"], "move it away: the next start is a first start then"),
])
def test_what_newcomers_get_wrong_is_answered_with_what_is_right(server, tmp_path, arguments, said):
    (tmp_path / "tab.yaml").write_text("domains:\n\t- example.org\n")
    (tmp_path / "garbage.db").write_text("no database\n")
    one = server(start=False)
    done = subprocess.run([trapezoid.PROGRAM, "serve", *one.options(), *arguments], capture_output=True, text=True,
                          timeout=60, check=False, cwd=tmp_path)
    assert done.returncode in (1, 2) and said in done.stderr, done.stderr


def test_after_a_first_start_that_failed_the_next_is_a_first_start(server, tmp_path):
    """Its accounts would never have been shown to anybody."""
    one = server(start=False)
    (tmp_path / "file").write_text("")
    done = subprocess.run([trapezoid.PROGRAM, "serve", *one.options(), "--set", f"control.path={tmp_path}/file/socket"],
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1 and "control socket" in done.stderr, done.stderr
    one.start()
    assert "Accounts made by this first start" in one.out()
    assert one.command("contacts") == "no phone is registered\n"
    done = one.run("user", "add", "dave@example.org")
    assert done.returncode == 0 and "example.org is no domain of this server" in done.stderr
    one.restart()
    assert "Accounts made" not in one.out()
