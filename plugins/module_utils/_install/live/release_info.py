# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module release_info: what a cluster has of cert-manager or of the operator, whoever installed it. Private.

Action release_render decides from the result. The reads go out in two rounds, those of a round at the same time. The
first round reads the installation and its CustomResourceDefinitions (definitions), the second one the custom resources
of the definitions that are there. `releases/installed.py` turns the answers into the rows of the result, for example:

    {installed: true, ours: true, version: 1.21.2, namespace: cert-manager, resources: [{kind: Issuer, …}], …}

If this user may not list custom resources of a kind, `denied` has its plural, which may stop a removal. What
matters less is a text in `warnings`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from ansible.module_utils.basic import AnsibleModule

from ..._kube.live.api_errors import ask_server, list_if_allowed
from ..._kube.live.cluster import JSON, METADATA_LIST, PAGE_SIZE, SERVER_ERROR, ApiError, Cluster
from ..._kube.live.connect import connect
from ..._kube.live.kinds import ApiResource, ApiResources, default_api_version
from ..._kube.live.task_end import run
from ..._otelcol.kube.names import RELEASE_LABEL
from ..._otelcol.kube.objects import Manifest
from ..releases import installed
from ..releases.installed import DefinitionRow, FoundRelease, ObjectRow, ResourceRow
from ..releases.manifest import DEFINITION, WEBHOOKS
from ..releases.products import Product, find_product

ARGUMENTS: dict[str, Any] = {
    "product": {"required": True, "choices": ["cert-manager", "opentelemetry-operator"]},
    "objects": {"type": "bool", "default": False},
}
# Where the API server keeps the objects that the first round reads.
DEFINITIONS_PATH = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
ADMISSION_PATH = "/apis/admissionregistration.k8s.io/v1"
CONFIGURATION_PATHS = {kind: f"{ADMISSION_PATH}/{kind.lower()}s" for kind in WEBHOOKS}
# The kinds of release manifests and charts, in which to look for objects of this collection.
SEARCHED_KINDS = (
    "Namespace",
    DEFINITION,
    "ServiceAccount",
    "ClusterRole",
    "ClusterRoleBinding",
    "Role",
    "RoleBinding",
    "ConfigMap",
    "Secret",
    "Service",
    "Deployment",
    "NetworkPolicy",
    "PodDisruptionBudget",
    "Certificate",
    "Issuer",
    "OperatorGroup",
    "Subscription",
)
# Asks for the metadata alone; a server that cannot do that sends whole objects.
METADATA_ACCEPT = f"{METADATA_LIST},{JSON}"


Listed = TypeVar("Listed")


def run_info(module: AnsibleModule) -> None:
    """Run module release_info, and exit with what the cluster has of a product."""
    wanted_product = find_product(module.params["product"])

    def read_facts() -> dict[str, Any]:
        cluster, eks_cluster = connect(module), module.params["eks_cluster"] or {}
        connection = {"server": cluster.server, "eks_cluster": eks_cluster.get("name", "")}
        found = read_installation(cluster, wanted_product, lists_objects=module.params["objects"])
        return {"changed": False, **connection, **found}

    run(module, read_facts)


class _PartialList(NamedTuple, Generic[Listed]):
    """What several lists have together, without those that this user may not read."""

    items: list[Listed]
    denied_plurals: list[str]
    """The plurals of the kinds that this user may not list."""


class _FirstRound(NamedTuple):
    """The answers of the first round."""

    version: str
    """The version of the API server, such as v1.31.2."""
    deployments: list[Manifest]
    """The Deployments that the product's labels select, in all namespaces."""
    definitions: list[Manifest]
    """The definitions of the product that the cluster has."""
    webhook_configs: _PartialList[Manifest]
    serves_cert_manager: bool


