# SPDX-License-Identifier: Apache-2.0
"""The Python medsec/1 against published vectors, and its device against its gateway."""

import json
import os
import socket
import struct
import sys
import unittest

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
import medsec1_transcripts
from medsec1 import Rejected, cbor, messages, noise, records
from medsec1_device import Device
from medsec1_gateway import Gateway, Identity

PATTERN = "Noise_IKpsk1_25519_ChaChaPoly_SHA256"
SUITES = tuple(records.SUITES.values())


def unhex(row, *names):
    return [bytes.fromhex(row[name]) for name in names]


class AgainstVectors(unittest.TestCase):
    def test_noise(self):
        path = harness.vectors("noise", "cacophony-25519-chachapoly-sha256.json")
        with open(path, encoding="utf-8") as file:
            rows = [row for row in json.load(file)["vectors"] if row["protocol_name"] == PATTERN]
        self.assertEqual(len(rows), 1)
        row, psk = rows[0], bytes.fromhex(rows[0]["init_psks"][0])
        prologue, *privates = unhex(row, "init_prologue", "init_static", "init_ephemeral",
                                    "resp_static", "resp_ephemeral")
        static, ephemeral, gateway, gateway_ephemeral = map(noise.KeyPair, privates)
        device = noise.Initiator(prologue, static, gateway.public, psk, ephemeral)
        responder = noise.Responder(prologue, gateway, gateway_ephemeral)
        payloads, wire = zip(*(unhex(each, "payload", "ciphertext") for each in row["messages"]))
        self.assertEqual(device.write(payloads[0]), wire[0])
        self.assertEqual(responder.read_static(wire[0]), static.public)
        self.assertEqual(responder.read_payload([bytes(32), psk]), (payloads[0], psk))
        self.assertEqual(responder.write(payloads[1]), wire[1])
        self.assertEqual(device.read(wire[1]), payloads[1])
        self.assertEqual(device.state.hash.hex(), row["handshake_hash"])
        self.assertEqual(device.keys(), responder.keys()[::-1])
        keys = device.keys()
        for number, (payload, sealed) in enumerate(zip(payloads[2:], wire[2:])):
            key = keys[number % 2]
            self.assertEqual(noise.aead_seal(key, number // 2, b"", payload), sealed)

    def test_records_of_the_library(self):
        path = os.path.join(harness.SOURCE, "tests", "vectors", "records.jsonl")
        for row in harness.json_lines(path):
            direction = records.Direction(row["suite"], bytes.fromhex(row["key"]))
            message, record = unhex(row, "message", "record")
            direction.seq = int(row["sequence"])
            self.assertEqual(direction.seal(message), record)
            direction.seq = int(row["sequence"])
            self.assertEqual(direction.open(record[records.HEADER:]), message)


    def test_transcripts(self):
        with open(medsec1_transcripts.FILE, encoding="ascii") as file:
            self.assertEqual(file.read(), medsec1_transcripts.text())


class Cbor(unittest.TestCase):
    # RFC 8949, appendix A.
    EXAMPLES = ((0, "00"), (23, "17"), (24, "1818"), (255, "18ff"), (256, "190100"),
                (1000000, "1a000f4240"), (18446744073709551615, "1bffffffffffffffff"),
                (-1, "20"), (-1000, "3903e7"), (-18446744073709551616, "3bffffffffffffffff"),
                (None, "f6"), ([], "80"), ([1, [2, 3], [4, 5]], "8301820203820405"),
                ({}, "a0"), ({1: 2, 3: 4}, "a201020304"))

    def test_examples(self):
        for item, text in self.EXAMPLES:
            self.assertEqual(cbor.encode(item).hex(), text)
            self.assertEqual(cbor.decode(bytes.fromhex(text)), item)

    def test_anything_else_is_refused(self):
        for text in ("", "1800", "1817", "190000", "1900ff", "1a0000ffff", "1b00000000ffffffff",
                     "3800", "1c", "5f", "9f01ff", "bf0102ff", "40", "60", "c001", "f4", "f7",
                     "f90000", "f0", "8201", "a101", "a203040102", "a201020102", "a1f601", "0000",
                     "81818181818100", "9affffffff", "ff"):
            with self.assertRaises(Rejected, msg=text):
                cbor.decode(bytes.fromhex(text))


class Messages(unittest.TestCase):
    ROWS = [(0, [36600, 1755, -500, 0, None, 23700, 23400]),
            (50, [None, 1760, -500, 1, None, 23700, 23400]),
            (100, [36601, 1700, -501, 2, 9, 23700, 23400])]

    def test_readings(self):
        message = messages.Readings(7, 1020, 1763726400050, 1, 1, self.ROWS)
        data = messages.encode(message)
        self.assertEqual(cbor.decode(data[1:])[5][2], [50, 1, -60, -1, 1, 9, 0, 0])
        self.assertEqual(messages.decode(data), message)

    def test_every_kind(self):
        for message in (messages.Ack(7, 1039), messages.Config(3, {1: 50, 3: 1000}),
                        messages.Config(4, {}), messages.ConfigAck(3, 0), messages.Close(0)):
            self.assertEqual(messages.decode(messages.encode(message)), message)

    def test_wrong_shapes_are_refused(self):
        good = [7, 0, 0, 1, 1, [[0] * 8]]
        wrong = [(1, good[:5] + [rows]) for rows in (
            [], [[0] * 7], [[0] * 9], [[-1] + [0] * 7], [[0] * 8, [-1] + [0] * 7],
            [[None] + [0] * 7], [[1 << 32] + [0] * 7], [[0, 1 << 31] + [0] * 6],
            [[0, (1 << 31) - 1] + [0] * 6, [0, 1] + [0] * 6], [[0, []] + [0] * 6], None, 1)]
        wrong += [(1, good[:at] + [item] + good[at + 1:]) for at, item in (
            (0, 1 << 32), (0, -1), (1, 1 << 32), (2, -1), (3, 3), (4, 2), (0, None))]
        wrong += [(1, [7, (1 << 32) - 1, 0, 1, 1, [[0] * 8, [0] * 8]]), (1, good + [0]),
                  (2, [1]), (2, [1, 1 << 32]), (3, [1, {4: 1}]), (3, [1, {0: 1}]), (3, [1, []]),
                  (3, [1, {1: -1}]), (4, [1]), (5, []), (5, [None]), (0, []), (6, [])]
        for kind, item in wrong:
            with self.assertRaises(Rejected, msg=(kind, item)):
                messages.decode(messages.encode_raw(kind, item))
        messages.decode(messages.encode_raw(1, good))

    def test_what_the_other_end_sends_is_refused(self):
        with self.assertRaises(Rejected):
            messages.decode(messages.encode(messages.Ack(1, 1)), messages.FROM_DEVICE)
        with self.assertRaises(Rejected):
            messages.decode(messages.encode(messages.ConfigAck(1, 1)), messages.FROM_GATEWAY)


class Pair(unittest.TestCase):
    """A Python device and a Python gateway on 127.0.0.1."""

    def setUp(self):
        self.gateway = Gateway()
        self.addCleanup(self.gateway.close)

    def device(self, suite=records.CBC_HS256, device_id="device"):
        device = Device(device_id, noise.KeyPair(), os.urandom(32), self.gateway.static.public,
                        suite)
        device.identity = self.gateway.add(Identity.of(device))
        self.addCleanup(device.close)
        return device

    def assert_refused(self, link):
        self.assertTrue(link.closed_by_peer())
        self.assertEqual(self.gateway.published(), [])


class Exchange(Pair):
    def test_readings_are_published_and_acknowledged(self):
        for suite in SUITES:
            device = self.device(suite, "device-%d" % suite).connect(self.gateway.address)
            device.sample(45)
            sent = [("device-%d" % suite, 1, seq, *row) for seq, row in device.waiting.items()]
            device.send_waiting()
            device.wait_acknowledged()
            self.assertEqual([ack.seq for ack in device.acks], [19, 39, 44])
            self.assertEqual([row for row in self.gateway.published() if row[0] == sent[0][0]],
                             sent)

    def test_config_goes_down_and_its_answer_up(self):
        device = self.device().connect(self.gateway.address)
        self.gateway.wait(lambda: self.gateway.connections[0].incoming)
        self.gateway.connections[0].send_message(messages.Config(1, {1: 100, 2: 5}))
        self.assertEqual(device.receive(), messages.Config(1, {1: 100, 2: 5}))
        device.send_message(messages.ConfigAck(1, 0))
        device.send_message(messages.Close(0))
        self.assertTrue(device.closed_by_peer())
        self.assertEqual(self.gateway.connections[0].messages,
                         [messages.ConfigAck(1, 0), messages.Close(0)])

    def test_what_was_not_acknowledged_is_sent_again(self):
        device = self.device()
        self.gateway.acknowledge = False
        self.gateway.patience = 1
        device.connect(self.gateway.address).sample(30)
        device.send_waiting()
        self.assertTrue(device.closed_by_peer())
        self.gateway.acknowledge, self.gateway.patience = True, None
        device.connect(self.gateway.address).send_waiting()
        device.wait_acknowledged()
        published = [seq for _, _, seq, *_ in self.gateway.published()]
        self.assertEqual(published, list(range(20)) + list(range(30)))

    def test_a_reading_twice_on_one_connection_is_published_once(self):
        device = self.device().connect(self.gateway.address)
        message = device.readings(device.sample(3))
        device.send_message(message)
        device.send_message(message)
        device.receive()
        device.receive()
        self.assertEqual([seq for _, _, seq, *_ in self.gateway.published()], [0, 1, 2])


class Attacks(Pair):
    def session(self, suite):
        device = self.device(suite, "device-%d" % len(self.gateway.identities))
        device.connect(self.gateway.address).sample(2)
        return device

    def test_a_changed_record_closes(self):
        for suite in SUITES:
            for at in [*range(0, 40, 7), *range(-16, 0)]:  # ciphertext, and all of the tag
                device = self.session(suite)
                sealed = bytearray(device.outgoing.seal(messages.encode(device.readings([0, 1]))))
                sealed[records.HEADER + at if at >= 0 else at] ^= 1
                device.link.send(bytes(sealed))
                self.assert_refused(device.link)

    def test_another_number_or_key_closes(self):
        for suite in SUITES:
            device = self.session(suite)
            device.outgoing.seq = 1
            device.send_message(device.readings([0, 1]))
            self.assert_refused(device.link)
            device = self.session(suite)
            device.outgoing = records.Direction(suite, bytes(32))
            device.send_message(device.readings([0, 1]))
            self.assert_refused(device.link)

    def test_another_padding_with_a_right_tag_closes(self):
        device = self.session(records.CBC_HS256)
        padded = messages.encode(messages.ConfigAck(1, 0)).ljust(15, b"\0") + b"\x0c"
        head = records.header(records.DATA, 0, 32)
        device.link.send(head + device.outgoing.cipher.seal_padded(
            device.outgoing.aad(head, 0), 0, padded))
        self.assert_refused(device.link)

    def test_a_recorded_flight_does_nothing(self):
        device = self.session(records.CBC_HS256)
        device.send_waiting()
        device.wait_acknowledged()
        link = Device.open(device, self.gateway.address)
        flight = self.gateway.connections[0].link.received
        link.send(flight[0])
        link.expect(records.WELCOME, 0x11)
        link.send(flight[1])
        self.assertTrue(link.closed_by_peer())
        self.assertEqual(len(self.gateway.published()), 2)

    def test_a_record_twice_closes(self):
        device = self.session(records.CBC_HS256)
        device.send_waiting()
        device.wait_acknowledged()
        device.link.send(device.link.sent[-1])
        self.assertTrue(device.link.closed_by_peer())
        self.assertEqual(len(self.gateway.published()), 2)

    def test_a_wrong_first_record_gets_no_answer(self):
        for change in ({"psk": bytes(32)}, {"static": noise.KeyPair()}, {"suite": records.CHACHA},
                       {"gateway_public": noise.KeyPair().public}):
            device = self.device()
            vars(device).update(change)
            link = device.open(self.gateway.address)
            link.send(device.hello())
            self.assert_refused(link)
        for how in ({"flags": 0x21}, {"flags": 0x10}, {"prologue": b"medsec/1\x12"},
                    {"payload": b""}, {"payload": bytes(9)}):
            device = self.device()
            link = device.open(self.gateway.address)
            link.send(device.hello(**how))
            self.assert_refused(link)
        for raw in (b"\xa3\0\0\0", b"\xa1\x11\x08\x01", b"\xa1\x11\0\0", b"\0"):
            link = self.device().open(self.gateway.address)
            link.send(raw)
            link.socket.shutdown(socket.SHUT_WR)
            self.assert_refused(link)

    def test_a_key_of_small_order_gets_no_answer(self):
        device = self.device()
        link = device.open(self.gateway.address)
        hello = device.hello()
        link.send(hello[:4] + bytes(32) + hello[36:])
        self.assert_refused(link)


class Rotation(Pair):
    def test_first_data_decides(self):
        device = self.device()
        old, new = device.psk, os.urandom(32)
        device.identity.rotate(device.static.public, new)
        device.psk = new
        recording = device.connect(self.gateway.address).link.sent[0]
        device.psk = old
        device.connect(self.gateway.address).sample(1)
        device.send_waiting()
        device.wait_acknowledged()
        device.psk = new
        device.connect(self.gateway.address).sample(1)
        device.send_waiting()
        device.wait_acknowledged()
        device.psk = old
        link = device.open(self.gateway.address)
        link.send(device.hello())
        self.assertTrue(link.closed_by_peer())
        self.assertEqual(struct.unpack(">BBH", recording[:4]), (0xA1, 0x11, 104))
        self.assertEqual(len(self.gateway.published()), 2)


if __name__ == "__main__":
    harness.main()
