# SPDX-License-Identifier: Apache-2.0
"""What each first start makes for itself, and who gets to know it."""

import os

import harness
import images
import layers
import ward
from engine import PATIENCE_S, output
from stage import USER, Part

GUESSES = ((None, None), ("", ""), ("admin", "public"), ("admin", "admin"), ("guest", "guest"),
           ("mosquitto", "mosquitto"), ("medsec", "medsec"), ("root", "root"))


class Secrets(Part):
    def test_each_reader_has_its_own(self):
        """Volumes with secrets, and which services mount them."""
        mounted = {}
        for name, each in self.stage.ward.containers().items():
            for mount in each["Mounts"]:
                if mount["Type"] == "volume":
                    mounted.setdefault(mount["Name"].split("_", 1)[1], set()).add(name)
        for volume, reader in (("authority", "setup"), ("gateway-secrets", "gateway"),
                               ("broker-secrets", "broker"), ("dashboard-secrets", "dashboard"),
                               ("sim-devices", "sim")):
            self.assertLessEqual(mounted[volume], {reader, "setup", "sim-setup"}, volume)

    def test_files_are_for_their_reader_alone(self):
        for volume, top in zip(ward.SECRETS, self.stage.ward.volumes(ward.SECRETS)):
            for folder, _, files in os.walk(top):
                for file in files:
                    if file not in ward.PUBLIC:
                        mode = os.stat(os.path.join(folder, file)).st_mode
                        self.assertEqual(mode & 0o037, 0, "%s/%s: %o" % (volume, file, mode))

    def assert_no_secret(self, text, where, secrets):
        told = {name for word, name in secrets.items() if word.encode() in text}
        self.assertEqual(told, set(), where)

    def test_nobody_tells(self):
        secrets = self.stage.ward.secrets()
        self.assertGreater(len(secrets), 10)
        names = self.stage.ward.names()
        told = output("docker", "inspect", *names, *("medsec-" + each for each in images.TARGETS))
        self.assert_no_secret(told.encode(), "docker inspect", secrets)
        for name in names:
            logs = self.stage.ward.log(name)
            self.assertTrue(logs or "gateway" not in name, "no log to look into")
            self.assert_no_secret(logs.encode(), "docker logs " + name, secrets)
        shown = self.stage.commands.close()
        self.assertIn(b"medsec-keygen", shown)
        self.assertIn(b"openssl", shown)
        self.assert_no_secret(shown, "command lines and environments", secrets)

    def test_no_image_has_one(self):
        for target in images.TARGETS:
            found = layers.secrets("medsec-" + target, self.stage.bases[target == "dashboard"])
            self.assertEqual(found, [], target)

    def test_each_first_start_makes_others(self):
        other = ward.Installation(
            harness.SOURCE, project="other", MEDSEC_SUBNET="172.21.0.0/16",
            **{"MEDSEC_%s_ADDRESS" % name: "172.21.0.%d" % (number + 10)
               for number, name in enumerate(("GATEWAY", "BROKER", "DASHBOARD"))})
        other.compose("run", "--rm", "-T", "setup")
        other.compose("run", "--rm", "-T", "sim-setup", profiles=["sim"])
        mine, theirs = self.stage.ward.secrets(), other.secrets()
        other.compose("down", "-v", profiles=["sim"])
        self.assertEqual({name for word, name in mine.items() if word in theirs}, set())
        self.assertGreater(len(theirs), 10)

    def test_nothing_guessed_logs_in_at_the_broker(self):
        users = ("gateway", "dashboard", USER)
        words = (None, "", "public")
        guesses = GUESSES + tuple((user, word) for user in users for word in (*words, user))
        for user, password in guesses:
            listener = ward.Listener(self.stage.ward, user, password)
            listener.close()
            self.assertNotEqual(listener.code, 0, (user, password))

    def test_dashboard_may_read_and_no_more(self):
        """At the broker. Status is retained: it comes at once where one may read."""
        device = self.stage.seen["reading"]["device"]
        command = "Pico/%s/Command/Config" % device
        here = self.stage.ward
        listener = ward.Listener(here, "dashboard", here.password("dashboard"),
                                 ["Pico/%s/Status" % device, command])
        gateway = ward.Listener(here, "gateway", here.password("gateway"),
                                ["Pico/+/Command/Config"])
        self.addCleanup(listener.close)
        self.addCleanup(gateway.close)
        self.assertTrue(listener.wait(lambda: listener.messages))
        for topic in (command, "Pico/%s/Status" % device, "medsec/gateway/gateway/status"):
            listener.client.publish(topic, '{"version":1}', qos=1).wait_for_publish(PATIENCE_S)
        gateway.client.publish(command, '{"version":2}', qos=1).wait_for_publish(PATIENCE_S)
        self.assertTrue(gateway.wait(lambda: gateway.messages))
        self.assertEqual([payload for _, payload in gateway.messages], [b'{"version":2}'])
        self.assertEqual([topic for topic, payload in listener.messages
                          if b'"version"' in payload], [])

    def setup_state(self):
        return self.stage.ward.containers()["setup"]["State"]

    def test_second_start_changes_none(self):
        before = self.stage.ward.files()
        first = self.setup_state()
        self.stage.ward.up()
        self.assertTrue(harness.wait_until(
            lambda: self.setup_state()["FinishedAt"] > first["FinishedAt"], PATIENCE_S, 0.1))
        self.assertGreater(self.setup_state()["StartedAt"], first["StartedAt"])
        self.assertEqual(self.setup_state()["ExitCode"], 0)
        after = self.stage.ward.files()
        self.assertEqual(set(before), set(after))
        changed = {name for name, content in after.items() if before[name] != content}
        self.assertEqual({name for name in changed if not name.endswith(".db")}, set())
