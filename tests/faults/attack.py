#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One attacker, for a bounded time, at the lowest priority: what it takes from the machine says nothing
about the gateway; what it makes the gateway do, does.

    attack.py KIND --connect 127.0.0.1:9998 --seconds 5 [--seed N] [--recording FILE]

Prints a JSON object: connections, bytes, and how many of them the gateway ended."""

import argparse
import json
import os
import random
import resource
import select
import socket
import struct
import sys
import time

HELLO, DATA, VERSION_1 = 0xA1, 0xA3, 0x11
BODY_MAX = 2048
SOURCES = 250  # addresses of 127.1.0.0/16 that it comes from
LEAST = 50  # connections, however long that takes


class Attacker:
    def __init__(self, options):
        self.address = options.connect
        self.random = random.Random(options.seed)
        self.end = time.monotonic() + options.seconds
        self.recording = options.recording
        self.connections = self.bytes = self.ended = 0
        self.open = {}  # socket: what it still has to say

    def connect(self):
        """A connection from one of many addresses, without waiting; None: not now."""
        link = socket.socket()
        link.setblocking(False)
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        link.setsockopt(socket.SOL_IP, socket.IP_BIND_ADDRESS_NO_PORT, 1)
        self.connections += 1
        try:
            link.bind(("127.1.0.%d" % (1 + self.connections % SOURCES), 0))
            link.connect(self.address)
        except BlockingIOError:
            pass
        except OSError:
            link.close()
            return None
        return link

    def send(self, link, data):
        """Bytes that were taken; None: the connection has ended."""
        try:
            count = link.send(data)
        except BlockingIOError:
            return 0
        except OSError:
            return None
        self.bytes += count
        return count

    def has_ended(self, link):
        try:
            return link.recv(4096) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True

    def drop(self, link):
        self.open.pop(link, None)
        link.close()

    def sweep(self, links):
        """Leaves the connections that the gateway has ended."""
        for link in list(links):
            if self.has_ended(link):
                self.ended += 1
                self.drop(link)

    def alive(self):
        return time.monotonic() < self.end or self.connections < LEAST

    def hold(self, count, step, pause_s):
        """Keeps `count` connections and takes a `step` with each, again and again."""
        while self.alive():
            for _ in range(min(100, count - len(self.open))):
                link = self.connect()
                if link:
                    self.open[link] = bytearray()
            time.sleep(pause_s)
            self.sweep(self.open)
            for link in list(self.open):
                step(link)

    def flood(self, parallel, make):
        """A new connection for each that is through with what `make()` gave it."""
        while self.alive():
            while len(self.open) < parallel and self.alive():
                link = self.connect()
                if not link:
                    break
                self.open[link] = bytearray(make())
            links = list(self.open)
            readable, writable, _ = select.select(links, [l for l in links if self.open[l]], [], 0.05)
            for link in writable:
                count = self.send(link, self.open[link])
                if count is None:
                    self.drop(link)
                    self.ended += 1
                else:
                    del self.open[link][:count]
            self.sweep([link for link in readable if link in self.open])

    def half_open(self):
        """Connections that say nothing."""
        self.hold(5000, lambda link: None, 0.01)

    def slow_loris(self):
        """Connections that say a HELLO, one byte at a time."""
        def step(link):
            said = self.open[link]
            said += b"."
            hello = struct.pack(">BBH", HELLO, VERSION_1, 104)
            at = len(said) - 1
            if self.send(link, hello[at:at + 1] or self.random.randbytes(1)) is None:
                self.drop(link)
        self.hold(1000, step, 0.2)

    def garbage(self):
        self.flood(64, lambda: self.random.randbytes(self.random.randrange(1, 4096)))

    def forged_hello(self):
        """First records of the right form: each is worth an X25519 operation."""
        self.flood(64, lambda: struct.pack(">BBH", HELLO, VERSION_1, 104) +
                   self.random.randbytes(104))

    def replayed_hello(self):
        """A recording of a true one: the dearest that can be had for nothing."""
        with open(self.recording, "rb") as file:
            hello = file.read()
        self.flood(64, lambda: hello)

    def oversized(self):
        """Lengths beyond any record, with bytes to go with them."""
        def make():
            length = self.random.randrange(BODY_MAX + 1, 65536)
            kind, flags = self.random.choice([(HELLO, VERSION_1), (DATA, 0)])
            return struct.pack(">BBH", kind, flags, length) + self.random.randbytes(length)
        self.flood(64, make)

    def one_byte(self):
        """Records of the right form in segments of one byte, as fast as they go."""
        hello = struct.pack(">BBH", HELLO, VERSION_1, 104)

        def step(link):
            said = self.open[link]
            for _ in range(20):
                at = len(said) % 107  # never whole: the HELLO is not answered
                if self.send(link, hello[at:at + 1] or b"x") is None:
                    self.drop(link)
                    return
                said += b"."
                if len(said) == 107:
                    self.drop(link)
                    return
        self.hold(64, step, 0.001)

    def descriptors(self):
        """More connections than the gateway may have descriptors."""
        self.flood(500, lambda: b"")


KINDS = ("half_open", "slow_loris", "garbage", "forged_hello", "replayed_hello", "oversized",
         "one_byte", "descriptors")


def address(text):
    host, port = text.rsplit(":", 1)
    return host, int(port)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--connect", required=True, type=address)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--recording")
    options = parser.parse_args()
    os.nice(19)
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    attacker = Attacker(options)
    getattr(attacker, options.kind)()
    print(json.dumps({"connections": attacker.connections, "bytes": attacker.bytes,
                      "ended": attacker.ended}))


if __name__ == "__main__":
    sys.exit(main())
