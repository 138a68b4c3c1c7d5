# SPDX-License-Identifier: Apache-2.0
"""The firmware as a program of this machine, with an emulated ESP8266 at its serial line: what
tests/twin/test_twin.py does with the chip, in a few seconds, and on both wires."""

import http.client
import json
import os
import shutil
import signal
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[1:1] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "interop")]
import harness
from medsec1 import setup

DEVICE = "iot_med_dev_01"
NETWORK, PASSWORD = "ward 7", "correct horse"
SERVER, PORT = "gateway.example", 9998
STEP = 30  # readings, a second and a half of them, to see that it goes on
ACCESS_POINT = {"event": "led", "blinks": 0}  # the page is there


class Module:
    """The ESP8266; it lives as long as its standard input."""

    def __init__(self, folder, address):
        self.path = os.path.join(folder, "serial")
        self.port = harness.free_port()
        program = os.path.join(harness.SOURCE, "firmware-port", "twin", "esp8266_socket.mjs")
        self.log = os.path.join(folder, "module.log")
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen(
                ["node", program, "--socket", self.path, "--network", NETWORK + ":" + PASSWORD,
                 "--host", "%s=%s:%d" % ((SERVER,) + address), "--access-port", str(self.port)],
                stdin=subprocess.PIPE, stdout=log, stderr=log)
        if not harness.wait_until(self.is_ready):
            raise RuntimeError("the emulated ESP8266 does not start")

    def is_ready(self):
        with open(self.log, encoding="utf-8") as log:
            return '"ready"' in log.read()

    def close(self):
        self.child.stdin.close()
        self.child.wait(harness.PATIENCE_S)


class DeviceTest(harness.GatewayTest):
    wire = ()

    def setUp(self):
        super().setUp()
        self.subscriber = self.start_broker()
        self.registry.keygen("add", DEVICE, "--uf2", "--out", self.folder, *self.wire)
        self.gateway = self.proxy("--publish", "reading")
        self.module = Module(self.folder, self.gateway.address)
        self.addCleanup(self.module.close)
        self.starts = 0
        self.device = None

    def start(self, *arguments):
        self.starts += 1
        self.device = harness.Process(
            [os.path.join(harness.BUILD, "firmware-port", "boards", "host", "medsec-device"),
             "--flash", os.path.join(self.folder, "flash"), "--serial", self.module.path,
             *arguments], os.path.join(self.folder, "device-%d.log" % self.starts))
        self.addCleanup(self.cut_power, self.device)

    def cut_power(self, device=None):
        device = device or self.device
        if device.alive():
            device.stop(signal.SIGKILL)

    def wait_modes(self, *modes):
        """The device has started into these modes, one after the other."""
        def seen():
            return [json.loads(line)["mode"] for line in self.device.lines('"start"')]
        harness.wait_until(lambda: len(seen()) >= len(modes) or not self.device.alive())
        self.assertEqual(seen(), list(modes), self.device.text())

    def wait_shown(self, event):
        """Whoever sits at the device has seen it since its last start."""
        def shown():
            lines = self.device.text().rpartition('"start"')[2].splitlines()[1:]
            return [json.loads(line) for line in lines]
        harness.wait_until(lambda: event in shown() or not self.device.alive())
        self.assertIn(event, shown(), self.device.text())

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection(harness.HOST, self.module.port,
                                                timeout=harness.PATIENCE_S)
        connection.request(method, path, body)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, content

    def key(self):
        return self.registry.keygen("setup-key", DEVICE).stdout.split()[-1].replace("-", "")

    def send_form(self, key, plain):
        status, content = self.ask("GET", "/setup")
        self.assertEqual(status, 200)
        nonce = bytes.fromhex(json.loads(content)["nonce"])
        form, answer_key = setup.seal(key, nonce, plain, os.urandom(16))
        return self.ask("POST", "/setup", form) + (answer_key,)

    def set_up(self):
        self.start("--drop", os.path.join(self.folder, DEVICE + ".uf2"), "--switch",
                   "configuration")
        self.wait_shown(ACCESS_POINT)
        plain = setup.plain(SERVER, PORT, NETWORK, PASSWORD)
        status, content, _ = self.send_form("0" * 20, plain)
        self.assertEqual((status, json.loads(content)), (403, {"error": "key", "tries": 4}))
        status, content, answer_key = self.send_form(self.key(), plain)
        self.assertEqual(status, 200)
        self.assertEqual(setup.open_answer(answer_key, content), setup.DONE)
        self.wait_modes("setup", "work")

    def readings(self):
        return [json.loads(text) for text in self.subscriber.payloads("Pico/%s/Reading" % DEVICE)]

    def goes_on(self):
        count = len(self.readings()) + STEP
        self.subscriber.wait_payloads("Pico/%s/Reading" % DEVICE, count)
        self.assertGreaterEqual(len(self.readings()), count, self.device.text())


class Medsec1Device(DeviceTest):
    def test_whole_way(self):
        self.set_up()
        self.goes_on()
        self.gateway.stop(signal.SIGKILL)
        self.gateway = self.proxy("--publish", "reading", "--listen",
                                  "%s:%d" % self.gateway.address)
        self.goes_on()
        self.cut_power()
        self.start("--switch", "configuration")  # the settings are fresh still
        self.wait_modes("work")
        self.goes_on()
        self.device.send(signal.SIGUSR1)
        self.wait_shown({"event": "switch", "position": "work"})
        self.goes_on()
        self.device.send(signal.SIGUSR2)
        self.wait_modes("work", "setup")
        self.check_readings()
        self.decommission()

    def check_readings(self):
        """Each start's from the first one on, in order, without a gap."""
        boots = {}
        for reading in self.readings():
            self.assertNotIn("suspect", reading)
            self.assertNotIn(None, reading["values"].values())
            boots.setdefault(reading["boot"], []).append(reading["seq"])
        self.assertEqual(len(boots), 2)
        self.assertEqual(len(set(boots)), 2)
        for sequences in boots.values():
            self.assertEqual(sorted(set(sequences)), list(range(len(set(sequences)))))

    def decommission(self):
        self.wait_shown(ACCESS_POINT)
        status, content, answer_key = self.send_form(self.key(), setup.decommission())
        self.assertEqual(status, 200)
        self.assertEqual(setup.open_answer(answer_key, content), setup.DONE)
        self.wait_modes("work", "setup", "halted")
        with open(os.path.join(self.folder, "flash"), "rb") as flash:
            self.assertEqual(flash.read().strip(b"\xff"), b"")


class SeedDevice(DeviceTest):
    wire = ("--wire", "seed")

    def test_whole_way(self):
        self.set_up()
        self.goes_on()


if __name__ == "__main__":
    if shutil.which("node") is None:
        harness.skip("no node")
    harness.main()
