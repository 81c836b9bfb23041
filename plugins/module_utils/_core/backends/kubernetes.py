# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plain Kubernetes objects, without the operator. Private."""

from __future__ import annotations

from ..collector.collector import Collector
from ..errors import Problem
from ..manifests import certificate, pod, service, workload
from ..manifests.build import CollectorBuild, Manifest
from .shared import ACCESS, ACCOUNT, Builders

WORKLOADS = {"daemonset": workload.daemon_set, "deployment": workload.deployment, "statefulset": workload.stateful_set}

_BEFORE: Builders = (*ACCOUNT, pod.config_map, service.headless_service, service.service)
_AFTER: Builders = (workload.horizontal_pod_autoscaler, workload.pod_disruption_budget, *ACCESS)

CONTAINER = pod.CONTAINER
MODES = tuple(WORKLOADS)
_KINDS = {"daemonset": "DaemonSet", "deployment": "Deployment", "statefulset": "StatefulSet"}


def check(collector: Collector) -> None:
    """Raise Problem for what only the operator does."""
    if collector.mode not in WORKLOADS:
        raise Problem(
            f"collector '{collector.name}' has mode {collector.mode}, and only the operator puts it into pods",
            fix="Set `backend: operator`, or use another mode.",
        )
    if (collector.target_allocator.get("prometheus_cr") or {}).get("enabled"):
        raise Problem(
            f"collector '{collector.name}' reads ServiceMonitors and PodMonitors, which only a target allocator does",
            fix="Set `backend: operator`, or write `scrape_configs` and remove `target_allocator.prometheus_cr`.",
        )


def resource(_order: CollectorBuild) -> None:
    """Return nothing: there is no custom resource to judge."""


def kind(collector: Collector) -> str:
    """Return the kind that is waited for."""
    return _KINDS[collector.mode]


def manifests(order: CollectorBuild) -> list[Manifest]:
    """Return all objects of one collector, in the order in which they are applied."""
    builders = (*_BEFORE, WORKLOADS[order.collector.mode], *_AFTER)
    made = [manifest for builder in builders if (manifest := builder(order)) is not None]
    return [*made, *certificate.certificates(order)]
