#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/deploy.md: figures of the capacity table stand in bench/README.md, and what is computed of them
is right."""

import math
import re

import lint

PAGE = "docs/deploy.md"


def rows(tree):
    text = (tree.source / PAGE).read_text().split("| `--publish` | wire")[1].split("\n\n")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()[2:]]


def number(text):
    return float(re.match(r"[\d.]+", text).group())


def two_digits(value):
    """Rounded down to two digits that count."""
    unit = 10 ** (math.floor(math.log10(value)) - 1)
    return math.floor(value / unit) * unit


def expected(us, cell):
    counts = [two_digits(1e6 / (us * rate)) for rate in (20, 1)]
    words = ["{:,}".format(round(count)).replace(",", " ") for count in counts]
    return words[0] if "(" not in cell else "%s (%s)" % tuple(words)


def check_counts_of_devices(tree):
    return [f"{PAGE}: {row[0]}, {row[1]}: {cell} should be {expected(number(us), cell)}"
            for row in rows(tree) for us, cell in ((row[2], row[4]), (row[3], row[5]))
            if cell != expected(number(us), cell)]


def check_figures_of_the_matrix(tree):
    """A row of the matrix there has the gateway's figure first, and the broker's last."""
    bench = (tree.source / "bench/README.md").read_text()
    measured = [row for row in rows(tree) if re.fullmatch(r"`\w+`", row[0])]
    return [f"{PAGE}: not in bench/README.md: {row}" for row in measured
            if not re.search(r"^\| %s \| %s \| %s \|.*\| %s \|$" % tuple(map(re.escape, row[:4])),
                             bench, re.M)]


def check_other_figures_are_measured(tree):
    bench = (tree.source / "bench/README.md").read_text().split("## Figures")[1]
    figures = {cell for row in rows(tree) if "sum" not in row[2] for cell in (row[2], row[3], row[6])}
    return [f"{PAGE}: {figure} is not in bench/README.md" for figure in sorted(figures)
            if not re.search(r"(?<![\d.])%s(?![\d.]*\d)" % re.escape(figure), bench)]


lint.main(check_counts_of_devices, check_figures_of_the_matrix, check_other_figures_are_measured)
