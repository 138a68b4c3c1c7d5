# SPDX-License-Identifier: Apache-2.0
"""An independent medsec/1 device against medsec-proxy and a broker."""

import datetime
import json
import os
import socket
import sys
import time

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
import medsec1_device
from medsec1 import messages, records
from medsec1_device import Device

MEMBERS = ("Temp", "PulseSig", "Acel_x", "Acel_y", "Acel_z", "TempMcu", "TempMpu")
SUPERSEDED = 2


def text_of(value):
    """A value in thousandths as it is published."""
    return None if value is None else "%s%d.%03d" % ("-" * (value < 0), *divmod(abs(value), 1000))


def milliseconds(time):
    then = datetime.datetime.strptime(time, "%Y-%m-%dT%H:%M:%S.%fZ")
    return round(then.replace(tzinfo=datetime.timezone.utc).timestamp() * 1000)


class ProxyTest(harness.GatewayTest):
    def setUp(self):
        super().setUp()
        self.subscriber = self.start_broker()
        self.devices = {suite: self.v1_device("device-" + name, "--suite", name)
                        for name, suite in records.SUITES.items()}
        self.gateway = self.proxy()
        self.address = self.gateway.address

    def v1_device(self, device_id, *arguments, **how):
        path = self.registry.add(device_id, "--wire", "medsec1", *arguments)
        device = Device.from_credential(path, **how)
        self.addCleanup(device.close)
        return device

    def readings(self, device, count, timeout=harness.PATIENCE_S):
        """What was published of a device, as (boot, seq)."""
        texts = self.subscriber.wait_payloads(device.topic("Reading"), count, timeout)
        found = [json.loads(text) for text in texts]
        return [(each["boot"], each["seq"]) for each in found]

    def assert_silent(self, device):
        """Nothing of a device was published until now: another one's reading passes all queues."""
        witness = self.v1_device("witness-of-" + device.id)
        harness.wait_until(lambda: self.try_to_connect(witness))
        witness.sample()
        witness.send_waiting()
        witness.wait_acknowledged()
        self.assertEqual(self.readings(witness, 1), [(1, 0)])
        self.assertEqual(self.readings(device, 0), [])

    def try_to_connect(self, device):
        try:
            return device.connect(self.address)
        except medsec1_device.Closed:
            return None


class Readings(ProxyTest):
    def test_are_published_and_acknowledged(self):
        for suite, device in self.devices.items():
            with self.subTest(suite=suite):
                device.boot = 7
                device.connect(self.address).sample(45)
                sent = dict(device.waiting)
                device.send_waiting()
                device.wait_acknowledged()
                self.assertEqual(device.acks[-1], messages.Ack(7, 44))
                self.assert_readings(device, sent)
                self.assert_fields(device, sent)

    def assert_readings(self, device, sent):
        texts = self.subscriber.wait_payloads(device.topic("Reading"), len(sent))
        self.assertEqual(len(texts), len(sent))
        for text, (seq, (time_ms, values)) in zip(texts, sent.items()):
            reading = json.loads(text, parse_float=str)
            self.assertEqual((reading["device"], reading["wire"], reading["boot"], reading["seq"]),
                             (device.id, "medsec/1", 7, seq))
            self.assertEqual(milliseconds(reading["time"]), time_ms)
            self.assertEqual([reading["values"][name] for name in MEMBERS],
                             [text_of(value) for value in values])

    def assert_fields(self, device, sent):
        for column, suffix in enumerate((
                "Physiological_Data/Temperature", "Physiological_Data/Pulse_Signal",
                "Physiological_Data/Accelerometer/x", "Physiological_Data/Accelerometer/y",
                "Physiological_Data/Accelerometer/z", "Internal_Device_Data/Temperature/MCU",
                "Internal_Device_Data/Temperature/MPU")):
            wanted = [text_of(values[column]) for _, values in sent.values()
                      if values[column] is not None]  # a sensor that failed has no topic
            self.assertEqual(self.subscriber.wait_payloads(device.topic(suffix), len(wanted)),
                             wanted)

    def test_cut_and_joined_anywhere(self):
        device = self.devices[records.CBC_HS256].connect(self.address)
        device.sample(100)
        for at in range(0, 100, 10):
            device.send_message(device.readings(range(at, at + 10)))
        sizes = (1, 2, 3, 5, 50, 1000)
        device.sample(20)
        stream = b"".join(device.outgoing.seal(messages.encode(device.readings([seq])))
                          for seq in range(100, 120))
        device.sent_to = 119
        at = 0
        while at < len(stream):
            size = sizes[at % len(sizes)]
            device.link.send(stream[at:at + size])
            at += size
        device.wait_acknowledged()
        self.assertEqual(self.readings(device, 120), [(1, seq) for seq in range(120)])

    def test_of_an_earlier_start_and_the_largest_numbers(self):
        device = self.devices[records.CBC_HS256].connect(self.address)
        for boot, first in ((0, 0), ((1 << 32) - 1, (1 << 32) - 200)):
            rows = [(step, [(1 << 31) - 1, -(1 << 31), None, 0, 0, 0, 0]) for step in range(200)]
            device.boot = boot
            device.send_message(messages.Readings(boot, first, 1763726400000, 2, 1, rows))
            self.assertEqual(device.receive(), messages.Ack(boot, first + 199))
        self.assertEqual(len(self.readings(device, 400)), 400)

    def test_twice_on_a_connection_are_published_once(self):
        device = self.devices[records.CHACHA].connect(self.address)
        message = device.readings(device.sample(5))
        device.send_message(message)
        device.wait_acknowledged()
        device.send_message(message)
        self.assertEqual(device.receive(), messages.Ack(1, 4))
        device.sample()
        device.send_waiting()
        device.wait_acknowledged()
        self.assertEqual(self.readings(device, 6), [(1, seq) for seq in range(6)])

    def test_of_unknown_time_are_as_old_as_the_message(self):
        device = self.devices[records.CHACHA].connect(self.address)
        rows = [(offset, [0] * 7) for offset in (0, 400, 1000)]
        device.send_message(messages.Readings(1, 0, 5000, 0, 1, rows))
        device.receive()
        texts = self.subscriber.wait_payloads(device.topic("Reading"), 3)
        times = [milliseconds(json.loads(text)["time"]) for text in texts]
        self.assertEqual([time - times[2] for time in times], [-1000, -600, 0])
        self.assertTrue(device.utc_ms <= times[2] <= time.time() * 1000)


