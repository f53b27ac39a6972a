"""SIPp as a peer: scenarios of its own and those in sipp/."""

import contextlib
import pathlib
import subprocess
import tempfile

from trapezoid import free_port

SCENARIOS = pathlib.Path(__file__).with_name("sipp")


def _scenario(name):
    return ["-sn", name] if name in ("uac", "uas") else ["-sf", str(SCENARIOS / f"{name}.xml")]


def _command(scenario, host, port, transport, extra):
    return ["sipp", *_scenario(scenario), "-i", host.strip("[]"), "-p", str(port), "-t", transport, "-nostdin",
            "-trace_err", "-timeout_error", *map(str, extra)]


def run(scenario, server, calls=1, rate=10, transport="u1", host="127.0.0.1", port=None, fields=None, extra=()):
    """Calls into server and waits for the end; every call must succeed."""
    with tempfile.TemporaryDirectory(prefix="tz-sipp-") as folder:
        extra = [*extra, "-m", calls, "-r", rate, "-timeout", 90]
        if fields:
            path = pathlib.Path(folder) / "fields.csv"
            path.write_text("SEQUENTIAL\n" + ";".join(fields) + "\n")
            extra += ["-inf", path]
        command = _command(scenario, host, port or free_port(host.strip("[]")), transport, [*extra, server])
        done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120,
                              check=False, text=True, errors="replace")
        errors = "".join(path.read_text(errors="replace") for path in pathlib.Path(folder).glob("*_errors.log"))
        assert done.returncode == 0, f"{' '.join(command)}: {done.returncode}\n{errors[-3000:]}\n{done.stdout[-2500:]}"


@contextlib.contextmanager
def phone(scenario="uas", transport="u1", host="127.0.0.1", calls=None, extra=()):
    """A phone that answers calls; yields its port. With calls it must have ended well after so many."""
    with tempfile.TemporaryDirectory(prefix="tz-sipp-") as folder:
        port = free_port(host.strip("[]"))
        extra = [*extra, *(["-m", calls, "-timeout", 90] if calls else [])]
        with subprocess.Popen(_command(scenario, host, port, transport, extra), cwd=folder, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as process:
            try:
                yield port
                if calls:
                    code = process.wait(60)
                    errors = "".join(p.read_text(errors="replace") for p in pathlib.Path(folder).glob("*_errors.log"))
                    assert code == 0, f"the phone {scenario} ended with {code}\n{errors[-3000:]}"
            finally:
                process.kill()


def register(server, user, contact, phone="u1", host="127.0.0.1"):
    """Registers contact, where a phone of that SIPp transport listens."""
    run("register", server, fields=[user, contact, "tcp" if phone == "t1" else "udp"], host=host)
