"""Holds connections: holder.py PORT COUNT NUMBER [tls]; from 127.NUMBER.0.1 and those after it. Each has said something once. For every line of standard input each says
something again; how many were answered, and in what time, goes out as a line. Ends with its standard input."""

import resource
import socket
import ssl
import sys
import time

PER_SOURCE = 4000
PING, PONG = b"\r\n\r\n", b"\r\n"


def connect(port, source, context):
    connection = socket.socket()
    connection.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT: ports are counted per destination
    connection.settimeout(20)
    connection.bind((source, 0))
    connection.connect(("127.0.0.1", port))
    return context.wrap_socket(connection) if context else connection


def answered(connections):
    for connection in connections:
        connection.sendall(PING)
    return sum(connection.recv(10) == PONG for connection in connections)


def main():
    port, count, number = (int(word) for word in sys.argv[1:4])
    context = None
    if sys.argv[4:] == ["tls"]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    kept = []
    for i in range(count):
        # The system looks long for a port of an address that has many already.
        kept.append(connect(port, f"127.{number}.0.{1 + i // PER_SOURCE}", context))
        if answered(kept[-1:]) != 1:
            sys.exit("no pong")
    print(len(kept), flush=True)
    for _ in sys.stdin:
        began = time.monotonic()
        print(answered(kept), f"{time.monotonic() - began:.2f}", flush=True)


if __name__ == "__main__":
    main()
