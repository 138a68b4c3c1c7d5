#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A binary as UF2, the format of the file that is dropped onto the Pico's USB drive."""

import pathlib
import struct
import sys

FAMILY_RP2040, HAS_FAMILY = 0xe48bff56, 0x2000
BASE, PAGE, SECTOR = 0x10000000, 256, 4096


def block(number, count, page):
    head = struct.pack("<8I", 0x0a324655, 0x9e5d5157, HAS_FAMILY, BASE + number * PAGE, PAGE,
                       number, count, FAMILY_RP2040)
    return (head + page).ljust(508, b"\0") + struct.pack("<I", 0x0ab16f30)


def main(binary, output):
    data = pathlib.Path(binary).read_bytes()
    # Whole sectors, since the chip's ROM erases whole ones (data sheet, erratum RP2040-E14).
    data = data.ljust(-(-len(data) // SECTOR) * SECTOR, b"\xff")
    pages = [data[at:at + PAGE] for at in range(0, len(data), PAGE)]
    pathlib.Path(output).write_bytes(
        b"".join(block(number, len(pages), page) for number, page in enumerate(pages)))


main(*sys.argv[1:])
