# SPDX-License-Identifier: Apache-2.0
"""What the integration and interop tests stand on: a broker, a subscriber, a registry and a gateway.

Everything lives in a temporary folder and on free ports of 127.0.0.1; every process is stopped by
its own pid. A script ends with `harness.main()`: exit status 0 passed, 1 failed, 77 not possible.
"""

import argparse
import contextlib
import importlib.util
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

BUILD = None
SOURCE = None
HOST = "127.0.0.1"
PATIENCE_S = 60  # on a busy machine; what is right takes a fraction of it


def skip(reason):
    print("skipped: " + reason)
    sys.exit(77)


def main():
    """Reads --build and --source, then runs the tests of the calling script."""
    global BUILD, SOURCE
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True, type=os.path.abspath)
    parser.add_argument("--source", required=True, type=os.path.abspath)
    options, rest = parser.parse_known_args()
    BUILD, SOURCE = options.build, options.source
    for module in ("paho", "cryptography"):
        if importlib.util.find_spec(module) is None:
            skip("no python3-" + module)
    if broker_program() is None:
        skip("no mosquitto")
    unittest.main(argv=sys.argv[:1] + rest, verbosity=2)


def broker_program():
    return shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")


def tool(name):
    return os.path.join(BUILD, "cli", name)


def vectors(*path):
    """A path in the shared test vectors; ends the script when they are not there."""
    top = os.environ.get("MEDSEC_VECTORS") or os.path.join(SOURCE, "..", "shared", "vectors")
    if not os.path.isdir(top):
        skip("no ../shared/vectors")
    return os.path.join(top, *path)


