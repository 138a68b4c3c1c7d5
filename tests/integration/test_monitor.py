#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What those who watch the gateway see: /metrics read by Prometheus' own parser, /healthz, /readyz."""

import http.client
import os
import re
import socket
import sys

sys.path += [os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", folder)
             for folder in ("support", "interop")]
import harness
from harness import HOST, GatewayTest, wait_until
from seed_device import reading

OPEN_METRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


class Monitor(GatewayTest):
    def watched(self, *arguments):
        proxy = self.proxy("--metrics", HOST + ":0", "--threads", "2", *arguments)
        self.port = proxy.events("monitoring")[0]["port"]
        return proxy

    def ask(self, path, method="GET", body=None):
        connection = http.client.HTTPConnection(HOST, self.port, timeout=harness.PATIENCE_S)
        try:
            connection.request(method, path, body)
            answer = connection.getresponse()
            return answer.status, answer.getheader("Content-Type"), answer.read().decode("ascii")
        finally:
            connection.close()

    def families(self):
        """All that the parser finds; it refuses what is not OpenMetrics."""
        from prometheus_client.openmetrics.parser import text_string_to_metric_families
        status, kind, text = self.ask("/metrics")
        self.assertEqual((status, kind), (200, OPEN_METRICS))
        return {family.name: family for family in text_string_to_metric_families(text)}

    def value(self, name, **labels):
        for family in self.families().values():
            for sample in family.samples:
                if sample.name == name and sample.labels == labels:
                    return sample.value
        return self.fail("no sample %s %s" % (name, labels))

    def wait_value(self, expected, name, **labels):
        self.assertEqual(wait_until(lambda: self.value(name, **labels) == expected and expected),
                         expected, name)

    def ready(self):
        status, _, text = self.ask("/readyz")
        return status, text

    def wait_ready(self, expected):
        wait_until(lambda: self.ready() == expected)
        self.assertEqual(self.ready(), expected)

    def test_metrics_count_what_happens(self):
        self.start_broker()
        device = self.device("dev-1")
        self.watched()
        self.wait_value(1, "medsec_broker_connected")
        device.connect(self.processes[0].address)
        for pulse in ("1.1", "1.2", "1.3"):
            device.send(reading(pulse))
        self.wait_value(3, "medsec_readings_total")
        with socket.create_connection(self.processes[0].address) as stranger:
            stranger.sendall(b"GET / HTTP/1.1\r\n\r\n")
            self.wait_value(1, "medsec_rejected_total", reason="wire")
        self.wait_value(1, "medsec_devices_connected")
        self.assertEqual(self.value("medsec_connections_accepted_total"), 2)
        self.assertEqual(self.value("medsec_registry_devices"), 1)
        self.assertEqual(self.value("medsec_broker_links"), 1)
        self.assertIn(self.value("medsec_broker_mqtt_version"), (4, 5))

    def test_every_family_has_type_and_help(self):
        self.watched()
        families = self.families()
        self.assertGreater(len(families), 40)
        for family in families.values():
            self.assertTrue(family.name.startswith("medsec_"), family.name)
            self.assertIn(family.type, ("counter", "gauge", "histogram", "info"))
            self.assertRegex(family.documentation, r"^[A-Z0-9].*\.$")
        self.assertEqual(len(families["medsec_durable_seconds"].samples), 18)

    def test_ready_while_the_broker_is_there(self):
        self.watched()
        away = (503, "the broker is away: nobody listens there, or the network does not lead there\n")
        self.wait_ready(away)
        self.assertEqual(self.ask("/healthz")[::2], (200, "ok\n"))
        self.broker.start()
        self.wait_ready((200, "ok\n"))
        self.broker.stop()
        self.wait_ready(away)
        self.assertEqual(self.ask("/healthz")[::2], (200, "ok\n"))

    def test_loops_turn(self):
        self.watched()
        self.assertLess(self.value("medsec_loop_stall_seconds"), 10)

    def test_other_requests(self):
        self.watched()
        self.assertEqual(self.ask("/")[0], 404)
        self.assertEqual(self.ask("/metrics/")[0], 404)
        self.assertEqual(self.ask("/metrics?name=x")[0], 200)
        self.assertEqual(self.ask("/metrics", "POST", "a body")[0], 405)
        self.assertEqual(self.ask("/healthz", "HEAD")[::2], (200, ""))
        self.assertEqual(self.ask("/healthz" + "x" * 10000)[0], 414)

    def test_many_who_say_nothing_end_and_others_are_answered(self):
        self.watched()
        silent = [socket.create_connection((HOST, self.port)) for _ in range(16)]
        for one in silent:
            self.addCleanup(one.close)
            one.settimeout(harness.PATIENCE_S)
        self.assertEqual(silent[0].recv(1), b"")
        self.assertEqual(wait_until(lambda: self.ask("/healthz")[0]), 200)

    def test_address_that_cannot_be_had(self):
        for address, words in (("127.0.0.1:99999", "must be an address and a port"),
                               ("%s:%d" % (HOST, self.taken()), "cannot serve metrics on")):
            with self.assertRaisesRegex(RuntimeError, re.escape(words)):
                self.proxy("--metrics", address)

    def taken(self):
        taken = socket.socket()
        self.addCleanup(taken.close)
        taken.bind((HOST, 0))
        taken.listen()
        return taken.getsockname()[1]


if __name__ == "__main__":
    try:
        import prometheus_client  # noqa: F401, it only has to be there
    except ImportError:
        harness.skip("no python3-prometheus-client")
    harness.main()
