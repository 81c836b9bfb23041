# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What manifests show of the network around a collector: ports, Services, and policies. Private."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..config.documents import CUSTOM_RESOURCE
from ..config.layers import parse_version
from ..config.paths import at, mappings, section
from ..kube import names
from ..kube.network_policies import Policies
from ..kube.objects import may_be_together
from ..kube.operator_names import operator_labels
from .manifest_containers import Object, name_of, workloads_in
from .subject import Ingress

# The last minor version whose network policy is known. It admits all ports of the collector for TCP alone.
# Source: the operator's internal/manifests/collector/networkpolicy.go and internal/webhook/collector_webhook.go;
# https://github.com/open-telemetry/opentelemetry-operator/issues/5611
_TCP_ONLY = (0, 158)
_PART_OF = {"app.kubernetes.io/part-of": "opentelemetry"}


def exposed_ports(
    container: Object, labels: Object, workload: Object, stream: Sequence[Object]
) -> frozenset[tuple[int, str]] | None:
    """Return the ports of a container that its host or a Service opens; None if there is neither."""
    exposed: list[tuple[Any, str]] = []
    numbers: dict[str | None, Any] = {}
    for port in mappings(container, "ports"):
        numbers[name_of(port)] = port.get("containerPort")
        if port.get("hostPort"):
            exposed.append((port.get("containerPort"), _protocol(port)))
    for service in selecting_services(labels, workload, stream):
        exposed += _target_ports(service, numbers)
    valid_ports = frozenset((number, protocol) for number, protocol in exposed if isinstance(number, int))
    return valid_ports if valid_ports or _has_service_beside(workload, stream) else None


def _has_service_beside(workload: Object, stream: Iterable[Object]) -> bool:
    """Whether a stream has Services in the namespace of a workload; else those of the workload may be elsewhere."""
    services = (candidate for candidate in stream if candidate.get("kind") == "Service")
    return any(may_be_together(service, workload) for service in services)


def _target_ports(service: Object, numbers: Mapping[Any, Any]) -> Iterator[tuple[Any, str]]:
    """Yield the ports of pods to which a Service leads; it may name them."""
    for port in mappings(section(service, "spec"), "ports"):
        target = port.get("targetPort", port.get("port"))
        if isinstance(target, str):
            target = numbers.get(target, target)
        yield target, _protocol(port)


def _protocol(port: Object) -> str:
    """Return the protocol of a port, TCP by default."""
    return str(port.get("protocol") or "TCP")


def selecting_services(labels: Object, workload: Object, stream: Iterable[Object]) -> Iterator[Object]:
    """Yield the Services of a stream that select the pods of a workload."""
    for candidate in stream:
        if candidate.get("kind") != "Service":
            continue
        selector = section(candidate, "spec", "selector")
        selects = bool(selector) and selector.items() <= labels.items()
        if selects and may_be_together(candidate, workload):
            yield candidate


def names_of(manifests: Iterable[Object]) -> frozenset[str]:
    """Return the valid names of objects."""
    valid_names: set[str] = set()
    for manifest in manifests:
        name = name_of(section(manifest, "metadata"))
        if name:
            valid_names.add(name)
    return frozenset(valid_names)


def ingress_of_pods(
    owner: Object, labels: Object, stream: Sequence[Object], complete: bool, port_names: dict[int, set[str]]
) -> Ingress | None:
    """Return the network policies of a stream that select pods; None if none does."""
    beside = [
        candidate
        for candidate in stream
        if candidate.get("kind") == "NetworkPolicy" and may_be_together(candidate, owner)
    ]
    selecting = Policies(beside, labels, "Ingress")
    return Ingress(selecting, port_names, complete) if selecting.policies else None


def port_names(containers: Iterable[Object]) -> dict[int, set[str]]:
    """Return the names of each port: TCP and UDP of one number have a name each."""
    names_by_port: dict[int, set[str]] = {}
    for container in containers:
        for port in mappings(container, "ports"):
            number, name = port.get("containerPort"), name_of(port)
            if isinstance(number, int) and name:
                names_by_port.setdefault(number, set()).add(name)
    return names_by_port


def ingress_of_resource(resource: Object, stream: Sequence[Object], complete: bool) -> Ingress | None:
    """Return the network policies of a custom resource: its child where the stream shows it, else what is to come."""
    policies_to_come = _policies_to_come(resource, stream)
    containers: list[Object] = []
    for workload in workloads_in(stream):
        if _is_workload(workload, resource):
            containers += mappings(workload, "spec", "template", "spec", "containers")
    is_complete = complete and not policies_to_come
    return ingress_of_pods(
        resource, operator_pod_labels(resource), [*stream, *policies_to_come], is_complete, port_names(containers)
    )


def _is_workload(candidate: Object, owner: Object) -> bool:
    """Whether an object is the workload that the operator makes of a custom resource."""
    name = names.child(str(at(owner, ("metadata", "name"))))
    return at(candidate, ("metadata", "name")) == name and may_be_together(candidate, owner)


def _policies_to_come(resource: Object, stream: Sequence[Object]) -> list[Object]:
    """Return the network policy that the operator makes of a custom resource, unless the stream shows it.

    The webhook of 0.158 sets `enabled`, so the operator makes none of a resource without it. What later versions make
    is unknown.
    """
    version = at(resource, ("status", "version"))
    is_enabled = at(resource, ("spec", "networkPolicy", "enabled")) is True
    if not is_enabled or not isinstance(version, str):
        return []
    is_known_version = (0,) < parse_version(version)[:2] <= _TCP_ONLY
    if not is_known_version or any(_is_child(candidate, resource) for candidate in stream):
        return []
    name = f"{names.child(str(at(resource, ('metadata', 'name'))))}-networkpolicy"
    spec = {"podSelector": {}, "ingress": [{"ports": [{"protocol": "TCP"}]}]}
    return [{"kind": "NetworkPolicy", "metadata": {"name": name}, "spec": spec}]


def _is_child(candidate: Object, owner: Object) -> bool:
    """Whether an object is the network policy that the operator makes of a custom resource."""
    if candidate.get("kind") != "NetworkPolicy" or not may_be_together(candidate, owner):
        return False
    name = at(owner, ("metadata", "name"))
    references = mappings(candidate, "metadata", "ownerReferences")
    return any(reference.get("kind") == CUSTOM_RESOURCE and reference.get("name") == name for reference in references)


def operator_pod_labels(resource: Object) -> Object:
    """Return the labels of the pods that the operator makes of a custom resource."""
    metadata = section(resource, "metadata")
    named = {key: str(metadata.get(key) or "") for key in ("namespace", "name")}
    return {**section(metadata, "labels"), **_PART_OF, **operator_labels({"metadata": named})}
