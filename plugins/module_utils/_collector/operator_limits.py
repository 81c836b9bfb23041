# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a collector cannot have with backend `operator`: options that its custom resource cannot express. Private.

Such an option is an error; it is never dropped. `backends.py` calls `check_operator_limits` before it builds anything.
Example: `node_selector` with mode sidecar is an error, since the pod of a sidecar belongs to an application.

Source of these limits: the operator's CRD, and which of its fields internal/manifests/collector and pkg/sidecar read in
which mode. The operator silently ignores every other field.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from .._otelcol.errors import Problem
from .._otelcol.kube.operator_names import LONGEST_CUSTOM_RESOURCE
from .options import Collector

# The modes that may have a target allocator.
_ALLOCATED_MODES = ("daemonset", "statefulset")
# The defaults of three options. The options have values also if no user sets them, so these values ask for nothing. The
# first two are the defaults of Kubernetes, which the pods then have anyway; the third is that of the role.
_DEFAULT_REVISIONS = 10
_DEFAULT_GRACE_SECONDS = 30
_DEFAULT_PRE_STOP_SECONDS = 5
# The suboptions of `monitoring` that make objects, and their values that make none.
_MONITORED_OPTIONS = ("scrape", "alerts", "dashboard")
_OFF_VALUES = (None, False, "none")


def check_operator_limits(collector: Collector) -> None:
    """Raise Problem with every option that the operator could not honour, before anything is made."""
    broken_limits = []
    for limit in OPERATOR_LIMITS:
        if collector.mode in limit.modes and limit.asks_for_something(getattr(collector, limit.option)):
            broken_limits.append(f"  {limit.option}: {limit.fix}")
    if broken_limits:
        options_word = "these options" if len(broken_limits) > 1 else "an option"
        first_line = f"the operator has no place for {options_word} in mode {collector.mode}"
        raise Problem("\n".join([first_line, *broken_limits]), asked=f"collector '{collector.name}'")
    _check_allocator(collector)
    if len(collector.name) > LONGEST_CUSTOM_RESOURCE:
        raise Problem(
            f"'{collector.name}' is too long for a custom resource, the operator names workload and Services after it",
            fix=f"Use at most {LONGEST_CUSTOM_RESOURCE} characters.",
        )


class _Fault(NamedTuple):
    """What is wrong with a target allocator, and how to correct it."""

    wrong: str
    fix: str


def _check_allocator(collector: Collector) -> None:
    """Raise Problem for the first fault of a target allocator."""
    if not collector.is_allocated:
        return
    first_fault = next(_find_allocator_faults(collector), None)
    if first_fault:
        asked = f"target allocator of collector '{collector.name}'"
        raise Problem(first_fault.wrong, asked=asked, fix=first_fault.fix)


def _find_allocator_faults(collector: Collector) -> Iterator[_Fault]:
    """Yield why the operator would refuse a target allocator, or why it would not work.

    Source: validateTargetAllocatorConfig in the operator's internal/webhook, and the comments of its API.
    """
    options = collector.target_allocator
    strategy = collector.allocation_strategy
    if collector.mode not in _ALLOCATED_MODES:
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


# ── What a value of an option asks for ──


def _has_suboption(value: Any) -> bool:
    """Return whether a mapping asks for something: one of its suboptions, at any depth, has a value."""
    if isinstance(value, dict):
        return any(_has_suboption(suboption) for suboption in value.values())
    return bool(value)


def _differs_from(default: int) -> Callable[[Any], bool]:
    """Return a function that returns whether the value of an option is another one than its default."""
    return lambda value: bool(value != default)


def _asks_for_canary(change_option: Any) -> bool:
    return bool(change_option.get("strategy") == "canary")


def _is_enabled(service_monitor_option: Any) -> bool:
    return bool(service_monitor_option.get("enabled"))


def _asks_for_monitoring(monitoring_option: Any) -> bool:
    return any(monitoring_option.get(key) not in _OFF_VALUES for key in _MONITORED_OPTIONS)


def _names_class(storage_option: Any) -> bool:
    return bool(storage_option.get("class"))


# ── The table ──

# Three reasons: the option is about a pod that belongs to an application, about clients that a sidecar does not have,
# or about a field that no custom resource has.
_FIX_IN_POD = "Say it in the workload that gets the sidecar: its pod is not ours."
_FIX_OF_SIDECAR = "Remove it: a sidecar serves its own pod, on localhost."
_FIX_WITHOUT_OPERATOR = "Remove it, or use `backend: kubernetes`."


