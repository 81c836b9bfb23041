# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The alerts for workloads of the cluster, as a table. docs/monitoring.md has a section for each. Private.

`alerts.py` renders them for collectors with the option `monitoring.workloads`. They ask for the metrics of
k8s_cluster and kubelet_stats with the names and labels that Prometheus makes of them. Prometheus fills in
`{{ $labels.k8s_pod_name }}` when an alert fires.

Sources: metadata.yaml of k8sclusterreceiver (k8s.pod.phase: 1 Pending, 2 Running; k8s.pod.status_reason: 1 Evicted) and
of kubeletstatsreceiver; "Prometheus and OpenMetrics Compatibility" of OpenTelemetry's specification.
"""

from __future__ import annotations

from .alert_row import Alert

_NEEDS = ("workloads",)
_POD_NAME = "{{ $labels.k8s_namespace_name }}/{{ $labels.k8s_pod_name }}"
_CONTAINER_NAME = "{{ $labels.k8s_container_name }}"
_DESCRIBE = "`kubectl -n {{ $labels.k8s_namespace_name }} describe pod {{ $labels.k8s_pod_name }}`"
_LAST_LOG = (
    "`kubectl -n {{ $labels.k8s_namespace_name }} logs --previous {{ $labels.k8s_pod_name }}"
    " -c {{ $labels.k8s_container_name }}`"
)

# ── Expressions in PromQL ──

# The labels of a pod and of a container. `max by` drops all others, such as those of the collector that reports the
# series. So an alert does not change with the pod of the collector.
_POD_LABELS = "k8s_namespace_name, k8s_pod_name"
_CONTAINER_LABELS = f"{_POD_LABELS}, k8s_container_name"
_OUT_OF_MEMORY_RESTARTS = 'k8s_container_restarts{k8s_container_status_last_terminated_reason="OOMKilled"}'
# The containers that were killed for their memory, without those whose restarts have not grown within 15 minutes. A
# comparison binds more than `unless` does. The line behind `and on ()` asks whether any collector reported 15 minutes
# ago: one that is new does not know how many restarts there were before, so it says nothing.
_OUT_OF_MEMORY = (
    f"(max by ({_CONTAINER_LABELS}) ({_OUT_OF_MEMORY_RESTARTS}) > 0"
    f" unless max by ({_CONTAINER_LABELS}) ({_OUT_OF_MEMORY_RESTARTS})"
    f" <= max by ({_CONTAINER_LABELS}) (k8s_container_restarts offset 15m))"
    " and on () k8s_node_condition_ready offset 15m"
)


def _has_waited_for(reasons: str) -> str:
    """Return the containers that had one of some reasons to wait within five minutes: some reasons come and go.

    `reasons` are names with `|` between them. A series of a reason is 1 while the container has the reason.
    """
    series = f'k8s_container_status_reason{{k8s_container_status_reason=~"{reasons}"}}'
    return f"max by ({_CONTAINER_LABELS}) (max_over_time({series}[5m])) == 1"


_CRASHES_AGAIN = (
    f"({_has_waited_for('CrashLoopBackOff')})"
    f" unless on ({_CONTAINER_LABELS})"
    ' ALERTS{alertname="OtelWorkloadOutOfMemory"}'
)
_LACKS_ITS_IMAGE = _has_waited_for("ErrImagePull|ImagePullBackOff|InvalidImageName")
_IS_NOT_CREATED = _has_waited_for("ContainerCreating|CreateContainerConfigError|CreateContainerError")
_RUNS_AND_IS_NOT_READY = (
    f"max by ({_CONTAINER_LABELS}) (k8s_container_ready == 0)"
    f" and on ({_CONTAINER_LABELS})"
    ' k8s_container_status_state{k8s_container_status_state="running"} == 1'
)
_PENDING = 1  # of k8s.pod.phase
_EVICTED = 1  # of k8s.pod.status_reason
# The pods that are pending and have no container yet: a pod that waits for its image is pending too, and has one.
_HAS_NO_NODE = f"max by ({_POD_LABELS}) (k8s_pod_phase == {_PENDING}) unless on ({_POD_LABELS}) k8s_container_ready"
_IS_EVICTED = f"max by ({_POD_LABELS}) (k8s_pod_status_reason == {_EVICTED})"
# The unit is 1, so the name may end in `_ratio` in Prometheus.
_IS_AT_CPU_LIMIT = f'max by ({_CONTAINER_LABELS}) ({{__name__=~"k8s_container_cpu_limit_utilization(_ratio)?"}}) > 0.95'

# ── The table ──

WORKLOAD_ALERTS = (
    Alert(
        name="OtelWorkloadOutOfMemory",
        needed_features=_NEEDS,
        expr=_OUT_OF_MEMORY,
        wait_duration="0m",
        severity="warning",
        summary=f"Container {_CONTAINER_NAME} of pod {_POD_NAME} was killed for its memory.",
        description="It reached its memory limit within the last 15 minutes. Raise the limit, or see what it kept:"
        f" {_LAST_LOG}.",
    ),
    Alert(
        name="OtelWorkloadCrashLoop",
        needed_features=_NEEDS,
        expr=_CRASHES_AGAIN,
        wait_duration="5m",
        severity="warning",
        summary=f"Container {_CONTAINER_NAME} of pod {_POD_NAME} ends again and again.",
        description=f"Kubernetes waits longer before each start. Read its last words: {_LAST_LOG}.",
    ),
    Alert(
        name="OtelWorkloadImagePull",
        needed_features=_NEEDS,
        expr=_LACKS_ITS_IMAGE,
        wait_duration="5m",
        severity="warning",
        summary=f"Container {_CONTAINER_NAME} of pod {_POD_NAME} cannot get its image.",
        description=f"The name is wrong, the registry cannot be reached, or asks for credentials. See {_DESCRIBE}.",
    ),
    Alert(
        name="OtelWorkloadNotStarting",
        needed_features=_NEEDS,
        expr=_IS_NOT_CREATED,
        wait_duration="15m",
        severity="warning",
        summary=f"Container {_CONTAINER_NAME} of pod {_POD_NAME} has not been started for 15 minutes.",
        description=f"Mostly a volume cannot be mounted, or a Secret or ConfigMap is missing. See {_DESCRIBE}.",
    ),
    Alert(
        name="OtelWorkloadUnschedulable",
        needed_features=_NEEDS,
        expr=_HAS_NO_NODE,
        wait_duration="15m",
        severity="warning",
        summary=f"Pod {_POD_NAME} has no node.",
        description=f"No node has room for its requests, or fits its selectors and tolerations. See {_DESCRIBE}.",
    ),
    Alert(
        name="OtelWorkloadEvicted",
        needed_features=_NEEDS,
        expr=_IS_EVICTED,
        wait_duration="0m",
        severity="warning",
        summary=f"Pod {_POD_NAME} was evicted.",
        description="The node lacked memory or disk, or the pod used more disk than its limit. Delete the pod once you"
        " know why:"
        f" {_DESCRIBE}.",
    ),
    Alert(
        name="OtelWorkloadNotReady",
        needed_features=_NEEDS,
        expr=_RUNS_AND_IS_NOT_READY,
        wait_duration="15m",
        severity="warning",
        summary=f"Container {_CONTAINER_NAME} of pod {_POD_NAME} runs and is not ready.",
        description=f"Its readiness probe has failed for 15 minutes, so no Service sends to the pod. See {_DESCRIBE}.",
    ),
    Alert(
        name="OtelWorkloadThrottled",
        needed_features=_NEEDS,
        expr=_IS_AT_CPU_LIMIT,
        wait_duration="15m",
        severity="warning",
        summary=f"Container {_CONTAINER_NAME} of pod {_POD_NAME} is at its CPU limit.",
        description="The kernel holds it up. Raise the limit, remove it, or add replicas.",
    ),
)
