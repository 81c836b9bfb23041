# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Warnings and refusals that count for every way to install a product, also for an EKS add-on. Private.

`release_decision.py` and `addon_decision.py` call these functions before anything changes. For example, a definition
(CustomResourceDefinition) of the cluster has `status.storedVersions: [v1alpha2, v1]` and stores new objects as v1:

| versions of the new release | at an upgrade |
|---|---|
| v1alpha2, v1 | a warning: a later release may drop v1alpha2 |
| v1 | refused: the API server does not take a definition without a stored version |
| not known, since EKS applies the objects | the same warning |
"""

from __future__ import annotations

from collections.abc import Sequence

from ..._otelcol.errors import Problem
from ..._otelcol.kube.objects import Manifest
from .installed import DefinitionRow, FoundRelease
from .manifest import DEFINITION
from .release_request import ReleaseRequest
from .webhook_certificates import CERT_MANAGER, ISSUER


def refuse_several_installations(request: ReleaseRequest, found_release: FoundRelease) -> None:
    """Raise Problem if the product is in the cluster more than once."""
    if len(found_release["namespaces"]) > 1:
        namespaces = ", ".join(found_release["namespaces"])
        wrong = f"{request.product.title} is in this cluster more than once, in the namespaces {namespaces}"
        raise Problem(wrong, fix="Remove all but one: they would fight over the same objects.")


def list_certificate_warnings(request: ReleaseRequest, found_release: FoundRelease) -> list[str]:
    """Raise Problem if the certificate comes from cert-manager, and the cluster does not have cert-manager.

    In check mode this is a warning, because an earlier task of the run may install cert-manager.
    """
    needs_cert_manager = request.certificates in (CERT_MANAGER, ISSUER)
    if not needs_cert_manager or found_release["cert_manager"]:
        return []
    wrong = f"{request.product.title} gets its certificate from cert-manager, which is not in this cluster"
    if not request.check:
        raise Problem(wrong, fix="Install cert-manager first (cert_manager_provider), or use certificates: generated.")
    return [wrong]


def list_stored_version_warnings(found_release: FoundRelease, manifests: Sequence[Manifest]) -> list[str]:
    """Return a warning for each CustomResourceDefinition whose objects may still be stored in an old version.

    `manifests` are the objects of the new version, if this collection applies them. Raises Problem if a definition
    among them does not know such an old version: the API server would refuse it in the middle of the upgrade.
    """
    coming_versions = _map_coming_versions(manifests)
    warnings = []
    for definition in found_release["crds"]:
        name, stored_versions = definition["name"], definition["stored_versions"]
        known_versions = coming_versions.get(name)
        # They are not known if another program applies the definition, such as EKS.
        if known_versions:
            lost_versions = [version for version in stored_versions if version not in known_versions]
            if lost_versions:
                versions_text = ", ".join(lost_versions)
                wrong = f"objects of {name} may be stored as {versions_text}, which the new version does not know"
                raise Problem(wrong, asked="Upgrade", fix=_describe_rewriting(definition))
        old_versions = [version for version in stored_versions if version != definition["storage_version"]]
        if old_versions:
            versions_text = ", ".join(old_versions)
            fix = _describe_rewriting(definition)
            warnings.append(f"Objects of {name} may still be stored as {versions_text}, which goes some day. {fix}")
    return warnings


def _map_coming_versions(manifests: Sequence[Manifest]) -> dict[str, list[str]]:
    """Return the versions of each definition among the objects of a release, by the name of the definition."""
    coming_versions: dict[str, list[str]] = {}
    for manifest in manifests:
        if manifest["kind"] == DEFINITION:
            spec = manifest.get("spec", {})
            coming_versions[manifest["metadata"]["name"]] = [version["name"] for version in spec.get("versions") or []]
    return coming_versions


def _describe_rewriting(definition: DefinitionRow) -> str:
    """Return how a user stores all objects of a definition in its newest version."""
    return (
        f"Write each {definition['kind']} once (kubectl get {definition['plural']} -A -o yaml | kubectl apply -f -)"
        f", then take it out of status.storedVersions of the definition (kubectl edit --subresource=status crd "
        f"{definition['name']})."
    )
