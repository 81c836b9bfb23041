# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Explain why workloads are not ready: read what is around them, and search it for symptoms. Private."""

from __future__ import annotations

from ..._kube.live.api_errors import explain
from ..._kube.live.cluster import NOT_ALLOWED, NOT_FOUND, ApiError, Cluster
from ..._kube.live.kinds import ApiResource
from ..._otelcol.errors import Failure
from ..._otelcol.kube.objects import ref
from ..failure_tables import UNSCHEDULABLE_GRACE
from ..failures import EXPLAINED, Object, Symptom, newest, newest_pods, older_pods, symptoms
from ..readiness import observed
from .failure_texts import Found, described, unfinished
from .jmespath_search import Search

# Kinds that are listed once per namespace for all its workloads.
KINDS = (("v1", "Pod", "pods"), ("apps/v1", "ReplicaSet", "replicasets"), ("v1", "Event", "events"))
REVISIONS = ("apps/v1", "ControllerRevision", "controllerrevisions")


class WorkloadStatus:
    """Polls workloads for symptoms."""

    def __init__(
        self, cluster: Cluster, search: Search, *, unschedulable_seconds: float, allow_empty: bool = False
    ) -> None:
        self.cluster, self.search = cluster, search
        self._unschedulable_seconds, self._allow_empty = unschedulable_seconds, allow_empty
        # When each symptom was seen first, and what the last poll has read: by kind and namespace.
        self._first_seen_at: dict[tuple[str, ...], float] = {}
        self._objects: dict[tuple[str, str], list[Object]] = {}
        self._explaining_objects: dict[tuple[ApiResource, str], list[Object]] = {}

    def current_symptoms(self, workloads: list[Object]) -> Found:
        """Return the current symptoms. Lists each kind once per namespace."""
        observed_workloads = [workload for workload in workloads if observed(workload)]
        self._read_around(observed_workloads)
        found: Found = []
        for workload in observed_workloads:
            for symptom in self._symptoms_of(workload):
                found.append((workload, self._explained(workload, symptom)))
        return found

    def _read_around(self, workloads: list[Object]) -> None:
        """Read what explains the state of some workloads: all objects of a kind in a namespace at once."""
        kinds = list(KINDS)
        if any(workload["kind"] != "Deployment" for workload in workloads):
            kinds.append(REVISIONS)
        resources = [ApiResource(*kind, True) for kind in kinds]
        namespaces = {workload["metadata"].get("namespace", "") for workload in workloads} - {""}
        places = [(resource, namespace) for namespace in sorted(namespaces) for resource in resources]
        try:
            lists = self.cluster.parallel(self._objects_in, places)
        except ApiError as error:
            raise explain(error, "Find the reasons") from error
        self._explaining_objects, self._objects = {}, {}
        for (resource, namespace), objects in zip(places, lists, strict=True):
            self._objects[resource.kind, namespace] = objects

    def _explained(self, workload: Object, symptom: Symptom) -> Symptom:
        """Return a symptom with what other objects say of it, which are read for it alone."""
        if symptom.row.id not in EXPLAINED:
            return symptom
        resource, explained = EXPLAINED[symptom.row.id]
        where = (ApiResource(*resource, True), workload["metadata"]["namespace"])
        if where not in self._explaining_objects:
            self._explaining_objects[where] = self._objects_in(where)
        return explained(symptom, self._explaining_objects[where], self.events())

    def _objects_in(self, where: tuple[ApiResource, str]) -> list[Object]:
        resource, namespace = where
        try:
            return list(self.cluster.items(resource.path(namespace)))
        except ApiError as error:
            if error.status in (NOT_ALLOWED, NOT_FOUND) and resource.kind != "Pod":  # continue with fewer reasons
                return []
            raise

    def _symptoms_of(self, workload: Object) -> list[Symptom]:
        def listed(kind: str) -> list[Object]:
            return self._objects.get((kind, workload["metadata"].get("namespace", "")), [])

        revision_kind = "ReplicaSet" if workload["kind"] == "Deployment" else "ControllerRevision"
        revision = newest(workload, listed(revision_kind))
        pods = newest_pods(workload, revision, listed("Pod"))
        old = older_pods(workload, pods, listed("Pod"))
        events = listed("Event")
        return list(symptoms(self.search, workload, revision, pods, events, allow_empty=self._allow_empty, old=old))

    def lasting(self, found: Found) -> Found:
        """Return the symptoms that have lasted longer than the grace period of their rows.

        Those that an outage of the API server may have caused have to last once more.
        """
        if self.cluster.outage.shaken:
            self._first_seen_at.clear()
            return []
        return [(workload, symptom) for workload, symptom in found if self._lasts(workload, symptom)]

    def _lasts(self, workload: Object, symptom: Symptom) -> bool:
        now = self.cluster.clock()
        first_seen_at = self._first_seen_at.setdefault((str(ref(workload)), *symptom.key), now)
        grace = self._unschedulable_seconds if symptom.row.grace == UNSCHEDULABLE_GRACE else symptom.row.grace
        return now - first_seen_at >= grace

    def events(self) -> list[Object]:
        """Return the events in all namespaces, as the last poll has read them."""
        return self.objects_read("Event")

    def objects_read(self, kind: str) -> list[Object]:
        """Return the objects of a kind in all namespaces, as the last poll has read them."""
        objects: list[Object] = []
        for (listed_kind, _namespace), listed in self._objects.items():
            if listed_kind == kind:
                objects += listed
        return objects

    def failure(self, fatal: Found) -> Failure:
        """Return the failure that reports lasting symptoms."""
        failures, problems = described(self.cluster, fatal)
        unclear = [workload for workload, symptom in fatal if symptom.row.evidence and not symptom.pod]
        more = [str(problem) for problem in problems[1:]] + unfinished(unclear, self.events())
        first = problems[0]
        fix = "\n".join([first.fix, *more])
        return Failure(first.wrong, asked=first.asked, where=first.where, fix=fix, facts={"failures": failures})
