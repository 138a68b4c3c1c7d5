# SPDX-License-Identifier: Apache-2.0
"""The spool under a real gateway: the broker goes away, devices are acknowledged all the same, and
when it is back everything arrives in order; also when the gateway is killed in between."""

import json
import os
import signal
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[1:1] = [os.path.join(HERE, "..", "support")]
import harness


class Spool(harness.GatewayTest):
    def setUp(self):
        super().setUp()
        self.broker.start()
        self.subscriber = harness.Subscriber(self.broker, "Pico/+/Reading", session="kept")
        self.addCleanup(self.subscriber.close)
        self.devices = os.path.join(self.folder, "devices")
        self.registry.keygen("add", "ward", "--count", "5", "--out", self.devices)
        self.spool = os.path.join(self.folder, "spool")

    def gateway(self, *more):
        return self.proxy("--publish", "reading", "--spool", self.spool, *more)

    def simulate(self, gateway, count, name):
        """All readings of a run; it ends when the last one is acknowledged."""
        summary = os.path.join(self.folder, name)
        sim = harness.Process(
            [harness.tool("medsec-sim"), "--connect", "%s:%d" % gateway.address, "--credentials", self.devices,
             "--rate", "50", "--batch", "5", "--count", str(count), "--wait", "240", "--json"], summary)
        harness.wait_until(lambda: not sim.alive(), timeout=300)
        self.assertEqual(sim.stop(), 0, sim.text())

    def times(self):
        """Of the readings of each device, in the order in which they arrived."""
        found = {}
        for message in self.subscriber.messages:
            reading = json.loads(message.payload)
            found.setdefault(reading["device"], []).append(reading["time"])
        return found

    def assert_all_arrive(self, count):
        def complete(_):
            found = self.times()
            return len(found) == 5 and all(len(set(seen)) == count for seen in found.values())
        self.assertTrue(self.subscriber.wait(complete, timeout=120),
                        {device: len(seen) for device, seen in self.times().items()})

    def assert_in_order(self):
        for device, seen in self.times().items():
            first = list(dict.fromkeys(seen))  # each where it was seen first
            self.assertEqual(first, sorted(first), device)

    def test_devices_are_acknowledged_while_the_broker_is_away(self):
        gateway = self.gateway()
        self.simulate(gateway, 20, "before")
        self.broker.stop()
        self.simulate(gateway, 40, "away")
        self.broker.start()
        self.simulate(gateway, 20, "after")
        self.assert_all_arrive(80)
        self.assert_in_order()

    def test_a_kill_while_the_broker_is_away_loses_nothing(self):
        client = ("--mqtt-client", "mosquitto", "--broker-connections", "2")
        gateway = self.gateway(*client)
        self.broker.stop()
        self.simulate(gateway, 40, "away")
        gateway.stop(signal.SIGKILL)
        gateway = self.gateway(*client)
        self.simulate(gateway, 20, "again")
        self.broker.start()
        self.assert_all_arrive(60)
        self.assert_in_order()

    def test_what_is_in_the_folder_cannot_be_read(self):
        gateway = self.gateway()
        self.broker.stop()
        self.simulate(gateway, 10, "away")
        for name in os.listdir(self.spool):
            path = os.path.join(self.spool, name)
            self.assertEqual(os.stat(path).st_mode & 0o077, 0, name)
            with open(path, "rb") as file:
                content = file.read()
            for word in (b"Pico", b"ward-", b"values"):
                self.assertNotIn(word, content, name)

    def test_a_folder_of_another_registry_is_refused(self):
        self.gateway().stop()
        os.mkdir(os.path.join(self.folder, "other"))
        other = harness.Registry(os.path.join(self.folder, "other"))
        with self.assertRaisesRegex(RuntimeError, "sealed under another"):
            harness.Proxy(other, self.broker.url(), os.path.join(self.folder, "refused"),
                          "--spool", self.spool)


if __name__ == "__main__":
    harness.main()
