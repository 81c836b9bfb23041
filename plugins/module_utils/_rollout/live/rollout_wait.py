# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait for workloads in parallel. Fail as soon as one cannot become ready, with the reason. Private."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..._kube.live.api_errors import asking, kind_missing
from ..._kube.live.cluster import ApiError, Cluster
from ..._kube.live.kinds import ApiResources, version_for
from ..._kube.nodes import without_pod
from ..._kube.operator_status import OPERATOR_PODS, Child, children, followed, unreconciled
from ..._kube.ownership import reapplied
from ..._otelcol.bounded.json_text import json_value
from ..._otelcol.config.masking import quoted
from ..._otelcol.config.paths import section
from ..._otelcol.errors import Failure, Problem
from ..._otelcol.kube.names import OWNER
from ..._otelcol.kube.objects import Ref, ref
from ..failures import OF, Object, Symptom, owned, title, unprobed
from ..readiness import count, is_ready
from .deleted_workload import deleted, is_gone
from .explain_failures import WorkloadStatus
from .failure_texts import Found, described, unfinished
from .jmespath_search import Search

# Kubernetes reports a container without a readiness probe as ready as soon as its process starts, even if the process
# then exits. The collection's own workloads set minReadySeconds; the operator's resource has no such field.
STEADY_SECONDS = 5.0
ONE_RUN = (
    "Its objects may hold inputs of both runs. See that only one run at a time deploys to this namespace, for example"
    " with one job template, then run again."
)


@dataclass(frozen=True)
class RolloutWaitOptions:
    """The workloads to wait for, and the time limits."""

    workloads: list[dict[str, str]]
    timeout_seconds: float
    unschedulable_seconds: float
    until: dict[str, str]
    allow_empty: bool
    applied: Sequence[dict[str, Any]] = ()
    # Whether a symptom of a workload is no reason to end the wait before the time is over.
    spares: Callable[[Object, Symptom], bool] = lambda _workload, _symptom: False


