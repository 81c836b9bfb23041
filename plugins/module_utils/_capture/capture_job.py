# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Job of a capture: a copy of a collector's pod that also writes down what its receivers get. Private.

`capture_pod.py` runs the Job. Its pod has the containers, the labels and the account of the collector's own pods. So
the Services send it a share of the load, and it sends on to the same backends. The Collector in it writes what it gets
to a volume in memory, and a second container serves this file (capture_reader.py). Kubernetes ends the Job and removes
it, also when nobody asks it to. For a workload with the container `otc-container`, the spec of the pod is, for example:

    containers:
    - {name: otc-container, args: [--config=/conf/config.yaml, --config=env:O11Y_CAPTURE_CONFIG], …}
    - {name: o11y-capture, command: [sh, -c, …], ports: [{containerPort: 18090}], …}
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from .._diagnose.pod_config import find_collector_container
from .._otelcol.config.paths import list_at, mapping_at
from .._otelcol.errors import Problem
from .._otelcol.kube.names import OWNER
from .._otelcol.needs.quantities import parse_bytes
from .capture_reader import (
    CAPTURE_MOUNT_PATH,
    CAPTURE_VOLUME,
    NO_TOKEN_VOLUME,
    PATH_BY_VOLUME,
    READER_NAME,
    CaptureJob,
    build_reader,
)

# The variable by which the Collector gets the config of the capture.
CONFIG_VARIABLE = "O11Y_CAPTURE_CONFIG"
# For how many seconds Kubernetes keeps a Job that has ended.
KEPT_SECONDS = 60
_HOST_PATH = "hostPath"
# The type of a folder of the node that pods make for what they keep, such as how far they have read files.
_CREATED_FOLDER_TYPE = "DirectoryOrCreate"
# The ports that the reader may serve on, both ends included.
_FIRST_PORT = 18090
_LAST_PORT = 18190
# Labels by which controllers know their pods: the pod of the capture must not be taken for one of the workload itself.
_CONTROLLER_LABELS = (
    "pod-template-hash",
    "controller-revision-hash",
    "statefulset.kubernetes.io/pod-name",
    "apps.kubernetes.io/pod-index",
    "pod-template-generation",
)
# Annotations with lists of containers to which the webhooks of clouds give no token, and what stands between two names.
# Sources: the README of github.com/aws/amazon-eks-pod-identity-webhook, and "Service Account Labels and Annotations" of
# Azure Workload Identity.
_SKIP_ANNOTATIONS = {"eks.amazonaws.com/skip-containers": ",", "azure.workload.identity/skip-containers": ";"}
_REQUIRED_AFFINITY = "requiredDuringSchedulingIgnoredDuringExecution"
# With these, Kubernetes might evict pods of others to make room for that of the capture.
_PRIORITY_FIELDS = ("priorityClassName", "priority", "preemptionPolicy")


class BuiltJob(NamedTuple):
    """The Job of a capture, and the port on which its pod serves parts."""

    manifest: dict[str, Any]
    port: int


def build_capture_job(workload: Mapping[str, Any], capture_job: CaptureJob) -> BuiltJob:
    """Return the Job for a live workload. Raises Problem if the workload's pods cannot have one more beside them."""
    template = mapping_at(workload, "spec", "template")
    pod = mapping_at(template, "spec")
    collector = find_collector_container(pod)
    port = _find_free_port(pod)
    _check_pod_can_run_twice(pod, collector)
    claim_names = {str(claim["metadata"]["name"]) for claim in list_at(workload, "spec", "volumeClaimTemplates")}
    job_metadata = {
        "name": capture_job.name,
        "namespace": workload["metadata"]["namespace"],
        "labels": {"app.kubernetes.io/name": "collector-capture", "app.kubernetes.io/managed-by": OWNER},
    }
    pod_template = {
        "metadata": _build_pod_metadata(mapping_at(template, "metadata")),
        "spec": _build_pod(pod, collector, claim_names, capture_job, port),
    }
    spec = {
        "activeDeadlineSeconds": capture_job.life_seconds,  # of the Job: its pod has its usual time to end
        "backoffLimit": 0,
        "ttlSecondsAfterFinished": KEPT_SECONDS,
        "template": pod_template,
    }
    return BuiltJob({"apiVersion": "batch/v1", "kind": "Job", "metadata": job_metadata, "spec": spec}, port)


