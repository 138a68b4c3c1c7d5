# SPDX-License-Identifier: Apache-2.0
"""Where the CPU time of everybody goes, by perf."""

import os
import subprocess

LIBRARIES, FUNCTIONS = 8, 15


def sums(rows, column, count):
    """[[name, percent], ...], the largest first."""
    total = {}
    for row in rows:
        total[row[column]] = total.get(row[column], 0) + row[0]
    largest = sorted(total.items(), key=lambda one: -one[1])[:count]
    return [[name, round(percent, 1)] for name, percent in largest]


def report(data):
    text = subprocess.run(["perf", "report", "-i", data, "--stdio", "--no-children", "-q",
                           "-g", "none", "-F", "overhead,dso,sym", "-t", "|"],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                          check=True).stdout
    rows = [line.split("|") for line in text.splitlines() if "|" in line]
    rows = [(float(row[0].strip().rstrip("%")), row[1].strip(), row[2].strip()) for row in rows]
    return {"libraries": sums(rows, 1, LIBRARIES), "functions": sums(rows, 2, FUNCTIONS)}


def profile(folder, pids, seconds):
    """Of each of these processes, percent of its own CPU time."""
    files = {name: os.path.join(folder, name + ".perf") for name in pids}
    recorders = [subprocess.Popen(["perf", "record", "-q", "-e", "cpu-clock", "-F", "997", "-p",
                                   str(pids[name]), "-o", files[name], "--", "sleep",
                                   str(seconds)],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                 for name in pids]
    for recorder in recorders:
        recorder.wait()
    return {name: report(files[name]) for name in pids}
