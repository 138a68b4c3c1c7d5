#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Many devices for a long time, with a fault every 20 seconds: nothing is lost, and the gateway takes
no more memory and no more descriptors at the end than at the beginning. A second gateway on the same
port is killed now and then, and the first one takes its devices.

One JSON object a line: each fault, a sample of the gateway a minute, and the verdict. Status 1 when
something was lost or grew, 2 when it could not be found out."""

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(1, os.path.join(HERE, "..", "support"))
import fleet
import harness

RAMP = 500  # connections a second
WARM = 40  # devices that come first
SAMPLE_S = 1
GROWTH_KIB, GROWTH = 1024, 1.02  # of memory, that is none: what allocators move about
MARGIN_S = 120  # for the last acknowledgements


class Soak(contextlib.ExitStack):
    """A broker, a gateway, a fleet, and what befalls them."""

    def __init__(self, options, tell):
        super().__init__()
        self.options, self.tell = options, tell
        self.random = random.Random(options.seed)
        self.folder = tempfile.mkdtemp(prefix="medsec-soak-")
        self.callback(shutil.rmtree, self.folder, True)
        self.samples, self.bag = [], []
        self.guests = self.faults = 0
        self.begin()

    def path(self, name):
        return os.path.join(self.folder, name)

    def begin(self):
        options = self.options
        self.registry = harness.Registry(self.folder)
        self.registry.keygen("add", "ward", "--count", str(options.devices), "--out",
                             self.path("ward"))
        self.broker = harness.Broker(self.folder)
        self.broker.start()
        self.callback(self.broker.stop)
        self.gateway = self.start_gateway("first")
        self.second = self.start_gateway("second")
        self.tally = fleet.Tally(self.broker, "Pico/+/Readings", self.path("tally"))
        self.callback(self.tally.stop)
        self.warm_up()
        self.unladen = self.descriptors()
        self.simulator = fleet.Simulator(
            self.gateway.address, self.path("ward"), self.path("sim"), "--rate", options.batch,
            "--batch", options.batch, "--ring", 250 * options.batch, "--ramp", RAMP, "--patience",
            600, "--wait", MARGIN_S, "--storm", "%d@%g" % (options.devices // 10 + 1,
                                                           1.7 * options.every),
            "--outage", "%g@%g" % (options.every / 10, 5.3 * options.every), "--outage-cuts")
        self.callback(lambda: self.simulator.alive() and self.simulator.stop(signal.SIGKILL))
        if not self.tally.wait("starts", self.first["devices"] + options.devices,
                               MARGIN_S + options.devices / RAMP):
            raise RuntimeError("not all devices are heard")

    def start_gateway(self, name):
        where = "%s:%d" % (self.gateway.address if name == "second" else (harness.HOST, 0))
        spool = ["--spool", self.path(name + "-spool")] if self.options.spool else []
        gateway = harness.Proxy(
            self.registry, self.broker.url(), self.path(name + ".log"), "--listen", where, "--name",
            name, "--publish", "batch", "--mqtt-client", self.options.client, "--source-burst",
            "20000", *spool)
        self.callback(self.end_gateway, gateway)
        return gateway

    def warm_up(self):
        """Each loop has had a connection: it keeps a descriptor in reserve from then on."""
        if not harness.wait_until(lambda: self.gateway.events("broker-connected")):
            raise RuntimeError("the gateway does not reach the broker")
        sockets = self.gateway.sockets()
        first = fleet.Simulator(self.gateway.address, self.path("ward"), self.path("first"),
                                "--devices", min(WARM, self.options.devices), "--count", 1,
                                "--wait", MARGIN_S)
        self.first = first.wait(2 * MARGIN_S)
        if self.first["code"] != 0 or not self.tally.wait("readings", self.first["sampled"],
                                                          MARGIN_S):
            raise RuntimeError("the gateways do not serve:\n" + self.gateway.text()[-2000:])
        harness.wait_until(lambda: self.gateway.sockets() <= sockets)

    def end_gateway(self, gateway):
        if gateway.alive():
            gateway.send(signal.SIGCONT)
            gateway.stop()

    def descriptors(self):
        return len(os.listdir("/proc/%d/fd" % self.gateway.pid))

    def threads(self):
        return len(os.listdir("/proc/%d/task" % self.gateway.pid))

    def sample(self, at_s):
        self.samples.append({"at_s": round(at_s, 1),
                             "resident_kib": fleet.resident_kib([self.gateway.pid]),
                             "descriptors": self.descriptors(), "threads": self.threads()})

    def some(self, least, most):
        """Seconds of a fault, as long as the next one leaves time for."""
        return self.random.uniform(least, most) * self.options.every / 20

    # What befalls them: each returns what it did, for the record.

    def broker_restarts(self):
        pause = self.some(0, 6)
        self.broker.stop()
        time.sleep(pause)
        self.broker.start()
        return {"away_s": round(pause, 1)}

    def broker_hangs(self):
        return self.hang(self.broker.process)

    def gateway_hangs(self):
        return self.hang(self.gateway)

    def hang(self, process):
        pause = self.some(1, 6)
        process.send(signal.SIGSTOP)
        time.sleep(pause)
        process.send(signal.SIGCONT)
        return {"hung_s": round(pause, 1)}

    def gateway_is_killed(self):
        self.second.stop(signal.SIGKILL)
        pause = self.some(0, 4)
        time.sleep(pause)
        self.second = self.start_gateway("second")
        return {"away_s": round(pause, 1)}

    def registry_changes(self):
        """A guest comes and the last one goes."""
        if self.guests > 0:
            self.registry.keygen("revoke", "guest-%d" % self.guests)
        self.guests += 1
        self.registry.keygen("add", "guest-%d" % self.guests, "--out", self.folder)
        self.gateway.send(signal.SIGHUP)
        return {"guest": self.guests}

    def strangers(self, count, words):
        """Connections that say something that is nothing, or nothing at all."""
        with contextlib.ExitStack() as open_ones:
            for _ in range(count):
                stranger = open_ones.enter_context(socket.socket())
                stranger.bind(("127.0.0.66", 0))
                stranger.settimeout(5)
                try:
                    stranger.connect(self.gateway.address)
                    stranger.sendall(words())
                except OSError:
                    pass  # refused, or closed already: as it should be
            time.sleep(self.some(0.5, 3))
        return {"strangers": count}

    def garbage(self):
        return self.strangers(200, lambda: self.random.randbytes(self.random.randrange(1, 4000)))

    def silence(self):
        return self.strangers(400, lambda: b"")

    def half_a_greeting(self):
        return self.strangers(200, lambda: bytes((0xA1, 0x11, 0, 104)) + self.random.randbytes(50))

    def next_fault(self):
        """All come in turn, each time in another order. The first one lets the gateway that is watched
        have all devices."""
        if not self.bag:
            self.bag = [self.gateway_is_killed, self.broker_restarts, self.broker_hangs,
                        self.gateway_hangs, self.registry_changes, self.garbage, self.silence,
                        self.half_a_greeting]
            self.random.shuffle(self.bag)
        return self.gateway_is_killed if self.faults == 0 else self.bag.pop()

    def befall(self):
        fault = self.next_fault()
        self.faults += 1
        begin = time.monotonic()
        what = fault()
        self.tell({"soak": "fault", "fault": fault.__name__, **what,
                   "took_s": round(time.monotonic() - begin, 1)})

    def run(self):
        begin = time.monotonic()
        end, next_fault, next_word = begin + self.options.seconds, begin, begin
        while time.monotonic() < end or self.faults < self.options.faults:
            if time.monotonic() >= next_fault and (end - time.monotonic() > self.options.every / 2 or
                                                   self.faults < self.options.faults):
                next_fault += self.options.every
                self.befall()
            self.sample(time.monotonic() - begin)
            if time.monotonic() >= next_word:
                next_word += 60
                self.tell({"soak": "sample", **self.samples[-1], **self.tally.now()})
            if not self.simulator.alive() or not self.gateway.alive():
                raise RuntimeError("ended before its time:\n" + self.simulator.text()[-1000:] +
                                   self.gateway.text()[-2000:])
            time.sleep(SAMPLE_S)

    def verdict(self):
        summary = self.simulator.finish(2 * MARGIN_S)
        tally = self.tally.finish()
        tally["readings"] -= self.first["sampled"]
        harness.wait_until(lambda: self.descriptors() <= self.unladen, MARGIN_S, 0.2)
        row = {"soak": "verdict", "seconds": self.options.seconds,
               "devices": self.options.devices, "sampled": summary["sampled"],
               "skipped": summary["skipped"],
               "acknowledged": summary["acknowledged"], "at_the_broker": tally["readings"],
               "unacknowledged": summary["unacknowledged"], "dropped": summary["dropped"],
               "missing": tally["missing"], "repeated": tally["repeated"],
               "disordered": tally["disordered"], "strange": tally["strange"],
               "cut": summary["cut"], "closed": summary["closed"], "faults": summary["faults"],
               "lost": max(0, summary["acknowledged"] - tally["readings"]),
               "descriptors_before": self.unladen, "descriptors_after": self.descriptors(),
               **grown(self.samples)}
        row["ok"] = is_good(row, self.options)
        return row


def grown(samples):
    """The last two thirds of a run, their first quarter against their last: the median, as a fault
    fills queues for a while, and the fewest descriptors."""
    late = samples[len(samples) // 3:]
    quarter = max(1, len(late) // 4)
    first, last = late[:quarter], late[-quarter:]

    def median(part):
        return round(statistics.median(sample["resident_kib"] for sample in part))

    def least(part, what):
        return min(sample[what] for sample in part)

    return {"resident_kib_before": median(first), "resident_kib_after": median(last),
            "resident_kib_most": max(sample["resident_kib"] for sample in samples),
            "threads_before": least(first, "threads"), "threads_after": least(last, "threads")}


def is_good(row, options):
    whole = (row["sampled"] == row["acknowledged"] == row["at_the_broker"] and
             row["sampled"] + row["skipped"] >
             options.devices * options.batch * options.seconds / 2 and
             not any(row[name] for name in ("unacknowledged", "dropped", "missing", "lost",
                                            "strange")) and
             (row["disordered"] == 0 or options.spool))  # each gateway has a spool of its own
    calm = (row["descriptors_after"] <= row["descriptors_before"] and
            row["threads_after"] <= row["threads_before"])
    flat = row["resident_kib_after"] <= max(row["resident_kib_before"] * GROWTH,
                                            row["resident_kib_before"] + GROWTH_KIB)
    return whole and calm and (flat or options.any_memory)


def soak(options, tell):
    """Runs it; returns the verdict."""
    with Soak(options, tell) as run:
        run.run()
        return run.verdict()


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=os.path.abspath,
                        default=os.path.join(HERE, "..", "..", "build", "release"))
    parser.add_argument("--seconds", type=float, default=1800, help="length of the run")
    parser.add_argument("--devices", type=int, default=5000)
    parser.add_argument("--batch", type=int, default=4,
                        help="readings a second of a device, which are one message")
    parser.add_argument("--every", type=float, default=20, help="seconds from fault to fault")
    parser.add_argument("--faults", type=int, default=0, help="at least so many, however long it takes")
    parser.add_argument("--client", default="mosquitto", choices=("paho", "mosquitto"))
    parser.add_argument("--spool", action="store_true", help="with a spool")
    parser.add_argument("--seed", type=int, default=20261121, help="decides the faults")
    parser.add_argument("--any-memory", action="store_true",
                        help="memory may grow: for builds with sanitizers")
    return parser.parse_args()


def main():
    options = arguments()
    harness.BUILD, harness.SOURCE = os.path.abspath(options.build), os.path.join(HERE, "..", "..")
    try:
        verdict = soak(options, lambda row: print(json.dumps(row), flush=True))
    except (RuntimeError, OSError, subprocess.SubprocessError) as error:
        print("soak: %s" % error, file=sys.stderr)
        sys.exit(2)
    print(json.dumps(verdict), flush=True)
    sys.exit(0 if verdict["ok"] else 1)


if __name__ == "__main__":
    main()
