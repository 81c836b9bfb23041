# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Detection of a product in a cluster: its objects and its installer. Private."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..._kube.ownership import applied_by, label_of, release_of
from ..._otelcol.config.paths import items, section
from ..._otelcol.errors import at_most
from ..._otelcol.kube.keepers import HELM_NAME, HELM_NAMESPACE
from ..._otelcol.kube.names import OWNER, OWNER_LABEL
from ..._otelcol.kube.objects import Manifest
from . import manifest
from .products import Product
from .version_numbers import read

HELM, OLM, EKS, MANIFEST = "helm", "olm", "eks_addon", "manifest"
# Providers that install the named or the tested version; for others EKS, OLM or an administrator chooses it.
RELEASED = (MANIFEST, HELM)
_OLM_OWNER = "olm.owner"
# The field manager of EKS add-ons (EKS user guide, "Determine fields you can customize for Amazon EKS add-ons").
_EKS_MANAGER = "eks"
_COMPONENT = "app.kubernetes.io/component"
_NAME = "app.kubernetes.io/name"


def installer(item: Manifest) -> dict[str, str]:
    """Return the installer of an object and its name: a Helm release, a CSV, or nothing."""
    metadata = item["metadata"]
    labels = section(metadata, "labels")
    annotations = section(metadata, "annotations")
    if _OLM_OWNER in labels or "olm.managed" in labels:
        return {"by": OLM, "name": labels.get(_OLM_OWNER, "")}
    if HELM_NAME in annotations:
        return {"by": HELM, "name": f"{annotations.get(HELM_NAMESPACE, '')}/{annotations[HELM_NAME]}"}
    managed_fields = items(metadata, "managedFields")
    managers = {entry.get("manager") for entry in managed_fields}
    if _EKS_MANAGER in managers:
        return {"by": EKS, "name": ""}
    return {"by": MANIFEST, "name": ""}


def is_release(item: Manifest, product: Product) -> bool:
    """Return whether this collection installed an object as a part of a product."""
    return release_of(item) == product.name


def installation(product: Product, deployments: Sequence[Manifest]) -> dict[str, Any]:
    """Return namespace, version and installer of a product from its Deployments."""
    mains = sorted((deployment for deployment in deployments if is_main(product, deployment)), key=_place)
    if not mains:
        return _no_installation()
    ours = [deployment for deployment in mains if is_release(deployment, product)]
    main = (ours or mains)[0]
    namespace = main["metadata"]["namespace"]
    beside_main = [deployment for deployment in deployments if deployment["metadata"]["namespace"] == namespace]
    return {
        "installed": True,
        "ours": bool(ours),
        "version": _version(product, main),
        "namespace": namespace,
        "namespaces": list(dict.fromkeys(deployment["metadata"]["namespace"] for deployment in mains)),
        "installer": installer(main),
        "workloads": manifest.workloads(beside_main),
    }


def _no_installation() -> dict[str, Any]:
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


def is_main(product: Product, item: Manifest) -> bool:
    """Return whether a Deployment is the product's main one, by its image or, in custom builds, its labels."""
    component = manifest.component(product, item)
    if component:
        return component == product.main
    labels = section(item["metadata"], "labels")
    if labels.get(_NAME) not in (product.name, product.components[product.main], *product.builds):
        return False
    return _COMPONENT not in labels or labels[_COMPONENT] in (product.main, "controller-manager")


def _place(item: Manifest) -> tuple[str, str]:
    return item["metadata"]["namespace"], item["metadata"]["name"]


def _version(product: Product, main: Manifest) -> str:
    """Return the version; images of Red Hat have digests for tags, and the name of the CSV has the version."""
    version = manifest.version_of(product, main)
    if version is None:
        csv_name = label_of(main, _OLM_OWNER)
        version = read(re.sub(r"^.*?\.v", "", csv_name))
    return str(version or "")


def definition(product: Product, item: Manifest) -> dict[str, Any]:
    """Return what there is to know about a CustomResourceDefinition."""
    spec = item["spec"]
    return {
        "name": item["metadata"]["name"],
        "group": spec["group"],
        "kind": spec["names"]["kind"],
        "plural": spec["names"]["plural"],
        "scope": spec["scope"],
        "storage_version": next(version["name"] for version in spec["versions"] if version["storage"]),
        "served_versions": [version["name"] for version in spec["versions"] if version["served"]],
        "stored_versions": items(item, "status", "storedVersions"),
        "ours": is_release(item, product) and applied_by(item, OWNER),
        "installer": installer(item),
    }


def webhooks(configurations: Iterable[Manifest], namespace: str) -> list[dict[str, str]]:
    """Return the configurations and definitions that call services of a namespace."""
    calling = []
    for configuration in configurations:
        services = [section(client, "service") for client in manifest.client_configs(configuration)]
        if any(service.get("namespace") == namespace for service in services):
            calling.append(configuration)
    return manifest.webhooks(calling)


def resource(product: Product, kind: str, item: Manifest) -> dict[str, Any]:
    """Return the facts about a custom resource that matter before an upgrade or removal of its operator."""
    metadata = item["metadata"]
    spec = section(item, "spec")
    status = section(item, "status")
    has_our_label = section(metadata, "labels").get(OWNER_LABEL) == OWNER
    is_left_alone = spec.get("managementState") == "unmanaged" or spec.get("upgradeStrategy") == "none"
    return {
        "kind": kind,
        "api_version": item["apiVersion"],
        "namespace": metadata.get("namespace", ""),
        "name": metadata["name"],
        "ours": has_our_label and applied_by(item, OWNER),
        "release": is_release(item, product),
        "finalizers": items(metadata, "finalizers"),
        "image": spec.get("image") or "",
        "version": status.get("version") or "",
        "automatic": not is_left_alone,
    }


def collectors(resources: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
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


def names_of(items: Iterable[Mapping[str, Any]], most: int = 10) -> str:
    """Return the names of some objects as messages show them."""
    names = []
    for facts in items:
        place = f"{facts['namespace']}/" if facts["namespace"] else ""
        names.append(f"{facts['kind']} {place}{facts['name']}")
    return at_most(most, names)
