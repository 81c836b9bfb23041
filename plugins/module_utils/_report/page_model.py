# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page as data, which the template writes without computation. Private."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from .._diagnose.checks_start import CHANGE
from .._install.releases.versions import Table
from .._kube.bundle import secret_values
from .._otelcol.config.config_secrets import secrets_in
from .._otelcol.config.masking import masker
from .._otelcol.config.paths import items, section
from .._otelcol.kube.names import COLLECTOR_LABEL
from .._otelcol.rules.subject import SEVERITIES
from . import fleet_host, fleet_versions
from .fleet_cluster import NOT_ASKED, FleetCluster, FleetMember, unlisted
from .fleet_host import FleetHost
from .fleet_waves import NO_WAVES, FleetWaves, states_of, wave_rows
from .topology import picture, picture_of_hosts

# The page is to be read from its start; all of it follows further down.
_MOST_ATTENTION = 25
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
    of_hosts = [member for host in hosts for member in host.members]
    rows = [_cluster(index, cluster, clusters, table, of_hosts) for index, cluster in enumerate(clusters)]
    services = [_host(index, host) for index, host in enumerate(hosts)]
    wrong = attention([*rows, *services])
    page = {
        "title": title,
        "time": time,
        "summary": _summary(clusters, hosts, [*rows, *services]),
        "attention": wrong[:_MOST_ATTENTION],
        "more": max(0, len(wrong) - _MOST_ATTENTION),
        "versions": [*fleet_versions.fleet(clusters), *fleet_versions.of_hosts(hosts)],
        "waves": wave_rows(waves, [*rows, *services]),
        "no_waves": waves.problem,
        "clusters": rows,
        "hosts": services,
        "topology_of_hosts": _topology(hosts, of_hosts, services),
    }
    masked: dict[str, Any] = _each_text(page, masker(_secrets(clusters, hosts)))
    return masked


