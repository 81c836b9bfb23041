# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Provider manifest, helm or existing of module release_render: the release is applied by this collection, or by Helm.

`render.py` calls `render_own_release` for these three. For example, with `product: cert-manager`, `version: 1.18.0` and
provider manifest, it reads the published manifest of v1.18.0, changes its images and replicas as the options say, and
returns the objects to apply. With provider helm it returns the values of the chart, and role otel_operator runs Helm.

An installation is ours if this collection applied it, else it is foreign. Option `foreign` says what becomes of a
foreign one: `adopt` only uses it, `refuse` fails, and `takeover` makes it ours (see release_decision.py). Key `adopt`
of the result is another thing: the releases whose objects this collection takes over when it applies its own. Private.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypedDict, cast

from ...module_utils._install.releases import lock_file, manifest, pinned_images, release_decision, release_request
from ...module_utils._install.releases.customization import customize_release
from ...module_utils._install.releases.installed import HELM, MANIFEST, FoundRelease
from ...module_utils._install.releases.products import Product
from ...module_utils._install.releases.version_numbers import Version, require_whole_version
from ...module_utils._install.releases.webhook_certificates import GENERATED_SECRET, list_webhook_hosts
from ...module_utils._otelcol.kube.names import RELEASE_LABEL
from ...module_utils._otelcol.kube.objects import Manifest
from .. import _lock_file
from . import chart_rows, published
from .chart_on_disk import ChartOnDisk, check_chart_version, read_chart
from .customized_product import build_chart_values, customize_product
from .published import PublishedRelease
from .release_arguments import ReleaseArguments
from .release_tables import read_tables

# What stands for the result of release_info if a task does not give it: the keys that a decision reads.
_NOTHING_INSTALLED = {
    "installed": False,
    "ours": False,
    "namespaces": [],
    "crds": [],
    "resources": [],
    "cert_manager": True,  # so that nothing is refused for the lack of what nobody looked for
}


def render_own_release(product: Product, arguments: ReleaseArguments, check: bool) -> dict[str, Any]:
    """Return the result for a product of the providers manifest, helm and existing."""
    chart_on_disk = read_chart(arguments["chart"]) if arguments["provider"] == HELM else None
    target = _choose_version(product, arguments["version"], chart_on_disk)
    result = _decide_installation(product, target, arguments, check)
    chart_version = "" if chart_on_disk else _find_chart_version(product, target)
    message: str = result["msg"]
    warnings: list[str] = list(result["warnings"])
    if result["provider"] == HELM:
        message = _join_sentences(message, _check_chart_of_lock(product, chart_on_disk, arguments))
        if not chart_on_disk and not chart_version:
            unknown_note = f"The chart of {product.title} {target} is not known, so Helm takes its newest chart"
            warnings.append(f"{unknown_note}, unless the input otel_operator_chart_version names one")
    return {**result, "msg": message, "warnings": warnings, "chart_version": chart_version}


def _choose_version(product: Product, wanted_version: str, chart_on_disk: ChartOnDisk | None) -> Version:
    """Return the version of the chart on disk, or else the wanted one, or else the tested one.

    Raises Problem if the chart has another version than the wanted one.
    """
    if chart_on_disk:
        wanted_version = check_chart_version(product, chart_on_disk, wanted_version)
    return require_whole_version(wanted_version or read_tables()["tested"][product.name], product.title)


def _check_chart_of_lock(product: Product, chart_on_disk: ChartOnDisk | None, arguments: ReleaseArguments) -> str:
    """Compare the chart with the lock; return what to say if there is no lock. A remote chart needs none."""
    inventory_lock = _lock_file.read_lock_if_given(arguments["lock_file"])
    if not chart_on_disk and not inventory_lock:
        return ""
    chart_row = chart_rows.build_chart_row(product, arguments["chart"], chart_on_disk)
    if inventory_lock is None:
        return chart_rows.describe_unlocked_chart(chart_row)
    chart_rows.verify_chart(chart_row, inventory_lock)
    return ""


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


def build_prune_selector(product: Product) -> str:
    """Return the label selector of all objects of a product that this collection applies."""
    return f"{RELEASE_LABEL}={product.name}"


# ── The decision ──


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
        decision = _add_notes(decision, published_release)
    stays_foreign = decision.provider == release_request.EXISTING
    namespace = _choose_namespace(product, customized.customization.namespace, published_release, installed)
    chart_values: dict[str, Any] = {}
    if decision.provider == HELM:
        chart_values = build_chart_values(product, target, arguments, customized)
    return {
        **decision.result_fields,
        "version": installed["version"] if stays_foreign else str(target),
        "namespace": namespace,
        "adopt": [product.name] if arguments["foreign"] == release_request.TAKE_OVER else [],
        "chart_values": chart_values,
        "dry_run": product.build_trials(namespace),
        "prune_selector": build_prune_selector(product),
        "manifests": objects,
        "images": sorted({*pinned_images.iter_workload_images(objects), *customized.started_images.values()}),
        "certificate_hosts": list_webhook_hosts(objects),
        "certificate_secret": GENERATED_SECRET,
        **_find_awaited_objects(objects, installed),
    }


def _add_notes(
    decision: release_request.ReleaseDecision, published_release: PublishedRelease
) -> release_request.ReleaseDecision:
    """Return a decision that also says what there is to say about the manifest: its warnings, and why it is trusted."""
    return replace(
        decision,
        message=_join_sentences(decision.message, published_release.trust_note),
        warnings=[*decision.warnings, *published_release.warnings],
    )


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
    """Return the request of a task, by which `decide_release` decides on a version of a product."""
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
