# SPDX-License-Identifier: Apache-2.0
"""The rules of `medsec-keygen broker-acl` at a mosquitto: everybody does what it may, and no more."""

import os
import signal
import socket
import subprocess
import sys
import threading

sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness

PASSWORD = "correct-horse"
GRANTS = "dashboard read *\nward read bed-*  # beds\nnurse command bed-1\n"
USERS = ("gateway", "dashboard", "ward", "nurse", "stranger")
COMMAND = '{"sample_interval_ms":60}'


class GuardedBroker(harness.Broker):
    """What the tests look through is not guarded; `guarded_port` has a login and the rules."""

    def __init__(self, folder):
        super().__init__(folder)
        self.guarded_port = harness.free_port()
        self.rules = os.path.join(folder, "rules")
        passwords = os.path.join(folder, "passwords")
        with open(passwords, "w", encoding="ascii") as file:
            file.write("".join("%s:%s\n" % (user, PASSWORD) for user in USERS))
        subprocess.run(["mosquitto_passwd", "-U", passwords], check=True)
        with open(self.config, encoding="ascii") as file:
            # Without a limit mosquitto 2.0 hangs up after each message that it refuses.
            lines = file.read().replace("max_queued_messages 0", "max_queued_messages 100000")
        with open(self.config, "w", encoding="ascii") as file:
            file.write("per_listener_settings true\n%slistener %d %s\nallow_anonymous false\n"
                       "password_file %s\nacl_file %s\n"
                       % (lines, self.guarded_port, harness.HOST, passwords, self.rules))


class User:
    """A client of the guarded port that asks for everything."""

    def __init__(self, broker, name, will=None):
        from paho.mqtt import client
        self.messages, self.changed, self.acknowledged = [], threading.Condition(), 0
        self.connected = None
        self.client = client.Client(client_id="", reconnect_on_failure=False)
        self.client.username_pw_set(name, PASSWORD)
        self.client.on_connect = self._connected
        self.client.on_message = self._message
        self.client.on_subscribe = self._acknowledged
        if will:
            self.client.will_set(will, "will of " + name, qos=1)
        self.client.connect(harness.HOST, broker.guarded_port)
        self.client.loop_start()
        self.wait(lambda: self.connected is not None)
        if self.connected == 0:
            self.settle()

    def _connected(self, _client, _data, _flags, code):
        with self.changed:
            self.connected = code
            self.changed.notify_all()

    def _message(self, _client, _data, message):
        with self.changed:
            self.messages.append((message.topic, message.payload.decode()))
            self.changed.notify_all()

    def _acknowledged(self, *_):
        with self.changed:
            self.acknowledged += 1
            self.changed.notify_all()

    def wait(self, condition):
        with self.changed:
            if not self.changed.wait_for(condition, harness.PATIENCE_S):
                raise RuntimeError("the broker does not answer")

    def settle(self):
        """The broker answers in order: what it had for this client before has arrived after it."""
        count = self.acknowledged
        self.client.subscribe([("#", 1), ("Pico/+/Command/Config", 1), ("$SYS/broker/version", 1)])
        self.wait(lambda: self.acknowledged > count)
        return self

    def publish(self, text, *topics, retain=False):
        for sent in [self.client.publish(topic, text, qos=1, retain=retain) for topic in topics]:
            sent.wait_for_publish(harness.PATIENCE_S)

    def topics(self):
        with self.changed:
            return {topic for topic, _ in self.messages}

    def vanish(self):
        """As a machine that lost its power: without a word, so that the will is due."""
        self.client.socket().shutdown(socket.SHUT_RDWR)
        self.client.loop_stop()

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()