class Broker(ProxyTest):
    def test_nothing_is_acknowledged_that_the_broker_does_not_have(self):
        device = self.devices[records.CBC_HS256].connect(self.address)
        device.sample(1)
        device.send_waiting()
        device.wait_acknowledged()
        self.broker.stop()
        device.sample(30)
        device.send_waiting()
        with self.assertRaises(socket.timeout):
            device.receive(1.5)
        self.broker.start()
        device.wait_acknowledged()
        self.assertEqual(sorted(set(self.readings(device, 31)))[-1], (1, 30))


class Control(ProxyTest):
    def result(self, device, count=1):
        return [json.loads(text) for text in
                self.subscriber.wait_payloads(device.topic("Command/Config/Result"), count)]

    def test_config_goes_down_and_its_answer_up(self):
        device = self.devices[records.CBC_HS256].connect(self.address)
        device.sample(1)
        device.send_waiting()
        device.wait_acknowledged()
        self.subscriber.publish(device.topic("Command/Config"),
                                '{"sample_interval_ms":100,"batch_max":5,"version":9}')
        self.assertEqual(device.receive(), messages.Config(9, {1: 100, 2: 5}))
        device.send_message(messages.ConfigAck(9, 0))
        self.subscriber.publish(device.topic("Command/Config"),
                                '{"report_interval_ms":0,"version":10}')
        self.assertEqual(device.receive(), messages.Config(10, {3: 0}))
        device.send_message(messages.ConfigAck(10, 1))
        self.assertEqual([(each["version"], each["status"]) for each in self.result(device, 2)],
                         [(9, "applied"), (10, "refused")])

    def test_a_close_ends_the_connection(self):
        device = self.devices[records.CHACHA].connect(self.address)
        device.send_message(messages.Close(0))
        self.assertTrue(device.closed_by_peer())

    def test_a_newer_session_ends_the_older_one(self):
        device = self.devices[records.CBC_HS256].connect(self.address)
        device.sample(1)
        device.send_waiting()
        device.wait_acknowledged()
        older, incoming = device.link, device.incoming
        device.link = None
        device.connect(self.address)
        self.assertFalse(older.closed_by_peer(0.5))  # a WELCOME alone ends nothing
        device.sample(1)
        device.send_waiting()
        device.wait_acknowledged()
        self.assertEqual(messages.decode(incoming.open(older.expect(records.DATA, 0))),
                         messages.Close(SUPERSEDED))
        self.assertTrue(older.closed_by_peer())
        older.close()


