# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What cert-manager reports about Certificates, what it creates from them, and which issuers stay for them. Private."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .._otelcol.config.paths import at, mappings, section
from .._otelcol.kube.objects import Manifest

API_VERSION = "cert-manager.io/v1"
CERTIFICATE = "Certificate"
_NAME_ANNOTATION = "cert-manager.io/certificate-name"


def is_issued(certificate: Manifest) -> bool:
    """Return whether the Secret holds a certificate for the Certificate's current spec."""
    return _condition(certificate, "Ready").get("status") == "True"


def refusal(certificate: Manifest) -> str:
    """Return why a Certificate failed. cert-manager retries a failed Certificate only after an hour."""
    issuing = _condition(certificate, "Issuing")
    if issuing.get("reason") != "Failed":
        return ""
    return str(issuing.get("message") or "refused")


def _condition(manifest: Manifest, kind: str) -> Manifest:
    """Return a condition of the object's current generation, or an empty one."""
    current = (None, manifest["metadata"].get("generation"))
    for condition in mappings(manifest, "status", "conditions"):
        if condition.get("type") == kind and condition.get("observedGeneration") in current:
            return condition
    return {}


def why_not_issued(certificate: Manifest, requests: Iterable[Manifest]) -> str:
    """Return why a Certificate is not issued, from its newest request if possible."""
    own_requests = [request for request in requests if is_made_for(request, certificate)]
    message = None
    if own_requests:
        newest = max(own_requests, key=lambda request: str(request["metadata"].get("creationTimestamp")))
        message = _condition(newest, "Ready").get("message")
    message = message or _condition(certificate, "Ready").get("message")
    return str(message or "cert-manager has not processed it")


def needed_issuers(going: Sequence[Manifest], others: Iterable[Manifest]) -> list[Manifest]:
    """Return what must stay: issuers that other Certificates name, and the CA Certificates of these issuers.

    Collectors of other owners may share the CA of the namespace.
    """
    staying: list[Manifest] = []
    certificates = list(others)
    while certificates:
        certificate = certificates.pop()
        for issuer in going:
            if issuer in staying or not _signs(issuer, certificate):
                continue
            staying.append(issuer)
            authorities = [manifest for manifest in going if _is_authority(manifest, issuer)]
            new_authorities = [authority for authority in authorities if authority not in staying]
            staying += new_authorities
            certificates += new_authorities
    return staying


def _signs(issuer: Manifest, certificate: Manifest) -> bool:
    reference = section(certificate, "spec", "issuerRef")
    named = (reference.get("kind") or "Issuer", reference.get("name"), certificate["metadata"].get("namespace"))
    return named == (issuer["kind"], issuer["metadata"]["name"], issuer["metadata"].get("namespace"))


def _is_authority(certificate: Manifest, issuer: Manifest) -> bool:
    """Return whether an object is the Certificate whose Secret holds the CA of an issuer."""
    secret_name = at(issuer, ("spec", "ca", "secretName"))
    if not secret_name or certificate["kind"] != CERTIFICATE:
        return False
    if certificate["metadata"].get("namespace") != issuer["metadata"].get("namespace"):
        return False
    return bool(at(certificate, ("spec", "secretName")) == secret_name)


def is_made_for(manifest: Manifest, certificate: Manifest) -> bool:
    """Return whether cert-manager created this Secret or CertificateRequest for a Certificate."""
    own, other = manifest["metadata"], certificate["metadata"]
    certificate_name = (own.get("annotations") or {}).get(_NAME_ANNOTATION)
    return bool(certificate_name == other["name"] and own.get("namespace") == other.get("namespace"))
