# SPDX-License-Identifier: Apache-2.0
"""medsec-sim against an independent medsec/1 gateway."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
from medsec1 import messages, noise, records
from medsec1_device import Device
from medsec1_gateway import Connection, Gateway, Identity

NOT_ACKNOWLEDGED = 4


class SimTest(unittest.TestCase):
    connection_type = Connection

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="medsec-test-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.gateway = Gateway()
        self.gateway.connection_type = self.connection_type
        self.addCleanup(self.gateway.close)

    def device(self, suite=records.CBC_HS256, device_id="device"):
        device = Device(device_id, noise.KeyPair(), os.urandom(32), self.gateway.static.public,
                        suite)
        device.path = device.credential(os.path.join(self.folder, device_id + ".json"))
        device.identity = self.gateway.add(Identity.of(device))
        return device

    def begin(self, device, count, *arguments):
        return subprocess.Popen(
            [harness.tool("medsec-sim"), "--connect", "%s:%d" % self.gateway.address,
             "--credentials", device.path, "--count", str(count), "--rate", "200", "--boot", "7",
             "--json", *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)

    def end(self, simulator, status=0):
        try:
            out, err = simulator.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            simulator.kill()
            out, err = simulator.communicate()
        self.assertEqual(simulator.returncode, status, err)
        return json.loads(out)

    def simulate(self, device, count, *arguments, status=0):
        return self.end(self.begin(device, count, *arguments), status)

    def numbers(self):
        return [(boot, seq) for _, boot, seq, _, _ in self.gateway.published()]

    def wanted(self, count):
        return [(7, seq) for seq in range(count)]


class Readings(SimTest):
    def test_are_sent_in_order_and_freed_by_acknowledgements(self):
        for suite in records.SUITES.values():
            with self.subTest(suite=suite):
                device = self.device(suite, "device-%d" % suite)
                recording = os.path.join(self.folder, "recording")
                summary = self.simulate(device, 60, "--batch", "7", "--record", recording)
                self.assertEqual((summary["acknowledged"], summary["unacknowledged"]), (60, 0))
                connection = self.gateway.connections[-1]
                self.assertEqual(connection.boot, 7)
                self.assertEqual(connection.features, 0)
                self.assertEqual([reading[:2] for reading in connection.published],
                                 self.wanted(60))
                self.assertEqual(connection.messages[-1], messages.Close(0))
                with open(recording, "rb") as file:
                    self.assertEqual(file.read(), b"".join(connection.link.received))
                self.assert_times(connection)

    def assert_times(self, connection):
        times = [time_ms for _, _, time_ms, _ in connection.published]
        self.assertEqual(times, sorted(times))
        now = time.time() * 1000
        self.assertTrue(all(now - 60000 < each <= now + 1000 for each in times), times)
        sizes = [len(message.rows) for message in connection.messages[:-1]]
        self.assertLessEqual(max(sizes), 7)
        self.assertEqual({message.time_quality for message in connection.messages[:-1]}, {1})

    def test_without_acknowledgement_are_sent_again(self):
        device = self.device()
        self.gateway.acknowledge, self.gateway.patience = False, 2
        simulator = self.begin(device, 60, "--batch", "5", "--wait", "30")
        self.assertTrue(self.gateway.wait(
            lambda: sum(each.finished for each in self.gateway.connections) >= 2, 20))
        self.gateway.acknowledge, self.gateway.patience = True, None
        summary = self.end(simulator)
        self.assertEqual(summary["acknowledged"], 60)
        self.assertGreater(summary["resent"], 0)
        self.assertEqual(sorted(set(self.numbers())), self.wanted(60))
        values = {}
        for _, _, seq, *reading in self.gateway.published():
            self.assertEqual(values.setdefault(seq, reading), reading)  # the same when sent again

    def test_never_acknowledged_are_told(self):
        self.gateway.acknowledge = False
        summary = self.simulate(self.device(), 10, "--wait", "1", status=NOT_ACKNOWLEDGED)
        self.assertEqual((summary["acknowledged"], summary["unacknowledged"]), (0, 10))


class Commanding(Connection):
    """Commands after the first message: something to apply, then something to refuse."""

    def readings(self, message):
        super().readings(message)
        if len(self.messages) == 1:
            self.send_message(messages.Config(1, {2: 3, 3: 20}))
            self.send_message(messages.Config(2, {1: 0}))
            self.send_message(messages.Config(3, {}))


class Control(SimTest):
    connection_type = Commanding

    def test_config_is_applied_or_refused_and_answered(self):
        self.simulate(self.device(), 100, "--batch", "20")
        found = self.gateway.connections[0].messages
        answers = [message for message in found if isinstance(message, messages.ConfigAck)]
        self.assertEqual(answers, [messages.ConfigAck(1, 0), messages.ConfigAck(2, 1),
                                   messages.ConfigAck(3, 0)])
        after = [message for message in found[found.index(answers[0]):]
                 if isinstance(message, messages.Readings)]
        self.assertLessEqual(max(len(message.rows) for message in after), 3)
        self.assertEqual(self.numbers(), self.wanted(100))


class Hostile(Connection):
    """The first connections get what `tricks` says instead of what is right."""

    tricks = []

    def trick(self):
        at = self.gateway.connections.index(self)
        return self.tricks[at] if at < len(self.tricks) else None

    def send_welcome(self, flags, body):
        trick = self.trick()
        if trick == "changed welcome":
            body = body[:-1] + bytes([body[-1] ^ 1])
        if trick == "another gateway's welcome":
            body = os.urandom(32) + body[32:]
        if trick == "welcome of another suite":
            flags ^= 3
        super().send_welcome(flags, body)

    def send_message(self, message):
        trick = self.trick()
        if isinstance(message, messages.Ack):
            if trick == "future ack":
                message = message._replace(seq=message.seq + 1)
            if trick == "ack of another boot":
                message = message._replace(boot=8)
            if trick == "malformed ack":
                message = messages.encode(message) + b"\0"
            if trick == "readings":
                message = messages.encode_raw(1, [7, 0, 0, 1, 1, [[0] * 8]])
            if trick == "skipped number":
                self.outgoing.seq += 1
            if trick == "wrong key":
                self.outgoing = records.Direction(self.identity.suite, bytes(32))
            if trick == "flags":
                sealed = bytearray(self.outgoing.seal(messages.encode(message)))
                sealed[1] = 1
                self.link.send(bytes(sealed))
                return
        super().send_message(message)


class Attacks(SimTest):
    connection_type = Hostile
    WELCOMES = ["changed welcome", "another gateway's welcome", "welcome of another suite"]
    RECORDS = ["future ack", "ack of another boot", "malformed ack", "readings", "skipped number",
               "wrong key", "flags"]

    def assert_survived(self, tricks):
        Hostile.tricks = tricks
        for suite in records.SUITES.values():
            device = self.device(suite, "device-%d" % suite)
            self.gateway.connections.clear()
            summary = self.simulate(device, 20, "--wait", "40")
            self.assertEqual(summary["acknowledged"], 20)
            self.assertEqual(summary["faults"], len(tricks))
            self.assertEqual(len(self.gateway.connections), len(tricks) + 1)
            self.assertEqual([reading[:2] for reading in self.gateway.connections[-1].published],
                             self.wanted(20))

    def test_a_welcome_that_is_not_right_gets_no_reading(self):
        self.assert_survived(self.WELCOMES)
        for connection in self.gateway.connections[:-1]:
            self.assertEqual(len(connection.link.received), 1)

    def test_a_record_that_is_not_right_frees_no_reading(self):
        for trick in self.RECORDS:
            with self.subTest(trick):
                self.assert_survived([trick])

    def test_another_gateway_key_gets_nothing(self):
        device = self.device()
        device.gateway_public = noise.KeyPair().public
        device.credential(device.path)
        self.simulate(device, 5, "--wait", "1", "--patience", "2", status=NOT_ACKNOWLEDGED)
        self.assertEqual(self.gateway.published(), [])
        self.assertEqual(sum(len(each.link.sent) for each in self.gateway.connections), 0)


if __name__ == "__main__":
    harness.main()
