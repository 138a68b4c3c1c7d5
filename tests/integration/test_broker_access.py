# SPDX-License-Identifier: Apache-2.0
"""medsec-proxy and a mosquitto that wants TLS, a certificate and a login, and has access rules: its
options, --check, and what is logged."""

import json
import os
import subprocess
import sys

sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness

USER, PASSWORD = "gateway", "correct-horse"


def openssl(folder, *arguments):
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


def certificate(folder, name, issuer, *extensions):
    sign = ["-CA", issuer + ".pem", "-CAkey", issuer + ".key"] if issuer else []
    for extension in extensions:
        sign += ["-addext", extension]
    openssl(folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", name + ".key", "-out", name + ".pem", "-subj", "/CN=" + name, "-days", "2",
            *sign)
    os.chmod(os.path.join(folder, name + ".key"), 0o600)


def pin(folder, name):
    text = subprocess.run(
        "openssl x509 -in %s.pem -pubkey -noout | openssl pkey -pubin -outform der | "
        "openssl dgst -sha256 -binary | openssl base64" % name,
        shell=True, cwd=folder, check=True, capture_output=True, text=True).stdout
    return "sha256//" + text.strip()


class StrictBroker(harness.Broker):
    """In clear for the test's subscriber; strict for the gateway."""

    def __init__(self, folder):
        super().__init__(folder)
        self.strict_port = harness.free_port()
        certificate(folder, "ca", None)
        certificate(folder, "broker", "ca", "subjectAltName=DNS:localhost", "basicConstraints=CA:FALSE")
        certificate(folder, "client", "ca", "basicConstraints=CA:FALSE")
        subprocess.run(["mosquitto_passwd", "-b", "-c", os.path.join(folder, "passwords"), USER,
                        PASSWORD], check=True)
        with open(os.path.join(folder, "rules"), "w", encoding="ascii") as file:
            file.write("user %s\ntopic readwrite Pico/good/#\ntopic readwrite Pico/seed/#\ntopic readwrite Pico/+/Command/#\n"
                       "topic write medsec/#\n" % USER)
        with open(self.config, encoding="ascii") as file:
            # Without a limit mosquitto 2.0 hangs up after each message that it refuses.
            lines = file.read().replace("max_queued_messages 0", "max_queued_messages 100000")
        with open(self.config, "w", encoding="ascii") as file:
            file.write("per_listener_settings true\n" + lines)
            file.write("listener %d %s\nallow_anonymous false\nrequire_certificate true\n"
                       % (self.strict_port, harness.HOST))
            for option, name in (("cafile", "ca.pem"), ("certfile", "broker.pem"),
                                 ("keyfile", "broker.key"), ("password_file", "passwords"),
                                 ("acl_file", "rules")):
                file.write("%s %s\n" % (option, os.path.join(folder, name)))


