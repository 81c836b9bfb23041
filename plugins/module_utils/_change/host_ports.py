# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ports of nodes that pods hold: only one pod of a node can have a port of it. Private."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from typing import Any, NamedTuple

from .._kube.operator_status import COLLECTOR
from .._otelcol.config.paths import items, section
from .._otelcol.kube.objects import Manifest
from .._otelcol.kube.operator_names import operator_labels
from .workload_kinds import WORKLOADS

_ANY_ADDRESS = ("", "0.0.0.0", "::")


class HostPort(NamedTuple):
    """A port of a node, on one of its addresses or on all."""

    port: int
    protocol: str
    address: str

    def clashes(self, other: HostPort) -> bool:
        """Return whether two ports conflict on one node. A port on every address conflicts with any address."""
        if (self.port, self.protocol) != (other.port, other.protocol):
            return False
        return self.address == other.address or self.address in _ANY_ADDRESS or other.address in _ANY_ADDRESS


class Clash(NamedTuple):
    """A port that a pod of another workload holds."""

    port: HostPort
    pod: str
    namespace: str
    node: str


def host_ports(pod_spec: Mapping[str, Any]) -> set[HostPort]:
    """Return the host ports of a pod spec. With hostNetwork every container port is a host port."""
    shares_network = pod_spec.get("hostNetwork")
    held = set()
    for container in [*items(pod_spec, "initContainers"), *items(pod_spec, "containers")]:
        for port in items(container, "ports"):
            number = port.get("hostPort")
            if not number and shares_network:
                number = port.get("containerPort")
            if number:
                held.add(HostPort(int(number), port.get("protocol") or "TCP", port.get("hostIP") or ""))
    return held


def template_ports(workload: Manifest | None) -> set[HostPort]:
    """Return the host ports of a workload's pods; an empty set if it is absent or not a workload."""
    if not workload:
        return set()
    spec = section(workload, "spec")
    kind = workload.get("kind")
    if kind == COLLECTOR:  # the operator copies spec.ports to its container
        ports = [{**port, "containerPort": port.get("port")} for port in items(spec, "ports")]
        return host_ports({"hostNetwork": spec.get("hostNetwork"), "containers": [{"ports": ports}]})
    if kind in WORKLOADS:
        return host_ports(section(spec, "template", "spec"))
    return set()


def share_port(one: Manifest, other: Manifest) -> bool:
    """Return whether two workloads cannot be on one node, because a port of the one conflicts with one of the other."""
    pairs = product(template_ports(one), template_ports(other))
    return any(port.clashes(other_port) for port, other_port in pairs)


def port_clashes(
    workload: Manifest,
    wanted: set[HostPort],
    pods: Iterable[Manifest],
    going: Iterable[Manifest] = (),
) -> Iterator[Clash]:
    """Yield each wanted port that a running pod of another workload holds.

    `going` are workloads that are deleted first, so their ports are free.
    """
    leaving = [workload, *going]
    for pod in pods:
        if not _holds_ports(pod) or any(_is_pod_of(pod, item) for item in leaving):
            continue
        for held in sorted(host_ports(pod["spec"])):
            if any(held.clashes(port) for port in wanted):
                yield Clash(held, pod["metadata"]["name"], pod["metadata"]["namespace"], pod["spec"]["nodeName"])


def _holds_ports(pod: Manifest) -> bool:
    """Return whether a pod holds its ports: it is on a node, has not ended and is not deleted."""
    if pod["metadata"].get("deletionTimestamp") or not pod["spec"].get("nodeName"):
        return False
    return pod.get("status", {}).get("phase") in ("Running", "Pending")


def _is_pod_of(pod: Manifest, workload: Manifest) -> bool:
    if pod["metadata"]["namespace"] != workload["metadata"].get("namespace"):
        return False
    if workload["kind"] == COLLECTOR:
        selector = operator_labels(workload)
    else:
        selector = section(workload, "spec", "selector", "matchLabels")
    return bool(selector) and selector.items() <= section(pod, "metadata", "labels").items()
