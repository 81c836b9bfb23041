# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads from manifests the network around a collector: ports, Services, and network policies. Private.

from_manifests.py asks here for the `Deployment` of a config. For example, a Service with `targetPort: 4317` that
selects the pods of a workload opens the port `(4317, "TCP")`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..config.collector_versions import parse_version
from ..config.documents import CUSTOM_RESOURCE
from ..config.paths import mapping_at, mappings_at, value_at
from ..kube.network_policies import Policies
from ..kube.objects import may_share_namespace
from ..kube.operator_names import operator_labels, operator_workload_name
from .manifest_containers import Object, list_workloads, valid_name
from .subject import Ingress

# The last minor version whose network policy is known. It admits all ports of the collector for TCP alone.
# Source: the operator's internal/manifests/collector/networkpolicy.go and internal/webhook/collector_webhook.go;
# https://github.com/open-telemetry/opentelemetry-operator/issues/5611
_LAST_TCP_ONLY_VERSION = (0, 158)
_PART_OF_LABEL = {"app.kubernetes.io/part-of": "opentelemetry"}


def find_exposed_ports(
    container: Object, labels: Object, workload: Object, manifests: Sequence[Object]
) -> frozenset[tuple[int, str]] | None:
    """Return the ports of a container that its node or a Service opens; None if nothing is known of them."""
    exposed_pairs: list[tuple[Any, str]] = []  # a number or name of a port, and its protocol
    number_by_name: dict[str | None, Any] = {}
    for port in mappings_at(container, "ports"):
        number_by_name[valid_name(port)] = port.get("containerPort")
        if port.get("hostPort"):
            exposed_pairs.append((port.get("containerPort"), _read_protocol(port)))
    for service in find_selecting_services(labels, workload, manifests):
        exposed_pairs += _list_target_ports(service, number_by_name)
    # A name that no port of the container has is left out, as it leads nowhere.
    valid_ports = frozenset((number, protocol) for number, protocol in exposed_pairs if isinstance(number, int))
    return valid_ports if valid_ports or _has_service_beside(workload, manifests) else None


def _has_service_beside(workload: Object, manifests: Iterable[Object]) -> bool:
    """Whether there are Services in the namespace of a workload.

    Without any, those of the workload may be in other files, so nothing is known of its ports.
    """
    services = (candidate for candidate in manifests if candidate.get("kind") == "Service")
    return any(may_share_namespace(service, workload) for service in services)


def _list_target_ports(service: Object, number_by_name: Mapping[Any, Any]) -> Iterator[tuple[Any, str]]:
    """Yield the ports of pods to which a Service leads; it may name them."""
    for port in mappings_at(mapping_at(service, "spec"), "ports"):
        target_port = port.get("targetPort", port.get("port"))
        if isinstance(target_port, str):
            target_port = number_by_name.get(target_port, target_port)
        yield target_port, _read_protocol(port)


def _read_protocol(port: Object) -> str:
    """Return the protocol of a port, TCP by default."""
    return str(port.get("protocol") or "TCP")


def find_selecting_services(labels: Object, workload: Object, manifests: Iterable[Object]) -> Iterator[Object]:
    """Yield the Services that select the pods of a workload."""
    for candidate in manifests:
        if candidate.get("kind") != "Service":
            continue
        selector = mapping_at(candidate, "spec", "selector")
        selects_pods = bool(selector) and selector.items() <= labels.items()
        if selects_pods and may_share_namespace(candidate, workload):
            yield candidate


def list_valid_names(manifests: Iterable[Object]) -> frozenset[str]:
    """Return the valid names of objects."""
    valid_names: set[str] = set()
    for manifest in manifests:
        name = valid_name(mapping_at(manifest, "metadata"))
        if name:
            valid_names.add(name)
    return frozenset(valid_names)


