# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who signs the certificate of a release's webhooks: its own issuer, one of the user's, or none. Private."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..cluster.bundle import Manifest
from ..errors import Problem
from .manifest import client_configs, containers

CERT_MANAGER, ISSUER, GENERATED = "cert_manager", "issuer", "generated"
INJECT = "cert-manager.io/inject-ca-from"
GENERATED_SECRET = "opentelemetry-operator-generated-certificate"


@dataclass(frozen=True)
class CertificateSource:
    """Where the certificate comes from; `ca_bundle` is PEM, and known only after it was generated."""

    source: str = CERT_MANAGER
    issuer: Mapping[str, Any] = field(default_factory=dict)
    ca_bundle: str = ""


def secured(objects: Sequence[Manifest], wanted: CertificateSource) -> list[Manifest]:
    """Return the objects of a release with the certificate from where the user wants it."""
    return _WAYS[wanted.source](objects, wanted)


def _as_published(objects: Sequence[Manifest], _wanted: CertificateSource) -> list[Manifest]:
    return list(objects)


def _from_issuer(objects: Sequence[Manifest], wanted: CertificateSource) -> list[Manifest]:
    if not wanted.issuer.get("name"):
        raise Problem(
            "the issuer has no name", fix="Give the name of an Issuer of that namespace, or of a ClusterIssuer."
        )
    reference = {"group": "cert-manager.io", "kind": "Issuer"} | {
        key: value for key, value in wanted.issuer.items() if value
    }
    for item in objects:
        if item["kind"] == "Certificate":
            item["spec"]["issuerRef"] = reference
    return [item for item in objects if item["kind"] != "Issuer"]


def _generated(objects: Sequence[Manifest], wanted: CertificateSource) -> list[Manifest]:
    secrets = {item["spec"]["secretName"] for item in objects if item["kind"] == "Certificate"}
    bundle = base64.b64encode(wanted.ca_bundle.encode()).decode()
    kept = [item for item in objects if item["kind"] not in ("Certificate", "Issuer")]
    for item in kept:
        annotations = item["metadata"].get("annotations") or {}
        annotations.pop(INJECT, None)
        if not annotations:
            item["metadata"].pop("annotations", None)
        for client in client_configs(item):
            if bundle:
                client["caBundle"] = bundle
        _mount(item, secrets)
    return kept


def _mount(manifest: Manifest, secrets: set[str]) -> None:
    """Mount the generated Secret in place of the one that cert-manager would make."""
    if not containers(manifest):
        return
    for volume in manifest["spec"]["template"]["spec"].get("volumes") or []:
        if volume.get("secret", {}).get("secretName") in secrets:
            volume["secret"]["secretName"] = GENERATED_SECRET


def hosts(objects: Iterable[Manifest]) -> list[str]:
    """Return the names under which the API server calls the webhooks of these objects."""
    services = {
        (client["service"]["name"], client["service"]["namespace"])
        for item in objects
        for client in client_configs(item)
        if client.get("service")
    }
    return [f"{name}.{namespace}.{end}" for name, namespace in sorted(services) for end in ("svc", "svc.cluster.local")]


_WAYS = {CERT_MANAGER: _as_published, ISSUER: _from_issuer, GENERATED: _generated}
