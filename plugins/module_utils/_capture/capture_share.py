# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a pod beside those of a collector gets a share of their load, and with how many it shares. Private.

`capture_plan.py` asks this before it starts the pod of a capture. Clients reach the pods of a DaemonSet by a port of
their node, or by a Service. The port of a node leads to one pod, and Kubernetes runs no second one that has it. A
Service leads to all pods with its labels, so to that of the capture too. For example, for a Deployment with 3 ready
pods the share is `CaptureShare(other_pod_count=3)`: the pod of the capture gets about a quarter of the load.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._collector.options import METRICS_PORT
from .._kube.service_kinds import is_external_name, is_headless
from .._otelcol.config.paths import list_at, mapping_at
from .._otelcol.errors import Problem
from .._otelcol.kube.network_policies import selects_labels

DAEMON_SET = "DaemonSet"
_TEMPLATE_PATH = ("spec", "template")
# How this collection and the operator name the port of a Service for scrapers.
# Source: internal/manifests/collector/service.go of the operator.
_NAMES_FOR_SCRAPERS = ("metrics", "monitoring")
_CAPTURE_FILES_FIX = "Let it write files with exporter file, and capture these with `capture_files`."


@dataclass(frozen=True)
class CaptureShare:
    """With whom the pod of a capture shares the load."""

    other_pod_count: int
    """How many ready pods share one load with it."""
    node_count: int = 1
    """How many nodes have a load of their own; 1 unless Services keep clients on their node."""


def compute_share(
    workload: Mapping[str, Any], ready_pods: int, services: Sequence[Mapping[str, Any]] | None
) -> CaptureShare:
    """Return with how many of the ready pods of a workload the pod of a capture shares the load.

    `services` are those of its namespace; None for what the account may not see. Raises Problem for a DaemonSet to
    which no Service leads.
    """
    if workload.get("kind") != DAEMON_SET:
        return CaptureShare(ready_pods)
    if services is None:
        wrong = "it is a DaemonSet, and this account may not list Services, so it is not known whether one leads there"
        raise Problem(wrong, fix="Give the account the rights of docs/capture.md.")
    leading_services = list(_find_leading_services(workload, services))
    if not leading_services:
        wrong = "it is a DaemonSet, and no Service leads to its pods, so no pod beside them would get a share"
        raise Problem(wrong, fix=_CAPTURE_FILES_FIX)
    # Clients of a headless Service choose among all pods themselves. Those that also have another one mostly use that.
    # With policy Local, a client reaches the pods of its own node alone. A DaemonSet has one there, and the pod of the
    # capture is the second. One Service without the policy is enough to bring data from all nodes.
    policies = {
        mapping_at(service, "spec").get("internalTrafficPolicy")
        for service in leading_services
        if not is_headless(service)
    }
    if policies == {"Local"} and ready_pods:
        return CaptureShare(other_pod_count=1, node_count=ready_pods)
    return CaptureShare(ready_pods)


def _find_leading_services(
    workload: Mapping[str, Any], services: Sequence[Mapping[str, Any]]
) -> Iterator[Mapping[str, Any]]:
    """Yield the Services by which clients send to the pods of a workload."""
    labels = mapping_at(workload, *_TEMPLATE_PATH, "metadata", "labels")
    for service in services:
        selector = mapping_at(service, "spec", "selector")
        if not selector or is_external_name(service) or not _has_port_for_clients(service):
            continue
        if selects_labels({"matchLabels": selector}, labels):
            yield service


def _has_port_for_clients(service: Mapping[str, Any]) -> bool:
    """Whether a Service has another port than that of the Collector's own metrics, which only scrapers ask."""
    for port in list_at(service, "spec", "ports"):
        if port.get("name") not in _NAMES_FOR_SCRAPERS and port.get("port") != METRICS_PORT:
            return True
    return False


def list_node_ports(workload: Mapping[str, Any]) -> list[int]:
    """Return the ports of their node that the pods of a workload open."""
    ports: set[int] = set()
    for container in list_at(mapping_at(workload, *_TEMPLATE_PATH, "spec"), "containers"):
        ports.update(
            int(container_port["hostPort"])
            for container_port in list_at(container, "ports")
            if container_port.get("hostPort")
        )
    return sorted(ports)
