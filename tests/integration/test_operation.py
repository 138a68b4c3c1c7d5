# SPDX-License-Identifier: Apache-2.0
"""The gateway in operation: brokers that come and go, registry changes, signals, back-pressure."""

import datetime
import json
import os
import select
import signal
import socket
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[1:1] = [os.path.join(HERE, "..", folder) for folder in ("support", "interop")]
import harness
from seed_device import SeedDevice, reading

PULSE = "Physiological_Data/Pulse_Signal"


class Stream(threading.Thread):
    """A device that sends numbered readings at a rate until it is stopped."""

    def __init__(self, device, rate_hz=20):
        super().__init__()
        self.device, self.interval, self.done = device, 1 / rate_hz, threading.Event()

    def run(self):
        while not self.done.wait(self.interval):
            self.device.send(numbered(len(self.device.sent)))

    def stop(self):
        self.done.set()
        if self.is_alive():
            self.join()


def numbered(number):
    return reading("%d.%03d" % divmod(number, 1000))


class Operation(harness.GatewayTest):
    def stream(self, device, rate_hz=20):
        stream = Stream(device.connect(self.gateway.address), rate_hz)
        self.addCleanup(stream.stop)
        stream.start()
        return stream

    def send_some(self, device, count):
        for _ in range(count):
            device.send(numbered(len(device.sent)))

    def assert_last_published(self, subscriber, device):
        """The last reading of a device that has stopped sending arrives."""
        last = device.sent[-1]["PulseSig"]
        topic = device.topic(PULSE)
        self.assertTrue(subscriber.wait(
            lambda _: subscriber.payloads(topic)[-1:] == [last]), "the last reading is missing")

    def wait_events(self, word, count):
        self.assertTrue(harness.wait_until(lambda: len(self.gateway.events(word)) >= count), word)

    @staticmethod
    def wait_sent(device, more):
        """A stream has sent so many more."""
        wanted = len(device.sent) + more
        harness.wait_until(lambda: len(device.sent) >= wanted)


class BrokerComesAndGoes(Operation):
    def test_absent_at_start(self):
        self.broker.start()
        subscriber = self.subscribe("kept")
        self.broker.stop()
        device = self.device("early")
        self.gateway = self.proxy()
        device.connect(self.gateway.address)
        self.send_some(device, 100)
        time.sleep(0.5)
        self.broker.start()
        self.assert_published(subscriber, device)

    def test_restart_with_qos_1_loses_nothing(self):
        self.broker.start()
        subscriber = self.subscribe("kept")
        device = self.device("steady")
        self.gateway = self.proxy("--seed-qos", "1")
        stream = self.stream(device)
        subscriber.wait_payloads(device.topic(PULSE), 20)
        self.broker.stop()
        self.wait_sent(device, 20)
        self.broker.start()
        self.wait_events("broker-connected", 2)
        self.wait_sent(device, 20)
        stream.stop()
        self.assert_last_published(subscriber, device)
        # QoS 1 is at least once: what was not acknowledged is sent again.
        got = list(dict.fromkeys(subscriber.payloads(device.topic(PULSE))))
        self.assertEqual(got, [values["PulseSig"] for values in device.sent])

    def test_restart_with_qos_0_goes_on_by_itself(self):
        self.broker.start()
        subscriber = self.subscribe("kept")
        device = self.device("steady")
        self.gateway = self.proxy()
        stream = self.stream(device)
        delivered = len(subscriber.wait_payloads(device.topic(PULSE), 20))
        self.broker.stop()
        self.wait_events("broker-lost", 1)
        noticed = len(device.sent)
        self.wait_sent(device, 20)
        self.broker.start()
        self.wait_events("broker-connected", 2)
        self.wait_sent(device, 20)
        stream.stop()
        self.assert_last_published(subscriber, device)
        got = [int(payload.replace(".", "")) for payload in
               dict.fromkeys(subscriber.payloads(device.topic(PULSE)))]
        self.assertEqual(got, sorted(got), "order")
        missing = set(range(len(device.sent))) - set(got)
        # QoS 0 promises nothing for what was on its way into the broker as it went down.
        self.assertLessEqual(missing, set(range(delivered, noticed)),
                             "lost while the broker was there, or known to be away")

    def test_broker_that_does_not_read(self):
        """Back-pressure reaches the device, memory stays bounded, and nothing is lost while the broker
        holds the connection to be alive."""
        subscriber = self.start_broker()
        device = self.device("eager")
        self.gateway = self.proxy("--queue-bytes", "262144")
        device.connect(self.gateway.address)
        self.send_some(device, 50)
        self.assert_published(subscriber, device)
        before = self.gateway.resident_kib()
        frames = [(values, device.frame(values)) for values in map(numbered, range(1000))]
        self.broker.process.send(signal.SIGSTOP)
        stalled = self.send_until_stalled(device, frames)
        grown = self.gateway.resident_kib() - before
        self.broker.process.send(signal.SIGCONT)
        self.assertTrue(stalled, "the gateway took everything")
        device.send_raw(self.rest)
        if not harness.sanitized():
            self.assertLess(grown, 32 * 1024, "KiB that the gateway grew")
        self.assert_published(subscriber, device, 240)

    def send_until_stalled(self, device, frames, limit=60000, patience_s=1.5):
        """Sends these again and again, as fast as they are taken, until nothing is taken for a
        while."""
        device.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        device.socket.setblocking(False)
        try:
            self.rest = b""
            while len(device.sent) < limit:
                values, self.rest = frames[len(device.sent) % len(frames)]
                device.sent.append(values)
                while self.rest:
                    if not select.select([], [device.socket], [], patience_s)[1]:
                        return True
                    self.rest = self.rest[device.socket.send(self.rest):]
            return False
        finally:
            device.socket.setblocking(True)


