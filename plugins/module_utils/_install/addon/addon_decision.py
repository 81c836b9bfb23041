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
    KEEP,
    TAKEOVER,
    Decision,
    ReleaseRequest,
    certificates,
    foreign,
    refuse_several,
    stored,
)
from ..releases.version_numbers import Version, read
from .addon_versions import order

# Inputs of the other providers that an add-on's configuration has a key for (schema of ADOT from v0.88.0 on).
CONFIGURED = {
    "replicas": "replicaCount",
    "resources": "manager.resources",
    **SCHEDULING,
}
# Inputs that an add-on does not support, with their defaults.
UNKNOWN: dict[str, Any] = {
    **{"flags": {}, "env": {}, "feature_gates": [], "watch_namespaces": [], "images": {}},
    **{"certificates": "cert_manager", "source": "", "sha256": ""},
}


@dataclass(frozen=True)
class Addon:
    """An add-on of a cluster: its installed version in EKS, if any, and the wanted version."""

    name: str
    cluster: str
    installed: str = ""
    wanted: str = ""
    ours: bool = False

    @property
    def title(self) -> str:
        return f"the EKS add-on {self.name}"


def addon_of(name: str, cluster: str, addons: list[Mapping[str, Any]], wanted: str) -> Addon:
    """Return the named add-on from the result of eks_addon_info; a tag marks add-ons of this collection."""
    for facts in addons:
        if facts["addon_name"] == name:
            installed = facts["addon_version"]
            ours = RELEASE_LABEL in (facts.get("tags") or {})
            return Addon(name, cluster, installed, wanted or installed, ours)
    return Addon(name, cluster, wanted=wanted)


def decide(
    wanted: ReleaseRequest, addon: Addon, found: Mapping[str, Any], beside: Mapping[str, Any], table: Mapping[str, Any]
) -> Decision:
    """Return the decision on the add-on. Raises Problem for a forbidden change.

    `beside` has `cert_manager` from release_info, and `addons`, the names of other add-ons.
    """
    refuse_several(wanted, found)
    decision = _decided(wanted, addon, found)
    if decision.provider == EXISTING:
        return decision
    operator = read(addon.wanted)
    facts = table["eks_addons"].get(addon.name, {})
    _refuse_version(wanted, addon, operator, facts)
    decision.warnings.extend(certificates(wanted, found))
    decision.warnings.extend(_cert_manager(found, beside["cert_manager"], table))
    decision.warnings.extend(_others(addon, beside["addons"], facts))
    if decision.action == "upgrade":
        decision.warnings.extend(stored(found, ()))
    if operator:
        decision.warnings.extend(versions.skew_warnings(wanted.running(found), operator, table.get("builds", {})))
    return decision


def _decided(wanted: ReleaseRequest, addon: Addon, found: Mapping[str, Any]) -> Decision:
    """Return the decision without regard to the operator's version. Raises Problem for a forbidden change."""
    if found["installed"] and found["installer"]["by"] != EKS:
        return _other_installer(wanted, addon, found)
    _refuse_definitions(wanted, addon, found)
    if addon.installed and not addon.ours and wanted.foreign != TAKEOVER:
        return _foreign(wanted, addon)
    if found["installed"] and wanted.namespace != found["namespace"]:
        raise Problem(
            f"{wanted.product.title} is in namespace {found['namespace']}, and the requested one is {wanted.namespace}",
            fix="EKS takes the namespace of an add-on at its creation only. Keep it, or remove the add-on first.",
        )
    if not addon.installed:
        return Decision("install", EKS, f"{addon.title} {addon.wanted} is installed")
    old, new = order(addon.installed), order(addon.wanted)
    if new < old:
        fix = "Objects may be stored already as only the newer version knows them. Ask for that one, or a newer one."
        raise Problem(f"{addon.title} is {addon.installed} here, and {addon.wanted} is older", asked="Upgrade", fix=fix)
    if new == old:
        return Decision("unchanged", EKS, f"{addon.title} {addon.installed} is installed")
    return Decision("upgrade", EKS, f"{addon.title} is upgraded from {addon.installed} to {addon.wanted}")


def _other_installer(wanted: ReleaseRequest, addon: Addon, found: Mapping[str, Any]) -> Decision:
    """Handle an operator that no add-on installed: two operators would conflict over their definitions."""
    if not found["ours"]:
        return foreign(wanted, found)
    raise Problem(
        f"{wanted.product.title} {found['version']} is already in namespace {found['namespace']}, installed by this "
        f"collection with another provider, and the provider is now {EKS} ({addon.name})",
        fix="Keep the provider, or remove it first with state absent and the old provider.",
    )


