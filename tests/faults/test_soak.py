# SPDX-License-Identifier: Apache-2.0
"""Endurance, in short: tests/faults/soak.py with few devices, for a minute."""

import argparse
import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[1:1] = [os.path.join(HERE, "..", "support"), HERE]
import harness
import soak


class Soak(unittest.TestCase):
    def test_a_minute_of_faults(self):
        told = []
        verdict = soak.soak(argparse.Namespace(
            seconds=60, devices=200, batch=4, every=4, faults=10, client="paho", spool=False,
            seed=20261121, any_memory=harness.sanitized()), told.append)
        faults = [row["fault"] for row in told if row["soak"] == "fault"]
        self.assertGreaterEqual(len(faults), 10)
        self.assertGreaterEqual(len(set(faults)), 5, faults)
        self.assertGreater(verdict["cut"], 0)
        self.assertTrue(verdict["ok"], verdict)


if __name__ == "__main__":
    harness.main()
