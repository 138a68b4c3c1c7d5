# SPDX-License-Identifier: Apache-2.0
"""The short subset of tests/faults/run: each fault once, for a second or two. What is lost is lost here as
well; how long healthy devices wait is measured by the whole, on a machine that does nothing else.

MEDSEC_FAULTS_CLIENT=mosquitto does it with the other MQTT client."""

import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(1, HERE)
from scene import Scene
import harness
import rows
import table

SEED = 20261121


class Setup:
    rounds, keep = 1, False
    client = os.environ.get("MEDSEC_FAULTS_CLIENT", "paho")

    def __init__(self):
        self.window_s = 3.0 if harness.sanitized() else 1.5
        self.preload = os.path.join(harness.BUILD, "tests", "faults_preload.so")


class Faults(unittest.TestCase):
    def do(self, row):
        if harness.sanitized() and not row.sanitized:
            self.skipTest("not under a sanitizer")
        scene = Scene(Setup(), SEED)
        try:
            row(scene)
            result = scene.finish()
            if table.failures(result):
                print(scene.gateway.text()[-4000:], file=sys.stderr)
        finally:
            scene.close()
        print(table.line(row.__name__, result), flush=True)
        self.assertEqual(table.failures(result), [])


def add(row):
    setattr(Faults, "test_" + row.__name__, lambda self: self.do(row))


for one in rows.ROWS:
    if one.short:
        add(one)

if __name__ == "__main__":
    harness.main()
