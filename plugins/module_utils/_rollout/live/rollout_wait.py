# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait for workloads in parallel. Fail as soon as one cannot become ready, with the reason. Private.

The module `rollout_wait`, the restart of workloads and the apply of a bundle wait here:

    web = AwaitedWorkload(ObjectRef("Deployment", "shop", "web"))
    options = RolloutWaitOptions([web], timeout_seconds=300, unschedulable_seconds=60, until={}, allow_empty=False)
    RolloutWait(cluster, search, options).wait() → {"changed": False, "msg": "1 ready", "seconds": 12.3}
    or Failure: Wait for the workloads: not ready after 300 s: Deployment shop/web: 1 of 3 ready. …

Each poll reads the workloads as `FollowedResource` (followed_workloads.py): a resource of the operator is ready when
the workloads that the operator makes for it are. A symptom is a fault that explain_failures.py finds, such as an image
that cannot be pulled; it ends the wait if it lasts.
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
# What to do if two runs change the same workload.
FIX_OF_PARALLEL_RUNS = (
    "Its objects may hold inputs of both runs. See that only one run at a time deploys to this namespace, for example"
    " with one job template, then run again."
)


class AwaitedWorkload(NamedTuple):
    """A workload to wait for, such as `AwaitedWorkload(ObjectRef("Deployment", "shop", "web"))`."""

    name: ObjectRef
    api_version: str = ""
    """Such as `apps/v1`; empty for the usual one of its kind."""


@dataclass(frozen=True)
class RolloutWaitOptions:
    """The workloads to wait for, and what ends the wait."""

    workloads: Sequence[AwaitedWorkload]
    timeout_seconds: float
    unschedulable_seconds: float
    """For how long a pod may find no node until the wait fails."""
    until: dict[str, str]
    """By kind, a JMESPath expression that is true for a ready object: `{"Job": "status.succeeded"}`."""
    allow_empty: bool
    """Whether a DaemonSet that no node matches is ready."""
    left_generations: Mapping[ObjectRef, int] = field(default_factory=dict)
    """The generation in which this run left an object; 0 if it is not known. A later one is of another run."""
    waits_despite: Callable[[Object, Symptom], bool] = lambda _workload, _symptom: False
    """Whether the wait goes on until the time is over, even if this workload has this symptom and it lasts."""


class _PolledWorkload(NamedTuple):
    """A workload to wait for, as the last poll has found it."""

    name: ObjectRef
    resource: FollowedResource


class _UnfinishedObject(NamedTuple):
    """An object that is not ready."""

    live_object: Object
    unreconciled_reason: str
    """Why the operator has not reconciled it yet; empty for a workload whose pods are not ready."""

    @property
    def state_text(self) -> str:
        """The state as a message says it, such as `Deployment shop/web: 1 of 3 ready`."""
        reason = self.unreconciled_reason or describe_pod_counts(self.live_object)
        return f"{format_title(self.live_object)}: {reason}"


