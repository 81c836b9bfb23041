# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The decision on a product: install it, upgrade it, leave it as it is, or refuse with a fix. Private.

Action release_render calls `decide_release` with the wish of the user and with the result of module release_info.
`addon_decision.py` takes the parts that count for EKS add-ons too. A product is cert-manager or the operator (see
products.py). A provider is a way to install it, see `ReleaseRequest`; an installer is what did install an object, see
`Installer` of installed.py. An installation is ours if this collection installed it, else it is foreign.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..._otelcol.errors import Problem
from ..._otelcol.kube.objects import Manifest
from . import versions
from .installed import EKS, HELM, MANIFEST, OLM, DefinitionFacts, Installer, ReleaseFacts
from .manifest import DEFINITION
from .products import Product
from .version_numbers import Version, list_minor_versions, parse_release_version

# The provider that uses a product as it is.
EXISTING = "existing"
# What to do about an installation of another owner: only use it, refuse, or make it one of this collection. The option
# `adopt` of module bundle_apply means the last: TAKEOVER becomes `adopt` there.
ADOPT, REFUSE, TAKEOVER = "adopt", "refuse", "takeover"
# How messages name an installer; `name` is that of `Installer`.
_INSTALLER_TEXTS = {
    HELM: "the Helm release {name}",
    OLM: "the Operator Lifecycle Manager ({name})",
    EKS: "an EKS add-on",
    MANIFEST: "another owner, without the label of this collection",
}
# How many versions a message names.
_SHOWN_VERSIONS = 3
KEEP_FIX = "Set the provider to existing to use it unchanged"


@dataclass(frozen=True)
class ReleaseRequest:
    """The wish of the user: a product, its version and its provider."""

    product: Product
    provider: str
    """`manifest`, `helm`, `olm`, `eks_addon` or `existing`."""
    version: Version | None = None
    """The wanted version; None if the provider chooses it."""
    namespace: str = ""
    """The wanted namespace; empty if any will do."""
    helm_release: str = ""
    """The name of the Helm release; empty for any other provider."""
    foreign: str = REFUSE
    """What to do about an installation of another owner: ADOPT, REFUSE or TAKEOVER."""
    allow_skip: bool = False
    """Whether an upgrade may skip minor versions."""
    strict: bool = True
    """Whether a version that does not support the cluster's Kubernetes is refused. Otherwise it is a warning."""
    certificates: str = ""
    """The source of the webhooks' certificate: `cert_manager`, `issuer` or `generated`; empty if it has no say."""
    check: bool = False
    """Whether this is check mode."""
    collectors: tuple[Mapping[str, Any], ...] = ()
    """The collectors of the inventory, as action otel_render returns them."""

    def running(self, release_facts: ReleaseFacts) -> list[versions.CollectorFacts]:
        """Return the custom resources that run after this task: those of the cluster and those of the inventory.

        A custom resource of the inventory replaces the one that has its name in the cluster.
        """
        resources: dict[tuple[str, str, str], versions.CollectorFacts] = {}
        for resource in release_facts["resources"]:
            resources[_resource_identity(resource)] = resource
        for collector in self.collectors:
            if collector["backend"] == "operator":
                planned_resource = versions.plan_collector(collector)
                resources.pop(_resource_identity(planned_resource), None)
                resources[_resource_identity(planned_resource)] = planned_resource
        return list(resources.values())


def _resource_identity(resource: versions.CollectorFacts) -> tuple[str, str, str]:
    """Return kind, namespace and name, which tell a custom resource from all others."""
    return resource["kind"], resource["namespace"], resource["name"]


@dataclass
class ReleaseDecision:
    """What a task does with a product, and what it says about that."""

    action: str
    """`install`, `upgrade`, `unchanged` or `adopt`."""
    provider: str
    """The provider that acts; EXISTING if nothing is changed."""
    message: str = ""
    warnings: list[str] = field(default_factory=list)

    @property
    def result_fields(self) -> dict[str, Any]:
        """The decision in the result of a task."""
        return {"action": self.action, "warnings": self.warnings, "provider": self.provider, "msg": self.message}


