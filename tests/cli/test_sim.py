# SPDX-License-Identifier: Apache-2.0
"""medsec-sim against a TCP sink that decodes the seed wire by itself (python3-cryptography)."""

import argparse
import contextlib
import fcntl
import importlib.util
import itertools
import json
import os
import pty
import random
import re
import resource
import select
import selectors
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
import unittest

if importlib.util.find_spec("cryptography") is None:
    print("skipped: no python3-cryptography")
    sys.exit(77)

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

BUILD = None
PATIENCE_S = 60  # more than a busy machine takes for anything
FRAME = 263  # bytes of a reading on the seed wire
MEMBERS = ["Temp", "TempMcu", "PulseSig", "Acel_x", "Acel_y", "Acel_z", "TempMpu"]
CHARACTERS = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"


def decrypt(key, iv, blocks):
    engine = Cipher(algorithms.AES(key), modes.CBC(iv)).decryptor()
    return engine.update(blocks) + engine.finalize()


def decode_frame(frame, key, iv, chained):
    """The text of one frame: blocks of 32 hex digits joined with `+`."""
    blocks = [bytes.fromhex(block) for block in frame.decode("ascii").split("+")]
    if any(len(block) != 16 for block in blocks):
        raise ValueError("a block of another length than 16")
    if chained:
        text = decrypt(key, iv, b"".join(blocks))
    else:
        text = b"".join(decrypt(key, iv, block) for block in blocks)
    return text.decode("ascii").rstrip("&")


def split_frames(stream):
    """Frames follow each other without a delimiter: 32 digits that no `+` follows end one."""
    frames, start, at = [], 0, 0
    while at < len(stream):
        at += 32
        if at < len(stream) and stream[at:at + 1] == b"+":
            at += 1
        else:
            frames.append(stream[start:at])
            start = at
    return frames


class Device:
    def __init__(self, folder, name):
        generator = random.Random(name)
        self.key = "".join(generator.choices(CHARACTERS, k=16))
        self.iv = "".join(generator.choices(CHARACTERS, k=16))
        self.path = os.path.join(folder, name + ".json")
        self.name = name
        with open(os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as file:
            json.dump({"format": "medsec-credential/1", "device": name, "wire": "seed",
                       "key": self.key, "iv": self.iv}, file)

    def readings(self, stream, chained=False):
        key, iv = self.key.encode(), self.iv.encode()
        return [json.loads(decode_frame(frame, key, iv, chained)) for frame in split_frames(stream)]


def segments_in(connection):
    """TCP segments that came in: tcpi_segs_in of struct tcp_info (linux/tcp.h)."""
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 144)
    return struct.unpack_from("I", info, 140)[0]


class Sink:
    """Accepts connections and keeps what each one sent, read by read."""

    def __init__(self, reading=True, host="127.0.0.1"):
        self.listener = socket.create_server((host, 0), backlog=4096)
        self.port = self.listener.getsockname()[1]
        self.address = "%s:%d" % (host, self.port)
        self.reading = reading
        self.pieces = {}  # connection -> what each recv gave
        self.times = []  # of each recv and accept
        self.accepts = []
        self.peers = []
        self.ended = 0
        self.segments = 0  # of all connections that ended
        self.refuse_after = None  # bytes after which a connection is closed
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.listener, selectors.EVENT_READ)
        self.running = True
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while self.running:
            for key, _ in self.selector.select(0.05):
                if key.fileobj is self.listener:
                    self.accept()
                else:
                    self.read(key.fileobj)

    def accept(self):
        connection, peer = self.listener.accept()
        self.peers.append(peer)
        self.pieces[connection] = []
        self.accepts.append(time.monotonic())
        self.times.append(self.accepts[-1])
        if self.reading:
            self.selector.register(connection, selectors.EVENT_READ)

    def read(self, connection):
        try:
            data = connection.recv(65536)
        except ConnectionError:
            data = b""
        if data:
            self.pieces[connection].append(data)
            self.times.append(time.monotonic())
        full = self.refuse_after is not None and len(self.stream(connection)) >= self.refuse_after
        if not data or full:
            self.segments += segments_in(connection)
            self.selector.unregister(connection)
            connection.close()
            self.ended += not data

    def stream(self, connection):
        return b"".join(self.pieces[connection])

    def streams(self):
        return [self.stream(connection) for connection in list(self.pieces)]

    def received(self):
        return sum(map(len, self.streams()))

    def unread(self):
        """Bytes that wait in the first connection of a sink that does not read."""
        for connection in list(self.pieces):
            answer = fcntl.ioctl(connection, termios.FIONREAD, bytes(4))
            return struct.unpack("i", answer)[0]
        return 0

    def longest_silence(self):
        """Between what two moments nothing came."""
        times = list(self.times)
        return max(zip(times, times[1:]), key=lambda pair: pair[1] - pair[0], default=(0, 0))

    def stop(self):
        self.running = False
        self.thread.join()
        for connection in self.pieces:
            connection.close()
        self.listener.close()
        self.selector.close()


def command(*arguments):
    return [os.path.join(BUILD, "cli", "medsec-sim"), *map(str, arguments)]


def environment(**more):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MEDSEC_")}
    return {**clean, **more}


def run(*arguments, stdin=b"", **env):
    """What is typed is there from the start."""
    here, there = os.pipe()
    with open(here, "rb") as typed:
        with open(there, "wb") as keys:
            keys.write(stdin)
        return subprocess.run(command(*arguments), stdin=typed, capture_output=True,
                              timeout=2 * PATIENCE_S, env=environment(**env), check=False)


