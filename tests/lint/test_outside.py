#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A stranger builds against an installed libmedsec: pkg-config, find_package, shared, static."""

import functools
import os
import pathlib
import shutil
import subprocess
import tempfile

import lint

TOOLS = ("medsec-proxy", "medsec-sim", "medsec-keygen")
ROOT = tempfile.TemporaryDirectory()
PREFIX = pathlib.Path(ROOT.name) / "prefix"


@functools.cache
def library_folder(tree):
    if tree.cache("MEDSEC_SANITIZE") or tree.cache("MEDSEC_COVERAGE") == "ON":
        raise lint.Skip("an instrumented library is not for strangers")
    lint.output("cmake", "--install", tree.build, "--prefix", PREFIX)
    return next(PREFIX.glob("lib*/**/libmedsec.a")).parent


def environment(folder):
    return dict(os.environ, PKG_CONFIG_PATH=str(folder / "pkgconfig"), LD_LIBRARY_PATH=str(folder))


def run(program, folder, dynamic):
    """The program works, and needs libmedsec.so exactly when it was linked to be."""
    lint.output(program, env=environment(folder))
    needs = "libmedsec.so" in lint.output("readelf", "-dW", program)
    return [] if needs == dynamic else [f"needs libmedsec.so: {needs}"]


def by_pkg_config(tree, folder, *how):
    env = environment(folder)
    flags = lint.output("pkg-config", *how, "--cflags", "--libs", "libmedsec", env=env).split()
    program = pathlib.Path(ROOT.name) / f"outside{''.join(how)}"
    lint.output("cc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-o", program,
                tree.source / "tests/outside/outside.c", *flags, env=env)
    return program


def by_find_package(tree, kind):
    folder = library_folder(tree)
    build = pathlib.Path(ROOT.name) / kind
    lint.output("cmake", "-G", "Ninja", "-S", tree.source / "tests/outside", "-B", build,
                f"-DKIND={kind}", f"-DCMAKE_PREFIX_PATH={PREFIX}", "-DCMAKE_BUILD_TYPE=Release")
    lint.output("cmake", "--build", build)
    return run(build / "outside", folder, kind == "shared")


def check_pkg_config_shared(tree):
    folder = library_folder(tree)
    return run(by_pkg_config(tree, folder), folder, dynamic=True)


def check_pkg_config_static(tree):
    """With only the archive in the folder, as the linker prefers the shared library."""
    folder = library_folder(tree)
    alone = pathlib.Path(ROOT.name) / "static" / folder.relative_to(PREFIX)
    shutil.copytree(folder, alone, ignore=shutil.ignore_patterns("*.so*"))
    shutil.copytree(PREFIX / "include", pathlib.Path(ROOT.name) / "static/include")
    return run(by_pkg_config(tree, alone, "--static"), alone, dynamic=False)


def check_find_package_shared(tree):
    return by_find_package(tree, "shared")


def check_find_package_static(tree):
    return by_find_package(tree, "static")


def groff_warnings(page):
    done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z", page], text=True,
                          capture_output=True)
    return done.stderr.splitlines()


def check_installed_tools_run_and_are_documented(tree):
    library_folder(tree)
    problems = []
    for tool in TOOLS:
        if not lint.output(PREFIX / "bin" / tool, "--version").strip():
            problems.append(f"{tool}: --version says nothing")
        page = PREFIX / "share/man/man1" / f"{tool}.1"
        if not page.is_file() or ".SH OPTIONS" not in page.read_text():
            problems.append(f"{tool}: no man page with its options")
        elif shutil.which("groff"):
            problems += groff_warnings(page)
        completion = PREFIX / "share/bash-completion/completions" / tool
        if not completion.is_file():
            problems.append(f"{tool}: no completion")
        else:
            lint.output("bash", "-n", completion)
    return problems


def check_headers_stand_alone(tree):
    """Each as the only one a program includes, in C and, where there is a compiler, in C++."""
    library_folder(tree)
    compilers = [("gcc", "c", "c11")] + [("clang", "c++", "c++11")] * bool(shutil.which("clang"))
    problems = []
    for header in sorted((PREFIX / "include/medsec").glob("*.h")):
        for compiler, language, standard in compilers:
            try:
                lint.output(compiler, "-x", language, f"-std={standard}", "-Wall", "-Wextra",
                            "-Werror", "-fsyntax-only", "-I", PREFIX / "include",
                            "-include", header, "/dev/null")
            except lint.Failed as error:
                problems.append(str(error))
    return problems


lint.main(check_pkg_config_shared, check_pkg_config_static, check_find_package_shared,
          check_find_package_static, check_installed_tools_run_and_are_documented,
          check_headers_stand_alone)
