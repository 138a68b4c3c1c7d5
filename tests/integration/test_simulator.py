# SPDX-License-Identifier: Apache-2.0
"""medsec-sim on medsec/1 with the real gateway and a broker: every reading, once, and no attack."""

import datetime
import json
import os
import re
import signal
import subprocess
import sys
import urllib.request

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
from harness import PATIENCE_S

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
            self.gateway = self.proxy("--metrics", harness.HOST + ":0")
        return [harness.tool("medsec-sim"), "--connect", "%s:%d" % self.gateway.address,
                "--credentials", credentials, "--boot", str(BOOT), "--json", "--wait",
                str(PATIENCE_S), *map(str, arguments)]

    def simulate(self, credentials, *arguments, code=0):
        """Runs the simulator; returns its summary."""
        done = subprocess.run(self.command(credentials, *arguments), capture_output=True, text=True,
                              timeout=2 * PATIENCE_S)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def begin(self, credentials, *arguments):
        """A simulator that goes on until `end()`."""
        simulator = subprocess.Popen(self.command(credentials, *arguments), text=True,
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(simulator.communicate)
        self.addCleanup(simulator.kill)
        return simulator

    def end(self, simulator, *signals):
        """Its summary. The exit code tells whether all was acknowledged."""
        for number in signals or (signal.SIGTERM,):
            simulator.send_signal(number)
        out, problems = simulator.communicate(timeout=2 * PATIENCE_S)
        summary = json.loads(out)
        self.assertEqual(simulator.returncode, 4 if summary["unacknowledged"] else 0, problems)
        return summary

    def wait_for(self, condition, what):
        self.assertTrue(harness.wait_until(condition, interval=0.05), what)

    def taken(self):
        """Readings that the gateway has accepted."""
        address = harness.HOST, self.gateway.events("monitoring")[0]["port"]
        with urllib.request.urlopen("http://%s:%d/metrics" % address) as answer:
            return int(re.search(rb"^medsec_readings_total (\d+)$", answer.read(), re.M).group(1))

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
        self.wait_for(lambda: len(different()) >= count, "not published")
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

    def assert_no_faster_than_asked(self, summary):
        """A device that comes too late to some of its readings leaves them out."""
        self.assertLessEqual(summary["sampled"] + summary["skipped"],
                             summary["devices"] * (1 + summary["rate_hz"] * summary["elapsed_s"]))

    def forget(self):
        """What was published so far; nothing more of it may come."""
        with self.subscriber.changed:
            self.subscriber.messages.clear()
            self.subscriber.topics.clear()


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
        self.assertEqual((summary["resent"], summary["closed"]), (0, 0))
        self.assert_no_faster_than_asked(summary)
        latency = summary["latency"]
        self.assertEqual(latency["count"], 1200)
        self.assertTrue(0 < latency["p50"] <= latency["p90"] <= latency["p99"] <= latency["max"])
        self.assertLess(latency["max"], 1000 * summary["elapsed_s"])

    def test_report_interval_bounds_the_latency(self):
        """Without a full batch a reading waits for it, here to the end of four seconds."""
        path = self.add("prompt")
        common = ("--count", 80, "--batch", 255)
        late = self.simulate(path, *common, "--report", 3600)
        prompt = self.simulate(path, *common, "--report", 0)
        self.assertGreater(late["latency"]["p50"], 1500)
        self.assertLess(prompt["latency"]["p50"], late["latency"]["p50"])
        self.assertGreater(prompt["bytes"], 2 * late["bytes"])  # in many records

    def test_batch_decides_the_records(self):
        path = self.add("batched")
        common = ("--count", 41, "--rate", 100, "--report", 3600)
        large = self.simulate(path, *common)["bytes"]
        small = self.simulate(path, *common, "--batch", 1)["bytes"]
        self.assertGreater(small, 2 * large)

    def test_seed_decides_the_values(self):
        """As long as both came to their readings at the same moments of their clocks."""
        path = self.add("same")
        runs = []
        for seed in (5, 5, 6):
            self.simulate(path, "--count", 15, "--rate", 10, "--seed", seed)
            found = self.wait_readings(15)["same"]
            runs.append([(self.ms(r) - self.ms(found[0]), r["values"]) for r in found])
            self.forget()
        self.assertEqual([len(run) for run in runs], [15] * 3)
        apart = next((i for i in range(15) if runs[0][i][0] != runs[1][i][0]), 15)
        self.assertEqual(runs[0][:apart], runs[1][:apart])
        self.assertNotEqual(runs[0][0], runs[2][0])

    @staticmethod
    def ms(reading):
        """When it was taken, by the clock of its device."""
        return round(1000 * datetime.datetime.fromisoformat(reading["time"]).timestamp())

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
        simulator = self.begin(path)
        self.wait_readings(10)
        self.subscriber.client.publish("Pico/paced/Command/Config", qos=1, payload=json.dumps(
            {"sample_interval_ms": 250, "report_interval_ms": 0}))
        results = self.subscriber.wait_payloads("Pico/paced/Command/Config/Result", 1)
        self.assertEqual(json.loads(results[0])["status"], "applied")
        self.wait_for(lambda: min(self.steps_ms("paced")[-4:]) >= 250, "the pace is as it was")
        self.assertLess(min(self.steps_ms("paced")), 250)
        self.assert_all_published(self.end(simulator))

    def steps_ms(self, device):
        """From each reading to the next."""
        times = [self.ms(reading) for reading in self.readings()[device]]
        return [after - before for before, after in zip(times, times[1:])]

    def test_pieces_do_not_matter(self):
        path = self.add("pieces")
        for how in (("--split", 1), ("--split", 7), ("--coalesce", 5), ("--slow", 3000)):
            summary = self.simulate(path, "--count", 30, "--batch", 3, *how)
            self.assert_all_published(summary, 30)
            self.assertEqual(summary["closed"], 0, how)
            self.forget()

    def test_collected_records_wait_for_neither_handshake_nor_end(self):
        path = self.add("collected")
        common = ("--batch", 1, "--report", 0)
        simulator = self.begin(path, *common, "--coalesce", 4)
        self.wait_readings(12)
        self.assert_all_published(self.end(simulator))
        self.forget()
        summary = self.simulate(path, *common, "--coalesce", 64, "--duration", 1)
        self.assert_all_published(summary)
        self.assertGreater(summary["latency"]["max"], 700)


class Trouble(SimulatorTest):
    def setUp(self):
        super().setUp()
        self.registry.keygen("add", "dev", "--count", "10", "--out", self.devices)

    def test_storm_loses_nothing(self):
        summary = self.simulate(self.devices, "--count", 100, "--storm", "7@0.9")
        self.assertGreaterEqual(summary["cut"], 10)
        self.assert_all_published(summary, 100)
        self.assert_recovered(summary, 0.9)

    def assert_recovered(self, summary, every_s):
        """Each device that was cut had an acknowledgement afterwards; cuts without one between them
        count as one. All cuts of one moment are of different devices."""
        recovery, moments = summary["recovery"], 1 + summary["elapsed_s"] / every_s
        self.assertEqual(summary["away"], 0, summary)
        self.assertTrue(summary["cut"] / moments <= recovery["count"] <= summary["cut"], summary)
        self.assertTrue(0.1 < recovery["p50"] <= recovery["p99"] <= recovery["max"] <
                        summary["elapsed_s"], summary)
        # Nobody else ended a connection: none was without a session that was let be.
        self.assertEqual((summary["closed"], summary["faults"], summary["refused"]), (0, 0, 0))
        self.assertTrue(recovery["count"] <= summary["sessions"] <= 10 + summary["reconnects"] <=
                        summary["sessions"] + summary["cut"], summary)

    def test_outage_loses_nothing(self):
        summary = self.simulate(self.devices, "--count", 100, "--outage", "1.2@2")
        self.assertEqual((summary["cut"], summary["reconnects"]), (0, 0))
        self.assertEqual((summary["away"], summary["recovery"]["count"]), (0, 0))
        self.assertGreater(summary["latency"]["max"], 1200)
        self.assert_all_published(summary, 100)

    def test_outage_that_cuts_loses_nothing(self):
        summary = self.simulate(self.devices, "--count", 100, "--outage", "1.2@2",
                                "--outage-cuts")
        self.assertGreaterEqual(summary["cut"], 10)
        self.assert_all_published(summary, 100)
        self.assert_recovered(summary, 2)
        self.assertGreater(summary["recovery"]["p50"], 1.2, "the outage lasts so long")

    def test_recovery_takes_an_acknowledgement(self):
        self.broker.stop()
        simulator = self.begin(self.devices, "--storm", "10@0.4")
        self.wait_for(lambda: len(self.gateway.events("identified")) > 10, "none came back")
        summary = self.end(simulator, signal.SIGTERM, signal.SIGINT)
        self.assertGreater(summary["reconnects"], 0)
        self.assertGreater(summary["away"], 0)
        self.assertEqual(summary["recovery"]["count"], 0)
        self.broker.start()  # or the gateway could not end well
        self.wait_readings(10)

    def test_broker_that_is_away_leaves_readings_unacknowledged(self):
        self.broker.stop()
        simulator = self.begin(self.devices, "--count", 5)
        self.wait_for(lambda: self.taken() == 50, "not taken")
        summary = self.end(simulator, signal.SIGTERM, signal.SIGINT)
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

    def attack(self, *arguments, duration=None):
        """The attack's summary, and what was published of its device. It lasts until the gateway
        has ended three of its connections, or for `duration`."""
        before = self.rejected()
        well = self.begin(self.healthy, "--batch", 1, "--report", 0)
        target = self.begin(self.target, "--batch", 2, "--wait", 0.5, *arguments,
                            *(("--duration", duration) if duration else ()))
        if duration:
            summary = self.end(target, 0)
        else:
            self.wait_for(lambda: self.rejected() >= before + 3, "not rejected")
            summary = self.end(target)
        # What the gateway took of it stands before what is taken from now on.
        count = len(self.readings().get("well", ()))
        self.wait_for(lambda: len(self.readings().get("well", ())) >= count + 5, "not served")
        served = self.end(well)
        self.assertEqual((served["closed"], served["unacknowledged"]), (0, 0))
        self.wait_for(lambda: len(self.readings()["well"]) >= served["acknowledged"], "not all")
        published = self.readings()
        self.assertEqual([r["seq"] for r in published["well"]], list(range(served["sampled"])))
        return summary, published.get("target", [])

    def rejected(self):
        return len(self.gateway.events("rejected")) if self.gateway else 0

    def test_first_record_of_readings_is_not_what_was_sealed(self):
        for attack in ("--corrupt", "--truncate", "--drop-record", "--reorder"):
            with self.subTest(attack):
                self.forget()
                summary, published = self.attack(attack, 2)
                self.assertEqual((published, summary["acknowledged"]), ([], 0))
                if attack in ("--corrupt", "--drop-record"):  # and every HELLO was in order
                    self.assertGreater(summary["sessions"], 2)
                    self.assertGreaterEqual(summary["sessions"], summary["connections"] - 1)
                self.assertGreater(summary["corrupted"], 0)

    def test_hello_is_not_what_was_sent(self):
        for attack in ("--corrupt", "--truncate", "--drop-record", "--reorder"):
            with self.subTest(attack):
                self.forget()
                summary, published = self.attack(attack, 1, duration=2)
                self.assertEqual((published, summary["sessions"]), ([], 0))

    def test_later_record_is_not_what_was_sealed(self):
        """What came before it is published; it closes the connection."""
        for attack, whole in (("--corrupt", 2), ("--drop-record", 2), ("--duplicate", 3),
                              ("--reorder", 2)):  # records of readings before it
            with self.subTest(attack):
                self.forget()
                summary, published = self.attack(attack, 4)
                self.assertGreater(summary["closed"], 0)
                self.assertGreater(len(published), 0)
                self.assertLessEqual(len(published), 2 * whole * summary["sessions"])
                sequences = [r["seq"] for r in published]
                self.assertEqual(set(sequences), set(range(max(sequences) + 1)))
                self.assertLessEqual(summary["acknowledged"], len(set(sequences)))

    def test_wrong_secrets(self):
        for attack in ("--wrong-key", "--wrong-psk", "--wrong-gateway-key", "--garbage"):
            with self.subTest(attack):
                self.forget()
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
        for number in range(3):
            replayed = self.simulate(self.target, "--replay", flight)
            self.assertEqual((replayed["wire"], replayed["connections"]), ("replay", 1))
            self.assertLessEqual(replayed["received"], 60)
            self.wait_for(lambda: self.rejected() > number, "not rejected")
        again = self.simulate(self.target, "--count", 10, "--boot", BOOT + 1)
        self.assertEqual(again["acknowledged"], 10)
        self.wait_for(lambda: self.readings()["target"][-1]["boot"] == BOOT + 1 and
                      self.readings()["target"][-1]["seq"] == 9, "not published")
        self.assertEqual(len(self.readings()["target"]), published + 10)

    def test_old_psk_ends_with_the_first_use_of_the_new(self):
        new = os.path.join(self.folder, "new")
        os.mkdir(new)
        self.registry.keygen("rotate", "target", "--out", new)
        # The device has not heard of it yet.
        self.assertEqual(self.simulate(self.target, "--count", 5)["acknowledged"], 5)
        self.assertEqual(self.simulate(new, "--count", 5, "--boot", BOOT + 1)["acknowledged"], 5)
        self.wait_for(self.gateway.has_rotated, "not rotated")
        device = self.begin(self.target, "--boot", BOOT + 2)
        self.wait_for(lambda: self.rejected() > 0, "not rejected")
        summary = self.end(device, signal.SIGTERM, signal.SIGINT)
        self.assertEqual((summary["acknowledged"], summary["sessions"]), (0, 0))
        self.assertEqual({r["boot"] for r in self.wait_readings(10)["target"]}, {BOOT, BOOT + 1})


if __name__ == "__main__":
    harness.main()
