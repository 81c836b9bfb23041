# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module release_render: the options of a product become manifests, Helm values, or a removal. Controller only.

The action of the module calls `render_release`. A provider is what installs the product: `manifest` (this collection
applies its manifests), `helm`, `eks_addon`, `olm`, or `existing` (nothing: it is used as it is). This file itself
decides for the providers manifest, helm and existing; `addon.py` and `olm.py` decide for theirs. Private.

An installation is ours if this collection applied it, else it is foreign. Option `foreign` says what becomes of a
foreign one: `adopt` only uses it, `refuse` fails, and `takeover` makes it ours (see release_request.py). Key `adopt`
of the result is another thing: the releases whose objects this collection takes over when it applies its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol, TypedDict, cast

from ...module_utils._install.releases import (
    lock_file,
    manifest,
    pinned_images,
    release_decision,
    release_request,
    removal,
)
from ...module_utils._install.releases.customization import GENERATED_SECRET, customize_release, list_webhook_hosts
from ...module_utils._install.releases.installed import EKS, HELM, MANIFEST, OLM, FoundRelease
from ...module_utils._install.releases.products import Product, find_product
from ...module_utils._install.releases.removal import RemovalPlan
from ...module_utils._install.releases.version_numbers import Version, require_version
from ...module_utils._otelcol.errors import Problem
from ...module_utils._otelcol.kube.names import RELEASE_LABEL
from ...module_utils._otelcol.kube.objects import Manifest
from .. import _lock_file
from . import addon, olm, published, source
from .customized_product import build_chart_values, customize_product
from .published import PublishedRelease, read_tables
from .release_arguments import ProviderDecision, ReleaseArguments
from .source import ChartOnDisk

# What stands for the result of release_info if a task does not give it: the keys that a decision reads.
_NOTHING_INSTALLED = {
    "installed": False,
    "ours": False,
    "namespaces": [],
    "crds": [],
    "resources": [],
    "cert_manager": True,
}


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
    source.refuse_eks_cluster(product, arguments)
    if arguments["state"] == "absent":
        return _render_removal(product, arguments, check)
    provider = PROVIDERS.get(arguments["provider"])
    if provider:
        decision = provider.decide_installation(product, arguments, read_tables(), check)
        return _build_provider_result(product, arguments, decision)
    return _render_own_release(product, arguments, check)


# ── A product that EKS or OLM installs ──


def _build_provider_result(product: Product, arguments: ReleaseArguments, decision: ProviderDecision) -> dict[str, Any]:
    """Return the result for a provider: no manifests, and the workloads and webhooks of what is installed."""
    installed: Mapping[str, Any] = arguments["installed"] or {}  # no provider decides without it
    return {
        **_NOTHING_APPLIED,
        "dry_run": product.build_trials(decision.namespace),
        "prune_selector": _build_prune_selector(product),
        "workloads": installed["workloads"],
        "webhooks": installed["webhooks"],
        **decision.as_dict(),
    }


def _build_prune_selector(product: Product) -> str:
    """Return the label selector of all objects of a product that this collection applies."""
    return f"{RELEASE_LABEL}={product.name}"


# ── A removal ──


def _render_removal(product: Product, arguments: ReleaseArguments, check: bool) -> dict[str, Any]:
    """Return the removal of a product as a task result. Raises Problem if the product is still in use."""
    return {
        **vars(_plan_removal(product, arguments, check)),
        "adopt": [removal.removal_label(product)],
        "provider": arguments["provider"],
        "prune_selector": _build_prune_selector(product),
    }


def _plan_removal(product: Product, arguments: ReleaseArguments, check: bool) -> RemovalPlan:
    """Return the objects to remove, as the provider of the product plans it."""
    installed = arguments["installed"]
    if installed is None:
        raise Problem("state absent needs the installed releases", fix="Give the result of release_info (installed).")
    provider = PROVIDERS.get(arguments["provider"])
    if provider:
        return provider.plan_removal(product, arguments, check)
    if arguments["provider"] == release_request.EXISTING:
        # Whatever is in the cluster belongs to another owner.
        installed = {**installed, "installed": True, "ours": False}
    helm_release = f"{arguments['namespace'] or product.namespace}/{arguments['helm_release']}"
    return removal.plan_removal(
        product, installed, arguments["others"], arguments["remove_definitions"], helm_release, check=check
    )


# ── A product that this collection applies, or gives to Helm ──


def _render_own_release(product: Product, arguments: ReleaseArguments, check: bool) -> dict[str, Any]:
    """Return the result for a product of the providers manifest, helm and existing."""
    chart_on_disk = source.read_chart(arguments["chart"]) if arguments["provider"] == HELM else None
    target = _choose_version(product, arguments["version"], chart_on_disk)
    result = _decide_installation(product, target, arguments, check)
    chart_version = "" if chart_on_disk else _find_chart_version(product, target)
    if result["provider"] == HELM:
        chart_note = _check_chart_of_lock(product, chart_on_disk, arguments)
        result["msg"] = _join_sentences(result["msg"], chart_note)
        if not chart_on_disk and not chart_version:
            unknown_note = f"The chart of {product.title} {target} is not known, so Helm takes its newest chart"
            result["warnings"].append(f"{unknown_note}, unless the input otel_operator_chart_version names one")
    return {**result, "chart_version": chart_version}


def _choose_version(product: Product, wanted_version: str, chart_on_disk: ChartOnDisk | None) -> Version:
    """Return the version of the chart on disk, or else the wanted one, or else the tested one.

    Raises Problem if the chart has another version than the wanted one.
    """
    if chart_on_disk:
        wanted_version = source.check_chart_version(product, chart_on_disk, wanted_version)
    return require_version(wanted_version or read_tables()["tested"][product.name], product.title)


