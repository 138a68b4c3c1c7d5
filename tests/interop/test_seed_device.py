# SPDX-License-Identifier: Apache-2.0
"""An independent seed device against the seed's vectors, medsec-proxy, and what medsec-sim sends."""

import json
import os
import random
import re
import socket
import subprocess
import sys
import threading
import unittest

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
import seed_device
from seed_device import SeedDevice, decode_stream, encode, reading

VARIANTS = [(chained, upper) for chained in (False, True) for upper in (False, True)]


def some_readings(count, generator):
    return [reading("%.3f" % generator.uniform(-1, 2), Temp="%.3f" % generator.uniform(35, 41),
                    Acel_x="%.2f" % generator.uniform(-1, 0)) for _ in range(count)]


def pieces(data, generator):
    """`data` cut at random places, often inside a block."""
    at = 0
    while at < len(data):
        size = generator.choice((1, 2, 16, 31, 33, 100, 263, 264, 1460))
        yield data[at:at + size]
        at += size


class AgainstVectors(unittest.TestCase):
    def test_single_frames(self):
        for name, chained in (("pseudo", False), ("pico", True)):
            for row in harness.json_lines(harness.vectors("seed", name + ".jsonl")):
                wire = encode(row["json"], row["key"], row["iv"], chained)
                self.assertEqual(wire.decode(), row["wire"])
                self.assertEqual(decode_stream(wire, row["key"], row["iv"], chained), [row["json"]])

    def test_streams(self):
        for name, chained in (("pseudo", False), ("pico", True)):
            for row in harness.json_lines(harness.vectors("seed", "streams_%s.jsonl" % name)):
                texts = decode_stream(row["stream"].encode(), row["key"], row["iv"], chained)
                self.assertEqual(texts, row["jsons"])


class AgainstProxy(harness.GatewayTest):
    def setUp(self):
        super().setUp()
        self.subscriber = self.start_broker()
        self.generator = random.Random(1)
        self.devices = [self.device("device-%d" % number, chained=chained, upper=upper)
                        for number, (chained, upper) in enumerate(VARIANTS)]
        gateway = self.proxy()
        for device in self.devices:
            device.connect(gateway.address)

    def test_a_frame_a_segment(self):
        for device in self.devices:
            for values in some_readings(60, self.generator):
                device.send(values)
            self.assert_published(self.subscriber, device)

    def test_split_and_joined_anywhere(self):
        for device in self.devices:
            device.sent = some_readings(60, self.generator)
            stream = b"".join(device.frame(values) for values in device.sent)
            for piece in pieces(stream, self.generator):
                device.send_raw(piece)
            self.assert_published(self.subscriber, device)

    def test_every_length_of_the_last_block(self):
        for device in self.devices:
            for extra in range(17):
                device.send(reading("1.000", Note="x" * extra))
            self.assert_published(self.subscriber, device)


class OfSimulator(harness.GatewayTest):
    def setUp(self):
        super().setUp()
        self.credential = self.registry.add("simulated")
        self.device = SeedDevice.from_credential(self.credential)

    def record(self, wire, count, *arguments):
        """Runs medsec-sim against a bare socket; returns the bytes that came, and compares them
        with those that it recorded itself."""
        recording = os.path.join(self.folder, "recording")
        received = []
        with socket.create_server((harness.HOST, 0)) as server:
            thread = threading.Thread(target=self.receive, args=(server, received))
            thread.start()
            done = subprocess.run(
                [harness.tool("medsec-sim"), "--connect", "%s:%d" % server.getsockname(),
                 "--credentials", self.credential, "--wire", wire, "--rate", "100",
                 "--count", str(count), "--record", recording, *arguments],
                capture_output=True, text=True, timeout=60)
            thread.join()
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(recording, "rb") as file:
            self.assertEqual(file.read(), b"".join(received))
        os.remove(recording)
        return b"".join(received)

    @staticmethod
    def receive(server, received):
        server.settimeout(seed_device.TIMEOUT)
        connection, _ = server.accept()
        with connection:
            while data := connection.recv(65536):
                received.append(data)

    def assert_readings(self, texts, count):
        self.assertEqual(len(texts), count)
        for text in texts:
            values = json.loads(text)
            self.assertEqual(tuple(values), seed_device.MEMBERS)
            self.assertNotIn(" ", text)
            for value in values.values():
                self.assertRegex(value, r"^-?[0-9]+\.[0-9]{2,3}$")

    def test_streams_of_both_chainings(self):
        for wire, chained in (("seed", False), ("seed-chained", True)):
            with self.subTest(wire):
                stream = self.record(wire, 100)
                self.assertIsNone(re.search(rb"[^0-9a-f+]", stream))
                self.assert_readings(
                    decode_stream(stream, self.device.key, self.device.iv, chained), 100)

    def test_split_and_coalesced_streams_are_the_same(self):
        whole = self.record("seed", 40)
        for switch, size in (("--split", "7"), ("--coalesce", "5")):
            with self.subTest(switch):
                self.assertEqual(self.record("seed", 40, switch, size), whole)


if __name__ == "__main__":
    harness.main()
