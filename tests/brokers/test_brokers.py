# SPDX-License-Identifier: Apache-2.0
"""The gateway with brokers that are not mosquitto: RabbitMQ's MQTT plugin and aedes, each with both
clients. By hand, `scripts/check brokers`: neither broker comes with what the tests need.

RabbitMQ is Debian's rabbitmq-server; aedes is looked for in the folder that MEDSEC_AEDES names
(where `npm install aedes` was run) and among npm's global packages."""

import glob
import json
import os
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(1, os.path.join(HERE, "..", "support"))
import harness

RABBITMQ = "/usr/lib/rabbitmq/bin/rabbitmq-server"


class Child(harness.Broker):
    """Another program in place of mosquitto."""

    version = "3.1.1"  # of MQTT, which it speaks at best
    login = None

    def start(self):
        self.launch()
        if not harness.wait_until(self.accepts, interval=0.1):
            raise RuntimeError("the broker does not start:\n" + self.process.text())
        return self

    def run(self, argv, **environment):
        self.process = harness.Process(argv, os.path.join(self.folder, "broker.log"),
                                       env={**os.environ, **environment})


class Aedes(Child):
    @staticmethod
    def missing():
        return Aedes.home() is None and "no aedes: npm install aedes, and MEDSEC_AEDES"

    @staticmethod
    def home():
        if shutil.which("node") is None:
            return None
        folders = [os.environ.get("MEDSEC_AEDES", "")]
        if shutil.which("npm"):
            found = subprocess.run(["npm", "root", "--global"], capture_output=True, text=True,
                                   check=False).stdout
            folders.append(os.path.dirname(found.strip()))
        there = [folder for folder in folders
                 if os.path.isdir(os.path.join(folder, "node_modules", "aedes"))]
        return there[0] if there else None

    def launch(self):
        self.run(["node", os.path.join(HERE, "aedes.mjs"), self.home(), str(self.port)])


class RabbitMq(Child):
    """A node of its own, with a port mapper of its own, all of it on 127.0.0.1."""

    login = ("guest", "guest")

    def __init__(self, folder):
        super().__init__(folder)
        self.mapper = None
        self.mapper_port = harness.free_port()
        self.home = os.path.join(folder, "rabbitmq")
        os.mkdir(self.home)
        with open(os.path.join(self.home, "rabbitmq.conf"), "w", encoding="ascii") as file:
            file.write("listeners.tcp = none\nmqtt.listeners.tcp.1 = 127.0.0.1:%d\n"
                       "mqtt.allow_anonymous = true\nlog.console = true\nlog.file = false\n"
                       % self.port)
        with open(os.path.join(self.home, "plugins"), "w", encoding="ascii") as file:
            file.write("[rabbitmq_mqtt].\n")

    @staticmethod
    def missing():
        return not os.access(RABBITMQ, os.X_OK) and "no RabbitMQ: apt-get install rabbitmq-server"

    def launch(self):
        if self.mapper is None:
            self.mapper = harness.Process(
                ["epmd", "-address", "127.0.0.1", "-port", str(self.mapper_port)],
                os.path.join(self.folder, "epmd.log"))
        distribution = harness.free_port()
        self.run([RABBITMQ], HOME=self.home, RABBITMQ_NODENAME="medsec@localhost",
                 RABBITMQ_CONFIG_FILE=os.path.join(self.home, "rabbitmq.conf"),
                 RABBITMQ_ENABLED_PLUGINS_FILE=os.path.join(self.home, "plugins"),
                 RABBITMQ_MNESIA_BASE=self.home, RABBITMQ_LOG_BASE=self.home,
                 RABBITMQ_DIST_PORT=str(distribution), RABBITMQ_CONF_ENV_FILE="/dev/null",
                 ERL_EPMD_ADDRESS="127.0.0.1", ERL_EPMD_PORT=str(self.mapper_port),
                 RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="-kernel inet_dist_use_interface {127,0,0,1}")

    def end(self):
        self.stop()
        if self.mapper:
            self.mapper.stop()


