# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the API server keeps each kind; a table spares discovery for the kinds that we build. Private."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from ..._otelcol.errors import Problem
from ..._otelcol.kube.objects import Manifest, group_of
from .cluster import Cluster
from .urls import segment

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
CLUSTER_SCOPED = {
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
KEPT = {
    *("Namespace", "PersistentVolumeClaim", "Pod", "Job", "CronJob", "EndpointSlice"),
    *("CustomResourceDefinition", "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration", "ClusterIssuer"),
    *("LimitRange", "ResourceQuota", "PriorityClass", "ClusterServiceVersion", "OperatorGroup", "Subscription"),
}
PRUNED = tuple(kind for kinds in PLURALS.values() for kind in kinds if kind not in KEPT)
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
VIEWS = ("authorization.openshift.io",)


class ApiResource(NamedTuple):
    """The collection of one kind in the API."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool

    def path(self, namespace: str = "", name: str = "") -> str:
        """Return the URL path of one object, or of all of them without a name. Raises Problem for an unfit name."""
        root = f"/apis/{self.api_version}" if "/" in self.api_version else f"/api/{self.api_version}"
        scope = f"/namespaces/{segment(namespace)}" if self.namespaced and namespace else ""
        return f"{root}{scope}/{self.plural}" + (f"/{segment(name)}" if name else "")


class ApiResources:
    """Finds the API resource of a kind: in the table, in the bundle's CRDs, or at the server, once per version."""

    def __init__(self, cluster: Cluster, manifests: Iterable[Manifest] = ()) -> None:
        self._cluster = cluster
        self._defined = {
            (m["spec"]["group"], m["spec"]["names"]["kind"]): (
                m["spec"]["names"]["plural"],
                m["spec"].get("scope") != "Cluster",
            )
            for m in manifests
            if m["kind"] == "CustomResourceDefinition"
        }
        self._asked: dict[str, dict[str, tuple[str, bool]]] = {}

    @property
    def defining(self) -> bool:
        """Return whether the bundle brings definitions of kinds."""
        return bool(self._defined)

    def defines(self, manifest: Manifest) -> bool:
        """Return whether the CRD of this object comes with the bundle."""
        return (group_of(manifest["apiVersion"]), manifest["kind"]) in self._defined

    def of(self, manifest: Manifest) -> ApiResource | None:
        """Return the API resource of an object, or nothing when the server does not know its kind."""
        return self.find(manifest["apiVersion"], manifest["kind"])

    @staticmethod
    def known(api_version: str, kind: str) -> ApiResource | None:
        plural = PLURALS.get(group_of(api_version), {}).get(kind)
        return ApiResource(api_version, kind, plural, plural not in CLUSTER_SCOPED) if plural else None

    @classmethod
    def path_of(cls, kind: str, namespace: str, name: str) -> str:
        """Return the path of an object, or of a collection, of a known kind; empty if the kind is not known."""
        resource = cls.known(version_for(kind), kind)
        return resource.path(namespace, name) if resource else ""

    def find(self, api_version: str, kind: str) -> ApiResource | None:
        """Return the API resource of a kind, or nothing when the server does not know it."""
        known = self.known(api_version, kind)
        if known:
            return known
        group = group_of(api_version)
        found = self._defined.get((group, kind)) or self._discover(api_version).get(kind)
        return ApiResource(api_version, kind, *found) if found else None

    def of_namespaces(self) -> list[ApiResource]:
        """Return all kinds of objects that a namespace can hold, each once. Raises ApiError when they are not known.

        What nobody can delete, such as the metrics of pods, is a view of other objects.
        """
        groups = self._cluster.request("GET", "/apis")["groups"]
        versions = [version for group in groups if group["name"] not in VIEWS for version in _versions(group)]
        lists = self._cluster.parallel(self._served, ["v1", *versions])
        found: dict[tuple[str, str], ApiResource] = {}
        for version, items in zip(["v1", *versions], lists, strict=True):
            for item in items:
                if item["namespaced"] and {"delete", "list"} <= set(item["verbs"]):
                    resource = ApiResource(version, item["kind"], item["name"], True)
                    found.setdefault((group_of(version), item["name"]), resource)
        return list(found.values())

    def kinds(self, api_version: str) -> set[str]:
        """Return the kinds of an API version that the server has. Raises ApiError when they are not known."""
        return set(self._discover(api_version))

    def _discover(self, api_version: str) -> dict[str, tuple[str, bool]]:
        if api_version not in self._asked:
            items = self._served(api_version)
            self._asked[api_version] = {item["kind"]: (item["name"], item["namespaced"]) for item in items}
        return self._asked[api_version]

    def _served(self, api_version: str) -> list[dict[str, Any]]:
        """Return what the server says of the kinds of an API version, without their subresources."""
        found = self._cluster.get(ApiResource(api_version, "", "", True).path().rstrip("/"))
        return [item for item in (found or {}).get("resources", []) if "/" not in item["name"]]


def _versions(group: dict[str, Any]) -> list[str]:
    """Return the versions of an API group, the preferred one first."""
    found = [item["groupVersion"] for item in (group["preferredVersion"], *group["versions"])]
    return list(dict.fromkeys(found))


def version_for(kind: str) -> str:
    """Return the default API version of a kind in the table."""
    group = next((group for group, kinds in PLURALS.items() if kind in kinds), None)
    if group is None:
        raise Problem(f"the API of the kind '{kind}' is not known", fix="Say it with api_version.")
    return KIND_VERSIONS.get(kind) or DEFAULT_VERSIONS.get(group, f"{group}/v1")
