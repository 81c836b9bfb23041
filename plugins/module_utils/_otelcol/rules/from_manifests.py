# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads from manifests what runs a collector config: its workload, image, account and network. Private.

plugin_utils/_otelcol/_inputs.py calls `find_context` with a config and all manifests of its file, folder or cluster.
The answer goes into the `Subject` of rules. What the manifests do not show stays None, so that rules are silent about
it. An owner is the object that holds the config: a ConfigMap or a custom resource. For example, of these manifests

- ConfigMap `gw` with the config
- Deployment `gw` with 2 replicas, which mounts it and runs the image `otel/opentelemetry-collector:0.158.0`
- Service `gw`, which selects its pods and leads to port 4317

the context has the image, the Service `gw`, and a `Deployment` with mode `deployment`, 2 replicas and port 4317.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..config.documents import CUSTOM_RESOURCE, FoundConfig
from ..config.paths import list_at, mapping_at, mappings_at, value_at
from ..kube import names
from ..kube.operator_names import list_operator_names, operator_workload_name
from ..needs.pod_logs import PodLogs
from .autoscalers import find_unrequested_in_spec, find_unrequested_resources, scales_workload
from .granted_rights import Rights, account_of_pod, account_of_resource, find_account_rights
from .manifest_containers import (
    MODE_BY_WORKLOAD_KIND,
    Object,
    find_mounting_container,
    list_fleeting_paths,
    list_mount_paths,
    list_workloads,
    read_environment,
    read_memory_mib,
    valid_name,
)
from .manifest_network import (
    find_exposed_ports,
    find_pod_ingress,
    find_resource_ingress,
    find_selecting_services,
    list_valid_names,
    map_port_names,
    operator_pod_labels,
)
from .subject import Deployment

_NAMESPACE_PATH = ("metadata", "namespace")
# Modes in which `replicas` does not set the number of pods.
_MODES_WITHOUT_REPLICAS = ("daemonset", "sidecar")
# Source: the operator's internal/manifests/collector/container.go and the environment of its component parsers.
_VARIABLES_OF_OPERATOR = frozenset(
    ("POD_NAME", "SHARD", "GOMEMLIMIT", "GOMAXPROCS", "K8S_NODE_NAME", "OTEL_K8S_NODE_NAME")
)
# A collector that gets its targets from a TargetAllocator of its own names it with this label.
# Source: the operator's internal/controllers and apis/v1beta1.
_ALLOCATOR_LABEL = "opentelemetry.io/target-allocator"
_PROBES = frozenset(("livenessProbe", "readinessProbe", "startupProbe"))


@dataclass(frozen=True)
class PlatformContext:
    """What the manifests show about the platform of a config. None is what they do not show."""

    deployment: Deployment | None = None
    environment: frozenset[str] | None = None
    """The names of the variables that the collector gets."""
    image: str = ""
    """Empty if the manifests name none."""
    resource: Object | None = None
    """The custom resource that holds the config."""
    services: frozenset[str] = frozenset()
    """The names of the Services that lead to the collector."""


def find_context(
    found_config: FoundConfig, manifests: Sequence[Object], *, has_all_policies: bool = False
) -> PlatformContext:
    """Return what manifests show about the collector that runs a config.

    `has_all_policies` says that they have all network policies of its namespace.
    """
    if found_config.owner.get("kind") == CUSTOM_RESOURCE:
        return _read_custom_resource(found_config.owner, manifests, has_all_policies)
    if found_config.owner:
        for workload in list_workloads(manifests):
            container = find_mounting_container(workload, found_config.owner)
            if container is not None:
                return _read_workload(workload, container, manifests, has_all_policies)
    return PlatformContext()


def _read_custom_resource(resource: Object, manifests: Sequence[Object], has_all_policies: bool) -> PlatformContext:
    """Return what a custom resource and the other manifests show about the collector that the operator makes."""
    spec = mapping_at(resource, "spec")
    resource_name = valid_name(mapping_at(resource, "metadata")) or ""
    mode = str(spec.get("mode") or "deployment")
    has_own_pods = mode != "sidecar"  # a sidecar runs in the pods of applications, with their account and policies
    autoscaler = mapping_at(spec, "autoscaler")
    replicas = None
    if mode not in _MODES_WITHOUT_REPLICAS:
        replicas = _find_first_number(spec.get("replicas"), autoscaler.get("minReplicas"), 1)
    rights = find_account_rights(account_of_resource(resource), manifests) if has_own_pods else Rights()
    # Fields `exposed_ports` and `is_probed` are left out: the operator decides on both by the config.
    deployment = Deployment(
        mode=mode,
        replicas=replicas,
        is_autoscaled=bool(autoscaler),
        unrequested_resources=find_unrequested_in_spec(spec),
        memory_limit_mib=read_memory_mib(spec),
        uses_host_network=spec.get("hostNetwork") is True,
        mount_paths=list_mount_paths(spec),
        fleeting_paths=list_fleeting_paths(spec, spec),
        has_target_allocator=_has_target_allocator(resource),
        by_operator=True,
        granted_rules=rights.rbac_rules,
        bound_elsewhere=rights.bound_elsewhere,
        ingress=find_resource_ingress(resource, manifests, has_all_policies) if has_own_pods else None,
        has_user_metadata=bool(spec.get("podAnnotations")),
        pod_logs=_find_pod_logs(
            mode, resource, operator_workload_name(resource_name), names.CONTAINER_BY_BACKEND["operator"]
        ),
    )
    own_variables = read_environment(spec)
    services_of_pods = list_valid_names(find_selecting_services(operator_pod_labels(resource), resource, manifests))
    return PlatformContext(
        deployment=deployment,
        # If its own variables are not known, the variables are not known as a whole.
        environment=None if own_variables is None else own_variables | _VARIABLES_OF_OPERATOR,
        image=str(spec.get("image") or ""),
        resource=resource,
        services=list_operator_names(resource_name) | services_of_pods,
    )


