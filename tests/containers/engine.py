# SPDX-License-Identifier: Apache-2.0
"""A container engine that a test has for itself: Debian's dockerd in namespaces of its own.

The test runs itself again as the first process of a new process namespace, with a mount namespace
(`enter`). Whatever ends it, the kernel then ends every process in there, and what they mounted is
gone. Images are built while it still has the machine's network; behind `isolate` it has another
one, with a neighbour that is a second machine on the same cable, and nothing leads out."""

import contextlib
import ctypes
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zlib

CLONE_NEWNET, PR_SET_PDEATHSIG = 0x40000000, 1
HOST, NEIGHBOUR, INTERNAL = "192.0.2.1", "192.0.2.2", "172.20.0.0/16"
# The distribution's programs, and not another docker that stands before them.
PATH = "/usr/sbin:/usr/bin:/sbin:/bin:" + os.environ.get("PATH", "")
PROGRAMS = ("dockerd", "docker", "docker-compose", "debootstrap", "unshare", "nsenter", "ip")
PATIENCE_S = 180  # what goes right costs none of it, however slow the machine
LIBC = ctypes.CDLL(None, use_errno=True)


def missing():
    """Why no engine can run here, or None."""
    absent = [name for name in PROGRAMS if shutil.which(name, path=PATH) is None]
    if absent:
        return "no %s: scripts/deps-packaging" % ", ".join(absent)
    if os.geteuid() != 0:
        return "an engine needs root"
    tried = subprocess.run(
        ["unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "sh", "-c",
         "ip link add veth0 type veth peer name veth1 && ip link add bridge0 type bridge && "
         "iptables -t nat -L >/dev/null && mount -t tmpfs none /mnt"],
        env={**os.environ, "PATH": PATH}, capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        return "no namespaces, network or mounts to be had: " + tried.stderr.strip()
    return None


def clean_up(scratch):
    """What outlives the processes: empty control groups, and files."""
    name, top = os.path.basename(scratch), "/sys/fs/cgroup"
    controllers = ["", *os.listdir(top)]
    for folder in [os.path.join(top, each, name) for each in controllers]:
        for path, _, _ in os.walk(folder, topdown=False):
            with contextlib.suppress(OSError):
                os.rmdir(path)
    shutil.rmtree(scratch, ignore_errors=True)


def enter(cache):
    """Returns the scratch folder in the new namespaces. In the old ones it waits for the end,
    cleans up, and exits with the status that was given there."""
    inside = os.environ.get("MEDSEC_ENGINE")
    if inside:
        return inside
    os.makedirs(cache, exist_ok=True)
    with open(os.path.join(cache, "lock"), "ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one engine at a time has the cache
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
        # A short path for sockets; and the next run finds what a killed one left.
        scratch = "/tmp/medsec-containers-%08x" % zlib.crc32(os.path.realpath(cache).encode())
        clean_up(scratch)
        os.mkdir(scratch, 0o700)
        child = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
             sys.executable, *sys.argv], env={**os.environ, "MEDSEC_ENGINE": scratch},
            preexec_fn=lambda: LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL))
        try:
            sys.exit(child.wait())
        finally:
            child.kill()
            child.wait()
            clean_up(scratch)


def output(*command, **how):
    """Standard output of a command that must succeed."""
    if "input" not in how:
        how.setdefault("stdin", subprocess.DEVNULL)
    done = subprocess.run(command, text=True, capture_output=True, check=False, **how)
    if done.returncode != 0:
        raise AssertionError("%s: status %d\n%s%s" % (" ".join(command), done.returncode,
                                                      done.stdout, done.stderr))
    return done.stdout


def isolate():
    """Puts this process, and those that it starts, into a network of their own, whose neighbour it
    returns."""
    if LIBC.unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    # Of a new machine, which forwards nothing; the engine changes that, and then denies by itself.
    with open("/proc/sys/net/ipv4/ip_forward", "w", encoding="ascii") as file:
        file.write("0")
    output("ip", "link", "set", "lo", "up")
    return Neighbour()


class Neighbour:
    """Another machine on the host's cable, that tries to reach the containers through the host."""

    def __init__(self):
        self.holder = subprocess.Popen(["unshare", "--net", "cat"], stdin=subprocess.PIPE,
                                       stdout=subprocess.DEVNULL)
        self.prefix = ("nsenter", "--net=/proc/%d/ns/net" % self.holder.pid)
        own = os.readlink("/proc/self/ns/net")
        while os.readlink("/proc/%d/ns/net" % self.holder.pid) == own:
            time.sleep(0.01)
        output("ip", "link", "add", "lan0", "type", "veth", "peer", "name", "lan0", "netns",
               str(self.holder.pid))
        output("ip", "address", "add", HOST + "/24", "dev", "lan0")
        output("ip", "link", "set", "lan0", "up")
        for line in ("link set lo up", "address add %s/24 dev lan0" % NEIGHBOUR,
                     "link set lan0 up", "route add %s via %s" % (INTERNAL, HOST)):
            self.output("ip", *line.split())

    def output(self, *command, **how):
        return output(*self.prefix, *command, **how)

    def popen(self, command, **how):
        return subprocess.Popen([*self.prefix, *command], **how)

    def close(self):
        self.holder.stdin.close()
        self.holder.wait()


class Engine:
    """dockerd with its data in the cache, everything else in the scratch folder."""

    def __init__(self, cache, scratch):
        self.data, self.scratch = os.path.join(cache, "data"), scratch
        self.socket = os.path.join(scratch, "socket")
        self.log = os.path.join(scratch, "dockerd.log")
        self.daemon = None
        os.environ.update(PATH=PATH, DOCKER_HOST="unix://" + self.socket, DOCKER_BUILDKIT="1",
                          DOCKER_CONFIG=scratch)

    def start(self, *options):
        with open(self.log, "ab") as log:
            self.daemon = subprocess.Popen(
                ["dockerd", "--data-root", self.data, "--exec-root", self.scratch + "/exec",
                 "--host", "unix://" + self.socket, "--pidfile", self.scratch + "/pid",
                 "--exec-opt", "native.cgroupdriver=cgroupfs",
                 "--cgroup-parent", "/" + os.path.basename(self.scratch), *options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.monotonic() + PATIENCE_S
        while subprocess.run(["docker", "version"], capture_output=True, check=False).returncode:
            if self.daemon.poll() is not None or time.monotonic() > end:
                raise RuntimeError("dockerd does not start:\n" + self.last_words())
            time.sleep(0.05)

    def last_words(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return "".join(log.readlines()[-20:])

    def clear(self):
        """Of a run that was killed its containers are left, dead, and volumes."""
        for listing, remove in (("ps -aq", "rm -fv"), ("volume ls -q", "volume rm -f"),
                                ("network ls -q --filter type=custom", "network rm")):
            found = output("docker", *listing.split()).split()
            if found:
                output("docker", *remove.split(), *found)

    def stop(self):
        if self.daemon:
            self.daemon.terminate()
            self.daemon.wait(PATIENCE_S)
            self.daemon = None


def inspect(*names):
    return json.loads(output("docker", "inspect", *names)) if names else []
