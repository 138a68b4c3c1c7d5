#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sessions of the Python device with the Python gateway, from fixed keys, ephemerals and clocks.

As a program it writes tests/vectors/transcripts.jsonl, which the library has to reproduce and to open.
"""

import hashlib
import json
import os
import struct
import sys

sys.path.append(os.path.dirname(os.path.abspath(__file__)))
from medsec1 import messages, noise, records
from medsec1_device import Device
from medsec1_gateway import Gateway, Identity

FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "vectors",
                    "transcripts.jsonl")
UTC_MS = 1795176000000
BOOT = 7


def secret(name):
    return hashlib.sha256(("transcript " + name).encode()).digest()


class Recorder:
    """A device and a gateway on 127.0.0.1, and what went between them in its order."""

    def __init__(self, name, suite, boot):
        keys = {each: noise.KeyPair(secret(each + " " + name)) for each in
                ("device", "gateway", "device ephemeral", "gateway ephemeral")}
        self.device = Device("device", keys["device"], secret("psk " + name),
                             keys["gateway"].public, suite, boot)
        self.gateway = Gateway(keys["gateway"], keys["gateway ephemeral"], lambda: UTC_MS)
        self.gateway.add(Identity.of(self.device))
        self.row = {"name": name, "suite": suite, "psk": self.device.psk.hex(), "boot": boot,
                    "utc_ms": UTC_MS, "records": []}
        self.row.update({each.replace(" ", "_"): pair.private.hex() for each, pair in keys.items()})
        self.device.connect(self.gateway.address, ephemeral=keys["device ephemeral"])
        self.gateway.wait(lambda: self.gateway.connections[0].incoming)
        self.note("device", self.device.link.sent[-1], struct.pack(">II", boot, 0))
        self.note("gateway", self.device.link.received[-1], struct.pack(">Q", UTC_MS))

    def note(self, sender, record, message):
        self.row["records"].append({"from": sender, "record": record.hex(),
                                    "message": message.hex()})

    def say(self, message):
        self.device.send_message(message)
        self.note("device", self.device.link.sent[-1], messages.encode(message))

    def command(self, message):
        self.gateway.connections[0].send_message(message)

    def hear(self, wanted):
        message = self.device.receive()
        if message != wanted:
            raise RuntimeError("%s instead of %s" % (message, wanted))
        self.note("gateway", self.device.link.received[-1], messages.encode(message))

    def end(self):
        self.device.close()
        self.gateway.close()
        return self.row


def life(suite):
    """What a device of the library does: readings from before the connection, two messages and
    their acknowledgements, a CONFIG that it applies and one that it refuses, an orderly end."""
    recorder = Recorder("life", suite, BOOT)
    recorder.device.sample(25, UTC_MS - 3000, 50)
    recorder.say(recorder.device.readings(range(20)))
    recorder.hear(messages.Ack(BOOT, 19))
    recorder.say(recorder.device.readings(range(20, 25)))
    recorder.hear(messages.Ack(BOOT, 24))
    for config, status in ((messages.Config(1, {1: 100, 2: 10, 3: 500}), 0),
                           (messages.Config((1 << 32) - 1, {2: 0}), 1)):
        recorder.command(config)
        recorder.hear(config)
        recorder.say(messages.ConfigAck(config.version, status))
    recorder.say(messages.Close(0))
    return recorder.end()


def extremes(suite):
    """The largest and the smallest of everything, and sensors that fail and come back."""
    most, least, top = (1 << 31) - 1, -(1 << 31), (1 << 32) - 1
    recorder = Recorder("extremes", suite, top)
    device = recorder.device
    for first, base, rows in (
            (0, 0, [(0, [0] * 7)]),
            (1, 1, [(0, [None] * 7), (0, [most] * 7), (top, [least] * 7), (top, [None] * 7),
                    (top, [most, least, None, -1, 23, 24, 255])]),
            (6, UTC_MS, [(250 * step, [step % 3 - 1] * 7) for step in range(200)]),
            (top, messages.TIME_MS_MAX, [(0, [-24, -25, -256, -257, 256, -65536, -65537])])):
        recorder.say(messages.Readings(top, first, base, 2, messages.PROFILE, rows))
        recorder.hear(messages.Ack(top, first + len(rows) - 1))
    recorder.say(messages.Close(3))
    return recorder.end()


def transcripts():
    return [make(suite) for make in (life, extremes) for suite in records.SUITES.values()]


def text():
    return "".join(json.dumps(each) + "\n" for each in transcripts())


if __name__ == "__main__":
    with open(FILE, "w", encoding="ascii") as file:
        file.write(text())