class RegistryChanges(Operation):
    def setUp(self):
        super().setUp()
        self.subscriber = self.start_broker()

    def test_revoked_device_is_closed(self):
        device, other = self.device("revoked"), self.device("other")
        self.gateway = self.proxy()
        device.connect(self.gateway.address)
        other.connect(self.gateway.address)
        for one in (device, other):
            self.send_some(one, 1)
            self.assert_published(self.subscriber, one)
        self.registry.keygen("revoke", "revoked")
        self.assertTrue(device.closed_by_peer(), "the revoked device's connection is open")
        device.connect(self.gateway.address).send_raw(device.frame(numbered(7)))
        self.assertTrue(device.closed_by_peer())
        self.send_some(other, 20)
        self.assert_published(self.subscriber, other)
        self.assert_published(self.subscriber, device)

    def test_added_device_is_served(self):
        self.gateway = self.proxy()
        device = self.device("late")
        self.assertTrue(harness.wait_until(lambda: self.is_served(device)), "still unknown")
        device.sent.append(numbered(0))
        self.assert_published(self.subscriber, device)

    def is_served(self, device):
        """Whether the first reading of a connection is published, or ends it."""
        device.connect(self.gateway.address)
        device.send_raw(device.frame(numbered(0)))
        while not self.subscriber.payloads(device.topic(PULSE)):
            if device.closed_by_peer(0.05):
                return False
        return True

    def test_hangup_reloads_and_disturbs_nobody(self):
        device = self.device("steady")
        self.gateway = self.proxy()
        stream = self.stream(device)
        for _ in range(5):
            self.gateway.send(signal.SIGHUP)
            time.sleep(0.1)
        stream.stop()
        self.assert_published(self.subscriber, device)
        self.assertTrue(self.gateway.alive())


