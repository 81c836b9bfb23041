# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Describe why workloads fail or do not become ready: as data, as problems and as lines of logs. Private.

Waits end in a Failure with these texts. A symptom is a fault of a workload or a pod (failures.py). Everything that is
shown here is masked, since logs and messages may hold secrets. For example:

    Wait for Deployment obs/gateway: ErrImagePull: manifest unknown; the same for 2 more
    (container otc-container, pod gateway-x7k2p, node a). Check the image's name and tag, …
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypedDict

from ..._kube.live.cluster import NOT_ALLOWED, ApiError, Cluster
from ..._otelcol.config.masking import conceal_secrets, mask_and_clean
from ..._otelcol.config.paths import mapping_at, mappings_at
from ..._otelcol.errors import Problem
from ..._otelcol.kube.objects import ref
from ..._telemetry.crash_logs import select_last_lines
from ..events import read_event_time
from ..failures import OWNER_NAME_KEY, Object, Symptom, WorkloadSymptom, format_title
from ..symptom_fixes import find_fix

# How many groups of symptoms become problems with a log.
SHOWN_GROUPS = 3
# How many symptoms become data.
LISTED_SYMPTOMS = 20
# How many lines of a log are shown, and how many characters of a line.
MOST_LINES = 10
LONGEST_LINE = 300
# How many events are shown.
MOST_EVENTS = 5
# More lines are read than shown: the stack trace of a panic hides what it is about.
LINES_TO_READ = 200
# How often a log is read while the kubelet replaces the container.
LOG_TRIES = 4
# The seconds between.
LOG_PAUSE = 0.5
# How the kubelet's answer begins while it replaces a container, in place of a log.
NO_LOG_ANSWER = "unable to retrieve container logs"


class FailureResult(TypedDict):
    """A symptom in the result of a task. A symptom of a workload as a whole has empty texts for pod and container."""

    id: str
    """That of a row of failure_tables.py, or of a step of webhook_steps.py."""
    kind: str
    namespace: str
    name: str
    of: str
    """The name of the custom resource that the workload belongs to; empty if it belongs to none."""
    pod: str
    node: str
    """Empty before the pod has a node."""
    container: str
    reason: str
    message: str
    log: list[str]
    """The last lines; empty for all but the first of several pods with the same symptom."""
    fix: str


class SymptomTexts(NamedTuple):
    """Symptoms as data and as problems."""

    results: list[FailureResult]
    """One for each of the first LISTED_SYMPTOMS symptoms."""
    problems: list[Problem]
    """One for each of the first SHOWN_GROUPS groups of pods with the same symptom."""


@dataclass
class _SymptomGroup:
    """Pods of a workload with the same symptom. The first one stands for all, with its log."""

    workload: Object
    first_symptom: Symptom
    pod_count: int = 0
    log_lines: list[str] = field(default_factory=list)


def describe_symptoms(
    cluster: Cluster, found_symptoms: Sequence[WorkloadSymptom], mask: Callable[[str], str] = conceal_secrets
) -> SymptomTexts:
    """Return the symptoms as data and as problems. Pods with the same symptom share one problem and one log.

    The log of the first pod alone is read: those of the others say the same, and each is a request.
    """
    masked_symptoms = [(workload, _mask_detail(symptom, mask)) for workload, symptom in found_symptoms]
    groups: dict[tuple[str, ...], _SymptomGroup] = {}
    for workload, symptom in masked_symptoms:
        group = groups.setdefault(_group_key(workload, symptom), _SymptomGroup(workload, symptom))
        group.pod_count += 1
    shown_groups = list(groups.values())[:SHOWN_GROUPS]
    for group in shown_groups:
        group.log_lines = _read_log(cluster, group.first_symptom, mask)
    results: list[FailureResult] = []
    for workload, symptom in masked_symptoms[:LISTED_SYMPTOMS]:
        group = groups[_group_key(workload, symptom)]
        own_log = group.log_lines if symptom is group.first_symptom else []
        results.append(_build_failure_result(workload, symptom, own_log))
    return SymptomTexts(results, [_build_problem(group) for group in shown_groups])


def _mask_detail(symptom: Symptom, mask: Callable[[str], str]) -> Symptom:
    """Return a symptom without secrets: what Kubernetes says of it may have the command of a container."""
    return symptom._replace(detail=mask(symptom.detail))


def _group_key(workload: Object, symptom: Symptom) -> tuple[str, ...]:
    """Return what symptoms of a group have in common."""
    return (str(ref(workload)), symptom.failure_row.id, symptom.container, symptom.reason)


