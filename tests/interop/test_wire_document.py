# SPDX-License-Identifier: Apache-2.0
"""The example of docs/wire.md, recomputed without the library (tests/unit does it with the library)."""

import hashlib
import os
import struct
import sys
import unittest

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
from medsec1 import messages, noise, records

DOCUMENT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "wire.md")
INPUTS = ("device_private", "gateway_private", "psk", "device_ephemeral", "gateway_ephemeral")
UTC_MS = 1795176000000
ROWS = [(0, [36600, 1755, 0, -500, 1000, 23700, 23400]),
        (50, [36601, 1702, 4, -503, None, 23700, 23394])]
MESSAGES = {
    "readings": messages.Readings(7, 1020, UTC_MS - 1000, 1, 1, ROWS),
    "ack": messages.Ack(7, 1021),
    "config": messages.Config(3, {1: 100, 2: 10}),
    "config_ack": messages.ConfigAck(3, 0),
    "close": messages.Close(1),
}


def example():
    """{name: bytes} of all that stands between fences."""
    values, inside, name = {}, False, None
    with open(DOCUMENT, encoding="utf-8") as file:
        for line in file:
            if line.startswith("```"):
                inside = not inside
            elif inside:
                words = line.split()
                name = words[0] if not line.startswith(" ") else name
                values[name] = values.get(name, b"") + bytes.fromhex(words[-1])
    return values


def session(given, suite):
    """All of one connection, from both ends."""
    device, gateway, device_ephemeral, gateway_ephemeral = (noise.KeyPair(given[name]) for name in (
        "device_private", "gateway_private", "device_ephemeral", "gateway_ephemeral"))
    flags = records.handshake_flags(suite)
    prologue = b"medsec/1" + bytes([flags])
    initiator = noise.Initiator(prologue, device, gateway.public, given["psk"], device_ephemeral)
    responder = noise.Responder(prologue, gateway, gateway_ephemeral)
    hello = initiator.write(struct.pack(">II", 7, 0))
    responder.read_static(hello)
    responder.read_payload([given["psk"]])
    welcome = responder.write(struct.pack(">Q", UTC_MS))
    initiator.read(welcome)
    k1, k2 = initiator.keys()
    to_gateway, to_device = records.Direction(suite, k1), records.Direction(suite, k2)
    values = {"hello": records.record(0xA1, flags, hello),
              "welcome": records.record(0xA2, flags, welcome), "k1": k1, "k2": k2}
    if suite == records.CBC_HS256:
        for number, key, way in (("1", k1, to_gateway), ("2", k2, to_device)):
            values["keys_" + number] = records.hkdf_expand(key, b"medsec/1 A128CBC-HS256", 48)
            values["iv_" + number] = way.cipher.iv(0)
    values["readings_record"] = to_gateway.seal(messages.encode(MESSAGES["readings"]))
    values["ack_record"] = to_device.seal(messages.encode(MESSAGES["ack"]))
    return {"s%d_%s" % (suite, name): value for name, value in values.items()}


def credential_block(values):
    device, profile = b"iot_med_dev_01", b"pico-vitals"
    block = b"MSC1" + bytes([2, 1, 1, len(device), len(profile)]) + device + profile + b"".join(
        values[name] for name in ("device_private", "device_public", "psk", "gateway_public"))
    return block + hashlib.sha256(block).digest()[:8]


class Document(unittest.TestCase):
    maxDiff = None

    def test_example(self):
        found = example()
        values = {name: found[name] for name in INPUTS}
        values["device_public"] = noise.KeyPair(found["device_private"]).public
        values["gateway_public"] = noise.KeyPair(found["gateway_private"]).public
        values["hello_payload"] = struct.pack(">II", 7, 0)
        values["welcome_payload"] = struct.pack(">Q", UTC_MS)
        values.update((name, messages.encode(message)) for name, message in MESSAGES.items())
        for suite in records.SUITES.values():
            values.update(session(found, suite))
        values["credential_block"] = credential_block(values)
        self.assertEqual({name: value.hex() for name, value in found.items()},
                         {name: value.hex() for name, value in values.items()})


if __name__ == "__main__":
    harness.main()
