# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All alerts of collectors, and the rules of Prometheus that are rendered of them. Private.

The tables are in `collector_alerts.py`, `workload_alerts.py`, `gpu_rules.py` and `critical_table.py`; `alert_row.py`
says what a row is, with an example. `manifests/monitoring.py` calls `list_recording_rules` and `list_alert_rules`, and
puts the rules into a PrometheusRule or a ConfigMap.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..critical.critical_table import CRITICAL_ALERTS
from .alert_row import Alert
from .collector_alerts import COLLECTOR_ALERTS
from .gpu_rules import GPU_ALERTS, GPU_SERIES_LABELS, RECORDING_RULES
from .monitored_collector import MonitoredCollector
from .series import CollectorSeries
from .workload_alerts import WORKLOAD_ALERTS

# The page of the collection with a section for each alert. An option says where users read a copy of it.
ALERTS_PAGE = "docs/monitoring.md"
ALERTS = (*COLLECTOR_ALERTS, *WORKLOAD_ALERTS, *GPU_ALERTS, *CRITICAL_ALERTS)
ALERT_NAMES = tuple(dict.fromkeys(alert.name for alert in ALERTS))


def list_alert_rules(collector: MonitoredCollector, page_url: str, labels: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Yield the alerts of a collector, as Prometheus takes them.

    `page_url` is where users read the page of the alerts; empty if nobody says so. Each rule gets the `labels`.
    """
    for alert in ALERTS:
        if not collector.has_all(alert.needed_features) or collector.has_any(alert.excluding_features):
            continue
        if not alert.component_kind:
            yield _render_rule(alert, collector.series, "", page_url, labels)
            continue
        for noun in collector.components.list_record_nouns(alert.component_kind):
            yield _render_rule(alert, collector.series, noun, page_url, labels)


def list_recording_rules(collector: MonitoredCollector) -> Iterator[dict[str, Any]]:
    """Yield the rules that record series, which alerts ask for. So these rules stand before those of the alerts."""
    for recording in RECORDING_RULES:
        if collector.has_all(recording.needed_features):
            yield {"record": recording.name, "expr": collector.series.fill_in(recording.expr)}


def _render_rule(
    alert: Alert, series: CollectorSeries, noun: str, page_url: str, labels: dict[str, str]
) -> dict[str, Any]:
    """Return an alert as a rule.

    `noun` are the records of the signal that it is about, such as `log_records`; empty for an alert about all signals.
    It becomes the label `records`, by which an alert finds a cause that fires for the same signal.
    """
    rule_labels = _select_labels(alert, labels) | {"severity": alert.severity}
    if noun:
        rule_labels["records"] = noun
    record_words = noun.replace("_", " ")
    annotations = {
        "summary": series.fill_in(alert.summary.replace("<what>", record_words)),
        "description": series.fill_in(alert.description.replace("<what>", record_words)),
    }
    section = f"#{alert.name.lower()}"
    if page_url:
        annotations["runbook_url"] = f"{page_url}{section}"
    else:
        annotations["runbook"] = f"{ALERTS_PAGE}{section}"
    if alert.source:
        annotations["source"] = alert.source
    return {
        "alert": alert.name,
        "expr": series.fill_in(alert.expr, noun),
        "for": alert.wait_duration,
        "labels": rule_labels,
        "annotations": annotations,
    }


def _select_labels(alert: Alert, labels: dict[str, str]) -> dict[str, str]:
    """Return the labels that every rule gets, without those that the series of a GPU alert have themselves.

    A label of a rule replaces that of the series. The alerts of two teams would then be one alert.
    """
    if alert not in GPU_ALERTS:
        return dict(labels)
    return {key: value for key, value in labels.items() if key not in GPU_SERIES_LABELS}