class Refused(ProxyTest):
    def test_a_changed_record(self):
        for suite, device in self.devices.items():
            for change in range(8):
                device.connect(self.address)
                device.sample(1)
                sealed = bytearray(device.outgoing.seal(messages.encode(device.readings([0]))))
                sealed[records.HEADER + change * (len(sealed) - records.HEADER) // 8] ^= 0x80
                device.link.send(bytes(sealed))
                self.assertTrue(device.closed_by_peer(), suite)
            self.assert_silent(device)

    def test_a_recorded_flight(self):
        device = self.devices[records.CBC_HS256].connect(self.address)
        device.sample(2)
        device.send_waiting()
        device.wait_acknowledged()
        flight = list(device.link.sent)
        link = device.open(self.address)
        link.send(b"".join(flight))
        link.expect(records.WELCOME, 0x11)
        self.assertTrue(link.closed_by_peer())
        device.connect(self.address)
        device.link.send(flight[1])
        self.assertTrue(device.closed_by_peer())
        self.assertEqual(self.readings(device, 3, 1), [(1, 0), (1, 1)])

    def test_messages_that_are_not_right(self):
        device = self.devices[records.CHACHA]
        row = [0] * 8
        for wrong in (messages.encode_raw(1, [1, 0, 0, 1, 1, []]),
                      messages.encode_raw(1, [1, 0, 0, 1, 1, [row, [-1] + row[1:]]]),
                      messages.encode_raw(1, [1, 0, 0, 1, 2, [row]]),
                      messages.encode_raw(1, [1, 0, 0, 3, 1, [row]]),
                      messages.encode_raw(1, [1, 0, 0, 1, 1, [row[1:]]]),
                      messages.encode_raw(1, [1, (1 << 32) - 1, 0, 1, 1, [row, row]]),
                      messages.encode_raw(1, [1, 0, 0, 1, 1, [[0, 1 << 31] + row[2:]]]),
                      messages.encode_raw(1, [1, 0, 0, 1, 1, [row] * 256]),
                      messages.encode_raw(1, [1, 0, messages.TIME_MS_MAX, 1, 1, [row, [1] + row[1:]]]),
                      messages.encode_raw(1, [1, 0, 0, 1, 1, [row]]) + b"\0",
                      bytes.fromhex("01861801000001018188000000000000000000"),
                      messages.encode(messages.Ack(1, 0)), messages.encode_raw(9, []), b"\x01"):
            device.connect(self.address)
            device.send_message(wrong)
            self.assertTrue(device.closed_by_peer(), wrong.hex())
        self.assert_silent(device)

    def test_a_hello_that_is_not_right(self):
        device = self.devices[records.CBC_HS256]
        other = self.devices[records.CHACHA]
        for change in ({"psk": bytes(32)}, {"static": other.static}, {"suite": records.CHACHA},
                       {"gateway_public": other.static.public}):
            before = {name: getattr(device, name) for name in change}
            vars(device).update(change)
            link = device.open(self.address)
            link.send(device.hello())
            self.assertTrue(link.closed_by_peer(), change)
            vars(device).update(before)
        for how in ({"flags": 0x21}, {"flags": 0x13}, {"prologue": b"medsec/1\x12"},
                    {"payload": b""}, {"payload": bytes(9)}):
            link = device.open(self.address)
            link.send(device.hello(**how))
            self.assertTrue(link.closed_by_peer(), how)
        self.assert_silent(device)


class Rotation(ProxyTest):
    def test_first_data_under_the_new_keys_ends_the_old_ones(self):
        for old, how in zip(self.devices.values(), ((), ("--keep-key",))):
            with self.subTest(how=how):
                self.rotate(old, *how)

    def rotate(self, old, *how):
        self.registry.keygen("rotate", old.id, "--out", os.path.join(self.folder, "new"), *how)
        new = Device.from_credential(os.path.join(self.folder, "new", old.id + ".json"),
                                     old.static if how else None)
        self.addCleanup(new.close)
        self.assertEqual((new.psk == old.psk, new.static.public == old.static.public),
                         (False, bool(how)))
        self.assertTrue(harness.wait_until(lambda: self.try_to_connect(new)))
        self.replay_hello(old, new.link.sent[0])
        self.send_one(old.connect(self.address))
        old.connect(self.address)
        link, outgoing, old.link = old.link, old.outgoing, None
        self.send_one(new.connect(self.address))
        self.assertTrue(harness.wait_until(lambda: not self.try_to_connect(old)))
        # Greeted while the old keys were good, silent until now.
        record = outgoing.seal(messages.encode(
            messages.Readings(99, 0, 1763726400000, 1, 1, [(0, [0] * 7)])))
        try:
            link.send(record)
        except OSError:  # closed already
            pass
        self.assertTrue(link.closed_by_peer())
        link.close()
        self.send_one(new)
        self.assertEqual(self.readings(new, 3), [(1, 0), (1, 0), (1, 1)])

    def test_a_session_at_another_gateway_ends_too(self):
        other = self.proxy("--name", "another")
        old = self.devices[records.CHACHA]
        self.registry.keygen("rotate", old.id, "--out", os.path.join(self.folder, "new"))
        new = Device.from_credential(os.path.join(self.folder, "new", old.id + ".json"))
        self.addCleanup(new.close)
        self.assertTrue(harness.wait_until(lambda: self.try_to_connect(new)))
        self.send_one(old.connect(other.address))
        self.assertFalse(old.closed_by_peer(0.5))
        self.send_one(new)
        self.assertTrue(old.closed_by_peer())

    def replay_hello(self, device, hello):
        """The recording is greeted, and must change nothing in the time that a change takes."""
        link = device.open(self.address)
        link.send(hello)
        link.expect(records.WELCOME, hello[1])
        self.assertFalse(link.closed_by_peer(1))

    @staticmethod
    def send_one(device):
        device.sample()
        device.send_waiting()
        device.wait_acknowledged()


if __name__ == "__main__":
    harness.main()
