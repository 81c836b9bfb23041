# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Detection of a product in a cluster: its objects and its installer. Private."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..._kube.ownership import is_applied_by, read_label, read_release_label
from ..._otelcol.config.paths import list_at, mapping_at
from ..._otelcol.errors import join_at_most
from ..._otelcol.kube.keepers import HELM_NAME, HELM_NAMESPACE
from ..._otelcol.kube.names import OWNER, OWNER_LABEL
from ..._otelcol.kube.objects import Manifest
from . import manifest
from .products import Product
from .version_numbers import parse_version

HELM, OLM, EKS, MANIFEST = "helm", "olm", "eks_addon", "manifest"
# Providers that install the named or the tested version; for others EKS, OLM or an administrator chooses it.
RELEASED_PROVIDERS = (MANIFEST, HELM)
_OLM_OWNER = "olm.owner"
# The field manager of EKS add-ons (EKS user guide, "Determine fields you can customize for Amazon EKS add-ons").
_EKS_MANAGER = "eks"
_COMPONENT = "app.kubernetes.io/component"
_NAME = "app.kubernetes.io/name"


def find_installer(live_object: Manifest) -> dict[str, str]:
    """Return the installer of an object and its name: a Helm release, a CSV, or nothing."""
    metadata = live_object["metadata"]
    labels = mapping_at(metadata, "labels")
    annotations = mapping_at(metadata, "annotations")
    if _OLM_OWNER in labels or "olm.managed" in labels:
        return {"by": OLM, "name": labels.get(_OLM_OWNER, "")}
    if HELM_NAME in annotations:
        return {"by": HELM, "name": f"{annotations.get(HELM_NAMESPACE, '')}/{annotations[HELM_NAME]}"}
    managed_fields = list_at(metadata, "managedFields")
    managers = {entry.get("manager") for entry in managed_fields}
    if _EKS_MANAGER in managers:
        return {"by": EKS, "name": ""}
    return {"by": MANIFEST, "name": ""}


def is_part_of(live_object: Manifest, product: Product) -> bool:
    """Return whether this collection installed an object as a part of a product."""
    return read_release_label(live_object) == product.name


def describe_installation(product: Product, deployments: Sequence[Manifest]) -> dict[str, Any]:
    """Return namespace, version and installer of a product from its Deployments."""
    main_deployments = sorted(
        (deployment for deployment in deployments if is_main_deployment(product, deployment)), key=_sort_key
    )
    if not main_deployments:
        return _describe_no_installation()
    own_deployments = [deployment for deployment in main_deployments if is_part_of(deployment, product)]
    main_deployment = (own_deployments or main_deployments)[0]
    namespace = main_deployment["metadata"]["namespace"]
    local_deployments = [deployment for deployment in deployments if deployment["metadata"]["namespace"] == namespace]
    return {
        "installed": True,
        "ours": bool(own_deployments),
        "version": _find_version(product, main_deployment),
        "namespace": namespace,
        "namespaces": list(dict.fromkeys(deployment["metadata"]["namespace"] for deployment in main_deployments)),
        "installer": find_installer(main_deployment),
        "workloads": manifest.list_workloads(local_deployments),
    }


def _describe_no_installation() -> dict[str, Any]:
    """Return the facts of a product that is not in the cluster."""
    return {
        "installed": False,
        "ours": False,
        "version": "",
        "namespace": "",
        "namespaces": [],
        "installer": {"by": "", "name": ""},
        "workloads": [],
    }


def is_main_deployment(product: Product, deployment: Manifest) -> bool:
    """Return whether a Deployment is the product's main one, by its image or, in custom builds, its labels."""
    component = manifest.find_component(product, deployment)
    if component:
        return component == product.main_component
    labels = mapping_at(deployment["metadata"], "labels")
    if labels.get(_NAME) not in (product.name, product.components[product.main_component], *product.image_names):
        return False
    return _COMPONENT not in labels or labels[_COMPONENT] in (product.main_component, "controller-manager")


def _sort_key(deployment: Manifest) -> tuple[str, str]:
    return deployment["metadata"]["namespace"], deployment["metadata"]["name"]


def _find_version(product: Product, main_deployment: Manifest) -> str:
    """Return the version; images of Red Hat have digests for tags, and the name of the CSV has the version."""
    version = manifest.find_version(product, main_deployment)
    if version is None:
        csv_name = read_label(main_deployment, _OLM_OWNER)
        version = parse_version(re.sub(r"^.*?\.v", "", csv_name))
    return str(version or "")


def describe_definition(product: Product, live_definition: Manifest) -> dict[str, Any]:
    """Return what there is to know about a CustomResourceDefinition."""
    spec = live_definition["spec"]
    return {
        "name": live_definition["metadata"]["name"],
        "group": spec["group"],
        "kind": spec["names"]["kind"],
        "plural": spec["names"]["plural"],
        "scope": spec["scope"],
        "storage_version": next(version["name"] for version in spec["versions"] if version["storage"]),
        "served_versions": [version["name"] for version in spec["versions"] if version["served"]],
        "stored_versions": list_at(live_definition, "status", "storedVersions"),
        "ours": is_part_of(live_definition, product) and is_applied_by(live_definition, OWNER),
        "installer": find_installer(live_definition),
    }


def list_calling_webhooks(configurations: Iterable[Manifest], namespace: str) -> list[dict[str, str]]:
    """Return the configurations and definitions that call services of a namespace."""
    calling_objects = []
    for configuration in configurations:
        services = [mapping_at(client, "service") for client in manifest.iter_client_configs(configuration)]
        if any(service.get("namespace") == namespace for service in services):
            calling_objects.append(configuration)
    return manifest.list_webhooks(calling_objects)


def describe_resource(product: Product, kind: str, live_resource: Manifest) -> dict[str, Any]:
    """Return the facts about a custom resource that matter before an upgrade or removal of its operator."""
    metadata = live_resource["metadata"]
    spec = mapping_at(live_resource, "spec")
    status = mapping_at(live_resource, "status")
    has_our_label = mapping_at(metadata, "labels").get(OWNER_LABEL) == OWNER
    is_left_alone = spec.get("managementState") == "unmanaged" or spec.get("upgradeStrategy") == "none"
    return {
        "kind": kind,
        "api_version": live_resource["apiVersion"],
        "namespace": metadata.get("namespace", ""),
        "name": metadata["name"],
        "ours": has_our_label and is_applied_by(live_resource, OWNER),
        "release": is_part_of(live_resource, product),
        "finalizers": list_at(metadata, "finalizers"),
        "image": spec.get("image") or "",
        "version": status.get("version") or "",
        "automatic": not is_left_alone,
    }


def summarize_collectors(resources: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the collectors under an operator in short."""
    count = 0
    versions: set[str] = set()
    images: set[str] = set()
    finalizers: set[str] = set()
    for facts in resources:
        if facts["kind"] == "OpenTelemetryCollector":
            count += 1
            versions.add(facts["version"])
            images.add(facts["image"])
            finalizers.update(facts["finalizers"])
    return {
        "count": count,
        "versions": sorted(versions - {""}),
        "images": sorted(images - {""}),
        "finalizers": sorted(finalizers),
    }


def join_object_names(object_facts: Iterable[Mapping[str, Any]], most_shown: int = 10) -> str:
    """Return the names of some objects as messages show them."""
    full_names = []
    for facts in object_facts:
        namespace_prefix = f"{facts['namespace']}/" if facts["namespace"] else ""
        full_names.append(f"{facts['kind']} {namespace_prefix}{facts['name']}")
    return join_at_most(most_shown, full_names)
