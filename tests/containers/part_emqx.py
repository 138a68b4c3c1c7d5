# SPDX-License-Identifier: Apache-2.0
"""compose.yaml as far as it goes without EMQX: its image is a mosquitto here, with the files that
were made for EMQX, and without logins."""

import hashlib
import os
import subprocess

import yaml

import harness
import ward
from engine import PATIENCE_S, output
from stage import PUBLISHED, Part

STANDS_IN = """
FROM medsec-mosquitto
USER 0
RUN printf '%s\\n' 'listener 8883' 'certfile /etc/medsec/cert.pem' 'keyfile /etc/medsec/key.pem' \
    'allow_anonymous true' 'log_dest stdout' >/etc/mosquitto/mosquitto.conf
USER 1000:1000
"""


class Emqx(Part):
    def setUp(self):
        self.ward = ward.Installation(harness.SOURCE, "compose.yaml")
        self.config = yaml.safe_load(self.ward.compose("config"))

    def test_gateway_and_dashboard_work_beside_it(self):
        image = self.config["services"]["broker"]["image"]
        self.assertRegex(image, r"^emqx/emqx(-enterprise)?:\d+\.\d+\.\d+(@sha256:[0-9a-f]{64})?$")
        output("docker", "build", "--network=none", "--tag", image, "-",
               input=STANDS_IN)
        self.addCleanup(self.ward.compose, "down", "-v")
        self.ward.up("gateway", "dashboard", "broker", profiles=())
        for name, command in (("gateway", ["medsec-healthy"]),
                              ("dashboard", ["node", "health.js"])):
            container = self.ward.containers()[name]["Id"]
            self.assertTrue(harness.wait_until(lambda: subprocess.run(
                ["docker", "exec", container, *command], capture_output=True,
                check=False).returncode == 0, PATIENCE_S, 0.2), self.ward.logs())
        bound = {name: each["HostConfig"]["PortBindings"] or {}
                 for name, each in self.ward.containers().items()}
        self.assertEqual({address["HostIp"] for address in bound["broker"]["18083/tcp"]},
                         {"127.0.0.1"})
        self.assertEqual(self.stage.scan(), PUBLISHED)
        self.check_users()

    def check_users(self):
        """EMQX hashes as the file says: SHA-256 of salt and password."""
        path = os.path.join(self.ward.volume("broker-secrets"), "users.csv")
        with open(path, encoding="ascii") as file:
            rows = {line.split(",")[0]: line.strip().split(",") for line in file}
        for user in ("gateway", "dashboard"):
            _, digest, salt, superuser = rows[user]
            made = hashlib.sha256((salt + self.ward.password(user)).encode()).hexdigest()
            self.assertEqual((digest, superuser), (made, "false"), user)