def find_pod_ingress(
    owner: Object, labels: Object, manifests: Sequence[Object], complete: bool, names_by_port: dict[int, set[str]]
) -> Ingress | None:
    """Return the network policies that select pods with some labels; None if none does."""
    policies_in_namespace = [
        candidate
        for candidate in manifests
        if candidate.get("kind") == "NetworkPolicy" and may_share_namespace(candidate, owner)
    ]
    selecting_policies = Policies(policies_in_namespace, labels, "Ingress")
    return Ingress(selecting_policies, names_by_port, complete) if selecting_policies.policies else None


def map_port_names(containers: Iterable[Object]) -> dict[int, set[str]]:
    """Return the names of the ports of containers, by number: TCP and UDP of one number have a name each."""
    names_by_port: dict[int, set[str]] = {}
    for container in containers:
        for port in mappings_at(container, "ports"):
            number, name = port.get("containerPort"), valid_name(port)
            if isinstance(number, int) and name:
                names_by_port.setdefault(number, set()).add(name)
    return names_by_port


def find_resource_ingress(resource: Object, manifests: Sequence[Object], complete: bool) -> Ingress | None:
    """Return the network policies of the pods of a custom resource.

    The policy that the operator will make counts too, if the manifests do not show it.
    """
    expected_policies = _build_expected_policies(resource, manifests)
    containers: list[Object] = []
    for workload in list_workloads(manifests):
        if _is_workload_of(workload, resource):
            containers += mappings_at(workload, "spec", "template", "spec", "containers")
    is_complete = complete and not expected_policies  # the manifests lack a policy that is expected
    return find_pod_ingress(
        resource,
        operator_pod_labels(resource),
        [*manifests, *expected_policies],
        is_complete,
        map_port_names(containers),
    )


def _is_workload_of(candidate: Object, owner: Object) -> bool:
    """Whether an object is the workload that the operator makes of a custom resource."""
    workload_name = operator_workload_name(str(value_at(owner, ("metadata", "name"))))
    return value_at(candidate, ("metadata", "name")) == workload_name and may_share_namespace(candidate, owner)


def _build_expected_policies(resource: Object, manifests: Sequence[Object]) -> list[Object]:
    """Return the network policy that the operator makes of a custom resource, unless the manifests show it.

    The webhook of 0.158 sets `enabled`, so the operator makes none of a resource without it. What later versions make
    is unknown.
    """
    version = value_at(resource, ("status", "version"))
    is_enabled = value_at(resource, ("spec", "networkPolicy", "enabled")) is True
    if not is_enabled or not isinstance(version, str):
        return []
    is_known_version = (0,) < parse_version(version)[:2] <= _LAST_TCP_ONLY_VERSION
    if not is_known_version or any(_is_policy_of(candidate, resource) for candidate in manifests):
        return []
    name = f"{operator_workload_name(str(value_at(resource, ('metadata', 'name'))))}-networkpolicy"
    spec = {"podSelector": {}, "ingress": [{"ports": [{"protocol": "TCP"}]}]}
    return [{"kind": "NetworkPolicy", "metadata": {"name": name}, "spec": spec}]


def _is_policy_of(candidate: Object, owner: Object) -> bool:
    """Whether an object is the network policy that the operator makes of a custom resource."""
    if candidate.get("kind") != "NetworkPolicy" or not may_share_namespace(candidate, owner):
        return False
    owner_name = value_at(owner, ("metadata", "name"))
    references = mappings_at(candidate, "metadata", "ownerReferences")
    return any(
        reference.get("kind") == CUSTOM_RESOURCE and reference.get("name") == owner_name for reference in references
    )


def operator_pod_labels(resource: Object) -> Object:
    """Return the labels of the pods that the operator makes of a custom resource."""
    metadata = mapping_at(resource, "metadata")
    name_fields = {key: str(metadata.get(key) or "") for key in ("namespace", "name")}
    return {**mapping_at(metadata, "labels"), **_PART_OF_LABEL, **operator_labels({"metadata": name_fields})}
