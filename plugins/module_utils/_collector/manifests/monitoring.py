# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Option `monitoring` of a collector: how Prometheus scrapes it, its alerts, and its dashboard. Private.

`backends.py` lists the functions that return an object. Example: `{scrape: pod_monitor, alerts: config_map}` gives a
PodMonitor, and a ConfigMap with a file of rules. Both backends have the same objects. By a PodMonitor as well as by
annotations, the series get the labels that alerts and panels ask for.

Sources: PodMonitor and PrometheusRule in pkg/apis/monitoring/v1 of prometheus-operator; the job `kubernetes-pods` of
Prometheus' own chart; the sidecar of Grafana's chart, which loads ConfigMaps with the label `grafana_dashboard`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..._kube import object_names
from ..._kube.release_names import collector_release
from ..._otelcol.errors import Problem, suggest_word
from ..._otelcol.kube import names
from ..._otelcol.kube.text_values import check_texts
from ..critical import critical_table
from ..monitoring import alerts, dashboard, fleet_dashboard
from ..monitoring.gpu_rules import GPU_PANELS
from ..monitoring.gpu_values import list_team_budget_rules
from ..monitoring.panels import PANELS
from .build import CollectorBuild, Manifest, frame_manifest, omit_empty
from .monitoring_features import POD_MONITOR
from .monitoring_series import build_monitored_collector, read_prometheus_labels
from .own_metrics import find_metrics_port
from .pod_stamp import HASH_DIGITS, read_pod_stamp

_API_VERSION = "monitoring.coreos.com/v1"
# The values of option `alerts`.
_PROMETHEUS_RULE = "prometheus_rule"
_CONFIG_MAP = "config_map"
# Grafana takes at most 40 letters for the uid of a dashboard.
_UID_DIGITS = 32


# ── Scraping ──


def render_pod_monitor(build: CollectorBuild) -> Manifest | None:
    """Return the PodMonitor, by which the Prometheus operator scrapes the own metrics; None if it is off."""
    options = build.collector.monitoring
    if options.get("scrape") != POD_MONITOR:
        return None
    stamp_label = _discovered_label(read_pod_stamp(build).annotation)
    # The first digits of the hash in the annotation, such as `(.{10}).*`.
    short_hash_pattern = f"(.{{{HASH_DIGITS}}}).*"
    relabelings = [
        {"sourceLabels": ["__meta_kubernetes_pod_node_name"], "targetLabel": "node"},
        {"sourceLabels": [stamp_label], "regex": short_hash_pattern, "targetLabel": "config_hash"},
    ]
    endpoint = {
        "port": find_metrics_port(build).name,
        **omit_empty(interval=options.get("interval")),
        "relabelings": relabelings,
    }
    spec = {
        "selector": {"matchLabels": build.collector.pods},
        "podTargetLabels": [names.COLLECTOR_LABEL],
        "podMetricsEndpoints": [endpoint],
    }
    return _add_labels(
        frame_manifest(build, _API_VERSION, "PodMonitor", spec=spec), "labels", options.get("labels") or {}
    )


def _discovered_label(annotation: str) -> str:
    """Return the label that Prometheus' discovery makes of an annotation.

    Example: `checksum/config` is `__meta_kubernetes_pod_annotation_checksum_config`.
    """
    return "__meta_kubernetes_pod_annotation_" + "".join(letter if letter.isalnum() else "_" for letter in annotation)


# ── Alerts ──


def render_prometheus_rule(build: CollectorBuild) -> Manifest | None:
    """Return the alerts for the Prometheus operator; None if the option asks for no PrometheusRule."""
    options = build.collector.monitoring
    if options.get("alerts") != _PROMETHEUS_RULE:
        return None
    manifest = frame_manifest(build, _API_VERSION, "PrometheusRule", spec=_render_rule_groups(build))
    return _add_labels(manifest, "labels", options.get("labels") or {})


def render_rules_config_map(build: CollectorBuild) -> Manifest | None:
    """Return a ConfigMap with the alerts as a file of rules; None if the option asks for none.

    The file is JSON, which Prometheus reads as YAML.
    """
    if build.collector.monitoring.get("alerts") != _CONFIG_MAP:
        return None
    return _frame_config_map(build, "rules", {_file_name(build, "rules.yml"): _to_json(_render_rule_groups(build))})


def _render_rule_groups(build: CollectorBuild) -> dict[str, Any]:
    """Return the content of a file of rules: what is recorded, the budgets of teams, and the alerts.

    Raises Problem if Prometheus cannot reach the collector's own metrics, and for options that are not valid.
    """
    collector = build.collector
    options = collector.monitoring
    find_metrics_port(build)  # raises Problem for a collector without the port: its alerts would fire for ever
    left_out_alerts = options.get("without_alerts") or []
    _check_left_out_alerts(left_out_alerts, collector.name)
    labels = {**read_prometheus_labels(build, "alert_labels"), "collector": collector.name}
    page_url = _check_page_url(options.get("runbook_url") or "")
    monitored = build_monitored_collector(build)
    rules = [*alerts.list_recording_rules(monitored), *list_team_budget_rules(options.get("gpus"))]
    for rule in alerts.list_alert_rules(monitored, page_url, labels):
        if rule["alert"] not in left_out_alerts:
            rules.append(rule)
    return {"groups": [{"name": f"o11y.opentelemetry.{collector.namespace}.{collector.name}", "rules": rules}]}


