"""Rows of connections: full TLS handshakes, and what an idle connection holds."""

import contextlib
import os
import re
import resource
import socket
import ssl
import subprocess
import time
import types

from . import machine, servers
from .load import LoadFailed
from .plan import median

IDLE = 4000  # connections of each kind


REACH = {"tcp": 1.4, "tls": 1.8}  # times what a call by UDP needs


def calls(bench):
    """Calls over connections that are kept, next to calls over UDP; ours and the peer's in turns."""
    touched = min(bench.plan.peer_memory, machine.memory_available() // 3000000)
    with bench.started(servers.Trapezoid(tls=True), servers.Kamailio(touched=touched, tls=True)) as running, bench.note("call-streams"):
        variants = {}
        for server in running:
            try:
                variants.update({(server.label, name): _calls_by(bench, server, name, number)
                                 for number, name in enumerate(("udp", *REACH))})
            except LoadFailed as failure:
                bench.fail(f"call-streams of {server.label}", failure)
        try:
            results = bench.interleaved(variants)
        except LoadFailed as failure:
            bench.fail("call-streams", failure)
            return
    for label, column in (("trapezoid", "ours"), ("kamailio", "peer")):
        if (label, "udp") not in results:
            continue
        udp = median(results[label, "udp"], "server_us")
        for name, times in REACH.items():
            cost = median(results[label, name], "server_us")
            row = {"row": f"call by {name.upper()} (floor: by UDP)", column: cost, f"{column}_rate": median(results[label, name], "rate")}
            bench.rows.append({**row, "floor": udp, "reach": times * udp} if column == "ours" else row)
            bench.notes.append(f"call by {name.upper()}, {label}: {cost / udp:.2f} times its call by UDP ({udp:.2f} us)")


def _calls_by(bench, server, transport, number):
    """Users of their own, whose contacts are the ends of the generator's connections; registered by UDP."""
    bench.say(f"call-streams: {server.label}, {transport}")
    seen = types.SimpleNamespace(label=server.label, domain=server.domain, pids=server.pids, port=server.port,
                                 local=server.local + 10 * number)
    users = {"users": bench.plan.users, "first": number * bench.plan.users}
    bench.runner.run(seen, "register", count=bench.plan.users, stride=1, contact=transport, **users)
    if transport == "tls":
        seen.port = server.tls
    bench.settle(seen, "call", transport=transport, **users)
    return lambda: bench.measure(seen, "call", transport=transport, **users)


def handshakes(bench):
    """New TLS connections with full handshakes, made by openssl s_time, one after the other."""
    try:
        memory = _in_memory()
        with servers.Trapezoid(tls=True) as server, _bare() as bare, _s_server(server) as other, bench.note("tls-handshakes"):
            bench.say("tls-handshakes: trapezoid")
            seconds = max(2, round(2 * bench.plan.seconds))
            peers = {"ours": server, "bare": bare, "s_server": other}
            runs = {name: [] for name in peers}
            for peer in peers.values():
                _s_time(peer.tls, 1)
            for _ in range(bench.plan.scale_rounds):
                for name, peer in peers.items():
                    runs[name].append(_handshake_us(peer, peer.tls, seconds))
    except servers.Skipped as reason:
        bench.skip("tls-handshakes", reason)
    except (servers.Broken, LoadFailed) as failure:
        bench.fail("tls-handshakes", failure)
    else:
        ours, bare, other = (sorted(values)[len(values) // 2] for values in runs.values())
        bench.notes.append(f"new TLS connection: openssl s_server needs {other:.0f} us with the same client ({ours / other:.2f}), "
                           f"OpenSSL in memory, without sockets, {memory:.0f} us ({ours / memory:.2f})")
        bench.rows.append({"row": "new TLS connection (floor: bare handshakes)", "ours": ours, "floor": bare, "ours_rate": 1e6 / ours,
                           "reach": 1.3 * bare})


def _bench_tls():
    program = os.path.join(machine.BUILD, "bench_tls")
    if not os.access(program, os.X_OK):
        raise servers.Skipped("build/release/bench_tls is not there")
    return program


def _in_memory():
    program = _bench_tls()
    done = subprocess.run(["taskset", "-c", str(machine.SERVER_CPU), program], stdout=subprocess.PIPE, text=True, timeout=120,
                          check=True)
    return float(done.stdout.split()[0])


def _bare():
    """Accepts, shakes hands, closes, and nothing else."""
    port = machine.ports(1)
    return _other([_bench_tls(), "serve", str(port)], port)


def _s_server(server):
    """OpenSSL's own server with the same certificate."""
    port = machine.ports(1)
    files = [os.path.join(server.folder, f"tls-{name}.pem") for name in ("certificate", "key")]
    return _other(["openssl", "s_server", "-quiet", "-accept", f"127.0.0.1:{port}", "-cert", files[0], "-key", files[1], "-num_tickets", "1"],
                  port)


@contextlib.contextmanager
def _other(command, port):
    """Another server, pinned as ours."""
    with subprocess.Popen(["taskset", "-c", str(machine.SERVER_CPU), *command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as process:
        try:
            _wait_until_open(port)
            yield types.SimpleNamespace(tls=port, cpu_ns=lambda: machine.cpu_ns([process.pid]))
        finally:
            process.kill()


def _wait_until_open(port):
    until = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if time.monotonic() > until:
                raise LoadFailed("a server to compare with does not listen") from None
            time.sleep(0.01)


def _handshake_us(server, port, seconds):
    before = server.cpu_ns()
    made = _s_time(port, seconds)
    return (server.cpu_ns() - before) / made / 1000


def _s_time(port, seconds):
    done = subprocess.run(["taskset", "-c", str(machine.GENERATOR_CPU), "openssl", "s_time", "-connect", f"127.0.0.1:{port}",
                           "-new", "-tls1_3", "-time", str(seconds)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=60, check=False)
    found = re.search(r"(\d+) connections in \d+ real seconds", done.stdout)
    if not found or int(found.group(1)) == 0:
        raise LoadFailed(f"openssl s_time makes no connections: {done.stdout[-300:]}")
    return int(found.group(1))


def idle(bench):
    """Memory of the program, and of the kernel for both ends, per idle connection."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    for name, secure, reach in (("TCP", False, 4096), ("TLS", True, 30720)):
        try:
            with servers.Trapezoid(tls=True) as server, bench.note(f"idle {name}"):
                bench.say(f"idle: {IDLE} {name} connections")
                kept = [_connect(server, secure) for _ in range(IDLE // 10)]
                before, slab = _settled(server)
                kept += [_connect(server, secure) for _ in range(IDLE)]
                after, more_slab = _settled(server)
                for connection in kept:
                    connection.close()
        except servers.Skipped as reason:
            bench.skip(f"idle {name}", reason)
        except (servers.Broken, LoadFailed, OSError) as failure:
            bench.fail(f"idle {name}", failure)
        else:
            bench.rows.append({"row": f"idle {name} connection", "unit": "bytes", "ours": (after - before) / IDLE, "reach": reach})
            bench.notes.append(f"idle {name} connection: {(after - before) / IDLE:,.0f} bytes of the program's, "
                               f"{(more_slab - slab) / IDLE / 2:,.0f} of the kernel's per end (slab of the whole machine)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _settled(server):
    time.sleep(1)
    with open("/proc/meminfo", encoding="ascii") as file:
        slab = int(re.search(r"Slab:\s+(\d+)", file.read()).group(1)) * 1024
    return server.memory(), slab


def _connect(server, secure):
    """A connection that has said something once."""
    connection = socket.create_connection(("127.0.0.1", server.tls if secure else server.port), 10)
    if secure:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = context.wrap_socket(connection)
    connection.sendall(b"\r\n\r\n")
    if connection.recv(10) != b"\r\n":
        raise LoadFailed("no pong")
    return connection
