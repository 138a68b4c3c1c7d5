#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is shipped is hardened: read from the installed binaries, not from the flags."""

import functools
import pathlib
import re
import tempfile

import lint

TOOLS = ("medsec-proxy", "medsec-sim", "medsec-keygen")


class Binary:
    def __init__(self, path):
        self.name = path.name
        self.is_tool = path.parent.name == "bin"
        self.header = lint.output("readelf", "-hW", path)
        self.segments = lint.output("readelf", "-lW", path)
        self.dynamic = lint.output("readelf", "-dW", path)
        self.symbols = lint.output("readelf", "--dyn-syms", "-W", path)


@functools.cache
def installed(tree):
    tree.need_release()
    with tempfile.TemporaryDirectory() as prefix:
        lint.output("cmake", "--install", tree.build, "--prefix", prefix)
        root = pathlib.Path(prefix)
        libraries = [path for path in root.glob("lib*/**/libmedsec.so") if path.is_file()]
        return [Binary(path) for path in [root / "bin" / tool for tool in TOOLS] + libraries]


def lacking(tree, what, has):
    return [f"{binary.name}: {what}" for binary in installed(tree) if not has(binary)]


def check_all_were_installed(tree):
    names = {binary.name for binary in installed(tree)}
    return [f"{name}: not installed" for name in (*TOOLS, "libmedsec.so") if name not in names]


def check_position_independent(tree):
    return lacking(tree, "not position independent", lambda b: re.search(r"Type:\s+DYN", b.header)
                   and (not b.is_tool or re.search(r"FLAGS_1.*\bPIE\b", b.dynamic)))


def check_full_relro(tree):
    return lacking(tree, "no full RELRO", lambda b: "GNU_RELRO" in b.segments
                   and re.search(r"BIND_NOW|FLAGS_1.*\bNOW\b", b.dynamic))


def check_stack_is_not_executable(tree):
    return lacking(tree, "executable stack",
                   lambda b: re.search(r"GNU_STACK(\s+0x\w+){5}\s+RW\s", b.segments))


def check_no_segment_is_writable_and_executable(tree):
    return lacking(tree, "a segment is writable and executable",
                   lambda b: not re.search(r"^\s+LOAD.*\sRWE\s", b.segments, re.M))


def check_stack_protector(tree):
    return lacking(tree, "no stack protector", lambda b: "__stack_chk_fail" in b.symbols)


def check_fortified_functions(tree):
    return lacking(tree, "no fortified function",
                   lambda b: re.search(r"\b__\w+_chk\b", b.symbols))


def check_no_run_path(tree):
    return lacking(tree, "looks for libraries in a built-in folder",
                   lambda b: not re.search(r"\((RPATH|RUNPATH)\)", b.dynamic))


def check_no_text_relocations(tree):
    return lacking(tree, "relocates its code", lambda b: "TEXTREL" not in b.dynamic)


lint.main(check_all_were_installed, check_position_independent, check_full_relro,
          check_stack_is_not_executable, check_no_segment_is_writable_and_executable,
          check_stack_protector, check_fortified_functions, check_no_run_path,
          check_no_text_relocations)
