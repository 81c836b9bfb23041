# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Job whose pod takes its share of the load of a collector, and hands out what it gets. Private.

The pod is one of the collector's own: the same containers, labels and account, so its Services send to it, and it sends
on to the same backends. Kubernetes ends the Job and removes it, also when nobody asks it to. The Collector writes to a
volume in memory, of which a second container hands out parts under a path that only the run knows.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._collector.manifests.pod import CONTAINER_SECURITY
from .._diagnose.pod_config import find_collector_container
from .._otelcol.config.paths import list_at, mapping_at
from .._otelcol.errors import Problem
from .._otelcol.kube.names import OWNER
from .._otelcol.needs.quantities import MIB, parse_bytes

CAPTURE_MOUNT_PATH = "/o11y-capture"
CAPTURE_FILE = f"{CAPTURE_MOUNT_PATH}/received.jsonl"
READER_NAME = "o11y-capture"
CONFIG_VARIABLE = "O11Y_CAPTURE_CONFIG"
KEPT_SECONDS = 60
# What a capture may exceed its bytes by until the run sees it.
SLACK_BYTES = 16 * MIB
PART_BYTES = MIB
_FIRST_PORT, _LAST_PORT = 18090, 18190
_SERVED_FOLDER = "/o11y-served"
_READER_MEMORY = 32 * MIB
# The pod of the capture must not be taken for one of the workload itself.
_CONTROLLER_LABELS = (
    *("pod-template-hash", "controller-revision-hash", "statefulset.kubernetes.io/pod-name"),
    *("apps.kubernetes.io/pod-index", "pod-template-generation"),
)
# Lists of containers to which the webhooks of clouds give no token, with what stands between two of them.
# Sources: the README of github.com/aws/amazon-eks-pod-identity-webhook, and "Service Account Labels and Annotations" of
# Azure Workload Identity.
_SKIP_ANNOTATIONS = {"eks.amazonaws.com/skip-containers": ",", "azure.workload.identity/skip-containers": ";"}
_REQUIRED_AFFINITY = "requiredDuringSchedulingIgnoredDuringExecution"
# With these, Kubernetes might evict pods of others to make room for that of the capture.
_PRIORITY_FIELDS = ("priorityClassName", "priority", "preemptionPolicy")
# One read of a file gets all that is asked, so dd goes on where it ended. Parts get their names when they are whole. An
# index hides the names of files from a server that lists them.
_SCRIPT = f"""set -eu
trap 'exit 0' TERM
mkdir -p "{_SERVED_FOLDER}/www/$SECRET_PATH"
: >{_SERVED_FOLDER}/www/index.html
: >"{_SERVED_FOLDER}/www/$SECRET_PATH/index.html"
if command -v httpd >/dev/null; then httpd -f -p "$PORT" -h {_SERVED_FOLDER}/www &
else python3 -m http.server "$PORT" --directory {_SERVED_FOLDER}/www & fi
until [ -f {CAPTURE_FILE} ]; do sleep 1; done
exec 3<{CAPTURE_FILE}
part=0
offset=0
while :; do
  size=$(wc -c <{CAPTURE_FILE})
  if [ "$size" -gt "$offset" ]; then
    taken=$((size - offset))
    if [ "$taken" -gt {PART_BYTES} ]; then taken={PART_BYTES}; fi
    dd bs="$taken" count=1 <&3 >{_SERVED_FOLDER}/part 2>/dev/null
    mv {_SERVED_FOLDER}/part "{_SERVED_FOLDER}/www/$SECRET_PATH/$part"
    part=$((part + 1))
    offset=$((offset + taken))
  else
    sleep 1
  fi
done
"""


@dataclass(frozen=True)
class CaptureJob:
    """What the Job of a capture is made of, beside the pod template of the workload.

    `node_name` is the name of the node that the pod runs on; empty if any will do.
    """

    name: str
    config_overlay: Mapping[str, Any]
    secret_path: str
    reader_image: str
    run_as_user: int
    most_bytes: int
    life_seconds: int
    node_name: str = ""


