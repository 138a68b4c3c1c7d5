#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""packaging/docker as it is written: what may run with which rights, who mounts whose secrets,
which ports are open. That it works is tests/containers' to show, where an engine can be started."""

import re

import lint

try:
    import yaml
except ImportError:
    yaml = None

FOLDER = "packaging/docker/"
COMPOSE = {"emqx": FOLDER + "compose.yaml", "mosquitto": FOLDER + "compose.mosquitto.yaml"}
PORTS = {"gateway": "${MEDSEC_DEVICE_PORT:-9998}:9998",
         "dashboard": "${MEDSEC_DASHBOARD_PORT:-1880}:1880",
         "emqx": "${MEDSEC_BROKER_DASHBOARD_PORT:-127.0.0.1:18083}:18083"}
READERS = {"authority": {"setup"}, "registry": {"setup", "gateway", "sim-setup", "keygen"},
           "gateway-secrets": {"setup", "gateway", "sim-setup", "keygen"},
           "broker-secrets": {"setup", "broker"}, "dashboard-secrets": {"setup", "dashboard"}}
WRITERS = {"setup"}


def load(tree, name):
    if yaml is None:
        raise lint.Skip("no python3-yaml")
    return yaml.safe_load((tree.source / name).read_text())


def services(tree, compose):
    """Each service of a compose file over what it extends; volumes of both count."""
    shared = load(tree, FOLDER + "services.yaml")["services"]
    for name, service in load(tree, compose)["services"].items():
        base = shared[service["extends"]["service"]]
        volumes = base.get("volumes", []) + service.get("volumes", [])
        yield name, {**base, **service, "volumes": volumes}


def check_two_files_differ_in_the_broker_alone(tree):
    texts = [(tree.source / COMPOSE[kind]).read_text() for kind in ("emqx", "mosquitto")]
    bodies = [text[text.index("services:"):] for text in texts]
    return [] if bodies[0].replace("emqx", "mosquitto") == bodies[1] else [
        "compose.yaml and compose.mosquitto.yaml differ in more than the broker"]


def check_every_service_is_confined(tree):
    problems = []
    for compose in COMPOSE.values():
        for name, service in services(tree, compose):
            sniffer = name.startswith("sniffer-")
            wanted = {"read_only": True, "cap_drop": ["ALL"],
                      "cap_add": ["NET_RAW"] if sniffer else None,
                      "security_opt": [] if sniffer else ["no-new-privileges:true"],
                      "privileged": None, "user": None, "pid": None, "ipc": None, "devices": None}
            problems += [f"{compose}: {name}: {key} is {service.get(key)}"
                         for key, value in wanted.items() if service.get(key) != value]
            problems += [f"{compose}: {name}: no {key}"
                         for key in ("pids_limit", "logging", "restart") if key not in service]
    return problems


def check_no_image_ends_as_root(tree):
    user = {}
    for line in (tree.source / FOLDER / "Dockerfile").read_text().splitlines():
        stage = re.match(r"FROM (\S+) AS (\S+)", line)
        if stage:
            target = stage.group(2)
            user[target] = user.get(stage.group(1))
        elif line.startswith("USER "):
            user[target] = line.split()[1]
    return [f"Dockerfile: {target} runs as {user.get(target)}"
            for target in ("gateway", "setup", "mosquitto", "dashboard", "sniffer")
            if not re.match(r"1000\d", user.get(target) or "root")]


def check_published_ports_are_those_that_are_declared(tree):
    problems = []
    for kind, compose in COMPOSE.items():
        for name, service in services(tree, compose):
            wanted = PORTS.get(kind if name == "broker" else name)
            if service.get("ports", []) != ([wanted] if wanted else []):
                problems.append(f"{compose}: {name} publishes {service.get('ports')}")
            if service.get("network_mode") == "host":
                problems.append(f"{compose}: {name} is in the machine's network")
    return problems


def check_nobody_mounts_anothers_secrets(tree):
    problems = []
    for compose in COMPOSE.values():
        for name, service in services(tree, compose):
            for volume in service["volumes"]:
                source, _, options = volume.partition(":")
                if name not in READERS.get(source, {name}):
                    problems.append(f"{compose}: {name} mounts {source}")
                if (source.endswith("-secrets") and name not in WRITERS
                        and not options.endswith(":ro")):
                    problems.append(f"{compose}: {name} may write {source}")
    return problems


def lines(tree, name):
    text = (tree.source / FOLDER / name).read_text()
    return [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]


def check_mosquitto_is_closed(tree):
    """Each listener speaks TLS; the one for others gives nobody another's client id."""
    found = lines(tree, "mosquitto.conf")
    closed = ["certfile /etc/medsec/cert.pem", "keyfile /etc/medsec/key.pem", "tls_version tlsv1.2"]
    wanted = ["listener 8883", *closed, "listener 8884", *closed, "use_username_as_clientid true",
              "allow_anonymous false", "password_file /etc/medsec/passwords",
              "acl_file /etc/medsec/acl"]
    if found[:len(wanted)] != wanted:
        return [f"mosquitto.conf begins with {found[:len(wanted)]}"]
    return [f"mosquitto.conf: {line}" for line in found[len(wanted):]
            if re.match(r"(listener|port|bind_address|allow_anonymous|include_dir)\b", line)]


def check_emqx_is_closed(tree):
    found = lines(tree, "emqx.conf")
    wanted = ["listeners.tcp.default.enable = false", "listeners.ws.default.enable = false",
              "listeners.wss.default.enable = false", "listeners.http.bind = 0",
              "no_match = deny", "clientid_override = \"concat([username, '/', clientid])\"",
              "prometheus.enable_basic_auth = true",
              'include required("/etc/medsec/secrets.conf")']
    problems = [f"emqx.conf: no `{line}`" for line in wanted if line not in found]
    return problems + [f"emqx.conf: {line}" for line in found
                       if re.search(r"cookie|password =|default_password", line)]


def check_images_are_built_from_named_files_alone(tree):
    found = [line for line in (tree.source / ".dockerignore").read_text().splitlines()
             if line and not line.startswith("#")]
    return [] if found[0] == "*" else [".dockerignore: does not begin with `*`"]


lint.main(check_two_files_differ_in_the_broker_alone, check_every_service_is_confined,
          check_no_image_ends_as_root, check_published_ports_are_those_that_are_declared,
          check_nobody_mounts_anothers_secrets, check_mosquitto_is_closed, check_emqx_is_closed,
          check_images_are_built_from_named_files_alone)