class RolloutWait:
    def __init__(self, cluster: Cluster, search: Search, options: RolloutWaitOptions) -> None:
        self.cluster, self.search, self.options = cluster, search, options
        resources = ApiResources(cluster)
        self.paths = [self._path(resources, workload) for workload in options.workloads]
        self.since: dict[str, float] = {}
        self.seen: list[Followed] = []
        self.present: set[Ref] = set()
        self.symptoms: Found = []
        self.generations = dict(map(_generation, options.applied))
        self.look = WorkloadStatus(
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
        start = self.cluster.clock()
        for _poll in self.cluster.polls(self.options.timeout_seconds, start):
            if self.done():
                seconds = round(self.cluster.clock() - start, 1)
                return {"changed": False, "msg": f"{len(self.paths)} ready", "seconds": seconds}
        raise self.too_late()

    def done(self) -> bool:
        """Return whether all workloads are ready now. Raises Failure if one cannot become ready."""
        self.seen = asking("Read the workloads", self._read)
        self._refuse_deletion(self.seen)
        self._refuse_other_runs(self.seen)
        self._tell()
        if all(workload.done(self._ready) for workload in self.seen):
            return True
        self.symptoms = self.look.current_symptoms(self._late())
        lasting = self.look.lasting(self.symptoms)
        fatal = [(workload, symptom) for workload, symptom in lasting if not self.options.spares(workload, symptom)]
        if fatal:
            raise self.look.failure(fatal)
        return False

    def _late(self) -> list[Object]:
        """Return the unfinished objects of all workloads."""
        late: list[Object] = []
        for workload in self.seen:
            late += workload.late(self._ready)
        return late

    def _tell(self) -> None:
        """Tell how far each workload is."""
        for given, workload in zip(self.options.workloads, self.seen, strict=True):
            late = [id(part) for part in workload.late(self._ready)]
            parts: list[Object | None] = [*workload.parts] or [workload.state]
            for part in parts:
                if part is None:
                    self.cluster.progress(str(_name(given)), "does not exist")
                elif workload.unreconciled or id(part) in late:
                    self.cluster.progress(title(part), workload.unreconciled or count(part))
                else:
                    self.cluster.progress.done(title(part))

    def _read(self) -> list[Followed]:
        return follow(self.cluster, self.cluster.parallel(self.cluster.get, self.paths), self.options.until)

    def _refuse_deletion(self, seen: list[Followed]) -> None:
        """Fail if a workload goes that a run has applied or that this wait has seen: nobody brings it back."""
        for given, workload in zip(self.options.workloads, seen, strict=True):
            name = _name(given)
            if is_gone(workload.state):
                if name in self.present or self.generations.get(name):
                    raise deleted(self.cluster, name)
            else:
                self.present.add(name)

    def _refuse_other_runs(self, seen: list[Followed]) -> None:
        """Fail if another run has applied a workload since: then this one may not have what its own run applied."""
        for workload in seen:
            state = workload.state
            if state is None:
                continue
            generation = self.generations.get(ref(state), 0)
            if generation and reapplied(state, generation, OWNER):
                newer = f"generation {state['metadata']['generation']}, and this run left {generation}"
                wrong = f"another run has changed it since this run ({newer})"
                raise Failure(wrong, asked=f"Wait for {ref(state)}", fix=ONE_RUN, facts={"failures": []})

    def _ready(self, state: Object) -> bool:
        """Return whether a workload is ready. One without a readiness probe has to be for some seconds."""
        ready = self._says_ready(state)
        uid = state["metadata"].get("uid", "")
        if not ready or not unprobed(state):
            self.since.pop(uid, None)
            return ready
        now = self.cluster.clock()
        return now - self.since.setdefault(uid, now) >= STEADY_SECONDS

    def _says_ready(self, state: Object) -> bool:
        """Return whether a workload is ready by its status, or by the expression that the user gives for its kind."""
        until = self.options.until.get(state["kind"])
        if until:
            return bool(self.search(until, state))
        return is_ready(state, allow_empty=self.options.allow_empty)

    def too_late(self) -> Failure:
        """Return the failure of workloads that were not ready in time."""
        states = self._missing()
        late = self._late()
        unreconciled = {id(workload.state): workload.unreconciled for workload in self.seen if workload.unreconciled}
        for part in late:
            states.append(f"{title(part)}: {unreconciled.get(id(part)) or count(part)}")
        failures, problems = described(self.cluster, self.symptoms)
        longer = "raise `*_wait_seconds` of the role, or `timeout_seconds` of the module"
        notes = [f"If the workloads only need more time, {longer}."]
        notes += [str(problem) for problem in problems]
        notes += self._idle(late)
        notes += operator_lines(self.cluster, [part for part in late if id(part) in unreconciled])
        notes += unfinished(late, self.look.events())
        return Failure(
            f"not ready after {self.options.timeout_seconds:g} s: {'; '.join(states)}",
            asked="Wait for the workloads",
            fix="\n".join(notes),
            facts={"failures": failures},
        )

    def _missing(self) -> list[str]:
        """Return which workloads do not exist, each as a sentence without an end."""
        missing = []
        for given, workload in zip(self.options.workloads, self.seen, strict=True):
            if not workload.state:
                missing.append(f"{given['kind']} {given.get('namespace') or ''}/{given['name']} does not exist")
        return missing

    def _idle(self, late: list[Object]) -> list[str]:
        """Return on which nodes DaemonSets have no ready pod, where Kubernetes reports no reason."""
        explained = {symptom.pod["metadata"]["name"] for _workload, symptom in self.symptoms if symptom.pod}
        pods = self.look.objects_read("Pod")
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


LEASE = ".opentelemetry.io"  # ends the names of the operator's leases
LOG_LINES, SHOWN, LINE_LENGTH = 500, 2, 500
Ready = Callable[[Object], bool]


@dataclass
class Followed:
    """The current state of one resource, and the workloads that decide whether it is ready."""

    state: Object | None
    parts: list[Object]
    unreconciled: str

    def late(self, ready: Ready) -> list[Object]:
        """Return the unfinished objects: the resource until the operator reconciles it, then its workloads.

        Until then the workloads belong to an older generation, and their failures may be obsolete.
        """
        if self.unreconciled:
            return [self.state] if self.state else []
        return [part for part in self.parts if not ready(part)]

    def done(self, ready: Ready) -> bool:
        """Return whether the resource exists, and all that decides is ready."""
        if self.state is None or self.unreconciled:
            return False
        return not self.late(ready)


def follow(cluster: Cluster, states: Sequence[Object | None], plain: Container[str] = ()) -> list[Followed]:
    """Read the workloads of all resources in parallel. Kinds in `plain` have no workloads to follow."""
    groups: list[list[Child] | None] = []
    paths = []
    for state in states:
        group = None
        if state and followed(state) and state["kind"] not in plain:
            group = children(state)
            paths += [ApiResources.path_of(*child[:3]) for child in group]
        groups.append(group)
    live_children = iter(cluster.parallel(cluster.get, paths))
    return [_followed_by(state, group, live_children) for state, group in zip(states, groups, strict=True)]


def _followed_by(state: Object | None, group: list[Child] | None, live_children: Iterator[Object | None]) -> Followed:
    """Return a resource with its workloads, which are the next ones of all live children."""
    if state is None or group is None:
        return Followed(state, [state] if state else [], "")
    live = [next(live_children) for _child in group]
    parts = [{**part, OF: str(ref(state))} for part in live if part]
    return Followed(state, parts, unreconciled(state, live))


def operator_lines(cluster: Cluster, resources: list[Object]) -> list[str]:
    """Return why the operator does not reconcile resources: its log, its lease, or that no operator runs."""
    if not resources:
        return []
    try:
        pods = list(cluster.items("/api/v1/pods", {"labelSelector": OPERATOR_PODS}))
    except ApiError:  # no permission to list pods
        return []
    if not pods:
        return [f"The cluster has no pod of the operator ({OPERATOR_PODS}). Install or start the operator."]
    lines = _leaderless(cluster, pods)
    for pod in pods:
        metadata = pod["metadata"]
        path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}/log"
        lines += [
            f"The operator {metadata['namespace']}/{metadata['name']}: {said}"
            for said in _said(cluster, path, resources)
        ]
    return lines


