# SPDX-License-Identifier: Apache-2.0
"""A device on emulated hardware (firmware-port/twin) as a child of a test."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading

import harness

FOLDER = os.path.join("firmware-port", "twin")


NETWORK, PASSWORD = "ward 7", "a password, with \\ and \""
SERVER, PORT = "gateway.example", 9998
FULL_MV, FULL_RAW = 3300, 4095  # of the converter
# A handshake takes a third of a second on a chip, and seconds where the chip is emulated, or a minute
# where much else runs beside it.
PATIENCE_S = 300
GATEWAY = ("--identify-timeout", str(PATIENCE_S))


def image():
    """The firmware as CI builds it, or as MEDSEC_FIRMWARE names it."""
    return (os.environ.get("MEDSEC_FIRMWARE")
            or os.path.join(harness.SOURCE, "build", "firmware", "medsec-device.uf2"))


def read_arguments():
    """Before harness.main() does, so that the script can be skipped."""
    for name in ("BUILD", "SOURCE"):
        value = sys.argv[sys.argv.index("--" + name.lower()) + 1]
        setattr(harness, name, os.path.abspath(value))


def missing():
    """Why there can be no twin here, or None."""
    if harness.sanitized():
        return "the image is the same in every build: the release build's turn"
    if not os.path.exists(image()):
        return "no %s: scripts/firmware" % image()
    if shutil.which("node") is None:
        return "no node"
    if not os.path.isdir(os.path.join(harness.SOURCE, FOLDER, "node_modules", "rp2040js")):
        return "no rp2040js: scripts/deps-firmware"
    return None


def program(name):
    return os.path.join(harness.SOURCE, FOLDER, name)


class Twin:
    """Starts twin.mjs with these options; keeps its events, and gives it commands."""

    def __init__(self, *options, log=None):
        self.events = []
        self.changed = threading.Condition()
        self.log = open(log, "ab") if log else subprocess.DEVNULL
        self.child = subprocess.Popen(["node", program("twin.mjs"), *options],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      stderr=self.log, text=True)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.child.stdout:
            with self.changed:
                self.events.append(json.loads(line))
                self.changed.notify_all()
        with self.changed:
            self.changed.notify_all()

    def wait(self, condition, timeout=PATIENCE_S, since=0):
        """The first event from number `since` on for which `condition` holds; fails on a fault of
        the device, or when there is none in time."""
        def look():
            for event in self.events[since:]:
                if condition(event):
                    return event
            if self.faults() or self.child.poll() is not None:
                return "over"
            return None

        with self.changed:
            found = self.changed.wait_for(look, timeout)
        if found in (None, "over"):
            raise AssertionError("the twin did not say it: %s" % self.events[-8:])
        return found

    def wait_module(self, what, timeout=PATIENCE_S, since=0):
        """`detail` of the first such event of the ESP8266."""
        return self.wait(lambda event: event["event"] == "module" and event["what"] == what,
                         timeout, since).get("detail")

    def faults(self):
        return [event for event in self.events if event["event"] == "fault"]

    def command(self, line):
        """Gives a command, and returns the number of events before it was done."""
        since = len(self.events)
        self.child.stdin.write(line + "\n")
        self.child.stdin.flush()
        self.wait(lambda event: event["event"] in ("done", "unknown")
                  and event["command"] == line, since=since)
        return since

    def state(self):
        since = self.command("state")
        return self.wait(lambda event: event["event"] == "state", since=since)

    def led(self):
        """The last edges of the LED: [milliseconds, on]."""
        since = self.command("led")
        return self.wait(lambda event: event["event"] == "led", since=since)["edges"]

    def close(self):
        """Ends it; returns its last state."""
        if self.child.poll() is None:
            self.child.stdin.close()
        self.child.wait(PATIENCE_S)
        self.reader.join()
        self.child.stdout.close()
        if self.log is not subprocess.DEVNULL:
            self.log.close()
        states = [event for event in self.events if event["event"] == "state"]
        return states[-1] if states else None


class TwinTest(harness.GatewayTest):
    """A test with a twin that is registered, and stands as an access point."""

    device = "iot_med_dev_01"
    wire = ()  # options of `medsec-keygen add`
    publish = ()  # options of medsec-proxy
    module = "1"  # AT firmware

    def setUp(self):
        super().setUp()
        self.broker.start()
        self.subscriber = harness.Subscriber(self.broker, "Pico/#", session="kept")
        self.addCleanup(self.subscriber.close)
        self.registry.keygen("add", self.device, "--uf2", "--out", self.folder, *self.wire)
        self.gateway = self.start_gateway()
        self.samples = os.path.join(self.folder, "samples")
        self.twin = Twin(
            "--flash", os.path.join(self.folder, "flash"), "--uf2", image(),
            "--uf2", os.path.join(self.folder, self.device + ".uf2"), "--at", self.module,
            "--switch", "configuration", "--network", "%s:%s" % (NETWORK, PASSWORD),
            "--record", self.samples, "--host", "%s=%s:%d" % ((SERVER,) + self.gateway.address),
            log=os.path.join(self.folder, "twin.log"))
        self.addCleanup(self.twin.close)

    def start_gateway(self, *arguments):
        return self.proxy(*GATEWAY, *self.publish, *arguments)

    def restart_gateway(self):
        self.gateway.stop(signal.SIGKILL)
        self.gateway = self.start_gateway("--listen", "%s:%d" % self.gateway.address)

    def key(self):
        return self.registry.keygen("setup-key", self.device).stdout.split()[-1]

    def sampled(self):
        """What the converter gave, start by start, of those that measured: [millivolts]."""
        starts = {}
        if os.path.exists(self.samples):
            with open(self.samples, encoding="ascii") as file:
                for line in file.read().splitlines():
                    start, _, raw = json.loads(line)
                    starts.setdefault(start, []).append(millivolts(raw))
        return list(starts.values())

    def assert_sound(self):
        """Ends the twin: nothing happened to it that a device must not do. Its last state."""
        state = self.twin.close()
        self.assertEqual(self.twin.faults(), [])
        self.assertEqual(state["wire"], [], "times on the 1-Wire line")
        self.assertEqual(state["overruns"], 0, "bytes that the UART lost")
        return state


def millivolts(raw):
    return (raw * FULL_MV + FULL_RAW // 2) // FULL_RAW
