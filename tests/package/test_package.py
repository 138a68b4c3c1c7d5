#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The Debian packages, from the tree to a machine that is rid of them again: built twice, installed,
used by devices, upgraded under them, removed, purged. The machine is a Debian of its own."""

import argparse
import concurrent.futures
import filecmp
import glob
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(1, os.path.join(HERE, "..", "support"))
import debian_root
from debian_machine import Failed, Machine, wait_until

SOURCE = None
BEGIN = time.monotonic()
SERVICES = ("systemd", "systemd-sysv", "mosquitto", "mosquitto-clients")
COMPILERS = ("gcc", "libc6-dev", "cmake", "make", "pkg-config")
CONFIGURATION, KEY = "etc/medsec/proxy.conf", "etc/medsec/medsec.key"
REGISTRY = "var/lib/medsec/medsec.db"
KEYGEN = ("--registry", "/" + REGISTRY, "--key-file", "/" + KEY)
EXPOSURE_MAX = 20  # in tenths, as tests/lint/test_packaging.py
MINE, OTHERS = "name = ward-3\n", "# A comment of the next version.\n"
BROKER_CONF = "etc/mosquitto/conf.d/test.conf"


def say(what):
    print("%5.1f s  %s" % (time.monotonic() - BEGIN, what), flush=True)


def copy_of_tree(folder):
    """What scripts/deb sees of the tree, somewhere else."""
    names = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                           cwd=SOURCE, check=True, capture_output=True).stdout
    for name in names.decode().rstrip("\0").split("\0"):
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        shutil.copy(os.path.join(SOURCE, name), path, follow_symlinks=False)
    subprocess.run("git init -q && git add -A", shell=True, cwd=folder, check=True)


def build(folder, **environment):
    """The packages that scripts/deb makes there, by name."""
    date = debian_root.output("git", "log", "-1", "--format=%ct", cwd=SOURCE).strip()
    done = subprocess.run([os.path.join(folder, "scripts/deb")], capture_output=True, text=True,
                          env=dict(os.environ, SOURCE_DATE_EPOCH=date, **environment))
    if done.returncode != 0:
        raise Failed("scripts/deb\n" + done.stdout + done.stderr)
    paths = glob.glob(os.path.join(folder, "build/deb/*.deb"))
    return {os.path.basename(path).split("_")[0]: path for path in paths}


def edit(folder, name, *changes):
    path = os.path.join(folder, name)
    with open(path, encoding="utf-8") as file:
        text = file.read()
    for pattern, change in changes:
        text = re.sub(pattern, change, text, flags=re.M)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def next_version(folder):
    """The tree there becomes the next version, with another default configuration."""
    edit(folder, "include/medsec/version.h",
         (r"(VERSION_PATCH) (\d+)$", lambda m: "%s %d" % (m[1], int(m[2]) + 1)),
         (r'(VERSION_STRING "\d+\.\d+)\.(\d+)"', lambda m: '%s.%d"' % (m[1], int(m[2]) + 1)))
    edit(folder, "packaging/systemd/proxy.conf", (r"\Z", OTHERS))


class Builds:
    """Three builds, one after the other, and beside them a machine that is made ready."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="medsec-package-")
        self.elsewhere, self.next = (os.path.join(self.folder, name) for name in ("a/b", "next"))
        pool = concurrent.futures.ThreadPoolExecutor(1)
        self.first = pool.submit(build, SOURCE)
        self.higher = pool.submit(self.build_next)
        self.again = pool.submit(self.build_again)
        pool.shutdown(wait=False)
        self.machine = None
        try:
            self.machine = Machine(debian_root.tarball(SOURCE))
            self.prepare()
        except BaseException:
            self.close()
            raise

    def build_next(self):
        copy_of_tree(self.next)
        next_version(self.next)
        return build(self.next)

    def build_again(self):
        copy_of_tree(self.elsewhere)
        return build(self.elsewhere, TZ="Pacific/Chatham", LC_ALL="C", DEB_BUILD_OPTIONS="parallel=1")

    def prepare(self):
        try:
            self.machine.apt("update")
        except Failed as failed:
            raise debian_root.Missing("no packages to be had: %s" % failed) from failed
        self.machine.apt("install", *SERVICES, *COMPILERS)
        # The receiver is slow where the machine is, and is kept all that comes meanwhile.
        pathlib.Path(self.machine.path(BROKER_CONF)).write_text("max_queued_messages 0\n")
        packages = self.machine.copy_in(*shipped(self.first.result()).values())
        self.machine.apt("install", "--download-only", *packages)

    def close(self):
        for future in (self.first, self.higher, self.again):
            future.cancel()
        concurrent.futures.wait([self.first, self.higher, self.again])
        if self.machine:
            self.machine.close()
        shutil.rmtree(self.folder)


