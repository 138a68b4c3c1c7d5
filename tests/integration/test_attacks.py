# SPDX-License-Identifier: Apache-2.0
"""What must never happen (docs/wire.md), tried against a live gateway: the attacker has the network, all
recordings and, where a test says so, a key; a subscriber watches the broker, and a healthy device goes on
beside it and loses nothing."""

import base64
import json
import os
import signal
import socket
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[1:1] = [os.path.join(HERE, "..", folder) for folder in ("support", "interop")]
import harness
from harness import PATIENCE_S
from medsec1 import messages, noise, records
from medsec1.link import Closed, Link
from medsec1_device import Device

SUITES = ("A128CBC-HS256", "ChaChaPoly")


class HealthyDevice(threading.Thread):
    """Sends one reading after another and waits for each acknowledgement, until it is told to stop."""

    def __init__(self, device, address):
        super().__init__()
        self.device, self.done, self.fault = device.connect(address), threading.Event(), None

    def run(self):
        try:
            while not self.done.wait(0.05):
                self.device.sample()
                self.device.send_waiting()
                self.device.wait_acknowledged()
        except Exception as fault:  # told by finish()
            self.fault = fault

    def finish(self):
        self.done.set()
        self.join()


class Attack(harness.GatewayTest):
    def setUp(self):
        super().setUp()
        self.subscriber = self.start_broker()
        self.healthy = self.gateway = None
        self.victim, self.witness = self.registered("victim"), self.registered("witness")
        self.gateway = self.proxy("--log-level", "debug")

    def registered(self, device_id, suite=SUITES[0], **how):
        self.change("add", device_id, "--suite", suite, "--out", self.folder)
        device = Device.from_credential(os.path.join(self.folder, device_id + ".json"), **how)
        self.addCleanup(device.close)
        return device

    def change(self, *arguments):
        """Changes the registry, and waits until a running gateway has seen it."""
        def loads():
            return len(self.gateway.events("registry-loaded")) if self.gateway else 0

        before = loads()
        self.registry.keygen(*arguments)
        if self.gateway:
            self.assertTrue(harness.wait_until(lambda: loads() > before), "not seen")

    def start_healthy(self):
        self.healthy = HealthyDevice(self.registered("healthy"), self.gateway.address)
        self.healthy.start()
        self.addCleanup(self.healthy.finish)

    def connected(self, device, count=1):
        """The device's session, proved by readings that were acknowledged."""
        device.connect(self.gateway.address)
        device.sample(count)
        device.send_waiting()
        device.wait_acknowledged()
        return device

    def settle(self):
        """What the gateway has taken so far has arrived: a reading came the same way after it."""
        if not self.witness.link:
            self.witness.connect(self.gateway.address)
        self.witness.sample()
        self.witness.send_waiting()
        self.witness.wait_acknowledged()
        count = self.witness.next_seq
        self.assertEqual(len(self.subscriber.wait_payloads(self.witness.topic("Reading"), count)),
                         count)

    def settled(self, device_id):
        """What is published of the device."""
        self.settle()
        return self.subscriber.of_device(device_id)

    def assert_ends(self, device):
        """The gateway ends the session, perhaps with acknowledgements or a CLOSE before."""
        end = time.monotonic() + PATIENCE_S
        with self.assertRaises((Closed, ConnectionError)):
            while True:
                device.receive(max(0.001, end - time.monotonic()))

    def published(self, device):
        """(boot, seq) of the readings at the broker, as they came."""
        return [(reading["boot"], reading["seq"])
                for reading in map(json.loads, self.subscriber.payloads(device.topic("Reading")))]

    def assert_published(self, device):
        """Every reading that the device ever took, once, and no other."""
        self.settle()
        self.assertEqual(self.published(device),
                         [(device.boot, seq) for seq in range(device.next_seq)])

    def assert_healthy(self):
        harness.wait_until(lambda: self.healthy.device.next_seq >= 10)
        self.healthy.finish()
        self.assertIsNone(self.healthy.fault)
        self.assertGreaterEqual(self.healthy.device.next_seq, 10)
        self.assert_published(self.healthy.device)

    def link(self):
        link = Link.to(self.gateway.address)
        self.addCleanup(link.close)
        return link

    def replay(self, flight):
        """Sends recorded records on a new connection, each when the gateway had time to answer the
        one before; returns what the gateway said."""
        link, said = self.link(), []
        try:
            for number, record in enumerate(flight):
                link.send(record)
                try:  # a HELLO is answered, or the end of it
                    said.append(link.receive(0.1 if number else PATIENCE_S))
                except socket.timeout:
                    pass
            self.assertTrue(link.closed_by_peer(), "the connection stays open")
        except (Closed, OSError):
            pass
        return said


