# SPDX-License-Identifier: Apache-2.0
"""The faults and attacks, each a function that does it to a scene. @row says in which part of the table it
stands, and what was done."""

import errno
import json
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import time

import harness
import mqtt
from harness import PATIENCE_S
from scene import FINISH_S, Scene

ROWS = []
BROKER, SPOOL, GATEWAY, MACHINE, ATTACK, REGISTRY = ("broker", "spool", "gateway", "machine",
                                                     "attack", "registry")


def row(part, what, short=False, sanitized=True):
    """`short`: also in the subset of ctest; not `sanitized`: not in a build with sanitizers."""
    def note(function):
        function.part, function.what = part, what
        function.short, function.sanitized = short, sanitized
        ROWS.append(function)
        return function
    return note


def injected(scene, name, count):
    """A fault that never came shows nothing."""
    scene.notes[name if count else name + ": not one"] = count


# The broker


@row(BROKER, "none: how it is without one")
def nothing(scene):
    scene.open()
    scene.rounds(None)


@row(BROKER, "mosquitto killed (SIGKILL) and started again, three times a round", short=True)
def broker_killed(scene):
    scene.open(Scene.TAPPED)
    scene.rounds(lambda: kill_broker(scene))


def kill_broker(scene):
    for _ in range(3):
        scene.restart_broker()
        scene.pause(0.2, 0.6)


@row(BROKER, "mosquitto stands still (SIGSTOP) for 2 s a round")
def broker_hung(scene):
    scene.open()

    def act():
        scene.broker.process.send(signal.SIGSTOP)
        time.sleep(2)
        scene.broker.process.send(signal.SIGCONT)
    scene.rounds(act)


@row(BROKER, "stands still for 30 s, longer than the keep-alive allows")
def broker_hung_long(scene):
    scene.open(Scene.OBEDIENT)
    scene.watch(scene.quiet, scene.setup.window_s)

    def act():
        scene.broker.hangs = True
        time.sleep(30)
        scene.broker.hangs = False
    scene.watch(scene.during, scene.setup.window_s, act)
    scene.recovery_s = scene.settle()


@row(BROKER, "answers pings and confirms nothing for 40 s")
def broker_mute(scene):
    scene.open(Scene.OBEDIENT)
    scene.watch(scene.quiet, scene.setup.window_s)

    def act():
        scene.broker.mute = True
        time.sleep(40)
        scene.broker.mute = False
    scene.watch(scene.during, scene.setup.window_s, act)
    scene.recovery_s = scene.settle()


@row(BROKER, "takes 5 ms for each message, a third of what is sent", short=True)
def broker_slow(scene):
    scene.open(Scene.OBEDIENT, ["--queue-bytes", "65536"])

    def act():
        scene.broker.delay_s = 0.005
        time.sleep(scene.setup.window_s)
        scene.broker.delay_s = 0
    scene.rounds(act)


@row(BROKER, "cuts the connection after every 50th message, and refuses every second connection")
def broker_cuts(scene):
    scene.open(Scene.OBEDIENT)

    def act():
        scene.broker.cuts = 50
        end = time.monotonic() + scene.setup.window_s
        while time.monotonic() < end:
            scene.broker.connack = mqtt.UNAVAILABLE - scene.broker.connack
            time.sleep(0.2)
        scene.broker.cuts = scene.broker.connack = 0
    scene.rounds(act)


@row(BROKER, "refuses the connection for 2 s a round (CONNACK: server unavailable)")
def broker_refusing(scene):
    scene.open(Scene.OBEDIENT)
    scene.rounds(lambda: refuse_connections(scene))
    injected(scene, "connections refused", scene.broker.refused)


def wait_refused(scene, before):
    """Until the broker has refused something more."""
    harness.wait_until(lambda: scene.broker.refused > before, interval=0.05)


def refuse_connections(scene):
    before = scene.broker.refused
    scene.broker.connack = mqtt.UNAVAILABLE
    scene.broker.cut()
    time.sleep(2)
    wait_refused(scene, before)
    scene.wait_spooled()
    scene.broker.connack = 0


