#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A release built again in another folder, from another copy, is the same to the byte."""

import filecmp
import pathlib
import shutil
import tempfile

import lint

PRODUCTS = ("libmedsec.so", "libmedsec.a", "medsec-proxy", "medsec-sim", "medsec-keygen")
SOURCES = ("CMakeLists.txt", "LICENSE", "README.md", "CHANGELOG.md", "cmake", "include", "src",
           "cli", "fuzz", "packaging")


def product(build, name):
    return build / ("cli" if name.startswith("medsec-") else "") / name


def build_again(tree, folder):
    source, build = folder / "elsewhere", folder / "a-second-build"
    source.mkdir()
    for name in SOURCES:
        path = tree.source / name
        (shutil.copytree if path.is_dir() else shutil.copy)(path, source / name)
    kept = [f"-D{name}={tree.cache(name)}" for name in
            ("CMAKE_BUILD_TYPE", "CMAKE_C_COMPILER", "CMAKE_C_FLAGS", "MEDSEC_WERROR")]
    lint.output("cmake", "-G", "Ninja", "-S", source, "-B", build, "-DMEDSEC_TESTS=OFF", *kept)
    lint.output("cmake", "--build", build, "-j2")
    return build


def check_second_build_is_identical(tree):
    tree.need_release()
    with tempfile.TemporaryDirectory() as name:
        again = build_again(tree, pathlib.Path(name))
        pairs = [(product(tree.build, wanted), product(again, wanted)) for wanted in PRODUCTS]
        return [f"{a.name}: differs" for a, b in pairs if not filecmp.cmp(a, b, shallow=False)]


lint.main(check_second_build_is_identical)