def shipped(packages):
    return {name: path for name, path in packages.items() if not name.endswith("-dbgsym")}


def setUpModule():
    global BUILDS
    try:
        debian_root.check()
        BUILDS = Builds()
    except debian_root.Missing as missing:
        raise unittest.SkipTest(str(missing))
    say("built, and the machine has what it takes")


def tearDownModule():
    BUILDS.close()
    say("end")


class Life(unittest.TestCase):
    """One machine, from before the installation to after the purge."""

    def setUp(self):
        self.machine = BUILDS.machine
        self.machine.start()
        say("the machine is up")

    def install(self, packages, *names, **options):
        self.machine.apt("install", *options.get("how", ()), *self.machine.copy_in(
            *(packages[name] for name in names)))

    def ask(self, path):
        """What the gateway says over HTTP."""
        return self.machine.run(
            "bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/9999 && "
            "printf 'GET %s HTTP/1.0\\r\\n\\r\\n' \"$0\" >&3 && cat <&3", path, check=False)

    def wait_ready(self, version):
        wait_until(lambda: " 200 " in self.ask("/readyz").partition("\n")[0], "a gateway at work")
        self.assertIn('medsec_build_info{version="%s"}' % version, self.ask("/metrics"))

    def hashes(self):
        return [hashlib.sha256(pathlib.Path(self.machine.path(name)).read_bytes()).hexdigest()
                for name in (KEY, REGISTRY)]

    def owner_and_mode(self, name):
        return self.machine.run("stat", "-c", "%U %a", "/" + name).strip()

    def readings(self):
        """(device, boot, seq) of each reading at the broker, as often as it came."""
        lines = self.machine.read("root/readings").splitlines(True)
        objects = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("\n")]
        return [(o["device"], o["boot"], o["seq"]) for o in objects]

    def wait_readings(self, count):
        wait_until(lambda: len(set(self.readings())) >= count, "%d readings" % count)

    def test_install_use_upgrade_remove_purge(self):
        try:
            self.live()
        except BaseException:
            print("--- medsec-proxy logged:\n" + self.machine.log()[-4000:])
            raise

    def live(self):
        before = self.machine.files()
        self.version = self.version_of(BUILDS.first.result())
        self.install(BUILDS.first.result(), "medsec")
        self.check_installed()
        self.check_first_installation_is_repeated()
        self.use()
        self.upgrade(BUILDS.higher.result())
        self.use_development_files(BUILDS.higher.result())
        self.remove_and_come_back(BUILDS.higher.result())
        key = self.hashes()[0]
        self.lose_key()
        self.purge(before)
        self.install(BUILDS.higher.result(), "medsec")
        self.wait_ready(self.version)
        self.assertNotEqual(self.hashes()[0], key)
        say("and installed again")

    def version_of(self, packages):
        version = debian_root.output("dpkg-deb", "-f", packages["medsec"], "Version").strip()
        return version.partition("-")[0]

    def check_installed(self):
        self.wait_ready(self.version)
        self.assertEqual(self.owner_and_mode(KEY), "root 600")
        self.assertEqual(self.owner_and_mode(REGISTRY), "medsec 600")
        # The unit says so too, when it starts.
        self.machine.run("sh", "-c", "chmod 755 /var/lib/medsec && systemd-tmpfiles --create medsec.conf")
        self.assertEqual(self.owner_and_mode("var/lib/medsec"), "medsec 700")
        status = self.machine.run("cat", "/proc/%d/status" % self.machine.pid())
        self.assertNotIn("\nUid:\t0", status)
        if self.machine.booted():
            self.machine.run("systemctl", "is-enabled", "medsec-proxy")
            self.machine.run("systemd-analyze", "security", "--threshold=%d" % EXPOSURE_MAX,
                             "medsec-proxy")
            self.assertNotIn("secrets-not-locked", self.machine.log())
            self.assertNotIn('"level":"error"', self.machine.log())
        say("installed and at work")

    def check_first_installation_is_repeated(self):
        """One that was interrupted after it made the registry: nothing is made twice."""
        hashes = self.hashes()
        self.machine.run("/var/lib/dpkg/info/medsec.postinst", "configure")
        self.assertEqual(self.hashes(), hashes)
        self.wait_ready(self.version)

    def use(self):
        """Devices that begin to send, and somebody who receives."""
        self.machine.run("mosquitto_pub", "-r", "-t", "ready", "-m", "ready")
        self.receiver = self.machine.begin("root/readings", "mosquitto_sub", "-q", "1", "-t", "ready",
                                           "-t", "Pico/+/Reading")
        wait_until(lambda: self.machine.read("root/readings"), "a subscription")
        self.machine.run("medsec-keygen", "add", "ward", "--count", "5", "--out", "/root/devices",
                         *KEYGEN)
        self.devices = self.machine.begin(
            "root/devices.json", "medsec-sim", "--connect", "127.0.0.1:9998", "--credentials",
            "/root/devices", "--ring", "20000", "--patience", "600", "--wait", "250", "--json")
        self.wait_readings(200)
        say("readings arrive")

    def upgrade(self, packages):
        with open(self.machine.path(CONFIGURATION), "a", encoding="utf-8") as file:
            file.write(MINE)
        configuration, hashes, pid = self.machine.read(CONFIGURATION), self.hashes(), self.machine.pid()
        self.version = self.version_of(packages)
        self.install(packages, "medsec", how=("-o", "Dpkg::Options::=--force-confold"))
        self.wait_ready(self.version)
        self.assertNotEqual(self.machine.pid(), pid)
        self.assertEqual(self.machine.read(CONFIGURATION), configuration)
        self.assertIn(OTHERS, self.machine.read(CONFIGURATION + ".dpkg-dist"))
        self.assertEqual(self.hashes(), hashes)
        self.wait_readings(len(set(self.readings())) + 200)
        self.check_nothing_lost()

    def check_nothing_lost(self):
        self.assertEqual(self.machine.finish(self.devices, "root/devices.json"), 0)
        summary = json.loads(self.machine.read("root/devices.json").splitlines()[-1])
        self.wait_readings(summary["sampled"])
        readings = set(self.readings())
        self.assertEqual(len(readings), summary["sampled"])
        self.assertEqual(summary["acknowledged"], summary["sampled"])
        self.assertGreaterEqual(summary["reconnects"], 5, "the gateway was not restarted")
        say("upgraded: %d readings sampled and acknowledged, %d at the broker, %d twice" % (
            summary["sampled"], len(readings), len(self.readings()) - len(readings)))

    def use_development_files(self, packages):
        self.install(packages, "libmedsec0", "libmedsec-dev")
        shutil.copytree(os.path.join(SOURCE, "tests/outside"), self.machine.path("root/outside"))
        for kind in ("shared", "static"):
            self.machine.run("cmake", "-S", "/root/outside", "-B", "/root/" + kind, "-DKIND=" + kind)
            self.machine.run("cmake", "--build", "/root/" + kind)
            self.assertIn(self.version, self.machine.run("/root/%s/outside" % kind))
        self.machine.run("sh", "-c", "cc -o /root/byconfig /root/outside/outside.c "
                         "$(pkg-config --cflags --libs libmedsec)")
        self.assertIn(self.version, self.machine.run("/root/byconfig"))
        say("a program is built with libmedsec-dev")

    def remove_and_come_back(self, packages):
        hashes, configuration = self.hashes(), self.machine.read(CONFIGURATION)
        self.machine.apt("remove", "medsec")
        self.assertEqual(self.machine.pid(), 0)
        self.assertFalse(os.path.exists(self.machine.path("usr/bin/medsec-proxy")))
        self.assertEqual(self.hashes(), hashes)
        self.machine.run("mv", "/" + REGISTRY, "/root/aside")
        self.install(packages, "medsec")
        self.assertFalse(os.path.exists(self.machine.path(REGISTRY)), "made where one was taken away")
        self.machine.run("mv", "/root/aside", "/" + REGISTRY)
        self.install(packages, "medsec", how=("--reinstall",))
        self.wait_ready(self.version)
        self.assertEqual(self.hashes(), hashes)
        self.assertEqual(self.machine.read(CONFIGURATION), configuration)
        self.machine.run("medsec-sim", "--connect", "127.0.0.1:9998", "--credentials", "/root/devices",
                         "--count", "20")
        say("removed, and it came back with what it had")

    def lose_key(self):
        """Without its key the unit gives up at once and says what to do; with it, it starts."""
        if not self.machine.booted():
            return
        self.machine.run("mv", "/" + KEY, "/root/key")
        self.machine.run("systemctl", "restart", "medsec-proxy", check=False)
        wait_until(lambda: self.state("ActiveState") == "failed", "an end of the attempts")
        self.assertEqual(self.state("NRestarts"), "0")
        self.assertRegex(self.machine.log(), "bring .* back from its backup, .*systemctl start")
        self.machine.run("mv", "/root/key", "/" + KEY)
        self.machine.run("systemctl", "start", "medsec-proxy")
        self.wait_ready(self.version)
        say("without its key it gave up, and said so")

    def state(self, name):
        return self.machine.run("systemctl", "show", "-P", name, "medsec-proxy").strip()

    def purge(self, before):
        self.machine.run("touch", "/etc/medsec/broker-ca.pem")
        self.machine.apt("purge", "medsec", "libmedsec0", "libmedsec-dev")
        self.machine.apt("autoremove", "--purge", "-o", "APT::AutoRemove::SuggestsImportant=false")
        left = self.machine.files()
        self.assertEqual(left - before, {"etc/medsec", "etc/medsec/broker-ca.pem"})
        self.assertEqual(before - left, set())
        self.assertEqual(self.machine.pid(), 0)
        say("purged: what is left is the operator's")