class SimTest(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.addCleanup(self.scratch.cleanup)
        self.folder = os.path.join(self.scratch.name, "devices")
        os.mkdir(self.folder)

    def devices(self, count):
        return [Device(self.folder, "dev-%04d" % i) for i in range(count)]

    def sink(self, **how):
        sink = Sink(**how)
        self.addCleanup(sink.stop)
        return sink

    def file(self, name):
        return os.path.join(self.scratch.name, name)

    def summary(self, done, code=0):
        self.assertEqual(done.returncode, code, done.stderr.decode())
        return json.loads(done.stdout)

    def wait_for(self, condition, what):
        limit = time.monotonic() + PATIENCE_S
        while not condition():
            self.assertLess(time.monotonic(), limit, what)
            time.sleep(0.01)

    def wait_for_end(self, sink, connections):
        self.wait_for(lambda: sink.ended >= connections, "%d connections" % connections)
        self.assertEqual(sink.ended, connections)

    def begin(self, *arguments):
        """A simulator that goes on until `end()`."""
        child = subprocess.Popen(command(*arguments, "--json"), env=environment(),
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE)
        self.addCleanup(child.communicate)
        self.addCleanup(child.kill)
        return child

    def end(self, child, number=signal.SIGTERM):
        """Its summary."""
        child.send_signal(number)
        out, problems = child.communicate(timeout=PATIENCE_S)
        self.assertEqual(child.returncode, 0, problems.decode())
        return json.loads(out)

    def assert_no_faster_than_asked(self, summary):
        self.assertLessEqual(summary["sent"] + summary["skipped"],
                             summary["devices"] * (1 + summary["rate_hz"] * summary["elapsed_s"]))

    def run_one(self, *arguments, wire="seed", stdin=b""):
        """One device with --json: its readings, its bytes, the summary."""
        device, sink = self.devices(1)[0], self.sink()
        done = run("--connect", sink.address, "--credentials", device.path, "--wire", wire, "--json",
                   *arguments, stdin=stdin)
        summary = self.summary(done)
        self.wait_for_end(sink, 1)
        stream = sink.streams()[0]
        self.assertEqual(summary["bytes"], len(stream))
        return device.readings(stream, wire == "seed-chained"), stream, summary


class Readings(SimTest):
    def test_seed_reading_is_as_the_pseudo_device_prints_it(self):
        readings, stream, summary = self.run_one("--count", 40, "--rate", 500)
        self.assertEqual(len(readings), 40)
        self.assertEqual(summary["sent"], 40)
        for reading in readings:
            self.assertEqual(list(reading), MEMBERS)
            for name, value in reading.items():
                self.assertRegex(value, r"^-?\d+\.\d{3}$", name)
            fixed = {name: reading[name] for name in MEMBERS if name != "PulseSig"}
            self.assertEqual(fixed, {"Temp": "36.600", "TempMcu": "23.700", "Acel_x": "0.000",
                                     "Acel_y": "0.000", "Acel_z": "0.000", "TempMpu": "23.400"})
        self.assertNotIn(b"\n", stream)
        self.assertEqual(stream, stream.lower())

    def test_pulse_signal_beats(self):
        readings, _, _ = self.run_one("--count", 4000, "--rate", 2000, "--heart-rate", 150)
        volts = [float(reading["PulseSig"]) for reading in readings]
        self.assertTrue(-0.5 <= min(volts) < -0.3 and 2.3 < max(volts) <= 2.5, (min(volts), max(volts)))
        beats = sum(a <= 1.5 < b for a, b in zip(volts, volts[1:]))
        self.assertIn(beats, (4, 5, 6))  # 150 a minute, for two seconds of the device's own time

    def test_chained_wire_decodes_in_that_chaining_alone(self):
        readings, stream, _ = self.run_one("--count", 5, "--rate", 200, wire="seed-chained")
        self.assertEqual([list(reading) for reading in readings], [MEMBERS] * 5)
        device = self.devices(1)[0]
        with self.assertRaises(ValueError):
            device.readings(stream, chained=False)

    def test_seed_decides_the_readings(self):
        first, _, _ = self.run_one("--count", 30, "--rate", 500, "--seed", 7)
        again, _, _ = self.run_one("--count", 30, "--rate", 500, "--seed", 7)
        other, _, _ = self.run_one("--count", 30, "--rate", 500, "--seed", 8)
        self.assertEqual(first, again)
        self.assertNotEqual(first, other)

    def test_rate_and_duration(self):
        device, sink = self.devices(1)[0], self.sink()
        begin = time.monotonic()
        summary = self.summary(run("--connect", sink.address, "--credentials", device.path, "--rate", 50,
                                   "--duration", 2, "--json"))
        self.wait_for_end(sink, 1)
        self.assertEqual(len(device.readings(sink.streams()[0])), summary["sent"])
        first = sink.times[1] - begin  # no earlier than it left
        self.assertGreater(summary["sent"] + summary["skipped"], 50 * (2 - first) - 3)
        self.assert_no_faster_than_asked(summary)
        self.assertGreater(summary["elapsed_s"], 1.9)

    def test_first_reading_goes_out_at_once(self):
        readings, _, summary = self.run_one("--rate", 0.01, "--count", 1)
        self.assertEqual(len(readings), 1)
        self.assertLess(summary["elapsed_s"], 90)  # the next is due after 100


class Menu(SimTest):
    def last_reading(self, keys, *arguments, wire="seed"):
        readings, _, _ = self.run_one("--menu", "--count", 10, *arguments, wire=wire, stdin=keys)
        return readings[-1]

    def test_every_step(self):
        expected = {1: ("Temp", "37.100"), 2: ("Temp", "36.100"), 3: ("TempMcu", "24.200"),
                    4: ("TempMcu", "23.200"), 5: ("TempMpu", "23.900"), 6: ("TempMpu", "22.900"),
                    7: ("Acel_x", "0.100"), 8: ("Acel_x", "-0.100"), 9: ("Acel_y", "0.100"),
                    10: ("Acel_y", "-0.100"), 11: ("Acel_z", "0.100"), 12: ("Acel_z", "-0.100")}
        for number, (name, value) in expected.items():
            self.assertEqual(self.last_reading(b"%d\n" % number)[name], value, number)

    def test_acceleration_bounces_at_one(self):
        self.assertEqual(self.last_reading(b"7\n" * 10)["Acel_x"], "1.000")
        self.assertEqual(self.last_reading(b"7\n" * 11)["Acel_x"], "0.900")
        self.assertEqual(self.last_reading(b"12\n" * 11)["Acel_z"], "-0.900")

    def test_pico_prints_two_decimals_for_a_negative_acceleration(self):
        reading = self.last_reading(b"8\n8\n8\n9\n", wire="seed-chained")
        self.assertEqual((reading["Acel_x"], reading["Acel_y"], reading["Acel_z"]),
                         ("-0.30", "0.100", "0.000"))

    def test_longer_text_than_eight_blocks(self):
        readings, stream, _ = self.run_one("--menu", "--count", 10, stdin=b"8\n10\n12\n" * 3)
        self.assertEqual(len(split_frames(stream)[-1]), 33 * 9 - 1)
        self.assertEqual(readings[-1]["Acel_z"], "-0.300")

    def test_step_for_one_device(self):
        devices, sink = self.devices(2), self.sink()
        done = run("--connect", sink.address, "--credentials", self.folder, "--menu", "--count", 10,
                   "--json", stdin=b"1 dev-0001\n13\nx\n1 nobody\nq\n1\n")
        self.summary(done)
        self.wait_for_end(sink, 2)
        last = {}
        for stream in sink.streams():
            for device in devices:
                try:
                    last[device.name] = device.readings(stream)[-1]["Temp"]
                except ValueError:
                    pass
        self.assertEqual(last, {"dev-0000": "36.600", "dev-0001": "37.100"})
        self.assertEqual(done.stderr.count(b"a number from 1 to 12 is needed"), 2)
        self.assertEqual(done.stderr.count(b"no such device here"), 1)

    def test_menu_from_a_file(self):
        path = self.file("steps")
        with open(path, "wb") as file:
            file.write(b"1\n1\n")
        device, sink = self.devices(1)[0], self.sink()
        with open(path, "rb") as file:
            done = subprocess.run(command("--connect", sink.address, "--credentials", device.path,
                                          "--menu", "--count", 3, "--json"), stdin=file, timeout=PATIENCE_S,
                                  capture_output=True, env=environment(), check=False)
        self.summary(done)
        self.wait_for_end(sink, 1)
        self.assertEqual({r["Temp"] for r in device.readings(sink.streams()[0])}, {"37.600"})


class Faults(SimTest):
    def test_split_writes_byte_by_byte(self):
        device, sink = self.devices(1)[0], self.sink()
        done = run("--connect", sink.address, "--credentials", device.path, "--count", 3, "--split", 1,
                   "--json")
        self.assertEqual(self.summary(done)["sent"], 3)
        self.wait_for_end(sink, 1)
        self.assertEqual(len(device.readings(sink.streams()[0])), 3)
        self.assertGreater(sink.segments, 30)  # three without --split

    def test_coalesce_writes_frames_together(self):
        device, sink = self.devices(1)[0], self.sink()
        done = run("--connect", sink.address, "--credentials", device.path, "--count", 20, "--rate", 100,
                   "--coalesce", 8, "--json")
        self.assertEqual(self.summary(done)["sent"], 20)
        self.wait_for_end(sink, 1)
        pieces = next(iter(sink.pieces.values()))
        self.assertEqual(len(device.readings(b"".join(pieces))), 20)
        sizes = [len(split_frames(piece)) for piece in pieces]
        self.assertLessEqual(set(itertools.accumulate(sizes)), {8, 16, 20})

    def test_corrupt_flips_one_bit_in_every_nth_frame(self):
        device, sink = self.devices(1)[0], self.sink()
        arguments = ("--connect", sink.address, "--credentials", device.path, "--count", 12, "--rate",
                     200, "--json")
        self.summary(run(*arguments))
        summary = self.summary(run(*arguments, "--corrupt", 4))
        self.assertEqual(summary["corrupted"], 3)
        self.wait_for_end(sink, 2)
        good, bad = (split_frames(stream) for stream in sink.streams())
        differences = []
        for a, b in zip(good, bad):
            a, b = (int.from_bytes(bytes.fromhex(x.decode().replace("+", ""))) for x in (a, b))
            differences.append(bin(a ^ b).count("1"))
        self.assertEqual(differences, [0, 0, 0, 1] * 3)

    def test_garbage_is_no_frame(self):
        device, sink = self.devices(1)[0], self.sink()
        done = run("--connect", sink.address, "--credentials", device.path, "--count", 5, "--rate", 100,
                   "--garbage", "--corrupt", 1, "--json")
        summary = self.summary(done)
        self.wait_for_end(sink, 1)
        self.assertEqual((summary["sent"], summary["bytes"]), (0, 5 * FRAME))
        self.assertIsNone(re.match(rb"[0-9a-f+]{64}", sink.streams()[0]))

    def test_slow_trickles(self):
        device, sink = self.devices(1)[0], self.sink()
        child = self.begin("--connect", sink.address, "--credentials", device.path, "--slow", 200)
        self.wait_for(lambda: sink.received() > 150, "nothing comes")
        summary = self.end(child)
        self.assertLessEqual(summary["bytes"], 200 * (summary["elapsed_s"] + 0.02))
        self.assertGreater(summary["skipped"], 0)

    def test_slow_ends_with_all_that_was_made(self):
        device, sink = self.devices(1)[0], self.sink()
        summary = self.summary(run("--connect", sink.address, "--credentials", device.path, "--count", 3,
                                   "--slow", 1000, "--json"))
        self.wait_for_end(sink, 1)
        self.assertEqual(len(device.readings(sink.streams()[0])), 3)
        self.assertEqual((summary["sent"], summary["closed"]), (3, 0))

    def frames_of_run(self, *arguments):
        """The numbers that the frames of a disturbed run have in one that is not; None: in none."""
        device, sink = self.devices(1)[0], self.sink()
        common = ("--connect", sink.address, "--credentials", device.path, "--count", 8, "--rate", 20,
                  "--json")
        self.summary(run(*common))
        summary = self.summary(run(*common, *arguments))
        self.wait_for_end(sink, 2)
        good, bad = (split_frames(stream) for stream in sink.streams())
        numbers = {frame: number for number, frame in enumerate(good)}
        self.assertEqual(len(numbers), 8)
        return [numbers.get(frame) for frame in bad], summary

    def test_drop_record_leaves_out_every_nth_frame(self):
        frames, summary = self.frames_of_run("--drop-record", 3)
        self.assertEqual((frames, summary["corrupted"]), ([0, 1, 3, 4, 6, 7], 2))

    def test_duplicate_sends_every_nth_frame_twice(self):
        frames, summary = self.frames_of_run("--duplicate", 3)
        self.assertEqual((frames, summary["corrupted"]), ([0, 1, 2, 2, 3, 4, 5, 5, 6, 7], 2))

    def test_reorder_sends_every_nth_frame_after_the_next(self):
        frames, summary = self.frames_of_run("--reorder", 3)
        self.assertEqual((frames, summary["corrupted"]), ([0, 1, 3, 2, 4, 6, 5, 7], 2))

    def test_truncate_cuts_every_nth_frame(self):
        device, sink = self.devices(1)[0], self.sink()
        common = ("--connect", sink.address, "--credentials", device.path, "--count", 4, "--rate", 200,
                  "--json")
        self.summary(run(*common))
        self.assertEqual(self.summary(run(*common, "--truncate", 3))["corrupted"], 1)
        self.wait_for_end(sink, 2)
        good, bad = sink.streams()
        kept = len(bad) - 3 * FRAME
        self.assertIn(kept, range(1, FRAME))
        self.assertEqual(bad, good[:2 * FRAME + kept] + good[3 * FRAME:])

    def test_wrong_key_does_not_decrypt(self):
        device, sink = self.devices(1)[0], self.sink()
        self.summary(run("--connect", sink.address, "--credentials", device.path, "--count", 2,
                         "--wrong-key", "--json"))
        self.wait_for_end(sink, 1)
        stream = sink.streams()[0]
        self.assertEqual(len(split_frames(stream)), 2)
        with self.assertRaises(ValueError):
            device.readings(stream)

    def test_record_and_replay(self):
        record = self.file("record")
        _, stream, _ = self.run_one("--count", 10, "--rate", 100, "--record", record)
        with open(record, "rb") as file:
            self.assertEqual(file.read(), stream)
        _, replayed, summary = self.run_one("--replay", record)
        self.assertEqual(replayed, stream)
        self.assertEqual(summary["sent"], 0)

    def test_replay_of_much(self):
        record = self.file("record")
        sent = random.Random(1).randbytes(3000000)
        with open(record, "wb") as file:
            file.write(sent)
        device, sink = self.devices(1)[0], self.sink()
        self.summary(run("--connect", sink.address, "--credentials", device.path, "--replay", record,
                         "--json"))
        self.wait_for_end(sink, 1)
        self.assertEqual(sink.streams()[0], sent)


class Connections(SimTest):
    def test_refused_is_exit_code_4(self):
        device = self.devices(1)[0]
        with socket.socket() as taken:  # bound, and not listening
            taken.bind(("127.0.0.1", 0))
            done = run("--connect", "127.0.0.1:%d" % taken.getsockname()[1], "--credentials", device.path,
                       "--patience", 2.5, "--json")  # the second attempt comes after half a second
        summary = self.summary(done, 4)
        self.assertEqual((summary["connected"], summary["sent"]), (0, 0))
        self.assertGreater(summary["refused"], 1)
        self.assertIn(b"connection refused", done.stderr)

    def test_no_answer_is_exit_code_4(self):
        device = self.devices(1)[0]
        with socket.create_server(("127.0.0.1", 0), backlog=0) as deaf:  # its queue is full at once
            fillers = [socket.socket() for _ in range(3)]
            for filler in fillers:
                self.addCleanup(filler.close)
                filler.setblocking(False)
                filler.connect_ex(deaf.getsockname())
            self.assertTrue(select.select([], fillers, [], PATIENCE_S)[1], "none is in the queue")
            done = run("--connect", "127.0.0.1:%d" % deaf.getsockname()[1], "--credentials", device.path,
                       "--patience", 0.5, "--json")
        self.assertEqual(self.summary(done, 4)["connections"], 0)
        self.assertIn(b"timed out", done.stderr)

    def test_no_reconnect_gives_up_at_once(self):
        device = self.devices(1)[0]
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            done = run("--connect", "127.0.0.1:%d" % taken.getsockname()[1], "--credentials", device.path,
                       "--no-reconnect", "--json")
        self.assertEqual(self.summary(done, 4)["refused"], 1)

    def test_comes_back_after_the_peer_closes(self):
        device, sink = self.devices(1)[0], self.sink()
        sink.refuse_after = FRAME
        child = self.begin("--connect", sink.address, "--credentials", device.path)
        self.wait_for(lambda: sink.received() > FRAME, "it does not come back")
        summary = self.end(child)
        self.assertGreater(summary["reconnects"], 0)
        self.assertGreater(summary["closed"], 0)
        self.assertEqual(summary["connected"], 1)
        self.assertEqual(summary["connections"], summary["reconnects"] + 1)
        for stream in filter(None, sink.streams()):
            self.assertEqual(list(device.readings(stream[:FRAME])[0]), MEMBERS)

    def test_peer_that_does_not_read_costs_no_memory(self):
        device, sink = self.devices(1)[0], self.sink(reading=False)
        child = self.begin("--connect", sink.address, "--credentials", device.path, "--rate", 50000)
        self.wait_for(lambda: self.is_full(sink), "it does not send")
        first = self.resident_kib(child.pid)
        time.sleep(2)
        grown = self.resident_kib(child.pid) - first
        summary = self.end(child)
        self.assertLess(grown, 2000)
        self.assertGreater(summary["skipped"], 10000)

    @staticmethod
    def is_full(sink):
        """The peer's buffer takes no more: what there is, is there half a second later."""
        before = sink.unread()
        time.sleep(0.5)
        return 0 < before == sink.unread()

    @staticmethod
    def resident_kib(pid):
        with open("/proc/%d/status" % pid, encoding="ascii") as file:
            return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1))

    def test_peer_that_closes_unread(self):
        device, sink = self.devices(1)[0], self.sink(reading=False)
        child = self.begin("--connect", sink.address, "--credentials", device.path, "--rate", 50000,
                           "--no-reconnect")
        self.wait_for(lambda: self.is_full(sink), "it does not send")
        for connection in sink.pieces:
            connection.close()
        out, problems = child.communicate(timeout=PATIENCE_S)
        summary = json.loads(out)
        self.assertEqual((child.returncode, summary["closed"], summary["reconnects"]), (0, 1, 0), problems)

    def test_signal_ends_it_with_the_summary(self):
        self.devices(3)
        for number in (signal.SIGINT, signal.SIGTERM):
            sink = self.sink()
            child = self.begin("--connect", sink.address, "--credentials", self.folder)
            self.wait_for(lambda: len(sink.peers) == 3 and sink.received() > 20 * FRAME, "it does not send")
            summary = self.end(child, number)
            self.wait_for_end(sink, 3)
            self.assertEqual(summary["bytes"], sink.received())
            self.assertEqual(summary["sent"], sum(len(split_frames(s)) for s in sink.streams()))

    def test_first_devices_of_the_folder_by_name(self):
        devices, sink = self.devices(4), self.sink()
        summary = self.summary(run("--connect", sink.address, "--credentials", self.folder, "--devices",
                                   2, "--count", 1, "--json"))
        self.wait_for_end(sink, 2)
        self.assertEqual(summary["devices"], 2)
        for stream in sink.streams():
            readable = []
            for device in devices:
                try:
                    readable.append((device.name, len(device.readings(stream))))
                except ValueError:
                    pass
            self.assertIn(readable, [[("dev-0000", 1)], [("dev-0001", 1)]])

    def test_source_addresses_in_turn(self):
        self.devices(4)
        sink = self.sink()
        self.summary(run("--connect", sink.address, "--credentials", self.folder, "--source",
                         "127.0.0.1,127.0.0.2", "--count", 1, "--json"))
        self.wait_for_end(sink, 4)
        self.assertEqual(sorted(peer[0] for peer in sink.peers), ["127.0.0.1"] * 2 + ["127.0.0.2"] * 2)

    def test_storm_drops_devices_that_come_back(self):
        self.devices(5)
        sink = self.sink()
        child = self.begin("--connect", sink.address, "--credentials", self.folder, "--storm", "2@0.6")
        self.wait_for(lambda: len(sink.peers) >= 5 + 6, "they do not come back")
        summary = self.end(child)
        self.assertGreaterEqual(summary["cut"], 6)
        returned = summary["cut"] - summary["away"]
        self.assertEqual((summary["connections"], summary["reconnects"]), (5 + returned, returned))
        self.assertEqual((summary["recovery"]["count"], summary["closed"]), (returned, 0))
        summary = self.summary(run("--connect", sink.address, "--credentials", self.folder, "--storm",
                                   "2@0.3", "--no-reconnect", "--json"))  # ends when all are cut
        self.assertEqual((summary["cut"], summary["away"], summary["recovery"]["count"]), (5, 5, 0))
        self.assertEqual(summary["refused"], 0)

    def outage(self, *arguments):
        """Runs one device until bytes come again after the first outage, which begins after a second;
        its summary, and the sink."""
        device, sink = self.devices(1)[0], self.sink()
        child = self.begin("--connect", sink.address, "--credentials", device.path, "--outage", "2@3",
                           *arguments)
        self.wait_for(lambda: len(sink.times) > 2 and sink.times[-1] > sink.times[0] + 2,
                      "no end of the outage")
        summary = self.end(child)
        self.wait_for(lambda: sink.ended >= summary["connections"], "no end")
        begin, end = sink.longest_silence()
        self.assertGreater(end - begin, 1)
        self.assertEqual(summary["refused"], 0)
        return device, summary, sink

    def test_outage_holds_bytes_back(self):
        device, summary, sink = self.outage()
        self.assertEqual((summary["connections"], summary["cut"]), (1, 0))
        self.assertGreater(summary["skipped"], 15)  # 40 came due, 9 had room
        self.assert_no_faster_than_asked(summary)
        self.assertEqual(len(device.readings(sink.streams()[0])), summary["sent"])

    def test_outage_that_cuts_makes_no_connection(self):
        _, summary, sink = self.outage("--outage-cuts")
        self.assertIn(sink.longest_silence()[1], sink.accepts)
        self.assertGreater(summary["cut"], 0)
        self.assertEqual(summary["connections"], 1 + summary["cut"] - summary["away"])

    def test_end_of_the_run_ends_the_outage(self):
        device, sink = self.devices(1)[0], self.sink()
        child = self.begin("--connect", sink.address, "--credentials", device.path, "--outage", "299@300")
        self.wait_for(lambda: sink.received() and time.monotonic() - sink.times[-1] > 1.5, "no outage")
        before = sink.received()
        summary = self.end(child)
        self.wait_for_end(sink, 1)
        self.assertLess(summary["elapsed_s"], 250)
        self.assertEqual(len(device.readings(sink.streams()[0])), summary["sent"])
        self.assertGreaterEqual(sink.received() - before, 8 * FRAME)  # they have waited

    def test_thousand_devices(self):
        for i in range(1000):
            Device(self.folder, "dev-%04d" % i)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard < 2200:
            self.skipTest("a hard limit of %d descriptors" % hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2200), hard))
        sink = self.sink()
        done = subprocess.run(["sh", "-c", 'ulimit -Sn 256; exec "$@"', "sh",
                               *command("--connect", sink.address, "--credentials", self.folder,
                                        "--rate", 1, "--count", 3, "--json")], capture_output=True,
                              timeout=2 * PATIENCE_S, env=environment(), check=False)
        summary = self.summary(done)
        self.wait_for_end(sink, 1000)
        self.assertEqual((summary["connected"], summary["refused"], summary["sent"]), (1000, 0, 3000))
        self.assert_no_faster_than_asked(summary)
        self.assertEqual({len(split_frames(stream)) for stream in sink.streams()}, {3})


