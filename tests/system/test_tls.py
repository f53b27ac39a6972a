"""SIP over TLS: phones, other domains, certificates that are wrong, and peers that are mad."""

import contextlib
import os
import random
import re
import signal
import socket
import ssl
import stat
import subprocess
import threading
import time
import urllib.request

import pytest
from baresip import Baresip
from counters import counts, watched
from tls import Authority
from trapezoid import free_port
from ua import Ua

OPEN = {"auth__register": False, "auth__call": False, "drain_time": "0s"}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def pair(root):
    return root.sign("server", "URI:sip:localhost,DNS:localhost,IP:127.0.0.1")


@pytest.fixture
def tls(server, root, pair):
    """Starts a server with TLS beside UDP and TCP: one.tls is its address there."""

    def make(start=True, **settings):
        port = free_port()
        settings = {**OPEN, "tls__certificate": pair[0], "tls__key": pair[1], "tls__trust": root.certificate, **settings}
        one = server(start=False, **settings)
        one.settings["listen"] = [*one.settings["listen"], f"tls:127.0.0.1:{port}"]
        one.tls = f"127.0.0.1:{port}"
        return one.start() if start else one

    return make


def phone(one, root, user="ua", name="localhost", context=None, **more):
    return Ua(one.tls, user, "TLS", tls=context or root.client(), name=name, **more)


def asks(one):
    with Ua(one.address, "asker") as ua:
        assert ua.ask("OPTIONS", f"sip:{one.address}").status == 200


def metric(one, name):
    """A figure of /metrics."""
    with urllib.request.urlopen(f"http://{one.settings['metrics.listen']}/metrics", timeout=30) as answer:
        return float(re.search(rf"(?m)^trapezoid_{name} (\S+)$", answer.read().decode()).group(1))


def wait_for_metric(one, name, value):
    until = time.monotonic() + 30
    while (found := metric(one, name)) < value:
        assert time.monotonic() < until, f"{name} is {found}, not {value}"
        time.sleep(0.02)


def call(caller, callee, uri):
    """INVITE, 200, ACK, BYE, 200; what the callee was sent."""
    caller.send(caller.request("INVITE", uri, lines=[f"Contact: {caller.contact}"]))
    invite = callee.wait_for("INVITE")
    callee.send(callee.response(invite, "200 OK", [f"Contact: {callee.contact}"]))
    answer = caller.wait_for(200)
    caller.send(caller.ack(uri, answer, via=caller.via()))
    callee.wait_for("ACK")
    to_tag = re.search(r"tag=([^;>\s]+)", answer.get("To")).group(1)
    caller.send(caller.request("BYE", uri, to_tag=to_tag))
    bye = callee.wait_for("BYE")
    callee.send(callee.response(bye, "200 OK"))
    caller.wait_for(200)
    return invite


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_phones_register_and_call_along_their_connections(tls, root, version):
    one = tls()
    context = root.client(version=version)
    with phone(one, root, "alice", context=context) as alice, phone(one, root, "bob", context=context) as bob:
        assert alice.register().status == bob.register().status == 200
        invite = call(alice, bob, f"sip:bob@{one.address}")
        assert invite.all("Via")[0].startswith("SIP/2.0/TLS ")


def test_a_call_between_udp_and_tls(tls, root):
    one = tls()
    with phone(one, root, "alice") as alice, Ua(one.address, "bob") as bob:
        assert alice.register().status == bob.register().status == 200
        assert call(alice, bob, f"sip:bob@{one.address}").all("Via")[0].startswith("SIP/2.0/UDP ")
        assert call(bob, alice, f"sip:alice@{one.address}").all("Via")[0].startswith("SIP/2.0/TLS ")