def _foreign(wanted: ReleaseRequest, addon: Addon) -> Decision:
    what = f"{addon.title} {addon.installed} is already in cluster {addon.cluster}, and has no tag of this collection"
    if wanted.foreign == ADOPT:
        return Decision(ADOPT, EXISTING, f"{what}; it is only checked, never changed")
    raise Problem(what, fix=f"{KEEP}, or take it over (foreign: takeover).")


def _refuse_definitions(wanted: ReleaseRequest, addon: Addon, found: Mapping[str, Any]) -> None:
    """Reject that EKS overwrites definitions of another tool; it may reuse its own and this collection's."""
    if found["installed"] or wanted.foreign == TAKEOVER:
        return
    strange = []
    for definition in found["crds"]:
        if not definition["ours"] and definition["installer"]["by"] != EKS:
            strange.append(definition)
    if strange:
        names = ", ".join(definition["name"] for definition in strange)
        installer = strange[0]["installer"]
        who = f"{installer['by']} {installer['name']}".strip()
        wrong = (
            f"{wanted.product.title} is not here, but its definitions are ({names}), created by another owner ({who})"
        )
        fix = "Remove them with what made them, or let EKS have them (foreign: takeover, and resolve_conflicts)."
        raise Problem(wrong, asked=f"Install {addon.title}", fix=fix)


def _refuse_version(wanted: ReleaseRequest, addon: Addon, operator: Version | None, facts: Mapping[str, Any]) -> None:
    """Reject an operator that does not serve the required API version, or has another version than requested."""
    if operator is None:
        return
    first = read(facts.get("first", ""))
    last_without_rights = read(facts.get("rights_until", ""))
    if first and operator < first:
        wrong = f"{addon.name} {addon.wanted} has an operator that does not serve OpenTelemetryCollector as v1beta1."
        if last_without_rights and operator <= last_without_rights:
            wrong += " It would also need permissions for eks:addon-manager, which EKS gives itself since."
        fix = f"Take a version from v{first} on; eks_addon_info with available=true shows them."
        raise Problem(wrong, asked=f"Install {addon.title}", fix=fix)
    if wanted.version and wanted.version != operator:
        wrong = f"{addon.name} {addon.wanted} has version {operator} of it, not {wanted.version}"
        fix = "Leave its version out, and give that of the add-on (addon_version)."
        raise Problem(wrong, asked=f"Install {wanted.product.title}", fix=fix)


def _cert_manager(found: Mapping[str, Any], there: Mapping[str, Any], table: Mapping[str, Any]) -> Iterator[str]:
    """Yield warnings about cert-manager, which signs the certificate of the add-on's webhooks."""
    if not there or not found["cert_manager"]:
        return
    product, running = PRODUCTS[CERT_MANAGER], read(there["version"])
    if not there["installed"]:
        yield (
            "The definitions of cert-manager are here, but no controller of it was found. "
            "The add-on stays DEGRADED if none signs its certificate"
        )
    elif running:
        yield from filter(None, [versions.why_incompatible(table, product, running, found["kubernetes"])])
        yield from filter(None, [versions.warning_if_not_in_table(table, product, running)])


def _others(addon: Addon, names: list[str], facts: Mapping[str, Any]) -> Iterator[str]:
    """Yield warnings about other add-ons of the cluster that do not go with this one."""
    for name, why in facts.get("beside", {}).items():
        if name in names:
            yield f"The EKS add-on {name} is in cluster {addon.cluster}, too: {why}"


def refuse_inputs(given: Mapping[str, Any]) -> None:
    """Reject options that an add-on does not support. One replica is its default."""
    given_images = {name: image for name, image in given["images"].items() if image}
    options = {**given, **given["workloads"].get("manager", {}), "images": given_images}
    for name, key in CONFIGURED.items():
        is_default = name == "replicas" and options.get(name) == 1
        if options.get(name) and not is_default:
            fix = f"Give it as {key} in the configuration of the add-on (addon_configuration)."
            raise Problem(f"an EKS add-on does not take {name}", where=name, fix=fix)
    for name, default in UNKNOWN.items():
        if options.get(name, default) not in (default, None):
            fix = "Leave it out, or use another provider: the configuration of the add-on has nothing for it."
            raise Problem(f"an EKS add-on does not take {name}", where=name, fix=fix)


def registry_note(given: Mapping[str, Any]) -> Iterator[str]:
    """Yield a warning that image_registry does not apply; it may be set for all roles."""
    if given["image_registry"] or given["image_pull_secrets"]:
        yield "The images of an EKS add-on come from the registry of AWS in the region, whatever image_registry says"
