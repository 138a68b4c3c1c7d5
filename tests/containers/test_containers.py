#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""packaging/docker for real: images are built, one command starts everything in an engine of this
test's own, and then: what comes through, who can reach what, what runs with which rights, what is
kept secret, and what an upgrade loses.

Images are kept in build/containers, or where MEDSEC_CONTAINERS says: the second run takes a
fraction of the first one's time."""

import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[1:1] = [HERE, os.path.join(HERE, "..", "support")]
import engine
import harness
from part_devices import Devices
from part_emqx import Emqx
from part_health import End, Health
from part_login import Login
from part_reach import Reach
from part_rights import Rights
from part_secrets import Secrets
from part_upgrade import Upgrade
from stage import Part, Stage

# What changes things comes last.
parts = (Devices, Reach, Login, Rights, Secrets, Health, Upgrade, End, Emqx)


def load_tests(loader, _standard, _pattern):
    return unittest.TestSuite(map(loader.loadTestsFromTestCase, parts))


def why_not():
    if harness.sanitized():
        return "the images are the same in every build: the release build's turn"
    if not os.path.isdir(os.path.join(harness.SOURCE, "packaging/nodered/node_modules")):
        return "no npm packages of the dashboard: scripts/deps-packaging --tests"
    return engine.missing()


def cache_folder():
    return (os.environ.get("MEDSEC_CONTAINERS")
            or os.path.join(harness.SOURCE, "build/containers"))


if __name__ == "__main__":
    harness.BUILD, harness.SOURCE = (os.path.abspath(sys.argv[sys.argv.index(name) + 1])
                                     for name in ("--build", "--source"))
    reason = why_not()
    if reason:
        harness.skip(reason)
    Part.stage = Stage(cache_folder(), engine.enter(cache_folder()))
    try:
        Part.stage.build()
        Part.stage.start()
        harness.main()
    finally:
        Part.stage.close()
