"""How the server starts, takes a new configuration, and ends."""

import json
import os
import re
import signal
import socket
import subprocess
import time

import pytest
import trapezoid
from phone import Phone, header, status
from ua import Ua

OPEN = {"auth__register": False, "auth__call": False}


# ---- The start ----


def test_it_says_what_it_listens_on_and_ready(server):
    one = server()
    assert f"  udp:{one.address}\n  tcp:{one.address}\n" in one.out()
    assert one.log().splitlines()[-1] == "ready"


@pytest.mark.skipif(trapezoid.SANITIZED, reason="sanitizers slow the start down")
def test_it_is_ready_in_less_than_a_second(server):
    """Where others leave it the time: one start of a few is enough."""
    took = []
    while len(took) < 20 and min(took, default=1) >= 1:
        began = time.monotonic()
        server()
        took.append(time.monotonic() - began)
    assert min(took) < 1, took


def test_port_0_is_chosen_by_the_system_and_printed(server):
    one = server(listen="udp:127.0.0.1:0,tcp:127.0.0.1:0", auth__register=False, auth__call=False)
    ports = re.findall(r"(?m)^  (?:udp|tcp):127\.0\.0\.1:(\d+)$", one.out())
    assert len(ports) == 2 and all(int(port) > 0 for port in ports)
    socket.create_connection(("127.0.0.1", int(ports[1]))).close()
    with Phone(f"127.0.0.1:{ports[0]}", "alice") as phone:
        assert status(phone.register()) == 200
    assert one.json("status")["listen"] == [f"udp:127.0.0.1:{ports[0]}", f"tcp:127.0.0.1:{ports[1]}"]
    one.command("reload")


def test_ipv6_is_served(server):
    port = trapezoid.free_port("::1")
    one = server(listen=f"udp:[::1]:{port},tcp:[::1]:{port}")
    assert f"  udp:[::1]:{port}\n" in one.out() and f"alice@[::1]:{port}" in one.out()
    socket.create_connection(("::1", port)).close()


def test_all_addresses_of_both_families_are_served_on_one_port(server):
    """As the default does on 5060."""
    port = trapezoid.free_port()
    one = server(listen=[f"{transport}:{host}:{port}" for host in ("0.0.0.0", "[::]") for transport in ("udp", "tcp")],
                 auth__register=False, auth__call=False)
    assert f"  udp:[::]:{port}\n  tcp:[::]:{port}\n" in one.out()
    for host in ("127.0.0.1", "::1"):
        socket.create_connection((host, port)).close()
    with Phone(f"127.0.0.1:{port}", "alice") as phone:
        assert status(phone.register()) == 200
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as six:
        six.settimeout(30)
        six.bind(("::1", 0))
        six.sendto((f"OPTIONS sip:[::1]:{port} SIP/2.0\r\nVia: SIP/2.0/UDP [::1]:{six.getsockname()[1]};branch=z9hG4bK1\r\n"
                    "From: <sip:a@example.org>;tag=1\r\nTo: <sip:[::1]>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n"
                    "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n").encode(), ("::1", port))
        assert six.recv(65535).startswith(b"SIP/2.0 200")


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_port_in_use_is_named_with_what_to_do(server, transport):
    one = server()
    other = server(start=False, listen=f"{transport}:{one.address}").launch()
    assert other.wait() == 1
    assert f"cannot listen on {transport}:{one.address}: another program uses this port" in other.log()
    assert "--set listen=" in other.log()


def test_an_address_of_another_machine_is_named(server):
    one = server(start=False, listen="udp:192.0.2.200:5060").launch()
    assert one.wait() == 1
    assert "cannot listen on udp:192.0.2.200:5060: this machine has no such address" in one.log()


def test_a_data_directory_that_cannot_be_made_is_named(server):
    one = server(start=False, data_dir="/proc/none").launch()
    assert one.wait() == 1
    assert "the data directory /proc/none cannot be made" in one.log()


def test_a_file_that_is_no_store_is_refused(server):
    one = server(start=False)
    one.settings["store.path"] = one.path("store")
    with open(one.path("store"), "w") as file:
        file.write("this is a letter to my grandmother, not a database\n" * 100)
    one.launch()
    assert one.wait() == 1
    assert one.path("store") in one.log()
    with open(one.path("store")) as file:
        assert file.read().startswith("this is a letter")


def test_a_wrong_configuration_ends_with_exit_code_2(server):
    one = server(start=False, arguments=["--set", "auth.cal=on"]).launch()
    assert one.wait() == 2
    assert one.log() == "--set: auth.cal: no such key; did you mean auth.call?\n"


