# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to do about a product that manifests, Helm or OLM install: install it, upgrade it, leave it, or refuse. Private.

Action release_render calls `decide_release`. `addon_decision.py` does the same for EKS add-ons. `found_release` is the
result of module release_info: what the cluster has of the product (`FoundRelease` of installed.py). An installation is
ours if this collection installed it. What the cluster has decides, from the top:

| in the cluster | result |
|---|---|
| any installation, provider `existing` | used as it is; refused without one |
| no installation, but definitions of another owner | refused, except with TAKE_OVER |
| no installation | install |
| an installation of another owner | `decide_on_other_owner` |
| ours, by another provider or in another namespace | refused |
| ours | unchanged, upgrade, or refused if the wanted version is older |

A definition is a CustomResourceDefinition. The words in capitals are policies of release_request.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..._otelcol.errors import Problem
from ..._otelcol.kube.objects import Manifest
from .collector_skew import list_skew_warnings
from .installed import EKS, HELM, MANIFEST, OLM, FoundRelease, Installer
from .products import Product
from .release_checks import list_certificate_warnings, list_stored_version_warnings, refuse_several_installations
from .release_request import EXISTING, USE_EXISTING, ReleaseDecision, ReleaseRequest
from .supported_kubernetes import (
    FIRST_V1BETA1,
    VersionTable,
    find_incompatibility,
    list_supporting_versions,
    list_version_warnings,
    warn_if_not_in_table,
)
from .version_numbers import Version, list_minor_versions, parse_release_version

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


def decide_release(
    request: ReleaseRequest,
    found_release: FoundRelease,
    version_table: VersionTable,
    manifests: Sequence[Manifest] = (),
) -> ReleaseDecision:
    """Return the decision on the product. Raises Problem for a forbidden change.

    `version_table` is compatibility.yml. `manifests` has the objects of the wanted version, if this collection applies
    them.
    """
    refuse_several_installations(request, found_release)
    decision = _decide_action(request, found_release)
    if decision.provider == EXISTING:
        decision.warnings.extend(_list_warnings_of_existing(request.product, found_release, version_table))
    else:
        decision.warnings.extend(
            _list_warnings_of_change(request, decision.action, found_release, version_table, manifests)
        )
    return decision


# ── The action ──


def _decide_action(request: ReleaseRequest, found_release: FoundRelease) -> ReleaseDecision:
    """Return the decision without warnings, by the table at the top of this file. Raises Problem for a refusal."""
    title = request.product.title
    if request.provider == EXISTING:
        if not found_release["installed"]:
            raise Problem(f"{title} is not in this cluster", fix="Set its provider to manifest or helm to install it.")
        return ReleaseDecision.use_existing(f"{title} {found_release['version']} is used unchanged")
    if not found_release["installed"]:
        _refuse_definitions_of_others(request, found_release)
        return ReleaseDecision("install", request.provider, f"{title} {request.version or ''} is installed")
    is_ours = found_release["ours"] or _is_taken_over_by_helm(request, found_release)
    if not is_ours:
        return decide_on_other_owner(request, found_release)
    return _decide_next_version(request, found_release)


def decide_on_other_owner(request: ReleaseRequest, found_release: FoundRelease) -> ReleaseDecision:
    """Return the decision on an installation of another owner. Raises Problem unless the policy of the user allows it.

    Only a manifest takes the place of a manifest: Helm, OLM and EKS would revert the changes of this collection.
    """
    title, installer = request.product.title, found_release["installer"]
    state = (
        f"{title} {found_release['version']} is already in namespace {found_release['namespace']},"
        f" installed by {_describe_installer(installer)}"
    )
    can_take_over = installer["by"] == MANIFEST and request.provider == MANIFEST
    if request.other_owner_policy == USE_EXISTING:
        return ReleaseDecision.use_existing(f"{state}; it is only checked, never changed")
    if request.takes_over and can_take_over:
        return _decide_next_version(request, found_release)
    if request.takes_over:
        wrong = f"{state}, which would revert changes of other owners"
        raise Problem(wrong, fix=f"{KEEP_FIX}, or remove it there first.")
    alternative = "take it over (foreign: takeover)" if can_take_over else "remove it there first"
    raise Problem(state, fix=f"{KEEP_FIX}, or {alternative}.")


def _decide_next_version(request: ReleaseRequest, found_release: FoundRelease) -> ReleaseDecision:
    """Return the decision to upgrade or to change nothing. Raises Problem for a downgrade and for skipped versions."""
    _refuse_move(request, found_release)
    title = request.product.title
    installed_version, target_version = parse_release_version(found_release["version"]), request.version
    if installed_version is None or target_version is None or installed_version == target_version:
        return ReleaseDecision("unchanged", request.provider, f"{title} {found_release['version']} is installed")
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


def _refuse_move(request: ReleaseRequest, found_release: FoundRelease) -> None:
    """Raise Problem for a product of another provider, in another namespace, or of another Helm release."""
    title, installer = request.product.title, found_release["installer"]
    if installer["by"] != request.provider:
        owner = MANIFEST if installer["by"] == MANIFEST else _describe_installer(installer)
        raise Problem(
            f"{title} was installed by {owner}, and the provider is now {request.provider}",
            fix="Keep the provider, or remove it first with state absent and the old provider.",
        )
    namespace = found_release["namespace"]
    if request.namespace and request.namespace != namespace:
        wrong = f"{title} is in namespace {namespace}, and the requested namespace is {request.namespace}"
        raise Problem(wrong, fix="Keep the namespace, or remove it first with state absent.")
    if request.provider == HELM and installer != _own_installer(request):
        # A second release of the chart would be a second installation.
        own_name = _own_installer(request)["name"]
        wrong = f"{title} was installed by {_describe_installer(installer)}, and the requested one is {own_name}"
        raise Problem(wrong, fix="Keep the name of the release, or remove it first with state absent.")


