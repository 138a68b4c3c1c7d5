#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/operations.md and the alerts name the metrics and log events that there are, and no others."""

import re
import shutil

import lint

PAGE = "docs/operations.md"
RULES = "packaging/prometheus/medsec.rules.yml"
SUFFIX = re.compile(r"_(total|info|bucket|count|sum)$")


def differences(where, named, real, kind):
    return ([f"{where}: no {kind} {name}" for name in sorted(named - real)]
            + [f"{where}: {kind} {name} is not there" for name in sorted(real - named)])


def families(tree):
    text = (tree.source / "src/gateway/metrics.c").read_text()
    return ({"medsec_" + name for name in re.findall(r'^    \{"(\w+)", (?:COUNTER|GAUGE)', text, re.M)}
            | {"medsec_" + name for name in re.findall(r'write_head\(w, "(\w+)"', text)})


def metrics_in(text):
    return {SUFFIX.sub("", name) for name in re.findall(r"\bmedsec_[a-z_]+\b", text)}


def events(tree):
    found = set()
    for path in tree.files("src/**/*.c", "cli/proxy/*.c"):
        for call in re.findall(r"(?:_log_write|connection_log)\s*\((.*?)\);", path.read_text(), re.S):
            head = re.split(r"MEDSEC_LOG_(?:STR|INT)\(", call)[0]
            words = re.findall(r'"([a-z-]+)"', head)
            found |= set(words if "?" in head else words[:1])
    return found


def section(tree, name):
    return re.search(rf"^## {name}\n(.*?)^## ", (tree.source / PAGE).read_text(), re.M | re.S).group(1)


def check_metrics(tree):
    return differences(PAGE, metrics_in(section(tree, "Metrics")), families(tree), "metric")


def check_events(tree):
    rows = re.findall(r"^\| (`.*?) \|", section(tree, "Log"), re.M)
    named = {name for row in rows for name in re.findall(r"`([a-z-]+)`", row)}
    return differences(PAGE, named, events(tree), "event")


def check_alerts(tree):
    text = (tree.source / RULES).read_text()
    alerts = set(re.findall(r"alert: (\w+)", text))
    named = set(re.findall(r"\bMedsec\w+", section(tree, "Alerts")))
    expressions = "".join(re.findall(r"expr:(.*?)(?:for|annotations):", text, re.S))
    return (differences(PAGE, named, alerts, "alert")
            + [f"{RULES}: no metric {name}" for name in sorted(metrics_in(expressions) - families(tree))])


def check_alerts_fire_when_they_should(tree):
    if shutil.which("promtool"):
        lint.output("promtool", "check", "rules", tree.source / RULES)
        lint.output("promtool", "test", "rules", tree.source / "tests/lint/medsec.rules.test.yml")
    return []


lint.main(check_metrics, check_events, check_alerts, check_alerts_fire_when_they_should)
