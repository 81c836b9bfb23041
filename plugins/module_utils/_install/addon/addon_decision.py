# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to do about an operator as an EKS add-on: install it, upgrade it, leave it, or refuse. Private.

Action release_render calls `decide_addon` before module eks_addon changes anything. A dry run of eks_addon finds
a version that EKS does not offer, and a configuration that it does not take. This file finds the conflicts that EKS
reports during the installation, or never.

`found_release` is the result of module release_info: what the cluster has of the operator, whoever installed it. An
operator is ours if it has the label of this collection, and an add-on is ours if it has the tag. `_find_state` finds
the first state that fits, and the policy of the user for other owners (release_request.py) decides:

| state of the cluster | result |
|---|---|
| OUR_OTHER_PROVIDER: our operator, installed by another provider | refused: the provider cannot change |
| OTHER_OPERATOR: an operator of another owner, which is no add-on | USE_EXISTING uses it, else refused |
| OTHER_DEFINITIONS: no operator, but definitions of another owner | TAKE_OVER installs, else refused |
| OTHER_ADDON: an add-on of another owner | USE_EXISTING uses it, TAKE_OVER changes it, else refused |
| OURS_OR_NOTHING: our add-on, or none of all this | install, upgrade or unchanged; refused in another namespace |

A definition is a CustomResourceDefinition. Several operators in one cluster are refused before all this.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, TypedDict

from ..._otelcol.errors import Problem
from ..._otelcol.kube.names import RELEASE_LABEL
from ..releases.collector_skew import list_skew_warnings
from ..releases.installed import EKS, DefinitionRow, FoundRelease, Installer
from ..releases.products import CERT_MANAGER, PRODUCTS
from ..releases.release_checks import (
    list_certificate_warnings,
    list_stored_version_warnings,
    refuse_several_installations,
)
from ..releases.release_decision import KEEP_FIX, decide_on_other_owner
from ..releases.release_request import EXISTING, USE_EXISTING, ReleaseDecision, ReleaseRequest
from ..releases.supported_kubernetes import VersionTable, list_version_warnings
from ..releases.version_numbers import Version, parse_release_version
from .addon_versions import version_order


class AddonRow(TypedDict, total=False):
    """What compatibility.yml says about an add-on, under `eks_addons`."""

    first: str
    """The first version whose operator serves the collectors of this collection."""
    rights_until: str
    """The last version for which a user had to give eks:addon-manager rights."""
    beside: dict[str, str]
    """Other add-ons that do not go with it, each with the reason."""


class InstalledAddon(TypedDict, total=False):
    """An add-on in the result of module eks_addon_info. It has more keys, which nothing here reads."""

    addon_name: str
    addon_version: str
    tags: dict[str, str]


class ClusterNeighbours(NamedTuple):
    """What the cluster has besides the add-on, and what may conflict with it or what it needs."""

    cert_manager: FoundRelease | None
    """The result of module release_info about cert-manager; None or empty if it was not read."""
    addon_names: list[str]
    """The names of all add-ons of the cluster."""


@dataclass(frozen=True)
class Addon:
    """An add-on of a cluster. Its versions are those of EKS, such as v0.151.0-eksbuild.2."""

    name: str
    """Such as `adot`."""
    cluster: str
    """The name of the cluster in EKS."""
    installed_version: str = ""
    """Empty if the cluster does not have the add-on."""
    wanted_version: str = ""
    """The version after the task; the installed one if the user names none."""
    is_ours: bool = False
    """Whether this collection installed it."""

    @property
    def title(self) -> str:
        """The add-on as messages name it."""
        return f"the EKS add-on {self.name}"


def find_addon(name: str, cluster: str, addons: Iterable[InstalledAddon], target_version: str) -> Addon:
    """Return the named add-on, whether the cluster has it or not. An empty target version means the installed one.

    `addons` are the add-ons of the cluster, from module eks_addon_info. Those of this collection have its tag.
    """
    for addon in addons:
        if addon["addon_name"] == name:
            installed_version = addon["addon_version"]
            is_own = RELEASE_LABEL in (addon.get("tags") or {})
            return Addon(name, cluster, installed_version, target_version or installed_version, is_own)
    return Addon(name, cluster, wanted_version=target_version)


