# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on memory and cost: the limiter's numbers, the container's limit, caches, traces, and the number of series.

Source: internal/memorylimiter/config.go in the Collector, processor.go and factory.go of tail_sampling, and the READMEs
of memory_limiter and k8s_attributes.
Private.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from ..config.paths import at, items, section
from ..needs.quantities import DECIDED_TRACE_BYTES, LIMIT_PERCENT, SPIKE_PERCENT, TRACE_BYTES, duration
from .components import configured_components
from .constraints import nanoseconds
from .subject import Fault, Subject, about, rules
from .view import Part, kind_of

_DOCUMENTATION = (
    "https://github.com/open-telemetry/opentelemetry-collector/blob/main/processor/memorylimiterprocessor/README.md"
)
_K8S_ATTRIBUTES = (
    "https://github.com/open-telemetry/opentelemetry-collector-contrib/blob/main/processor/k8sattributesprocessor"
    "/README.md"
)
_NOTHING = re.compile(r"0*+(?:\.0*)?(ns|us|µs|ms|s|m|h)?\Z")
_PAIRS = (("limit_mib", "spike_limit_mib"), ("limit_percentage", "spike_limit_percentage"))
_LIMITS = tuple(limit for limit, _spike in _PAIRS)
# What a limiter does not read beside the limit that it heeds.
_IGNORED_BESIDE = {"limit_mib": _PAIRS[1], "limit_percentage": ("spike_limit_mib",)}
_MOST_PERCENT = 100
_LIMITER = "memorylimiter"


def memory_limiter_settings(subject: Subject) -> Iterator[Fault]:
    """Yield memory limiters with numbers that the Collector rejects, even if no pipeline uses them."""
    for part in _configured_limiters(subject):
        if _is_nothing(part.settings.get("check_interval")):
            yield Fault(part.path, f"'{part.id}' has no check_interval, or one of zero", "Add `check_interval: 1s`.")
        if all(_is_nothing(part.settings.get(limit)) for limit in _LIMITS):
            yield Fault(part.path, f"'{part.id}' has no limit", f"Add `limit_percentage: {LIMIT_PERCENT}`.")
        for limit, spike in _PAIRS:
            yield from _crossed(part, limit, spike)


@about("deployment")
def memory_limiter_above_container(subject: Subject) -> Iterator[Fault]:
    """Yield limits above the container's memory limit: the kernel ends the process before the limiter acts."""
    available = subject.deployment.memory_limit_mib if subject.deployment else None
    if not available:
        return
    owner = "service" if subject.on_host else "container"
    for part in _limiters(subject):
        limit = _whole_number(part.settings.get("limit_mib"))
        if limit and limit >= available:
            yield Fault(
                (*part.path, "limit_mib"),
                f"limit_mib is {limit}, but the {owner} may use only {available} MiB",
                f"Write at most {available * LIMIT_PERCENT // _MOST_PERCENT}, with a `spike_limit_mib` of "
                f"{available * SPIKE_PERCENT // _MOST_PERCENT}, or raise the {owner}'s memory limit.",
            )


@about("deployment")
def memory_limiter_unbounded(subject: Subject) -> Iterator[Fault]:
    """Yield percentages in a container without a memory limit: they refer to the memory of the node."""
    if not subject.deployment or subject.deployment.memory_limit_mib != 0:
        return
    for part in _limiters(subject):
        if part.settings.get("limit_percentage") and not part.settings.get("limit_mib"):
            message = "this is a percentage of the node's memory, since the container has no memory limit"
            fix = "Give the container a memory limit, or write `limit_mib`."
            yield Fault((*part.path, "limit_percentage"), message, fix)


def memory_limiter_ignored(subject: Subject) -> Iterator[Fault]:
    """Yield percentages and MiB of memory limiters that have no effect: `limit_mib` takes precedence."""
    for part in _limiters(subject):
        used = _used_limit(part)
        for key in _IGNORED_BESIDE.get(used, ()):
            if _whole_number(part.settings.get(key)):
                fix = f"Remove `{key}`, or `{used}`." if key in _LIMITS else f"Remove `{key}`."
                yield Fault((*part.path, key), f"{key} has no effect beside {used}", fix)


def _used_limit(part: Part) -> str:
    """Return the key of the limit that a memory limiter heeds; empty if it has none."""
    for key in _LIMITS:
        if _whole_number(part.settings.get(key)):
            return key
    return ""


@about("deployment")
def autoscaler_without_request(subject: Subject) -> Iterator[Fault]:
    """Yield autoscalers that measure the share of a resource which a container does not request: they never scale."""
    missing = subject.deployment.unrequested if subject.deployment else ()
    for name in missing:
        message = f"the autoscaler measures {name} as a share of the request, and a container of the pod requests none"
        fix = f"Add `resources: {{requests: {{{name}: AMOUNT}}}}` to each container, unless a LimitRange does so."
        yield Fault((), message, fix)


