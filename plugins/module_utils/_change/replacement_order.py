# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ports and folders of nodes that pods hold, and the order in which workloads are replaced.

Old workloads are removed after new ones work, in a switch of backends as in an upgrade. The exception is a workload
that holds the same port or folder of a node; that one is removed first. Private.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from .._kube.operator_status import COLLECTOR
from .._kube.ownership import label_of
from .._otelcol.config.paths import at, items, section
from .._otelcol.kube.names import COLLECTOR_LABEL, cluster_wide
from .._otelcol.kube.objects import Manifest, Ref, ref
from .._otelcol.kube.operator_names import operator_labels

ANY_ADDRESS = ("", "0.0.0.0", "::")
WORKLOADS = ("DaemonSet", "Deployment", "StatefulSet")


class HostPort(NamedTuple):
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
    return [needs for needs in found if needs.more and cluster_wide(needs.owner.namespace, needs.owner.name) not in own]


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


RUNS = ("Deployment", "DaemonSet", "StatefulSet", COLLECTOR)
AUTOSCALER = "HorizontalPodAutoscaler"


def replaces(new: Manifest, old: Manifest) -> bool:
    """Return whether a workload replaces another: both have the same collector label, or the old one has none."""
    if new["kind"] not in RUNS or old["kind"] not in RUNS or ref(new) == ref(old):
        return False
    if new["metadata"].get("namespace") != old["metadata"].get("namespace"):
        return False
    return label_of(old, COLLECTOR_LABEL) in ("", label_of(new, COLLECTOR_LABEL))


def goes_first(old: Manifest, group: Iterable[Manifest]) -> bool:
    """Return whether an old object must be deleted before a group is applied.

    Two workloads cannot share a host port or write to the same host path. An autoscaler would overwrite the replica
    count of a workload that now sets its own.
    """
    if old["kind"] == AUTOSCALER:
        return any(_scales(old, new) and "replicas" in (new.get("spec") or {}) for new in group)
    ports, folders = template_ports(old), written(old)
    return any(replaces(new, old) and (_share(ports, template_ports(new)) or folders & written(new)) for new in group)


def _share(held: Iterable[Any], wanted: Iterable[Any]) -> bool:
    others = list(wanted)
    return any(port.clashes(other) for port in held for other in others)


def _scales(autoscaler: Manifest, workload: Manifest) -> bool:
    target = (autoscaler.get("spec") or {}).get("scaleTargetRef") or {}
    namespace = autoscaler["metadata"].get("namespace") or ""
    return Ref(str(target.get("kind")), namespace, str(target.get("name"))) == ref(workload)


def awaited(old: Iterable[Manifest], manifests: Iterable[Manifest]) -> list[Manifest]:
    """Return the workloads of a bundle that must be ready before the old ones are deleted."""
    leaving = list(old)
    return [new for new in manifests if any(replaces(new, item) for item in leaving)]


def remade(manifest: Manifest, live: Manifest | None) -> bool:
    """Return whether an object must be recreated to change.

    The operator rejects a change of mode, and the server a change of what an immutable ConfigMap or Secret holds.
    """
    if live is None:
        return False
    if live.get("immutable"):
        return not manifest.get("immutable") or manifest.get("data") != live.get("data")
    if manifest["kind"] != COLLECTOR:
        return False
    modes = [(item.get("spec") or {}).get("mode") or "deployment" for item in (manifest, live)]
    return modes[0] != modes[1]


def autoscaled(manifests: Iterable[Manifest]) -> set[Ref]:
    """Return the workloads whose replica count an autoscaler of the bundle sets."""
    given = list(manifests)
    scalers = [item for item in given if item["kind"] == AUTOSCALER]
    return {
        ref(item)
        for item in given
        if any(_scales(scaler, item) for scaler in scalers)
        or (item["kind"] == COLLECTOR and (item.get("spec") or {}).get("autoscaler"))
    }


def kept_replicas(manifest: Manifest, live: Manifest | None, manager: str) -> int | None:
    """Return the replica count to keep: the server resets it to one when its only field manager drops the field.

    Source: Kubernetes' docs on server-side apply, "Transferring ownership".
    """
    count: Any = ((live or {}).get("spec") or {}).get("replicas")
    if count is None or "replicas" in (manifest.get("spec") or {}):
        return None
    return int(count) if any(_owns(entry, manager) for entry in _entries(live or {})) else None


def _entries(live: Manifest) -> list[Mapping[str, Any]]:
    return live["metadata"].get("managedFields") or []


def _owns(entry: Mapping[str, Any], manager: str) -> bool:
    if (entry.get("manager"), entry.get("operation")) != (manager, "Apply"):
        return False
    return "f:replicas" in ((entry.get("fieldsV1") or {}).get("f:spec") or {})
