# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What surrounds a collector config in a stream of manifests: the workload that runs it, its image and network.

What the stream does not show stays None, so that rules are silent about it. Private.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..config.documents import CUSTOM_RESOURCE, Found
from ..config.layers import parse_version
from ..config.paths import at, items, mappings, section
from ..errors import Problem
from ..kube import names
from ..kube.network_policies import Policies
from ..kube.operator_names import operator_labels
from ..needs.pod_logs import PodLogs
from ..needs.quantities import parse_bytes
from .autoscalers import scales_workload, unrequested_by_custom_resource, unrequested_resources
from .granted_rights import Rights, account_of_pod, account_of_resource, account_rights
from .subject import Deployment, Ingress

Object = Mapping[str, Any]
WORKLOADS = {"DaemonSet": "daemonset", "Deployment": "deployment", "StatefulSet": "statefulset"}
_MIB = 2**20
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
_PART_OF = {"app.kubernetes.io/part-of": "opentelemetry"}


@dataclass(frozen=True)
class Context:
    """What the manifests show about the platform of a config."""

    deployment: Deployment | None = None
    environment: frozenset[str] | None = None
    image: str = ""
    resource: Object | None = None
    services: frozenset[str] = frozenset()


def context_of(found: Found, stream: Sequence[Object], complete: bool = False) -> Context:
    """Return what the objects of a stream show about the collector that runs this config.

    `complete` says that the stream has all network policies.
    """
    if found.owner.get("kind") == CUSTOM_RESOURCE:
        return _of_custom_resource(found.owner, stream, complete)
    if found.owner:
        for workload in stream:
            container = _container(workload, found.owner) if workload.get("kind") in WORKLOADS else None
            if container is not None:
                return _of_workload(workload, container, stream, complete)
    return Context()


def with_rights(context: Context, found: Found, stream: Sequence[Object]) -> Context:
    """Return a context with what other files of its folder grant to the account of the collector."""
    if context.deployment is None:
        return context
    known = context_of(found, stream).deployment
    if known is None or (known.granted is None and not known.bound_elsewhere):
        return context
    allowed = replace(context.deployment, granted=known.granted, bound_elsewhere=known.bound_elsewhere)
    return replace(context, deployment=allowed)


def is_certain(found: Found, stream: Sequence[Object]) -> bool:
    """Whether objects of several files describe a single workload: variants of a chart are often side by side."""
    name = at(found.owner, ("metadata", "name"))
    same = [item for item in stream if item.get("kind") == "ConfigMap" and at(item, ("metadata", "name")) == name]
    users = [item for item in stream if item.get("kind") in WORKLOADS and _container(item, found.owner) is not None]
    return len(same) == len(users) == 1


def runs_config(found: Found, stream: Sequence[Object]) -> bool:
    """Whether a config is in use in a cluster: one in a ConfigMap is when a workload mounts it.

    A ConfigMap that the operator creates from a custom resource is not checked again.
    """
    if found.owner.get("kind") != "ConfigMap":
        return True
    owners = items(found.owner, "metadata", "ownerReferences")
    if any(at(owner, ("kind",)) == CUSTOM_RESOURCE for owner in owners):
        return False
    return any(_container(item, found.owner) is not None for item in stream if item.get("kind") in WORKLOADS)


def _of_custom_resource(item: Object, stream: Sequence[Object], complete: bool) -> Context:
    spec = section(item, "spec")
    mode = str(spec.get("mode") or "deployment")
    scaler = section(spec, "autoscaler")
    replicas = None if mode in _UNCOUNTED else _number(spec.get("replicas"), scaler.get("minReplicas"), 1)
    allowed = account_rights(account_of_resource(item), stream) if mode != "sidecar" else Rights()
    deployment = Deployment(
        mode=mode,
        replicas=replicas,
        autoscaled=bool(scaler),
        unrequested=unrequested_by_custom_resource(spec),
        memory_limit_mib=_memory(spec),
        host_network=spec.get("hostNetwork") is True,
        mounts=_mounts(spec),
        fleeting=_mounts(spec, _empty(spec)),
        target_allocator=at(spec, ("targetAllocator", "enabled")) is True
        or bool(section(item, "metadata", "labels").get(_ALLOCATOR_LABEL)),
        by_operator=True,
        granted=allowed.rules,
        bound_elsewhere=allowed.elsewhere,
        ingress=_of_operator(item, stream, complete) if mode != "sidecar" else None,
        annotated=bool(spec.get("podAnnotations")),
        logs=_logs(mode, item, names.child(_name(section(item, "metadata")) or ""), names.CONTAINERS["operator"]),
    )
    given = _environment(spec)
    environment = None if given is None else given | _BY_OPERATOR
    selecting = _named(_selecting(_operator_labels(item), item, stream))
    services = names.of_operator(_name(section(item, "metadata")) or "") | selecting
    return Context(deployment, environment, str(spec.get("image") or ""), item, services)


