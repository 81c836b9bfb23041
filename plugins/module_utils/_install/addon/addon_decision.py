# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator as an EKS add-on: the decision to install, upgrade or adopt it.

EKS itself rejects unavailable versions and invalid configurations; a dry run of eks_addon finds these.
This file finds the conflicts that EKS reports only during the installation, or never. Private.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..._otelcol.errors import Problem
from ..._otelcol.kube.names import RELEASE_LABEL
from ..releases import versions
from ..releases.customization import SCHEDULING
from ..releases.installed import EKS
from ..releases.products import CERT_MANAGER, PRODUCTS
from ..releases.release_decision import (
    ADOPT,
    EXISTING,
    KEEP_FIX,
    TAKEOVER,
    Decision,
    ReleaseRequest,
    decide_foreign,
    find_certificate_warnings,
    find_stored_version_warnings,
    refuse_several_installations,
)
from ..releases.version_numbers import Version, parse_version
from .addon_versions import version_order

# Inputs of the other providers that an add-on's configuration has a key for (schema of ADOT from v0.88.0 on).
CONFIGURED_INPUTS = {
    "replicas": "replicaCount",
    "resources": "manager.resources",
    **SCHEDULING,
}
# Inputs that an add-on does not support, with their defaults.
UNSUPPORTED_INPUTS: dict[str, Any] = {
    **{"flags": {}, "env": {}, "feature_gates": [], "watch_namespaces": [], "images": {}},
    **{"certificates": "cert_manager", "source": "", "sha256": ""},
}


@dataclass(frozen=True)
class Addon:
    """An add-on of a cluster: its installed version in EKS, if any, and the wanted version."""

    name: str
    cluster: str
    installed_version: str = ""
    wanted_version: str = ""
    is_ours: bool = False

    @property
    def title(self) -> str:
        return f"the EKS add-on {self.name}"


def find_addon(name: str, cluster: str, addons: list[Mapping[str, Any]], target_version: str) -> Addon:
    """Return the named add-on from the result of eks_addon_info; a tag marks add-ons of this collection."""
    for facts in addons:
        if facts["addon_name"] == name:
            installed = facts["addon_version"]
            is_own = RELEASE_LABEL in (facts.get("tags") or {})
            return Addon(name, cluster, installed, target_version or installed, is_own)
    return Addon(name, cluster, wanted_version=target_version)


def decide_addon(
    request: ReleaseRequest,
    addon: Addon,
    release_facts: Mapping[str, Any],
    cluster_facts: Mapping[str, Any],
    version_table: Mapping[str, Any],
) -> Decision:
    """Return the decision on the add-on. Raises Problem for a forbidden change.

    `cluster_facts` has `cert_manager` from release_info, and `addons`, the names of other add-ons.
    """
    refuse_several_installations(request, release_facts)
    decision = _decide_action(request, addon, release_facts)
    if decision.provider == EXISTING:
        return decision
    operator = parse_version(addon.wanted_version)
    addon_facts = version_table["eks_addons"].get(addon.name, {})
    _refuse_unfit_version(request, addon, operator, addon_facts)
    decision.warnings.extend(find_certificate_warnings(request, release_facts))
    decision.warnings.extend(_find_cert_manager_warnings(release_facts, cluster_facts["cert_manager"], version_table))
    decision.warnings.extend(_find_conflict_warnings(addon, cluster_facts["addons"], addon_facts))
    if decision.action == "upgrade":
        decision.warnings.extend(find_stored_version_warnings(release_facts, ()))
    if operator:
        decision.warnings.extend(
            versions.find_skew_warnings(request.running(release_facts), operator, version_table.get("builds", {}))
        )
    return decision


def _decide_action(request: ReleaseRequest, addon: Addon, release_facts: Mapping[str, Any]) -> Decision:
    """Return the decision without regard to the operator's version. Raises Problem for a forbidden change."""
    if release_facts["installed"] and release_facts["installer"]["by"] != EKS:
        return _refuse_other_installer(request, addon, release_facts)
    _refuse_foreign_definitions(request, addon, release_facts)
    if addon.installed_version and not addon.is_ours and request.foreign != TAKEOVER:
        return _decide_foreign(request, addon)
    if release_facts["installed"] and request.namespace != release_facts["namespace"]:
        raise Problem(
            f"{request.product.title} is in namespace {release_facts['namespace']}, and the requested one is"
            f" {request.namespace}",
            fix="EKS takes the namespace of an add-on at its creation only. Keep it, or remove the add-on first.",
        )
    if not addon.installed_version:
        return Decision("install", EKS, f"{addon.title} {addon.wanted_version} is installed")
    installed_order, target_order = version_order(addon.installed_version), version_order(addon.wanted_version)
    if target_order < installed_order:
        fix = "Objects may be stored already as only the newer version knows them. Ask for that one, or a newer one."
        raise Problem(
            f"{addon.title} is {addon.installed_version} here, and {addon.wanted_version} is older",
            asked="Upgrade",
            fix=fix,
        )
    if target_order == installed_order:
        return Decision("unchanged", EKS, f"{addon.title} {addon.installed_version} is installed")
    return Decision(
        "upgrade", EKS, f"{addon.title} is upgraded from {addon.installed_version} to {addon.wanted_version}"
    )


