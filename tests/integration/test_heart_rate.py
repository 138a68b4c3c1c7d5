# SPDX-License-Identifier: Apache-2.0
"""The heart rate of simulated devices, from their pulse signal to a subscriber."""

import itertools
import os
import random
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[1:1] = [os.path.join(HERE, "..", folder) for folder in ("support", "interop")]
import harness
from seed_device import reading

RATE = "Physiological_Data/Heart_Rate"
RATES = (48, 75, 130)
WIRES = ("medsec1", "seed", "seed-chained")
LEAST_S = 18
MOST_S = 240  # until two rates of each device are there
OFF = 2  # a minute
DELAY_S = 2
REASONS = {"starting", "flat", "noisy", "gap", "slow", "pace"}


class HeartRate(harness.GatewayTest):
    """All devices at once, since each takes its time."""

    def setUp(self):
        super().setUp()
        self.subscriber = self.start_broker()
        self.sims, self.threads, self.done = [], [], threading.Event()
        self.addCleanup(self.stop)

    def stop(self):
        self.done.set()
        for sim in self.sims:
            sim.stop()
        for thread in self.threads:
            thread.join()
        self.sims, self.threads = [], []

    def simulate(self, gateway, name, wire, rate, *arguments):
        argv = [harness.tool("medsec-sim"), "--connect", "%s:%d" % gateway.address, "--credentials",
                os.path.join(self.folder, name + ".json"), "--wire", wire, "--heart-rate", rate,
                "--duration", 2 * MOST_S, *arguments]
        self.sims.append(harness.Process([str(a) for a in argv],
                                         os.path.join(self.folder, name + ".out")))

    def send(self, gateway, device, values):
        """A device of the seed wire that sends these, 20 a second, until it is stopped."""
        def run():
            begin = time.monotonic()
            for number, value in enumerate(values):
                if self.done.wait(max(0, begin + number / 20 - time.monotonic())):
                    break
                device.send(reading(value))

        device.connect(gateway.address)
        self.threads.append(threading.Thread(target=run))
        self.threads[-1].start()

    def said(self, name):
        """(time, text) of what was said about a device's heart: rates are digits."""
        found = []
        for message in self.subscriber.of_device(name):
            if "Heart_Rate" in message.topic:
                self.assertEqual((message.qos, message.retain), (0 if "seed" in name else 1, False))
                is_reason = message.topic.endswith("/Reason")
                self.assertEqual(message.topic, "Pico/%s/%s%s" % (name, RATE, "/Reason" * is_reason))
                self.assertEqual(is_reason, message.payload in REASONS, message)
                found.append((message.time, message.payload))
        return found

    def longest_silence(self, name):
        """Of a device's readings: a machine with much to do delays some."""
        times = [message.time for message in self.subscriber.of_device(name)
                 if message.topic.endswith("/Pulse_Signal")]
        return max(after - before for before, after in zip(times, times[1:]))

    def assert_rhythm(self, name, said):
        """At most one word a second, at least one in five."""
        times, slack = [at for at, _ in said], DELAY_S + 2 * self.longest_silence(name)
        self.assertLessEqual(len(times), times[-1] - times[0] + 1 + slack)
        self.assertLess(max(b - a for a, b in zip(times, times[1:])), 5 + slack)

    def rates(self, name):
        return [int(word) for _, word in self.said(name) if word.isdigit()]

    def assert_rate(self, name, rate):
        said, rates = self.said(name), self.rates(name)
        self.assertGreaterEqual(len(rates), 2, said)
        self.assertTrue(all(abs(found - rate) <= OFF for found in rates), said)
        self.assertEqual(said[0][1], "starting")
        self.assert_rhythm(name, said)

    def assert_reason(self, name, reason):
        said = self.said(name)
        self.assertIn(reason, [word for _, word in said])
        self.assertFalse([word for _, word in said if word.isdigit()], said)
        self.assert_rhythm(name, said)

    def test_rates_and_reasons(self):
        rates = {"%s-%d" % (wire, rate): (wire, rate) for wire in WIRES for rate in RATES}
        for name, (wire, _) in [*rates.items(), ("unwanted", ("medsec1", 0)), ("seed-bursts", ("seed", 0)),
                                ("seed-fast", ("seed", 0))]:
            self.registry.add(name, *(("--suite", "A128CBC-HS256") if wire == "medsec1" else
                                      ("--wire", "seed")))
        flat, noise = self.device("seed-flat"), self.device("seed-noise")
        gateway = self.proxy("--name", "with")
        other = self.proxy("--name", "without", "--no-heart-rate")
        for name, (wire, rate) in rates.items():
            self.simulate(gateway, name, wire, rate)
        self.simulate(gateway, "seed-bursts", "seed", 75, "--coalesce", 5)
        self.simulate(gateway, "seed-fast", "seed", 75, "--rate", 50)
        self.simulate(other, "unwanted", "medsec1", 75)
        dice, least = random.Random(1), time.monotonic() + LEAST_S
        self.send(gateway, flat, itertools.cycle(("1.500", "1.501", "1.502", "1.5")))
        self.send(gateway, noise, ("%.3f" % dice.uniform(0, 3) for _ in itertools.count()))
        beating = [*rates.items(), ("seed-bursts", (None, 75))]
        reasons = (("seed-flat", "flat"), ("seed-noise", "noisy"), ("seed-fast", "pace"))
        harness.wait_until(lambda: time.monotonic() > least and
                           all(len(self.rates(name)) >= 2 for name, _ in beating) and
                           all(reason in [word for _, word in self.said(name)]
                               for name, reason in reasons), MOST_S, 0.5)
        self.assertGreater(len(self.subscriber.wait_payloads("Pico/unwanted/Reading", 301)), 300)
        self.stop()
        for name, (_, rate) in beating:
            with self.subTest(name):
                self.assert_rate(name, rate)
        for name, reason in reasons:
            with self.subTest(name):
                self.assert_reason(name, reason)
        self.assertEqual(self.said("unwanted"), [])


harness.main()
