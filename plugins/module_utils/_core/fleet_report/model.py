# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page as data: what a template writes down, without a computation of its own. Private."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..cluster.bundle import secret_values
from ..config.paths import items
from ..config.values import masker, secrets_in
from ..releases.versions import Table
from . import versions
from .cluster import NOT_ASKED, FleetCluster
from .members import FleetMember
from .state import BAD, attention, certificates, drift
from .topology import picture

# The page is to be read from its start; all of it follows further down.
_MOST_ATTENTION = 25
_STATES = {
    "healthy": "healthy",
    "warning": "warning",
    "error": "error",
    "unknown": "not seen",
    "": "not read",
}


def model(clusters: Sequence[FleetCluster], table: Table, title: str, time: str) -> dict[str, Any]:
    """Return the whole page, without any secret that stands in a config or a Secret."""
    rows = [_cluster(index, cluster, clusters, table) for index, cluster in enumerate(clusters)]
    wrong = attention(rows)
    page = {
        "title": title,
        "time": time,
        "summary": _summary(clusters, rows),
        "attention": wrong[:_MOST_ATTENTION],
        "more": max(0, len(wrong) - _MOST_ATTENTION),
        "versions": versions.fleet(clusters),
        "clusters": rows,
    }
    masked: dict[str, Any] = _each(page, masker(_secrets(clusters)))
    return masked


def _secrets(clusters: Sequence[FleetCluster]) -> set[str]:
    found: set[str] = set()
    for cluster in clusters:
        for config in cluster.configs.values():
            found |= secrets_in(config)
        found |= set(secret_values(items(cluster.given, "rendered", "manifests")))
    return found


def _each(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {key: _each(item, change) for key, item in value.items()}
    return [_each(item, change) for item in value] if isinstance(value, (list, tuple)) else value


def _summary(clusters: Sequence[FleetCluster], rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    findings = Counter(str(item["severity"]) for cluster in clusters for item in cluster.findings)
    states = Counter(row["status"] for row in rows for row in row["collectors"])
    return {
        "clusters": len(clusters),
        "unread": sum(cluster.asked and not cluster.is_read for cluster in clusters),
        "collectors": sum(len(cluster.members) for cluster in clusters),
        "healthy": states["healthy"],
        "ailing": states["error"] + states["warning"],
        "errors": findings["error"],
        "warnings": findings["warning"],
        "certificates": sum(row["state"] in BAD for row in rows for row in row["certificates"]),
        "drift": sum(len(row["drift"]["objects"]) for row in rows),
    }


def _cluster(index: int, cluster: FleetCluster, clusters: Sequence[FleetCluster], table: Table) -> dict[str, Any]:
    anchors = {member.id: f"c{index}-{number}" for number, member in enumerate(cluster.members)}
    prices = [versions.cost(member, _pods(cluster, member.id)) for member in cluster.members]
    return {
        "name": cluster.name,
        "anchor": f"cluster-{index}",
        "problem": cluster.problem,
        "unread": cluster.unread,
        "note": "" if cluster.asked else NOT_ASKED,
        "topology": picture(cluster, clusters, anchors),
        "versions": versions.rows(cluster, table),
        "collectors": [_collector(cluster, member, anchors[member.id]) for member in cluster.members],
        "findings": [_finding(item) for item in cluster.findings],
        "certificates": certificates(cluster),
        "drift": drift(cluster),
        "costs": prices,
        "totals": versions.totals(prices),
    }


def _pods(cluster: FleetCluster, name: str) -> int | None:
    found = cluster.diagnosed.get(name)
    return len(found.get("pods") or ()) if found else None


def _collector(cluster: FleetCluster, member: FleetMember, anchor: str) -> dict[str, Any]:
    found = cluster.diagnosed.get(member.id, {})
    status = str(found.get("status") or "")
    return {
        "anchor": anchor,
        "name": member.name,
        "namespace": member.namespace,
        "mode": member.mode,
        "backend": str(member.summary.get("backend") or ""),
        "status": status,
        "state": _STATES.get(status, status),
        "ready": str(found.get("ready_text") or ""),
        "verdict": list(found.get("verdict") or ()),
        "unseen": [f"{item['what']}: {item['why']}" for item in found.get("unseen") or ()],
    }


def _finding(item: Mapping[str, Any]) -> dict[str, Any]:
    line = f":{item['line']}" if item.get("line") else ""
    keys = ("severity", "rule", "path", "message", "fix")
    return {key: str(item.get(key) or "") for key in keys} | {
        "collector": str(item.get("collector") or ""),
        "where": f"{item.get('file') or ''}{line}",
    }
