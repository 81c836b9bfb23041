# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Provider eks_addon of module release_render: EKS installs the operator as an add-on. Controller only. Private.

`render.py` calls `decide_installation` and `plan_removal`. For example, in a cluster without the operator, the first
decides to install the add-on `adot` in the version that the inventory wants. Role otel_operator then calls module
eks_addon, which changes the add-on. EKS has its objects, so this collection applies none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ...module_utils._install.addon import addon_decision, addon_inputs
from ...module_utils._install.releases import removal
from ...module_utils._install.releases.installed import EKS, DefinitionRow, FoundRelease
from ...module_utils._install.releases.products import Product
from ...module_utils._install.releases.release_request import EXISTING, ReleaseRequest
from ...module_utils._install.releases.removal import RemovalPlan
from ...module_utils._install.releases.version_numbers import parse_release_version, require_whole_version
from ...module_utils._otelcol.errors import Problem
from .release_arguments import ProviderDecision, ReleaseArguments


def decide_installation(
    product: Product, arguments: ReleaseArguments, table: Mapping[str, Any], check: bool
) -> ProviderDecision:
    """Return the decision on the add-on. Raises Problem if it is impossible or forbidden.

    `table` has the tested versions, as `read_tables` returns them.
    """
    installed = _read_installed(product, arguments)
    addon_inputs.refuse_unsupported_inputs(arguments)
    namespace = arguments["namespace"] or product.namespace
    request = _build_request(product, namespace, arguments, check)
    addon = _read_addon(arguments)
    addon_names = [listed_addon["addon_name"] for listed_addon in arguments["addons"]]
    neighbours = addon_decision.ClusterNeighbours(arguments["cert_manager"], addon_names)
    decision = addon_decision.decide_addon(request, addon, installed, neighbours, table)
    registry_warnings = list(addon_inputs.list_registry_warnings(arguments))
    if decision.provider == EXISTING:
        version_after_run = installed["version"]
    else:
        version_after_run = str(parse_release_version(addon.wanted_version) or "")
    return ProviderDecision(
        decision=replace(decision, warnings=[*registry_warnings, *decision.warnings]),
        version=version_after_run,
        namespace=installed["namespace"] or namespace,
    )


def _build_request(product: Product, namespace: str, arguments: ReleaseArguments, check: bool) -> ReleaseRequest:
    """Return the request of a task. Raises Problem for a version that is none."""
    version = require_whole_version(arguments["version"], product.title) if arguments["version"] else None
    return ReleaseRequest(
        product=product,
        provider=EKS,
        version=version,
        namespace=namespace,
        other_owner_policy=arguments["foreign"],
        certificates="cert_manager",
        check=check,
        collectors=tuple(arguments["collectors"]),
    )


def plan_removal(product: Product, arguments: ReleaseArguments, check: bool) -> RemovalPlan:
    """Return the objects to remove beside the add-on. Raises Problem if the product is still in use."""
    installed = _read_installed(product, arguments)
    addon = _read_addon(arguments)
    if addon.installed_version and not addon.is_ours:
        return RemovalPlan("nothing", f"{addon.title} was not installed by this collection, so it stays unchanged")
    if addon.installed_version and arguments["preserve"]:
        note = f"The objects of {addon.title} stay in the cluster, and no controller manages them any more"
        return RemovalPlan("remove", f"{addon.title} is removed from EKS, and its objects stay", warnings=[note])
    if installed["installed"] and not addon.installed_version:
        return RemovalPlan("nothing", f"{product.title} is installed, but not as {addon.title}, so it stays unchanged")
    return _plan_removal_of_objects(product, installed, addon, arguments, check)


def _plan_removal_of_objects(
    product: Product,
    installed: FoundRelease,
    addon: addon_decision.Addon,
    arguments: ReleaseArguments,
    check: bool,
) -> RemovalPlan:
    """Return the objects to remove that EKS may leave in the cluster when it removes the add-on.

    All of them count as ours: `plan_removal` has returned before if the add-on is not.
    """
    crds = [_mark_definition(definition) for definition in installed["crds"]]
    removal_plan = removal.plan_removal(
        product,
        {**installed, "crds": crds, "ours": True},
        arguments["others"],
        arguments["remove_definitions"],
        has_other_parts=bool(addon.installed_version),
        check=check,
    )
    if removal_plan.action == "remove" and arguments["others"] == "keep" and addon.installed_version:
        removal_plan.warnings.append("EKS may delete the definitions with the add-on, and every object of their kinds")
    return removal_plan


def _mark_definition(definition: DefinitionRow) -> DefinitionRow:
    """Return the facts of a CustomResourceDefinition, with `ours` also set for one that EKS made.

    EKS gives it no label of ours, and removes most of its definitions with the add-on.
    """
    is_ours = definition["ours"] or definition["installer"]["by"] == EKS
    return {**definition, "ours": is_ours, "lacks_release_label": not definition["ours"]}


def _read_installed(product: Product, arguments: ReleaseArguments) -> FoundRelease:
    """Return the result of release_info. Raises Problem if a task does not give it, or no add-on has the product."""
    installed = arguments["installed"]
    if not product.is_in_eks_addons:
        raise Problem(f"no EKS add-on of this collection installs {product.title}", fix="Use another provider.")
    if installed is None:
        raise Problem("eks_addon needs the installed releases", fix="Give the result of release_info (installed).")
    return installed


def _read_addon(arguments: ReleaseArguments) -> addon_decision.Addon:
    """Return the add-on of the cluster with its installed version, and the version that the inventory wants of it."""
    cluster = str(arguments["eks_cluster"].get("name", ""))
    wanted_version = str(arguments["addon"].get("version") or "")
    return addon_decision.find_addon(arguments["addon_name"], cluster, arguments["addons"], wanted_version)