def decide_addon(
    request: ReleaseRequest,
    addon: Addon,
    found_release: FoundRelease,
    neighbours: ClusterNeighbours,
    version_table: VersionTable,
) -> ReleaseDecision:
    """Return the decision on the add-on. Raises Problem for a forbidden change.

    `version_table` is the content of compatibility.yml.
    """
    refuse_several_installations(request, found_release)
    decision = _decide_action(request, addon, found_release)
    if decision.provider == EXISTING:
        return decision
    operator = parse_release_version(addon.wanted_version)
    addon_row: AddonRow = version_table["eks_addons"].get(addon.name, {})
    if operator:
        _refuse_unfit_version(request, addon, operator, addon_row)
    decision.warnings.extend(list_certificate_warnings(request, found_release))
    decision.warnings.extend(_list_cert_manager_warnings(found_release, neighbours.cert_manager, version_table))
    decision.warnings.extend(_list_conflict_warnings(addon, neighbours.addon_names, addon_row))
    if decision.action == "upgrade":
        decision.warnings.extend(list_stored_version_warnings(found_release, ()))
    if operator:
        builds = version_table.get("builds", {})
        decision.warnings.extend(list_skew_warnings(request.list_managed_resources(found_release), operator, builds))
    return decision


# ── The action ──


class _ClusterState(Enum):
    """What the cluster has of the operator, see the table at the top of this file."""

    OUR_OTHER_PROVIDER = "our operator, installed by another provider"
    OTHER_OPERATOR = "an operator of another owner, which is no add-on"
    OTHER_DEFINITIONS = "no operator, but definitions of another owner"
    OTHER_ADDON = "an add-on of another owner"
    OURS_OR_NOTHING = "our add-on, or none of all this"


def _find_state(addon: Addon, found_release: FoundRelease) -> _ClusterState:
    """Return the first state of the table that fits the cluster."""
    if found_release["installed"] and found_release["installer"]["by"] != EKS:
        return _ClusterState.OUR_OTHER_PROVIDER if found_release["ours"] else _ClusterState.OTHER_OPERATOR
    if not found_release["installed"] and _list_definitions_of_others(found_release):
        return _ClusterState.OTHER_DEFINITIONS
    if addon.installed_version and not addon.is_ours:
        return _ClusterState.OTHER_ADDON
    return _ClusterState.OURS_OR_NOTHING


def _decide_action(request: ReleaseRequest, addon: Addon, found_release: FoundRelease) -> ReleaseDecision:
    """Return the decision without warnings, by the table at the top of this file. Raises Problem for a refusal."""
    state = _find_state(addon, found_release)
    if state is _ClusterState.OUR_OTHER_PROVIDER:
        raise _build_other_provider_problem(request, addon, found_release)
    if state is _ClusterState.OTHER_OPERATOR:
        # No add-on is installed beside it: two operators in one cluster would conflict over their definitions.
        return decide_on_other_owner(request, found_release)
    if state is _ClusterState.OTHER_DEFINITIONS and not request.takes_over:
        raise _build_definitions_problem(request, addon, _list_definitions_of_others(found_release))
    if state is _ClusterState.OTHER_ADDON and not request.takes_over:
        return _use_other_addon(request, addon)
    _refuse_move(request, found_release)
    return _decide_next_version(addon)


def _list_definitions_of_others(found_release: FoundRelease) -> list[DefinitionRow]:
    """Return the definitions of another owner, which EKS would overwrite.

    Those of EKS and of this collection may be there: the add-on uses them again. `_refuse_definitions_of_others` of
    release_decision.py selects those that hinder the other providers.
    """
    other_definitions = []
    for definition in found_release["crds"]:
        if not definition["ours"] and definition["installer"]["by"] != EKS:
            other_definitions.append(definition)
    return other_definitions


def _build_other_provider_problem(request: ReleaseRequest, addon: Addon, found_release: FoundRelease) -> Problem:
    """Return the problem of an operator that this collection has installed by another provider."""
    return Problem(
        f"{request.product.title} {found_release['version']} is already in namespace {found_release['namespace']},"
        f" installed by this collection with another provider, and the provider is now {EKS} ({addon.name})",
        fix="Keep the provider, or remove it first with state absent and the old provider.",
    )


def _build_definitions_problem(
    request: ReleaseRequest, addon: Addon, other_definitions: list[DefinitionRow]
) -> Problem:
    """Return the problem of definitions that belong to another owner."""
    definition_names = ", ".join(definition["name"] for definition in other_definitions)
    owner = _name_installer(other_definitions[0]["installer"])
    wrong = (
        f"{request.product.title} is not here, but its definitions are ({definition_names}), created by another"
        f" owner ({owner})"
    )
    fix = "Remove them with what made them, or let EKS have them (foreign: takeover, and resolve_conflicts)."
    return Problem(wrong, asked=f"Install {addon.title}", fix=fix)


def _name_installer(installer: Installer) -> str:
    """Return an installer in short, such as `helm ns/otel` or `manifest`."""
    return f"{installer['by']} {installer['name']}".strip()