def decide_release(
    request: ReleaseRequest,
    release_facts: ReleaseFacts,
    version_table: versions.Table,
    manifests: Sequence[Manifest] = (),
) -> ReleaseDecision:
    """Return the decision on the product. Raises Problem for a forbidden change.

    `manifests` has the objects of the wanted version, if this collection applies them.
    """
    refuse_several_installations(request, release_facts)
    decision = _decide_action(request, release_facts)
    if decision.provider == EXISTING:
        decision.warnings.extend(_find_adoption_warnings(request, release_facts, version_table))
        return decision
    version = request.version
    if version:
        _refuse_old_operator(request, version)
        _refuse_kubernetes(request, version, release_facts, version_table, decision)
        unknown_warning = versions.warn_if_not_in_table(version_table, request.product, version)
        if unknown_warning:
            decision.warnings.append(unknown_warning)
    decision.warnings.extend(find_certificate_warnings(request, release_facts))
    if decision.action == "upgrade":
        decision.warnings.extend(find_stored_version_warnings(release_facts, manifests))
    if version and request.product.runs_collectors:
        builds = version_table.get("builds", {})
        decision.warnings.extend(versions.find_skew_warnings(request.running(release_facts), version, builds))
    return decision


def _refuse_old_operator(request: ReleaseRequest, version: Version) -> None:
    """Raise Problem for an operator that is too old to serve the collectors of this collection."""
    if request.product.runs_collectors and version < versions.FIRST_V1BETA1:
        wrong = f"{request.product.title} {version} does not serve OpenTelemetryCollector as v1beta1"
        raise Problem(wrong, fix=f"Take a version from {versions.FIRST_V1BETA1} on.")


def _decide_action(request: ReleaseRequest, release_facts: ReleaseFacts) -> ReleaseDecision:
    """Return the decision, before the versions of Kubernetes are compared. Raises Problem for a forbidden change."""
    title = request.product.title
    if request.provider == EXISTING:
        if not release_facts["installed"]:
            raise Problem(f"{title} is not in this cluster", fix="Set its provider to manifest or helm to install it.")
        return ReleaseDecision(ADOPT, EXISTING, f"{title} {release_facts['version']} is used unchanged")
    if not release_facts["installed"]:
        refuse_foreign_definitions(request, release_facts)
        return ReleaseDecision("install", request.provider, f"{title} {request.version or ''} is installed")
    if not release_facts["ours"] and not _is_same_release(request, release_facts):
        return decide_foreign(request, release_facts)
    return _decide_next_version(request, release_facts)


def decide_foreign(request: ReleaseRequest, release_facts: ReleaseFacts) -> ReleaseDecision:
    """Return the decision on an installation of another owner. Raises Problem unless `request.foreign` allows it."""
    title, installer = request.product.title, release_facts["installer"]
    state = (
        f"{title} {release_facts['version']} is already in namespace {release_facts['namespace']},"
        f" installed by {_describe_installer(installer)}"
    )
    may_be_taken = installer["by"] == MANIFEST and request.provider == MANIFEST
    if request.foreign == ADOPT:
        return ReleaseDecision(ADOPT, EXISTING, f"{state}; it is only checked, never changed")
    if request.foreign == TAKEOVER and may_be_taken:
        return _decide_next_version(request, release_facts)
    if request.foreign == TAKEOVER:
        wrong = f"{state}, which would revert changes of other owners"
        raise Problem(wrong, fix=f"{KEEP_FIX}, or remove it there first.")
    alternative = "take it over (foreign: takeover)" if may_be_taken else "remove it there first"
    raise Problem(state, fix=f"{KEEP_FIX}, or {alternative}.")


def _describe_installer(installer: Installer) -> str:
    """Return an installer as messages name it, such as `the Helm release ns/otel`."""
    return _INSTALLER_TEXTS[installer["by"]].format(name=installer["name"])


