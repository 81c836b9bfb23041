# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates of objects that go: the Secrets that would stay behind, and the issuers that others still need. Private.

cert-manager makes a Secret for each Certificate, and leaves it when the Certificate is deleted. An issuer signs
Certificates; collectors of other owners may name an issuer of this bundle. prune.py and remove.py ask both.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from ..._kube.live.api_errors import ask_server
from ..._kube.live.kinds import ApiResource
from ..._otelcol.kube.objects import Manifest, ref
from ..certificates import API_VERSION, CERTIFICATE, find_needed_issuers, is_made_for
from .session import Session, collect_refs, list_objects, report_kept

_CERTIFICATES = ApiResource(API_VERSION, CERTIFICATE, "certificates", is_namespaced=True)
_SECRETS = ApiResource("v1", "Secret", "secrets", is_namespaced=True)


def read_certificate_secrets(session: Session, deleted_manifests: Iterable[Manifest]) -> list[Manifest]:
    """Return the Secrets that cert-manager made for the Certificates among some objects, and would leave behind."""
    secrets = []
    for certificate in deleted_manifests:
        if certificate["kind"] != CERTIFICATE:
            continue
        path = _SECRETS.build_path(certificate["metadata"]["namespace"], certificate["spec"]["secretName"])
        secret = ask_server(f"Read the Secret of {ref(certificate)}", partial(session.cluster.get, path))
        if secret and is_made_for(secret, certificate):
            secrets.append({"apiVersion": "v1", "kind": "Secret", **secret})
    return secrets


def is_secret_of(manifest: Manifest, certificate: Manifest) -> bool:
    """Return whether an object is the Secret that cert-manager made for a Certificate."""
    if manifest["kind"] != "Secret" or certificate["kind"] != CERTIFICATE:
        return False
    return is_made_for(manifest, certificate)


def keep_needed_issuers(session: Session, deleted_manifests: list[Manifest]) -> list[Manifest]:
    """Return the issuers among objects to delete, with their CA, that Certificates of others name. Report them."""
    own_refs = collect_refs(deleted_manifests)
    issuers_by_namespace: dict[str, list[Manifest]] = {}
    for manifest in deleted_manifests:
        if manifest["kind"] == "Issuer":
            issuers_by_namespace.setdefault(manifest["metadata"].get("namespace", ""), []).append(manifest)
    kept_manifests = []
    for namespace, issuers in sorted(issuers_by_namespace.items()):
        certificates = list_objects(session, _CERTIFICATES, namespace, {})
        if certificates is None:
            reason = "this user may not see whether Certificates of others need it"
            other_certificates = [_build_possible_certificate(issuer) for issuer in issuers]
        else:
            reason = "Certificates of others need it"
            other_certificates = [certificate for certificate in certificates if ref(certificate) not in own_refs]
        for manifest in find_needed_issuers(deleted_manifests, other_certificates):
            report_kept(session, manifest, reason)
            kept_manifests.append(manifest)
    return kept_manifests


def _build_possible_certificate(issuer: Manifest) -> Manifest:
    """Return a Certificate that names an issuer: it stands for those that this user may not see."""
    metadata = {"name": "", "namespace": issuer["metadata"]["namespace"]}
    return {"kind": CERTIFICATE, "metadata": metadata, "spec": {"issuerRef": {"name": issuer["metadata"]["name"]}}}
