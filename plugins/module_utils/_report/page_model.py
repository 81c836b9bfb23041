# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page as data, which the template writes without computation. Private.

In this order: the page, its summary, the row of a cluster, and that of a host.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._diagnose.checks_start import CHANGE
from .._install.releases.versions import Table
from .._kube.bundle import secret_values
from .._otelcol.config.config_secrets import secrets_in
from .._otelcol.config.masking import masker
from .._otelcol.config.paths import items
from . import fleet_host, fleet_versions
from .attention import attention
from .certificate_rows import BAD, certificates
from .fleet_cluster import NOT_ASKED, FleetCluster, FleetMember, unlisted
from .fleet_costs import cost_row, cost_totals
from .fleet_host import FleetHost
from .fleet_waves import NO_WAVES, FleetWaves, states_of, wave_rows
from .topology import picture, picture_of_hosts

# The page is to be read from its start; all of it follows further down.
_MOST_ATTENTION = 25
# What a run does not change.
_CHANGES_NOTHING = ("unchanged", "absent")
_STATES = {
    "healthy": "healthy",
    "warning": "warning",
    "error": "error",
    "unknown": "could not be checked",
    "": "not read",
}


@dataclass(frozen=True)
class FleetParts:
    """All that the page is about."""

    clusters: Sequence[FleetCluster]
    hosts: Sequence[FleetHost] = ()
    waves: FleetWaves = NO_WAVES


def model(fleet: FleetParts, table: Table, title: str, time: str) -> dict[str, Any]:
    """Return the whole page, without any secret that stands in a config or a Secret."""
    clusters, hosts, waves = fleet.clusters, fleet.hosts, fleet.waves
    host_members = [member for host in hosts for member in host.members]
    cluster_rows = [_cluster(index, cluster, clusters, table, host_members) for index, cluster in enumerate(clusters)]
    host_rows = [_host(index, host) for index, host in enumerate(hosts)]
    places = [*cluster_rows, *host_rows]
    needing_attention = attention(places)
    page = {
        "title": title,
        "time": time,
        "summary": _summary(clusters, hosts, places),
        "attention": needing_attention[:_MOST_ATTENTION],
        "more": max(0, len(needing_attention) - _MOST_ATTENTION),
        "versions": [*fleet_versions.version_counts(clusters), *fleet_versions.host_version_counts(hosts)],
        "waves": wave_rows(waves, places),
        "no_waves": waves.problem,
        "clusters": cluster_rows,
        "hosts": host_rows,
        "topology_of_hosts": _topology(hosts, host_members, host_rows),
    }
    masked: dict[str, Any] = _each_text(page, masker(_secrets(clusters, hosts)))
    return masked


