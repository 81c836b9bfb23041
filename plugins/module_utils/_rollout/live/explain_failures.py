# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Explain why workloads are not ready: read their pods, revisions and events, and search these for symptoms. Private.

Each poll of a wait calls `find_current_symptoms` and `select_lasting`; lasting symptoms end the wait by
`build_failure`. A symptom is a fault of a workload or pod, as a row of failure_tables.py finds it. It is lasting if it
has been there for the grace of its row: a pod that finds no image ends a wait at once, one that finds no node after
`unschedulable_seconds`.
"""

from __future__ import annotations

from typing import NamedTuple

from ..._kube.live.api_errors import explain
from ..._kube.live.cluster import NOT_ALLOWED, NOT_FOUND, ApiError, Cluster
from ..._kube.live.kinds import ApiResource
from ..._otelcol.errors import Failure
from ..._otelcol.kube.objects import ref
from ..failure_tables import UNSCHEDULABLE_GRACE
from ..failures import Object, Symptom, WorkloadSymptom, find_symptoms
from ..pod_revisions import find_newest_revision, select_newest_pods, select_older_pods
from ..readiness import is_generation_observed
from ..symptom_fixes import EXPLANATIONS_BY_ROW
from .failure_texts import describe_symptoms, describe_unfinished
from .jmespath_search import Search

# What each poll lists, once per namespace for all its workloads.
PODS = ApiResource("v1", "Pod", "pods", is_namespaced=True)
REPLICA_SETS = ApiResource("apps/v1", "ReplicaSet", "replicasets", is_namespaced=True)
EVENTS = ApiResource("v1", "Event", "events", is_namespaced=True)
# What it lists too if there are other workloads than Deployments.
CONTROLLER_REVISIONS = ApiResource("apps/v1", "ControllerRevision", "controllerrevisions", is_namespaced=True)


class _Listing(NamedTuple):
    """The objects of a kind in a namespace."""

    resource: ApiResource
    namespace: str


class WorkloadStatus:
    """Polls workloads for symptoms, and remembers since when each has lasted.

    `unschedulable_seconds` is for how long a pod may find no node; with `allow_empty`, a DaemonSet that no node matches
    is ready.
    """

    def __init__(
        self, cluster: Cluster, search: Search, *, unschedulable_seconds: float, allow_empty: bool = False
    ) -> None:
        self.cluster, self.search = cluster, search
        self._unschedulable_seconds, self._allow_empty = unschedulable_seconds, allow_empty
        # When each symptom was seen first: by its workload and its key.
        self._first_seen_at: dict[tuple[str, ...], float] = {}
        # What the last poll has listed.
        self._objects: dict[_Listing, list[Object]] = {}
        # What it has listed to explain some symptoms.
        self._explaining_objects: dict[_Listing, list[Object]] = {}

    def find_current_symptoms(self, workloads: list[Object]) -> list[WorkloadSymptom]:
        """Return the current symptoms. Lists each kind once per namespace."""
        observed_workloads = [workload for workload in workloads if is_generation_observed(workload)]
        self._read_around(observed_workloads)
        found_symptoms: list[WorkloadSymptom] = []
        for workload in observed_workloads:
            for symptom in self._find_symptoms_of(workload):
                found_symptoms.append(WorkloadSymptom(workload, self._explain_further(workload, symptom)))
        return found_symptoms

    def _read_around(self, workloads: list[Object]) -> None:
        """Read the objects that explain the state of some workloads, all of a kind in a namespace at once."""
        resources = [PODS, REPLICA_SETS, EVENTS]
        if any(workload["kind"] != "Deployment" for workload in workloads):
            resources.append(CONTROLLER_REVISIONS)
        namespaces = {workload["metadata"].get("namespace", "") for workload in workloads} - {""}
        listings = [_Listing(resource, namespace) for namespace in sorted(namespaces) for resource in resources]
        try:
            objects_by_listing = self.cluster.call_in_parallel(self._list_objects_in, listings)
        except ApiError as error:
            raise explain(error, "Find the reasons") from error
        self._explaining_objects = {}
        self._objects = dict(zip(listings, objects_by_listing, strict=True))

    def _explain_further(self, workload: Object, symptom: Symptom) -> Symptom:
        """Return a symptom with what further objects say of it. These are listed only for such a symptom."""
        explanation = EXPLANATIONS_BY_ROW.get(symptom.failure_row.id)
        if explanation is None:
            return symptom
        resource = ApiResource(explanation.api_version, explanation.kind, explanation.plural, is_namespaced=True)
        listing = _Listing(resource, workload["metadata"]["namespace"])
        if listing not in self._explaining_objects:
            self._explaining_objects[listing] = self._list_objects_in(listing)
        return explanation.explain_symptom(symptom, self._explaining_objects[listing], self.list_events())

    def _list_objects_in(self, listing: _Listing) -> list[Object]:
        """Return the objects of a kind in a namespace; none if this account may not list them, unless they are pods."""
        resource, namespace = listing
        try:
            return list(self.cluster.items(resource.build_path(namespace)))
        except ApiError as error:
            if error.status in (NOT_ALLOWED, NOT_FOUND) and resource.kind != "Pod":  # continue with fewer reasons
                return []
            raise

    def _find_symptoms_of(self, workload: Object) -> list[Symptom]:
        """Return the symptoms of a workload, by the objects that were listed last."""

        def list_in_namespace(resource: ApiResource) -> list[Object]:
            return self._objects.get(_Listing(resource, workload["metadata"].get("namespace", "")), [])

        all_pods = list_in_namespace(PODS)
        revisions = list_in_namespace(REPLICA_SETS if workload["kind"] == "Deployment" else CONTROLLER_REVISIONS)
        newest_revision = find_newest_revision(workload, revisions)
        newest_pods = select_newest_pods(workload, newest_revision, all_pods)
        symptoms = find_symptoms(
            self.search,
            workload,
            newest_revision,
            newest_pods,
            list_in_namespace(EVENTS),
            allow_empty=self._allow_empty,
            old=select_older_pods(workload, newest_pods, all_pods),
        )
        return list(symptoms)

    def select_lasting(self, found_symptoms: list[WorkloadSymptom]) -> list[WorkloadSymptom]:
        """Return the symptoms that have lasted longer than the grace period of their rows.

        An outage of the API server may have caused symptoms, so after one all of them begin to last anew.
        """
        if self.cluster.outage.has_just_ended:
            self._first_seen_at.clear()
            return []
        return [found for found in found_symptoms if self._is_lasting(found)]

    def _is_lasting(self, found: WorkloadSymptom) -> bool:
        """Return whether a symptom has been seen for longer than the grace of its row. Notes when it was seen first."""
        workload, symptom = found
        current_time = self.cluster.clock()
        first_seen_at = self._first_seen_at.setdefault((str(ref(workload)), *symptom.key), current_time)
        grace_seconds = symptom.failure_row.grace_seconds
        if grace_seconds == UNSCHEDULABLE_GRACE:
            grace_seconds = self._unschedulable_seconds
        return current_time - first_seen_at >= grace_seconds

    def list_events(self) -> list[Object]:
        """Return the events in all namespaces, as the last poll has read them."""
        return self.list_read_objects("Event")

    def list_read_objects(self, kind: str) -> list[Object]:
        """Return the objects of a kind in all namespaces, as the last poll has read them."""
        objects: list[Object] = []
        for listing, listed_objects in self._objects.items():
            if listing.resource.kind == kind:
                objects += listed_objects
        return objects

    def build_failure(self, lasting_symptoms: list[WorkloadSymptom]) -> Failure:
        """Return the failure that reports lasting symptoms: the first problem, with the others in its fix."""
        failures, problems = describe_symptoms(self.cluster, lasting_symptoms)
        first_problem, *other_problems = problems  # there is a symptom, so there is a problem
        # A symptom of a workload as a whole names no pod whose log could be shown, so its warnings are.
        unclear_workloads = [
            workload for workload, symptom in lasting_symptoms if symptom.failure_row.has_evidence and not symptom.pod
        ]
        further_notes = [str(problem) for problem in other_problems]
        further_notes += describe_unfinished(unclear_workloads, self.list_events())
        fix = "\n".join([first_problem.fix, *further_notes])
        return Failure(
            first_problem.wrong,
            asked=first_problem.asked,
            where=first_problem.where,
            fix=fix,
            facts={"failures": failures},
        )
