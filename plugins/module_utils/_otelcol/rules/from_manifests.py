# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What surrounds a collector config in a stream of manifests: the workload that runs it, its image and network.

What the stream does not show stays None, so that rules are silent about it. Private.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..config.documents import CUSTOM_RESOURCE, Found
from ..config.layers import parse_version
from ..config.paths import at, items, mappings, section
from ..errors import Problem
from ..kube import names
from ..kube.network_policies import Policies
from ..kube.objects import may_be_together
from ..kube.operator_names import operator_labels
from ..needs.pod_logs import PodLogs
from ..needs.quantities import parse_bytes
from .autoscalers import scales_workload, unrequested_by_custom_resource, unrequested_resources
from .granted_rights import Rights, account_of_pod, account_of_resource, account_rights
from .subject import Deployment, Ingress

Object = Mapping[str, Any]
WORKLOADS = {"DaemonSet": "daemonset", "Deployment": "deployment", "StatefulSet": "statefulset"}
_MIB = 2**20
_NAMESPACE = ("metadata", "namespace")
# Modes in which `replicas` does not set the number of pods.
_UNCOUNTED = ("daemonset", "sidecar")
# Source: the operator's internal/manifests/collector/container.go and the environment of its component parsers.
_BY_OPERATOR = frozenset(("POD_NAME", "SHARD", "GOMEMLIMIT", "GOMAXPROCS", "K8S_NODE_NAME", "OTEL_K8S_NODE_NAME"))
# A collector that gets its targets from a TargetAllocator of its own names it with this label.
# Source: the operator's internal/controllers and apis/v1beta1.
_ALLOCATOR_LABEL = "opentelemetry.io/target-allocator"
# The last minor version whose network policy is known. It admits all ports of the collector for TCP alone.
# Source: the operator's internal/manifests/collector/networkpolicy.go and internal/webhook/collector_webhook.go;
# https://github.com/open-telemetry/opentelemetry-operator/issues/5611
_TCP_ONLY = (0, 158)
_PROBES = frozenset(("livenessProbe", "readinessProbe", "startupProbe"))
_PART_OF = {"app.kubernetes.io/part-of": "opentelemetry"}


@dataclass(frozen=True)
class Context:
    """What the manifests show about the platform of a config."""

    deployment: Deployment | None = None
    environment: frozenset[str] | None = None
    image: str = ""
    resource: Object | None = None
    services: frozenset[str] = frozenset()


def context_of(found_config: Found, stream: Sequence[Object], complete: bool = False) -> Context:
    """Return what the objects of a stream show about the collector that runs this config.

    `complete` says that the stream has all network policies.
    """
    if found_config.owner.get("kind") == CUSTOM_RESOURCE:
        return _of_custom_resource(found_config.owner, stream, complete)
    if found_config.owner:
        for workload in _workloads(stream):
            container = _mounting_container(workload, found_config.owner)
            if container is not None:
                return _of_workload(workload, container, stream, complete)
    return Context()


def with_rights(context: Context, found_config: Found, stream: Sequence[Object]) -> Context:
    """Return a context with what other files of its folder grant to the account of the collector."""
    if context.deployment is None:
        return context
    known = context_of(found_config, stream).deployment
    if known is None or (known.granted is None and not known.bound_elsewhere):
        return context
    allowed = replace(context.deployment, granted=known.granted, bound_elsewhere=known.bound_elsewhere)
    return replace(context, deployment=allowed)


def is_certain(found_config: Found, stream: Sequence[Object]) -> bool:
    """Whether objects of several files describe a single workload: variants of a chart are often side by side."""
    name = at(found_config.owner, ("metadata", "name"))
    config_maps = [candidate for candidate in stream if candidate.get("kind") == "ConfigMap"]
    namesakes = [config_map for config_map in config_maps if at(config_map, ("metadata", "name")) == name]
    return len(namesakes) == len(_mounting_workloads(found_config, stream)) == 1


def runs_config(found_config: Found, stream: Sequence[Object]) -> bool:
    """Whether a config is in use in a cluster: one in a ConfigMap is when a workload mounts it.

    A ConfigMap that the operator creates from a custom resource is not checked again.
    """
    if found_config.owner.get("kind") != "ConfigMap":
        return True
    owners = items(found_config.owner, "metadata", "ownerReferences")
    if any(at(owner, ("kind",)) == CUSTOM_RESOURCE for owner in owners):
        return False
    return bool(_mounting_workloads(found_config, stream))


def _workloads(stream: Iterable[Object]) -> Iterator[Object]:
    """Yield the workloads of a stream that may run a collector."""
    for candidate in stream:
        if candidate.get("kind") in WORKLOADS:
            yield candidate


def _mounting_workloads(found_config: Found, stream: Iterable[Object]) -> list[Object]:
    """Return the workloads of a stream that mount the ConfigMap with a config."""
    return [
        workload for workload in _workloads(stream) if _mounting_container(workload, found_config.owner) is not None
    ]


