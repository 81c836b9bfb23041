# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The backends: what each refuses, the objects that it makes in the order in which they are applied, and its kind.

The collection makes RBAC and Services under the operator too: what the operator grants by itself has gaps, and needs
rights that it often does not have; the same names and selectors hide a change of backends from clients.
Source of the limits: the operator's CRD, and which of its fields internal/manifests/collector and pkg/sidecar read in
which mode. The operator silently ignores every other field.

The backend is the last step: config, needs, rules and Service are the same, and only the owner of the workload differs.
Services select labels that the pods of both have, so a switch moves no endpoint. What a custom resource cannot express
is an error; it is never dropped. Private.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from .._kube import operator_children
from .._otelcol.errors import Problem
from .._otelcol.kube import names
from .manifests import (
    autoscaler,
    certificate,
    extra,
    monitoring,
    namespaces,
    network,
    open_telemetry_collector,
    openshift_route,
    pod,
    security_context_constraints,
    service_account,
    target_allocator,
    workload,
)
from .manifests.build import CollectorBuild, Manifest
from .options import OPERATORS_IMAGE, Collector

Builders = tuple[Callable[[CollectorBuild], "Manifest | None"], ...]

_ACCOUNT_BUILDERS: Builders = (
    namespaces.render_collector_namespace,
    service_account.render_service_account,
    security_context_constraints.render_constraints,
    service_account.render_cluster_role,
    service_account.render_cluster_role_binding,
)
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
WORKLOADS = {
    "daemonset": ("DaemonSet", workload.render_daemon_set),
    "deployment": ("Deployment", workload.render_deployment),
    "statefulset": ("StatefulSet", workload.render_stateful_set),
}
_ALL_MODES = ("daemonset", "deployment", "sidecar", "statefulset")
_SIDECAR = ("sidecar",)
ALLOCATED_MODES = ("daemonset", "statefulset")
_DEFAULT_REVISIONS, _DEFAULT_GRACE_SECONDS = 10, 30  # the defaults of Kubernetes, which the pods then have anyway
_OFF_VALUES = (None, False, "none")
MONITORED_OPTIONS = ("scrape", "alerts", "dashboard")
_DEFAULT_PRE_STOP_SECONDS = 5  # the default of the role
_FIX_IN_POD = "Say it in the workload that gets the sidecar: its pod is not ours."
_FIX_OF_SIDECAR = "Remove it: a sidecar serves its own pod, on localhost."
_FIX_WITHOUT_OPERATOR = "Remove it, or use `backend: kubernetes`."


def says_something(value: Any) -> bool:
    """Return whether a value says anything; a mapping whose suboptions are all at rest says nothing."""
    return any(map(says_something, value.values())) if isinstance(value, dict) else bool(value)


class OperatorLimit(NamedTuple):
    """An option that some modes do not have, what to do, and how it is seen that a value says anything."""

    option: str
    modes: tuple[str, ...]
    fix: str
    says_anything: Callable[[Any], bool] = bool


OPERATOR_LIMITS = (
    OperatorLimit("revision_history_limit", _SIDECAR, _FIX_IN_POD, lambda value: value != _DEFAULT_REVISIONS),
    OperatorLimit("topology_spread", ("daemonset",), "Remove it: a daemonset is on every node anyway."),
    OperatorLimit("disruption_budget", ("daemonset",), _FIX_WITHOUT_OPERATOR, says_something),
    OperatorLimit("update_strategy", ("statefulset", "sidecar"), _FIX_WITHOUT_OPERATOR),
    OperatorLimit("topology_spread", _SIDECAR, _FIX_IN_POD),
    OperatorLimit("change", _SIDECAR, _FIX_IN_POD, lambda value: value.get("strategy") == "canary"),
    OperatorLimit("node_selector", _SIDECAR, _FIX_IN_POD),
    OperatorLimit("tolerations", _SIDECAR, _FIX_IN_POD),
    OperatorLimit("affinity", _SIDECAR, _FIX_IN_POD),
    OperatorLimit("priority_class_name", _SIDECAR, _FIX_IN_POD),
    OperatorLimit("host_network", _SIDECAR, _FIX_IN_POD),
    OperatorLimit("containers", _SIDECAR, _FIX_IN_POD),
    OperatorLimit("init_containers", _SIDECAR, _FIX_IN_POD),
    OperatorLimit("resize_policy", _SIDECAR, _FIX_IN_POD),
    OperatorLimit("pod_labels", _SIDECAR, _FIX_IN_POD),
    OperatorLimit("pod_annotations", _SIDECAR, _FIX_IN_POD),
    OperatorLimit("image_pull_secrets", _SIDECAR, _FIX_IN_POD),
    OperatorLimit("disruption_budget", _SIDECAR, _FIX_IN_POD, says_something),
    OperatorLimit("autoscaling", _SIDECAR, _FIX_IN_POD, says_something),
    OperatorLimit("termination_grace_seconds", _SIDECAR, _FIX_IN_POD, lambda value: value != _DEFAULT_GRACE_SECONDS),
    OperatorLimit("pre_stop_seconds", _SIDECAR, _FIX_IN_POD, lambda value: value != _DEFAULT_PRE_STOP_SECONDS),
    OperatorLimit("host_ports", _SIDECAR, _FIX_OF_SIDECAR),
    OperatorLimit("service", _SIDECAR, _FIX_OF_SIDECAR, says_something),
    OperatorLimit("ingress", _SIDECAR, _FIX_OF_SIDECAR, says_something),
    OperatorLimit("routes", _SIDECAR, _FIX_OF_SIDECAR, says_something),
    OperatorLimit("openshift_route", _SIDECAR, _FIX_OF_SIDECAR, says_something),
    OperatorLimit("service_monitor", _SIDECAR, _FIX_OF_SIDECAR, lambda value: bool(value.get("enabled"))),
    OperatorLimit(
        "monitoring",
        _SIDECAR,
        _FIX_OF_SIDECAR,
        lambda value: any(value.get(key) not in _OFF_VALUES for key in MONITORED_OPTIONS),
    ),
    OperatorLimit("network_policy", _SIDECAR, _FIX_OF_SIDECAR, says_something),
    OperatorLimit(
        "storage",
        _SIDECAR,
        "Remove it: the state of a sidecar ends with its pod.",
        lambda value: bool(value.get("class")),
    ),
)


