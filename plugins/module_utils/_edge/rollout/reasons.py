# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell what keeps a workload from being ready: where, in whose words, with the end of the log. Private."""

from __future__ import annotations

from typing import Any

from ..._core.cluster.bundle import ref
from ..._core.cluster.rollout import OF, Object, Symptom, event_time, title
from ..._core.errors import Problem
from ..api.cluster import ApiError, Cluster

SHOWN, LISTED, LINES, LINE_LENGTH, EVENTS = 3, 20, 10, 300, 5
LOG_TRIES, LOG_PAUSE = 4, 0.5
# The kubelet's answer, in place of a log, while it puts a new container in the place of an old one.
NO_LOG = "unable to retrieve container logs"

Found = list[tuple[Object, Symptom]]


def told(cluster: Cluster, found: Found) -> tuple[list[dict[str, Any]], list[Problem]]:
    """Return the symptoms for machines and for people. What many pods share is told once, with one log."""
    groups: dict[tuple[str, ...], Found] = {}
    for workload, symptom in found:
        key = (str(ref(workload)), symptom.row.id, symptom.container, symptom.reason)
        groups.setdefault(key, []).append((workload, symptom))
    shown = list(groups.values())[:SHOWN]
    logs = [_log(cluster, group[0][1]) for group in shown]
    problems = [_problem(group, log) for group, log in zip(shown, logs, strict=True)]
    first_of = {id(group[0][1]): log for group, log in zip(shown, logs, strict=True)}
    facts = [_fact(workload, symptom, first_of.get(id(symptom), [])) for workload, symptom in found[:LISTED]]
    return facts, problems


def _fact(workload: Object, symptom: Symptom, log: list[str]) -> dict[str, Any]:
    pod = symptom.pod or {"metadata": {"name": ""}, "spec": {}}
    return {
        "id": symptom.row.id,
        **ref(workload)._asdict(),
        "of": workload.get(OF) or "",
        "pod": pod["metadata"]["name"],
        "node": pod["spec"].get("nodeName") or "",
        "container": symptom.container,
        "reason": symptom.reason,
        "message": symptom.detail,
        "log": log,
        "fix": symptom.row.fix,
    }


def _problem(group: Found, log: list[str]) -> Problem:
    workload, symptom = group[0]
    fact = _fact(workload, symptom, log)
    words = {"container": "container {}", "pod": "pod {}", "node": "node {}"}
    where = ", ".join(text.format(fact[key]) for key, text in words.items() if fact[key])
    more = f"; the same for {len(group) - 1} more" if len(group) > 1 else ""
    last = "\nThe last lines of its log:\n  " + "\n  ".join(log) if log else ""
    wrong = f"{symptom.reason}: {symptom.detail.rstrip('.')}{more}"
    return Problem(wrong, asked=f"Wait for {title(workload)}", where=where, fix=symptom.row.fix + last)


def _log(cluster: Cluster, symptom: Symptom) -> list[str]:
    """Return the end of the log of a container that ended; between two tries the kubelet may need a moment."""
    if not symptom.row.evidence or not symptom.pod:
        return []
    metadata = symptom.pod["metadata"]
    path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}/log"
    for _try in range(LOG_TRIES):
        for previous in ("true", "false"):  # the one before, in case that a new one runs already
            lines = _tail(cluster, path, {"container": symptom.container, "tailLines": LINES, "previous": previous})
            if lines:
                return lines
        cluster.sleep(LOG_PAUSE)
    return []


def _tail(cluster: Cluster, path: str, query: dict[str, Any]) -> list[str]:
    try:
        lines = cluster.text(path, query).splitlines()
    except ApiError:  # there is none, or this user may not read it: then the reason stands alone
        return []
    if lines and lines[0].startswith(NO_LOG):
        return []
    return [line[:LINE_LENGTH] for line in lines[-LINES:]]


def unfinished(workloads: list[Object], events: list[Object]) -> list[str]:
    """Return what the cluster itself says about workloads that are late: conditions, then the last warnings."""
    lines = []
    for workload in workloads:
        conditions = workload.get("status", {}).get("conditions") or []
        lines += [
            f"{ref(workload)}: {item['type']} is {item['status']}: {item.get('message') or item.get('reason') or ''}"
            for item in conditions
            if item.get("status") != "True"
        ]
    warnings = [event for event in events if event.get("type") == "Warning" and _concerns(event, workloads)]
    for event in sorted(warnings, key=event_time)[-EVENTS:]:
        said = " ".join(str(event.get("message") or "").split())[:LINE_LENGTH]
        lines.append(
            f"{event['involvedObject']['kind']} {event['involvedObject']['name']}: {event.get('reason')}: {said}"
        )
    return lines


def _concerns(event: Object, workloads: list[Object]) -> bool:
    """Return whether an event is about a workload or about what carries its name, as its pods do."""
    about = event["involvedObject"]
    names = [(w["metadata"].get("namespace", ""), w["metadata"]["name"]) for w in workloads]
    return any(
        about.get("namespace", "") == namespace and (about["name"] == name or about["name"].startswith(f"{name}-"))
        for namespace, name in names
    )
