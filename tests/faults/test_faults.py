# SPDX-License-Identifier: Apache-2.0
"""The short subset of tests/faults/run: each fault once, for a second or two. What is lost is lost here as
well; how long healthy devices wait is measured by the whole, on a machine that does nothing else.

What is between gateway and broker is done with both MQTT clients."""

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
    rounds, keep, may_be_busy = 1, False, True

    def __init__(self, client):
        self.client = client
        self.window_s = 3.0 if harness.sanitized() else 1.5
        self.preload = os.path.join(harness.BUILD, "tests", "faults_preload.so")


class Faults(unittest.TestCase):
    def do(self, row, client):
        if harness.sanitized() and not row.sanitized:
            self.skipTest("not under a sanitizer")
        scene = Scene(Setup(client), SEED)
        try:
            row(scene)
            result = scene.finish()
            found = table.failures(result, row.part)
            if found:
                print(scene.gateway.text()[-4000:], file=sys.stderr)
        finally:
            scene.close()
        print(table.line(row.__name__, result), flush=True)
        self.assertEqual(found, [])


def add(row, client):
    setattr(Faults, "test_%s_%s" % (row.__name__, client), lambda self: self.do(row, client))


for one in rows.ROWS:
    for other in ("paho", "mosquitto") if one.part in (rows.BROKER, rows.SPOOL) else ("paho",):
        if one.short:
            add(one, other)

if __name__ == "__main__":
    harness.main()
