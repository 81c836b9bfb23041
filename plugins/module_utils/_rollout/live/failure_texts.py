# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of workloads that fail or do not become ready: data, problems and log lines. Private."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ..._kube.live.cluster import NOT_ALLOWED, ApiError, Cluster
from ..._otelcol.config.masking import concealed, quoted
from ..._otelcol.config.paths import mappings, section
from ..._otelcol.errors import Problem
from ..._otelcol.kube.objects import ref
from ..._telemetry.logs import tail
from ..failures import OF, Object, Symptom, event_time, fix_of, title

# How many groups of symptoms have a problem and a log, and how many symptoms are data.
SHOWN_GROUPS, LISTED_SYMPTOMS = 3, 20
# How many lines of a log, characters of a line, and events are shown.
LINES, LINE_LENGTH, EVENTS = 10, 300, 5
# More lines are read than shown: the stack trace of a panic hides what it is about.
READ_LINES = 200
# How often a log is asked for while the kubelet replaces the container, and the seconds between.
LOG_TRIES, LOG_PAUSE = 4, 0.5
# The kubelet's answer instead of a log while it replaces a container.
NO_LOG = "unable to retrieve container logs"

Found = list[tuple[Object, Symptom]]


@dataclass
class _SymptomGroup:
    """Pods of a workload with the same symptom: how many there are, and the symptom and the log of the first one."""

    workload: Object
    first: Symptom
    size: int = 0
    log: list[str] = field(default_factory=list)


def described(
    cluster: Cluster, found: Found, mask: Callable[[str], str] = concealed
) -> tuple[list[dict[str, Any]], list[Problem]]:
    """Return the symptoms as data and as problems. Pods with the same symptom share one problem and one log."""
    groups: dict[tuple[str, ...], _SymptomGroup] = {}
    for workload, symptom in found:
        group = groups.setdefault(_group_key(workload, symptom), _SymptomGroup(workload, symptom))
        group.size += 1
    shown = list(groups.values())[:SHOWN_GROUPS]
    for group in shown:
        group.log = _log(cluster, group.first, mask)
    facts: list[dict[str, Any]] = []
    for workload, symptom in found[:LISTED_SYMPTOMS]:
        group = groups[_group_key(workload, symptom)]
        facts.append(_fact(workload, symptom, group.log if symptom is group.first else []))
    return facts, [_problem(group) for group in shown]


def _group_key(workload: Object, symptom: Symptom) -> tuple[str, ...]:
    """Return what symptoms of a group have in common."""
    return (str(ref(workload)), symptom.row.id, symptom.container, symptom.reason)


def _fact(workload: Object, symptom: Symptom, log: list[str]) -> dict[str, Any]:
    """Return a symptom as data."""
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
        "fix": fix_of(symptom, log).replace("NAMESPACE", str(workload["metadata"].get("namespace") or "")),
    }


def _problem(group: _SymptomGroup) -> Problem:
    """Return the problem of a group of symptoms, with the log of the first one."""
    symptom, log = group.first, group.log
    fact = _fact(group.workload, symptom, log)
    words = {"container": "container {}", "pod": "pod {}", "node": "node {}"}
    where = ", ".join(text.format(fact[key]) for key, text in words.items() if fact[key])
    more = f"; the same for {group.size - 1} more" if group.size > 1 else ""
    last_lines = "\nThe last lines of its log:\n  " + "\n  ".join(log) if log else ""
    wrong = f"{symptom.reason}: {symptom.detail.rstrip('.')}{more}"
    return Problem(wrong, asked=f"Wait for {title(group.workload)}", where=where, fix=fact["fix"] + last_lines)


def _log(cluster: Cluster, symptom: Symptom, mask: Callable[[str], str]) -> list[str]:
    """Return the last log lines of a container that ended. Retries while the kubelet replaces the container."""
    if not symptom.row.evidence or not symptom.pod:
        return []
    metadata = symptom.pod["metadata"]
    path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}/log"
    query = {"container": symptom.container, "tailLines": READ_LINES}
    for attempt in range(LOG_TRIES):
        if attempt:
            cluster.sleep(LOG_PAUSE)
        for previous in ("true", "false"):  # the previous container first: a new one may already run
            try:
                lines = _tail(cluster, path, {**query, "previous": previous}, mask)
            except ApiError as error:  # no log, or no permission to read it: report the reason only
                if error.status == NOT_ALLOWED:
                    return []
                continue
            if lines:
                return lines
    return []


def _tail(cluster: Cluster, path: str, query: dict[str, Any], mask: Callable[[str], str]) -> list[str]:
    """Return the last lines of a log that say something. Raises ApiError."""
    lines = cluster.text(path, query).splitlines()
    if lines and lines[0].startswith(NO_LOG):
        return []
    return [quoted(line, longest, mask) for line, longest in tail(lines, LINES, LINE_LENGTH)]


def unfinished(workloads: list[Object], events: list[Object]) -> list[str]:
    """Return the conditions of unfinished workloads, then the latest warning events."""
    lines: list[str] = []
    for workload in workloads:
        lines += _unmet_conditions(workload)
    warnings = [event for event in events if event.get("type") == "Warning" and _concerns(event, workloads)]
    latest = sorted(warnings, key=event_time)[-EVENTS:]
    return lines + [_event_text(event) for event in latest]


def _unmet_conditions(workload: Object) -> Iterator[str]:
    """Yield what each condition of a workload says that is not true."""
    for condition in mappings(workload, "status", "conditions"):
        if condition.get("status") != "True":
            said = quoted(str(condition.get("message") or condition.get("reason") or ""), LINE_LENGTH)
            yield f"{ref(workload)}: {condition.get('type')} is {condition.get('status')}: {said}"


def _event_text(event: Object) -> str:
    """Return what a warning says, and of which object."""
    about, said = event["involvedObject"], quoted(str(event.get("message") or ""), LINE_LENGTH)
    return f"{about.get('kind') or 'Object'} {about['name']}: {event.get('reason')}: {said}"


def _concerns(event: Object, workloads: list[Object]) -> bool:
    """Return whether an event is about a workload or an object named after it, such as a pod."""
    about = section(event, "involvedObject")
    name = str(about.get("name") or "")
    if not name:
        return False
    for workload in workloads:
        metadata = workload["metadata"]
        if about.get("namespace", "") != metadata.get("namespace", ""):
            continue
        if name == metadata["name"] or name.startswith(f"{metadata['name']}-"):
            return True
    return False