def _of_custom_resource(resource: Object, stream: Sequence[Object], complete: bool) -> Context:
    """Return what a custom resource, and the stream around it, show about the collector that the operator makes."""
    spec = section(resource, "spec")
    name = _name(section(resource, "metadata")) or ""
    mode = str(spec.get("mode") or "deployment")
    has_own_pods = mode != "sidecar"
    scaler = section(spec, "autoscaler")
    replicas = None if mode in _UNCOUNTED else _first_number(spec.get("replicas"), scaler.get("minReplicas"), 1)
    allowed = account_rights(account_of_resource(resource), stream) if has_own_pods else Rights()
    deployment = Deployment(
        mode=mode,
        replicas=replicas,
        autoscaled=bool(scaler),
        unrequested=unrequested_by_custom_resource(spec),
        memory_limit_mib=_memory(spec),
        host_network=spec.get("hostNetwork") is True,
        mounts=_mount_paths(spec),
        fleeting=_fleeting_paths(spec, spec),
        target_allocator=_has_target_allocator(resource),
        by_operator=True,
        granted=allowed.rules,
        bound_elsewhere=allowed.elsewhere,
        ingress=_ingress_of_resource(resource, stream, complete) if has_own_pods else None,
        annotated=bool(spec.get("podAnnotations")),
        logs=_logs(mode, resource, names.child(name), names.CONTAINERS["operator"]),
    )
    environment = _environment(spec)
    if environment is not None:
        environment |= _BY_OPERATOR
    selecting_services = _names_of(_selecting(_operator_labels(resource), resource, stream))
    services = names.of_operator(name) | selecting_services
    return Context(deployment, environment, str(spec.get("image") or ""), resource, services)


def _has_target_allocator(resource: Object) -> bool:
    """Whether a custom resource has a TargetAllocator of its own, or a label that names another one."""
    if at(resource, ("spec", "targetAllocator", "enabled")) is True:
        return True
    return bool(section(resource, "metadata", "labels").get(_ALLOCATOR_LABEL))


def _of_workload(workload: Object, container: Object, stream: Sequence[Object], complete: bool) -> Context:
    """Return what a workload, the container with its collector, and the stream around it show."""
    mode = WORKLOADS[workload["kind"]]
    template = section(workload, "spec", "template")
    pod = section(template, "spec")
    labels = section(template, "metadata", "labels")
    allowed = account_rights(account_of_pod(pod, workload), stream)
    deployment = Deployment(
        mode=mode,
        replicas=None if mode in _UNCOUNTED else _first_number(at(workload, ("spec", "replicas")), 1),
        autoscaled=any(scales_workload(candidate, workload) for candidate in stream),
        unrequested=unrequested_resources(workload, stream),
        memory_limit_mib=_memory(container),
        host_network=pod.get("hostNetwork") is True,
        mounts=_mount_paths(container),
        fleeting=_fleeting_paths(container, pod),
        exposed=_exposed_ports(container, labels, workload, stream),
        granted=allowed.rules,
        bound_elsewhere=allowed.elsewhere,
        probed=not _PROBES.isdisjoint(container),
        ingress=_ingress(workload, labels, stream, complete, _port_names(mappings(pod, "containers"))),
        annotated=bool(section(template, "metadata", "annotations")),
        logs=_logs(mode, workload, _name(section(workload, "metadata")), _name(container)),
    )
    services = _names_of(_selecting(labels, workload, stream))
    return Context(deployment, _environment(container), str(container.get("image") or ""), services=services)


def _logs(mode: str, owner: Object, workload: str | None, container: str | None) -> PodLogs | None:
    """Return where the log of a collector is; None if the namespace is chosen later, as that of a chart is."""
    namespace = at(owner, _NAMESPACE)
    if isinstance(namespace, str) and workload and container:
        return PodLogs(mode, namespace, workload, container)
    return None


def _mounting_container(workload: Object, config_map: Object) -> Object | None:
    """Return the container of a workload that mounts a ConfigMap; None if none does."""
    if not may_be_together(workload, config_map):
        return None
    pod = section(workload, "spec", "template", "spec")
    name = at(config_map, ("metadata", "name"))
    volumes = {_name(volume) for volume in mappings(pod, "volumes") if name in _config_map_names(volume)}
    volumes.discard(None)
    for container in mappings(pod, "containers"):
        if any(_name(mount) in volumes for mount in mappings(container, "volumeMounts")):
            return container
    return None


def _config_map_names(volume: Object) -> Iterator[Any]:
    """Yield the names of the ConfigMaps that a volume has files of."""
    yield at(volume, ("configMap", "name"))
    for source in items(volume, "projected", "sources"):
        yield at(source, ("configMap", "name"))


