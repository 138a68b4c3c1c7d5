# SPDX-License-Identifier: Apache-2.0
"""Copies of the registry: backed up while it is used, restored under a running gateway, and brought
to a gateway on another machine that only reads it."""

import json
import os
import shutil
import sys
import threading

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path[1:1] = [os.path.join(TESTS, "support"), os.path.join(TESTS, "interop")]
import harness
from medsec1 import Rejected
from medsec1.link import Closed
from medsec1_device import Device


class Copy(harness.Registry):
    """What another machine has: the key, and a copy that is brought there again and again."""

    def __init__(self, main):
        self.main, self.folder, self.brought = main, os.path.join(main.folder, "other"), 0
        self.path = os.path.join(self.folder, "medsec.db")
        os.mkdir(self.folder)
        shutil.copy(os.path.join(main.folder, "medsec.key"), self.folder)
        self.bring()

    def bring(self):
        self.brought += 1
        path = os.path.join(self.folder, "brought-%d.db" % self.brought)
        self.main.keygen("backup", "--out", path)
        self.keygen("restore", path)

    def bytes(self):
        with open(self.path, "rb") as file:
            return file.read()


class RegistryCopies(harness.GatewayTest):
    def setUp(self):
        super().setUp()
        self.broker.start()

    def device(self, action, name, *arguments):
        out = os.path.join(self.folder, action)
        self.registry.keygen(action, name, "--out", out, *arguments)
        device = Device.from_credential(os.path.join(out, name + ".json"))
        self.addCleanup(device.close)
        return device

    def gateway(self, registry, *arguments):
        output = os.path.join(self.folder, "proxy-%d.log" % len(self.processes))
        proxy = harness.Proxy(registry, self.broker.url(), output, *arguments)
        self.processes.append(proxy)
        self.addCleanup(self.end_proxy, proxy)
        return proxy

    @staticmethod
    def accepts(proxy, device):
        """A session in which a reading is acknowledged."""
        try:
            device.connect(proxy.address)
            device.boot += 1
            device.sample(1)
            device.send_waiting()
            device.wait_acknowledged()
            return True
        except (Closed, Rejected, OSError):
            return False
        finally:
            device.close()

    def wait_accepts(self, proxy, device, wanted):
        """The gateway looks once a second."""
        self.assertTrue(harness.wait_until(lambda: self.accepts(proxy, device) == wanted,
                                           interval=0.05))

    def backup(self, name):
        path = os.path.join(self.folder, name)
        self.registry.keygen("backup", "--out", path)
        return path

    def test_backup_while_others_write(self):
        def write():
            for number in range(20):
                self.registry.add("w-%d" % number, "--wire", "medsec1")
                self.registry.keygen("revoke", "w-%d" % number)

        writer = threading.Thread(target=write)
        writer.start()
        ends = []
        while writer.is_alive():
            path = os.path.join(self.folder, "backup-%d.db" % len(ends))
            made = json.loads(self.registry.keygen("backup", "--out", path, "--json").stdout)
            found = self.registry.keygen("audit", "--verify", "--json", "--registry", path,
                                         "--key-file", os.path.join(self.folder, "medsec.key"))
            self.assertEqual(json.loads(found.stdout), {"verified": True, **made})
            ends.append((made["rows"], made["hash"]))
        writer.join()
        self.assertEqual([rows for rows, _ in ends], sorted(rows for rows, _ in ends))
        self.assertGreater(len(set(ends)), 3)
        log = json.loads(self.registry.keygen("audit", "--json").stdout)
        self.assertEqual(len(log), 41)
        for rows, last in ends:
            self.assertEqual(log[rows - 1]["hash"], last)

    def test_running_gateway_sees_what_was_restored(self):
        device = self.device("add", "bed-7")
        proxy = self.gateway(self.registry)
        self.assertTrue(self.accepts(proxy, device))
        before = self.backup("before.db")
        self.registry.keygen("revoke", "bed-7")
        self.wait_accepts(proxy, device, False)
        after = self.backup("after.db")
        refused = self.registry.keygen("restore", before, check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("changes would be lost, maybe revocations", refused.stderr)
        self.assertFalse(self.accepts(proxy, device))
        self.registry.keygen("restore", before, "--older")
        self.wait_accepts(proxy, device, True)
        device.connect(proxy.address)
        self.registry.keygen("restore", after)
        self.assertTrue(device.closed_by_peer())
        self.wait_accepts(proxy, device, False)
        # Its own changes go into the new file too.
        self.device("add", "bed-8")
        self.wait_accepts(proxy, self.device("rotate", "bed-8"), True)
        self.assertTrue(harness.wait_until(lambda: proxy.events("rotation-completed")))
        rows = json.loads(self.registry.keygen("audit", "--json").stdout)
        self.assertEqual([row["action"] for row in rows][-2:], ["rotate", "promote"])
        self.registry.keygen("audit", "--verify")

    def test_rotation_used_at_a_gateway_with_a_copy(self):
        old = self.device("add", "bed-7")
        new = self.device("rotate", "bed-7")
        copy = Copy(self.registry)
        main = self.gateway(self.registry, "--name", "main")
        other = self.gateway(copy, "--name", "other", "--registry-read-only")
        self.assertTrue(other.events("registry-read-only"))
        before = copy.bytes()
        self.assertTrue(self.accepts(other, new))
        pending = harness.wait_until(lambda: other.events("rotation-stays-pending"))[0]
        self.assertEqual((pending["device"], pending["generation"]), ("bed-7", 1))
        self.assertEqual([self.accepts(proxy, old) for proxy in (main, other)], [True, True])
        self.assertEqual(copy.bytes(), before)

        generation = "--generation=%d" % pending["generation"]
        wrong = self.registry.keygen("promote", "bed-7", "--generation", "2", check=False)
        self.assertIn("no such generation is pending", wrong.stderr)
        self.assertEqual(wrong.returncode, 1)
        self.registry.keygen("promote", pending["device"], generation)
        self.wait_accepts(main, old, False)
        self.assertTrue(self.accepts(other, old), "the copy is of before")
        copy.bring()
        self.wait_accepts(other, old, False)
        self.assertEqual([self.accepts(proxy, old) for proxy in (main, other)], [False, False])
        self.assertEqual([self.accepts(proxy, new) for proxy in (main, other)], [True, True])
        shown = json.loads(copy.keygen("show", "bed-7", "--json").stdout)
        self.assertEqual((shown["generation"], shown["rotating"]), (1, False))
        again = self.registry.keygen("promote", "bed-7", generation, check=False)
        self.assertEqual(again.returncode, 1)

    def test_copy_that_was_written_to_is_not_replaced_in_silence(self):
        self.device("add", "bed-7")
        new = self.device("rotate", "bed-7")
        copy = Copy(self.registry)
        self.assertTrue(self.accepts(self.gateway(copy), new))
        self.assertTrue(harness.wait_until(lambda: "promote" in copy.keygen("audit").stdout))
        self.registry.keygen("revoke", "bed-7")
        with self.assertRaisesRegex(RuntimeError, "changes would be lost"):
            copy.bring()
        self.registry.keygen("backup", "--out", os.path.join(copy.folder, "late.db"))
        copy.keygen("restore", "late.db", "--older")
        self.assertIn("revoke", copy.keygen("audit").stdout)


if __name__ == "__main__":
    harness.main()