def _has_target_allocator(resource: Object) -> bool:
    """Whether a custom resource has a TargetAllocator of its own, or a label that names another one."""
    if value_at(resource, ("spec", "targetAllocator", "enabled")) is True:
        return True
    return bool(mapping_at(resource, "metadata", "labels").get(_ALLOCATOR_LABEL))


def _read_workload(
    workload: Object, container: Object, manifests: Sequence[Object], has_all_policies: bool
) -> PlatformContext:
    """Return what a workload, the container with its collector, and the other manifests show."""
    mode = MODE_BY_WORKLOAD_KIND[workload["kind"]]
    template = mapping_at(workload, "spec", "template")
    pod_spec = mapping_at(template, "spec")
    labels = mapping_at(template, "metadata", "labels")
    rights = find_account_rights(account_of_pod(pod_spec, workload), manifests)
    replicas = None
    if mode not in _MODES_WITHOUT_REPLICAS:
        replicas = _find_first_number(value_at(workload, ("spec", "replicas")), 1)
    # Fields `by_operator` and `has_target_allocator` are left out: they are for custom resources of the operator.
    deployment = Deployment(
        mode=mode,
        replicas=replicas,
        is_autoscaled=any(scales_workload(candidate, workload) for candidate in manifests),
        unrequested_resources=find_unrequested_resources(workload, manifests),
        memory_limit_mib=read_memory_mib(container),
        uses_host_network=pod_spec.get("hostNetwork") is True,
        mount_paths=list_mount_paths(container),
        fleeting_paths=list_fleeting_paths(container, pod_spec),
        exposed_ports=find_exposed_ports(container, labels, workload, manifests),
        granted_rules=rights.rbac_rules,
        bound_elsewhere=rights.bound_elsewhere,
        is_probed=not _PROBES.isdisjoint(container),
        ingress=find_pod_ingress(
            workload, labels, manifests, has_all_policies, map_port_names(mappings_at(pod_spec, "containers"))
        ),
        has_user_metadata=bool(mapping_at(template, "metadata", "annotations")),
        pod_logs=_find_pod_logs(mode, workload, valid_name(mapping_at(workload, "metadata")), valid_name(container)),
    )
    return PlatformContext(
        deployment=deployment,
        environment=read_environment(container),
        image=str(container.get("image") or ""),
        services=list_valid_names(find_selecting_services(labels, workload, manifests)),
    )


def _find_pod_logs(mode: str, owner: Object, workload: str | None, container: str | None) -> PodLogs | None:
    """Return where the log of a collector is; None if the namespace is chosen later, as that of a chart is."""
    namespace = value_at(owner, _NAMESPACE_PATH)
    if isinstance(namespace, str) and workload and container:
        return PodLogs(mode, namespace, workload, container)
    return None


def _find_first_number(*values: Any) -> int | None:
    """Return the first value that is a number; None if none is."""
    for value in values:
        if isinstance(value, int):
            return value
    return None


def add_rights(context: PlatformContext, found_config: FoundConfig, manifests: Sequence[Object]) -> PlatformContext:
    """Return a context with what other files of its folder grant to the account of the collector.

    `manifests` are those of all files of the folder, and `context` is that of the file with the config.
    """
    if context.deployment is None:
        return context
    known_deployment = find_context(found_config, manifests).deployment
    if known_deployment is None:
        return context
    is_nothing_known = known_deployment.granted_rules is None and not known_deployment.bound_elsewhere
    if is_nothing_known:
        return context
    deployment_with_rights = replace(
        context.deployment,
        granted_rules=known_deployment.granted_rules,
        bound_elsewhere=known_deployment.bound_elsewhere,
    )
    return replace(context, deployment=deployment_with_rights)


def describes_one_workload(found_config: FoundConfig, manifests: Sequence[Object]) -> bool:
    """Whether objects of several files have one ConfigMap of this name, and one workload that mounts it.

    Variants of a chart are often side by side in a folder; then nobody knows which workload belongs to the config.
    """
    config_map_name = value_at(found_config.owner, ("metadata", "name"))
    config_maps = [candidate for candidate in manifests if candidate.get("kind") == "ConfigMap"]
    namesakes = [
        config_map for config_map in config_maps if value_at(config_map, ("metadata", "name")) == config_map_name
    ]
    return len(namesakes) == 1 and len(_list_mounting_workloads(found_config, manifests)) == 1


def is_config_in_use(found_config: FoundConfig, manifests: Sequence[Object]) -> bool:
    """Whether a config is in use in a cluster: one in a ConfigMap is when a workload mounts it.

    A ConfigMap that the operator creates from a custom resource is not checked again.
    """
    if found_config.owner.get("kind") != "ConfigMap":
        return True
    owners = list_at(found_config.owner, "metadata", "ownerReferences")
    if any(value_at(owner, ("kind",)) == CUSTOM_RESOURCE for owner in owners):
        return False
    return bool(_list_mounting_workloads(found_config, manifests))


def _list_mounting_workloads(found_config: FoundConfig, manifests: Iterable[Object]) -> list[Object]:
    """Return the workloads that mount the ConfigMap with a config."""
    return [
        workload
        for workload in list_workloads(manifests)
        if find_mounting_container(workload, found_config.owner) is not None
    ]
