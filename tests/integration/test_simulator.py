# SPDX-License-Identifier: Apache-2.0
"""medsec-sim on medsec/1 with the real gateway and a broker: every reading, once, and no attack."""

import json
import os
import subprocess
import sys
import time
import unittest

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness

BOOT = 77


class SimulatorTest(harness.GatewayTest):
    def setUp(self):
        super().setUp()
        self.devices = os.path.join(self.folder, "devices")
        os.mkdir(self.devices)
        self.subscriber = self.start_broker()
        self.gateway = None

    def add(self, name, *arguments):
        self.registry.keygen("add", name, "--out", self.devices, *arguments)
        return os.path.join(self.devices, name + ".json")

    def command(self, credentials, *arguments):
        if not self.gateway:  # it knows all devices from its start
            self.gateway = self.proxy()
        return [harness.tool("medsec-sim"), "--connect", "%s:%d" % self.gateway.address,
                "--credentials", credentials, "--boot", str(BOOT), "--json", *map(str, arguments)]

    def simulate(self, credentials, *arguments, code=0):
        """Runs the simulator; returns its summary."""
        done = subprocess.run(self.command(credentials, *arguments), capture_output=True, text=True,
                              timeout=120)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def readings(self):
        """What was published: device -> the objects of its readings, in order."""
        found = {}
        with self.subscriber.changed:
            messages = [m for m in self.subscriber.messages if m.topic.endswith("/Reading")]
        for message in messages:
            reading = json.loads(message.payload)
            self.assertEqual(message.topic, "Pico/%s/Reading" % reading["device"])
            found.setdefault(reading["device"], []).append(reading)
        return found

    def wait_readings(self, count):
        """The readings, when there are so many different ones; they are with the broker already."""
        def different():
            return {(name, r.get("boot"), r.get("seq"), r["time"] if "seq" not in r else 0)
                    for name, found in self.readings().items() for r in found}
        harness.wait_until(lambda: len(different()) >= count, 10, 0.1)
        return self.readings()

    def assert_all_published(self, summary, per_device=None):
        """What was acknowledged is published, from sequence 0 on without a gap; a reading that came
        twice is the same twice."""
        self.assertEqual((summary["unacknowledged"], summary["dropped"]), (0, 0), summary)
        self.assertEqual(summary["acknowledged"], summary["sampled"], summary)
        published = self.wait_readings(summary["acknowledged"])
        total = 0
        for name, found in published.items():
            by_sequence = {}
            for reading in found:
                self.assertEqual((reading["wire"], reading["boot"]), ("medsec/1", BOOT))
                self.assertEqual(by_sequence.setdefault(reading["seq"], reading), reading, name)
            self.assertEqual(sorted(by_sequence), list(range(len(by_sequence))), name)
            if per_device:
                self.assertEqual(len(by_sequence), per_device, name)
            total += len(by_sequence)
        self.assertEqual(total, summary["acknowledged"])
        return published

    def assert_nothing_published(self):
        time.sleep(0.3)
        self.assertEqual(self.readings(), {})