class Package(unittest.TestCase):
    """What is asked of the files."""

    def test_lintian_has_nothing_to_say(self):
        BUILDS.first.result()
        changes = glob.glob(os.path.join(SOURCE, "build/deb/*.changes"))
        done = subprocess.run(["lintian", "--allow-root", "--fail-on", "error,warning", *changes],
                              capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_second_build_is_the_same(self):
        first, again = BUILDS.first.result(), BUILDS.again.result()
        self.assertEqual(sorted(first), sorted(again))
        for name, path in first.items():
            self.assertTrue(filecmp.cmp(path, again[name], shallow=False), name)


def main():
    global SOURCE
    parser = argparse.ArgumentParser()
    parser.add_argument("--source", required=True, type=os.path.abspath)
    parser.add_argument("--build")
    options, rest = parser.parse_known_args()
    SOURCE = options.source
    for program, package in (("dh", "debhelper"), ("lintian", "lintian"), ("unshare", "util-linux")):
        if shutil.which(program) is None:
            print("skipped: no %s: run scripts/deps-packaging --tests" % package)
            sys.exit(77)
    result = unittest.main(argv=sys.argv[:1] + rest, verbosity=2, exit=False).result
    sys.exit(0 if result.wasSuccessful() and result.testsRun else 77 if result.skipped else 1)


if __name__ == "__main__":
    main()
