# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module release_info: it reads the installation, the definitions and the custom resources of a product. Private.

The reads go out in two rounds, and those of a round at the same time. `releases/installed.py` turns the answers into
the rows of the result. A product is cert-manager or the operator, a definition a CustomResourceDefinition. If this user
may not list custom resources of a kind, `denied` has the plural of the kind, which may stop a removal; what matters
less is a text in `warnings`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..._kube.live.api_errors import ask_server, list_if_allowed
from ..._kube.live.cluster import JSON, METADATA_LIST, PAGE_SIZE, Cluster
from ..._kube.live.connect import connect
from ..._kube.live.kinds import ApiResource, ApiResources, default_api_version
from ..._kube.live.task_end import run
from ..._otelcol.kube.names import RELEASE_LABEL
from ..._otelcol.kube.objects import Manifest
from ..releases import installed
from ..releases.installed import DefinitionFacts, ObjectFacts, ReleaseFacts, ResourceFacts
from ..releases.manifest import DEFINITION, WEBHOOKS
from ..releases.products import Product, find_product

ARGUMENTS: dict[str, Any] = {
    "product": {"required": True, "choices": ["cert-manager", "opentelemetry-operator"]},
    "objects": {"type": "bool", "default": False},
}
DEFINITIONS_PATH = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
ADMISSION_PATH = "/apis/admissionregistration.k8s.io/v1"
CONFIGURATION_PATHS = {kind: f"{ADMISSION_PATH}/{kind.lower()}s" for kind in WEBHOOKS}
# The kinds of release manifests and charts, in which to look for objects of this collection.
SEARCHED_KINDS = (
    *("Namespace", DEFINITION, "ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"),
    *("ConfigMap", "Secret", "Service", "Deployment", "NetworkPolicy", "PodDisruptionBudget"),
    *("Certificate", "Issuer", "OperatorGroup", "Subscription"),
)
# Asks for the metadata alone; a server that cannot do that sends whole objects.
METADATA_ACCEPT = f"{METADATA_LIST},{JSON}"


def run_info(module: AnsibleModule) -> None:
    """Run module release_info, and exit with what the cluster has of a product."""
    wanted_product = find_product(module.params["product"])

    def read_facts() -> dict[str, Any]:
        cluster, eks_cluster = connect(module), module.params["eks_cluster"] or {}
        connection = {"server": cluster.server, "eks_cluster": eks_cluster.get("name", "")}
        return {"changed": False, **connection, **read_release_facts(cluster, wanted_product, module.params["objects"])}

    run(module, read_facts)


def read_release_facts(cluster: Cluster, wanted_product: Product, lists_objects: bool) -> ReleaseFacts:
    """Return the facts about a product in a cluster. Raises Problem if this user may not read what it takes.

    `lists_objects` asks for the names of all its objects too, which a removal needs.
    """
    reader = _ReleaseReader(cluster, wanted_product)
    # The answers below are unpacked in the order of these reads.
    reads: list[Callable[[], Any]] = [
        reader.read_version,
        reader.list_deployments,
        reader.list_definitions,
        reader.list_webhook_configs,
        reader.serves_cert_manager,
    ]
    answers = cluster.call_in_parallel(lambda read: read(), reads)
    version, deployments, definitions, configurations, serves_cert_manager = answers
    installation = installed.describe_installation(wanted_product, deployments)
    crds = [installed.describe_definition(wanted_product, manifest) for manifest in definitions]
    resources = reader.list_custom_resources(crds)
    return {
        **installation,
        "product": wanted_product.name,
        "kubernetes": version,
        "cert_manager": serves_cert_manager,
        "crds": crds,
        "webhooks": installed.list_calling_webhooks([*configurations, *definitions], installation["namespace"]),
        "resources": resources,
        "collectors": installed.summarize_collectors(resources),
        "objects": reader.list_objects() if lists_objects else [],
        "denied": sorted(reader.denied),
        "warnings": reader.warnings,
    }


