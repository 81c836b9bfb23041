# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What watches a collector: how it is scraped, its alerts, and its dashboard. Private.

Both ways of scraping find the pods of both backends, and give the series the labels that alerts and panels ask for.
Sources: PodMonitor and PrometheusRule in pkg/apis/monitoring/v1 of prometheus-operator; the job `kubernetes-pods` of
Prometheus' own chart; the sidecar of Grafana's chart, which loads ConfigMaps with the label `grafana_dashboard`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from ..._otelcol.config.paths import section
from ..._otelcol.errors import Problem, near
from ..._otelcol.kube import names
from ..._otelcol.needs.quantities import parse_bytes
from ..._otelcol.traits import sends_nothing
from ..critical import critical_table, critical_use
from ..monitoring import alerts, dashboard
from ..monitoring.gpu_rules import GPU_PANELS, gpu_facts, gpu_values, team_budgets
from ..monitoring.series import COLLECTOR, Parts, Series, matchers, parts_of, renamed, version_of
from . import open_telemetry_collector
from .build import CollectorBuild, Manifest, frame, present
from .own_metrics import own_port
from .pod import HASH_ANNOTATION

_API = "monitoring.coreos.com/v1"
_MONITOR, _RULE, _CONFIG_MAP = "pod_monitor", "prometheus_rule", "config_map"
_DIGITS, _UID_DIGITS, _PERCENT, _MINUTE, _MOST_MINUTES = 10, 32, 100, 60, 1440
# Source: prometheus.io, "Data model".
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*\Z")
# The version from which processors count what goes in and out.
_ITEMS = (0, 111)


def pod_monitor(build: CollectorBuild) -> Manifest | None:
    """Return what makes the Prometheus operator scrape the collector's own metrics, or nothing if it is off."""
    options = build.collector.monitoring
    if options.get("scrape") != _MONITOR:
        return None
    key, _value = _stamp(build)
    copied = [
        {"sourceLabels": ["__meta_kubernetes_pod_node_name"], "targetLabel": "node"},
        {"sourceLabels": [_meta(key)], "regex": f"(.{{{_DIGITS}}}).*", "targetLabel": "config_hash"},
    ]
    endpoint = {"port": own_port(build).name, **present(interval=options.get("interval")), "relabelings": copied}
    spec = {
        "selector": {"matchLabels": build.collector.pods},
        "podTargetLabels": [names.COLLECTOR_LABEL],
        "podMetricsEndpoints": [endpoint],
    }
    return _labelled(frame(build, _API, "PodMonitor", spec=spec), "labels", options.get("labels") or {})


def prometheus_rule(build: CollectorBuild) -> Manifest | None:
    """Return the alerts for the Prometheus operator, or nothing."""
    options = build.collector.monitoring
    if options.get("alerts") != _RULE:
        return None
    return _labelled(frame(build, _API, "PrometheusRule", spec=_rules(build)), "labels", options.get("labels") or {})


def files(build: CollectorBuild) -> dict[str, str]:
    """Return the file of rules and the dashboard of a collector by their names, for what no cluster object brings."""
    options, found = build.collector.monitoring, {}
    if options.get("alerts") in (_RULE, _CONFIG_MAP):
        found[_file(build, "rules.yml")] = _text(_rules(build))
    if options.get("dashboard"):
        found |= _dashboards(build)
        found["collectors.json"] = _text(dashboard.of_all())
    return found


def _file(build: CollectorBuild, ending: str) -> str:
    return f"{build.collector.namespace}.{build.collector.name}.{ending}"


def rules_config_map(build: CollectorBuild) -> Manifest | None:
    """Return the alerts as a file of rules. It is JSON, which is YAML."""
    if build.collector.monitoring.get("alerts") != _CONFIG_MAP:
        return None
    return _config_map(build, "rules", {_file(build, "rules.yml"): _text(_rules(build))})


