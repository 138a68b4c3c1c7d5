#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The self-test's table of vectors as a C file: tests/vectors, and the large sets where they are.

selftest.h says how the table is built; the functions below, in which order the fields come."""

import argparse
import json
import os
import pathlib
import re

KINDS = ("aes", "hmac", "hkdf", "x25519", "chachapoly", "cbc_hs256", "record", "cbor", "seed",
         "session", "division")
QUICK = {"aes": 16, "x25519": 32, "chachapoly": 16, "session": 3, "division": 7}  # each n-th
CBOR = ("other", "uint", "negative", "null", "array", "map")
NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,8})(\.[0-9]{1,6})?")
BYTES = {"key", "iv", "msg", "ct", "tag", "aad", "ikm", "salt", "info", "okm", "public", "private",
         "shared"}
MEMBERS = ("Temp", "PulseSig", "Acel_x", "Acel_y", "Acel_z", "TempMcu", "TempMpu")


def number(value, size=8):
    return (value % (1 << 8 * size)).to_bytes(size, "big")


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def wycheproof(folder, name):
    path = folder / "wycheproof" / f"{name}_test.json"
    data = json.loads(path.read_text()) if path.exists() else {"testGroups": []}
    for group in data["testGroups"]:
        for test in group["tests"]:
            fields = {name: bytes.fromhex(test[name]) for name in BYTES & test.keys()}
            yield test["result"] != "invalid", fields, test


def responses(path):
    """CAVP: key, IV, plaintext, ciphertext."""
    fields = {}
    for line in path.read_text().splitlines():
        name, _, value = line.partition(" = ")
        if name in ("KEY", "IV", "PLAINTEXT", "CIPHERTEXT"):
            fields[name] = bytes.fromhex(value)
        if len(fields) == 4:
            yield 0, [fields[n] for n in ("KEY", "IV", "PLAINTEXT", "CIPHERTEXT")]
            fields = {}


def aes(own, shared):
    yield from responses(own / "aes128_cbc.rsp")
    for path in sorted(shared.glob("nist/CBC*.rsp")):
        yield from responses(path)


def hmac(_, shared):
    for valid, t, _ in wycheproof(shared, "hmac_sha256"):
        yield valid, [t["key"], t["msg"], t["tag"]]


def hkdf(_, shared):
    for valid, t, test in wycheproof(shared, "hkdf_sha256"):
        yield valid, [t["ikm"], t["salt"], t["info"], t["okm"], number(test["size"], 4)]


def x25519(_, shared):
    for _, t, _ in wycheproof(shared, "x25519"):
        yield 1, [t["private"], t["public"], t["shared"]]


def chachapoly(_, shared):
    for valid, t, _ in wycheproof(shared, "chacha20_poly1305"):
        if len(t["iv"]) == 12:
            yield valid, [t["key"], t["iv"], t["aad"], t["msg"], t["ct"] + t["tag"]]


def cbc_hs256(own, _):
    for row in lines(own / "a128cbc_hs256.jsonl"):
        yield 1, [bytes.fromhex(row[n]) for n in ("key", "iv", "aad", "msg", "ct", "tag")]


def record(own, _):
    for row in lines(own / "records.jsonl"):
        key, message, sealed = (bytes.fromhex(row[n]) for n in ("key", "message", "record"))
        yield row["suite"], [key, number(row["sequence"]), message, sealed]


def cbor(own, _):
    for row in lines(own / "cbor.jsonl"):
        items = [int(row["value"])] if row["is"] in ("uint", "negative") else row.get("items", [])
        yield CBOR.index(row["is"]), [bytes.fromhex(row["hex"]), *map(number, items)]


def values(text):
    """Those of a reading that the profile takes as it is; none of another text."""
    try:
        pairs = json.loads(text, object_pairs_hook=lambda pairs: pairs)
    except ValueError:
        return []
    found = dict(pairs)
    if len(found) != len(pairs) or set(found) != set(MEMBERS):
        return []
    texts = found.values()
    if not all(NUMBER.fullmatch(text) and sum(map(str.isdigit, text)) <= 9 for text in texts):
        return []
    return [found[name].encode() for name in MEMBERS]


def seed(own, shared):
    for path in (own / "seed_frames.jsonl", shared / "seed/pico.jsonl", shared / "seed/pseudo.jsonl"):
        for row in lines(path) if path.exists() else []:
            fields = [row[name].encode() for name in ("key", "iv", "json", "wire")]
            yield 2 if row["mode"] == "pico" else 1, fields + values(row["json"])


def session(own, _):
    for row in lines(own / "transcripts.jsonl"):
        fields = [bytes.fromhex(row[name]) for name in
                  ("psk", "device", "gateway", "device_ephemeral", "gateway_ephemeral")]
        for step in row["records"]:
            fields += [number(step["from"] == "device", 1), bytes.fromhex(step["record"]),
                       bytes.fromhex(step["message"])]
        yield row["suite"], fields


def division(*_):
    """Numbers of all sizes, and what C makes of them; the device has functions of its own for it."""
    edges = [(1 << bit) + near for bit in (0, 1, 7, 16, 31, 32, 33, 47, 62) for near in (-1, 0, 1)]
    for wide, top in ((8, 63), (4, 31)):
        sizes = [n for n in edges if 0 < n < 1 << top]
        for a in sizes:
            for b in sizes:
                for a_sign, b_sign in ((1, 1), (-1, 1), (1, -1), (-1, -1)):
                    quotient = a // b * a_sign * b_sign
                    rest = a * a_sign - quotient * b * b_sign
                    yield wide, [number(n, wide) for n in (a * a_sign, b * b_sign, quotient, rest)]


def table(own, shared, quick):
    data = bytearray()
    for kind, name in enumerate(KINDS):
        found = list(globals()[name](own, shared))
        for flag, fields in found[::QUICK.get(name, 1) if quick else 1]:
            data += bytes([kind, flag, len(fields)])
            for field in fields:
                data += len(field).to_bytes(2, "big") + field
    return data


def main():
    root = pathlib.Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--quick", action="store_true", help="less of the longest sets")
    options = parser.parse_args()
    shared = pathlib.Path(os.environ.get("MEDSEC_VECTORS", root.parent / "shared/vectors"))
    data = table(root / "tests/vectors", shared, options.quick)
    rows = (", ".join(map(str, data[at:at + 24])) for at in range(0, len(data), 24))
    options.out.write_text('#include "selftest.h"\n\nconst uint8_t selftest_table[] = {\n'
                           + ",\n".join(rows)
                           + "};\nconst size_t selftest_table_len = sizeof selftest_table;\n"
                           + f"const bool selftest_table_whole = {str(shared.is_dir()).lower()};\n")


main()
