# SPDX-License-Identifier: Apache-2.0
"""Simulated devices at a steady rate, and who uses how much while they send."""

import itertools
import os
import re
import subprocess
import time

import perf
import scene
import fleet

BATCH = 20  # readings in a message of medsec/1
RAMP_MAX = 1000  # connects a second
PROFILE_S = 5
RESULT_S = 120  # a fleet ends within

numbers = itertools.count()


def simulate(place, folder, devices, *arguments, address=None):
    """medsec-sim with the first `devices` of a folder."""
    output = os.path.join(place.folder, "sim-%d.log" % next(numbers))
    simulator = fleet.Simulator(address or place.gateway.address, folder, output, "--devices",
                                devices, *arguments)
    place.callback(simulator.stop)
    return simulator


class Traffic:
    """Bytes and segments of the connections to one port, both ways, as the kernel counts them."""

    IP_OVERHEAD = 52  # IPv4, TCP, time stamps

    def __init__(self, port):
        text = subprocess.run(["ss", "-tinH", "sport", "=", ":%d" % port], stdout=subprocess.PIPE,
                              text=True, check=True).stdout
        self.bytes, self.segments = (
            sum(int(number) for number in re.findall(r"\b(?:%s):(\d+)" % words, text))
            for words in ("bytes_sent|bytes_received", "segs_out|segs_in"))

    def since(self, before, readings):
        """What a reading took: as TCP carries it, and with the headers of its packets."""
        count = self.bytes - before.bytes
        packed = count + self.IP_OVERHEAD * (self.segments - before.segments)
        return {"bytes_per_reading": round(count / readings, 1),
                "ip_bytes_per_reading": round(packed / readings, 1)}


class Load:
    """`devices` of each folder, spread evenly over the time between two messages of a device;
    built when all are connected and sending. It lasts for `seconds` more at least."""

    def __init__(self, place, folders, wire, devices, rate_hz, seconds):
        interval_s = (BATCH if wire == "medsec1" else 1) / rate_hz
        ramp = max(1, min(RAMP_MAX, round(devices / interval_s)))
        warm_up = devices / ramp + interval_s + 1
        self.place, self.devices = place, devices * len(folders)
        self.simulators = [simulate(place, folder, devices, "--rate", rate_hz, "--batch", BATCH,
                                    "--report", 2 * interval_s, "--ramp", ramp, "--duration",
                                    warm_up + seconds + interval_s + 2) for folder in folders]
        time.sleep(warm_up)

    def results(self):
        return [simulator.wait(RESULT_S) for simulator in self.simulators]

    def close(self):
        for simulator in self.simulators:
            simulator.stop()

    def pids(self):
        return {"gateway": self.place.gateway.pid, "broker": self.place.broker.process.pid,
                **{"simulator" + "-%d" % i * (i > 0): simulator.pid
                   for i, simulator in enumerate(self.simulators)}}

    def profile(self):
        return perf.profile(self.place.folder, self.pids(), PROFILE_S)

    def _sample(self, subscriber):
        pids = {**self.pids(), "subscriber": subscriber.pid}
        return {"count": subscriber.count(), "time": time.monotonic(),
                "cpu": {name: fleet.cpu_s([pids[name]]) * 1e6 for name in pids},
                "traffic": Traffic(self.place.gateway.address[1])}

    def watch(self, subscriber, seconds):
        """What arrived at the subscriber in that time, and what it cost whom."""
        before = self._sample(subscriber)
        time.sleep(seconds)
        after = self._sample(subscriber)
        messages, readings, bytes_ = (after["count"][word] - before["count"][word]
                                      for word in ("messages", "readings", "bytes"))
        if readings == 0:
            scene.end("nothing was published")
        elapsed_s = after["time"] - before["time"]
        spent = {name: after["cpu"][name] - before["cpu"][name] for name in before["cpu"]}
        return {"readings": readings, "readings_per_s": round(readings / elapsed_s, 1),
                "gateway_us": round(spent["gateway"] / readings, 2),
                "broker_us": round(spent["broker"] / readings, 2),
                "cores": {name: round(spent[name] / elapsed_s / 1e6, 3) for name in spent},
                "message_bytes": round(bytes_ / messages),
                **after["traffic"].since(before["traffic"], readings)}