class BrokerAcl(harness.GatewayTest):
    def setUp(self):
        super().setUp()
        self.broker = GuardedBroker(self.folder)
        self.addCleanup(self.broker.stop)
        self.credentials = {name: self.registry.add(name, *wire) for name, wire in (
            ("bed-1", ("--wire", "medsec1")), ("bed-2", ()), ("icu-1", ("--wire", "medsec1")))}
        self.write_rules(GRANTS)
        self.seen = self.start_broker()

    def write_rules(self, grants):
        path = os.path.join(self.folder, "grants")
        with open(path, "w", encoding="ascii") as file:
            file.write(grants)
        self.registry.keygen("broker-acl", "--grants", path, "--out", self.broker.rules)

    def user(self, name, **how):
        user = User(self.broker, name, **how)
        self.addCleanup(user.close)
        return user

    def gateway(self):
        password = os.path.join(self.folder, "password")
        with open(password, "w", encoding="ascii") as file:
            file.write(PASSWORD + "\n")
        os.chmod(password, 0o600)
        return self.proxy("--broker", "mqtt://%s:%d" % (harness.HOST, self.broker.guarded_port),
                          "--broker-user", "gateway", "--broker-password-file", password,
                          "--publish", "fields,reading,batch")

    def simulate(self, proxy):
        for credential in self.credentials.values():
            sim = subprocess.Popen(
                [harness.tool("medsec-sim"), "--connect", "%s:%d" % proxy.address, "--credentials",
                 credential, "--rate", "20"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.addCleanup(sim.wait)
            self.addCleanup(sim.kill)
        for device in self.credentials:
            self.assertTrue(self.seen.wait_payloads("Pico/%s/Readings" % device, 2), device)

    def settle_seen(self):
        count = self.seen.subscriptions
        self.seen.client.subscribe("#", 1)
        self.seen.wait_subscriptions(count + 1)

    def test_everybody_sees_what_it_may(self):
        users = {name: self.user(name) for name in USERS[1:]}
        proxy = self.gateway()
        self.simulate(proxy)
        users["nurse"].publish(COMMAND, "Pico/bed-1/Command/Config")
        result = "Pico/bed-1/Command/Config/Result"
        self.assertIn('"applied"', self.seen.wait_payloads(result, 1)[0])
        self.assertEqual(proxy.stop(), 0)
        self.settle_seen()
        seen = {m.topic for m in self.seen.messages if m.topic.startswith("Pico/")}
        asked = {topic for topic in seen if "/Command/" in topic}
        self.assertEqual(asked, {"Pico/bed-1/Command/Config", result})
        late = self.user("ward")
        for user in users.values():
            user.settle()
        self.assertEqual(users["dashboard"].topics(), seen - asked)
        beds = {topic for topic in seen - asked if topic.startswith("Pico/bed-")}
        self.assertEqual({topic.split("/")[1] for topic in beds}, {"bed-1", "bed-2"})
        self.assertEqual(users["ward"].topics(), beds)
        self.assertEqual(users["nurse"].topics(), {result})
        self.assertEqual(users["stranger"].topics(), set())
        self.assertEqual(late.topics(), {"Pico/bed-%d/%s" % (number, what) for number in (1, 2)
                                         for what in ("Status", "Profile")})
        self.assertEqual(proxy.events("message-refused") + proxy.events("subscription-refused"), [])

    def test_nobody_but_the_gateway_publishes(self):
        topics = ["Pico/bed-1/" + name for name in (
            "Reading", "Status", "Profile", "Physiological_Data/Heart_Rate", "Command",
            "Command/Config", "Command/Config/Result", "Command/Config/x")]
        topics += ["Pico/bed-2/Command/Config", "Pico/new/Reading", "Pico", "Pico/bed-1",
                   "medsec/gateway/g/status", "elsewhere", "$SYS/broker/version", "$CONTROL/x"]
        readers = [self.user("dashboard"), self.user("ward")]
        for name in USERS[1:]:
            user = self.user(name)
            user.publish(name, *topics)
            user.publish(name, *topics, retain=True)
        for reader in [*readers, self.user("dashboard")]:
            reader.settle()
            self.assertEqual([m for m in reader.messages if m[1] in USERS], [])
        self.settle_seen()
        self.assertEqual({(m.topic, m.payload) for m in self.seen.messages},
                         {("Pico/bed-1/Command/Config", "nurse")})
        self.user("gateway").publish("gateway", "Pico/bed-1/Reading")
        self.assertEqual(self.seen.wait_payloads("Pico/bed-1/Reading", 1), ["gateway"])

    def test_wills_of_others_are_not_published(self):
        for name in USERS[1:] + USERS[:1]:
            user = self.user(name, will="Pico/bed-1/Status")
            if user.connected == 0:
                user.vanish()
        self.assertEqual(self.seen.wait_payloads("Pico/bed-1/Status", 1), ["will of gateway"])
        self.settle_seen()
        self.assertEqual([m.payload for m in self.seen.messages], ["will of gateway"])

    def test_rules_are_written_anew_for_a_new_device_and_for_who_has_left(self):
        gateway = self.user("gateway")
        self.registry.add("bed-3")
        self.registry.keygen("revoke", "bed-1")

        def beds(name):
            user = self.user(name)
            gateway.publish("x", *["Pico/bed-%d/Reading" % number for number in (1, 2, 3)])
            return {topic.split("/")[1] for topic in user.settle().topics()}

        self.assertEqual(beds("ward"), {"bed-1", "bed-2"})
        self.write_rules(GRANTS.replace("dashboard", "other"))
        self.broker.process.send(signal.SIGHUP)
        self.assertTrue(harness.wait_until(lambda: beds("ward") == {"bed-2", "bed-3"}))
        self.assertEqual(beds("dashboard"), set())


if __name__ == "__main__":
    harness.main()
