# SPDX-License-Identifier: Apache-2.0
"""The whole way with the real image: a browser opens the page of the emulated device and saves its
settings, the device starts anew, joins the network, shakes hands with medsec-proxy, and its readings
are seen at mosquitto; then everything on the way breaks, one after the other. What the subscriber has
got in the end is what the sensor gave, each reading once, in its order."""

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

STEP = 30  # readings, a second and a half of them, to see that it goes on
WRONG_KEY = "0000-0000-0000-0000-0000"
PAGE_S = 2  # of the chip's time, from the request until all of the page has left


class WholeWay(twin.TwinTest):
    publish = ("--publish", "reading")

    def readings(self):
        """What came to the subscriber, oldest first."""
        return [json.loads(text)
                for text in self.subscriber.payloads("Pico/%s/Reading" % self.device)]

    def wait_readings(self, condition):
        """Waits until `condition` holds for STEP readings of those that come from now on."""
        count = len(self.readings())

        def enough(_):
            return len(list(filter(condition, self.readings()[count:]))) >= STEP

        self.assertTrue(self.subscriber.wait(enough, twin.PATIENCE_S),
                        "no such readings; %s" % self.twin.events[-6:])

    def goes_on(self):
        self.wait_readings(lambda reading: True)

    def fill_in_page(self, port):
        pictures = os.path.join(harness.BUILD, "screenshots")
        os.makedirs(pictures, exist_ok=True)
        asked = {"port": port, "key": self.key(), "wrongKey": WRONG_KEY, "pictures": pictures,
                 "settings": {"ssid": twin.NETWORK, "password": twin.PASSWORD,
                              "server": twin.SERVER, "port": twin.PORT}}
        done = subprocess.run(["node", os.path.join(HERE, "browser.mjs")], check=True, text=True,
                              input=json.dumps(asked) + "\n", stdout=subprocess.PIPE,
                              timeout=2 * twin.PATIENCE_S)
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
        page_s = self.first_visit()
        self.assertLess(page_s, PAGE_S)
        for request in seen["requests"]:
            self.assertTrue(request.startswith(("http://192.168.4.1/", "data:")), request)
        self.twin.wait(lambda event: event["event"] == "start" and event["detail"] == "watchdog",
                       since=before)
        print("the page left in %.2f s and was shown after %.2f s; %r"
              % (page_s, seen["shownMs"] / 1000, seen["done"]))

    def first_visit(self):
        """How long the chip took for its first answer, by its own clock: from the request, and from
        the end of each piece at the module, until the next piece was there."""
        took, since = 0, None
        for event in self.twin.events:
            what = event.get("what")
            if since is None and what == "request":
                link, since = event["detail"], event["seconds"]
            elif since is not None and event.get("detail") == link:
                if what == "closed":
                    break
                took += event["seconds"] - since if what == "answer" else 0
                since = event["seconds"]
        return took

    def wait_samples(self):
        count = sum(map(len, self.sampled()))
        self.assertTrue(harness.wait_until(
            lambda: sum(map(len, self.sampled())) >= count + STEP, twin.PATIENCE_S))

    def kill_gateway(self):
        """With readings that were sent and are not acknowledged."""
        self.gateway.send(signal.SIGSTOP)
        self.wait_samples()
        self.restart_gateway()

    def drop_network(self):
        """With readings that are acknowledged too late; the device keeps what it measures."""
        self.gateway.send(signal.SIGSTOP)
        self.wait_samples()
        self.twin.command("wifi off")
        self.gateway.send(signal.SIGCONT)
        self.wait_samples()
        self.twin.command("wifi on")

    def break_sensors(self):
        """What fails is null, and comes back; who holds the bus is made to let go."""
        self.twin.command("motion hang")
        self.twin.command("thermometer off")
        self.wait_readings(lambda reading: reading["values"]["Temp"] is None)
        self.twin.command("thermometer on")
        self.wait_readings(lambda reading: None not in reading["values"].values())

    def cut_power(self):
        """And once more while the next start writes its boot record."""
        boot = self.readings()[-1]["boot"]
        self.twin.command("power off")
        self.twin.command("cut 0 0.5")
        since = self.twin.command("power on")
        self.twin.wait(lambda event: event["event"] == "power-cut", since=since)
        self.twin.command("power on")
        self.wait_readings(lambda reading: reading["boot"] != boot)

    def change_pace(self):
        """From the broker to the device: 10 readings a second instead of 20."""
        topic = "Pico/%s/Command/Config" % self.device
        self.subscriber.publish(topic, json.dumps({"sample_interval_ms": 100}))
        answers = self.subscriber.wait_payloads(topic + "/Result", 1, twin.PATIENCE_S)
        self.assertEqual([json.loads(text)["status"] for text in answers], ["applied"])
        self.goes_on()

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
        self.kill_gateway()
        self.goes_on()
        self.drop_network()
        self.goes_on()
        self.break_sensors()
        self.cut_power()
        self.change_pace()
        self.twin.command("power off")
        boots = self.assert_each_once()
        state = self.assert_sound()
        print("%d readings of %d starts, %d messages; %.1f s of the chip's time, stack down to %s"
              % (sum(map(len, boots.values())), len(boots), len(self.readings()),
                 state["seconds"], state["stack"]))


def missing():
    if not os.path.isdir(os.path.join(harness.SOURCE, "firmware-port", "portal", "node_modules",
                                      "playwright-core")):
        return "no playwright-core: scripts/deps-firmware --tests"
    if not os.environ.get("MEDSEC_CHROMIUM") and shutil.which("chromium") is None:
        return "no chromium: scripts/deps-firmware --tests"
    return twin.missing()


if __name__ == "__main__":
    twin.read_arguments()
    reason = missing()
    if reason:
        harness.skip(reason)
    harness.main()
