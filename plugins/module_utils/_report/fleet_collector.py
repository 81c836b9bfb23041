# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rendered collector of the fleet, with the objects of Kubernetes that belong to it. Private.

`fleet_cluster.py` and `fleet_host.py` build the collectors of a cluster or a Linux host, and the tables and the picture
of the page are made of them. Example: the Deployment and the Service `otel/gateway`, the Ingress `otel.example.com` and
the config of collector `gateway` are a `FleetCollector` with `service_names` `("otel/gateway",)` and `exposed_hosts`
`("otel.example.com",)`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .._diagnose.pod_config import expand_variables, read_environment
from .._kube import object_names
from .._otelcol.config.paths import list_at, mapping_at, value_at
from .._otelcol.config.pipelines import PipelineGraph
from .._otelcol.kube.names import COLLECTOR_LABEL
from .._otelcol.kube.operator_names import list_operator_names, target_allocator_name

Object = Mapping[str, Any]
"""An object of Kubernetes."""
# Stands for the address of a pod's node, which nobody knows before the pod runs.
NODE_ADDRESS = "address-of-the-node"
_POD_ON_NODE = {"status": {"hostIP": NODE_ADDRESS}}
_CUSTOM_RESOURCE_KIND = "OpenTelemetryCollector"
_AUTOSCALER_KIND = "HorizontalPodAutoscaler"


@dataclass(frozen=True)
class FleetCollector:
    """A rendered collector of a cluster or of a Linux host: its config, and the objects that belong to it."""

    summary: Mapping[str, Any]
    """Its row in the result of rendering: `name`, `namespace`, `mode` and `kind`, and its `image` and `ports`."""
    config: Mapping[str, Any]
    """Its config, with the variables whose values are known."""
    workload: Object = field(default_factory=dict)
    """Its workload, or its custom resource."""
    service_names: tuple[str, ...] = ()
    """The Services that lead to it, as NAMESPACE/NAME."""
    exposed_hosts: tuple[str, ...] = ()
    """The host names by which it is reached from outside of the cluster."""
    rbac_rules: tuple[Mapping[str, Any], ...] = ()
    autoscaler: Mapping[str, Any] = field(default_factory=dict)
    """The specification of its autoscaler; empty without one."""
    sends_to: tuple[Mapping[str, Any], ...] = ()
    """The collectors of other clusters and hosts that get its data.

    Each has the cluster or host as `place`, and `collector` and `exporter`.
    """

    @property
    def name(self) -> str:
        return str(self.summary["name"])

    @property
    def namespace(self) -> str:
        return str(self.summary["namespace"])

    @property
    def id(self) -> str:
        """NAMESPACE/NAME. The namespace of a collector of a Linux host is the host."""
        return f"{self.namespace}/{self.name}"

    @property
    def mode(self) -> str:
        return str(self.summary["mode"])

    @property
    def spec(self) -> dict[str, Any]:
        """The specification of its workload or custom resource."""
        return mapping_at(self.workload, "spec")

    @property
    def container(self) -> dict[str, Any]:
        """Its container."""
        return _find_container(self.workload)

    @property
    def is_allocated(self) -> bool:
        """Whether a target allocator shares out its targets."""
        return bool(value_at(self.spec, ("targetAllocator", "enabled")))

    @property
    def node_ports(self) -> set[int]:
        """The ports of its node that lead to it."""
        return {port["hostPort"] for port in list_at(self.container, "ports") if port.get("hostPort")}

    @property
    def receivers(self) -> list[str]:
        """The types of the receivers that its pipelines use, without connectors."""
        configured_receivers = mapping_at(self.config, "receivers")
        used_receivers = PipelineGraph.of(self.config).find_signals_by_id("receivers")
        types: set[str] = set()
        for receiver_id in used_receivers:
            if receiver_id in configured_receivers:
                types.add(receiver_id.split("/", 1)[0])
        return sorted(types)


def build_fleet_collectors(
    summaries: Iterable[Mapping[str, Any]], manifests: Iterable[Object], configs: Mapping[str, Any]
) -> list[FleetCollector]:
    """Return the rendered collectors of a cluster in the order of their names.

    `summaries` and `manifests` are `collectors` and `manifests` of the result of rendering. `configs` has the config of
    each collector as data, by its id NAMESPACE/NAME.
    """
    indexed_manifests = _index_manifests(manifests)
    collectors = []
    for summary in summaries:
        config = configs[f"{summary['namespace']}/{summary['name']}"]
        collectors.append(_build_collector(summary, config, indexed_manifests))
    return sorted(collectors, key=lambda collector: (collector.namespace, collector.name))


class _ObjectName(NamedTuple):
    """The name of an object of Kubernetes. An object of the whole cluster has an empty namespace."""

    kind: str
    namespace: str
    name: str


