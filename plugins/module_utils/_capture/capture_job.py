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
from .._diagnose.pod_config import collector_container
from .._otelcol.config.paths import items, section
from .._otelcol.errors import Problem
from .._otelcol.kube.names import OWNER
from .._otelcol.needs.quantities import MIB, parse_bytes

FOLDER = "/o11y-capture"
FILE = f"{FOLDER}/received.jsonl"
READER = "o11y-capture"
CONFIG = "O11Y_CAPTURE_CONFIG"
KEPT_SECONDS = 60
# What a capture may exceed its bytes by until the run sees it.
SLACK_BYTES = 16 * MIB
PART_BYTES = MIB
_FIRST_PORT, _LAST_PORT = 18090, 18190
_SERVED = "/o11y-served"
_READER_MEMORY = 32 * MIB
# The pod of the capture must not be taken for one of the workload itself.
_OF_CONTROLLERS = (
    *("pod-template-hash", "controller-revision-hash", "statefulset.kubernetes.io/pod-name"),
    *("apps.kubernetes.io/pod-index", "pod-template-generation"),
)
# Lists of containers to which the webhooks of clouds give no token, with what stands between two of them.
# Sources: the README of github.com/aws/amazon-eks-pod-identity-webhook, and "Service Account Labels and Annotations" of
# Azure Workload Identity.
_WITHOUT_TOKEN = {"eks.amazonaws.com/skip-containers": ",", "azure.workload.identity/skip-containers": ";"}
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
# With these, Kubernetes might evict pods of others to make room for that of the capture.
_PRIORITY = ("priorityClassName", "priority", "preemptionPolicy")
# One read of a file gets all that is asked, so dd goes on where it ended. Parts get their names when they are whole. An
# index hides the names of files from a server that lists them.
_SCRIPT = f"""set -eu
trap 'exit 0' TERM
mkdir -p "{_SERVED}/www/$SECRET_PATH"
: >{_SERVED}/www/index.html
: >"{_SERVED}/www/$SECRET_PATH/index.html"
if command -v httpd >/dev/null; then httpd -f -p "$PORT" -h {_SERVED}/www &
else python3 -m http.server "$PORT" --directory {_SERVED}/www & fi
until [ -f {FILE} ]; do sleep 1; done
exec 3<{FILE}
part=0
offset=0
while :; do
  size=$(wc -c <{FILE})
  if [ "$size" -gt "$offset" ]; then
    taken=$((size - offset))
    if [ "$taken" -gt {PART_BYTES} ]; then taken={PART_BYTES}; fi
    dd bs="$taken" count=1 <&3 >{_SERVED}/part 2>/dev/null
    mv {_SERVED}/part "{_SERVED}/www/$SECRET_PATH/$part"
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

    `node` is the name of the node that the pod runs on; empty if any will do.
    """

    name: str
    overlay: Mapping[str, Any]
    secret_path: str
    reader_image: str
    run_as_user: int
    most_bytes: int
    life_seconds: int
    node: str = ""


def job_of(workload: Mapping[str, Any], wanted: CaptureJob) -> tuple[dict[str, Any], int]:
    """Return the Job for a live workload, and the port on which its pod hands out parts.

    Raises Problem for a pod that cannot run twice.
    """
    template = section(workload, "spec", "template")
    pod = copy.deepcopy(section(template, "spec"))
    collector = collector_container(pod)
    port = _free_port(pod)
    _check(pod, collector)
    claims = {str(claim["metadata"]["name"]) for claim in items(workload, "spec", "volumeClaimTemplates")}
    pod |= {"restartPolicy": "Never", "volumes": _volumes(pod, claims, wanted)}
    _keep_off_the_node(pod)
    for name in _PRIORITY:
        pod.pop(name, None)
    if wanted.node:
        pod["affinity"] = _bound(section(pod, "affinity"), wanted.node)
    _tapped(collector, wanted)
    pod["containers"].append(_reader(pod, wanted, port))
    metadata = section(template, "metadata")
    labels = {key: value for key, value in section(metadata, "labels").items() if key not in _OF_CONTROLLERS}
    own = {"app.kubernetes.io/name": "collector-capture", "app.kubernetes.io/managed-by": OWNER}
    spec = {
        "activeDeadlineSeconds": wanted.life_seconds,  # of the Job: its pod has its usual time to end
        "backoffLimit": 0,
        "ttlSecondsAfterFinished": KEPT_SECONDS,
        "template": {"metadata": {"labels": labels, "annotations": _annotations(metadata)}, "spec": pod},
    }
    place = {"name": wanted.name, "namespace": workload["metadata"]["namespace"], "labels": own}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": place, "spec": spec}, port


