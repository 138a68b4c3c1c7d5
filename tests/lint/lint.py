# SPDX-License-Identifier: Apache-2.0
"""What the lint tests share: a check is a function that returns the list of what is wrong."""

import argparse
import pathlib
import re
import subprocess
import sys

SKIP = 77


class Skip(Exception):
    pass


class Failed(Exception):
    """A command that had to succeed did not; says which, and what it printed."""


class Tree:
    def __init__(self, source, build):
        self.source = pathlib.Path(source).resolve()
        self.build = pathlib.Path(build).resolve()

    def cache(self, name):
        text = (self.build / "CMakeCache.txt").read_text()
        found = re.search(rf"^{re.escape(name)}:\w+=(.*)$", text, re.M)
        return found.group(1) if found else ""

    def need_release(self):
        if (self.cache("MEDSEC_SANITIZE") or self.cache("MEDSEC_COVERAGE") == "ON"
                or self.cache("CMAKE_BUILD_TYPE") not in ("Release", "RelWithDebInfo")):
            raise Skip("only a release build has what this test reads")

    def files(self, *patterns):
        found = (path for pattern in patterns for path in self.source.glob(pattern))
        return sorted(path for path in found
                      if path.is_file() and "node_modules" not in path.parts)

    def name(self, path):
        return str(path.relative_to(self.source))

    def core_sources(self):
        text = (self.source / "cmake/medsec_sources.cmake").read_text()
        listed = re.search(r"set\(MEDSEC_CORE_SOURCES([^)]*)\)", text).group(1).split()
        return [self.source / name for name in listed]


def output(*command, **options):
    """Standard output of a command that must succeed."""
    words = [str(word) for word in command]
    done = subprocess.run(words, text=True, capture_output=True, **options)
    if done.returncode != 0:
        raise Failed(f"{' '.join(words)}\n{done.stdout}{done.stderr}")
    return done.stdout


def problems_of(check, tree):
    try:
        return check(tree)
    except (Failed, OSError) as failed:
        return str(failed).splitlines()


def main(*checks, **flags):
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--source", default=pathlib.Path(__file__).parents[2])
    for flag, action in flags.items():
        parser.add_argument(f"--{flag}", action="store_true", help=action.__doc__)
    options = parser.parse_args()
    tree = Tree(options.source, options.build)
    for flag, action in flags.items():
        if getattr(options, flag):
            sys.exit(action(tree))
    failed = 0
    try:
        for check in checks:
            problems = problems_of(check, tree)
            failed += bool(problems)
            print(f"{'not ok' if problems else 'ok'} - {check.__name__}")
            for problem in problems:
                print(f"    {problem}")
    except Skip as reason:
        print(f"skipped: {reason}")
        sys.exit(SKIP)
    sys.exit(1 if failed else 0)
