# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Job of a capture: a copy of a collector's pod that also writes down what its receivers get. Private.

`capture_pod` runs the Job. Its pod has the containers, the labels and the account of the collector's own pods. So the
Services send it a share of the load, and it sends on to the same backends. The Collector in it writes what it gets to a
volume in memory, and a second container serves parts of this file over HTTP, under a path that only the run knows.
Kubernetes ends the Job and removes it, also when nobody asks it to.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

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
"""For how long Kubernetes keeps a Job that has ended."""
SLACK_BYTES = 16 * MIB
"""By how much a capture may exceed its bytes until the run sees it."""
PART_BYTES = MIB

# The volumes in memory, and where the containers see them.
_CAPTURE_VOLUME, _SERVED_VOLUME = "o11y-capture", "o11y-served"
_SERVED_FOLDER = "/o11y-served"
_PATH_BY_VOLUME = {_CAPTURE_VOLUME: CAPTURE_MOUNT_PATH, _SERVED_VOLUME: _SERVED_FOLDER}
# Kubernetes mounts the token of the account in each container that has nothing else there, so the reader has an empty
# volume there. Source: plugin/pkg/admission/serviceaccount of Kubernetes.
_NO_TOKEN_VOLUME, _TOKEN_FOLDER = "o11y-no-token", "/var/run/secrets/kubernetes.io/serviceaccount"
_HOST_PATH = "hostPath"
# The type of a folder of the node that pods make for what they keep, such as how far they have read files.
_CREATED_FOLDER_TYPE = "DirectoryOrCreate"
# The ports that the reader may serve on, both ends included.
_FIRST_PORT = 18090
_LAST_PORT = 18190
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
# The command of the reader, which has the variables SECRET_PATH and PORT. It serves the folder `www` over HTTP, and
# cuts the file of the Collector into the parts 0, 1, 2 and so on. One read of a file gets all that is asked, so dd goes
# on where it ended. Parts get their names when they are whole. An index hides the names of files from a server that
# lists them.
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
    """What the Job of a capture is made of, beside the pod template of the workload."""

    name: str
    config_overlay: Mapping[str, Any]
    """The config that the Collector merges over its own."""
    secret_path: str
    """The path of the parts, which only the run knows."""
    reader_image: str
    run_as_user: int
    """The user of the reader if the pod names none; 0 for the user of the image."""
    most_bytes: int
    """How many bytes of telemetry the capture may have."""
    life_seconds: int
    """After how many seconds Kubernetes ends the Job."""
    node_name: str = ""
    """The node that the pod runs on; empty if any will do."""

    @property
    def volume_bytes(self) -> int:
        """The size of a volume in memory: it has room for all bytes of the capture."""
        return self.most_bytes + SLACK_BYTES


class BuiltJob(NamedTuple):
    """The Job of a capture, and the port on which its pod serves parts."""

    manifest: dict[str, Any]
    port: int


