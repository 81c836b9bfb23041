# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an API server keeps the objects of a kind: those of `apps/v1` and `Deployment` at `/apis/apps/v1/deployments`.

Private. A table has the kinds that this collection handles, which spares a request. For others the server is asked.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, TypedDict

from ..._otelcol.errors import Problem
from ..._otelcol.kube.objects import Manifest, api_group
from .cluster import Cluster
from .urls import quote_segment

# The plural of each kind, by API group and kind; the group of the core is empty.
PLURALS: dict[str, dict[str, str]] = {
    "": {
        "ConfigMap": "configmaps",
        "LimitRange": "limitranges",
        "Namespace": "namespaces",
        "PersistentVolumeClaim": "persistentvolumeclaims",
        "Pod": "pods",
        "ResourceQuota": "resourcequotas",
        "Secret": "secrets",
        "Service": "services",
        "ServiceAccount": "serviceaccounts",
    },
    "admissionregistration.k8s.io": {
        "MutatingWebhookConfiguration": "mutatingwebhookconfigurations",
        "ValidatingWebhookConfiguration": "validatingwebhookconfigurations",
    },
    "apiextensions.k8s.io": {"CustomResourceDefinition": "customresourcedefinitions"},
    "apps": {"DaemonSet": "daemonsets", "Deployment": "deployments", "StatefulSet": "statefulsets"},
    "autoscaling": {"HorizontalPodAutoscaler": "horizontalpodautoscalers"},
    "batch": {"CronJob": "cronjobs", "Job": "jobs"},
    "cert-manager.io": {"Certificate": "certificates", "ClusterIssuer": "clusterissuers", "Issuer": "issuers"},
    "discovery.k8s.io": {"EndpointSlice": "endpointslices"},
    "gateway.networking.k8s.io": {"GRPCRoute": "grpcroutes", "HTTPRoute": "httproutes"},
    "keda.sh": {"ScaledObject": "scaledobjects", "TriggerAuthentication": "triggerauthentications"},
    "monitoring.coreos.com": {
        "PodMonitor": "podmonitors",
        "PrometheusRule": "prometheusrules",
        "ServiceMonitor": "servicemonitors",
    },
    "networking.k8s.io": {"Ingress": "ingresses", "NetworkPolicy": "networkpolicies"},
    "opentelemetry.io": {
        "Instrumentation": "instrumentations",
        "OpenTelemetryCollector": "opentelemetrycollectors",
        "TargetAllocator": "targetallocators",
    },
    "operators.coreos.com": {
        "ClusterServiceVersion": "clusterserviceversions",
        "OperatorGroup": "operatorgroups",
        "Subscription": "subscriptions",
    },
    "policy": {"PodDisruptionBudget": "poddisruptionbudgets"},
    "rbac.authorization.k8s.io": {
        "ClusterRole": "clusterroles",
        "ClusterRoleBinding": "clusterrolebindings",
        "Role": "roles",
        "RoleBinding": "rolebindings",
    },
    "route.openshift.io": {"Route": "routes"},
    "scheduling.k8s.io": {"PriorityClass": "priorityclasses"},
    "security.openshift.io": {"SecurityContextConstraints": "securitycontextconstraints"},
}
# The plurals of kinds whose objects are in no namespace.
CLUSTER_SCOPED_PLURALS = {
    "clusterissuers",
    "clusterrolebindings",
    "clusterroles",
    "customresourcedefinitions",
    "mutatingwebhookconfigurations",
    "namespaces",
    "priorityclasses",
    "securitycontextconstraints",
    "validatingwebhookconfigurations",
}
# Kinds that are not pruned: their objects hold data, others make them, or whole products need them.
KEPT_KINDS = {
    "Namespace",
    "PersistentVolumeClaim",
    "Pod",
    "Job",
    "CronJob",
    "EndpointSlice",
    "CustomResourceDefinition",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
    "ClusterIssuer",
    "LimitRange",
    "ResourceQuota",
    "PriorityClass",
    "ClusterServiceVersion",
    "OperatorGroup",
    "Subscription",
}
# Kinds whose objects are removed when they are no longer in a bundle.
PRUNED_KINDS = tuple(kind for kinds in PLURALS.values() for kind in kinds if kind not in KEPT_KINDS)
# The API version of a kind that is named without one: by kind, else by API group, else `GROUP/v1`.
DEFAULT_VERSIONS = {"": "v1", "autoscaling": "autoscaling/v2", "opentelemetry.io": "opentelemetry.io/v1alpha1"}
KIND_VERSIONS = {
    "OpenTelemetryCollector": "opentelemetry.io/v1beta1",
    "ScaledObject": "keda.sh/v1alpha1",
    "TriggerAuthentication": "keda.sh/v1alpha1",
    "ClusterServiceVersion": "operators.coreos.com/v1alpha1",
    "Subscription": "operators.coreos.com/v1alpha1",
}
# API groups that show objects of other groups once more. They are left out where all objects of a namespace are listed.
VIEW_GROUPS = ("authorization.openshift.io",)


def default_api_version(kind: str) -> str:
    """Return the default API version of a kind in the table. Raises Problem for another kind."""
    for group, kinds in PLURALS.items():
        if kind in kinds:
            return KIND_VERSIONS.get(kind) or DEFAULT_VERSIONS.get(group, f"{group}/v1")
    raise Problem(f"the API of the kind '{kind}' is not known", fix="Say it with api_version.")


class ApiResource(NamedTuple):
    """Where the objects of one kind are in one API version."""

    api_version: str
    kind: str
    plural: str
    is_namespaced: bool

    def build_path(self, namespace: str = "", name: str = "") -> str:
        """Return the URL path of one object, or of all of them without a name. Raises Problem for an unfit name."""
        root = "/apis" if "/" in self.api_version else "/api"
        path = f"{root}/{self.api_version}"
        if self.is_namespaced and namespace:
            path += f"/namespaces/{quote_segment(namespace)}"
        path += f"/{self.plural}"
        if name:
            path += f"/{quote_segment(name)}"
        return path


