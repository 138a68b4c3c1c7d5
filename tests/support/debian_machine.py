# SPDX-License-Identifier: Apache-2.0
"""A Debian in a folder, thrown away at the end. Before start() commands run in it with the network of
this machine, to fetch packages; after it there is a loopback interface and nothing else."""

import os
import re
import shutil
import subprocess
import tempfile
import time

ENVIRONMENT = ["env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
               "HOME=/root", "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive"]
MOUNT = 'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && '
UNIT = "lib/systemd/system/medsec-proxy.service"
PATIENCE_S = 300  # what goes right costs none of it, however slow the machine
APT_S = 1200
FLEETING = re.compile(r"proc|sys|dev|run|tmp|root|var/(tmp|cache/apt|lib/apt)")


class Failed(Exception):
    pass


def wait_until(condition, what, timeout=PATIENCE_S):
    finish = time.monotonic() + timeout
    while not (value := condition()):
        if time.monotonic() > finish:
            raise Failed("%s: not within %d s" % (what, timeout))
        time.sleep(0.05)
    return value


def end(process):
    """SIGTERM, and SIGKILL for what does not heed it."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Systemd:
    """Booted by systemd-nspawn: its own systemd does with services what packages ask of it."""

    def __init__(self, machine):
        with open(machine.path("root/console"), "wb") as file:
            # It ends with this process, also when that is killed. systemd-nspawn lets no memory be
            # locked unless it is told.
            self.console = subprocess.Popen(
                ["setpriv", "--pdeathsig=TERM", "systemd-nspawn", "--quiet", "--boot",
                 "--directory", machine.root, "--machine=medsec-%d" % os.getpid(),
                 "--private-network", "--register=no", "--keep-unit", "--console=pipe",
                 "--system-call-filter=@memlock"],
                stdin=subprocess.DEVNULL, stdout=file, stderr=file)
        machine.children.append(self.console)
        # A systemd that does not answer cannot be had here; one that answers has to get there.
        wait_until(lambda: self.state(machine) in ("initializing", "starting", "running", "degraded"),
                   "an answer of systemd")
        try:
            wait_until(lambda: self.state(machine) in ("running", "degraded"), "boot")
        except Failed as failed:
            raise RuntimeError("%s\n%s" % (failed, machine.run("systemctl", "list-jobs"))) from failed

    def state(self, machine):
        """Of the one child of systemd-nspawn, which in the beginning is another one."""
        if self.console.poll() is not None:
            raise Failed("systemd-nspawn ended: " + machine.read("root/console"))
        with open("/proc/{0}/task/{0}/children".format(self.console.pid), encoding="ascii") as file:
            leader = file.read().strip()
        machine.prefix = ["nsenter", "--target", leader, "--all", "--"]
        return machine.run("systemctl", "is-system-running", check=False).strip() if leader else ""

    def changed(self, machine):
        pass

    def pid(self, machine):
        return int(machine.run("systemctl", "show", "-P", "MainPID", "medsec-proxy"))

    def log(self, machine):
        return machine.run("journalctl", "-b", "-u", "medsec-proxy")


class ByHand:
    """Where no systemd can be booted: the broker, and the command of the unit as its user, without
    what systemd does around it. What a package asks of systemd is done when it `changed`."""

    def __init__(self, machine):
        script = "ip link set lo up && " + MOUNT + "echo up && exec sleep infinity"
        holder = subprocess.Popen(["unshare", "--net", "--mount", "sh", "-c", script, machine.root],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        machine.children.append(holder)
        if holder.stdout.readline() != "up\n":
            raise Failed("no network of its own")
        machine.prefix = ["nsenter", "--target", str(holder.pid), "--mount", "--net", "chroot",
                          machine.root]
        machine.run("install", "-d", "-o", "mosquitto", "/run/mosquitto", "/run/credentials")
        machine.begin("root/mosquitto.log", "mosquitto", "-c", "/etc/mosquitto/mosquitto.conf")
        self.gateway = None

    def changed(self, machine):
        if self.gateway:
            end(self.gateway)
            self.gateway = None
        if os.path.exists(machine.path(UNIT)):
            self.gateway = machine.begin("root/gateway.log", *self.command(machine))

    @staticmethod
    def command(machine):
        unit = machine.read(UNIT)
        for name, path in re.findall(r"^LoadCredential=(.*?):(.*)$", unit, re.M):
            machine.run("install", "-m", "400", "-o", "medsec", path, "/run/credentials/" + name)
        environment = [line.replace("%d", "/run/credentials")
                       for line in re.findall(r"^Environment=(.*)$", unit, re.M)]
        user = re.search(r"^User=(.*)$", unit, re.M).group(1)
        command = re.search(r"^ExecStart=(.*)$", unit, re.M).group(1)
        return ["setpriv", "--reuid=" + user, "--regid=" + user, "--clear-groups", "env",
                *environment, *command.split()]

    def pid(self, _machine):
        return self.gateway.pid if self.gateway and self.gateway.poll() is None else 0

    def log(self, machine):
        return machine.read("root/gateway.log")


class Machine:
    def __init__(self, archive):
        self.root = tempfile.mkdtemp(prefix="medsec-machine-")
        self.prefix = ["unshare", "--mount", "sh", "-c", MOUNT + 'exec chroot "$0" "$@"', self.root]
        self.children, self.services = [], None
        subprocess.run(["tar", "-C", self.root, "-xf", archive], check=True)
        for name in ("resolv.conf", "hosts"):
            shutil.copy("/etc/" + name, self.path("etc", name))

    def path(self, *names):
        return os.path.join(self.root, *names)

    def read(self, name):
        with open(self.path(name), encoding="utf-8", errors="backslashreplace") as file:
            return file.read()

    def run(self, *command, check=True):
        """What a command prints; it must succeed unless it is not `check`ed."""
        done = subprocess.run(self.prefix + ENVIRONMENT + list(command), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="backslashreplace", timeout=APT_S)
        if check and done.returncode != 0:
            raise Failed("%s: status %d\n%s" % (" ".join(command), done.returncode, done.stdout))
        return done.stdout

    def begin(self, output, *command):
        """A command that goes on, with its output in a file of the machine."""
        with open(self.path(output), "wb") as file:
            child = subprocess.Popen(
                self.prefix + ENVIRONMENT + ["sh", "-c", 'echo $$ >"$0.pid"; exec "$@"', "/" + output,
                                             *command],
                stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT)
        self.children.append(child)
        return child

    def finish(self, child, output):
        """Tells what began with this output to stop; its exit status."""
        self.run("sh", "-c", 'kill "$(cat "$0.pid")"', "/" + output)
        return child.wait(PATIENCE_S)

    def apt(self, *arguments):
        """apt-get, and what follows for the services."""
        text = self.run("apt-get", "-q", "-y", *arguments)
        if self.services:
            self.services.changed(self)
        return text

    def copy_in(self, *paths):
        """Packages, as apt in the machine calls them."""
        os.makedirs(self.path("root/packages"), exist_ok=True)
        return ["./root/packages/" + os.path.basename(shutil.copy(path, self.path("root/packages")))
                for path in paths]

    def start(self):
        """Boots; says so where that is not possible, and does without."""
        before = list(self.prefix)
        try:
            if os.environ.get("MEDSEC_NO_BOOT"):
                raise Failed("MEDSEC_NO_BOOT is set")
            self.services = Systemd(self)
        except (Failed, OSError) as failed:
            print("no systemd in systemd-nspawn (%s): the unit's command is run by hand, as its "
                  "user; what systemd does around it is not tested" % failed)
            self.prefix = before
            self.services = ByHand(self)

    def booted(self):
        return isinstance(self.services, Systemd)

    def pid(self):
        """That of the gateway; 0 without one."""
        return self.services.pid(self)

    def log(self):
        """What the gateway logged."""
        return self.services.log(self)

    def files(self):
        """All that is in the file system, and does not come and go by itself."""
        found = set()
        for top, folders, files in os.walk(self.root):
            name = os.path.relpath(top, self.root)
            paths = {word: os.path.normpath(os.path.join(name, word)) for word in folders + files}
            folders[:] = [word for word in folders if not FLEETING.fullmatch(paths[word])]
            found |= {path for path in paths.values() if not FLEETING.fullmatch(path)}
        return found

    def close(self):
        for child in reversed(self.children):
            end(child)
        shutil.rmtree(self.root, ignore_errors=True)
