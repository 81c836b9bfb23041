# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the certificate of a release's webhooks comes from, and what that changes in its objects. Private.

The API server calls the webhooks of a release by TLS. There are three sources of their certificate:

    CERT_MANAGER   The release has a Certificate and an Issuer, and cert-manager signs. Nothing changes.
    ISSUER         An Issuer of the user signs the Certificate. The Issuer of the release is left out.
    GENERATED      Module webhook_certificate of this collection makes the Secret GENERATED_SECRET. The Certificate and
                   the Issuer are left out, the pods mount that Secret, and the webhooks get its CA as `caBundle`.

`customize_release` calls `apply_certificates` for the objects of a release; helm.py says the same in values of a chart.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypedDict

from ..._otelcol.errors import Problem
from ..._otelcol.kube.objects import Manifest
from .manifest import iter_client_configs, list_containers

# The sources, as the option `certificates` of the user names them.
CERT_MANAGER = "cert_manager"
ISSUER = "issuer"
GENERATED = "generated"
# The Secret that module webhook_certificate makes.
GENERATED_SECRET = "opentelemetry-operator-generated-certificate"
# With one of these annotations on an object, cert-manager writes a CA into it. Their value is NAMESPACE/NAME of the
# Certificate, or of the Secret, that has the CA. Source: cert-manager's documentation, "CA Injector".
_INJECT_ANNOTATION = "cert-manager.io/inject-ca-from"
INJECT_ANNOTATIONS = (_INJECT_ANNOTATION, "cert-manager.io/inject-ca-from-secret")


class IssuerReference(TypedDict, total=False):
    """An Issuer or ClusterIssuer of cert-manager, such as `{"name": "corporate", "kind": "ClusterIssuer"}`."""

    name: str
    kind: str
    group: str


@dataclass(frozen=True)
class CertificateSource:
    """Where the certificate for webhooks comes from."""

    source: str = CERT_MANAGER
    """CERT_MANAGER, ISSUER or GENERATED."""
    issuer: IssuerReference = field(default_factory=IssuerReference)
    """The user's Issuer, for ISSUER."""
    ca_bundle: str = ""
    """The CA of the generated certificate as PEM, for GENERATED; empty until it is generated."""


def apply_certificates(objects: Sequence[Manifest], certificates: CertificateSource) -> list[Manifest]:
    """Return the objects of a release for the chosen source, without those that it does not need.

    The objects that stay are changed in place: the caller gives its own copies.
    """
    if certificates.source == ISSUER:
        return _use_issuer(objects, certificates)
    if certificates.source == GENERATED:
        return _use_generated_secret(objects, certificates)
    return list(objects)


def list_webhook_hosts(objects: Iterable[Manifest]) -> list[str]:
    """Return the host names by which the API server calls the webhooks of these objects.

    A generated certificate has to name them. For example, for the Service `hook` in the namespace `ns`:
    ["hook.ns.svc", "hook.ns.svc.cluster.local"].
    """
    services = set()
    for manifest in objects:
        for client in iter_client_configs(manifest):
            service = client.get("service")
            if service:
                services.add((service["name"], service["namespace"]))
    host_names = []
    for name, namespace in sorted(services):
        short_name = f"{name}.{namespace}.svc"
        host_names += [short_name, f"{short_name}.cluster.local"]
    return host_names


def _use_issuer(objects: Sequence[Manifest], certificates: CertificateSource) -> list[Manifest]:
    """Return the objects without the Issuer of the release. The Issuer of the user signs the Certificates instead.

    Raises Problem if that Issuer has no name.
    """
    if not certificates.issuer.get("name"):
        fix = "Give the name of an Issuer of that namespace, or of a ClusterIssuer."
        raise Problem("the issuer has no name", fix=fix)
    given_fields = {key: value for key, value in certificates.issuer.items() if value}
    reference = {"group": "cert-manager.io", "kind": "Issuer", **given_fields}
    kept_objects = [manifest for manifest in objects if manifest["kind"] != "Issuer"]
    for manifest in kept_objects:
        if manifest["kind"] == "Certificate":
            manifest["spec"]["issuerRef"] = reference
    return kept_objects


def _use_generated_secret(objects: Sequence[Manifest], certificates: CertificateSource) -> list[Manifest]:
    """Return the objects without those of cert-manager. Workloads mount the generated Secret.

    The webhooks get its CA if it is known; before the certificate is generated, they have none.
    """
    certificate_secrets = {manifest["spec"]["secretName"] for manifest in objects if manifest["kind"] == "Certificate"}
    bundle = base64.b64encode(certificates.ca_bundle.encode()).decode()
    kept_objects = [manifest for manifest in objects if manifest["kind"] not in ("Certificate", "Issuer")]
    for manifest in kept_objects:
        annotations = manifest["metadata"].get("annotations") or {}
        annotations.pop(_INJECT_ANNOTATION, None)
        if not annotations:
            manifest["metadata"].pop("annotations", None)
        if bundle:
            for client in iter_client_configs(manifest):
                client["caBundle"] = bundle
        _mount_generated_secret(manifest, certificate_secrets)
    return kept_objects


def _mount_generated_secret(manifest: Manifest, certificate_secrets: set[str]) -> None:
    """Let the pods of a workload mount the generated Secret in place of one that cert-manager would make."""
    if not list_containers(manifest):
        return
    for volume in manifest["spec"]["template"]["spec"].get("volumes") or []:
        if volume.get("secret", {}).get("secretName") in certificate_secrets:
            volume["secret"]["secretName"] = GENERATED_SECRET
