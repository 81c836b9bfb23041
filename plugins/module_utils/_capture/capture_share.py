# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a pod beside those of a collector gets a share of their load, and with how many it shares. Private.

Clients reach the pods of a DaemonSet by a port of their node, or by a Service. The port of a node leads to one pod, and
Kubernetes runs no second one that has it. A Service leads to all pods with its labels, so to that of the capture too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._otelcol.config.paths import at, items, section
from .._otelcol.errors import Problem
from .._otelcol.kube.network_policies import selector_selects

DAEMON_SET = "DaemonSet"
_TEMPLATE = ("spec", "template")
_ALIAS = "ExternalName"
"""The type of a Service that is another name of a host, whatever it selects."""
_FILES = "Let it write files with exporter file, and capture these with `capture_files`."


@dataclass(frozen=True)
class Share:
    """With how many ready pods the one of a capture shares the load, and how many nodes have as many of their own.

    `nodes` is 1 if all pods of the collector share one load, which is so unless Services keep clients on their node.
    """

    other_pods: int
    nodes: int = 1


def share_of(workload: Mapping[str, Any], ready_pods: int, services: Sequence[Mapping[str, Any]] | None) -> Share:
    """Return with how many of the ready pods of a workload the pod of a capture shares the load.

    `services` are those of its namespace; None for what the account may not see. Raises Problem for a DaemonSet to
    which no Service leads.
    """
    if workload.get("kind") != DAEMON_SET:
        return Share(ready_pods)
    if services is None:
        wrong = "it is a DaemonSet, and this account may not list Services, so it is not known whether one leads there"
        raise Problem(wrong, fix="Give the account the rights of docs/capture.md.")
    policies = {at(service, ("spec", "internalTrafficPolicy")) for service in _leading(workload, services)}
    if not policies:
        wrong = "it is a DaemonSet, and no Service leads to its pods, so no pod beside them would get a share"
        raise Problem(wrong, fix=_FILES)
    if policies == {"Local"} and ready_pods:
        return Share(other_pods=1, nodes=ready_pods)
    return Share(ready_pods)


def _leading(workload: Mapping[str, Any], services: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Yield the Services that lead to the pods of a workload."""
    labels = section(workload, *_TEMPLATE, "metadata", "labels")
    for service in services:
        spec = section(service, "spec")
        selector = section(spec, "selector")
        if selector and spec.get("type") != _ALIAS and selector_selects({"matchLabels": selector}, labels):
            yield service


def node_ports_of(workload: Mapping[str, Any]) -> list[int]:
    """Return the ports of their node that the pods of a workload open."""
    ports: set[int] = set()
    for container in items(section(workload, *_TEMPLATE, "spec"), "containers"):
        ports.update(int(opened["hostPort"]) for opened in items(container, "ports") if opened.get("hostPort"))
    return sorted(ports)
