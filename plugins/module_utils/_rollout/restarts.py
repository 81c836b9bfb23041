# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The workload that a pod belongs to, and the command that restarts workloads. Private.

Some changes reach an application only when its pods are made anew: a newer sidecar (stale_sidecars.py) and an
instrumentation (_instrumentation). Messages about both name the workloads and the command:

    kubectl -n shop rollout restart deployment/web daemonset/agent
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from .._otelcol.config.paths import mapping_at
from .._otelcol.errors import join_at_most
from .._otelcol.kube.objects import Manifest, ObjectRef, controlling_owner

# The annotation that `kubectl rollout restart` sets.
RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
# How many workloads a message names.
MOST_SHOWN = 10
_FINISHED_PHASES = ("Succeeded", "Failed")
# The label that a Deployment gives its pods: the hash that ends the name of their ReplicaSet, such as `web-5d4f8c7b6`.
# Pods of a ReplicaSet without a Deployment do not have it.
_HASH_LABEL = "pod-template-hash"


class OutdatedWorkload(NamedTuple):
    """A workload whose pods lack something that new pods would have."""

    kind: str
    namespace: str
    name: str
    reason: str = ""
    """What its pods lack, such as `without the sidecar ns/side`; empty if that is known from the context."""

    @property
    def object_ref(self) -> ObjectRef:
        """The name without the reason."""
        return ObjectRef(self.kind, self.namespace, self.name)

    def __str__(self) -> str:
        """Return `Kind namespace/name`, as messages name it."""
        return f"{self.kind} {self.namespace}/{self.name}"


class RestartCommand(NamedTuple):
    """The command that restarts some workloads of a namespace."""

    workload_names: str
    """The first MOST_SHOWN workloads as kubectl names them, such as `deployment/web`, and how many more there are."""
    command: str
    """The command for those that are named."""


def is_running(pod: Manifest) -> bool:
    """Return whether a pod has neither ended nor is about to."""
    return pod.get("status", {}).get("phase") not in _FINISHED_PHASES and not pod["metadata"].get("deletionTimestamp")


def container_names(pod: Manifest) -> list[str]:
    """Return the names of all containers of a pod; a sidecar may be an init container."""
    init_containers = pod["spec"].get("initContainers") or []
    other_containers = pod["spec"].get("containers") or []
    return [container["name"] for container in [*init_containers, *other_containers]]


def find_workload_of(pod: Manifest, reason: str = "") -> OutdatedWorkload:
    """Return the workload that a pod belongs to: its Deployment, another owner, or the pod itself."""
    namespace, pod_name = pod["metadata"]["namespace"], pod["metadata"]["name"]
    owner = controlling_owner(pod)
    if not owner:
        return OutdatedWorkload("Pod", namespace, pod_name, reason)
    hash_suffix = f"-{mapping_at(pod, 'metadata', 'labels').get(_HASH_LABEL)}"
    if owner["kind"] == "ReplicaSet" and owner["name"].endswith(hash_suffix):
        return OutdatedWorkload("Deployment", namespace, owner["name"].removesuffix(hash_suffix), reason)
    return OutdatedWorkload(owner["kind"], namespace, owner["name"], reason)


def build_restart_command(namespace: str, workloads: Iterable[OutdatedWorkload]) -> RestartCommand:
    """Return the command that restarts the first workloads of a namespace, and their names."""
    names = [f"{workload.kind.lower()}/{workload.name}" for workload in workloads]
    command = f"kubectl -n {namespace} rollout restart {' '.join(names[:MOST_SHOWN])}"
    return RestartCommand(join_at_most(MOST_SHOWN, names, " "), command)