def _build_failure_result(workload: Object, symptom: Symptom, log: list[str]) -> FailureResult:
    """Return a symptom as data."""
    pod = symptom.pod or {"metadata": {"name": ""}, "spec": {}}
    workload_ref = ref(workload)
    return {
        "id": symptom.failure_row.id,
        "kind": workload_ref.kind,
        "namespace": workload_ref.namespace,
        "name": workload_ref.name,
        "of": workload.get(OWNER_NAME_KEY) or "",
        "pod": pod["metadata"]["name"],
        "node": pod["spec"].get("nodeName") or "",
        "container": symptom.container,
        "reason": symptom.reason,
        "message": symptom.detail,
        "log": log,
        "fix": find_fix(symptom, log).replace("NAMESPACE", str(workload["metadata"].get("namespace") or "")),
    }


def _build_problem(group: _SymptomGroup) -> Problem:
    """Return the problem of a group of symptoms, with the log of the first one."""
    symptom, log = group.first_symptom, group.log_lines
    result = _build_failure_result(group.workload, symptom, log)
    places = (("container", result["container"]), ("pod", result["pod"]), ("node", result["node"]))
    place_text = ", ".join(f"{word} {name}" for word, name in places if name)
    count_note = f"; the same for {group.pod_count - 1} more" if group.pod_count > 1 else ""
    last_lines = "\nThe last lines of its log:\n  " + "\n  ".join(log) if log else ""
    problem = f"{symptom.reason}: {symptom.detail.rstrip('.')}{count_note}"
    return Problem(
        problem, asked=f"Wait for {format_title(group.workload)}", where=place_text, fix=result["fix"] + last_lines
    )


def _read_log(cluster: Cluster, symptom: Symptom, mask: Callable[[str], str]) -> list[str]:
    """Return the last log lines of a container that ended. Retries while the kubelet replaces the container."""
    if not symptom.failure_row.has_evidence or not symptom.pod:
        return []
    metadata = symptom.pod["metadata"]
    path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}/log"
    query = {"container": symptom.container, "tailLines": LINES_TO_READ}
    for attempt in range(LOG_TRIES):
        if attempt:
            cluster.sleep(LOG_PAUSE)
        for is_previous in ("true", "false"):  # the previous container first: a new one may already run
            try:
                lines = _read_log_tail(cluster, path, {**query, "previous": is_previous}, mask)
            except ApiError as error:  # no log, or no permission to read it: report the reason only
                if error.status == NOT_ALLOWED:
                    return []
                continue
            if lines:
                return lines
    return []


def _read_log_tail(cluster: Cluster, path: str, query: dict[str, Any], mask: Callable[[str], str]) -> list[str]:
    """Return the last lines of a log that say something; none while there is no log yet. Raises ApiError."""
    lines = cluster.text(path, query).splitlines()
    if lines and lines[0].startswith(NO_LOG_ANSWER):
        return []
    return [mask_and_clean(line, longest, mask) for line, longest in select_last_lines(lines, MOST_LINES, LONGEST_LINE)]


def describe_unfinished(workloads: list[Object], events: list[Object]) -> list[str]:
    """Return the conditions of unfinished workloads, then the latest warning events."""
    lines: list[str] = []
    for workload in workloads:
        lines += _describe_unmet_conditions(workload)
    warnings = [event for event in events if event.get("type") == "Warning" and _is_about_workloads(event, workloads)]
    latest_warnings = sorted(warnings, key=read_event_time)[-MOST_EVENTS:]
    return lines + [_describe_event(event) for event in latest_warnings]


def _describe_unmet_conditions(workload: Object) -> Iterator[str]:
    """Yield a line for each condition of a workload that is not true."""
    for condition in mappings_at(workload, "status", "conditions"):
        if condition.get("status") != "True":
            message = str(condition.get("message") or condition.get("reason") or "")
            shown_message = mask_and_clean(message, LONGEST_LINE)
            yield f"{ref(workload)}: {condition.get('type')} is {condition.get('status')}: {shown_message}"


def _describe_event(event: Object) -> str:
    """Return the object, the reason and the message of a warning, in one line."""
    involved_object = event["involvedObject"]
    kind = involved_object.get("kind") or "Object"
    message = mask_and_clean(str(event.get("message") or ""), LONGEST_LINE)
    return f"{kind} {involved_object['name']}: {event.get('reason')}: {message}"


def _is_about_workloads(event: Object, workloads: list[Object]) -> bool:
    """Return whether an event is about a workload or an object named after it, such as a pod."""
    involved_object = mapping_at(event, "involvedObject")
    object_name = str(involved_object.get("name") or "")
    if not object_name:
        return False
    for workload in workloads:
        metadata = workload["metadata"]
        if involved_object.get("namespace", "") != metadata.get("namespace", ""):
            continue
        if object_name == metadata["name"] or object_name.startswith(f"{metadata['name']}-"):
            return True
    return False
