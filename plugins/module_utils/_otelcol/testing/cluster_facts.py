# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cluster of a test: pods, namespaces and nodes in a short form, and as the objects of the Kubernetes API.

Source: the fields that processor/k8sattributesprocessor of opentelemetry-collector-contrib reads. Private.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from ..config.paths import Path, value_at
from ..errors import Problem, suggest_word

KINDS_BY_RESOURCE = {
    "pods": ("v1", "Pod"),
    "namespaces": ("v1", "Namespace"),
    "nodes": ("v1", "Node"),
    "replicasets": ("apps/v1", "ReplicaSet"),
    "deployments": ("apps/v1", "Deployment"),
    "statefulsets": ("apps/v1", "StatefulSet"),
    "daemonsets": ("apps/v1", "DaemonSet"),
    "jobs": ("batch/v1", "Job"),
}
_RESOURCES_BY_KIND = {kind: resource for resource, (_version, kind) in KINDS_BY_RESOURCE.items()}
_METADATA_FIELDS = ("name", "uid", "labels", "annotations")
FACT_FIELDS = {
    "pods": (
        *_METADATA_FIELDS,
        "namespace",
        "ip",
        "node",
        "containers",
        "deployment",
        "statefulset",
        "daemonset",
        "job",
    ),
    "namespaces": _METADATA_FIELDS,
    "nodes": _METADATA_FIELDS,
}
OWNER_KINDS = {"deployment": "ReplicaSet", "statefulset": "StatefulSet", "daemonset": "DaemonSet", "job": "Job"}
# What a Deployment adds to the names of its ReplicaSets and to the labels of its pods.
_TEMPLATE_HASH = "5d4f"

Objects = dict[str, list[dict[str, Any]]]


def build_cluster_objects(facts: Mapping[str, Any], place: str) -> Objects:
    """Return the objects of a test's cluster by resource.

    Raises Problem for a fact that nothing asks for, and for one of the wrong shape.
    """
    objects: Objects = {resource: [] for resource in KINDS_BY_RESOURCE}
    for resource, resource_facts in facts.items():
        if resource not in FACT_FIELDS:
            problem = f"there are no facts '{resource}'{suggest_word(str(resource), FACT_FIELDS)}"
            raise Problem(problem, where=place, fix=_list_choices(FACT_FIELDS))
        for object_facts in _read_mappings(resource_facts, resource, place):
            _check_fields(resource, object_facts, f"{place}.{resource}")
            if resource == "pods":
                _add_pod(object_facts, objects)
            else:
                objects[resource].append(_build_object(resource, object_facts, ""))
    return objects


def _read_mappings(value: Any, name: str, place: str) -> list[Mapping[str, Any]]:
    """Return the items of a list; none if it is left empty. Raises Problem for all but a list of mappings."""
    values = [] if value is None else value
    if not isinstance(values, list) or not all(isinstance(entry, Mapping) for entry in values):
        raise Problem(f"'{name}' must be a list of mappings", where=place, fix=f"Write `{name}: [{{name: NAME}}]`.")
    return values


def _check_fields(resource: str, facts: Mapping[str, Any], place: str) -> None:
    """Raise Problem for a field that objects of a resource do not have, and for one of the wrong shape."""
    for field in facts:
        if field not in FACT_FIELDS[resource]:
            problem = f"{resource} have no field '{field}'{suggest_word(str(field), FACT_FIELDS[resource])}"
            raise Problem(problem, where=place, fix=_list_choices(FACT_FIELDS[resource]))
    for field in ("labels", "annotations"):
        if not isinstance(facts.get(field) or {}, Mapping):
            raise Problem(f"'{field}' must be a mapping", where=place, fix=f"Write `{field}: {{NAME: VALUE}}`.")
    for container in _read_mappings(facts.get("containers"), "containers", place):
        if "name" not in container:
            raise Problem("a container has no name", where=place, fix="Write `containers: [{name: NAME}]`.")


