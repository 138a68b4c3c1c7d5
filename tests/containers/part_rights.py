# SPDX-License-Identifier: Apache-2.0
"""What each container may do."""

import images
from engine import inspect, output
from stage import Part

NET_RAW = 1 << 13
SNIFFERS = ("sniffer-devices", "sniffer-broker")


class Rights(Part):
    CAPABILITIES = {name: NET_RAW for name in SNIFFERS}

    def test_engine_was_told(self):
        for name, each in self.stage.ward.containers().items():
            with self.subTest(name):
                host = each["HostConfig"]
                capable = name in self.CAPABILITIES
                self.assertNotIn(each["Config"]["User"].split(":")[0], ("", "0", "root"))
                self.assertTrue(host["ReadonlyRootfs"])
                self.assertFalse(host["Privileged"])
                self.assertEqual(host["CapDrop"], ["ALL"])
                self.assertEqual(host["CapAdd"] or [], ["NET_RAW"] * capable)
                self.assertEqual("no-new-privileges:true" in (host["SecurityOpt"] or []),
                                 not capable)
                self.assertTrue(0 < (host["PidsLimit"] or 0) <= 512)
                self.assertIn("max-size", host["LogConfig"]["Config"])
                self.assertNotIn("host", (host["NetworkMode"], host["PidMode"], host["IpcMode"]))
                self.assertFalse([each for each in each["Mounts"] if "/run/" in each["Source"]])
                self.assertEqual({int(key.split("/")[0]) for key in host["PortBindings"] or {}},
                                 {"gateway": {9998}, "dashboard": {1880}}.get(name, set()))
                wanted = "no" if "setup" in name else "unless-stopped"
                self.assertEqual(host["RestartPolicy"]["Name"], wanted)

    def processes(self, container):
        rows = output("docker", "top", container["Id"], "-o", "pid").split()[1:]
        self.assertTrue(rows)
        return rows

    def test_kernel_was_told(self):
        for name, each in self.stage.ward.containers().items():
            if not each["State"]["Running"]:
                continue
            for process in self.processes(each):
                with self.subTest(name):
                    self.check_process(process, self.CAPABILITIES.get(name, 0))

    def check_process(self, process, capabilities):
        with open("/proc/%s/status" % process, encoding="ascii") as file:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in file)
        self.assertNotIn("0", status["Uid"].split() + status["Gid"].split())
        for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            self.assertEqual(int(status[name], 16) & ~capabilities, 0, name)
        self.assertEqual(status["NoNewPrivs"], "0" if capabilities else "1")
        self.assertEqual(status["Seccomp"], "2")
        with open("/proc/%s/mountinfo" % process, encoding="ascii") as file:
            roots = [line.split() for line in file if line.split()[4] == "/"]
        self.assertIn("ro", roots[-1][5].split(","))

    def test_no_image_is_root_or_has_a_way_to_become_it(self):
        for target in images.TARGETS:
            config = inspect("medsec-" + target)[0]["Config"]
            self.assertNotIn(config["User"].split(":")[0], ("", "0", "root"), target)
