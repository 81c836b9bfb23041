# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the collectors of a cluster take: pods, requests and limits, and what they may do. Private."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from .._otelcol.config.paths import section
from .._otelcol.errors import Problem
from .._otelcol.needs.quantities import parse_bytes
from .fleet_cluster import FleetMember
from .fleet_versions import NOTHING

_GIB, _MIB = 2**30, 2**20
NO_LIMIT = "no limit"
_FIXED = {"daemonset": "one on every node", "sidecar": "one in every pod that asks for it"}


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


def cost_row(member: FleetMember, pods: int | None) -> dict[str, Any]:
    """Return what the pods of a collector take and may do; `pods` is how many run, when that was seen."""
    each = _figures_of_pod(member)
    count = _planned_pods(member) if pods is None else pods
    total: dict[str, float] = {}
    if count is not None:
        total = {name: value * count for name, value in each.items() if value}
    ports = member.summary.get("ports") or ()
    return {
        "collector": member.id,
        "pods": _pods_text(member, pods),
        "count": count,
        "rules": [_rule_text(rule) for rule in member.rules],
        "iam_actions": list(member.summary.get("iam_actions") or ()),
        "ports": [f"{port['port']}/{port['protocol']} {port['name']}" for port in ports],
        "each": each,
        "all": {name: total.get(name) for name in each},
        "shown": {name: _shown(name, value) for name, value in each.items()},
        "total": {name: _shown(name, value) for name, value in total.items()},
    }


def _figures_of_pod(member: FleetMember) -> dict[str, float | None]:
    """Return the requests and limits of one pod by column, in cores and bytes; None where there are none."""
    resources = section(member.container, "resources")
    figures = {}
    for column in _COLUMNS:
        quantity = section(resources, column.part).get(column.resource)
        figures[column.name] = _number(quantity, column.resource)
    return figures


def cost_totals(rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the sums over all collectors whose number of pods is known, and how many others there are."""
    listed = list(rows)
    counted = [row["all"] for row in listed if row["count"] is not None]
    totals = {}
    for column in _COLUMNS:
        totals[column.name] = _total(column.name, [figures[column.name] for figures in counted])
    unknown = len(listed) - len(counted)
    return {**totals, "unknown": str(unknown or "")}


def _total(name: str, values: Sequence[float | None]) -> str:
    """Return a sum as the page shows it. One pod without a limit makes the limit of all endless."""
    if name.endswith("_limit") and not all(values):
        return NO_LIMIT
    return _shown(name, sum(value or 0 for value in values))


def _planned_pods(member: FleetMember) -> int | None:
    """Return the requested number of pods; unknown for DaemonSets and sidecars."""
    if member.mode in _FIXED:
        return None
    most = member.scaler.get("maxReplicas")
    return int(most or member.spec.get("replicas") or 1)


def _pods_text(member: FleetMember, seen: int | None) -> str:
    """Return how many pods a collector has and should have, in words."""
    planned = str(_planned_pods(member))
    if member.mode in _FIXED:
        planned = _FIXED[member.mode]
    elif member.scaler:
        planned = f"{member.scaler.get('minReplicas')} to {member.scaler.get('maxReplicas')}"
    return planned if seen is None else f"{seen} running, {planned}"


def _number(quantity: Any, resource: str) -> float | None:
    """Return a quantity in cores or bytes; nothing for none, or for one in a form that is not read here."""
    if quantity in (None, ""):
        return None
    text = str(quantity)
    try:
        if resource == "memory":
            return float(parse_bytes(text))
        if text.endswith("m"):
            return float(text[:-1]) / 1000
        return float(text)
    except (Problem, ValueError):
        return None


def _shown(name: str, value: float | None) -> str:
    """Return a sum of cores or bytes as the page shows it."""
    if value is None:
        return NO_LIMIT if name.endswith("_limit") else NOTHING
    if name.startswith("cpu"):
        return f"{round(value * 1000)}m" if value < 1 else f"{value:.4g}"
    if value >= _GIB:
        return f"{value / _GIB:.4g} GiB"
    return f"{value / _MIB:.4g} MiB"


def _rule_text(rule: Mapping[str, Any]) -> str:
    """Return a rule as one reads it: what, then the verbs."""
    resources, addresses = rule.get("resources") or (), rule.get("nonResourceURLs") or ()
    what = ", ".join([*resources, *addresses])
    groups = ", ".join(filter(None, rule.get("apiGroups") or ()))
    if groups:
        what += f" ({groups})"
    verbs = ", ".join(rule.get("verbs") or ())
    return f"{what}: {verbs}"
