# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which faults do a workload and its pods have? The rows of failure_tables.py that fit them. Private.

`live/explain_failures.py` reads the objects of a wait, and the diagnosis those of a collector; both call
`find_symptoms` with the pods of the newest revision (pod_revisions.py). A `Symptom` is a row that fits, with the place
where it does. For example, a pod whose image does not exist:

    Symptom(failure_row=image_pull, pod=gateway-x7k2p, container="otc-container", reason="ErrImagePull", detail="…")
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypedDict

from .._otelcol.config.paths import list_at
from .._otelcol.kube.objects import ref
from .events import REPEATED_PREFIX, read_creation_time, select_events_of
from .failure_tables import OPERATOR_ROW, POD_FAILURES, WORKLOAD_FAILURES, FailureRow
from .readiness import read_pod_counts

Object = dict[str, Any]
# Takes an expression of JMESPath and the data to search in.
Search = Callable[[str, Any], Any]

# The key under which a workload of the operator carries the name of its custom resource. followed_workloads.py adds it
# to the object, and messages show it.
OWNER_NAME_KEY = "of"
# What the operator makes for a workload and a pod lacks, such as `configmap "web-collector-5d4f8c7b" not found`. The
# operator names a ConfigMap after the workload and the first digits of the config's sum.
# Source: internal/naming/main.go of the operator.
_MISSING_CHILD = re.compile(
    r'\b(?:configmap|serviceaccount) "(?P<whole>(?P<name>[^" ]{1,253}?)(?:-[0-9a-f]{8})?)" not found'
)


class SearchedWorkload(TypedDict):
    """What the expressions of WORKLOAD_FAILURES search."""

    workload: Object
    events: list[Object]
    """The events of the object that creates the pods."""
    missing: bool
    """Whether there are fewer pods than the workload wants."""
    old: list[Object]
    """The pods of older revisions."""
    allow_empty: bool
    """Whether a DaemonSet that no node matches is no failure."""


class SearchedPod(TypedDict):
    """What the expressions of POD_FAILURES search."""

    pod: Object
    events: list[Object]


class Symptom(NamedTuple):
    """One current fault of a workload, or of a pod of it: then `pod` and `container` say where."""

    failure_row: FailureRow
    pod: Object | None
    """None for a fault of the workload."""
    container: str
    """Empty if the fault is of no container."""
    reason: str
    """The word of Kubernetes, such as `ErrImagePull`; without one, the id of the row."""
    detail: str
    """What Kubernetes says about it, in one line; empty if it says nothing."""

    @property
    def key(self) -> tuple[str, str, str]:
        """By what the symptom is the same as one that was found earlier: row, pod and container."""
        pod_name = self.pod["metadata"]["name"] if self.pod else ""
        return (self.failure_row.id, pod_name, self.container)


class WorkloadSymptom(NamedTuple):
    """A symptom with the workload that has it."""

    workload: Object
    symptom: Symptom


def find_symptoms(
    search: Search,
    workload: Object,
    revision: Object | None,
    pods: list[Object],
    events: list[Object],
    *,
    allow_empty: bool,
    old: list[Object] | None = None,
) -> Iterator[Symptom]:
    """Yield the symptoms of a workload and of each of `pods`, the pods of its newest revision.

    `old` are the pods of older revisions. With `allow_empty`, a DaemonSet that no node matches has no symptom.
    """
    # The events about pods that cannot be created are of what creates them: for a Deployment, that is its ReplicaSet.
    pod_creator = revision if revision and workload["kind"] == "Deployment" else workload
    # Earlier events are about pods that are no longer there.
    latest_creation = max(read_creation_time(created_object) for created_object in [*pods, revision or workload])
    searched_workload: SearchedWorkload = {
        "workload": workload,
        "events": select_events_of(pod_creator, events, latest_creation),
        "missing": len(pods) < _count_wanted_pods(workload),
        "old": old or [],
        "allow_empty": allow_empty,
    }
    symptoms = [_find_first_symptom(search, WORKLOAD_FAILURES, searched_workload, None)]
    for pod in pods:
        searched_pod: SearchedPod = {"pod": pod, "events": select_events_of(pod, events)}
        symptoms.append(_find_first_symptom(search, POD_FAILURES, searched_pod, pod))
    for symptom in filter(None, symptoms):
        if _is_missing_operator_child(workload, symptom):
            yield symptom._replace(failure_row=OPERATOR_ROW)
        else:
            yield symptom


def _count_wanted_pods(workload: Object) -> int:
    """Return how many pods should be there. A Job that has not ended should have at least one."""
    if workload["kind"] == "Job":
        return 0 if (workload.get("status") or {}).get("conditions") else 1
    return read_pod_counts(workload).desired


def _is_missing_operator_child(workload: Object, symptom: Symptom) -> bool:
    """Return whether pods lack an object of a name that the operator gives to what it creates for the workload."""
    if not workload.get(OWNER_NAME_KEY):
        return False
    workload_name = workload["metadata"]["name"]
    return any(
        workload_name in (missing_child["name"], missing_child["whole"])
        for missing_child in _MISSING_CHILD.finditer(symptom.detail)
    )


def _find_first_symptom(
    search: Search, rows: tuple[FailureRow, ...], searched: SearchedWorkload | SearchedPod, pod: Object | None
) -> Symptom | None:
    """Return the symptom of the first row that fits; None if none does.

    Of several matches of a row, the last one counts: events are searched from the oldest to the latest.
    """
    for row in rows:
        matches = search(row.find_expression, searched)
        if matches:
            last_match = matches[-1]
            one_line_detail = " ".join(str(last_match.get("detail") or "").split())
            return Symptom(
                failure_row=row,
                pod=pod,
                container=str(last_match.get("container") or ""),
                reason=str(last_match.get("reason") or row.id),
                detail=one_line_detail.removeprefix(REPEATED_PREFIX),
            )
    return None


def format_title(workload: Object) -> str:
    """Return the name of a workload, preceded by the name of its custom resource if it has one."""
    resource_name = workload.get(OWNER_NAME_KEY)
    return f"{resource_name} ({ref(workload)})" if resource_name else str(ref(workload))


def has_no_readiness_probe(workload: Object) -> bool:
    """Return whether a workload of an operator has no readiness probe."""
    is_of_operator = bool(workload.get(OWNER_NAME_KEY))
    containers = list_at(workload, "spec", "template", "spec", "containers")
    return is_of_operator and not any("readinessProbe" in container for container in containers)