class Medsec1(SimTest):
    """What can be seen of medsec/1 without a gateway: the handshake's first record."""

    def credential(self, name, *arguments):
        registry = self.file("medsec.db")
        keygen = os.path.join(BUILD, "cli", "medsec-keygen")
        for action in ([] if os.path.exists(registry) else [("init",)]) + [
                ("add", name, "--out", self.folder, *arguments)]:
            subprocess.run([keygen, action[0], "--registry", registry, *action[1:]], check=True,
                           capture_output=True, env=environment())
        return os.path.join(self.folder, name + ".json")

    def run_unanswered(self, *arguments, connections=1):
        """Runs against a sink, which answers nothing; the summary and what came."""
        sink = self.sink()
        done = run("--connect", sink.address, "--json", "--duration", 0.5, "--wait", 1, *arguments)
        self.wait_for_end(sink, connections)
        return done, sink

    def test_hello_names_the_suite_and_nothing_repeats(self):
        hellos = []
        for name, suite, flags in (("a", "A128CBC-HS256", 0x11), ("b", "ChaChaPoly", 0x12)):
            path = self.credential(name, "--suite", suite)
            for _ in range(2):
                done, sink = self.run_unanswered("--credentials", path)
                self.assertEqual(self.summary(done, 4)["wire"], "medsec/1")
                hello, = sink.streams()
                self.assertEqual((len(hello), hello[:4]), (108, bytes([0xa1, flags, 0, 104])))
                hellos.append(hello)
        ephemerals = {hello[4:36] for hello in hellos}
        statics = {hello[36:84] for hello in hellos}
        self.assertEqual((len(ephemerals), len(statics)), (4, 4))

    def test_unacknowledged_readings_are_told(self):
        path = self.credential("a")
        sink = self.sink()
        done = run("--connect", sink.address, "--credentials", path, "--count", 7, "--rate", 50, "--wait", 1,
                   "--json")
        summary = self.summary(done, 4)
        self.assertEqual((summary["sampled"], summary["unacknowledged"], summary["acknowledged"]), (7, 7, 0))
        self.assertIsNone(summary["latency"])
        self.assertEqual(summary["latency_reason"], "nothing was acknowledged")
        self.assertIn(b"7 readings are not acknowledged", done.stderr)

    def test_without_a_gateway_it_does_not_wait(self):
        path = self.credential("a")
        start = time.monotonic()
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            done = run("--connect", "127.0.0.1:%d" % taken.getsockname()[1], "--credentials", path,
                       "--patience", 0.5, "--wait", 90, "--json")
        self.assertLess(time.monotonic() - start, 80)
        self.assertGreater(self.summary(done, 4)["unacknowledged"], 0)
        self.assertIn(b"connection refused", done.stderr)

    def test_summary_in_text(self):
        done, _ = self.run_unanswered("--credentials", self.credential("a"), "--json=false")
        self.assertEqual(done.returncode, 4)
        first, second = done.stdout.decode().splitlines()
        self.assertRegex(first, r"^sent 0 readings, 108 bytes in \d+\.\d s; 1 of 1 ")
        self.assertRegex(second, r"^acknowledged 0 of (\d+) readings, \1 unacknowledged, 0 dropped, ")

    def test_full_ring_drops_the_oldest(self):
        sink = self.sink()
        summary = self.summary(run("--connect", sink.address, "--credentials", self.credential("a"),
                                   "--rate", 100, "--count", 40, "--ring", 10, "--wait", 1, "--json"), 4)
        self.assertEqual((summary["sampled"], summary["unacknowledged"], summary["dropped"]), (40, 10, 30))

    def test_ring_decides_the_memory(self):
        path = self.credential("a")
        small, large = (self.summary(self.run_unanswered("--credentials", path, "--ring", ring)[0],
                                     4)["memory_per_device"] for ring in (100, 1100))
        self.assertEqual(large - small, 1000 * (16 + 4 * 7 + 4))
        self.assertLess(small, 16384)

    def test_boot_is_the_time_or_as_asked(self):
        path = self.credential("a")
        now = time.time()
        summary = self.summary(self.run_unanswered("--credentials", path)[0], 4)
        self.assertTrue(now - 1 <= summary["boot"] <= time.time(), summary)
        self.assertEqual(self.summary(self.run_unanswered("--credentials", path, "--boot", 9)[0], 4)["boot"], 9)

    def test_folder_of_both_wires(self):
        self.credential("m")
        device = self.devices(1)[0]
        done, sink = self.run_unanswered("--credentials", self.folder, connections=2)
        summary = self.summary(done, 4)
        self.assertEqual((summary["wire"], summary["devices"]), ("mixed", 2))
        hello, seed = sorted(sink.streams(), key=len)
        self.assertEqual(hello[:1], b"\xa1")
        self.assertEqual(len(device.readings(seed)), summary["sent"])

    def test_wire_must_be_the_credentials_own(self):
        medsec1, seed = self.credential("m"), self.devices(1)[0].path
        for path, wire in ((medsec1, "seed"), (medsec1, "seed-chained"), (seed, "medsec1")):
            done = run("--connect", "127.0.0.1:9", "--credentials", path, "--wire", wire)
            self.assertEqual(done.returncode, 3, (path, wire))
            self.assertIn(b"this credential is for the wire", done.stderr)

    def test_credential_without_its_private_key(self):
        path = self.credential("m")
        with open(path, encoding="ascii") as file:
            credential = json.load(file)
        del credential["device_private"]
        with open(path, "w", encoding="ascii") as file:
            json.dump(credential, file)
        done = run("--connect", "127.0.0.1:9", "--credentials", path)
        self.assertEqual(done.returncode, 3)
        self.assertIn(b"private key is in the device", done.stderr)

    def test_rate_is_at_most_one_a_millisecond(self):
        done = run("--connect", "127.0.0.1:9", "--credentials", self.credential("m"), "--rate", 1001)
        self.assertEqual(done.returncode, 2)

    def test_wrong_keys_are_other_bytes_of_the_same_form(self):
        path = self.credential("a")
        for attack in ("--wrong-key", "--wrong-psk", "--wrong-gateway-key"):
            done, sink = self.run_unanswered("--credentials", path, attack)
            self.assertEqual(self.summary(done, 4)["bytes"], 108)
            self.assertEqual(sink.streams()[0][:4], b"\xa1\x11\x00\x68")

    def test_garbage_is_no_hello(self):
        done, sink = self.run_unanswered("--credentials", self.credential("a"), "--garbage")
        self.assertEqual(self.summary(done, 4)["bytes"], 108)
        self.assertNotEqual(sink.streams()[0][:4], b"\xa1\x11\x00\x68")

    def test_record_and_replay(self):
        path, record = self.credential("a"), self.file("record")
        done, sink = self.run_unanswered("--credentials", path, "--record", record)
        self.summary(done, 4)
        with open(record, "rb") as file:
            self.assertEqual(file.read(), sink.streams()[0])
        done, again = self.run_unanswered("--credentials", path, "--replay", record)
        summary = self.summary(done)
        self.assertEqual((summary["wire"], summary["bytes"], summary["sampled"]), ("replay", 108, 0))
        self.assertEqual(again.streams(), sink.streams())

    def test_attack_on_the_hello(self):
        path = self.credential("a")
        for attack, lengths in (("--drop-record", set()), ("--duplicate", {216}),
                                ("--truncate", set(range(1, 108))), ("--reorder", set()),
                                ("--corrupt", {108})):
            done, sink = self.run_unanswered("--credentials", path, attack, 1)
            self.assertEqual(self.summary(done, 4)["corrupted"], 1, attack)
            self.assertLessEqual({len(stream) for stream in sink.streams() if stream}, lengths, attack)


