# SPDX-License-Identifier: Apache-2.0
"""Every bad input that the seed's server is known to die of, against a live gateway, while a healthy
device sends on beside it and loses nothing."""

import json
import os
import random
import sys
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[1:1] = [os.path.join(HERE, "..", folder) for folder in ("support", "interop")]
import harness
from seed_device import SeedDevice, encode, reading, text_of

RATE_HZ = 20
GOOD = text_of(reading("1.755", Temp="36.617"))
# Inputs come slower than the log's budget of lines a second for one event, to see each one logged.
PACE_S = 0.06


class HealthyDevice(threading.Thread):
    """Sends a reading with a pulse of its own 20 times a second until it is told to stop."""

    def __init__(self, device, address):
        super().__init__()
        self.device, self.done = device.connect(address), threading.Event()

    def run(self):
        number = 0
        while not self.done.wait(1 / RATE_HZ):
            number += 1
            self.device.send(reading("%d.%03d" % divmod(number, 1000)))

    def finish(self):
        self.done.set()
        self.join()


def with_member(name, value):
    """The text of a good reading with one member written this way."""
    values = json.loads(GOOD)
    return "{" + ",".join('"%s":%s' % (key, value if key == name else '"%s"' % text)
                          for key, text in values.items()) + "}"


def flipped(frame, at, bit):
    return frame[:at] + bytes([frame[at] ^ (1 << bit)]) + frame[at + 1:]


