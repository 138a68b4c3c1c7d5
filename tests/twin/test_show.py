# SPDX-License-Identifier: Apache-2.0
"""scripts/twin sets up a device and shows what it sends, and leaves nothing behind."""

import os
import re
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[1:1] = [os.path.join(HERE, "..", "support")]
import harness
import twin

LINE = re.compile(r"^(\S+) +(-?\d+\.\d{2,3} +){7}(\d+)$", re.MULTILINE)


class Show(unittest.TestCase):
    def test_three_seconds(self):
        with tempfile.TemporaryDirectory() as folder:
            shown = subprocess.run(
                [os.path.join(harness.SOURCE, "scripts", "twin"), "--seconds", "3"], text=True,
                env=dict(os.environ, MEDSEC_BUILD=harness.BUILD, MEDSEC_FIRMWARE=twin.image(),
                         TMPDIR=folder),
                stdin=subprocess.DEVNULL, capture_output=True, timeout=200, check=False)
            self.assertEqual(shown.returncode, 0, shown.stderr)
            lines = LINE.findall(shown.stdout)
            self.assertEqual({name for name, *_ in lines}, {"twin-1"}, shown.stdout)
            self.assertGreaterEqual(int(lines[-1][2]), 20, shown.stdout)
            self.assertEqual(os.listdir(folder), [])


if __name__ == "__main__":
    twin.read_arguments()
    reason = twin.missing()
    if reason:
        harness.skip(reason)
    harness.main()
