# SPDX-License-Identifier: Apache-2.0
"""The gateway is replaced, then killed, while devices send. They lose nothing."""

import os
import re

import harness
from engine import PATIENCE_S, output
from stage import Part


class Upgrade(Part):
    def gateway(self):
        return self.stage.ward.containers()["gateway"]

    def assert_flows(self):
        """Readings that were measured from now on arrive."""
        listener = self.stage.listener
        before = {name: len(listener.readings[name]) for name in self.devices}
        self.assertTrue(listener.wait(lambda: all(
            len(listener.readings[name]) > count + 60 for name, count in before.items())),
            self.stage.ward.logs())

    def replace(self):
        """By an image that is another, as after an upgrade."""
        output("docker", "build", "--network=none", "--tag", "medsec-gateway:next", "-",
               input="FROM medsec-gateway\nLABEL upgraded=1\n")
        self.stage.ward.environment["MEDSEC_TAG"] = "next"
        before = self.gateway()["Image"]
        self.stage.ward.up("--no-deps", "gateway", profiles=())
        self.assertNotEqual(self.gateway()["Image"], before)

    def kill(self):
        """The engine starts it again by itself."""
        before = self.gateway()
        os.kill(before["State"]["Pid"], 9)
        self.assertTrue(harness.wait_until(
            lambda: self.gateway()["RestartCount"] > before["RestartCount"] and
            self.gateway()["State"]["Running"], PATIENCE_S, 0.1))

    def summary(self):
        self.stage.ward.compose("stop", "sim", profiles=["sim"])
        text = output("docker", "logs", self.stage.ward.containers()["sim"]["Id"])
        found = re.search(r"acknowledged (\d+) of (\d+) readings, (\d+) unacknowledged, "
                          r"(\d+) dropped", text)
        self.assertTrue(found, text)
        self.assertGreater(int(re.search(r"(\d+) reconnects", text).group(1)), 0)
        return [int(each) for each in found.groups()]

    def test_nothing_is_lost(self):
        readings = self.stage.listener.readings
        self.devices = [name for name in list(readings) if name.startswith("sim-")]
        self.replace()
        self.assert_flows()
        self.kill()
        self.assert_flows()
        acknowledged, sampled, unacknowledged, dropped = self.summary()
        self.assertEqual((acknowledged, unacknowledged, dropped), (sampled, 0, 0))
        counted = self.stage.listener.wait(lambda: sampled == sum(
            max(number for _, number in readings[name]) + 1 for name in self.devices))
        self.assertTrue(counted, "the broker has less than was acknowledged:" + self.circumstances())
        missing = {}
        for name in self.devices:
            numbers = {number for _, number in readings[name]}
            missing[name] = sorted(set(range(min(numbers), max(numbers))) - numbers)
        self.assertFalse(any(missing.values()), "%s%s" % (missing, self.circumstances()))
        # A broker that drops what is acknowledged would be found by luck alone.
        self.assertNotIn("dropped for client " + self.stage.listener.name,
                         self.stage.ward.broker_troubles())

    def circumstances(self):
        listener = self.stage.listener
        return "\n%s connected %d times; the broker says:\n%s\n%s" % (
            listener.name, listener.connections, self.stage.ward.broker_troubles(),
            self.stage.ward.logs())
