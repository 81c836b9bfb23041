# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait for workloads in parallel. Fail as soon as one cannot become ready, with the reason. Private."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..._kube.live.api_errors import asking, kind_missing
from ..._kube.live.cluster import Cluster
from ..._kube.live.kinds import ApiResources, version_for
from ..._kube.nodes import without_pod
from ..._kube.ownership import reapplied
from ..._otelcol.errors import Failure, Problem
from ..._otelcol.kube.names import OWNER
from ..._otelcol.kube.objects import Ref, ref
from ..failures import Object, Symptom, owned, title, unprobed
from ..readiness import count, is_ready
from .deleted_workload import deleted, is_gone
from .explain_failures import WorkloadStatus
from .failure_texts import Found, described, unfinished
from .followed_workloads import Followed, follow
from .jmespath_search import Search
from .operator_reasons import operator_lines

# Kubernetes reports a container without a readiness probe as ready as soon as its process starts, even if the process
# then exits. The collection's own workloads set minReadySeconds; the operator's resource has no such field.
STEADY_SECONDS = 5.0
ONE_RUN = (
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
        self._paths = [self._path(resources, workload) for workload in options.workloads]
        self._left_generations = dict(map(_generation, options.applied))
        # The workloads and why they are not ready, as the last look has found them.
        self._seen: list[Followed] = []
        self._symptoms: Found = []
        # By UID: since when a workload without a readiness probe has been ready.
        self._ready_since: dict[str, float] = {}
        # The workloads that have existed during this wait.
        self._existed: set[Ref] = set()
        self._status = WorkloadStatus(
            cluster, search, unschedulable_seconds=options.unschedulable_seconds, allow_empty=options.allow_empty
        )

    def _path(self, resources: ApiResources, workload: dict[str, str]) -> str:
        version = workload.get("api_version") or version_for(workload["kind"])
        asked = f"Wait for {workload['kind']} {workload['name']}"
        resource = asking(asked, lambda: resources.find(version, workload["kind"]))
        if resource is None:
            raise kind_missing(asked, version)
        if resource.namespaced and not workload.get("namespace"):
            raise Problem("it has no namespace", asked=asked, where="workloads", fix="Add its namespace.")
        path: str = resource.path(workload.get("namespace") or "", workload["name"])
        return path

    def wait(self) -> dict[str, Any]:
        """Return when all workloads are ready. Fail if one cannot become ready or the time limit is reached."""
        start = self._cluster.clock()
        for _poll in self._cluster.polls(self._options.timeout_seconds, start):
            if self.done():
                seconds = round(self._cluster.clock() - start, 1)
                return {"changed": False, "msg": f"{len(self._paths)} ready", "seconds": seconds}
        raise self.too_late()

    def done(self) -> bool:
        """Return whether all workloads are ready now. Raises Failure if one cannot become ready."""
        self._seen = asking("Read the workloads", self._read)
        self._refuse_deletion(self._seen)
        self._refuse_other_runs(self._seen)
        self._tell()
        if all(workload.done(self._ready) for workload in self._seen):
            return True
        self._symptoms = self._status.current_symptoms(self._late())
        lasting = self._status.lasting(self._symptoms)
        fatal = [(workload, symptom) for workload, symptom in lasting if not self._options.spares(workload, symptom)]
        if fatal:
            raise self._status.failure(fatal)
        return False

    def _late(self) -> list[Object]:
        """Return the unfinished objects of all workloads."""
        late: list[Object] = []
        for workload in self._seen:
            late += workload.late(self._ready)
        return late

    def _tell(self) -> None:
        """Tell how far each workload is."""
        for given, workload in zip(self._options.workloads, self._seen, strict=True):
            late = [id(part) for part in workload.late(self._ready)]
            parts: list[Object | None] = [*workload.parts] or [workload.state]
            for part in parts:
                if part is None:
                    self._cluster.progress(str(_name(given)), "does not exist")
                elif workload.unreconciled or id(part) in late:
                    self._cluster.progress(title(part), workload.unreconciled or count(part))
                else:
                    self._cluster.progress.done(title(part))

    def _read(self) -> list[Followed]:
        return follow(self._cluster, self._cluster.parallel(self._cluster.get, self._paths), self._options.until)

    def _refuse_deletion(self, seen: list[Followed]) -> None:
        """Fail if a workload goes that a run has applied or that this wait has seen: nobody brings it back."""
        for given, workload in zip(self._options.workloads, seen, strict=True):
            name = _name(given)
            if is_gone(workload.state):
                if name in self._existed or self._left_generations.get(name):
                    raise deleted(self._cluster, name)
            else:
                self._existed.add(name)

    def _refuse_other_runs(self, seen: list[Followed]) -> None:
        """Fail if another run has applied a workload since: then this one may not have what its own run applied."""
        for workload in seen:
            state = workload.state
            if state is None:
                continue
            generation = self._left_generations.get(ref(state), 0)
            if generation and reapplied(state, generation, OWNER):
                newer = f"generation {state['metadata']['generation']}, and this run left {generation}"
                wrong = f"another run has changed it since this run ({newer})"
                raise Failure(wrong, asked=f"Wait for {ref(state)}", fix=ONE_RUN, facts={"failures": []})

    def _ready(self, state: Object) -> bool:
        """Return whether a workload is ready. One without a readiness probe has to be for some seconds."""
        ready = self._says_ready(state)
        uid = state["metadata"].get("uid", "")
        if not ready or not unprobed(state):
            self._ready_since.pop(uid, None)
            return ready
        now = self._cluster.clock()
        return now - self._ready_since.setdefault(uid, now) >= STEADY_SECONDS

    def _says_ready(self, state: Object) -> bool:
        """Return whether a workload is ready by its status, or by the expression that the user gives for its kind."""
        until = self._options.until.get(state["kind"])
        if until:
            return bool(self._search(until, state))
        return is_ready(state, allow_empty=self._options.allow_empty)

    def too_late(self) -> Failure:
        """Return the failure of workloads that were not ready in time."""
        states = self._missing()
        late = self._late()
        unreconciled = {id(workload.state): workload.unreconciled for workload in self._seen if workload.unreconciled}
        for part in late:
            states.append(f"{title(part)}: {unreconciled.get(id(part)) or count(part)}")
        failures, problems = described(self._cluster, self._symptoms)
        longer = "raise `*_wait_seconds` of the role, or `timeout_seconds` of the module"
        notes = [f"If the workloads only need more time, {longer}."]
        notes += [str(problem) for problem in problems]
        notes += self._idle(late)
        notes += operator_lines(self._cluster, [part for part in late if id(part) in unreconciled])
        notes += unfinished(late, self._status.events())
        return Failure(
            f"not ready after {self._options.timeout_seconds:g} s: {'; '.join(states)}",
            asked="Wait for the workloads",
            fix="\n".join(notes),
            facts={"failures": failures},
        )

    def _missing(self) -> list[str]:
        """Return which workloads do not exist, each as a sentence without an end."""
        missing = []
        for given, workload in zip(self._options.workloads, self._seen, strict=True):
            if not workload.state:
                missing.append(f"{given['kind']} {given.get('namespace') or ''}/{given['name']} does not exist")
        return missing

    def _idle(self, late: list[Object]) -> list[str]:
        """Return on which nodes DaemonSets have no ready pod, where Kubernetes reports no reason."""
        explained = {symptom.pod["metadata"]["name"] for _workload, symptom in self._symptoms if symptom.pod}
        pods = self._status.objects_read("Pod")
        lines = []
        for workload in late:
            own_pods = [pod for pod in pods if owned(pod, workload)]
            lines.append(without_pod(workload, own_pods, explained))
        return [line for line in lines if line]


def _name(given: Mapping[str, str]) -> Ref:
    """Return the name of a workload of the options."""
    return Ref(given["kind"], given.get("namespace") or "", given["name"])


def _generation(applied: Mapping[str, Any]) -> tuple[Ref, int]:
    """Return the name of an object, and its generation after this run has applied it; 0 if that is not known."""
    kind, namespace, name = (str(applied.get(key) or "") for key in Ref._fields)
    return Ref(kind, namespace, name), int(applied.get("generation") or 0)
