# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What pods use of their nodes: host ports, host paths, claims, and SecurityContextConstraints. Private."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ..collector.names import COLLECTOR_LABEL, cluster_wide
from ..config.paths import at, items, section
from .bundle import Manifest, Ref, ref
from .operator_status import COLLECTOR, operator_labels

ANY_ADDRESS = ("", "0.0.0.0", "::")
WORKLOADS = ("DaemonSet", "Deployment", "StatefulSet")


class HostPort(NamedTuple):
    """A port of a node."""

    port: int
    protocol: str
    address: str

    def clashes(self, other: HostPort) -> bool:
        """Return whether two ports conflict on one node. A port on every address conflicts with any address."""
        if (self.port, self.protocol) != (other.port, other.protocol):
            return False
        return self.address == other.address or self.address in ANY_ADDRESS or other.address in ANY_ADDRESS


class Clash(NamedTuple):
    """A port that a pod of another workload holds."""

    port: HostPort
    pod: str
    namespace: str
    node: str


def host_ports(spec: dict[str, Any]) -> set[HostPort]:
    """Return the host ports of a pod spec. With hostNetwork every container port is a host port."""
    shared = spec.get("hostNetwork")
    containers = [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]
    ports = (port for container in containers for port in container.get("ports") or [])
    return {
        HostPort(int(number), port.get("protocol") or "TCP", port.get("hostIP") or "")
        for port in ports
        if (number := port.get("hostPort") or (shared and port.get("containerPort")))
    }


def template_ports(workload: dict[str, Any] | None) -> set[HostPort]:
    """Return the host ports of a workload's pods; an empty set if it is absent or not a workload."""
    spec = (workload or {}).get("spec") or {}
    if (workload or {}).get("kind") == COLLECTOR:  # the operator copies spec.ports to its container
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
    """Yield each wanted port that a running pod of another workload holds, unless that workload is deleted first."""
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
    """Return the host paths and volume claims that the pods of a workload can write to."""
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


# The API of clusters that have SecurityContextConstraints.
API = "/apis/security.openshift.io/v1"
_KIND = "SecurityContextConstraints"
_WORKLOADS = ("DaemonSet", "Deployment", "OpenTelemetryCollector", "StatefulSet")


class ConstraintNeeds(NamedTuple):
    """What the pods of a collector ask for beyond `restricted-v2`."""

    owner: Ref
    more: tuple[str, ...]


def unmet(manifests: Iterable[Manifest]) -> list[ConstraintNeeds]:
    """Return the collectors that need more than the default constraints and have none of their own in the bundle."""
    given = list(manifests)
    own = {ref(item).name for item in given if item["kind"] == _KIND}
    found = [ConstraintNeeds(ref(item), tuple(_more(item))) for item in given if _is_collector(item)]
    return [wish for wish in found if wish.more and cluster_wide(wish.owner.namespace, wish.owner.name) not in own]


def _is_collector(item: Manifest) -> bool:
    return item["kind"] in _WORKLOADS and COLLECTOR_LABEL in section(item, "metadata", "labels")


def _more(item: Manifest) -> Iterator[str]:
    spec = section(item, "spec")
    pod = section(spec, "template", "spec") or spec
    if any("hostPath" in volume for volume in items(pod, "volumes")):
        yield "folders of the node"
    if any("hostPort" in port for port in _ports(pod)):
        yield "ports of the node"
    if pod.get("hostNetwork"):
        yield "the node's network"
    users = (at(pod, (key, "runAsUser")) for key in ("securityContext", "podSecurityContext"))
    yield from (f"user {user}" for user in users if user is not None)


def _ports(pod: Manifest) -> Iterator[Any]:
    yield from items(pod, "ports")
    for container in items(pod, "containers"):
        yield from items(container, "ports")
