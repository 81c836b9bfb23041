"""The objects of collectors and of others in a cluster that they share, and how tests ask and change that cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.cluster import Answered, Cluster
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.paths import at
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.kube import names

Place = tuple[str, str]
Object = dict[str, Any]
NAMES, SHARED = ("gw", "gw-headless"), "shared"
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
PLAIN, ALL = ("role", "service"), ("role", "service", "certificate", "custom")


class Api(Protocol):
    """An API server and what others do there."""

    trouble: Callable[[str, str], Answered | None]

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


def obj(kind: str, name: str, namespace: str, api: str = "v1", labels: Any = None, **more: Any) -> Object:
    place = {"namespace": namespace} if namespace else {}
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, "labels": labels or {}, **place}, **more}


def body(kind: str, name: str, account: str = "default") -> Object:
    """Return what the API server requires of an object of this kind, without any pod."""
    pod = {"serviceAccountName": account, "containers": [{"name": "c", "image": "registry.invalid/c"}]}
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": pod}
    job = {"template": {"spec": {**pod, "restartPolicy": "Never"}}}
    bodies: dict[str, Object] = {
        "Service": {"spec": {"ports": [{"port": 4317}]}},
        "Deployment": {"spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": template}},
        "CronJob": {"spec": {"schedule": "0 0 1 1 *", "suspend": True, "jobTemplate": {"spec": job}}},
        "RoleBinding": {"roleRef": ROLE},
        "ClusterRoleBinding": {"roleRef": {**ROLE, "name": name}},
    }
    return bodies.get(kind, {})


def bundle(place: Place, parts: Iterable[str], account: str, annotations: Any = None) -> list[Object]:
    """Return the objects of one collector, of some parts."""
    namespace, name = place
    release, wide = names.release(*place), names.cluster_wide(*place)
    marks = {names.RELEASE_LABEL: release, names.OWNER_LABEL: names.OWNER}
    labels = {**marks, names.COLLECTOR_LABEL: name}
    shared = {**labels, names.RELEASE_LABEL: names.shared_release(namespace)}
    reference = {"secretName": f"{name}-tls", "issuerRef": {"name": "corporate", "kind": "ClusterIssuer"}}
    custom = {"mode": "deployment", "serviceAccount": account}
    services = (name, names.headless(name))
    rights = ("ClusterRole", "ClusterRoleBinding")
    made = {
        "role": [obj(kind, wide, "", RBAC, labels, **body(kind, wide)) for kind in rights],
        "service": [obj("Service", one, namespace, labels=labels, **body("Service", one)) for one in services],
        "certificate": [obj("Certificate", f"{name}-tls", namespace, CERTIFICATES, labels, spec=reference)],
        "custom": [obj("OpenTelemetryCollector", name, namespace, COLLECTORS, labels, spec=custom)],
    }
    plain = [
        obj("ConfigMap", name, namespace, labels=labels, data={"config": " ".join(sorted(parts))}),
        obj("Deployment", name, namespace, "apps/v1", labels, **body("Deployment", name, account)),
    ]
    own = obj("ServiceAccount", account, namespace, labels=marks)
    own["metadata"] |= {"annotations": annotations} if annotations else {}
    chosen = [item for part in sorted(parts) for item in made[part]]
    return [obj("Namespace", namespace, "", labels=shared), own, *chosen, *([] if "custom" in parts else plain)]


def used(item: Object, objects: dict[str, Object]) -> list[str]:
    """Return what is in a namespace, or runs under an account."""
    name, namespace = item["metadata"]["name"], item["metadata"].get("namespace")
    if item["kind"] == "Namespace":
        return [path for path, one in objects.items() if one["metadata"].get("namespace") == name]
    if item["kind"] != "ServiceAccount":
        return []
    near = {path: one for path, one in objects.items() if one["metadata"].get("namespace") == namespace}
    return [path for path, one in near.items() if name in accounts(one)]


def accounts(item: Object) -> set[Any]:
    """Return the accounts that an object of this file runs pods under."""
    spec = item.get("spec") or {}
    pod = at(spec, ("template", "spec")) or at(spec, ("jobTemplate", "spec", "template", "spec")) or {}
    return {pod.get("serviceAccountName"), spec.get("serviceAccount")}
