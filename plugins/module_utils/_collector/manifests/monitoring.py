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
from collections.abc import Mapping, Sequence
from typing import Any

from ..._otelcol.errors import Problem, near
from ..._otelcol.kube import names
from ..critical import critical_table
from ..monitoring import alerts, dashboard
from ..monitoring.gpu_rules import GPU_PANELS, team_budgets
from ..monitoring.series import parts_of
from .build import CollectorBuild, Manifest, frame, present
from .monitoring_values import (
    HASH_DIGITS,
    POD_MONITOR,
    monitoring_facts,
    monitoring_series,
    pod_stamp,
    prometheus_labels,
)
from .own_metrics import own_port

_API = "monitoring.coreos.com/v1"
# The values of option `alerts`.
_PROMETHEUS_RULE, _CONFIG_MAP = "prometheus_rule", "config_map"
# Grafana takes at most 40 letters for the uid of a dashboard.
_UID_DIGITS = 32


def pod_monitor(build: CollectorBuild) -> Manifest | None:
    """Return what makes the Prometheus operator scrape the collector's own metrics, or nothing if it is off."""
    options = build.collector.monitoring
    if options.get("scrape") != POD_MONITOR:
        return None
    stamp_label = _discovered_label(pod_stamp(build).annotation)
    copied = [
        {"sourceLabels": ["__meta_kubernetes_pod_node_name"], "targetLabel": "node"},
        {"sourceLabels": [stamp_label], "regex": f"(.{{{HASH_DIGITS}}}).*", "targetLabel": "config_hash"},
    ]
    endpoint = {"port": own_port(build).name, **present(interval=options.get("interval")), "relabelings": copied}
    spec = {
        "selector": {"matchLabels": build.collector.pods},
        "podTargetLabels": [names.COLLECTOR_LABEL],
        "podMetricsEndpoints": [endpoint],
    }
    return _labelled(frame(build, _API, "PodMonitor", spec=spec), "labels", options.get("labels") or {})


def _discovered_label(annotation: str) -> str:
    """Return the label that Prometheus' discovery makes of an annotation."""
    return "__meta_kubernetes_pod_annotation_" + "".join(letter if letter.isalnum() else "_" for letter in annotation)


# ── Alerts ──


def prometheus_rule(build: CollectorBuild) -> Manifest | None:
    """Return the alerts for the Prometheus operator, or nothing."""
    options = build.collector.monitoring
    if options.get("alerts") != _PROMETHEUS_RULE:
        return None
    return _labelled(frame(build, _API, "PrometheusRule", spec=_rules(build)), "labels", options.get("labels") or {})


def rules_config_map(build: CollectorBuild) -> Manifest | None:
    """Return the alerts as a file of rules. It is JSON, which is YAML."""
    if build.collector.monitoring.get("alerts") != _CONFIG_MAP:
        return None
    return _config_map(build, "rules", {_file_name(build, "rules.yml"): _text(_rules(build))})


def _rules(build: CollectorBuild) -> dict[str, Any]:
    """Return the groups of rules: what is recorded, the budgets of teams, and the alerts."""
    collector = build.collector
    options = collector.monitoring
    own_port(build)
    left_out = options.get("without_alerts") or []
    _check_left_out(left_out, collector.name)
    labels = {**prometheus_labels(build, "alert_labels"), "collector": collector.name}
    link = _checked_link(options.get("runbook_url") or "")
    series, facts = monitoring_series(build), monitoring_facts(build)
    rules = [*alerts.recorded(series, facts), *team_budgets(options.get("gpus"))]
    for rule in alerts.rules(series, parts_of(build.config), facts, link, labels):
        if rule["alert"] not in left_out:
            rules.append(rule)
    return {"groups": [{"name": f"o11y.opentelemetry.{collector.namespace}.{collector.name}", "rules": rules}]}


def _check_left_out(left_out: Sequence[str], collector: str) -> None:
    """Raise Problem for a name of an alert that there is not."""
    for name in left_out:
        if name not in alerts.NAMES:
            wrong = (
                f"collector '{collector}' leaves out an alert '{name}' that does not exist{near(name, alerts.NAMES)}"
            )
            raise Problem(wrong, where="monitoring.without_alerts", fix=f"Alerts: {', '.join(alerts.NAMES)}.")


def _checked_link(url: str) -> str:
    """Return where the page of the alerts is; empty if nobody says so. Raises Problem for what no browser opens."""
    if url and not url.startswith(("http://", "https://")):
        fix = "Write it with https://, or leave it out: the alerts name the page in the annotation `runbook` then."
        raise Problem(f"'{url}' is not a URL", where="monitoring.runbook_url", fix=fix)
    return url


# ── Dashboards ──


def dashboard_config_map(build: CollectorBuild) -> Manifest | None:
    """Return the dashboard, with the label by which Grafana's sidecar finds it."""
    options = build.collector.monitoring
    if not options.get("dashboard"):
        return None
    manifest = _config_map(build, "dashboard", _dashboards(build))
    return _labelled(manifest, "dashboard_labels", options.get("dashboard_labels") or {})


def _dashboards(build: CollectorBuild) -> dict[str, str]:
    """Return the dashboard of the collector and, if it has rules of GPUs, the one of GPUs, by the names of files."""
    found = {_file_name(build, "json"): _text(_dashboard(build))}
    if build.collector.monitoring.get("gpus") is not None:
        found[_file_name(build, "gpus.json")] = _text(
            dashboard.of_gpus(monitoring_series(build), monitoring_facts(build), GPU_PANELS)
        )
    return found


def _dashboard(build: CollectorBuild) -> dict[str, Any]:
    collector = build.collector
    own_port(build)
    title = f"Collector {collector.namespace}/{collector.name}"
    uid = hashlib.sha256(names.release(collector.namespace, collector.name).encode()).hexdigest()[:_UID_DIGITS]
    panels = (*dashboard.PANELS, *critical_table.CRITICAL_PANELS)
    return dashboard.dashboard(
        title, uid, monitoring_series(build), parts_of(build.config), monitoring_facts(build), panels=panels
    )


# ── Files and ConfigMaps of both ──


def files(build: CollectorBuild) -> dict[str, str]:
    """Return the file of rules and the dashboard of a collector by their names, for what no cluster object brings."""
    options = build.collector.monitoring
    found: dict[str, str] = {}
    if options.get("alerts") in (_PROMETHEUS_RULE, _CONFIG_MAP):
        found[_file_name(build, "rules.yml")] = _text(_rules(build))
    if options.get("dashboard"):
        found |= _dashboards(build)
        found["collectors.json"] = _text(dashboard.of_all())
    return found


def _file_name(build: CollectorBuild, ending: str) -> str:
    return f"{build.collector.namespace}.{build.collector.name}.{ending}"


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