class _ReleaseReader:
    """The requests of one run.

    If this user may not read a list that the result can do without, `denied` or `warnings` says so. Any other refusal
    is a Problem.
    """

    def __init__(self, cluster: Cluster, wanted_product: Product) -> None:
        self.cluster, self.product = cluster, wanted_product
        self.denied: set[str] = set()
        self.warnings: list[str] = []

    def read_version(self) -> str:
        """Return the version of the API server, such as v1.31.2."""
        answer = ask_server("Read the version of the cluster", lambda: self.cluster.request("GET", "/version"))
        return str(answer["gitVersion"])

    def list_deployments(self) -> list[Manifest]:
        """Return the Deployments that the product's labels select, in all namespaces."""
        query = {"labelSelector": self.product.label_selector}
        manifests = ask_server(
            "Look for the product", lambda: list(self.cluster.items("/apis/apps/v1/deployments", query))
        )
        return [{"apiVersion": "apps/v1", "kind": "Deployment", **manifest} for manifest in manifests]

    def list_definitions(self) -> list[Manifest]:
        """Return those definitions of the product that the cluster has."""
        paths = [f"{DEFINITIONS_PATH}/{kind.definition_name}" for kind in self.product.kinds]
        answers = ask_server("Read the definitions", lambda: self.cluster.call_in_parallel(self.cluster.get, paths))
        return [answer for answer in answers if answer]

    def list_webhook_configs(self) -> list[Manifest]:
        """Return all webhook configurations of the cluster. A list that this user may not read is left out."""
        configurations: list[Manifest] = []
        for kind, path in CONFIGURATION_PATHS.items():
            manifests = self._list_if_allowed(path, {})
            if manifests is None:
                plural = path.rpartition("/")[2]
                self.warnings.append(f"This user may not list {plural}, so their CA bundles are not checked")
            else:
                configurations += [{**configuration, "kind": kind} for configuration in manifests]
        return configurations

    def serves_cert_manager(self) -> bool:
        """Return whether the cluster serves the API of cert-manager."""
        return ask_server("Look for cert-manager", lambda: self.cluster.get("/apis/cert-manager.io/v1")) is not None

    def list_custom_resources(self, crds: list[DefinitionFacts]) -> list[ResourceFacts]:
        """Return the custom resources of the kinds that people make.

        Each kind is read in the version in which it is stored, so that no conversion webhook has to answer.
        """
        used_definitions = [definition for definition in crds if definition["kind"] in self.product.used_kinds]
        lists = self.cluster.call_in_parallel(self._list_resources, used_definitions)
        return [resource for resources in lists for resource in resources]

    def _list_resources(self, definition: DefinitionFacts) -> list[ResourceFacts]:
        """Return the custom resources of a definition; if this user may not list them, note its plural as denied."""
        kind = definition["kind"]
        api_version = f"{definition['group']}/{definition['storage_version']}"
        resource = ApiResource(api_version, kind, definition["plural"], is_namespaced=True)
        manifests = self._list_if_allowed(resource.build_path(), {})
        if manifests is None:
            self.denied.add(definition["plural"])
            return []
        type_fields = {"apiVersion": api_version, "kind": kind}
        return [installed.describe_resource(self.product, kind, {**manifest, **type_fields}) for manifest in manifests]

    def list_objects(self) -> list[ObjectFacts]:
        """Return the names of all objects that have our label of this product."""
        served_resources = ApiResources(self.cluster)
        api_resources = []
        for kind in SEARCHED_KINDS:
            api_resource = served_resources.find_resource(default_api_version(kind), kind)
            if api_resource:
                api_resources.append(api_resource)
        for kind in WEBHOOKS:
            api_resources.append(
                ApiResource("admissionregistration.k8s.io/v1", kind, f"{kind.lower()}s", is_namespaced=False)
            )
        lists = self.cluster.call_in_parallel(self._list_own_objects, api_resources)
        return [object_name for object_names in lists for object_name in object_names]

    def _list_own_objects(self, resource: ApiResource) -> list[ObjectFacts]:
        """Return the names of the objects of a kind that have our label; warn where this user may not list them."""
        query = {"labelSelector": f"{RELEASE_LABEL}={self.product.name}"}
        manifests = self._list_if_allowed(resource.build_path(), query, METADATA_ACCEPT)
        if manifests is None:
            self.warnings.append(f"This user may not list {resource.plural}, so some of them may stay")
            return []
        return [_describe_object(resource, manifest) for manifest in manifests]

    def _list_if_allowed(self, path: str, query: dict[str, Any], accept: str = JSON) -> list[Manifest] | None:
        """Return the objects of a list, none if the kind is not served; None if this user may not list them."""
        return list_if_allowed(path.rpartition("/")[2], lambda: self._read_pages(path, query, accept))

    def _read_pages(self, path: str, query: dict[str, Any], accept: str) -> list[Manifest]:
        """Return the objects of all pages of a list.

        An error is not tried again, because a broken conversion webhook stays broken while one waits.
        """
        result: list[Manifest] = []
        page_query = {"limit": PAGE_SIZE, **query}
        while True:
            page = self.cluster.request_json("GET", path, page_query, {"Accept": accept}, patient=False)
            result.extend(page.get("items") or [])
            token = (page.get("metadata") or {}).get("continue") or ""
            if not token:
                return result
            page_query = {**page_query, "continue": token}


def _describe_object(resource: ApiResource, manifest: Manifest) -> ObjectFacts:
    """Return the name of an object of which only the metadata were read."""
    return {
        "api_version": resource.api_version,
        "kind": resource.kind,
        "namespace": manifest["metadata"].get("namespace", ""),
        "name": manifest["metadata"]["name"],
    }
