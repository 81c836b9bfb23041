# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What cert-manager says of a Certificate, and which Secret it has made of it. Private.

Source: cert-manager's API reference, conditions of Certificate and CertificateRequest, and its annotations.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ..config.paths import at, items

Object = dict[str, Any]

API_VERSION = "cert-manager.io/v1"
KIND = "Certificate"
NAME = "cert-manager.io/certificate-name"


def is_issued(certificate: Object) -> bool:
    """Return whether its Secret holds a certificate as the Certificate now wants it."""
    return condition(certificate, "Ready").get("status") == "True"


def refusal(certificate: Object) -> str:
    """Return why it is not issued and will not be for an hour, which is how long cert-manager lets a failure rest."""
    issuing = condition(certificate, "Issuing")
    return str(issuing.get("message") or "refused") if issuing.get("reason") == "Failed" else ""


def condition(item: Object, kind: str) -> Object:
    """Return a condition that is about the object as it is now; an empty one when there is none yet."""
    for found in items(item, "status", "conditions"):
        if found.get("type") == kind and found.get("observedGeneration") in (None, item["metadata"].get("generation")):
            return dict(found)
    return {}


def account(certificate: Object, requests: Iterable[Object]) -> str:
    """Return what is known of a Certificate that is not issued: its newest request says most."""
    mine = [item for item in requests if belongs(item, certificate)]
    newest = max(mine, key=lambda item: str(item["metadata"].get("creationTimestamp")), default={})
    said = condition(newest, "Ready").get("message") if newest else None
    return str(said or condition(certificate, "Ready").get("message") or "cert-manager has not looked at it")


def needed(going: Sequence[Object], others: Iterable[Object]) -> list[Object]:
    """Return what cannot go: issuers that other Certificates name, and the Certificate of the CA behind such an issuer.

    Collectors that are deployed by somebody else may share the CA of the namespace.
    """
    kept: list[Object] = []
    asking = list(others)
    while asking:
        certificate = asking.pop()
        for issuer in (item for item in going if _signs(item, certificate) and item not in kept):
            kept.append(issuer)
            secret = at(issuer, ("spec", "ca", "secretName"))
            behind = [item for item in going if secret and _fills(item, secret, issuer) and item not in kept]
            kept += behind
            asking += behind
    return kept


def _signs(issuer: Object, certificate: Object) -> bool:
    reference = at(certificate, ("spec", "issuerRef"), {})
    named = (reference.get("kind") or "Issuer", reference.get("name"), certificate["metadata"].get("namespace"))
    return named == (issuer["kind"], issuer["metadata"]["name"], issuer["metadata"].get("namespace"))


def _fills(certificate: Object, secret: str, issuer: Object) -> bool:
    same = certificate["metadata"].get("namespace") == issuer["metadata"].get("namespace")
    return bool(same and certificate["kind"] == KIND and at(certificate, ("spec", "secretName")) == secret)


def belongs(item: Object, certificate: Object) -> bool:
    """Return whether cert-manager made this Secret or CertificateRequest for a Certificate."""
    own, other = item["metadata"], certificate["metadata"]
    named = (own.get("annotations") or {}).get(NAME)
    return bool(named == other["name"] and own.get("namespace") == other.get("namespace"))
