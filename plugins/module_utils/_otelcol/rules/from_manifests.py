# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What surrounds a collector config in a stream of manifests: the workload that runs it, its image and network.

What the stream does not show stays None, so that rules are silent about it. Private.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..config.documents import CUSTOM_RESOURCE, Found
from ..config.paths import at, items, mappings, section
from ..kube import names
from ..needs.pod_logs import PodLogs
from .autoscalers import scales_workload, unrequested_by_custom_resource, unrequested_resources
from .granted_rights import Rights, account_of_pod, account_of_resource, account_rights
from .manifest_containers import (
    WORKLOADS,
    Object,
    environment_of,
    fleeting_paths,
    memory_mib,
    mount_paths,
    mounting_container,
    name_of,
    workloads_in,
)
from .manifest_network import (
    exposed_ports,
    ingress_of_pods,
    ingress_of_resource,
    names_of,
    operator_pod_labels,
    port_names,
    selecting_services,
)
from .subject import Deployment

_NAMESPACE = ("metadata", "namespace")
# Modes in which `replicas` does not set the number of pods.
_UNCOUNTED = ("daemonset", "sidecar")
# Source: the operator's internal/manifests/collector/container.go and the environment of its component parsers.
_BY_OPERATOR = frozenset(("POD_NAME", "SHARD", "GOMEMLIMIT", "GOMAXPROCS", "K8S_NODE_NAME", "OTEL_K8S_NODE_NAME"))
# A collector that gets its targets from a TargetAllocator of its own names it with this label.
# Source: the operator's internal/controllers and apis/v1beta1.
_ALLOCATOR_LABEL = "opentelemetry.io/target-allocator"
_PROBES = frozenset(("livenessProbe", "readinessProbe", "startupProbe"))


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
        for workload in workloads_in(stream):
            container = mounting_container(workload, found_config.owner)
            if container is not None:
                return _of_workload(workload, container, stream, complete)
    return Context()


def _of_custom_resource(resource: Object, stream: Sequence[Object], complete: bool) -> Context:
    """Return what a custom resource, and the stream around it, show about the collector that the operator makes."""
    spec = section(resource, "spec")
    name = name_of(section(resource, "metadata")) or ""
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
        memory_limit_mib=memory_mib(spec),
        host_network=spec.get("hostNetwork") is True,
        mounts=mount_paths(spec),
        fleeting=fleeting_paths(spec, spec),
        target_allocator=_has_target_allocator(resource),
        by_operator=True,
        granted=allowed.rules,
        bound_elsewhere=allowed.elsewhere,
        ingress=ingress_of_resource(resource, stream, complete) if has_own_pods else None,
        annotated=bool(spec.get("podAnnotations")),
        logs=_logs(mode, resource, names.child(name), names.CONTAINERS["operator"]),
    )
    environment = environment_of(spec)
    if environment is not None:
        environment |= _BY_OPERATOR
    services_of_pods = names_of(selecting_services(operator_pod_labels(resource), resource, stream))
    services = names.of_operator(name) | services_of_pods
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
        memory_limit_mib=memory_mib(container),
        host_network=pod.get("hostNetwork") is True,
        mounts=mount_paths(container),
        fleeting=fleeting_paths(container, pod),
        exposed=exposed_ports(container, labels, workload, stream),
        granted=allowed.rules,
        bound_elsewhere=allowed.elsewhere,
        probed=not _PROBES.isdisjoint(container),
        ingress=ingress_of_pods(workload, labels, stream, complete, port_names(mappings(pod, "containers"))),
        annotated=bool(section(template, "metadata", "annotations")),
        logs=_logs(mode, workload, name_of(section(workload, "metadata")), name_of(container)),
    )
    services = names_of(selecting_services(labels, workload, stream))
    return Context(deployment, environment_of(container), str(container.get("image") or ""), services=services)


def _logs(mode: str, owner: Object, workload: str | None, container: str | None) -> PodLogs | None:
    """Return where the log of a collector is; None if the namespace is chosen later, as that of a chart is."""
    namespace = at(owner, _NAMESPACE)
    if isinstance(namespace, str) and workload and container:
        return PodLogs(mode, namespace, workload, container)
    return None


def _first_number(*values: Any) -> int | None:
    """Return the first value that is a number; None if none is."""
    for value in values:
        if isinstance(value, int):
            return value
    return None


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


def _mounting_workloads(found_config: Found, stream: Iterable[Object]) -> list[Object]:
    """Return the workloads of a stream that mount the ConfigMap with a config."""
    return [
        workload for workload in workloads_in(stream) if mounting_container(workload, found_config.owner) is not None
    ]