def _leaderless(cluster: Cluster, pods: list[Object]) -> list[str]:
    """Return the leases of deleted operator pods: a new pod waits until such a lease expires."""
    names = {pod["metadata"]["name"] for pod in pods}
    lines = []
    for namespace in sorted({pod["metadata"]["namespace"] for pod in pods}):
        try:
            leases = list(cluster.items(f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"))
        except ApiError:
            continue
        for lease in leases:
            holder = str(lease["spec"].get("holderIdentity") or "").rpartition("_")[0]
            if lease["metadata"]["name"].endswith(LEASE) and holder and holder not in names:
                lines.append(
                    f"The operator in {namespace} waits for the lease of {holder}, a pod that no longer exists."
                    f" It acquires the lease about {lease['spec'].get('leaseDurationSeconds')} s after its start."
                )
    return lines


def _said(cluster: Cluster, path: str, resources: list[Object]) -> list[str]:
    """Return the last logged errors that name one of the resources. The operator logs JSON objects."""
    try:
        lines = cluster.text(path, {"tailLines": LOG_LINES}).splitlines()
    except ApiError:
        return []
    names = [f'"name":"{item["metadata"]["name"]}"' for item in resources]
    errors = []
    for line in lines:
        error = _error(line) if any(name in line for name in names) else ""
        if error:
            errors.append(quoted(error, LINE_LENGTH))
    return list(dict.fromkeys(errors))[-SHOWN:]


def _error(line: str) -> str:
    try:
        return str(section(json_value(line)).get("error") or "")
    except ValueError:
        return ""
