# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the API server keeps each kind; a table spares discovery for the kinds that we build. Private."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from ..._otelcol.errors import Problem
from ..._otelcol.kube.objects import Manifest, api_group
from .cluster import Cluster
from .urls import quote_segment

# API group: kind: plural; a kind of the cluster itself has its plural in CLUSTER_SCOPED too.
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
# Kinds of which a bundle never loses one that it had: they hold data, others make them, or whole products need them.
KEPT_KINDS = {
    *("Namespace", "PersistentVolumeClaim", "Pod", "Job", "CronJob", "EndpointSlice"),
    *("CustomResourceDefinition", "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration", "ClusterIssuer"),
    *("LimitRange", "ResourceQuota", "PriorityClass", "ClusterServiceVersion", "OperatorGroup", "Subscription"),
}
PRUNED_KINDS = tuple(kind for kinds in PLURALS.values() for kind in kinds if kind not in KEPT_KINDS)
# The version of an API for a kind that is named without one.
DEFAULT_VERSIONS = {"": "v1", "autoscaling": "autoscaling/v2", "opentelemetry.io": "opentelemetry.io/v1alpha1"}
KIND_VERSIONS = {
    "OpenTelemetryCollector": "opentelemetry.io/v1beta1",
    "ScaledObject": "keda.sh/v1alpha1",
    "TriggerAuthentication": "keda.sh/v1alpha1",
    "ClusterServiceVersion": "operators.coreos.com/v1alpha1",
    "Subscription": "operators.coreos.com/v1alpha1",
}


# API groups that show objects of other groups once more.
VIEW_GROUPS = ("authorization.openshift.io",)


class ApiResource(NamedTuple):
    """The collection of one kind in the API."""

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


class ApiResources:
    """Finds the API resource of a kind: in the table, in the bundle's CRDs, or at the server, once per version."""

    def __init__(self, cluster: Cluster, manifests: Iterable[Manifest] = ()) -> None:
        self._cluster = cluster
        self._defined: dict[tuple[str, str], _KindPlace] = {}
        for manifest in manifests:
            if manifest["kind"] == "CustomResourceDefinition":
                spec, names = manifest["spec"], manifest["spec"]["names"]
                place = _KindPlace(names["plural"], spec.get("scope") != "Cluster")
                self._defined[spec["group"], names["kind"]] = place
        self._asked: dict[str, dict[str, _KindPlace]] = {}

    @property
    def has_definitions(self) -> bool:
        """Return whether the bundle brings definitions of kinds."""
        return bool(self._defined)

    def defines(self, manifest: Manifest) -> bool:
        """Return whether the CRD of this object comes with the bundle."""
        return (api_group(manifest["apiVersion"]), manifest["kind"]) in self._defined

    def find_for(self, manifest: Manifest) -> ApiResource | None:
        """Return the API resource of an object, or nothing when the server does not know its kind."""
        return self.find_resource(manifest["apiVersion"], manifest["kind"])

    @staticmethod
    def find_known(api_version: str, kind: str) -> ApiResource | None:
        plural = PLURALS.get(api_group(api_version), {}).get(kind)
        return ApiResource(api_version, kind, plural, plural not in CLUSTER_SCOPED_PLURALS) if plural else None

    @classmethod
    def build_path(cls, kind: str, namespace: str, name: str) -> str:
        """Return the path of an object, or of a collection, of a known kind; empty if the kind is not known."""
        resource = cls.find_known(default_api_version(kind), kind)
        return resource.build_path(namespace, name) if resource else ""

    def find_resource(self, api_version: str, kind: str) -> ApiResource | None:
        """Return the API resource of a kind, or nothing when the server does not know it."""
        known_resource = self.find_known(api_version, kind)
        if known_resource:
            return known_resource
        group = api_group(api_version)
        place = self._defined.get((group, kind)) or self._discover_kinds(api_version).get(kind)
        return ApiResource(api_version, kind, place.plural, place.is_namespaced) if place else None

    def list_namespaced(self) -> list[ApiResource]:
        """Return all kinds of objects that a namespace can hold, each once. Raises ApiError when they are not known.

        What nobody can delete, such as the metrics of pods, is a view of other objects.
        """
        versions = ["v1"]
        for group in self._cluster.request("GET", "/apis")["groups"]:
            if group["name"] not in VIEW_GROUPS:
                versions += _list_versions(group)
        lists = self._cluster.call_in_parallel(self._list_served, versions)
        resources: dict[tuple[str, str], ApiResource] = {}
        for version, rows in zip(versions, lists, strict=True):
            for row in rows:
                if row["namespaced"] and {"delete", "list"} <= set(row["verbs"]):
                    resource = ApiResource(version, row["kind"], row["name"], True)
                    resources.setdefault((api_group(version), row["name"]), resource)
        return list(resources.values())

    def list_kinds(self, api_version: str) -> set[str]:
        """Return the kinds of an API version that the server has. Raises ApiError when they are not known."""
        return set(self._discover_kinds(api_version))

    def _discover_kinds(self, api_version: str) -> dict[str, _KindPlace]:
        """Return where the server keeps the kinds of an API version. It is asked once."""
        if api_version not in self._asked:
            rows = self._list_served(api_version)
            self._asked[api_version] = {row["kind"]: _KindPlace(row["name"], row["namespaced"]) for row in rows}
        return self._asked[api_version]

    def _list_served(self, api_version: str) -> list[dict[str, Any]]:
        """Return what the server says of the kinds of an API version, without their subresources."""
        answer = self._cluster.get(ApiResource(api_version, "", "", True).build_path().rstrip("/")) or {}
        return [row for row in answer.get("resources", []) if "/" not in row["name"]]


def _list_versions(group: dict[str, Any]) -> list[str]:
    """Return the versions of an API group, the preferred one first."""
    rows = [group["preferredVersion"], *group["versions"]]
    return list(dict.fromkeys(row["groupVersion"] for row in rows))


def default_api_version(kind: str) -> str:
    """Return the default API version of a kind in the table."""
    for group, kinds in PLURALS.items():
        if kind in kinds:
            return KIND_VERSIONS.get(kind) or DEFAULT_VERSIONS.get(group, f"{group}/v1")
    raise Problem(f"the API of the kind '{kind}' is not known", fix="Say it with api_version.")
