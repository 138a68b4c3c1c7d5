# SPDX-License-Identifier: Apache-2.0
"""What all parts of the test look at: an engine, an installation of packaging/docker that runs in
it, its neighbour, and a listener at its broker."""

import json
import os
import time
import unittest

import engine
import harness
import images
import ports
import ward
from engine import HOST, PATIENCE_S

PUBLISHED = [1880, 9998]
USER = "clinic"
FIRST_READING_S = 120
VISIT_S = 600  # a later one is told with its time
LONGEST = 12
HERE = os.path.dirname(os.path.abspath(__file__))


class Stage:
    """The engine, the neighbour, and the installation that all tests look at."""

    def __init__(self, cache, scratch):
        self.cache, self.scratch = cache, scratch
        self.times, self.begin = [], time.monotonic()
        self.engine = engine.Engine(cache, scratch)
        self.neighbour = self.ward = self.listener = self.commands = self.seen = None

    def lap(self, what):
        """Notes that this took the time since the one before."""
        now = time.monotonic()
        self.times.append((now - self.begin, what))
        self.begin = now

    def build(self):
        self.engine.start("--bridge=none", "--iptables=false")
        self.engine.clear()
        self.lap("engine")
        self.bases = images.build(harness.SOURCE, self.cache, self.scratch)
        self.lap("images")
        self.engine.stop()

    def start(self):
        self.neighbour = engine.isolate()
        self.engine.start("--bridge=none")
        self.commands = ward.CommandLines()
        self.ward = ward.Installation(harness.SOURCE)
        began = time.time()
        self.ward.up()
        self.lap("up")
        self.listener = ward.Listener(self.ward, "dashboard", self.ward.password("dashboard"),
                                      ["Pico/+/Reading", "Pico/+/Physiological_Data/Temperature"])
        self.seen = self.visit()
        if "failed" in self.seen:
            raise AssertionError("no reading on the page: %s\n%s" % (self.seen, self.ward.logs()))
        self.seen["seconds"] = self.seen["at"] - began
        self.lap("reading on the page")

    def visit(self):
        """What somebody at the neighbour sees in a browser."""
        wanted = {"url": "https://%s:1880" % HOST, "user": USER, "limit": VISIT_S,
                  "password": self.ward.password("login"), "pictures": self.cache}
        text = self.neighbour.output("node", os.path.join(HERE, "visit.mjs"),
                                     input=json.dumps(wanted) + "\n")
        return json.loads(text)

    def simulate(self, *arguments):
        """A simulator on the neighbour, through the published port; its summary."""
        return json.loads(self.neighbour.output(
            harness.tool("medsec-sim"), "--connect", HOST + ":9998", "--json", "--patience",
            str(PATIENCE_S), "--wait", str(PATIENCE_S), *arguments))

    def scan(self, address=HOST, only=()):
        """The ports that the neighbour finds there, of all or of some."""
        return json.loads(self.neighbour.output("/usr/bin/python3", ports.__file__, address,
                                                *map(str, only)))

    def close(self):
        print("what took longest:")
        for seconds, what in sorted(self.times, reverse=True)[:LONGEST]:
            print("%6.1f s  %s" % (seconds, what))
        if self.neighbour:
            self.neighbour.close()
        self.engine.stop()


class Part(unittest.TestCase):
    """Some of the tests; they run in the order in which `parts` of test_containers.py has them."""

    stage = None

    def run(self, result=None):
        super().run(result)
        self.stage.lap(self.id().split(".", 1)[1])
