# SPDX-License-Identifier: Apache-2.0
"""The whole way with the real image: a browser opens the page of the emulated device and saves its
settings, the device starts anew, joins the network, shakes hands with medsec-proxy, and its readings
are seen at mosquitto; then the gateway is killed, the network goes away, the supply is cut. What the
subscriber has got in the end is what the sensor gave, each reading once, in its order."""

import json
import os
import shutil
import signal
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[1:1] = [os.path.join(HERE, "..", "support")]
import harness
import twin

DEVICE = "iot_med_dev_01"
NETWORK, PASSWORD = "ward 7", "a password, with \\ and \""
SERVER, PORT = "gateway.example", 9998
STEP = 40  # readings, two seconds of them, to see that it goes on
PATIENCE_S = 60
# A handshake takes a third of a second on a chip, and seconds where the chip is emulated.
GATEWAY = ("--publish", "reading", "--identify-timeout", "60")
WRONG_KEY = "0000-0000-0000-0000-0000"
FULL_MV, FULL_RAW = 3300, 4095


def image():
    """The firmware as CI builds it, or as MEDSEC_FIRMWARE names it."""
    return (os.environ.get("MEDSEC_FIRMWARE")
            or os.path.join(harness.SOURCE, "build", "firmware", "medsec-device.uf2"))


