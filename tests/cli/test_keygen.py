#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""medsec-keygen as a user and a script see it: exit codes, output, files."""

import argparse
import base64
import hashlib
import json
import os
import pathlib
import pty
import resource
import select
import shutil
import stat
import subprocess
import sys
import tempfile
import time
import unittest

KEYGEN = None
SEED_FILE = "".join(
    '{ "id":"iot_med_dev_0%d", "key":"%s", "iv":"AAAAAAAAAAAAAAAA"}\n' % pair
    for pair in ((1, "1234567890123456"), (2, "AAAAAAAAAAAAAAAA"), (3, "BBBBBBBBBBBBBBBB")))
PASSPHRASE = "correct horse battery"
KEYS = ("device_private", "device_public", "psk", "gateway_public")
# A point of order 8 (RFC 7748 section 7 warns of such).
LOW_ORDER = "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"


def x25519_public(private):
    """RFC 7748 section 5, the slow way."""
    p, a24 = 2 ** 255 - 19, 121665
    scalar = int.from_bytes(private, "little") & ~7 & ~(1 << 255) | 1 << 254
    x1, x2, z2, x3, z3, swap = 9, 1, 0, 9, 1, 0
    for t in reversed(range(255)):
        bit = scalar >> t & 1
        if swap ^ bit:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        da, cb, aa, bb = d * a % p, c * b % p, a * a % p, b * b % p
        e = aa - bb
        x3, z3 = (da + cb) ** 2 % p, x1 * (da - cb) ** 2 % p
        x2, z2 = aa * bb % p, e * (aa + a24 * e) % p
    if swap:
        x2, z2 = x3, z3
    return (x2 * pow(z2, p - 2, p) % p).to_bytes(32, "little")


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


class Keygen(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="medsec-keygen-")
        self.addCleanup(self.folder.cleanup)
        self.path = pathlib.Path(self.folder.name)

    def keygen(self, *words, code=0, text=None, **environment):
        done = subprocess.run([KEYGEN, *map(str, words)], cwd=self.path, text=True, input=text,
                              capture_output=True, timeout=500, check=False,
                              env={"PATH": os.environ["PATH"], **environment})
        self.assertEqual(done.returncode, code, f"{words}\n{done.stdout}{done.stderr}")
        self.assertNotIn("ERROR: ", done.stderr)
        self.err = done.stderr
        return done.stdout

    def load(self, *words, **options):
        return json.loads(self.keygen(*words, "--json", **options))

    def credential(self, name):
        return json.loads((self.path / name).read_text())

    def names(self, folder="."):
        return sorted(p.name for p in (self.path / folder).iterdir())


class Init(Keygen):
    def test_makes_two_private_files_once(self):
        self.assertEqual(self.keygen("init").split(), ["medsec.db", "medsec.key"])
        self.assertEqual({p.name: mode(p) for p in self.path.iterdir()},
                         {"medsec.db": 0o600, "medsec.key": 0o600})
        key = (self.path / "medsec.key").read_text()
        self.assertRegex(key, r"\Amedsec-registry-key/1 [A-Za-z0-9+/]{43}=\n\Z")
        self.keygen("init", code=1)
        self.assertEqual((self.path / "medsec.key").read_text(), key)
        self.assertIn("exists", self.err)

    def test_key_is_beside_the_registry_or_where_it_is_said(self):
        (self.path / "etc").mkdir()
        self.assertEqual(self.load("init", "--registry", "etc/r.db"),
                         {"registry": "etc/r.db", "unlock": "key-file",
                          "key_file": "etc/medsec.key"})
        self.keygen("init", "--registry", "two.db", "--key-file", "two.key")
        self.keygen("list", "--registry", "two.db", code=3)
        self.keygen("list", MEDSEC_REGISTRY="two.db", MEDSEC_KEY_FILE="two.key")
        self.keygen("list", "--registry", "etc/r.db", "--key-file", "two.key", code=3)
        (self.path / "k.conf").write_text("registry = two.db\nkey-file = two.key\n")
        self.keygen("list", "--config", "k.conf")

    def test_passphrase(self):
        secret = self.path / "phrase"
        secret.write_text(PASSPHRASE + "\n")
        self.keygen("init", "--passphrase-file", "phrase", code=3)
        secret.chmod(0o600)
        self.assertEqual(self.load("init", "--passphrase-file", "phrase")["unlock"], "passphrase")
        self.assertFalse((self.path / "medsec.key").exists())
        self.keygen("list", "--passphrase-file", "phrase")
        self.keygen("list", "--passphrase-file", "-", text=PASSPHRASE + "\n")
        self.keygen("list", "--passphrase-file", "-", text="wrong horse battery\n", code=3)
        self.keygen("list", "--passphrase-file", "-", text="", code=3)
        self.keygen("list", "--passphrase-file", "phrase", "--key-file", "k", code=2)
        self.keygen("list", code=3)
        secret.write_text("too short\n")
        self.keygen("init", "--registry", "b.db", "--passphrase-file", "phrase", code=3)

    def read(self, descriptor):
        self.assertTrue(select.select([descriptor], [], [], 60)[0], "nothing came")
        return os.read(descriptor, 1000)

    def test_passphrase_is_asked_without_echo(self):
        main, terminal = pty.openpty()
        process = subprocess.Popen([KEYGEN, "init", "--passphrase-file", "-"], cwd=self.path,
                                   stdin=terminal, stdout=terminal, stderr=terminal)
        self.addCleanup(process.kill)
        os.close(terminal)
        shown = b""
        for prompt in (b"New passphrase: ", b"The same again: "):
            while not shown.endswith(prompt):
                shown += self.read(main)
            os.write(main, PASSPHRASE.encode() + b"\n")
        shown += self.read(main)
        self.assertEqual(process.wait(timeout=60), 0, shown)
        os.close(main)
        self.assertIn(b"New passphrase:", shown)
        self.assertNotIn(PASSPHRASE.encode(), shown)


