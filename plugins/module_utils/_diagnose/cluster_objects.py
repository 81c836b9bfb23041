# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kubernetes' own objects around a collector, as the few facts that checks ask for. Private."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from .._kube.conditions import condition_of, is_ready
from .._otelcol.config.paths import at, items, section
from .._otelcol.errors import Problem, cleaned
from .._otelcol.needs.pod_logs import ROOT
from .._otelcol.needs.quantities import parse_bytes
from .._rollout.failures import REPEATED, event_time
from .._telemetry.logs import CURRENT_SECONDS
from .._telemetry.times import seconds_between

Object = Mapping[str, Any]
LONGEST = 400
# Older events explain nothing that is wrong now.
RECENT = 600.0
# How a debug exporter prints which pod's log a record is of: as detailed and as normal text.
_RECORD = re.compile(rf"log\.file\.path(?:: Str\(|=){ROOT}/(?P<pod>[^_/\s]+_[^_/\s]+)_")


def pod(item: Object, container: str, now: str) -> dict[str, Any]:
    """Return how a pod is, and how its collector's last run ended."""
    statuses = items(item, "status", "containerStatuses")
    own_status: Object = next((status for status in statuses if status.get("name") == container), {})
    last_run = section(own_status, "lastState", "terminated")
    return {
        "name": at(item, ("metadata", "name")),
        "namespace": at(item, ("metadata", "namespace")),
        "container": container,
        "node": at(item, ("spec", "nodeName"), ""),
        "phase": at(item, ("status", "phase"), ""),
        "ready": is_ready(item),
        "restarts": int(own_status.get("restartCount") or 0),
        "last_reason": str(last_run.get("reason") or ""),
        "last_exit_code": int(last_run.get("exitCode") or 0),
        "last_seconds_ago": round(seconds_between(str(last_run.get("finishedAt") or ""), now)),
    }


def echoes(text: str, pods: Iterable[str], now: str) -> list[dict[str, Any]]:
    """Return for each pod, as NAMESPACE/NAME, how many records of its log a log with timestamps has of late."""
    counts: Counter[str] = Counter()
    for line in text.splitlines():
        time = line.partition(" ")[0]
        if seconds_between(time, now) <= CURRENT_SECONDS:
            for match in _RECORD.finditer(line):
                counts[match["pod"].replace("_", "/")] += 1
    return [{"pod": pod, "records": counts[pod], "seconds": CURRENT_SECONDS} for pod in pods if counts[pod]]


def warnings(events: Iterable[Object], uids: Mapping[Any, Any], now: str) -> list[dict[str, Any]]:
    """Return recent warnings about objects of a collector, the latest first."""
    own_warnings = []
    for event in events:
        if event.get("type") == "Warning" and at(event, ("involvedObject", "uid")) in uids:
            own_warnings.append(event)
    rows = []
    for event in events_of(own_warnings):
        row = _warning(event, now)
        if row["seconds_ago"] <= RECENT:
            rows.append(row)
    return sorted(rows, key=lambda row: row["seconds_ago"])


def _warning(event: Object, now: str) -> dict[str, Any]:
    """Return the facts of an event, its message on one line."""
    message = " ".join(str(event.get("message") or "").split())
    return {
        "kind": at(event, ("involvedObject", "kind")),
        "name": at(event, ("involvedObject", "name")),
        "reason": str(event.get("reason") or ""),
        "message": cleaned(message.removeprefix(REPEATED), LONGEST),
        "count": int(at(event, ("series", "count")) or event.get("count") or 1),
        "seconds_ago": round(seconds_between(event_time(dict(event)), now)),
    }


def events_of(events: Iterable[Object]) -> list[Object]:
    """Return the last event of each reason and object."""
    last_events: dict[tuple[Any, Any], Object] = {}
    for event in sorted(events, key=lambda event: event_time(dict(event))):
        last_events[at(event, ("involvedObject", "uid")), event.get("reason")] = event
    return list(last_events.values())


def memory_limit(container: Object) -> int:
    """Return the memory limit of a container in bytes, none as 0."""
    try:
        return parse_bytes(str(at(container, ("resources", "limits", "memory")) or 0))
    except Problem:
        return 0


def autoscalers(scalers: Iterable[Object], targets: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
    """Return the autoscalers of a workload or of its custom resource."""
    own_targets = set(targets)
    rows = []
    for scaler in scalers:
        target = section(scaler, "spec", "scaleTargetRef")
        if (target.get("kind"), target.get("name")) not in own_targets:
            continue
        current, most = at(scaler, ("status", "currentReplicas"), 0), at(scaler, ("spec", "maxReplicas"), 0)
        is_limited = condition_of(scaler, "ScalingLimited").get("status") == "True"
        rows.append(
            {
                "name": at(scaler, ("metadata", "name")),
                "current": current,
                "max": most,
                "at_max": is_limited and current >= most,
                "broken": _why_not_active(scaler),
            }
        )
    return rows


def _why_not_active(scaler: Object) -> str:
    """Return why an autoscaler does not scale, or an empty text."""
    active = condition_of(scaler, "ScalingActive")
    return str(active.get("message") or "") if active.get("status") == "False" else ""


def certificate_resources(found: Iterable[Object], secrets: Iterable[str]) -> list[dict[str, Any]]:
    """Return cert-manager's Certificates whose Secrets a collector mounts."""
    mounted = set(secrets)
    rows = []
    for certificate in found:
        secret = at(certificate, ("spec", "secretName"))
        if secret not in mounted:
            continue
        ready = condition_of(certificate, "Ready")
        message = str(ready.get("message") or "cert-manager has not looked at it")
        rows.append(
            {
                "name": at(certificate, ("metadata", "name")),
                "namespace": at(certificate, ("metadata", "namespace")),
                "secret": secret,
                "ready": ready.get("status") == "True",
                "message": cleaned(message, LONGEST),
            }
        )
    return rows


def share(targets: Mapping[str, Mapping[str, int]]) -> dict[str, Any]:
    """Return the distribution of a target allocator, given the targets of each collector by job."""
    by_collector: dict[str, int] = {}
    for counts in targets.values():
        for name, count in counts.items():
            by_collector[name] = by_collector.get(name, 0) + count
    return {
        "jobs": [{"name": job, "targets": sum(counts.values())} for job, counts in sorted(targets.items())],
        "collectors": [{"name": name, "targets": count} for name, count in sorted(by_collector.items())],
    }
