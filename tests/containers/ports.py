# SPDX-License-Identifier: Apache-2.0
"""Which TCP ports of an address take connections: `ports.py ADDRESS [PORT...]` prints a list in
JSON, all 65535 being tried unless some are named. And which sockets listen, as the kernel says."""

import contextlib
import errno
import ipaddress
import json
import select
import socket
import struct
import sys
import time

AT_ONCE = 1000
TIMEOUT_S = 5  # a first attempt, and the kernel's second and third
LISTEN, UNCONNECTED = "0A", "07"


def connected(probe):
    with contextlib.suppress(OSError):  # a port may connect to itself, once in 28000 times
        return probe.getsockname() != probe.getpeername()
    return False


def open_among(address, ports):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with contextlib.ExitStack() as stack:
        probes, waiting, poll = {}, set(), select.poll()
        for port in ports:
            probe = stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
            probe.setblocking(False)
            probes[probe.fileno()] = (port, probe)
            if probe.connect_ex((address, port)) == errno.EINPROGRESS:
                poll.register(probe, select.POLLOUT)
                waiting.add(probe.fileno())
        end = time.monotonic() + TIMEOUT_S
        while waiting and time.monotonic() < end:
            for descriptor, _ in poll.poll(1000 * (end - time.monotonic())):
                poll.unregister(descriptor)
                waiting.discard(descriptor)
        return [port for port, probe in probes.values() if connected(probe)]


def open_ports(address, ports):
    return [port for at in range(0, len(ports), AT_ONCE)
            for port in open_among(address, ports[at:at + AT_ONCE])]


def parsed(text):
    """Address and port of a row in /proc/net."""
    address, port = text.split(":")
    words = [int(address[at:at + 8], 16) for at in range(0, len(address), 8)]
    packed = struct.pack("=%dI" % len(words), *words)
    return str(ipaddress.ip_address(packed)), int(port, 16)


def listening(process="self"):
    """(protocol, address, port) of the sockets that strangers can talk to."""
    found = set()
    for table, state in (("tcp", LISTEN), ("tcp6", LISTEN), ("udp", UNCONNECTED),
                         ("udp6", UNCONNECTED)):
        with open("/proc/%s/net/%s" % (process, table), encoding="ascii") as file:
            rows = [line.split() for line in file][1:]
        found |= {(table[:3], *parsed(row[1])) for row in rows if row[3] == state}
    return found


if __name__ == "__main__":
    named = [int(each) for each in sys.argv[2:]]
    print(json.dumps(open_ports(sys.argv[1], named or range(1, 65536))))
