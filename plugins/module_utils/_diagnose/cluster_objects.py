# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kubernetes' own objects around a collector, as the few facts that checks ask for. Private."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

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
    own: Object = next((status for status in statuses if status.get("name") == container), {})
    last = section(own, "lastState", "terminated")
    conditions = items(item, "status", "conditions")
    ready = any(one.get("type") == "Ready" and one.get("status") == "True" for one in conditions)
    return {
        "name": at(item, ("metadata", "name")),
        "namespace": at(item, ("metadata", "namespace")),
        "container": container,
        "node": at(item, ("spec", "nodeName"), ""),
        "phase": at(item, ("status", "phase"), ""),
        "ready": ready,
        "restarts": int(own.get("restartCount") or 0),
        "last_reason": str(last.get("reason") or ""),
        "last_exit_code": int(last.get("exitCode") or 0),
        "last_seconds_ago": round(seconds_between(str(last.get("finishedAt") or ""), now)),
    }


def echoes(text: str, pods: Iterable[str], now: str) -> list[dict[str, Any]]:
    """Return for each pod, as NAMESPACE/NAME, how many records of its log a log with timestamps has of late."""
    found: Counter[str] = Counter()
    for line in text.splitlines():
        if seconds_between(line.partition(" ")[0], now) <= CURRENT_SECONDS:
            found.update(match["pod"].replace("_", "/") for match in _RECORD.finditer(line))
    return [{"pod": pod, "records": found[pod], "seconds": CURRENT_SECONDS} for pod in pods if found[pod]]


def warnings(events: Iterable[Object], uids: Mapping[Any, Any], now: str) -> list[dict[str, Any]]:
    """Return recent warnings about objects of a collector, the latest first."""
    mine = (one for one in events if at(one, ("involvedObject", "uid")) in uids and one.get("type") == "Warning")
    rows = [
        {
            "kind": at(one, ("involvedObject", "kind")),
            "name": at(one, ("involvedObject", "name")),
            "reason": str(one.get("reason") or ""),
            "message": cleaned(" ".join(str(one.get("message") or "").split()).removeprefix(REPEATED), LONGEST),
            "count": int(at(one, ("series", "count")) or one.get("count") or 1),
            "seconds_ago": round(seconds_between(event_time(dict(one)), now)),
        }
        for one in events_of(mine)
    ]
    return sorted((row for row in rows if row["seconds_ago"] <= RECENT), key=lambda row: row["seconds_ago"])


def events_of(events: Iterable[Object]) -> list[Object]:
    last: dict[tuple[Any, Any], Object] = {}
    for one in sorted(events, key=lambda item: event_time(dict(item))):
        last[at(one, ("involvedObject", "uid")), one.get("reason")] = one
    return list(last.values())


def memory_limit(container: Object) -> int:
    """Return the memory limit of a container in bytes, none as 0."""
    try:
        return parse_bytes(str(at(container, ("resources", "limits", "memory")) or 0))
    except Problem:
        return 0


def autoscalers(scalers: Iterable[Object], targets: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
    """Return the autoscalers of a workload or of its custom resource."""
    wanted = set(targets)
    rows = []
    for item in scalers:
        target = section(item, "spec", "scaleTargetRef")
        if (target.get("kind"), target.get("name")) in wanted:
            current, most = at(item, ("status", "currentReplicas"), 0), at(item, ("spec", "maxReplicas"), 0)
            limited = [
                one
                for one in items(item, "status", "conditions")
                if one.get("type") == "ScalingLimited" and one.get("status") == "True"
            ]
            broken = [
                one
                for one in items(item, "status", "conditions")
                if one.get("type") == "ScalingActive" and one.get("status") == "False"
            ]
            rows.append(
                {
                    "name": at(item, ("metadata", "name")),
                    "current": current,
                    "max": most,
                    "at_max": bool(limited and current >= most),
                    "broken": str(broken[0].get("message") or "") if broken else "",
                }
            )
    return rows


def conditions(item: Object) -> dict[str, dict[str, Any]]:
    return {str(one.get("type")): one for one in items(item, "status", "conditions")}


def certificate_resources(found: Iterable[Object], secrets: Iterable[str]) -> list[dict[str, Any]]:
    """Return cert-manager's Certificates whose Secrets a collector mounts."""
    wanted = set(secrets)
    rows = []
    for item in found:
        if at(item, ("spec", "secretName")) in wanted:
            ready = conditions(item).get("Ready", {})
            rows.append(
                {
                    "name": at(item, ("metadata", "name")),
                    "namespace": at(item, ("metadata", "namespace")),
                    "secret": at(item, ("spec", "secretName")),
                    "ready": ready.get("status") == "True",
                    "message": cleaned(str(ready.get("message") or "cert-manager has not looked at it"), LONGEST),
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
