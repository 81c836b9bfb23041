# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read what of a product is in the cluster: two rounds of requests, each at once. Private."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..._kube.live.api_errors import asking, listing
from ..._kube.live.cluster import JSON, METADATA_LIST, PAGE, Cluster
from ..._kube.live.connect import connect, run
from ..._kube.live.kinds import ApiResource, ApiResources, version_for
from ..._otelcol.kube.names import RELEASE_LABEL
from ..._otelcol.kube.objects import Manifest
from ..releases import installed as found
from ..releases.manifest import DEFINITION, WEBHOOKS
from ..releases.products import Product, product

ARGUMENTS: dict[str, Any] = {
    "product": {"required": True, "choices": ["cert-manager", "opentelemetry-operator"]},
    "objects": {"type": "bool", "default": False},
}
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
ADMISSION = "/apis/admissionregistration.k8s.io/v1"
CONFIGURATIONS = {kind: f"{ADMISSION}/{kind.lower()}s" for kind in WEBHOOKS}
# The kinds of release manifests and charts, in which to look for objects of this collection.
KINDS = (
    *("Namespace", DEFINITION, "ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"),
    *("ConfigMap", "Secret", "Service", "Deployment", "NetworkPolicy", "PodDisruptionBudget"),
    *("Certificate", "Issuer", "OperatorGroup", "Subscription"),
)
METADATA = f"{METADATA_LIST},{JSON}"


def run_info(module: AnsibleModule) -> None:
    wanted = product(module.params["product"])

    def work() -> dict[str, Any]:
        cluster, asked = connect(module), module.params["eks_cluster"] or {}
        connection = {"server": cluster.server, "eks_cluster": asked.get("name", "")}
        return {"changed": False, **connection, **info(cluster, wanted, module.params["objects"])}

    run(module, work)


def info(cluster: Cluster, wanted: Product, objects: bool) -> dict[str, Any]:
    """Return what of a product is there. Raises Problem for what this user may not read but has to."""
    reader = _Reader(cluster, wanted)
    reads: list[Callable[[], Any]] = [
        *(reader.version, reader.deployments, reader.definitions, reader.configurations, reader.certificates)
    ]
    version, deployments, definitions, configurations, certificates = cluster.parallel(lambda read: read(), reads)
    installed = found.installation(wanted, deployments)
    crds = [found.definition(wanted, item) for item in definitions]
    resources = reader.resources(crds)
    return {
        **installed,
        "product": wanted.name,
        "kubernetes": version,
        "cert_manager": certificates,
        "crds": crds,
        "webhooks": found.webhooks([*configurations, *definitions], installed["namespace"]),
        "resources": resources,
        "collectors": found.collectors(resources),
        "objects": reader.objects() if objects else [],
        "denied": sorted(reader.denied),
        "warnings": reader.warnings,
    }


class _Reader:
    """The requests of one run. What may be missing is noted, what must be known is a Problem."""

    def __init__(self, cluster: Cluster, wanted: Product) -> None:
        self.cluster, self.product = cluster, wanted
        self.denied: set[str] = set()
        self.warnings: list[str] = []

    def version(self) -> str:
        """Return the version of the API server, such as v1.31.2."""
        answer = asking("Read the version of the cluster", lambda: self.cluster.request("GET", "/version"))
        return str(answer["gitVersion"])

    def deployments(self) -> list[Manifest]:
        """Return the Deployments that the product's labels select, in all namespaces."""
        query = {"labelSelector": self.product.selector}
        listed = asking("Look for the product", lambda: list(self.cluster.items("/apis/apps/v1/deployments", query)))
        return [{"apiVersion": "apps/v1", "kind": "Deployment", **item} for item in listed]

    def definitions(self) -> list[Manifest]:
        """Return the product's definitions that there are."""
        paths = [f"{DEFINITIONS}/{kind.definition}" for kind in self.product.kinds]
        read = asking("Read the definitions", lambda: self.cluster.parallel(self.cluster.get, paths))
        return [item for item in read if item]

    def configurations(self) -> list[Manifest]:
        """Return all webhook configurations; without them nothing but the readiness check is poorer."""
        configurations: list[Manifest] = []
        for kind, path in CONFIGURATIONS.items():
            listed = self._listed(path, {})
            if listed is None:
                plural = path.rpartition("/")[2]
                self.warnings.append(f"This user may not list {plural}, so their CA bundles are not checked")
            else:
                configurations += [{**configuration, "kind": kind} for configuration in listed]
        return configurations

    def certificates(self) -> bool:
        """Return whether the cluster serves the API of cert-manager."""
        return asking("Look for cert-manager", lambda: self.cluster.get("/apis/cert-manager.io/v1")) is not None

    def resources(self, crds: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the custom resources, each kind in the version that needs no conversion."""
        used = [definition for definition in crds if definition["kind"] in self.product.used]
        lists = self.cluster.parallel(self._resources_of, used)
        return [resource for resources in lists for resource in resources]

    def _resources_of(self, definition: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the custom resources of a definition; note its plural where this user may not list them."""
        kind = definition["kind"]
        api_version = f"{definition['group']}/{definition['storage_version']}"
        listed = self._listed(ApiResource(api_version, kind, definition["plural"], True).path(), {})
        if listed is None:
            self.denied.add(definition["plural"])
            return []
        named = {"apiVersion": api_version, "kind": kind}
        return [found.resource(self.product, kind, {**resource, **named}) for resource in listed]

    def objects(self) -> list[dict[str, str]]:
        """Return the names of all objects that have our label of this product."""
        known = ApiResources(self.cluster)
        api_resources = []
        for kind in KINDS:
            served = known.find(version_for(kind), kind)
            if served:
                api_resources.append(served)
        for kind in WEBHOOKS:
            api_resources.append(ApiResource("admissionregistration.k8s.io/v1", kind, f"{kind.lower()}s", False))
        lists = self.cluster.parallel(self._own_objects_of, api_resources)
        return [named for names in lists for named in names]

    def _own_objects_of(self, resource: ApiResource) -> list[dict[str, str]]:
        """Return the names of the objects of a kind that have our label; warn where this user may not list them."""
        query = {"labelSelector": f"{RELEASE_LABEL}={self.product.name}"}
        listed = self._listed(resource.path(), query, METADATA)
        if listed is None:
            self.warnings.append(f"This user may not list {resource.plural}, so some of them may stay")
            return []
        return [_named(resource, item) for item in listed]

    def _listed(self, path: str, query: dict[str, Any], accept: str = JSON) -> list[Manifest] | None:
        """Return the objects of a list, none where the kind is not served, or nothing when the user may not list it."""
        return listing(path.rpartition("/")[2], lambda: self._pages(path, query, accept))

    def _pages(self, path: str, query: dict[str, Any], accept: str) -> list[Manifest]:
        """Read page by page without patience: a broken conversion webhook stays broken while one waits."""
        result: list[Manifest] = []
        page_query = {"limit": PAGE, **query}
        while True:
            page = self.cluster.parsed("GET", path, page_query, {"Accept": accept}, patient=False)
            result.extend(page.get("items") or [])
            token = (page.get("metadata") or {}).get("continue") or ""
            if not token:
                return result
            page_query = {**page_query, "continue": token}


def _named(resource: ApiResource, item: Manifest) -> dict[str, str]:
    return {
        "api_version": resource.api_version,
        "kind": resource.kind,
        "namespace": item["metadata"].get("namespace", ""),
        "name": item["metadata"]["name"],
    }
