# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parse certificates by library `cryptography`: what they say, and whether an authority has signed them.

`dependency_certificates.py` calls these functions with what Secrets and ConfigMaps hold. Private.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from typing import Any, NamedTuple

from ..._kube.live.libraries import import_library
from ..._otelcol.errors import Problem
from ..certificate_facts import Certificate

_PEM_BEGIN = b"-----BEGIN CERTIFICATE-----"


class ParsedCertificate(NamedTuple):
    """What a certificate says, and the object of library `cryptography` that can check signatures."""

    facts: Certificate
    library_certificate: Any


def decode_secret_value(value: str) -> bytes:
    """Return the content of a key of a Secret; empty if it is no base64."""
    try:
        return base64.b64decode(value)
    except (binascii.Error, ValueError):
        return b""


def explain_unavailable() -> str:
    """Return why certificates cannot be read on this machine; empty if they can."""
    try:
        import_library("cryptography.x509", "cryptography")
    except Problem as problem:
        return problem.wrong
    return ""


def parse_certificates(data: bytes) -> list[ParsedCertificate]:
    """Return the certificates of a PEM text in its order, which has the server's own first; none for other text."""
    if _PEM_BEGIN not in data:
        return []
    x509 = import_library("cryptography.x509", "cryptography")
    parsed_certificates = []
    try:
        for library_certificate in x509.load_pem_x509_certificates(data):
            facts = _describe_certificate(x509, library_certificate)
            parsed_certificates.append(ParsedCertificate(facts, library_certificate))
    except ValueError:
        return []
    return parsed_certificates


def _describe_certificate(x509: Any, certificate: Any) -> Certificate:
    # Older versions of the library have the times without their zone, which is UTC.
    not_before = getattr(certificate, "not_valid_before_utc", None) or certificate.not_valid_before
    not_after = getattr(certificate, "not_valid_after_utc", None) or certificate.not_valid_after
    return Certificate(
        subject=certificate.subject.rfc4514_string() or "an empty subject",
        issuer=certificate.issuer.rfc4514_string(),
        not_before=not_before.strftime("%Y-%m-%dT%H:%M:%SZ"),
        not_after=not_after.strftime("%Y-%m-%dT%H:%M:%SZ"),
        names=tuple(_list_certificate_names(x509, certificate)),
        is_ca=_is_authority(x509, certificate),
    )


def _list_certificate_names(x509: Any, certificate: Any) -> list[str]:
    """Return the host names and addresses that a certificate is for."""
    names: list[str] = []
    alternative_names = _find_extension(certificate, x509.SubjectAlternativeName)
    for entry in alternative_names or ():
        if isinstance(entry, (x509.DNSName, x509.IPAddress)):
            names.append(str(entry.value))
    return names


def _is_authority(x509: Any, certificate: Any) -> bool:
    """Return whether a certificate may sign others."""
    constraints = _find_extension(certificate, x509.BasicConstraints)
    return bool(constraints and constraints.ca)


def _find_extension(certificate: Any, kind: Any) -> Any:
    """Return the value of an extension of a certificate; None without it."""
    for extension in certificate.extensions:
        if isinstance(extension.value, kind):
            return extension.value
    return None


def trusts_chain(authorities: Iterable[ParsedCertificate], chain: Iterable[ParsedCertificate]) -> bool:
    """Return whether one of the authorities is itself in a chain of certificates, or has signed one of the chain."""
    links = list(chain)
    for authority in authorities:
        for link in links:
            is_authority = link.library_certificate == authority.library_certificate
            if is_authority or _has_signed(authority.library_certificate, link.library_certificate):
                return True
    return False


def _has_signed(authority: Any, certificate: Any) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except Exception:  # a wrong issuer, a wrong signature and a key of another kind have no base class in common
        return False
    return True
