#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The systemd unit: how exposed it leaves the service, that it lets the service do its work, and
that what stands beside it is understood. Nothing is started. And what the package is built with."""

import re
import shutil
import subprocess
import tempfile

import lint

UNIT = "packaging/systemd/medsec-proxy.service"
EXPOSURE_MAX = 2.0
NOT_IN_A_PACKAGE = {"libc6-dev", "libcmocka-dev"}  # every Debian build has one, only tests the other
AS_ROOT_ONLY = {"fchown"}  # SQLite keeps the owner of what root writes; the unit is never root


def systemd_analyze(*arguments):
    if not shutil.which("systemd-analyze"):
        raise lint.Skip("no systemd-analyze")
    return lint.output("systemd-analyze", *arguments)


def check_exposure(tree):
    text = systemd_analyze("security", "--offline=true", tree.source / UNIT)
    level = float(re.search(r"Overall exposure level for \S+: ([0-9.]+)", text).group(1))
    return [f"{UNIT}: exposure {level}"] if level > EXPOSURE_MAX else []


def check_unit_is_understood(tree):
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/medsec-proxy.service"
        with open(path, "w", encoding="ascii") as file:
            file.write((tree.source / UNIT).read_text().replace(
                "/usr/bin/medsec-proxy", str(tree.build / "cli/medsec-proxy")))
        systemd_analyze("--version")
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", "--recursive-errors=no",
                               path], capture_output=True, text=True)
        return [line for line in done.stderr.splitlines() if "medsec" in line]


def calls_of(group, listed):
    """The system calls of a group, and of the groups in it."""
    found = set()
    for word in listed[group]:
        found |= calls_of(word, listed) if word.startswith("@") else {word}
    return found


def calls_allowed_by_unit(tree):
    listed = {}
    group = None
    for line in systemd_analyze("syscall-filter").splitlines():
        if line.startswith("@"):
            group = listed.setdefault(line.strip(), [])
        elif group is not None and line.strip() and not line.strip().startswith("#"):
            group.append(line.strip())
    allowed = set()
    for value in re.findall(r"^SystemCallFilter=(.*)$", (tree.source / UNIT).read_text(), re.M):
        calls = set()
        for word in value.lstrip("~").split():
            calls |= calls_of(word, listed) if word.startswith("@") else {word}
        allowed = allowed - calls if value.startswith("~") else allowed | calls
    return allowed


def check_unit_allows_what_the_sandbox_does(tree):
    text = (tree.source / "cli/proxy/sandbox.c").read_text()
    wanted = set()
    for name in ("allowed", "rules"):
        table = re.search(rf"\b{name}\[\] = .*?\}};", text, re.S).group(0)
        wanted |= set(re.findall(r"SCMP_SYS\((\w+)\)", table)) - AS_ROOT_ONLY
    return [f"{UNIT}: {name} is in cli/proxy/sandbox.c, but not let through"
            for name in sorted(wanted - calls_allowed_by_unit(tree))]


def check_example_configuration_is_understood(tree):
    done = subprocess.run([tree.build / "cli/medsec-proxy", "--check", "--sandbox", "off",
                           "--broker", "mqtt://127.0.0.1:1", "--config",
                           tree.source / "packaging/systemd/proxy.conf"],
                          capture_output=True, text=True, timeout=60)
    return [] if "settings: ok" in done.stdout else done.stderr.splitlines()


def check_package_is_built_with_what_deps_installs(tree):
    control = (tree.source / "packaging/debian/control").read_text()
    script = (tree.source / "scripts/deps").read_text()
    named, installed = (set(re.findall(r"\blib[\w.+-]+-dev\b", re.search(pattern, text, re.S).group(1)))
                        for pattern, text in ((r"Build-Depends:(.*?)\n\w", control),
                                              (r'build="(.*?)"', script)))
    return [f"packaging/debian/control and scripts/deps: only one has {name}"
            for name in sorted(named ^ (installed - NOT_IN_A_PACKAGE))]


lint.main(check_exposure, check_unit_is_understood, check_unit_allows_what_the_sandbox_does,
          check_example_configuration_is_understood,
          check_package_is_built_with_what_deps_installs)
