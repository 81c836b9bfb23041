# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The decision on a product: install, upgrade, keep, or reject with a fix. Private."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..._otelcol.errors import Problem
from ..._otelcol.kube.objects import Manifest
from . import versions
from .installed import EKS, HELM, MANIFEST, OLM
from .manifest import DEFINITION
from .products import Product
from .version_numbers import Version, list_minor_versions, parse_version

EXISTING = "existing"
ADOPT, REFUSE, TAKEOVER = "adopt", "refuse", "takeover"
_INSTALLER_TEXTS = {
    HELM: "the Helm release {name}",
    OLM: "the Operator Lifecycle Manager ({name})",
    EKS: "an EKS add-on",
    MANIFEST: "another owner, without the label of this collection",
}
KEEP_FIX = "Set the provider to existing to use it unchanged"


@dataclass(frozen=True)
class ReleaseRequest:
    product: Product
    provider: str
    version: Version | None = None
    namespace: str = ""
    helm_release: str = ""
    foreign: str = REFUSE
    allow_skip: bool = False
    strict: bool = True
    certificates: str = ""
    check: bool = False
    collectors: tuple[Mapping[str, Any], ...] = ()

    def running(self, release_facts: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """Return the custom resources of a cluster, and those that this run makes of the inventory's collectors.

        What this run makes replaces what the cluster has under the same name.
        """
        resources: dict[tuple[str, str, str], Mapping[str, Any]] = {}
        for facts in release_facts["resources"]:
            resources[_resource_identity(facts)] = facts
        for row in self.collectors:
            if row["backend"] == "operator":
                planned_resource = versions.plan_collector(row)
                resources.pop(_resource_identity(planned_resource), None)
                resources[_resource_identity(planned_resource)] = planned_resource
        return list(resources.values())


def _resource_identity(resource: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return what makes a custom resource the same one."""
    return resource["kind"], resource["namespace"], resource["name"]


@dataclass
class Decision:
    action: str
    provider: str
    message: str = ""
    warnings: list[str] = field(default_factory=list)

    @property
    def result_fields(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("action", "warnings", "provider")} | {"msg": self.message}


def decide_release(
    request: ReleaseRequest,
    release_facts: Mapping[str, Any],
    version_table: Mapping[str, Any],
    manifests: Sequence[Manifest] = (),
) -> Decision:
    """Return the decision on the product. Raises Problem for a forbidden change."""
    refuse_several_installations(request, release_facts)
    decision = _decide_action(request, release_facts)
    if decision.provider == EXISTING:
        decision.warnings.extend(_find_adoption_warnings(request, release_facts, version_table))
        return decision
    version = request.version
    if version:
        _refuse_old_operator(request, version)
        _refuse_kubernetes(request, version, release_facts, version_table, decision)
        decision.warnings.extend(filter(None, [versions.warn_if_not_in_table(version_table, request.product, version)]))
    decision.warnings.extend(find_certificate_warnings(request, release_facts))
    if decision.action == "upgrade":
        decision.warnings.extend(find_stored_version_warnings(release_facts, manifests))
    if version and request.product.runs_collectors:
        decision.warnings.extend(
            versions.find_skew_warnings(request.running(release_facts), version, version_table.get("builds", {}))
        )
    return decision


def _refuse_old_operator(request: ReleaseRequest, version: Version) -> None:
    """Reject an operator that would refuse the collectors of this collection."""
    if request.product.runs_collectors and version < versions.FIRST_V1BETA1:
        wrong = f"{request.product.title} {version} does not serve OpenTelemetryCollector as v1beta1"
        raise Problem(wrong, fix=f"Take a version from {versions.FIRST_V1BETA1} on.")


def _decide_action(request: ReleaseRequest, release_facts: Mapping[str, Any]) -> Decision:
    """Return the decision without regard to versions of Kubernetes. Raises Problem for a forbidden change."""
    title = request.product.title
    if request.provider == EXISTING:
        if not release_facts["installed"]:
            raise Problem(f"{title} is not in this cluster", fix="Set its provider to manifest or helm to install it.")
        return Decision(ADOPT, EXISTING, f"{title} {release_facts['version']} is used unchanged")
    if not release_facts["installed"]:
        refuse_foreign_definitions(request, release_facts)
        return Decision("install", request.provider, f"{title} {request.version or ''} is installed")
    if not release_facts["ours"] and not _is_same_release(request, release_facts):
        return decide_foreign(request, release_facts)
    return _decide_next_version(request, release_facts)


def decide_foreign(request: ReleaseRequest, release_facts: Mapping[str, Any]) -> Decision:
    """Handle an installation of another owner."""
    title, installer = request.product.title, release_facts["installer"]["by"]
    owner = _INSTALLER_TEXTS[installer].format(**release_facts["installer"])
    state = (
        f"{title} {release_facts['version']} is already in namespace {release_facts['namespace']}, installed by {owner}"
    )
    may_be_taken = installer == MANIFEST and request.provider == MANIFEST
    if request.foreign == ADOPT:
        return Decision(ADOPT, EXISTING, f"{state}; it is only checked, never changed")
    if request.foreign == TAKEOVER and may_be_taken:
        return _decide_next_version(request, release_facts)
    if request.foreign == TAKEOVER:
        raise Problem(
            f"{state}, which would revert changes of other owners", fix=f"{KEEP_FIX}, or remove it there first."
        )
    alternative = "take it over (foreign: takeover)" if may_be_taken else "remove it there first"
    raise Problem(state, fix=f"{KEEP_FIX}, or {alternative}.")


def _decide_next_version(request: ReleaseRequest, release_facts: Mapping[str, Any]) -> Decision:
    """Move from the installed version to the wanted one."""
    _refuse_move(request, release_facts)
    title = request.product.title
    installed_version, target_version = parse_version(release_facts["version"]), request.version
    if installed_version is None or target_version is None or installed_version == target_version:
        return Decision("unchanged", request.provider, f"{title} {release_facts['version']} is installed")
    if target_version < installed_version:
        fix = "Objects may be stored already as only the newer version knows them. Ask for that one, or a newer one."
        raise Problem(f"{title} is {installed_version} here, and {target_version} is older", asked="Upgrade", fix=fix)
    steps = list_minor_versions(installed_version, target_version)
    if request.product.is_stepwise and len(steps) > 1 and not request.allow_skip:
        wrong = (
            f"{title} goes from {installed_version} to {target_version}, and has to pass through every minor version"
        )
        fix = f"Run once for the newest patch of each of {', '.join(steps)}, or allow the skip (allow_skip)."
        raise Problem(wrong, asked="Upgrade", fix=fix)
    return Decision("upgrade", request.provider, f"{title} is upgraded from {installed_version} to {target_version}")


def _refuse_move(request: ReleaseRequest, release_facts: Mapping[str, Any]) -> None:
    """Reject an installed product that another provider installed, or that is in another namespace."""
    title, installer = request.product.title, release_facts["installer"]["by"]
    if installer != request.provider:
        owner = (
            "manifest" if installer == MANIFEST else _INSTALLER_TEXTS[installer].format(**release_facts["installer"])
        )
        raise Problem(
            f"{title} was installed by {owner}, and the provider is now {request.provider}",
            fix="Keep the provider, or remove it first with state absent and the old provider.",
        )
    if request.namespace and request.namespace != release_facts["namespace"]:
        wrong = (
            f"{title} is in namespace {release_facts['namespace']}, and the requested namespace is {request.namespace}"
        )
        raise Problem(wrong, fix="Keep the namespace, or remove it first with state absent.")


def _is_same_release(request: ReleaseRequest, release_facts: Mapping[str, Any]) -> bool:
    """Return whether Helm would upgrade its own release, and is allowed to."""
    if request.provider != HELM or request.foreign != TAKEOVER:
        return False
    return bool(release_facts["installer"] == _own_installer(request))


def _own_installer(request: ReleaseRequest) -> dict[str, str]:
    """Return the installer of objects that the Helm release of this request made."""
    return {"by": HELM, "name": f"{request.namespace}/{request.helm_release}"}


def refuse_several_installations(request: ReleaseRequest, release_facts: Mapping[str, Any]) -> None:
    """Reject a second installation."""
    if len(release_facts["namespaces"]) > 1:
        namespaces = ", ".join(release_facts["namespaces"])
        wrong = f"{request.product.title} is in this cluster more than once, in the namespaces {namespaces}"
        raise Problem(wrong, fix="Remove all but one: they would fight over the same objects.")


def refuse_foreign_definitions(request: ReleaseRequest, release_facts: Mapping[str, Any]) -> None:
    """Reject overwriting definitions of another tool."""
    foreign_definitions = []
    for definition in release_facts["crds"]:
        is_of_own_helm = request.provider == HELM and definition["installer"] == _own_installer(request)
        if not definition["ours"] and not is_of_own_helm:
            foreign_definitions.append(definition)
    if foreign_definitions and request.foreign != TAKEOVER:
        installer = foreign_definitions[0]["installer"]
        owner = _INSTALLER_TEXTS[installer["by"]].format(**installer)
        definition_names = ", ".join(definition["name"] for definition in foreign_definitions)
        wrong = f"{request.product.title} is not here, but its definitions are ({definition_names}), made by {owner}"
        raise Problem(wrong, fix="Remove them with what made them, or take them over (foreign: takeover).")


def _refuse_kubernetes(
    request: ReleaseRequest,
    version: Version,
    release_facts: Mapping[str, Any],
    version_table: Mapping[str, Any],
    decision: Decision,
) -> None:
    """Reject a version that is not for the cluster's Kubernetes, or warn of it where that is enough."""
    wrong = versions.explain_incompatibility(version_table, request.product, version, release_facts["kubernetes"])
    if not wrong:
        return
    fitting_versions = ", ".join(
        versions.list_fitting_versions(version_table, request.product, release_facts["kubernetes"])[:3]
    )
    if not request.strict or versions.is_cluster_newer(
        version_table, request.product, version, release_facts["kubernetes"]
    ):
        decision.warnings.append(f"{wrong}; for it are {fitting_versions}" if fitting_versions else wrong)
        return
    advice = f"Use {fitting_versions}" if fitting_versions else "Use a version that is for it"
    raise Problem(wrong, fix=f"{advice}, or let this only be warned of (compatibility: warn).")


def _find_adoption_warnings(
    request: ReleaseRequest, release_facts: Mapping[str, Any], version_table: Mapping[str, Any]
) -> Iterator[str]:
    """Yield warnings about an adopted installation. Raises Problem when it cannot be used."""
    served_versions = {
        (definition["name"], version)
        for definition in release_facts["crds"]
        for version in definition["served_versions"]
    }
    kind = request.product.kinds[0]
    if (kind.definition_name, kind.version) not in served_versions:
        wrong = f"{request.product.title} {release_facts['version']} does not serve {kind.kind} as {kind.api_version}"
        raise Problem(wrong, fix="Upgrade it, with what installed it.")
    running_version = parse_version(release_facts["version"])
    if running_version is None:
        yield f"The version of {request.product.title} is unknown"
        return
    if release_facts["installer"]["by"] == EKS:
        return  # EKS offers an add-on for the versions of Kubernetes that it was tested with
    yield from filter(
        None,
        [
            versions.explain_incompatibility(
                version_table, request.product, running_version, release_facts["kubernetes"]
            )
        ],
    )
    yield from filter(None, [versions.warn_if_not_in_table(version_table, request.product, running_version)])


def find_certificate_warnings(request: ReleaseRequest, release_facts: Mapping[str, Any]) -> Iterator[str]:
    """Reject a wait for certificates without cert-manager; check mode may run before its installation."""
    if request.certificates not in ("cert_manager", "issuer") or release_facts["cert_manager"]:
        return
    wrong = f"{request.product.title} gets its certificate from cert-manager, which is not in this cluster"
    if not request.check:
        raise Problem(wrong, fix="Install cert-manager first (cert_manager_provider), or use certificates: generated.")
    yield wrong


def find_stored_version_warnings(release_facts: Mapping[str, Any], manifests: Sequence[Manifest]) -> Iterator[str]:
    """Reject definitions that lack a version of stored objects; the API server would reject them midway."""
    coming_definitions = {
        manifest["metadata"]["name"]: manifest for manifest in manifests if manifest["kind"] == DEFINITION
    }
    for definition in release_facts["crds"]:
        name, stored_versions = definition["name"], definition["stored_versions"]
        lost_versions: list[str] = []
        coming_versions = coming_definitions.get(name, {}).get("spec", {}).get("versions")
        if coming_versions:
            known_versions = [version["name"] for version in coming_versions]
            lost_versions = [version for version in stored_versions if version not in known_versions]
        old_versions = [version for version in stored_versions if version != definition["storage_version"]]
        fix = (
            f"Write each {definition['kind']} once (kubectl get {definition['plural']} -A -o yaml | kubectl apply -f -)"
            f", then take it out of status.storedVersions of the definition (kubectl edit --subresource=status crd "
            f"{name})."
        )
        if lost_versions:
            versions_text = ", ".join(lost_versions)
            wrong = f"objects of {name} may be stored as {versions_text}, which the new version does not know"
            raise Problem(wrong, asked="Upgrade", fix=fix)
        if old_versions:
            yield f"Objects of {name} may still be stored as {', '.join(old_versions)}, which goes some day. {fix}"