def _of_workload(workload: Object, container: Object, stream: Sequence[Object], complete: bool) -> Context:
    mode = WORKLOADS[workload["kind"]]
    pod = section(workload, "spec", "template", "spec")
    labels = section(workload, "spec", "template", "metadata", "labels")
    allowed = account_rights(account_of_pod(pod, workload), stream)
    deployment = Deployment(
        mode=mode,
        replicas=None if mode in _UNCOUNTED else _number(at(workload, ("spec", "replicas")), 1),
        autoscaled=any(scales_workload(item, workload) for item in stream),
        unrequested=unrequested_resources(workload, stream),
        memory_limit_mib=_memory(container),
        host_network=pod.get("hostNetwork") is True,
        mounts=_mounts(container),
        fleeting=_mounts(container, _empty(pod)),
        exposed=_exposed(container, labels, workload, stream),
        granted=allowed.rules,
        bound_elsewhere=allowed.elsewhere,
        probed=any(key in container for key in ("livenessProbe", "readinessProbe", "startupProbe")),
        ingress=_ingress(workload, labels, stream, complete, _port_names(mappings(pod, "containers"))),
        annotated=bool(section(workload, "spec", "template", "metadata", "annotations")),
        logs=_logs(mode, workload, _name(section(workload, "metadata")), _name(container)),
    )
    services = _named(_selecting(labels, workload, stream))
    return Context(deployment, _environment(container), str(container.get("image") or ""), services=services)


def _logs(mode: str, owner: Object, workload: str | None, container: str | None) -> PodLogs | None:
    """Return where the log of a collector is; None if the namespace is chosen later, as that of a chart is."""
    namespace = at(owner, ("metadata", "namespace"))
    if isinstance(namespace, str) and workload and container:
        return PodLogs(mode, namespace, workload, container)
    return None


def _container(workload: Object, config_map: Object) -> Object | None:
    if not _together(workload, config_map):
        return None
    pod = section(workload, "spec", "template", "spec")
    name = at(config_map, ("metadata", "name"))
    volumes = {_name(volume) for volume in mappings(pod, "volumes") if name in _config_maps(volume)} - {None}
    for container in mappings(pod, "containers"):
        if any(_name(mount) in volumes for mount in mappings(container, "volumeMounts")):
            return container
    return None


def _config_maps(volume: Object) -> Iterator[Any]:
    yield at(volume, ("configMap", "name"))
    yield from (at(source, ("configMap", "name")) for source in items(volume, "projected", "sources"))


def _together(one: Object, other: Object) -> bool:
    """Whether two objects are in one namespace, as far as they say."""
    namespaces = [at(item, ("metadata", "namespace")) for item in (one, other)]
    return None in namespaces or namespaces[0] == namespaces[1]


def _exposed(
    container: Object, labels: Object, workload: Object, stream: Sequence[Object]
) -> frozenset[tuple[int, str]] | None:
    """Return the ports of a container that its host or a Service opens; None if there is neither."""
    ports = mappings(container, "ports")
    exposed = [(port.get("containerPort"), _protocol(port)) for port in ports if port.get("hostPort")]
    numbers = {_name(port): port.get("containerPort") for port in ports}
    services = [item for item in stream if item.get("kind") == "Service" and _together(item, workload)]
    for service in _selecting(labels, workload, services):
        exposed += _targets(service, numbers)
    known = frozenset((number, protocol) for number, protocol in exposed if isinstance(number, int))
    return known if known or services else None


def _targets(service: Object, numbers: Mapping[Any, Any]) -> Iterator[tuple[Any, str]]:
    """Yield the ports of pods to which a Service leads; it may name them."""
    for port in mappings(section(service, "spec"), "ports"):
        target = port.get("targetPort", port.get("port"))
        yield numbers.get(target, target) if isinstance(target, str) else target, _protocol(port)