def _annotations(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return the annotations of the pod: those of the others, and that the reader gets no token of a cloud."""
    annotations = dict(section(metadata, "annotations"))
    for name, between in _WITHOUT_TOKEN.items():
        skipped = [str(annotations[name])] if annotations.get(name) else []
        annotations[name] = between.join([*skipped, READER])
    return annotations


def _check(pod: Mapping[str, Any], collector: Mapping[str, Any]) -> None:
    """Raise Problem for a pod that cannot run beside the others, or whose Collector takes no further config."""
    if pod.get("hostNetwork"):
        raise Problem("its pods use the network of their node, so another one could not open their ports")
    words = [str(word) for word in [*items(collector, "command"), *items(collector, "args")]]
    if not any(word.startswith(("--config", "-config")) for word in words):
        wrong = f"container {collector.get('name')} names no `--config`, so nothing can be merged over its config"
        raise Problem(wrong, fix="Name the config in the arguments of the container.")


def _free_port(pod: Mapping[str, Any]) -> int:
    """Return a port that no container of the pod names."""
    named = {opened.get("containerPort") for one in items(pod, "containers") for opened in items(one, "ports")}
    return next(port for port in range(_FIRST_PORT, _LAST_PORT) if port not in named)


def _keep_off_the_node(pod: Mapping[str, Any]) -> None:
    """Let no container open a port of the node, or write to it: the pods that serve there do so."""
    of_node = {volume.get("name") for volume in items(pod, "volumes") if _OF_NODE in volume}
    for container in [*items(pod, "initContainers"), *items(pod, "containers")]:
        for opened in items(container, "ports"):
            opened.pop("hostPort", None)
        for mount in items(container, "volumeMounts"):
            if mount.get("name") in of_node:
                mount["readOnly"] = True


def _bound(affinity: Mapping[str, Any], node: str) -> dict[str, Any]:
    """Return an affinity that also asks for a node. One of its terms must be met, so each of them asks for it."""
    of_node = section(affinity, "nodeAffinity")
    required = section(of_node, _REQUIRED)
    field = {"key": "metadata.name", "operator": "In", "values": [node]}
    terms = [
        {**term, "matchFields": [*items(term, "matchFields"), field]}
        for term in items(required, "nodeSelectorTerms") or [{}]
    ]
    return {**affinity, "nodeAffinity": {**of_node, _REQUIRED: {"nodeSelectorTerms": terms}}}


def _volumes(pod: Mapping[str, Any], claims: set[str], wanted: CaptureJob) -> list[dict[str, Any]]:
    """Return the volumes of the pod. What the other pods keep on claims or in folders of their own is empty here."""
    volumes = [dict(volume) for volume in items(pod, "volumes") if volume.get("name") not in claims]
    for volume in volumes:
        is_own_folder = section(volume, _OF_NODE).get("type") == _OWN_FOLDER
        kept = _OF_NODE if is_own_folder else "persistentVolumeClaim"
        if volume.pop(kept, None):
            volume["emptyDir"] = {}
    volumes += [{"name": name, "emptyDir": {}} for name in sorted(claims)]
    size = {"medium": "Memory", "sizeLimit": str(wanted.most_bytes + SLACK_BYTES)}
    in_memory = [{"name": name, "emptyDir": dict(size)} for name in _MOUNTS]
    return [*volumes, *in_memory, {"name": _NO_TOKEN, "emptyDir": {}}]


_OF_NODE = "hostPath"
_OWN_FOLDER = "DirectoryOrCreate"
"""The type of a folder of the node that pods make for what they keep, such as how far they have read files."""
_NO_TOKEN, _TOKEN_FOLDER = "o11y-no-token", "/var/run/secrets/kubernetes.io/serviceaccount"
"""Where Kubernetes mounts the token of the account in each container that has nothing else there.

Source: plugin/pkg/admission/serviceaccount of Kubernetes.
"""
_MOUNTS = {"o11y-capture": FOLDER, "o11y-served": _SERVED}


def _tapped(collector: dict[str, Any], wanted: CaptureJob) -> None:
    """Let the container of the Collector take the config on top, and write to the volume, which counts as its memory.

    memory_limiter may have a limit in percent of the container's, so the container gets the volume twice.
    """
    words = "args" if items(collector, "args") else "command"
    collector[words] = [*items(collector, words), f"--config=env:{CONFIG}"]
    overlay = json.dumps(wanted.overlay, separators=(",", ":"))
    collector["env"] = [*items(collector, "env"), {"name": CONFIG, "value": overlay}]
    mount = {"name": "o11y-capture", "mountPath": FOLDER}
    collector["volumeMounts"] = [*items(collector, "volumeMounts"), mount]
    resources = section(collector, "resources")
    for kind in ("requests", "limits"):
        if "memory" in section(resources, kind):
            resources[kind]["memory"] = str(_more(resources[kind]["memory"], 2 * (wanted.most_bytes + SLACK_BYTES)))


def _more(quantity: Any, added: int) -> int:
    return parse_bytes(str(quantity)) + added


def _reader(pod: Mapping[str, Any], wanted: CaptureJob, port: int) -> dict[str, Any]:
    """Return the container that hands out parts of the file."""
    memory = str(wanted.most_bytes + SLACK_BYTES + _READER_MEMORY)
    has_user = "runAsUser" in section(pod, "securityContext")
    user = {"runAsUser": wanted.run_as_user} if wanted.run_as_user and not has_user else {}
    mounts = [{"name": name, "mountPath": path, "readOnly": path == FOLDER} for name, path in _MOUNTS.items()]
    mounts.append({"name": _NO_TOKEN, "mountPath": _TOKEN_FOLDER, "readOnly": True})
    return {
        "name": READER,
        "image": wanted.reader_image,
        "command": ["sh", "-c", _SCRIPT],
        "env": [{"name": "SECRET_PATH", "value": wanted.secret_path}, {"name": "PORT", "value": str(port)}],
        "ports": [{"containerPort": port}],
        "resources": {"requests": {"cpu": "20m", "memory": "32Mi"}, "limits": {"memory": memory}},
        "securityContext": {**CONTAINER_SECURITY, **user},
        "volumeMounts": mounts,
    }