class Add(Keygen):
    def setUp(self):
        super().setUp()
        self.keygen("init")

    def test_writes_a_credential_file(self):
        self.assertEqual(self.keygen("add", "dev-1", "--wire", "seed"), "dev-1.json\n")
        self.assertEqual(mode(self.path / "dev-1.json"), 0o600)
        credential = self.credential("dev-1.json")
        self.assertEqual({k: v for k, v in credential.items() if k not in ("key", "iv")},
                         {"format": "medsec-credential/1", "device": "dev-1", "wire": "seed",
                          "profile": "pico-vitals"})
        self.assertRegex(credential["key"], r"\A[!-~]{16}\Z")
        self.assertRegex(credential["iv"], r"\A[!-~]{16}\Z")
        self.assertEqual(self.load("add", "b", "--wire=seed", "--profile", "pulse-oximeter"),
                         {"added": 1, "files": ["b.json"]})
        self.assertEqual(self.credential("b.json")["profile"], "pulse-oximeter")

    def test_medsec1_is_the_default(self):
        self.assertEqual(self.keygen("add", "dev-1"), "dev-1.json\n")
        self.assertEqual(mode(self.path / "dev-1.json"), 0o600)
        credential = self.credential("dev-1.json")
        self.assertEqual({k: v for k, v in credential.items() if k not in KEYS},
                         {"format": "medsec-credential/1", "device": "dev-1", "wire": "medsec/1",
                          "suite": "A128CBC-HS256", "profile": "pico-vitals"})
        keys = {k: base64.b64decode(credential[k], validate=True) for k in KEYS}
        self.assertEqual({len(key) for key in keys.values()}, {32})
        self.assertEqual(len(set(keys.values())), 4)
        self.assertEqual(x25519_public(keys["device_private"]), keys["device_public"])
        self.assertEqual(credential["gateway_public"],
                         self.load("gateway-key", "show")["gateway_public"])
        self.assertEqual(self.load("show", "dev-1")["suite"], "A128CBC-HS256")
        self.keygen("add", "dev-2", "--wire", "medsec1", "--suite", "ChaChaPoly")
        other = self.credential("dev-2.json")
        self.assertEqual(other["suite"], "ChaChaPoly")
        self.assertNotEqual(other["psk"], credential["psk"])
        self.assertEqual(other["gateway_public"], credential["gateway_public"])

    def test_a_device_that_keeps_its_private_key(self):
        public = base64.b64encode(x25519_public(bytes(range(32)))).decode()
        self.keygen("add", "own", "--device-public", public)
        credential = self.credential("own.json")
        self.assertNotIn("device_private", credential)
        self.assertEqual(credential["device_public"], public)
        self.keygen("add", "other", "--device-public", public, code=1)
        self.assertIn("another device has that key", self.err)
        self.assertEqual(self.names(), ["medsec.db", "medsec.key", "own.json"])
        high_bit = bytearray(x25519_public(bytes(range(1, 33))))
        high_bit[31] |= 0x80
        for wrong in ("", "AAAA", public[:-1], public + "=", base64.b64encode(bytes(32)).decode(),
                      base64.b64encode(b"\1" + bytes(31)).decode(),
                      base64.b64encode(bytes(31) + b"\x80").decode(),
                      base64.b64encode(bytes.fromhex(LOW_ORDER)).decode(),
                      base64.b64encode(high_bit).decode()):
            self.keygen("add", "x", "--device-public", wrong, code=2)
            self.assertNotIn(wrong or "=", self.err)
        self.keygen("add", "x", "--device-public", public, "--count", "2", code=2)
        self.keygen("add", "x", "--device-public", public, "--wire", "seed", code=2)
        self.keygen("add", "x", "--suite", "ChaChaPoly", "--wire", "seed", code=2)
        self.keygen("add", "x", "--suite", "none", code=2)
        self.keygen("add", "x", "--wire", "none", code=2)
        self.assertEqual([d["device"] for d in self.load("list")], ["own"])

    def test_block(self):
        self.assertEqual(self.keygen("add", "dev-1", "--block"), "dev-1.bin\n")
        self.assertEqual(mode(self.path / "dev-1.bin"), 0o600)
        block = (self.path / "dev-1.bin").read_bytes()
        self.assertEqual(block[:25], b"MSC1\2\1\1\5\x0bdev-1pico-vitals")
        self.assertEqual(len(block), 25 + 4 * 32 + 8)
        self.assertEqual(hashlib.sha256(block[:-8]).digest()[:8], block[-8:])
        self.assertEqual(x25519_public(block[25:57]), block[57:89])
        self.assertEqual(base64.b64encode(block[121:153]).decode(),
                         self.load("gateway-key", "show")["gateway_public"])
        self.assertEqual(self.names(), ["dev-1.bin", "medsec.db", "medsec.key"])

    def test_files_go_when_the_registry_refuses(self):
        self.keygen("add", "w-0003")
        (self.path / "out").mkdir()
        self.keygen("add", "w", "--count", "3", "--out", "out", code=1)
        self.assertEqual(self.names("out"), [])
        (self.path / "out" / "v-0002.json").write_text("mine")
        self.keygen("add", "v", "--count", "3", "--out", "out", code=1)
        self.assertEqual(self.names("out"), ["v-0002.json"])
        self.assertEqual([d["device"] for d in self.load("list")], ["w-0003"])
        self.assertEqual(self.load("audit", "--verify")["rows"], 2)

    def test_refuses_and_changes_nothing(self):
        for name in ("", ".", "..", "a/b", "../a", "a+b", "#", "a b", "a" * 65, "é"):
            self.keygen("add", name, "--wire", "seed", code=2)
        self.keygen("add", "a", "--wire", "seed", "--profile", "No Profile", code=1)
        self.keygen("add", "a", "--wire", "seed", "--out", "no/such/folder", code=1)
        (self.path / "taken.json").write_text("")
        self.keygen("add", "taken", "--wire", "seed", code=1)
        self.keygen("add", "x", "--wire", "seed", "--count", "0", code=2)
        self.keygen("add", "x", "--wire", "seed", "--count", "1000000", code=2)
        self.assertEqual(self.load("list"), [])
        self.assertEqual((self.path / "taken.json").read_text(), "")
        self.keygen("add", "a", "--wire", "seed")
        (self.path / "a.json").unlink()
        self.keygen("add", "a", "--wire", "seed", code=1)
        self.assertFalse((self.path / "a.json").exists())

    def test_count_is_all_or_none(self):
        self.keygen("add", "w-0002", "--wire", "seed", "--out", ".")
        (self.path / "out").mkdir()
        self.keygen("add", "w", "--wire", "seed", "--count", "3", "--out", "out", code=1)
        self.assertIn("w-0002", self.err)
        self.assertEqual(list((self.path / "out").iterdir()), [])
        self.assertEqual([d["device"] for d in self.load("list")], ["w-0002"])
        self.keygen("add", "v", "--wire", "seed", "--count", "3", "--out", "out")
        self.assertEqual(sorted(p.name for p in (self.path / "out").iterdir()),
                         ["v-0001.json", "v-0002.json", "v-0003.json"])

    def test_ten_thousand(self):
        times = [time.monotonic()]
        for name, count in (("v", "1000"), ("w", "10000")):
            files = self.keygen("add", name, "--wire", "seed", "--count", count, "--out", "out")
            times.append(time.monotonic())
        self.assertEqual(len(files.split()), 10000)
        self.assertEqual(self.err, "")
        keys = {json.loads(p.read_text())["key"] for p in (self.path / "out").iterdir()}
        self.assertEqual(len(keys), 11000)
        self.assertEqual(self.load("audit", "--verify")["rows"], 11001)
        few, many = (after - before for before, after in zip(times, times[1:]))
        print(f"  10 000 devices with their files: {many:.1f} s", file=sys.stderr)
        self.assertLess(many, max(60, 40 * few))

    def test_two_at_once(self):
        (self.path / "out").mkdir()
        processes = [subprocess.Popen([KEYGEN, "add", name, "--wire", "seed", "--count", "100",
                                       "--out", "out"], cwd=self.path, stdout=subprocess.DEVNULL)
                     for name in ("a", "b", "c", "d")]
        self.assertEqual([p.wait(timeout=120) for p in processes], [0] * 4)
        self.assertEqual(len(self.load("list")), 400)
        self.assertEqual(self.load("audit", "--verify")["rows"], 401)

    def test_same_id_at_once_is_added_once(self):
        folders = ["o%d" % i for i in range(4)]
        for folder in folders:
            (self.path / folder).mkdir()
        processes = [subprocess.Popen([KEYGEN, "add", "same", "--wire", "seed", "--out", folder],
                                      cwd=self.path, stdout=subprocess.DEVNULL,
                                      stderr=subprocess.DEVNULL) for folder in folders]
        self.assertEqual(sorted(p.wait(timeout=120) for p in processes), [0, 1, 1, 1])
        self.assertEqual(len(list(self.path.glob("o*/same.json"))), 1)