# ── The pod ──


def _find_free_port(pod: Mapping[str, Any]) -> int:
    """Return the first port for the reader that no container of the pod names. Raises Problem if there is none."""
    named_ports = set()
    for container in list_at(pod, "containers"):
        for container_port in list_at(container, "ports"):
            named_ports.add(container_port.get("containerPort"))
    for port in range(_FIRST_PORT, _LAST_PORT + 1):
        if port not in named_ports:
            return port
    wrong = f"the containers of its pods name all ports from {_FIRST_PORT} to {_LAST_PORT}, and the capture needs one"
    raise Problem(wrong, fix="Leave one of them out of the ports of the containers.")


def _check_pod_can_run_twice(pod: Mapping[str, Any], collector: Mapping[str, Any]) -> None:
    """Raise Problem for a pod that cannot run beside the others, or whose Collector takes no further config."""
    if pod.get("hostNetwork"):
        raise Problem("its pods use the network of their node, so another one could not open their ports")
    arguments = [str(word) for word in [*list_at(collector, "command"), *list_at(collector, "args")]]
    if not any(word.startswith(("--config", "-config")) for word in arguments):
        wrong = f"container {collector.get('name')} names no `--config`, so nothing can be merged over its config"
        raise Problem(wrong, fix="Name the config in the arguments of the container.")