# The part of the limit from which on data is refused; a limiter that begins below it wastes most of its memory.
_LEAST_SHARE = 3


def memory_limiter_spike(subject: Subject) -> Iterator[Fault]:
    """Yield spike limits so large that a limiter refuses data from a third of its limit on, or earlier."""
    for part in _limiters(subject):
        limit_key, spike_key = _PAIRS[0] if part.settings.get("limit_mib") else _PAIRS[1]
        limit, spike = _whole_number(part.settings.get(limit_key)), _whole_number(part.settings.get(spike_key))
        if not limit or not spike or spike >= limit:
            continue
        refuses_from = limit - spike
        if refuses_from * _LEAST_SHARE <= limit:
            unit = "MiB" if limit_key == "limit_mib" else "%"
            message = (
                f"'{part.id}' refuses data from {refuses_from} {unit} of memory on, though its limit is {limit} {unit}"
            )
            fix = f"Write about a quarter of {limit_key} here: {max(limit // 4, 1)}."
            yield Fault((*part.path, spike_key), message, fix)


_MIB = 2**20
_WAITS = ("decision_wait", "decision_wait_after_root_received")
_DEFAULT_WAIT, _DEFAULT_TRACES = "30s", 50_000
# With these, traces are kept elsewhere or for a shorter time.
_ELSEWHERE = {"tail_storage": None, "sampling_strategy": "trace-complete"}
_FORGETS = ("decision_cache", "block_on_overflow")


@about(processors=["tailsampling"])
def traces_above_memory(subject: Subject) -> Iterator[Fault]:
    """Yield tail_sampling that keeps more traces than fit into the memory of the collector.

    Each trace counts with the least that it takes (`TRACE_BYTES`), so traces with several spans may need far more.
    """
    available = _available_mib(subject)
    for part in subject.view.of("processors", "tailsampling"):
        traces, needed_mib = _kept_traces(part.settings)
        if 0 < available < needed_mib:
            rate = _whole_number(part.settings.get("expected_new_traces_per_sec"))
            expected = f" with the {rate} new traces a second that it expects" if rate else ""
            message = (
                f"'{part.id}' keeps up to {traces} traces, which take at least {needed_mib} MiB of memory{expected}, "
                f"but only {available} MiB may be used"
            )
            fix = (
                "Raise the memory limit, shorten `decision_wait`, or lower `num_traces` and "
                "`expected_new_traces_per_sec`, which recipe tail_sampling derives from `traces_per_second`."
            )
            path = (*part.path, "num_traces") if "num_traces" in part.settings else part.path
            yield Fault(path, message, fix)


def _kept_traces(settings: dict[str, Any]) -> tuple[int, int]:
    """Return how many traces a sampler keeps, and the MiB that they take at least; 0 if that is not certain."""
    if any(settings.get(key) not in (None, default) for key, default in _ELSEWHERE.items()):
        return 0, 0
    wait, wait_after_root = (settings.get(key) or "" for key in _WAITS)
    if "$" in f"{wait}{wait_after_root}":
        return 0, 0
    seconds = _shortest([wait or _DEFAULT_WAIT, wait_after_root])
    traces = _whole_number(settings.get("num_traces", _DEFAULT_TRACES)) or 0
    rate = _whole_number(settings.get("expected_new_traces_per_sec")) or 0
    waiting = _waiting_traces(rate, seconds, traces)
    forgets_decided = any(settings.get(key) for key in _FORGETS)
    decided = 0 if forgets_decided else traces - waiting
    return traces, (waiting * TRACE_BYTES + decided * DECIDED_TRACE_BYTES) // _MIB


def _waiting_traces(rate: int, seconds: float, most: int) -> int:
    """Return how many new traces come in some seconds, at the most so many as a sampler keeps."""
    if not rate:
        return 0
    try:
        return min(most, int(rate * seconds))
    except OverflowError:  # more than a float holds
        return most


def _shortest(waits: Iterable[Any]) -> float:
    """Return the shortest of these durations in seconds, without those of zero; 0 if no other is left.

    A number without a unit is in nanoseconds.
    """
    lengths = [nanoseconds(wait) if isinstance(wait, (int, float)) else duration(wait) for wait in waits]
    return min((length for length in lengths if length), default=0)


def _available_mib(subject: Subject) -> int:
    """Return the MiB that the container and its limiters admit; 0 if that is not known."""
    container = (subject.deployment.memory_limit_mib if subject.deployment else None) or 0
    limits = [_limit_mib(part, container) for part in _limiters(subject)]
    limit = max(limits) if limits and all(limits) else 0
    if container and limit:
        return min(container, limit)
    return container or limit