class Devices(Keygen):
    def setUp(self):
        super().setUp()
        self.keygen("init")
        self.keygen("add", "d", "--wire", "seed", "--count", "3")

    def states(self):
        return {d["device"]: d["state"] for d in self.load("list")}

    def test_list_and_show(self):
        lines = self.keygen("list").splitlines()
        self.assertEqual(len(lines), 3)
        self.assertEqual(lines[0].split()[:4], ["d-0001", "active", "seed", "pico-vitals"])
        shown = self.load("show", "d-0002")
        self.assertEqual(sorted(shown),
                         ["changed", "created", "device", "profile", "state", "wire"])
        self.assertRegex(shown["created"], r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\Z")
        self.assertIn("state    active", self.keygen("show", "d-0002"))
        self.keygen("show", "nobody", code=1)

    def test_revoke_and_decommission(self):
        self.assertEqual(self.keygen("revoke", "d-0001", "d-0002"), "revoked 2\n")
        self.keygen("revoke", "d-0003", "d-0001", code=1)
        self.assertEqual(self.states(),
                         {"d-0001": "revoked", "d-0002": "revoked", "d-0003": "active"})
        self.assertEqual(self.load("decommission", "d-0001"), {"decommissioned": 1})
        self.keygen("decommission", "nobody", code=1)
        self.keygen("revoke", code=2)
        self.assertEqual(self.states()["d-0001"], "decommissioned")
        self.keygen("add", "d-0001", "--wire", "seed", "--out", "/tmp", code=1)

    def test_export_gives_the_same_file(self):
        before = (self.path / "d-0001.json").read_text()
        self.keygen("export", "d-0001", code=1)
        self.assertEqual((self.path / "d-0001.json").read_text(), before)
        (self.path / "d-0001.json").unlink()
        self.assertEqual(self.keygen("export", "d-0001"), "d-0001.json\n")
        self.assertEqual((self.path / "d-0001.json").read_text(), before)
        self.assertEqual(mode(self.path / "d-0001.json"), 0o600)
        self.assertEqual([r["device"] for r in self.load("audit") if r["action"] == "export"],
                         ["d-0001", "d-0001"])
        self.keygen("export", code=2)
        self.keygen("export", "--all", "d-0001", code=2)

    def test_export_all_skips_what_may_not_connect(self):
        self.keygen("revoke", "d-0002")
        self.keygen("decommission", "d-0003")
        (self.path / "out").mkdir()
        self.assertEqual(self.load("export", "--all", "--out", "out"), {"exported": 1})
        self.assertEqual([p.name for p in (self.path / "out").iterdir()], ["d-0001.json"])
        self.keygen("export", "d-0003", "d-0002", "--out", "out", code=1)
        self.assertEqual(sorted(p.name for p in (self.path / "out").iterdir()),
                         ["d-0001.json", "d-0002.json"])

    def test_export_for_the_seed_and_back(self):
        self.assertEqual(self.keygen("export", "--all", "--seed-keys"), "./DEVICES_KEYS.txt\n")
        path = self.path / "DEVICES_KEYS.txt"
        self.assertEqual(mode(path), 0o600)
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        self.assertEqual([line["id"] for line in lines], ["d-0001", "d-0002", "d-0003"])
        self.assertEqual(lines[0]["key"], self.credential("d-0001.json")["key"])
        self.keygen("export", "--all", "--seed-keys", code=1)
        self.keygen("init", "--registry", "b.db")
        self.assertEqual(self.load("import", "DEVICES_KEYS.txt", "--registry", "b.db"),
                         {"refused": [], "added": 3, "blank": 0})

    def test_no_secret_is_printed(self):
        secrets = [self.credential(f"d-000{i}.json")[k] for i in (1, 2, 3) for k in ("key", "iv")]
        (self.path / "out").mkdir()
        said = ""
        for words in (("list",), ("show", "d-0001"), ("audit",), ("audit", "--verify"),
                      ("export", "--all", "--out", "out"), ("revoke", "d-0001")):
            for form in ((), ("--json",)):
                done = subprocess.run([KEYGEN, *words, *form], cwd=self.path, text=True,
                                      capture_output=True, check=False)
                said += done.stdout + done.stderr
        for secret in secrets:
            self.assertNotIn(secret, said)


class Rotation(Keygen):
    def setUp(self):
        super().setUp()
        self.keygen("init")
        self.keygen("add", "d", "--count", "3")

    def test_rotate_writes_a_new_credential(self):
        before = self.credential("d-0001.json")
        self.keygen("rotate", "d-0001", code=1)
        self.assertIn("exists", self.err)
        self.assertEqual(self.credential("d-0001.json"), before)
        self.assertFalse(self.load("show", "d-0001")["rotating"])
        self.assertEqual(self.load("rotate", "d-0001", "d-0003", "--out", "next"),
                         {"rotated": 2, "files": ["next/d-0001.json", "next/d-0003.json"]})
        after = self.credential("next/d-0001.json")
        self.assertEqual(mode(self.path / "next/d-0001.json"), 0o600)
        self.assertEqual({k for k in before if before[k] != after[k]},
                         {"device_private", "device_public", "psk"})
        self.assertEqual(x25519_public(base64.b64decode(after["device_private"])),
                         base64.b64decode(after["device_public"]))
        shown = self.load("show", "d-0001")
        self.assertEqual((shown["generation"], shown["rotating"], shown["pending_generation"]),
                         (0, True, 1))
        self.assertIn("pending  generation 1", self.keygen("show", "d-0001"))
        self.assertEqual([d["rotating"] for d in self.load("list")], [True, False, True])
        self.assertTrue(self.keygen("list").splitlines()[0].endswith(" A128CBC-HS256 0>1"))
        self.assertTrue(self.keygen("list").splitlines()[1].endswith(" A128CBC-HS256 0"))
        self.assertEqual(self.err, "")
        self.keygen("rotate", "d-0001", "--out", "again")
        self.assertIn("d-0001: an unused rotation is replaced", self.err)
        self.assertEqual(self.load("show", "d-0001")["pending_generation"], 2)
        self.assertEqual([(r["action"], r["device"], r["detail"]) for r in self.load("audit")][4:],
                         [("rotate", "d-0001", "generation 1"),
                          ("rotate", "d-0003", "generation 1"),
                          ("rotate", "d-0001", "generation 2")])
        self.keygen("audit", "--verify")

    def test_keep_key_and_device_public(self):
        before = self.credential("d-0001.json")
        self.keygen("rotate", "d-0001", "--keep-key", "--out", "next")
        after = self.credential("next/d-0001.json")
        self.assertNotIn("device_private", after)
        self.assertEqual(after["device_public"], before["device_public"])
        self.assertNotEqual(after["psk"], before["psk"])
        public = base64.b64encode(x25519_public(bytes(range(32)))).decode()
        self.keygen("rotate", "d-0002", "--device-public", public, "--block", "--out", "next")
        self.assertIn(x25519_public(bytes(range(32))),
                      (self.path / "next/d-0002.bin").read_bytes())
        self.keygen("rotate", "d-0003", "--device-public", public, "--out", "more", code=1)
        self.assertEqual(self.names("more"), [])
        self.keygen("rotate", "d-0003", "--device-public", "AAAA", code=2)
        self.keygen("rotate", "d-0003", "--device-public", public, "--keep-key", code=2)
        self.keygen("rotate", "d-0003", "d-0002", "--device-public", public, code=2)

    def test_rotate_is_all_or_none(self):
        self.keygen("add", "s", "--wire", "seed")
        self.keygen("revoke", "d-0003")
        for ids in (("d-0001", "s"), ("d-0001", "nobody"), ("d-0001", "d-0003"),
                    ("d-0001", "d-0001")):
            self.keygen("rotate", *ids, "--out", "next", code=1)
            self.assertEqual(self.names("next") if (self.path / "next").exists() else [], [])
        self.assertFalse(self.load("show", "d-0001")["rotating"])

    def test_export_has_no_private_key(self):
        before = self.credential("d-0001.json")
        self.assertEqual(self.keygen("export", "d-0001", "--out", "out"), "out/d-0001.json\n")
        self.assertIn("without private keys", self.err)
        del before["device_private"]
        self.assertEqual(self.credential("out/d-0001.json"), before)
        self.keygen("export", "d-0001", "--out", "out", "--block")
        block = (self.path / "out/d-0001.bin").read_bytes()
        self.assertEqual((block[6], len(block)), (0, 9 + 6 + 11 + 3 * 32 + 8))
        self.keygen("rotate", "d-0001", "--out", "next")
        self.keygen("export", "d-0001", "--out", "then")
        new = self.credential("next/d-0001.json")
        del new["device_private"]
        self.assertEqual(self.credential("then/d-0001.json"), new)
        self.assertEqual(sum(r["action"] == "export" for r in self.load("audit")), 3)

    def test_export_for_the_seed_is_for_the_seed(self):
        self.keygen("add", "s", "--wire", "seed")
        self.keygen("export", "d-0001", "--seed-keys", "--out", "a", code=1)
        self.assertEqual(self.names("a"), [])
        self.keygen("export", "--all", "--seed-keys", "--out", "b")
        self.assertEqual(len((self.path / "b/DEVICES_KEYS.txt").read_text().splitlines()), 1)
        self.keygen("export", "--all", "--seed-keys", "--block", code=2)
        self.assertEqual([r["device"] for r in self.load("audit") if r["action"] == "export"],
                         ["s"])

    def test_gateway_key(self):
        first = self.load("gateway-key", "show")
        self.assertEqual((sorted(first), first["before"]), (["before", "gateway_public"], None))
        self.assertEqual(self.credential("d-0001.json")["gateway_public"], first["gateway_public"])
        self.keygen("gateway-key", "retire", code=1)
        second = self.load("gateway-key", "rotate")
        self.assertEqual(second["before"], first["gateway_public"])
        self.assertNotEqual(second["gateway_public"], first["gateway_public"])
        self.keygen("gateway-key", "rotate", code=1)
        self.assertEqual(self.load("gateway-key", "show"), second)
        self.assertEqual(self.keygen("gateway-key", "show").split(),
                         ["in", "use", second["gateway_public"], "before", second["before"]])
        self.keygen("add", "new")
        self.assertEqual(self.credential("new.json")["gateway_public"], second["gateway_public"])
        self.keygen("export", "d-0001", "--out", "out")
        self.assertEqual(self.credential("out/d-0001.json")["gateway_public"],
                         second["gateway_public"])
        self.assertEqual(self.load("gateway-key", "retire"),
                         {"gateway_public": second["gateway_public"], "before": None})
        self.assertEqual([r["action"] for r in self.load("audit") if "gateway" in r["action"]],
                         ["gateway-key", "gateway-key-retire"])
        self.keygen("audit", "--verify")
        self.keygen("gateway-key", code=2)
        self.keygen("gateway-key", "destroy", code=2)

    def test_no_secret_is_printed_or_stored(self):
        self.keygen("rotate", "d-0002", "--out", "next")
        files = ["d-0001.json", "d-0002.json", "next/d-0002.json"]
        secrets = [self.credential(f)[k] for f in files for k in ("device_private", "psk")]
        publics = [self.credential(f)["device_public"] for f in files]
        said = ""
        for words in (("list",), ("show", "d-0002"), ("audit",), ("audit", "--verify"),
                      ("export", "--all", "--out", "out"), ("gateway-key", "rotate"),
                      ("rotate", "d-0003", "--out", "out2"), ("revoke", "d-0001")):
            for form in ((), ("--json",)):
                done = subprocess.run([KEYGEN, *words, *form], cwd=self.path, text=True,
                                      capture_output=True, check=False)
                said += done.stdout + done.stderr
        registry = (self.path / "medsec.db").read_bytes()
        for secret in secrets + publics:
            self.assertNotIn(secret, said)
            for form in (secret.encode(), base64.b64decode(secret)):
                self.assertNotIn(form[:16], registry)


class Import(Keygen):
    def setUp(self):
        super().setUp()
        self.keygen("init")

    def write(self, text):
        (self.path / "keys.txt").write_text(text)

    def test_seed_file(self):
        self.write(SEED_FILE)
        self.keygen("import", "keys.txt", code=1)
        self.assertEqual(self.err.count("sample key"), 3)
        self.assertEqual(self.keygen("import", "keys.txt", "--allow-sample-keys"),
                         "added 3, refused 0, blank or comment 0\n")
        self.keygen("export", "iot_med_dev_01")
        self.assertEqual(self.credential("iot_med_dev_01.json")["key"], "1234567890123456")

    def test_bad_lines_are_told_and_the_rest_is_taken(self):
        line = '{"id":"%s","key":"q%sZr8-Kx_3uPw7Lm","iv":"AAAAAAAAAAAAAAAA"}\n'
        self.write("# comment\n\n" + line % ("good", 1) + line % ("../x", 2) + line % ("a+b", 3)
                   + line % ("", 4) + line % ("x" * 70000, 5) + line % ("good", 6)
                   + line % ("other", 1) + line % ("short", "") + "nonsense\n\xff\n")
        result = self.load("import", "keys.txt", code=1)
        self.assertEqual((result["added"], result["blank"]), (1, 2))
        self.assertEqual([(r["line"], r["reason"]) for r in result["refused"]],
                         [(4, "device-id"), (5, "device-id"), (6, "device-id"), (7, "limit"),
                          (8, "exists"), (9, "exists"), (10, "argument"), (11, "syntax"),
                          (12, "syntax")])
        self.assertIn("keys.txt:4: ../x:", self.err)
        self.assertEqual([d["device"] for d in self.load("list")], ["good"])
        self.assertNotIn("Zr8-Kx", self.err)

    def test_no_file(self):
        self.keygen("import", "none", code=1)
        self.keygen("import", ".", code=1)


class Audit(Keygen):
    def setUp(self):
        super().setUp()
        self.keygen("init", "--actor", "A. \"Nurse\"")
        self.keygen("add", "a", "--wire", "seed", "--actor", "bob")
        self.keygen("revoke", "a", MEDSEC_ACTOR="carol")

    def test_rows(self):
        rows = self.load("audit")
        self.assertEqual([(r["number"], r["actor"], r["action"], r["device"], r["detail"])
                          for r in rows],
                         [(1, 'A. "Nurse"', "init", "", ""),
                          (2, "bob", "add", "a", "seed pico-vitals"),
                          (3, "carol", "revoke", "a", "")])
        self.assertEqual(len({r["hash"] for r in rows}), 3)
        self.assertEqual(len(self.keygen("audit").splitlines()), 3)
        self.assertEqual(self.load("audit", "--verify"),
                         {"verified": True, "rows": 3, "hash": rows[-1]["hash"]})
        self.keygen("list", "--actor", "two\nlines", code=2)

    def test_verify_finds_an_edit(self):
        path = self.path / "medsec.db"
        data = path.read_bytes()
        self.assertEqual(data.count(b"carol"), 1)
        path.write_bytes(data.replace(b"carol", b"alice"))
        self.keygen("audit", "--verify", code=3)
        self.assertIn("row 3", self.err)
        self.keygen("list")


# What EMQX does with its file (emqx_authz_file: file:consult), as JSON lines.
CONSULT = """{ok, Terms} = file:consult(hd(init:get_plain_arguments())),
    lists:foreach(fun ({allow, {username, User}, Action, Topics}) ->
        [io:format("~s ~s ~s~n", [User, Action, Topic]) || Topic <- Topics];
        ({deny, all}) -> io:format("deny all~n") end, Terms), halt()."""


class BrokerAcl(Keygen):
    GRANTS = ("# who\n\nward command bed-1\ndash.board read *\nnurse command *\nnurse read bed-2\n"
              " ward\tread bed-? icu-1 # two\r\nghost read gone")

    def setUp(self):
        super().setUp()
        self.keygen("init")
        for device in ("bed-1", "bed-2", "bed-10", "icu-1", "gone"):
            self.keygen("add", device, "--wire", "seed")
        self.keygen("revoke", "gone")

    def grants(self, text, mode=0o644):
        path = self.path / "grants"
        path.write_bytes(text.encode("latin-1"))
        path.chmod(mode)
        return path

    def rules(self, *words):
        """{(user, write or read): {filter}} of mosquitto's file, in which nothing else may be."""
        found, user = {}, None
        for line in self.keygen("broker-acl", *words).splitlines():
            if line.startswith("user "):
                user = line[5:]
                self.assertNotIn(user, {name for name, _ in found})
            elif line and not line.startswith("#"):
                topic, action, text = line.split(" ")
                self.assertEqual(topic, "topic")
                self.assertNotIn(text, found.setdefault((user, action), set()))
                found[user, action].add(text)
        return found

    def test_rules(self):
        levels = ("Status", "Profile", "Reading", "Readings", "Ip_address", "Port_address",
                  "Internal_Server", "Physiological_Data", "Internal_Device_Data")

        def reading(*devices):
            return {f"Pico/{device}/{level}/#" for device in devices for level in levels}

        gateway = {("gateway", "write"): {"Pico/+/#", "medsec/gateway/+/status"},
                   ("gateway", "read"): {"Pico/+/Command/Config"}}
        self.assertEqual(self.rules(), gateway)
        self.assertEqual(self.rules("--grants", self.grants(self.GRANTS)), {
            **gateway,
            ("dash.board", "read"): reading("+"),
            ("ward", "read"): reading("bed-1", "bed-2", "icu-1") | {
                "Pico/bed-1/Command/Config/Result"},
            ("ward", "write"): {"Pico/bed-1/Command/Config"},
            ("nurse", "read"): reading("bed-2") | {"Pico/+/Command/Config/Result"},
            ("nurse", "write"): {"Pico/+/Command/Config"}})
        self.assertEqual(self.err.count("\n"), 1)
        self.assertIn("line 8: no active device is named so: gone", self.err)

    def test_emqx_reads_the_same_rules(self):
        if shutil.which("erl") is None:
            self.skipTest("no erl")
        words = ("--grants", self.grants(self.GRANTS))
        wanted = {(user, {"write": "publish", "read": "subscribe"}[action], topic)
                  for (user, action), topics in self.rules(*words).items() for topic in topics}
        self.keygen("broker-acl", *words, "--format", "emqx", "--out", "acl.conf")
        done = subprocess.run(["erl", "-noshell", "-eval", CONSULT, "-extra", "acl.conf"],
                              cwd=self.path, capture_output=True, text=True, check=True,
                              env={**os.environ, "HOME": str(self.path)})
        lines = done.stdout.splitlines()
        self.assertEqual(lines.pop(), "deny all")
        self.assertEqual({tuple(line.split(" ")) for line in lines}, wanted)
        self.assertEqual(len(lines), len(wanted))
        # A filter that ends in `+` would let EMQX take a subscription that ends in `#`.
        self.assertEqual([topic for *_, topic in wanted if topic.endswith("+")], [])

    def test_names_and_template(self):
        rules = self.rules("--gateway-user", "gw", "--topic-template", "h1/{device}/v1/{topic}",
                           "--grants", self.grants("gateway command bed-1"))
        self.assertEqual(rules, {
            ("gw", "write"): {"h1/+/v1/#", "medsec/gateway/+/status"},
            ("gw", "read"): {"h1/+/v1/Command/Config"},
            ("gateway", "write"): {"h1/bed-1/v1/Command/Config"},
            ("gateway", "read"): {"h1/bed-1/v1/Command/Config/Result"}})

    def test_profiles(self):
        vital = {"key": "SpO2", "topic": "Oximeter/SpO2", "unit": "%", "decimals": 1, "min": 0,
                 "max": 100}
        profile = {"format": "medsec-profile/1", "id": 2, "name": "oximeter", "vitals": [vital]}
        (self.path / "oximeter.json").write_text(json.dumps(profile))
        self.keygen("add", "o-1", "--profile", "oximeter")
        grants = self.grants("ward read o-1")
        self.assertNotIn("Pico/o-1/Oximeter/#", self.rules("--grants", grants)["ward", "read"])
        self.assertIn("o-1 is of a kind that is not known (oximeter)", self.err)
        rules = self.rules("--grants", grants, "--profile", "oximeter.json")
        self.assertIn("Pico/o-1/Oximeter/#", rules["ward", "read"])
        self.assertEqual(self.err, "")
        for topic in ('A"}, {x, "/SpO2', "A ${username}/SpO2", "%u/SpO2", "a b/SpO2"):
            vital["topic"] = topic
            (self.path / "oximeter.json").write_text(json.dumps(profile))
            self.keygen("broker-acl", "--grants", grants, "--profile", "oximeter.json", code=3)
        self.keygen("broker-acl", "--profile", "none.json", code=3)

    def test_as_many_levels_as_profiles_can_have(self):
        words = []
        for number in range(64):
            vitals = [{"key": f"k{at}", "topic": f"L{number}-{at}/x", "unit": "%", "decimals": 1,
                       "min": 0, "max": 100} for at in range(16)]
            profile = {"format": "medsec-profile/1", "id": 100 + number, "name": f"p{number}",
                       "vitals": vitals}
            (self.path / f"p{number}.json").write_text(json.dumps(profile))
            words += ["--profile", f"p{number}.json"]
        rules = self.rules("--grants", self.grants("ward read *"), *words)
        self.assertEqual(len(rules["ward", "read"]), 9 + 64 * 16)

    def test_refuses_what_is_no_grant(self):
        (self.path / "rules").write_text("old\n")
        for line in ("u", "u read", "u write a", "u READ a", "u read,command a", "u read +",
                     "u read a/b", "u read a/#", "u read $SYS", "u read [ab]", "u read \\*",
                     "u read a\"b", "u read %u", "u read ${username}", "u read " + 65 * "a",
                     65 * "u" + " read a", "a:b read a", "+ read a", "$all read a", "a\"b read a",
                     "a\\b read a", "gateway read *", "gateway command a", "u read \xe9",
                     "u read a\0b", "u read \x7f", "\xef\xbb\xbfu read a", "u read " + 10001 * "a "):
            with self.subTest(line=line[:40]):
                grants = self.grants("good read *\n" + line + "\n")
                self.assertEqual(self.keygen("broker-acl", "--grants", grants, "--out", "rules",
                                             code=3), "")
                self.assertIn("grants: line 2: ", self.err)
        self.grants("u read *\n", mode=0o646)
        self.keygen("broker-acl", "--grants", "grants", "--out", "rules", code=3)
        self.assertIn("chmod o-w", self.err)
        self.grants("#" * 1024 * 1024 + "\n")
        self.keygen("broker-acl", "--grants", "grants", "--out", "rules", code=3)
        for path in ("none", "."):
            self.keygen("broker-acl", "--grants", path, "--out", "rules", code=3)
        for user in ("", "a b", "a\nb", "#", "a:b", 65 * "u"):
            self.keygen("broker-acl", "--gateway-user", user, "--out", "rules", code=2)
        for template in ("Pico/{topic}", "Pico/+/{device}/{topic}"):
            self.keygen("broker-acl", "--topic-template", template, "--out", "rules", code=2)
        for template in ("Pico/{topic}/{device}", "Pico/{device}/x{topic}", "a b/{device}/{topic}",
                         'a"/{device}/{topic}', "%u/{device}/{topic}",
                         "${username}/{device}/{topic}"):
            self.keygen("broker-acl", "--topic-template", template, "--out", "rules",
                        code=2 if "${" in template else 3)
        self.keygen("broker-acl", "--registry", "none.db", "--out", "rules", code=3)
        self.assertEqual((self.path / "rules").read_text(), "old\n")
        self.assertEqual([name for name in self.names() if ".new-" in name], [])

    def test_file_is_replaced_whole_or_stays(self):
        rules = self.path / "rules"
        self.assertEqual(self.keygen("broker-acl", "--out", "rules"), "users 1 devices 4\n")
        self.assertEqual(rules.read_text(), self.keygen("broker-acl"))
        self.assertEqual(mode(rules), 0o644)
        old = rules.read_text()
        full = subprocess.run([KEYGEN, "broker-acl", "--grants", self.grants("u read *\n"), "--out",
                               "rules"], cwd=self.path, capture_output=True, check=False,
                              restore_signals=False,  # SIGXFSZ stays ignored
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64)))
        self.assertEqual(full.returncode, 1, full.stderr)
        self.assertEqual(rules.read_text(), old)
        self.assertEqual([name for name in self.names() if ".new-" in name], [])
        self.assertEqual(self.load("broker-acl", "--grants", "grants", "--out", "rules"),
                         {"users": 2, "devices": 4})
        self.assertIn("\nuser u\n", rules.read_text())


