# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts that the objects of a cluster tell about a collector: pods, events, autoscalers, Certificates.

Files of `live` read the objects and call these functions. The checks search the rows that they return, whose keys
docs/diagnose.md lists. Private.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterable, Mapping
from typing import Any, TypedDict

from .._kube.conditions import find_condition, is_ready
from .._otelcol.config.paths import list_at, mapping_at, value_at
from .._otelcol.errors import Problem, clean_text
from .._otelcol.needs.pod_logs import LOGS_ROOT
from .._otelcol.needs.quantities import parse_bytes
from .._rollout.events import REPEATED_PREFIX, read_event_time
from .._telemetry.logs import CURRENT_SECONDS
from .._telemetry.times import seconds_between
from .result_rows import PodRow

Object = Mapping[str, Any]
"""An object of Kubernetes."""
# Characters of a message of an event or a condition.
LONGEST_MESSAGE = 400
# Older events explain nothing that is wrong now.
RECENT_SECONDS = 600.0


# ── Pods and their logs ──


def describe_pod(pod: Object, container: str, current_time: str) -> PodRow:
    """Return the state of a pod, and how the last run of its collector ended. `container` is the collector's name."""
    own_status = _find_container_status(pod, container)
    last_run = mapping_at(own_status, "lastState", "terminated")
    return {
        "name": value_at(pod, ("metadata", "name")),
        "namespace": value_at(pod, ("metadata", "namespace")),
        "container": container,
        "node": value_at(pod, ("spec", "nodeName"), ""),
        "phase": value_at(pod, ("status", "phase"), ""),
        "ready": is_ready(pod),
        "restarts": int(own_status.get("restartCount") or 0),
        "last_reason": str(last_run.get("reason") or ""),
        "last_exit_code": int(last_run.get("exitCode") or 0),
        "last_seconds_ago": round(seconds_between(str(last_run.get("finishedAt") or ""), current_time)),
    }


def sort_by_trouble(pods: Iterable[Object]) -> list[Object]:
    """Return pods in the order in which their logs are worth reading.

    Pods that run without being ready come first: one in CrashLoopBackOff has phase Running. Pods that have not started
    come second, because most of them have no log. All others follow, each group in its own order.
    """
    return sorted(pods, key=_rank_by_trouble)


def _rank_by_trouble(pod: Object) -> int:
    """Return the place of a pod's group in the order of `sort_by_trouble`."""
    phase = value_at(pod, ("status", "phase"))
    if phase == "Running" and not is_ready(pod):
        return 0
    return 1 if phase == "Pending" else 2


def _find_container_status(pod: Object, container: str) -> Object:
    """Return the status of a container; a sidecar may be an init container."""
    for status in [*list_at(pod, "status", "initContainerStatuses"), *list_at(pod, "status", "containerStatuses")]:
        if status.get("name") == container:
            found_status: Object = status
            return found_status
    return {}


# How a debug exporter prints the log file that a record is from: `log.file.path: Str(/var/log/pods/NAMESPACE_NAME_UID/`
# in detailed text, `log.file.path=/var/log/pods/NAMESPACE_NAME_UID/` in normal text.
_RECORD_OF_POD = re.compile(rf"log\.file\.path(?:: Str\(|=){LOGS_ROOT}/(?P<pod>[^_/\s]+_[^_/\s]+)_")


class EchoRow(TypedDict):
    """A pod of a collector that reads its own log: how many records of it the log has in the last `seconds`."""

    pod: str
    records: int
    seconds: float


def count_echoes(log_text: str, pods: Iterable[str], current_time: str) -> list[EchoRow]:
    """Return the pods whose own records a log prints.

    A collector that prints what it reads to its own log, and reads that log, feeds itself without end.

    Each line of `log_text` begins with its time. `pods` are names such as `obs/agent-x7k2p`.
    """
    counts: Counter[str] = Counter()
    for line in log_text.splitlines():
        timestamp = line.partition(" ")[0]
        if seconds_between(timestamp, current_time) <= CURRENT_SECONDS:
            for match in _RECORD_OF_POD.finditer(line):
                counts[match["pod"].replace("_", "/")] += 1
    rows: list[EchoRow] = []
    for pod_name in pods:
        if counts[pod_name]:
            rows.append({"pod": pod_name, "records": counts[pod_name], "seconds": CURRENT_SECONDS})
    return rows


# ── Events ──


class WarningRow(TypedDict):
    """An event of type Warning. `kind` and `name` are those of the object that it is about."""

    kind: str
    name: str
    reason: str
    message: str
    count: int
    seconds_ago: int


def list_recent_warnings(events: Iterable[Object], uids: Container[Any], current_time: str) -> list[WarningRow]:
    """Return the recent warnings about the objects with these uids, the latest first."""
    own_warnings = []
    for event in events:
        if event.get("type") == "Warning" and value_at(event, ("involvedObject", "uid")) in uids:
            own_warnings.append(event)
    rows = []
    for event in keep_last_events(own_warnings):
        row = _describe_warning(event, current_time)
        if row["seconds_ago"] <= RECENT_SECONDS:
            rows.append(row)
    return sorted(rows, key=lambda row: row["seconds_ago"])