def _check_limits(collector: Collector) -> None:
    """Raise Problem with every option that the operator could not honour, before anything is made."""
    broken_limits = [
        f"{limit.option}: {limit.fix}"
        for limit in OPERATOR_LIMITS
        if collector.mode in limit.modes and limit.says_anything(getattr(collector, limit.option))
    ]
    if broken_limits:
        raise Problem(
            f"the operator has no place for {'these options' if len(broken_limits) > 1 else 'an option'} in mode "
            f"{collector.mode}\n" + "\n".join(f"  {line}" for line in broken_limits),
            asked=f"collector '{collector.name}'",
        )
    _check_allocator(collector)
    if len(collector.name) > names.LONGEST_CUSTOM_RESOURCE:
        raise Problem(
            f"'{collector.name}' is too long for a custom resource, the operator names workload and Services after it",
            fix=f"Use at most {names.LONGEST_CUSTOM_RESOURCE} characters.",
        )


def _check_allocator(collector: Collector) -> None:
    """Raise Problem for an allocator that the operator refuses, or that would not work.

    Source: validateTargetAllocatorConfig in the operator's internal/webhook, and the comments of its API.
    """
    options = collector.target_allocator
    strategy = collector.allocation_strategy
    sources = options.get("prometheus_cr") or {}
    faults = (
        (collector.mode not in ALLOCATED_MODES, f"mode {collector.mode} cannot have one", "Use mode statefulset."),
        (
            (collector.mode == "daemonset") != (strategy == "per-node"),
            f"mode {collector.mode} does not go with strategy {strategy}",
            "Strategy per-node is for mode daemonset, and that has no other: leave `allocation_strategy` out.",
        ),
        (
            strategy == "least-weighted" and int(options.get("replicas") or 1) > 1,
            "with strategy least-weighted every replica would share out all targets anew",
            "Use strategy consistent-hashing, or `replicas: 1`.",
        ),
        (
            bool(sources.get("namespaces") and sources.get("denied_namespaces")),
            "it has both namespaces and denied_namespaces",
            "Give one of them.",
        ),
    )
    broken_rules = [(wrong, fix) for is_broken, wrong, fix in faults if is_broken]
    if collector.is_allocated and broken_rules:
        raise Problem(
            broken_rules[0][0], asked=f"target allocator of collector '{collector.name}'", fix=broken_rules[0][1]
        )


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
    builders_before: Builders = (
        *_ACCOUNT_BUILDERS,
        pod.render_config_map,
        network.render_headless_service,
        network.render_service,
    )
    builders_after: Builders = (autoscaler.render_pod_autoscaler, workload.render_disruption_budget, *_ACCESS_BUILDERS)
    manifests = _run_builders(
        (*builders_before, WORKLOADS[collector_build.collector.mode][1], *builders_after), collector_build
    )
    manifests += [
        *service_account.render_namespace_roles(collector_build),
        *certificate.render_certificates(collector_build),
    ]
    return [*manifests, *extra.label_extra_manifests(collector_build, manifests)]


def _build_operated_manifests(collector_build: CollectorBuild) -> list[Manifest]:
    """Return the custom resource of one collector, after all that it needs."""
    allocator_builders = (
        target_allocator.render_account,
        target_allocator.render_cluster_role,
        target_allocator.render_cluster_role_binding,
    )
    manifests = _run_builders(
        (
            *_ACCOUNT_BUILDERS,
            *allocator_builders,
            network.render_headless_service,
            network.render_service,
            *_ACCESS_BUILDERS,
        ),
        collector_build,
    )
    custom_resource = open_telemetry_collector.render_collector_resource(collector_build)
    manifests += [
        *service_account.render_namespace_roles(collector_build),
        *target_allocator.render_secret_roles(collector_build),
        *certificate.render_certificates(collector_build),
    ]
    return [
        *manifests,
        *extra.label_extra_manifests(collector_build, manifests, operator_children.list_made_objects(custom_resource)),
        custom_resource,
    ]


def _run_builders(builders: Builders, collector_build: CollectorBuild) -> list[Manifest]:
    return [manifest for builder in builders if (manifest := builder(collector_build)) is not None]


class Backend(NamedTuple):
    """What differs between backends.

    `build_custom_resource` returns the custom resource alone, for the rules that judge it.
    """

    modes: tuple[str, ...]
    check_collector: Callable[[Collector], None]
    build_manifests: Callable[[CollectorBuild], list[Manifest]]
    name_kind: Callable[[Collector], str]
    build_custom_resource: Callable[[CollectorBuild], Manifest | None]


BACKENDS = {
    "kubernetes": Backend(
        tuple(WORKLOADS),
        _check_without_operator,
        _build_plain_manifests,
        lambda collector: WORKLOADS[collector.mode][0],
        lambda _order: None,
    ),
    "operator": Backend(
        _ALL_MODES,
        _check_limits,
        _build_operated_manifests,
        lambda _collector: open_telemetry_collector.KIND,
        open_telemetry_collector.render_collector_resource,
    ),
}