class BeforeTheFirstRecord(Attack):
    def test_hello_alone_changes_nothing(self):
        """Also a genuine one: no session, no topic, and the older connection stays."""
        self.connected(self.victim)
        before = len(self.settled("victim"))
        second = Device.from_credential(os.path.join(self.folder, "victim.json"), boot=2)
        self.addCleanup(second.close)
        second.connect(self.gateway.address)
        self.assertEqual(len(self.settled("victim")), before)
        self.victim.sample()
        self.victim.send_waiting()
        self.victim.wait_acknowledged()
        self.assert_published(self.victim)

    def test_stranger_learns_nothing(self):
        """Unknown device, wrong psk, wrong suite, wrong gateway key, wrong version: closed alike,
        without a byte."""
        def device(**changed):
            fields = dict(device_id="victim", static=self.victim.static, psk=self.victim.psk,
                          gateway_public=self.victim.gateway_public, suite=self.victim.suite)
            return Device(**{**fields, **changed})

        strangers = {
            "unknown": device(static=noise.KeyPair()), "psk": device(psk=bytes(32)),
            "suite": device(suite=records.CHACHA), "gateway": device(gateway_public=noise.KeyPair().public)}
        hellos = {name: stranger.hello() for name, stranger in strangers.items()}
        hellos["version"] = device().hello(flags=0x21)
        hellos["prologue"] = device().hello(prologue=b"medsec/1" + bytes([0x12]))
        hellos["small order"] = device().hello()[:4] + bytes(104)
        for name, hello in hellos.items():
            with self.subTest(name):
                link = self.link()
                link.send(hello)
                self.assertTrue(link.closed_by_peer(), "answered, or left open")
        self.assertEqual(self.settled("victim"), [])


class Replay(Attack):
    def flight(self, device):
        """A recorded session with two DATA records."""
        self.connected(device)
        device.sample(3)
        device.send_waiting()
        device.wait_acknowledged()
        return list(device.link.sent)

    def test_on_another_connection(self):
        self.start_healthy()
        for suite in SUITES:
            with self.subTest(suite):
                device = self.registered("replayed-" + suite, suite)
                flight = self.flight(device)
                device.close()
                for _ in range(3):
                    for kind, _, _ in self.replay(flight):
                        self.assertEqual(kind, records.WELCOME, "more than a WELCOME")
                self.assert_published(device)
        self.assert_healthy()

    def test_on_the_same_connection(self):
        for name, again in {"hello": 0, "first": 1, "last": -1}.items():
            with self.subTest(name):
                device = self.registered("twice-" + name)
                flight = self.flight(device)
                device.link.send(flight[again])
                self.assertTrue(device.closed_by_peer(), "the session stays open")
                self.assert_published(device)

    def test_between_two_sessions_of_a_device(self):
        device = self.registered("spliced")
        old = self.flight(device)
        self.connected(device)
        device.link.send(old[-1])
        self.assertTrue(device.closed_by_peer(), "the session stays open")
        self.assert_published(device)


