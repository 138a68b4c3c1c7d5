# SPDX-License-Identifier: Apache-2.0
"""Recorded traffic of the published seed system gives the messages that its own server gave."""

import os
import random
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[1:1] = [os.path.join(HERE, "..", folder) for folder in ("support", "interop")]
import harness
import json
from seed_device import TOPICS, SeedDevice

# The seed's sample key file; the captures were recorded with it.
SAMPLE_KEYS = (
    '{ "id":"iot_med_dev_01", "key":"1234567890123456", "iv":"AAAAAAAAAAAAAAAA"}\n'
    '{ "id":"iot_med_dev_02", "key":"AAAAAAAAAAAAAAAA", "iv":"AAAAAAAAAAAAAAAA"}\n'
    '{ "id":"iot_med_dev_03", "key":"BBBBBBBBBBBBBBBB", "iv":"AAAAAAAAAAAAAAAA"}\n')
DIGITS_MAX, DECIMALS_MAX = 9, 6


def canonical(text):
    """The text that is published for a value, or None when it has too many digits."""
    sign, whole, decimals = re.fullmatch(r"(-?)([0-9]+)(?:\.([0-9]+))?", text).groups(default="")
    whole = whole.lstrip("0")
    if len(decimals) > DECIMALS_MAX or len(whole) + len(decimals) > DIGITS_MAX:
        return None
    return sign + (whole or "0") + ("." + decimals if decimals else "")


def published(text):
    """The seven payloads of a reading in order, or None when it is refused."""
    values = json.loads(text)
    payloads = [canonical(values[member]) for member, _ in TOPICS]
    return None if None in payloads else payloads


class Captures(harness.GatewayTest):
    def setUp(self):
        super().setUp()
        self.captures = harness.vectors("seed", "captures")
        self.subscriber = self.start_broker()

    def send(self, device, chunks):
        device.connect(self.gateway.address)
        self.addCleanup(device.close)
        for chunk in chunks:
            device.send_raw(chunk)

    def read(self, number, suffix):
        with open(os.path.join(self.captures, "dev%d.%s" % (number, suffix)), "rb") as file:
            return file.read()

    def check_capture(self, number, cut):
        """Sends capture `number` as the pieces that `cut` makes of it, compares every message."""
        device = SeedDevice("iot_med_dev_%02d" % number, "", "")
        expected = harness.json_lines(os.path.join(self.captures, "dev%d.mqtt.jsonl" % number))
        before = len(self.vitals(device.id))
        self.send(device, cut(self.read(number, "bin")))
        self.subscriber.wait(lambda _: len(self.vitals(device.id)) - before >= len(expected))
        own = {"Ip_address": harness.HOST, "Port_address": str(device.local_port()),
               "Internal_Server/Ip_address": harness.HOST,
               "Internal_Server/Port_address": str(self.gateway.address[1])}
        wanted = []
        for row in expected:
            suffix = row["topic"].split("/", 2)[2]
            wanted.append((row["topic"], own.get(suffix, row["payload"]), row["qos"], row["retain"]))
        got = [(m.topic, m.payload, m.qos, int(m.retain)) for m in self.vitals(device.id)[before:]]
        self.assertEqual(len(got), len(wanted))
        self.assertEqual(got, wanted)

    def vitals(self, device_id):
        """Messages of a device but for the retained ones, which the seed does not have."""
        return [m for m in self.subscriber.of_device(device_id)
                if not m.topic.endswith(("/Status", "/Profile"))]

    def test_captures(self):
        generator = random.Random(3)

        def random_pieces(data):
            at = 0
            while at < len(data):
                size = generator.randint(1, 600)
                yield data[at:at + size]
                at += size

        self.registry.import_keys(SAMPLE_KEYS, "--allow-sample-keys")
        self.gateway = self.proxy()
        for number in (1, 2, 3):
            with self.subTest(capture=number, sent="whole"):
                self.check_capture(number, lambda data: [data])
            with self.subTest(capture=number, sent="in random pieces"):
                self.check_capture(number, random_pieces)
        with self.subTest(capture=1, sent="byte by byte"):
            self.check_capture(1, lambda data: (data[i:i + 1] for i in range(len(data))))

    def register(self, rows):
        """Imports the keys of vector rows; returns the device id of each key."""
        ids = {}
        for row in rows:
            ids.setdefault((row["key"], row["iv"]), "vector-%d" % len(ids))
        self.registry.import_keys("".join(
            json.dumps({"id": name, "key": key, "iv": iv}) + "\n"
            for (key, iv), name in ids.items()), "--allow-sample-keys")
        self.gateway = self.proxy()
        return ids

    def payloads(self, device_id, count):
        """The first `count` readings of a device as they were published."""
        topics = ["Pico/%s/%s" % (device_id, suffix) for _, suffix in TOPICS]
        columns = [self.subscriber.wait_payloads(topic, count) for topic in topics]
        return [list(row) for row in zip(*columns)]

    def check_rows(self, names, texts_of, wire_of):
        """Sends the wire of each row on a connection of its own; readings up to the first one with
        too many digits are published, and that one closes the connection."""
        rows = [row for name in names for row in
                harness.json_lines(harness.vectors("seed", name + ".jsonl"))]
        ids = self.register(rows)
        sent = {}
        for row in rows:
            device = SeedDevice(ids[row["key"], row["iv"]], row["key"], row["iv"])
            expected = sent.setdefault(device.id, [])
            self.send(device, [wire_of(row).encode()])
            for text in texts_of(row):
                if published(text) is None:
                    self.assertTrue(device.closed_by_peer(), "%s stays open" % text)
                    break
                expected.append(published(text))
            self.assertEqual(self.payloads(device.id, len(expected)), expected)
            device.close()
        self.assertTrue(self.gateway.alive())
        return sum(len(expected) for expected in sent.values())

    def test_streams(self):
        names = ("streams_pseudo", "streams_pico")
        self.assertGreater(self.check_rows(names, lambda r: r["jsons"], lambda r: r["stream"]), 20)

    def test_single_frames(self):
        names = ("pseudo", "pico")
        self.assertGreater(self.check_rows(names, lambda r: [r["json"]], lambda r: r["wire"]), 100)


if __name__ == "__main__":
    harness.main()