def _build_pod_metadata(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return the labels and annotations of the pod: those of the collector's pods, with no token of a cloud for the
    reader.
    """
    labels = {key: value for key, value in mapping_at(metadata, "labels").items() if key not in _CONTROLLER_LABELS}
    annotations = dict(mapping_at(metadata, "annotations"))
    for name, separator in _SKIP_ANNOTATIONS.items():
        skipped_containers = [str(annotations[name])] if annotations.get(name) else []
        annotations[name] = separator.join([*skipped_containers, READER_NAME])
    return {"labels": labels, "annotations": annotations}


def _build_pod(
    pod: Mapping[str, Any],
    collector: Mapping[str, Any],
    claim_names: Collection[str],
    capture_job: CaptureJob,
    port: int,
) -> dict[str, Any]:
    """Return the spec of a pod that runs once beside the collector's pods, without what belongs to these alone.

    `pod` is the spec of the collector's pods, and `collector` the container of the Collector in it.
    """
    volumes = _build_volumes(pod, claim_names, capture_job)
    node_volumes = {str(volume.get("name")) for volume in volumes if _HOST_PATH in volume}
    containers: list[dict[str, Any]] = []
    for container in list_at(pod, "containers"):
        detached_container = _detach_from_node(container, node_volumes)
        is_collector = container is collector
        containers.append(_tap_collector(detached_container, capture_job) if is_collector else detached_container)
    containers.append(build_reader(pod, capture_job, port))
    built_pod = {field: value for field, value in pod.items() if field not in _PRIORITY_FIELDS}
    built_pod |= {"containers": containers, "restartPolicy": "Never", "volumes": volumes}
    if "initContainers" in pod:
        init_containers = list_at(pod, "initContainers")
        built_pod["initContainers"] = [_detach_from_node(container, node_volumes) for container in init_containers]
    if capture_job.node_name:
        built_pod["affinity"] = _bind_to_node(mapping_at(pod, "affinity"), capture_job.node_name)
    return built_pod


def _build_volumes(
    pod: Mapping[str, Any], claim_names: Collection[str], capture_job: CaptureJob
) -> list[dict[str, Any]]:
    """Return the volumes of the pod. What the other pods keep on claims or in folders of their own is empty here."""
    volumes = [dict(volume) for volume in list_at(pod, "volumes") if volume.get("name") not in claim_names]
    for volume in volumes:
        is_own_folder = mapping_at(volume, _HOST_PATH).get("type") == _CREATED_FOLDER_TYPE
        kept_source = _HOST_PATH if is_own_folder else "persistentVolumeClaim"
        if volume.pop(kept_source, None):
            volume["emptyDir"] = {}
    for name in sorted(claim_names):
        volumes.append({"name": name, "emptyDir": {}})
    for name in PATH_BY_VOLUME:
        volumes.append({"name": name, "emptyDir": {"medium": "Memory", "sizeLimit": str(capture_job.volume_bytes)}})
    volumes.append({"name": NO_TOKEN_VOLUME, "emptyDir": {}})
    return volumes


def _bind_to_node(affinity: Mapping[str, Any], node_name: str) -> dict[str, Any]:
    """Return an affinity that also asks for a node.

    A node must meet one of the terms of a required affinity, so each term asks for the node.
    """
    node_affinity = mapping_at(affinity, "nodeAffinity")
    required = mapping_at(node_affinity, _REQUIRED_AFFINITY)
    node_field = {"key": "metadata.name", "operator": "In", "values": [node_name]}
    terms = []
    for term in list_at(required, "nodeSelectorTerms") or [{}]:
        terms.append({**term, "matchFields": [*list_at(term, "matchFields"), node_field]})
    return {**affinity, "nodeAffinity": {**node_affinity, _REQUIRED_AFFINITY: {"nodeSelectorTerms": terms}}}


# ── The containers ──


def _detach_from_node(container: Mapping[str, Any], node_volumes: Collection[str]) -> dict[str, Any]:
    """Return a container that opens no port of the node, and writes to none of its folders, which `node_volumes` have.

    The collector's own pods on that node do so.
    """
    detached_container = dict(container)
    if "ports" in container:
        detached_container["ports"] = [
            {field: value for field, value in container_port.items() if field != "hostPort"}
            for container_port in list_at(container, "ports")
        ]
    if "volumeMounts" in container:
        detached_container["volumeMounts"] = [
            {**mount, "readOnly": True} if mount.get("name") in node_volumes else mount
            for mount in list_at(container, "volumeMounts")
        ]
    return detached_container


def _tap_collector(collector: Mapping[str, Any], capture_job: CaptureJob) -> dict[str, Any]:
    """Return the container of the Collector, which also merges the config of the capture and writes to its volume."""
    arguments_field = "args" if list_at(collector, "args") else "command"
    overlay = json.dumps(capture_job.config_overlay, separators=(",", ":"))
    mount = {"name": CAPTURE_VOLUME, "mountPath": CAPTURE_MOUNT_PATH}
    tapped_collector = {
        **collector,
        arguments_field: [*list_at(collector, arguments_field), f"--config=env:{CONFIG_VARIABLE}"],
        "env": [*list_at(collector, "env"), {"name": CONFIG_VARIABLE, "value": overlay}],
        "volumeMounts": [*list_at(collector, "volumeMounts"), mount],
    }
    if "resources" in collector:
        tapped_collector["resources"] = _add_memory(mapping_at(collector, "resources"), capture_job.volume_bytes)
    return tapped_collector


def _add_memory(resources: Mapping[str, Any], volume_bytes: int) -> dict[str, Any]:
    """Return resources with twice the size of the volume more: a volume in memory counts as memory of the container.

    Twice, since memory_limiter may have a limit in percent of the container's.
    """
    larger_resources = dict(resources)
    for resource_kind in ("requests", "limits"):
        amounts = mapping_at(resources, resource_kind)
        if "memory" in amounts:
            memory_bytes = parse_bytes(str(amounts["memory"])) + 2 * volume_bytes
            larger_resources[resource_kind] = {**amounts, "memory": str(memory_bytes)}
    return larger_resources
