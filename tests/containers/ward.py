# SPDX-License-Identifier: Apache-2.0
"""An installation of packaging/docker: its services, what they keep, who listens at its broker."""

import contextlib
import glob
import json
import os
import re
import secrets
import ssl
import threading
import time

import harness
from engine import HOST, PATIENCE_S, inspect, output

BROKER, GATEWAY = "172.20.0.20", "172.20.0.10"
PUBLIC = {"ca.pem", "cert.pem", "names", "acl", "access", "lock"}
PUBLIC_MEMBERS = {"device_public", "gateway_public"}
SECRETS = ("authority", "registry", "gateway-secrets", "broker-secrets", "dashboard-secrets",
           "devices", "sim-devices")
# Six characters: a shorter one is found by chance among as many random bytes as a slow machine has.
DECIMAL = re.compile(rb"(?<=:)(?=[-.\d]{6})-?\d+\.\d{2,}\b")
NAME = re.compile(r"[a-z/-]+[0-9]?")  # of a format
TROUBLE = re.compile(r"dropped|disconnect|exceeded|error", re.IGNORECASE)  # in the broker's log
WORD = re.compile(r"[A-Za-z0-9+/_-]{20,}={0,2}")  # not a salt


class Installation:
    """`docker-compose` with a file of packaging/docker, as a project of its own."""

    def __init__(self, source, file="compose.mosquitto.yaml", project="medsec", **environment):
        self.paths = [os.path.join(source, "packaging/docker", file),
                      os.path.join(source, "tests/containers/patient.yaml")]
        self.project = project
        self.environment = {"MEDSEC_HOST": HOST, "COMPOSE_HTTP_TIMEOUT": str(PATIENCE_S),
                            **environment}

    def command(self, *arguments, profiles=()):
        words = ["docker-compose", "--ansi", "never", "-p", self.project]
        for path in self.paths:
            words += ["-f", path]
        for profile in profiles:
            words += ["--profile", profile]
        return [*words, *arguments]

    def compose(self, *arguments, **how):
        """With the settings of its own, and not those of whoever runs the test."""
        others = {name: value for name, value in os.environ.items()
                  if not name.startswith("MEDSEC_")}
        return output(*self.command(*arguments, profiles=how.pop("profiles", ())),
                      env={**others, **self.environment}, **how)

    def up(self, *services, profiles=("sim", "sniffer")):
        """As `docker compose up -d`, but never builds and never asks a registry."""
        return self.compose("up", "-d", "--no-build", *services, profiles=profiles)

    def names(self):
        return output("docker", "ps", "-a", "--filter", "label=com.docker.compose.project="
                      + self.project, "--format", "{{.Names}}").split()

    def containers(self):
        """service -> what the engine knows of its container; but not of those of `run`."""
        labels = ((each, each["Config"]["Labels"]) for each in inspect(*self.names()))
        return {label["com.docker.compose.service"]: each for each, label in labels
                if label.get("com.docker.compose.oneoff") == "False"}

    def health(self, services):
        states = {name: each["State"] for name, each in self.containers().items()}
        return {name: states[name].get("Health", states[name]).get("Status")
                for name in services if name in states}

    def wait_healthy(self, services):
        wanted = dict.fromkeys(services, "healthy")
        if not harness.wait_until(lambda: self.health(services) == wanted, PATIENCE_S, 0.2):
            raise AssertionError("not healthy: %s\n%s" % (self.health(services), self.logs()))

    def logs(self):
        return "".join("--- %s\n%s" % (name, self.log(name)[-4000:]) for name in self.names())

    @staticmethod
    def log(name):
        return output("sh", "-c", 'docker logs "$0" 2>&1', name)

    def broker_troubles(self):
        """What the broker says of messages that it drops and of connections that end."""
        lines = self.log(self.containers()["broker"]["Id"]).splitlines()
        return "\n".join(line for line in lines if TROUBLE.search(line))

    def volume(self, name):
        return self.volumes([name])[0]

    def volumes(self, names):
        """The folders in which the engine keeps them."""
        return [each["Mountpoint"]
                for each in inspect(*("%s_%s" % (self.project, name) for name in names))]

    def files(self):
        """name in its volume -> content, of all that setup keeps."""
        found = {}
        for volume, folder in zip(SECRETS, self.volumes(SECRETS)):
            for path in glob.glob(folder + "/**", recursive=True):
                if os.path.isfile(path):
                    with open(path, "rb") as file:
                        found[volume + "/" + os.path.basename(path)] = file.read()
        return found

    def secrets(self):
        """Every word that nobody else may know: word -> where it stands."""
        found = {}
        for name, content in self.files().items():
            if os.path.basename(name) in PUBLIC or name.endswith(".db"):
                continue
            if name.endswith(".json"):
                content = "\n".join(str(value) for member, value in json.loads(content).items()
                                    if member not in PUBLIC_MEMBERS).encode()
            lines = [line for line in content.decode().splitlines() if not line.startswith("-----")]
            for word in WORD.findall("\n".join(lines)):
                found[word] = name
        return {word: name for word, name in found.items() if not NAME.fullmatch(word)}

    def password(self, user):
        path = os.path.join(self.volume("authority"), "password." + user)
        with open(path, encoding="ascii") as file:
            return file.read().strip()

    def authority(self):
        return os.path.join(self.volume("authority"), "ca.pem")