def answers(scene, code):
    def act():
        before = scene.broker.refused
        scene.broker.puback = code
        time.sleep(scene.setup.window_s)
        wait_refused(scene, before)
        scene.broker.puback = 0
    scene.rounds(act)
    injected(scene, "messages refused", scene.broker.refused)


@row(BROKER, "refuses readings (PUBACK: not authorized)")
def broker_forbids(scene):
    scene.open(Scene.OBEDIENT)
    answers(scene, mqtt.NOT_AUTHORIZED)


@row(BROKER, "full: refuses readings (PUBACK: quota exceeded)", short=True)
def broker_full(scene):
    scene.open(Scene.OBEDIENT)
    answers(scene, mqtt.QUOTA_EXCEEDED)


# The broker, with a spool in front of it


def spooled(scene, broker, arguments=(), preload=False):
    """The spool must have been of use: what it took is counted from the log at the end of the row."""
    scene.spool = os.path.join(scene.folder, "spool")
    scene.open(broker, ["--spool", scene.spool, *arguments], preload)


def spool_used(scene):
    injected(scene, "times that the spool was begun", len(scene.gateway_log("spool-begin")))


@row(SPOOL, "mosquitto killed (SIGKILL) and started again, three times a round", short=True)
def spool_broker_killed(scene):
    spooled(scene, Scene.TAPPED)
    scene.rounds(lambda: kill_broker(scene))
    spool_used(scene)


@row(SPOOL, "the broker refuses the connection for 2 s a round")
def spool_broker_refusing(scene):
    spooled(scene, Scene.OBEDIENT)
    scene.rounds(lambda: refuse_connections(scene))
    spool_used(scene)


@row(SPOOL, "the broker refuses the connection for 2 s a round; 10 devices of the seed wire send too",
     short=True)
def spool_seed(scene):
    spooled(scene, Scene.OBEDIENT, ["--seed-qos", "1"])
    seeds = scene.simulator_of(10, add=["--wire", "seed"])
    scene.rounds(lambda: refuse_connections(scene))
    seeds.stop(signal.SIGTERM)
    sent = json.loads(seeds.lines('"sampled"')[-1])["sent"]
    harness.wait_until(lambda: scene.readings.unnumbered >= sent, FINISH_S, 0.2)
    injected(scene, "seed readings published", scene.readings.unnumbered)
    if scene.readings.unnumbered < sent:
        scene.notes["seed readings not published"] = sent - scene.readings.unnumbered


@row(SPOOL, "the broker refuses readings (PUBACK: quota exceeded)")
def spool_broker_full(scene):
    spooled(scene, Scene.OBEDIENT)
    answers(scene, mqtt.QUOTA_EXCEEDED)


@row(SPOOL, "the gateway is killed (SIGKILL) three times a round, while the broker is away", short=True)
def spool_gateway_killed(scene):
    spooled(scene, Scene.OBEDIENT)

    def act():
        scene.broker.connack = mqtt.UNAVAILABLE
        scene.broker.cut()
        for _ in range(3):
            scene.pause(0.3, 0.8)
            scene.kill_gateway()
        scene.wait_spooled()
        scene.broker.connack = 0
    scene.rounds(act)
    spool_used(scene)


@row(SPOOL, "gateway and broker are killed by turns, at random")
def spool_all_killed(scene):
    spooled(scene, Scene.TAPPED)

    def act():
        for _ in range(4):
            if scene.random.random() < 0.5:
                scene.kill_gateway()
            else:
                scene.restart_broker()
            scene.pause(0, 0.4)
    scene.rounds(act)
    spool_used(scene)


