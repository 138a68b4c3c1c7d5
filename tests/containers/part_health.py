# SPDX-License-Identifier: Apache-2.0
"""Does it work?"""

import re

import harness
import ports
from engine import PATIENCE_S, output
from stage import FIRST_READING_S, Part

SERVICES = ("broker", "gateway", "dashboard", "sniffer-devices", "sniffer-broker")


class Health(Part):
    def test_all_services_become_healthy(self):
        self.stage.ward.wait_healthy(SERVICES)
        states = {name: each["State"] for name, each in self.stage.ward.containers().items()}
        for once in ("setup", "sim-setup"):
            self.assertEqual((states[once]["Status"], states[once]["ExitCode"]), ("exited", 0))
        self.assertEqual(states["sim"]["Status"], "running")
        restarts = {name: each["RestartCount"]
                    for name, each in self.stage.ward.containers().items()}
        self.assertEqual(set(restarts.values()), {0}, restarts)

    def test_reading_reaches_the_page_in_time(self):
        print("the first reading was on the page after %.1f s" % self.stage.seen["seconds"])
        self.assertLess(self.stage.seen["seconds"], FIRST_READING_S)

    def test_page_shows_what_was_measured(self):
        """Of the vitals that stand still, as the listener got them."""
        device = self.stage.seen["reading"]["device"]
        topic = "Pico/%s/Physiological_Data/Temperature" % device
        got = {float(payload) for name, payload in self.stage.listener.messages if name == topic}
        shown = dict(self.stage.seen["values"])
        number = float(re.search(r"-?\d+(\.\d+)?", shown["temperature"]).group())
        self.assertTrue(any(abs(number - each) <= 0.051 for each in got), (shown, got))



class End(Part):
    def test_down_leaves_nothing(self):
        self.stage.listener.close()
        self.stage.ward.compose("down", "-v", profiles=["sim", "sniffer", "tools"])
        for listing in (("ps", "-aq"), ("volume", "ls", "-q"),
                        ("network", "ls", "-q", "--filter", "type=custom")):
            self.assertEqual(output("docker", *listing), "", listing)
        # The kernel takes a network down behind whoever asked for it.
        self.assertTrue(harness.wait_until(lambda: not self.left(), PATIENCE_S, 0.1), self.left())

    @staticmethod
    def left():
        return [*ports.listening(), *re.findall(r"\d+: (br-\w+|veth\w+)", output("ip", "link"))]
