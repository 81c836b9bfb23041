# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module release_render: the options of a product become manifests, Helm values, or a removal. Controller only.

The action of the module calls `render_release`. A provider is what installs the product, and each has a file:

    manifest   own_release.py: this collection applies the published manifest
    helm       own_release.py: Helm installs the chart
    existing   own_release.py: nothing is installed, what is there is used
    eks_addon  addon.py: EKS installs its add-on
    olm        olm.py: the Operator Lifecycle Manager installs a Subscription

For example, `{product: cert-manager, provider: manifest, state: present}` returns the objects of cert-manager under
`manifests`, and `state: absent` the objects to remove. Private.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from ...module_utils._install.releases import release_request, removal
from ...module_utils._install.releases.installed import EKS, HELM, OLM, FoundRelease
from ...module_utils._install.releases.products import Product, find_product
from ...module_utils._install.releases.removal import RemovalPlan
from ...module_utils._otelcol.errors import Problem
from . import addon, olm
from .own_release import build_prune_selector, render_own_release
from .release_arguments import ProviderDecision, ReleaseArguments
from .release_tables import read_tables


class Provider(Protocol):
    """A file of this folder for a product that EKS or OLM installs, so that nothing of it is applied here."""

    def decide_installation(
        self, product: Product, arguments: ReleaseArguments, table: Mapping[str, Any], check: bool
    ) -> ProviderDecision:
        """Return the decision on a product. Raises Problem if it is impossible or forbidden."""

    def plan_removal(self, product: Product, arguments: ReleaseArguments, check: bool) -> RemovalPlan:
        """Return the objects to remove. Raises Problem if the product is still in use."""


PROVIDERS: Mapping[str, Provider] = {EKS: addon, OLM: olm}
# The keys of the result that only a release applied by this collection has, with their values for all others.
_NOTHING_APPLIED: dict[str, Any] = {
    "manifests": [],
    "adopt": [],
    "chart_values": {},
    "chart_version": "",
    "images": [],
    "certificate_hosts": [],
    "certificate_secret": "",
}


def render_release(arguments: ReleaseArguments, check: bool) -> dict[str, Any]:
    """Return the result of release_render. Raises Problem for a change that is impossible or forbidden.

    The documentation of the module describes the keys of the result.
    """
    product = find_product(arguments["product"])
    _check_helm_connection(product, arguments)
    if arguments["state"] == "absent":
        return _render_removal(product, arguments, check)
    provider = PROVIDERS.get(arguments["provider"])
    if provider:
        decision = provider.decide_installation(product, arguments, read_tables(), check)
        return _build_provider_result(product, arguments, decision)
    return render_own_release(product, arguments, check)


def _check_helm_connection(product: Product, arguments: ReleaseArguments) -> None:
    """Raise Problem for provider helm if the connection is an EKS cluster: the helm program needs a kubeconfig."""
    if arguments["provider"] != HELM:
        return
    # Module release_info notes the cluster that it read, which module_defaults or the environment may give.
    installed: Mapping[str, Any] = arguments["installed"] or {}
    name = arguments["eks_cluster"].get("name") or installed.get("eks_cluster")
    if not name:
        return
    wrong = f"helm connects with a kubeconfig, but the cluster is given as eks_cluster ({name})"
    fix = f"Use provider manifest, or give a kubeconfig (aws eks update-kubeconfig --name {name}) and no eks_cluster"
    fix += ", neither in module_defaults nor in O11Y_EKS_CLUSTER."
    raise Problem(wrong, asked=f"Use helm for {product.title}", where=installed.get("server", ""), fix=fix)


# ── A product that EKS or OLM installs ──


def _build_provider_result(product: Product, arguments: ReleaseArguments, decision: ProviderDecision) -> dict[str, Any]:
    """Return the result for a provider: no manifests, and the workloads and webhooks of what is installed."""
    installed: Mapping[str, Any] = arguments["installed"] or {}  # no provider decides without it
    return {
        **_NOTHING_APPLIED,
        "dry_run": product.build_trials(decision.namespace),
        "prune_selector": build_prune_selector(product),
        "workloads": installed["workloads"],
        "webhooks": installed["webhooks"],
        **decision.as_dict(),
    }


# ── A removal ──


def _render_removal(product: Product, arguments: ReleaseArguments, check: bool) -> dict[str, Any]:
    """Return the removal of a product as a task result. Raises Problem if the product is still in use."""
    return {
        **vars(_plan_removal(product, arguments, check)),
        "adopt": [removal.removal_label(product)],
        "provider": arguments["provider"],
        "prune_selector": build_prune_selector(product),
    }


def _plan_removal(product: Product, arguments: ReleaseArguments, check: bool) -> RemovalPlan:
    """Return the objects to remove, as the provider of the product plans it."""
    installed = arguments["installed"]
    if installed is None:
        raise Problem("state absent needs the installed releases", fix="Give the result of release_info (installed).")
    if arguments["provider"] == release_request.EXISTING:
        # Whatever is in the cluster belongs to another owner.
        installed = {**installed, "installed": True, "ours": False}
    helm_release = f"{arguments['namespace'] or product.namespace}/{arguments['helm_release']}"
    _refuse_other_helm_release(product, arguments["provider"], helm_release, installed)
    provider = PROVIDERS.get(arguments["provider"])
    if provider:
        return provider.plan_removal(product, arguments, check)
    return removal.plan_removal(
        product, installed, arguments["others"], arguments["remove_definitions"], helm_release, check=check
    )


def _refuse_other_helm_release(product: Product, provider: str, helm_release: str, installed: FoundRelease) -> None:
    """Raise Problem if another Helm release than the requested one has the product.

    Its objects have our label, so they would be deleted one by one. Helm would go on to list the release, and a later
    installation by it would change nothing.
    """
    if not (installed["installed"] and installed["ours"]):
        return
    installer = installed["installer"]
    is_of_request = provider == HELM and installer["name"] == helm_release
    if installer["by"] != HELM or is_of_request:
        return
    request_text = f", not {helm_release}" if provider == HELM else f", and the provider is now {provider}"
    wrong = f"it was installed by the Helm release {installer['name']}{request_text}"
    fix = "Give the provider helm, with the namespace and the name of that release, and run again."
    raise Problem(wrong, asked=f"Remove {product.title}", fix=fix)
