#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The ABI: the library's exports, the headers and cmake/medsec.symbols name the same symbols."""

import re

import lint

NODE = "MEDSEC_0"


def exported(tree):
    listed = (line.split()[-1] for line in
              lint.output("nm", "-D", "--defined-only", tree.build / "libmedsec.so").splitlines())
    return sorted(name.replace("@@" + NODE, "") for name in listed if name != NODE)


def declared(tree):
    names = set()
    for path in tree.files("include/medsec/*.h"):
        text = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S)
        for declaration in re.findall(r"^MEDSEC_API ([^;]*);", text, re.M):
            names.add(re.search(r"(medsec_\w+)(?:\(|\[|$)", declaration).group(1))
    return sorted(names)


def committed(tree):
    return (tree.source / "cmake/medsec.symbols").read_text().split()


def differences(a, b, only_a, only_b):
    return ([f"{name}: {only_a}" for name in sorted(set(a) - set(b))]
            + [f"{name}: {only_b}" for name in sorted(set(b) - set(a))])


def check_exported_symbols_are_the_committed_ones(tree):
    return differences(exported(tree), committed(tree), "exported, but not in cmake/medsec.symbols",
                       "in cmake/medsec.symbols, but not exported")


def check_exported_symbols_are_declared(tree):
    return differences(exported(tree), declared(tree), "exported, but in no public header",
                       "in a public header, but not exported")


def check_list_is_sorted(tree):
    names = committed(tree)
    return [] if names == sorted(set(names)) else ["not sorted, or with a name twice"]


def update(tree):
    """write cmake/medsec.symbols from the build"""
    text = "".join(name + "\n" for name in exported(tree))
    (tree.source / "cmake/medsec.symbols").write_text(text)


lint.main(check_exported_symbols_are_the_committed_ones, check_exported_symbols_are_declared,
          check_list_is_sorted, update=update)