def build_capture_job(workload: Mapping[str, Any], capture_job: CaptureJob) -> tuple[dict[str, Any], int]:
    """Return the Job for a live workload, and the port on which its pod hands out parts.

    Raises Problem for a pod that cannot run twice.
    """
    template = mapping_at(workload, "spec", "template")
    pod = copy.deepcopy(mapping_at(template, "spec"))
    collector = find_collector_container(pod)
    port = _find_free_port(pod)
    _check_pod_can_run_twice(pod, collector)
    claim_names = {str(claim["metadata"]["name"]) for claim in list_at(workload, "spec", "volumeClaimTemplates")}
    pod |= {"restartPolicy": "Never", "volumes": _build_volumes(pod, claim_names, capture_job)}
    _detach_from_node(pod)
    for name in _PRIORITY_FIELDS:
        pod.pop(name, None)
    if capture_job.node_name:
        pod["affinity"] = _bind_to_node(mapping_at(pod, "affinity"), capture_job.node_name)
    _tap_collector(collector, capture_job)
    pod["containers"].append(_build_reader(pod, capture_job, port))
    metadata = mapping_at(template, "metadata")
    labels = {key: value for key, value in mapping_at(metadata, "labels").items() if key not in _CONTROLLER_LABELS}
    own_labels = {"app.kubernetes.io/name": "collector-capture", "app.kubernetes.io/managed-by": OWNER}
    spec = {
        "activeDeadlineSeconds": capture_job.life_seconds,  # of the Job: its pod has its usual time to end
        "backoffLimit": 0,
        "ttlSecondsAfterFinished": KEPT_SECONDS,
        "template": {"metadata": {"labels": labels, "annotations": _build_annotations(metadata)}, "spec": pod},
    }
    job_metadata = {"name": capture_job.name, "namespace": workload["metadata"]["namespace"], "labels": own_labels}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": job_metadata, "spec": spec}, port