class NothingFails(SimulatorTest):
    def test_every_reading_exactly_once(self):
        self.registry.keygen("add", "dev", "--count", "20", "--out", self.devices)
        summary = self.simulate(self.devices, "--count", 60)
        published = self.assert_all_published(summary, 60)
        self.assertEqual((len(published), summary["acknowledged"]), (20, 1200))
        self.assertEqual([len(found) for found in published.values()], [60] * 20, "duplicates")
        for found in published.values():
            self.assertEqual([r["seq"] for r in found], list(range(60)), "order")
        self.assertEqual((summary["sessions"], summary["connections"], summary["faults"]),
                         (20, 20, 0))
        self.assertEqual((summary["resent"], summary["closed"], summary["skipped"]), (0, 0, 0))
        latency = summary["latency"]
        self.assertEqual(latency["count"], 1200)
        self.assertTrue(0 < latency["p50"] <= latency["p90"] <= latency["p99"] <= latency["max"])
        self.assertLess(latency["p99"], 3000)  # a second for the batch, and a busy machine

    def test_report_interval_bounds_the_latency(self):
        path = self.add("prompt")
        slow = self.simulate(path, "--count", 40)["latency"]
        fast = self.simulate(path, "--count", 40, "--report", 0)["latency"]
        self.assertGreater(slow["p50"], 200)
        self.assertLess(fast["p50"], slow["p50"] / 2)

    def test_batch_decides_the_records(self):
        path = self.add("batched")
        large = self.simulate(path, "--count", 41, "--rate", 100)["bytes"]
        small = self.simulate(path, "--count", 41, "--rate", 100, "--batch", 1)["bytes"]
        self.assertGreater(small, 2 * large)

    def test_seed_decides_the_values(self):
        path = self.add("same")
        values = []
        for seed in (5, 5, 6):
            self.simulate(path, "--count", 30, "--rate", 20, "--seed", seed)
            found = self.wait_readings(30)["same"]
            values.append([r["values"] for r in found])
            with self.subscriber.changed:
                self.subscriber.messages.clear()
                self.subscriber.topics.clear()
        self.assertEqual([len(v) for v in values], [30] * 3)
        self.assertEqual(values[0], values[1])
        self.assertNotEqual(values[0], values[2])

    def test_both_suites_and_both_wires_in_one_folder(self):
        self.add("aes")
        self.add("chacha", "--suite", "ChaChaPoly")
        self.add("old", "--wire", "seed")
        summary = self.simulate(self.devices, "--count", 25)
        self.assertEqual(summary["wire"], "mixed")
        self.assertEqual((summary["acknowledged"], summary["sampled"]), (50, 75))
        published = self.wait_readings(50)
        for name in ("aes", "chacha"):
            self.assertEqual([r["seq"] for r in published[name]], list(range(25)), name)
        pulse = self.subscriber.wait_payloads("Pico/old/Physiological_Data/Pulse_Signal", 25)
        self.assertEqual(len(pulse), 25)

    def test_configuration_changes_the_pace(self):
        path = self.add("paced")
        simulator = subprocess.Popen(self.command(path, "--duration", 4), text=True,
                                     stdout=subprocess.PIPE)
        self.addCleanup(simulator.stdout.close)
        self.addCleanup(simulator.wait)
        self.wait_readings(1)
        self.subscriber.client.publish("Pico/paced/Command/Config", qos=1, payload=json.dumps(
            {"sample_interval_ms": 250, "report_interval_ms": 0}))
        results = self.subscriber.wait_payloads("Pico/paced/Command/Config/Result", 1)
        self.assertEqual(json.loads(results[0])["status"], "applied")
        out, _ = simulator.communicate(timeout=30)
        self.assertEqual(simulator.returncode, 0)
        summary = json.loads(out)
        self.assertTrue(10 <= summary["sampled"] < 40, summary)  # it would have been 80
        self.assert_all_published(summary)

    def test_pieces_do_not_matter(self):
        path = self.add("pieces")
        for how in (("--split", 1), ("--split", 7), ("--coalesce", 5), ("--slow", 3000)):
            summary = self.simulate(path, "--count", 30, "--batch", 3, *how)
            self.assert_all_published(summary, 30)
            self.assertEqual(summary["closed"], 0, how)
            with self.subscriber.changed:
                self.subscriber.messages.clear()


    def test_collected_records_wait_for_neither_handshake_nor_end(self):
        path = self.add("collected")
        summary = self.simulate(path, "--duration", 2, "--batch", 1, "--report", 0,
                                "--coalesce", 4)
        self.assert_all_published(summary)
        self.assertLess(summary["latency"]["max"], 1500)
        self.subscriber.messages.clear()
        summary = self.simulate(path, "--duration", 1, "--batch", 1, "--report", 0,
                                "--coalesce", 64)
        self.assert_all_published(summary)
        self.assertGreater(summary["latency"]["max"], 700)


class Trouble(SimulatorTest):
    def setUp(self):
        super().setUp()
        self.registry.keygen("add", "dev", "--count", "10", "--out", self.devices)

    def test_storm_loses_nothing(self):
        summary = self.simulate(self.devices, "--count", 100, "--storm", "7@0.9")
        self.assertGreater(summary["cut"], 20)
        self.assertEqual(summary["sessions"], 10 + summary["reconnects"])
        self.assert_all_published(summary, 100)
        self.assert_recovered(summary, summary["cut"])

    def assert_recovered(self, summary, cuts):
        """Each cut was followed by an acknowledgement; two in a row count as one."""
        recovery = summary["recovery"]
        self.assertEqual(summary["away"], 0, summary)
        self.assertTrue(0.9 * cuts <= recovery["count"] <= cuts, summary)
        self.assertTrue(0.1 < recovery["p50"] <= recovery["p99"] <= recovery["max"] < 60, summary)

    def test_outage_loses_nothing(self):
        summary = self.simulate(self.devices, "--count", 100, "--outage", "1.2@2")
        self.assertEqual((summary["cut"], summary["reconnects"]), (0, 0))
        self.assertEqual((summary["away"], summary["recovery"]["count"]), (0, 0))
        self.assertGreater(summary["latency"]["max"], 1200)
        self.assert_all_published(summary, 100)

    def test_outage_that_cuts_loses_nothing(self):
        summary = self.simulate(self.devices, "--count", 100, "--outage", "1.2@2",
                                "--outage-cuts")
        self.assertGreaterEqual(summary["cut"], 20)
        self.assert_all_published(summary, 100)
        self.assert_recovered(summary, summary["cut"])
        self.assertGreater(summary["recovery"]["p50"], 1.2, "the outage lasts so long")

    def test_recovery_takes_an_acknowledgement(self):
        self.broker.stop()
        summary = self.simulate(self.devices, "--count", 20, "--wait", 1, "--storm", "10@0.4", code=4)
        self.assertGreater(summary["reconnects"], 0)
        self.assertGreater(summary["away"], 0)
        self.assertEqual(summary["recovery"]["count"], 0)
        self.broker.start()  # or the gateway could not end well
        self.wait_readings(200)

    def test_broker_that_is_away_leaves_readings_unacknowledged(self):
        self.broker.stop()
        summary = self.simulate(self.devices, "--count", 5, "--wait", 1, code=4)
        self.assertEqual((summary["acknowledged"], summary["unacknowledged"]), (0, 50))
        self.broker.start()
        self.assertEqual({len(found) for found in self.wait_readings(50).values()}, {5})