def millivolts(raw):
    return (raw * FULL_MV + FULL_RAW // 2) // FULL_RAW


class WholeWay(harness.GatewayTest):
    def setUp(self):
        super().setUp()
        self.broker.start()
        self.subscriber = harness.Subscriber(self.broker, "Pico/+/Reading", session="kept")
        self.addCleanup(self.subscriber.close)
        self.registry.keygen("add", DEVICE, "--uf2", "--out", self.folder)
        self.gateway = self.proxy(*GATEWAY)
        self.samples = os.path.join(self.folder, "samples")
        self.twin = self.start_twin()
        self.addCleanup(self.twin.close)

    def start_twin(self):
        return twin.Twin(
            "--flash", os.path.join(self.folder, "flash"), "--uf2", image(),
            "--uf2", os.path.join(self.folder, DEVICE + ".uf2"), "--switch", "configuration",
            "--network", "%s:%s" % (NETWORK, PASSWORD), "--record", self.samples,
            "--host", "%s=%s:%d" % ((SERVER,) + self.gateway.address),
            log=os.path.join(self.folder, "twin.log"))

    def readings(self):
        """What came to the subscriber, oldest first."""
        with self.subscriber.changed:
            return [json.loads(message.payload) for message in self.subscriber.messages]

    def goes_on(self, boot=None):
        """Waits for STEP more readings; of this start, when there is one named."""
        count = len(self.readings())

        def enough(_):
            new = self.readings()[count:]
            return len([one for one in new if boot is None or one["boot"] != boot]) >= STEP

        self.assertTrue(self.subscriber.wait(enough, PATIENCE_S),
                        "no readings any more; %s" % self.twin.events[-6:])

    def key(self):
        return self.registry.keygen("setup-key", DEVICE).stdout.split()[-1]

    def fill_in_page(self, port):
        pictures = os.path.join(harness.BUILD, "screenshots")
        os.makedirs(pictures, exist_ok=True)
        asked = {"port": port, "key": self.key(), "wrongKey": WRONG_KEY, "pictures": pictures,
                 "settings": {"ssid": NETWORK, "password": PASSWORD, "server": SERVER,
                              "port": PORT}}
        done = subprocess.run(["node", os.path.join(HERE, "browser.mjs")], check=True, text=True,
                              input=json.dumps(asked) + "\n", stdout=subprocess.PIPE, timeout=120)
        return json.loads(done.stdout)

    def set_up(self):
        port = self.twin.wait_module("listening")
        before = len(self.twin.events)
        seen = self.fill_in_page(port)
        self.assertNotIn("failed", seen)
        self.assertIn("key", seen["wrongKey"])
        self.assertEqual(seen["errors"], [])
        self.assertEqual(seen["keyShown"].replace("-", ""), self.key().replace("-", ""))
        self.assertFalse(seen["secure"], "a phone has no secure context here")
        self.assertLess(seen["shownMs"], 4000)
        for request in seen["requests"]:
            self.assertTrue(request.startswith(("http://192.168.4.1/", "data:")), request)
        self.twin.wait(lambda event: event["event"] == "start" and event["detail"] == "watchdog",
                       since=before)
        print("the page was there after %d ms; %r" % (seen["shownMs"], seen["done"]))

    def restart_gateway(self):
        self.gateway.stop(signal.SIGKILL)
        self.gateway = self.proxy(*GATEWAY, "--listen", "%s:%d" % self.gateway.address)

    def drop_network(self):
        """For two seconds of samples, which the device keeps meanwhile."""
        self.twin.command("wifi off")
        count = sum(map(len, self.sampled()))
        self.assertTrue(harness.wait_until(
            lambda: sum(map(len, self.sampled())) >= count + STEP, PATIENCE_S))
        self.twin.command("wifi on")

    def cut_power(self):
        """The next start is cut off while it writes its boot record, too."""
        boot = self.readings()[-1]["boot"]
        self.twin.command("power off")
        self.twin.command("cut 0 0.5")
        since = self.twin.command("power on")
        self.twin.wait(lambda event: event["event"] == "power-cut", since=since)
        self.twin.command("power on")
        self.goes_on(boot)

    def change_pace(self):
        """From the broker to the device: 10 readings a second instead of 20."""
        answers = harness.Subscriber(self.broker, "Pico/+/Command/Config/Result")
        self.addCleanup(answers.close)
        self.subscriber.publish("Pico/%s/Command/Config" % DEVICE,
                                json.dumps({"sample_interval_ms": 100}))
        self.assertTrue(answers.wait(lambda messages: messages, PATIENCE_S), "no answer")
        self.assertEqual(json.loads(answers.messages[0].payload)["status"], "applied")
        self.goes_on()

    def sampled(self):
        """What the converter gave, by the number of the start: [millivolts]."""
        starts = {}
        with open(self.samples, encoding="ascii") as file:
            for line in file:
                start, _, raw = json.loads(line)
                starts.setdefault(start, []).append(millivolts(raw))
        return list(starts.values())

    def assert_each_once(self):
        """By boot and number: nothing is missing, what came twice is the same, and it is what the
        sensor gave."""
        boots = {}
        for reading in self.readings():
            known = boots.setdefault(reading["boot"], {})
            again = known.setdefault(reading["seq"], reading)
            self.assertEqual(again, reading, "a repeat that differs")
        sampled = self.sampled()
        self.assertEqual(len(boots), len(sampled), "starts that measured")
        self.assertEqual(list(boots), sorted(boots), "the number of a start grows")
        for (boot, known), truth in zip(boots.items(), sampled):
            self.assertEqual(sorted(known), list(range(len(known))), "boot %d: gaps" % boot)
            got = [round(known[seq]["values"]["PulseSig"] * 1000) for seq in sorted(known)]
            self.assertEqual(got, truth[:len(got)], "boot %d" % boot)
        return boots

    def assert_plausible(self, reading):
        values = reading["values"]
        self.assertAlmostEqual(values["Temp"], 36.6, delta=0.1)
        self.assertAlmostEqual(values["TempMcu"], 23.7, delta=1)
        self.assertAlmostEqual(values["TempMpu"], 23.4, delta=0.1)
        for axis, g in (("x", 0.05), ("y", -0.5), ("z", 0.86)):
            self.assertAlmostEqual(values["Acel_" + axis], g, delta=0.05)
        self.assertNotIn("suspect", reading)

    def test_whole_way(self):
        self.set_up()
        self.goes_on()
        self.assert_plausible(self.readings()[-1])
        self.restart_gateway()
        self.goes_on()
        self.drop_network()
        self.goes_on()
        self.cut_power()
        self.change_pace()
        self.twin.command("power off")
        boots = self.assert_each_once()
        last = self.twin.close()
        self.assertEqual(self.twin.faults(), [])
        self.assertEqual(last["wire"], [], "times on the 1-Wire line")
        self.assertEqual(last["overruns"], 0, "bytes that the UART lost")
        print("%d readings of %d starts, %d messages; %.1f s of the chip's time, stack down to %s"
              % (sum(map(len, boots.values())), len(boots), len(self.readings()), last["seconds"],
                 last["stack"]))


def missing():
    if harness.sanitized():
        return "the image is the same in every build: the release build's turn"
    if not os.path.isdir(os.path.join(harness.SOURCE, "firmware-port", "portal", "node_modules",
                                      "playwright-core")):
        return "no playwright-core: scripts/deps-firmware --tests"
    if not os.environ.get("MEDSEC_CHROMIUM") and shutil.which("chromium") is None:
        return "no chromium: scripts/deps-firmware --tests"
    if not os.path.exists(image()):
        return "no %s: scripts/firmware" % image()
    return twin.missing()


def main():
    for name in ("BUILD", "SOURCE"):
        value = sys.argv[sys.argv.index("--" + name.lower()) + 1]
        setattr(harness, name, os.path.abspath(value))
    reason = missing()
    if reason:
        harness.skip(reason)
    harness.main()


if __name__ == "__main__":
    main()