def test_it_may_open_as_many_files_as_the_system_allows_and_ignores_sigpipe(server):
    one = server()
    with open(f"/proc/{one.process.pid}/limits") as file:
        soft, hard = re.search(r"Max open files +(\d+) +(\d+)", file.read()).groups()
    assert soft == hard
    with open(f"/proc/{one.process.pid}/status") as file:
        ignored = int(re.search(r"SigIgn:\s+(\w+)", file.read()).group(1), 16)
    assert ignored >> (signal.SIGPIPE - 1) & 1


def test_closed_standard_streams_do_not_become_files_of_the_server(server):
    """As some supervisors start it: what it logs went into the store, and it ended with an abort."""
    one = server(start=False)
    one.prefix = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"]
    one.launch()
    until = time.monotonic() + trapezoid.START_TIME
    while one.run("status").returncode != 0:
        assert time.monotonic() < until and one.process.poll() is None
        time.sleep(0.05)
    for number in range(3):
        assert os.readlink(f"/proc/{one.process.pid}/fd/{number}") == "/dev/null"
    one.user_add("carol", "secret")
    one.stop()
    one.prefix = []
    one.start()
    assert "carol" in one.command("user", "list")


def test_a_control_socket_with_too_long_a_path_is_named(server):
    one = server(start=False)
    one.settings["control.path"] = None
    one.environment["RUNTIME_DIRECTORY"] = one.path("x" * 120)
    one.launch()
    assert one.wait() == 1
    assert "control.sock cannot be made: File name too long; choose another: --set control.path=FILE" in one.log()


def test_json_logs_are_json_lines(server):
    one = server(log__format="json")
    one.command("user", "add", "carol")
    one.stop()
    lines = [json.loads(line) for line in one.log().splitlines()]
    assert {"time", "level", "subsystem", "message"} == set(lines[0])
    assert [line["message"] for line in lines if line["message"] == "ready"] == ["ready"]
    one.start()


def test_without_a_terminal_to_read_them_passwords_are_not_shown(server):
    """Under systemd standard output is the journal, which others may read."""
    one = server(start=False)
    with open(one.path("out"), "w") as out:
        stream = os.fstat(out.fileno())  # the same file is opened anew by the start
    one.environment = {"JOURNAL_STREAM": f"{stream.st_dev}:{stream.st_ino}"}
    one.start()
    assert "auth_pass" not in one.out()
    assert "Accounts alice and bob were made; set their passwords: trapezoid user password alice" in one.out()


# ---- systemd ----


def test_systemd_is_told_when_it_is_ready_reloads_and_stops(server):
    one = server(start=False)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.settimeout(60)
        notify.bind(one.path("notify"))
        one.environment = {"NOTIFY_SOCKET": one.path("notify")}
        one.start()
        assert notify.recv(1000) == b"READY=1"
        one.signal(signal.SIGHUP)
        assert re.fullmatch(rb"RELOADING=1\nMONOTONIC_USEC=\d+", notify.recv(1000))
        assert notify.recv(1000) == b"READY=1"
        one.stop()
        assert notify.recv(1000) == b"STOPPING=1"


# ---- Reload ----


def server_header(phone):
    return header(phone.ask("OPTIONS", f"sip:{phone.server}"), "Server")


@pytest.mark.parametrize("how", ["signal", "command"])
def test_a_reload_changes_what_may_change(server, how, tmp_path):
    config = tmp_path / "trapezoid.yaml"
    config.write_text("sip.server: Before\nauth: {register: on}\n")
    one = server(config=config, workers=2)
    with Phone(one.address, "carol") as phone:
        assert server_header(phone) == ["Before"]
        assert status(phone.register()) == 401
        config.write_text("sip.server: After\nauth: {register: off}\n")
        if how == "command":
            one.command("reload")
        else:
            one.signal(signal.SIGHUP)
            one.wait_for("the configuration was reloaded")
        assert server_header(phone) == ["After"]
        assert status(phone.register()) == 200


def test_a_reload_changes_limits_and_the_form_of_the_log(server, tmp_path):
    config = tmp_path / "trapezoid.yaml"
    config.write_text("location.max_contacts: 1\n")
    one = server(config=config, **OPEN)
    with Phone(one.address, "carol") as first, Phone(one.address, "carol") as second, \
            Ua(one.address, "old", "TCP") as old:
        assert status(first.register()) == 200
        assert status(second.register()) == 403
        assert old.ask("OPTIONS", f"sip:{one.address}").status == 200
        config.write_text("location.max_contacts: 2\ntcp.idle_time: 100ms\ntcp.send_queue: 64K\nlog.format: json\n"
                          "limits: {transactions: 5000, memory: 64M}\n")
        one.command("reload")
        assert status(second.register()) == 200
        assert '"message":"the configuration was reloaded' in one.log()
        with Ua(one.address, "new", "TCP") as new:
            assert new.is_closed()
        assert old.ask("OPTIONS", f"sip:{one.address}").status == 200, "what was there keeps its limits"


