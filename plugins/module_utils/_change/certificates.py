# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What cert-manager reports about Certificates, what it creates from them, and which issuers stay for them. Private.

A Certificate is an object of cert-manager that asks an issuer for a certificate in a Secret; a CertificateRequest is
one try. An authority is the Certificate whose Secret holds the CA of an issuer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .._otelcol.config.paths import mapping_at, mappings_at, value_at
from .._otelcol.kube.objects import Manifest

API_VERSION = "cert-manager.io/v1"
CERTIFICATE = "Certificate"
_NAME_ANNOTATION = "cert-manager.io/certificate-name"


def is_issued(certificate: Manifest) -> bool:
    """Return whether the Secret holds a certificate for the Certificate's current spec."""
    return _find_condition(certificate, "Ready").get("status") == "True"


def explain_refusal(certificate: Manifest) -> str:
    """Return why a Certificate failed; empty if it did not. cert-manager tries a failed one again only in an hour."""
    issuing = _find_condition(certificate, "Issuing")
    if issuing.get("reason") != "Failed":
        return ""
    return str(issuing.get("message") or "refused")


def _find_condition(manifest: Manifest, condition_type: str) -> Manifest:
    """Return a condition of the object's current generation, or an empty one.

    A condition of an earlier generation tells nothing of the spec that was just applied. Those of a CertificateRequest,
    whose spec never changes, name no generation.
    """
    current_generations = (None, manifest["metadata"].get("generation"))
    for condition in mappings_at(manifest, "status", "conditions"):
        if condition.get("type") == condition_type and condition.get("observedGeneration") in current_generations:
            return condition
    return {}


def explain_not_issued(certificate: Manifest, requests: Iterable[Manifest]) -> str:
    """Return why a Certificate is not issued, from its newest request if possible."""
    own_requests = [request for request in requests if is_made_for(request, certificate)]
    message = None
    if own_requests:
        newest_request = max(own_requests, key=lambda request: str(request["metadata"].get("creationTimestamp")))
        message = _find_condition(newest_request, "Ready").get("message")
    message = message or _find_condition(certificate, "Ready").get("message")
    return str(message or "cert-manager has not processed it")


def find_needed_issuers(
    leaving_manifests: Sequence[Manifest], other_certificates: Iterable[Manifest]
) -> list[Manifest]:
    """Return what must stay: issuers that other Certificates name, and the CA Certificates of these issuers.

    Collectors of other owners may share the CA of the namespace. For example, if a Certificate of theirs names the
    issuer `ca`, whose CA is in the Secret of the Certificate `ca`, which the issuer `selfsigned` signs, all three stay.
    """
    staying_manifests: list[Manifest] = []
    certificates = list(other_certificates)
    while certificates:
        certificate = certificates.pop()
        for issuer in leaving_manifests:
            if issuer in staying_manifests or not _signs_certificate(issuer, certificate):
                continue
            staying_manifests.append(issuer)
            authorities = [manifest for manifest in leaving_manifests if _is_authority(manifest, issuer)]
            new_authorities = [authority for authority in authorities if authority not in staying_manifests]
            staying_manifests += new_authorities
            # Their own issuers must stay too: cert-manager renews a CA before it ends.
            certificates += new_authorities
    return staying_manifests


def _signs_certificate(issuer: Manifest, certificate: Manifest) -> bool:
    reference = mapping_at(certificate, "spec", "issuerRef")  # its kind is Issuer by default
    named_issuer = (reference.get("kind") or "Issuer", reference.get("name"), certificate["metadata"].get("namespace"))
    return named_issuer == (issuer["kind"], issuer["metadata"]["name"], issuer["metadata"].get("namespace"))


def _is_authority(certificate: Manifest, issuer: Manifest) -> bool:
    """Return whether an object is the Certificate whose Secret holds the CA of an issuer."""
    secret_name = value_at(issuer, ("spec", "ca", "secretName"))
    if not secret_name or certificate["kind"] != CERTIFICATE:
        return False
    if certificate["metadata"].get("namespace") != issuer["metadata"].get("namespace"):
        return False
    return bool(value_at(certificate, ("spec", "secretName")) == secret_name)


def is_made_for(manifest: Manifest, certificate: Manifest) -> bool:
    """Return whether cert-manager created this Secret or CertificateRequest for a Certificate."""
    metadata, certificate_metadata = manifest["metadata"], certificate["metadata"]
    certificate_name = (metadata.get("annotations") or {}).get(_NAME_ANNOTATION)
    return bool(
        certificate_name == certificate_metadata["name"]
        and metadata.get("namespace") == certificate_metadata.get("namespace")
    )