class _CollectorName(NamedTuple):
    """The name of a collector. An object that no collector owns is indexed by an empty name."""

    namespace: str
    name: str


@dataclass(frozen=True)
class _IndexedManifests:
    """The rendered objects of a cluster."""

    by_name: Mapping[_ObjectName, Object]
    by_collector: Mapping[_CollectorName, Sequence[Object]]
    """By the collector that their labels name."""


def _index_manifests(manifests: Iterable[Object]) -> _IndexedManifests:
    """Return the objects by their names and by their collectors, so that each collector finds its own at once."""
    by_name: dict[_ObjectName, Object] = {}
    by_collector: dict[_CollectorName, list[Object]] = {}
    for manifest in manifests:
        metadata = mapping_at(manifest, "metadata")
        namespace = str(metadata.get("namespace") or "")
        by_name[_ObjectName(str(manifest["kind"]), namespace, str(metadata["name"]))] = manifest
        collector = mapping_at(metadata, "labels").get(COLLECTOR_LABEL, "")
        by_collector.setdefault(_CollectorName(namespace, collector), []).append(manifest)
    return _IndexedManifests(by_name, by_collector)


def _build_collector(summary: Mapping[str, Any], config: Any, manifests: _IndexedManifests) -> FleetCollector:
    """Return a collector with its config and the objects that belong to it."""
    namespace, name = str(summary["namespace"]), str(summary["name"])
    workload = manifests.by_name.get(_ObjectName(str(summary["kind"]), namespace, name), {})
    own_objects = manifests.by_collector.get(_CollectorName(namespace, name), [])
    # With the known variables, the addresses of exporters are known, from which the picture gets its lines.
    known_config = {}
    if isinstance(config, dict):
        known_config = expand_variables(config, read_environment(_find_container(workload), _POD_ON_NODE))
    exposed_hosts: set[str] = set()
    for manifest in own_objects:
        exposed_hosts.update(_list_exposed_hosts(manifest))
    rbac_rules: list[Mapping[str, Any]] = []
    for role in _list_cluster_roles(namespace, name, manifests):
        rbac_rules += list_at(role, "rules")
    return FleetCollector(
        summary=summary,
        config=known_config,
        workload=workload,
        service_names=tuple(f"{namespace}/{service}" for service in _list_service_names(summary, own_objects)),
        exposed_hosts=tuple(sorted(exposed_hosts)),
        rbac_rules=tuple(rbac_rules),
        autoscaler=_find_autoscaler(workload, own_objects),
    )


def _list_cluster_roles(namespace: str, name: str, manifests: _IndexedManifests) -> list[Object]:
    """Return the ClusterRoles of a collector and of its target allocator."""
    roles = []
    for account in (name, target_allocator_name(name)):
        role_name = _ObjectName("ClusterRole", "", object_names.cluster_wide_name(namespace, account))
        if role_name in manifests.by_name:
            roles.append(manifests.by_name[role_name])
    return roles


def _find_container(workload: Object) -> dict[str, Any]:
    """Return the container of a workload. The specification of a custom resource has its fields itself."""
    spec = mapping_at(workload, "spec")
    pod_containers = list_at(spec, "template", "spec", "containers")
    return pod_containers[0] if pod_containers else spec


def _find_autoscaler(workload: Object, own_objects: Iterable[Object]) -> Mapping[str, Any]:
    """Return the specification of the autoscaler: a HorizontalPodAutoscaler, or a part of the custom resource."""
    for manifest in own_objects:
        if manifest["kind"] == _AUTOSCALER_KIND:
            return mapping_at(manifest, "spec")
    return mapping_at(workload, "spec", "autoscaler")


def _list_service_names(summary: Mapping[str, Any], own_objects: Iterable[Object]) -> list[str]:
    """Return the names of the Services of a collector, also of those that the operator makes of a custom resource.

    The Service of a target allocator leads to the allocator, and not to the collector.
    """
    services = {str(manifest["metadata"]["name"]) for manifest in own_objects if manifest["kind"] == "Service"}
    if summary["kind"] == _CUSTOM_RESOURCE_KIND:
        name = str(summary["name"])
        services |= list_operator_names(name) - {target_allocator_name(name)}
    return sorted(services)


def _list_exposed_hosts(manifest: Object) -> Iterator[str]:
    """Yield the host names of an object that lets clients in from outside: an Ingress, an HTTPRoute, or a Route."""
    spec = mapping_at(manifest, "spec")
    for rule in list_at(spec, "rules"):
        if rule.get("host"):
            yield str(rule["host"])
    for hostname in list_at(spec, "hostnames"):
        yield str(hostname)
    if manifest["kind"] == "Route" and spec.get("host"):
        yield str(spec["host"])
