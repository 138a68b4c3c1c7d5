# SPDX-License-Identifier: Apache-2.0
"""What every fault is done to: a broker, a gateway, a fleet that sends, a ward of healthy devices that
measures; and the books that are kept of it."""

import json
import math
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[1:1] = [os.path.join(HERE, "..", folder) for folder in ("support", "interop")]
import harness
import mqtt
from harness import PATIENCE_S
from page import Page

FLEET, FLEET_RATE_HZ, FLEET_BATCH = 20, 20, 5
WARD, WARD_RATE_HZ = 10, 20
FINISH_S = 180  # for the last acknowledgement, when the fault is over
SETTLE_S = 0.5
SETTLE_MAX_S = 180
SETTLED_MS = 250  # the ward's p99 before anything is measured
CALM_S = 10  # a machine that does not let the ward be so quick by then will not


def quantile(values, share):
    """The smallest value that `share` of them do not exceed; None of nothing."""
    values = sorted(values)
    return values[max(0, math.ceil(len(values) * share) - 1)] if values else None


class Ward(harness.Process):
    """ward.py, which measures in windows."""

    def __init__(self, address, folder):
        self.child = subprocess.Popen(
            [sys.executable, os.path.join(HERE, "ward.py"), "--connect", "%s:%d" % address,
             "--credentials", folder, "--rate", str(WARD_RATE_HZ), "--wait", str(FINISH_S)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.pid = self.child.pid

    def window(self):
        """Milliseconds for each reading since the last call."""
        self.child.stdin.write("\n")
        self.child.stdin.flush()
        return json.loads(self.child.stdout.readline())

    def finish(self):
        out, _ = self.child.communicate(timeout=2 * FINISH_S)
        return json.loads(out.splitlines()[-1])

    def text(self):
        return ""


class Gateway(harness.Process):
    """medsec-proxy on a port that it keeps when it is started again."""

    def __init__(self, argv, port, output, environment):
        self.port = port
        super().__init__(argv + ["--listen", "%s:%d" % (harness.HOST, port)], output,
                         env=environment)

    def accepts(self):
        import socket
        try:
            socket.create_connection((harness.HOST, self.port), timeout=1).close()
            return True
        except OSError:
            return False


class Scene:
    """`row` of the table is what `close()` leaves. Everything random comes from `seed`."""

    MOSQUITTO, TAPPED, OBEDIENT = "mosquitto", "tapped", "obedient"

    def __init__(self, setup, seed):
        self.setup, self.random = setup, random.Random(seed)
        self.folder = tempfile.mkdtemp(prefix="medsec-faults-")
        self.processes, self.closers = [], []
        self.broker = self.subscriber = self.gateway = self.spool = None
        self.deaths = self.starts = 0  # of the gateway; deaths that nobody meant
        self.supervised, self.expected = threading.Event(), threading.Lock()
        self.died_of = set()  # exit statuses; negative: signals
        self.may_die = False  # by the fault
        self.keeps = False  # the sessions of healthy devices, whatever is done
        self.environment, self.arguments, self.page = None, [], None
        self.quiet, self.during, self.recovery_s = [], [], 0.0
        self.notes = {}

    # Beginning

    def open(self, broker=MOSQUITTO, arguments=(), preload=False, log=None, fleet=()):
        self.registry = harness.Registry(self.folder)
        fleet_folder, ward_folder = (os.path.join(self.folder, name) for name in ("fleet", "ward"))
        self.registry.keygen("add", "fleet", "--count", str(FLEET), "--out", fleet_folder)
        self.registry.keygen("add", "ward", "--count", str(WARD), "--out", ward_folder)
        self.open_broker(broker)
        if preload:
            self.page = Page(os.path.join(self.folder, "page"), self.setup.preload)
            self.environment = self.page.environment()
            arguments = [*arguments, "--sandbox", "off"]  # the library makes calls of its own
        self.arguments = ["--publish", "reading", "--mqtt-client", self.setup.client, *arguments]
        self.log = log or os.path.join(self.folder, "gateway.log")
        self.port = harness.free_port()
        self.address = (harness.HOST, self.port)
        self.start_gateway()
        self.supervisor = threading.Thread(target=self.supervise)
        self.supervisor.start()
        self.sim = self.simulator(fleet_folder, *fleet)
        self.ward = Ward(self.address, ward_folder)
        self.processes.append(self.ward)
        self.settle()
        return self

    def open_broker(self, kind):
        self.kind = kind
        if kind == self.OBEDIENT:
            self.broker = mqtt.ObedientBroker()
            self.closers.append(self.broker.close)
            self.url, self.readings = self.broker.url(), self.broker.readings
            return
        self.broker = harness.Broker(self.folder).start()
        self.closers.append(self.broker.stop)
        self.url, self.readings = self.broker.url(), None
        if kind == self.TAPPED:
            self.tap = mqtt.Tap((harness.HOST, self.broker.port))
            self.closers.append(self.tap.close)
            self.url, self.readings = self.tap.url(), self.tap.readings
        else:
            self.subscriber = harness.Subscriber(self.broker, "Pico/+/Reading", session="kept")
            self.closers.append(self.subscriber.close)

    def start_gateway(self):
        argv = [harness.tool("medsec-proxy"), "--registry", self.registry.path, "--broker",
                self.url, "--log-format", "json", "--name", "faults", *self.arguments]
        self.gateway = Gateway(argv, self.port, self.log, self.environment)
        self.starts += 1
        if not harness.wait_until(lambda: self.gateway.accepts() or not self.gateway.alive()):
            raise RuntimeError("medsec-proxy does not listen")

    def supervise(self):
        """What a service manager does: a gateway that died is started again."""
        while not self.supervised.wait(0.1):
            with self.expected:
                if not self.gateway.alive():
                    self.deaths += 1
                    self.died_of.add(self.gateway.child.returncode)
                    if self.page:
                        self.page.fail_memory(0)
                    self.start_gateway()

    def simulator(self, folder, *arguments, boot=1):
        """A fleet of the library's own device."""
        summary = os.path.join(self.folder, "sim-%d.json" % len(self.processes))
        sim = harness.Process(
            [harness.tool("medsec-sim"), "--connect", "%s:%d" % self.address, "--credentials",
             folder, "--rate", str(FLEET_RATE_HZ), "--batch", str(FLEET_BATCH), "--ring", "20000",
             "--patience", "600", "--wait", str(FINISH_S), "--boot", str(boot), "--json",
             *arguments], summary)
        self.processes.append(sim)
        return sim

    def settle(self):
        """Until the healthy devices are served as usual; where the machine may be busy, until nothing
        waits that was due before."""
        begin, window, passed_s = time.monotonic(), [], 0.0
        while not window or quantile(window, 0.99) > SETTLED_MS:
            if self.setup.may_be_busy and passed_s > CALM_S and window and (
                    max(window) < 1000 * (passed_s - SETTLE_S)):
                break
            if passed_s > SETTLE_MAX_S:
                raise RuntimeError("the ward is not served: %s" % window)
            self.ward.window()
            time.sleep(SETTLE_S)
            window = self.ward.window()
            passed_s = time.monotonic() - begin
        return passed_s - SETTLE_S

    # Measuring

    def watch(self, book, seconds, act=None):
        """A window of the ward's latencies into a book, while `act()` is done."""
        self.ward.window()
        end = time.monotonic() + seconds
        if act:
            act()
        time.sleep(max(0.0, end - time.monotonic()))
        book += self.ward.window()

    def rounds(self, act):
        """Quiet and not, in turn, so that what else the machine does is in both."""
        for _ in range(self.setup.rounds):
            self.watch(self.quiet, self.setup.window_s)
            self.watch(self.during, self.setup.window_s, act)
            self.recovery_s = max(self.recovery_s, self.settle())

    def pause(self, least, most):
        time.sleep(self.random.uniform(least, most))

    # The gateway

    def kill_gateway(self):
        with self.expected:
            self.gateway.stop(signal.SIGKILL)
            self.pause(0, 0.2)
            self.start_gateway()

    def restart_broker(self):
        """Mosquitto's process is killed, and started again after a while."""
        self.broker.process.stop(signal.SIGKILL)
        self.broker.process = None
        self.pause(0.05, 0.3)
        self.wait_spooled()
        self.broker.start()

    def wait_spooled(self):
        """A spool, if there is one, has been begun."""
        harness.wait_until(lambda: not self.spool or self.gateway_log("spool-begin"), interval=0.05)

    def simulator_of(self, count, *arguments, add=()):
        """Another fleet, of devices that are not in the books."""
        folder = os.path.join(self.folder, "others-%d" % len(self.processes))
        self.change("add", os.path.basename(folder), "--count", str(count), "--out", folder, *add)
        return self.simulator(folder, *arguments)

    def change(self, *arguments):
        """Changes the registry, and waits until the gateway goes by it."""
        before = len(self.gateway_log("registry-loaded"))
        self.registry.keygen(*arguments)
        if not harness.wait_until(lambda: len(self.gateway_log("registry-loaded")) > before,
                                  PATIENCE_S, 0.05):
            self.notes["changes of the registry not seen"] = 1

    def gateway_log(self, event):
        return self.gateway.lines('"%s"' % event)

    def attack(self, kind, *arguments):
        """Runs an attacker for a window; its figures are added up in the notes."""
        done = subprocess.run(
            [sys.executable, os.path.join(HERE, "attack.py"), kind, "--connect",
             "%s:%d" % self.address, "--seconds", str(self.setup.window_s - 0.3), "--seed",
             str(self.random.randrange(1 << 30)), *arguments],
            stdout=subprocess.PIPE, text=True, check=True, timeout=FINISH_S)
        for name, count in json.loads(done.stdout).items():
            self.notes[name] = self.notes.get(name, 0) + count

    # The end

    def finish(self):
        """Stops sending, waits for acknowledgements, and makes the row."""
        ward = self.ward.finish()
        self.sim.stop(signal.SIGTERM, 2 * FINISH_S)
        sim = json.loads(self.sim.lines('"sampled"')[-1])
        # A spool acknowledges what it will deliver later.
        harness.wait_until(lambda: self.missing(ward, sim)[0] == 0, FINISH_S, 0.5)
        self.wait_quiet()
        lost, published, readings = self.missing(ward, sim)
        return {"sent": sim["sampled"] + sum(one["sampled"] for one in ward.values()),
                "acknowledged": sim["acknowledged"] + sum(len(one["acknowledged"])
                                                          for one in ward.values()),
                "published": published, "lost": lost,
                "repeated": sum(map(readings.count_of, self.devices(ward))) - published,
                "quiet": self.quiet, "during": self.during, "recovery_s": self.recovery_s,
                "deaths": self.deaths, "died_of": sorted(self.died_of), "may_die": self.may_die,
                "keeps": self.keeps,
                "starts": self.starts, "notes": self.notes,
                "reconnects": sum(one["connections"] - 1 for one in ward.values())}

    @staticmethod
    def devices(ward):
        return ["fleet-%04d" % number for number in range(1, FLEET + 1)] + list(ward)

    def missing(self, ward, sim):
        """How many acknowledged readings are not published, how many are, and all of them."""
        readings = self.readings or self.subscribed()
        of_ward = {device: readings.of(device, one["boot"]) for device, one in ward.items()}
        fleet = [readings.of(device, sim["boot"]) for device in self.devices({})]
        lost = sum(len(set(one["acknowledged"]) - of_ward[device]) for device, one in ward.items())
        published = sum(map(len, fleet)) + sum(map(len, of_ward.values()))
        return lost + self.fleet_lost(sim, fleet), published, readings

    @staticmethod
    def fleet_lost(sim, fleet):
        """Of the fleet only sums are known. A device's acknowledged readings are its first ones, so a gap
        is a loss, and so is what the sum of the acknowledged has over the sum of the published."""
        gaps = sum(max(seqs) + 1 - len(seqs) for seqs in fleet if seqs)
        return gaps + max(0, sim["acknowledged"] - sum(map(len, fleet)) - gaps)

    def subscribed(self):
        readings = mqtt.Readings()
        with self.subscriber.changed:
            for message in self.subscriber.messages:
                readings.add(message.payload)
        return readings

    def count(self):
        return self.readings.total() if self.readings else len(self.subscriber.messages)

    def wait_quiet(self):
        """Until the broker has delivered what it has."""
        count = -1
        while count != self.count():
            count = self.count()
            time.sleep(0.5)

    def close(self):
        self.supervised.set()
        if self.gateway:
            self.supervisor.join()
            self.processes.append(self.gateway)
        for process in self.processes:
            if process.alive():
                process.child.kill()
                process.child.wait()
        for close in reversed(self.closers):
            close()
        if self.setup.keep:
            print("kept: " + self.folder, file=sys.stderr)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)
