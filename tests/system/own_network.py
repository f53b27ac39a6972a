"""A network of its own for each process that runs tests: no port is taken, and nothing is heard, by anybody else.

It looks like the machine that most have: loopback, and an interface with an address and a way out, where nobody answers.
Where namespaces may not be made (not root), tests run in the network that they are started in.
"""

import ctypes
import os
import pathlib
import subprocess
import sys

CLONE_NEWNET = 0x40000000
ADDRESS, GATEWAY = "10.153.7.2", "10.153.7.1"
GATEWAY_LINK = "02:00:00:00:07:01"

COMMANDS = f"""link set lo up
link add eth0 type veth peer name way-out
link set way-out address {GATEWAY_LINK} up
link set eth0 up
address add {ADDRESS}/24 dev eth0
neighbour add {GATEWAY} lladdr {GATEWAY_LINK} nud permanent dev eth0
route add default via {GATEWAY}
"""
# Who asks the machine's name servers learns at once that there are none.
NO_NAMES = """table inet own {
    chain out {
        type filter hook output priority 0; policy accept;
        oifname "eth0" udp dport 53 reject
    }
}
"""


def enter():
    """Everything that this process starts from now on is there too. Does nothing the second time."""
    if os.geteuid() != 0 or os.environ.get("TZ_OWN_NETWORK") == str(os.getpid()):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/thread-self/ns/net", encoding="ascii") as before:
        if libc.unshare(CLONE_NEWNET) != 0:
            return
        # No addresses that interfaces give themselves: they come late, and tests would see them come.
        mode = pathlib.Path("/proc/sys/net/ipv6/conf/default/addr_gen_mode")
        if mode.exists():
            mode.write_text("1", encoding="ascii")
        done = subprocess.run(["ip", "-batch", "-"], input=COMMANDS, text=True, stderr=subprocess.PIPE, check=False)
        if done.returncode != 0:
            print(f"no network of our own: {done.stderr}", file=sys.stderr)
            assert libc.setns(before.fileno(), CLONE_NEWNET) == 0
            return
    subprocess.run(["nft", "-f", "-"], input=NO_NAMES, text=True, stderr=subprocess.DEVNULL, check=False)
    os.environ["TZ_OWN_NETWORK"] = str(os.getpid())
