# SPDX-License-Identifier: Apache-2.0
"""Nothing acknowledged is missing, and in the end nothing is missing at all: the gateway is killed, the
network cut and the broker restarted, in random order, under a ward of sending devices.

MEDSEC_FAULTS=N asks for N faults of each kind instead of the number below."""

import collections
import json
import os
import random
import signal
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[1:1] = [os.path.join(HERE, "..", "support")]
import harness
from relay import Relay

DEVICES, RATE_HZ, BATCH = 20, 20, 5
SEED = 20261121
FINISH_S = 180  # for the last acknowledgement, after the last fault


def faults():
    return int(os.environ.get("MEDSEC_FAULTS", "5" if harness.sanitized() else "50"))


class Reliability(harness.GatewayTest):
    def setUp(self):
        super().setUp()
        self.broker.start()
        self.subscriber = harness.Subscriber(self.broker, "Pico/+/Reading", session="kept")
        self.addCleanup(self.subscriber.close)
        devices = os.path.join(self.folder, "devices")
        self.registry.keygen("add", "ward", "--count", str(DEVICES), "--out", devices)
        self.gateway = self.proxy("--publish", "reading")
        self.relay = Relay(self.gateway.address)
        self.addCleanup(self.relay.close)
        self.summary = os.path.join(self.folder, "sim.json")
        self.sim = harness.Process(
            [harness.tool("medsec-sim"), "--connect", "127.0.0.1:%d" % self.relay.port,
             "--credentials", devices, "--rate", str(RATE_HZ), "--batch", str(BATCH),
             "--ring", "20000", "--patience", "600", "--wait", str(FINISH_S),
             "--json"], self.summary)
        self.addCleanup(self.end_sim)
        self.random = random.Random(SEED)

    def end_sim(self):
        if self.sim.alive():
            self.sim.stop(signal.SIGKILL)

    def pause(self, most):
        time.sleep(self.random.uniform(0, most))

    def kill_gateway(self):
        self.gateway.stop(signal.SIGKILL)
        self.pause(0.2)
        self.gateway = self.proxy("--publish", "reading", "--listen", "%s:%d" % self.gateway.address)

    def cut_network(self):
        self.relay.cut()
        self.pause(0.5)
        self.relay.mend()

    def restart_broker(self):
        self.broker.stop()
        self.pause(0.2)
        self.broker.start()

    def wait_delivered(self, readings):
        """Until the broker has delivered so many, and what it has of repeats."""
        harness.wait_until(lambda: sum(map(len, self.received().values())) >= readings, interval=1)
        time.sleep(1)

    def received(self):
        """Per device: (boot, seq) -> the objects that came with it, without repeats."""
        devices = collections.defaultdict(lambda: collections.defaultdict(set))
        with self.subscriber.changed:
            for message in self.subscriber.messages:
                reading = json.loads(message.payload)
                devices[reading["device"]][reading["boot"], reading["seq"]].add(message.payload)
        return devices

    def test_kill_cut_restart(self):
        events = [self.kill_gateway, self.cut_network, self.restart_broker] * faults()
        self.random.shuffle(events)
        self.assertTrue(self.subscriber.wait(lambda messages: len(messages) >= DEVICES),
                        "nothing is published")
        for event in events:
            event()
            self.pause(0.8)
        self.assertTrue(self.sim.alive(), self.sim.text())
        self.assertEqual(self.sim.stop(signal.SIGTERM, 2 * FINISH_S), 0, self.sim.text())
        summary = json.loads(self.sim.lines('"sampled"')[-1])
        self.wait_delivered(summary["sampled"])
        devices = self.received()
        self.assertEqual(len(devices), DEVICES)
        for device, readings in devices.items():
            boots = {boot for boot, _ in readings}
            self.assertEqual(len(boots), 1, device)
            self.assertEqual({seq for _, seq in readings}, set(range(len(readings))),
                             "a reading of %s is missing" % device)
            changed = {key: objects for key, objects in readings.items() if len(objects) > 1}
            self.assertEqual(changed, {}, "a repeat that differs")
        distinct = sum(map(len, devices.values()))
        print("%d faults of each kind: %d readings sampled, %d acknowledged, %d distinct at the "
              "broker, %d repeated" % (faults(), summary["sampled"], summary["acknowledged"], distinct,
                                       len(self.subscriber.messages) - distinct))
        self.assertEqual(summary["dropped"], 0)
        self.assertEqual(summary["acknowledged"], summary["sampled"])
        self.assertEqual(distinct, summary["sampled"])


if __name__ == "__main__":
    harness.main()
