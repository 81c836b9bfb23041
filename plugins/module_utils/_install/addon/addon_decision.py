# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator as an EKS add-on: the decision to install, upgrade or adopt it, or to refuse that. Private.

Action release_render calls `decide_addon` before module eks_addon changes anything. A dry run of eks_addon finds a
version that EKS does not offer and a configuration that it does not take. This file finds the conflicts that EKS
reports during the installation, or never.

An operator is ours if it has the label of this collection, an add-on if it has the tag; others are foreign. The user
says what to do about a foreign one (`ReleaseRequest.foreign`). What is in the cluster decides, from the top:

| in the cluster | result |
|---|---|
| several operators | refused |
| an operator that no add-on installed, ours | refused: the provider cannot change |
| an operator that no add-on installed, foreign | used unchanged with ADOPT, else refused: `decide_foreign` |
| no operator, but foreign definitions that EKS did not make | refused, except with TAKEOVER |
| a foreign add-on | used unchanged with ADOPT, changed with TAKEOVER, else refused: `_decide_foreign` |
| an add-on in another namespace | refused |
| an own add-on, or none of all this | `_decide_next_version`: install, upgrade or unchanged |

A definition is a CustomResourceDefinition. `ReleaseFacts` of installed.py describes the keys of the facts;
`decide_foreign` is in release_decision.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypedDict

from ..._otelcol.errors import Problem
from ..._otelcol.kube.names import RELEASE_LABEL
from ..releases import versions
from ..releases.customization import SCHEDULING
from ..releases.installed import EKS, Installer, ReleaseFacts
from ..releases.products import CERT_MANAGER, PRODUCTS
from ..releases.release_decision import (
    ADOPT,
    EXISTING,
    KEEP_FIX,
    TAKEOVER,
    ReleaseDecision,
    ReleaseRequest,
    decide_foreign,
    find_certificate_warnings,
    find_stored_version_warnings,
    refuse_several_installations,
)
from ..releases.version_numbers import Version, parse_release_version
from .addon_versions import version_order

# Inputs of the other providers, and the key of an add-on's configuration that does the same.
# Source: the configuration schema of the add-on adot, from v0.88.0 on.
CONFIGURED_INPUTS = {
    "replicas": "replicaCount",
    "resources": "manager.resources",
    **SCHEDULING,
}
# Inputs of the other providers for which an add-on has nothing, with their defaults.
UNSUPPORTED_INPUTS: dict[str, Any] = {
    "flags": {},
    "env": {},
    "feature_gates": [],
    "watch_namespaces": [],
    "images": {},
    "certificates": "cert_manager",
    "source": "",
    "sha256": "",
}


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


class Neighbours(NamedTuple):
    """What else of the cluster matters to the add-on."""

    cert_manager: ReleaseFacts | None
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
    """Return the named add-on. An empty target version means the installed one.

    `addons` has the add-ons of the cluster, from module eks_addon_info. Those of this collection have its tag.
    """
    for facts in addons:
        if facts["addon_name"] == name:
            installed_version = facts["addon_version"]
            is_own = RELEASE_LABEL in (facts.get("tags") or {})
            return Addon(name, cluster, installed_version, target_version or installed_version, is_own)
    return Addon(name, cluster, wanted_version=target_version)


def decide_addon(
    request: ReleaseRequest,
    addon: Addon,
    release_facts: ReleaseFacts,
    neighbours: Neighbours,
    version_table: versions.Table,
) -> ReleaseDecision:
    """Return the decision on the add-on. Raises Problem for a forbidden change.

    `version_table` is the content of compatibility.yml.
    """
    refuse_several_installations(request, release_facts)
    decision = _decide_action(request, addon, release_facts)
    if decision.provider == EXISTING:
        return decision
    operator = parse_release_version(addon.wanted_version)
    addon_row: AddonRow = version_table["eks_addons"].get(addon.name, {})
    _refuse_unfit_version(request, addon, operator, addon_row)
    decision.warnings.extend(find_certificate_warnings(request, release_facts))
    decision.warnings.extend(_find_cert_manager_warnings(release_facts, neighbours.cert_manager, version_table))
    decision.warnings.extend(_find_conflict_warnings(addon, neighbours.addon_names, addon_row))
    if decision.action == "upgrade":
        decision.warnings.extend(find_stored_version_warnings(release_facts, ()))
    if operator:
        builds = version_table.get("builds", {})
        decision.warnings.extend(versions.find_skew_warnings(request.running(release_facts), operator, builds))
    return decision


def _decide_action(request: ReleaseRequest, addon: Addon, release_facts: ReleaseFacts) -> ReleaseDecision:
    """Return the decision, before the version of the operator is checked. Raises Problem for a forbidden change.

    The docstring of this file has the cases in a table.
    """
    if release_facts["installed"] and release_facts["installer"]["by"] != EKS:
        return _decide_other_installer(request, addon, release_facts)
    _refuse_foreign_definitions(request, addon, release_facts)
    if addon.installed_version and not addon.is_ours and request.foreign != TAKEOVER:
        return _decide_foreign(request, addon)
    if release_facts["installed"] and request.namespace != release_facts["namespace"]:
        wrong = (
            f"{request.product.title} is in namespace {release_facts['namespace']}, and the requested one is"
            f" {request.namespace}"
        )
        fix = "EKS takes the namespace of an add-on at its creation only. Keep it, or remove the add-on first."
        raise Problem(wrong, fix=fix)
    return _decide_next_version(addon)


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


