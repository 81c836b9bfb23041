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
        return str(
            asking("Read the version of the cluster", lambda: self.cluster.request("GET", "/version"))["gitVersion"]
        )

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
        result: list[Manifest] = []
        for kind, path in CONFIGURATIONS.items():
            listed = self._listed(path, {})
            result.extend({**item, "kind": kind} for item in listed or [])
            if listed is None:
                self.warnings.append(
                    f"This user may not list {path.rpartition('/')[2]}, so their CA bundles are not checked"
                )
        return result

    def certificates(self) -> bool:
        """Return whether the cluster serves the API of cert-manager."""
        return asking("Look for cert-manager", lambda: self.cluster.get("/apis/cert-manager.io/v1")) is not None

    def resources(self, crds: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the custom resources, each kind in the version that needs no conversion."""
        used = [item for item in crds if item["kind"] in self.product.used]

        def read(item: dict[str, Any]) -> list[dict[str, Any]]:
            resource = ApiResource(f"{item['group']}/{item['storage_version']}", item["kind"], item["plural"], True)
            listed = self._listed(resource.path(), {})
            if listed is None:
                self.denied.add(item["plural"])
            named = {"apiVersion": resource.api_version, "kind": resource.kind}
            return [found.resource(self.product, item["kind"], {**one, **named}) for one in listed or []]

        return [one for listed in self.cluster.parallel(read, used) for one in listed]

    def objects(self) -> list[dict[str, str]]:
        """Return the names of all objects that have our label of this product."""
        resources = [
            resource for kind in KINDS if (resource := ApiResources(self.cluster).find(version_for(kind), kind))
        ]
        resources += [
            ApiResource("admissionregistration.k8s.io/v1", kind, f"{kind.lower()}s", False) for kind in WEBHOOKS
        ]

        def read(resource: ApiResource) -> list[dict[str, str]]:
            listed = self._listed(resource.path(), {"labelSelector": f"{RELEASE_LABEL}={self.product.name}"}, METADATA)
            if listed is None:
                self.warnings.append(f"This user may not list {resource.plural}, so some of them may stay")
            return [_named(resource, item) for item in listed or []]

        return [one for listed in self.cluster.parallel(read, resources) for one in listed]

    def _listed(self, path: str, query: dict[str, Any], accept: str = JSON) -> list[Manifest] | None:
        """Return the objects of a list, none where the kind is not served, or nothing when the user may not list it."""
        return listing(path.rpartition("/")[2], lambda: self._pages(path, query, accept))

    def _pages(self, path: str, query: dict[str, Any], accept: str) -> list[Manifest]:
        """Read page by page without patience: a broken conversion webhook stays broken while one waits."""
        result: list[Manifest] = []
        token = ""
        while True:
            more = {"limit": PAGE, **query} | ({"continue": token} if token else {})
            page = self.cluster.parsed("GET", path, more, {"Accept": accept}, patient=False)
            result.extend(page.get("items") or [])
            token = (page.get("metadata") or {}).get("continue") or ""
            if not token:
                return result


def _named(resource: ApiResource, item: Manifest) -> dict[str, str]:
    return {
        "api_version": resource.api_version,
        "kind": resource.kind,
        "namespace": item["metadata"].get("namespace", ""),
        "name": item["metadata"]["name"],
    }
