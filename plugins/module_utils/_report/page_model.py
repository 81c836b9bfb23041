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

from .._diagnose.checks_start import CHANGE_CHECK_ID
from .._install.releases.versions import Table
from .._kube.bundle import list_secret_values
from .._otelcol.config.config_secrets import find_secrets
from .._otelcol.config.masking import make_masker
from .._otelcol.config.paths import list_at
from . import fleet_host, fleet_versions
from .attention import list_attention_rows
from .certificate_rows import BAD_STATES, list_certificate_rows
from .fleet_cluster import NOT_ASKED, FleetCluster, FleetMember, list_unlisted_collectors
from .fleet_costs import build_cost_row, sum_cost_rows
from .fleet_host import FleetHost
from .fleet_waves import NO_WAVES, FleetWaves, build_wave_rows, count_states
from .topology import draw_cluster, draw_hosts

# The page is to be read from its start; all of it follows further down.
_MOST_ATTENTION_ROWS = 25
# What a run does not change.
_UNCHANGING_ACTIONS = ("unchanged", "absent")
_STATES_IN_WORDS = {
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


def build_page_model(fleet: FleetParts, table: Table, title: str, time_text: str) -> dict[str, Any]:
    """Return the whole page, without any secret that stands in a config or a Secret."""
    clusters, hosts, waves = fleet.clusters, fleet.hosts, fleet.waves
    host_members = [member for host in hosts for member in host.members]
    cluster_rows = [
        _build_cluster_row(index, cluster, clusters, table, host_members) for index, cluster in enumerate(clusters)
    ]
    host_rows = [_build_host_row(index, host) for index, host in enumerate(hosts)]
    place_rows = [*cluster_rows, *host_rows]
    needing_attention = list_attention_rows(place_rows)
    page = {
        "title": title,
        "time": time_text,
        "summary": _summarize_page(clusters, hosts, place_rows),
        "attention": needing_attention[:_MOST_ATTENTION_ROWS],
        "more": max(0, len(needing_attention) - _MOST_ATTENTION_ROWS),
        "versions": [*fleet_versions.count_versions(clusters), *fleet_versions.count_host_programs(hosts)],
        "waves": build_wave_rows(waves, place_rows),
        "no_waves": waves.problem,
        "clusters": cluster_rows,
        "hosts": host_rows,
        "topology_of_hosts": _draw_hosts(hosts, host_members, host_rows),
    }
    masked_page: dict[str, Any] = _change_texts(page, make_masker(_collect_secrets(clusters, hosts)))
    return masked_page


def _draw_hosts(
    hosts: Sequence[FleetHost], members: Sequence[FleetMember], host_rows: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return the picture of the collectors of hosts, whose boxes lead to their rows."""
    diagnoses_by_id: dict[str, Mapping[str, Any]] = {}
    for host in hosts:
        for name, diagnosis in host.diagnosis_by_collector.items():
            diagnoses_by_id[f"{host.name}/{name}"] = diagnosis
    anchors_by_id: dict[str, str] = {}
    for row in host_rows:
        for collector in row["collectors"]:
            anchors_by_id[f"{row['name']}/{collector['name']}"] = str(collector["anchor"])
    return draw_hosts(members, diagnoses_by_id, anchors_by_id)


def _collect_secrets(clusters: Sequence[FleetCluster], hosts: Sequence[FleetHost]) -> set[str]:
    """Return the secrets that stand in configs and in rendered Secrets."""
    secrets: set[str] = set()
    places: list[FleetCluster | FleetHost] = [*clusters, *hosts]
    for place in places:
        for config in place.config_by_collector.values():
            secrets |= find_secrets(config)
    for cluster in clusters:
        secrets |= set(list_secret_values(list_at(cluster.task_results, "rendered", "manifests")))
    return secrets


def _change_texts(value: Any, change_text: Callable[[str], str]) -> Any:
    """Return a tree with every text changed; keys and other values stay."""
    if isinstance(value, str):
        return change_text(value)
    if isinstance(value, Mapping):
        return {key: _change_texts(child, change_text) for key, child in value.items()}
    if isinstance(value, (list, tuple)):
        return [_change_texts(list_element, change_text) for list_element in value]
    return value


def _summarize_page(
    clusters: Sequence[FleetCluster], hosts: Sequence[FleetHost], place_rows: Sequence[Mapping[str, Any]]
) -> dict[str, int]:
    """Return the counts of the page; `place_rows` are those of clusters and of hosts."""
    collectors: list[Mapping[str, Any]] = []
    asked_collectors: list[Mapping[str, Any]] = []
    findings: Counter[str] = Counter()
    bad_certificates = 0
    drift = 0
    for place_row in place_rows:
        collectors += place_row["collectors"]
        if not place_row["note"]:
            asked_collectors += place_row["collectors"]
        findings.update(finding["severity"] for finding in place_row["findings"])
        bad_certificates += sum(certificate["state"] in BAD_STATES for certificate in place_row["certificates"])
        drift += len(place_row["drift"]["objects"])
    return {
        "clusters": len(clusters),
        "unread": _count_unread(clusters),
        "hosts": len(hosts),
        "unread_hosts": _count_unread(hosts),
        "collectors": len(collectors),
        **count_states(asked_collectors),
        "errors": findings["error"],
        "warnings": findings["warning"],
        "certificates": bad_certificates,
        "drift": drift,
        "changes": sum(bool(collector["change"]) for collector in collectors),
    }


def _count_unread(places: Sequence[FleetCluster | FleetHost]) -> int:
    """Return how many places could not be read."""
    return sum(place.is_asked and not place.is_read for place in places)


def _build_cluster_row(
    index: int,
    cluster: FleetCluster,
    clusters: Sequence[FleetCluster],
    table: Table,
    host_members: Sequence[FleetMember],
) -> dict[str, Any]:
    """Return the row of a cluster, with the picture of its collectors."""
    anchors = {member.id: f"c{index}-{member_index}" for member_index, member in enumerate(cluster.members)}
    cost_rows = [build_cost_row(member, _count_running_pods(cluster, member.id)) for member in cluster.members]
    return {
        "name": cluster.name,
        "anchor": f"cluster-{index}",
        "problem": cluster.problem,
        "unread": cluster.unread_reasons,
        "note": "" if cluster.is_asked else NOT_ASKED,
        "topology": draw_cluster(cluster, clusters, anchors, host_members),
        "versions": fleet_versions.list_version_rows(cluster, table),
        "collectors": [_build_collector_row(cluster, member, anchors[member.id]) for member in cluster.members],
        "unlisted": list_unlisted_collectors(cluster, clusters),
        "findings": [_build_finding_row(finding) for finding in cluster.findings],
        "certificates": list_certificate_rows(cluster),
        "drift": _summarize_drift(cluster),
        "costs": cost_rows,
        "totals": sum_cost_rows(cost_rows),
    }


def _count_running_pods(cluster: FleetCluster, collector_id: str) -> int | None:
    """Return how many pods of a collector run; None if that was not seen."""
    diagnosis = cluster.diagnosis_by_collector.get(collector_id)
    return len(diagnosis.get("pods") or ()) if diagnosis else None


def _summarize_drift(cluster: FleetCluster) -> dict[str, Any]:
    """Return which objects a run would change: their names alone."""
    comparison = cluster.find_result("drift")
    compared_objects = comparison.get("objects") or ()
    counts = Counter(str(compared_object["action"]) for compared_object in compared_objects)
    objects = []
    for compared_object in compared_objects:
        if compared_object["action"] not in _UNCHANGING_ACTIONS:
            objects.append(
                {key: str(compared_object.get(key) or "") for key in ("action", "kind", "namespace", "name")}
            )
    return {
        "read": bool(comparison),
        "counts": [{"action": action, "count": counts[action]} for action in sorted(counts)],
        "objects": objects,
    }


def _build_collector_row(cluster: FleetCluster, member: FleetMember, anchor: str) -> dict[str, Any]:
    return {
        **_summarize_diagnosis(cluster.diagnosis_by_collector.get(member.id, {})),
        "read": member.id in cluster.diagnosis_by_collector,
        "anchor": anchor,
        "name": member.name,
        "namespace": member.namespace,
        "mode": member.mode,
        "backend": str(member.summary.get("backend") or ""),
        "version": fleet_versions.find_collector_version(cluster, member),
    }


def _summarize_diagnosis(diagnosis: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a diagnosis says of a collector; an empty diagnosis says that it was not read."""
    status = str(diagnosis.get("status") or "")
    unseen_parts = diagnosis.get("unseen") or ()
    wave = diagnosis.get("wave") or {}
    return {
        "status": status,
        "state": _STATES_IN_WORDS.get(status, status),
        "ready": str(diagnosis.get("ready_text") or ""),
        "verdict": list(diagnosis.get("verdict") or ()),
        "change": _find_change_message(diagnosis),
        "unseen": [f"{row['what']}: {row['why']}" for row in unseen_parts],
        "wave": {key: str(value) for key, value in wave.items()},
    }


def _find_change_message(diagnosis: Mapping[str, Any]) -> str:
    """Return what a diagnosis says of the last change, or nothing."""
    for problem in diagnosis.get("problems") or ():
        if problem.get("id") == CHANGE_CHECK_ID:
            return str(problem["message"])
    return ""


def _build_host_row(index: int, host: FleetHost) -> dict[str, Any]:
    """Return the row of a host, with the keys of a cluster's; a host has no certificates and products of its own."""
    anchor = f"host-{index}"
    collectors = []
    for collector_index, collector in enumerate(host.collectors):
        collectors.append(_build_service_row(host, collector, f"{anchor}-{collector_index}"))
    differing_files: list[str] = []
    for diagnosis in host.diagnosis_by_collector.values():
        differing_files += _list_differing_files(diagnosis)
    return {
        "name": host.name,
        "anchor": anchor,
        "problem": host.problem,
        "unread": host.unread_reasons,
        "note": "" if host.is_asked or host.problem else fleet_host.NOT_ASKED,
        "collectors": collectors,
        "unlisted": [f"collector {name}" for name in host.unlisted_collectors],
        "findings": [_build_finding_row(finding) for finding in host.findings],
        "certificates": [],
        "versions": [],
        "drift": {"read": host.is_read, "objects": differing_files},
    }


def _build_service_row(host: FleetHost, collector: Mapping[str, Any], anchor: str) -> dict[str, Any]:
    diagnosis = host.diagnosis_by_collector.get(str(collector["name"]), {})
    return {
        **_summarize_diagnosis(diagnosis),
        "anchor": anchor,
        "name": str(collector["name"]),
        "namespace": host.name,
        "service": str(collector["service"]),
        "program": str(collector["program"]),
        "version": _describe_program(collector, diagnosis),
        "release": str(diagnosis.get("release") or ""),
        "differs": [str(name) for name in diagnosis.get("differs") or ()],
        "read": bool(diagnosis),
    }


def _describe_program(collector: Mapping[str, Any], diagnosis: Mapping[str, Any]) -> str:
    """Return the program that a collector runs; where that is not known, the wanted one, which says so."""
    program = str(collector["program"])
    is_known = diagnosis.get("release") and not diagnosis.get("differs")
    return program if is_known else f"{program} wanted"


def _list_differing_files(diagnosis: Mapping[str, Any]) -> list[str]:
    """Return which files of a collector differ from the inventory; one that is not there has none."""
    differing_files = list(diagnosis["differs"])
    if not diagnosis.get("release"):
        differing_files.append("not installed")
    return differing_files


def _build_finding_row(finding: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row of a finding of a rule, with its file and line as one text."""
    finding_row = {}
    for key in ("severity", "rule", "path", "message", "fix", "collector"):
        finding_row[key] = str(finding.get(key) or "")
    line_suffix = f":{finding['line']}" if finding.get("line") else ""
    return {**finding_row, "where": f"{finding.get('file') or ''}{line_suffix}"}
