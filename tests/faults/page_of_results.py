# SPDX-License-Identifier: Apache-2.0
"""docs/reliability.md."""

import os
import platform
import subprocess

import scene
import table

HEAD = """# Reliability

What was done to a running gateway, and what became of the readings. Made by `tests/faults/run`, which writes
this page; `tests/faults/run --only NAME` repeats one row. Everything random comes from a seed.

In each row %(fleet)d devices (`medsec-sim`, the library's own device, %(fleet_rate)d readings a second each, %(batch)d a
message) and %(ward)d healthy devices that measure (an implementation of medsec/1 that shares no line with the
library, %(ward_rate)d readings a second each, one a message) send medsec/1 while the fault is done, %(rounds)d times for %(window)g s, with a
quiet window of the same length before each. Afterwards nothing more is measured, and all must be acknowledged.

- **sent**: readings measured by devices. **acknowledged**: what devices were told is safe.
- **published**: distinct readings at the broker: those that a subscriber got, or, where the row kills the broker or
  the broker is a program of the test, those that it confirmed. **repeated**: what came there more than once, as is
  allowed. **lost**: acknowledged, and not at the broker.
- **p50**, **p99**: milliseconds from the moment a reading of the healthy devices was due until it was
  acknowledged; one that still waits when a window ends counts with the time that it has waited.
  A device that is kept waiting goes on measuring.
- **served again after**: seconds from the end of a fault until the healthy devices' p99 over half a second was below %(settled)d ms,
  the longest of the rounds.

What must hold, and makes the command fail: nothing acknowledged is lost; in the end everything is
acknowledged; under an attack no session of a healthy device ends, and the healthy devices' p99 is at most twice the quiet one (or twice %(floor)g ms, where the
quiet one is less). Attackers run on the same machine at the lowest priority: what they make
the gateway do is in the figures, the time that they take themselves is not.
"""

NOTES = """
## What stands behind it

- A fault of memory, disk or clock is made by a library in front of the C library (`tests/faults/preload.c`), in the
  running process. Allocations that fail in the gateway's own code end a connection, or wait, never the
  process. libpaho-mqtt3 does not look at what malloc() gave it: where an allocation within it fails,
  the process may end, the service manager starts it again, and devices send again what was not acknowledged.
- A connection to the broker on which nothing was confirmed for 30 s is given up, and what was on it is sent again:
  so a broker that answers pings and nothing else is noticed.
"""


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    version = subprocess.run(["mosquitto", "-h"], capture_output=True, text=True, check=False,
                             env=dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin"))
    return "%d x %s, Linux %s, %s, load average %.1f" % (
        len(names), names[0] if names else platform.machine(), platform.release(),
        version.stdout.splitlines()[0], os.getloadavg()[2])


def complaints(bad):
    """What is not as it must be, said in the page as well."""
    if not bad:
        return ["", "Every row is as it must be."]
    return ["", "Not as it must be:", ""] + [
        "- %s (`%s`): %s" % (row.what, client, "; ".join(found)) for row, client, found in bad]


def write(options, results, bad):
    lines = [HEAD % {
        "fleet": scene.FLEET, "fleet_rate": scene.FLEET_RATE_HZ, "batch": scene.FLEET_BATCH,
        "ward": scene.WARD, "ward_rate": scene.WARD_RATE_HZ, "rounds": options.rounds,
        "window": options.window, "settled": scene.SETTLED_MS, "floor": table.FLOOR_MS}]
    lines.append("Made on %s; seed %d." % (machine(), options.seed))
    lines += complaints(bad)
    for client in options.client:
        for part, title in table.PARTS:
            found = [one for one in results if one[0] == client and one[1].part == part]
            if found:
                lines += ["", "## %s (`--mqtt-client %s`)" % (title, client), ""]
                lines += table.table(found)
    lines.append(NOTES)
    with open(options.out, "w", encoding="utf-8") as file:
        file.write("\n".join(lines).rstrip() + "\n")