def _topology(
    hosts: Sequence[FleetHost], members: Sequence[FleetMember], rows: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return the picture of the collectors of hosts, whose boxes lead to their rows."""
    diagnosed: dict[str, Mapping[str, Any]] = {}
    for host in hosts:
        for name, diagnosis in host.diagnosed.items():
            diagnosed[f"{host.name}/{name}"] = diagnosis
    anchors: dict[str, str] = {}
    for row in rows:
        for collector in row["collectors"]:
            anchors[f"{row['name']}/{collector['name']}"] = str(collector["anchor"])
    return picture_of_hosts(members, diagnosed, anchors)


def _secrets(clusters: Sequence[FleetCluster], hosts: Sequence[FleetHost]) -> set[str]:
    """Return the secrets that stand in configs and in rendered Secrets."""
    secrets: set[str] = set()
    places: list[FleetCluster | FleetHost] = [*clusters, *hosts]
    for place in places:
        for config in place.configs.values():
            secrets |= secrets_in(config)
    for cluster in clusters:
        secrets |= set(secret_values(items(cluster.given, "rendered", "manifests")))
    return secrets


def _each_text(value: Any, change: Callable[[str], str]) -> Any:
    """Return a tree with every text changed; keys and other values stay."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {key: _each_text(below, change) for key, below in value.items()}
    if isinstance(value, (list, tuple)):
        return [_each_text(element, change) for element in value]
    return value


def _summary(
    clusters: Sequence[FleetCluster], hosts: Sequence[FleetHost], rows: Sequence[Mapping[str, Any]]
) -> dict[str, int]:
    """Return the counts of the page; `rows` are those of clusters and of hosts."""
    collectors: list[Mapping[str, Any]] = []
    asked_collectors: list[Mapping[str, Any]] = []
    findings: Counter[str] = Counter()
    bad_certificates = 0
    drift = 0
    for row in rows:
        collectors += row["collectors"]
        if not row["note"]:
            asked_collectors += row["collectors"]
        findings.update(finding["severity"] for finding in row["findings"])
        bad_certificates += sum(certificate["state"] in BAD for certificate in row["certificates"])
        drift += len(row["drift"]["objects"])
    return {
        "clusters": len(clusters),
        "unread": _unread(clusters),
        "hosts": len(hosts),
        "unread_hosts": _unread(hosts),
        "collectors": len(collectors),
        **states_of(asked_collectors),
        "errors": findings["error"],
        "warnings": findings["warning"],
        "certificates": bad_certificates,
        "drift": drift,
        "changes": sum(bool(collector["change"]) for collector in collectors),
    }


def _unread(places: Sequence[FleetCluster | FleetHost]) -> int:
    """Return how many places could not be read."""
    return sum(place.asked and not place.is_read for place in places)


def _cluster(
    index: int,
    cluster: FleetCluster,
    clusters: Sequence[FleetCluster],
    table: Table,
    host_members: Sequence[FleetMember],
) -> dict[str, Any]:
    """Return the row of a cluster, with the picture of its collectors."""
    anchors = {member.id: f"c{index}-{number}" for number, member in enumerate(cluster.members)}
    prices = [cost_row(member, _pods(cluster, member.id)) for member in cluster.members]
    return {
        "name": cluster.name,
        "anchor": f"cluster-{index}",
        "problem": cluster.problem,
        "unread": cluster.unread,
        "note": "" if cluster.asked else NOT_ASKED,
        "topology": picture(cluster, clusters, anchors, host_members),
        "versions": fleet_versions.version_rows(cluster, table),
        "collectors": [_collector(cluster, member, anchors[member.id]) for member in cluster.members],
        "unlisted": unlisted(cluster, clusters),
        "findings": [_finding(finding) for finding in cluster.findings],
        "certificates": certificates(cluster),
        "drift": _drift(cluster),
        "costs": prices,
        "totals": cost_totals(prices),
    }


def _pods(cluster: FleetCluster, name: str) -> int | None:
    """Return how many pods of a collector run; None if that was not seen."""
    diagnosis = cluster.diagnosed.get(name)
    return len(diagnosis.get("pods") or ()) if diagnosis else None


def _drift(cluster: FleetCluster) -> dict[str, Any]:
    """Return which objects a run would change: their names alone."""
    comparison = cluster.read("drift")
    compared_objects = comparison.get("objects") or ()
    counts = Counter(str(compared["action"]) for compared in compared_objects)
    objects = []
    for compared in compared_objects:
        if compared["action"] not in _CHANGES_NOTHING:
            objects.append({key: str(compared.get(key) or "") for key in ("action", "kind", "namespace", "name")})
    return {
        "read": bool(comparison),
        "counts": [{"action": action, "count": counts[action]} for action in sorted(counts)],
        "objects": objects,
    }


def _collector(cluster: FleetCluster, member: FleetMember, anchor: str) -> dict[str, Any]:
    return {
        **_diagnosed(cluster.diagnosed.get(member.id, {})),
        "read": member.id in cluster.diagnosed,
        "anchor": anchor,
        "name": member.name,
        "namespace": member.namespace,
        "mode": member.mode,
        "backend": str(member.summary.get("backend") or ""),
        "version": fleet_versions.version_of(cluster, member),
    }


def _diagnosed(diagnosis: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a diagnosis says of a collector; an empty diagnosis says that it was not read."""
    status = str(diagnosis.get("status") or "")
    unseen = diagnosis.get("unseen") or ()
    wave = diagnosis.get("wave") or {}
    return {
        "status": status,
        "state": _STATES.get(status, status),
        "ready": str(diagnosis.get("ready_text") or ""),
        "verdict": list(diagnosis.get("verdict") or ()),
        "change": _change_message(diagnosis),
        "unseen": [f"{row['what']}: {row['why']}" for row in unseen],
        "wave": {key: str(value) for key, value in wave.items()},
    }


def _change_message(diagnosis: Mapping[str, Any]) -> str:
    """Return what a diagnosis says of the last change, or nothing."""
    for problem in diagnosis.get("problems") or ():
        if problem.get("id") == CHANGE:
            return str(problem["message"])
    return ""


def _host(index: int, host: FleetHost) -> dict[str, Any]:
    """Return the row of a host, with the keys of a cluster's; a host has no certificates and products of its own."""
    anchor = f"host-{index}"
    collectors = []
    for number, collector in enumerate(host.collectors):
        collectors.append(_service(host, collector, f"{anchor}-{number}"))
    differing: list[str] = []
    for diagnosis in host.diagnosed.values():
        differing += _differing(diagnosis)
    return {
        "name": host.name,
        "anchor": anchor,
        "problem": host.problem,
        "unread": host.unread,
        "note": "" if host.asked or host.problem else fleet_host.NOT_ASKED,
        "collectors": collectors,
        "unlisted": [f"collector {name}" for name in host.unlisted],
        "findings": [_finding(finding) for finding in host.findings],
        "certificates": [],
        "versions": [],
        "drift": {"read": host.is_read, "objects": differing},
    }


def _service(host: FleetHost, collector: Mapping[str, Any], anchor: str) -> dict[str, Any]:
    diagnosis = host.diagnosed.get(str(collector["name"]), {})
    return {
        **_diagnosed(diagnosis),
        "anchor": anchor,
        "name": str(collector["name"]),
        "namespace": host.name,
        "service": str(collector["service"]),
        "program": str(collector["program"]),
        "version": _version(collector, diagnosis),
        "release": str(diagnosis.get("release") or ""),
        "differs": [str(name) for name in diagnosis.get("differs") or ()],
        "read": bool(diagnosis),
    }


def _version(collector: Mapping[str, Any], diagnosis: Mapping[str, Any]) -> str:
    """Return the program that a collector runs; where that is not known, the wanted one, which says so."""
    program = str(collector["program"])
    is_known = diagnosis.get("release") and not diagnosis.get("differs")
    return program if is_known else f"{program} wanted"


def _differing(diagnosis: Mapping[str, Any]) -> list[str]:
    """Return which files of a collector differ from the inventory; one that is not there has none."""
    differing = list(diagnosis["differs"])
    if not diagnosis.get("release"):
        differing.append("not installed")
    return differing


def _finding(finding: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row of a finding of a rule, with its file and line as one text."""
    row = {}
    for key in ("severity", "rule", "path", "message", "fix", "collector"):
        row[key] = str(finding.get(key) or "")
    line = f":{finding['line']}" if finding.get("line") else ""
    return {**row, "where": f"{finding.get('file') or ''}{line}"}
