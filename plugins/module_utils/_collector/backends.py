# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two backends of a collector: what each refuses, and the objects that it makes, in the order of their apply.

With backend `kubernetes`, the collection makes the workload. With backend `operator`, it makes a custom resource, and
the OpenTelemetry operator makes the workload of it. Config, needs, rules and Services are the same, so a switch of
backends moves no endpoint. The collection makes RBAC and Services under the operator too: what the operator grants by
itself has gaps, and needs rights that the operator often does not have.

What a custom resource cannot express is an error; it is never dropped. Source of these limits: the operator's CRD, and
which of its fields internal/manifests/collector and pkg/sidecar read in which mode. The operator silently ignores every
other field. Private.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
_SIDECAR = ("sidecar",)
ALLOCATED_MODES = ("daemonset", "statefulset")
_DEFAULT_REVISIONS, _DEFAULT_GRACE_SECONDS = 10, 30  # the defaults of Kubernetes, which the pods then have anyway
# The suboptions of `monitoring` that make objects, and their values that make none.
MONITORED_OPTIONS = ("scrape", "alerts", "dashboard")
_OFF_VALUES = (None, False, "none")
_DEFAULT_PRE_STOP_SECONDS = 5  # the default of the role
_FIX_IN_POD = "Say it in the workload that gets the sidecar: its pod is not ours."
_FIX_OF_SIDECAR = "Remove it: a sidecar serves its own pod, on localhost."
_FIX_WITHOUT_OPERATOR = "Remove it, or use `backend: kubernetes`."


def says_something(value: Any) -> bool:
    """Return whether the value of an option says anything. A mapping does if one of its suboptions does."""
    if isinstance(value, dict):
        return any(says_something(suboption) for suboption in value.values())
    return bool(value)


class OperatorLimit(NamedTuple):
    """An option that the operator cannot honour in some modes."""

    option: str
    modes: tuple[str, ...]
    fix: str
    says_anything: Callable[[Any], bool] = bool
    """Returns whether a value of the option asks for anything: its default does not."""


OPERATOR_LIMITS = (
    OperatorLimit(
        option="revision_history_limit",
        modes=_SIDECAR,
        fix=_FIX_IN_POD,
        says_anything=lambda value: value != _DEFAULT_REVISIONS,
    ),
    OperatorLimit(
        option="topology_spread", modes=("daemonset",), fix="Remove it: a daemonset is on every node anyway."
    ),
    OperatorLimit(
        option="disruption_budget", modes=("daemonset",), fix=_FIX_WITHOUT_OPERATOR, says_anything=says_something
    ),
    OperatorLimit(option="update_strategy", modes=("statefulset", "sidecar"), fix=_FIX_WITHOUT_OPERATOR),
    OperatorLimit(option="topology_spread", modes=_SIDECAR, fix=_FIX_IN_POD),
    OperatorLimit(
        option="change", modes=_SIDECAR, fix=_FIX_IN_POD, says_anything=lambda value: value.get("strategy") == "canary"
    ),
    OperatorLimit(option="node_selector", modes=_SIDECAR, fix=_FIX_IN_POD),
    OperatorLimit(option="tolerations", modes=_SIDECAR, fix=_FIX_IN_POD),
    OperatorLimit(option="affinity", modes=_SIDECAR, fix=_FIX_IN_POD),
    OperatorLimit(option="priority_class_name", modes=_SIDECAR, fix=_FIX_IN_POD),
    OperatorLimit(option="host_network", modes=_SIDECAR, fix=_FIX_IN_POD),
    OperatorLimit(option="containers", modes=_SIDECAR, fix=_FIX_IN_POD),
    OperatorLimit(option="init_containers", modes=_SIDECAR, fix=_FIX_IN_POD),
    OperatorLimit(option="resize_policy", modes=_SIDECAR, fix=_FIX_IN_POD),
    OperatorLimit(option="pod_labels", modes=_SIDECAR, fix=_FIX_IN_POD),
    OperatorLimit(option="pod_annotations", modes=_SIDECAR, fix=_FIX_IN_POD),
    OperatorLimit(option="image_pull_secrets", modes=_SIDECAR, fix=_FIX_IN_POD),
    OperatorLimit(option="disruption_budget", modes=_SIDECAR, fix=_FIX_IN_POD, says_anything=says_something),
    OperatorLimit(option="autoscaling", modes=_SIDECAR, fix=_FIX_IN_POD, says_anything=says_something),
    OperatorLimit(
        option="termination_grace_seconds",
        modes=_SIDECAR,
        fix=_FIX_IN_POD,
        says_anything=lambda value: value != _DEFAULT_GRACE_SECONDS,
    ),
    OperatorLimit(
        option="pre_stop_seconds",
        modes=_SIDECAR,
        fix=_FIX_IN_POD,
        says_anything=lambda value: value != _DEFAULT_PRE_STOP_SECONDS,
    ),
    OperatorLimit(option="host_ports", modes=_SIDECAR, fix=_FIX_OF_SIDECAR),
    OperatorLimit(option="service", modes=_SIDECAR, fix=_FIX_OF_SIDECAR, says_anything=says_something),
    OperatorLimit(option="ingress", modes=_SIDECAR, fix=_FIX_OF_SIDECAR, says_anything=says_something),
    OperatorLimit(option="routes", modes=_SIDECAR, fix=_FIX_OF_SIDECAR, says_anything=says_something),
    OperatorLimit(option="openshift_route", modes=_SIDECAR, fix=_FIX_OF_SIDECAR, says_anything=says_something),
    OperatorLimit(
        option="service_monitor",
        modes=_SIDECAR,
        fix=_FIX_OF_SIDECAR,
        says_anything=lambda value: bool(value.get("enabled")),
    ),
    OperatorLimit(
        option="monitoring",
        modes=_SIDECAR,
        fix=_FIX_OF_SIDECAR,
        says_anything=lambda value: any(value.get(key) not in _OFF_VALUES for key in MONITORED_OPTIONS),
    ),
    OperatorLimit(option="network_policy", modes=_SIDECAR, fix=_FIX_OF_SIDECAR, says_anything=says_something),
    OperatorLimit(
        option="storage",
        modes=_SIDECAR,
        fix="Remove it: the state of a sidecar ends with its pod.",
        says_anything=lambda value: bool(value.get("class")),
    ),
)


