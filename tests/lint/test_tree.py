#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""House rules that no compiler knows: licence lines, banned functions, sizes, words, links."""

import hashlib
import pathlib
import re
import subprocess

import lint

BANNED = re.compile(r"\b(strcpy|strcat|sprintf|vsprintf|gets|system|popen|alloca|strtok)\s*\(")
UNFINISHED = re.compile(r"\b(todo|fixme|xxx|stub|not implemented|placeholder)\b", re.I)
CODE = ("src/**/*.[ch]", "cli/**/*.[ch]", "include/**/*.[ch]", "examples/**/*.[ch]",
        "firmware-port/**/*.[ch]")
ALL_CODE = CODE + ("tests/**/*.[ch]", "fuzz/**/*.[ch]", "bench/**/*.[ch]")
FILE_LINES, FUNCTION_LINES, COLUMNS = 800, 80, 100
LICENSE_SHA256 = "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"


def lines_that_match(tree, pattern, *globs):
    return [f"{tree.name(path)}:{number}: {line.strip()}" for path in tree.files(*globs)
            for number, line in enumerate(path.read_text().splitlines(), 1) if pattern.search(line)]


def check_no_banned_function(tree):
    return lines_that_match(tree, BANNED, *CODE)


def check_nothing_is_left_unfinished(tree):
    return lines_that_match(tree, UNFINISHED, *CODE)


def check_every_file_names_its_licence(tree):
    wanted = "SPDX-License-Identifier: Apache-2.0"
    return [f"{tree.name(path)}: no licence line" for path in tree.files(*ALL_CODE, "tests/**/*.py")
            if wanted not in "".join(path.read_text().splitlines(True)[:2])]


def check_licence_is_whole(tree):
    found = hashlib.sha256((tree.source / "LICENSE").read_bytes()).hexdigest()
    return [] if found == LICENSE_SHA256 else ["LICENSE: not the text of the Apache License 2.0"]


def check_sizes(tree):
    problems = []
    for path in tree.files(*ALL_CODE):
        lines = path.read_text().splitlines()
        if len(lines) > FILE_LINES:
            problems.append(f"{tree.name(path)}: {len(lines)} lines")
        problems += [f"{tree.name(path)}:{number}: {len(line)} columns"
                     for number, line in enumerate(lines, 1) if len(line) > COLUMNS]
        begins = None
        for number, line in enumerate(lines, 1):
            if line == "{":
                begins = number
            elif line == "}" and begins:
                length = number - begins
                if length > FUNCTION_LINES:
                    problems.append(f"{tree.name(path)}:{begins}: {length} lines of one function")
                begins = None
    return problems


def check_links_in_documents_lead_somewhere(tree):
    problems = []
    for path in tree.files("*.md", "docs/**/*.md"):
        for target in re.findall(r"\]\(([^)#\s]+)", path.read_text()):
            if not re.match(r"\w+:", target) and not (path.parent / target).exists():
                problems.append(f"{tree.name(path)}: {target}: no such file")
    return problems


def check_scripts_can_be_run_and_parsed(tree):
    problems = []
    for path in tree.files("scripts/*", ".ci/*", "bench/run", "bench/gateway", "bench/scale",
                           "tests/faults/soak.py", "demo"):
        if not path.stat().st_mode & 0o100:
            problems.append(f"{tree.name(path)}: not executable")
        first = path.read_text().partition("\n")[0]
        shell = re.match(r"#!.*\b(sh|bash)$", first)
        if shell:
            done = subprocess.run([shell.group(1), "-n", str(path)], capture_output=True, text=True)
            problems += done.stderr.splitlines()
    return problems


lint.main(check_no_banned_function, check_nothing_is_left_unfinished,
          check_every_file_names_its_licence, check_licence_is_whole, check_sizes,
          check_links_in_documents_lead_somewhere, check_scripts_can_be_run_and_parsed)