def _decide_next_version(request: ReleaseRequest, release_facts: ReleaseFacts) -> ReleaseDecision:
    """Return the decision to upgrade or to change nothing. Raises Problem for a downgrade and for skipped versions."""
    _refuse_move(request, release_facts)
    title = request.product.title
    installed_version, target_version = parse_release_version(release_facts["version"]), request.version
    if installed_version is None or target_version is None or installed_version == target_version:
        return ReleaseDecision("unchanged", request.provider, f"{title} {release_facts['version']} is installed")
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
    return ReleaseDecision(
        "upgrade", request.provider, f"{title} is upgraded from {installed_version} to {target_version}"
    )


def _refuse_move(request: ReleaseRequest, release_facts: ReleaseFacts) -> None:
    """Raise Problem for a product that another provider installed, or that is in another namespace."""
    title, installer = request.product.title, release_facts["installer"]
    if installer["by"] != request.provider:
        owner = MANIFEST if installer["by"] == MANIFEST else _describe_installer(installer)
        raise Problem(
            f"{title} was installed by {owner}, and the provider is now {request.provider}",
            fix="Keep the provider, or remove it first with state absent and the old provider.",
        )
    namespace = release_facts["namespace"]
    if request.namespace and request.namespace != namespace:
        wrong = f"{title} is in namespace {namespace}, and the requested namespace is {request.namespace}"
        raise Problem(wrong, fix="Keep the namespace, or remove it first with state absent.")


def _is_same_release(request: ReleaseRequest, release_facts: ReleaseFacts) -> bool:
    """Return whether the Helm release of this request has installed the product, and may be taken over.

    Somebody else has made that release then, with the same name: helm upgrades it.
    """
    if request.provider != HELM or request.foreign != TAKEOVER:
        return False
    return release_facts["installer"] == _own_installer(request)


def _own_installer(request: ReleaseRequest) -> Installer:
    """Return the installer of objects that the Helm release of this request makes."""
    return {"by": HELM, "name": f"{request.namespace}/{request.helm_release}"}


def refuse_several_installations(request: ReleaseRequest, release_facts: ReleaseFacts) -> None:
    """Raise Problem if the product is in the cluster more than once."""
    if len(release_facts["namespaces"]) > 1:
        namespaces = ", ".join(release_facts["namespaces"])
        wrong = f"{request.product.title} is in this cluster more than once, in the namespaces {namespaces}"
        raise Problem(wrong, fix="Remove all but one: they would fight over the same objects.")


def refuse_foreign_definitions(request: ReleaseRequest, release_facts: ReleaseFacts) -> None:
    """Raise Problem for definitions that another installer left in the cluster, unless they are taken over.

    A definition is a CustomResourceDefinition. The twin for EKS add-ons is `_refuse_foreign_definitions` of
    addon_decision.py.
    """
    foreign_definitions = []
    for definition in release_facts["crds"]:
        is_of_own_helm = request.provider == HELM and definition["installer"] == _own_installer(request)
        if not definition["ours"] and not is_of_own_helm:
            foreign_definitions.append(definition)
    if foreign_definitions and request.foreign != TAKEOVER:
        owner = _describe_installer(foreign_definitions[0]["installer"])
        definition_names = ", ".join(definition["name"] for definition in foreign_definitions)
        wrong = f"{request.product.title} is not here, but its definitions are ({definition_names}), made by {owner}"
        raise Problem(wrong, fix="Remove them with what made them, or take them over (foreign: takeover).")


