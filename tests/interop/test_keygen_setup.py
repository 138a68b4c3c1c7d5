#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Setup keys, QR codes and UF2 files of medsec-keygen, read by code that shares no line with it."""

import base64
import hashlib
import json
import os
import pathlib
import pty
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
from medsec1 import setup

EPOCH = 1704067200  # 2024-01-01
KEY = "-".join(["[0-9A-HJKMNP-TV-Z]{4}"] * 5)
SAMPLE = '{ "id":"old", "key":"1234567890123456", "iv":"AAAAAAAAAAAAAAAA"}\n'


class Keygen(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="medsec-keygen-setup-")
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)
        self.keygen("init")

    def keygen(self, *words, code=0, **environment):
        done = subprocess.run([harness.tool("medsec-keygen"), *words], cwd=self.path, text=True,
                              capture_output=True, timeout=60, check=False,
                              env={**os.environ, **environment})
        self.assertEqual(done.returncode, code, (words, done.stdout, done.stderr))
        self.err = done.stderr
        return done.stdout

    def credential(self, name):
        return json.loads((self.path / name).read_text())

    def key_of(self, name):
        """The setup key that the device of this credential file has."""
        credential = self.credential(name)
        secret = (base64.b64decode(credential["psk"]) if "psk" in credential
                  else (credential["key"] + credential["iv"]).encode())
        return setup.text(setup.setup_key(secret, credential["device"]))

    def actions(self):
        return [row["action"] for row in json.loads(self.keygen("audit", "--json"))]


