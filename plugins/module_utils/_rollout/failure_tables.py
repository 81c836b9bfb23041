# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a workload fails: a table of rows for pods, and one for workloads. Private.

Each row has an expression of JMESPath, which `find_symptoms` of failures.py searches in objects of Kubernetes. For
example, the row `image_pull_passing` has this expression, without the parts that it shares with others:

    [pod.status.initContainerStatuses, pod.status.containerStatuses][]
    | [?contains(['ErrImagePull', 'ImagePullBackOff'], state.waiting.reason)]
    .{container: name, reason: state.waiting.reason, detail: state.waiting.message}

It fits a pod of which a container cannot get its image, and yields `{container: app, reason: ErrImagePull, detail: …}`.
To add a failure, add a row; a row stands before the more general rows that fit the same objects.
"""

from __future__ import annotations

import math
from typing import NamedTuple


class FailureRow(NamedTuple):
    """One way to fail."""

    id: str
    find_expression: str
    """An expression of JMESPath. It yields one mapping {container, reason, detail} for each place that fails."""
    grace_seconds: float
    """The failure counts when it has lasted for so many seconds; before that it may pass. Infinite if it never counts
    by itself, but explains a wait that takes too long."""
    fix: str
    has_evidence: bool = False
    """Whether the message shows the last lines of the log, or the last warnings."""


# Stands for the option `unschedulable_seconds` of the wait.
UNSCHEDULABLE_GRACE = -1.0

# ── Parts of expressions ──

_CONTAINERS = "[pod.status.initContainerStatuses, pod.status.containerStatuses][]"
_WAITING_FIELDS = "{container: name, reason: state.waiting.reason, detail: state.waiting.message}"
_ENDED_FIELDS = (
    "{container: name, reason: not_null(state.terminated, lastState.terminated).reason, detail: join('', ["
    "'exit code ', to_string(not_null(state.terminated, lastState.terminated).exitCode),"
    "', restarts: ', to_string(restartCount)])}"
)
_CRASHED = (
    "restartCount > `0` && (state.waiting.reason == 'CrashLoopBackOff'"
    " || (state.terminated && state.terminated.exitCode != `0`))"
)
_OUT_OF_MEMORY = "not_null(state.terminated, lastState.terminated).reason == 'OOMKilled'"
_PULL_FAILED = "contains(['ErrImagePull', 'ImagePullBackOff'], state.waiting.reason)"
# Temporary errors of registries and networks; the kubelet retries.
_PASSING_PULL_ERROR = " || ".join(
    f"contains(not_null(state.waiting.message, ''), '{words}')"
    for words in ("timeout", "TLS handshake", "connection reset", "EOF", "Too Many Requests", "503")
)
# Volumes are mounted before the first container starts; the event stays for an hour.
_NOTHING_STARTED = f"length({_CONTAINERS} | [?state.running || state.terminated || lastState.terminated]) == `0`"
_NODES_ARE_ADDED = "(events[?contains(['TriggeredScaleUp', 'Nominated'], reason)])"

_UNSCHEDULABLE = "pod.status.conditions[?type=='PodScheduled' && status=='False' && reason=='Unschedulable'"
_UNBOUND_CLAIM = " || ".join(
    f"contains(not_null(message, ''), '{words}')"
    for words in ("unbound immediate PersistentVolumeClaims", "persistent volumes to bind")
)

# ── The tables ──

# Tried from the top, each for the keys of `SearchedPod` in failures.py. Only the first row that fits a pod counts.
POD_FAILURES = (
    FailureRow(
        id="image_name",
        find_expression=(
            f"{_CONTAINERS} | [?contains(['InvalidImageName', 'ErrImageNeverPull'],"
            f" state.waiting.reason)].{_WAITING_FIELDS}"
        ),
        grace_seconds=0,
        fix="Correct the image, or its pull policy.",
    ),
    FailureRow(
        # All errors but those of _PASSING_PULL_ERROR, which the next row has: these may pass in some seconds.
        id="image_pull",
        find_expression=f"{_CONTAINERS} | [?{_PULL_FAILED} && !({_PASSING_PULL_ERROR})].{_WAITING_FIELDS}",
        grace_seconds=0,
        fix="Check the image's name and tag, the pull secret, and that the node reaches the registry.",
    ),
    FailureRow(
        id="image_pull_passing",
        find_expression=f"{_CONTAINERS} | [?{_PULL_FAILED}].{_WAITING_FIELDS}",
        grace_seconds=30,
        fix="Check the network between the node and the registry.",
    ),
    FailureRow(
        id="container_user",
        find_expression=(
            f"{_CONTAINERS} | [?state.waiting.reason == 'CreateContainerConfigError'"
            f" && contains(not_null(state.waiting.message, ''), 'runAsNonRoot')].{_WAITING_FIELDS}"
        ),
        grace_seconds=2,
        fix="Name a user that is not root, by number: `runAsUser` in the security context, or USER of the image.",
    ),
    FailureRow(
        id="container_config",
        find_expression=f"{_CONTAINERS} | [?state.waiting.reason == 'CreateContainerConfigError'].{_WAITING_FIELDS}",
        grace_seconds=2,
        fix="Create the Secret or ConfigMap, or the key, that the container refers to.",
    ),
    FailureRow(
        id="container_start",
        find_expression=(
            f"{_CONTAINERS} | [?contains(['CreateContainerError', 'RunContainerError', 'StartError'],"
            " state.waiting.reason) || state.terminated.reason == 'StartError'"
            " || lastState.terminated.reason == 'StartError' && state.waiting].{container: name,"
            " reason: not_null(state.waiting.reason, 'StartError'), detail:"
            " not_null(state.terminated.message, lastState.terminated.message, state.waiting.message)}"
        ),
        grace_seconds=0,
        fix="Check the command, the mounts and the security context of the container.",
    ),
    FailureRow(
        id="out_of_memory",
        find_expression=f"{_CONTAINERS} | [?{_CRASHED} && {_OUT_OF_MEMORY}].{_ENDED_FIELDS}",
        grace_seconds=0,
        fix="Raise the memory limit, or reduce the memory use of the container.",
        has_evidence=True,
    ),
    FailureRow(
        id="crash",
        find_expression=f"{_CONTAINERS} | [?{_CRASHED} && !({_OUT_OF_MEMORY})].{_ENDED_FIELDS}",
        grace_seconds=0,
        fix="Read the log. A collector that exits at once usually has an invalid configuration.",
        has_evidence=True,
    ),
    FailureRow(
        # One of the reasons why a pod finds no node. It has a fix of its own, so it stands before the others.
        id="unbound_claim",
        find_expression=(
            f"!{_NODES_ARE_ADDED} && {_UNSCHEDULABLE} && ({_UNBOUND_CLAIM})].{{reason: reason, detail: message}}"
        ),
        grace_seconds=UNSCHEDULABLE_GRACE,
        fix=(
            "Set `storage.class` to a class whose provisioner runs (`kubectl get storageclass`), or create a"
            " PersistentVolume of that class and size."
        ),
    ),
    FailureRow(
        id="unschedulable",
        find_expression=f"!{_NODES_ARE_ADDED} && {_UNSCHEDULABLE}].{{reason: reason, detail: message}}",
        grace_seconds=UNSCHEDULABLE_GRACE,
        fix="Lower the resource requests, add nodes, or correct node selectors, affinity and tolerations.",
    ),
    FailureRow(
        # What is not found will not come by itself, but for `ISSUING_ROW` and `OPERATOR_ROW`. The next row has all
        # else.
        id="mount",
        find_expression=(
            f"{_NOTHING_STARTED} && events[?contains(['FailedMount', 'FailedAttachVolume', 'FailedMapVolume'], reason)"
            " && contains(message, 'not found')].{reason: reason, detail: message}"
        ),
        grace_seconds=4,
        fix="Create the Secret, ConfigMap or volume that the pod mounts.",
    ),
    FailureRow(
        id="mount_slow",
        find_expression=(
            f"{_NOTHING_STARTED} && events[?contains(['FailedMount', 'FailedAttachVolume', 'FailedMapVolume'], reason)]"
            ".{reason: reason, detail: message}"
        ),
        grace_seconds=45,
        fix="Check the volume and its driver.",
    ),
)

# Replaces `mount` when a Certificate creates the Secret: its issuer decides how long that takes.
ISSUING_ROW = FailureRow(
    id="certificate",
    find_expression="",
    grace_seconds=math.inf,
    fix="Check `kubectl -n NAMESPACE describe certificate` and its issuer.",
)
# Replaces the row of a missing ConfigMap or ServiceAccount of the operator, which creates both after the workload. An
# operator that restarts between the two creates them later. Source: internal/manifests/collector/collector.go of it.
OPERATOR_ROW = FailureRow(
    id="operator",
    find_expression="",
    grace_seconds=math.inf,
    fix="Check that the OpenTelemetry operator runs, and its log.",
)


def _make_refusal_row(row_id: str, fix: str, *phrases: str) -> FailureRow:
    """Return the row of pods that the API server refuses with one of these phrases.

    A controller tells of it in an event; that of a Deployment tells it in a condition too.
    """
    has_phrase = " || ".join(f"contains(detail, '{phrase}')" for phrase in phrases)
    find_expression = (
        "[missing && events[?reason=='FailedCreate'].{reason: reason, detail: message},"
        " not_null(workload.status.conditions, `[]`)[?type=='ReplicaFailure' && status=='True']"
        f".{{reason: reason, detail: message}}][] | [?detail && ({has_phrase})]"
    )
    return FailureRow(id=row_id, find_expression=find_expression, grace_seconds=3, fix=fix)


# Tried from the top, each for the keys of `SearchedWorkload` in failures.py. Only the first row that fits counts.
WORKLOAD_FAILURES = (
    FailureRow(
        id="stuck_pod",
        find_expression=(
            "workload.kind == 'StatefulSet' && workload.spec.podManagementPolicy != 'Parallel'"
            " && workload.spec.updateStrategy.type != 'OnDelete'"
            " && old[?(not_null(status.conditions, `[]`)[?type=='Ready'].status | [0]) != 'True']"
            ".{reason: 'StuckPod', detail: join('', ['pod ', metadata.name, ' of an older revision is not ready,"
            " and a StatefulSet replaces it only when it is ready'])}"
        ),
        grace_seconds=10,
        fix="Delete that pod. Kubernetes does not delete it automatically.",
    ),
    _make_refusal_row(  # OpenShift: no SecurityContextConstraints of the ServiceAccount allow what the pods request
        "constraints",
        "Set `platform` to the platform of the cluster. The role then creates the constraints that the config needs.",
        "security context constraint",
    ),
    # Sources: the plugins PodSecurity, LimitRanger and ResourceQuota of the API server.
    _make_refusal_row(
        "pod_security",
        "For a hostPort, set `host_ports: false`. For host paths or user 0, leave out the component that needs them."
        " Or have an administrator label the namespace `pod-security.kubernetes.io/enforce=privileged`.",
        "violates PodSecurity",
    ),
    _make_refusal_row(
        "limit_range",
        "Set `memory_limit`, `cpu_limit` and `cpu_request` of the collector to what the LimitRange of the namespace"
        " allows (`kubectl -n NAMESPACE describe limitrange`), or change the LimitRange.",
        "usage per Container is",
        "usage per Pod is",
        "limit to request ratio per",
    ),
    _make_refusal_row(
        "quota",
        "Lower `memory_limit`, `cpu_limit`, `cpu_request` or `replicas` of the collector, set `cpu_limit` if the quota"
        " asks for it, or raise the ResourceQuota (`kubectl -n NAMESPACE describe quota`).",
        "exceeded quota",
        "failed quota",
    ),
    FailureRow(
        # All other refusals, by the events of what creates the pods, and in the next row by the condition of a
        # Deployment.
        id="create_pods",
        find_expression="missing && events[?reason=='FailedCreate'].{reason: reason, detail: message}",
        grace_seconds=3,
        fix="Remove the restriction (quota, pod security, webhook), or create the missing object (ServiceAccount).",
    ),
    FailureRow(
        id="create_replicas",
        find_expression=(
            "workload.status.conditions[?type=='ReplicaFailure' && status=='True'].{reason: reason, detail: message}"
        ),
        grace_seconds=6,
        fix="Remove the restriction (quota, pod security, webhook), or create the missing object (ServiceAccount).",
    ),
    FailureRow(
        id="progress_deadline",
        find_expression=(
            "workload.status.observedGeneration >= workload.metadata.generation && workload.status.conditions["
            "?type=='Progressing' && reason=='ProgressDeadlineExceeded'].{reason: reason, detail: message}"
        ),
        grace_seconds=0,
        fix="Check the warning events of its pods.",
        has_evidence=True,
    ),
    FailureRow(
        # The operator retries temporary errors too, such as conflicts and missing workloads.
        id="reconcile",
        find_expression=(
            "workload.kind == 'OpenTelemetryCollector'"
            " && workload.status.observedGeneration >= workload.metadata.generation"
            " && workload.status.conditions[?type=='Ready' && status=='False'].{reason: reason, detail: message}"
        ),
        grace_seconds=10,
        fix="Correct the resource, or give the operator the missing permission or object.",
    ),
    FailureRow(
        id="no_nodes",
        find_expression=(
            "!allow_empty && workload.kind == 'DaemonSet' && workload.status.desiredNumberScheduled == `0`"
            " && workload.status.observedGeneration >= workload.metadata.generation && [{reason: 'NoNodes',"
            " detail: 'no node fits its node selector, affinity and tolerations'}]"
        ),
        grace_seconds=5,
        fix="Correct node_selector, affinity or tolerations, or add a node that fits.",
    ),
)