def _refuse_kubernetes(
    request: ReleaseRequest,
    version: Version,
    release_facts: ReleaseFacts,
    version_table: versions.Table,
    decision: ReleaseDecision,
) -> None:
    """Raise Problem for a version that does not support the cluster's Kubernetes.

    If the request is not strict, or the cluster is newer than the version, a warning of the decision is enough.
    """
    product, kubernetes = request.product, release_facts["kubernetes"]
    wrong = versions.explain_incompatibility(version_table, product, version, kubernetes)
    if not wrong:
        return
    newest_fitting = versions.list_fitting_versions(version_table, product, kubernetes)[:_SHOWN_VERSIONS]
    fitting_text = ", ".join(newest_fitting)
    is_cluster_newer = versions.is_cluster_newer(version_table, product, version, kubernetes)
    if is_cluster_newer or not request.strict:
        decision.warnings.append(f"{wrong}; for it are {fitting_text}" if fitting_text else wrong)
        return
    advice = f"Use {fitting_text}" if fitting_text else "Use a version that is for it"
    raise Problem(wrong, fix=f"{advice}, or let this only be warned of (compatibility: warn).")


def _find_adoption_warnings(
    request: ReleaseRequest, release_facts: ReleaseFacts, version_table: versions.Table
) -> Iterator[str]:
    """Yield warnings about an installation that is used unchanged. Raises Problem if it is of no use."""
    product = request.product
    _refuse_missing_kind(product, release_facts)
    running_version = parse_release_version(release_facts["version"])
    if running_version is None:
        yield f"The version of {product.title} is unknown"
        return
    if release_facts["installer"]["by"] == EKS:
        return  # EKS offers an add-on for the versions of Kubernetes that it was tested with
    yield from versions.find_version_warnings(version_table, product, running_version, release_facts["kubernetes"])


def _refuse_missing_kind(product: Product, release_facts: ReleaseFacts) -> None:
    """Raise Problem if the installed product does not serve its first kind in the version that this collection uses."""
    kind = product.kinds[0]
    for definition in release_facts["crds"]:
        if definition["name"] == kind.definition_name and kind.version in definition["served_versions"]:
            return
    wrong = f"{product.title} {release_facts['version']} does not serve {kind.kind} as {kind.api_version}"
    raise Problem(wrong, fix="Upgrade it, with what installed it.")


def find_certificate_warnings(request: ReleaseRequest, release_facts: ReleaseFacts) -> Iterator[str]:
    """Raise Problem if the certificate comes from cert-manager, and the cluster does not have cert-manager.

    In check mode this is a warning, because an earlier task may install cert-manager.
    """
    if request.certificates not in ("cert_manager", "issuer") or release_facts["cert_manager"]:
        return
    wrong = f"{request.product.title} gets its certificate from cert-manager, which is not in this cluster"
    if not request.check:
        raise Problem(wrong, fix="Install cert-manager first (cert_manager_provider), or use certificates: generated.")
    yield wrong


def find_stored_version_warnings(release_facts: ReleaseFacts, manifests: Sequence[Manifest]) -> Iterator[str]:
    """Yield a warning for each definition whose objects may still be stored in an old version.

    Raises Problem if the coming definition does not know such a version, which the API server would refuse midway.
    """
    coming_versions = _map_coming_versions(manifests)
    for definition in release_facts["crds"]:
        name, stored_versions = definition["name"], definition["stored_versions"]
        known_versions = coming_versions.get(name)
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
            yield f"Objects of {name} may still be stored as {versions_text}, which goes some day. {fix}"


def _map_coming_versions(manifests: Sequence[Manifest]) -> dict[str, list[str]]:
    """Return the versions of each definition among the objects of a release, by the name of the definition."""
    coming_versions: dict[str, list[str]] = {}
    for manifest in manifests:
        if manifest["kind"] == DEFINITION:
            spec = manifest.get("spec", {})
            coming_versions[manifest["metadata"]["name"]] = [version["name"] for version in spec.get("versions") or []]
    return coming_versions


def _describe_rewriting(definition: DefinitionFacts) -> str:
    """Return how a user stores all objects of a definition in its newest version."""
    return (
        f"Write each {definition['kind']} once (kubectl get {definition['plural']} -A -o yaml | kubectl apply -f -)"
        f", then take it out of status.storedVersions of the definition (kubectl edit --subresource=status crd "
        f"{definition['name']})."
    )
