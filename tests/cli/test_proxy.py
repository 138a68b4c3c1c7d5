# SPDX-License-Identifier: Apache-2.0
"""medsec-proxy as a program: exit codes, signals, the service manager, what it says. No broker here."""

import argparse
import contextlib
import json
import os
import pwd
import re
import resource
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "interop"))
from medsec1_device import Device

BUILD = None
PATIENCE_S = 60  # with a busy machine
AWAY = "mqtt://127.0.0.1:1"  # nobody listens there


def tool(name):
    return os.path.join(BUILD, "cli", name)


def has_right(number):
    """Whether this process has a capability(7)."""
    with open("/proc/self/status", encoding="ascii") as file:
        rights = re.search(r"^CapEff:\s*(\w+)$", file.read(), re.M).group(1)
    return bool(int(rights, 16) >> number & 1)


class Proxy(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.registry = self.path("medsec.db")
        self.keygen("init")
        self.keygen("add", "--wire", "seed", "--out", self.folder.name, "dev-1")

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def write(self, name, text, mode=0o600):
        with open(self.path(name), "w", encoding="ascii") as file:
            file.write(text)
        os.chmod(self.path(name), mode)
        return self.path(name)

    def keygen(self, *arguments):
        subprocess.run([tool("medsec-keygen"), *arguments, "--registry", self.registry],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def command(self, **changes):
        options = {"registry": self.registry, "broker": AWAY, "listen": "127.0.0.1:0", "threads": "1"}
        options.update(changes)
        argv = [tool("medsec-proxy")]
        for name, value in options.items():
            if value is not None:
                argv += ["--" + name.replace("_", "-"), value]
        return argv

    def refused(self, code, **changes):
        done = subprocess.run(self.command(**changes), capture_output=True, text=True, timeout=PATIENCE_S,
                              check=False)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertIn("medsec-proxy: ", done.stderr)
        return done.stderr

    def start(self, environment=None, **changes):
        log = self.path("log")
        with open(log, "w", encoding="ascii") as file:
            child = subprocess.Popen(self.command(**changes), stderr=file,
                                     env={**os.environ, **(environment or {})})
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        self.wait_for("listening")
        return child

    def log(self):
        with open(self.path("log"), encoding="ascii") as file:
            return file.read()

    def wait_for(self, word, count=1):
        end = time.monotonic() + PATIENCE_S
        while self.log().count(word) < count:
            self.assertLess(time.monotonic(), end, "no `%s` in: %s" % (word, self.log()))
            time.sleep(0.01)

    def port(self):
        return int(re.search(r"listening.* port=(\d+)", self.log()).group(1))

    def stop(self, child, number=signal.SIGTERM):
        child.send_signal(number)
        return child.wait(PATIENCE_S)

    def test_usage_errors(self):
        self.refused(2, registry=None)
        self.refused(2, broker=None)
        self.refused(2, seed_qos="2")
        self.refused(2, max_half_open="0")
        self.refused(2, source_rate="0")
        self.refused(2, source_burst="1.5")
        self.refused(2, publish="everything")
        self.refused(2, topic_template="Pico/#/{device}/{topic}")
        self.refused(2, name="a/b")
        self.refused(2, key_file="a", passphrase_file="b")

    def test_broker_options_that_do_not_go_together(self):
        tls = "mqtts://127.0.0.1:1"
        self.refused(2, broker_cert="a")
        self.refused(2, broker=tls, broker_key="a")
        self.refused(2, broker_password_file=self.write("password", "p\n"))
        for option in ("broker_ca", "broker_pin"):
            self.refused(2, mqtt_client="mosquitto", **{option: "a"})
        self.assertIn("--mqtt-client mosquitto", self.refused(2, broker=tls, broker_pin="a"))
        self.assertIn("sha256//", self.refused(2, broker=tls, broker_pin="a",
                                               mqtt_client="mosquitto"))
        for public in ("mqtt://192.0.2.1", "mqtt://[2001:db8::1]"):
            self.assertIn("--insecure-broker", self.refused(2, broker=public))

    def test_broker_files_that_cannot_be_used(self):
        tls = "mqtts://127.0.0.1:1"
        self.refused(3, broker_user="u", broker_password_file=self.path("absent"))
        self.refused(3, broker_user="u", broker_password_file=self.write("open", "p\n", 0o644))
        self.refused(3, broker_user="u", broker_password_file=self.write("empty", ""))
        self.assertIn(self.path("absent"), self.refused(3, broker=tls, broker_ca=self.path("absent")))
        self.refused(3, broker=tls, broker_ca=self.write("none.pem", "no certificate\n"))
        self.refused(3, broker=tls, broker_cert=self.path("none.pem"),
                     broker_key=self.path("none.pem"))

    def test_configuration_errors(self):
        self.refused(3, registry=self.path("absent.db"))
        self.refused(3, key_file=self.path("absent.key"))
        self.refused(3, passphrase_file=self.path("absent"))
        self.refused(3, passphrase_file=self.write("open", "a long passphrase\n", 0o644))
        self.refused(3, passphrase_file=self.write("empty", "\n"))
        self.refused(3, profile=self.write("profile.json", "{}"))
        self.refused(3, config=self.path("absent.conf"))
        os.chmod(self.path("medsec.key"), 0o644)
        self.refused(3)

    def test_network_errors(self):
        self.refused(4, broker="http://127.0.0.1:1883")
        self.refused(4, listen="localhost")
        self.refused(4, listen="127.0.0.1:99999")
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            self.refused(4, listen="127.0.0.1:%d" % taken.getsockname()[1])

    def test_signals_stop_it_cleanly(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            child = self.start()
            self.wait_for("broker-unreachable")
            self.assertEqual(self.stop(child, number), 0)
            self.wait_for(" stopped ")

    def test_hangup_reads_the_registry(self):
        child = self.start()
        self.wait_for("registry-loaded", 1)
        child.send_signal(signal.SIGHUP)
        self.wait_for("registry-loaded", 2)
        self.assertEqual(self.stop(child), 0)

    def test_service_manager_is_told(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(self.path("notify"))
            manager.settimeout(PATIENCE_S)
            child = self.start({"NOTIFY_SOCKET": self.path("notify")})
            self.assertEqual(manager.recv(100), b"READY=1")
            child.send_signal(signal.SIGHUP)
            self.assertRegex(manager.recv(100), rb"^RELOADING=1\nMONOTONIC_USEC=\d+$")
            self.assertEqual(manager.recv(100), b"READY=1")
            self.stop(child)
            self.assertEqual(manager.recv(100), b"STOPPING=1")

    def test_service_manager_hears_that_the_loops_turn(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(self.path("notify"))
            manager.settimeout(PATIENCE_S)
            told = {"NOTIFY_SOCKET": self.path("notify"), "WATCHDOG_USEC": "100000"}
            child = self.start(told)
            self.assertEqual([manager.recv(100) for _ in range(4)], [b"READY=1"] + [b"WATCHDOG=1"] * 3)
            self.stop(child)
            child = self.start({**told, "WATCHDOG_PID": "1"})
            self.stop(child)
            heard = []
            while b"STOPPING=1" not in heard[-1:] or len(heard) < 3:
                heard.append(manager.recv(100))
            self.assertEqual(heard[-2:], [b"READY=1", b"STOPPING=1"])

    def test_process_leaves_no_core_and_takes_all_descriptors(self):
        child = self.start()
        self.assertEqual(resource.prlimit(child.pid, resource.RLIMIT_CORE), (0, 0))
        soft, hard = resource.prlimit(child.pid, resource.RLIMIT_NOFILE)
        self.assertEqual(soft, hard)
        self.stop(child)

    def status(self, child, field):
        """Of each thread, what the kernel says."""
        found = set()
        for thread in os.listdir("/proc/%d/task" % child.pid):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError), \
                    open("/proc/%d/task/%s/status" % (child.pid, thread), encoding="ascii") as file:
                found.add(re.search(r"^%s:\s*(.*)$" % field, file.read(), re.M).group(1))
        return found

    def test_all_threads_are_in_the_sandbox(self):
        with open(os.path.join(BUILD, "CMakeCache.txt"), encoding="utf-8") as file:
            if re.search(r"^MEDSEC_SANITIZE:\w+=.", file.read(), re.M):
                self.skipTest("sanitizers need more of the kernel")
        child = self.start(metrics="127.0.0.1:0", threads="2")
        self.assertEqual(self.status(child, "Seccomp"), {"2"})
        self.assertEqual(self.status(child, "NoNewPrivs"), {"1"})
        self.stop(child)
        child = self.start(sandbox="off")
        self.assertEqual(self.status(child, "Seccomp"), {"0"})
        self.stop(child)

    @unittest.skipUnless(os.geteuid() == 0, "only root can become another user")
    def test_user_is_another_without_a_way_back(self):
        nobody = pwd.getpwnam("nobody")
        for path in (self.folder.name, self.registry, self.path("medsec.key")):
            os.chown(path, nobody.pw_uid, nobody.pw_gid)
        for listen, rights in (("127.0.0.1:0", 0), ("127.0.0.1:%d" % self.low_port(), 1 << 10)):
            child = self.start(user="nobody", listen=listen)
            self.assertEqual(self.status(child, "Uid"), {"\t".join([str(nobody.pw_uid)] * 4)})
            self.assertEqual(self.status(child, "Gid"), {"\t".join([str(nobody.pw_gid)] * 4)})
            groups = {int(group) for text in self.status(child, "Groups") for group in text.split()}
            self.assertEqual(groups, set(os.getgrouplist("nobody", nobody.pw_gid)))
            for field in ("CapEff", "CapPrm"):
                self.assertEqual({int(text, 16) for text in self.status(child, field)}, {rights})
            self.assertEqual(os.stat("/proc/%d/mem" % child.pid).st_uid, 0)  # not dumpable
            self.assertEqual(self.stop(child), 0)

    @staticmethod
    def low_port():
        for port in range(1023, 512, -1):
            with socket.socket() as probe:
                try:
                    probe.bind(("127.0.0.1", port))
                    return port
                except OSError:
                    pass
        return None

    def test_user_that_cannot_be(self):
        self.refused(3, user="no-such-user")
        self.refused(3, user="root")
        if os.geteuid() != 0:
            self.refused(2, user="nobody")

    @unittest.skipUnless(has_right(24), "CAP_SYS_RESOURCE is needed")
    def test_root_takes_the_descriptors_that_connections_need(self):
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, before)
        resource.setrlimit(resource.RLIMIT_NOFILE, (300, 300))
        child = self.start(max_connections="1000")
        self.assertEqual(resource.prlimit(child.pid, resource.RLIMIT_NOFILE), (1512, 1512))
        self.stop(child)

    def test_passphrase_file_and_configuration_file(self):
        self.registry = self.path("other.db")
        phrase = self.write("phrase", "a passphrase of enough characters\n")
        self.keygen("init", "--passphrase-file", phrase)
        file = self.write("proxy.conf", "passphrase-file = %s\nlog-format = json\n" % phrase)
        child = self.start(config=file)
        self.assertRegex(self.log(), r'"event": ?"listening"')
        self.stop(child)

    def connect(self):
        stranger = socket.create_connection(("127.0.0.1", self.port()))
        self.addCleanup(stranger.close)
        stranger.settimeout(PATIENCE_S)
        return stranger

    def assert_closed(self, stranger):
        try:
            self.assertEqual(stranger.recv(1), b"")
        except ConnectionResetError:
            pass

    def test_oldest_of_too_many_strangers_gives_way(self):
        child = self.start(max_half_open="2", log_level="debug")
        strangers = [self.connect() for _ in range(3)]
        self.assert_closed(strangers[0])
        self.wait_for("reason=half-open")
        for stranger in strangers[1:]:
            stranger.settimeout(0.2)
            self.assertRaises(TimeoutError, stranger.recv, 1)
        self.stop(child)

    def test_source_that_connects_too_often_is_refused(self):
        child = self.start(source_rate="1", source_burst="2")
        strangers = [self.connect() for _ in range(30)]  # within less than 28 s
        self.wait_for("reason=source-rate")
        ended = select.select(strangers, [], [], 0)[0]
        self.assertTrue(ended)
        self.assertFalse(set(ended) & set(strangers[:2]))
        self.assert_closed(ended[0])
        self.stop(child)

    def device(self, name, action):
        os.mkdir(self.path(action))
        self.keygen(action, name, "--out", self.path(action))
        return Device.from_credential(os.path.join(self.path(action), name + ".json"))

    def shown(self, name):
        done = subprocess.run([tool("medsec-keygen"), "show", name, "--json", "--registry",
                               self.registry], check=True, capture_output=True, text=True)
        return json.loads(done.stdout)

    def test_rotation_is_completed_by_its_first_reading(self):
        self.device("dev-2", "add")
        device = self.device("dev-2", "rotate")
        self.assertTrue(self.shown("dev-2")["rotating"])
        self.start()
        device.connect(("127.0.0.1", self.port()))
        device.sample(1)
        device.send_waiting()
        self.wait_for("rotation-completed")
        self.assertFalse(self.shown("dev-2")["rotating"])
        device.close()

    @unittest.skipIf(os.geteuid() == 0, "everything is writable for root")
    def test_registry_that_it_may_not_write_is_only_read(self):
        self.device("dev-2", "add")
        device = self.device("dev-2", "rotate")
        os.chmod(self.registry, 0o400)
        self.start()
        self.wait_for("registry-read-only")
        device.connect(("127.0.0.1", self.port()))
        device.sample(1)
        device.send_waiting()
        self.wait_for("rotation-stays-pending")
        device.close()

    def test_log_holds_no_secret_and_no_payload(self):
        with open(self.path("dev-1.json"), encoding="ascii") as file:
            secrets = re.findall(r'"(?:key|iv)": ?"([^"]*)"', file.read())
        self.assertEqual(len(secrets), 2)
        child = self.start(log_level="debug")
        for data in (b"GET /a-strange-path HTTP/1.1\r\n\r\n", b"0123456789abcdef" * 40, b"6.6.6.6&66"):
            with socket.create_connection(("127.0.0.1", self.port())) as stranger:
                stranger.sendall(data)
                stranger.settimeout(PATIENCE_S)
                try:
                    self.assertEqual(stranger.recv(1), b"")
                except ConnectionResetError:
                    pass
        self.wait_for("rejected", 3)
        self.stop(child)
        for word in secrets + ["strange-path", "0123456789abcdef", "6.6.6.6"]:
            self.assertNotIn(word, self.log())


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True, type=os.path.abspath)
    parser.add_argument("--source")
    options, rest = parser.parse_known_args()
    BUILD = options.build
    unittest.main(argv=sys.argv[:1] + rest, verbosity=2)