def _check_limits(collector: Collector) -> None:
    """Raise Problem with every option that the operator could not honour, before anything is made."""
    broken_limits = []
    for limit in OPERATOR_LIMITS:
        if collector.mode in limit.modes and limit.says_anything(getattr(collector, limit.option)):
            broken_limits.append(f"  {limit.option}: {limit.fix}")
    if broken_limits:
        options_word = "these options" if len(broken_limits) > 1 else "an option"
        first_line = f"the operator has no place for {options_word} in mode {collector.mode}"
        raise Problem("\n".join([first_line, *broken_limits]), asked=f"collector '{collector.name}'")
    _check_allocator(collector)
    if len(collector.name) > names.LONGEST_CUSTOM_RESOURCE:
        raise Problem(
            f"'{collector.name}' is too long for a custom resource, the operator names workload and Services after it",
            fix=f"Use at most {names.LONGEST_CUSTOM_RESOURCE} characters.",
        )


class _Fault(NamedTuple):
    """What is wrong with a target allocator, and how to correct it."""

    wrong: str
    fix: str


def _check_allocator(collector: Collector) -> None:
    """Raise Problem for the first fault of a target allocator."""
    if not collector.is_allocated:
        return
    for fault in _find_allocator_faults(collector):
        raise Problem(fault.wrong, asked=f"target allocator of collector '{collector.name}'", fix=fault.fix)


def _find_allocator_faults(collector: Collector) -> Iterator[_Fault]:
    """Yield why the operator would refuse a target allocator, or why it would not work.

    Source: validateTargetAllocatorConfig in the operator's internal/webhook, and the comments of its API.
    """
    options = collector.target_allocator
    strategy = collector.allocation_strategy
    if collector.mode not in ALLOCATED_MODES:
        yield _Fault(f"mode {collector.mode} cannot have one", "Use mode statefulset.")
    if (collector.mode == "daemonset") != (strategy == "per-node"):
        yield _Fault(
            f"mode {collector.mode} does not go with strategy {strategy}",
            "Strategy per-node is for mode daemonset, and that has no other: leave `allocation_strategy` out.",
        )
    if strategy == "least-weighted" and int(options.get("replicas") or 1) > 1:
        yield _Fault(
            "with strategy least-weighted every replica would share out all targets anew",
            "Use strategy consistent-hashing, or `replicas: 1`.",
        )
    custom_resources = options.get("prometheus_cr") or {}
    if custom_resources.get("namespaces") and custom_resources.get("denied_namespaces"):
        yield _Fault("it has both namespaces and denied_namespaces", "Give one of them.")


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
        pod.render_config_map,
        network.render_headless_service,
        network.render_service,
        WORKLOADS[collector_build.collector.mode].render,
        autoscaler.render_pod_autoscaler,
        workload.render_disruption_budget,
        *_ACCESS_BUILDERS,
    )
    manifests = _run_builders(builders, collector_build)
    manifests += [
        *service_account.render_namespace_roles(collector_build),
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
        *service_account.render_namespace_roles(collector_build),
        *target_allocator.render_secret_roles(collector_build),
        *certificate.render_certificates(collector_build),
    ]
    operator_objects = operator_children.list_made_objects(custom_resource)
    extra_manifests = extra.label_extra_manifests(collector_build, manifests, operator_objects)
    return [*manifests, *extra_manifests, custom_resource]


def _run_builders(builders: Builders, collector_build: CollectorBuild) -> list[Manifest]:
    """Return the manifests of all builders; a builder may make none for this collector."""
    manifests = (build(collector_build) for build in builders)
    return [manifest for manifest in manifests if manifest is not None]


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


BACKENDS = {
    "kubernetes": Backend(
        modes=tuple(WORKLOADS),
        check_collector=_check_without_operator,
        build_manifests=_build_plain_manifests,
        name_kind=lambda collector: WORKLOADS[collector.mode].kind,
        build_custom_resource=lambda _build: None,
    ),
    "operator": Backend(
        modes=_ALL_MODES,
        check_collector=_check_limits,
        build_manifests=_build_operated_manifests,
        name_kind=lambda _collector: open_telemetry_collector.KIND,
        build_custom_resource=open_telemetry_collector.render_collector_resource,
    ),
}
