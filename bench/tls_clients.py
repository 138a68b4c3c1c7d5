# SPDX-License-Identifier: Apache-2.0
"""The same readings by TLS clients straight into the broker, and by the gateway into the same
broker: what broker and gateway spend on each, what it takes on the wire, what a connect costs."""

import itertools
import os
import secrets
import subprocess
import time

import load
import scene
import fleet
from scene import harness

CONNECTS = 500


def openssl(folder, *words):
    subprocess.run(["openssl", *words], cwd=folder, check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


def make_certificates(folder):
    """An authority, and a broker and a device that it vouches for: P-256, the cheapest there is."""
    ec = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl(folder, "req", "-x509", *ec, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2",
            "-subj", "/CN=bench authority")
    for name in ("broker", "client"):
        openssl(folder, "req", *ec, "-keyout", name + ".key", "-out", name + ".csr", "-subj",
                "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1")
        openssl(folder, "x509", "-req", "-in", name + ".csr", "-CA", "ca.pem", "-CAkey", "ca.key",
                "-CAcreateserial", "-copy_extensions", "copy", "-days", "2", "-out", name + ".pem")


class TlsBroker(harness.Broker):
    """A broker with three listeners: clear text, keys that are shared, certificates of both."""

    CLIENTS = 1000

    def __init__(self, folder):
        super().__init__(folder)
        self.ports = {"plain": self.port, "psk": harness.free_port(), "cert": harness.free_port()}
        make_certificates(folder)
        with open(os.path.join(folder, "psk"), "w", encoding="ascii") as file:
            for number in range(1, self.CLIENTS + 1):
                file.write("bench-%04d:%s\n" % (number, secrets.token_hex(32)))
        with open(self.config, "a", encoding="ascii") as file:
            file.write("listener %d %s\npsk_hint bench\npsk_file %s/psk\n"
                       % (self.ports["psk"], harness.HOST, folder))
            file.write("listener %d %s\ncafile %s/ca.pem\ncertfile %s/broker.pem\n"
                       "keyfile %s/broker.key\nrequire_certificate true\n"
                       % ((self.ports["cert"], harness.HOST) + 3 * (folder,)))


def by_clients(place, options, security, publish, qos):
    row, = scene.run(scene.program("bench_tls_clients"), place.broker.ports[security], security,
                     publish, qos, options.devices, int(options.rate), options.seconds,
                     place.broker.process.pid, place.folder)
    return {"way": "clients-" + security, "qos": qos, **row, "both_us": row["broker_us"]}


def by_gateway(place, options, wire, client, publish, qos):
    place.gateway.stop()
    place.start_gateway("--publish", publish, "--mqtt-client", client, "--seed-qos", qos,
                        *options.proxy.split())
    devices = load.Load(place, [place.of_wire[wire]], wire, options.devices, options.rate,
                        options.seconds)
    seen = devices.watch(place.subscriber, options.seconds)
    devices.close()
    return {"way": "gateway-%s-%s" % (wire, client), "qos": 1 if wire == "medsec1" else qos,
            **{name: seen[name] for name in ("readings", "gateway_us", "broker_us")},
            "bytes_per_reading": seen["bytes_per_reading"],
            "ip_bytes_per_reading": seen["ip_bytes_per_reading"],
            "both_us": round(seen["gateway_us"] + seen["broker_us"], 2)}


def connects(place):
    """Each device connects, sends one reading, and goes, with all that is published about it."""
    pids = place.gateway.pid, place.broker.process.pid
    before = [fleet.cpu_s([pid]) for pid in pids]
    summary = load.simulate(place, place.of_wire["medsec1"], CONNECTS, "--count", 1, "--batch", 1,
                            "--ramp", 200).wait(load.RESULT_S)
    time.sleep(0.5)
    gateway, broker = ((fleet.cpu_s([pid]) - start) * 1e6 / summary["connections"]
                       for pid, start in zip(pids, before))
    return {"bench": "connect", "way": "gateway-medsec1", "connects": summary["connections"],
            "gateway_us": round(gateway, 1), "broker_us": round(broker, 1),
            "bytes": round((summary["bytes"] + summary["received"]) / summary["connections"])}


def wires_of(options, publish, qos):
    """Those whose messages are the clients': a seed device has no batches, medsec/1 has QoS 1."""
    return [wire for wire in options.wire
            if (publish != "batch" if wire == "seed" else qos == 1)]


def rows_of(place, options, publish, qos):
    """Every way with its cost, those by the gateway also as a share of what TLS clients cost."""
    clients = [by_clients(place, options, security, publish, qos)
               for security in place.broker.ports]
    yield from clients
    of = {row["security"]: row["both_us"] for row in clients}
    for wire, client in itertools.product(wires_of(options, publish, qos), options.client):
        row = by_gateway(place, options, wire, client, publish, qos)
        yield {**row, "of_psk": round(row["both_us"] / of["psk"], 2),
               "of_cert": round(row["both_us"] / of["cert"], 2)}


def compare(options):
    options.devices = options.devices or 50
    with scene.Scene(max(CONNECTS, options.devices), "medsec1", broker=TlsBroker) as place:
        place.of_wire = {"medsec1": place.credentials,
                         "seed": place.add_devices("seed", options.devices, "seed")}
        for publish in options.publish:
            place.subscriber = place.subscribe(scene.MEASURED[publish])
            for qos in options.qos:
                for row in rows_of(place, options, publish, qos):
                    yield {"bench": "tls", "publish": publish, "devices": options.devices,
                           "rate_hz": options.rate, **row}
            place.subscriber.close()
        yield connects(place)