class Backup(Keygen):
    def setUp(self):
        super().setUp()
        self.keygen("init")
        self.keygen("add", "a")
        self.made = self.load("backup", "--out", "old.db")

    def kept(self):
        return [name for name in self.names() if ".replaced-" in name]

    def test_backup(self):
        self.assertEqual(mode(self.path / "old.db"), 0o600)
        end = self.load("audit", "--verify")
        self.assertEqual({"verified": True, **self.made}, end)
        self.assertEqual(self.keygen("backup", "--out", "2.db"),
                         f"verified 2 rows, hash {self.made['hash']}\n")
        self.keygen("backup", "--out", "2.db", code=1)
        self.assertIn("2.db: exists already", self.err)
        self.keygen("backup", "--out", "none/2.db", code=1)
        self.keygen("backup", code=2)
        self.assertIn("--out", self.err)

    def test_restore(self):
        self.keygen("revoke", "a")
        self.keygen("restore", "old.db", code=1)
        self.assertIn("old.db: changes would be lost, maybe revocations: the log here has 3 rows, "
                      "which are not the first of the copy's 2", self.err)
        self.assertIn("--older", self.err)
        self.assertEqual((self.load("show", "a")["state"], self.kept()), ("revoked", []))
        self.keygen("backup", "--out", "new.db")
        out = self.keygen("restore", "old.db", "--older")
        self.assertEqual(out, f"verified 2 rows, hash {self.made['hash']}\nkept {self.kept()[0]}\n")
        self.assertEqual(self.load("show", "a")["state"], "active")
        done = self.load("restore", "new.db")
        self.assertEqual((done["rows"], done["rows_before"]), (3, 2))
        self.assertIn(done["kept"], self.kept())
        self.assertEqual(self.load("show", "a")["state"], "revoked")

    def test_restore_refuses(self):
        self.keygen("init", "--registry", "other.db", "--key-file", "other.key")
        (self.path / "junk").write_text("junk")
        (self.path / "junk").chmod(0o600)
        for name, words, code in (("other.db", "not of this key", 3), ("none", "No such file", 1),
                                  ("junk", "damaged, or no registry", 3),
                                  ("medsec.db", "the registry itself", 1)):
            with self.subTest(name=name):
                self.keygen("restore", name, code=code)
                self.assertIn(f"{name}: ", self.err)
                self.assertIn(words, self.err)
                self.assertNotIn("--older", self.err)
        self.keygen("restore", "old.db", "--key-file", "none.key", code=1)
        self.assertIn("the key file is not there", self.err)
        self.assertEqual(self.kept(), [])
        (self.path / "medsec.db").unlink()
        self.keygen("restore", "old.db")
        self.assertEqual((self.load("show", "a")["state"], self.kept()), ("active", []))

    def test_passphrase(self):
        (self.path / "phrase").write_text(PASSPHRASE + "\n")
        (self.path / "phrase").chmod(0o600)
        words = ("--registry", "p.db", "--passphrase-file", "phrase")
        self.keygen("init", *words)
        self.keygen("backup", "--out", "copy.db", *words)
        self.keygen("restore", "copy.db", *words)
        self.keygen("restore", "old.db", *words, code=3)
        self.assertEqual(len(self.kept()), 1)

    def test_promote(self):
        self.keygen("rotate", "a", "--out", "next")
        self.keygen("promote", "a", code=2)
        self.assertIn("--generation", self.err)
        for words in (("a", "--generation", "2"), ("b", "--generation", "1")):
            self.keygen("promote", *words, code=1)
        self.assertTrue(self.load("show", "a")["rotating"])
        self.assertEqual(self.keygen("promote", "a", "--generation", "1"),
                         "promoted a to generation 1\n")
        shown = self.load("show", "a")
        self.assertEqual((shown["generation"], shown["rotating"]), (1, False))
        last = self.load("audit")[-1]
        self.assertEqual((last["action"], last["device"], last["detail"]),
                         ("promote", "a", "generation 1"))
        self.keygen("promote", "a", "--generation", "1", code=1)


