# SPDX-License-Identifier: Apache-2.0
"""scripts/demo shows five devices' vitals, and leaves nothing behind."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness

LINE = re.compile(r"^(\S+) +(-?\d+\.\d{2,3} +){7}(\d+)$", re.MULTILINE)


class Demo(unittest.TestCase):
    def start(self, folder, *arguments):
        """Starts the demo in a session of its own, so that what it leaves behind can be found."""
        return subprocess.Popen(
            [os.path.join(harness.SOURCE, "scripts", "demo"), *arguments], text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=dict(os.environ, MEDSEC_BUILD=harness.BUILD, TMPDIR=folder),
            start_new_session=True)

    def assert_nothing_left(self, session, folder):
        left = harness.wait_until(lambda: not self.session_members(session))
        self.assertTrue(left, "processes left: %r" % self.session_members(session))
        self.assertEqual(os.listdir(folder), [])

    @staticmethod
    def session_members(session):
        members = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open("/proc/%s/stat" % pid, encoding="utf-8", errors="replace") as file:
                    name, rest = file.read().rsplit(")", 1)
            except OSError:
                continue
            if int(rest.split()[3]) == session:
                members.append(name)
        return members

    def test_five_seconds(self):
        with tempfile.TemporaryDirectory() as folder:
            demo = self.start(folder, "--seconds", "5")
            out, err = demo.communicate(timeout=240)
            self.assertEqual(demo.returncode, 0, err)
            self.assertTrue(LINE.findall(out), out)
            self.assert_nothing_left(demo.pid, folder)

    def test_interrupt(self):
        with tempfile.TemporaryDirectory() as folder:
            demo, shown = self.start(folder), {}
            end = time.monotonic() + 240
            while len(shown) < 5 or max(shown.values()) <= 40:
                self.assertLess(time.monotonic(), end, shown)
                shown.update((name, int(count)) for name, *_, count in
                             LINE.findall(demo.stdout.readline()))
            # As the terminal does for Ctrl-C: to every process of the group.
            os.killpg(demo.pid, signal.SIGINT)
            _, err = demo.communicate(timeout=240)
            self.assertEqual(demo.returncode, 0, err)
            self.assert_nothing_left(demo.pid, folder)

    def test_says_what_is_missing(self):
        with tempfile.TemporaryDirectory() as folder:
            demo = subprocess.run([os.path.join(harness.SOURCE, "scripts", "demo")], text=True,
                                  capture_output=True, timeout=120,
                                  env=dict(os.environ, MEDSEC_BUILD=folder))
            self.assertEqual(demo.returncode, 1)
            self.assertIn("build first", demo.stderr)


if __name__ == "__main__":
    harness.main()