def select_objects(
    objects: Sequence[Mapping[str, Any]], fields: str, labels: str, namespace: str = ""
) -> list[Mapping[str, Any]]:
    """Return the objects that the selectors of a request take: `path=value`, `!=` and `==`, several with commas.

    A selector of labels with sets is not known, and takes all; so does no namespace.
    """
    terms = [
        *(_SelectorTerm.read_term(text, lambda key: tuple(key.split("."))) for text in _split_selector(fields)),
        *(_SelectorTerm.read_term(text, lambda key: ("metadata", "labels", key)) for text in _split_selector(labels)),
    ]
    namespace_objects = [
        kubernetes_object
        for kubernetes_object in objects
        if not namespace or kubernetes_object["metadata"].get("namespace") == namespace
    ]
    return [
        kubernetes_object
        for kubernetes_object in namespace_objects
        if all(term.selects_object(kubernetes_object) for term in terms)
    ]


def _split_selector(selector: str) -> list[str]:
    """Return the terms of a selector; none of one with sets or with a key that may not be there."""
    if "(" in selector or "!" in selector.replace("!=", ""):
        return []
    return [term for term in selector.split(",") if term]


class _SelectorTerm(NamedTuple):
    """A term of a selector: a path, the value there, and whether it takes objects with it or all others."""

    path: Path
    value: str
    is_equal: bool

    @classmethod
    def read_term(cls, term_text: str, find_path: Callable[[str], Path]) -> _SelectorTerm:
        """Return the term in a text; `find_path` returns where its key stands in an object."""
        if "!=" in term_text:
            key, _sign, value = term_text.partition("!=")
            return cls(find_path(key), value, False)
        key, _sign, value = term_text.replace("==", "=").partition("=")
        return cls(find_path(key), value, True)

    def selects_object(self, kubernetes_object: Mapping[str, Any]) -> bool:
        """Whether the term takes an object."""
        has_value = str(value_at(kubernetes_object, self.path, "")) == self.value
        return has_value is self.is_equal


def _list_choices(known_names: Any) -> str:
    return f"One of: {', '.join(known_names)}."


def _add_pod(facts: Mapping[str, Any], objects: Objects) -> None:
    """Add a pod, and the workload that owns it."""
    namespace = str(facts.get("namespace", "default"))
    pod = _build_object("pods", facts, namespace)
    for field in OWNER_KINDS:
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
        "containerStatuses": [_build_container_status(container) for container in containers if "id" in container],
    }
    objects["pods"].append(pod)


def _add_owner(pod: dict[str, Any], field: str, workload: str, namespace: str, objects: Objects) -> None:
    """Add the object that owns a pod; for a Deployment, its ReplicaSet and itself."""
    is_deployment = field == "deployment"
    name = f"{workload}-{_TEMPLATE_HASH}" if is_deployment else workload
    kind = OWNER_KINDS[field]
    owner = _build_object(_RESOURCES_BY_KIND[kind], {"name": name}, namespace)
    pod["metadata"]["ownerReferences"] = [_build_owner_reference(kind, name)]
    if is_deployment:
        pod["metadata"]["labels"] = {"pod-template-hash": _TEMPLATE_HASH, **pod["metadata"].get("labels", {})}
        owner["metadata"]["ownerReferences"] = [_build_owner_reference("Deployment", workload)]
        objects["deployments"].append(_build_object("deployments", {"name": workload}, namespace))
    objects[_RESOURCES_BY_KIND[kind]].append(owner)


def _build_container_status(container: Mapping[str, Any]) -> dict[str, Any]:
    """Return the status of a container that runs."""
    return {"name": container["name"], "containerID": f"containerd://{container['id']}", "restartCount": 0}


def _build_object(resource: str, facts: Mapping[str, Any], namespace: str) -> dict[str, Any]:
    """Return an object of a resource with these facts; one of the whole cluster has no namespace."""
    api_version, kind = KINDS_BY_RESOURCE[resource]
    name = str(facts.get("name", ""))
    metadata: dict[str, Any] = {"name": name, "uid": str(facts.get("uid", f"{name}-uid")), "resourceVersion": "1"}
    if namespace:
        metadata["namespace"] = namespace
    for key in ("labels", "annotations"):
        if facts.get(key):
            metadata[key] = {str(label): str(value) for label, value in facts[key].items()}
    metadata["creationTimestamp"] = "2026-01-01T00:00:00Z"
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata}


def _build_owner_reference(kind: str, name: str) -> dict[str, Any]:
    """Return a reference to the object that owns another one."""
    api_version = "batch/v1" if kind == "Job" else "apps/v1"
    return {"apiVersion": api_version, "kind": kind, "name": name, "uid": f"{name}-uid", "controller": True}
