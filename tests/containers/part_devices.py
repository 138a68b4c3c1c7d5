# SPDX-License-Identifier: Apache-2.0
"""New devices, and what the sniffers see of them."""

import os

import capture
import harness
import ward
from engine import HOST, NEIGHBOUR, PATIENCE_S, output
from stage import Part

# As they stand in an object: four bytes are found by chance among a few hundred megabytes.
NAMES = ('"Temp"', '"PulseSig"', '"Acel_x"', "Physiological_Data", "Temperature", "Pulse_Signal")


class Devices(Part):
    @classmethod
    def setUpClass(cls):
        cls.folder = os.path.join(cls.stage.scratch, "new")
        os.mkdir(cls.folder, 0o700)
        cls.devices, cls.broker = (capture.Capture(cls.stage.ward.volume("captures"), name)
                                   for name in ("devices", "broker"))

    def add(self, name, *how):
        run = ("run", "--rm", "-T")
        self.stage.ward.compose(*run, "keygen", "add", name, *how, profiles=["tools"])
        path = os.path.join(self.folder, name + ".json")
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as file:
            file.write(self.stage.ward.compose(*run, "setup", "take", name + ".json"))
        return path

    def sent_by(self, address):
        """(bytes to the gateway, bytes from it) of the devices at an address."""
        flows = self.devices.look()
        to = b"".join(data for (source, target), data in flows.items()
                      if source[0] == address and target[1] == 9998)
        back = b"".join(data for (source, target), data in flows.items()
                        if target[0] == address and source[1] == 9998)
        return to, back

    def test_added_device_is_let_in_and_seen_by_nobody(self):
        one = self.add("bed-99")
        summary = self.stage.simulate("--credentials", one, "--count", "40")
        self.assertEqual((summary["acknowledged"], summary["connections"], summary["refused"]),
                         (40, 1, 0))  # at the first attempt
        two = self.add("bed-98", "--wire", "seed")
        seed = self.stage.simulate("--credentials", two, "--count", "40")
        listener = self.stage.listener
        self.assertTrue(listener.wait(lambda: {len(listener.readings.get(name, ()))
                                               for name in ("bed-98", "bed-99")} == {40}))
        self.check_devices([summary, seed])
        self.check_broker()
        self.check_control()

    def check_devices(self, summaries):
        wanted = tuple(sum(each[name] for each in summaries) for name in ("bytes", "received"))
        harness.wait_until(lambda: tuple(map(len, self.sent_by(NEIGHBOUR))) == wanted,
                           PATIENCE_S, 0.2)
        self.assertEqual(tuple(map(len, self.sent_by(NEIGHBOUR))), wanted)
        self.assertTrue(self.stage.listener.wait(lambda: len(self.stage.listener.decimals) > 50))
        decimals = self.stage.listener.decimals.copy()
        everything = b"\n".join(self.devices.look().values())
        self.assertEqual(capture.readable(everything, NAMES, decimals), set())

    def sent_by_broker(self):
        """Bytes to the broker, and from it."""
        sums, at = [0, 0], (ward.BROKER, 8883)
        for ends, data in self.broker.look().items():
            if at in ends:
                sums[ends.index(at) == 0] += len(data)
        return sums

    def check_broker(self):
        """The gateway's connection, and the dashboard's."""
        self.assertTrue(harness.wait_until(lambda: min(self.sent_by_broker()) > 20000,
                                           PATIENCE_S, 0.2), self.sent_by_broker())
        flows = self.broker.look()
        self.assertEqual(capture.readable(b"\n".join(flows.values()), NAMES,
                                          self.stage.listener.decimals.copy()), set())
        self.assertEqual({target[1] for _, target in flows if target[0] == ward.BROKER} &
                         {1883, 8083}, set())

    def check_control(self):
        """Had there been something to read, it would have been found."""
        value = sorted(self.stage.listener.decimals.copy())[-1]
        text = '{"Temp":%s}' % value
        say = ("import socket, sys; to, port, text = sys.argv[1:];"
               "socket.create_connection((to, int(port))).sendall(text.encode())")
        self.stage.neighbour.output("/usr/bin/python3", "-c", say, HOST, "9998", text)
        output("/usr/bin/python3", "-c", say, ward.BROKER, "8883", text)
        for sniffer in (self.devices, self.broker):
            found = harness.wait_until(lambda: capture.readable(
                b"\n".join(sniffer.look().values()), NAMES, {value}), PATIENCE_S, 0.2)
            self.assertEqual(found, {'"Temp"', value}, sniffer.name)
