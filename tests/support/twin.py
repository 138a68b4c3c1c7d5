# SPDX-License-Identifier: Apache-2.0
"""A device on emulated hardware (firmware-port/twin) as a child of a test."""

import json
import os
import shutil
import subprocess
import threading

import harness

FOLDER = os.path.join("firmware-port", "twin")


def missing():
    """Why there can be no twin here, or None."""
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

    def wait(self, condition, timeout=30, since=0):
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

    def wait_module(self, what, timeout=30, since=0):
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
        self.child.wait(20)
        self.reader.join()
        self.child.stdout.close()
        if self.log is not subprocess.DEVNULL:
            self.log.close()
        states = [event for event in self.events if event["event"] == "state"]
        return states[-1] if states else None
