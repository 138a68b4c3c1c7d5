#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""No branch and no address depends on a secret: constant_time.c under memcheck, case by case.

Each case runs twice: as it is, and with a part put in that does branch, which must be noticed."""

import os
import shutil
import subprocess
import sys
import unittest

sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness

NOTICED = 99


def program():
    return os.path.join(harness.BUILD, "tests", "constant_time")


def setUpModule():
    if not os.path.exists(program()) or not shutil.which("valgrind"):
        harness.skip("no valgrind, or a build with a sanitizer")


def memcheck(*arguments):
    done = subprocess.run(
        ["valgrind", "-q", "--error-exitcode=%d" % NOTICED, program(), *arguments],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    return done.returncode, done.stderr


class ConstantTime(unittest.TestCase):
    def check(self, case):
        code, said = memcheck(case)
        self.assertEqual(0, code, said)
        code, said = memcheck(case, "leaks")
        self.assertEqual(NOTICED, code, "%s leaks, and nothing was noticed: %s" % (case, said))
        self.assertIn("ninitialised value", said)

    def test_primitives(self):
        self.check("primitives")

    def test_bearssl(self):
        self.check("bearssl")

    def test_padding(self):
        self.check("padding")

    def test_tag(self):
        self.check("tag")

    def test_session(self):
        self.check("session")

    def test_lookup(self):
        self.check("lookup")

    def test_setup_page(self):
        self.check("setup_page")


if __name__ == "__main__":
    harness.main()