def _build_annotations(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return the annotations of the pod: those of the others, and that the reader gets no token of a cloud."""
    annotations = dict(mapping_at(metadata, "annotations"))
    for name, separator in _SKIP_ANNOTATIONS.items():
        skipped_containers = [str(annotations[name])] if annotations.get(name) else []
        annotations[name] = separator.join([*skipped_containers, READER_NAME])
    return annotations


def _check_pod_can_run_twice(pod: Mapping[str, Any], collector: Mapping[str, Any]) -> None:
    """Raise Problem for a pod that cannot run beside the others, or whose Collector takes no further config."""
    if pod.get("hostNetwork"):
        raise Problem("its pods use the network of their node, so another one could not open their ports")
    arguments = [str(word) for word in [*list_at(collector, "command"), *list_at(collector, "args")]]
    if not any(word.startswith(("--config", "-config")) for word in arguments):
        wrong = f"container {collector.get('name')} names no `--config`, so nothing can be merged over its config"
        raise Problem(wrong, fix="Name the config in the arguments of the container.")


def _find_free_port(pod: Mapping[str, Any]) -> int:
    """Return a port that no container of the pod names."""
    named_ports = {
        container_port.get("containerPort")
        for container in list_at(pod, "containers")
        for container_port in list_at(container, "ports")
    }
    return next(port for port in range(_FIRST_PORT, _LAST_PORT) if port not in named_ports)


def _detach_from_node(pod: Mapping[str, Any]) -> None:
    """Let no container open a port of the node, or write to it: the pods that serve there do so."""
    node_volumes = {volume.get("name") for volume in list_at(pod, "volumes") if _HOST_PATH in volume}
    for container in [*list_at(pod, "initContainers"), *list_at(pod, "containers")]:
        for container_port in list_at(container, "ports"):
            container_port.pop("hostPort", None)
        for mount in list_at(container, "volumeMounts"):
            if mount.get("name") in node_volumes:
                mount["readOnly"] = True


def _bind_to_node(affinity: Mapping[str, Any], node: str) -> dict[str, Any]:
    """Return an affinity that also asks for a node. One of its terms must be met, so each of them asks for it."""
    node_affinity = mapping_at(affinity, "nodeAffinity")
    required = mapping_at(node_affinity, _REQUIRED_AFFINITY)
    node_field = {"key": "metadata.name", "operator": "In", "values": [node]}
    terms = [
        {**term, "matchFields": [*list_at(term, "matchFields"), node_field]}
        for term in list_at(required, "nodeSelectorTerms") or [{}]
    ]
    return {**affinity, "nodeAffinity": {**node_affinity, _REQUIRED_AFFINITY: {"nodeSelectorTerms": terms}}}


def _build_volumes(pod: Mapping[str, Any], claim_names: set[str], capture_job: CaptureJob) -> list[dict[str, Any]]:
    """Return the volumes of the pod. What the other pods keep on claims or in folders of their own is empty here."""
    volumes = [dict(volume) for volume in list_at(pod, "volumes") if volume.get("name") not in claim_names]
    for volume in volumes:
        is_own_folder = mapping_at(volume, _HOST_PATH).get("type") == _CREATED_FOLDER_TYPE
        kept_source = _HOST_PATH if is_own_folder else "persistentVolumeClaim"
        if volume.pop(kept_source, None):
            volume["emptyDir"] = {}
    volumes += [{"name": name, "emptyDir": {}} for name in sorted(claim_names)]
    memory_volume = {"medium": "Memory", "sizeLimit": str(capture_job.most_bytes + SLACK_BYTES)}
    in_memory = [{"name": name, "emptyDir": dict(memory_volume)} for name in _MOUNTS]
    return [*volumes, *in_memory, {"name": _NO_TOKEN_VOLUME, "emptyDir": {}}]


_HOST_PATH = "hostPath"
_CREATED_FOLDER_TYPE = "DirectoryOrCreate"
"""The type of a folder of the node that pods make for what they keep, such as how far they have read files."""
_NO_TOKEN_VOLUME, _TOKEN_FOLDER = "o11y-no-token", "/var/run/secrets/kubernetes.io/serviceaccount"
"""Where Kubernetes mounts the token of the account in each container that has nothing else there.

Source: plugin/pkg/admission/serviceaccount of Kubernetes.
"""
_MOUNTS = {"o11y-capture": CAPTURE_MOUNT_PATH, "o11y-served": _SERVED_FOLDER}


def _tap_collector(collector: dict[str, Any], capture_job: CaptureJob) -> None:
    """Let the container of the Collector take the config on top, and write to the volume, which counts as its memory.

    memory_limiter may have a limit in percent of the container's, so the container gets the volume twice.
    """
    arguments_field = "args" if list_at(collector, "args") else "command"
    collector[arguments_field] = [*list_at(collector, arguments_field), f"--config=env:{CONFIG_VARIABLE}"]
    overlay = json.dumps(capture_job.config_overlay, separators=(",", ":"))
    collector["env"] = [*list_at(collector, "env"), {"name": CONFIG_VARIABLE, "value": overlay}]
    mount = {"name": "o11y-capture", "mountPath": CAPTURE_MOUNT_PATH}
    collector["volumeMounts"] = [*list_at(collector, "volumeMounts"), mount]
    resources = mapping_at(collector, "resources")
    for resource_kind in ("requests", "limits"):
        if "memory" in mapping_at(resources, resource_kind):
            resources[resource_kind]["memory"] = str(
                _add_bytes(resources[resource_kind]["memory"], 2 * (capture_job.most_bytes + SLACK_BYTES))
            )


def _add_bytes(quantity: Any, added_bytes: int) -> int:
    return parse_bytes(str(quantity)) + added_bytes


def _build_reader(pod: Mapping[str, Any], capture_job: CaptureJob, port: int) -> dict[str, Any]:
    """Return the container that hands out parts of the file."""
    memory = str(capture_job.most_bytes + SLACK_BYTES + _READER_MEMORY)
    has_user = "runAsUser" in mapping_at(pod, "securityContext")
    user = {"runAsUser": capture_job.run_as_user} if capture_job.run_as_user and not has_user else {}
    mounts = [
        {"name": name, "mountPath": path, "readOnly": path == CAPTURE_MOUNT_PATH} for name, path in _MOUNTS.items()
    ]
    mounts.append({"name": _NO_TOKEN_VOLUME, "mountPath": _TOKEN_FOLDER, "readOnly": True})
    return {
        "name": READER_NAME,
        "image": capture_job.reader_image,
        "command": ["sh", "-c", _SCRIPT],
        "env": [{"name": "SECRET_PATH", "value": capture_job.secret_path}, {"name": "PORT", "value": str(port)}],
        "ports": [{"containerPort": port}],
        "resources": {"requests": {"cpu": "20m", "memory": "32Mi"}, "limits": {"memory": memory}},
        "securityContext": {**CONTAINER_SECURITY, **user},
        "volumeMounts": mounts,
    }