def _exposed_ports(
    container: Object, labels: Object, workload: Object, stream: Sequence[Object]
) -> frozenset[tuple[int, str]] | None:
    """Return the ports of a container that its host or a Service opens; None if there is neither."""
    exposed: list[tuple[Any, str]] = []
    numbers: dict[str | None, Any] = {}
    for port in mappings(container, "ports"):
        numbers[_name(port)] = port.get("containerPort")
        if port.get("hostPort"):
            exposed.append((port.get("containerPort"), _protocol(port)))
    for service in _selecting(labels, workload, stream):
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


def _selecting(labels: Object, workload: Object, stream: Iterable[Object]) -> Iterator[Object]:
    """Yield the Services of a stream that select the pods of a workload."""
    for candidate in stream:
        if candidate.get("kind") != "Service":
            continue
        selector = section(candidate, "spec", "selector")
        selects = bool(selector) and selector.items() <= labels.items()
        if selects and may_be_together(candidate, workload):
            yield candidate


def _names_of(manifests: Iterable[Object]) -> frozenset[str]:
    """Return the valid names of objects."""
    valid_names: set[str] = set()
    for manifest in manifests:
        name = _name(section(manifest, "metadata"))
        if name:
            valid_names.add(name)
    return frozenset(valid_names)


def _ingress_of_resource(resource: Object, stream: Sequence[Object], complete: bool) -> Ingress | None:
    """Return the network policies of a custom resource: its child where the stream shows it, else what is to come."""
    policies_to_come = _policies_to_come(resource, stream)
    containers: list[Object] = []
    for workload in _workloads(stream):
        if _is_workload(workload, resource):
            containers += mappings(workload, "spec", "template", "spec", "containers")
    is_complete = complete and not policies_to_come
    return _ingress(
        resource, _operator_labels(resource), [*stream, *policies_to_come], is_complete, _port_names(containers)
    )


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


def _operator_labels(resource: Object) -> Object:
    """Return the labels of the pods that the operator makes of a custom resource."""
    metadata = section(resource, "metadata")
    named = {key: str(metadata.get(key) or "") for key in ("namespace", "name")}
    return {**section(metadata, "labels"), **_PART_OF, **operator_labels({"metadata": named})}


def _is_workload(candidate: Object, owner: Object) -> bool:
    """Whether an object is the workload that the operator makes of a custom resource."""
    name = names.child(str(at(owner, ("metadata", "name"))))
    return at(candidate, ("metadata", "name")) == name and may_be_together(candidate, owner)


def _is_child(candidate: Object, owner: Object) -> bool:
    """Whether an object is the network policy that the operator makes of a custom resource."""
    if candidate.get("kind") != "NetworkPolicy" or not may_be_together(candidate, owner):
        return False
    name = at(owner, ("metadata", "name"))
    references = mappings(candidate, "metadata", "ownerReferences")
    return any(reference.get("kind") == CUSTOM_RESOURCE and reference.get("name") == name for reference in references)


def _ingress(
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


def _port_names(containers: Iterable[Object]) -> dict[int, set[str]]:
    """Return the names of each port: TCP and UDP of one number have a name each."""
    names_of: dict[int, set[str]] = {}
    for container in containers:
        for port in mappings(container, "ports"):
            number, name = port.get("containerPort"), _name(port)
            if isinstance(number, int) and name:
                names_of.setdefault(number, set()).add(name)
    return names_of


def _memory(container: Object) -> int | None:
    """Return the memory that a container may use, in MiB: 0 if nothing limits it, None if the limit is not readable."""
    limit = at(container, ("resources", "limits", "memory"), 0)
    try:
        return parse_bytes(str(limit)) // _MIB
    except Problem:
        return None


def _environment(container: Object) -> frozenset[str] | None:
    """Return the environment variables of a container; None if a ConfigMap or Secret provides some of them."""
    if container.get("envFrom"):
        return None
    return frozenset(str(variable.get("name")) for variable in mappings(container, "env"))


def _mounts_with_path(container: Object) -> list[Object]:
    """Return the mounts of a container that say where they are."""
    return [mount for mount in mappings(container, "volumeMounts") if "mountPath" in mount]


def _mount_paths(container: Object) -> tuple[str, ...]:
    """Return the paths of all mounts of a container."""
    return tuple(str(mount["mountPath"]) for mount in _mounts_with_path(container))


def _fleeting_paths(container: Object, pod: Object) -> tuple[str, ...]:
    """Return the paths of the mounts of a container whose volumes end with the pod."""
    fleeting = [volume.get("name") for volume in mappings(pod, "volumes") if "emptyDir" in volume]
    return tuple(str(mount["mountPath"]) for mount in _mounts_with_path(container) if mount.get("name") in fleeting)


def _name(manifest: Object) -> str | None:
    """Return the valid name of a volume, mount or port, or None."""
    name = manifest.get("name")
    return name if isinstance(name, str) else None


def _first_number(*values: Any) -> int | None:
    """Return the first value that is a number; None if none is."""
    for value in values:
        if isinstance(value, int):
            return value
    return None


def _protocol(port: Object) -> str:
    """Return the protocol of a port, TCP by default."""
    return str(port.get("protocol") or "TCP")