def _selecting(labels: Object, workload: Object, stream: Iterable[Object]) -> Iterator[Object]:
    """Yield the Services of a stream that select the pods of a workload."""
    for item in stream:
        selector = section(item, "spec", "selector") if item.get("kind") == "Service" else {}
        if selector and selector.items() <= labels.items() and _together(item, workload):
            yield item


def _named(services: Iterable[Object]) -> frozenset[str]:
    return frozenset(name for item in services if (name := _name(section(item, "metadata"))))


def _of_operator(item: Object, stream: Sequence[Object], complete: bool) -> Ingress | None:
    """Return the network policies of a custom resource: its child where the stream shows it, else what is made of it.

    The webhook of 0.158 sets `enabled`, so the operator makes none of a resource without it. What later versions make
    is unknown.
    """
    metadata, version = section(item, "metadata"), at(item, ("status", "version"))
    wanted = at(item, ("spec", "networkPolicy", "enabled")) is True and isinstance(version, str)
    made = []
    if (
        wanted
        and (0,) < parse_version(str(version))[:2] <= _TCP_ONLY
        and not any(_is_child(one, item) for one in stream)
    ):
        spec = {"podSelector": {}, "ingress": [{"ports": [{"protocol": "TCP"}]}]}
        name = f"{names.child(str(metadata.get('name')))}-networkpolicy"
        made = [{"kind": "NetworkPolicy", "metadata": {"name": name}, "spec": spec}]
    labels = _operator_labels(item)
    workload = (one for one in stream if one.get("kind") in WORKLOADS and _is_workload(one, item))
    containers = (part for one in workload for part in mappings(one, "spec", "template", "spec", "containers"))
    return _ingress(item, labels, [*stream, *made], complete and not made, _port_names(containers))


def _operator_labels(item: Object) -> Object:
    """Return the labels of the pods that the operator makes of a custom resource."""
    metadata = section(item, "metadata")
    named = {key: str(metadata.get(key) or "") for key in ("namespace", "name")}
    return {**section(metadata, "labels"), **_PART_OF, **operator_labels({"metadata": named})}


def _is_workload(item: Object, owner: Object) -> bool:
    """Whether an object is the workload that the operator makes of a custom resource."""
    name = names.child(str(at(owner, ("metadata", "name"))))
    return at(item, ("metadata", "name")) == name and _together(item, owner)


def _is_child(item: Object, owner: Object) -> bool:
    """Whether an object is the network policy that the operator makes of a custom resource."""
    named = (CUSTOM_RESOURCE, at(owner, ("metadata", "name")))
    owners = mappings(item, "metadata", "ownerReferences") if item.get("kind") == "NetworkPolicy" else []
    return any((one.get("kind"), one.get("name")) == named for one in owners) and _together(item, owner)


def _ingress(
    owner: Object, labels: Object, stream: Sequence[Object], complete: bool, port_names: dict[int, set[str]]
) -> Ingress | None:
    """Return the network policies of a stream that select pods; None if none does."""
    policies = [item for item in stream if item.get("kind") == "NetworkPolicy" and _together(item, owner)]
    found = Policies(policies, labels, "Ingress")
    return Ingress(found, port_names, complete) if found.policies else None


def _port_names(containers: Iterable[Object]) -> dict[int, set[str]]:
    """Return the names of each port: TCP and UDP of one number have a name each."""
    found: dict[int, set[str]] = {}
    for port in (port for container in containers for port in mappings(container, "ports")):
        if isinstance(number := port.get("containerPort"), int) and (name := _name(port)):
            found.setdefault(number, set()).add(name)
    return found


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
    return frozenset(str(item.get("name")) for item in mappings(container, "env"))


def _mounts(container: Object, of: Container[Any] | None = None) -> tuple[str, ...]:
    """Return the paths of all mounts of a container, or of those of these volumes."""
    found = [mount for mount in mappings(container, "volumeMounts") if "mountPath" in mount]
    return tuple(str(mount["mountPath"]) for mount in found if of is None or mount.get("name") in of)


def _empty(pod: Object) -> list[Any]:
    """Return the volumes of a pod that end with it."""
    return [one.get("name") for one in mappings(pod, "volumes") if "emptyDir" in one]


def _name(item: Object) -> str | None:
    """Return the valid name of a volume, mount or port, or None."""
    name = item.get("name")
    return name if isinstance(name, str) else None


def _number(*values: Any) -> int | None:
    return next((value for value in values if isinstance(value, int)), None)


def _protocol(port: Object) -> str:
    return str(port.get("protocol") or "TCP")