def _check_chart_of_lock(product: Product, chart_on_disk: ChartOnDisk | None, arguments: ReleaseArguments) -> str:
    """Compare the chart with the lock; return what to say if there is no lock. A remote chart needs none."""
    inventory_lock = _lock_file.read_lock_if_given(arguments["lock_file"])
    if not chart_on_disk and not inventory_lock:
        return ""
    chart_row = published.build_chart_row(product, arguments["chart"], chart_on_disk)
    return published.check_chart(chart_row, inventory_lock)


def _find_chart_version(product: Product, target: Version) -> str:
    """Return the version of the chart for a version of the product; empty if it is not known.

    The chart of cert-manager has the version of the product. The table of operators has that of each operator.
    """
    if not product.versions_its_chart:
        return target.tag
    tables = read_tables()
    known_operator = tables["operator"].get(str(target)) or tables["newer_operators"].get(str(target)) or {}
    return str(known_operator.get("chart", ""))


def _join_sentences(*sentences: str) -> str:
    """Return the sentences that are not empty as one message."""
    return "; ".join(filter(None, sentences))


def _decide_installation(product: Product, target: Version, arguments: ReleaseArguments, check: bool) -> dict[str, Any]:
    """Return the decision on a version of a product as a task result, still without `chart_version`."""
    installed = arguments["installed"] or cast(FoundRelease, {**_NOTHING_INSTALLED, "kubernetes": ""})
    inventory_lock = _lock_file.read_lock_if_given(arguments["lock_file"])
    customized = customize_product(product, target, arguments, inventory_lock)
    published_release = _read_manifest_to_apply(product, target, installed, arguments, inventory_lock)
    objects: list[Manifest] = []
    if published_release:
        objects = customize_release(published_release.release, customized.customization)
    request = _build_request(product, target, arguments, check)
    decision = release_decision.decide_release(request, installed, read_tables(), objects)
    if published_release:
        decision = replace(
            decision,
            message=_join_sentences(decision.message, published_release.trust_note),
            warnings=[*decision.warnings, *published_release.warnings],
        )
    is_existing = decision.provider == release_request.EXISTING
    is_of_helm = decision.provider == HELM
    is_taken_over = arguments["foreign"] == release_request.TAKE_OVER
    namespace = _choose_namespace(product, customized.customization.namespace, published_release, installed)
    started_images = customized.started_images.values()
    return {
        **decision.result_fields,
        "version": installed["version"] if is_existing else str(target),
        "namespace": namespace,
        "adopt": [product.name] if is_taken_over else [],
        "chart_values": build_chart_values(product, target, arguments, customized) if is_of_helm else {},
        "dry_run": product.build_trials(namespace),
        "prune_selector": _build_prune_selector(product),
        "manifests": objects,
        "images": sorted({*pinned_images.iter_workload_images(objects), *started_images}),
        "certificate_hosts": list_webhook_hosts(objects),
        "certificate_secret": GENERATED_SECRET,
        **_find_awaited_objects(objects, installed),
    }


def _read_manifest_to_apply(
    product: Product,
    target: Version,
    installed: Mapping[str, Any],
    arguments: ReleaseArguments,
    inventory_lock: lock_file.Lock | None,
) -> PublishedRelease | None:
    """Return the release whose manifest is applied; None if nothing is applied here.

    That is so with Helm, and for the installation of another owner that stays as it is.
    """
    is_foreign = installed["installed"] and not installed["ours"]
    stays_unchanged = is_foreign and arguments["foreign"] == release_request.USE_EXISTING
    if arguments["provider"] != MANIFEST or stays_unchanged:
        return None
    return published.read_release(product, target, arguments, inventory_lock)


def _build_request(
    product: Product, target: Version, arguments: ReleaseArguments, check: bool
) -> release_request.ReleaseRequest:
    return release_request.ReleaseRequest(
        product=product,
        provider=arguments["provider"],
        version=target,
        namespace=arguments["namespace"] or product.namespace,
        helm_release=arguments["helm_release"],
        other_owner_policy=arguments["foreign"],
        allow_skip=arguments["allow_skip"],
        strict=arguments["compatibility"] == "refuse",
        certificates=arguments["certificates"] if product.takes_certificates else "",
        check=check,
        collectors=tuple(arguments["collectors"]),
    )


def _choose_namespace(
    product: Product,
    wanted_namespace: str,
    published_release: PublishedRelease | None,
    installed: Mapping[str, Any],
) -> str:
    """Return the wanted namespace, or else that of the manifest or of what is installed, or else the usual one."""
    if wanted_namespace:
        return wanted_namespace
    current_namespace = published_release.release.namespace if published_release else installed.get("namespace")
    return current_namespace or product.namespace


class _AwaitedObjects(TypedDict):
    """The keys of the result for what the role waits for."""

    workloads: Sequence[Mapping[str, Any]]
    webhooks: Sequence[Mapping[str, Any]]


def _find_awaited_objects(objects: list[Manifest], installed: Mapping[str, Any]) -> _AwaitedObjects:
    """Return the workloads and webhooks of the manifests; without manifests, those of what is installed."""
    if objects:
        return {"workloads": manifest.list_workloads(objects), "webhooks": manifest.list_webhooks(objects)}
    return {"workloads": installed.get("workloads", []), "webhooks": installed.get("webhooks", [])}
