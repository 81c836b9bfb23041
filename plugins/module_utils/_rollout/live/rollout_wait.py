# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait for workloads in parallel. Fail as soon as one cannot become ready, with the reason. Private.

The module `rollout_wait`, the restart of workloads and the apply of a bundle wait here. The state of a workload is
a `FollowedResource` (followed_workloads.py): a resource of the operator is ready when its workloads are. A symptom is
a fault that explain_failures.py finds; it ends the wait if it lasts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..._kube.live.api_errors import ask_server, build_missing_kind_problem
from ..._kube.live.cluster import Cluster
from ..._kube.live.kinds import ApiResources, default_api_version
from ..._kube.nodes import describe_idle_nodes
from ..._kube.ownership import is_reapplied
from ..._otelcol.errors import Failure, Problem
from ..._otelcol.kube.names import OWNER
from ..._otelcol.kube.objects import ObjectRef, ref
from ..failures import Object, Symptom, WorkloadSymptom, format_title, has_no_readiness_probe
from ..pod_revisions import is_owned_by
from ..readiness import describe_pod_counts, is_ready
from .deleted_workload import is_gone, report_deleted
from .explain_failures import WorkloadStatus
from .failure_texts import describe_symptoms, describe_unfinished
from .followed_workloads import FollowedResource, read_followed_resources
from .jmespath_search import Search
from .operator_reasons import explain_unreconciled_resources

# Kubernetes reports a container without a readiness probe as ready as soon as its process starts, even if the process
# then exits. The collection's own workloads set minReadySeconds; the operator's resource has no such field.
STEADY_SECONDS = 5.0
FIX_OF_PARALLEL_RUNS = (
    "Its objects may hold inputs of both runs. See that only one run at a time deploys to this namespace, for example"
    " with one job template, then run again."
)


class AwaitedWorkload(NamedTuple):
    """A workload to wait for. Without an API version, the usual one of its kind counts."""

    name: ObjectRef
    api_version: str = ""


@dataclass(frozen=True)
class RolloutWaitOptions:
    """The workloads to wait for, and what ends the wait."""

    workloads: Sequence[AwaitedWorkload]
    timeout_seconds: float
    unschedulable_seconds: float
    """For how long a pod may find no node until the wait fails."""
    until: dict[str, str]
    """By kind, a JMESPath expression. An object of this kind is ready when the expression is true for it."""
    allow_empty: bool
    """Whether a DaemonSet that no node matches is ready."""
    left_generations: Mapping[ObjectRef, int] = field(default_factory=dict)
    """The generation in which this run left an object; 0 if it is not known. A later one is of another run."""
    spares: Callable[[Object, Symptom], bool] = lambda _workload, _symptom: False
    """Whether a symptom of a workload does not end the wait before the time is over."""


