# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of costs on the page: pods, requests and limits of each collector of a cluster, and what it may do.

A figure is a request or a limit of CPU, in cores, or of memory, in bytes. Example: three pods that request `250m` of
CPU each have the figure 0.25 each, and 0.75 together. So the row has `each: {cpu_request: 0.25, …}` and `all:
{cpu_request: 0.75, …}`, and the page shows `250m` (`shown`) and `750m` (`total`). Private.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from .._kube.quantity_values import parse_quantity
from .._otelcol.config.paths import mapping_at
from .fleet_collector import FleetCollector
from .fleet_versions import NOTHING_TEXT
from .page_rows import CostRow

_GIB = 2**30
_MIB = 2**20
NO_LIMIT = "no limit"
_PODS_OF_FIXED_MODES = {"daemonset": "one on every node", "sidecar": "one in every pod that asks for it"}


class _Column(NamedTuple):
    """A column of figures."""

    name: str
    part: str
    """The part of `resources` of a container that has the figures: `requests` or `limits`."""
    resource: str
    """`cpu` or `memory`."""


_COLUMNS = (
    _Column("cpu_request", part="requests", resource="cpu"),
    _Column("memory_request", part="requests", resource="memory"),
    _Column("cpu_limit", part="limits", resource="cpu"),
    _Column("memory_limit", part="limits", resource="memory"),
)


def build_cost_row(collector: FleetCollector, running_pods: int | None) -> CostRow:
    """Return the row of a collector. `running_pods` is None if nobody saw how many pods run.

    The figures of all pods then are those of the planned pods.
    """
    figures_of_pod = _read_figures_of_pod(collector)
    pod_count = _count_planned_pods(collector) if running_pods is None else running_pods
    total_figures = _multiply_figures(figures_of_pod, pod_count)
    return {
        "collector": collector.id,
        "pods": _describe_pods(collector, running_pods),
        "count": pod_count,
        "rules": [_describe_rule(rule) for rule in collector.rbac_rules],
        "iam_actions": list(collector.summary.get("iam_actions") or ()),
        "ports": [_describe_port(port) for port in collector.summary.get("ports") or ()],
        "each": figures_of_pod,
        "all": {**dict.fromkeys(figures_of_pod), **total_figures},
        "shown": _format_figures(figures_of_pod),
        "total": _format_figures(total_figures),
    }


def _multiply_figures(figures_of_pod: Mapping[str, float | None], pod_count: int | None) -> dict[str, float]:
    """Return the figures of all pods, of the columns that have one; none if the number of pods is not known."""
    if pod_count is None:
        return {}
    return {name: value * pod_count for name, value in figures_of_pod.items() if value}


def _format_figures(figures: Mapping[str, float | None]) -> dict[str, str]:
    """Return the figures of some columns as the page shows them."""
    return {name: _format_figure(name, value) for name, value in figures.items()}


def _read_figures_of_pod(collector: FleetCollector) -> dict[str, float | None]:
    """Return the requests and limits of one pod by column, in cores and bytes; None where there are none."""
    resources = mapping_at(collector.container, "resources")
    figures = {}
    for column in _COLUMNS:
        quantity = mapping_at(resources, column.part).get(column.resource)
        amount = parse_quantity(quantity)
        figures[column.name] = None if amount is None else float(amount)
    return figures


def sum_cost_rows(rows: Iterable[CostRow]) -> dict[str, str]:
    """Return the sum of each column over all collectors whose number of pods is known.

    Key `unknown` has the number of the other collectors; empty if there are none.
    """
    row_list = list(rows)
    counted_figures = [row["all"] for row in row_list if row["count"] is not None]
    totals = {}
    for column in _COLUMNS:
        totals[column.name] = _format_total(column.name, [figures[column.name] for figures in counted_figures])
    uncounted_rows = len(row_list) - len(counted_figures)
    return {**totals, "unknown": str(uncounted_rows or "")}


def _format_total(column_name: str, values: Sequence[float | None]) -> str:
    """Return a sum as the page shows it. If one pod has no limit, the sum of all limits has none."""
    if column_name.endswith("_limit") and None in values:
        return NO_LIMIT
    return _format_figure(column_name, sum(value or 0 for value in values))


def _count_planned_pods(collector: FleetCollector) -> int | None:
    """Return how many pods the inventory wants; None for DaemonSets and sidecars, for which it sets no number."""
    if collector.mode in _PODS_OF_FIXED_MODES:
        return None
    # What the collector may cost at most: an autoscaler may start so many pods.
    replicas = collector.autoscaler.get("maxReplicas") or collector.spec.get("replicas")
    # A custom resource may leave the number out, and Kubernetes then starts one pod. An explicit 0 stays.
    return 1 if replicas is None else int(replicas)


def _describe_pods(collector: FleetCollector, running_pods: int | None) -> str:
    """Return how many pods a collector has and should have, in words."""
    planned_in_words = str(_count_planned_pods(collector))
    if collector.mode in _PODS_OF_FIXED_MODES:
        planned_in_words = _PODS_OF_FIXED_MODES[collector.mode]
    elif collector.autoscaler:
        planned_in_words = f"{collector.autoscaler.get('minReplicas')} to {collector.autoscaler.get('maxReplicas')}"
    return planned_in_words if running_pods is None else f"{running_pods} running, {planned_in_words}"


def _format_figure(column_name: str, value: float | None) -> str:
    """Return a figure as the page shows it: cores such as `250m` or `1.5`, bytes such as `512 MiB`."""
    if value is None:
        return NO_LIMIT if column_name.endswith("_limit") else NOTHING_TEXT
    if column_name.startswith("cpu"):
        return f"{round(value * 1000)}m" if value < 1 else f"{value:.4g}"
    if value >= _GIB:
        return f"{value / _GIB:.4g} GiB"
    return f"{value / _MIB:.4g} MiB"


def _describe_port(port: Mapping[str, Any]) -> str:
    """Return a port such as `4317/TCP otlp-grpc`."""
    return f"{port['port']}/{port['protocol']} {port['name']}"


def _describe_rule(rule: Mapping[str, Any]) -> str:
    """Return a rule of RBAC in words, such as `pods, nodes (apps): get, list`."""
    resources = rule.get("resources") or ()
    api_paths = rule.get("nonResourceURLs") or ()
    targets = ", ".join([*resources, *api_paths])
    group_names = ", ".join(filter(None, rule.get("apiGroups") or ()))
    if group_names:
        targets += f" ({group_names})"
    verb_names = ", ".join(rule.get("verbs") or ())
    return f"{targets}: {verb_names}"
