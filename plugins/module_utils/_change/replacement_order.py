# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ports and folders of nodes that pods hold, and the order in which workloads are replaced.

Old workloads are removed after new ones work, in a switch of backends as in an upgrade. The exception is a workload
that holds the same port or folder of a node; that one is removed first. Private.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import product
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
    shares_network = spec.get("hostNetwork")
    held = set()
    for container in [*items(spec, "initContainers"), *items(spec, "containers")]:
        for port in items(container, "ports"):
            number = port.get("hostPort")
            if not number and shares_network:
                number = port.get("containerPort")
            if number:
                held.add(HostPort(int(number), port.get("protocol") or "TCP", port.get("hostIP") or ""))
    return held


def template_ports(workload: dict[str, Any] | None) -> set[HostPort]:
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
    """Return whether a pod holds its ports: it is on a node, has not ended and is not deleted."""
    if pod["metadata"].get("deletionTimestamp") or not pod["spec"].get("nodeName"):
        return False
    return pod.get("status", {}).get("phase") in ("Running", "Pending")


def _own(workload: dict[str, Any], pod: dict[str, Any]) -> bool:
    if pod["metadata"]["namespace"] != workload["metadata"].get("namespace"):
        return False
    if workload["kind"] == COLLECTOR:
        selector = operator_labels(workload)
    else:
        selector = section(workload, "spec", "selector", "matchLabels")
    return bool(selector) and selector.items() <= section(pod, "metadata", "labels").items()


def written(workload: Mapping[str, Any]) -> set[str]:
    """Return the host paths and volume claims that the pods of a workload can write to."""
    if workload.get("kind") == COLLECTOR:  # its spec has the fields of a pod and of its container
        pod = section(workload, "spec")
        containers = [pod]
    else:
        pod = section(workload, "spec", "template", "spec")
        containers = items(pod, "containers")
    writable = _writable_volumes(containers)
    sources = {_source(volume) for volume in items(pod, "volumes") if volume.get("name") in writable}
    return sources - {""}


def _writable_volumes(containers: Iterable[Mapping[str, Any]]) -> set[Any]:
    """Return the names of the volumes that some containers mount to write to them."""
    writable = set()
    for container in containers:
        for mount in items(container, "volumeMounts"):
            if not mount.get("readOnly"):
                writable.add(mount.get("name"))
    return writable


def _source(volume: Mapping[str, Any]) -> str:
    """Return the folder of the node or the claim of a volume, or an empty text for a volume of another kind."""
    folder = at(volume, ("hostPath", "path"))
    if folder:
        return f"folder {folder}"
    claim = at(volume, ("persistentVolumeClaim", "claimName"))
    return f"claim {claim}" if claim else ""


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
    own_constraints = {ref(manifest).name for manifest in given if manifest["kind"] == _KIND}
    unmet_needs = []
    for manifest in filter(_is_collector, given):
        owner = ref(manifest)
        more = tuple(_more_than_default(manifest))
        if more and cluster_wide(owner.namespace, owner.name) not in own_constraints:
            unmet_needs.append(ConstraintNeeds(owner, more))
    return unmet_needs


def _is_collector(item: Manifest) -> bool:
    return item["kind"] in _WORKLOADS and COLLECTOR_LABEL in section(item, "metadata", "labels")


def _more_than_default(collector: Manifest) -> Iterator[str]:
    """Yield what the pods of a collector ask for that `restricted-v2` does not allow."""
    spec = section(collector, "spec")
    pod = section(spec, "template", "spec") or spec
    if any("hostPath" in volume for volume in items(pod, "volumes")):
        yield "folders of the node"
    if any("hostPort" in port for port in _ports(pod)):
        yield "ports of the node"
    if pod.get("hostNetwork"):
        yield "the node's network"
    for context in ("securityContext", "podSecurityContext"):
        user = at(pod, (context, "runAsUser"))
        if user is not None:
            yield f"user {user}"


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
        return any(_scales(old, new) and "replicas" in section(new, "spec") for new in group)
    ports = template_ports(old)
    folders = written(old)
    for new in group:
        if not replaces(new, old):
            continue
        if _share_port(ports, template_ports(new)) or folders & written(new):
            return True
    return False


def _share_port(held: Iterable[HostPort], wanted: Iterable[HostPort]) -> bool:
    """Return whether two workloads cannot be on one node, because a port of the one conflicts with one of the other."""
    return any(port.clashes(other) for port, other in product(held, wanted))


def _scales(autoscaler: Manifest, workload: Manifest) -> bool:
    target = section(autoscaler, "spec", "scaleTargetRef")
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
    return _mode(manifest) != _mode(live)


def _mode(collector: Manifest) -> str:
    return str(section(collector, "spec").get("mode") or "deployment")


def autoscaled(manifests: Iterable[Manifest]) -> set[Ref]:
    """Return the workloads whose replica count an autoscaler of the bundle sets."""
    given = list(manifests)
    autoscalers = [manifest for manifest in given if manifest["kind"] == AUTOSCALER]
    scaled = set()
    for manifest in given:
        by_operator = manifest["kind"] == COLLECTOR and section(manifest, "spec").get("autoscaler")
        if by_operator or any(_scales(autoscaler, manifest) for autoscaler in autoscalers):
            scaled.add(ref(manifest))
    return scaled


def kept_replicas(manifest: Manifest, live: Manifest | None, manager: str) -> int | None:
    """Return the replica count to keep: the server resets it to one when its only field manager drops the field.

    Source: Kubernetes' docs on server-side apply, "Transferring ownership".
    """
    if live is None or "replicas" in section(manifest, "spec"):
        return None
    count: Any = section(live, "spec").get("replicas")
    if count is None or not any(_owns_replicas(entry, manager) for entry in _entries(live)):
        return None
    return int(count)


def _entries(live: Manifest) -> list[Mapping[str, Any]]:
    return live["metadata"].get("managedFields") or []


def _owns_replicas(entry: Mapping[str, Any], manager: str) -> bool:
    if (entry.get("manager"), entry.get("operation")) != (manager, "Apply"):
        return False
    return "f:replicas" in section(entry, "fieldsV1", "f:spec")