def _limit_mib(part: Part, container: int) -> int:
    """Return the MiB of a limiter's limit, which may be a share of the container's memory."""
    limit = _whole_number(part.settings.get("limit_mib"))
    if limit:
        return limit
    percentage = _whole_number(part.settings.get("limit_percentage")) or 0
    return container * percentage // _MOST_PERCENT


@about("deployment")
def whole_cluster_cache(subject: Subject) -> Iterator[Fault]:
    """Yield k8s_attributes of agents that cache all pods of the cluster instead of the pods of their node."""
    if not subject.deployment or subject.deployment.mode != "daemonset":
        return
    for part in subject.view.of("processors", "k8sattributes"):
        is_narrowed = not section(part.settings, "filter").keys().isdisjoint(_OF_OWN_NODE)
        if part.settings.get("passthrough") is not True and not is_narrowed:
            message = f"every agent's '{part.id}' watches the pods of all nodes"
            yield Fault(part.path, message, "Add `filter: {node_from_env_var: K8S_NODE_NAME}`.")


# The filters of k8s_attributes that keep to the pods of one node.
_OF_OWN_NODE = ("node", "node_from_env_var")


_MEASURED_BY_KUBELET = ("cpu", "memory")


@about(receivers=["hostmetrics"])
def node_measured_twice(subject: Subject) -> Iterator[Fault]:
    """Yield scrapers of host_metrics that measure what kubelet_stats of the same collector measures of the node."""
    kubelets = [part.id for part in subject.view.of("receivers", "kubeletstats") if _measures_node(part)]
    if not kubelets:
        return
    for part in subject.view.of("receivers", "hostmetrics"):
        scrapers = section(part.settings, "scrapers")
        for name in _MEASURED_BY_KUBELET:
            if name in scrapers:
                message = f"scraper {name} of '{part.id}' and '{kubelets[0]}' both measure the {name} of the node"
                fix = "Remove the scraper, or leave `node` out of the `metric_groups` of the kubelet."
                yield Fault((*part.path, "scrapers", name), message, fix)


def _measures_node(part: Part) -> bool:
    """Whether a receiver kubelet_stats reports the node, as it does by default."""
    groups = part.settings.get("metric_groups")
    return groups is None or "node" in items(part.settings, "metric_groups")


def _limiters(subject: Subject) -> Iterator[Part]:
    for name in ("processors", "extensions"):
        yield from subject.view.of(name, _LIMITER)


def _configured_limiters(subject: Subject) -> Iterator[Part]:
    """Yield all memory limiters of a config, without those whose settings are a variable."""
    for name, component_id, kind, settings in configured_components(subject):
        if kind_of(kind) == _LIMITER and not isinstance(settings, str):
            yield Part(name, component_id, _LIMITER, settings if isinstance(settings, dict) else {})


def _crossed(part: Part, limit_key: str, spike_key: str) -> Iterator[Fault]:
    """Yield a spike limit that is not below the limit, and percentages above 100."""
    limit, spike = _whole_number(part.settings.get(limit_key)), _whole_number(part.settings.get(spike_key))
    if limit and spike and spike >= limit:
        message = f"{spike_key} is {spike}, not smaller than {limit_key}, which is {limit}"
        yield Fault((*part.path, spike_key), message, f"Write about a quarter of {limit_key}: {max(limit // 4, 1)}.")
    if not limit_key.endswith("percentage"):
        return
    for key, value in ((limit_key, limit), (spike_key, spike)):
        if value and value > _MOST_PERCENT:
            message = f"{key} is {value}, more than {_MOST_PERCENT}"
            yield Fault((*part.path, key), message, f"Write at most {_MOST_PERCENT}.")


