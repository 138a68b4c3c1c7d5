#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The second stage as the chip's ROM wants it: 252 bytes and their CRC-32, as a C array."""

import pathlib
import sys

LENGTH = 252


def crc32(data):
    """CRC-32/MPEG-2: most significant bit first, nothing inverted at the end (data sheet, 2.8.1.3.1)."""
    crc = 0xffffffff
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ 0x04c11db7 if crc & 0x80000000 else crc << 1) & 0xffffffff
    return crc


def main(binary, output):
    code = pathlib.Path(binary).read_bytes()
    if len(code) > LENGTH:
        sys.exit(f"{binary}: {len(code)} bytes, {LENGTH} at most")
    code = code.ljust(LENGTH, b"\0")
    code += crc32(code).to_bytes(4, "little")
    rows = [", ".join(f"0x{byte:02x}" for byte in code[i:i + 16]) for i in range(0, len(code), 16)]
    pathlib.Path(output).write_text(
        "#include <stdint.h>\n\nextern const uint8_t boot2_image[256];\n"
        '__attribute__((section(".boot2"), used)) const uint8_t boot2_image[256] = {\n    '
        + ",\n    ".join(rows) + "};\n")


main(*sys.argv[1:])
