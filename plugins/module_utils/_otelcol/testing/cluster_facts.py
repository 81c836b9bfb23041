# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cluster of a test: pods, namespaces and nodes in a short form, and as the objects of the Kubernetes API.

Source: the fields that processor/k8sattributesprocessor of opentelemetry-collector-contrib reads. Private.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..config.paths import at
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
    found: Objects = {resource: [] for resource in KINDS}
    for resource, items in facts.items():
        if resource not in FIELDS:
            raise Problem(
                f"there are no facts '{resource}'{near(str(resource), FIELDS)}", where=where, fix=_fix(FIELDS)
            )
        for item in items:
            for field in item:
                if field not in FIELDS[resource]:
                    wrong = f"{resource} have no field '{field}'{near(str(field), FIELDS[resource])}"
                    raise Problem(wrong, where=f"{where}.{resource}", fix=_fix(FIELDS[resource]))
            _add(resource, item, found)
    return found


def selected_objects(
    items: Sequence[Mapping[str, Any]], fields: str, labels: str, namespace: str = ""
) -> list[Mapping[str, Any]]:
    """Return the objects that the selectors of a request take: `path=value`, `!=` and `==`, several with commas.

    A selector of labels with sets is not known, and takes all; so does no namespace.
    """
    found = [item for item in items if not namespace or item["metadata"].get("namespace") == namespace]
    for text, place in ((fields, lambda key: key.split(".")), (labels, lambda key: ["metadata", "labels", key])):
        if "(" in text or "!" in text.replace("!=", ""):
            continue
        for term in filter(None, text.split(",")):
            key, unequal, value = term.partition("!=") if "!=" in term else term.replace("==", "=").partition("=")
            is_there = [str(at(item, tuple(place(key)), "")) == value for item in found]
            found = [item for item, same in zip(found, is_there, strict=True) if same is (unequal != "!=")]
    return found


def _fix(known: Any) -> str:
    return f"One of: {', '.join(known)}."


def _add(resource: str, item: Mapping[str, Any], found: Objects) -> None:
    if resource != "pods":
        found[resource].append(_object(resource, item, ""))
        return
    namespace = str(item.get("namespace", "default"))
    pod = _object("pods", item, namespace)
    for field, kind in OWNERS.items():
        if field in item:
            owner = f"{item[field]}-{_HASH}" if field == "deployment" else str(item[field])
            pod["metadata"]["ownerReferences"] = [_owner(kind, owner)]
            resources = {kind: name for name, (_version, kind) in KINDS.items()}
            made = _object(resources[kind], {"name": owner, "uid": f"{owner}-uid"}, namespace)
            if field == "deployment":
                pod["metadata"]["labels"] = {"pod-template-hash": _HASH, **pod["metadata"].get("labels", {})}
                made["metadata"]["ownerReferences"] = [_owner("Deployment", str(item[field]))]
                found["deployments"].append(
                    _object("deployments", {"name": item[field], "uid": f"{item[field]}-uid"}, namespace)
                )
            found[resources[kind]].append(made)
    containers = item.get("containers") or ()
    ip = str(item.get("ip", ""))
    pod["spec"] = {
        "nodeName": str(item.get("node", "")),
        "containers": [{"name": one["name"], "image": one.get("image", "")} for one in containers],
    }
    pod["status"] = {
        "podIP": ip,
        "podIPs": [{"ip": ip}] if ip else [],
        "containerStatuses": [
            {"name": one["name"], "containerID": f"containerd://{one['id']}", "restartCount": 0}
            for one in containers
            if "id" in one
        ],
    }
    found["pods"].append(pod)


def _object(resource: str, item: Mapping[str, Any], namespace: str) -> dict[str, Any]:
    version, kind = KINDS[resource]
    name = str(item.get("name", ""))
    metadata: dict[str, Any] = {"name": name, "uid": str(item.get("uid", f"{name}-uid")), "resourceVersion": "1"}
    metadata |= {"namespace": namespace} if namespace else {}
    metadata |= {
        key: {str(label): str(value) for label, value in item[key].items()}
        for key in ("labels", "annotations")
        if item.get(key)
    }
    metadata["creationTimestamp"] = "2026-01-01T00:00:00Z"
    return {"apiVersion": version, "kind": kind, "metadata": metadata}


def _owner(kind: str, name: str) -> dict[str, Any]:
    version = "batch/v1" if kind == "Job" else "apps/v1"
    return {"apiVersion": version, "kind": kind, "name": name, "uid": f"{name}-uid", "controller": True}
