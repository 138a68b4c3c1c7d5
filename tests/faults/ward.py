#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Healthy devices that measure how long an acknowledgement takes: each takes a reading when it is due,
whatever happens, sends it at once, and sends again what was not acknowledged on a new connection.

    ward.py --connect 127.0.0.1:9998 --credentials DIR [--rate 20] [--wait 60]

A line on standard input ends a window; one JSON object comes back for it: when the readings that were due
within it had been acknowledged, in milliseconds after they were due. Those that wait still count with
the time that they have waited. At the end of the input all readings are waited for, and a last object has for
each device what was sampled and what is acknowledged."""

import argparse
import glob
import json
import os
import select
import socket
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(1, os.path.join(HERE, "..", "interop"))
from medsec1 import Rejected
from medsec1.link import TIMEOUT, Closed
from medsec1_device import Device

RETRY_S = 0.25


class Patient:
    """A device with a thread of its own."""

    def __init__(self, device, address, period_s, offset_s):
        self.device, self.address, self.period_s = device, address, period_s
        self.offset_s = offset_s
        self.due = {}  # seq: when
        self.lock = threading.Lock()
        self.done = []  # latencies of this window, in seconds
        self.acknowledged = set()
        self.begin_ms = None
        self.connections = 0
        self.unsent = 0  # the first number that was not sent on this connection
        self.ends = threading.Event()
        self.gives_up = None
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        self.next_due = time.monotonic() + self.offset_s
        while not self.ends.is_set() or (self.due and time.monotonic() < self.gives_up):
            try:
                self.step()
            except (OSError, Closed, Rejected):
                self.device.close()
                self.wait_sampling(RETRY_S)
        self.device.close()

    def step(self):
        if not self.device.link:
            self.device.connect(self.address)
            self.connections += 1
            self.unsent = min(self.device.waiting, default=self.device.next_seq)
        self.sample()
        self.send()
        self.receive()

    def sample(self):
        now = time.monotonic()
        while self.next_due <= now and not self.ends.is_set():
            if self.begin_ms is None:
                self.begin_ms = self.device.utc_ms - round(1000 * self.next_due)
            # Its own clock from then on: what a gateway says later may be anything.
            seq, = self.device.sample(1, self.begin_ms + round(1000 * self.next_due))
            with self.lock:
                self.due[seq] = self.next_due
            self.next_due += self.period_s

    def wait_sampling(self, seconds):
        time.sleep(seconds)
        if self.device.utc_ms is not None:
            self.sample()

    def send(self):
        while self.unsent < self.device.next_seq:
            end = min(self.unsent + 20, self.device.next_seq)
            self.device.send_message(self.device.readings(range(self.unsent, end)))
            self.unsent = end

    def readable(self):
        """True when the gateway says something before the next reading is due."""
        wait = 0.05 if self.ends.is_set() else max(0.0, self.next_due - time.monotonic())
        return select.select([self.device.link.socket], [], [], wait)[0]

    def receive(self):
        if not self.readable():
            return
        self.device.receive(TIMEOUT)
        while self.device.link._unread:
            self.device.receive(TIMEOUT)
        self.note(time.monotonic())
        del self.device.link.sent[:], self.device.link.received[:], self.device.acks[:]

    def note(self, now):
        with self.lock:
            for seq in [seq for seq in self.due if seq not in self.device.waiting]:
                self.done.append(now - self.due.pop(seq))
                self.acknowledged.add(seq)

    def window(self):
        """Latencies since the last call; what still waits counts as what it is by now."""
        now = time.monotonic()
        with self.lock:
            done, self.done = self.done, []
            return done + [now - due for due in self.due.values() if now - due > self.period_s]


def finish(patients, wait_s):
    for patient in patients:
        patient.gives_up = time.monotonic() + wait_s
        patient.ends.set()
    for patient in patients:
        patient.thread.join()
    return {patient.device.id: {"boot": patient.device.boot, "sampled": patient.device.next_seq,
                                "connections": patient.connections,
                                "acknowledged": sorted(patient.acknowledged)}
            for patient in patients}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--connect", required=True)
    parser.add_argument("--credentials", required=True)
    parser.add_argument("--rate", type=float, default=20)
    parser.add_argument("--wait", type=float, default=60)
    options = parser.parse_args()
    host, port = options.connect.rsplit(":", 1)
    paths = sorted(glob.glob(os.path.join(options.credentials, "*.json")))
    period_s = 1 / options.rate
    patients = [Patient(Device.from_credential(path), (host, int(port)), period_s,
                        period_s * number / len(paths)) for number, path in enumerate(paths)]
    socket.setdefaulttimeout(TIMEOUT)
    for patient in patients:
        patient.thread.start()
    for _ in sys.stdin:
        latencies = [round(1000 * latency, 3) for p in patients for latency in p.window()]
        print(json.dumps(latencies), flush=True)
    print(json.dumps(finish(patients, options.wait)), flush=True)


if __name__ == "__main__":
    main()