def _describe_warning(event: Object, current_time: str) -> WarningRow:
    """Return the row of an event. Its message is put on one line."""
    message = " ".join(str(event.get("message") or "").split())
    return {
        "kind": value_at(event, ("involvedObject", "kind")),
        "name": value_at(event, ("involvedObject", "name")),
        "reason": str(event.get("reason") or ""),
        "message": clean_text(message.removeprefix(REPEATED_PREFIX), LONGEST_MESSAGE),
        "count": int(value_at(event, ("series", "count")) or event.get("count") or 1),
        "seconds_ago": round(seconds_between(read_event_time(dict(event)), current_time)),
    }


def keep_last_events(events: Iterable[Object]) -> list[Object]:
    """Return the last event about each object with each reason."""
    last_events: dict[tuple[Any, Any], Object] = {}
    for event in sorted(events, key=lambda event: read_event_time(dict(event))):
        object_uid = value_at(event, ("involvedObject", "uid"))
        last_events[object_uid, event.get("reason")] = event
    return list(last_events.values())


# ── What a collector is given, and who scales it ──


def read_memory_limit(container: Object) -> int:
    """Return the memory limit of a container in bytes; 0 if it has none, or one that is no quantity."""
    memory_limit = value_at(container, ("resources", "limits", "memory")) or 0
    try:
        return parse_bytes(str(memory_limit))
    except Problem:
        return 0


class AutoscalerRow(TypedDict):
    """A HorizontalPodAutoscaler. `broken` is why it does not scale; empty if it does."""

    name: str
    current: int
    max: int
    at_max: bool
    broken: str


def list_autoscalers(scalers: Iterable[Object], targets: Iterable[tuple[str, str]]) -> list[AutoscalerRow]:
    """Return the HorizontalPodAutoscalers among `scalers` that scale one of the targets, each a kind and a name."""
    own_targets = set(targets)
    rows: list[AutoscalerRow] = []
    for scaler in scalers:
        target = mapping_at(scaler, "spec", "scaleTargetRef")
        if (target.get("kind"), target.get("name")) not in own_targets:
            continue
        current_replicas = value_at(scaler, ("status", "currentReplicas"), 0)
        max_replicas = value_at(scaler, ("spec", "maxReplicas"), 0)
        is_limited = find_condition(scaler, "ScalingLimited").get("status") == "True"
        rows.append(
            {
                "name": value_at(scaler, ("metadata", "name")),
                "current": current_replicas,
                "max": max_replicas,
                "at_max": is_limited and current_replicas >= max_replicas,
                "broken": _explain_inactive(scaler),
            }
        )
    return rows


def _explain_inactive(scaler: Object) -> str:
    """Return why an autoscaler does not scale, or an empty text."""
    active_condition = find_condition(scaler, "ScalingActive")
    if active_condition.get("status") != "False":
        return ""
    return str(active_condition.get("message") or "")


class CertificateResourceRow(TypedDict):
    """A Certificate of cert-manager. `message` says why it is ready or not."""

    name: str
    namespace: str
    secret: str
    ready: bool
    message: str


def list_certificate_resources(
    certificates: Iterable[Object], mounted_secrets: Iterable[str]
) -> list[CertificateResourceRow]:
    """Return the Certificates of cert-manager whose Secrets a collector mounts."""
    secret_names = set(mounted_secrets)
    rows: list[CertificateResourceRow] = []
    for certificate in certificates:
        secret = value_at(certificate, ("spec", "secretName"))
        if secret not in secret_names:
            continue
        ready_condition = find_condition(certificate, "Ready")
        message = str(ready_condition.get("message") or "cert-manager has not looked at it")
        rows.append(
            {
                "name": value_at(certificate, ("metadata", "name")),
                "namespace": value_at(certificate, ("metadata", "namespace")),
                "secret": secret,
                "ready": ready_condition.get("status") == "True",
                "message": clean_text(message, LONGEST_MESSAGE),
            }
        )
    return rows


# ── Target allocator ──


class TargetCountRow(TypedDict):
    """A job of Prometheus, or a collector, and how many targets it has."""

    name: str
    targets: int


class Allocation(TypedDict):
    """How a target allocator shares out its targets, by job and by collector."""

    jobs: list[TargetCountRow]
    collectors: list[TargetCountRow]


def summarize_allocation(targets_by_job: Mapping[str, Mapping[str, int]]) -> Allocation:
    """Return how many targets each job and each collector has. Each job has its number of targets by collector."""
    count_by_job: dict[str, int] = {}
    count_by_collector: Counter[str] = Counter()
    for job, counts in targets_by_job.items():
        count_by_job[job] = sum(counts.values())
        for collector, count in counts.items():
            count_by_collector[collector] += count
    return {"jobs": _list_target_counts(count_by_job), "collectors": _list_target_counts(count_by_collector)}


def _list_target_counts(count_by_name: Mapping[str, int]) -> list[TargetCountRow]:
    return [{"name": name, "targets": count} for name, count in sorted(count_by_name.items())]