def read_installation(cluster: Cluster, wanted_product: Product, *, lists_objects: bool) -> FoundRelease:
    """Return what a cluster has of a product. Raises Problem if this user may not read what it takes.

    `lists_objects` asks for the names of all its objects too, which a removal needs.
    """
    reader = _ReleaseReader(cluster, wanted_product)
    answers = reader.read_first_round()
    installation = installed.describe_installation(wanted_product, answers.deployments)
    crds = [installed.describe_definition(wanted_product, manifest) for manifest in answers.definitions]
    resources = reader.list_custom_resources(crds)
    objects = reader.list_objects() if lists_objects else _PartialList([], [])
    calling_objects = [*answers.webhook_configs.items, *answers.definitions]
    return {
        **installation,
        "product": wanted_product.name,
        "kubernetes": answers.version,
        "cert_manager": answers.serves_cert_manager,
        "crds": crds,
        "webhooks": installed.list_calling_webhooks(calling_objects, installation["namespace"]),
        "resources": resources.items,
        "collectors": installed.summarize_collectors(resources.items),
        "objects": objects.items,
        "denied": sorted(resources.denied_plurals),
        "warnings": list(_list_warnings(answers.webhook_configs.denied_plurals, objects.denied_plurals)),
    }


def _list_warnings(denied_webhook_configs: Sequence[str], denied_objects: Sequence[str]) -> Iterator[str]:
    """Yield what is not known, as this user may not list it, and matters less. Both have plurals of kinds."""
    for plural in denied_webhook_configs:
        yield f"This user may not list {plural}, so their CA bundles are not checked"
    for plural in denied_objects:
        yield f"This user may not list {plural}, so some of them may stay"


