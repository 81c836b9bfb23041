# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificates of a cluster on the page: those that were read, or else those that a run would ask for. Private."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .._otelcol.config.paths import list_at, mapping_at
from .._otelcol.kube.names import COLLECTOR_LABEL
from .fleet_cluster import FleetCluster

# What keeps connections from being made, or will.
BAD_STATES = ("expired", "not_yet_valid", "soon")
# Every pod has it, for the API server. Source: the RootCAConfigMap of Kubernetes.
_CLUSTER_CA_NAME = "kube-root-ca.crt"


def list_certificate_rows(cluster: FleetCluster) -> list[dict[str, Any]]:
    """Return the read certificates in the order of their ends, or else the rendered ones."""
    rows_by_holder: dict[tuple[str, ...], dict[str, Any]] = {}
    for collector_id, diagnosis in cluster.diagnosis_by_collector.items():
        for certificate in diagnosis.get("certificates") or ():
            if certificate["name"] == _CLUSTER_CA_NAME:
                continue
            certificate_row = _build_read_row(certificate)
            certificate_row = rows_by_holder.setdefault(
                (certificate_row["holder"], certificate_row["subject"]), certificate_row
            )
            certificate_row["used_by"] = sorted({*certificate_row["used_by"], collector_id})
    if cluster.find_result("diagnosis"):
        return sorted(
            rows_by_holder.values(),
            key=lambda certificate_row: (
                certificate_row["until"],
                certificate_row["holder"],
                certificate_row["subject"],
            ),
        )
    return list(_build_rendered_rows(cluster))


def _build_read_row(certificate: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row of a certificate that a diagnosis has read, which nobody uses yet."""
    secret_name = f"{certificate['namespace']}/{certificate['name']}"
    return {
        "subject": str(certificate["subject"]),
        "names": list(certificate.get("names") or ()),
        "issuer": str(certificate.get("issuer") or ""),
        "holder": f"{certificate['kind']} {secret_name} ({certificate['key']})",
        "begins": str(certificate.get("not_before") or ""),
        "until": str(certificate["not_after"]),
        "left": str(certificate.get("left") or ""),
        "state": str(certificate["state"]),
        "used_by": [],
    }


def _build_rendered_rows(cluster: FleetCluster) -> Iterator[dict[str, Any]]:
    """Yield a row for each Certificate that a run would apply."""
    for manifest in list_at(cluster.task_results, "rendered", "manifests"):
        if manifest["kind"] == "Certificate":
            spec, metadata = mapping_at(manifest, "spec"), mapping_at(manifest, "metadata")
            issuer = mapping_at(spec, "issuerRef")
            yield {
                "subject": str(metadata["name"]),
                "names": [str(name) for name in list_at(spec, "dnsNames")],
                "issuer": f"{issuer.get('kind') or 'Issuer'} {issuer.get('name')}",
                "holder": f"Secret {metadata.get('namespace')}/{spec.get('secretName')}",
                "begins": "",
                "until": "",
                "left": "",
                "state": "asked",
                "used_by": [str(mapping_at(metadata, "labels").get(COLLECTOR_LABEL, ""))],
            }
