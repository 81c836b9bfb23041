# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was read of a cluster beside its collectors: certificates, and what a run would change. Private."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from ..collector.names import COLLECTOR_LABEL
from ..config.paths import items, section
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