def test_a_reload_on_every_worker_and_many_times(server, tmp_path):
    config = tmp_path / "trapezoid.yaml"
    config.write_text("sip.server: N0\n")
    one = server(config=config, workers=4, **OPEN)
    phones = [Phone(one.address, f"user{n}") for n in range(16)]
    for number in range(1, 20):
        config.write_text(f"sip.server: N{number}\ndomains: [d{number}.example]\n")
        one.command("reload")
        for phone in phones:
            assert server_header(phone) == [f"N{number}"]
    for phone in phones:
        phone.socket.close()


def test_a_wrong_configuration_is_refused_whole(server, tmp_path):
    config = tmp_path / "trapezoid.yaml"
    config.write_text("sip.server: Before\n")
    one = server(config=config)
    config.write_text("sip.server: After\nauth:\n  cal: on\n  realm: 5\nworkers: many\n")
    assert one.json("status")["version"]  # such a file does not keep anybody from the server
    done = one.run("reload")
    assert done.returncode == 1
    assert f"{config}:3: auth.cal: no such key; did you mean auth.call?" in done.stderr
    assert f"{config}:5: workers: \"many\" is not a whole number" in done.stderr
    assert "reload refused, the old configuration stays" in one.log()
    with Phone(one.address, "carol") as phone:
        assert server_header(phone) == ["Before"]


def test_keys_that_need_a_restart_are_refused_by_name(server, tmp_path):
    config = tmp_path / "trapezoid.yaml"
    config.write_text("sip.server: Before\n")
    one = server(config=config, workers=None)
    config.write_text("sip.server: After\nworkers: 7\nlocation.durability: async\n")
    done = one.run("reload")
    assert done.returncode == 1
    assert "workers, location.durability: cannot be changed while the server runs; restart it" in done.stderr
    with Phone(one.address, "carol") as phone:
        assert server_header(phone) == ["Before"]
    config.unlink()
    done = one.run("reload")
    # The command itself reads the file too, to find the socket.
    assert done.returncode == 2 and "cannot be read" in done.stderr
    one.signal(signal.SIGHUP)
    one.wait_for(f"{config}: cannot be read")


def test_a_reload_changes_log_levels_only_when_the_file_does(server, tmp_path):
    config = tmp_path / "trapezoid.yaml"
    config.write_text("log.level: warn\n")
    one = server(config=config)
    one.command("log", "control=info")
    one.command("reload")
    one.command("user", "add", "carol")
    assert "user add: carol" in one.log()
    config.write_text("log.level: error\n")
    one.command("reload")
    one.command("user", "add", "dave")
    assert "user add: dave" not in one.log()


def test_registrations_stay_over_a_reload(server):
    one = server(**OPEN)
    with Phone(one.address, "carol") as phone:
        assert status(phone.register()) == 200
        one.command("reload")
        assert len(one.json("contacts", "carol")["contacts"]) == 1


# ---- The end ----


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_with_exit_code_0(server, number):
    one = server()
    one.signal(number)
    assert one.wait() == 0
    assert not os.path.exists(one.path("control"))


def call(caller, callee):
    """An INVITE: as it was sent, and as the called phone sees it."""
    sent = caller.request("INVITE", callee.aor, f"Contact: <sip:{caller.address}>\r\n", to=callee.aor)
    caller.send(sent)
    return sent, callee.receive()


def ack(invite, answer):
    """The ACK of an answer other than 2xx (RFC 3261 section 17.1.1.3)."""
    kept = "".join(f"{name}: {header(invite, name)[0]}\r\n" for name in ("Via", "From", "Call-ID", "Max-Forwards"))
    number = header(invite, "CSeq")[0].split()[0]
    return (f"ACK {invite.split()[1]} SIP/2.0\r\n{kept}To: {header(answer, 'To')[0]}\r\nCSeq: {number} ACK\r\n"
            "Content-Length: 0\r\n\r\n")


def answer(request, line, contact=""):
    copied = "".join(f"{name}: {value}\r\n" for name in ("Via", "Record-Route", "From", "Call-ID", "CSeq")
                     for value in header(request, name))
    to = header(request, "To")[0]
    return f"SIP/2.0 {line}\r\n{copied}To: {to};tag=callee\r\n{contact}Content-Length: 0\r\n\r\n"