class _KindPlace(NamedTuple):
    """Where the objects of a kind are, below its API version."""

    plural: str
    is_namespaced: bool


class _ServedKind(TypedDict):
    """A kind in an APIResourceList of the server."""

    name: str
    """The plural; of a subresource, such as `pods/log`, with its name."""
    kind: str
    namespaced: bool
    verbs: list[str]


class _GroupVersion(TypedDict):
    groupVersion: str


class _ApiGroup(TypedDict):
    """An API group in the APIGroupList of the server."""

    name: str
    versions: list[_GroupVersion]
    preferredVersion: _GroupVersion


class ApiResources:
    """Finds the API resource of a kind: in the table, in the CRDs of a bundle, or at the server.

    The server is asked once for each API version.
    """

    def __init__(self, cluster: Cluster, manifests: Iterable[Manifest] = ()) -> None:
        self._cluster = cluster
        # The kinds that the CRDs of the bundle define, by API group and kind.
        self._defined_places: dict[tuple[str, str], _KindPlace] = {}
        for manifest in manifests:
            if manifest["kind"] == "CustomResourceDefinition":
                spec, names = manifest["spec"], manifest["spec"]["names"]
                place = _KindPlace(names["plural"], is_namespaced=spec.get("scope") != "Cluster")
                self._defined_places[spec["group"], names["kind"]] = place
        # The kinds that the server has, by API version and kind.
        self._places_by_version: dict[str, dict[str, _KindPlace]] = {}

    @property
    def has_definitions(self) -> bool:
        """Return whether the bundle brings definitions of kinds."""
        return bool(self._defined_places)

    def defines(self, manifest: Manifest) -> bool:
        """Return whether the CRD of this object comes with the bundle."""
        return (api_group(manifest["apiVersion"]), manifest["kind"]) in self._defined_places

    def find_for(self, manifest: Manifest) -> ApiResource | None:
        """Return the API resource of an object, or nothing when the server does not know its kind."""
        return self.find_resource(manifest["apiVersion"], manifest["kind"])

    def find_resource(self, api_version: str, kind: str) -> ApiResource | None:
        """Return the API resource of a kind, or nothing when the server does not know it."""
        known_resource = self.find_known(api_version, kind)
        if known_resource:
            return known_resource
        defined_place = self._defined_places.get((api_group(api_version), kind))
        place = defined_place or self._discover_kinds(api_version).get(kind)
        return ApiResource(api_version, kind, place.plural, place.is_namespaced) if place else None

    @staticmethod
    def find_known(api_version: str, kind: str) -> ApiResource | None:
        """Return the API resource of a kind in the table; None for another kind."""
        plural = PLURALS.get(api_group(api_version), {}).get(kind)
        if not plural:
            return None
        return ApiResource(api_version, kind, plural, is_namespaced=plural not in CLUSTER_SCOPED_PLURALS)

    @classmethod
    def build_path(cls, kind: str, namespace: str, name: str) -> str:
        """Return the path of an object of a kind in the table, or without a name that of all objects."""
        resource = cls.find_known(default_api_version(kind), kind)
        return resource.build_path(namespace, name) if resource else ""

    def list_namespaced(self) -> list[ApiResource]:
        """Return all kinds of objects that a namespace can hold, each once. Raises ApiError when they are not known.

        What nobody can delete, such as the metrics of pods, is a view of other objects.
        """
        versions = self._list_all_versions()
        lists = self._cluster.call_in_parallel(self._list_served, versions)
        resources: dict[tuple[str, str], ApiResource] = {}
        for version, served_kinds in zip(versions, lists, strict=True):
            for served_kind in served_kinds:
                if served_kind["namespaced"] and {"delete", "list"} <= set(served_kind["verbs"]):
                    plural = served_kind["name"]
                    resource = ApiResource(version, served_kind["kind"], plural, is_namespaced=True)
                    resources.setdefault((api_group(version), plural), resource)
        return list(resources.values())

    def list_kinds(self, api_version: str) -> set[str]:
        """Return the kinds of an API version that the server has. Raises ApiError when they are not known."""
        return set(self._discover_kinds(api_version))

    def _list_all_versions(self) -> list[str]:
        """Return the API versions of the server, those of a group from the preferred one on."""
        versions = ["v1"]
        for group in self._cluster.request("GET", "/apis")["groups"]:
            if group["name"] not in VIEW_GROUPS:
                versions += _list_versions(group)
        return versions

    def _discover_kinds(self, api_version: str) -> dict[str, _KindPlace]:
        """Return where the server keeps the kinds of an API version."""
        if api_version not in self._places_by_version:
            places = {}
            for served_kind in self._list_served(api_version):
                places[served_kind["kind"]] = _KindPlace(served_kind["name"], served_kind["namespaced"])
            self._places_by_version[api_version] = places
        return self._places_by_version[api_version]

    def _list_served(self, api_version: str) -> list[_ServedKind]:
        """Return what the server says of the kinds of an API version, without their subresources."""
        version_path = ApiResource(api_version, "", "", is_namespaced=True).build_path().rstrip("/")
        answer = self._cluster.get(version_path) or {}
        return [served_kind for served_kind in answer.get("resources", []) if "/" not in served_kind["name"]]


def _list_versions(group: _ApiGroup) -> list[str]:
    """Return the versions of an API group, the preferred one first."""
    versions = [group["preferredVersion"], *group["versions"]]
    return list(dict.fromkeys(version["groupVersion"] for version in versions))
