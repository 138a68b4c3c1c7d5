#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A medsec/1 device in Python: a program, and for tests a device that can be made to misbehave.

As a program it sends readings and prints one JSON object a line for everything that happens:
    medsec1_device.py --connect 127.0.0.1:9998 --credentials FILE [--count N] [--batch N] [--boot N]

In a test, `connect()` gives an authenticated session. For hostile input its steps stand alone:
`open()` the socket, `hello()` makes a first record (with any key, psk, flags or payload),
`welcome()` reads the answer; then `link.send(bytes)`, `outgoing.seal(message)` and
`outgoing.seq = n` send anything, and `link.sent` is the recorded flight, record by record.
"""

import argparse
import base64
import json
import os
import struct
import sys
import time

sys.path.append(os.path.dirname(os.path.abspath(__file__)))
from medsec1 import Rejected, messages, noise, records
from medsec1.link import TIMEOUT, Closed, Link

PROLOGUE = b"medsec/1"
FROM_WELCOME = 1


def vitals(seq):
    """A reading that can be told from every other: thousandths, in the profile's columns."""
    return [36600 + seq % 700, seq % 9000, -500, 1000 - seq % 3, None if seq % 10 == 9 else 12,
            23700, 23400]


class Device:
    def __init__(self, device_id, static, psk, gateway_public, suite=records.CBC_HS256, boot=1):
        self.id, self.static, self.psk = device_id, static, psk
        self.gateway_public, self.suite, self.boot = gateway_public, suite, boot
        self.features = 0
        self.next_seq = 0
        self.waiting = {}  # seq: (time_ms, values), until the gateway acknowledges it
        self.sent_to = -1  # the last number sent on this connection
        self.acks, self.configs = [], []
        self.utc_ms = self.link = self.noise = self.outgoing = self.incoming = None

    @classmethod
    def from_credential(cls, path, static=None, **how):
        """`static` is for a credential whose private key only the device has."""
        with open(path, encoding="utf-8") as file:
            credential = json.load(file)

        def key(name):
            return base64.b64decode(credential[name], validate=True)

        return cls(credential["device"], static or noise.KeyPair(key("device_private")),
                   key("psk"), key("gateway_public"), records.SUITES[credential["suite"]], **how)

    def credential(self, path):
        """Writes the credential file of this device, for a program that reads one."""
        def text(data):
            return base64.b64encode(data).decode()

        suite = next(name for name, number in records.SUITES.items() if number == self.suite)
        with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
            json.dump({"format": "medsec-credential/1", "device": self.id, "wire": "medsec/1",
                       "suite": suite, "profile": "pico-vitals",
                       "device_private": text(self.static.private),
                       "device_public": text(self.static.public), "psk": text(self.psk),
                       "gateway_public": text(self.gateway_public)}, file)
        return path

    def topic(self, suffix):
        return "Pico/%s/%s" % (self.id, suffix)

    def open(self, address, source=None):
        """A connection on which nothing was sent yet."""
        self.close()
        self.link = Link.to(address, source)
        return self.link

    def hello(self, flags=None, payload=None, ephemeral=None, prologue=None):
        """The first record; what is not given is as it should be."""
        flags = records.handshake_flags(self.suite) if flags is None else flags
        prologue = PROLOGUE + bytes([flags]) if prologue is None else prologue
        self.noise = noise.Initiator(prologue, self.static, self.gateway_public, self.psk,
                                     ephemeral)
        if payload is None:
            payload = struct.pack(">II", self.boot, self.features)
        return records.record(records.HELLO, flags, self.noise.write(payload))

    def welcome(self, body):
        """Takes the body of the gateway's answer; both directions are there afterwards."""
        self.utc_ms, = struct.unpack(">Q", self.noise.read(body))
        send, receive = self.noise.keys()
        self.outgoing = records.Direction(self.suite, send)
        self.incoming = records.Direction(self.suite, receive)
        self.sent_to = -1
        return self.utc_ms

    def connect(self, address, source=None, ephemeral=None):
        """A session; nothing is sent on it yet."""
        self.open(address, source)
        self.link.send(self.hello(ephemeral=ephemeral))
        self.welcome(self.link.expect(records.WELCOME, records.handshake_flags(self.suite)))
        return self

    def send_message(self, message):
        """Seals and sends a message: one of messages.*, or bytes as they are."""
        data = message if isinstance(message, bytes) else messages.encode(message)
        self.link.send(self.outgoing.seal(data))
        if isinstance(message, messages.Readings):
            self.sent_to = max(self.sent_to, message.first_seq + len(message.rows) - 1)

    def sample(self, count=1, time_ms=None, interval_ms=50):
        """Takes readings; they wait until they are acknowledged. Returns their numbers."""
        time_ms = self.utc_ms if time_ms is None else time_ms
        taken = range(self.next_seq, self.next_seq + count)
        for step, seq in enumerate(taken):
            self.waiting[seq] = (time_ms + step * interval_ms, vitals(seq))
        self.next_seq += count
        return taken

    def readings(self, seqs):
        """The message that carries these waiting readings, which follow each other."""
        seqs = list(seqs)
        base = self.waiting[seqs[0]][0]
        rows = [(self.waiting[seq][0] - base, self.waiting[seq][1]) for seq in seqs]
        return messages.Readings(self.boot, seqs[0], base, FROM_WELCOME, messages.PROFILE, rows)

    def send_waiting(self, batch=20):
        """Sends all that is not acknowledged, in order, at most `batch` readings a record."""
        group = []
        for seq in sorted(self.waiting):
            if group and (seq != group[-1] + 1 or len(group) == batch):
                self.send_message(self.readings(group))
                group = []
            group.append(seq)
        if group:
            self.send_message(self.readings(group))

    def receive(self, timeout=TIMEOUT):
        """The next message from the gateway. An ACK frees readings; a CONFIG is kept."""
        message = messages.decode(self.incoming.open(self.link.expect(records.DATA, 0, timeout)),
                                  messages.FROM_GATEWAY)
        if isinstance(message, messages.Ack):
            if message.boot != self.boot or message.seq > self.sent_to:
                raise Rejected("acknowledges what was not sent")
            self.acks.append(message)
            self.waiting = {seq: row for seq, row in self.waiting.items() if seq > message.seq}
        elif isinstance(message, messages.Config):
            self.configs.append(message)
        return message

    def wait_acknowledged(self, timeout=TIMEOUT):
        """Reads until nothing waits any more."""
        end = time.monotonic() + timeout
        while self.waiting:
            self.receive(max(0.01, end - time.monotonic()))

    def closed_by_peer(self, timeout=TIMEOUT):
        return self.link.closed_by_peer(timeout)

    def close(self):
        if self.link:
            self.link.close()
            self.link = None


def say(event, **members):
    print(json.dumps({"event": event, **members}), flush=True)


def run(device, options):
    host, port = options.connect.rsplit(":", 1)
    device.connect((host, int(port)))
    say("session", utc_ms=device.utc_ms)
    for at in range(0, options.count, options.batch):
        device.sample(min(options.batch, options.count - at))
        device.send_waiting(options.batch)
        while device.waiting:
            message = device.receive()
            say(type(message).__name__, **message._asdict())
            if isinstance(message, messages.Config):
                device.send_message(messages.ConfigAck(message.version, 0))
    device.send_message(messages.Close(0))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--connect", required=True)
    parser.add_argument("--credentials", required=True)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--batch", type=int, default=20)
    parser.add_argument("--boot", type=int, default=1)
    options = parser.parse_args()
    device = Device.from_credential(options.credentials, boot=options.boot)
    try:
        run(device, options)
    except (OSError, Closed, Rejected) as error:
        sys.exit("medsec1_device.py: %s" % error)


if __name__ == "__main__":
    main()
