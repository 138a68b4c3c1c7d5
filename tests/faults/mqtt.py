# SPDX-License-Identifier: Apache-2.0
"""Brokers that a test has in its hands: one that does as it is told, and a relay that notes what a real
one has confirmed. Both speak as much MQTT (3.1.1 and 5) as a gateway needs."""

import asyncio
import json
import socket
import struct
import threading

HOST = "127.0.0.1"
CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK, PINGREQ, PINGRESP, DISCONNECT = (
    1, 2, 3, 4, 8, 9, 12, 13, 14)
NOT_AUTHORIZED, QUOTA_EXCEEDED, UNAVAILABLE = 0x87, 0x97, 0x88
REFUSED = 0x80  # reason codes from here on say no


def read_length(data, at):
    """The variable byte integer at `at`, and where it ends; None when it is not whole."""
    value = 0
    for step in range(4):
        if at + step >= len(data):
            return None
        value |= (data[at + step] & 0x7F) << 7 * step
        if data[at + step] < 0x80:
            return value, at + step + 1
    raise ValueError("a length of five bytes")


def packet(kind, body):
    length, rest = b"", len(body)
    while True:
        length += bytes([rest % 128 | (0x80 if rest > 127 else 0)])
        rest //= 128
        if rest == 0:
            return bytes([kind << 4 | (2 if kind == SUBSCRIBE else 0)]) + length + body


class Packets:
    """Cuts a stream into packets: (first byte, body)."""

    def __init__(self):
        self.data = b""

    def feed(self, data):
        self.data += data
        while len(self.data) > 1:
            found = read_length(self.data, 1)
            if not found or len(self.data) < sum(found):
                return
            length, at = found
            first, body = self.data[0], self.data[at:at + length]
            self.data = self.data[at + length:]
            yield first, body


class Publication:
    """A PUBLISH packet; `version` is that of its connection."""

    def __init__(self, first, body, version):
        self.qos = first >> 1 & 3
        topic_len, = struct.unpack_from(">H", body)
        self.topic = body[2:2 + topic_len].decode()
        at = 2 + topic_len
        self.id = None
        if self.qos:
            self.id, = struct.unpack_from(">H", body, at)
            at += 2
        if version == 5:
            length, at = read_length(body, at)
            at += length
        self.payload = body[at:]


class Readings:
    """What was published, reading by reading: device -> boot -> numbers; and how often in all."""

    def __init__(self):
        self.devices, self.counts, self.lock = {}, {}, threading.Lock()
        self.unnumbered = 0  # readings of the seed wire

    def add(self, payload):
        """Takes a payload of `Reading` or `Readings`; others say nothing here."""
        try:
            value = json.loads(payload)
        except ValueError:
            return
        if not isinstance(value, dict) or "values" not in value and "readings" not in value:
            return
        if "boot" not in value:
            with self.lock:
                self.unnumbered += len(value.get("readings", [value]))
            return
        device = value["device"]
        seqs = [reading["seq"] for reading in value.get("readings", [value])]
        with self.lock:
            self.devices.setdefault(device, {}).setdefault(value["boot"], set()).update(seqs)
            self.counts[device] = self.counts.get(device, 0) + len(seqs)

    def count_of(self, device):
        with self.lock:
            return self.counts.get(device, 0)

    def of(self, device, boot):
        with self.lock:
            return set(self.devices.get(device, {}).get(boot, ()))

    def total(self):
        with self.lock:
            return sum(self.counts.values())


