# SPDX-License-Identifier: Apache-2.0
"""What was found, as a page of documentation, and what must hold of it."""

import scene

FLOOR_MS = 10.0  # a loop that has much to do serves in rounds of 5 ms; a reading meets two of them
FACTOR = 2.0

PARTS = (("broker", "The broker"), ("spool", "The broker, with a spool"), ("gateway", "The gateway"), ("machine", "The machine under it"),
         ("attack", "Attacks"), ("registry", "The registry"))


def p99(values):
    return scene.quantile(values, 0.99)


def failures(row, part):
    """Sentences about what must not be on any machine; nothing when all is well."""
    found = []
    if row["lost"]:
        found.append("%d acknowledged readings lost" % row["lost"])
    if row["acknowledged"] < row["sent"]:
        found.append("%d readings never acknowledged" % (row["sent"] - row["acknowledged"]))
    if row["deaths"] and not row["may_die"]:
        found.append("the gateway ended by itself: %s" % row["died_of"])
    if row["reconnects"] > 0 and (row["keeps"] or part in ("attack", "registry")):
        found.append("%d sessions of healthy devices ended" % row["reconnects"])
    return found + [name for name in row["notes"] if "not " in name]


def complaints(row, part):
    """The same, and what must not be on a machine that does nothing else."""
    found = failures(row, part)
    if part == "attack" and not is_undisturbed(row):
        found.append("healthy devices wait %.1f ms instead of %.1f ms"
                     % (p99(row["during"]), p99(row["quiet"])))
    return found


def is_undisturbed(row):
    return p99(row["during"]) <= FACTOR * max(FLOOR_MS, p99(row["quiet"]))


def milliseconds(value):
    return "-" if value is None else "%.1f" % value if value < 100 else "%.0f" % value


def line(what, row):
    notes = ", ".join("%s %s" % (count, name) for name, count in row["notes"].items())
    if row["deaths"]:
        ended = "ended %d times with %s and started again" % (row["deaths"], row["died_of"])
        notes = ", ".join(filter(None, [ended, notes]))
    cells = [what + (" (%s)" % notes if notes else ""), row["sent"], row["acknowledged"],
             row["published"], row["repeated"], row["lost"]]
    cells += [milliseconds(scene.quantile(row[book], share)) for share in (0.5, 0.99)
              for book in ("quiet", "during")] + ["%.1f" % row["recovery_s"]]
    return "| " + " | ".join(map(str, cells)) + " |"


def table(results):
    """Rows of one part, with its head."""
    head = ["| what | sent | acknowledged | published | repeated | lost | p50 quiet | p50 during | "
            "p99 quiet | p99 during | served again after |", "|---|" + "--:|" * 10]
    return head + [line(row.what, result) for _, row, result in results]
