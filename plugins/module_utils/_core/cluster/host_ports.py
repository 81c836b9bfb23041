# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a workload holds alone: ports and folders of the nodes, and claims; and who holds them already. Private."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ..config.paths import at, items
from .operator_status import COLLECTOR, operator_labels

ANY_ADDRESS = ("", "0.0.0.0", "::")
WORKLOADS = ("DaemonSet", "Deployment", "StatefulSet")


class HostPort(NamedTuple):
    """A port of a node."""

    port: int
    protocol: str
    address: str

    def clashes(self, other: HostPort) -> bool:
        """Return whether the two cannot live on one node; a port on every address clashes with each of them."""
        if (self.port, self.protocol) != (other.port, other.protocol):
            return False
        return self.address == other.address or self.address in ANY_ADDRESS or other.address in ANY_ADDRESS


class Clash(NamedTuple):
    """A port that a pod of somebody else holds."""

    port: HostPort
    pod: str
    namespace: str
    node: str


def host_ports(spec: dict[str, Any]) -> set[HostPort]:
    """Return the ports that a pod spec takes from its node: with the host's network every port is one."""
    shared = spec.get("hostNetwork")
    containers = [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]
    ports = (port for container in containers for port in container.get("ports") or [])
    return {
        HostPort(int(number), port.get("protocol") or "TCP", port.get("hostIP") or "")
        for port in ports
        if (number := port.get("hostPort") or (shared and port.get("containerPort")))
    }


def template_ports(workload: dict[str, Any] | None) -> set[HostPort]:
    """Return the node ports of a workload's pods; none for what is absent or no workload."""
    spec = (workload or {}).get("spec") or {}
    if (workload or {}).get("kind") == COLLECTOR:  # the operator gives the ports that it is told to its container
        ports = [{**port, "containerPort": port.get("port")} for port in spec.get("ports") or []]
        return host_ports({"hostNetwork": spec.get("hostNetwork"), "containers": [{"ports": ports}]})
    if not workload or workload.get("kind") not in WORKLOADS:
        return set()
    return host_ports(spec.get("template", {}).get("spec") or {})


def clashes(
    workload: dict[str, Any],
    wanted: set[HostPort],
    pods: Iterable[dict[str, Any]],
    going: Iterable[dict[str, Any]] = (),
) -> Iterator[Clash]:
    """Yield each wanted port that a running pod of another workload holds, unless that one makes way for ours."""
    leaving = [workload, *going]
    for pod in pods:
        if not _holds(pod) or any(_own(item, pod) for item in leaving):
            continue
        for held in sorted(host_ports(pod["spec"])):
            if any(held.clashes(port) for port in wanted):
                yield Clash(held, pod["metadata"]["name"], pod["metadata"]["namespace"], pod["spec"]["nodeName"])


def _holds(pod: dict[str, Any]) -> bool:
    running = pod.get("status", {}).get("phase") in ("Running", "Pending") and pod["spec"].get("nodeName")
    return bool(running) and not pod["metadata"].get("deletionTimestamp")


def _own(workload: dict[str, Any], pod: dict[str, Any]) -> bool:
    if pod["metadata"]["namespace"] != workload["metadata"].get("namespace"):
        return False
    wanted = (
        operator_labels(workload)
        if workload["kind"] == COLLECTOR
        else workload["spec"].get("selector", {}).get("matchLabels") or {}
    )
    return bool(wanted) and wanted.items() <= (pod["metadata"].get("labels") or {}).items()


def written(workload: Mapping[str, Any]) -> set[str]:
    """Return the folders of nodes and the claims that the pods of a workload may write to."""
    spec = workload.get("spec") or {}
    pod = spec if workload.get("kind") == COLLECTOR else at(spec, ("template", "spec"), {})
    containers = [pod] if workload.get("kind") == COLLECTOR else items(pod, "containers")
    mounts = [mount for container in containers for mount in items(container, "volumeMounts")]
    names = {mount.get("name") for mount in mounts if not mount.get("readOnly")}
    sources = [_source(volume) for volume in items(pod, "volumes") if volume.get("name") in names]
    return {source for source in sources if source}


def _source(volume: Mapping[str, Any]) -> str:
    folder = at(volume, ("hostPath", "path"))
    claim = at(volume, ("persistentVolumeClaim", "claimName"))
    return f"folder {folder}" if folder else f"claim {claim}" if claim else ""
