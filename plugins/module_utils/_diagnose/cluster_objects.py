# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kubernetes' own objects around a collector, as the few facts that checks ask for. Private."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from .._kube.conditions import find_condition, is_ready
from .._otelcol.config.paths import list_at, mapping_at, value_at
from .._otelcol.errors import Problem, clean_text
from .._otelcol.needs.pod_logs import LOGS_ROOT
from .._otelcol.needs.quantities import parse_bytes
from .._rollout.failures import REPEATED_PREFIX, read_event_time
from .._telemetry.logs import CURRENT_SECONDS
from .._telemetry.times import seconds_between

Object = Mapping[str, Any]
LONGEST_MESSAGE = 400
# Older events explain nothing that is wrong now.
RECENT_SECONDS = 600.0
# How a debug exporter prints which pod's log a record is of: as detailed and as normal text.
_RECORD_OF_POD = re.compile(rf"log\.file\.path(?:: Str\(|=){LOGS_ROOT}/(?P<pod>[^_/\s]+_[^_/\s]+)_")


def describe_pod(pod_object: Object, container: str, current_time: str) -> dict[str, Any]:
    """Return how a pod is, and how its collector's last run ended."""
    statuses = list_at(pod_object, "status", "containerStatuses")
    own_status: Object = next((status for status in statuses if status.get("name") == container), {})
    last_run = mapping_at(own_status, "lastState", "terminated")
    return {
        "name": value_at(pod_object, ("metadata", "name")),
        "namespace": value_at(pod_object, ("metadata", "namespace")),
        "container": container,
        "node": value_at(pod_object, ("spec", "nodeName"), ""),
        "phase": value_at(pod_object, ("status", "phase"), ""),
        "ready": is_ready(pod_object),
        "restarts": int(own_status.get("restartCount") or 0),
        "last_reason": str(last_run.get("reason") or ""),
        "last_exit_code": int(last_run.get("exitCode") or 0),
        "last_seconds_ago": round(seconds_between(str(last_run.get("finishedAt") or ""), current_time)),
    }


def count_echoes(text: str, pods: Iterable[str], current_time: str) -> list[dict[str, Any]]:
    """Return for each pod, as NAMESPACE/NAME, how many records of its log a log with timestamps has of late."""
    counts: Counter[str] = Counter()
    for line in text.splitlines():
        timestamp = line.partition(" ")[0]
        if seconds_between(timestamp, current_time) <= CURRENT_SECONDS:
            for match in _RECORD_OF_POD.finditer(line):
                counts[match["pod"].replace("_", "/")] += 1
    return [
        {"pod": pod_name, "records": counts[pod_name], "seconds": CURRENT_SECONDS}
        for pod_name in pods
        if counts[pod_name]
    ]


def list_recent_warnings(events: Iterable[Object], uids: Mapping[Any, Any], current_time: str) -> list[dict[str, Any]]:
    """Return recent warnings about objects of a collector, the latest first."""
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


def _describe_warning(event: Object, current_time: str) -> dict[str, Any]:
    """Return the facts of an event, its message on one line."""
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
    """Return the last event of each reason and object."""
    last_events: dict[tuple[Any, Any], Object] = {}
    for event in sorted(events, key=lambda event: read_event_time(dict(event))):
        last_events[value_at(event, ("involvedObject", "uid")), event.get("reason")] = event
    return list(last_events.values())


def read_memory_limit(container: Object) -> int:
    """Return the memory limit of a container in bytes, none as 0."""
    try:
        return parse_bytes(str(value_at(container, ("resources", "limits", "memory")) or 0))
    except Problem:
        return 0


def list_autoscalers(scalers: Iterable[Object], targets: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
    """Return the autoscalers of a workload or of its custom resource."""
    own_targets = set(targets)
    rows = []
    for scaler in scalers:
        target = mapping_at(scaler, "spec", "scaleTargetRef")
        if (target.get("kind"), target.get("name")) not in own_targets:
            continue
        current_replicas, max_replicas = (
            value_at(scaler, ("status", "currentReplicas"), 0),
            value_at(scaler, ("spec", "maxReplicas"), 0),
        )
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
    return str(active_condition.get("message") or "") if active_condition.get("status") == "False" else ""


def list_certificate_resources(certificates: Iterable[Object], secrets: Iterable[str]) -> list[dict[str, Any]]:
    """Return cert-manager's Certificates whose Secrets a collector mounts."""
    mounted_secrets = set(secrets)
    rows = []
    for certificate in certificates:
        secret = value_at(certificate, ("spec", "secretName"))
        if secret not in mounted_secrets:
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


def summarize_allocation(targets: Mapping[str, Mapping[str, int]]) -> dict[str, Any]:
    """Return the distribution of a target allocator, given the targets of each collector by job."""
    count_by_collector: dict[str, int] = {}
    for counts in targets.values():
        for name, count in counts.items():
            count_by_collector[name] = count_by_collector.get(name, 0) + count
    return {
        "jobs": [{"name": job, "targets": sum(counts.values())} for job, counts in sorted(targets.items())],
        "collectors": [{"name": name, "targets": count} for name, count in sorted(count_by_collector.items())],
    }