class Damage(Attack):
    """One record flipped, dropped, duplicated, reordered or cut: the session is over, and nothing of
    that record or behind it is published or acknowledged."""

    def damaged(self, suite, name, change):
        device = self.registered("%s-%s" % (name, suite), suite)
        self.connected(device)
        sealed = []
        for seq in device.sample(4):
            sealed.append(device.outgoing.seal(messages.encode(device.readings([seq]))))
        good, rest = change(sealed)
        device.sent_to = good
        for record in rest:
            try:
                device.link.send(record)
            except OSError:  # closed already
                break
        # What was good before the damage is published, and may be acknowledged.
        self.assert_ends(device)
        device.next_seq = 1 + good
        self.assert_published(device)
        self.assertTrue(all(ack.seq <= good for ack in device.acks))

    def test_order(self):
        self.start_healthy()
        changes = {
            "dropped": lambda r: (1, [r[0], r[2], r[3]]),
            "duplicated": lambda r: (2, [r[0], r[1], r[1], r[2]]),
            "reordered": lambda r: (1, [r[0], r[2], r[1], r[3]]),
            # By a byte that the next record does not happen to begin with.
            "cut": lambda r: (1, [r[0], r[1][:-2 if r[1][-1] == r[2][0] else -1], r[2], r[3]]),
            "lengthened": lambda r: (2, [r[0], r[1] + b"\0", r[2], r[3]]),
            "retyped": lambda r: (1, [r[0], b"\xa1" + r[1][1:], r[2], r[3]]),
        }
        for suite in SUITES:
            for name, change in changes.items():
                with self.subTest(name, suite=suite):
                    self.damaged(suite, name, change)
        self.assert_healthy()

    def test_every_bit_of_a_record(self):
        """In one record of each suite, with a new session for each."""
        step = 16 if harness.sanitized() else 1
        for suite in SUITES:
            device = self.registered("flipped-" + suite, suite)
            bits = 8 * len(self.one_record(device))
            for bit in range(0, bits, step):
                record = bytearray(self.one_record(device))
                record[bit // 8] ^= 1 << bit % 8
                device.link.send(bytes(record))
                # A longer length makes the gateway wait for the rest of the record.
                device.link.socket.shutdown(socket.SHUT_WR)
                self.assertTrue(device.closed_by_peer(), "bit %d: the session stays open" % bit)
            self.assertEqual(self.settled(device.id), [])

    def one_record(self, device):
        """A new session and a record that it has not sent: the first, which would prove the device."""
        device.connect(self.gateway.address)
        device.next_seq, device.waiting = 0, {}
        return device.outgoing.seal(messages.encode(device.readings(device.sample())))


class Registry(Attack):
    def assert_refused(self, device):
        """The device makes no session that publishes."""
        before = len(self.settled(device.id))
        try:
            device.connect(self.gateway.address)
            device.sample()
            device.send_waiting()
            self.assertTrue(device.closed_by_peer(), "served")
        except (Closed, OSError):
            pass
        readings = [m for m in self.settled(device.id)[before:]
                    if not m.topic.endswith("/Status")]
        self.assertEqual(readings, [])

    def test_revoked_and_decommissioned(self):
        self.start_healthy()
        for action in ("revoke", "decommission"):
            with self.subTest(action):
                device = self.connected(self.registered(action + "d"))
                self.registry.keygen(action, device.id)
                self.assertTrue(device.closed_by_peer(), "the session stays open")
                self.assert_refused(device)
        self.assert_healthy()

    def test_rotated(self):
        """The old secrets serve until the new ones are used for the first time, and never after."""
        old = self.connected(self.victim)
        folder = os.path.join(self.folder, "new")
        self.change("rotate", "victim", "--out", folder)
        old.sample()
        old.send_waiting()
        old.wait_acknowledged()
        old = self.connected(self.victim)
        new = Device.from_credential(os.path.join(folder, "victim.json"), boot=2)
        self.addCleanup(new.close)
        self.connected(new)
        self.assert_ends(old)
        self.assertTrue(harness.wait_until(self.gateway.has_rotated), "not rotated")
        self.assert_refused(old)
        new.sample()
        new.send_waiting()
        new.wait_acknowledged()

    def test_hello_under_new_secrets_promotes_nothing(self):
        """A HELLO may be a recording: the old secrets go on."""
        folder = os.path.join(self.folder, "new")
        self.change("rotate", "victim", "--out", folder)
        new = Device.from_credential(os.path.join(folder, "victim.json"), boot=2)
        self.addCleanup(new.close)
        new.connect(self.gateway.address)
        self.change("add", "another")  # a promotion would have been done before it
        self.connected(self.victim)
        self.assert_published(self.victim)


class OnTheWire(Attack):
    def test_no_identity_and_no_two_alike(self):
        """Nothing names the device, and no 8 bytes are the same in two of its connections."""
        streams = []
        for _ in range(4):
            device = Device.from_credential(os.path.join(self.folder, "victim.json"), boot=1)
            self.connected(device)
            streams.append(device.link.sent + device.link.received)
            device.close()
        for secret in (b"victim", self.victim.static.public, self.victim.psk,
                       self.victim.gateway_public):
            for stream in streams:
                for form in (secret, secret.hex().encode(), base64.b64encode(secret)):
                    self.assertNotIn(form, b"".join(stream))
        seen = set()
        for stream in streams:
            own = {record[at:at + 8] for record in stream
                   for at in range(records.HEADER, len(record) - 7)}
            self.assertEqual(own & seen, set(), "the connections have bytes in common")
            seen |= own


class Acknowledgement(Attack):
    def test_none_before_the_broker_has_it(self):
        self.connected(self.victim)
        self.broker.process.freeze()
        self.victim.sample(5)
        self.victim.send_waiting()
        with self.assertRaises(socket.timeout):
            self.victim.receive(1)
        self.broker.process.send(signal.SIGCONT)
        self.victim.wait_acknowledged()
        self.assert_published(self.victim)

    def test_none_from_a_broker_that_is_away(self):
        self.connected(self.victim)
        self.broker.stop()
        self.victim.sample(5)
        self.victim.send_waiting()
        with self.assertRaises(socket.timeout):
            self.victim.receive(1)
        self.broker.start()
        self.victim.wait_acknowledged()


class Leaks(Attack):
    def secrets(self):
        with open(os.path.join(self.folder, "medsec.key"), encoding="ascii") as file:
            yield file.read().split()[-1].encode()
        for key in (self.victim.static.private, self.victim.psk):
            yield from (key, key.hex().encode(), base64.b64encode(key))

    def test_log_arguments_environment_core(self):
        self.connected(self.victim)
        for change in (0, 5, 60, -1):
            record = bytearray(self.victim.hello())
            record[change] ^= 1
            self.replay([bytes(record)])
        self.victim.link.send(b"\xa3\0\0\x20" + bytes(32))
        self.assertTrue(self.victim.closed_by_peer())
        places = {"log": self.gateway.words().encode("utf-8", "surrogateescape")}
        for name in ("cmdline", "environ"):
            with open("/proc/%d/%s" % (self.gateway.pid, name), "rb") as file:
                places[name] = file.read()
        for name, text in places.items():
            for secret in self.secrets():
                self.assertNotIn(secret, text, name)
        self.assertNotIn(b"36.600", places["log"], "a vital in the log")
        with open("/proc/%d/limits" % self.gateway.pid, encoding="ascii") as file:
            core = next(line for line in file if line.startswith("Max core file size"))
        self.assertEqual(core.split()[4:6], ["0", "0"])


if __name__ == "__main__":
    harness.main()
