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

_ACCOUNT: Builders = (
    namespaces.collector_namespace,
    service_account.service_account,
    security_context_constraints.security_context_constraints,
    service_account.cluster_role,
    service_account.cluster_role_binding,
)
_ACCESS: Builders = (
    network.network_policy,
    network.ingress,
    network.http_route,
    network.grpc_route,
    network.service_monitor,
    autoscaler.scaled_object,
    monitoring.pod_monitor,
    monitoring.prometheus_rule,
    monitoring.rules_config_map,
    monitoring.dashboard_config_map,
    openshift_route.openshift_route,
    openshift_route.certificate_role,
    openshift_route.certificate_role_binding,
)
WORKLOADS = {
    "daemonset": ("DaemonSet", workload.daemon_set),
    "deployment": ("Deployment", workload.deployment),
    "statefulset": ("StatefulSet", workload.stateful_set),
}
_ALL = ("daemonset", "deployment", "sidecar", "statefulset")
_SIDECAR = ("sidecar",)
ALLOCATED = ("daemonset", "statefulset")
_REVISIONS, _GRACE = 10, 30  # the defaults of Kubernetes, which the pods then have anyway
_OFF = (None, False, "none")
MONITORED = ("scrape", "alerts", "dashboard")
_PAUSE = 5  # the default of the role
_POD = "Say it in the workload that gets the sidecar: its pod is not ours."
_OURS = "Remove it: a sidecar serves its own pod, on localhost."
_PLAIN = "Remove it, or use `backend: kubernetes`."


def said(value: Any) -> bool:
    """Return whether a value says anything; a mapping whose suboptions are all at rest says nothing."""
    return any(map(said, value.values())) if isinstance(value, dict) else bool(value)


class Limit(NamedTuple):
    """An option that some modes do not have, what to do, and how it is seen that a value says anything."""

    option: str
    modes: tuple[str, ...]
    fix: str
    says: Callable[[Any], bool] = bool


LIMITS = (
    Limit("revision_history_limit", _SIDECAR, _POD, lambda value: value != _REVISIONS),
    Limit("topology_spread", ("daemonset",), "Remove it: a daemonset is on every node anyway."),
    Limit("disruption_budget", ("daemonset",), _PLAIN, said),
    Limit("update_strategy", ("statefulset", "sidecar"), _PLAIN),
    Limit("topology_spread", _SIDECAR, _POD),
    Limit("change", _SIDECAR, _POD, lambda value: value.get("strategy") == "canary"),
    Limit("node_selector", _SIDECAR, _POD),
    Limit("tolerations", _SIDECAR, _POD),
    Limit("affinity", _SIDECAR, _POD),
    Limit("priority_class_name", _SIDECAR, _POD),
    Limit("host_network", _SIDECAR, _POD),
    Limit("containers", _SIDECAR, _POD),
    Limit("init_containers", _SIDECAR, _POD),
    Limit("resize_policy", _SIDECAR, _POD),
    Limit("pod_labels", _SIDECAR, _POD),
    Limit("pod_annotations", _SIDECAR, _POD),
    Limit("image_pull_secrets", _SIDECAR, _POD),
    Limit("disruption_budget", _SIDECAR, _POD, said),
    Limit("autoscaling", _SIDECAR, _POD, said),
    Limit("termination_grace_seconds", _SIDECAR, _POD, lambda value: value != _GRACE),
    Limit("pre_stop_seconds", _SIDECAR, _POD, lambda value: value != _PAUSE),
    Limit("host_ports", _SIDECAR, _OURS),
    Limit("service", _SIDECAR, _OURS, said),
    Limit("ingress", _SIDECAR, _OURS, said),
    Limit("routes", _SIDECAR, _OURS, said),
    Limit("openshift_route", _SIDECAR, _OURS, said),
    Limit("service_monitor", _SIDECAR, _OURS, lambda value: bool(value.get("enabled"))),
    Limit("monitoring", _SIDECAR, _OURS, lambda value: any(value.get(key) not in _OFF for key in MONITORED)),
    Limit("network_policy", _SIDECAR, _OURS, said),
    Limit(
        "storage",
        _SIDECAR,
        "Remove it: the state of a sidecar ends with its pod.",
        lambda value: bool(value.get("class")),
    ),
)


def _check_limits(collector: Collector) -> None:
    """Raise Problem with every option that the operator could not honour, before anything is made."""
    broken = [
        f"{limit.option}: {limit.fix}"
        for limit in LIMITS
        if collector.mode in limit.modes and limit.says(getattr(collector, limit.option))
    ]
    if broken:
        raise Problem(
            f"the operator has no place for {'these options' if len(broken) > 1 else 'an option'} in mode "
            f"{collector.mode}\n" + "\n".join(f"  {line}" for line in broken),
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
        (collector.mode not in ALLOCATED, f"mode {collector.mode} cannot have one", "Use mode statefulset."),
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
    broken = [(wrong, fix) for holds, wrong, fix in faults if holds]
    if collector.is_allocated and broken:
        raise Problem(broken[0][0], asked=f"target allocator of collector '{collector.name}'", fix=broken[0][1])


def _check_plain(collector: Collector) -> None:
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


def _plain(order: CollectorBuild) -> list[Manifest]:
    """Return all objects of one collector without the operator."""
    before: Builders = (*_ACCOUNT, pod.config_map, network.headless_service, network.service)
    after: Builders = (autoscaler.horizontal_pod_autoscaler, workload.pod_disruption_budget, *_ACCESS)
    made = _made((*before, WORKLOADS[order.collector.mode][1], *after), order)
    made += [*service_account.roles(order), *certificate.certificates(order)]
    return [*made, *extra.manifests(order, made)]


def _operated(order: CollectorBuild) -> list[Manifest]:
    """Return the custom resource of one collector, after all that it needs."""
    allocator = (target_allocator.account, target_allocator.cluster_role, target_allocator.cluster_role_binding)
    made = _made((*_ACCOUNT, *allocator, network.headless_service, network.service, *_ACCESS), order)
    resource = open_telemetry_collector.open_telemetry_collector(order)
    made += [*service_account.roles(order), *target_allocator.secret_roles(order), *certificate.certificates(order)]
    return [*made, *extra.manifests(order, made, operator_children.made(resource)), resource]


def _made(builders: Builders, order: CollectorBuild) -> list[Manifest]:
    return [manifest for builder in builders if (manifest := builder(order)) is not None]


class Backend(NamedTuple):
    """What differs between backends. `resource` returns the custom resource alone, for the rules that judge it."""

    modes: tuple[str, ...]
    check: Callable[[Collector], None]
    manifests: Callable[[CollectorBuild], list[Manifest]]
    kind: Callable[[Collector], str]
    resource: Callable[[CollectorBuild], Manifest | None]


BACKENDS = {
    "kubernetes": Backend(
        tuple(WORKLOADS),
        _check_plain,
        _plain,
        lambda collector: WORKLOADS[collector.mode][0],
        lambda _order: None,
    ),
    "operator": Backend(
        _ALL,
        _check_limits,
        _operated,
        lambda _collector: open_telemetry_collector.KIND,
        open_telemetry_collector.open_telemetry_collector,
    ),
}