class CommandLine(SimTest):
    def test_summary_has_all_members(self):
        _, _, summary = self.run_one("--count", 1)
        self.assertEqual(sorted(summary), sorted(
            ["wire", "devices", "rate_hz", "elapsed_s", "sent", "bytes", "received", "skipped",
             "corrupted", "connected", "connections", "reconnects", "refused", "closed", "cut",
             "memory_per_device", "sampled", "acknowledged", "unacknowledged", "dropped", "resent",
             "boot", "sessions", "faults", "latency", "latency_reason", "recovery", "away"]))
        self.assertIsNone(summary["latency"])

    def test_quiet_in_a_pipe(self):
        device, sink = self.devices(1)[0], self.sink()
        done = run("--connect", sink.address, "--credentials", device.path, "--duration", 1.5)
        self.assertEqual(done.stderr, b"")
        self.assertRegex(done.stdout.decode(), r"^sent \d+ readings, \d+ bytes in \d+\.\d s; 1 of 1 .*\n$")

    def test_progress_on_a_terminal(self):
        device, sink = self.devices(1)[0], self.sink()
        here, there = pty.openpty()
        done = subprocess.run(command("--connect", sink.address, "--credentials", device.path, "--duration",
                                      2.5, "--json"), stderr=there, stdout=subprocess.PIPE,
                              timeout=PATIENCE_S, env=environment(), check=False)
        os.close(there)
        talk = b""
        with open(here, "rb", buffering=0) as terminal, contextlib.suppress(OSError):  # its end
            while piece := terminal.read(4096):
                talk += piece
        self.assertEqual(done.returncode, 0)
        self.assertRegex(talk, rb"^\r\x1b\[K1 of 1 connected, \d+ readings/s, \d+ sent, 0 refused, 0 closed\r")
        self.assertTrue(talk.endswith(b"\r\n"))

    def test_usage_errors_are_exit_code_2(self):
        path = self.devices(1)[0].path
        for bad in ([], ["--connect", "127.0.0.1:1"], ["--connect", "127.0.0.1", "--credentials", path],
                    ["--connect", "a:1", "--credentials", path, "--wire", "medsec/1"],
                    ["--connect", "a:1", "--credentials", path, "--rate", "0"],
                    *(["--connect", "127.0.0.1:9", "--credentials", path, "--storm", bad]
                      for bad in ("5", "5@", "@5", "0@5", "5@0", "1.5@2", "1.0.0@2", "5@x", "-1@5", "5@5@5", "1e3@5",
                                  "2000000@1")),
                    *(["--connect", "127.0.0.1:9", "--credentials", path, "--outage", bad]
                      for bad in ("5", "5@5", "6@5", "0@5", "5@ 9"))):
            self.assertEqual(run(*bad).returncode, 2, bad)

    def test_credential_errors_are_exit_code_3(self):
        device = self.devices(1)[0]
        common = ("--connect", "127.0.0.1:9", "--credentials")
        self.assertEqual(run(*common, self.folder, "--devices", 2).returncode, 3)
        self.assertEqual(run(*common, self.file("nothing")).returncode, 3)
        os.chmod(device.path, 0o644)
        done = run(*common, device.path)
        self.assertEqual(done.returncode, 3)
        self.assertNotIn(device.key.encode(), done.stderr)
        os.chmod(device.path, 0o600)
        with open(device.path, "w", encoding="ascii") as file:
            file.write('{"format":"medsec-credential/1","key":"%s"' % device.key)
        done = run(*common, device.path)
        self.assertEqual(done.returncode, 3)
        self.assertNotIn(device.key.encode(), done.stderr)

    def test_other_files_and_addresses_are_checked(self):
        device = self.devices(1)[0]
        common = ("--connect", "127.0.0.1:9", "--credentials", device.path)
        empty = self.file("empty")
        with open(empty, "wb"):
            pass
        for arguments, code in ((("--replay", self.file("nothing")), 3), (("--replay", empty), 3),
                                (("--record", self.file("no/where")), 1), (("--source", "a b"), 2),
                                (("--source", "127.0.0.1:9"), 2), (("--source", "::1:[,"), 2)):
            done = run(*common, *arguments)
            self.assertEqual(done.returncode, code, (arguments, done.stderr))
            self.assertRegex(done.stderr, rb"^medsec-sim: [^\n]+\n")

    def test_other_profile_is_refused(self):
        device = self.devices(1)[0]
        with open(device.path, encoding="ascii") as file:
            credential = json.load(file)
        with open(device.path, "w", encoding="ascii") as file:
            json.dump({**credential, "profile": "oximeter"}, file)
        done = run("--connect", "127.0.0.1:9", "--credentials", device.path)
        self.assertEqual(done.returncode, 3)
        self.assertIn(b"only the profile pico-vitals", done.stderr)

    def test_hard_limit_of_descriptors_is_told(self):
        self.devices(60)
        done = subprocess.run(["sh", "-c", 'ulimit -n 100; exec "$@"', "sh",
                               *command("--connect", "127.0.0.1:9", "--credentials", self.folder)],
                              capture_output=True, timeout=PATIENCE_S, env=environment(), check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"60 devices need 124 file descriptors, the hard limit is 100", done.stderr)

    def test_config_file_and_environment(self):
        device, sink = self.devices(1)[0], self.sink()
        config = self.file("sim.conf")
        with open(config, "w", encoding="ascii") as file:
            file.write("connect = %s\ncredentials = %s\ncount = 1\njson = true\n"
                       % (sink.address, device.path))
        self.assertEqual(self.summary(run("--config", config))["sent"], 1)
        self.assertEqual(self.summary(run("--config", config, MEDSEC_COUNT="2"))["sent"], 2)
        self.assertEqual(self.summary(run("--config", config, "--count", 3, MEDSEC_COUNT="2"))["sent"], 3)

    def test_help_man_and_completion_name_every_option(self):
        options = set(re.findall(r"^  --([a-z-]+)", run("--help").stdout.decode(), re.MULTILINE))
        self.assertIn("heart-rate", options)
        man = run("--generate", "man").stdout.decode().replace("\\-", "-")
        bash = run("--generate", "bash").stdout.decode()
        for name in options:
            self.assertIn(".B --" + name, man)
            self.assertIn("--" + name, bash)
        completed = subprocess.run(
            ["bash", "-c", bash + '\nCOMP_WORDS=(medsec-sim --wire se); COMP_CWORD=2; _medsec_sim; '
                                  'echo "${COMPREPLY[*]}"'], capture_output=True, check=True)
        self.assertEqual(completed.stdout, b"seed seed-chained\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True, type=os.path.abspath)
    parser.add_argument("--source")
    parsed, rest = parser.parse_known_args()
    BUILD = parsed.build
    unittest.main(argv=sys.argv[:1] + rest, verbosity=2)