class Interoperates:
    """Mixed with a test case; `kind` is a broker and `client` the gateway's."""

    kind = client = None

    def setUp(self):
        if self.kind.missing():
            self.skipTest(self.kind.missing())
        super().setUp()
        self.broker = self.kind(self.folder)
        self.addCleanup(getattr(self.broker, "end", self.broker.stop))
        self.subscriber = self.start_broker()

    def gateway(self, *options):
        return self.proxy("--mqtt-client", self.client, *options)

    def wait_connected(self, proxy, count=1):
        """In the version that the broker speaks, which may take an attempt or two to find."""
        events = harness.wait_until(
            lambda: len(proxy.events("broker-connected")) >= count
            and proxy.events("broker-connected"))
        self.assertTrue(events, proxy.text())
        self.assertEqual(events[-1]["mqtt"], self.kind.version)

    def simulate(self, proxy, credentials, count):
        child = subprocess.Popen(
            [harness.tool("medsec-sim"), "--connect", "%s:%d" % proxy.address, "--credentials",
             credentials, "--count", str(count), "--rate", "20", "--json"],
            stdout=subprocess.PIPE, text=True)
        self.addCleanup(child.stdout.close)
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        return child

    def summary(self, child):
        text = child.communicate(timeout=5 * harness.PATIENCE_S)[0]
        self.assertEqual(child.returncode, 0, text)
        return json.loads(text.splitlines()[-1])

    def sequences(self, device):
        return [json.loads(text)["seq"] for text in
                self.subscriber.payloads("Pico/%s/Reading" % device)]

    def test_every_reading_comes_once_and_in_order(self):
        proxy = self.gateway()
        self.wait_connected(proxy)
        devices = os.path.join(self.folder, "devices")
        os.mkdir(devices)
        self.registry.keygen("add", "dev", "--count", "5", "--out", devices)
        summary = self.summary(self.simulate(proxy, devices, 60))
        self.assertEqual((summary["acknowledged"], summary["unacknowledged"]), (300, 0))
        names = [os.path.basename(path)[:-5] for path in glob.glob(devices + "/*.json")]
        for name in names:
            self.subscriber.wait_payloads("Pico/%s/Reading" % name, 60)
            self.assertEqual(self.sequences(name), list(range(60)), name)
            self.assertEqual(len(self.subscriber.wait_payloads(
                "Pico/%s/Physiological_Data/Temperature" % name, 60)), 60)
        self.assertEqual(proxy.events("broker-lost"), [])
        self.assertEqual(proxy.stop(), 0)
        status = "medsec/gateway/%s/status" % proxy.events("listening")[0]["name"]
        self.assertEqual([json.loads(text)["status"] for text in
                          self.subscriber.wait_payloads(status, 2)], ["online", "offline"])

    def test_command_reaches_the_device(self):
        proxy = self.gateway()
        self.wait_connected(proxy)
        child = self.simulate(proxy, self.registry.add("one", "--wire", "medsec1"), 200)
        self.assertTrue(self.subscriber.wait_payloads("Pico/one/Reading", 1))
        self.subscriber.publish("Pico/one/Command/Config", '{"version":1}')
        results = self.subscriber.wait_payloads("Pico/one/Command/Config/Result", 1)
        self.assertEqual(json.loads(results[0])["version"], 1)
        self.summary(child)

    def test_restart_of_the_broker_loses_nothing_acknowledged(self):
        proxy = self.gateway()
        self.wait_connected(proxy)
        child = self.simulate(proxy, self.registry.add("one", "--wire", "medsec1"), 300)
        self.assertEqual(len(self.subscriber.wait_payloads("Pico/one/Reading", 20)) >= 20, True)
        self.broker.stop()
        time.sleep(1)
        again = self.subscriber.subscriptions + 1
        self.broker.start()
        self.wait_connected(proxy, 2)
        self.subscriber.wait_subscriptions(again)
        summary = self.summary(child)
        self.assertEqual((summary["acknowledged"], summary["unacknowledged"]), (300, 0))
        self.assertTrue(self.subscriber.wait(lambda _: 299 in self.sequences("one")))

    def test_wrong_password_is_said(self):
        if self.kind.login is None:
            self.skipTest("it has no login of its own")
        path = os.path.join(self.folder, "password")
        with open(path, "w", encoding="ascii") as file:
            file.write("wrong\n")
        os.chmod(path, 0o600)
        proxy = self.gateway("--broker-user", self.kind.login[0], "--broker-password-file", path)
        said = harness.wait_until(lambda: [e for e in proxy.events("broker-unreachable")
                                           if e["reason"] == "the broker refuses the login"])
        self.assertTrue(said, proxy.text())


class AedesWithPaho(Interoperates, harness.GatewayTest):
    kind, client = Aedes, "paho"


class AedesWithMosquitto(Interoperates, harness.GatewayTest):
    kind, client = Aedes, "mosquitto"


class RabbitMqWithPaho(Interoperates, harness.GatewayTest):
    kind, client = RabbitMq, "paho"


class RabbitMqWithMosquitto(Interoperates, harness.GatewayTest):
    kind, client = RabbitMq, "mosquitto"


if __name__ == "__main__":
    harness.main()
