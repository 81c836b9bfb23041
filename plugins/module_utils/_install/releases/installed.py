# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of module release_info: a product's installation, definitions and custom resources in a cluster. Private.

The functions turn objects of the cluster into rows of that result. `live/release_info.py` reads the objects and joins
the rows to `FoundRelease`, from which `release_decision.py` and `removal.py` decide.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NotRequired, TypedDict

from ..._kube.ownership import is_applied_by, read_label, read_release_label
from ..._otelcol.config.paths import list_at, mapping_at
from ..._otelcol.errors import join_at_most
from ..._otelcol.kube.keepers import HELM_NAME, HELM_NAMESPACE
from ..._otelcol.kube.names import OWNER, OWNER_LABEL
from ..._otelcol.kube.objects import Manifest
from . import manifest
from .products import Product
from .version_numbers import parse_release_version

# The installers of a product. The same words are the values of the option `provider`.
HELM = "helm"
OLM = "olm"
EKS = "eks_addon"
# `kubectl apply`, this collection, or another tool that leaves no mark of its own.
MANIFEST = "manifest"
# Providers that install the named or the tested version; for others EKS, OLM or an administrator chooses it.
RELEASED_PROVIDERS = (MANIFEST, HELM)
# The label that has the ClusterServiceVersion which installed an object.
_OLM_OWNER = "olm.owner"
# The field manager of EKS add-ons (EKS user guide, "Determine fields you can customize for Amazon EKS add-ons").
_EKS_MANAGER = "eks"
_COMPONENT = "app.kubernetes.io/component"
_NAME = "app.kubernetes.io/name"


class Installer(TypedDict):
    """What installed an object."""

    by: str
    """`helm`, `olm`, `eks_addon` or `manifest`; empty if the product is not in the cluster."""
    name: str
    """The Helm release as NAMESPACE/NAME, or the ClusterServiceVersion of OLM; empty for any other installer."""


class Installation(TypedDict):
    """Where a product runs, in which version, and who installed it."""

    installed: bool
    ours: bool
    """Whether this collection installed it."""
    version: str
    """Such as 0.158.0; empty if it is not known."""
    namespace: str
    namespaces: list[str]
    """The namespaces of all its main Deployments; more than one is an error."""
    installer: Installer
    workloads: list[dict[str, str]]
    """Its Deployments, as module rollout_wait takes them."""


class DefinitionRow(TypedDict):
    """A CustomResourceDefinition of a product."""

    name: str
    """Such as instrumentations.opentelemetry.io."""
    group: str
    kind: str
    plural: str
    scope: str
    storage_version: str
    """The version in which the API server stores objects, such as v1beta1."""
    served_versions: list[str]
    stored_versions: list[str]
    """The versions in which objects may still be stored."""
    ours: bool
    installer: Installer
    lacks_release_label: NotRequired[bool]
    """Whether it has no release label of this collection, since OLM or EKS made it. Only plans of removals add it.

    Who adds the key: olm_removal.py to all definitions, and to versions and Deployments that OLM made (`ObjectRow`);
    addon.py of `plugin_utils/_release` to all definitions. removal.py gives a row of ours that lacks the label that of
    `removal_label`, so that the removal may delete it. A row that is not ours lacks it too, and is not deleted.
    """


class ResourceRow(TypedDict):
    """A custom resource of a product, such as an OpenTelemetryCollector."""

    kind: str
    api_version: str
    namespace: str
    name: str
    ours: bool
    release: bool
    """Whether it is a part of the product's own release."""
    finalizers: list[str]
    image: str
    version: str
    """The version that its operator gave it."""
    automatic: bool
    """Whether its operator upgrades it."""


class ObjectRow(TypedDict):
    """An object with the release label of the product."""

    api_version: str
    kind: str
    namespace: str
    name: str
    lacks_release_label: NotRequired[bool]
    """Whether OLM made it, without the release label of this collection: see `DefinitionRow`."""


class CollectorSummary(TypedDict):
    """The collectors under an operator: how many there are, and their values without repetition."""

    count: int
    versions: list[str]
    images: list[str]
    finalizers: list[str]


class FoundRelease(Installation):
    """The result of module release_info without its connection."""

    product: str
    kubernetes: str
    """The version of the API server, such as v1.34.4."""
    cert_manager: bool
    """Whether the cluster serves the API of cert-manager."""
    crds: list[DefinitionRow]
    webhooks: list[dict[str, str]]
    """The objects that call a Service of the product, as module admission_wait takes them."""
    resources: list[ResourceRow]
    collectors: CollectorSummary
    objects: list[ObjectRow]
    denied: list[str]
    """The kinds of custom resources that this user may not list, by plural."""
    warnings: list[str]


def find_installer(live_object: Manifest) -> Installer:
    """Return the installer of an object. A manifest is the installer of every object that has no other mark."""
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