def build_capture_job(workload: Mapping[str, Any], capture_job: CaptureJob) -> BuiltJob:
    """Return the Job for a live workload. Raises Problem if the workload's pods cannot have one more beside them."""
    template = mapping_at(workload, "spec", "template")
    pod = copy.deepcopy(mapping_at(template, "spec"))
    collector = find_collector_container(pod)
    port = _find_free_port(pod)
    _check_pod_can_run_twice(pod, collector)
    claim_names = {str(claim["metadata"]["name"]) for claim in list_at(workload, "spec", "volumeClaimTemplates")}
    _adapt_pod(pod, claim_names, capture_job)
    _tap_collector(collector, capture_job)
    pod["containers"].append(_build_reader(pod, capture_job, port))
    job_metadata = {
        "name": capture_job.name,
        "namespace": workload["metadata"]["namespace"],
        "labels": {"app.kubernetes.io/name": "collector-capture", "app.kubernetes.io/managed-by": OWNER},
    }
    spec = {
        "activeDeadlineSeconds": capture_job.life_seconds,  # of the Job: its pod has its usual time to end
        "backoffLimit": 0,
        "ttlSecondsAfterFinished": KEPT_SECONDS,
        "template": {"metadata": _build_pod_metadata(mapping_at(template, "metadata")), "spec": pod},
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


def _adapt_pod(pod: dict[str, Any], claim_names: set[str], capture_job: CaptureJob) -> None:
    """Let a pod run once beside the collector's pods, without what belongs to these alone."""
    pod |= {"restartPolicy": "Never", "volumes": _build_volumes(pod, claim_names, capture_job)}
    _detach_from_node(pod)
    for field in _PRIORITY_FIELDS:
        pod.pop(field, None)
    if capture_job.node_name:
        pod["affinity"] = _bind_to_node(mapping_at(pod, "affinity"), capture_job.node_name)


def _build_volumes(pod: Mapping[str, Any], claim_names: set[str], capture_job: CaptureJob) -> list[dict[str, Any]]:
    """Return the volumes of the pod. What the other pods keep on claims or in folders of their own is empty here."""
    volumes = [dict(volume) for volume in list_at(pod, "volumes") if volume.get("name") not in claim_names]
    for volume in volumes:
        is_own_folder = mapping_at(volume, _HOST_PATH).get("type") == _CREATED_FOLDER_TYPE
        kept_source = _HOST_PATH if is_own_folder else "persistentVolumeClaim"
        if volume.pop(kept_source, None):
            volume["emptyDir"] = {}
    for name in sorted(claim_names):
        volumes.append({"name": name, "emptyDir": {}})
    for name in _PATH_BY_VOLUME:
        volumes.append({"name": name, "emptyDir": {"medium": "Memory", "sizeLimit": str(capture_job.volume_bytes)}})
    volumes.append({"name": _NO_TOKEN_VOLUME, "emptyDir": {}})
    return volumes


def _detach_from_node(pod: Mapping[str, Any]) -> None:
    """Let no container open a port of the node, or write to it: the pods that serve there do so."""
    node_volumes = {volume.get("name") for volume in list_at(pod, "volumes") if _HOST_PATH in volume}
    for container in [*list_at(pod, "initContainers"), *list_at(pod, "containers")]:
        for container_port in list_at(container, "ports"):
            container_port.pop("hostPort", None)
        for mount in list_at(container, "volumeMounts"):
            if mount.get("name") in node_volumes:
                mount["readOnly"] = True


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


def _tap_collector(collector: dict[str, Any], capture_job: CaptureJob) -> None:
    """Let the container of the Collector merge the config of the capture, and write to the volume in memory."""
    arguments_field = "args" if list_at(collector, "args") else "command"
    collector[arguments_field] = [*list_at(collector, arguments_field), f"--config=env:{CONFIG_VARIABLE}"]
    overlay = json.dumps(capture_job.config_overlay, separators=(",", ":"))
    collector["env"] = [*list_at(collector, "env"), {"name": CONFIG_VARIABLE, "value": overlay}]
    mount = {"name": _CAPTURE_VOLUME, "mountPath": CAPTURE_MOUNT_PATH}
    collector["volumeMounts"] = [*list_at(collector, "volumeMounts"), mount]
    _add_memory(mapping_at(collector, "resources"), capture_job.volume_bytes)


def _add_memory(resources: dict[str, Any], volume_bytes: int) -> None:
    """Add twice the size of the volume to requests and limits: a volume in memory counts as memory of the container.

    Twice, since memory_limiter may have a limit in percent of the container's.
    """
    for resource_kind in ("requests", "limits"):
        amounts = mapping_at(resources, resource_kind)
        if "memory" in amounts:
            amounts["memory"] = str(parse_bytes(str(amounts["memory"])) + 2 * volume_bytes)


def _build_reader(pod: Mapping[str, Any], capture_job: CaptureJob, port: int) -> dict[str, Any]:
    """Return the container that serves parts of the file."""
    security_context = dict(CONTAINER_SECURITY)
    has_user = "runAsUser" in mapping_at(pod, "securityContext")
    if capture_job.run_as_user and not has_user:
        security_context["runAsUser"] = capture_job.run_as_user
    mounts = []
    for name, path in _PATH_BY_VOLUME.items():
        mounts.append({"name": name, "mountPath": path, "readOnly": path == CAPTURE_MOUNT_PATH})
    mounts.append({"name": _NO_TOKEN_VOLUME, "mountPath": _TOKEN_FOLDER, "readOnly": True})
    memory_limit = str(capture_job.volume_bytes + _READER_MEMORY)
    return {
        "name": READER_NAME,
        "image": capture_job.reader_image,
        "command": ["sh", "-c", _SCRIPT],
        "env": [{"name": "SECRET_PATH", "value": capture_job.secret_path}, {"name": "PORT", "value": str(port)}],
        "ports": [{"containerPort": port}],
        "resources": {"requests": {"cpu": "20m", "memory": "32Mi"}, "limits": {"memory": memory_limit}},
        "securityContext": security_context,
        "volumeMounts": mounts,
    }
