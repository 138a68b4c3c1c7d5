# SPDX-License-Identifier: Apache-2.0
"""The models of medsec/1 under spin: the protocol holds, and every deliberate fault in it is found.

A search counts only when it was exhaustive. Where `complete` is set, every statement of the model
must have been reached too, so that nothing holds because it cannot happen.
"""

import argparse
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import tempfile

FOLDER = os.path.dirname(os.path.abspath(__file__))
SAFETY, CYCLES = "-DSAFETY", "-DNP"
DEPTH = "-m100000"

# model, defines, what is looked for, complete
SOUND = (
    ("delivery", ("RING=2",), SAFETY, True),
    ("delivery", ("FAULTS=3",), SAFETY, False),
    ("delivery", ("READINGS=4", "RING=2", "FAULTS=1"), SAFETY, True),
    ("delivery", ("RING=3",), CYCLES, False),
    ("session", (), SAFETY, True),
    ("session", ("ATTEMPTS=2", "CONNECTIONS=4"), SAFETY, True),
)
# model, the fault, the words of spin when it finds it
BROKEN = (
    ("delivery", "ACK_BEFORE_PUBACK", "assertion violated"),
    ("delivery", "ACK_OUT_OF_ORDER", "assertion violated"),
    ("delivery", "DEDUPE_BY_RECEIPT", "assertion violated"),
    ("delivery", "IGNORE_FAILURE", "assertion violated"),
    ("delivery", "FREE_ON_SEND", "assertion violated"),
    ("delivery", "RESUME_AFTER_SENT", "invalid end state"),
    ("session", "SESSION_ON_HELLO", "assertion violated"),
    ("session", "PROMOTE_ON_HELLO", "assertion violated"),
    ("session", "REUSED_EPHEMERAL", "assertion violated"),
    ("session", "NO_SEQUENCE", "assertion violated"),
    ("session", "ONE_PHASE", "assertion violated"),
    ("session", "KEEP_OLD_PSK", "assertion violated"),
    ("session", "KEEP_SESSIONS", "assertion violated"),
    ("session", "KEEP_HALF_OPEN", "assertion violated"),
)


def command(folder, *words):
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=240)
    if done.returncode != 0:
        raise RuntimeError("%s\n%s%s" % (" ".join(words), done.stdout, done.stderr))
    return done.stdout


def search(model, defines, kind, optimise="-O1"):
    """What pan prints."""
    with tempfile.TemporaryDirectory(prefix="medsec-model-") as folder:
        command(folder, "spin", *("-D" + each for each in defines), "-a",
                os.path.join(FOLDER, model + ".pml"))
        command(folder, "gcc", "-w", optimise, kind, "-DNOFAIR", "-o", "pan", "pan.c")
        return command(folder, "./pan", DEPTH, *(["-l"] if kind == CYCLES else []))


def number(pattern, text):
    found = re.search(pattern, text)
    return int(found.group(1)) if found else None


def unreached(text):
    return [line.strip() for line in text.splitlines()
            if re.search(r"\.pml:\d+, state", line) and "-end-" not in line]


def check_sound(model, defines, kind, complete):
    text = search(model, defines, kind)
    states = number(r"(\d+) states, stored", text)
    problems = [line for line in text.splitlines() if line.startswith(("pan:", "error:"))
                and not line.startswith(("pan: elapsed", "pan: rate"))]
    if number(r"errors: (\d+)", text) != 0:
        problems.append("not without errors")
    if "Search not completed" in text or not states:
        problems.append("not the whole search")
    if complete:
        problems += ["never reached: " + line for line in unreached(text)]
    what = "no cycle" if kind == CYCLES else "holds"
    return " ".join((model, *defines, what, "in %s states" % states)), problems


def check_broken(model, fault, words):
    text = search(model, (fault,), SAFETY, "-O0")
    found = number(r"errors: (\d+)", text) == 1 and re.search(r"pan:\d+: .*" + words, text)
    return "%s %s is found" % (model, fault), [] if found else ["the fault was not found", text]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build")
    parser.add_argument("--source")
    parser.parse_args()
    for tool in ("spin", "gcc"):
        if shutil.which(tool) is None:
            print("skipped: no " + tool)
            sys.exit(77)
    failed = False
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        checks = ([pool.submit(check_sound, *row) for row in SOUND]
                  + [pool.submit(check_broken, *row) for row in BROKEN])
        for check in checks:
            name, problems = check.result()
            print("%s - %s" % ("not ok" if problems else "ok", name))
            for problem in problems:
                print("    " + problem)
            failed |= bool(problems)
    sys.exit(failed)


if __name__ == "__main__":
    main()
