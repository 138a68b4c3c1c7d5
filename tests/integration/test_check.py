#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""medsec-proxy --check: what is in order, what is wrong, in words, and nothing disturbed."""

import os
import socket
import sqlite3
import subprocess
import sys
import unittest

sys.path += [os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", folder)
             for folder in ("support", "interop")]
import harness
from harness import HOST, GatewayTest, free_port

AWAY = "mqtt://127.0.0.1:1"  # nobody listens there


class Check(GatewayTest):
    def check(self, *arguments, registry=None, broker=None, listen=HOST + ":0"):
        done = subprocess.run(
            [harness.tool("medsec-proxy"), "--check", "--registry", registry or self.registry.path,
             "--broker", broker or self.broker.url(), "--listen", listen, "--name", "here",
             *arguments], capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
        self.right = dict(line.split(": ", 1) for line in done.stdout.splitlines())
        self.wrong = dict(line.split(": ", 1) for line in done.stderr.splitlines()
                          if not line.startswith("20"))
        return done.returncode

    def assert_wrong(self, code, thing, words, *arguments, **how):
        """This thing alone is wrong; all others were looked at nevertheless."""
        self.assertEqual(self.check(*arguments, **how), code, self.wrong)
        self.assertEqual(list(self.wrong), [thing])
        self.assertIn(words, self.wrong[thing])
        self.assertNotIn(thing, self.right)
        self.assertGreaterEqual(len(self.right), 5)

    def test_all_is_in_order(self):
        self.broker.start()
        self.registry.add("dev-1")
        spool = os.path.join(self.folder, "spool")
        self.assertEqual(self.check("--metrics", HOST + ":0", "--spool", spool), 0, self.wrong)
        self.assertEqual(list(self.right), ["settings", "user", "profiles", "registry", "listen",
                                            "metrics", "spool", "broker"])
        self.assertRegex(self.right["registry"], r"^ok, 1 devices may connect, \d+ changes")
        self.assertIn("will be made", self.right["spool"])
        self.assertFalse(os.path.exists(spool))

    def test_gateway_that_runs_is_not_disturbed(self):
        subscriber = self.start_broker()
        port = free_port()
        proxy = self.proxy("--name", "here", "--metrics", "%s:%d" % (HOST, port))
        topic = "medsec/gateway/here/status"
        subscriber.wait_payloads(topic, 1)
        listen = "%s:%d" % (HOST, proxy.address[1])
        self.assertEqual(self.check("--metrics", "%s:%d" % (HOST, port), listen=listen), 0)
        self.assertIn("in use", self.right["metrics"])
        self.assertNotIn("in use", self.right["listen"])  # gateways share it
        self.assertEqual(proxy.events("broker-lost"), [])
        self.assertEqual(len(subscriber.payloads(topic)), 1)
        self.assertEqual({message.topic for message in subscriber.messages}, {topic})

    def test_broker_is_away(self):
        self.assert_wrong(4, "broker", "nobody listens there", broker=AWAY)
        self.assert_wrong(4, "broker", "--broker must be", broker="http://127.0.0.1")

    def test_broker_that_says_nothing(self):
        with socket.socket() as silent:
            silent.bind((HOST, 0))
            silent.listen()
            self.assert_wrong(4, "broker", ":",
                              broker="mqtt://%s:%d" % (HOST, silent.getsockname()[1]))

    def certificate(self, name):
        """One that vouches for itself."""
        paths = [os.path.join(self.folder, name + end) for end in (".pem", ".key")]
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=" + name,
                        "-addext", "subjectAltName=IP:" + HOST, "-out", paths[0], "-keyout", paths[1]],
                       check=True, capture_output=True)
        return paths

    def secret(self, text):
        path = os.path.join(self.folder, text)
        with open(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="ascii") as file:
            file.write(text + "\n")
        return path

    def test_broker_with_certificate_and_login(self):
        (mine, key), (other, _) = self.certificate("mine"), self.certificate("other")
        users = os.path.join(self.folder, "users")
        subprocess.run(["mosquitto_passwd", "-c", "-b", users, "gateway", "right"], check=True)
        with open(self.broker.config, "a", encoding="ascii") as file:
            file.write("certfile %s\nkeyfile %s\npassword_file %s\n" % (mine, key, users))
        with open(self.broker.config, encoding="ascii") as file:
            text = file.read().replace("allow_anonymous true", "allow_anonymous false")
        with open(self.broker.config, "w", encoding="ascii") as file:
            file.write(text)
        self.broker.start()
        url = self.broker.url().replace("mqtt:", "mqtts:")
        for client in ("paho", "mosquitto"):
            how = ("--mqtt-client", client, "--broker-user", "gateway", "--broker-password-file")
            self.assertEqual(self.check(*how, self.secret("right"), "--broker-ca", mine, broker=url),
                             0, self.wrong)
            self.assert_wrong(4, "broker", "signed by", *how, self.secret("right"), "--broker-ca",
                              other, broker=url)
            self.assert_wrong(4, "broker", "login", *how, self.secret("wrong"), "--broker-ca",
                              mine, broker=url)
        os.chmod(self.secret("right"), 0o644)
        self.assert_wrong(3, "broker", "chmod", *how, self.secret("right"), "--broker-ca", mine,
                          broker=url)
        self.assert_wrong(3, "broker", "cannot be used", "--broker-ca", self.folder + "/no",
                          broker=url)

    def test_settings(self):
        self.broker.start()
        self.assert_wrong(2, "settings", "--publish takes", "--publish", "everything")

    def test_user(self):
        self.broker.start()
        self.assert_wrong(3, "user", "there is no user", "--user", "no-such-user")

    def test_profile(self):
        self.broker.start()
        path = os.path.join(self.folder, "profile.json")
        with open(path, "w", encoding="ascii") as file:
            file.write("{}")
        self.assert_wrong(3, "profiles", path, "--profile", path)

    def test_registry_and_its_key(self):
        self.broker.start()
        self.assert_wrong(3, "registry", "is not there", registry=self.registry.path + "x")
        key = os.path.join(self.folder, "medsec.key")
        os.chmod(key, 0o644)
        self.assert_wrong(3, "registry", "chmod go-rwx")
        os.chmod(key, 0o600)
        with open(self.registry.path, "r+b") as file:
            file.seek(4096)
            file.write(b"\xff" * 4096)
        self.assertEqual(self.check(), 3)
        self.assertEqual(list(self.wrong), ["registry"])

    def test_audit_log_that_was_edited(self):
        self.broker.start()
        self.registry.add("dev-1")
        with sqlite3.connect(self.registry.path) as registry:
            registry.execute("UPDATE audit SET actor = 'somebody else'")
        registry.close()
        self.assert_wrong(3, "registry", "bring back a copy")

    def test_device_of_a_kind_that_is_not_known(self):
        self.broker.start()
        self.registry.add("dev-1", "--profile", "of-tomorrow")
        self.assert_wrong(3, "registry", "1 devices are of a kind that is not known")

    @unittest.skipUnless(os.geteuid() == 0, "only root can become another user")
    def test_spool_of_another_user(self):
        self.check("--user", "nobody", "--spool", self.folder)
        self.assertIn("must be able to write there", self.wrong["spool"])

    def test_lines_are_in_the_order_of_the_things(self):
        done = subprocess.run([harness.tool("medsec-proxy"), "--check", "--registry", "/no/such",
                               "--broker", AWAY, "--listen", HOST + ":0"], timeout=120, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        things = [line.split(":")[0] for line in done.stdout.splitlines() if line[0] != "2"]
        self.assertEqual(things, ["settings", "user", "profiles", "registry", "listen", "broker"])

    def test_addresses(self):
        self.broker.start()
        self.assert_wrong(4, "listen", "an IP address and a port", listen="localhost:9998")
        self.assert_wrong(4, "listen", "of this machine", listen="192.0.2.1:9998")
        self.assert_wrong(4, "metrics", "an IP address and a port", "--metrics", "127.0.0.1:99999")
        self.assertEqual(self.check("--metrics", "localhost:0"), 0)

    def test_spool(self):
        self.broker.start()
        self.assert_wrong(3, "spool", "No such file", "--spool", self.folder + "/no/such")
        self.assertEqual(self.check("--spool", self.folder, "--spool-size", "16777216"), 0)
        self.assertIn("the disk has room for", self.right["spool"])
        os.chmod(self.folder, 0o770)
        self.assert_wrong(3, "spool", "chmod go-w", "--spool", self.folder)

    def test_everything_wrong_at_once(self):
        code = self.check("--publish", "x", "--spool", "/no/such", "--metrics", "x",
                          registry="/no/such", broker=AWAY, listen="x")
        self.assertEqual(code, 2)
        self.assertEqual(list(self.wrong), ["settings", "registry", "listen", "metrics", "spool",
                                            "broker"])


if __name__ == "__main__":
    harness.main()
