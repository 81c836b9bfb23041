# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The workload of a collector without the operator (Deployment, DaemonSet or StatefulSet), and its disruption budget.

A pod without a health check must run for five seconds to count as available. Otherwise the wait for a rollout would
miss one that exits at once. Private.
"""

from __future__ import annotations

from typing import Any

from ..._otelcol.errors import Problem
from ..._otelcol.kube import names
from ..options import Collector
from .build import CollectorBuild, Manifest, frame_manifest, omit_empty
from .pod import render_pod_template
from .pod_volumes import STATE_VOLUME

_DEFAULT_STORAGE_SIZE = "1Gi"
# Without a readiness probe a pod counts as soon as its process runs, and so would one that is about to end.
MIN_READY_SECONDS = 5


# The modes with a number of replicas, and the kind of each.
SCALED_KINDS = {"deployment": "Deployment", "statefulset": "StatefulSet"}


def render_daemon_set(build: CollectorBuild) -> Manifest:
    """Return the DaemonSet of a collector with a pod on each node."""
    spec = {**_common_spec(build), "updateStrategy": choose_update_strategy(build)}
    return frame_manifest(build, "apps/v1", "DaemonSet", spec=spec)


def render_deployment(build: CollectorBuild) -> Manifest:
    """Return the Deployment of a collector whose replicas are alike."""
    spec = {**_common_spec(build), **replica_field(build), "strategy": choose_update_strategy(build)}
    return frame_manifest(build, "apps/v1", "Deployment", spec=spec)


def render_stateful_set(build: CollectorBuild) -> Manifest:
    """Return the StatefulSet of a collector whose replicas have names and state of their own."""
    spec = {
        **_common_spec(build),
        **replica_field(build),
        "updateStrategy": choose_update_strategy(build),
        "serviceName": names.headless_service_name(build.collector.name),
        "podManagementPolicy": "Parallel",
        **omit_empty(volumeClaimTemplates=list_volume_claims(build)),
    }
    return frame_manifest(build, "apps/v1", "StatefulSet", spec=spec)


def _common_spec(build: CollectorBuild) -> dict[str, Any]:
    """Return the fields of the spec that all workloads have."""
    return {
        "selector": {"matchLabels": build.collector.selector},
        "revisionHistoryLimit": build.collector.revision_history_limit,
        "template": render_pod_template(build),
        **omit_empty(minReadySeconds=None if build.needs.probed_port else MIN_READY_SECONDS),
    }


def replica_field(build: CollectorBuild) -> dict[str, Any]:
    """Return the field with the number of replicas. An autoscaled workload has none: the autoscaler owns the field."""
    if build.collector.autoscaling:
        return {}
    return {"replicas": build.collector.replicas}


def choose_update_strategy(build: CollectorBuild) -> dict[str, Any]:
    """Return how pods are replaced: as the user says, else a new pod of a Deployment comes before an old one goes.

    With `maxUnavailable: 0`, no old pod goes before a new one is ready. A new pod that waits for the port, the volume
    or the node of an old one would then wait for ever, so such a collector has the default of Kubernetes.
    """
    strategy = {"type": "RollingUpdate", **build.collector.update_strategy}
    is_rolled = build.collector.mode == "deployment" and strategy["type"] == "RollingUpdate"
    if is_rolled and not _may_new_pod_wait(build):
        return {"rollingUpdate": {"maxUnavailable": 0}, **strategy}
    return strategy


def _may_new_pod_wait(build: CollectorBuild) -> bool:
    """Return whether a new pod may have to wait until an old one has left its node, port or volume."""
    collector = build.collector
    if collector.uses_host_ports or collector.host_network:
        return True
    if collector.affinity or collector.topology_spread:
        return True
    return any("persistentVolumeClaim" in volume["source"] for volume in collector.volumes)


def list_volume_claims(build: CollectorBuild) -> list[dict[str, Any]]:
    """Return the claim for the state that the config keeps; no claim for a config that keeps none."""
    if not build.needs.state_directories:
        return []
    storage = build.collector.storage
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": storage.get("size") or _DEFAULT_STORAGE_SIZE}},
        **omit_empty(storageClassName=storage.get("class")),
    }
    return [{"metadata": {"name": STATE_VOLUME}, "spec": spec}]


def render_disruption_budget(build: CollectorBuild) -> Manifest | None:
    """Return the PodDisruptionBudget of a collector, or None without one."""
    budget = read_disruption_budget(build)
    if not budget:
        return None
    # Pods that are not ready serve nobody: they must not block the drain of a node.
    spec = {
        "selector": {"matchLabels": build.collector.selector},
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
        **budget,
    }
    return frame_manifest(build, "policy/v1", "PodDisruptionBudget", spec=spec)


def read_disruption_budget(build: CollectorBuild) -> dict[str, Any]:
    """Return the budget as Kubernetes reads it: the user's, else one pod at a time; empty for no budget.

    Raises Problem for a budget with both of its fields.
    """
    options = build.collector.disruption_budget
    budget = omit_empty(minAvailable=options.get("min_available"), maxUnavailable=options.get("max_unavailable"))
    if len(budget) > 1:
        raise Problem(
            f"collector '{build.collector.name}' has both min_available and max_unavailable in its disruption_budget",
            fix="Kubernetes takes one of them.",
        )
    if options.get("enabled") is False:
        return {}
    if not budget and (options.get("enabled") or _has_several_pods(build.collector)):
        return {"maxUnavailable": 1}
    return budget


def _has_several_pods(collector: Collector) -> bool:
    return collector.mode in SCALED_KINDS and not collector.runs_one_pod