class RolloutWait:
    """The wait for some workloads, and what it has found of them."""

    def __init__(self, cluster: Cluster, search: Search, options: RolloutWaitOptions) -> None:
        self._cluster, self._search, self._options = cluster, search, options
        resources = ApiResources(cluster)
        self._paths = [self._find_path(resources, workload) for workload in options.workloads]
        # The state of each workload, in their order, and why some are not ready, as the last poll has found them.
        self._states: list[FollowedResource] = []
        self._symptoms: list[WorkloadSymptom] = []
        # Since when a workload without a readiness probe has been ready, by its UID.
        self._ready_since: dict[str, float] = {}
        # The workloads that have existed during this wait.
        self._existing_names: set[ObjectRef] = set()
        self._status = WorkloadStatus(
            cluster, search, unschedulable_seconds=options.unschedulable_seconds, allow_empty=options.allow_empty
        )

    def _find_path(self, resources: ApiResources, workload: AwaitedWorkload) -> str:
        """Return the URL path of a workload. Raises Problem for a kind that the cluster does not serve."""
        kind, namespace, name = workload.name
        version = workload.api_version or default_api_version(kind)
        action = f"Wait for {kind} {name}"
        resource = ask_server(action, lambda: resources.find_resource(version, kind))
        if resource is None:
            raise build_missing_kind_problem(action, version)
        if resource.is_namespaced and not namespace:
            raise Problem("it has no namespace", asked=action, where="workloads", fix="Add its namespace.")
        return resource.build_path(namespace, name)

    def wait(self) -> dict[str, Any]:
        """Return the result of the task when all workloads are ready.

        Raises Failure if one cannot become ready, or if the time limit is reached.
        """
        start = self._cluster.clock()
        for _poll in self._cluster.iter_polls(self._options.timeout_seconds, start):
            if self.is_done():
                seconds = round(self._cluster.clock() - start, 1)
                return {"changed": False, "msg": f"{len(self._paths)} ready", "seconds": seconds}
        raise self.describe_timeout()

    def is_done(self) -> bool:
        """Return whether all workloads are ready now. Raises Failure if one cannot become ready."""
        self._states = ask_server("Read the workloads", self._read_states)
        self._refuse_deletion()
        self._refuse_other_runs()
        self._report_progress()
        if all(state.is_done(self._is_ready) for state in self._states):
            return True
        self._symptoms = self._status.find_current_symptoms(self._list_unfinished_objects())
        lasting_symptoms = self._status.select_lasting(self._symptoms)
        fatal_symptoms = [found for found in lasting_symptoms if not self._options.spares(*found)]
        if fatal_symptoms:
            raise self._status.build_failure(fatal_symptoms)
        return False

    def _list_unfinished_objects(self) -> list[Object]:
        """Return the unfinished objects of all workloads."""
        unfinished_objects: list[Object] = []
        for state in self._states:
            unfinished_objects += state.list_unfinished(self._is_ready)
        return unfinished_objects

    def _report_progress(self) -> None:
        """Tell how far each workload is."""
        for workload, state in zip(self._options.workloads, self._states, strict=True):
            shown_objects = list(state.workloads)
            if not shown_objects and state.live_object:
                shown_objects = [state.live_object]
            if not shown_objects:
                self._cluster.progress(str(workload.name), "does not exist")
            unfinished_ids = [id(unfinished_object) for unfinished_object in state.list_unfinished(self._is_ready)]
            for shown_object in shown_objects:
                if state.unreconciled_reason or id(shown_object) in unfinished_ids:
                    progress_text = state.unreconciled_reason or describe_pod_counts(shown_object)
                    self._cluster.progress(format_title(shown_object), progress_text)
                else:
                    self._cluster.progress.tell_done(format_title(shown_object))

    def _read_states(self) -> list[FollowedResource]:
        live_objects = self._cluster.call_in_parallel(self._cluster.get, self._paths)
        return read_followed_resources(self._cluster, live_objects, self._options.until)

    def _refuse_deletion(self) -> None:
        """Raise Failure if a workload is deleted that this run has applied or this wait has found.

        Nobody brings it back. A workload that does not exist yet is awaited.
        """
        for workload, state in zip(self._options.workloads, self._states, strict=True):
            if not is_gone(state.live_object):
                self._existing_names.add(workload.name)
            elif workload.name in self._existing_names or self._options.left_generations.get(workload.name):
                raise report_deleted(self._cluster, workload.name)

    def _refuse_other_runs(self) -> None:
        """Raise Failure if another run has applied a workload since this run.

        The workload may no longer have what this run applied.
        """
        for state in self._states:
            live_object = state.live_object
            if live_object is None:
                continue
            generation = self._options.left_generations.get(ref(live_object), 0)
            if generation and is_reapplied(live_object, generation, OWNER):
                generations = f"generation {live_object['metadata']['generation']}, and this run left {generation}"
                wrong = f"another run has changed it since this run ({generations})"
                action = f"Wait for {ref(live_object)}"
                raise Failure(wrong, asked=action, fix=FIX_OF_PARALLEL_RUNS, facts={"failures": []})

    def _is_ready(self, workload: Object) -> bool:
        """Return whether a workload is ready. Without a readiness probe, it must be ready for STEADY_SECONDS."""
        reports_ready = self._reports_ready(workload)
        uid = workload["metadata"].get("uid", "")
        if not reports_ready or not has_no_readiness_probe(workload):
            self._ready_since.pop(uid, None)
            return reports_ready
        current_time = self._cluster.clock()
        ready_since = self._ready_since.setdefault(uid, current_time)
        return current_time - ready_since >= STEADY_SECONDS

    def _reports_ready(self, workload: Object) -> bool:
        """Return whether a workload is ready by its status, or by the expression that the user gives for its kind."""
        ready_expression = self._options.until.get(workload["kind"])
        if ready_expression:
            return bool(self._search(ready_expression, workload))
        return is_ready(workload, allow_empty=self._options.allow_empty)

    def describe_timeout(self) -> Failure:
        """Return the failure of workloads that were not ready in time."""
        unfinished_objects = self._list_unfinished_objects()
        unreconciled_reasons = {
            id(state.live_object): state.unreconciled_reason for state in self._states if state.unreconciled_reason
        }
        state_texts = self._list_missing_workloads()
        for unfinished_object in unfinished_objects:
            reason = unreconciled_reasons.get(id(unfinished_object)) or describe_pod_counts(unfinished_object)
            state_texts.append(f"{format_title(unfinished_object)}: {reason}")
        failures, problems = describe_symptoms(self._cluster, self._symptoms)
        advice = "raise `*_wait_seconds` of the role, or `timeout_seconds` of the module"
        notes = [f"If the workloads only need more time, {advice}."]
        notes += [str(problem) for problem in problems]
        notes += self._list_idle_nodes(unfinished_objects)
        unreconciled_resources = [
            unfinished_object
            for unfinished_object in unfinished_objects
            if id(unfinished_object) in unreconciled_reasons
        ]
        notes += explain_unreconciled_resources(self._cluster, unreconciled_resources)
        notes += describe_unfinished(unfinished_objects, self._status.list_events())
        return Failure(
            f"not ready after {self._options.timeout_seconds:g} s: {'; '.join(state_texts)}",
            asked="Wait for the workloads",
            fix="\n".join(notes),
            facts={"failures": failures},
        )

    def _list_missing_workloads(self) -> list[str]:
        """Return which workloads do not exist, such as `Deployment ns/a does not exist`."""
        missing_texts = []
        for workload, state in zip(self._options.workloads, self._states, strict=True):
            if not state.live_object:
                kind, namespace, name = workload.name
                missing_texts.append(f"{kind} {namespace}/{name} does not exist")
        return missing_texts

    def _list_idle_nodes(self, unfinished_objects: list[Object]) -> list[str]:
        """Return on which nodes DaemonSets have no ready pod, where Kubernetes reports no reason."""
        explained_pods = {symptom.pod["metadata"]["name"] for _workload, symptom in self._symptoms if symptom.pod}
        pods = self._status.list_read_objects("Pod")
        lines = []
        for workload in unfinished_objects:
            own_pods = [pod for pod in pods if is_owned_by(pod, workload)]
            lines.append(describe_idle_nodes(workload, own_pods, explained_pods))
        return [line for line in lines if line]
