# SPDX-License-Identifier: Apache-2.0
"""How many readings a second the gateway brings to the broker in batches, and how long they take:
simulators, gateway, broker and a subscriber on one machine."""

import load
import perf
import scene

SUSTAINED = 0.99  # of what was to be sent arrived
STEP_DEVICES = 500
PERF_S = 5


def latency_ms(before, after, share):
    """The bound below which `share` of the batches were durable, by the gateway's histogram."""
    name = 'medsec_durable_seconds_bucket{le="'
    counts = sorted((float(key[len(name):-2]), after[key] - before[key])
                    for key in after if key.startswith(name))
    return next(bound * 1000 for bound, count in counts if count >= share * counts[-1][1])


def scene_for(options, devices):
    return scene.Scene(devices // options.simulators, "medsec1", "--publish", "batch",
                       "--mqtt-client", options.client[-1], "--broker-connections",
                       options.connections, "--metrics", scene.harness.HOST + ":0",
                       groups=options.simulators)


def measure(place, options, devices):
    subscriber = place.subscribe(scene.MEASURED["batch"])
    extra = PERF_S + 5 if options.perf else 0
    fleet = load.Load(place, place.folders, "medsec1", devices // options.simulators, options.rate,
                      options.seconds + extra)
    before = place.metrics()
    seen = fleet.watch(subscriber, options.seconds)
    after = place.metrics()
    profile = perf.profile(place.folder, PERF_S) if options.perf else {}
    ends = fleet.results()
    subscriber.close()
    offered = fleet.devices * options.rate
    return {"bench": "throughput", "client": options.client[-1],
            "connections": options.connections, "devices": fleet.devices,
            "rate_hz": options.rate, "offered_per_s": offered, **seen,
            "sustained": seen["readings_per_s"] >= SUSTAINED * offered,
            "durable_p50_ms": latency_ms(before, after, 0.5),
            "durable_p99_ms": latency_ms(before, after, 0.99),
            "device_ack_p99_ms": max(end["latency"]["p99"] for end in ends if end["latency"]),
            "sampled": sum(end["sampled"] for end in ends),
            "acknowledged": sum(end["acknowledged"] for end in ends), **profile}


def at_rate(options):
    devices = options.devices or 5000
    with scene_for(options, devices) as place:
        yield measure(place, options, devices)


def find_limit(options):
    """More and more devices until not all arrives; then half of the most that did."""
    largest = options.devices or 12000
    with scene_for(options, largest) as place:
        best = 0
        for devices in range(4 * STEP_DEVICES, largest + 1, STEP_DEVICES):
            row = measure(place, options, devices)
            yield row
            if not row["sustained"]:
                break
            best = devices
        if best:
            yield {**measure(place, options, best // 2), "bench": "half_load", "target_p99_ms": 20}