def json_lines(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def sanitized():
    """True for a build whose memory and speed say nothing about the product's."""
    with open(os.path.join(BUILD, "CMakeCache.txt"), encoding="utf-8") as file:
        return re.search(r"^MEDSEC_SANITIZE:\w+=.", file.read(), re.MULTILINE) is not None


def free_port():
    """One below those that the system gives to connections: a server that starts again finds it free."""
    for port in random.sample(range(10000, 32000), 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((HOST, port))
            return port
    raise RuntimeError("no free port")


def wait_until(condition, timeout=PATIENCE_S, interval=0.01):
    """Polls until `condition()` is true, and returns its value; the last one at the time limit."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value or time.monotonic() > end:
            return value
        time.sleep(interval)


class Process:
    """A child with its output in a file."""

    def __init__(self, argv, output, **how):
        self.output = output
        with open(output, "ab") as file:
            self.child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=file,
                                          stderr=subprocess.STDOUT, **how)
        self.pid = self.child.pid

    def alive(self):
        return self.child.poll() is None

    def send(self, number):
        self.child.send_signal(number)

    def freeze(self):
        """It stands still when this returns."""
        self.send(signal.SIGSTOP)
        wait_until(lambda: self.status(r"State:\s+(\w)") == "T")

    def status(self, pattern):
        with open("/proc/%d/status" % self.pid, encoding="ascii") as file:
            return re.search(pattern, file.read()).group(1)

    def stop(self, number=signal.SIGTERM, timeout=PATIENCE_S):
        """Signals, waits, and returns the exit status; a child that does not end is killed."""
        if self.alive():
            self.child.send_signal(number)
        try:
            return self.child.wait(timeout)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            raise

    def text(self):
        with open(self.output, encoding="utf-8", errors="backslashreplace") as file:
            return file.read()

    def words(self):
        """All but the times, whose digits may happen to be those of a reading."""
        return re.sub(r'"time":"[^"]*"', "", self.text())

    def lines(self, word):
        return [line for line in self.text().splitlines() if word in line]

    def resident_kib(self):
        return int(self.status(r"VmRSS:\s+(\d+)"))

    def sockets(self):
        """The open sockets, as the kernel names them."""
        found = set()
        for descriptor in os.listdir("/proc/%d/fd" % self.pid):
            try:
                found.add(os.readlink("/proc/%d/fd/%s" % (self.pid, descriptor)))
            except FileNotFoundError:
                pass
        return {name for name in found if name.startswith("socket:")}

    def listening_ports(self):
        """The TCP ports on which this process listens."""
        inodes = self.sockets()
        ports = set()
        for table in ("tcp", "tcp6"):
            with open("/proc/net/" + table, encoding="ascii") as file:
                for row in [line.split() for line in file][1:]:
                    if row[3] == "0A" and "socket:[%s]" % row[9] in inodes:
                        ports.add(int(row[1].split(":")[1], 16))
        return ports


class Broker:
    """A mosquitto without limits on what it queues. It writes its sessions when it stops, so that a
    persistent subscriber misses nothing of a restart, not even QoS 0."""

    def __init__(self, folder):
        self.folder, self.port, self.process = folder, free_port(), None
        self.config = os.path.join(folder, "mosquitto.conf")
        with open(self.config, "w", encoding="ascii") as file:
            file.write("listener %d %s\nallow_anonymous true\nuser root\npersistence true\n"
                       "persistence_location %s/\nmax_queued_messages 0\n"
                       "queue_qos0_messages true\nset_tcp_nodelay true\n"
                       % (self.port, HOST, folder))

    def start(self):
        self.process = Process([broker_program(), "-c", self.config],
                               os.path.join(self.folder, "mosquitto.log"))
        if not wait_until(self.accepts):
            raise RuntimeError("mosquitto does not start:\n" + self.process.text())
        return self

    def accepts(self):
        try:
            socket.create_connection((HOST, self.port), timeout=1).close()
            return True
        except OSError:
            return False

    def url(self):
        return "mqtt://%s:%d" % (HOST, self.port)

    def stop(self):
        if self.process:
            if self.process.alive():
                self.process.send(signal.SIGCONT)
            self.process.stop()
            self.process = None


class Message:
    def __init__(self, message):
        self.topic = message.topic
        self.payload = message.payload.decode("utf-8", "backslashreplace")
        self.qos, self.retain = message.qos, message.retain
        self.time = time.monotonic()

    def __repr__(self):
        return "%s %s qos %d%s" % (self.topic, self.payload, self.qos, " retained" * self.retain)


class Subscriber:
    """Records what the broker delivers; subscribes again by itself when the broker comes back."""

    def __init__(self, broker, topic="#", qos=1, session=None):
        from paho.mqtt import client
        self.messages = []
        self.topics = {}
        self.subscriptions = 0
        self.changed = threading.Condition()
        self.client = client.Client(client_id=session or "", clean_session=session is None)
        self.client.reconnect_delay_set(0.05, 0.2)
        self.client.on_connect = lambda *_: self.client.subscribe(topic, qos)
        self.client.on_subscribe = self._subscribed
        self.client.on_message = self._message
        self.client.connect(HOST, broker.port, keepalive=60)
        self.client.loop_start()
        self.wait_subscriptions(1)

    def _subscribed(self, *_):
        with self.changed:
            self.subscriptions += 1
            self.changed.notify_all()

    def _message(self, _client, _user, message):
        message = Message(message)
        with self.changed:
            self.messages.append(message)
            self.topics.setdefault(message.topic, []).append(message)
            self.changed.notify_all()

    def publish(self, topic, text):
        self.client.publish(topic, text, qos=1)

    def wait_subscriptions(self, count, timeout=PATIENCE_S):
        with self.changed:
            if not self.changed.wait_for(lambda: self.subscriptions >= count, timeout):
                raise RuntimeError("no subscription at the broker")

    def wait(self, condition, timeout=PATIENCE_S):
        """Waits until `condition(messages)` holds; returns its last value."""
        with self.changed:
            return self.changed.wait_for(lambda: condition(self.messages), timeout)

    def payloads(self, topic):
        with self.changed:
            return [m.payload for m in self.topics.get(topic, ())]

    def wait_payloads(self, topic, count, timeout=PATIENCE_S):
        """The payloads of a topic, once there are `count` of them or the time is over."""
        self.wait(lambda _: len(self.topics.get(topic, ())) >= count, timeout)
        return self.payloads(topic)

    def of_device(self, device_id):
        with self.changed:
            return [m for m in self.messages if m.topic.startswith("Pico/%s/" % device_id)]

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()


class Registry:
    """A registry file made by medsec-keygen, and the credential files of its devices."""

    def __init__(self, folder):
        self.folder = folder
        self.path = os.path.join(folder, "medsec.db")
        self.keygen("init")

    def keygen(self, action, *arguments, check=True):
        done = subprocess.run([tool("medsec-keygen"), action, "--registry", self.path, *arguments],
                              cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=60)
        if check and done.returncode != 0:
            raise RuntimeError("medsec-keygen %s: status %d\n%s" % (action, done.returncode,
                                                                    done.stderr))
        return done

    def add(self, device_id, *arguments):
        """Adds a device, on the seed wire if nothing else is said; returns the path of its
        credential file."""
        self.keygen("add", device_id, "--out", self.folder, *(arguments or ("--wire", "seed")))
        return os.path.join(self.folder, device_id + ".json")

    def import_keys(self, text, *arguments, check=True):
        path = os.path.join(self.folder, "DEVICES_KEYS.txt")
        with open(path, "w", encoding="latin-1") as file:
            file.write(text)
        return self.keygen("import", path, *arguments, check=check)


class Proxy(Process):
    """medsec-proxy on a free port."""

    def __init__(self, registry, broker_url, output, *arguments):
        super().__init__([tool("medsec-proxy"), "--registry", registry.path, "--listen",
                          HOST + ":0", "--broker", broker_url, "--log-format", "json", *arguments],
                         output)
        self.address = None
        listening = wait_until(lambda: self.events("listening") or not self.alive())
        if not self.alive() or not listening:
            raise RuntimeError("medsec-proxy does not listen:\n" + self.text())
        self.address = (HOST, self.events("listening")[0]["port"])

    def records(self):
        """The log lines, each a JSON object."""
        return [json.loads(line) for line in self.text().splitlines() if line.startswith("{")]

    def events(self, word):
        return [record for record in self.records() if record.get("event") == word]

    def has_rotated(self):
        """The last rotation is in the registry, and the gateway goes by it."""
        events = [record.get("event") for record in reversed(self.records())]
        return ("rotation-completed" in events and "registry-loaded" in
                events[:events.index("rotation-completed")])


class GatewayTest(unittest.TestCase):
    """A test with a folder, a broker, a subscriber and a registry; `proxy()` starts the gateway."""

    maxDiff = 2000

    def run(self, result=None):
        """Shows what the gateway logged in a test that failed."""
        def problems():
            return len(result.failures) + len(result.errors)

        self.logs, before = [], problems()
        super().run(result)
        if problems() > before:
            print("\n".join(["--- medsec-proxy logged:"] + self.logs), file=sys.stderr)

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="medsec-test-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.processes = []
        self.broker = Broker(self.folder)
        self.addCleanup(self.broker.stop)
        self.registry = Registry(self.folder)

    def start_broker(self):
        self.broker.start()
        return self.subscribe()

    def subscribe(self, session=None):
        """A subscriber to everything; with a session name it also gets what came while it, or the
        broker, was away."""
        subscriber = Subscriber(self.broker, session=session)
        self.addCleanup(subscriber.close)
        return subscriber

    def proxy(self, *arguments):
        output = os.path.join(self.folder, "proxy-%d.log" % len(self.processes))
        proxy = Proxy(self.registry, self.broker.url(), output, *arguments)
        self.processes.append(proxy)
        self.addCleanup(self.end_proxy, proxy)
        return proxy

    def end_proxy(self, proxy):
        try:
            if proxy.alive():
                self.assertEqual(proxy.stop(), 0, "exit status of medsec-proxy")
        finally:
            self.logs.append(proxy.text()[-4000:])

    def device(self, device_id, **how):
        """A new registered device that speaks the seed wire."""
        from seed_device import SeedDevice
        device = SeedDevice.from_credential(self.registry.add(device_id), **how)
        self.addCleanup(device.close)
        return device

    def assert_published(self, subscriber, device, timeout=PATIENCE_S):
        """Everything that `device` sent was published on its seven topics, in order, once."""
        from seed_device import TOPICS
        for member, suffix in TOPICS:
            sent = [values[member] for values in device.sent]
            got = subscriber.wait_payloads(device.topic(suffix), len(sent), timeout)
            self.assertEqual(len(got), len(sent), "count of %s/%s" % (device.id, suffix))
            self.assertEqual(got, sent, "%s/%s" % (device.id, suffix))
