# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the options of a product to manifests, Helm values, or a removal. Controller only. Private."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from ...module_utils._install.releases import helm, lock_file, manifest, pinned_images, release_decision, removal
from ...module_utils._install.releases.customization import (
    GENERATED_SECRET,
    CertificateSource,
    Customization,
    customize_release,
    list_webhook_hosts,
)
from ...module_utils._install.releases.installed import EKS, OLM
from ...module_utils._install.releases.products import Product, find_product
from ...module_utils._install.releases.removal import RemovalPlan
from ...module_utils._install.releases.version_numbers import Version, require_version
from ...module_utils._otelcol.errors import Problem
from ...module_utils._otelcol.kube.names import RELEASE_LABEL
from ...module_utils._otelcol.kube.objects import Manifest
from .. import _arguments, _lock_file
from .._shape_checks import check_shapes
from . import addon, olm, published, source
from .published import read_tables

_TUNING_OPTIONS = {
    "replicas": {"type": "int"},
    "resources": {"type": "dict"},
    "flags": {"type": "dict"},
    "env": {"type": "dict"},
    "node_selector": {"type": "dict"},
    "tolerations": {"type": "list", "elements": "dict"},
    "affinity": {"type": "dict"},
}
_ISSUER_OPTIONS = {
    "name": {"type": "str", "required": True},
    "kind": {"type": "str", "choices": ["Issuer", "ClusterIssuer"], "default": "Issuer"},
    "group": {"type": "str", "default": "cert-manager.io"},
}

# The default for a cluster without information.
_NOTHING_INSTALLED = {
    "installed": False,
    "ours": False,
    "namespaces": [],
    "crds": [],
    "resources": [],
    "cert_manager": True,
}


class Provider(Protocol):
    """A module of this folder that lets somebody else install a product, so that nothing of it is applied here."""

    def decide_installation(
        self, product: Product, arguments: Mapping[str, Any], table: Mapping[str, Any], check: bool
    ) -> dict[str, Any]:
        """Return the decision on a product. Raises Problem if it is impossible or forbidden."""

    def plan_removal(self, product: Product, arguments: Mapping[str, Any], check: bool) -> RemovalPlan:
        """Return the objects to remove. Raises Problem if the product is still in use."""


PROVIDERS: Mapping[str, Provider] = {EKS: addon, OLM: olm}
# Keys that only a release applied by this collection has.
_NOTHING_APPLIED: dict[str, Any] = {
    "manifests": [],
    "adopt": [],
    "chart_values": {},
    "chart_version": "",
    "images": [],
    "certificate_hosts": [],
    "certificate_secret": "",
}


def render_release(arguments: Mapping[str, Any], check: bool) -> dict[str, Any]:
    """Return the decision on a product as a task result. Raises Problem if it is impossible or forbidden."""
    product = find_product(arguments["product"])
    source.refuse_eks_cluster(product, arguments)
    if arguments["state"] == "absent":
        return _plan_removal(product, arguments, check)
    provider = PROVIDERS.get(arguments["provider"])
    if provider:
        decision = provider.decide_installation(product, arguments, read_tables(), check)
        return build_provider_result(product, arguments, decision)
    chart_metadata = source.read_chart(arguments["chart"]) if arguments["provider"] == "helm" else None
    target = _choose_version(product, arguments["version"], chart_metadata)
    result = _decide_installation(product, target, arguments, check)
    chart_version = "" if chart_metadata else _find_chart_version(product, target)
    if result["provider"] != "helm":
        return {**result, "chart_version": chart_version}
    inventory_lock = _lock_file.read_lock_if_given(arguments["lock_file"])
    if chart_metadata or inventory_lock:
        chart_row = published.build_chart_row(product, arguments["chart"], chart_metadata)
        result["msg"] = _join_sentences(result["msg"], published.check_chart(chart_row, inventory_lock))
    if not chart_metadata and not chart_version:
        unknown_note = f"The chart of {product.title} {target} is not known, so Helm takes its newest chart"
        result["warnings"].append(f"{unknown_note}, unless the input otel_operator_chart_version names one")
    return {**result, "chart_version": chart_version}


def _choose_version(product: Product, wanted_version: str, chart_metadata: dict[str, Any] | None) -> Version:
    """Return the version of the chart on disk, or else the wanted one, or else the tested one.

    Raises Problem if the chart has another version than the wanted one.
    """
    if chart_metadata:
        wanted_version = source.check_chart_version(product, chart_metadata, wanted_version)
    return require_version(wanted_version or read_tables()["tested"][product.name], product.title)