def _is_taken_over_by_helm(request: ReleaseRequest, found_release: FoundRelease) -> bool:
    """Return whether the Helm release of this request has installed the product, and is to be taken over.

    Somebody else has made that release then, with the same name: helm upgrades it.
    """
    if request.provider != HELM or not request.takes_over:
        return False
    return found_release["installer"] == _own_installer(request)


def _own_installer(request: ReleaseRequest) -> Installer:
    """Return the installer of objects that the Helm release of this request makes."""
    return {"by": HELM, "name": f"{request.namespace}/{request.helm_release}"}


def _refuse_definitions_of_others(request: ReleaseRequest, found_release: FoundRelease) -> None:
    """Raise Problem for definitions that another owner left in the cluster, unless they are taken over.

    `_list_definitions_of_others` of addon_decision.py selects those that hinder an EKS add-on.
    """
    if request.takes_over:
        return
    other_definitions = []
    for definition in found_release["crds"]:
        is_of_own_helm = request.provider == HELM and definition["installer"] == _own_installer(request)
        if not definition["ours"] and not is_of_own_helm:
            other_definitions.append(definition)
    if other_definitions:
        owner = _describe_installer(other_definitions[0]["installer"])
        definition_names = ", ".join(definition["name"] for definition in other_definitions)
        wrong = f"{request.product.title} is not here, but its definitions are ({definition_names}), made by {owner}"
        raise Problem(wrong, fix="Remove them with what made them, or take them over (foreign: takeover).")


def _describe_installer(installer: Installer) -> str:
    """Return an installer as messages name it, such as `the Helm release ns/otel`."""
    return _INSTALLER_TEXTS[installer["by"]].format(name=installer["name"])


# ── Warnings ──


def _list_warnings_of_change(
    request: ReleaseRequest,
    action: str,
    found_release: FoundRelease,
    version_table: VersionTable,
    manifests: Sequence[Manifest],
) -> Iterator[str]:
    """Yield the warnings about a product that is installed, upgraded or kept by this collection.

    Raises Problem for a version that does not fit the cluster or this collection.
    """
    version = request.version
    if version:
        _refuse_old_operator(request, version)
        yield from _list_kubernetes_warnings(request, version, found_release["kubernetes"], version_table)
        unknown_warning = warn_if_not_in_table(version_table, request.product, version)
        if unknown_warning:
            yield unknown_warning
    yield from list_certificate_warnings(request, found_release)
    if action == "upgrade":
        yield from list_stored_version_warnings(found_release, manifests)
    if version and request.product.runs_collectors:
        builds = version_table.get("builds", {})
        yield from list_skew_warnings(request.list_managed_resources(found_release), version, builds)


def _refuse_old_operator(request: ReleaseRequest, version: Version) -> None:
    """Raise Problem for an operator that is too old to serve the collectors of this collection."""
    if request.product.runs_collectors and version < FIRST_V1BETA1:
        wrong = f"{request.product.title} {version} does not serve OpenTelemetryCollector as v1beta1"
        raise Problem(wrong, fix=f"Take a version from {FIRST_V1BETA1} on.")


def _list_kubernetes_warnings(
    request: ReleaseRequest, version: Version, kubernetes: str, version_table: VersionTable
) -> Iterator[str]:
    """Yield a warning about a version that does not support the cluster's Kubernetes.

    Raises Problem instead, if the request is strict and the cluster is not newer than the version.
    """
    incompatibility = find_incompatibility(version_table, request.product, version, kubernetes)
    if not incompatibility:
        return
    wrong = incompatibility.text
    newest_supporting = list_supporting_versions(version_table, request.product, kubernetes)[:_SHOWN_VERSIONS]
    supporting_text = ", ".join(newest_supporting)
    if request.strict and not incompatibility.is_cluster_newer:
        advice = f"Use {supporting_text}" if supporting_text else "Use a version that is for it"
        raise Problem(wrong, fix=f"{advice}, or let this only be warned of (compatibility: warn).")
    yield f"{wrong}; for it are {supporting_text}" if supporting_text else wrong


def _list_warnings_of_existing(
    product: Product, found_release: FoundRelease, version_table: VersionTable
) -> Iterator[str]:
    """Yield warnings about an installation that is used as it is. Raises Problem if it is of no use."""
    _refuse_missing_kind(product, found_release)
    running_version = parse_release_version(found_release["version"])
    if running_version is None:
        yield f"The version of {product.title} is unknown"
        return
    if found_release["installer"]["by"] == EKS:
        return  # EKS offers an add-on for the versions of Kubernetes that it was tested with
    yield from list_version_warnings(version_table, product, running_version, found_release["kubernetes"])


def _refuse_missing_kind(product: Product, found_release: FoundRelease) -> None:
    """Raise Problem if the installed product does not serve its first kind in the version that this collection uses."""
    kind = product.kinds[0]
    for definition in found_release["crds"]:
        if definition["name"] == kind.definition_name and kind.version in definition["served_versions"]:
            return
    wrong = f"{product.title} {found_release['version']} does not serve {kind.kind} as {kind.api_version}"
    raise Problem(wrong, fix="Upgrade it, with what installed it.")