def describe_installation(product: Product, deployments: Sequence[Manifest]) -> Installation:
    """Return the installation of a product, from its Deployments.

    If there are several main Deployments, the first one of this collection counts, else the first one of all.
    """
    main_deployments = [deployment for deployment in deployments if is_main_deployment(product, deployment)]
    if not main_deployments:
        return _describe_no_installation()
    main_deployments.sort(key=_namespace_and_name)
    own_deployments = [deployment for deployment in main_deployments if is_part_of(deployment, product)]
    main_deployment = own_deployments[0] if own_deployments else main_deployments[0]
    namespace = _namespace_of(main_deployment)
    all_namespaces = [_namespace_of(deployment) for deployment in main_deployments]
    local_deployments = [deployment for deployment in deployments if _namespace_of(deployment) == namespace]
    return {
        "installed": True,
        "ours": bool(own_deployments),
        "version": _find_version(product, main_deployment),
        "namespace": namespace,
        "namespaces": list(dict.fromkeys(all_namespaces)),
        "installer": find_installer(main_deployment),
        "workloads": manifest.list_workloads(local_deployments),
    }


def _describe_no_installation() -> Installation:
    """Return the row of a product that is not in the cluster."""
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
    """Return whether a Deployment runs the main component of a product.

    The name of its image says so, or its labels if the image is a custom build of another name.
    """
    component = manifest.find_component(product, deployment)
    if component:
        return component == product.main_component
    labels = mapping_at(deployment["metadata"], "labels")
    main_names = (product.name, product.components[product.main_component], *product.image_names)
    if labels.get(_NAME) not in main_names:
        return False
    return _COMPONENT not in labels or labels[_COMPONENT] in (product.main_component, "controller-manager")


def _namespace_of(deployment: Manifest) -> str:
    return str(deployment["metadata"]["namespace"])


def _namespace_and_name(deployment: Manifest) -> tuple[str, str]:
    return _namespace_of(deployment), deployment["metadata"]["name"]


def _find_version(product: Product, main_deployment: Manifest) -> str:
    """Return the version of a product, such as 0.158.0; empty if it is not known.

    Images of Red Hat have a digest and no tag. Then the name of the ClusterServiceVersion has the version, such as
    opentelemetry-operator.v0.140.0-2.
    """
    version = manifest.find_version(product, main_deployment)
    if version is None:
        csv_name = read_label(main_deployment, _OLM_OWNER)
        version = parse_release_version(re.sub(r"^.*?\.v", "", csv_name))
    return str(version or "")


def describe_definition(product: Product, live_definition: Manifest) -> DefinitionRow:
    """Return the row of a CustomResourceDefinition of a product."""
    spec = live_definition["spec"]
    versions = spec["versions"]
    return {
        "name": live_definition["metadata"]["name"],
        "group": spec["group"],
        "kind": spec["names"]["kind"],
        "plural": spec["names"]["plural"],
        "scope": spec["scope"],
        "storage_version": next(version["name"] for version in versions if version["storage"]),
        "served_versions": [version["name"] for version in versions if version["served"]],
        "stored_versions": list_at(live_definition, "status", "storedVersions"),
        "ours": is_part_of(live_definition, product) and is_applied_by(live_definition, OWNER),
        "installer": find_installer(live_definition),
    }


def list_calling_webhooks(live_objects: Iterable[Manifest], namespace: str) -> list[dict[str, str]]:
    """Return those webhook configurations and definitions that call a Service of a namespace."""
    calling_objects = []
    for live_object in live_objects:
        services = [mapping_at(client, "service") for client in manifest.iter_client_configs(live_object)]
        if any(service.get("namespace") == namespace for service in services):
            calling_objects.append(live_object)
    return manifest.list_webhooks(calling_objects)


def describe_resource(product: Product, kind: str, live_resource: Manifest) -> ResourceRow:
    """Return the row of a custom resource that matter before an upgrade or removal of its operator."""
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


def summarize_collectors(resources: Iterable[ResourceRow]) -> CollectorSummary:
    """Return a summary of the collectors among the custom resources of an operator."""
    count = 0
    versions: set[str] = set()
    images: set[str] = set()
    finalizers: set[str] = set()
    for resource in resources:
        if resource["kind"] == "OpenTelemetryCollector":
            count += 1
            versions.add(resource["version"])
            images.add(resource["image"])
            finalizers.update(resource["finalizers"])
    return {
        "count": count,
        "versions": sorted(versions - {""}),
        "images": sorted(images - {""}),
        "finalizers": sorted(finalizers),
    }


def join_object_names(resources: Iterable[ResourceRow], most_shown: int = 10) -> str:
    """Return the names of custom resources as messages show them, such as `Certificate ns/a, Issuer ns/b`."""
    full_names = []
    for resource in resources:
        namespace_prefix = f"{resource['namespace']}/" if resource["namespace"] else ""
        full_names.append(f"{resource['kind']} {namespace_prefix}{resource['name']}")
    return join_at_most(most_shown, full_names)