def dashboard_config_map(build: CollectorBuild) -> Manifest | None:
    """Return the dashboard, with the label by which Grafana's sidecar finds it."""
    options = build.collector.monitoring
    if not options.get("dashboard"):
        return None
    manifest = _config_map(build, "dashboard", _dashboards(build))
    return _labelled(manifest, "dashboard_labels", options.get("dashboard_labels") or {})


def _dashboard(build: CollectorBuild) -> dict[str, Any]:
    collector = build.collector
    own_port(build)
    title = f"Collector {collector.namespace}/{collector.name}"
    uid = hashlib.sha256(names.release(collector.namespace, collector.name).encode()).hexdigest()[:_UID_DIGITS]
    panels = (*dashboard.PANELS, *critical_table.CRITICAL_PANELS)
    return dashboard.dashboard(title, uid, _series(build), _parts(build), _facts(build), panels=panels)


def _dashboards(build: CollectorBuild) -> dict[str, str]:
    """Return the dashboard of the collector and, if it has rules of GPUs, the one of GPUs, by the names of files."""
    found = {_file(build, "json"): _text(_dashboard(build))}
    if build.collector.monitoring.get("gpus") is not None:
        found[_file(build, "gpus.json")] = _text(dashboard.of_gpus(_series(build), _facts(build), GPU_PANELS))
    return found


def _config_map(build: CollectorBuild, part: str, data: dict[str, str]) -> Manifest:
    """Return a ConfigMap with the label by which a run knows that it is no config."""
    manifest = frame(build, "v1", "ConfigMap", name=f"{build.collector.name}-{part}", data=data)
    return _labelled(manifest, "labels", {names.PART_LABEL: part})


def _labelled(manifest: Manifest, what: str, labels: Mapping[str, Any]) -> Manifest:
    """Return the manifest with more labels, which cannot replace ours."""
    more = names.texts(f"monitoring.{what}", labels, labels=True)
    manifest["metadata"]["labels"] = {**more, **manifest["metadata"]["labels"]}
    return manifest


def _text(data: Any) -> str:
    return json.dumps(data, indent=2) + "\n"


def _rules(build: CollectorBuild) -> dict[str, Any]:
    """Return the groups of rules. Raises Problem for a name of an alert that there is not."""
    collector = build.collector
    options = collector.monitoring
    own_port(build)
    left_out = options.get("without_alerts") or []
    unknown = next((name for name in left_out if name not in alerts.NAMES), None)
    if unknown is not None:
        wrong = f"collector '{collector.name}' leaves out an alert '{unknown}' that does not exist"
        wrong += near(unknown, alerts.NAMES)
        raise Problem(wrong, where="monitoring.without_alerts", fix=f"Alerts: {', '.join(alerts.NAMES)}.")
    labels = {**_labels(build, "alert_labels"), "collector": collector.name}
    link = _link(options.get("runbook_url") or "")
    series, facts = _series(build), _facts(build)
    made = alerts.rules(series, _parts(build), facts, link, labels)
    rules = [*alerts.recorded(series, facts), *team_budgets(options.get("gpus"))]
    rules += [rule for rule in made if rule["alert"] not in left_out]
    return {"groups": [{"name": f"o11y.opentelemetry.{collector.namespace}.{collector.name}", "rules": rules}]}


def _link(url: str) -> str:
    """Return where the page of the alerts is; empty if nobody says so. Raises Problem for what no browser opens."""
    if url and not url.startswith(("http://", "https://")):
        fix = "Write it with https://, or leave it out: the alerts name the page in the annotation `runbook` then."
        raise Problem(f"'{url}' is not a URL", where="monitoring.runbook_url", fix=fix)
    return url


def _parts(build: CollectorBuild) -> Parts:
    return parts_of(build.config)


