#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The arrows of the architecture: who includes whom, and what the core needs from outside."""

import pathlib
import re
import shutil
import tempfile

import lint

FREESTANDING = {"stdint.h", "stddef.h", "stdbool.h", "string.h"}
CORE_API = {f"medsec/{name}.h" for name in (
    "aes_cbc", "credential", "crypto", "device", "export", "heart_rate", "hex", "limits", "profile",
    "provision", "reading", "seed_frame", "setup", "handshake", "message", "record", "session",
    "status", "topic", "value", "version", "wire")}
HOST_API = {f"medsec/{name}.h" for name in (
    "config", "credential_file", "log", "profile_file", "registry")}
PUBLISHER_API = {"medsec/publisher.h"}
GATEWAY_API = {f"medsec/{name}.h" for name in ("gateway", "metrics")}
ALL_API = CORE_API | HOST_API | PUBLISHER_API | GATEWAY_API | {"medsec/medsec.h"}

# Third-party headers, by the first part of their name; any other is the system's.
LIBRARIES = {"sodium.h": "sodium", "sodium": "sodium", "openssl": "openssl", "cjson": "cjson",
             "sqlite3.h": "sqlite", "uv.h": "uv", "MQTTAsync.h": "paho", "MQTTClient.h": "paho",
             "mosquitto.h": "mosquitto", "qrencode.h": "qrencode", "microhttpd.h": "microhttpd",
             "seccomp.h": "seccomp", "bearssl.h": "bearssl"}

# folder: (public headers, folders whose files it may include by "name", libraries, the system)
LAYERS = {
    "src/core": (CORE_API, {"src/core"}, set(), False),
    "src/crypto/openssl": (CORE_API, {"src/crypto/openssl"}, {"openssl", "sodium"}, True),
    "src/crypto/bearssl": (CORE_API, {"src/crypto/bearssl"}, {"bearssl"}, False),
    "src/host": (CORE_API | HOST_API, {"src/core", "src/host"}, {"sodium", "cjson", "sqlite"},
                 True),
    "src/publisher": (CORE_API | HOST_API | PUBLISHER_API, {"src/host", "src/publisher"},
                      {"sodium", "openssl", "uv", "paho", "mosquitto"}, True),
    "src/gateway": (ALL_API, {"src/core", "src/host", "src/gateway"},
                    {"sodium", "cjson", "uv"}, True),
    "cli/common": (ALL_API, {"cli/common"}, {"sodium"}, True),
    "cli/keygen": (ALL_API, {"cli/common", "cli/keygen"}, {"sodium", "cjson", "qrencode"}, True),
    "cli/sim": (ALL_API, {"cli/common", "cli/sim"}, {"sodium", "cjson", "uv"}, True),
    "cli/proxy": (ALL_API, {"cli/common", "cli/proxy"},
                  {"sodium", "cjson", "uv", "microhttpd", "seccomp"}, True),
    "examples": (ALL_API, {"examples"}, set(), True),
    "firmware-port/app": (CORE_API, {"firmware-port/app", "src/core", "src/crypto/bearssl"},
                          {"bearssl"}, False),
    "firmware-port/boards": (CORE_API, set(), set(), False),
    "firmware-port/boards/check": (CORE_API, {"firmware-port/boards/check", "firmware-port/app"},
                                   set(), False),
    "firmware-port/boards/host": (CORE_API | HOST_API, {"firmware-port/boards/host",
                                                        "firmware-port/app", "tests/support",
                                                        "cli/common", "cli/sim"},
                                  set(), True),
    "firmware-port/boards/pico-sdk": (CORE_API, {"firmware-port/boards/pico-sdk",
                                                 "firmware-port/boards", "firmware-port/app"},
                                      set(), True),
    "firmware-port/boards/rp2040": (CORE_API, {"firmware-port/boards/rp2040",
                                               "firmware-port/boards", "firmware-port/app",
                                               "firmware-port/boards/check"}, set(), False),
    "firmware-port/libc": (set(), {"firmware-port/libc"}, set(), False),
    "firmware-port/selftest": (CORE_API, {"firmware-port/selftest", "firmware-port/app",
                                          "firmware-port/boards/rp2040", "src/core",
                                          "src/crypto/bearssl"}, set(), True),
}

# What a C11 compiler may call by itself, besides the four functions that the core may call.
CORE_MAY_NEED = {"memcpy", "memmove", "memset", "memcmp", "__stack_chk_fail",
                 "_GLOBAL_OFFSET_TABLE_"}