class Served:
    """An asyncio server in a thread of its own; `serve(reader, writer)` is given to each connection."""

    def __init__(self):
        self.readings, self.port, self.writers = Readings(), None, set()
        self.loop = asyncio.new_event_loop()
        self.ready = threading.Event()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()
        self.ready.wait()

    def _run(self):
        asyncio.set_event_loop(self.loop)
        server = self.loop.run_until_complete(asyncio.start_server(self._accept, HOST, 0))
        self.port = server.sockets[0].getsockname()[1]
        self.ready.set()
        self.loop.run_forever()
        server.close()
        self._abort()
        tasks = asyncio.all_tasks(self.loop)
        for task in tasks:
            task.cancel()
        self.loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self.loop.close()

    async def _accept(self, reader, writer):
        self.writers.add(writer)
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            await self.serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self.writers.discard(writer)
            writer.transport.abort()

    def _abort(self):
        for writer in list(self.writers):
            writer.transport.abort()

    def cut(self):
        """Resets all connections."""
        self.loop.call_soon_threadsafe(self._abort)

    def url(self):
        return "mqtt://%s:%d" % (HOST, self.port)

    def close(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()


class ObedientBroker(Served):
    """Confirms what comes, in its order, and does that badly when told:
    `connack`: the code with which connections are refused; `puback`: the code that answers readings;
    `delay_s` before each confirmation; `hangs`: nothing is read any more; `mute`: what is published is
    thrown away; `cuts`: after so many
    publications, in the middle of a packet, the connection is reset."""

    def __init__(self):
        self.connack = self.puback = 0
        self.delay_s, self.hangs, self.mute, self.cuts = 0.0, False, False, 0
        self.refused = 0
        super().__init__()

    async def serve(self, reader, writer):
        packets, state = Packets(), {"version": 4, "taken": 0}
        while data := await reader.read(65536):
            for first, body in packets.feed(data):
                while self.hangs:
                    await asyncio.sleep(0.05)
                if not await self.answer(writer, state, first, body):
                    return

    async def answer(self, writer, state, first, body):
        kind = first >> 4
        if kind == CONNECT:
            state["version"] = body[6]
            properties = b"\0" if state["version"] == 5 else b""
            code = self.connack if state["version"] == 5 or not self.connack else 3
            writer.write(packet(CONNACK, bytes([0, code]) + properties))
            self.refused += code != 0
            return code == 0
        if kind == SUBSCRIBE:
            properties = b"\0" if state["version"] == 5 else b""
            writer.write(packet(SUBACK, body[:2] + properties + b"\1"))
        elif kind == PINGREQ:
            writer.write(packet(PINGRESP, b""))
        elif kind == DISCONNECT:
            return False
        elif kind == PUBLISH:
            return await self.confirm(writer, state, Publication(first, body, state["version"]))
        return True

    async def confirm(self, writer, state, publication):
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        if self.mute:
            return True
        state["taken"] += 1
        if self.cuts and state["taken"] > self.cuts:
            return False
        if self.puback and state["version"] == 5 and b'"seq"' in publication.payload:
            self.refused += 1
            writer.write(packet(PUBACK, struct.pack(">HBB", publication.id, self.puback, 0)))
            return True
        self.readings.add(publication.payload)
        if publication.qos:
            writer.write(packet(PUBACK, struct.pack(">H", publication.id)))
        return True


class Tap(Served):
    """A relay to a broker; a reading counts when the broker's confirmation passes. What a broker that
    is killed forgets of what it has confirmed is not the gateway's loss."""

    def __init__(self, target):
        self.target = target
        super().__init__()

    async def serve(self, reader, writer):
        far_reader, far_writer = await asyncio.open_connection(*self.target)
        self.writers.add(far_writer)
        try:
            state = {"version": 4, "waiting": {}}
            await asyncio.gather(self.pump(reader, far_writer, Packets(), state, self.noted),
                                 self.pump(far_reader, writer, Packets(), state, self.confirmed))
        finally:
            self.writers.discard(far_writer)
            far_writer.transport.abort()

    @staticmethod
    async def pump(reader, writer, packets, state, look):
        try:
            while data := await reader.read(65536):
                for first, body in packets.feed(data):
                    look(state, first, body)
                writer.write(data)
                await writer.drain()
        finally:
            writer.close()

    @staticmethod
    def noted(state, first, body):
        if first >> 4 == CONNECT:
            state["version"] = body[6]
        elif first >> 4 == PUBLISH:
            publication = Publication(first, body, state["version"])
            if publication.id is not None:
                state["waiting"][publication.id] = publication.payload

    def confirmed(self, state, first, body):
        if first >> 4 == PUBACK and (len(body) < 3 or body[2] < REFUSED):
            payload = state["waiting"].pop(struct.unpack_from(">H", body)[0], None)
            if payload is not None:
                self.readings.add(payload)
