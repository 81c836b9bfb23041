# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cluster of a test: the short form in which a user writes it, and the objects of Kubernetes that it stands for.

A user writes facts under `cluster` in a file of tests::

    pods: [{name: cart-1, namespace: shop, ip: 10.0.0.1, node: node-1, deployment: cart}]

The API of a test answers with the objects that `build_cluster_objects` makes of them, here a Pod, a ReplicaSet and a
Deployment. kubernetes_answers.py in plugin_utils serves them.
Source: the fields that processor/k8sattributesprocessor of opentelemetry-collector-contrib reads. Private.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import Problem, suggest_word

# The version of the API and the kind of each resource.
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
# The facts that a user can write for each resource.
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
# The kind of the object that owns a pod, by the fact that names the workload. A Deployment owns it by a ReplicaSet.
OWNER_KINDS = {"deployment": "ReplicaSet", "statefulset": "StatefulSet", "daemonset": "DaemonSet", "job": "Job"}
# What a Deployment adds to the names of its ReplicaSets and to the labels of its pods.
_TEMPLATE_HASH = "5d4f"
_CREATION_TIME = "2026-01-01T00:00:00Z"

Objects = dict[str, list[dict[str, Any]]]
"""Objects of Kubernetes by resource, such as `pods`."""


def build_cluster_objects(facts: Mapping[str, Any], where: str) -> Objects:
    """Return the objects of a test's cluster. `facts` is what the user wrote, at `where` in the file of tests.

    Raises Problem for an unknown fact, and for one of the wrong shape.
    """
    objects: Objects = {resource: [] for resource in KINDS_BY_RESOURCE}
    for resource, resource_facts in facts.items():
        if resource not in FACT_FIELDS:
            problem = f"there are no facts '{resource}'{suggest_word(str(resource), FACT_FIELDS)}"
            raise Problem(problem, where=where, fix=_list_choices(FACT_FIELDS))
        for object_facts in _read_mappings(resource_facts, resource, where):
            _check_fields(resource, object_facts, f"{where}.{resource}")
            if resource == "pods":
                _add_pod(object_facts, objects)
            else:
                objects[resource].append(_build_object(resource, object_facts, ""))
    return objects


def _read_mappings(value: Any, name: str, where: str) -> list[Mapping[str, Any]]:
    """Return the items of a list of mappings; none if the value is empty. Raises Problem for any other value."""
    values = [] if value is None else value
    if not isinstance(values, list) or not all(isinstance(entry, Mapping) for entry in values):
        raise Problem(f"'{name}' must be a list of mappings", where=where, fix=f"Write `{name}: [{{name: NAME}}]`.")
    return values


def _check_fields(resource: str, facts: Mapping[str, Any], where: str) -> None:
    """Raise Problem for a field that objects of a resource do not have, and for one of the wrong shape."""
    for field in facts:
        if field not in FACT_FIELDS[resource]:
            problem = f"{resource} have no field '{field}'{suggest_word(str(field), FACT_FIELDS[resource])}"
            raise Problem(problem, where=where, fix=_list_choices(FACT_FIELDS[resource]))
    for field in ("labels", "annotations"):
        if not isinstance(facts.get(field) or {}, Mapping):
            raise Problem(f"'{field}' must be a mapping", where=where, fix=f"Write `{field}: {{NAME: VALUE}}`.")
    for container in _read_mappings(facts.get("containers"), "containers", where):
        if "name" not in container:
            raise Problem("a container has no name", where=where, fix="Write `containers: [{name: NAME}]`.")


def _list_choices(known_names: Iterable[str]) -> str:
    return f"One of: {', '.join(known_names)}."


def _add_pod(pod_facts: Mapping[str, Any], objects: Objects) -> None:
    """Add a pod, and the workload that owns it."""
    namespace = str(pod_facts.get("namespace", "default"))
    pod = _build_object("pods", pod_facts, namespace)
    for owner_field in OWNER_KINDS:
        if owner_field in pod_facts:
            _add_owner(pod, owner_field, str(pod_facts[owner_field]), objects)
    pod["spec"] = _build_pod_spec(pod_facts)
    pod["status"] = _build_pod_status(pod_facts)
    objects["pods"].append(pod)


def _build_pod_spec(pod_facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the `spec` of a pod: its node, and its containers with their images."""
    containers = [
        {"name": container["name"], "image": container.get("image", "")}
        for container in pod_facts.get("containers") or ()
    ]
    return {"nodeName": str(pod_facts.get("node", "")), "containers": containers}


def _build_pod_status(pod_facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the `status` of a pod: its IP, and its running containers, which are those with an id."""
    ip = str(pod_facts.get("ip", ""))
    running_containers = [container for container in pod_facts.get("containers") or () if "id" in container]
    return {
        "podIP": ip,
        "podIPs": [{"ip": ip}] if ip else [],
        "containerStatuses": [_build_container_status(container) for container in running_containers],
    }


def _add_owner(pod: dict[str, Any], owner_field: str, workload: str, objects: Objects) -> None:
    """Add the object that owns a pod, such as a DaemonSet; for a Deployment, both its ReplicaSet and itself.

    The pod names its owner, and gets the label by which a ReplicaSet selects it.

    `owner_field` is the fact that names the workload, such as `daemonset`.
    """
    namespace = pod["metadata"].get("namespace", "")
    is_deployment = owner_field == "deployment"
    name = f"{workload}-{_TEMPLATE_HASH}" if is_deployment else workload
    kind = OWNER_KINDS[owner_field]
    owner = _build_object(_RESOURCES_BY_KIND[kind], {"name": name}, namespace)
    pod["metadata"]["ownerReferences"] = [_build_owner_reference(kind, name)]
    if is_deployment:
        pod["metadata"]["labels"] = {"pod-template-hash": _TEMPLATE_HASH, **pod["metadata"].get("labels", {})}
        owner["metadata"]["ownerReferences"] = [_build_owner_reference("Deployment", workload)]
        _add_once(_build_object("deployments", {"name": workload}, namespace), objects["deployments"])
    _add_once(owner, objects[_RESOURCES_BY_KIND[kind]])


def _add_once(owner: dict[str, Any], owners: list[dict[str, Any]]) -> None:
    """Add the owner of a pod, unless an earlier pod has the same one."""
    if owner not in owners:
        owners.append(owner)


def _build_container_status(container: Mapping[str, Any]) -> dict[str, Any]:
    """Return the status of a container that runs."""
    return {"name": container["name"], "containerID": f"containerd://{container['id']}", "restartCount": 0}


def _build_object(resource: str, facts: Mapping[str, Any], namespace: str) -> dict[str, Any]:
    """Return an object of a resource with the metadata of these facts; without a namespace if this is empty."""
    api_version, kind = KINDS_BY_RESOURCE[resource]
    name = str(facts.get("name", ""))
    metadata: dict[str, Any] = {"name": name, "uid": str(facts.get("uid", f"{name}-uid")), "resourceVersion": "1"}
    if namespace:
        metadata["namespace"] = namespace
    for key in ("labels", "annotations"):
        if facts.get(key):
            metadata[key] = {str(label): str(value) for label, value in facts[key].items()}
    metadata["creationTimestamp"] = _CREATION_TIME
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata}


def _build_owner_reference(kind: str, name: str) -> dict[str, Any]:
    """Return a reference to the object that owns another one."""
    api_version = "batch/v1" if kind == "Job" else "apps/v1"
    return {"apiVersion": api_version, "kind": kind, "name": name, "uid": f"{name}-uid", "controller": True}
