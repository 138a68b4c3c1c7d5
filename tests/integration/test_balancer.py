#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Two gateways with one registry behind haproxy, as packaging/haproxy/haproxy.cfg has it: devices keep
their addresses, and what was acknowledged outlives a gateway that is killed, or restarted."""

import collections
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[1:1] = [os.path.join(HERE, "..", "support")]
import harness

HAPROXY = shutil.which("haproxy", path=os.environ.get("PATH", "") + ":/usr/sbin")
SOURCES = ["127.0.0.%d" % i for i in range(11, 19)]
DEVICES, RATE_HZ, BATCH = 40, 10, 5
FLOOD, FLOODER = 600, "127.0.0.66"
BURST = 100  # connections at once that a gateway takes from one address, under the flood


def packaged():
    with open(os.path.join(harness.SOURCE, "packaging/haproxy/haproxy.cfg"), encoding="ascii") as file:
        return file.read()


def ready(metrics):
    try:
        with urllib.request.urlopen("http://127.0.0.1:%d/readyz" % metrics, timeout=5) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


class Balancer(harness.Process):
    """The packaged configuration with the ports, files and user of a test."""

    def __init__(self, folder, gateways, header="send-proxy-v2"):
        self.port, self.folder = harness.free_port(), folder
        self.socket = os.path.join(folder, "haproxy.sock")
        text = packaged()
        for number, (gateway, metrics) in enumerate(gateways, 1):
            text = self.replace(text, r"(server gateway-%d) \S+" % number,
                                r"\1 127.0.0.1:%d port %d" % (gateway.address[1], metrics))
        text = self.replace(text, r"send-proxy-v2 ", header + " ")
        text = self.replace(text, r"bind :::9998 v4v6", "bind 127.0.0.1:%d" % self.port)
        text = self.replace(text, r"maxconn \d+", "maxconn 2000")
        text = self.replace(text, r"stats socket \S+", "stats socket " + self.socket)
        text = self.replace(text, r"log /dev/log", "log stdout format raw")
        text = self.replace(text, r"    chroot .*\n    user .*\n    group .*\n", "")
        config = os.path.join(folder, "haproxy.cfg")
        with open(config, "w", encoding="ascii") as file:
            file.write(text)
        super().__init__([HAPROXY, "-db", "-f", config], os.path.join(folder, "haproxy.log"))
        if not harness.wait_until(lambda: self.states() or not self.alive()) or not self.alive():
            raise RuntimeError("haproxy does not start:\n" + self.text())

    @staticmethod
    def replace(text, pattern, by):
        text, count = re.subn(pattern, by, text)
        if count != 1:
            raise RuntimeError("%d times in haproxy.cfg: %s" % (count, pattern))
        return text

    def states(self):
        """UP, DOWN, or what is on the way there, of each gateway."""
        with socket.socket(socket.AF_UNIX) as admin, contextlib.suppress(OSError):
            admin.connect(self.socket)
            admin.sendall(b"show stat\n")
            rows = [line.split(",") for line in admin.makefile().read().splitlines()]
            return {row[1]: row[17] for row in rows if row[0] == "gateways" and row[1] != "BACKEND"}
        return {}

    def wait_state(self, gateway, state):
        return harness.wait_until(lambda: self.states().get(gateway) == state)


class Ward(harness.GatewayTest):
    def setUp(self):
        super().setUp()
        self.broker.start()
        self.subscriber = self.subscribe("kept")
        self.metrics = [harness.free_port(), harness.free_port()]
        self.gateways = [None, None]

    def gateway(self, number, *more, **how):
        """The gateway of that number, begun anew at the same port."""
        before = self.gateways[number]
        port = before.address[1] if before else 0
        broker = how.get("broker", self.broker.url())
        proxy = self.proxy("--name", "gateway-%d" % (number + 1), "--listen", "127.0.0.1:%d" % port,
                           "--metrics", "127.0.0.1:%d" % self.metrics[number], "--broker", broker,
                           "--proxy-protocol", "127.0.0.1", "--publish", "fields,reading", *more)
        self.gateways[number] = proxy
        return proxy

    def balancer(self, *header):
        self.haproxy = Balancer(self.folder, list(zip(self.gateways, self.metrics)), *header)
        self.addCleanup(self.haproxy.stop)

    def start(self, *more):
        for number in (0, 1):
            self.gateway(number, *more)
        self.assertTrue(harness.wait_until(lambda: all(map(ready, self.metrics))))
        self.balancer()

    def ward(self):
        """A fleet that sends until finish()."""
        folder = os.path.join(self.folder, "devices")
        self.registry.keygen("add", "ward", "--count", str(DEVICES), "--out", folder)
        sim = harness.Process(
            [harness.tool("medsec-sim"), "--connect", "127.0.0.1:%d" % self.haproxy.port,
             "--credentials", folder, "--rate", str(RATE_HZ), "--batch", str(BATCH), "--ring",
             "20000", "--patience", "600", "--wait", "180", "--source", ",".join(SOURCES), "--json"],
            os.path.join(self.folder, "sim.json"))
        self.addCleanup(lambda: sim.alive() and sim.stop(signal.SIGKILL))
        self.assertTrue(harness.wait_until(
            lambda: len(self.payloads_of("Ip_address")) == DEVICES), "devices are missing")
        return sim

    def finish(self, sim):
        """Its summary. All that it measured is acknowledged, and at the broker, without a gap."""
        self.assertEqual(sim.stop(signal.SIGTERM, 240), 0, sim.text())
        summary = json.loads(sim.lines('"sampled"')[-1])
        self.assertEqual(summary["acknowledged"], summary["sampled"])
        self.assertEqual(summary["dropped"], 0)
        self.assertTrue(harness.wait_until(
            lambda: sum(map(len, self.readings().values())) >= summary["sampled"], interval=0.2),
            "readings that were acknowledged are not at the broker")
        for device, seen in self.readings().items():
            self.assertEqual({seq for _, seq in seen}, set(range(len(seen))), device)
        return summary

    def readings(self):
        """Device -> its (boot, seq) at the broker."""
        found = collections.defaultdict(set)
        with self.subscriber.changed:
            topics = {topic: list(messages) for topic, messages in self.subscriber.topics.items()}
        for topic, messages in topics.items():
            if topic.endswith("/Reading"):
                for message in messages:
                    reading = json.loads(message.payload)
                    found[reading["device"]].add((reading["boot"], reading["seq"]))
        return found

    def payloads_of(self, suffix):
        """Device -> what came on that topic, last."""
        with self.subscriber.changed:
            levels = [(topic.split("/", 2), messages)
                      for topic, messages in self.subscriber.topics.items()]
        return {level[1]: messages[-1].payload for level, messages in levels
                if level[0] == "Pico" and level[2] == suffix}

    def gateway_of(self):
        """How many devices came last to each gateway, by its port."""
        counts = collections.Counter(self.payloads_of("Internal_Server/Port_address").values())
        return [counts[str(gateway.address[1])] for gateway in self.gateways]


class Addresses(Ward):
    def test_packaged_configuration_is_valid(self):
        done = subprocess.run([HAPROXY, "-c", "-f", os.path.join(
            harness.SOURCE, "packaging/haproxy/haproxy.cfg")], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_devices_keep_their_addresses(self):
        self.start()
        self.finish(self.ward())
        addresses = self.payloads_of("Ip_address")
        counts = collections.Counter(addresses.values())
        self.assertEqual(counts, {source: DEVICES // len(SOURCES) for source in SOURCES})
        peers = {event["device"]: event["peer"]
                 for gateway in self.gateways for event in gateway.events("identified")}
        ports = self.payloads_of("Port_address")
        self.assertEqual(peers, {device: "%s:%s" % (addresses[device], ports[device])
                                 for device in addresses})
        self.assertEqual(sum(self.gateway_of()), DEVICES)
        self.assertTrue(all(count > DEVICES // 4 for count in self.gateway_of()), self.gateway_of())
        for gateway in self.gateways:
            self.assertEqual(gateway.events("proxy-header-bad"), [])

    def test_other_headers_of_haproxy(self):
        device = self.registry.add("bed")
        self.gateway(0)
        self.gateway(1)
        for number, header in enumerate(("send-proxy", "send-proxy-v2 proxy-v2-options crc32c,ssl"), 31):
            self.balancer(header)
            source = "127.0.0.%d" % number
            done = subprocess.run([harness.tool("medsec-sim"), "--connect", "127.0.0.1:%d"
                                   % self.haproxy.port, "--credentials", device, "--source", source,
                                   "--count", "1"], capture_output=True, timeout=120)
            self.assertEqual(done.returncode, 0)
            self.assertTrue(self.subscriber.wait(
                lambda _: self.subscriber.payloads("Pico/bed/Ip_address")[-1:] == [source]), header)
            self.haproxy.stop()

    def test_gateway_that_is_not_ready_gets_nobody(self):
        self.gateway(0)
        self.gateway(1, broker="mqtt://127.0.0.1:%d" % harness.free_port())
        self.balancer()
        self.assertTrue(self.haproxy.wait_state("gateway-2", "DOWN"), self.haproxy.states())
        self.finish(self.ward())
        self.assertEqual(self.gateway_of(), [DEVICES, 0])

    def test_flood_from_one_address_shuts_nobody_out(self):
        self.start("--source-rate", "1", "--source-burst", str(BURST))
        with contextlib.ExitStack() as flood:
            for _ in range(FLOOD):
                flood.enter_context(socket.create_connection(
                    ("127.0.0.1", self.haproxy.port), timeout=harness.PATIENCE_S, source_address=(FLOODER, 0)))
            self.assertTrue(harness.wait_until(
                lambda: sum(map(self.limited, self.metrics)) >= FLOOD - 3 * BURST))
            self.finish(self.ward())
        refused = [event["peer"].split(":")[0] for gateway in self.gateways
                   for event in gateway.events("connection-refused")]
        self.assertEqual(set(refused), {FLOODER})

    @staticmethod
    def limited(metrics):
        with urllib.request.urlopen("http://127.0.0.1:%d/metrics" % metrics, timeout=5) as answer:
            return int(re.search(r"^medsec_connections_limited_total (\d+)", answer.read().decode(),
                                 re.MULTILINE).group(1))


class GatewaysComeAndGo(Ward):
    def sends(self):
        """All devices are heard again, from now on."""
        before = {device: len(seen) for device, seen in self.readings().items()}
        return harness.wait_until(
            lambda: all(len(seen) > before[device] for device, seen in self.readings().items()),
            interval=0.2)

    def test_gateway_is_killed(self):
        self.start()
        sim = self.ward()
        gone = self.gateway_of()[0]
        self.assertGreater(gone, 0)
        self.gateways[0].stop(signal.SIGKILL)
        self.processes.remove(self.gateways[0])
        self.assertTrue(harness.wait_until(lambda: self.gateway_of() == [0, DEVICES]),
                        self.gateway_of())
        self.assertTrue(self.sends())
        summary = self.finish(sim)
        print("%d of %d devices lost their gateway; %d readings, all acknowledged and at the broker"
              % (gone, DEVICES, summary["sampled"]))

    def test_rolling_restart(self):
        """The order of docs/deploy.md: one after the other, each ready before the next."""
        self.start()
        sim = self.ward()
        for number in (0, 1):
            self.assertEqual(self.gateways[number].stop(), 0)
            self.gateway(number)
            self.assertTrue(harness.wait_until(lambda: ready(self.metrics[number])))
            self.assertTrue(self.haproxy.wait_state("gateway-%d" % (number + 1), "UP"))
            self.assertTrue(self.sends())
        summary = self.finish(sim)
        print("both gateways restarted: %d readings, all acknowledged and at the broker"
              % summary["sampled"])

    def end_proxy(self, proxy):
        if proxy in self.processes:
            super().end_proxy(proxy)


if __name__ == "__main__":
    if HAPROXY is None:
        harness.skip("no haproxy")
    harness.main()