def test_a_call_that_rings_is_let_end_and_new_requests_get_503(server):
    one = server(drain_time="1h", **OPEN)
    with Phone(one.address, "carol") as carol, Phone(one.address, "dave") as dave:
        assert status(dave.register()) == 200
        sent, invite = call(carol, dave)
        dave.send(answer(invite, "180 Ringing"))
        while status(carol.receive()) != 180:
            pass
        one.signal(signal.SIGTERM)
        one.wait_for("waiting for what is under way")
        with Phone(one.address, "erin") as erin:
            refused = erin.register()
            assert status(refused) == 503
        assert one.json("status")["draining"] is True
        dave.send(answer(invite, "486 Busy Here"))
        busy = carol.receive()
        while status(busy) != 486:
            busy = carol.receive()
        carol.send(ack(sent, busy))
        assert one.wait() == 0


def test_draining_is_bounded(server):
    one = server(drain_time="1s", **OPEN)
    with Phone(one.address, "carol") as carol, Phone(one.address, "dave") as dave:
        assert status(dave.register()) == 200
        dave.send(answer(call(carol, dave)[1], "180 Ringing"))
        began = time.monotonic()
        one.signal(signal.SIGTERM)
        assert one.wait() == 0
        assert 0.9 < time.monotonic() - began < 60
        assert "drain_time is over" in one.log()


def test_a_second_signal_ends_it_at_once(server):
    one = server(drain_time="1h", **OPEN)
    with Phone(one.address, "carol") as carol, Phone(one.address, "dave") as dave:
        assert status(dave.register()) == 200
        dave.send(answer(call(carol, dave)[1], "180 Ringing"))
        one.signal(signal.SIGTERM)
        one.wait_for("waiting for what is under way")
        one.signal(signal.SIGTERM)
        assert one.wait() == 0
        assert "again: ending at once" in one.log()


def test_signals_while_it_ends_change_nothing(server):
    """They came when nobody listened to them any more, and killed it."""
    one = server(**OPEN)
    for _ in range(5):
        one.signal(signal.SIGTERM)
        while one.process.poll() is None:
            one.signal(signal.SIGHUP)
        assert one.wait() == 0
        one.start()


def test_an_idle_server_ends_at_once_though_timers_run(server):
    one = server(drain_time="1h", **OPEN)
    with Phone(one.address, "carol") as phone:
        assert status(phone.register()) == 200
    began = time.monotonic()
    one.stop()
    assert time.monotonic() - began < 60


@pytest.mark.parametrize("durability", ["commit", "async"])
def test_registrations_are_there_after_a_restart(server, durability):
    one = server(location__durability=durability, **OPEN)
    with Phone(one.address, "carol", agent="Desk Phone/7") as phone:
        assert status(phone.register()) == 200
        before, = one.json("contacts", "carol")["contacts"]
        one.restart()
        after, = one.json("contacts", "carol")["contacts"]
    for key in ("aor", "contact", "from", "transport", "since", "expires", "user_agent", "q"):
        assert before[key] == after[key], key


def test_what_was_acknowledged_survives_sigkill(server):
    one = server(**OPEN)
    with Phone(one.address, "x") as phone:
        for number in range(50):
            phone.user = f"user{number}"
            assert status(phone.register()) == 200
    one.kill()
    one.start()
    assert len(one.json("contacts")["contacts"]) == 50


def test_an_address_that_the_machine_gets_later_is_the_servers(server):
    """DHCP, privacy addresses: what a wildcard listener is reached by is ours some seconds later."""
    space = f"tz-late-{os.getpid()}"
    run = ["ip", "netns", "exec", space]

    def asked():
        return subprocess.run([*run, "sipsak", "-s", "sip:192.0.2.9"], capture_output=True, timeout=60, check=False).returncode == 0

    subprocess.run(["ip", "netns", "add", space], check=True)
    try:
        subprocess.run(["ip", "-n", space, "link", "set", "lo", "up"], check=True)
        one = server(start=False, listen="udp:0.0.0.0:5060")
        one.prefix = run
        one.start()
        subprocess.run(["ip", "-n", space, "address", "add", "192.0.2.9/32", "dev", "lo"], check=True)
        one.wait_for("this machine has other addresses now", 60)
        until = time.monotonic() + 60
        while not asked():
            assert time.monotonic() < until
        one.stop()
    finally:
        subprocess.run(["ip", "netns", "del", space], check=False)