class BrokerAccess(harness.GatewayTest):
    client = None

    def setUp(self):
        if self.client is None:
            self.skipTest("one of the clients")
        super().setUp()
        self.broker = StrictBroker(self.folder)
        self.addCleanup(self.broker.stop)

    def path(self, name, text=None):
        path = os.path.join(self.folder, name)
        if text is not None:
            with open(path, "w", encoding="ascii") as file:
                file.write(text)
            os.chmod(path, 0o600)
        return path

    def options(self, password=PASSWORD):
        """The broker's URL in clear comes first: the last one given counts."""
        options = ["--broker", "mqtts://localhost:%d" % self.broker.strict_port, "--broker-ca",
                   self.path("ca.pem"), "--broker-cert", self.path("client.pem"), "--broker-key",
                   self.path("client.key"), "--broker-user", USER, "--broker-password-file",
                   self.path("password", password + "\n"), "--mqtt-client", self.client]
        if self.client == "mosquitto":
            options += ["--broker-pin", pin(self.folder, "broker")]
        return options

    def simulate(self, proxy, credential, *arguments):
        return subprocess.Popen(
            [harness.tool("medsec-sim"), "--connect", "%s:%d" % proxy.address, "--credentials",
             credential, "--rate", "20", *arguments],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def test_all_of_it_works_together(self):
        subscriber = self.start_broker()
        seed, good = self.registry.add("seed"), self.registry.add("good", "--wire", "medsec1")
        proxy = self.proxy(*self.options())
        sim = self.simulate(proxy, good, "--count", "20")
        self.assertEqual(sim.wait(120), 0)
        self.assertEqual(len(subscriber.wait_payloads("Pico/good/Reading", 20)), 20)
        sim = self.simulate(proxy, seed, "--count", "20")  # at QoS 0
        self.assertEqual(sim.wait(120), 0)
        pulse = subscriber.wait_payloads("Pico/seed/Physiological_Data/Pulse_Signal", 20)
        self.assertEqual(len(pulse), 20)
        self.assertEqual(proxy.stop(), 0)
        status = "medsec/gateway/%s/status" % proxy.events("listening")[0]["name"]
        self.assertIn("offline", subscriber.wait_payloads(status, 2)[-1])
        self.assertNotIn(PASSWORD, proxy.text())

    def test_what_access_rules_forbid_is_said_and_never_acknowledged(self):
        self.start_broker()
        proxy = self.proxy(*self.options())
        sim = self.simulate(proxy, self.registry.add("bad", "--wire", "medsec1"))
        self.addCleanup(sim.wait)
        self.addCleanup(sim.kill)
        refused = harness.wait_until(lambda: proxy.events("message-refused"))
        self.assertTrue(refused, proxy.text())
        self.assertTrue(refused[0]["topic"].startswith("Pico/bad/"))
        self.assertIn("access rules forbid", refused[0]["reason"])
        sim.kill()
        self.assertEqual(proxy.stop(), 0)
        self.assertEqual(proxy.events("broker-lost"), [])
        self.assertEqual(proxy.events("stopped")[0]["acknowledged"], 0)

    def test_wrong_password_is_said(self):
        self.broker.start()
        proxy = self.proxy(*self.options(password="wrong-horse"))
        self.assertTrue(harness.wait_until(lambda: proxy.events("broker-unreachable")))
        event = proxy.events("broker-unreachable")[0]
        self.assertEqual(event["reason"], "the broker refuses the login")
        self.assertIn("--broker-password-file", event["hint"])
        self.assertNotIn("wrong-horse", proxy.text())

    def take(self, **files):
        """These files are what others were."""
        for name, parts in files.items():
            text = ""
            for part in parts:
                with open(self.path(part), encoding="ascii") as file:
                    text += file.read()
            self.path(name.replace("_", "."), text)

    def assert_heard_after_a_restart(self, subscriber, proxy, credential, count):
        self.broker.stop()
        self.broker.start()
        self.assertTrue(harness.wait_until(lambda: len(proxy.events("broker-connected")) >= count),
                        proxy.text())
        boot = ["--boot", str(count)]
        self.assertEqual(self.simulate(proxy, credential, "--count", "1", *boot).wait(120), 0)
        self.assertTrue(subscriber.wait(lambda _: any(
            json.loads(payload)["boot"] == count
            for payload in subscriber.payloads("Pico/good/Reading"))), "the reading is missing")

    def test_certificates_and_authority_are_renewed_without_a_restart(self):
        """In the order of docs/deploy.md: trust both authorities; the broker's; the gateway's; one."""
        self.broker.start()
        subscriber = self.subscribe("kept")
        good = self.registry.add("good", "--wire", "medsec1")
        certificate(self.folder, "next", None)
        certificate(self.folder, "broker2", "next", "subjectAltName=DNS:localhost",
                    "basicConstraints=CA:FALSE")
        certificate(self.folder, "client2", "next", "basicConstraints=CA:FALSE")
        pins = ";".join(pin(self.folder, name) for name in ("broker", "broker2"))
        options = self.options()
        if self.client == "mosquitto":
            options[options.index("--broker-pin") + 1] = pins
        proxy = self.proxy(*options)
        self.assertTrue(harness.wait_until(lambda: proxy.events("broker-connected")))
        self.take(ca_pem=["ca.pem", "next.pem"], broker_pem=["broker2.pem"], broker_key=["broker2.key"])
        self.assert_heard_after_a_restart(subscriber, proxy, good, 2)
        self.take(ca_pem=["next.pem"], client_pem=["client2.pem"], client_key=["client2.key"])
        self.assert_heard_after_a_restart(subscriber, proxy, good, 3)

    def check(self, *changes):
        return subprocess.run(
            [harness.tool("medsec-proxy"), "--check", "--registry", self.registry.path, "--listen",
             harness.HOST + ":0", *self.options(), *changes],
            capture_output=True, text=True, timeout=120, check=False)

    def test_check_goes_in_and_says_why_not(self):
        self.broker.start()
        done = self.check()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("broker: ok", done.stdout)
        certificate(self.folder, "stranger", None)
        done = self.check("--broker-ca", self.path("stranger.pem"))
        self.assertEqual(done.returncode, 4, done.stdout)
        self.assertIn("no trusted authority has signed the broker's certificate", done.stderr)
        os.chmod(self.path("client.key"), 0o644)
        done = self.check()
        self.assertEqual(done.returncode, 3, done.stdout)
        self.assertIn("client.key", done.stderr)
        self.assertIn("chmod go-rwx", done.stderr)


class Paho(BrokerAccess):
    client = "paho"


class Mosquitto(BrokerAccess):
    client = "mosquitto"



if __name__ == "__main__":
    harness.main()
