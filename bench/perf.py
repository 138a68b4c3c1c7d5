# SPDX-License-Identifier: Apache-2.0
"""Where the CPU time of everybody goes, by perf."""

import os
import subprocess

TOP_SYMBOLS = 12


def record(folder, seconds):
    data = os.path.join(folder, "perf.data")
    subprocess.run(["perf", "record", "-q", "-a", "-e", "cpu-clock", "-F", "997", "-o", data,
                    "--", "sleep", str(seconds)],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    text = subprocess.run(["perf", "report", "-i", data, "--stdio", "--no-children", "-q",
                           "-g", "none", "-F", "overhead,comm,dso,sym", "-t", "|"],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                          check=True).stdout
    rows = ([part.strip() for part in line.split("|")] for line in text.splitlines() if "|" in line)
    return [(float(row[0].rstrip("%")), *row[1:4]) for row in rows]


def sums(rows, column):
    """[[name, percent], ...], the largest first."""
    total = {}
    for row in rows:
        total[row[column]] = total.get(row[column], 0) + row[0]
    return [[name, round(percent, 1)] for name, percent in sorted(total.items(),
                                                                  key=lambda one: -one[1])]


def profile(folder, seconds):
    """Percent of all samples, so that 100 is every core; of each large program its libraries and
    its dearest functions."""
    rows = record(folder, seconds)
    programs = [one for one in sums(rows, 1) if one[1] >= 1]
    parts = {}
    for name, _ in programs:
        own = [row for row in rows if row[1] == name and name != "swapper"]
        if own:
            parts[name] = {"libraries": sums(own, 2)[:8], "functions": sums(own, 3)[:TOP_SYMBOLS]}
    return {"percent_of_machine": programs, "parts": parts}
