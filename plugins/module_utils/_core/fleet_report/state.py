# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was read of a cluster beside its collectors: certificates and changes; and what needs attention. Private."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ..collector.names import COLLECTOR_LABEL
from ..config.paths import items, section
from ..lint.subject import SEVERITIES
from .cluster import FleetCluster

# What keeps connections from being made, or will.
BAD = ("expired", "not_yet_valid", "soon")
# Every pod has it, for the API server. Source: the RootCAConfigMap of Kubernetes.
_OF_THE_CLUSTER = "kube-root-ca.crt"
_CHANGES = ("unchanged", "absent")


def certificates(cluster: FleetCluster) -> list[dict[str, Any]]:
    """Return the certificates that were read, the first to end first; else those that are asked for."""
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
    return list(_asked(cluster))


def _certificate(item: Mapping[str, Any], holder: str) -> dict[str, Any]:
    return {
        "subject": str(item["subject"]),
        "names": list(item.get("names") or ()),
        "issuer": str(item.get("issuer") or ""),
        "holder": holder,
        "until": str(item["not_after"]),
        "left": str(item.get("left") or ""),
        "state": str(item["state"]),
    }


def _asked(cluster: FleetCluster) -> Iterator[dict[str, Any]]:
    for item in items(cluster.given, "rendered", "manifests"):
        if item["kind"] == "Certificate":
            spec, metadata = section(item, "spec"), section(item, "metadata")
            issuer = section(spec, "issuerRef")
            yield {
                "subject": str(metadata["name"]),
                "names": [str(name) for name in items(spec, "dnsNames")],
                "issuer": f"{issuer.get('kind') or 'Issuer'} {issuer.get('name')}",
                "holder": f"Secret {metadata.get('namespace')}/{spec.get('secretName')}",
                "until": "",
                "left": "",
                "state": "asked",
                "used_by": [str(section(metadata, "labels").get(COLLECTOR_LABEL, ""))],
            }


def drift(cluster: FleetCluster) -> dict[str, Any]:
    """Return which objects a run would change: their names alone."""
    found = cluster.read("drift")
    objects = [item for item in found.get("objects") or () if item["action"] not in _CHANGES]
    counts = Counter(str(item["action"]) for item in found.get("objects") or ())
    return {
        "read": bool(found),
        "counts": [{"action": action, "count": counts[action]} for action in sorted(counts)],
        "objects": [
            {key: str(item.get(key) or "") for key in ("action", "kind", "namespace", "name")} for item in objects
        ],
    }


ClusterRow = Mapping[str, Any]
Row = tuple[str, str, str]


def attention(clusters: Sequence[ClusterRow]) -> list[dict[str, str]]:
    """Return what is wrong anywhere, errors first."""
    rows = [(cluster, row) for cluster in clusters for source in SOURCES for row in source(cluster)]
    rows.sort(key=lambda item: SEVERITIES.index(item[1][0]))
    return [
        {"severity": severity, "cluster": cluster["name"], "text": text, "anchor": anchor or cluster["anchor"]}
        for cluster, (severity, text, anchor) in rows
    ]


def _unknown(cluster: ClusterRow) -> Iterator[Row]:
    if cluster["problem"]:
        yield "error", f"cannot be rendered: {cluster['problem']}", ""
    yield from (("error", f"cannot read {text}", "") for text in cluster["unread"])


def _collectors(cluster: ClusterRow) -> Iterator[Row]:
    for item in cluster["collectors"]:
        if item["status"] in ("error", "warning"):
            yield item["status"], f"{item['namespace']}/{item['name']}: {item['verdict'][0]}", item["anchor"]


def _findings(cluster: ClusterRow) -> Iterator[Row]:
    for item in cluster["findings"]:
        if item["severity"] == "error":
            yield "error", f"{item['collector']}: {item['message']}", ""


def _certificates(cluster: ClusterRow) -> Iterator[Row]:
    for item in cluster["certificates"]:
        if item["state"] in BAD:
            yield "warning" if item["state"] == "soon" else "error", f"{item['holder']} ends {item['until']}", ""


def _versions(cluster: ClusterRow) -> Iterator[Row]:
    for item in cluster["versions"]:
        yield from (("warning", f"{item['what']}: {note}", "") for note in item["notes"])


SOURCES: tuple[Callable[[ClusterRow], Iterator[Row]], ...] = (
    _unknown,
    _collectors,
    _findings,
    _certificates,
    _versions,
)