def test_openssl_s_client_gets_an_answer(tls, root):
    one = tls()
    with Ua(one.address) as ua:
        request = ua.request("OPTIONS", f"sip:{one.tls}", via="Via: SIP/2.0/TLS 127.0.0.1:9;branch=z9hG4bK1;rport")
    with subprocess.Popen(["openssl", "s_client", "-connect", one.tls, "-CAfile", str(root.certificate), "-verify_return_error",
                           "-verify_ip", "127.0.0.1", "-quiet", "-no_ign_eof"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL) as client:
        client.stdin.write(request.encode())
        client.stdin.flush()
        assert client.stdout.readline() == b"SIP/2.0 200 OK\r\n"
        client.kill()


def test_sessions_are_resumed_by_any_worker(tls, root):
    one = tls(workers=2, metrics__listen=f"127.0.0.1:{free_port()}")
    context, session, reused = root.client(version=ssl.TLSVersion.TLSv1_2), None, 0
    for _ in range(12):
        with socket.create_connection(("127.0.0.1", int(one.tls.split(":")[1])), 10) as plain:
            with context.wrap_socket(plain, server_hostname="localhost", session=session) as secure:
                session, reused = secure.session, reused + secure.session_reused
    assert reused == 11
    end = time.monotonic() + 30  # in a resumed handshake the client speaks last (RFC 5246 section 7.3)
    while metric(one, "tls_accepted_total") < 12 and time.monotonic() < end:
        time.sleep(0.02)
    assert metric(one, "tls_resumed_total") == 11
    assert metric(one, "tls_accepted_total") == 12


# ---- sips (RFC 5630) ----


def register_sips(one, ua, uri=None, lines=()):
    return ua.ask("REGISTER", uri or f"sips:{one.tls}", to=f"sips:{ua.user}@{one.tls}",
                  lines=[f"Contact: <sips:{ua.user}@{ua.address}>;expires=600", *lines])


def test_sips_leads_to_sips_by_tls(tls, root):
    one = tls(record_route=True)
    with phone(one, root, "alice") as alice, phone(one, root, "bob") as bob:
        assert register_sips(one, bob).status == 200
        alice.send(alice.request("INVITE", f"sips:bob@{one.tls}", lines=[f"Contact: <sips:alice@{alice.address}>"]))
        invite = bob.wait_for("INVITE")
        assert invite.uri == f"sips:bob@{bob.address}"
        assert invite.get("Via").startswith("SIP/2.0/TLS ")
        assert re.fullmatch(rf"<sips:{one.tls};lr;tz=\w+(;fl=[^>]+)?>", invite.get("Record-Route"))
        bob.send(bob.response(invite, "486 Busy Here"))
        assert alice.final().status == 486


def test_a_call_to_sip_reaches_a_sips_contact_as_sip_by_tls(tls, root):
    one = tls()
    with Ua(one.address, "alice") as alice, phone(one, root, "bob") as bob:
        assert register_sips(one, bob).status == 200
        alice.send(alice.request("MESSAGE", f"sip:bob@{one.address}"))
        message = bob.wait_for("MESSAGE")
        assert message.uri == f"sip:bob@{bob.address}"
        bob.send(bob.response(message, "200 OK"))
        assert alice.final().status == 200


def test_sips_does_not_lead_to_a_sip_contact(tls, root):
    one = tls()
    with phone(one, root, "alice") as alice, phone(one, root, "bob") as bob:
        assert bob.register().status == 200
        alice.send(alice.request("MESSAGE", f"sips:bob@{one.tls}"))
        answer = alice.final()
        assert answer.status == 480
        assert answer.get("Warning") == '380 trapezoid "SIPS Not Allowed"'
        bob.nothing()


def test_a_sips_contact_needs_sips_all_the_way(tls, root):
    one = tls()
    with phone(one, root, "bob") as bob, Ua(one.address, "bob") as plain:
        assert register_sips(one, bob, f"sip:{one.tls}").status == 400
        assert register_sips(one, plain).status == 400
        path = ["Supported: path", "Path: <sip:192.0.2.1;lr>"]
        assert register_sips(one, bob, lines=path).status == 400
        assert register_sips(one, bob, lines=["Supported: path", "Path: <sips:192.0.2.1;lr>"]).status == 200


def test_a_static_route_is_taken_by_tls_for_sips(tls, domains):
    one, two = domains()
    with Ua(one.address, "alice") as alice, Ua(two.address, "bob") as bob:
        bob.ask("REGISTER", "sip:far.test", to="sip:bob@far.test", lines=[f"Contact: {bob.contact};expires=600"])
        alice.send(alice.request("MESSAGE", "sips:bob@far.test"))
        answer = alice.final()  # of the far server: bob has no sips contact
        assert (answer.status, answer.get("Warning")) == (480, '380 trapezoid "SIPS Not Allowed"')


def test_a_static_route_may_lead_to_a_sips_uri(tls, domains):
    """The next hop says how it is reached; the Request-URI stays what it was."""
    one, two = domains(scheme="sips", transport="")
    ask_far(one, two, 200)


# ---- Other domains ----


@pytest.fixture
def domains(tls, root):
    """Two servers; calls of the first one's users to far.test go to the second over TLS: domains(next hop's host)."""

    def make(host="localhost", first=None, scheme="sip", transport=";transport=tls", **second):
        two = tls(domains="far.test", **second)
        hop = f"{scheme}:{host}:{two.tls.split(':')[1]}{transport}"
        one = tls(routes=f"@far.test={hop}", **(first or {}))
        return one, two

    return make


def ask_far(one, two, status):
    with Ua(one.address, "alice") as alice, Ua(two.address, "bob") as bob:
        bob.ask("REGISTER", "sip:far.test", to="sip:bob@far.test", lines=[f"Contact: {bob.contact};expires=600"])
        alice.send(alice.request("MESSAGE", "sip:bob@far.test", body="hello"))
        if status == 200:
            bob.send(bob.response(bob.wait_for("MESSAGE"), "200 OK"))
        assert alice.final().status == status


def test_a_server_proves_that_it_is_the_host_asked_for(domains):
    one, two = domains()
    for _ in range(3):
        ask_far(one, two, 200)


@pytest.mark.parametrize("second, why", [
    ({"name": "URI:sip:elsewhere.test"}, "hostname mismatch"), ({"name": "DNS:*.localhost"}, "hostname mismatch"),
    ({"stranger": True}, "unable to get local issuer certificate")])
def test_a_server_that_does_not_prove_it_gets_nothing(domains, root, tmp_path, second, why):
    other = Authority(tmp_path, "stranger") if "stranger" in second else root
    pair = other.sign(f"wrong{len(second.get('name', ''))}", second.get("name", "DNS:localhost"))
    one, two = domains(tls__certificate=pair[0], tls__key=pair[1])
    ask_far(one, two, 500)
    assert re.search(f"(?i)TLS: handshake with {two.tls} for localhost: .*{why}", one.log())
    assert "MESSAGE" not in two.log()


def test_verify_off_takes_any_server(domains, root):
    pair = root.sign("wrong", "URI:sip:elsewhere.test")
    one, two = domains(first={"tls__verify": False}, tls__certificate=pair[0], tls__key=pair[1])
    ask_far(one, two, 200)


def test_other_servers_are_given_a_name_that_our_certificate_proves(domains, root):
    """RFC 5922 section 7.5: the dialog's requests come back over TLS too."""
    named = root.sign("named", "URI:sip:near.test,DNS:localhost")
    one, two = domains(first={"domains": "near.test", "tls__certificate": named[0], "tls__key": named[1]}, record_route=True)
    with Ua(one.address, "alice") as alice, Ua(two.address, "bob") as bob:
        bob.ask("REGISTER", "sip:far.test", to="sip:bob@far.test", lines=[f"Contact: {bob.contact};expires=600"])
        alice.send(alice.request("INVITE", "sip:bob@far.test", lines=[f"Contact: {alice.contact}"]))
        invite = bob.wait_for("INVITE")
        routes = [route for route in invite.all("Record-Route") if "near.test" in route]
        assert len(routes) == 1 and re.fullmatch(r"<sip:near\.test;transport=tls;lr;tz=\w+>", routes[0]), invite.all("Record-Route")
        bob.send(bob.response(invite, "486 Busy Here"))
        assert alice.final().status == 486


@pytest.mark.parametrize("client", ["request", "require"])
def test_servers_may_ask_each_other_for_certificates(domains, client):
    one, two = domains(tls__client=client)
    ask_far(one, two, 200)


def test_a_client_without_certificate_is_refused_where_one_is_required(tls, root, pair):
    one = tls(tls__client="require", metrics__listen=f"127.0.0.1:{free_port()}")
    with pytest.raises((ssl.SSLError, EOFError, OSError)):
        with phone(one, root) as ua:
            ua.ask("OPTIONS", f"sip:{one.address}")
    with phone(one, root, context=root.client(pair)) as ua:
        assert ua.ask("OPTIONS", f"sip:{one.address}").status == 200
    counts(one, "stream_handshakes_failed_total", 1)


# ---- Certificates ----


def test_a_first_start_makes_a_certificate_and_says_how_to_trust_it(server):
    port = free_port()
    one = server(listen=f"udp:127.0.0.1:{free_port()},tls:127.0.0.1:{port}", domains="home.test", **OPEN)
    file = re.search(r"TLS shows a certificate that this start has made: (\S+)", one.out()).group(1)
    assert f"sudo install -m 644 {file} /usr/local/share/ca-certificates/" in one.out()
    key = os.path.join(os.path.dirname(file), "tls-key.pem")
    assert stat.S_IMODE(os.stat(key).st_mode) == 0o600
    context = ssl.create_default_context(cafile=file)
    for name in ("home.test", "localhost", "127.0.0.1"):
        with Ua(f"127.0.0.1:{port}", "ua", "TLS", tls=context, name=name) as ua:
            assert ua.ask("OPTIONS", f"sip:127.0.0.1:{port}").status == 200
    one.restart()
    assert "certificate" not in one.out()
    with Ua(f"127.0.0.1:{port}", "ua", "TLS", tls=context, name="home.test") as ua:
        assert ua.ask("OPTIONS", f"sip:127.0.0.1:{port}").status == 200


def test_a_domain_that_no_certificate_names_is_told(server):
    one = server(start=False)
    one.settings["listen"] = f"tls:{one.host}:{one.port}"
    one.start()
    assert "no certificate names" not in one.log()
    one.settings["domains"] = "new.example"
    said = one.run("config", "check")
    assert said.returncode == 0 and "no certificate names the domain new.example" in said.stderr
    one.restart()
    assert "no certificate names the domain new.example" in one.log()
    for name in ("certificate", "key"):
        os.unlink(os.path.join(one.settings["data_dir"], f"tls-{name}.pem"))
    one.restart()
    assert "no certificate names" not in one.log()


def test_certificates_are_reloaded_and_old_connections_stay(tls, root, tmp_path):
    certificate, key = root.sign("first", "DNS:localhost")
    one = tls(tls__certificate=certificate, tls__key=key)
    with phone(one, root) as old:
        new = root.sign("second", "DNS:second.test")
        os.replace(new[0], certificate)
        # Key and certificate do not fit yet: refused whole.
        done = one.run("reload")
        assert done.returncode != 0 and "does not belong to the certificate" in done.stderr + done.stdout
        with phone(one, root) as ua:
            assert ua.ask("OPTIONS", f"sip:{one.address}").status == 200
        os.replace(new[1], key)
        one.signal(signal.SIGHUP)
        one.wait_for("the configuration was reloaded")
        with phone(one, root, name="second.test") as ua:
            assert ua.ask("OPTIONS", f"sip:{one.address}").status == 200
        with pytest.raises(ssl.SSLCertVerificationError):
            phone(one, root)
        assert old.ask("OPTIONS", f"sip:{one.address}").status == 200


def test_files_that_are_wrong_are_refused_with_line_and_key(tls, pair, root, tmp_path):
    other = root.sign("other", "DNS:other.test")
    config = tmp_path / "t.yaml"
    for lines, complaint in (
            (f"certificate: {pair[0]}\n  key: {other[1]}", rf"3: tls.key: the key in \S+other.key does not belong to the "
             rf"certificate in {pair[0]}"),
            ("certificate: /nowhere.pem\n  key: /nowhere.key", r"2: tls.certificate: /nowhere.pem cannot be read: No such file"),
            (f"certificate: {pair[0]}\n  key: {pair[1]}\n  trust: {pair[1]}", r"4: tls.trust: \S+server.key cannot be used"),
            (f"certificate: [{pair[0]}, {other[0]}]\n  key: {pair[1]}", r"3: tls.key: has 1 files for the 2 of tls.certificate")):
        config.write_text(f"tls:\n  {lines}\nlisten: [tls:127.0.0.1:0]\n")
        one = tls(start=False)
        one.settings, one.config = {k: v for k, v in one.settings.items() if k in ("data_dir", "control.path")}, config
        done = one.run("config", "check")
        assert done.returncode == 2 and re.search(f"{config}:{complaint}", done.stderr), done.stderr
        one.launch()
        assert one.wait() != 0
        assert re.search(complaint, one.log())


def test_two_baresip_phones_register_and_call_over_tls(server, tmp_path):
    """By the certificate of a first start; both check it."""
    one = server(listen=f"udp:127.0.0.1:{free_port()},tls:127.0.0.1:{free_port()}", drain_time="0s")
    certificate = re.search(r"TLS shows a certificate that this start has made: (\S+)", one.out()).group(1)
    address = re.search(r"(?m)^  tls:(\S+)", one.out()).group(1)
    phones = []
    try:
        for line in re.findall(r"(?m)^  (baresip -f .*)$", one.out()):
            phones.append(Baresip(re.sub(r"@[0-9.:]+>", f"@{address};transport=tls>", line), tmp_path))
            phones[-1].start()
            phones[-1].wait_for(r"User Agents \(1\)")
            phones[-1].stop()
            with open(phones[-1].folder / "config", "a") as config:
                config.write(f"\nsip_cafile {certificate}\nsip_verify_server yes\n")
            phones[-1].use_tone(440)
            phones[-1].start()
            phones[-1].wait_for(r"All 1 useragent registered successfully!")
        assert ["tls" in str(c).lower() for c in one.json("contacts")["contacts"]] == [True, True], one.json("contacts")
        alice, bob = phones
        alice.type(f"/dial sip:bob@{address};transport=tls\r")
        bob.wait_for(r"Incoming call from: +sip:alice@")
        bob.type("a")
        alice.wait_for(r"Call established: sip:bob@")
        alice.type("b")
        bob.wait_for(r"session closed|Call with .* terminated")
    finally:
        for one_phone in phones:
            one_phone.stop()


# ---- Peers that are mad ----


def plain(one):
    return socket.create_connection(("127.0.0.1", int(one.tls.split(":")[1])), 10)


def ends(connection):
    """Whatever comes before, the server closes."""
    connection.settimeout(30)
    with contextlib.suppress(ConnectionResetError):
        while connection.recv(65536):
            pass
    return True


GARBAGE = {
    "sip": b"OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/TLS x\r\n\r\n", "http": b"GET / HTTP/1.1\r\n\r\n", "zeros": b"\0" * 1000,
    "a large record": b"\x16\x03\x01\xff\xff" + b"\x01" * 70000, "data first": b"\x17\x03\x03\x00\x05hello",
    "random": random.Random(3261).randbytes(100000), "crlf": b"\r\n" * 20,
}


@pytest.mark.parametrize("what", GARBAGE)
def test_garbage_before_tls_is_counted_and_closed(tls, what):
    one = tls(metrics__listen=f"127.0.0.1:{free_port()}")
    with plain(one) as connection:
        with contextlib.suppress(OSError):
            connection.sendall(GARBAGE[what])
        assert ends(connection)
    wait_for_metric(one, "stream_handshakes_failed_total", 1)
    asks(one)


def test_garbage_after_the_handshake_is_counted_and_closed(tls, root):
    one = tls(metrics__listen=f"127.0.0.1:{free_port()}")
    with phone(one, root) as ua:
        with socket.socket(fileno=os.dup(ua.socket.fileno())) as below:
            below.sendall(b"\x17\x03\x03\x00\x20" + b"never encrypted at all, not once")
            assert ends(below)
    wait_for_metric(one, "stream_protocol_errors_total", 1)
    asks(one)


def test_tls_on_a_plain_port_is_counted_and_closed(tls, root):
    one = tls(metrics__listen=f"127.0.0.1:{free_port()}")
    with pytest.raises((ssl.SSLError, OSError)):
        Ua(one.address, "ua", "TLS", tls=root.client(), name="localhost")
    wait_for_metric(one, "stream_not_sip_total", 1)
    asks(one)


@pytest.mark.parametrize("sent", [b"", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"])
def test_a_stalled_handshake_times_out(tls, sent):
    one = tls(tls__handshake_time="300ms", metrics__listen=f"127.0.0.1:{free_port()}")
    with plain(one) as connection:
        began = time.monotonic()
        connection.sendall(sent)
        assert ends(connection)
        assert time.monotonic() - began > 0.25
    wait_for_metric(one, "stream_handshakes_late_total", 1)
    counts(one, "stream_opening", 0)


def test_slow_loris_in_handshakes_delays_nobody(tls):
    one = tls(tls__handshake_time="1s", workers=1)
    with contextlib.ExitStack() as stack:
        lorises = [stack.enter_context(plain(one)) for _ in range(50)]
        hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 500
        until, at = time.monotonic() + 60, 0
        while lorises and time.monotonic() < until:
            for loris in lorises[:]:
                try:
                    loris.send(hello[at:at + 1])
                except OSError:
                    lorises.remove(loris)
            asks(one)
            at += 1
            time.sleep(0.1)
        assert not lorises, f"{len(lorises)} of 50 are still there"


@pytest.mark.parametrize("what", ["records of one byte", "half a record"])
def test_slow_loris_after_the_handshake(tls, root, what):
    """A message in records of one byte, a record in single bytes: neither buys more time."""
    one = tls(tcp__half_message_time="500ms", workers=1, **watched())
    with contextlib.ExitStack() as stack:
        lorises = [stack.enter_context(phone(one, root)) for _ in range(10)]
        for loris in lorises:
            loris.below = stack.enter_context(socket.socket(fileno=os.dup(loris.socket.fileno())))
            if what == "half a record":
                loris.below.sendall(b"\x17\x03\x03\x03\xe8")
        began, at = time.monotonic(), 0
        while time.monotonic() - began < 0.9:
            for loris in lorises:
                with contextlib.suppress(OSError, ssl.SSLError):
                    if what == "half a record":
                        loris.below.sendall(b"x")
                    else:
                        loris.send("OPTIONS sip:x SIP/2.0\r\nVia: "[at:at + 1] or "x")
            at += 1
            time.sleep(0.05)
        counts(one, "stream_half_messages_total", 10)
        counts(one, "sip_connections", 0)
        asks(one)


def test_a_storm_of_handshakes_leaves_calls_their_time(tls, root):
    one = tls(workers=1)
    stop, done = threading.Event(), []

    def storm():
        context = root.client()
        while not stop.is_set():
            with contextlib.suppress(OSError), plain(one) as below, context.wrap_socket(below, server_hostname="localhost"):
                done.append(1)

    threads = [threading.Thread(target=storm) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        with Ua(one.address, "asker") as ua:
            until, asked = time.monotonic() + 2, 0
            while time.monotonic() < until or (min(asked, len(done)) <= 20 and time.monotonic() < until + 60):
                assert ua.ask("OPTIONS", f"sip:{one.address}").status == 200
                asked += 1
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert asked > 20 and len(done) > 20, (asked, len(done))


def test_renegotiation_is_refused(tls, root):
    one = tls(**watched())
    with subprocess.Popen(["openssl", "s_client", "-connect", one.tls, "-CAfile", str(root.certificate), "-tls1_2"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as client:
        client.stdin.write(b"R\n")
        client.stdin.flush()
        said, _ = client.communicate(timeout=60)
    assert b"RENEGOTIATING" in said and b"no renegotiation" in said
    counts(one, "stream_protocol_errors_total", 1)
    asks(one)


def test_a_message_in_single_records_and_many_in_one(tls, root):
    one = tls()
    with phone(one, root) as ua:
        for byte in ua.request("OPTIONS", f"sip:{one.address}", body="hello").encode():
            ua.send(bytes([byte]))
        assert ua.final().status == 200
        ua.send("\r\n\r\n".join(ua.request("OPTIONS", f"sip:{one.address}") for _ in range(60)))
        for _ in range(60):
            assert ua.final().status == 200
        ua.send("\r\n\r\n")  # RFC 5626 section 4.4.1
        assert ua.socket.recv(10) == b"\r\n"


def test_close_notify_is_answered_by_the_end(tls, root):
    one = tls()
    with phone(one, root) as ua:
        with contextlib.suppress(OSError, ssl.SSLError):
            ua.socket.unwrap()
        assert one.json("status")["workers"]
    asks(one)