class Files(Keygen):
    def test_exit_codes_of_bad_files(self):
        self.keygen("list", code=3)
        self.assertIn("init", self.err)
        self.keygen("init")
        (self.path / "medsec.key").chmod(0o640)
        self.keygen("list", code=3)
        (self.path / "medsec.key").chmod(0o600)
        (self.path / "medsec.db").chmod(0o666)
        self.keygen("list", code=3)
        (self.path / "medsec.db").chmod(0o600)
        self.keygen("list")
        (self.path / "medsec.db").write_bytes(b"not a registry" * 100)
        self.keygen("list", code=3)
        (self.path / "medsec.key").write_text("not a key\n")
        self.keygen("list", code=3)

    def test_usage(self):
        self.keygen(code=2)
        self.keygen("rotate", code=2)
        self.keygen("list", "extra", code=2)
        self.keygen("list", "--nonsense", code=2)
        for command in ("init", "add", "list", "show", "import", "export", "rotate", "gateway-key",
                        "revoke", "decommission", "audit"):
            self.assertIn("Usage: medsec-keygen " + command, self.keygen(command, "--help"))

    def test_full_disk_is_a_failure(self):
        self.keygen("init")
        with open("/dev/full", "w", encoding="ascii") as full:
            done = subprocess.run([KEYGEN, "audit"], cwd=self.path, stdout=full,
                                  stderr=subprocess.PIPE, check=False)
        self.assertEqual(done.returncode, 1)

    def hold(self, lock):
        holder = subprocess.Popen(
            [sys.executable, "-c", "import sqlite3, sys\n"
             "db = sqlite3.connect('medsec.db', isolation_level=None)\n"
             f"db.execute('BEGIN {lock}')\nprint('held', flush=True)\nsys.stdin.read()"],
            cwd=self.path, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.assertEqual(holder.stdout.readline(), b"held\n")
        return holder

    def test_replies_to_a_locked_registry(self):
        self.keygen("init")
        holder = self.hold("EXCLUSIVE")
        self.keygen("add", "a", code=1)
        self.assertIn("in use", self.err)
        holder.communicate(timeout=60)
        self.keygen("add", "a")

    def test_files_go_when_the_registry_cannot_be_changed(self):
        self.keygen("init")
        self.keygen("add", "a")
        holder = self.hold("IMMEDIATE")
        commands = [subprocess.Popen([KEYGEN, *words], cwd=self.path, stderr=subprocess.PIPE)
                    for words in (("add", "b", "--count", "2", "--out", "out"),
                                  ("rotate", "a", "--out", "out"))]
        seen = set()
        while any(command.poll() is None for command in commands):
            seen.update(path.name for path in self.path.glob("out/*.json"))
            time.sleep(0.01)
        self.assertEqual(seen, {"a.json", "b-0001.json", "b-0002.json"})
        for command in commands:
            command.communicate()
            self.assertEqual(command.returncode, 1)
        self.assertEqual(self.names("out"), [])
        holder.communicate(timeout=60)
        self.assertEqual([(d["device"], d["rotating"]) for d in self.load("list")], [("a", False)])


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--source")
    options, rest = parser.parse_known_args()
    KEYGEN = pathlib.Path(options.build, "cli/medsec-keygen").resolve()
    unittest.main(argv=[sys.argv[0], *rest])