class SetupKey(Keygen):
    def test_is_the_devices(self):
        self.keygen("add", "bed-7")
        self.keygen("add", "bed-8", "--suite", "ChaChaPoly")
        self.keygen("add", "old", "--wire", "seed")
        seen = set()
        for name in ("bed-7", "bed-8", "old"):
            shown = self.keygen("setup-key", name)
            self.assertRegex(shown, r"\A%s\n\Z" % KEY)
            self.assertEqual(shown.strip(), self.key_of(name + ".json"))
            self.assertEqual(json.loads(self.keygen("setup-key", name, "--json")),
                             {"device": name, "setup_key": shown.strip(), "pending": None})
            seen.add(shown)
        self.assertEqual(len(seen), 3)

    def test_of_a_rotation_there_are_two(self):
        self.keygen("add", "bed-7")
        self.keygen("rotate", "bed-7", "--out", "next")
        old, new = self.key_of("bed-7.json"), self.key_of("next/bed-7.json")
        self.assertNotEqual(old, new)
        self.assertEqual(self.keygen("setup-key", "bed-7"),
                         "in use   %s\npending  %s\n" % (old, new))
        self.assertEqual(json.loads(self.keygen("setup-key", "bed-7", "--json")),
                         {"device": "bed-7", "setup_key": old, "pending": new})

    def test_is_noted_and_refused(self):
        self.keygen("add", "bed-7")
        self.keygen("setup-key", "bed-7")
        self.assertEqual(self.actions(), ["init", "add", "setup-key"])
        self.keygen("revoke", "bed-7")
        self.keygen("setup-key", "bed-7")  # it can still be told to wipe itself
        self.keygen("decommission", "bed-7")
        self.assertEqual(self.keygen("setup-key", "bed-7", code=1), "")
        self.assertEqual(self.keygen("setup-key", "nobody", code=1), "")
        self.assertEqual(self.actions().count("setup-key"), 2)
        self.keygen("audit", "--verify")
        self.keygen("setup-key", code=2)
        self.keygen("setup-key", "bed-7", "bed-8", code=2)
        self.assertIn("Usage: medsec-keygen setup-key", self.keygen("setup-key", "--help"))

    def test_is_not_shown_without_a_note(self):
        self.keygen("add", "bed-7")
        lock = sqlite3.connect(self.path / "medsec.db", isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")  # whoever wants to write waits for 5 s, and gives up
        self.assertEqual(self.keygen("setup-key", "bed-7", code=1), "")
        lock.close()
        self.assertEqual(self.actions(), ["init", "add"])


def modules(lines):
    """True for each dark module of a code that is drawn by its light ones in half blocks."""
    halves = {"\u2588": (False, False), "\u2580": (False, True), "\u2584": (True, False),
              " ": (True, True)}
    rows = []
    for line in lines:
        rows.append([halves[character][0] for character in line])
        rows.append([halves[character][1] for character in line])
    return rows


def read_qr(lines, folder):
    """What a camera would read from them."""
    rows, scale = modules(lines), 6
    pixels = b"".join(bytes(0 if dark else 255 for dark in row for _ in range(scale)) * scale
                      for row in rows)
    picture = pathlib.Path(folder, "code.pgm")
    picture.write_bytes(b"P5 %d %d 255\n" % (scale * len(rows[0]), scale * len(rows)) + pixels)
    done = subprocess.run(["zbarimg", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable",
                           str(picture)], capture_output=True, text=True, timeout=60, check=False)
    return done.stdout.strip()


class Qr(Keygen):
    def setUp(self):
        if shutil.which("zbarimg") is None:
            self.skipTest("no zbarimg")
        super().setUp()

    def test_opens_the_page_with_the_key(self):
        self.keygen("add", "bed-7")
        for _ in range(2):
            lines = self.keygen("setup-key", "bed-7", "--qr").splitlines()
            self.assertEqual(lines[0], self.key_of("bed-7.json"))
            self.assertEqual(read_qr(lines[1:], self.path), "http://192.168.4.1/#" + lines[0])
        self.assertLessEqual(len(lines), 24)
        self.assertLessEqual(max(map(len, lines)), 80)

    def test_has_a_margin(self):
        self.keygen("add", "bed-7")
        rows = modules(self.keygen("setup-key", "bed-7", "--qr").splitlines()[1:])
        self.assertEqual({len(row) for row in rows}, {len(rows[0])})
        for side in (rows[:4], rows[-4:], [row[:4] for row in rows], [row[-4:] for row in rows]):
            self.assertFalse(any(dark for row in side for dark in row))

    def test_is_no_mirror_image(self):
        # One module is dark in every code: the eighth row from below, the ninth column.
        self.keygen("add", "bed", "--count", "8")
        for number in range(1, 9):
            rows = modules(self.keygen("setup-key", "bed-%04d" % number, "--qr").splitlines()[1:])
            size = len(rows[0]) - 8
            self.assertTrue(rows[4 + size - 8][4 + 8])

    def test_of_a_rotation_there_are_two(self):
        self.keygen("add", "bed-7")
        self.keygen("rotate", "bed-7", "--out", "next")
        text = self.keygen("setup-key", "bed-7", "--qr")
        first, second = re.fullmatch(r"in use   (.*?)pending  (.*)", text, re.DOTALL).groups()
        for part, name in ((first, "bed-7.json"), (second, "next/bed-7.json")):
            lines = part.splitlines()
            self.assertEqual(lines[0], self.key_of(name))
            self.assertEqual(read_qr(lines[1:], self.path), "http://192.168.4.1/#" + lines[0])

    def test_on_a_terminal_it_says_its_colours(self):
        self.keygen("add", "bed-7")
        main, terminal = pty.openpty()
        process = subprocess.Popen([harness.tool("medsec-keygen"), "setup-key", "bed-7", "--qr"],
                                   cwd=self.path, stdin=terminal, stdout=terminal)
        os.close(terminal)
        shown = b""
        try:
            while True:
                shown += os.read(main, 65536)
        except OSError:  # the other end is closed
            os.close(main)
        self.assertEqual(process.wait(timeout=60), 0)
        lines = shown.decode().replace("\r", "").splitlines()
        drawn = [re.fullmatch("\033\\[97;40m(.*)\033\\[0m", line).group(1) for line in lines[1:]]
        self.assertEqual(read_qr(drawn, self.path), "http://192.168.4.1/#" + lines[0])

    def test_is_no_json(self):
        self.keygen("add", "bed-7")
        self.assertEqual(self.keygen("setup-key", "bed-7", "--qr", "--json", code=2), "")
        self.assertEqual(self.actions(), ["init", "add"])


def block_of(credential):
    """The credential block of the file that the registry wrote first."""
    name, profile = credential["device"].encode(), credential["profile"].encode()
    if credential["wire"] == "seed":
        head, keys = (1, 0, 0), (credential["key"] + credential["iv"]).encode()
    else:
        suite = {"A128CBC-HS256": 1, "ChaChaPoly": 2}[credential["suite"]]
        head = (2, suite, 1)
        keys = b"".join(base64.b64decode(credential[member]) for member in (
            "device_private", "device_public", "psk", "gateway_public"))
    block = b"MSC1" + bytes([*head, len(name), len(profile)]) + name + profile + keys
    return block + hashlib.sha256(block).digest()[:8]


class Uf2(Keygen):
    def image(self, name):
        path = self.path / name
        self.assertEqual(path.stat().st_mode & 0o777, 0o600)
        sector, (boot, seed) = setup.read_image(setup.image_of_uf2(path.read_bytes()))
        self.assertLessEqual(abs(boot - (time.time() - EPOCH)), 60)
        return sector, boot, seed

    def test_add_writes_all_that_a_device_needs(self):
        self.assertEqual(self.keygen("add", "bed-7", "--uf2"), "bed-7.uf2\n")
        self.assertEqual(sorted(p.name for p in self.path.iterdir()),
                         ["bed-7.uf2", "medsec.db", "medsec.key"])
        sector, _, seed = self.image("bed-7.uf2")
        self.assertEqual(sector[:9], b"MSC1\2\1\1\5\x0b")
        block = sector[:25 + 4 * 32 + 8]
        self.assertEqual(hashlib.sha256(block[:-8]).digest()[:8], block[-8:])
        self.assertEqual(sector[len(block):].strip(b"\xff"), b"")
        self.keygen("export", "bed-7", "--out", "public")
        known = self.credential("public/bed-7.json")
        known["device_private"] = base64.b64encode(block[25:57]).decode()
        self.assertEqual(block_of(known), block)
        self.keygen("add", "bed-8", "--uf2")
        other = self.image("bed-8.uf2")[2]
        self.assertGreater(len(set(seed)), 8)
        self.assertNotEqual(seed, other)
        self.keygen("add", "bed-8", "--uf2", code=1)
        self.assertEqual(self.image("bed-8.uf2")[2], other)

    def test_rotate_writes_the_next_one(self):
        self.keygen("add", "bed-7", "--uf2")
        first = self.image("bed-7.uf2")
        self.keygen("rotate", "bed-7", "--uf2", "--out", "next")
        second = self.image("next/bed-7.uf2")
        self.assertGreaterEqual(second[1], first[1])
        self.assertNotEqual(second[0], first[0])
        self.assertNotEqual(second[2], first[2])

    def test_export_is_for_seed_devices(self):
        (self.path / "keys.txt").write_text(SAMPLE)
        self.keygen("import", "keys.txt", "--allow-sample-keys")
        self.keygen("add", "bed-7", "--out", "first")
        self.assertEqual(self.keygen("export", "old", "--uf2"), "old.uf2\n")
        sector = self.image("old.uf2")[0]
        known = {"device": "old", "wire": "seed", "profile": "pico-vitals",
                 "key": "1234567890123456", "iv": "A" * 16}
        self.assertEqual(sector.rstrip(b"\xff"), block_of(known))
        self.assertEqual(self.keygen("export", "bed-7", "--uf2", code=1), "")
        self.assertIn("rotate --uf2", self.err)
        self.keygen("export", "--all", "--uf2", "--out", "all", code=1)
        self.assertEqual([p.name for p in (self.path / "all").iterdir()], ["old.uf2"])
        self.assertEqual(self.actions().count("export"), 2)

    def test_what_does_not_go_together(self):
        public = base64.b64encode(bytes.fromhex(
            "07a37cbc142093c8b755dc1b10e86cb426374ad16aa853ed0bdfc0b2b86d1c7c")).decode()
        self.keygen("add", "bed-7")
        for words in (("add", "x", "--uf2", "--block"), ("rotate", "bed-7", "--uf2", "--block"),
                      ("add", "x", "--uf2", "--device-public", public),
                      ("rotate", "bed-7", "--uf2", "--device-public", public),
                      ("rotate", "bed-7", "--uf2", "--keep-key"),
                      ("export", "bed-7", "--uf2", "--block"),
                      ("export", "--all", "--uf2", "--seed-keys")):
            self.keygen(*words, "--out", "none", code=2)
        self.assertFalse((self.path / "none").exists())

    def test_a_clock_that_stands_wrong_is_refused(self):
        libraries = [p for p in pathlib.Path("/usr/lib").glob("*/faketime/libfaketime.so.1")]
        if not libraries or harness.sanitized():
            self.skipTest("no libfaketime, or a sanitizer that does not go with it")
        late = {"LD_PRELOAD": str(libraries[0]), "FAKETIME": "2023-12-31 12:00:00"}
        self.keygen("add", "bed-7", "--uf2", code=1, **late)
        self.assertIn("clock", self.err)
        self.assertFalse((self.path / "bed-7.uf2").exists())
        self.assertEqual(json.loads(self.keygen("list", "--json")), [])


if __name__ == "__main__":
    harness.main()