@row(SPOOL, "the broker is away, and the spool's 8 MiB are full", sanitized=False)
def spool_full(scene):
    spooled(scene, Scene.OBEDIENT, ["--spool-size", "8"])
    fill = scene.simulator_of(20, "--rate", "500", "--batch", "20")

    def act():
        scene.broker.connack = mqtt.UNAVAILABLE
        scene.broker.cut()
        time.sleep(8)
        scene.broker.connack = 0
    scene.watch(scene.quiet, scene.setup.window_s)
    scene.watch(scene.during, scene.setup.window_s, act)
    fill.stop(signal.SIGKILL)
    scene.recovery_s = scene.settle()
    spool_used(scene)


def wait_disk_failed(scene, before):
    """Until the disk has refused a write more."""
    harness.wait_until(lambda: scene.page.disk_failed() > before, interval=0.05)


def spool_on_bad_disk(scene, error):
    """The broker goes while the disk is bad."""
    spooled(scene, Scene.OBEDIENT, preload=True)

    def act():
        before = scene.page.disk_failed()
        scene.page.fail_disk(error, scene.spool)
        scene.broker.connack = mqtt.UNAVAILABLE
        scene.broker.cut()
        time.sleep(scene.setup.window_s / 2)
        wait_disk_failed(scene, before)
        scene.page.mend_disk()
        time.sleep(scene.setup.window_s / 2)
        scene.broker.connack = 0
    scene.rounds(act)
    injected(scene, "writes refused", scene.page.disk_failed())


@row(SPOOL, "the broker is away, and the spool's disk full (ENOSPC) for half of it", short=True,
     sanitized=False)
def spool_disk_full(scene):
    spool_on_bad_disk(scene, errno.ENOSPC)


@row(SPOOL, "the broker is away, and the spool's disk read-only (EROFS) for half of it")
def spool_disk_read_only(scene):
    spool_on_bad_disk(scene, errno.EROFS)


@row(SPOOL, "the broker is away, and the spool's disk fails (EIO) for half of it")
def spool_disk_fails(scene):
    spool_on_bad_disk(scene, errno.EIO)


# The gateway's process


@row(GATEWAY, "killed (SIGKILL) and started again, three times a round", short=True)
def gateway_killed(scene):
    scene.open()

    def act():
        for _ in range(3):
            scene.kill_gateway()
            scene.pause(0.3, 0.8)
    scene.rounds(act)


@row(GATEWAY, "stands still (SIGSTOP) for 1 s a round")
def gateway_hung(scene):
    scene.open()

    def act():
        scene.gateway.send(signal.SIGSTOP)
        time.sleep(1)
        scene.gateway.send(signal.SIGCONT)
    scene.rounds(act)


def out_of_memory(scene, own, most):
    """An allocation among the next `most` fails, or 20 in a row, while devices drop and come back, the
    registry changes and the broker cuts."""
    scene.open(Scene.OBEDIENT, preload=True, fleet=["--storm", "5@0.3"])
    added = iter(range(1000))

    def act():
        end = time.monotonic() + scene.setup.window_s
        while time.monotonic() < end or not scene.page.memory_failed():
            scene.page.fail_memory(scene.random.randrange(1, most),
                                   scene.random.choice((1, 1, 20)), own)
            what = scene.random.randrange(8)
            if what == 0:
                scene.broker.cut()
            elif what == 1:
                scene.registry.keygen("add", "new-%d" % next(added), "--out", scene.folder)
            time.sleep(0.1)
        scene.page.fail_memory(0)
    scene.rounds(act)
    injected(scene, "allocations failed", scene.page.memory_failed())


@row(MACHINE, "allocations of the gateway's own code fail at random", short=True, sanitized=False)
def memory_own(scene):
    out_of_memory(scene, True, 4)


@row(MACHINE, "allocations fail at random, in libraries too", sanitized=False)
def memory_any(scene):
    out_of_memory(scene, False, 300)
    scene.may_die = True


@row(MACHINE, "no descriptor is left: 100 allowed, 500 strangers connect", short=True)
def descriptors(scene):
    scene.open()
    resource.prlimit(scene.gateway.pid, resource.RLIMIT_NOFILE, (100, 100))
    scene.rounds(lambda: scene.attack("descriptors"))


@row(MACHINE, "the calendar clock jumps: an hour, a day and ten years, forth and back", short=True,
     sanitized=False)
