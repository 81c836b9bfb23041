# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cluster of a test: pods, namespaces and nodes in a short form, and as the objects of the Kubernetes API.

Source: the fields that processor/k8sattributesprocessor of opentelemetry-collector-contrib reads. Private.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from ..config.paths import Path, at
from ..errors import Problem, near

KINDS = {
    "pods": ("v1", "Pod"),
    "namespaces": ("v1", "Namespace"),
    "nodes": ("v1", "Node"),
    "replicasets": ("apps/v1", "ReplicaSet"),
    "deployments": ("apps/v1", "Deployment"),
    "statefulsets": ("apps/v1", "StatefulSet"),
    "daemonsets": ("apps/v1", "DaemonSet"),
    "jobs": ("batch/v1", "Job"),
}
_RESOURCES = {kind: resource for resource, (_version, kind) in KINDS.items()}
_METADATA = ("name", "uid", "labels", "annotations")
FIELDS = {
    "pods": (*_METADATA, "namespace", "ip", "node", "containers", "deployment", "statefulset", "daemonset", "job"),
    "namespaces": _METADATA,
    "nodes": _METADATA,
}
OWNERS = {"deployment": "ReplicaSet", "statefulset": "StatefulSet", "daemonset": "DaemonSet", "job": "Job"}
# What a Deployment adds to the names of its ReplicaSets and to the labels of its pods.
_HASH = "5d4f"

Objects = dict[str, list[dict[str, Any]]]


def cluster_objects(facts: Mapping[str, Any], where: str) -> Objects:
    """Return the objects of a test's cluster by resource. Raises Problem for a fact that nothing asks for."""
    objects: Objects = {resource: [] for resource in KINDS}
    for resource, listed in facts.items():
        if resource not in FIELDS:
            wrong = f"there are no facts '{resource}'{near(str(resource), FIELDS)}"
            raise Problem(wrong, where=where, fix=_fix(FIELDS))
        for facts_of_one in listed:
            _check_fields(resource, facts_of_one, f"{where}.{resource}")
            if resource == "pods":
                _add_pod(facts_of_one, objects)
            else:
                objects[resource].append(_object(resource, facts_of_one, ""))
    return objects


def _check_fields(resource: str, facts: Mapping[str, Any], where: str) -> None:
    """Raise Problem for a field that objects of a resource do not have."""
    for field in facts:
        if field not in FIELDS[resource]:
            wrong = f"{resource} have no field '{field}'{near(str(field), FIELDS[resource])}"
            raise Problem(wrong, where=where, fix=_fix(FIELDS[resource]))


def selected_objects(
    objects: Sequence[Mapping[str, Any]], fields: str, labels: str, namespace: str = ""
) -> list[Mapping[str, Any]]:
    """Return the objects that the selectors of a request take: `path=value`, `!=` and `==`, several with commas.

    A selector of labels with sets is not known, and takes all; so does no namespace.
    """
    terms = [
        *(_Term.of(text, lambda key: tuple(key.split("."))) for text in _terms_of(fields)),
        *(_Term.of(text, lambda key: ("metadata", "labels", key)) for text in _terms_of(labels)),
    ]
    in_namespace = [
        candidate for candidate in objects if not namespace or candidate["metadata"].get("namespace") == namespace
    ]
    return [candidate for candidate in in_namespace if all(term.takes(candidate) for term in terms)]


def _terms_of(selector: str) -> list[str]:
    """Return the terms of a selector; none of one with sets or with a key that may not be there."""
    if "(" in selector or "!" in selector.replace("!=", ""):
        return []
    return [term for term in selector.split(",") if term]


class _Term(NamedTuple):
    """A term of a selector: a path, the value there, and whether it takes objects with it or all others."""

    path: Path
    value: str
    is_equal: bool

    @classmethod
    def of(cls, text: str, path_of: Callable[[str], Path]) -> _Term:
        """Return the term in a text; `path_of` returns where its key stands in an object."""
        if "!=" in text:
            key, _sign, value = text.partition("!=")
            return cls(path_of(key), value, False)
        key, _sign, value = text.replace("==", "=").partition("=")
        return cls(path_of(key), value, True)

    def takes(self, candidate: Mapping[str, Any]) -> bool:
        """Whether the term takes an object."""
        has_value = str(at(candidate, self.path, "")) == self.value
        return has_value is self.is_equal


def _fix(known: Any) -> str:
    return f"One of: {', '.join(known)}."


def _add_pod(facts: Mapping[str, Any], objects: Objects) -> None:
    """Add a pod, and the workload that owns it."""
    namespace = str(facts.get("namespace", "default"))
    pod = _object("pods", facts, namespace)
    for field in OWNERS:
        if field in facts:
            _add_owner(pod, field, str(facts[field]), namespace, objects)
    containers = facts.get("containers") or ()
    ip = str(facts.get("ip", ""))
    pod["spec"] = {
        "nodeName": str(facts.get("node", "")),
        "containers": [{"name": container["name"], "image": container.get("image", "")} for container in containers],
    }
    pod["status"] = {
        "podIP": ip,
        "podIPs": [{"ip": ip}] if ip else [],
        "containerStatuses": [_container_status(container) for container in containers if "id" in container],
    }
    objects["pods"].append(pod)


def _add_owner(pod: dict[str, Any], field: str, workload: str, namespace: str, objects: Objects) -> None:
    """Add the object that owns a pod; for a Deployment, its ReplicaSet and itself."""
    is_deployment = field == "deployment"
    name = f"{workload}-{_HASH}" if is_deployment else workload
    kind = OWNERS[field]
    owner = _object(_RESOURCES[kind], {"name": name}, namespace)
    pod["metadata"]["ownerReferences"] = [_owner(kind, name)]
    if is_deployment:
        pod["metadata"]["labels"] = {"pod-template-hash": _HASH, **pod["metadata"].get("labels", {})}
        owner["metadata"]["ownerReferences"] = [_owner("Deployment", workload)]
        objects["deployments"].append(_object("deployments", {"name": workload}, namespace))
    objects[_RESOURCES[kind]].append(owner)


def _container_status(container: Mapping[str, Any]) -> dict[str, Any]:
    """Return the status of a container that runs."""
    return {"name": container["name"], "containerID": f"containerd://{container['id']}", "restartCount": 0}


def _object(resource: str, facts: Mapping[str, Any], namespace: str) -> dict[str, Any]:
    """Return an object of a resource with these facts; one of the whole cluster has no namespace."""
    version, kind = KINDS[resource]
    name = str(facts.get("name", ""))
    metadata: dict[str, Any] = {"name": name, "uid": str(facts.get("uid", f"{name}-uid")), "resourceVersion": "1"}
    if namespace:
        metadata["namespace"] = namespace
    for key in ("labels", "annotations"):
        if facts.get(key):
            metadata[key] = {str(label): str(value) for label, value in facts[key].items()}
    metadata["creationTimestamp"] = "2026-01-01T00:00:00Z"
    return {"apiVersion": version, "kind": kind, "metadata": metadata}


def _owner(kind: str, name: str) -> dict[str, Any]:
    """Return a reference to the object that owns another one."""
    version = "batch/v1" if kind == "Job" else "apps/v1"
    return {"apiVersion": version, "kind": kind, "name": name, "uid": f"{name}-uid", "controller": True}
