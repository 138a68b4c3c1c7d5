# SPDX-License-Identifier: Apache-2.0
"""A hundred thousand forged, flipped and replayed records against a live gateway: nothing is published,
nothing is acknowledged, and healthy devices of both suites lose and wait for nothing.

MEDSEC_FORGERIES=N asks for N records instead of the number below."""

import json
import multiprocessing
import os
import random
import socket
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[1:1] = [os.path.join(HERE, "..", folder) for folder in ("support", "interop")]
import harness
from medsec1 import records
from medsec1.link import Closed, Link
from medsec1_device import Device

WORKERS = 2
SEED = 20261121
HEALTHY_WAIT_S = 2.0  # of a healthy device for one acknowledgement
COMPUTE_S = 3


def forgeries():
    return int(os.environ.get("MEDSEC_FORGERIES", "4000" if harness.sanitized() else "100000"))


class Forger:
    """One process of the attacker, who has recordings and the credential of a device that is no longer
    good for anything, and sends from many addresses."""

    def __init__(self, number, address, flights):
        self.random = random.Random(SEED + number)
        self.address, self.flights, self.number = address, flights, number
        self.sent = self.answered = self.open = self.connections = 0

    def connect(self):
        self.connections += 1
        source = "127.1.%d.%d" % (self.number, 1 + self.connections % 250)
        return Link.to(self.address, source)

    def flip(self, record):
        data = bytearray(record)
        data[self.random.randrange(records.HEADER, len(data))] ^= 1 << self.random.randrange(8)
        return bytes(data)

    def forged_hello(self):
        """Flipped, or invented whole."""
        hello = self.random.choice(self.flights)[0]
        return [self.flip(hello) if self.random.random() < 0.5
                else hello[:records.HEADER] + self.random.randbytes(len(hello) - records.HEADER)]

    def forged_data(self):
        """A record of a session that there is not."""
        return [records.record(records.DATA, 0,
                               self.random.randbytes(16 * self.random.randrange(2, 9)))]

    def replayed_flight(self):
        """A genuine HELLO, which is answered, and then a recorded record, as it was or flipped."""
        flight = self.random.choice(self.flights)
        record = self.random.choice(flight[1:])
        return [flight[0], record if self.random.random() < 0.5 else self.flip(record)]

    def attack(self, flight):
        link = self.connect()
        try:
            link.send(b"".join(flight))
            while True:
                kind, _, _ = link.receive()
                self.answered += kind != records.WELCOME
        except (Closed, ConnectionError):
            pass
        except socket.timeout:
            self.open += 1
        finally:
            link.close()
        self.sent += len(flight)

    def run(self, count):
        while self.sent < count:
            self.attack(self.random.choices([self.forged_hello, self.forged_data,
                                             self.replayed_flight], [6, 1, 3])[0]())
        return self.sent, self.connections, self.answered, self.open


def forge(arguments):
    number, address, flights, count = arguments
    return Forger(number, address, flights).run(count)


def compute(seconds):
    """Takes from a machine what an attacker takes by his own work."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        random.randbytes(1000)


class Forgery(harness.GatewayTest):
    def setUp(self):
        super().setUp()
        self.subscriber = self.start_broker()
        self.victims = [self.registered("victim-%d" % n, suite)
                        for n, suite in enumerate(records.SUITES)]
        self.healthy = [self.registered("healthy-%d" % n, suite)
                        for n, suite in enumerate(records.SUITES)]
        self.gateway = self.proxy("--source-rate", "100000", "--source-burst", "100000")

    def registered(self, device_id, suite):
        self.registry.keygen("add", device_id, "--suite", suite, "--out", self.folder)
        device = Device.from_credential(os.path.join(self.folder, device_id + ".json"))
        self.addCleanup(device.close)
        return device

    def flight(self, device, batches=9):
        """What a genuine session looked like on the wire, all of it acknowledged."""
        device.connect(self.gateway.address)
        for _ in range(batches):
            device.sample(2)
            device.send_waiting()
            device.wait_acknowledged()
        device.link.shutdown()
        return list(device.link.sent)

    def published(self, device):
        return [(reading["boot"], reading["seq"])
                for reading in map(json.loads, self.subscriber.payloads(device.topic("Reading")))]

    def topics(self):
        """What is published of the victims, their comings and goings apart."""
        return [m.topic for victim in self.victims for m in self.subscriber.of_device(victim.id)
                if not m.topic.endswith("/Status")]

    def longest_wait(self, task):
        """Of the healthy devices for an acknowledgement, until that is done."""
        longest = 0.0
        while not task.ready():
            for device in self.healthy:
                begin = time.monotonic()
                device.sample()
                device.send_waiting()
                device.wait_acknowledged()
                longest = max(longest, time.monotonic() - begin)
            task.wait(0.05)
        return longest

    def test_flood(self):
        flights = [self.flight(victim) for victim in self.victims for _ in range(3)]
        for device in self.healthy:
            device.connect(self.gateway.address)
        time.sleep(0.5)
        before = self.topics()
        share = forgeries() // WORKERS
        with multiprocessing.get_context("fork").Pool(WORKERS) as pool:
            usual = self.longest_wait(pool.map_async(compute, [COMPUTE_S] * WORKERS))
            attack = pool.map_async(forge, [(n, self.gateway.address, flights, share)
                                            for n in range(WORKERS)])
            longest = self.longest_wait(attack)
            sent, connections, answered, still_open = map(sum, zip(*attack.get()))
        time.sleep(0.5)
        print("%d forged records on %d connections: %d answered, %d connections left open; healthy "
              "devices waited at most %.0f ms for an acknowledgement of %d readings, %.0f ms beside "
              "processes that only compute"
              % (sent, connections, answered, still_open, longest * 1000,
                 sum(device.next_seq for device in self.healthy), usual * 1000))
        self.assertGreaterEqual(sent, forgeries())
        self.assertEqual(answered, 0, "acknowledged")
        self.assertEqual(still_open, 0, "connections that were not closed")
        self.assertEqual(self.topics(), before, "published")
        self.assertLess(longest, HEALTHY_WAIT_S * (5 if harness.sanitized() else 1) + 10 * usual)
        for device in self.healthy:
            self.subscriber.wait_payloads(device.topic("Reading"), device.next_seq)
            self.assertEqual(self.published(device), [(device.boot, seq) for seq in range(device.next_seq)])
        self.assertTrue(self.gateway.alive())


if __name__ == "__main__":
    harness.main()
