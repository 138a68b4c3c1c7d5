#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A medsec/1 gateway in Python: a program, and for tests a gateway that can be made to misbehave.

As a program it takes readings, acknowledges them, and prints one JSON object a line:
    medsec1_gateway.py --gateway-key FILE --credentials FILE... [--listen 127.0.0.1:9998]
(the key file holds 32 bytes; --new-key writes one, and its public key goes into the credentials)

In a test, `Gateway` accepts connections on threads of its own and keeps them in `connections`, each
with its `link`, keys and what came over it. `acknowledge = False` takes readings without a word,
`patience = n` cuts every connection after n messages; a subclass may change any step of a Connection.
"""

import argparse
import base64
import json
import os
import socket
import struct
import sys
import threading
import time

sys.path.append(os.path.dirname(os.path.abspath(__file__)))
from medsec1 import Rejected, messages, noise, records
from medsec1.link import Closed, Link
from medsec1_device import PROLOGUE, say


class Identity:
    """A device as the registry has it. `keys`: (public key, psk), the current and perhaps a
    pending pair."""

    def __init__(self, device_id, public, psk, suite=records.CBC_HS256):
        self.id, self.suite, self.keys = device_id, suite, [(public, psk)]

    @classmethod
    def of(cls, device):
        return cls(device.id, device.static.public, device.psk, device.suite)

    def rotate(self, public, psk):
        self.keys[1:] = [(public, psk)]

    def psks(self, public):
        return [psk for known, psk in self.keys if known == public]

    def proven(self, public, psk):
        """The first DATA record of a session under this pair opened."""
        if (public, psk) not in self.keys:
            raise Rejected("keys that were rotated away")
        self.keys = [(public, psk)] if self.keys[0] != (public, psk) else self.keys


class Connection:
    """One connection and its thread. `messages` is what came; `published` what is new in it:
    (boot, seq, time_ms, values)."""

    def __init__(self, gateway, accepted):
        self.gateway, self.link = gateway, Link(accepted)
        self.identity = self.public = self.psk = self.outgoing = self.incoming = None
        self.boot = self.features = self.reason = None
        self.messages, self.published = [], []
        self.proven, self.finished = False, False
        self.acked = {}  # boot: the last number acknowledged
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        try:
            self.handshake()
            self.gateway.note()
            while not self.finished:
                self.take(self.link.expect(records.DATA, 0, None))
        except (Rejected, Closed, OSError) as problem:
            self.reason = problem
        finally:
            self.link.shutdown()
            self.link.close()
            self.gateway.note()

    def handshake(self):
        kind, flags, body = self.link.receive(None)
        if kind != records.HELLO or flags >> 4 != records.VERSION:
            raise Rejected("not a HELLO")
        responder = noise.Responder(PROLOGUE + bytes([flags]), self.gateway.static,
                                    self.gateway.ephemeral)
        self.public = responder.read_static(body)
        self.identity = self.gateway.find(self.public)
        if self.identity.suite != flags & 15:
            raise Rejected("another suite")
        payload, self.psk = responder.read_payload(self.identity.psks(self.public))
        if len(payload) != 8:
            raise Rejected("payload of another length")
        self.boot, self.features = struct.unpack(">II", payload)
        self.send_welcome(flags, responder.write(struct.pack(">Q", self.gateway.clock())))
        send, receive = responder.keys()
        self.outgoing = records.Direction(self.identity.suite, send)
        self.incoming = records.Direction(self.identity.suite, receive)

    def send_welcome(self, flags, body):
        self.link.send(records.record(records.WELCOME, flags, body))

    def take(self, body):
        data = self.incoming.open(body)
        if not self.proven:
            self.identity.proven(self.public, self.psk)
            self.proven = True
        message = messages.decode(data, messages.FROM_DEVICE)
        self.messages.append(message)
        if isinstance(message, messages.Readings):
            self.readings(message)
        self.finished = (isinstance(message, messages.Close)
                         or len(self.messages) == self.gateway.patience)
        self.gateway.note()

    def readings(self, message):
        """Publishes what was not acknowledged on this connection, then acknowledges."""
        for step, (offset_ms, values) in enumerate(message.rows):
            seq = message.first_seq + step
            if seq > self.acked.get(message.boot, -1):
                self.published.append((message.boot, seq, message.base_time_ms + offset_ms, values))
        if self.gateway.acknowledge:
            last = message.first_seq + len(message.rows) - 1
            self.acked[message.boot] = max(last, self.acked.get(message.boot, -1))
            self.send_message(messages.Ack(message.boot, last))

    def send_message(self, message):
        data = message if isinstance(message, bytes) else messages.encode(message)
        self.link.send(self.outgoing.seal(data))


class Gateway:
    connection_type = Connection

    def __init__(self, static=None, ephemeral=None, clock=None, port=0):
        self.static, self.ephemeral = static or noise.KeyPair(), ephemeral
        self.clock = clock or (lambda: time.time_ns() // 1000000)
        self.identities = []
        self.acknowledge, self.patience = True, None
        self.connections = []
        self.changed = threading.Condition()
        self.server = socket.create_server(("127.0.0.1", port))
        self.address = self.server.getsockname()[:2]
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def add(self, identity):
        self.identities.append(identity)
        return identity

    def find(self, public):
        for identity in self.identities:
            if identity.psks(public):
                return identity
        raise Rejected("unknown device")

    def accept(self):
        while True:
            try:
                accepted, _ = self.server.accept()
            except OSError:
                return
            connection = self.connection_type(self, accepted)
            self.connections.append(connection)
            connection.thread.start()

    def note(self):
        with self.changed:
            self.changed.notify_all()

    def wait(self, condition, timeout=60):
        """Waits until `condition()` holds; returns its last value."""
        with self.changed:
            return self.changed.wait_for(condition, timeout)

    def published(self):
        """The readings of all connections: (device, boot, seq, time_ms, values)."""
        return [(connection.identity.id, *reading) for connection in list(self.connections)
                for reading in list(connection.published)]

    def close(self):
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        self.thread.join()
        for connection in self.connections:
            connection.link.shutdown()
            connection.thread.join()


class SayingConnection(Connection):
    def take(self, body):
        super().take(body)
        message = self.messages[-1]
        say(type(message).__name__, device=self.identity.id, **message._asdict())


class SayingGateway(Gateway):
    connection_type = SayingConnection


def identity_of_credential(path):
    with open(path, encoding="utf-8") as file:
        credential = json.load(file)
    public, psk = (base64.b64decode(credential[name], validate=True)
                   for name in ("device_public", "psk"))
    return Identity(credential["device"], public, psk, records.SUITES[credential["suite"]])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--listen", default="127.0.0.1:9998")
    parser.add_argument("--gateway-key", required=True)
    parser.add_argument("--new-key", action="store_true")
    parser.add_argument("--credentials", nargs="*", default=[])
    options = parser.parse_args()
    if options.new_key:
        with open(os.open(options.gateway_key, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600),
                  "wb") as file:
            file.write(noise.KeyPair().private)
    with open(options.gateway_key, "rb") as file:
        static = noise.KeyPair(file.read())
    gateway = SayingGateway(static, port=int(options.listen.rsplit(":", 1)[1]))
    for path in options.credentials:
        gateway.add(identity_of_credential(path))
    say("listening", port=gateway.address[1],
        gateway_public=base64.b64encode(static.public).decode())
    try:
        gateway.thread.join()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
