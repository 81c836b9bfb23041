# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two backends of a collector: what each makes of it, in the order in which the objects are applied. Private.

With backend `kubernetes`, the collection makes the workload. With backend `operator`, it makes a custom resource, and
the OpenTelemetry operator makes the workload of it. Config, needs, rules and Services are the same, so a switch of
backends moves no endpoint. The collection makes RBAC and Services under the operator too: what the operator grants by
itself has gaps, and needs rights that the operator often does not have.

The render of a collector picks one of `BACKENDS`, and calls `check_collector` and `build_manifests`. Example: a
collector with mode deployment is a ServiceAccount, a ConfigMap, a Service and a Deployment with one backend, and a
ServiceAccount, a Service and an OpenTelemetryCollector with the other. `operator_limits.py` has what the second cannot
express.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from .._kube import operator_children
from .._otelcol.errors import Problem
from .manifests import (
    autoscaler,
    certificate,
    collector_roles,
    config_map,
    extra,
    monitoring,
    namespaces,
    network,
    open_telemetry_collector,
    openshift_route,
    security_context_constraints,
    service_account,
    target_allocator,
    workload,
)
from .manifests.build import CollectorBuild, Manifest
from .operator_limits import check_operator_limits
from .options import OPERATORS_IMAGE, Collector

# Functions that each return an object of a collector, or None if it has no such object. The objects are applied in the
# order of the functions: what others need, such as the account of a pod, is there before them.
Builders = tuple[Callable[[CollectorBuild], "Manifest | None"], ...]

# Where the collector runs, and what it may do.
_ACCOUNT_BUILDERS: Builders = (
    namespaces.render_collector_namespace,
    service_account.render_service_account,
    security_context_constraints.render_constraints,
    collector_roles.render_cluster_role,
    collector_roles.render_cluster_role_binding,
)
# What lets clients, and those who watch the collector, reach it.
_ACCESS_BUILDERS: Builders = (
    network.render_network_policy,
    network.render_ingress,
    network.render_http_route,
    network.render_grpc_route,
    network.render_service_monitor,
    autoscaler.render_scaled_object,
    monitoring.render_pod_monitor,
    monitoring.render_prometheus_rule,
    monitoring.render_rules_config_map,
    monitoring.render_dashboard_config_map,
    openshift_route.render_openshift_route,
    openshift_route.render_certificate_role,
    openshift_route.render_certificate_binding,
)


class _Workload(NamedTuple):
    """The kind of the workload of a mode, and the function that renders it."""

    kind: str
    render: Callable[[CollectorBuild], Manifest]


WORKLOADS = {
    "daemonset": _Workload("DaemonSet", workload.render_daemon_set),
    "deployment": _Workload("Deployment", workload.render_deployment),
    "statefulset": _Workload("StatefulSet", workload.render_stateful_set),
}
_ALL_MODES = ("daemonset", "deployment", "sidecar", "statefulset")


def _check_without_operator(collector: Collector) -> None:
    """Raise Problem for what only the operator does."""
    if collector.mode not in WORKLOADS:
        wrong = f"collector '{collector.name}' has mode {collector.mode}, and only the operator puts it into pods"
        raise Problem(wrong, fix="Set `backend: operator`, or use another mode.")
    if collector.image == OPERATORS_IMAGE:
        wrong = f"collector '{collector.name}' has no operator that could choose its image"
        raise Problem(wrong, fix="Set `backend: operator`, or remove `image`.")
    if (collector.target_allocator.get("prometheus_cr") or {}).get("enabled"):
        raise Problem(
            f"collector '{collector.name}' reads ServiceMonitors and PodMonitors, which only a target allocator does",
            fix="Set `backend: operator`, or write `scrape_configs` and remove `target_allocator.prometheus_cr`.",
        )


def _build_plain_manifests(collector_build: CollectorBuild) -> list[Manifest]:
    """Return all objects of one collector without the operator."""
    builders: Builders = (
        *_ACCOUNT_BUILDERS,
        config_map.render_config_map,
        network.render_headless_service,
        network.render_service,
        WORKLOADS[collector_build.collector.mode].render,
        autoscaler.render_pod_autoscaler,
        workload.render_disruption_budget,
        *_ACCESS_BUILDERS,
    )
    manifests = _run_builders(builders, collector_build)
    manifests += [
        *collector_roles.render_namespace_roles(collector_build),
        *certificate.render_certificates(collector_build),
    ]
    return [*manifests, *extra.label_extra_manifests(collector_build, manifests)]


def _build_operated_manifests(collector_build: CollectorBuild) -> list[Manifest]:
    """Return the custom resource of one collector, after all that it needs."""
    builders: Builders = (
        *_ACCOUNT_BUILDERS,
        target_allocator.render_account,
        target_allocator.render_cluster_role,
        target_allocator.render_cluster_role_binding,
        network.render_headless_service,
        network.render_service,
        *_ACCESS_BUILDERS,
    )
    manifests = _run_builders(builders, collector_build)
    custom_resource = open_telemetry_collector.render_collector_resource(collector_build)
    manifests += [
        *collector_roles.render_namespace_roles(collector_build),
        *target_allocator.render_secret_roles(collector_build),
        *certificate.render_certificates(collector_build),
    ]
    operator_objects = operator_children.list_made_objects(custom_resource)
    extra_manifests = extra.label_extra_manifests(collector_build, manifests, operator_objects)
    # The custom resource is the last: the operator makes pods as soon as it sees it, and these need the other objects.
    return [*manifests, *extra_manifests, custom_resource]


def _run_builders(builders: Builders, collector_build: CollectorBuild) -> list[Manifest]:
    """Return the manifests of all builders; a builder may make none for this collector."""
    manifests = []
    for build_manifest in builders:
        manifest = build_manifest(collector_build)
        if manifest is not None:
            manifests.append(manifest)
    return manifests


class Backend(NamedTuple):
    """What differs between backends."""

    modes: tuple[str, ...]
    check_collector: Callable[[Collector], None]
    """Raises Problem for a collector that the backend cannot make."""
    build_manifests: Callable[[CollectorBuild], list[Manifest]]
    name_kind: Callable[[Collector], str]
    """Returns the kind of the object that stands for the collector: its workload, or the custom resource."""
    build_custom_resource: Callable[[CollectorBuild], Manifest | None]
    """Returns the custom resource alone, for the rules that judge it; None without one."""


def _name_workload_kind(collector: Collector) -> str:
    return WORKLOADS[collector.mode].kind


def _name_custom_kind(_collector: Collector) -> str:
    return open_telemetry_collector.KIND


def _build_no_custom_resource(_collector_build: CollectorBuild) -> None:
    return None


BACKENDS = {
    "kubernetes": Backend(
        modes=tuple(WORKLOADS),
        check_collector=_check_without_operator,
        build_manifests=_build_plain_manifests,
        name_kind=_name_workload_kind,
        build_custom_resource=_build_no_custom_resource,
    ),
    "operator": Backend(
        modes=_ALL_MODES,
        check_collector=check_operator_limits,
        build_manifests=_build_operated_manifests,
        name_kind=_name_custom_kind,
        build_custom_resource=open_telemetry_collector.render_collector_resource,
    ),
}
