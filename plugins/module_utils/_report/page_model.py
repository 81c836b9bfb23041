# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of a fleet as data: all that the templates in playbooks/templates/report write.

Module fleet_report calls `build_page_model`. `page_rows.py` lists the keys of the data. In this order, this file has
the page, its summary, the row of a cluster, and the row of a host. Private.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._diagnose.checks_start import CHANGE_CHECK_ID
from .._install.releases.supported_kubernetes import VersionTable
from .._kube.bundle import list_secret_values
from .._otelcol.config.config_secrets import find_secrets
from .._otelcol.config.masking import make_masker
from .._otelcol.config.paths import list_at
from . import fleet_host, fleet_version_counts, fleet_versions
from .attention import list_attention_rows
from .certificate_rows import BAD_STATES, list_certificate_rows
from .fleet_cluster import NOT_ASKED, FleetCluster, list_unlisted_collectors
from .fleet_collector import FleetCollector
from .fleet_costs import build_cost_row, sum_cost_rows
from .fleet_host import FleetHost
from .fleet_waves import NO_WAVES, FleetWaves, build_wave_rows, count_states
from .page_rows import (
    ChangedObject,
    ClusterCollectorRow,
    ClusterOrHostRow,
    ClusterRow,
    CollectorRow,
    DiagnosisSummary,
    DriftSummary,
    FindingRow,
    Page,
    ServiceRow,
    SummaryCounts,
    Topology,
)
from .topology import draw_cluster, draw_hosts

# So many rows of attention stand at the top of the page. Others are only counted there, and stand further down.
_MOST_ATTENTION_ROWS = 25
# The actions that leave an object as it is.
_UNCHANGING_ACTIONS = ("unchanged", "absent")
_STATES_IN_WORDS = {
    "healthy": "healthy",
    "warning": "warning",
    "error": "error",
    "unknown": "could not be checked",
    "": "not read",
}


# ── The page ──


@dataclass(frozen=True)
class FleetParts:
    """The clusters, hosts and waves that the page is about."""

    clusters: Sequence[FleetCluster]
    hosts: Sequence[FleetHost] = ()
    waves: FleetWaves = NO_WAVES


def build_page_model(fleet: FleetParts, table: VersionTable, title: str, time_text: str) -> Page:
    """Return the whole page, without any secret that stands in a config or a Secret.

    `table` has the versions of products that work together.
    """
    clusters, hosts, waves = fleet.clusters, fleet.hosts, fleet.waves
    host_collectors = [collector for host in hosts for collector in host.collectors]
    cluster_rows = [
        _build_cluster_row(index, cluster, clusters, table, host_collectors) for index, cluster in enumerate(clusters)
    ]
    host_rows = [_build_host_row(index, host) for index, host in enumerate(hosts)]
    rows: list[ClusterOrHostRow] = [*cluster_rows, *host_rows]
    needing_attention = list_attention_rows(rows)
    page: Page = {
        "title": title,
        "time": time_text,
        "summary": _summarize_page(clusters, hosts, rows),
        "attention": needing_attention[:_MOST_ATTENTION_ROWS],
        "more": max(0, len(needing_attention) - _MOST_ATTENTION_ROWS),
        "versions": [*fleet_version_counts.count_versions(clusters), *fleet_version_counts.count_host_programs(hosts)],
        "waves": build_wave_rows(waves, rows),
        "no_waves": waves.problem,
        "clusters": cluster_rows,
        "hosts": host_rows,
        "topology_of_hosts": _draw_hosts(hosts, host_collectors, host_rows),
    }
    # Masked as a whole in the end, so that no row can forget it: any message may quote a config.
    masked_page: Page = _change_texts(page, make_masker(_collect_secrets(clusters, hosts)))
    return masked_page


def _draw_hosts(
    hosts: Sequence[FleetHost], collectors: Sequence[FleetCollector], host_rows: Sequence[ClusterOrHostRow]
) -> Topology:
    """Return the picture of the collectors of hosts. The box of a collector leads to its row on the page."""
    diagnoses_by_id: dict[str, Mapping[str, Any]] = {}
    for host in hosts:
        for name, diagnosis in host.diagnosis_by_collector.items():
            diagnoses_by_id[f"{host.name}/{name}"] = diagnosis
    anchors_by_id: dict[str, str] = {}
    for row in host_rows:
        for collector_row in row["collectors"]:
            anchors_by_id[f"{row['name']}/{collector_row['name']}"] = str(collector_row["anchor"])
    return draw_hosts(collectors, diagnoses_by_id, anchors_by_id)


