# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of certificates of a cluster on the page.

It has the certificates that a diagnosis has read from the cluster. If none was made, it has those that a run would ask
cert-manager for, by the rendered objects. Example of the main fields of a row of each sort:

    holder: Secret obs/gateway-tls (tls.crt), until: 2026-05-01, state: valid, used_by: [obs/gateway]
    holder: Secret obs/gateway-tls,           until: "",         state: asked, used_by: [gateway]

Private.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from .._otelcol.config.paths import list_at, mapping_at
from .._otelcol.kube.names import COLLECTOR_LABEL
from .fleet_cluster import FleetCluster
from .page_rows import CertificateRow

# The states of certificates with which no connection is made, now or soon.
BAD_STATES = ("expired", "not_yet_valid", "soon")
# The CA of the API server, which every pod mounts. Source: the RootCAConfigMap of Kubernetes.
_CLUSTER_CA_NAME = "kube-root-ca.crt"


def list_certificate_rows(cluster: FleetCluster) -> list[CertificateRow]:
    """Return the certificates that were read, the next to end first; without a diagnosis, the rendered ones."""
    if cluster.find_result("diagnosis"):
        return sorted(_list_read_rows(cluster), key=lambda row: (row["until"], row["holder"], row["subject"]))
    return list(_build_rendered_rows(cluster))


# ── Read by a diagnosis ──


class _CertificateKey(NamedTuple):
    """What identifies a certificate: the object that has it, and its subject. A bundle of CAs has several subjects."""

    holder: str
    subject: str


def _list_read_rows(cluster: FleetCluster) -> list[CertificateRow]:
    """Return a row for each certificate, with all collectors that use it."""
    row_by_certificate: dict[_CertificateKey, CertificateRow] = {}
    for collector_id, diagnosis in cluster.diagnosis_by_collector.items():
        for certificate in diagnosis.get("certificates") or ():
            if certificate["name"] == _CLUSTER_CA_NAME:  # Kubernetes renews it, and no collector shows it to anybody
                continue
            new_row = _build_read_row(certificate)
            row = row_by_certificate.setdefault(_CertificateKey(new_row["holder"], new_row["subject"]), new_row)
            row["used_by"] = sorted({*row["used_by"], collector_id})
    return list(row_by_certificate.values())


def _build_read_row(certificate: Mapping[str, Any]) -> CertificateRow:
    """Return the row of a certificate of a diagnosis, without the collectors that use it."""
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


# ── Rendered ──


def _build_rendered_rows(cluster: FleetCluster) -> Iterator[CertificateRow]:
    """Yield a row for each Certificate of cert-manager that a run would apply."""
    for manifest in list_at(cluster.task_results, "rendered", "manifests"):
        if manifest["kind"] == "Certificate":
            yield _build_rendered_row(manifest)


def _build_rendered_row(manifest: Mapping[str, Any]) -> CertificateRow:
    """Return the row of a Certificate. Its dates are not known before cert-manager issues it."""
    spec, metadata = mapping_at(manifest, "spec"), mapping_at(manifest, "metadata")
    issuer = mapping_at(spec, "issuerRef")
    return {
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
