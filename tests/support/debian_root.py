# SPDX-License-Identifier: Apache-2.0
"""A small Debian of this machine's own release, made once by debootstrap from where the machine gets
its packages, and kept as an archive in build/cache. apt works in what is unpacked from it."""

import fcntl
import os
import shutil
import subprocess
import tempfile

FORMAT = ["$(REPO_URI)", "$(RELEASE)", "$(COMPONENT)"]


class Missing(Exception):
    """What this machine lacks for it."""


def output(*command, **how):
    done = subprocess.run(command, capture_output=True, text=True, **how)
    if done.returncode != 0:
        raise RuntimeError("%s\n%s%s" % (" ".join(command), done.stdout[-2000:], done.stderr))
    return done.stdout


def codename():
    with open("/etc/os-release", encoding="utf-8") as file:
        words = dict(line.strip().split("=", 1) for line in file if "=" in line)
    if words.get("ID") != "debian" or "VERSION_CODENAME" not in words:
        raise Missing("this is not Debian")
    return words["VERSION_CODENAME"]


def archives():
    """[URI, release, component] of each archive of Debian that the machine uses."""
    lines = output("apt-get", "indextargets", "--format", " ".join(FORMAT), "Created-By: Packages",
                   "Origin: Debian").splitlines()
    found = sorted({tuple(line.split()) for line in lines})
    if not found:
        raise Missing("apt has no list of Debian's packages: run apt-get update")
    return found


def http_proxy():
    value = output("apt-config", "shell", "found", "Acquire::http::Proxy").strip()
    return value[len("found='"):-1] if value.startswith("found='") else None


def bootstrap(root):
    """An empty folder becomes a Debian that gets its packages where this machine does."""
    name = codename()
    uri = next((uri for uri, release, component in archives()
                if (release, component) == (name, "main")), None)
    if uri is None:
        raise Missing("apt has no list of %s main: run apt-get update" % name)
    environment = dict(os.environ, **({"http_proxy": http_proxy()} if http_proxy() else {}))
    try:
        output("debootstrap", "--variant=minbase", "--include=ca-certificates", name, root, uri,
               env=environment)
    except RuntimeError as failed:
        raise Missing("no Debian to be had from %s: %s" % (uri, failed)) from failed
    with open(os.path.join(root, "etc/apt/sources.list"), "w", encoding="ascii") as file:
        file.writelines("deb %s %s %s\n" % archive for archive in archives())
    with open(os.path.join(root, "etc/apt/apt.conf.d/90machine"), "w", encoding="utf-8") as file:
        file.write(output("apt-config", "dump", "Acquire"))
        file.write('APT::Install-Recommends "false";\n')
    # A machine that is thrown away needs no certainty about its disk.
    with open(os.path.join(root, "etc/dpkg/dpkg.cfg.d/90machine"), "w", encoding="ascii") as file:
        file.write("force-unsafe-io\n")


def make(path):
    work = tempfile.mkdtemp(prefix="medsec-root-")
    try:
        os.chmod(work, 0o755)  # becomes the root folder's
        bootstrap(work)
        output("tar", "-C", work, "--numeric-owner", "-cf", path + ".new", ".")
        os.replace(path + ".new", path)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def check():
    """Raises Missing where no archive can be made."""
    if os.getuid() != 0:
        raise Missing("debootstrap needs root")
    if shutil.which("debootstrap") is None:
        raise Missing("no debootstrap: run scripts/deps-packaging --tests")
    archives()


def tarball(source):
    """The path of the archive; made when it is not there. Raises Missing where that cannot be."""
    check()
    folder = os.path.join(source, "build/cache")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "debian-%s.tar" % codename())
    with open(path + ".lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(path):
            make(path)
    return path