def clock(scene):
    scene.open(preload=True)
    device, seen = a_device(scene, "timed"), []
    scene.keeps = True

    def act():
        for jump in (3600, -3600, 86400, -86400, 10 * 31556952, -10 * 31556952):
            scene.page.set_clock(jump)
            device.connect(scene.address)
            if abs(device.utc_ms / 1000 - time.time() - jump) < 60:
                seen.append(jump)
            time.sleep(scene.setup.window_s / 8)
        scene.page.set_clock(0)
    scene.rounds(act)
    injected(scene, "jumps that a device was told of", len(seen))


def a_device(scene, name):
    """A new device that the gateway knows."""
    from medsec1_device import Device
    device = Device.from_credential(scene.registry.add(name, "--suite", "A128CBC-HS256"))
    scene.closers.append(device.close)
    if not harness.wait_until(lambda: connects(device, scene.address), interval=0.2):
        scene.notes["new devices not known"] = 1
    return device


def new_secrets(scene, number):
    """A device whose rotation waits for its first record."""
    name = "rotated-%d" % number
    scene.change("add", name, "--suite", "A128CBC-HS256", "--out", scene.folder)
    new = os.path.join(scene.folder, "new-%d" % number)
    scene.change("rotate", name, "--out", new)
    return name, os.path.join(new, name + ".json")


def use(scene, credential):
    from medsec1_device import Device
    device = Device.from_credential(credential)
    device.connect(scene.address)
    device.sample(5)
    device.send_waiting()
    device.wait_acknowledged()
    device.close()


def is_pending(scene, name):
    return "pending" in scene.registry.keygen("show", name).stdout


def on_bad_disk(scene, error):
    scene.open(preload=True)
    numbers = iter(range(1000))

    def act():
        name, credential = new_secrets(scene, next(numbers))
        before = scene.page.disk_failed()
        scene.page.fail_disk(error, scene.registry.path)
        use(scene, credential)
        wait_disk_failed(scene, before)
        time.sleep(1)
        scene.page.mend_disk()
        if not harness.wait_until(lambda: not is_pending(scene, name), interval=0.2):
            scene.notes["rotations not completed"] = scene.notes.get("rotations not completed", 0) + 1
    scene.rounds(act)
    injected(scene, "writes refused", scene.page.disk_failed())


@row(MACHINE, "the registry's disk is full (ENOSPC) while a rotation completes", short=True,
     sanitized=False)
def disk_full(scene):
    on_bad_disk(scene, errno.ENOSPC)


@row(MACHINE, "the registry's disk is read-only (EROFS) while a rotation completes")
def disk_read_only(scene):
    on_bad_disk(scene, errno.EROFS)


@row(MACHINE, "the log's disk is full (/dev/full) under garbage")
def log_full(scene):
    scene.open(log="/dev/full")
    scene.rounds(lambda: scene.attack("garbage"))


@row(MACHINE, "nobody reads the log (a pipe that is full) under garbage")
def log_blocked(scene):
    path = os.path.join(scene.folder, "log")
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    scene.closers.append(lambda: os.close(reader))
    scene.open(log=path)
    scene.rounds(lambda: scene.attack("garbage"))


# Attacks


def attack_row(name, what, short=False):
    @row(ATTACK, what, short=short)
    def attack(scene):
        scene.open()
        scene.rounds(lambda: scene.attack(name))
    attack.__name__ = name


attack_row("half_open", "half-open flood: 5 000 connections from 250 addresses that say nothing")
attack_row("slow_loris", "slow-loris: 1 000 connections that say a HELLO byte by byte", short=True)
attack_row("garbage", "garbage flood: random bytes on as many connections as go", short=True)
attack_row("forged_hello", "forged first records: an X25519 operation each")
attack_row("oversized", "records that say to be longer than any may be")
attack_row("one_byte", "records of strangers in segments of one byte")


