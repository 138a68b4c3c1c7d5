# SPDX-License-Identifier: Apache-2.0
"""How many readings a second the gateway brings to the broker in batches, and how long they take:
simulators, gateway, broker and a subscriber on one machine."""

import math

import load
import scene
from scene import harness

SUSTAINED = 0.99  # of what was to be sent arrived
DELIVERY_S = 10
INTERVALS_MS = (50, 40, 30, 25, 20, 18, 16, 14, 12, 10, 8)  # the simulator has whole ones


def latency_ms(before, after, share):
    """The bound below which `share` of the batches were durable, by the gateway's histogram; None:
    above the last."""
    name = 'medsec_durable_seconds_bucket{le="'
    counts = sorted((float(key[len(name):-2]), after[key] - before[key])
                    for key in after if key.startswith(name))
    bound = next(bound for bound, count in counts if count >= share * counts[-1][1])
    return bound * 1000 if bound < math.inf else None


def scene_for(options):
    devices = (options.devices or 5000) // options.simulators
    place = scene.Scene(devices, "medsec1", "--publish", "batch", "--mqtt-client",
                        options.client[-1], "--broker-connections", options.connections,
                        "--metrics", harness.HOST + ":0",
                        *options.proxy.split(), groups=options.simulators)
    place.devices = devices
    return place


def at_least(subscriber, count):
    return subscriber.count()["readings"] >= count


def measure(place, options, rate_hz):
    subscriber = place.subscribe(scene.MEASURED["batch"])
    crowd = load.Load(place, place.folders, "medsec1", place.devices, rate_hz,
                      options.seconds + (load.PROFILE_S + 5) * options.perf)
    before = place.metrics()
    seen = crowd.watch(subscriber, options.seconds)
    after = place.metrics()
    profile = crowd.profile() if options.perf else None
    ends = crowd.results()
    acknowledged = sum(end["acknowledged"] for end in ends)
    arrived = harness.wait_until(lambda: at_least(subscriber, acknowledged), DELIVERY_S)
    subscriber.close()
    offered = crowd.devices * rate_hz
    return {"bench": "throughput", "client": options.client[-1],
            "connections": options.connections, "devices": crowd.devices, "rate_hz": rate_hz,
            "offered_per_s": offered, **seen,
            "sustained": seen["readings_per_s"] >= SUSTAINED * offered,
            "durable_p50_ms": latency_ms(before, after, 0.5),
            "durable_p99_ms": latency_ms(before, after, 0.99),
            **{name: sum(end[name] for end in ends)
               for name in ("sampled", "acknowledged", "unacknowledged", "closed", "resent")},
            "all_arrived": arrived, "profile": profile}


def at_rate(options):
    with scene_for(options) as place:
        yield measure(place, options, options.rate)


def find_limit(options):
    """Faster and faster, until not all arrives; then half of the most that did."""
    with scene_for(options) as place:
        best = None
        for interval_ms in INTERVALS_MS:
            row = measure(place, options, 1000 / interval_ms)
            yield row
            if not row["sustained"]:
                break
            best = interval_ms
        if best:
            yield {**measure(place, options, 500 / best), "bench": "half_load",
                   "target_p99_ms": 20}
