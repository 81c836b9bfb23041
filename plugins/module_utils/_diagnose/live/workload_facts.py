# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts about the objects of one collector: its workload, its custom resource and its pods.

Does it run, are all pods ready, which change is under way, and what has gone wrong with the objects? The objects
themselves are those of the target; records, nodes and events are read from the cluster. For example, of a Deployment
whose second pod does not start:

    {"kind": "Deployment", "running": True, "complete": False, "wanted": 2, "ready_text": "1 of 2 ready", "pods": […],
     "uncovered_nodes": [], …}

`diagnosed_collector.py` calls these functions. Private.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypedDict

from ..._otelcol.config.paths import list_at
from ..._rollout.failures import Search, WorkloadSymptom, find_symptoms
from ..._rollout.live.failure_texts import describe_symptoms
from ..._rollout.pod_revisions import find_newest_revision, select_newest_pods, select_older_pods
from ..._rollout.readiness import describe_pod_counts, is_ready, read_pod_counts
from ..._telemetry import crash_logs
from ..event_warnings import WarningRow, list_recent_warnings
from ..node_coverage import find_uncovered_nodes
from ..pod_states import describe_pod
from ..result_rows import PodRow
from .find_collectors import DiagnosedTarget
from .reader import ClusterReader, Object
from .release_records import OpenChangeRow, find_change_under_way, find_passed_wave


class ReadinessFacts(TypedDict):
    """How many pods of a collector are wanted and ready. Without a workload, only its ready pods are known."""

    wanted: int | None
    """None without a workload."""
    complete: bool
    """Whether all pods have the newest revision and are ready."""
    ready_text: str
    """Such as `1 of 3 ready`."""
    running: bool
    """Whether any pod is ready."""


class WorkloadFacts(ReadinessFacts):
    """The facts about the workload, the custom resource and the pods."""

    kind: str
    image: str
    hidden: bool
    """Whether no object was found, and this user may not see all objects that the collector may be."""
    workload: Object | None
    custom_resource: Object | None
    resource_conditions: Sequence[Any]
    """The conditions of the custom resource."""
    pods: list[PodRow]
    change: OpenChangeRow | None
    """The change that a run has begun and not ended."""
    wave: dict[str, str]
    """The record of the wave that the pods have passed; empty if they have passed none."""
    uncovered_nodes: list[dict[str, str]]


def collect_workload_facts(reader: ClusterReader, target: DiagnosedTarget, current_time: str) -> WorkloadFacts:
    """Return the facts that follow from the objects of a collector."""
    workload, custom_resource = target.workload, target.custom_resource
    container = target.collector_container
    container_name = str(container.get("name") or "")
    pods = [describe_pod(own_pod, container_name, current_time) for own_pod in target.pods]
    return {
        "kind": target.kind,
        "image": str(container.get("image") or ""),
        "hidden": not workload and not custom_resource and bool(target.list_hiding_parts()),
        "workload": workload,
        "custom_resource": custom_resource,
        "resource_conditions": list_at(custom_resource, "status", "conditions"),
        "pods": pods,
        # Both have the labels of the collector. Only the workload has the pods that a wave has judged.
        "change": find_change_under_way(reader, workload or custom_resource, target.notes),
        "wave": find_passed_wave(reader, custom_resource or workload, workload, target.notes),
        **_describe_readiness(reader, target, pods),
        "uncovered_nodes": _list_uncovered_nodes(reader, target),
    }


def _describe_readiness(reader: ClusterReader, target: DiagnosedTarget, pods: Sequence[PodRow]) -> ReadinessFacts:
    """Return how many pods are wanted and ready."""
    workload = target.workload
    ready_count = sum(row["ready"] for row in pods)
    is_running = ready_count > 0 or _has_unlisted_pods(reader, target)
    if not workload:
        return {
            "wanted": None,
            "complete": False,
            "ready_text": f"{ready_count} pods ready",
            "running": is_running,
        }
    return {
        "wanted": read_pod_counts(workload).desired,
        "complete": is_ready(workload, allow_empty=True),
        "ready_text": describe_pod_counts(workload),
        "running": is_running,
    }


def _has_unlisted_pods(reader: ClusterReader, target: DiagnosedTarget) -> bool:
    """Return whether the workload counts available pods, which this user may not list."""
    if _can_list_pods(reader, target) or not target.workload:
        return False
    return bool(read_pod_counts(target.workload).available)


def _list_uncovered_nodes(reader: ClusterReader, target: DiagnosedTarget) -> list[dict[str, str]]:
    """Return the nodes on which a DaemonSet has no pod; none if this user may not list pods."""
    workload = target.workload
    if not workload or workload["kind"] != "DaemonSet" or not _can_list_pods(reader, target):
        return []
    return find_uncovered_nodes(workload, target.pods, reader.list_nodes(target.notes))


def _can_list_pods(reader: ClusterReader, target: DiagnosedTarget) -> bool:
    """Return whether this user may list the pods of the namespace; if not, the notes of the target say so."""
    return reader.list_objects("pods", target.pod_namespace, target.notes) is not None


def describe_rollout_symptoms(
    reader: ClusterReader, target: DiagnosedTarget, search: Search, mask: Callable[[str], str]
) -> list[dict[str, Any]]:
    """Return why the newest revision is not ready, in the words of module rollout_wait; nothing if it is ready.

    `search` searches data by JMESPath, and `mask` hides the secrets of the config in a text.
    """
    workload = target.workload
    if not workload or is_ready(workload, allow_empty=True):
        return []
    plural = "replicasets" if workload["kind"] == "Deployment" else "controllerrevisions"
    revisions = reader.list_objects(plural, target.pod_namespace, target.notes) or []
    newest_revision = find_newest_revision(workload, revisions)
    new_pods = select_newest_pods(workload, newest_revision, target.pods)
    old_pods = select_older_pods(workload, new_pods, target.pods)
    events = reader.list_objects("events", target.pod_namespace, target.notes) or []
    symptoms = find_symptoms(search, workload, newest_revision, new_pods, events, allow_empty=True, old=old_pods)
    symptoms_of_workload = [WorkloadSymptom(workload, symptom) for symptom in symptoms]
    symptom_texts = describe_symptoms(reader.cluster, symptoms_of_workload, mask)
    return [{**row, "last_words": crash_logs.find_last_words(row["log"])} for row in symptom_texts.results]


def list_object_warnings(reader: ClusterReader, target: DiagnosedTarget, current_time: str) -> list[WarningRow]:
    """Return the recent warnings about the pods and the objects of a collector."""
    objects = [*target.pods, target.workload, target.custom_resource]
    object_by_uid = {manifest["metadata"]["uid"]: manifest for manifest in objects if manifest}
    events = reader.list_in_namespaces_of("events", object_by_uid.values(), target.notes)
    return list_recent_warnings(events, object_by_uid, current_time)