@row(ATTACK, "replayed first record: the dearest that can be had for nothing")
def replayed_hello(scene):
    scene.open()
    device = a_device(scene, "recorded")
    path = os.path.join(scene.folder, "recording")
    with open(path, "wb") as file:
        file.write(device.link.sent[0])
    device.close()
    scene.rounds(lambda: scene.attack("replayed_hello", "--recording", path))


def fleet_that(scene, *faults):
    """Registered devices that misbehave, for a window."""
    folder = os.path.join(scene.folder, "others")
    if not os.path.isdir(folder):
        scene.change("add", "other", "--count", "20", "--out", folder)
    done = subprocess.run(
        ["nice", "-n", "19", harness.tool("medsec-sim"), "--connect", "%s:%d" % scene.address,
         "--credentials", folder, "--duration", str(scene.setup.window_s - 0.5), "--wait", "0.2",
         "--json", *faults], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=FINISH_S,
        check=False)
    if done.returncode not in (0, 4):
        raise RuntimeError("medsec-sim: status %d\n%s" % (done.returncode, done.stderr))


@row(ATTACK, "20 registered devices send in segments of one byte", short=True)
def split_segments(scene):
    scene.open()
    scene.rounds(lambda: fleet_that(scene, "--split", "1", "--rate", "5"))


@row(ATTACK, "20 registered devices with every third record damaged")
def damaged_records(scene):
    scene.open()
    scene.rounds(lambda: fleet_that(scene, "--corrupt", "3", "--rate", "20"))


@row(ATTACK, "20 registered devices send as fast as they can")
def greedy_devices(scene):
    scene.open()
    scene.rounds(lambda: fleet_that(scene, "--rate", "1000", "--batch", "20"))


# The registry


@row(REGISTRY, "locked by another process while a device is revoked", short=True)
def registry_locked(scene):
    scene.open()

    def act():
        other = sqlite3.connect(scene.registry.path, PATIENCE_S, isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        time.sleep(scene.setup.window_s)
        other.execute("ROLLBACK")
        other.close()
    scene.rounds(act)
    assert_revocable(scene)


def assert_revocable(scene):
    """A change of the registry reaches the gateway still, or again."""
    device = a_device(scene, "last")
    scene.registry.keygen("revoke", "last")
    if not device.closed_by_peer():
        scene.notes["revoked devices not sent away"] = 1


def connects(device, address):
    try:
        device.connect(address)
        device.sample(1)
        device.send_waiting()
        device.wait_acknowledged()
        return True
    except Exception:
        return False


@row(REGISTRY, "overwritten with garbage, and put back", short=True)
def registry_corrupt(scene):
    scene.open()
    path, kept = scene.registry.path, scene.registry.path + ".kept"
    shutil.copyfile(path, kept)

    def act():
        with open(path, "r+b") as file:
            file.seek(0)
            file.write(scene.random.randbytes(os.path.getsize(kept)))
        time.sleep(scene.setup.window_s / 2)
        with open(kept, "rb") as good, open(path, "r+b") as file:
            file.write(good.read())
    scene.rounds(act)
    assert_revocable(scene)


@row(REGISTRY, "replaced by a newer copy of itself (rename), which the gateway must see", short=True)
def registry_replaced(scene):
    scene.open()

    def act():
        copy = scene.registry.path + ".copy"
        shutil.copyfile(scene.registry.path, copy)
        os.replace(copy, scene.registry.path)
        time.sleep(scene.setup.window_s / 2)
    scene.rounds(act)
    assert_revocable(scene)


@row(REGISTRY, "replaced by another registry, sealed with another key, and put back")
def registry_foreign(scene):
    scene.open()
    folder = os.path.join(scene.folder, "foreign")
    os.mkdir(folder)
    foreign = harness.Registry(folder).path
    kept = scene.registry.path + ".kept"

    def act():
        os.rename(scene.registry.path, kept)
        shutil.copyfile(foreign, scene.registry.path)
        time.sleep(scene.setup.window_s / 2)
        os.replace(kept, scene.registry.path)
    scene.rounds(act)
    assert_revocable(scene)
