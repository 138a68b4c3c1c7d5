# SPDX-License-Identifier: Apache-2.0
"""The images of packaging/docker, from bases made on this machine: Debian by debootstrap, and that
with Debian's Node.js. Where packages come from is what this machine's apt and npm say."""

import os
import shutil
import subprocess

import debian_root
from engine import output

TARGETS = ("gateway", "setup", "mosquitto", "dashboard", "sniffer")
BASE, NODE_BASE = "medsec-test-base", "medsec-test-node"
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
NPM = "npm@10"
NODE_DOCKERFILE = """
ARG BASE
FROM $BASE
RUN apt-get update -qq && apt-get install -y -qq nodejs
COPY package /usr/local/lib/npm
COPY ca-certificates.crt* /etc/ssl/certs/
RUN ln -s ../lib/npm/bin/npm-cli.js /usr/local/bin/npm && chmod +x /usr/local/lib/npm/bin/*.js
"""


def has(image):
    return bool(output("docker", "images", "--quiet", image))


def make_base(source):
    """Debian at its smallest, that gets packages as this machine does."""
    archive = debian_root.tarball(source)
    base = "%s:%d" % (BASE, os.path.getmtime(archive))
    if not has(base):
        output("docker", "import", archive, base)
    return base


def npm_settings():
    for name in ("registry", "proxy", "https-proxy", "noproxy"):
        value = output("npm", "config", "get", name).strip()
        if value not in ("", "null", "undefined"):
            yield "%s = %s\n" % (name, value)
    if os.path.exists(CERTIFICATES):
        yield "cafile = %s\n" % CERTIFICATES


def make_node_base(base, scratch):
    folder = os.path.join(scratch, "node")
    os.mkdir(folder)
    packed = output("npm", "pack", "--silent", NPM, cwd=folder).split()[-1]
    output("tar", "-xzf", packed, cwd=folder)
    with open(os.path.join(folder, "package/npmrc"), "w", encoding="utf-8") as file:
        file.writelines(npm_settings())
    if os.path.exists(CERTIFICATES):
        shutil.copy(CERTIFICATES, folder)
    with open(os.path.join(folder, "Dockerfile"), "w", encoding="ascii") as file:
        file.write(NODE_DOCKERFILE)
    output("docker", "build", "--network=host", "--build-arg", "BASE=" + base, "--tag", NODE_BASE,
           folder)
    return NODE_BASE


def build(source, cache, scratch, targets=TARGETS):
    """All targets at once: the engine makes each common part once. Returns the two bases."""
    base = make_base(source)
    node = make_node_base(base, scratch)
    arguments = ["--network=host", "--build-arg", "BASE=" + base, "--build-arg",
                 "NODE_BASE=" + node, "--progress=plain", "-f",
                 os.path.join(source, "packaging/docker/Dockerfile"), source]
    running = {}
    for target in targets:
        path = os.path.join(cache, "build-%s.log" % target)
        with open(path, "wb") as log:
            running[target] = path, subprocess.Popen(
                ["docker", "build", "--target", target, "--tag", "medsec-" + target, *arguments],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    for target, (path, child) in running.items():
        if child.wait() != 0:
            with open(path, encoding="utf-8", errors="replace") as log:
                raise RuntimeError("docker build %s:\n%s" % (target, log.read()[-6000:]))
    return base, node