class Lifecycle(Operation):
    def setUp(self):
        super().setUp()
        self.subscriber = self.start_broker()

    def test_terminate_drains_what_was_accepted(self):
        for qos in ("0", "1"):
            with self.subTest(qos=qos):
                devices = [self.device("drain-%s-%d" % (qos, n)) for n in range(5)]
                self.gateway = self.proxy("--seed-qos", qos)
                for device in devices:
                    device.connect(self.gateway.address)
                for device in devices:
                    device.sent = [numbered(n) for n in range(200)]
                    device.send_raw(b"".join(device.frame(values) for values in device.sent))
                self.assertEqual(self.gateway.stop(signal.SIGTERM), 0)
                for device in devices:
                    self.assert_published(self.subscriber, device)

    def test_retained_states_and_last_will(self):
        device = self.device("present")
        self.gateway = self.proxy("--name", "ward-7")
        device.connect(self.gateway.address)
        self.send_some(device, 1)
        self.assert_published(self.subscriber, device)
        status, profile = device.topic("Status"), device.topic("Profile")
        gateway = "medsec/gateway/ward-7/status"
        late = self.subscribe()
        self.assertEqual(self.state(late, status), "online")
        self.assertEqual(self.state(late, gateway), "online")
        self.assertIn("Temp", [vital["key"] for vital in
                               json.loads(late.wait_payloads(profile, 1)[0])["vitals"]])
        self.assertTrue(all(m.retain for m in late.messages))
        device.close()
        self.assertTrue(self.subscriber.wait(lambda _: self.state(self.subscriber, status) == "offline"))
        self.gateway.stop(signal.SIGKILL)
        self.assertTrue(self.subscriber.wait(
            lambda _: self.state(self.subscriber, gateway) == "offline"), "no last will")
        after = self.subscribe()
        self.assertEqual(self.state(after, gateway), "offline")
        self.assertEqual(self.state(after, status), "offline")

    @staticmethod
    def state(subscriber, topic):
        payloads = subscriber.wait_payloads(topic, 1)
        return json.loads(payloads[-1])["status"] if payloads else None

    def test_addresses_of_devices_that_connect_at_once(self):
        devices = [self.device("at-once-%d" % n) for n in range(8)]
        self.gateway = self.proxy()
        together = threading.Barrier(len(devices))

        def connect(device, host):
            together.wait()
            device.connect(self.gateway.address, source=host)
            self.send_some(device, 1)

        threads = [threading.Thread(target=connect, args=(device, "127.0.0.%d" % (n + 2)))
                   for n, device in enumerate(devices)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for number, device in enumerate(devices):
            self.assertEqual(self.subscriber.wait_payloads(device.topic("Ip_address"), 1),
                             ["127.0.0.%d" % (number + 2)])
            self.assertEqual(self.subscriber.wait_payloads(device.topic("Port_address"), 1),
                             [str(device.local_port())])

    def test_first_reading_does_not_wait(self):
        """Far below the second that the seed takes; bench/run has the figures."""
        device = self.device("first")
        self.gateway = self.proxy()
        times = [time.monotonic()]
        device.connect(self.gateway.address)
        for _ in range(6):
            self.send_some(device, 1)
            self.assert_published(self.subscriber, device)
            times.append(time.monotonic())
        first, *others = (after - before for before, after in zip(times, times[1:]))
        self.assertLess(first, 0.8 + 10 * max(others))

    def test_reading_objects(self):
        device = self.device("json")
        self.gateway = self.proxy("--publish", "fields", "--publish", "reading")
        device.connect(self.gateway.address)
        device.send(reading("1.755", Temp="41.500", Acel_x="-0.00"))
        device.send(reading("99.000", TempMcu="130.250"))
        self.assert_published(self.subscriber, device)
        texts = self.subscriber.wait_payloads(device.topic("Reading"), 2)
        objects = [json.loads(text, parse_float=str) for text in texts]
        self.assertEqual([one["values"] for one in objects], device.sent)
        self.assertNotIn("suspect", objects[0])
        self.assertEqual(set(objects[1]["suspect"]), {"TempMcu", "PulseSig"})
        for one in objects:
            self.assertEqual((one["device"], one["wire"], one["time_source"]),
                             ("json", "seed", "gateway"))
            stamp = datetime.datetime.fromisoformat(one["time"].replace("Z", "+00:00"))
            self.assertLess(abs(stamp.timestamp() - time.time()), 60)

    def test_silent_connections_end(self):
        device = self.device("silent")
        self.gateway = self.proxy("--identify-timeout", "2", "--idle-timeout", "3")
        begin = time.monotonic()
        stranger = SeedDevice("stranger", "", "").connect(self.gateway.address)
        self.addCleanup(stranger.close)
        device.connect(self.gateway.address)
        self.send_some(device, 1)
        self.assertTrue(stranger.closed_by_peer(), "an unidentified connection stays open")
        self.assertGreater(time.monotonic() - begin, 1.9)
        self.assertTrue(device.closed_by_peer(), "an idle connection stays open")
        self.assertGreater(time.monotonic() - begin, 2.9, "an identified device is closed too early")
        self.assert_published(self.subscriber, device)

    def test_a_thousand_connections(self):
        self.registry.keygen("add", "many", "--wire", "seed", "--count", "1000", "--out", self.folder)
        devices = [SeedDevice.from_credential(os.path.join(self.folder, name))
                   for name in sorted(os.listdir(self.folder)) if name.startswith("many-")]
        self.assertEqual(len(devices), 1000)
        self.gateway = self.proxy()
        for device in devices:
            self.addCleanup(device.close)
            device.connect(self.gateway.address)
            self.send_some(device, 1)
        for device in devices:
            self.send_some(device, 2)
        wanted = {device.topic(PULSE): [v["PulseSig"] for v in device.sent] for device in devices}

        got = {topic: self.subscriber.wait_payloads(topic, 3) for topic in wanted}
        self.assertEqual(got, wanted)

    def test_commands_are_answered_at_once(self):
        """Also by a gateway that has nothing else to do, and looks up once a second."""
        for client in ("paho", "mosquitto"):
            device = self.device("idle-" + client)
            self.gateway = self.proxy("--mqtt-client", client, "--threads", "1", "--name", client)
            device.connect(self.gateway.address)
            self.send_some(device, 1)
            self.assert_published(self.subscriber, device)
            topic = device.topic("Command/Config")
            alone = self.time_answers(client, client)  # the broker's own
            self.assertLess(self.time_answers(topic, topic + "/Result"), 1.5 + 10 * alone)

    def time_answers(self, topic, answer):
        """Seconds for five messages on a topic, each answered before the next."""
        begin = time.monotonic()
        for count in range(1, 6):
            self.subscriber.publish(topic, "no command")
            self.assertEqual(len(self.subscriber.wait_payloads(answer, count)), count)
        return time.monotonic() - begin


if __name__ == "__main__":
    harness.main()