def _topology(
    hosts: Sequence[FleetHost], members: Sequence[FleetMember], rows: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return the picture of the collectors of hosts, whose boxes lead to their rows."""
    diagnosed: dict[str, Mapping[str, Any]] = {}
    for host in hosts:
        for name, found in host.diagnosed.items():
            diagnosed[f"{host.name}/{name}"] = found
    anchors: dict[str, str] = {}
    for row in rows:
        for collector in row["collectors"]:
            anchors[f"{row['name']}/{collector['name']}"] = str(collector["anchor"])
    return picture_of_hosts(members, diagnosed, anchors)


def _secrets(clusters: Sequence[FleetCluster], hosts: Sequence[FleetHost]) -> set[str]:
    """Return the secrets that stand in configs and in rendered Secrets."""
    found: set[str] = set()
    places: list[FleetCluster | FleetHost] = [*clusters, *hosts]
    for place in places:
        for config in place.configs.values():
            found |= secrets_in(config)
    for cluster in clusters:
        found |= set(secret_values(items(cluster.given, "rendered", "manifests")))
    return found


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
    of_hosts: Sequence[FleetMember],
) -> dict[str, Any]:
    anchors = {member.id: f"c{index}-{number}" for number, member in enumerate(cluster.members)}
    prices = [fleet_versions.cost(member, _pods(cluster, member.id)) for member in cluster.members]
    return {
        "name": cluster.name,
        "anchor": f"cluster-{index}",
        "problem": cluster.problem,
        "unread": cluster.unread,
        "note": "" if cluster.asked else NOT_ASKED,
        "topology": picture(cluster, clusters, anchors, of_hosts),
        "versions": fleet_versions.rows(cluster, table),
        "collectors": [_collector(cluster, member, anchors[member.id]) for member in cluster.members],
        "unlisted": unlisted(cluster, clusters),
        "findings": [_finding(item) for item in cluster.findings],
        "certificates": certificates(cluster),
        "drift": drift(cluster),
        "costs": prices,
        "totals": fleet_versions.totals(prices),
    }


def _pods(cluster: FleetCluster, name: str) -> int | None:
    """Return how many pods of a collector run; None if that was not seen."""
    found = cluster.diagnosed.get(name)
    return len(found.get("pods") or ()) if found else None


def _collector(cluster: FleetCluster, member: FleetMember, anchor: str) -> dict[str, Any]:
    return {
        **_seen(cluster.diagnosed.get(member.id, {})),
        "read": member.id in cluster.diagnosed,
        "anchor": anchor,
        "name": member.name,
        "namespace": member.namespace,
        "mode": member.mode,
        "backend": str(member.summary.get("backend") or ""),
        "version": fleet_versions.version_of(cluster, member),
    }


def _seen(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a diagnosis says of a collector."""
    status = str(found.get("status") or "")
    unseen = found.get("unseen") or ()
    wave = found.get("wave") or {}
    return {
        "status": status,
        "state": _STATES.get(status, status),
        "ready": str(found.get("ready_text") or ""),
        "verdict": list(found.get("verdict") or ()),
        "change": _change_message(found),
        "unseen": [f"{row['what']}: {row['why']}" for row in unseen],
        "wave": {key: str(value) for key, value in wave.items()},
    }


def _change_message(found: Mapping[str, Any]) -> str:
    """Return what a diagnosis says of the last change, or nothing."""
    for problem in found.get("problems") or ():
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
    for found in host.diagnosed.values():
        differing += _differing(found)
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
    found = host.diagnosed.get(str(collector["name"]), {})
    return {
        **_seen(found),
        "anchor": anchor,
        "name": str(collector["name"]),
        "namespace": host.name,
        "service": str(collector["service"]),
        "program": str(collector["program"]),
        "version": _version(collector, found),
        "release": str(found.get("release") or ""),
        "differs": [str(name) for name in found.get("differs") or ()],
        "read": bool(found),
    }


def _version(collector: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    """Return the program that a collector runs; where that is not known, the wanted one, which says so."""
    program = str(collector["program"])
    is_known = found.get("release") and not found.get("differs")
    return program if is_known else f"{program} wanted"


def _differing(found: Mapping[str, Any]) -> list[str]:
    """Return which files of a collector differ from the inventory; one that is not there has none."""
    differing = list(found["differs"])
    if not found.get("release"):
        differing.append("not installed")
    return differing


def _finding(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row of a finding of a rule, with its file and line as one text."""
    row = {}
    for key in ("severity", "rule", "path", "message", "fix", "collector"):
        row[key] = str(item.get(key) or "")
    line = f":{item['line']}" if item.get("line") else ""
    return {**row, "where": f"{item.get('file') or ''}{line}"}


# What keeps connections from being made, or will.
BAD = ("expired", "not_yet_valid", "soon")
# Every pod has it, for the API server. Source: the RootCAConfigMap of Kubernetes.
_OF_THE_CLUSTER = "kube-root-ca.crt"
_CHANGES = ("unchanged", "absent")


def certificates(cluster: FleetCluster) -> list[dict[str, Any]]:
    """Return the read certificates in the order of their ends, or else the rendered ones."""
    rows: dict[tuple[str, ...], dict[str, Any]] = {}
    for name, found in cluster.diagnosed.items():
        for item in found.get("certificates") or ():
            if item["name"] == _OF_THE_CLUSTER:
                continue
            holder = f"{item['kind']} {item['namespace']}/{item['name']} ({item['key']})"
            row = rows.setdefault((holder, str(item["subject"])), {**_certificate(item, holder), "used_by": []})
            row["used_by"] = sorted({*row["used_by"], name})
    if cluster.read("diagnosis"):
        return sorted(rows.values(), key=lambda row: (row["until"], row["holder"], row["subject"]))
    return list(_asked_certificates(cluster))


def _certificate(item: Mapping[str, Any], holder: str) -> dict[str, Any]:
    return {
        "subject": str(item["subject"]),
        "names": list(item.get("names") or ()),
        "issuer": str(item.get("issuer") or ""),
        "holder": holder,
        "begins": str(item.get("not_before") or ""),
        "until": str(item["not_after"]),
        "left": str(item.get("left") or ""),
        "state": str(item["state"]),
    }


def _asked_certificates(cluster: FleetCluster) -> Iterator[dict[str, Any]]:
    """Yield a row for each Certificate that a run would apply."""
    for manifest in items(cluster.given, "rendered", "manifests"):
        if manifest["kind"] == "Certificate":
            spec, metadata = section(manifest, "spec"), section(manifest, "metadata")
            issuer = section(spec, "issuerRef")
            yield {
                "subject": str(metadata["name"]),
                "names": [str(name) for name in items(spec, "dnsNames")],
                "issuer": f"{issuer.get('kind') or 'Issuer'} {issuer.get('name')}",
                "holder": f"Secret {metadata.get('namespace')}/{spec.get('secretName')}",
                "begins": "",
                "until": "",
                "left": "",
                "state": "asked",
                "used_by": [str(section(metadata, "labels").get(COLLECTOR_LABEL, ""))],
            }


class AttentionRow(NamedTuple):
    """What needs attention; `anchor` is the place on the page, empty for the cluster or host itself."""

    severity: str
    text: str
    anchor: str = ""


def drift(cluster: FleetCluster) -> dict[str, Any]:
    """Return which objects a run would change: their names alone."""
    found = cluster.read("drift")
    compared = found.get("objects") or ()
    counts = Counter(str(item["action"]) for item in compared)
    objects = []
    for item in compared:
        if item["action"] not in _CHANGES:
            objects.append({key: str(item.get(key) or "") for key in ("action", "kind", "namespace", "name")})
    return {
        "read": bool(found),
        "counts": [{"action": action, "count": counts[action]} for action in sorted(counts)],
        "objects": objects,
    }


ClusterRow = Mapping[str, Any]


def attention(clusters: Sequence[ClusterRow]) -> list[dict[str, str]]:
    """Return the findings of all clusters and hosts, errors first."""
    rows = []
    for cluster in clusters:
        for source in SOURCES:
            for severity, text, anchor in source(cluster):
                place = anchor or cluster["anchor"]
                rows.append({"severity": severity, "cluster": cluster["name"], "text": text, "anchor": place})
    return sorted(rows, key=lambda row: SEVERITIES.index(row["severity"]))


def _unknown(cluster: ClusterRow) -> Iterator[AttentionRow]:
    """Yield why a place could not be rendered or read."""
    if cluster["problem"]:
        yield AttentionRow("error", f"cannot be rendered: {cluster['problem']}")
    for text in cluster["unread"]:
        yield AttentionRow("error", f"cannot read {text}")


def _collectors(cluster: ClusterRow) -> Iterator[AttentionRow]:
    """Yield what is wrong with collectors that run, changes that are not complete, and who is not in the inventory."""
    for collector in cluster["collectors"]:
        collector_id = f"{collector['namespace']}/{collector['name']}"
        first_line = collector["verdict"][0] if collector["verdict"] else ""
        if collector["verdict"] and collector["status"] != "healthy":
            severity = "error" if collector["status"] == "error" else "warning"
            yield AttentionRow(severity, f"{collector_id}: {first_line}", collector["anchor"])
        if collector["change"] and collector["change"] not in first_line:
            yield AttentionRow("warning", f"{collector_id}: {collector['change']}", collector["anchor"])
    for name in cluster["unlisted"]:
        yield AttentionRow("warning", f"{name} runs and is not in the inventory")


def _findings(cluster: ClusterRow) -> Iterator[AttentionRow]:
    for finding in cluster["findings"]:
        if finding["severity"] == "error":
            yield AttentionRow("error", f"{finding['collector']}: {finding['message']}")


def _certificates(cluster: ClusterRow) -> Iterator[AttentionRow]:
    for certificate in cluster["certificates"]:
        if certificate["state"] in BAD:
            severity = "warning" if certificate["state"] == "soon" else "error"
            yield AttentionRow(severity, f"{certificate['holder']} {_date_that_counts(certificate)}")


def _date_that_counts(certificate: Mapping[str, Any]) -> str:
    if certificate["state"] == "not_yet_valid":
        return f"is valid only from {certificate['begins']}"
    return f"ends {certificate['until']}"


def _versions(cluster: ClusterRow) -> Iterator[AttentionRow]:
    for row in cluster["versions"]:
        for note in row["notes"]:
            yield AttentionRow("warning", f"{row['what']}: {note}")


SOURCES: tuple[Callable[[ClusterRow], Iterator[AttentionRow]], ...] = (
    _unknown,
    _collectors,
    _findings,
    _certificates,
    _versions,
)
