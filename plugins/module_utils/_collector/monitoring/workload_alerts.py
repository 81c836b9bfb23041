# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The alerts for workloads of the cluster, as a table. docs/monitoring.md has a section for each. Private.

They ask for the metrics of k8s_cluster and kubelet_stats with the names and labels that Prometheus makes of them.
Sources: metadata.yaml of k8sclusterreceiver (k8s.pod.phase: 1 Pending, 2 Running; k8s.pod.status_reason: 1 Evicted) and
of kubeletstatsreceiver; "Prometheus and OpenMetrics Compatibility" of OpenTelemetry's specification.
"""

from __future__ import annotations

from .alert_row import Alert

_NEEDS = ("workloads",)
_OF_POD = "k8s_namespace_name, k8s_pod_name"
_OF_CONTAINER = f"{_OF_POD}, k8s_container_name"
_POD_NAME = "{{ $labels.k8s_namespace_name }}/{{ $labels.k8s_pod_name }}"
_POD = f"Pod {_POD_NAME}"
_CONTAINER = f"Container {{{{ $labels.k8s_container_name }}}} of pod {_POD_NAME}"
_DESCRIBE = "`kubectl -n {{ $labels.k8s_namespace_name }} describe pod {{ $labels.k8s_pod_name }}`"
_LAST_LOG = (
    "`kubectl -n {{ $labels.k8s_namespace_name }} logs --previous {{ $labels.k8s_pod_name }}"
    " -c {{ $labels.k8s_container_name }}`"
)

_MEMORY_KILLS = 'k8s_container_restarts{k8s_container_status_last_terminated_reason="OOMKilled"}'
_EARLIER_RESTARTS = f"max by ({_OF_CONTAINER}) (k8s_container_restarts offset 15m)"
_KILLED_AGAIN = (
    f"max by ({_OF_CONTAINER}) ({_MEMORY_KILLS}) > 0 unless max by ({_OF_CONTAINER}) ({_MEMORY_KILLS}) <="
    f" {_EARLIER_RESTARTS}"
)
# A collector that is new has not seen what was before.
_OUT_OF_MEMORY = f"({_KILLED_AGAIN}) and on () k8s_node_condition_ready offset 15m"
_UNLESS_KILLED = f'unless on ({_OF_CONTAINER}) ALERTS{{alertname="OtelWorkloadOutOfMemory"}}'


def _waits_for_reason(reasons: str) -> str:
    """Return the containers that had one of these reasons within five minutes: some come and go."""
    reason_series = f'k8s_container_status_reason{{k8s_container_status_reason=~"{reasons}"}}'
    return f"max by ({_OF_CONTAINER}) (max_over_time({reason_series}[5m])) == 1"


_RUNNING = 'k8s_container_status_state{k8s_container_status_state="running"} == 1'
_NOT_READY = f"max by ({_OF_CONTAINER}) (k8s_container_ready == 0) and on ({_OF_CONTAINER}) {_RUNNING}"
_UNSCHEDULED = f"max by ({_OF_POD}) (k8s_pod_phase == 1) unless on ({_OF_POD}) k8s_container_ready"
_AT_LIMIT = f'max by ({_OF_CONTAINER}) ({{__name__=~"k8s_container_cpu_limit_utilization(_ratio)?"}}) > 0.95'

WORKLOAD_ALERTS = (
    Alert(
        name="OtelWorkloadOutOfMemory",
        needed_facts=_NEEDS,
        expr=_OUT_OF_MEMORY,
        wait_duration="0m",
        severity="warning",
        summary=f"{_CONTAINER} was killed for its memory.",
        description="It reached its memory limit within the last 15 minutes. Raise the limit, or see what it kept:"
        f" {_LAST_LOG}.",
    ),
    Alert(
        name="OtelWorkloadCrashLoop",
        needed_facts=_NEEDS,
        expr=f"({_waits_for_reason('CrashLoopBackOff')}) {_UNLESS_KILLED}",
        wait_duration="5m",
        severity="warning",
        summary=f"{_CONTAINER} ends again and again.",
        description=f"Kubernetes waits longer before each start. Read its last words: {_LAST_LOG}.",
    ),
    Alert(
        name="OtelWorkloadImagePull",
        needed_facts=_NEEDS,
        expr=_waits_for_reason("ErrImagePull|ImagePullBackOff|InvalidImageName"),
        wait_duration="5m",
        severity="warning",
        summary=f"{_CONTAINER} cannot get its image.",
        description=f"The name is wrong, the registry cannot be reached, or asks for credentials. See {_DESCRIBE}.",
    ),
    Alert(
        name="OtelWorkloadNotStarting",
        needed_facts=_NEEDS,
        expr=_waits_for_reason("ContainerCreating|CreateContainerConfigError|CreateContainerError"),
        wait_duration="15m",
        severity="warning",
        summary=f"{_CONTAINER} has not been started for 15 minutes.",
        description=f"Mostly a volume cannot be mounted, or a Secret or ConfigMap is missing. See {_DESCRIBE}.",
    ),
    Alert(
        name="OtelWorkloadUnschedulable",
        needed_facts=_NEEDS,
        expr=_UNSCHEDULED,
        wait_duration="15m",
        severity="warning",
        summary=f"{_POD} has no node.",
        description=f"No node has room for its requests, or fits its selectors and tolerations. See {_DESCRIBE}.",
    ),
    Alert(
        name="OtelWorkloadEvicted",
        needed_facts=_NEEDS,
        expr=f"max by ({_OF_POD}) (k8s_pod_status_reason == 1)",
        wait_duration="0m",
        severity="warning",
        summary=f"{_POD} was evicted.",
        description="The node lacked memory or disk, or the pod used more disk than its limit. Delete the pod once you"
        " know why:"
        f" {_DESCRIBE}.",
    ),
    Alert(
        name="OtelWorkloadNotReady",
        needed_facts=_NEEDS,
        expr=_NOT_READY,
        wait_duration="15m",
        severity="warning",
        summary=f"{_CONTAINER} runs and is not ready.",
        description=f"Its readiness probe has failed for 15 minutes, so no Service sends to the pod. See {_DESCRIBE}.",
    ),
    Alert(
        name="OtelWorkloadThrottled",
        needed_facts=_NEEDS,
        expr=_AT_LIMIT,
        wait_duration="15m",
        severity="warning",
        summary=f"{_CONTAINER} is at its CPU limit.",
        description="The kernel holds it up. Raise the limit, remove it, or add replicas.",
    ),
)
