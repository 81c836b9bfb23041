# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read certificates out of PEM, without ever touching a key. Private."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from typing import Any, NamedTuple

from ..._core.diagnose.certificates import Certificate
from ..._core.errors import Problem
from ..api.library import library

BEGIN = b"-----BEGIN CERTIFICATE-----"


class Parsed(NamedTuple):
    """A certificate, and what the library knows of it."""

    facts: Certificate
    inner: Any


def decoded(value: str) -> bytes:
    """Return the content of a key of a Secret."""
    try:
        return base64.b64decode(value)
    except (binascii.Error, ValueError):
        return b""


def available() -> str:
    """Return why certificates cannot be read here; nothing when they can."""
    try:
        library("cryptography.x509", "cryptography")
    except Problem as problem:
        return problem.wrong
    return ""


def certificates(data: bytes) -> list[Parsed]:
    """Return the certificates of a PEM text, the server's own first; none for what is no such text."""
    if BEGIN not in data:
        return []
    x509 = library("cryptography.x509", "cryptography")
    try:
        return [Parsed(_facts(x509, one), one) for one in x509.load_pem_x509_certificates(data)]
    except ValueError:
        return []


def _facts(x509: Any, one: Any) -> Certificate:
    # Older versions of the library have the times without their zone, which is UTC.
    before = getattr(one, "not_valid_before_utc", None) or one.not_valid_before
    after = getattr(one, "not_valid_after_utc", None) or one.not_valid_after
    return Certificate(
        subject=one.subject.rfc4514_string() or "an empty subject",
        issuer=one.issuer.rfc4514_string(),
        not_before=before.strftime("%Y-%m-%dT%H:%M:%SZ"),
        not_after=after.strftime("%Y-%m-%dT%H:%M:%SZ"),
        names=tuple(_names(x509, one)),
        is_ca=bool(_extension(one, x509.BasicConstraints, "ca")),
    )


def _names(x509: Any, one: Any) -> Iterable[str]:
    extension = _extension(one, x509.SubjectAlternativeName)
    return [str(item.value) for item in extension or () if isinstance(item, (x509.DNSName, x509.IPAddress))]


def _extension(one: Any, kind: Any, field: str = "") -> Any:
    value = next((item.value for item in one.extensions if isinstance(item.value, kind)), None)
    return getattr(value, field, None) if field else value


def trusts(authorities: Iterable[Parsed], chain: Iterable[Parsed]) -> bool:
    """Return whether one of the authorities is in a chain of certificates, or has signed one of it."""
    given = list(chain)
    return any(one.inner == ca.inner or _signed(ca.inner, one.inner) for ca in authorities for one in given)


def _signed(authority: Any, one: Any) -> bool:
    try:
        one.verify_directly_issued_by(authority)
    except Exception:  # a wrong issuer, a wrong signature and a key of another kind have no base class in common
        return False
    return True
