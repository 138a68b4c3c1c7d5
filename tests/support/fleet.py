# SPDX-License-Identifier: Apache-2.0
"""Large fleets for benches and endurance tests: simulators, gateways on one port, a tally at the
broker, and what processes and the kernel spend on them."""

import json
import os
import re
import signal
import subprocess
import time

import harness

PAGE_KIB = os.sysconf("SC_PAGE_SIZE") // 1024


def cpu_s(pids):
    """User and system time of all of them, to the nanosecond (clock_getcpuclockid of Linux)."""
    return sum(time.clock_gettime((~pid << 3) | 2) for pid in pids)


def resident_kib(pids):
    """Memory that they do not share with a file."""
    total = 0
    for pid in pids:
        with open("/proc/%d/status" % pid, encoding="ascii") as file:
            total += int(re.search(r"RssAnon:\s+(\d+)", file.read()).group(1))
    return total


def tcp():
    """The kernel's count of TCP sockets, and of the pages that their buffers take."""
    with open("/proc/net/sockstat", encoding="ascii") as file:
        words = re.search(r"^TCP: (.*)$", file.read(), re.MULTILINE).group(1).split()
    return dict(zip(words[::2], map(int, words[1::2])))


# One of each belongs to a socket in a poll; what else the machine does has few of them.
SOCKET_SLABS = ("TCP", "TCPv6", "sock_inode_cache", "filp", "eventpoll_epi", "eventpoll_pwq",
                "ep_head", "lsm_file_cache")


def kernel_kib():
    """What sockets take in the kernel, buffers included. Root only; None for others."""
    try:
        with open("/proc/slabinfo", encoding="ascii") as file:
            rows = [line.split() for line in file][2:]
    except PermissionError:
        return None
    slabs = {row[0]: (int(row[1]), int(row[3])) for row in rows}
    found = sum(count * size for name, (count, size) in slabs.items() if name in SOCKET_SLABS)
    inodes, (_, dentry) = slabs["sock_inode_cache"][0], slabs["dentry"]
    return (found + inodes * dentry) / 1024 + tcp()["mem"] * PAGE_KIB


class Tally:
    """bench_tally, which counts each reading at the broker once."""

    def __init__(self, broker, topic, output):
        self.output = output
        with open(output, "wb") as file:
            self.child = subprocess.Popen(
                [os.path.join(harness.BUILD, "bench", "bench_tally"), str(broker.port), topic],
                stdin=subprocess.PIPE, stdout=file)
        if not harness.wait_until(lambda: self.now().get("subscribed")):
            raise RuntimeError("bench_tally does not subscribe")

    def now(self):
        """What it last said: once a second."""
        with open(self.output, "rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - 1024))
            lines = file.read().split(b"\n")[:-1]
        return json.loads(lines[-1]) if lines and lines[-1].startswith(b"{") else {}

    def wait(self, member, least, timeout):
        return harness.wait_until(lambda: self.now()[member] >= least, timeout, 0.1)

    def finish(self):
        """Waits until the broker has no more for it."""
        self.child.stdin.close()
        if self.child.wait(600) != 0:
            raise RuntimeError("bench_tally ended with status %d" % self.child.returncode)
        return self.now()

    def stop(self):
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait()
        if not self.child.stdin.closed:
            self.child.stdin.close()


class Simulator(harness.Process):
    """medsec-sim, to be ended by finish() or by itself."""

    def __init__(self, address, credentials, output, *arguments):
        super().__init__([harness.tool("medsec-sim"), "--connect", "%s:%d" % address,
                          "--credentials", credentials, "--json", *map(str, arguments)], output)

    def finish(self, timeout=120):
        """Its summary, once all is acknowledged; `code` is its exit status."""
        if self.alive():
            self.send(signal.SIGTERM)
        return self.wait(timeout)

    def wait(self, timeout):
        code = self.child.wait(timeout)
        lines = self.lines('"sampled"')
        if not lines:
            raise RuntimeError("medsec-sim: status %d\n%s" % (code, self.text()[-2000:]))
        return {**json.loads(lines[-1]), "code": code}