class RolloutWait:
    """The wait for some workloads.

    A caller with one wait calls `wait`. A caller with several polls each with `is_done` until it is True, and calls
    `describe_timeout` for one that is not done in time.
    """

    def __init__(self, cluster: Cluster, search: Search, options: RolloutWaitOptions) -> None:
        """Raise Problem for a kind of workload that the cluster does not serve: the server is asked for some kinds."""
        self._cluster = cluster
        self._search = search
        self._options = options
        resources = ApiResources(cluster)
        self._paths = [self._find_path(resources, workload) for workload in options.workloads]
        # The workloads in the order of the options, and why some are not ready, as the last poll has found them.
        self._polled_workloads: list[_PolledWorkload] = []
        self._symptoms: list[WorkloadSymptom] = []
        # Since when a workload without a readiness probe has been ready, by its UID.
        self._ready_since: dict[str, float] = {}
        # The workloads that have existed during this wait.
        self._existing_names: set[ObjectRef] = set()
        self._status = WorkloadStatus(
            cluster, search, unschedulable_seconds=options.unschedulable_seconds, allow_empty=options.allow_empty
        )

    def wait(self) -> dict[str, Any]:
        """Return the result of the task when all workloads are ready.

        Raises Failure if one cannot become ready, or if the time limit is reached.
        """
        started_at = self._cluster.clock()
        for _poll in self._cluster.iter_polls(self._options.timeout_seconds, started_at):
            if self.is_done():
                seconds = round(self._cluster.clock() - started_at, 1)
                return {"changed": False, "msg": f"{len(self._paths)} ready", "seconds": seconds}
        raise self.describe_timeout()

    def is_done(self) -> bool:
        """Poll the workloads once, and return whether all are ready. Raises Failure if one cannot become ready."""
        self._polled_workloads = ask_server("Read the workloads", self._read_workloads)
        self._refuse_deletion()
        self._refuse_other_runs()
        self._report_progress()
        if all(polled.resource.is_done(self._is_ready) for polled in self._polled_workloads):
            return True
        unfinished_objects = [unfinished.live_object for unfinished in self._list_unfinished()]
        self._symptoms = self._status.find_current_symptoms(unfinished_objects)
        fatal_symptoms = []
        for workload_symptom in self._status.select_lasting(self._symptoms):
            if not self._options.waits_despite(workload_symptom.workload, workload_symptom.symptom):
                fatal_symptoms.append(workload_symptom)
        if fatal_symptoms:
            raise self._status.build_failure(fatal_symptoms)
        return False

    def describe_timeout(self) -> Failure:
        """Return the failure of workloads that were not ready in time, after the last poll."""
        unfinished = self._list_unfinished()
        unfinished_objects = [item.live_object for item in unfinished]
        unreconciled_resources = [item.live_object for item in unfinished if item.unreconciled_reason]
        state_texts = self._list_missing_workloads()
        state_texts += [item.state_text for item in unfinished]
        failures, problems = describe_symptoms(self._cluster, self._symptoms)
        advice = "raise `*_wait_seconds` of the role, or `timeout_seconds` of the module"
        notes = [f"If the workloads only need more time, {advice}."]
        notes += [str(problem) for problem in problems]
        notes += self._list_idle_nodes(unfinished_objects)
        notes += explain_unreconciled_resources(self._cluster, unreconciled_resources)
        notes += describe_unfinished(unfinished_objects, self._status.list_events())
        return Failure(
            f"not ready after {self._options.timeout_seconds:g} s: {'; '.join(state_texts)}",
            asked="Wait for the workloads",
            fix="\n".join(notes),
            facts={"failures": failures},
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

    def _read_workloads(self) -> list[_PolledWorkload]:
        """Return all workloads as they are in the cluster, in the order of the options."""
        live_objects = self._cluster.call_in_parallel(self._cluster.get, self._paths)
        resources = read_followed_resources(self._cluster, live_objects, self._options.until)
        polled_workloads = []
        for workload, resource in zip(self._options.workloads, resources, strict=True):
            polled_workloads.append(_PolledWorkload(workload.name, resource))
        return polled_workloads

    def _list_unfinished(self) -> list[_UnfinishedObject]:
        """Return the objects of all workloads that are not ready, as the last poll has found them."""
        unfinished: list[_UnfinishedObject] = []
        for _name, resource in self._polled_workloads:
            for live_object in resource.list_unfinished(self._is_ready):
                unfinished.append(_UnfinishedObject(live_object, resource.unreconciled_reason))
        return unfinished

    def _report_progress(self) -> None:
        """Tell how far each workload is."""
        for name, resource in self._polled_workloads:
            shown_objects = list(resource.workloads)
            if not shown_objects and resource.live_object:
                shown_objects = [resource.live_object]
            if not shown_objects:
                self._cluster.progress(str(name), "does not exist")
            # `list_unfinished` returns some of the objects themselves, so their identity in Python compares them.
            unfinished_ids = [id(unfinished_object) for unfinished_object in resource.list_unfinished(self._is_ready)]
            for shown_object in shown_objects:
                if resource.unreconciled_reason or id(shown_object) in unfinished_ids:
                    progress_text = resource.unreconciled_reason or describe_pod_counts(shown_object)
                    self._cluster.progress(format_title(shown_object), progress_text)
                else:
                    self._cluster.progress.tell_done(format_title(shown_object))

    def _refuse_deletion(self) -> None:
        """Raise Failure if a workload is deleted that this run has applied or this wait has found.

        Nobody brings it back. A workload that does not exist yet is awaited.
        """
        for name, resource in self._polled_workloads:
            if not is_gone(resource.live_object):
                self._existing_names.add(name)
            elif name in self._existing_names or self._options.left_generations.get(name):
                raise report_deleted(self._cluster, name)

    def _refuse_other_runs(self) -> None:
        """Raise Failure if another run has applied a workload since this run.

        The workload may no longer have what this run applied.
        """
        for polled in self._polled_workloads:
            live_object = polled.resource.live_object
            if live_object is None:
                continue
            # 0 is that of an object which this run has not applied, or whose generation it does not know.
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

    def _list_missing_workloads(self) -> list[str]:
        """Return which workloads do not exist, such as `Deployment ns/a does not exist`."""
        missing_texts = []
        for workload_name, resource in self._polled_workloads:
            if not resource.live_object:
                kind, namespace, name = workload_name
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