def _whole_number(value: Any) -> int | None:
    """Return a value that is a whole number; None for all others."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _is_nothing(value: Any) -> bool:
    """Whether a value is absent or zero; a variable counts as neither. The decoder cuts the fraction of a number."""
    if isinstance(value, (int, float)):
        return abs(value) < 1
    if isinstance(value, str):
        return bool(_NOTHING.match(value))
    return value is None


_CONTRIB = "https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main"
# Attributes whose value differs for nearly every request. Source: OpenTelemetry's semantic conventions.
_UNIQUE = frozenset(
    (
        "client.address",
        "client.port",
        "db.query.text",
        "db.statement",
        "enduser.id",
        "exception.stacktrace",
        "http.client_ip",
        "http.target",
        "http.url",
        "messaging.message.id",
        "messaging.message_id",
        "net.peer.port",
        "net.sock.peer.port",
        "network.peer.port",
        "session.id",
        "span.id",
        "span_id",
        "thread.id",
        "trace.id",
        "trace_id",
        "url.full",
        "url.path",
        "url.query",
        "user.id",
    )
)
_EVERYTHING = re.compile(r"\^?\(?\.[*+]\)?\$?\Z")
_ROLLUP = "NoDimensionRollup"


@about(connectors=["spanmetrics"])
def unbounded_dimension(subject: Subject) -> Iterator[Fault]:
    """Yield dimensions of span metrics whose value differs for nearly every span."""
    for part in subject.view.of("connectors", "spanmetrics"):
        if part.settings.get("aggregation_cardinality_limit"):
            continue
        for key in ("dimensions", "calls_dimensions"):
            for index, dimension in enumerate(items(part.settings, key)):
                name = at(dimension, ("name",))
                if isinstance(name, str) and name in _UNIQUE:
                    message = f"'{name}' has a new value in nearly every span, and each value creates new series"
                    fix = "Use a bounded attribute such as http.route, or set `aggregation_cardinality_limit`."
                    yield Fault((*part.path, key, index), message, fix)


@about(processors=["k8sattributes"])
def every_label(subject: Subject) -> Iterator[Fault]:
    """Yield k8s_attributes that copy all labels or annotations of a pod."""
    for part in subject.view.of("processors", "k8sattributes"):
        for what in ("labels", "annotations"):
            for index, extracted in enumerate(items(part.settings, "extract", what)):
                pattern = at(extracted, ("key_regex",))
                if isinstance(pattern, str) and _EVERYTHING.match(pattern):
                    message = f"every one of the {what} becomes an attribute"
                    fix = "Name the wanted ones with `key`, or with a narrower `key_regex`."
                    yield Fault((*part.path, "extract", what, index), message, fix)


@about(exporters=["awsemf"])
def dimension_rollup(subject: Subject) -> Iterator[Fault]:
    """Yield awsemf exporters that store each metric several times with fewer dimensions."""
    for part in subject.view.of("exporters", "awsemf"):
        rolls_up = part.settings.get("dimension_rollup_option", "") != _ROLLUP
        if rolls_up and not part.settings.get("metric_declarations"):
            message = f"'{part.id}' stores, and bills, every metric also without its dimensions and with each alone"
            yield Fault(part.path, message, f"Add `dimension_rollup_option: {_ROLLUP}`.")


@about("deployment")
def storage_unclaimed(subject: Subject) -> Iterator[Fault]:
    """Yield collectors whose option `storage` claims nothing: another mode than statefulset, or no state to keep."""
    deployment = subject.deployment
    if not deployment or not deployment.asks_for_storage:
        return
    if deployment.mode != "statefulset":
        ends = "stays on the node" if deployment.mode == "daemonset" else "ends with the pod"
        message = f"`storage` claims no volume in mode {deployment.mode}, in which the state of a collector {ends}"
        yield Fault((), message, "Use mode statefulset, or remove `storage`.")
    elif not any(subject.view.of("extensions", "filestorage")):
        message = "`storage` claims no volume, because the config keeps no state"
        yield Fault((), message, "Start an extension file_storage and name it in `sending_queue`, or remove `storage`.")


_AUTOSCALING = "https://kubernetes.io/docs/concepts/workloads/autoscaling/horizontal-pod-autoscale/"
_STATEFUL_SETS = "https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#volume-claim-templates"
RULES = (
    *rules("error", memory_limiter_settings, shared=True, documentation=_DOCUMENTATION),
    *rules(
        "warning",
        memory_limiter_above_container,
        memory_limiter_unbounded,
        memory_limiter_spike,
        documentation=_DOCUMENTATION,
    ),
    *rules("warning", autoscaler_without_request, documentation=_AUTOSCALING),
    *rules("warning", memory_limiter_ignored, documentation=_DOCUMENTATION),
    *rules("warning", traces_above_memory, documentation=f"{_CONTRIB}/processor/tailsamplingprocessor"),
    *rules("warning", storage_unclaimed, documentation=_STATEFUL_SETS),
    *rules("info", whole_cluster_cache, documentation=_K8S_ATTRIBUTES),
    *rules("info", node_measured_twice, documentation=f"{_CONTRIB}/receiver/kubeletstatsreceiver"),
    *rules("info", unbounded_dimension, documentation=f"{_CONTRIB}/connector/spanmetricsconnector"),
    *rules("info", every_label, documentation=f"{_CONTRIB}/processor/k8sattributesprocessor"),
    *rules("info", dimension_rollup, documentation=f"{_CONTRIB}/exporter/awsemfexporter"),
)