class Listener:
    """Somebody at the broker: notes what comes, and what became of what it wanted. The broker keeps
    for it what comes while it is away, should its connection end."""

    def __init__(self, ward, user=None, password=None, topics=()):
        from paho.mqtt import client
        self.connections = 0
        self.messages, self.code, self.granted = [], None, []
        self.readings, self.decimals = {}, set()  # device -> [(boot, seq)]; values as written
        self.changed = threading.Condition()
        self.topics = topics
        self.name = "listener-" + secrets.token_hex(4)
        self.client = client.Client(client_id=self.name, protocol=client.MQTTv5)
        if user is not None:
            self.client.username_pw_set(user, password)
        self.client.tls_set_context(ssl.create_default_context(cafile=ward.authority()))
        self.client.on_connect = self._connected
        self.client.on_subscribe = self._subscribed
        self.client.on_message = self._message
        self.client.connect(BROKER, 8883, properties=self._kept())
        self.client.loop_start()
        wanted = len(topics)
        if not self.wait(lambda: self.code is not None and
                         (self.code or len(self.granted) == wanted)):
            raise AssertionError("the broker does not answer")

    @staticmethod
    def _kept():
        from paho.mqtt import packettypes, properties
        found = properties.Properties(packettypes.PacketTypes.CONNECT)
        found.SessionExpiryInterval = PATIENCE_S
        return found

    def _connected(self, _client, _user, _flags, code, _properties=None):
        with self.changed:
            self.connections += 1
            self.code = code.value
            self.changed.notify_all()
        if code == 0 and self.topics:
            self.client.subscribe([(topic, self._options()) for topic in self.topics])

    @staticmethod
    def _options():
        from paho.mqtt.subscribeoptions import SubscribeOptions
        return SubscribeOptions(qos=1)

    def _subscribed(self, _client, _user, _number, codes, _properties=None):
        with self.changed:
            self.granted = [code.value for code in codes]
            self.changed.notify_all()

    def _message(self, _client, _user, message):
        with self.changed:
            self.messages.append((message.topic, message.payload))
            if message.topic.endswith("/Reading"):
                value = json.loads(message.payload)
                numbers = value.get("boot"), value.get("seq")
                self.readings.setdefault(value["device"], []).append(numbers)
                self.decimals |= {each.decode() for each in DECIMAL.findall(message.payload)}
            self.changed.notify_all()

    def wait(self, condition, timeout=PATIENCE_S):
        with self.changed:
            return self.changed.wait_for(condition, timeout)

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()


class CommandLines(threading.Thread):
    """Everything that `ps` shows meanwhile, also of processes that live for a moment."""

    PATIENCE = 10  # looks at a process: its command line changes when it becomes another program

    def __init__(self):
        super().__init__(daemon=True)
        self.seen, self.ended = set(), threading.Event()
        self.start()

    def run(self):
        looks = {}
        while not self.ended.wait(0.003):
            looks = {name: looks.get(name, 0) + 1 for name in os.listdir("/proc") if name.isdigit()}
            for name, count in looks.items():
                if count <= self.PATIENCE:
                    self.look(name)

    def look(self, name):
        with contextlib.suppress(OSError):
            for what in ("cmdline", "environ"):
                with open("/proc/%s/%s" % (name, what), "rb") as file:
                    self.seen.add(file.read())

    def close(self):
        self.ended.set()
        self.join()
        return b"\n".join(sorted(self.seen))
