# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks stand on: a broker, a gateway, a subscriber, devices in a registry."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[1:1] = [os.path.join(TOP, "tests", folder) for folder in ("support", "interop")]
import harness

MEASURED = {"fields": "Pico/+/Physiological_Data/Temperature", "reading": "Pico/+/Reading",
            "batch": "Pico/+/Readings"}
"""One message of each reading, or of each batch: what is counted."""


def set_up(build):
    harness.BUILD, harness.SOURCE = build, TOP


def end(reason):
    sys.exit(os.path.basename(sys.argv[0]) + ": " + reason)


def program(name):
    path = os.path.join(harness.BUILD, "bench", name)
    if not os.path.exists(path):
        end("no %s; build the release preset first" % path)
    return path


def run(*argv):
    """The JSON lines that a program prints."""
    done = subprocess.run([str(word) for word in argv], stdout=subprocess.PIPE, text=True,
                          check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


class Subscriber:
    """Counts what the broker delivers, in C: it must not be what limits."""

    def __init__(self, broker, topic):
        self.child = subprocess.Popen([program("bench_subscriber"), str(broker.port), topic],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.pid = self.child.pid
        self.count()

    def count(self):
        self.child.stdin.write("\n")
        self.child.stdin.flush()
        line = self.child.stdout.readline()
        return json.loads(line) if line else end("no subscription at the broker")

    def close(self):
        self.child.stdin.close()
        self.child.stdout.close()
        self.child.wait()


class Scene(contextlib.ExitStack):
    """A broker and a gateway for a number of devices. `groups` folders hold the credentials of as
    many each, for so many simulators: bench-0001 ..., bench-b-0001 ..."""

    def __init__(self, devices, wire="seed", *arguments, groups=1, broker=harness.Broker):
        super().__init__()
        self.folder = tempfile.mkdtemp(prefix="medsec-bench-")
        self.callback(shutil.rmtree, self.folder)
        self.registry = harness.Registry(self.folder)
        self.folders = [self.add_devices("bench" + "-%c" % (97 + i) * (i > 0), devices, wire)
                        for i in range(groups)]
        self.credentials = self.folders[0]
        self.broker = broker(self.folder)
        self.broker.start()
        self.callback(self.broker.stop)
        self.gateways = 0
        self.start_gateway(*arguments)

    def add_devices(self, name, count, wire):
        folder = os.path.join(self.folder, name)
        os.mkdir(folder)
        self.registry.keygen("add", name, "--wire", wire, "--count", str(count), "--out", folder)
        return folder

    def start_gateway(self, *arguments):
        self.gateways += 1
        log = os.path.join(self.folder, "proxy-%d.log" % self.gateways)
        self.gateway = harness.Proxy(self.registry, self.broker.url(), log,
                                     *(str(word) for word in arguments))
        self.callback(self.gateway.stop)
        if not harness.wait_until(lambda: self.gateway.events("broker-connected")):
            end("the gateway does not reach the broker")

    def paths(self):
        return [os.path.join(self.credentials, name)
                for name in sorted(os.listdir(self.credentials))]

    def subscribe(self, topic):
        subscriber = Subscriber(self.broker, topic)
        self.callback(subscriber.close)
        return subscriber

    def metrics(self):
        """What /metrics says, {name with labels: value}; the gateway has `--metrics`."""
        port = self.gateway.events("monitoring")[0]["port"]
        with urllib.request.urlopen("http://%s:%d/metrics" % (harness.HOST, port)) as answer:
            lines = answer.read().decode().splitlines()
        pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
        return {name: float(value) for name, value in pairs}