class OperatorLimit(NamedTuple):
    """An option that the operator cannot honour in some modes."""

    option: str
    modes: tuple[str, ...]
    fix: str
    asks_for_something: Callable[[Any], bool] = bool
    """Returns whether a value of the option asks for something: its default does not."""


OPERATOR_LIMITS = (
    OperatorLimit(
        option="revision_history_limit",
        modes=("sidecar",),
        fix=_FIX_IN_POD,
        asks_for_something=_differs_from(_DEFAULT_REVISIONS),
    ),
    OperatorLimit(
        option="topology_spread", modes=("daemonset",), fix="Remove it: a daemonset is on every node anyway."
    ),
    OperatorLimit(
        option="disruption_budget", modes=("daemonset",), fix=_FIX_WITHOUT_OPERATOR, asks_for_something=_has_suboption
    ),
    OperatorLimit(option="update_strategy", modes=("statefulset", "sidecar"), fix=_FIX_WITHOUT_OPERATOR),
    OperatorLimit(option="topology_spread", modes=("sidecar",), fix=_FIX_IN_POD),
    OperatorLimit(option="change", modes=("sidecar",), fix=_FIX_IN_POD, asks_for_something=_asks_for_canary),
    OperatorLimit(option="node_selector", modes=("sidecar",), fix=_FIX_IN_POD),
    OperatorLimit(option="tolerations", modes=("sidecar",), fix=_FIX_IN_POD),
    OperatorLimit(option="affinity", modes=("sidecar",), fix=_FIX_IN_POD),
    OperatorLimit(option="priority_class_name", modes=("sidecar",), fix=_FIX_IN_POD),
    OperatorLimit(option="host_network", modes=("sidecar",), fix=_FIX_IN_POD),
    OperatorLimit(option="containers", modes=("sidecar",), fix=_FIX_IN_POD),
    OperatorLimit(option="init_containers", modes=("sidecar",), fix=_FIX_IN_POD),
    OperatorLimit(option="resize_policy", modes=("sidecar",), fix=_FIX_IN_POD),
    OperatorLimit(option="pod_labels", modes=("sidecar",), fix=_FIX_IN_POD),
    OperatorLimit(option="pod_annotations", modes=("sidecar",), fix=_FIX_IN_POD),
    OperatorLimit(option="image_pull_secrets", modes=("sidecar",), fix=_FIX_IN_POD),
    OperatorLimit(option="disruption_budget", modes=("sidecar",), fix=_FIX_IN_POD, asks_for_something=_has_suboption),
    OperatorLimit(option="autoscaling", modes=("sidecar",), fix=_FIX_IN_POD, asks_for_something=_has_suboption),
    OperatorLimit(
        option="termination_grace_seconds",
        modes=("sidecar",),
        fix=_FIX_IN_POD,
        asks_for_something=_differs_from(_DEFAULT_GRACE_SECONDS),
    ),
    OperatorLimit(
        option="pre_stop_seconds",
        modes=("sidecar",),
        fix=_FIX_IN_POD,
        asks_for_something=_differs_from(_DEFAULT_PRE_STOP_SECONDS),
    ),
    OperatorLimit(option="host_ports", modes=("sidecar",), fix=_FIX_OF_SIDECAR),
    OperatorLimit(option="service", modes=("sidecar",), fix=_FIX_OF_SIDECAR, asks_for_something=_has_suboption),
    OperatorLimit(option="ingress", modes=("sidecar",), fix=_FIX_OF_SIDECAR, asks_for_something=_has_suboption),
    OperatorLimit(option="routes", modes=("sidecar",), fix=_FIX_OF_SIDECAR, asks_for_something=_has_suboption),
    OperatorLimit(option="openshift_route", modes=("sidecar",), fix=_FIX_OF_SIDECAR, asks_for_something=_has_suboption),
    OperatorLimit(
        option="service_monitor",
        modes=("sidecar",),
        fix=_FIX_OF_SIDECAR,
        asks_for_something=_is_enabled,
    ),
    OperatorLimit(
        option="monitoring",
        modes=("sidecar",),
        fix=_FIX_OF_SIDECAR,
        asks_for_something=_asks_for_monitoring,
    ),
    OperatorLimit(option="network_policy", modes=("sidecar",), fix=_FIX_OF_SIDECAR, asks_for_something=_has_suboption),
    OperatorLimit(
        option="storage",
        modes=("sidecar",),
        fix="Remove it: the state of a sidecar ends with its pod.",
        asks_for_something=_names_class,
    ),
)