def _facts(build: CollectorBuild) -> frozenset[str]:
    """Return what alerts and panels ask for: kinds and types of components, and what the collector has."""
    collector, parts = build.collector, _parts(build)
    options, version = collector.monitoring, version_of(build.collector_version)
    stages = {
        "daemonset": collector.mode == "daemonset",
        "every_node": collector.every_node and not collector.nodes,
        "kube_state_metrics": bool(options.get("kube_state_metrics")),
        "workloads": bool(options.get("workloads")),
        "config_hash": options.get("scrape") == _MONITOR,
        "certificates": bool(collector.certificates),
        "queue": any(_queues(build.config, name) for name in section(build.config, "exporters")),
        "items": version >= _ITEMS,
        "dropped": version < _ITEMS,
        **gpu_facts(options.get("gpus")),
    }
    scraped = (critical_table.fact(name) for name in critical_use.components(collector.recipes))
    return frozenset((*parts.kinds, *parts.types, *scraped, *(name for name, holds in stages.items() if holds)))


def _queues(config: Mapping[str, Any], name: str) -> bool:
    """Whether an exporter keeps a queue: one that sends requests, unless the config turns it off."""
    settings = section(config, "exporters", name, "sending_queue")
    return not sends_nothing(name) and settings.get("enabled") is not False


def _series(build: CollectorBuild) -> Series:
    """Return the series of the collector, and the values that its expressions compare them with."""
    collector = build.collector
    version = version_of(build.collector_version)
    _key, stamp = _stamp(build)
    usual = {"namespace": collector.namespace, COLLECTOR: collector.name}
    certificates = "|".join(item["name"].replace(".", "[.]") for item in collector.certificates)
    minutes = _number(build, "full_within_minutes", _MOST_MINUTES)
    values = {
        "matchers": matchers(_labels(build, "series_labels") or usual),
        "name": collector.name,
        "namespace": collector.namespace,
        "workload": names.child(collector.name) if collector.backend == "operator" else collector.name,
        "names": f'name=~"{certificates}"',
        "config_hash": stamp[:_DIGITS],
        "memory_limit": str(parse_bytes(collector.memory_limit)),
        "memory_share": f"{_number(build, 'memory_percent', _PERCENT) / _PERCENT:g}",
        "queue_share": f"{_number(build, 'queue_percent', _PERCENT) / _PERCENT:g}",
        "full_within": str(minutes * _MINUTE),
        "full_minutes": str(minutes),
        **gpu_values(collector.monitoring.get("gpus")),
    }
    return Series(values["matchers"], version, renamed(build.config, version), values)


def _number(build: CollectorBuild, name: str, most: int) -> int:
    """Return an option that is a number. Raises Problem for one with which an alert would fire always or never."""
    value = build.collector.monitoring.get(name)
    if value is None or 1 <= value <= most:
        return value or most
    wrong = f"option '{name}' of collector '{build.collector.name}' is {value}"
    raise Problem(wrong, where="monitoring", fix=f"Use a number from 1 to {most}.")


def _labels(build: CollectorBuild, name: str) -> dict[str, str]:
    """Return an option with labels of Prometheus. Raises Problem for a name that Prometheus does not take."""
    labels = names.texts(f"monitoring.{name}", build.collector.monitoring.get(name) or {})
    unfit = next((key for key in labels if not _LABEL.match(key)), None)
    if unfit is not None:
        wrong = f"'{unfit}' is not a valid name of a label in Prometheus"
        raise Problem(wrong, where=f"monitoring.{name}", fix="Use letters, digits and underscores, no digit first.")
    return labels


def _stamp(build: CollectorBuild) -> tuple[str, str]:
    """Return the annotation of the pods that changes with the config, and its value for this config."""
    if build.collector.backend != "operator":
        return HASH_ANNOTATION, build.config_hash
    pods = open_telemetry_collector.open_telemetry_collector(build)["spec"].get("podAnnotations") or {}
    return names.SPEC_HASH, pods.get(names.SPEC_HASH, "")


def _meta(annotation: str) -> str:
    """Return the label that Prometheus' discovery makes of an annotation."""
    return "__meta_kubernetes_pod_annotation_" + "".join(one if one.isalnum() else "_" for one in annotation)
