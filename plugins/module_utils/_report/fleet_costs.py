# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the collectors of a cluster take: pods, requests and limits, and what they may do. Private."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from .._otelcol.config.paths import mapping_at
from .._otelcol.errors import Problem
from .._otelcol.needs.quantities import parse_bytes, parse_cpu
from .fleet_cluster import FleetMember
from .fleet_versions import NOTHING_TEXT

_GIB, _MIB = 2**30, 2**20
NO_LIMIT = "no limit"
_PODS_OF_FIXED_MODES = {"daemonset": "one on every node", "sidecar": "one in every pod that asks for it"}


class _Column(NamedTuple):
    """A column of figures: the part of `resources` that has them, and the resource."""

    name: str
    part: str
    resource: str


_COLUMNS = (
    _Column("cpu_request", "requests", "cpu"),
    _Column("memory_request", "requests", "memory"),
    _Column("cpu_limit", "limits", "cpu"),
    _Column("memory_limit", "limits", "memory"),
)


def build_cost_row(member: FleetMember, pods: int | None) -> dict[str, Any]:
    """Return what the pods of a collector take and may do; `pods` is how many run, when that was seen."""
    figures_of_pod = _read_figures_of_pod(member)
    pod_count = _count_planned_pods(member) if pods is None else pods
    total_figures: dict[str, float] = {}
    if pod_count is not None:
        total_figures = {name: value * pod_count for name, value in figures_of_pod.items() if value}
    port_rows = member.summary.get("ports") or ()
    return {
        "collector": member.id,
        "pods": _describe_pods(member, pods),
        "count": pod_count,
        "rules": [_describe_rule(rule) for rule in member.rbac_rules],
        "iam_actions": list(member.summary.get("iam_actions") or ()),
        "ports": [f"{port['port']}/{port['protocol']} {port['name']}" for port in port_rows],
        "each": figures_of_pod,
        "all": {name: total_figures.get(name) for name in figures_of_pod},
        "shown": {name: _format_figure(name, value) for name, value in figures_of_pod.items()},
        "total": {name: _format_figure(name, value) for name, value in total_figures.items()},
    }


def _read_figures_of_pod(member: FleetMember) -> dict[str, float | None]:
    """Return the requests and limits of one pod by column, in cores and bytes; None where there are none."""
    resources = mapping_at(member.container, "resources")
    figures = {}
    for column in _COLUMNS:
        quantity = mapping_at(resources, column.part).get(column.resource)
        figures[column.name] = _parse_quantity(quantity, column.resource)
    return figures


def sum_cost_rows(rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the sums over all collectors whose number of pods is known, and how many others there are."""
    row_list = list(rows)
    counted_figures = [row["all"] for row in row_list if row["count"] is not None]
    totals = {}
    for column in _COLUMNS:
        totals[column.name] = _format_total(column.name, [figures[column.name] for figures in counted_figures])
    uncounted_rows = len(row_list) - len(counted_figures)
    return {**totals, "unknown": str(uncounted_rows or "")}


def _format_total(column_name: str, values: Sequence[float | None]) -> str:
    """Return a sum as the page shows it. One pod without a limit makes the limit of all endless."""
    if column_name.endswith("_limit") and None in values:
        return NO_LIMIT
    return _format_figure(column_name, sum(value or 0 for value in values))


def _count_planned_pods(member: FleetMember) -> int | None:
    """Return the requested number of pods; unknown for DaemonSets and sidecars."""
    if member.mode in _PODS_OF_FIXED_MODES:
        return None
    replicas = member.autoscaler.get("maxReplicas") or member.spec.get("replicas")
    return 1 if replicas is None else int(replicas)


def _describe_pods(member: FleetMember, running_pods: int | None) -> str:
    """Return how many pods a collector has and should have, in words."""
    planned_in_words = str(_count_planned_pods(member))
    if member.mode in _PODS_OF_FIXED_MODES:
        planned_in_words = _PODS_OF_FIXED_MODES[member.mode]
    elif member.autoscaler:
        planned_in_words = f"{member.autoscaler.get('minReplicas')} to {member.autoscaler.get('maxReplicas')}"
    return planned_in_words if running_pods is None else f"{running_pods} running, {planned_in_words}"


def _parse_quantity(quantity: Any, resource: str) -> float | None:
    """Return a quantity in cores or bytes; nothing for none, or for one in a form that is not read here."""
    if quantity in (None, ""):
        return None
    quantity_text = str(quantity)
    try:
        if resource == "memory":
            return float(parse_bytes(quantity_text))
        return parse_cpu(quantity_text)
    except Problem:
        return _parse_number(quantity_text)


def _parse_number(text: str) -> float | None:
    """Return a number that Kubernetes takes too, such as `.5` or `1e3`; nothing for another text."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _format_figure(column_name: str, value: float | None) -> str:
    """Return a sum of cores or bytes as the page shows it."""
    if value is None:
        return NO_LIMIT if column_name.endswith("_limit") else NOTHING_TEXT
    if column_name.startswith("cpu"):
        return f"{round(value * 1000)}m" if value < 1 else f"{value:.4g}"
    if value >= _GIB:
        return f"{value / _GIB:.4g} GiB"
    return f"{value / _MIB:.4g} MiB"


def _describe_rule(rule: Mapping[str, Any]) -> str:
    """Return a rule as one reads it: what, then the verbs."""
    resources, addresses = rule.get("resources") or (), rule.get("nonResourceURLs") or ()
    targets = ", ".join([*resources, *addresses])
    group_names = ", ".join(filter(None, rule.get("apiGroups") or ()))
    if group_names:
        targets += f" ({group_names})"
    verb_names = ", ".join(rule.get("verbs") or ())
    return f"{targets}: {verb_names}"