def _check_left_out_alerts(left_out_alerts: Sequence[str], collector: str) -> None:
    """Raise Problem for a name of an alert that there is not."""
    for name in left_out_alerts:
        if name not in alerts.ALERT_NAMES:
            wrong = (
                f"collector '{collector}' leaves out an alert '{name}' that does not"
                f" exist{suggest_word(name, alerts.ALERT_NAMES)}"
            )
            raise Problem(wrong, where="monitoring.without_alerts", fix=f"Alerts: {', '.join(alerts.ALERT_NAMES)}.")


def _check_page_url(url: str) -> str:
    """Return where the page of the alerts is; empty if nobody says so. Raises Problem for what no browser opens."""
    if url and not url.startswith(("http://", "https://")):
        fix = "Write it with https://, or leave it out: the alerts name the page in the annotation `runbook` then."
        raise Problem(f"'{url}' is not a URL", where="monitoring.runbook_url", fix=fix)
    return url


# ── Dashboards ──


def render_dashboard_config_map(build: CollectorBuild) -> Manifest | None:
    """Return the dashboard, with the label by which Grafana's sidecar finds it; None if it is off."""
    options = build.collector.monitoring
    if not options.get("dashboard"):
        return None
    manifest = _frame_config_map(build, "dashboard", _render_dashboard_files(build))
    return _add_labels(manifest, "dashboard_labels", options.get("dashboard_labels") or {})


def _render_dashboard_files(build: CollectorBuild) -> dict[str, str]:
    """Return the dashboard of the collector and, if it has rules of GPUs, the one of GPUs, by the names of files.

    Raises Problem if Prometheus cannot reach the collector's own metrics.
    """
    find_metrics_port(build)  # raises Problem for a collector without the port: its panels would stay empty
    text_by_file = {_file_name(build, "json"): _to_json(_render_dashboard(build))}
    if build.collector.monitoring.get("gpus") is not None:
        monitored = build_monitored_collector(build)
        gpu_dashboard = dashboard.render_gpu_dashboard(monitored.series, monitored.features, GPU_PANELS)
        text_by_file[_file_name(build, "gpus.json")] = _to_json(gpu_dashboard)
    return text_by_file


def _render_dashboard(build: CollectorBuild) -> dict[str, Any]:
    collector = build.collector
    title = f"Collector {collector.namespace}/{collector.name}"
    release_hash = hashlib.sha256(collector_release(collector.namespace, collector.name).encode()).hexdigest()
    panels = (*PANELS, *critical_table.CRITICAL_PANELS)
    return dashboard.render_dashboard(title, release_hash[:_UID_DIGITS], build_monitored_collector(build), panels)


# ── Files and ConfigMaps of both ──


def render_monitoring_files(build: CollectorBuild) -> dict[str, str]:
    """Return the file of rules and the dashboards of a collector, each as text by the name of its file.

    A user writes them to a folder where neither the Prometheus operator nor a sidecar reads objects.
    """
    options = build.collector.monitoring
    text_by_file: dict[str, str] = {}
    if options.get("alerts") in (_PROMETHEUS_RULE, _CONFIG_MAP):
        text_by_file[_file_name(build, "rules.yml")] = _to_json(_render_rule_groups(build))
    if options.get("dashboard"):
        text_by_file |= _render_dashboard_files(build)
        text_by_file["collectors.json"] = _to_json(fleet_dashboard.render_fleet_dashboard())
    return text_by_file


def _file_name(build: CollectorBuild, suffix: str) -> str:
    """Return the name of a file of the collector, such as `otel.gateway.rules.yml`."""
    return f"{build.collector.namespace}.{build.collector.name}.{suffix}"


def _frame_config_map(build: CollectorBuild, part: str, data: dict[str, str]) -> Manifest:
    """Return a ConfigMap with the label by which a run knows that it is no config."""
    manifest = frame_manifest(build, "v1", "ConfigMap", name=f"{build.collector.name}-{part}", data=data)
    return _add_labels(manifest, "labels", {object_names.PART_LABEL: part})


def _add_labels(manifest: Manifest, option: str, labels: Mapping[str, Any]) -> Manifest:
    """Return the manifest with more labels, which cannot replace ours: later runs find the object by these."""
    user_labels = check_texts(f"monitoring.{option}", labels, labels=True)
    manifest["metadata"]["labels"] = {**user_labels, **manifest["metadata"]["labels"]}
    return manifest


def _to_json(data: Any) -> str:
    return json.dumps(data, indent=2) + "\n"
