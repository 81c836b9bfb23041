# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator as an EKS add-on: decisions on installation and removal. Controller only. Private."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...module_utils._install.addon import addon_decision
from ...module_utils._install.releases.installed import EKS
from ...module_utils._install.releases.products import Product
from ...module_utils._install.releases.release_decision import EXISTING, ReleaseRequest
from ...module_utils._install.releases.removal import RemovalPlan, removal
from ...module_utils._install.releases.version_numbers import read, version
from ...module_utils._otelcol.errors import Problem


def present(wanted: Product, arguments: Mapping[str, Any], table: Mapping[str, Any], check: bool) -> dict[str, Any]:
    """Return the decision on the add-on. Raises Problem if it is impossible or forbidden."""
    found = _found(wanted, arguments)
    addon_decision.refuse_inputs(arguments)
    namespace = arguments["namespace"] or wanted.namespace
    asked = ReleaseRequest(
        product=wanted,
        provider=EKS,
        version=version(arguments["version"], wanted.title) if arguments["version"] else None,
        namespace=namespace,
        foreign=arguments["foreign"],
        certificates="cert_manager",
        check=check,
        collectors=tuple(arguments["collectors"]),
    )
    names = [item["addon_name"] for item in arguments["addons"]]
    addon = _addon(arguments)
    beside = {"cert_manager": arguments["cert_manager"], "addons": names}
    decision = addon_decision.decide(asked, addon, found, beside, table)
    inside = found["version"] if decision.provider == EXISTING else str(read(addon.wanted) or "")
    return {
        **decision.result,
        "warnings": [*addon_decision.registry_note(arguments), *decision.warnings],
        "version": inside,
        "namespace": found["namespace"] or namespace,
    }


def absent(wanted: Product, arguments: Mapping[str, Any], check: bool) -> RemovalPlan:
    """Return the objects to remove beside the add-on. Raises Problem if the product is still in use."""
    found, addon = _found(wanted, arguments), _addon(arguments)
    if addon.installed and not addon.ours:
        return RemovalPlan("nothing", f"{addon.title} was not installed by this collection, so it stays unchanged")
    if addon.installed and arguments["preserve"]:
        note = f"The objects of {addon.title} stay in the cluster, and no controller manages them any more"
        return RemovalPlan("remove", f"{addon.title} is removed from EKS, and its objects stay", warnings=[note])
    if not addon.installed and found["installed"]:
        return RemovalPlan("nothing", f"{wanted.title} is installed, but not as {addon.title}, so it stays unchanged")
    # Objects of EKS belong to this collection if the add-on does. EKS removes most of them.
    crds = [
        {**item, "ours": item["ours"] or item["installer"]["by"] == EKS, "made": not item["ours"]}
        for item in found["crds"]
    ]
    mine = {**found, "crds": crds, "ours": True}
    asked = arguments["others"], arguments["remove_definitions"]
    gone = removal(wanted, mine, *asked, more=bool(addon.installed), check=check)
    if gone.action == "remove" and arguments["others"] == "keep" and addon.installed:
        gone.warnings.append("EKS may delete the definitions with the add-on, and every object of their kinds")
    return gone


def _found(wanted: Product, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] | None = arguments["installed"]
    if not wanted.in_eks_addons:
        raise Problem(f"no EKS add-on of this collection installs {wanted.title}", fix="Use another provider.")
    if found is None:
        raise Problem("eks_addon needs the installed releases", fix="Give the result of release_info (installed).")
    return found


def _addon(arguments: Mapping[str, Any]) -> addon_decision.Addon:
    cluster = str(arguments["eks_cluster"].get("name", ""))
    wanted = str(arguments["addon"].get("version") or "")
    return addon_decision.addon_of(arguments["addon_name"], cluster, arguments["addons"], wanted)
