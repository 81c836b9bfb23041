# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator as an EKS add-on: decisions on installation and removal. Controller only. Private."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...module_utils._install.addon import addon_decision
from ...module_utils._install.releases import removal
from ...module_utils._install.releases.installed import EKS
from ...module_utils._install.releases.products import Product
from ...module_utils._install.releases.release_decision import EXISTING, ReleaseRequest
from ...module_utils._install.releases.removal import RemovalPlan
from ...module_utils._install.releases.version_numbers import parse_version, require_version
from ...module_utils._otelcol.errors import Problem


def decide_installation(
    product: Product, arguments: Mapping[str, Any], table: Mapping[str, Any], check: bool
) -> dict[str, Any]:
    """Return the decision on the add-on. Raises Problem if it is impossible or forbidden.

    `table` are the tested versions. The result has the keys of a decision, `version` and `namespace`.
    """
    installed = _read_installed(product, arguments)
    addon_decision.refuse_unsupported_inputs(arguments)
    namespace = arguments["namespace"] or product.namespace
    request = ReleaseRequest(
        product=product,
        provider=EKS,
        version=require_version(arguments["version"], product.title) if arguments["version"] else None,
        namespace=namespace,
        foreign=arguments["foreign"],
        certificates="cert_manager",
        check=check,
        collectors=tuple(arguments["collectors"]),
    )
    addon_names = [listed_addon["addon_name"] for listed_addon in arguments["addons"]]
    addon = _read_addon(arguments)
    neighbours = {"cert_manager": arguments["cert_manager"], "addons": addon_names}
    decision = addon_decision.decide_addon(request, addon, installed, neighbours, table)
    running_version = (
        installed["version"] if decision.provider == EXISTING else str(parse_version(addon.wanted_version) or "")
    )
    return {
        **decision.result_fields,
        "warnings": [*addon_decision.list_registry_warnings(arguments), *decision.warnings],
        "version": running_version,
        "namespace": installed["namespace"] or namespace,
    }


def plan_removal(product: Product, arguments: Mapping[str, Any], check: bool) -> RemovalPlan:
    """Return the objects to remove beside the add-on. Raises Problem if the product is still in use."""
    installed, addon = _read_installed(product, arguments), _read_addon(arguments)
    is_foreign = addon.installed_version and not addon.is_ours
    stays_without_addon = installed["installed"] and not addon.installed_version
    if is_foreign:
        return RemovalPlan("nothing", f"{addon.title} was not installed by this collection, so it stays unchanged")
    if addon.installed_version and arguments["preserve"]:
        note = f"The objects of {addon.title} stay in the cluster, and no controller manages them any more"
        return RemovalPlan("remove", f"{addon.title} is removed from EKS, and its objects stay", warnings=[note])
    if stays_without_addon:
        return RemovalPlan("nothing", f"{product.title} is installed, but not as {addon.title}, so it stays unchanged")
    return _plan_removal_of_objects(product, installed, addon, arguments, check)


def _plan_removal_of_objects(
    product: Product,
    installed: Mapping[str, Any],
    addon: addon_decision.Addon,
    arguments: Mapping[str, Any],
    check: bool,
) -> RemovalPlan:
    """Return the objects to remove that EKS may leave. Those of EKS belong to this collection if the add-on does."""
    crds = [_mark_definition(definition) for definition in installed["crds"]]
    removal_plan = removal.plan_removal(
        product,
        {**installed, "crds": crds, "ours": True},
        arguments["others"],
        arguments["remove_definitions"],
        more=bool(addon.installed_version),
        check=check,
    )
    if removal_plan.action == "remove" and arguments["others"] == "keep" and addon.installed_version:
        removal_plan.warnings.append("EKS may delete the definitions with the add-on, and every object of their kinds")
    return removal_plan


def _mark_definition(definition: Mapping[str, Any]) -> dict[str, Any]:
    """Return a definition as `ours` if EKS made it, which removes most of them; `made` says that it was not ours."""
    is_ours = definition["ours"] or definition["installer"]["by"] == EKS
    return {**definition, "ours": is_ours, "made": not definition["ours"]}


def _read_installed(product: Product, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what release_info found. Raises Problem if it is not given, or if no add-on installs the product."""
    installed: Mapping[str, Any] | None = arguments["installed"]
    if not product.is_in_eks_addons:
        raise Problem(f"no EKS add-on of this collection installs {product.title}", fix="Use another provider.")
    if installed is None:
        raise Problem("eks_addon needs the installed releases", fix="Give the result of release_info (installed).")
    return installed


def _read_addon(arguments: Mapping[str, Any]) -> addon_decision.Addon:
    """Return the add-on of the cluster, and the version that is asked; without a version, the default of EKS."""
    cluster = str(arguments["eks_cluster"].get("name", ""))
    wanted_version = str(arguments["addon"].get("version") or "")
    return addon_decision.find_addon(arguments["addon_name"], cluster, arguments["addons"], wanted_version)