class _ReleaseReader:
    """The requests of one run. A refusal of a request that the result cannot do without is a Problem."""

    def __init__(self, cluster: Cluster, wanted_product: Product) -> None:
        self.cluster = cluster
        self.product = wanted_product

    def read_first_round(self) -> _FirstRound:
        """Return what needs no other answer."""
        reads = (
            self._read_version,
            self._list_deployments,
            self._list_definitions,
            self._list_webhook_configs,
            self._serves_cert_manager,
        )
        answers: list[Any] = self.cluster.call_in_parallel(lambda read: read(), reads)
        version, deployments, definitions, webhook_configs, serves_cert_manager = answers
        return _FirstRound(
            version=version,
            deployments=deployments,
            definitions=definitions,
            webhook_configs=webhook_configs,
            serves_cert_manager=serves_cert_manager,
        )

    def _read_version(self) -> str:
        """Return the version of the API server, such as v1.31.2."""
        answer = ask_server("Read the version of the cluster", lambda: self.cluster.request("GET", "/version"))
        return str(answer["gitVersion"])

    def _list_deployments(self) -> list[Manifest]:
        """Return the Deployments that the product's labels select, in all namespaces."""
        query = {"labelSelector": self.product.label_selector}
        manifests = ask_server(
            "Look for the product", lambda: list(self.cluster.items("/apis/apps/v1/deployments", query))
        )
        return [{"apiVersion": "apps/v1", "kind": "Deployment", **manifest} for manifest in manifests]

    def _list_definitions(self) -> list[Manifest]:
        """Return those definitions of the product that the cluster has."""
        paths = [f"{DEFINITIONS_PATH}/{kind.definition_name}" for kind in self.product.kinds]
        answers = ask_server("Read the definitions", lambda: self.cluster.call_in_parallel(self.cluster.get, paths))
        return [answer for answer in answers if answer]

    def _list_webhook_configs(self) -> _PartialList[Manifest]:
        """Return all webhook configurations of the cluster."""
        lists = [self._list_configs_of_kind(kind, path) for kind, path in CONFIGURATION_PATHS.items()]
        return _join_lists([path.rpartition("/")[2] for path in CONFIGURATION_PATHS.values()], lists)

    def _list_configs_of_kind(self, kind: str, path: str) -> list[Manifest] | None:
        """Return the webhook configurations of a kind; None if this user may not list them."""
        manifests = self._list_if_allowed(path, {})
        if manifests is None:
            return None
        # The items of a list have no kind.
        return [{**configuration, "kind": kind} for configuration in manifests]

    def _serves_cert_manager(self) -> bool:
        """Return whether the cluster serves the API of cert-manager."""
        return ask_server("Look for cert-manager", lambda: self.cluster.get("/apis/cert-manager.io/v1")) is not None

    def list_custom_resources(self, crds: list[DefinitionRow]) -> _PartialList[ResourceRow]:
        """Return the custom resources of the kinds that people make.

        Each kind is read in the version in which it is stored, so that no conversion webhook has to answer.
        """
        used_definitions = [definition for definition in crds if definition["kind"] in self.product.used_kinds]
        lists = self.cluster.call_in_parallel(self._list_resources, used_definitions)
        return _join_lists([definition["plural"] for definition in used_definitions], lists)

    def _list_resources(self, definition: DefinitionRow) -> list[ResourceRow] | None:
        """Return the custom resources of a definition; None if this user may not list them."""
        kind = definition["kind"]
        api_version = f"{definition['group']}/{definition['storage_version']}"
        resource = ApiResource(api_version, kind, definition["plural"], is_namespaced=True)
        manifests = self._list_if_allowed(resource.build_path(), {})
        if manifests is None:
            return None
        type_fields = {"apiVersion": api_version, "kind": kind}
        return [installed.describe_resource(self.product, kind, {**manifest, **type_fields}) for manifest in manifests]

    def list_objects(self) -> _PartialList[ObjectRow]:
        """Return the names of all objects that have our label of this product."""
        api_resources = self._list_searched_resources()
        lists = self.cluster.call_in_parallel(self._list_own_objects, api_resources)
        return _join_lists([resource.plural for resource in api_resources], lists)

    def _list_searched_resources(self) -> list[ApiResource]:
        """Return where the API server keeps the SEARCHED_KINDS and webhook configurations, without kinds it lacks."""
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
        return api_resources

    def _list_own_objects(self, resource: ApiResource) -> list[ObjectRow] | None:
        """Return the names of the objects of a kind that have our label; None if this user may not list them."""
        query = {"labelSelector": f"{RELEASE_LABEL}={self.product.name}"}
        manifests = self._list_if_allowed(resource.build_path(), query, METADATA_ACCEPT)
        if manifests is None:
            return None
        return [_describe_object(resource, manifest) for manifest in manifests]

    def _list_if_allowed(self, path: str, query: dict[str, Any], accept: str = JSON) -> list[Manifest] | None:
        """Return the objects of a list, none if the kind is not served; None if this user may not list them."""
        return list_if_allowed(path.rpartition("/")[2], lambda: self._read_pages(path, query, accept))

    def _read_pages(self, path: str, query: dict[str, Any], accept: str) -> list[Manifest]:
        """Return the objects of all pages of a list."""
        result: list[Manifest] = []
        page_query = {"limit": PAGE_SIZE, **query}
        while True:
            page = self._read_page(path, page_query, {"Accept": accept})
            result.extend(page.get("items") or [])
            token = (page.get("metadata") or {}).get("continue") or ""
            if not token:
                return result
            page_query = {**page_query, "continue": token}

    def _read_page(self, path: str, query: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
        """Return one page of a list. A server that is busy or away for a moment is waited for.

        An error 500 is not tried again: the server answers so for a broken conversion webhook, which stays broken.
        """
        try:
            return self.cluster.request_json("GET", path, query, headers, patient=False)
        except ApiError as error:
            if error.status == SERVER_ERROR or not error.is_transient:
                raise
        return self.cluster.request_json("GET", path, query, headers)


def _join_lists(plurals: Sequence[str], lists: Sequence[list[Listed] | None]) -> _PartialList[Listed]:
    """Return the items of some lists, one of each kind; a list that is None was denied."""
    joined = _PartialList[Listed]([], [])
    for plural, items in zip(plurals, lists, strict=True):
        if items is None:
            joined.denied_plurals.append(plural)
        else:
            joined.items.extend(items)
    return joined


def _describe_object(resource: ApiResource, manifest: Manifest) -> ObjectRow:
    """Return the name of an object of which only the metadata were read."""
    return {
        "api_version": resource.api_version,
        "kind": resource.kind,
        "namespace": manifest["metadata"].get("namespace", ""),
        "name": manifest["metadata"]["name"],
    }
