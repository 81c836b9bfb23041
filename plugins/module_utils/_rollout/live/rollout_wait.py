# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait for workloads in parallel. Fail as soon as one cannot become ready, with the reason. Private."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..._kube.live.api_errors import ask_server, build_missing_kind_problem
from ..._kube.live.cluster import Cluster
from ..._kube.live.kinds import ApiResources, default_api_version
from ..._kube.nodes import describe_idle_nodes
from ..._kube.ownership import is_reapplied
from ..._otelcol.errors import Failure, Problem
from ..._otelcol.kube.names import OWNER
from ..._otelcol.kube.objects import ObjectRef, ref
from ..failures import Object, Symptom, format_title, has_no_readiness_probe, is_owned_by
from ..readiness import describe_pod_counts, is_ready
from .deleted_workload import is_gone, report_deleted
from .explain_failures import WorkloadStatus
from .failure_texts import FoundSymptoms, describe_symptoms, describe_unfinished
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


@dataclass(frozen=True)
class RolloutWaitOptions:
    """The workloads to wait for, and the time limits.

    A workload is given by `kind`, `namespace`, `name` and perhaps `api_version`. `until` has a JMESPath expression for
    the kinds that are ready when it says so. `allow_empty` says whether a workload may have no pod. `applied` are
    objects with the generation in which this run left them. `spares` says whether a symptom of a workload is no reason
    to end the wait before the time is over.
    """

    workloads: list[dict[str, str]]
    timeout_seconds: float
    unschedulable_seconds: float
    until: dict[str, str]
    allow_empty: bool
    applied: Sequence[dict[str, Any]] = ()
    spares: Callable[[Object, Symptom], bool] = lambda _workload, _symptom: False


