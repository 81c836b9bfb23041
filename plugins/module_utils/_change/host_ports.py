# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ports of nodes that pods have taken: only one pod of a node can have a port of it. Private.

`live/taken_host_ports.py` refuses a bundle whose ports other pods have. The host is the node here, as in hostPort. For
example, `HostPort(4317, "TCP", "")` of one pod clashes with `HostPort(4317, "TCP", "10.0.0.5")` of another one, but not
with `HostPort(4317, "UDP", "")`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from typing import Any, NamedTuple

from .._kube.operator_status import COLLECTOR
from .._otelcol.config.paths import list_at, mapping_at
from .._otelcol.kube.objects import Manifest
from .._otelcol.kube.operator_names import operator_labels
from .workload_kinds import WORKLOAD_KINDS

# The addresses that mean all addresses of a node; Kubernetes takes an empty hostIP so too.
_ANY_ADDRESS = ("", "0.0.0.0", "::")


class HostPort(NamedTuple):
    """A port of a node, on one of its addresses or on all."""

    port: int
    protocol: str
    """`TCP` or `UDP`."""
    address: str
    """One of _ANY_ADDRESS for all addresses."""

    def clashes_with(self, other_port: HostPort) -> bool:
        """Return whether two ports conflict on one node. A port on every address conflicts with any address."""
        if (self.port, self.protocol) != (other_port.port, other_port.protocol):
            return False
        return self.address == other_port.address or self.address in _ANY_ADDRESS or other_port.address in _ANY_ADDRESS


class PortClash(NamedTuple):
    """A port that a pod of another workload has."""

    port: HostPort
    pod_name: str
    namespace: str
    node_name: str


def list_host_ports(pod_spec: Mapping[str, Any]) -> set[HostPort]:
    """Return the host ports of a pod spec. With hostNetwork every container port is a host port."""
    shares_network = pod_spec.get("hostNetwork")
    host_ports = set()
    for container in [*list_at(pod_spec, "initContainers"), *list_at(pod_spec, "containers")]:
        for port in list_at(container, "ports"):
            port_number = port.get("hostPort")
            if not port_number and shares_network:
                port_number = port.get("containerPort")
            if port_number:
                host_ports.add(HostPort(int(port_number), port.get("protocol") or "TCP", port.get("hostIP") or ""))
    return host_ports


def list_template_ports(workload: Manifest | None) -> set[HostPort]:
    """Return the host ports of a workload's pods; an empty set if it is absent or not a workload."""
    if not workload:
        return set()
    spec = mapping_at(workload, "spec")
    kind = workload.get("kind")
    if kind == COLLECTOR:  # the operator copies spec.ports to its container
        ports = [{**port, "containerPort": port.get("port")} for port in list_at(spec, "ports")]
        return list_host_ports({"hostNetwork": spec.get("hostNetwork"), "containers": [{"ports": ports}]})
    if kind in WORKLOAD_KINDS:
        return list_host_ports(mapping_at(spec, "template", "spec"))
    return set()


def have_port_conflict(workload: Manifest, other_workload: Manifest) -> bool:
    """Return whether two workloads cannot be on one node, because a port of the one conflicts with one of the other."""
    pairs = product(list_template_ports(workload), list_template_ports(other_workload))
    return any(port.clashes_with(other_port) for port, other_port in pairs)


def find_port_clashes(
    workload: Manifest,
    wanted_ports: set[HostPort],
    pods: Iterable[Manifest],
    going: Iterable[Manifest] = (),
) -> Iterator[PortClash]:
    """Yield each wanted port that a running pod of another workload has.

    `going` are workloads that are deleted first, so their ports are free.
    """
    leaving_workloads = [workload, *going]
    for pod in pods:
        if not _occupies_ports(pod) or any(_is_pod_of(pod, leaving_workload) for leaving_workload in leaving_workloads):
            continue
        for taken_port in sorted(list_host_ports(pod["spec"])):
            if any(taken_port.clashes_with(port) for port in wanted_ports):
                yield PortClash(
                    taken_port, pod["metadata"]["name"], pod["metadata"]["namespace"], pod["spec"]["nodeName"]
                )


def _occupies_ports(pod: Manifest) -> bool:
    """Return whether a pod occupies its ports: it is on a node, has not ended and is not being deleted."""
    if pod["metadata"].get("deletionTimestamp") or not pod["spec"].get("nodeName"):
        return False
    return pod.get("status", {}).get("phase") in ("Running", "Pending")


def _is_pod_of(pod: Manifest, workload: Manifest) -> bool:
    """Return whether the selector of a workload selects a pod."""
    if pod["metadata"]["namespace"] != workload["metadata"].get("namespace"):
        return False
    if workload["kind"] == COLLECTOR:
        selector = operator_labels(workload)
    else:
        selector = mapping_at(workload, "spec", "selector", "matchLabels")
    return bool(selector) and selector.items() <= mapping_at(pod, "metadata", "labels").items()