class Attacks(SimulatorTest):
    """The gateway stands each of them; a healthy device beside it notices nothing."""

    def setUp(self):
        super().setUp()
        self.healthy = os.path.join(self.folder, "healthy")
        os.mkdir(self.healthy)
        self.registry.keygen("add", "well", "--out", self.healthy)
        self.target = self.add("target")

    def attack(self, *arguments):
        """The attack's summary, and what was published of its device."""
        well = subprocess.Popen(self.command(self.healthy, "--count", 60), text=True,
                                stdout=subprocess.PIPE)
        summary = self.simulate(self.target, "--duration", 2, "--batch", 2, "--wait", 0.5,
                                *arguments, code=4)
        out, _ = well.communicate(timeout=60)
        self.assertEqual(well.returncode, 0)
        self.assertEqual(json.loads(out)["closed"], 0)
        harness.wait_until(lambda: len(self.readings().get("well", ())) >= 60)
        published = self.readings()
        self.assertEqual([r["seq"] for r in published["well"]], list(range(60)))
        return summary, published.get("target", [])

    def test_first_record_of_readings_is_not_what_was_sealed(self):
        for attack in ("--corrupt", "--truncate", "--drop-record", "--reorder"):
            with self.subTest(attack):
                self.subscriber.messages.clear()
                summary, published = self.attack(attack, 2)
                self.assertEqual((published, summary["acknowledged"]), ([], 0))
                if attack in ("--corrupt", "--drop-record"):  # and every HELLO was in order
                    self.assertGreater(summary["sessions"], 2)
                    self.assertGreaterEqual(summary["sessions"], summary["connections"] - 1)
                self.assertGreater(summary["corrupted"], 0)

    def test_hello_is_not_what_was_sent(self):
        for attack in ("--corrupt", "--truncate", "--drop-record", "--reorder"):
            with self.subTest(attack):
                self.subscriber.messages.clear()
                summary, published = self.attack(attack, 1)
                self.assertEqual((published, summary["sessions"]), ([], 0))

    def test_later_record_is_not_what_was_sealed(self):
        """What came before it is published; it closes the connection."""
        for attack in ("--corrupt", "--drop-record", "--duplicate", "--reorder"):
            with self.subTest(attack):
                self.subscriber.messages.clear()
                summary, published = self.attack(attack, 4)
                self.assertGreater(summary["closed"], 0)
                self.assertGreater(len(published), 0)
                sequences = [r["seq"] for r in published]
                self.assertEqual(set(sequences), set(range(max(sequences) + 1)))
                self.assertLessEqual(summary["acknowledged"], len(set(sequences)))

    def test_wrong_secrets(self):
        for attack in ("--wrong-key", "--wrong-psk", "--wrong-gateway-key", "--garbage"):
            with self.subTest(attack):
                self.subscriber.messages.clear()
                summary, published = self.attack(attack)
                self.assertEqual((published, summary["sessions"], summary["received"]), ([], 0, 0))
                self.assertGreater(summary["closed"], 0)
                self.assertEqual(summary["unacknowledged"], summary["sampled"])

    def test_replay_of_a_flight(self):
        """Its HELLO is answered, as any; nothing behind it is taken."""
        flight = os.path.join(self.folder, "flight")
        summary = self.simulate(self.target, "--count", 50, "--record", flight)
        self.assertEqual(os.path.getsize(flight), summary["bytes"])
        published = len(self.assert_all_published(summary, 50)["target"])
        for _ in range(3):
            replayed = self.simulate(self.target, "--replay", flight)
            self.assertEqual((replayed["wire"], replayed["connections"]), ("replay", 1))
            self.assertLessEqual(replayed["received"], 60)
        again = self.simulate(self.target, "--count", 10, "--boot", BOOT + 1)
        self.assertEqual(again["acknowledged"], 10)
        harness.wait_until(lambda: len(self.readings()["target"]) >= published + 10)
        time.sleep(0.3)
        self.assertEqual(len(self.readings()["target"]), published + 10)

    def test_old_psk_ends_with_the_first_use_of_the_new(self):
        new = os.path.join(self.folder, "new")
        os.mkdir(new)
        self.registry.keygen("rotate", "target", "--out", new)
        time.sleep(1.5)
        # The device has not heard of it yet.
        self.assertEqual(self.simulate(self.target, "--count", 5)["acknowledged"], 5)
        self.assertEqual(self.simulate(new, "--count", 5, "--boot", BOOT + 1)["acknowledged"], 5)
        time.sleep(1.5)
        summary = self.simulate(self.target, "--count", 5, "--wait", 2, "--boot", BOOT + 2, code=4)
        self.assertEqual((summary["acknowledged"], summary["sessions"]), (0, 0))
        self.assertEqual({r["boot"] for r in self.readings()["target"]}, {BOOT, BOOT + 1})


if __name__ == "__main__":
    harness.main()