def _use_other_addon(request: ReleaseRequest, addon: Addon) -> ReleaseDecision:
    """Return the decision to use an add-on of another owner as it is. Raises Problem if the user did not allow it."""
    state = (
        f"{addon.title} {addon.installed_version} is already in cluster {addon.cluster}, and has no tag of this"
        " collection"
    )
    if request.other_owner_policy == USE_EXISTING:
        return ReleaseDecision.use_existing(f"{state}; it is only checked, never changed")
    raise Problem(state, fix=f"{KEEP_FIX}, or take it over (foreign: takeover).")


def _refuse_move(request: ReleaseRequest, found_release: FoundRelease) -> None:
    """Raise Problem if the operator runs in another namespace than the requested one."""
    if not found_release["installed"] or request.namespace == found_release["namespace"]:
        return
    wrong = (
        f"{request.product.title} is in namespace {found_release['namespace']}, and the requested one is"
        f" {request.namespace}"
    )
    fix = "EKS takes the namespace of an add-on at its creation only. Keep it, or remove the add-on first."
    raise Problem(wrong, fix=fix)


def _decide_next_version(addon: Addon) -> ReleaseDecision:
    """Return the decision to install, to upgrade or to change nothing. Raises Problem for a downgrade."""
    installed, wanted = addon.installed_version, addon.wanted_version
    if not installed:
        return ReleaseDecision("install", EKS, f"{addon.title} {wanted} is installed")
    if version_order(wanted) < version_order(installed):
        wrong = f"{addon.title} is {installed} here, and {wanted} is older"
        fix = "Objects may be stored already as only the newer version knows them. Ask for that one, or a newer one."
        raise Problem(wrong, asked="Upgrade", fix=fix)
    if version_order(wanted) == version_order(installed):
        return ReleaseDecision("unchanged", EKS, f"{addon.title} {installed} is installed")
    return ReleaseDecision("upgrade", EKS, f"{addon.title} is upgraded from {installed} to {wanted}")


# ── Versions and warnings ──


def _refuse_unfit_version(request: ReleaseRequest, addon: Addon, operator: Version, addon_row: AddonRow) -> None:
    """Raise Problem for an operator that is too old for this collection, or of another version than requested.

    `operator` is the version of the operator in the wanted add-on.
    """
    first_version = parse_release_version(addon_row.get("first", ""))
    if first_version and operator < first_version:
        raise _build_old_operator_problem(addon, operator, first_version, addon_row)
    if request.version and request.version != operator:
        wrong = f"{addon.name} {addon.wanted_version} has version {operator} of it, not {request.version}"
        fix = "Leave its version out, and give that of the add-on (addon_version)."
        raise Problem(wrong, asked=f"Install {request.product.title}", fix=fix)


def _build_old_operator_problem(
    addon: Addon, operator: Version, first_version: Version, addon_row: AddonRow
) -> Problem:
    """Return the problem of an operator that does not serve collectors in the version of this collection."""
    wrong = (
        f"{addon.name} {addon.wanted_version} has an operator that does not serve OpenTelemetryCollector as v1beta1."
    )
    last_without_rights = parse_release_version(addon_row.get("rights_until", ""))
    if last_without_rights and operator <= last_without_rights:
        wrong += " It would also need permissions for eks:addon-manager, which EKS gives itself since."
    fix = f"Take a version from v{first_version} on; eks_addon_info with available=true shows them."
    return Problem(wrong, asked=f"Install {addon.title}", fix=fix)


def _list_cert_manager_warnings(
    found_release: FoundRelease, cert_manager: FoundRelease | None, version_table: VersionTable
) -> Iterator[str]:
    """Yield warnings about cert-manager, which signs the certificate of the add-on's webhooks.

    There are none if cert-manager was not looked for (`cert_manager` is None), or if the cluster does not serve its
    API.
    """
    if not cert_manager or not found_release["cert_manager"]:
        return
    running_version = parse_release_version(cert_manager["version"])
    if not cert_manager["installed"]:
        yield (
            "The definitions of cert-manager are here, but no controller of it was found. "
            "The add-on stays DEGRADED if none signs its certificate"
        )
    elif running_version:
        product, kubernetes = PRODUCTS[CERT_MANAGER], found_release["kubernetes"]
        yield from list_version_warnings(version_table, product, running_version, kubernetes)


def _list_conflict_warnings(addon: Addon, addon_names: list[str], addon_row: AddonRow) -> Iterator[str]:
    """Yield warnings about other add-ons of the cluster that do not go with this one."""
    for name, reason in addon_row.get("beside", {}).items():
        if name in addon_names:
            yield f"The EKS add-on {name} is in cluster {addon.cluster}, too: {reason}"