def _join_sentences(*sentences: str) -> str:
    """Return the sentences that are not empty as one message."""
    return "; ".join(filter(None, sentences))


def _plan_removal(product: Product, arguments: Mapping[str, Any], check: bool) -> dict[str, Any]:
    """Return the removal of a product as a task result. Raises Problem if the product is still in use."""
    if arguments["installed"] is None:
        raise Problem("state absent needs the installed releases", fix="Give the result of release_info (installed).")
    if arguments["provider"] == release_decision.EXISTING:
        arguments = {**arguments, "installed": {**arguments["installed"], "installed": True, "ours": False}}
    release = f"{arguments['namespace'] or product.namespace}/{arguments['helm_release']}"
    provider = PROVIDERS.get(arguments["provider"])
    if provider:
        removal_plan = provider.plan_removal(product, arguments, check)
    else:
        removal_plan = removal.plan_removal(
            product, arguments["installed"], arguments["others"], arguments["remove_definitions"], release, check=check
        )
    return {
        **vars(removal_plan),
        "adopt": [removal.adoption_label(product)],
        "provider": arguments["provider"],
        "prune_selector": f"{RELEASE_LABEL}={product.name}",
    }


def _decide_installation(
    product: Product, target: Version, arguments: Mapping[str, Any], check: bool
) -> dict[str, Any]:
    """Return the decision on a product that this collection applies or gives to Helm, as a task result."""
    installed = arguments["installed"] or {**_NOTHING_INSTALLED, "kubernetes": ""}
    inventory_lock = _lock_file.read_lock_if_given(arguments["lock_file"])
    customized = _customize_product(product, target, arguments, inventory_lock)
    is_applied = arguments["provider"] == "manifest" and not _is_adopted_unchanged(installed, arguments)
    published_release = published.read_release(product, target, arguments, inventory_lock) if is_applied else None
    objects = customize_release(published_release.release, customized.customization) if published_release else []
    request = _build_request(product, target, arguments, check)
    decision = release_decision.decide_release(request, installed, read_tables(), objects)
    if published_release:
        decision.warnings.extend(published_release.warnings)
        decision.message = _join_sentences(decision.message, published_release.trust_note)
    is_existing = decision.provider == release_decision.EXISTING
    manifest_namespace = published_release.release.namespace if published_release else installed.get("namespace")
    namespace = customized.customization.namespace or manifest_namespace or product.namespace
    return {
        **decision.result_fields,
        "version": installed["version"] if is_existing else str(target),
        "namespace": namespace,
        "adopt": [product.name] if arguments["foreign"] == release_decision.TAKEOVER else [],
        "chart_values": _build_chart_values(product, target, arguments, customized)
        if decision.provider == "helm"
        else {},
        "dry_run": product.build_trials(namespace),
        "prune_selector": f"{RELEASE_LABEL}={product.name}",
        **_describe_objects(objects, customized.started_images),
        **_find_awaited_objects(objects, installed),
    }


def _describe_objects(objects: list[Manifest], started_images: Mapping[str, str]) -> dict[str, Any]:
    """Return the objects to apply, the images that the product needs, and its webhooks' hosts and certificate."""
    return {
        "manifests": objects,
        "images": sorted({*pinned_images.iter_workload_images(objects), *started_images.values()}),
        "certificate_hosts": list_webhook_hosts(objects),
        "certificate_secret": GENERATED_SECRET,
    }


def _find_awaited_objects(objects: list[Manifest], installed: Mapping[str, Any]) -> dict[str, Any]:
    """Return the workloads and webhooks to wait for: those of the manifests, or of what is installed."""
    if objects:
        return {"workloads": manifest.list_workloads(objects), "webhooks": manifest.list_webhooks(objects)}
    return {"workloads": installed.get("workloads", []), "webhooks": installed.get("webhooks", [])}


def _is_adopted_unchanged(installed: Mapping[str, Any], arguments: Mapping[str, Any]) -> bool:
    """Whether a release of another owner is adopted, which changes nothing of it."""
    return installed["installed"] and not installed["ours"] and arguments["foreign"] == release_decision.ADOPT


def _build_request(
    product: Product, target: Version, arguments: Mapping[str, Any], check: bool
) -> release_decision.ReleaseRequest:
    return release_decision.ReleaseRequest(
        product=product,
        provider=arguments["provider"],
        version=target,
        namespace=arguments["namespace"] or product.namespace,
        helm_release=arguments["helm_release"],
        foreign=arguments["foreign"],
        allow_skip=arguments["allow_skip"],
        strict=arguments["compatibility"] == "refuse",
        certificates=arguments["certificates"] if product.takes_certificates else "",
        check=check,
        collectors=tuple(arguments["collectors"]),
    )


