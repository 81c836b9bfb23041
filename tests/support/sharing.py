"""The objects of collectors and of others in a cluster that they share, and how tests ask and change that cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube import object_names
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.cluster import Cluster, RawAnswer
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.release_names import (
    collector_release,
    shared_release,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.paths import value_at
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.kube import names

Place = tuple[str, str]
Object = dict[str, Any]
NAMES, SHARED_NAME = ("gw", "gw-headless"), "shared"
# The sequences of a real cluster.
SEEDS = (17, 34, 61)
RBAC, CERTIFICATES, COLLECTORS = "rbac.authorization.k8s.io/v1", "cert-manager.io/v1", "opentelemetry.io/v1beta1"
HELM = {"meta.helm.sh/release-name": "shop", "meta.helm.sh/release-namespace": "shop"}
ROLE = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}
KINDS = {
    **{"ConfigMap": "v1", "Service": "v1", "ServiceAccount": "v1", "Secret": "v1", "Deployment": "apps/v1"},
    **{"CronJob": "batch/v1", "RoleBinding": RBAC, "ClusterRole": RBAC},
}
# What an actor of a world may use: rights, Services, certificates of cert-manager, custom resources of the operator.
NATIVE_PARTS, ALL_PARTS = ("role", "service"), ("role", "service", "certificate", "custom")


class Api(Protocol):
    """An API server and what others do there."""

    trouble: Callable[[str, str], RawAnswer | None]

    @property
    def objects(self) -> dict[str, Object]:
        """The objects by path, as they compare between two times."""

    def cluster(self) -> Cluster:
        """Return the connection of a run."""

    def written(self) -> list[str]:
        """Return the paths that were written or deleted since the last call, without dry runs."""

    def create(self, item: Object) -> None:
        """Create an object as kubectl does, unless one of its name exists."""

    def touch(self, path: str, value: str) -> None:
        """Annotate an object as kubectl does."""

    def forget(self, path: str) -> None:
        """Delete an object."""


def build_object(
    kind: str, name: str, namespace: str, api: str = "v1", labels: Any = None, **other_fields: Any
) -> Object:
    namespace_metadata = {"namespace": namespace} if namespace else {}
    return {
        "apiVersion": api,
        "kind": kind,
        "metadata": {"name": name, "labels": labels or {}, **namespace_metadata},
        **other_fields,
    }


def required_fields(kind: str, name: str, account: str = "default") -> Object:
    """Return what the API server requires of an object of this kind, without any pod."""
    pod_spec = {"serviceAccountName": account, "containers": [{"name": "c", "image": "registry.invalid/c"}]}
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": pod_spec}
    job_template = {"template": {"spec": {**pod_spec, "restartPolicy": "Never"}}}
    bodies: dict[str, Object] = {
        "Service": {"spec": {"ports": [{"port": 4317}]}},
        "Deployment": {"spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": template}},
        "CronJob": {"spec": {"schedule": "0 0 1 1 *", "suspend": True, "jobTemplate": {"spec": job_template}}},
        "RoleBinding": {"roleRef": ROLE},
        "ClusterRoleBinding": {"roleRef": {**ROLE, "name": name}},
    }
    return bodies.get(kind, {})


def build_collector_objects(
    collector_key: Place, parts: Iterable[str], account: str, annotations: Any = None
) -> list[Object]:
    """Return the objects of one collector, of some parts."""
    namespace, name = collector_key
    release, cluster_name = collector_release(*collector_key), object_names.cluster_wide_name(*collector_key)
    owner_labels = {names.RELEASE_LABEL: release, names.OWNER_LABEL: names.OWNER}
    labels = {**owner_labels, names.COLLECTOR_LABEL: name}
    namespace_labels = {**labels, names.RELEASE_LABEL: shared_release(namespace)}
    certificate_spec = {"secretName": f"{name}-tls", "issuerRef": {"name": "corporate", "kind": "ClusterIssuer"}}
    custom_spec = {"mode": "deployment", "serviceAccount": account}
    services = (name, names.headless_service_name(name))
    rights = ("ClusterRole", "ClusterRoleBinding")
    objects_by_part = {
        "role": [
            build_object(kind, cluster_name, "", RBAC, labels, **required_fields(kind, cluster_name)) for kind in rights
        ],
        "service": [
            build_object("Service", service_name, namespace, labels=labels, **required_fields("Service", service_name))
            for service_name in services
        ],
        "certificate": [
            build_object("Certificate", f"{name}-tls", namespace, CERTIFICATES, labels, spec=certificate_spec)
        ],
        "custom": [build_object("OpenTelemetryCollector", name, namespace, COLLECTORS, labels, spec=custom_spec)],
    }
    workload_objects = [
        build_object("ConfigMap", name, namespace, labels=labels, data={"config": " ".join(sorted(parts))}),
        build_object("Deployment", name, namespace, "apps/v1", labels, **required_fields("Deployment", name, account)),
    ]
    account_object = build_object("ServiceAccount", account, namespace, labels=owner_labels)
    account_object["metadata"] |= {"annotations": annotations} if annotations else {}
    part_objects = [manifest for part in sorted(parts) for manifest in objects_by_part[part]]
    return [
        build_object("Namespace", namespace, "", labels=namespace_labels),
        account_object,
        *part_objects,
        *([] if "custom" in parts else workload_objects),
    ]


def find_dependents(manifest: Object, objects: dict[str, Object]) -> list[str]:
    """Return what is in a namespace, or runs under an account."""
    name, namespace = manifest["metadata"]["name"], manifest["metadata"].get("namespace")
    if manifest["kind"] == "Namespace":
        return [path for path, other_manifest in objects.items() if other_manifest["metadata"].get("namespace") == name]
    if manifest["kind"] != "ServiceAccount":
        return []
    namespace_objects = {
        path: other_manifest
        for path, other_manifest in objects.items()
        if other_manifest["metadata"].get("namespace") == namespace
    }
    return [path for path, other_manifest in namespace_objects.items() if name in pod_accounts(other_manifest)]


def pod_accounts(manifest: Object) -> set[Any]:
    """Return the accounts that an object of this file runs pods under."""
    spec = manifest.get("spec") or {}
    pod_spec = value_at(spec, ("template", "spec")) or value_at(spec, ("jobTemplate", "spec", "template", "spec")) or {}
    return {pod_spec.get("serviceAccountName"), spec.get("serviceAccount")}
