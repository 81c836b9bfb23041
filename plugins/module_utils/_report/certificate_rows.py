# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificates of a cluster on the page: those that were read, or else those that a run would ask for. Private."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .._otelcol.config.paths import items, section
from .._otelcol.kube.names import COLLECTOR_LABEL
from .fleet_cluster import FleetCluster

# What keeps connections from being made, or will.
BAD = ("expired", "not_yet_valid", "soon")
# Every pod has it, for the API server. Source: the RootCAConfigMap of Kubernetes.
_OF_THE_CLUSTER = "kube-root-ca.crt"


def certificates(cluster: FleetCluster) -> list[dict[str, Any]]:
    """Return the read certificates in the order of their ends, or else the rendered ones."""
    rows: dict[tuple[str, ...], dict[str, Any]] = {}
    for collector_id, diagnosis in cluster.diagnosed.items():
        for certificate in diagnosis.get("certificates") or ():
            if certificate["name"] == _OF_THE_CLUSTER:
                continue
            row = _read_certificate(certificate)
            row = rows.setdefault((row["holder"], row["subject"]), row)
            row["used_by"] = sorted({*row["used_by"], collector_id})
    if cluster.read("diagnosis"):
        return sorted(rows.values(), key=lambda row: (row["until"], row["holder"], row["subject"]))
    return list(_asked_certificates(cluster))


def _read_certificate(certificate: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row of a certificate that a diagnosis has read, which nobody uses yet."""
    place = f"{certificate['namespace']}/{certificate['name']}"
    return {
        "subject": str(certificate["subject"]),
        "names": list(certificate.get("names") or ()),
        "issuer": str(certificate.get("issuer") or ""),
        "holder": f"{certificate['kind']} {place} ({certificate['key']})",
        "begins": str(certificate.get("not_before") or ""),
        "until": str(certificate["not_after"]),
        "left": str(certificate.get("left") or ""),
        "state": str(certificate["state"]),
        "used_by": [],
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