class _CustomizedProduct(NamedTuple):
    """What to change in a release, and the images that the product starts by default, by name."""

    customization: Customization
    started_images: dict[str, str]


def _customize_product(
    product: Product, target: Version, arguments: Mapping[str, Any], inventory_lock: lock_file.Lock | None
) -> _CustomizedProduct:
    """Return what the options change in a release."""
    operator_images = pinned_images.OperatorImages({}, {})
    if product.starts_pods:
        operator_images = _choose_operator_images(target, arguments, inventory_lock)
    variables = {"WATCH_NAMESPACE": ",".join(arguments["watch_namespaces"])} if arguments["watch_namespaces"] else {}
    workload_specs = {name: {"type": "dict"} for name in arguments["workloads"]}
    check_shapes(arguments["workloads"], workload_specs, "workloads")
    tuning = {
        name: _arguments.validate_values(values, _TUNING_OPTIONS, f"workloads.{name}")
        for name, values in arguments["workloads"].items()
    }
    issuer = _arguments.validate_values(arguments["issuer"], _ISSUER_OPTIONS, "issuer") if arguments["issuer"] else {}
    certificate_source = CertificateSource(arguments["certificates"], issuer, arguments["ca_bundle"])
    customization = Customization(
        namespace=arguments["namespace"],
        leader_election_namespace=arguments["leader_election_namespace"],
        image_registry=arguments["image_registry"],
        pin=inventory_lock.pin_image if inventory_lock else lock_file.keep_unpinned,
        image_pull_secrets=arguments["image_pull_secrets"],
        flags=operator_images.flags,
        variables=variables,
        workloads=tuning,
        certificates=certificate_source if product.takes_certificates else CertificateSource(),
    )
    return _CustomizedProduct(customization, operator_images.started_images)


def _choose_operator_images(
    target: Version, arguments: Mapping[str, Any], inventory_lock: lock_file.Lock | None
) -> pinned_images.OperatorImages:
    own_images = {name: image for name, image in arguments["images"].items() if image}
    # Images that no object of the inventory needs are not locked.
    pin = inventory_lock.add_known_digest if inventory_lock else lock_file.keep_unpinned
    operator_images = pinned_images.choose_operator_images(
        str(target), arguments["image_registry"], own_images, read_tables(), pin
    )
    if arguments["feature_gates"]:
        operator_images.flags["feature-gates"] = ",".join(arguments["feature_gates"])
    return operator_images


def _build_chart_values(
    product: Product, target: Version, arguments: Mapping[str, Any], customized: _CustomizedProduct
) -> dict[str, Any]:
    """Return the values of the chart, with those of the user on top."""
    chart_images = _select_chart_images(arguments, customized.started_images)
    base_values = helm.build_chart_values(product, customized.customization, chart_images, target)
    return _merge_values(base_values, arguments["helm_values"])


def _select_chart_images(arguments: Mapping[str, Any], started_images: Mapping[str, str]) -> dict[str, str]:
    """Return the images that the chart's values must set: those that differ from its defaults."""
    if arguments["image_registry"]:
        return dict(started_images)
    return {name: image for name, image in started_images.items() if arguments["images"].get(name) or "@" in image}


def _find_chart_version(product: Product, target: Version) -> str:
    """Return the version of the chart; cert-manager's has the version of the product."""
    if not product.versions_its_chart:
        return target.tag
    tables = read_tables()
    known_operator = tables["operator"].get(str(target)) or tables["newer_operators"].get(str(target)) or {}
    return str(known_operator.get("chart", ""))


def _merge_values(base_values: Mapping[str, Any], user_values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a chart with the user's on top."""
    merged_values = dict(base_values)
    for key, value in user_values.items():
        are_mappings = isinstance(value, Mapping) and isinstance(merged_values.get(key), Mapping)
        merged_values[key] = _merge_values(merged_values[key], value) if are_mappings else value
    return merged_values


def build_provider_result(
    product: Product, arguments: Mapping[str, Any], decision: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the result of a provider: no manifests to apply, and the installed version."""
    installed = arguments["installed"]
    return {
        **_NOTHING_APPLIED,
        "dry_run": product.build_trials(decision["namespace"]),
        "prune_selector": f"{RELEASE_LABEL}={product.name}",
        "workloads": installed["workloads"],
        "webhooks": installed["webhooks"],
        **decision,
    }
