#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""packaging/docker/setup without an engine: in a root folder that is this machine's under a layer
of its own, as the user that the image has. What it makes, what it leaves alone, what it refuses."""

import csv
import glob
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(1, os.path.join(HERE, "..", "support"))
import harness

MOUNTS = r"""
set -eu
mount -t tmpfs room "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" room "$1/root"
mount --rbind /dev "$1/root/dev"
mount --rbind /proc "$1/root/proc"
echo ready
exec sleep infinity
"""
IDS = {"medsec": 10001, "medsec-broker": 10002, "medsec-dashboard": 10003, "emqx": 1000}
FOLDERS = {"setup/authority": ("medsec", 0o700), "setup/mosquitto": ("medsec-broker", 0o750),
           "setup/emqx": ("emqx", 0o750), "setup/dashboard": ("medsec-dashboard", 0o750),
           "etc/medsec": ("medsec", 0o700), "var/lib/medsec": ("medsec", 0o700),
           "devices": ("medsec", 0o700)}
PATH = {"PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
FAKETIME = "/usr/lib/*/faketime/libfaketime.so.1"


class Room:
    """What the image setup is: programs, folders, user and groups."""

    def __init__(self):
        self.folder = tempfile.mkdtemp()
        alone = ["unshare", "--mount", "--propagation", "private"]
        self.holder = subprocess.Popen([*alone, "sh", "-c", MOUNTS, "sh", self.folder],
                                       stdout=subprocess.PIPE, text=True)
        if self.holder.stdout.readline() != "ready\n":
            os.rmdir(self.folder)
            harness.skip("a process may not have mounts of its own here; this wants root")
        self.inside = self.folder + "/root"
        self.root = "/proc/%d/root%s/" % (self.holder.pid, self.inside)
        self.furnish()

    def furnish(self):
        docker = os.path.join(harness.SOURCE, "packaging/docker/")
        for source, target in ((docker + "setup", "bin/medsec-setup"),
                               (harness.tool("medsec-keygen"), "bin/medsec-keygen"),
                               (docker + "lib/certificates", "lib/medsec-setup/certificates"),
                               (docker + "lib/broker", "lib/medsec-setup/broker")):
            with open(source, "rb") as file:
                self.write("usr/local/" + target, file.read(), 0o755)
        groups = "".join("%s:x:%d:\n" % each for each in IDS.items())
        self.write("etc/group", groups.encode(), 0o644)
        self.write("etc/medsec-grants", b"# who\ndashboard read *\n", 0o644)
        for name, (group, mode) in FOLDERS.items():
            subprocess.run(["rm", "-rf", self.root + name], check=True)
            os.makedirs(self.root + name)
            os.chown(self.root + name, IDS["medsec"], IDS[group])
            os.chmod(self.root + name, mode)

    def write(self, name, content, mode):
        os.makedirs(os.path.dirname(self.root + name), exist_ok=True)
        with open(self.root + name, "wb") as file:
            file.write(content)
        os.chmod(self.root + name, mode)

    def read(self, name):
        with open(self.root + name, "rb") as file:
            return file.read()

    def command(self, *arguments, **environment):
        ids = [str(number) for number in IDS.values()]
        settings = ["%s=%s" % each for each in environment.items()]
        return ["nsenter", "--target", str(self.holder.pid), "--mount", "chroot", self.inside,
                "setpriv", "--reuid", ids[0], "--regid", ids[0], "--groups", ",".join(ids),
                "--no-new-privs", "env", *settings, "medsec-setup", *arguments]

    def setup(self, *arguments, code=0, **environment):
        """What it said: standard output and standard error."""
        done = subprocess.run(self.command(*arguments, **environment), env=PATH, text=True,
                              capture_output=True, check=False)
        if done.returncode != code:
            raise AssertionError("%s: %d\n%s%s" % (arguments, done.returncode, done.stdout,
                                                   done.stderr))
        return done.stdout, done.stderr

    def files(self):
        """path -> content of all that is kept, but registry and lock."""
        found = {}
        for folder in FOLDERS:
            for name in glob.glob(self.root + folder + "/*"):
                if not name.endswith((".db", "/lock")):
                    found[name[len(self.root):]] = self.read(name[len(self.root):])
        return found

    def names(self):
        return {folder + "/" + name for folder in FOLDERS
                for name in os.listdir(self.root + folder)}

    def close(self):
        self.holder.kill()
        self.holder.wait()
        self.holder.stdout.close()
        os.rmdir(self.folder)


def setUpModule():
    Room().close()  # or all is skipped


def openssl(*arguments):
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=True)
    return done.stdout


class Setup(unittest.TestCase):
    def setUp(self):
        self.room = Room()
        self.addCleanup(self.room.close)

    def password(self, name):
        return self.room.read("setup/authority/password." + name).decode().strip()

    def changed(self, *arguments, **environment):
        """Files that a run made, changed or removed."""
        before = self.room.files()
        self.room.setup(*arguments, **environment)
        after = self.room.files()
        return {name for name in {*before, *after} if before.get(name) != after.get(name)}

    def check_leaf(self, folder, names):
        ca, leaf = (self.room.root + folder + "/" + name for name in ("ca.pem", "cert.pem"))
        self.assertIn("OK", openssl("verify", "-x509_strict", "-purpose", "sslserver",
                                    "-CAfile", ca, leaf))
        text = openssl("x509", "-in", leaf, "-noout", "-text")
        self.assertIn("NIST CURVE: P-256", text)
        self.assertIn("CA:FALSE", text)
        for name in names:
            kind = "-checkip" if re.fullmatch(r"[0-9.]+|.*:.*", name) else "-checkhost"
            shown = openssl("x509", "-in", leaf, "-noout", kind, name)
            self.assertIn("does match", shown, (folder, name))
        public = openssl("pkey", "-in", self.room.root + folder + "/key.pem", "-pubout")
        self.assertEqual(public, openssl("x509", "-in", leaf, "-noout", "-pubkey"))

    def test_first_start_makes_all_and_the_second_nothing(self):
        for kind in ("mosquitto", "emqx"):
            self.room.setup(MEDSEC_BROKER_KIND=kind)
            self.assertEqual(self.changed(MEDSEC_BROKER_KIND=kind), set())
            self.assertEqual(self.room.setup(MEDSEC_BROKER_KIND=kind), ("", ""))
            self.check_leaf("setup/" + kind, ["broker", "localhost", "127.0.0.1", "172.20.0.20"])
        self.check_leaf("setup/dashboard", ["dashboard", "localhost", "127.0.0.1", "172.20.0.25"])
        words = [self.password(name) for name in ("gateway", "dashboard", "login", "emqx")]
        self.assertEqual(len(set(words)), 4)
        self.assertTrue(all(re.fullmatch(r"[\w-]{32}", word) for word in words), words)
        self.assertEqual(self.room.read("etc/medsec/broker.password").decode().strip(), words[0])
        self.assertEqual(self.room.read("setup/dashboard/mqtt.password").decode().strip(), words[1])
        shown, _ = self.room.setup("passwords", MEDSEC_BROKER_KIND="emqx")
        self.assertEqual([word for word in words if word not in shown], [])

    def test_files_are_for_their_readers_alone(self):
        self.room.setup()
        self.room.setup(MEDSEC_BROKER_KIND="emqx")
        for folder, (group, _) in FOLDERS.items():
            for name in glob.glob(self.room.root + folder + "/*"):
                status = os.stat(name)
                wanted = (10001, IDS[group], 0o600 if group == "medsec" else 0o640)
                found = status.st_uid, status.st_gid, status.st_mode & 0o777
                self.assertEqual(found, wanted, name)
        self.assertEqual([name for name in self.room.files() if name.endswith(("ca.key", ".new"))],
                         ["setup/authority/ca.key"])

    def test_hashes_are_of_the_passwords(self):
        self.room.setup(MEDSEC_BROKER_KIND="emqx")
        rows = list(csv.DictReader(io.StringIO(self.room.read("setup/emqx/users.csv").decode())))
        self.assertEqual([(row["user_id"], row["is_superuser"]) for row in rows],
                         [("dashboard", "false"), ("gateway", "false")])
        for row in rows:
            text = row["salt"] + self.password(row["user_id"])
            self.assertEqual(row["password_hash"], hashlib.sha256(text.encode()).hexdigest())
        self.check_login(self.password("login"))

    def login(self):
        return self.room.read("setup/dashboard/login").decode().strip()

    def check_login(self, password):
        name, kind, iterations, salt, key = self.login().split(":")
        self.assertEqual((name, kind), ("clinic", "pbkdf2-sha256"))
        self.assertGreaterEqual(int(iterations), 600000)
        self.assertEqual(key, hashlib.pbkdf2_hmac("sha256", password.encode(), bytes.fromhex(salt),
                                                  int(iterations)).hex())

    def test_certificates_are_signed_anew_when_it_is_time_and_not_before(self):
        fake = glob.glob(FAKETIME)
        if not fake:
            self.skipTest("no libfaketime")
        self.room.setup()
        leaves = {"setup/%s/%s" % (folder, name) for folder in ("mosquitto", "dashboard")
                  for name in ("cert.pem", "key.pem")}
        self.assertEqual(self.changed(LD_PRELOAD=fake[0], FAKETIME="+336d"), set())
        self.assertEqual(self.changed(LD_PRELOAD=fake[0], FAKETIME="+338d"), leaves)
        self.assertEqual(self.changed("renew"), leaves)
        others = ["ward.example", "192.0.2.7", "2001:db8::7"]
        host = {"MEDSEC_HOST": " ".join(others)}
        named = leaves | {"setup/mosquitto/names", "setup/dashboard/names"}
        self.assertEqual(self.changed(**host), named)
        self.check_leaf("setup/dashboard", [*others, "dashboard"])
        self.assertEqual(self.changed(**host), set())
        self.room.setup(code=1, MEDSEC_HOST="ward.example;x")

    def test_what_does_not_belong_together_is_made_anew(self):
        self.room.setup()
        other = openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
        self.room.write("setup/mosquitto/key.pem", other.encode(), 0o640)
        self.assertEqual(self.changed(), {"setup/mosquitto/key.pem", "setup/mosquitto/cert.pem"})
        before = self.password("gateway"), self.login()
        os.remove(self.room.root + "setup/authority/ca.pem")
        self.room.setup()
        self.check_leaf("setup/mosquitto", ["broker"])
        self.check_leaf("setup/dashboard", ["dashboard"])
        self.assertEqual(*(self.room.read(folder + "/ca.pem")
                           for folder in ("etc/medsec", "setup/authority")))
        self.assertEqual((self.password("gateway"), self.login()), before)
        os.remove(self.room.root + "setup/authority/password.login")
        self.room.setup()
        shown, _ = self.room.setup("passwords")
        self.check_login(re.search("user clinic, password (.*)", shown).group(1))

    def test_a_grant_is_a_user_and_leaves_others_alone(self):
        self.room.setup()
        before = self.password("dashboard"), self.password("gateway")
        self.room.write("etc/medsec-grants", b"dashboard read *\nnurse read ward-*\n", 0o644)
        self.assertEqual(self.changed(), {
            "setup/mosquitto/passwords", "setup/mosquitto/acl", "setup/authority/access",
            "setup/authority/logins", "setup/authority/password.nurse"})
        self.assertIn(b"nurse:$7$", self.room.read("setup/mosquitto/passwords"))
        self.assertEqual((self.password("dashboard"), self.password("gateway")), before)
        for user in ("emqx", "login", "medsec-gateway", "a/b"):
            self.room.write("etc/medsec-grants", b"%s read *\n" % user.encode(), 0o644)
            self.assertIn("grants: ", self.room.setup(code=1)[1])
        self.room.write("etc/medsec-grants", b"dashboard read *\n", 0o600)
        self.assertIn("chmod", self.room.setup(code=1)[1])

    def test_credentials_are_handed_over_once(self):
        self.room.setup()
        self.room.setup("sim", "2")
        self.room.setup("sim", "2")
        names = sorted(os.listdir(self.room.root + "devices"))
        self.assertEqual(len(names), 2)
        shown, _ = self.room.setup("take", names[0])
        self.assertEqual(json.loads(shown)["format"], "medsec-credential/1")
        self.assertEqual(os.listdir(self.room.root + "devices"), names[1:])
        for name in (names[0], "", "../etc/medsec/medsec.key", ".hidden", "/etc/medsec/medsec.key"):
            self.room.setup("take", name, code=1)
        self.room.setup("sim", "2x", code=1)
        self.room.setup("nonsense", code=2)

    def test_a_registry_without_its_key_is_no_reason_for_another_key(self):
        self.room.setup()
        os.remove(self.room.root + "etc/medsec/medsec.key")
        self.assertIn("medsec.key", self.room.setup(code=1)[1])
        self.assertFalse(os.path.exists(self.room.root + "etc/medsec/medsec.key"))

    def cut_short(self, more):
        """Kills a start when that many names are there that were not; False when it ended before."""
        before = self.room.names()
        child = subprocess.Popen(self.room.command(), stderr=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL, env=PATH)
        while child.poll() is None:
            if len(self.room.names() - before) >= more:
                child.kill()
                child.wait()
                return True
            time.sleep(0.001)
        return False

    def test_cut_short_anywhere_the_next_start_completes_it(self):
        cuts = 0
        while self.cut_short(1 + cuts):
            cuts += 1
        self.assertGreater(cuts, 5)
        self.room.setup()
        self.assertEqual(self.changed(), set())
        self.check_leaf("setup/mosquitto", ["broker"])
        self.check_leaf("setup/dashboard", ["dashboard"])
        self.assertEqual([name for name, content in self.room.files().items() if not content], [])


if __name__ == "__main__":
    harness.main()
