# SPDX-License-Identifier: Apache-2.0
"""The example of docs/wire.md, recomputed without the library (tests/unit does it with the library)."""

import hashlib
import os
import struct
import sys
import unittest

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
from medsec1 import messages, noise, records, setup
import setup_vectors

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


def sealed_forms(given):
    """What the setup page and the device make of the two forms."""
    nonce, page = given["setup_nonce"], given["setup_page"]
    key = setup.setup_key(given["psk"], "iot_med_dev_01")
    form_key, answer_key = setup.keys(key, nonce + page)
    plain = setup.plain("gateway.example", 9998, "Ward 7 \u2013 Caf\u00e9", "correct horse")
    other = setup.setup_key(b"1234567890123456" + b"A" * 16, "iot_med_dev_01")
    return {"setup_key": key.encode(), "seed_setup_key": other.encode(), "setup_nonce": nonce,
            "setup_page": page, "setup_form_key": form_key, "setup_answer_key": answer_key,
            "setup_plain": plain, "setup_form": setup.seal(key, nonce, plain, page)[0],
            "setup_answer": setup.seal_answer(answer_key, setup.DONE),
            "setup_wipe_page": given["setup_wipe_page"],
            "setup_wipe_form": setup.seal(key, nonce, setup.decommission(),
                                          given["setup_wipe_page"])[0],
            "boot_seed": given["boot_seed"],
            "boot_record": setup.boot_record(7, given["boot_seed"])}


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
        values.update(sealed_forms(found))
        self.assertEqual({name: value.hex() for name, value in found.items()},
                         {name: value.hex() for name, value in values.items()})

    def test_setup_vectors(self):
        with open(setup_vectors.FILE, encoding="ascii") as file:
            self.assertEqual(file.read(), setup_vectors.text())

    def test_setup_settings(self):
        folder = os.path.dirname(setup_vectors.FILE)
        for row in harness.json_lines(os.path.join(folder, "setup_settings.jsonl")):
            ssid = bytes.fromhex(row["ssid_hex"]) if "ssid_hex" in row else row["ssid"].encode()
            self.assertEqual(
                setup.may_be_typed(row["server"], row["port"], ssid, row["password"]),
                row["good"], row["what"])

    def test_setup_forms_open_at_the_other_end(self):
        for row in harness.json_lines(setup_vectors.FILE):
            key, nonce = row["text"].replace("-", ""), bytes.fromhex(row["nonce"])
            plain, answer_key = setup.open_form(key, nonce, bytes.fromhex(row["form"]))
            self.assertEqual(plain.hex(), row["plain"])
            self.assertEqual(setup.open_answer(answer_key, bytes.fromhex(row["answer"])),
                             row["status"])


if __name__ == "__main__":
    harness.main()