def _refuse_other_installer(request: ReleaseRequest, addon: Addon, release_facts: Mapping[str, Any]) -> Decision:
    """Handle an operator that no add-on installed: two operators would conflict over their definitions."""
    if not release_facts["ours"]:
        return decide_foreign(request, release_facts)
    raise Problem(
        f"{request.product.title} {release_facts['version']} is already in namespace {release_facts['namespace']},"
        f" installed by this collection with another provider, and the provider is now {EKS} ({addon.name})",
        fix="Keep the provider, or remove it first with state absent and the old provider.",
    )


def _decide_foreign(request: ReleaseRequest, addon: Addon) -> Decision:
    state = (
        f"{addon.title} {addon.installed_version} is already in cluster {addon.cluster}, and has no tag of this"
        " collection"
    )
    if request.foreign == ADOPT:
        return Decision(ADOPT, EXISTING, f"{state}; it is only checked, never changed")
    raise Problem(state, fix=f"{KEEP_FIX}, or take it over (foreign: takeover).")


def _refuse_foreign_definitions(request: ReleaseRequest, addon: Addon, release_facts: Mapping[str, Any]) -> None:
    """Reject that EKS overwrites definitions of another tool; it may reuse its own and this collection's."""
    if release_facts["installed"] or request.foreign == TAKEOVER:
        return
    foreign_definitions = []
    for definition in release_facts["crds"]:
        if not definition["ours"] and definition["installer"]["by"] != EKS:
            foreign_definitions.append(definition)
    if foreign_definitions:
        definition_names = ", ".join(definition["name"] for definition in foreign_definitions)
        installer = foreign_definitions[0]["installer"]
        owner = f"{installer['by']} {installer['name']}".strip()
        wrong = (
            f"{request.product.title} is not here, but its definitions are ({definition_names}), created by another"
            f" owner ({owner})"
        )
        fix = "Remove them with what made them, or let EKS have them (foreign: takeover, and resolve_conflicts)."
        raise Problem(wrong, asked=f"Install {addon.title}", fix=fix)


def _refuse_unfit_version(
    request: ReleaseRequest, addon: Addon, operator: Version | None, addon_facts: Mapping[str, Any]
) -> None:
    """Reject an operator that does not serve the required API version, or has another version than requested."""
    if operator is None:
        return
    first_version = parse_version(addon_facts.get("first", ""))
    last_without_rights = parse_version(addon_facts.get("rights_until", ""))
    if first_version and operator < first_version:
        wrong = (
            f"{addon.name} {addon.wanted_version} has an operator that does not serve OpenTelemetryCollector as"
            " v1beta1."
        )
        if last_without_rights and operator <= last_without_rights:
            wrong += " It would also need permissions for eks:addon-manager, which EKS gives itself since."
        fix = f"Take a version from v{first_version} on; eks_addon_info with available=true shows them."
        raise Problem(wrong, asked=f"Install {addon.title}", fix=fix)
    if request.version and request.version != operator:
        wrong = f"{addon.name} {addon.wanted_version} has version {operator} of it, not {request.version}"
        fix = "Leave its version out, and give that of the add-on (addon_version)."
        raise Problem(wrong, asked=f"Install {request.product.title}", fix=fix)


def _find_cert_manager_warnings(
    release_facts: Mapping[str, Any], cert_manager_facts: Mapping[str, Any], version_table: Mapping[str, Any]
) -> Iterator[str]:
    """Yield warnings about cert-manager, which signs the certificate of the add-on's webhooks."""
    if not cert_manager_facts or not release_facts["cert_manager"]:
        return
    product, running_version = PRODUCTS[CERT_MANAGER], parse_version(cert_manager_facts["version"])
    if not cert_manager_facts["installed"]:
        yield (
            "The definitions of cert-manager are here, but no controller of it was found. "
            "The add-on stays DEGRADED if none signs its certificate"
        )
    elif running_version:
        yield from filter(
            None,
            [versions.explain_incompatibility(version_table, product, running_version, release_facts["kubernetes"])],
        )
        yield from filter(None, [versions.warn_if_not_in_table(version_table, product, running_version)])


def _find_conflict_warnings(addon: Addon, addon_names: list[str], addon_facts: Mapping[str, Any]) -> Iterator[str]:
    """Yield warnings about other add-ons of the cluster that do not go with this one."""
    for name, reason in addon_facts.get("beside", {}).items():
        if name in addon_names:
            yield f"The EKS add-on {name} is in cluster {addon.cluster}, too: {reason}"


def refuse_unsupported_inputs(inputs: Mapping[str, Any]) -> None:
    """Reject options that an add-on does not support. One replica is its default."""
    given_images = {name: image for name, image in inputs["images"].items() if image}
    options = {**inputs, **inputs["workloads"].get("manager", {}), "images": given_images}
    for name, key in CONFIGURED_INPUTS.items():
        is_default = name == "replicas" and options.get(name) == 1
        if options.get(name) and not is_default:
            fix = f"Give it as {key} in the configuration of the add-on (addon_configuration)."
            raise Problem(f"an EKS add-on does not take {name}", where=name, fix=fix)
    for name, default in UNSUPPORTED_INPUTS.items():
        if options.get(name, default) not in (default, None):
            fix = "Leave it out, or use another provider: the configuration of the add-on has nothing for it."
            raise Problem(f"an EKS add-on does not take {name}", where=name, fix=fix)


def list_registry_warnings(inputs: Mapping[str, Any]) -> Iterator[str]:
    """Yield a warning that image_registry does not apply; it may be set for all roles."""
    if inputs["image_registry"] or inputs["image_pull_secrets"]:
        yield "The images of an EKS add-on come from the registry of AWS in the region, whatever image_registry says"