class BadInput(harness.GatewayTest):
    def setUp(self):
        super().setUp()
        self.subscriber = self.start_broker()
        victim = self.registry.add("victim")
        self.other = SeedDevice.from_credential(self.registry.add("other"))
        self.victim = SeedDevice.from_credential(victim)
        self.chained = SeedDevice.from_credential(victim, chained=True)
        healthy = self.device("healthy")
        self.gateway = self.proxy("--log-level", "debug")
        self.healthy = HealthyDevice(healthy, self.gateway.address)
        self.healthy.start()
        self.addCleanup(self.healthy.finish)

    def assert_undisturbed(self):
        harness.wait_until(lambda: len(self.healthy.device.sent) >= 10)
        self.healthy.finish()
        self.assertGreaterEqual(len(self.healthy.device.sent), 10)
        self.assert_published(self.subscriber, self.healthy.device)
        self.assertTrue(self.gateway.alive())

    def assert_no_secret_in_log(self):
        log = self.gateway.words()
        for device in (self.victim, self.other, self.healthy.device):
            for secret in (device.key, device.iv):
                self.assertNotIn(secret, log)
                self.assertNotIn(secret.encode().hex(), log.lower())
        for plaintext in ("36.617", "1.755", "36.600", "PulseSig", "Acel_"):
            self.assertNotIn(plaintext, log)

    def of_victim(self):
        return self.subscriber.payloads("Pico/victim/Physiological_Data/Temperature")

    def log_of(self, port):
        """The log records that name this peer."""
        return [record for record in self.gateway.records()
                if str(record.get("peer", "")).endswith(":%d" % port)]

    def send(self, data):
        device = SeedDevice("victim", "", "").connect(self.gateway.address)
        self.addCleanup(device.close)
        device.send_raw(data)
        return device

    def check_rejected(self, data, reasons, readings=0):
        """Sends `data` on a new connection: `readings` are published, then it is closed, and the
        log has one line with one of these reasons."""
        time.sleep(PACE_S)
        before = len(self.of_victim())
        device = self.send(data)
        self.assertTrue(device.closed_by_peer(), "the connection stays open")
        port = device.local_port()
        device.close()
        rejected = harness.wait_until(
            lambda: [r for r in self.log_of(port) if r["event"] == "rejected"])
        self.assertEqual(len(rejected), 1, "log lines: %r" % self.log_of(port))
        self.assertIn(rejected[0]["reason"], reasons)
        self.subscriber.wait(lambda _: len(self.of_victim()) >= before + readings)
        self.assertEqual(len(self.of_victim()) - before, readings)

    def check_accepted(self, data, texts):
        """Sends `data`: exactly these readings are published, and the connection stays open."""
        before = len(self.of_victim())
        device = self.send(data)
        wanted = [json.loads(text)["Temp"] for text in texts]
        self.subscriber.wait(lambda _: len(self.of_victim()) >= before + len(wanted))
        self.assertEqual(self.of_victim()[before:], wanted)
        self.assertFalse(device.closed_by_peer(0.05))
        device.close()

    def test_what_the_seed_dies_of_but_is_right(self):
        victim, chained = self.victim, self.chained
        texts = [text_of(reading("0.%03d" % n, Temp="36.%03d" % n)) for n in range(20)]
        repeated = text_of(reading("1.000", Note="x" * 96))
        long_text = text_of(reading("1.000", Note="y" * 880))
        three_steps = text_of(reading("1.755", Acel_x="-0.300", Acel_y="-0.300", Acel_z="-0.300"))
        self.assertEqual(len(three_steps), 128)
        cases = [
            ("two frames in one segment", texts[:2]),
            ("20 frames", texts),
            ("a text of 128 bytes", [three_steps]),
            ("a text of nearly 64 blocks", [long_text]),
            ("a repeated block", [repeated, repeated]),
            ("white space and another order", [
                '{ "TempMpu" : "23.4", "Temp":"37.1",\t"TempMcu":"1", "PulseSig":"1",'
                '"Acel_x":"0","Acel_y":"0","Acel_z":"-0.00" }']),
        ]
        for name, case in cases:
            for device in (victim, chained):
                with self.subTest(name, chained=device.chained):
                    self.check_accepted(b"".join(device.encode(text) for text in case), case)
        self.assert_undisturbed()

    def test_bytes_that_are_no_frames(self):
        frame = self.victim.encode(GOOD)
        cases = [
            ("HTTP", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", {"wire"}),
            ("0xff", b"\xff" * 300, {"wire"}),
            ("0x00", b"\0", {"wire"}),
            ("a line end", b"\r\n", {"wire"}),
            ("TLS hello", bytes.fromhex("1603010200010001fc0303"), {"wire"}),
            ("a plus first", b"+" + frame, {"wire"}),
            ("text before the first frame", b"6.6.6.6&66" + frame, {"frame"}),
            ("aa+bb", b"aa+bb", {"frame"}),
            ("a digit that is none", frame[:20] + b"g" + frame[21:], {"frame"}),
            ("a line end after a frame", frame + b"\n" + frame, {"frame"}, 1),
            ("two plus", frame[:32] + b"+" + frame[32:] + frame, {"frame"}),
            ("a plus after the last block", frame + b"+" + frame, {"frame", "crypto"}, 1),
            ("random hex digits", b"0123456789abcdef" * 40, {"unknown-device"}),
        ]
        for name, data, *expected in cases:
            with self.subTest(name):
                self.check_rejected(data, *expected)
        self.assert_undisturbed()
        self.assert_no_secret_in_log()

    def test_keys_that_do_not_fit(self):
        frame, other = self.victim.encode(GOOD), self.other.encode(GOOD)
        unknown = encode(GOOD, "k" * 16, self.victim.iv)
        wrong_iv = encode(GOOD, self.victim.key, "i" * 16)
        self.check_rejected(unknown, {"unknown-device"})
        self.check_rejected(wrong_iv, {"unknown-device"})
        with self.subTest("another registered device on an identified connection"):
            self.check_rejected(frame + other, {"crypto"}, 1)
        with self.subTest("the other chaining on an identified connection"):
            self.check_rejected(frame + self.chained.encode(GOOD), {"crypto"}, 1)
            self.check_rejected(self.chained.encode(GOOD) + frame, {"crypto"}, 1)
        self.assert_undisturbed()
        self.assert_no_secret_in_log()

    def test_one_flipped_bit(self):
        generator = random.Random(4)
        for device in (self.victim, self.chained):
            frame = device.encode(GOOD)
            for _ in range(12):
                at, bit = generator.randrange(len(frame)), generator.randrange(8)
                bad = flipped(frame, at, bit)
                if bad.lower() == frame:
                    continue
                with self.subTest(at=at, bit=bit, chained=device.chained):
                    self.check_rejected(bad + frame, {"frame", "crypto", "unknown-device", "wire"})
        self.assert_undisturbed()
        self.assert_no_secret_in_log()

    def test_texts_that_are_no_readings(self):
        malformed = {"crypto", "syntax"}
        values = json.loads(GOOD)
        del values["Acel_y"]
        nested = GOOD[:-1] + ',"Note":{"a":"1"}}'
        cases = [
            ("NaN", with_member("PulseSig", '"NaN"'), malformed),
            ("1e999", with_member("PulseSig", '"1e999"'), malformed),
            ("plus sign", with_member("PulseSig", '"+1.0"'), malformed),
            ("no digits", with_member("PulseSig", '""'), malformed),
            ("a point only", with_member("PulseSig", '"."'), malformed),
            ("two points", with_member("PulseSig", '"1.2.3"'), malformed),
            ("a bare number", with_member("PulseSig", "1.0"), malformed),
            ("null", with_member("PulseSig", "null"), malformed),
            ("a control character", with_member("PulseSig", '"1\x01"'), malformed),
            ("an escape", with_member("PulseSig", '"\\u0031"'), malformed),
            ("a topic", with_member("PulseSig", '"1/../+/#"'), malformed),
            ("10 digits", with_member("PulseSig", '"1234567890"'), {"number"}),
            ("7 decimals", with_member("PulseSig", '"0.1234567"'), {"number"}),
            ("duplicate", GOOD[:-1] + ',"PulseSig":"9.000"}', malformed | {"duplicate-member"}),
            ("missing member", text_of(values), {"missing-member"}),
            ("a nested object", nested, malformed),
            ("not an object", "[" + GOOD + "]", {"unknown-device"}),
            ("no text at all", "", {"unknown-device"}),
            ("more than 64 blocks", GOOD[:-1] + ',"Note":"%s"}' % ("z" * 1100), {"limit"}),
            ("17 unknown members",
             GOOD[:-1] + "".join(',"n%d":"1"' % n for n in range(17)) + "}", malformed | {"limit"}),
        ]
        for name, text, reasons in cases:
            for device in (self.victim, self.chained):
                with self.subTest(name, chained=device.chained):
                    # A good frame behind it, so that one that never seems to end is seen too.
                    self.check_rejected(device.encode(text) + device.encode(GOOD), reasons)
        self.assert_undisturbed()
        self.assert_no_secret_in_log()

    def test_unknown_members_are_ignored(self):
        text = GOOD[:-1] + ',"Battery":"87","Note":"hello","Charging":true,"Count":3,"None":null}'
        self.check_accepted(self.victim.encode(text), [text])
        self.assert_undisturbed()

    def test_every_truncation_publishes_nothing(self):
        frame = self.victim.encode(GOOD)
        for end in range(0, len(frame), 13):
            device = self.send(frame[:end])
            device.close()
        time.sleep(0.3)
        self.assertEqual(self.of_victim(), [])
        self.assert_undisturbed()

    def test_what_this_wire_cannot_tell(self):
        """Recorded and spliced frames need no key. They are published; the status says that nothing
        is authenticated and that there is a second session, and the device's own goes on."""
        hot = self.victim.encode(text_of(reading("1.755", Temp="41.500"))).split(b"+")
        good = self.victim.encode(GOOD)
        own = SeedDevice("victim", self.victim.key, self.victim.iv).connect(self.gateway.address)
        self.addCleanup(own.close)
        own.send(json.loads(GOOD))
        spliced = b"+".join(hot[:1] + good.split(b"+")[1:])
        self.assertEqual(len(self.subscriber.wait_payloads(
            "Pico/victim/Physiological_Data/Temperature", 1)), 1)
        self.check_accepted(good, [GOOD])
        self.check_accepted(spliced, [text_of({"Temp": "41.500"})])
        own.send(json.loads(GOOD))
        self.assertEqual(len(self.subscriber.wait_payloads(
            "Pico/victim/Physiological_Data/Temperature", 4)), 4)
        status = [json.loads(m.payload) for m in self.subscriber.of_device("victim")
                  if m.topic.endswith("/Status")]
        self.assertIs(status[0]["authenticated"], False)
        self.assertIn(2, [one["sessions"] for one in status])
        self.assertTrue(self.gateway.events("second-session"))
        self.assert_undisturbed()

    @unittest.skipIf(os.geteuid() != 0, "the gateway shows its descriptors to root alone")
    def test_nothing_is_left_of_a_closed_connection(self):
        self.assertEqual(len(self.gateway.listening_ports()), 1, "there is no internal port")
        self.assertTrue(self.subscriber.wait(lambda _: self.subscriber.of_device("healthy")))
        before = len(self.gateway.sockets())
        for _ in range(50):
            self.send(b"GET / HTTP/1.1\r\n").close()
        self.assertTrue(harness.wait_until(lambda: len(self.gateway.sockets()) <= before))
        children = "/proc/%d/task/%d/children" % (self.gateway.pid, self.gateway.pid)
        with open(children, encoding="ascii") as file:
            self.assertEqual(file.read(), "")
        self.assert_undisturbed()


class Registration(harness.GatewayTest):
    def test_bad_device_ids(self):
        for device_id in ("a/b", "..", ".", "+", "#", "a+", "$SYS", "", "x" * 65, "x" * 70000, "a b"):
            with self.subTest(device_id[:20]):
                done = self.registry.keygen("add", device_id, "--wire", "seed", check=False)
                self.assertNotEqual(done.returncode, 0)
        self.assertEqual(self.registry.keygen("list").stdout.count("active"), 0)

    def test_key_file_with_bad_lines(self):
        done = self.registry.import_keys(
            '{ "id":"good-1", "key":"0f9a8b7c6d5e4f3a", "iv":"1029384756abcdef"}\n'
            "\n# comment\n"
            '{ "id":"short", "key":"0f9a8b7c6d5e4f3", "iv":"1029384756abcdef"}\n'
            '{ "id":"a/b", "key":"0f9a8b7c6d5e4f31", "iv":"1029384756abcdef"}\n'
            '{ "id":"sample", "key":"1234567890123456", "iv":"AAAAAAAAAAAAAAAA"}\n'
            "not json\n"
            '{ "id":"good-2", "key":"0f9a8b7c6d5e4f32", "iv":"2029384756abcdef"}\n', check=False)
        self.assertEqual(done.returncode, 1)
        for line in (4, 5, 6, 7):
            self.assertRegex(done.stderr, r"\b%d\b" % line)
        self.assertNotIn("0f9a8b7c6d5e4f3", done.stdout + done.stderr)
        listed = self.registry.keygen("list").stdout
        for name, there in (("good-1", True), ("good-2", True), ("short", False), ("sample", False)):
            self.assertEqual(name in listed, there, name)


if __name__ == "__main__":
    harness.main()