def _decide_other_installer(request: ReleaseRequest, addon: Addon, release_facts: ReleaseFacts) -> ReleaseDecision:
    """Return the decision to use an operator unchanged that no add-on installed. Raises Problem if that is forbidden.

    No add-on is installed beside it: two operators in one cluster would conflict over their definitions.
    """
    if not release_facts["ours"]:
        return decide_foreign(request, release_facts)
    raise Problem(
        f"{request.product.title} {release_facts['version']} is already in namespace {release_facts['namespace']},"
        f" installed by this collection with another provider, and the provider is now {EKS} ({addon.name})",
        fix="Keep the provider, or remove it first with state absent and the old provider.",
    )


def _decide_foreign(request: ReleaseRequest, addon: Addon) -> ReleaseDecision:
    """Return the decision to use an add-on of another owner unchanged. Raises Problem if the user did not allow it.

    For operators that no add-on installed, `decide_foreign` of release_decision.py does the same.
    """
    state = (
        f"{addon.title} {addon.installed_version} is already in cluster {addon.cluster}, and has no tag of this"
        " collection"
    )
    if request.foreign == ADOPT:
        return ReleaseDecision(ADOPT, EXISTING, f"{state}; it is only checked, never changed")
    raise Problem(state, fix=f"{KEEP_FIX}, or take it over (foreign: takeover).")


def _refuse_foreign_definitions(request: ReleaseRequest, addon: Addon, release_facts: ReleaseFacts) -> None:
    """Raise Problem for definitions of another tool, which EKS would overwrite.

    Definitions of EKS and of this collection may be there: the add-on uses them again. `refuse_foreign_definitions` of
    release_decision.py is its twin for the other providers.
    """
    if release_facts["installed"] or request.foreign == TAKEOVER:
        return
    foreign_definitions = []
    for definition in release_facts["crds"]:
        if not definition["ours"] and definition["installer"]["by"] != EKS:
            foreign_definitions.append(definition)
    if foreign_definitions:
        definition_names = ", ".join(definition["name"] for definition in foreign_definitions)
        owner = _name_installer(foreign_definitions[0]["installer"])
        wrong = (
            f"{request.product.title} is not here, but its definitions are ({definition_names}), created by another"
            f" owner ({owner})"
        )
        fix = "Remove them with what made them, or let EKS have them (foreign: takeover, and resolve_conflicts)."
        raise Problem(wrong, asked=f"Install {addon.title}", fix=fix)


def _name_installer(installer: Installer) -> str:
    """Return an installer in short, such as `helm ns/otel` or `manifest`."""
    return f"{installer['by']} {installer['name']}".strip()


def _refuse_unfit_version(request: ReleaseRequest, addon: Addon, operator: Version | None, addon_row: AddonRow) -> None:
    """Raise Problem for an operator that is too old for this collection, or of another version than requested.

    `operator` is the version of the operator in the wanted add-on; None if it is not known, so nothing is refused.
    """
    if operator is None:
        return
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


def _find_cert_manager_warnings(
    release_facts: ReleaseFacts, cert_manager: ReleaseFacts | None, version_table: versions.Table
) -> Iterator[str]:
    """Yield warnings about cert-manager, which signs the certificate of the add-on's webhooks.

    Nothing is known, and nothing said, if its facts were not read or the cluster does not serve its API.
    """
    if not cert_manager or not release_facts["cert_manager"]:
        return
    running_version = parse_release_version(cert_manager["version"])
    if not cert_manager["installed"]:
        yield (
            "The definitions of cert-manager are here, but no controller of it was found. "
            "The add-on stays DEGRADED if none signs its certificate"
        )
    elif running_version:
        product, kubernetes = PRODUCTS[CERT_MANAGER], release_facts["kubernetes"]
        yield from versions.find_version_warnings(version_table, product, running_version, kubernetes)


def _find_conflict_warnings(addon: Addon, addon_names: list[str], addon_row: AddonRow) -> Iterator[str]:
    """Yield warnings about other add-ons of the cluster that do not go with this one."""
    for name, reason in addon_row.get("beside", {}).items():
        if name in addon_names:
            yield f"The EKS add-on {name} is in cluster {addon.cluster}, too: {reason}"


def refuse_unsupported_inputs(inputs: Mapping[str, Any]) -> None:
    """Raise Problem for an input of action release_render that an add-on does not support.

    `inputs` are the options of the action; those of the workload `manager` count as options too. One replica is the
    default of the add-on, so that number may be given.
    """
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
    """Yield a warning if a registry is given. It is no error, because the user may set it for all roles."""
    if inputs["image_registry"] or inputs["image_pull_secrets"]:
        yield "The images of an EKS add-on come from the registry of AWS in the region, whatever image_registry says"