def includes(path):
    return re.findall(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', path.read_text(), re.M)


def wrong_include(tree, path, mark, header, rule):
    api, folders, libraries, system = rule
    if mark == '"':
        for base in (path.parent, tree.source / "src", tree.source / "cli/common",
                     tree.source / "cli/sim", tree.source / "firmware-port/app",
                     tree.source / "firmware-port/boards/rp2040", tree.source / "tests/support"):
            found = (base / header).resolve()
            if found.is_file():
                folder = tree.name(found.parent)
                return folder not in folders and f"reaches into {folder}"
        return "no such file in the tree"
    if header.startswith("medsec/"):
        return header not in api and "that header belongs to a layer above"
    library = LIBRARIES.get(header.split("/")[0])
    if library:
        return library not in libraries and f"{library} is no business of this layer"
    return not system and header not in FREESTANDING and "the core is freestanding"


def check_sources_include_only_what_is_below(tree):
    problems = []
    for path in tree.files("src/**/*.[ch]", "cli/**/*.[ch]", "examples/*.[ch]",
                           "firmware-port/**/*.[ch]"):
        rule = LAYERS.get(tree.name(path.parent))
        if not rule:
            problems.append(f"{tree.name(path)}: its folder is no layer that this test knows")
            continue
        for mark, header in includes(path):
            wrong = wrong_include(tree, path, mark, header, rule)
            if wrong:
                problems.append(f"{tree.name(path)}: {header}: {wrong}")
    return problems


def check_public_headers_include_only_what_is_below(tree):
    problems = []
    for path in tree.files("include/medsec/*.h"):
        name = f"medsec/{path.name}"
        api = next((api for api in (CORE_API, CORE_API | HOST_API,
                                CORE_API | HOST_API | PUBLISHER_API, ALL_API) if name in api), None)
        if not api:
            problems.append(f"{name}: belongs to no layer that this test knows")
            continue
        for mark, header in includes(path):
            rule = (api, set(), set(), name not in CORE_API)
            wrong = wrong_include(tree, path, mark, header, rule)
            if wrong:
                problems.append(f"{name}: {header}: {wrong}")
    return problems


def compile_core(tree, folder, compiler, *flags):
    """Objects of the whole core, compiled where there is nothing but the compiler."""
    own = lint.output(compiler, "-print-file-name=include").strip()
    if not pathlib.Path(own).is_dir():
        own = lint.output(compiler, "-print-resource-dir").strip() + "/include"
    objects = []
    for source in tree.core_sources():
        objects.append(folder / f"{source.stem}.o")
        lint.output(compiler, "-std=c11", "-O2", "-ffreestanding", "-fno-pic", "-nostdinc",
                    "-isystem", own, "-isystem", tree.source / "tests/lint/freestanding",
                    "-I", tree.source / "include", "-Wall", "-Wextra", "-Wconversion", "-Wshadow",
                    "-Werror", *flags, "-c", "-o", objects[-1], source)
    return objects


def core_symbols(tree, kinds):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        objects = compile_core(tree, folder, "gcc", "-fstack-protector-strong")
        lint.output("ld", "-r", "-o", folder / "core.o", *objects)
        listed = (line.split() for line in lint.output("nm", folder / "core.o").splitlines())
        return {words[-1] for words in listed if words[-2] in kinds}


def check_core_needs_nothing_from_outside(tree):
    return [f"{name}: not among what the core may call"
            for name in sorted(core_symbols(tree, "U") - CORE_MAY_NEED)]


def check_core_has_no_writable_data(tree):
    return [f"{name}: a global or static that can change"
            for name in sorted(core_symbols(tree, "bBdDC"))]


def check_core_compiles_for_small_machines(tree):
    targets = [("gcc", "-m32")]
    if shutil.which("clang"):
        targets += [("clang", f"--target={cpu}-none-eabi") for cpu in ("thumbv6m", "powerpc")]
    problems = []
    with tempfile.TemporaryDirectory() as name:
        for compiler, flag in targets:
            try:
                compile_core(tree, pathlib.Path(name), compiler, flag)
            except lint.Failed as error:
                problems.append(str(error))
    return problems


lint.main(check_sources_include_only_what_is_below,
          check_public_headers_include_only_what_is_below, check_core_needs_nothing_from_outside,
          check_core_has_no_writable_data, check_core_compiles_for_small_machines)
