# SPDX-License-Identifier: Apache-2.0
"""Who can reach what: the host, its neighbour, and a neighbour that knows the way inside."""

import os
import re
import shlex

import harness
import ports
import ward
from engine import output
from stage import PUBLISHED, Part

INSIDE = (1883, 8083, 8883, 8884, 9999, 18083)


class Reach(Part):
    def test_host_listens_on_what_is_declared(self):
        self.assertEqual({(kind, port) for kind, _, port in ports.listening()},
                         {("tcp", port) for port in PUBLISHED})

    def test_scan_from_the_neighbour_finds_what_is_declared(self):
        self.assertEqual(self.stage.scan(), PUBLISHED)

    def test_scan_of_the_host_finds_what_is_declared(self):
        bridges = re.findall(r"inet (172\.20\.[\d.]+)/", output("ip", "-4", "address"))
        self.assertEqual(len(bridges), 1, "addresses of the host on the internal network")
        for address in ("127.0.0.1", "::1", *bridges):
            self.assertEqual(ports.open_ports(address, range(1, 65536)), PUBLISHED, address)

    def test_neighbour_cannot_go_through_the_host(self):
        """Though the broker listens: the host itself reaches it."""
        self.assertEqual(ports.open_ports(ward.BROKER, [8883]), [8883])
        for address in (ward.BROKER, ward.GATEWAY):
            self.assertEqual(self.stage.scan(address, INSIDE), [], address)

    def rule(self):
        """What docs/deploy.md says for hosts that forward packets."""
        with open(os.path.join(harness.SOURCE, "docs/deploy.md"), encoding="utf-8") as file:
            found = re.findall(r"^    (iptables -I DOCKER-USER .*)$", file.read(), re.M)
        self.assertEqual(len(found), 1)
        return shlex.split(found[0])

    def test_host_that_forwards_wants_the_rule(self):
        """One that did so before the engine began, which denies nothing then."""
        self.addCleanup(output, "iptables", "-P", "FORWARD", "DROP")
        output("iptables", "-P", "FORWARD", "ACCEPT")
        version = output("docker", "version", "--format", "{{.Server.Version}}")
        self.assertEqual(self.stage.scan(ward.BROKER, INSIDE),
                         [8883, 8884] if int(version.split(".")[0]) < 28 else [])
        rule = self.rule()
        self.addCleanup(output, *("-D" if word == "-I" else word for word in rule))
        output(*rule)
        for address in (ward.BROKER, ward.GATEWAY):
            self.assertEqual(self.stage.scan(address, (*INSIDE, *PUBLISHED)), [], address)
        self.assertEqual(self.stage.scan(), PUBLISHED)

    def test_containers_listen_on_what_they_need(self):
        wanted = {"broker": {(any_, port) for any_ in ("0.0.0.0", "::") for port in (8883, 8884)},
                  "gateway": {("0.0.0.0", 9998), ("127.0.0.1", 9999)},
                  "dashboard": {("0.0.0.0", 1880), ("::", 1880)}, "sim": set()}
        containers = self.stage.ward.containers()
        for name, allowed in wanted.items():
            there = {(address, port) for _, address, port in
                     ports.listening(containers[name]["State"]["Pid"]) if address != "127.0.0.11"}
            self.assertLessEqual(there, allowed, name)
            self.assertTrue(there or not allowed, name)
