# SPDX-License-Identifier: Apache-2.0
"""scripts/twin sets up a device and shows what it sends, and leaves nothing behind."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[1:1] = [os.path.join(HERE, "..", "support")]
import harness
import twin

LINE = re.compile(r"^(\S+) +(-?\d+\.\d{2,3} +){7}(\d+)$")


class Show(unittest.TestCase):
    def test_one_device(self):
        with tempfile.TemporaryDirectory() as folder:
            shown = subprocess.Popen(
                [os.path.join(harness.SOURCE, "scripts", "twin")], text=True,
                env=dict(os.environ, MEDSEC_BUILD=harness.BUILD, MEDSEC_FIRMWARE=twin.image(),
                         TMPDIR=folder),
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True)
            self.addCleanup(shown.stdout.close)
            for line in shown.stdout:
                found = LINE.match(line)
                if found and int(found.group(3)) > 40:
                    break
            else:
                self.fail("no line of a device that has sent for two seconds")
            self.assertEqual(found.group(1), "twin-1")
            os.killpg(shown.pid, signal.SIGINT)  # as the terminal does for Ctrl-C
            self.assertEqual(shown.wait(harness.PATIENCE_S), 0)
            self.assertEqual(os.listdir(folder), [])


if __name__ == "__main__":
    twin.read_arguments()
    reason = twin.missing()
    if reason:
        harness.skip(reason)
    harness.main()
