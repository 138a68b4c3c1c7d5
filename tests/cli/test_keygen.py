#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""medsec-keygen as a user and a script see it: exit codes, output, files."""

import argparse
import json
import os
import pathlib
import pty
import select
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


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


class Keygen(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="medsec-keygen-")
        self.addCleanup(self.folder.cleanup)
        self.path = pathlib.Path(self.folder.name)

    def keygen(self, *words, code=0, text=None, **environment):
        done = subprocess.run([KEYGEN, *map(str, words)], cwd=self.path, text=True, input=text,
                              capture_output=True, timeout=120, check=False,
                              env={"PATH": os.environ["PATH"], **environment})
        self.assertEqual(done.returncode, code, f"{words}\n{done.stdout}{done.stderr}")
        self.assertNotIn("ERROR: ", done.stderr)
        self.err = done.stderr
        return done.stdout

    def load(self, *words, **options):
        return json.loads(self.keygen(*words, "--json", **options))

    def credential(self, name):
        return json.loads((self.path / name).read_text())


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
        self.assertTrue(select.select([descriptor], [], [], 20)[0], "nothing came")
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
        self.assertEqual(process.wait(timeout=20), 0, shown)
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

    def test_wire_must_be_said(self):
        self.keygen("add", "dev-1", code=2)
        self.assertIn("medsec/1", self.err)
        self.keygen("add", "dev-1", "--wire", "medsec/1", code=2)
        self.assertEqual(self.load("list"), [])

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
        begin = time.monotonic()
        files = self.keygen("add", "w", "--wire", "seed", "--count", "10000", "--out", "out")
        seconds = time.monotonic() - begin
        self.assertEqual(len(files.split()), 10000)
        self.assertEqual(self.err, "")
        keys = {json.loads(p.read_text())["key"] for p in (self.path / "out").iterdir()}
        self.assertEqual(len(keys), 10000)
        self.assertEqual(self.load("audit", "--verify")["rows"], 10001)
        print(f"  10 000 devices with their files: {seconds:.1f} s", file=sys.stderr)
        self.assertLess(seconds, 60)

    def test_two_at_once(self):
        (self.path / "out").mkdir()
        processes = [subprocess.Popen([KEYGEN, "add", name, "--wire", "seed", "--count", "100",
                                       "--out", "out"], cwd=self.path, stdout=subprocess.DEVNULL)
                     for name in ("a", "b", "c", "d")]
        self.assertEqual([p.wait(timeout=60) for p in processes], [0] * 4)
        self.assertEqual(len(self.load("list")), 400)
        self.assertEqual(self.load("audit", "--verify")["rows"], 401)

    def test_same_id_at_once_is_added_once(self):
        folders = ["o%d" % i for i in range(4)]
        for folder in folders:
            (self.path / folder).mkdir()
        processes = [subprocess.Popen([KEYGEN, "add", "same", "--wire", "seed", "--out", folder],
                                      cwd=self.path, stdout=subprocess.DEVNULL,
                                      stderr=subprocess.DEVNULL) for folder in folders]
        self.assertEqual(sorted(p.wait(timeout=60) for p in processes), [0, 1, 1, 1])
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
        self.keygen("rotate", "a", code=2)
        self.keygen("list", "extra", code=2)
        self.keygen("list", "--nonsense", code=2)
        for command in ("init", "add", "list", "show", "import", "export", "revoke",
                        "decommission", "audit"):
            self.assertIn("Usage: medsec-keygen " + command, self.keygen(command, "--help"))

    def test_full_disk_is_a_failure(self):
        self.keygen("init")
        with open("/dev/full", "w", encoding="ascii") as full:
            done = subprocess.run([KEYGEN, "audit"], cwd=self.path, stdout=full,
                                  stderr=subprocess.PIPE, check=False)
        self.assertEqual(done.returncode, 1)

    def test_replies_to_a_locked_registry(self):
        self.keygen("init")
        holder = subprocess.Popen(
            [sys.executable, "-c", "import sqlite3, sys\n"
             "db = sqlite3.connect('medsec.db', isolation_level=None)\n"
             "db.execute('BEGIN EXCLUSIVE')\nprint('held', flush=True)\nsys.stdin.read()"],
            cwd=self.path, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.assertEqual(holder.stdout.readline(), b"held\n")
        self.keygen("add", "a", "--wire", "seed", code=1)
        self.assertIn("in use", self.err)
        holder.communicate(timeout=10)
        self.keygen("add", "a", "--wire", "seed")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--source")
    options, rest = parser.parse_known_args()
    KEYGEN = pathlib.Path(options.build, "cli/medsec-keygen").resolve()
    unittest.main(argv=[sys.argv[0], *rest])