def _collect_secrets(clusters: Sequence[FleetCluster], hosts: Sequence[FleetHost]) -> set[str]:
    """Return the secrets that stand in configs and in rendered Secrets."""
    secrets: set[str] = set()
    clusters_and_hosts: list[FleetCluster | FleetHost] = [*clusters, *hosts]
    for cluster_or_host in clusters_and_hosts:
        for config in cluster_or_host.config_by_collector.values():
            secrets |= find_secrets(config)
    for cluster in clusters:
        secrets |= set(list_secret_values(list_at(cluster.task_results, "rendered", "manifests")))
    return secrets


def _change_texts(tree: Any, change_text: Callable[[str], str]) -> Any:
    """Return a tree of mappings and lists with every text changed. Keys and other values stay."""
    if isinstance(tree, str):
        return change_text(tree)
    if isinstance(tree, Mapping):
        return {key: _change_texts(child, change_text) for key, child in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [_change_texts(element, change_text) for element in tree]
    return tree


# ── Its summary ──


def _summarize_page(
    clusters: Sequence[FleetCluster], hosts: Sequence[FleetHost], rows: Sequence[ClusterOrHostRow]
) -> SummaryCounts:
    """Return the numbers at the top of the page. `rows` are the rows of clusters and hosts."""
    collectors: list[CollectorRow] = []
    asked_collectors: list[CollectorRow] = []
    findings: Counter[str] = Counter()
    bad_certificates = 0
    drift = 0
    for row in rows:
        collectors += row["collectors"]
        # With a note, nothing was to be read from the cluster or host, so the state of its collectors says nothing.
        if not row["note"]:
            asked_collectors += row["collectors"]
        findings.update(finding["severity"] for finding in row["findings"])
        bad_certificates += sum(certificate["state"] in BAD_STATES for certificate in row["certificates"])
        drift += len(row["drift"]["objects"])
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


def _count_unread(clusters_or_hosts: Sequence[FleetCluster] | Sequence[FleetHost]) -> int:
    """Return how many clusters or hosts were to be read and could not be."""
    return sum(each.is_asked and not each.is_read for each in clusters_or_hosts)


# ── The row of a cluster ──


def _build_cluster_row(
    index: int,
    cluster: FleetCluster,
    clusters: Sequence[FleetCluster],
    table: VersionTable,
    host_collectors: Sequence[FleetCollector],
) -> ClusterRow:
    """Return the row of a cluster, with the picture of its collectors.

    Its collectors may send to those of other `clusters`, and the collectors of hosts may send to it. So the picture has
    these too.
    """
    anchor_by_id = {collector.id: f"c{index}-{number}" for number, collector in enumerate(cluster.collectors)}
    collector_rows = [_build_collector_row(cluster, each, anchor_by_id[each.id]) for each in cluster.collectors]
    cost_rows = [build_cost_row(each, _count_running_pods(cluster, each.id)) for each in cluster.collectors]
    return {
        "name": cluster.name,
        "anchor": f"cluster-{index}",
        "problem": cluster.problem,
        "unread": cluster.unread_reasons,
        "note": "" if cluster.is_asked else NOT_ASKED,
        "topology": draw_cluster(cluster, clusters, anchor_by_id, host_collectors),
        "versions": fleet_versions.list_version_rows(cluster, table),
        "collectors": collector_rows,
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


def _summarize_drift(cluster: FleetCluster) -> DriftSummary:
    """Return which objects a run would change: only their names, since their content may be secret."""
    comparison = cluster.find_result("drift")
    compared_objects = comparison.get("objects") or ()
    counts = Counter(str(compared_object["action"]) for compared_object in compared_objects)
    changed_objects: list[ChangedObject] = []
    for compared_object in compared_objects:
        if compared_object["action"] not in _UNCHANGING_ACTIONS:
            changed_objects.append(
                {
                    "action": str(compared_object.get("action") or ""),
                    "kind": str(compared_object.get("kind") or ""),
                    "namespace": str(compared_object.get("namespace") or ""),
                    "name": str(compared_object.get("name") or ""),
                }
            )
    return {
        "read": bool(comparison),
        "counts": [{"action": action, "count": counts[action]} for action in sorted(counts)],
        "objects": changed_objects,
    }


def _build_collector_row(cluster: FleetCluster, collector: FleetCollector, anchor: str) -> ClusterCollectorRow:
    """Return the row of a collector of a cluster."""
    return {
        **_summarize_diagnosis(cluster.diagnosis_by_collector.get(collector.id, {})),
        "read": collector.id in cluster.diagnosis_by_collector,
        "anchor": anchor,
        "name": collector.name,
        "namespace": collector.namespace,
        "mode": collector.mode,
        "backend": str(collector.summary.get("backend") or ""),
        "version": fleet_version_counts.find_collector_version(cluster, collector),
    }


def _summarize_diagnosis(diagnosis: Mapping[str, Any]) -> DiagnosisSummary:
    """Return what a diagnosis says of a collector. An empty diagnosis is that of a collector that was not read.

    `diagnosis` has the keys of `CollectorResult` in `_diagnose/result_rows.py`.
    """
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
    """Return the message of a diagnosis about a change that no run has ended; empty without one."""
    for problem in diagnosis.get("problems") or ():
        if problem.get("id") == CHANGE_CHECK_ID:
            return str(problem["message"])
    return ""


# ── The row of a host ──


def _build_host_row(index: int, host: FleetHost) -> ClusterOrHostRow:
    """Return the row of a host. It has no certificates and no products, so their lists are empty."""
    anchor = f"host-{index}"
    service_rows = []
    for number, service in enumerate(host.services):
        service_rows.append(_build_service_row(host, service, f"{anchor}-{number}"))
    differing_files: list[str] = []
    for diagnosis in host.diagnosis_by_collector.values():
        differing_files += _list_differing_files(diagnosis)
    return {
        "name": host.name,
        "anchor": anchor,
        "problem": host.problem,
        "unread": host.unread_reasons,
        "note": "" if host.is_asked or host.problem else fleet_host.NOT_ASKED,
        "collectors": service_rows,
        "unlisted": [f"collector {name}" for name in host.unlisted_collectors],
        "findings": [_build_finding_row(finding) for finding in host.findings],
        "certificates": [],
        "versions": [],
        "drift": {"read": host.is_read, "objects": differing_files},
    }


def _build_service_row(host: FleetHost, service: Mapping[str, Any], anchor: str) -> ServiceRow:
    """Return the row of a collector that was rendered for a host as a service."""
    diagnosis = host.diagnosis_by_collector.get(str(service["name"]), {})
    return {
        **_summarize_diagnosis(diagnosis),
        "anchor": anchor,
        "name": str(service["name"]),
        "namespace": host.name,
        "service": str(service["service"]),
        "program": str(service["program"]),
        "version": _describe_program(service, diagnosis),
        "release": str(diagnosis.get("release") or ""),
        "differs": [str(name) for name in diagnosis.get("differs") or ()],
        "read": bool(diagnosis),
    }


def _describe_program(service: Mapping[str, Any], diagnosis: Mapping[str, Any]) -> str:
    """Return the program that a service runs, such as `/usr/bin/otelcol`.

    If nobody knows what runs, or it differs from the inventory, return `/usr/bin/otelcol wanted`.
    """
    program = str(service["program"])
    # `release` is what a run has installed, and empty if none has; `differs` are files that were changed since.
    runs_as_wanted = diagnosis.get("release") and not diagnosis.get("differs")
    return program if runs_as_wanted else f"{program} wanted"


def _list_differing_files(diagnosis: Mapping[str, Any]) -> list[str]:
    """Return the files of a collector that differ from the inventory. `not installed` stands for all files."""
    differing_files = list(diagnosis["differs"])
    if not diagnosis.get("release"):
        differing_files.append("not installed")
    return differing_files


# ── Of both ──


def _build_finding_row(finding: Mapping[str, Any]) -> FindingRow:
    """Return the row of a finding of a rule, with its file and line as one text."""
    line_suffix = f":{finding['line']}" if finding.get("line") else ""
    return {
        "severity": str(finding.get("severity") or ""),
        "rule": str(finding.get("rule") or ""),
        "path": str(finding.get("path") or ""),
        "message": str(finding.get("message") or ""),
        "fix": str(finding.get("fix") or ""),
        "collector": str(finding.get("collector") or ""),
        "where": f"{finding.get('file') or ''}{line_suffix}",
    }