class RolloutWait:
    """The wait for some workloads, and what it has seen of them."""

    def __init__(self, cluster: Cluster, search: Search, options: RolloutWaitOptions) -> None:
        self._cluster, self._search, self._options = cluster, search, options
        resources = ApiResources(cluster)
        self._paths = [self._find_path(resources, workload) for workload in options.workloads]
        self._left_generations = dict(map(_read_applied_generation, options.applied))
        # The workloads and why they are not ready, as the last look has found them.
        self._seen: list[FollowedResource] = []
        self._symptoms: FoundSymptoms = []
        # By UID: since when a workload without a readiness probe has been ready.
        self._ready_since: dict[str, float] = {}
        # The workloads that have existed during this wait.
        self._existed: set[ObjectRef] = set()
        self._status = WorkloadStatus(
            cluster, search, unschedulable_seconds=options.unschedulable_seconds, allow_empty=options.allow_empty
        )

    def _find_path(self, resources: ApiResources, workload: dict[str, str]) -> str:
        version = workload.get("api_version") or default_api_version(workload["kind"])
        action = f"Wait for {workload['kind']} {workload['name']}"
        resource = ask_server(action, lambda: resources.find_resource(version, workload["kind"]))
        if resource is None:
            raise build_missing_kind_problem(action, version)
        if resource.is_namespaced and not workload.get("namespace"):
            raise Problem("it has no namespace", asked=action, where="workloads", fix="Add its namespace.")
        path: str = resource.build_path(workload.get("namespace") or "", workload["name"])
        return path

    def wait(self) -> dict[str, Any]:
        """Return when all workloads are ready. Fail if one cannot become ready or the time limit is reached."""
        start = self._cluster.clock()
        for _poll in self._cluster.iter_polls(self._options.timeout_seconds, start):
            if self.is_done():
                seconds = round(self._cluster.clock() - start, 1)
                return {"changed": False, "msg": f"{len(self._paths)} ready", "seconds": seconds}
        raise self.describe_timeout()

    def is_done(self) -> bool:
        """Return whether all workloads are ready now. Raises Failure if one cannot become ready."""
        self._seen = ask_server("Read the workloads", self._read_workloads)
        self._refuse_deletion(self._seen)
        self._refuse_other_runs(self._seen)
        self._report_progress()
        if all(workload.is_done(self._is_ready) for workload in self._seen):
            return True
        self._symptoms = self._status.find_current_symptoms(self._list_unfinished_objects())
        lasting_symptoms = self._status.select_lasting(self._symptoms)
        fatal_symptoms = [
            (workload, symptom) for workload, symptom in lasting_symptoms if not self._options.spares(workload, symptom)
        ]
        if fatal_symptoms:
            raise self._status.build_failure(fatal_symptoms)
        return False

    def _list_unfinished_objects(self) -> list[Object]:
        """Return the unfinished objects of all workloads."""
        unfinished_objects: list[Object] = []
        for workload in self._seen:
            unfinished_objects += workload.list_unfinished(self._is_ready)
        return unfinished_objects

    def _report_progress(self) -> None:
        """Tell how far each workload is."""
        for requested_workload, workload in zip(self._options.workloads, self._seen, strict=True):
            unfinished_ids = [id(current_object) for current_object in workload.list_unfinished(self._is_ready)]
            current_objects: list[Object | None] = [*workload.workloads] or [workload.live_object]
            for current_object in current_objects:
                if current_object is None:
                    self._cluster.progress(str(_workload_reference(requested_workload)), "does not exist")
                elif workload.unreconciled_reason or id(current_object) in unfinished_ids:
                    self._cluster.progress(
                        format_title(current_object),
                        workload.unreconciled_reason or describe_pod_counts(current_object),
                    )
                else:
                    self._cluster.progress.tell_done(format_title(current_object))

    def _read_workloads(self) -> list[FollowedResource]:
        return read_followed_resources(
            self._cluster, self._cluster.call_in_parallel(self._cluster.get, self._paths), self._options.until
        )

    def _refuse_deletion(self, followed_workloads: list[FollowedResource]) -> None:
        """Fail if a workload goes that a run has applied or that this wait has seen: nobody brings it back."""
        for requested_workload, workload in zip(self._options.workloads, followed_workloads, strict=True):
            name = _workload_reference(requested_workload)
            if is_gone(workload.live_object):
                if name in self._existed or self._left_generations.get(name):
                    raise report_deleted(self._cluster, name)
            else:
                self._existed.add(name)

    def _refuse_other_runs(self, followed_workloads: list[FollowedResource]) -> None:
        """Fail if another run has applied a workload since: then this one may not have what its own run applied."""
        for workload in followed_workloads:
            state = workload.live_object
            if state is None:
                continue
            generation = self._left_generations.get(ref(state), 0)
            if generation and is_reapplied(state, generation, OWNER):
                generations = f"generation {state['metadata']['generation']}, and this run left {generation}"
                wrong = f"another run has changed it since this run ({generations})"
                raise Failure(wrong, asked=f"Wait for {ref(state)}", fix=FIX_OF_PARALLEL_RUNS, facts={"failures": []})

    def _is_ready(self, state: Object) -> bool:
        """Return whether a workload is ready. One without a readiness probe has to be for some seconds."""
        reports_ready = self._reports_ready(state)
        uid = state["metadata"].get("uid", "")
        if not reports_ready or not has_no_readiness_probe(state):
            self._ready_since.pop(uid, None)
            return reports_ready
        current_time = self._cluster.clock()
        return current_time - self._ready_since.setdefault(uid, current_time) >= STEADY_SECONDS

    def _reports_ready(self, state: Object) -> bool:
        """Return whether a workload is ready by its status, or by the expression that the user gives for its kind."""
        ready_expression = self._options.until.get(state["kind"])
        if ready_expression:
            return bool(self._search(ready_expression, state))
        return is_ready(state, allow_empty=self._options.allow_empty)

    def describe_timeout(self) -> Failure:
        """Return the failure of workloads that were not ready in time."""
        states = self._list_missing_workloads()
        unfinished_objects = self._list_unfinished_objects()
        unreconciled = {
            id(workload.live_object): workload.unreconciled_reason
            for workload in self._seen
            if workload.unreconciled_reason
        }
        for unfinished_object in unfinished_objects:
            states.append(
                f"{format_title(unfinished_object)}:"
                f" {unreconciled.get(id(unfinished_object)) or describe_pod_counts(unfinished_object)}"
            )
        failures, problems = describe_symptoms(self._cluster, self._symptoms)
        advice = "raise `*_wait_seconds` of the role, or `timeout_seconds` of the module"
        notes = [f"If the workloads only need more time, {advice}."]
        notes += [str(problem) for problem in problems]
        notes += self._list_idle_nodes(unfinished_objects)
        notes += explain_unreconciled_resources(
            self._cluster,
            [unfinished_object for unfinished_object in unfinished_objects if id(unfinished_object) in unreconciled],
        )
        notes += describe_unfinished(unfinished_objects, self._status.list_events())
        return Failure(
            f"not ready after {self._options.timeout_seconds:g} s: {'; '.join(states)}",
            asked="Wait for the workloads",
            fix="\n".join(notes),
            facts={"failures": failures},
        )

    def _list_missing_workloads(self) -> list[str]:
        """Return which workloads do not exist, each as a sentence without an end."""
        missing_workloads = []
        for requested_workload, workload in zip(self._options.workloads, self._seen, strict=True):
            if not workload.live_object:
                missing_workloads.append(
                    f"{requested_workload['kind']}"
                    f" {requested_workload.get('namespace') or ''}/{requested_workload['name']} does not exist"
                )
        return missing_workloads

    def _list_idle_nodes(self, unfinished_objects: list[Object]) -> list[str]:
        """Return on which nodes DaemonSets have no ready pod, where Kubernetes reports no reason."""
        explained_pods = {symptom.pod["metadata"]["name"] for _workload, symptom in self._symptoms if symptom.pod}
        pods = self._status.list_read_objects("Pod")
        lines = []
        for workload in unfinished_objects:
            own_pods = [pod for pod in pods if is_owned_by(pod, workload)]
            lines.append(describe_idle_nodes(workload, own_pods, explained_pods))
        return [line for line in lines if line]


def _workload_reference(requested_workload: Mapping[str, str]) -> ObjectRef:
    """Return the name of a workload of the options."""
    return ObjectRef(requested_workload["kind"], requested_workload.get("namespace") or "", requested_workload["name"])


def _read_applied_generation(applied: Mapping[str, Any]) -> tuple[ObjectRef, int]:
    """Return the name of an object, and its generation after this run has applied it; 0 if that is not known."""
    kind, namespace, name = (str(applied.get(key) or "") for key in ObjectRef._fields)
    return ObjectRef(kind, namespace, name), int(applied.get("generation") or 0)
