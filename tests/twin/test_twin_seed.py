# SPDX-License-Identifier: Apache-2.0
"""The real image with a seed credential, and an ESP8266 with the younger AT firmware: set up without a
browser, it speaks the seed wire as the published device does, through what can break on its side."""

import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[1:1] = [os.path.join(HERE, "..", "support")]
import harness
import twin

STEP = 30
# Nothing acknowledges a reading: at an outage some are lost, and some are sent again. After that they
# come one after the other, as they were measured.
STEADY = 15


class SeedWire(twin.TwinTest):
    wire = ("--wire", "seed")
    module = "2"

    def pulses(self):
        """What was published, in millivolts."""
        texts = self.subscriber.payloads("Pico/%s/Physiological_Data/Pulse_Signal" % self.device)
        return [round(float(text) * 1000) for text in texts]

    def goes_on(self):
        count = len(self.pulses()) + STEP
        self.assertTrue(self.subscriber.wait(lambda _: len(self.pulses()) >= count,
                                             twin.PATIENCE_S),
                        "no readings; %s" % self.twin.events[-6:])
        (samples,) = self.sampled()
        last = self.pulses()[count - STEADY:count]
        self.assertTrue(any(samples[at:at + STEADY] == last for at in range(len(samples))),
                        "%s is nowhere in %s" % (last, samples))

    def set_up(self):
        port = self.twin.wait_module("listening")
        before = len(self.twin.events)
        subprocess.run(["node", twin.program("setup.mjs"), "--at", str(port),
                        "--ssid", twin.NETWORK, "--password", twin.PASSWORD,
                        "--server", twin.SERVER, "--port", str(twin.PORT)],
                       input=self.key(), text=True, check=True, timeout=twin.PATIENCE_S)
        self.twin.wait(lambda event: event["event"] == "start" and event["detail"] == "watchdog",
                       since=before)

    def test_seed_wire(self):
        self.set_up()
        self.goes_on()
        self.twin.command("module restart")
        self.goes_on()
        self.restart_gateway()
        self.goes_on()
        self.twin.command("motion off")  # the seed wire has no null: nothing is sent
        self.twin.command("motion on")
        self.goes_on()
        self.twin.command("power off")
        self.assert_sound()


if __name__ == "__main__":
    twin.read_arguments()
    reason = twin.missing()
    if reason:
        harness.skip(reason)
    harness.main()
