# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The workload and its disruption budget.

A collector without a health check must run for five seconds to count as available. Otherwise the wait would miss one
that exits at once. Private.
"""

from __future__ import annotations

from typing import Any

from ..._otelcol.errors import Problem
from ..._otelcol.kube import names
from ..options import Collector
from .build import CollectorBuild, Manifest, frame, present
from .pod import STATE_VOLUME, pod_template

_GIB = "1Gi"
# Without a readiness probe a pod counts as soon as its process runs, and so would one that is about to end.
MIN_READY_SECONDS = 5


def daemon_set(build: CollectorBuild) -> Manifest:
    return frame(build, "apps/v1", "DaemonSet", spec={**_common(build), "updateStrategy": strategy(build)})


def deployment(build: CollectorBuild) -> Manifest:
    return frame(
        build, "apps/v1", "Deployment", spec={**_common(build), **replicas(build), "strategy": strategy(build)}
    )


def stateful_set(build: CollectorBuild) -> Manifest:
    """Return the StatefulSet of a collector whose replicas have names and state of their own."""
    spec = {
        **_common(build),
        **replicas(build),
        "updateStrategy": strategy(build),
        "serviceName": names.headless(build.collector.name),
        "podManagementPolicy": "Parallel",
        **present(volumeClaimTemplates=claims(build)),
    }
    return frame(build, "apps/v1", "StatefulSet", spec=spec)


def _common(build: CollectorBuild) -> dict[str, Any]:
    return {
        "selector": {"matchLabels": build.collector.selector},
        "revisionHistoryLimit": build.collector.revision_history_limit,
        "template": pod_template(build),
        **present(minReadySeconds=None if build.needs.probe else MIN_READY_SECONDS),
    }


def replicas(build: CollectorBuild) -> dict[str, Any]:
    """Return the replica count; a workload that is autoscaled has no replica count: the autoscaler owns the field."""
    return {} if build.collector.autoscaling else {"replicas": build.collector.replicas}


def strategy(build: CollectorBuild) -> dict[str, Any]:
    """Return how pods are replaced: as the user says, else a new pod of a Deployment comes before an old one goes."""
    given = {"type": "RollingUpdate", **build.collector.update_strategy}
    surges = build.collector.mode == "deployment" and given["type"] == "RollingUpdate" and not _confined(build)
    return {"rollingUpdate": {"maxUnavailable": 0}, **given} if surges else given


def _confined(build: CollectorBuild) -> bool:
    """Return whether a new pod may have to wait until an old one has left its node, port or volume."""
    collector = build.collector
    if collector.uses_host_ports or collector.host_network:
        return True
    if collector.affinity or collector.topology_spread:
        return True
    return any("persistentVolumeClaim" in volume["source"] for volume in collector.volumes)


def claims(build: CollectorBuild) -> list[dict[str, Any]]:
    """Return the claim for the state that the config keeps; nothing is claimed for a config that keeps none."""
    if not build.needs.state_directories:
        return []
    storage = build.collector.storage
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": storage.get("size") or _GIB}},
        **present(storageClassName=storage.get("class")),
    }
    return [{"metadata": {"name": STATE_VOLUME}, "spec": spec}]


# The modes with a number of replicas, and the kind of each.
SCALED = {"deployment": "Deployment", "statefulset": "StatefulSet"}


def pod_disruption_budget(build: CollectorBuild) -> Manifest | None:
    budget = disruption_budget(build)
    if not budget:
        return None
    # Pods that are not ready serve nobody: they must not block the drain of a node.
    spec = {
        "selector": {"matchLabels": build.collector.selector},
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
        **budget,
    }
    return frame(build, "policy/v1", "PodDisruptionBudget", spec=spec)


def disruption_budget(build: CollectorBuild) -> dict[str, Any]:
    """Return the budget in Kubernetes' form: the user's, else one pod at a time. Raises Problem for two."""
    options = build.collector.disruption_budget
    budget = present(minAvailable=options.get("min_available"), maxUnavailable=options.get("max_unavailable"))
    if len(budget) > 1:
        raise Problem(
            f"collector '{build.collector.name}' has both min_available and max_unavailable in its disruption_budget",
            fix="Kubernetes takes one of them.",
        )
    if options.get("enabled") is False:
        return {}
    return budget or ({"maxUnavailable": 1} if options.get("enabled") or _several(build.collector) else {})


def _several(collector: Collector) -> bool:
    return collector.mode in SCALED and not collector.is_alone
