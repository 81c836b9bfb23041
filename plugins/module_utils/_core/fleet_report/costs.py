# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each collector costs: rights, AWS actions, ports, CPU and memory. Private."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..collector.collector import parse_bytes
from ..config.paths import section
from ..errors import Problem
from .members import FleetMember

_GIB, _MIB = 2**30, 2**20
_RESOURCES = (("cpu_request", "requests", "cpu"), ("memory_request", "requests", "memory"))
_LIMITS = (("cpu_limit", "limits", "cpu"), ("memory_limit", "limits", "memory"))
NOTHING, NO_LIMIT = "\N{EN DASH}", "no limit"
_FIXED = {"daemonset": "one on every node", "sidecar": "one in every pod that asks for it"}


def cost(member: FleetMember, pods: int | None) -> dict[str, Any]:
    """Return a row; `pods` is how many run, when that was seen."""
    given = section(member.container, "resources")
    each = {name: _number(section(given, part).get(what), what) for name, part, what in (*_RESOURCES, *_LIMITS)}
    count = _planned(member) if pods is None else pods
    return {
        "collector": member.id,
        "pods": _pods(member, pods),
        "count": count,
        "rules": [_rule(rule) for rule in member.rules],
        "iam_actions": list(member.summary.get("iam_actions") or ()),
        "ports": [f"{port['port']}/{port['protocol']} {port['name']}" for port in member.summary.get("ports") or ()],
        "each": each,
        "all": {name: value * count if value and count is not None else None for name, value in each.items()},
        "shown": {name: _shown(name, value) for name, value in each.items()},
        "total": {name: _shown(name, value * count) for name, value in each.items() if value and count is not None},
    }


def totals(rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the sums over all collectors whose number of pods is known."""
    listed = list(rows)
    names = [name for name, _part, _what in (*_RESOURCES, *_LIMITS)]
    sums = {name: sum(row["all"][name] or 0 for row in listed) for name in names}
    unknown = sum(row["count"] is None for row in listed)
    counted = [row for row in listed if row["count"] is not None]
    endless = {name for name in names if name.endswith("_limit") and not all(row["all"][name] for row in counted)}
    shown = {name: NO_LIMIT if name in endless else _shown(name, sums[name]) for name in names}
    return shown | {"unknown": str(unknown) if unknown else ""}


def _planned(member: FleetMember) -> int | None:
    """Return how many pods are asked for; nobody knows how many nodes there are, or pods with a sidecar."""
    if member.mode in _FIXED:
        return None
    most = member.scaler.get("maxReplicas")
    return int(most or member.spec.get("replicas") or 1)


def _pods(member: FleetMember, seen: int | None) -> str:
    scaler = member.scaler
    span = f"{scaler.get('minReplicas')} to {scaler.get('maxReplicas')}" if scaler else str(_planned(member))
    wanted = _FIXED.get(member.mode, span)
    return wanted if seen is None else f"{seen} running, {wanted}"


def _number(quantity: Any, what: str) -> float | None:
    """Return a quantity in cores or bytes; nothing for none, or for one in a form that is not read here."""
    if quantity in (None, ""):
        return None
    text = str(quantity)
    try:
        if what == "memory":
            return float(parse_bytes(text))
        return float(text[:-1]) / 1000 if text.endswith("m") else float(text)
    except (Problem, ValueError):
        return None


def _shown(name: str, value: float | None) -> str:
    if value is None:
        return NO_LIMIT if name.endswith("_limit") else NOTHING
    if name.startswith("cpu"):
        return f"{round(value * 1000)}m" if value < 1 else f"{value:.4g}"
    return f"{value / _GIB:.4g} GiB" if value >= _GIB else f"{value / _MIB:.4g} MiB"


def _rule(rule: Mapping[str, Any]) -> str:
    """Return a rule as one reads it: what, then the verbs."""
    groups = [group for group in rule.get("apiGroups") or () if group]
    what = [*(rule.get("resources") or ()), *(rule.get("nonResourceURLs") or ())]
    named = f" ({', '.join(groups)})" if groups else ""
    return f"{', '.join(what)}{named}: {', '.join(rule.get('verbs') or ())}"
