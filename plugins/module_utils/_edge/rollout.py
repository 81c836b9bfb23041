# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait for workloads together; stop as soon as one cannot become ready, and say why. Private."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from .._core.bundle import ref
from .._core.errors import Problem
from .._core.rollout import Object, Symptom, count, is_ready, newest, newest_pods, older_pods, symptoms
from .._core.rollout_tables import UNSCHEDULABLE_GRACE
from .cluster import ApiError, Cluster
from .connect import connect, library
from .explain import explain, kind_missing
from .kinds import Place, Places, version_for
from .reasons import told, unfinished
from .translate import Failure, run

POLL_FIRST, POLL_GROWTH, POLL_LAST = 0.2, 1.4, 2.0
# What is listed once per namespace, since all workloads in it share the answer.
LISTED = (("v1", "Pod", "pods"), ("apps/v1", "ReplicaSet", "replicasets"), ("v1", "Event", "events"))
REVISIONS = ("apps/v1", "ControllerRevision", "controllerrevisions")


@dataclass(frozen=True)
class Options:
    """What the user waits for, and for how long."""

    workloads: list[dict[str, str]]
    timeout_seconds: float
    unschedulable_seconds: float
    until: dict[str, str]
    allow_empty: bool


def run_wait(module: AnsibleModule) -> None:
    """Do what the task asks."""
    params = module.params
    names = ("workloads", "timeout_seconds", "unschedulable_seconds", "allow_empty")
    options = Options(until=params["until"] or {}, **{name: params[name] for name in names})

    def work() -> dict[str, Any]:
        if module.check_mode:
            return {"changed": False, "skipped": True, "msg": "Not waited: nothing was applied in check mode."}
        return Wait(connect(module), checked_search(options.until), options).wait()

    run(module, work)


def checked_search(until: dict[str, str]) -> Callable[[str, Any], Any]:
    """Return JMESPath's search, after a look at what the user wrote."""
    jmespath = library("jmespath")
    compiled: dict[str, Any] = {}
    for kind, expression in until.items():
        try:
            compiled[expression] = jmespath.compile(expression)
        except jmespath.exceptions.JMESPathError as error:
            fix = "See https://jmespath.org for the language."
            raise Problem(f"this is no JMESPath: {error}", asked=expression, where=f"until.{kind}", fix=fix) from error

    def search(expression: str, data: Any) -> Any:
        if expression not in compiled:
            compiled[expression] = jmespath.compile(expression)
        try:
            return compiled[expression].search(data)
        except jmespath.exceptions.JMESPathError as error:
            raise Problem(
                f"it does not fit the object: {error}", asked=expression, fix="Correct the expression."
            ) from error

    return search


class Wait:
    """One wait for all workloads."""

    def __init__(self, cluster: Cluster, search: Callable[[str, Any], Any], options: Options) -> None:
        self.cluster, self.search, self.options = cluster, search, options
        places = Places(cluster)
        self.paths = [self._path(places, workload) for workload in options.workloads]
        self.seen: dict[tuple[str, ...], float] = {}
        self.listed: dict[tuple[str, str], list[Object]] = {}

    def _path(self, places: Places, workload: dict[str, str]) -> str:
        version = workload.get("api_version") or version_for(workload["kind"])
        asked = f"Wait for {workload['kind']} {workload['name']}"
        place = self._ask(asked, lambda: places.find(version, workload["kind"]))
        if place is None:
            raise kind_missing(asked, version)
        if place.namespaced and not workload.get("namespace"):
            raise Problem("it has no namespace", asked=asked, where="workloads", fix="Say where it is.")
        path: str = place.path(workload.get("namespace") or "", workload["name"])
        return path

    def _ask(self, asked: str, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except ApiError as error:
            raise explain(error, asked) from error

    def wait(self) -> dict[str, Any]:
        """Return when all are ready; fail when one cannot be, or when the time is over."""
        start = self.cluster.clock()
        for _poll in self._polls(start):
            states = self._ask("Read the workloads", lambda: self.cluster.parallel(self.cluster.get, self.paths))
            pending = [index for index, state in enumerate(states) if not self._ready(state)]
            if not pending:
                seconds = round(self.cluster.clock() - start, 1)
                return {"changed": False, "msg": f"{len(states)} ready", "seconds": seconds}
            workloads = [state for index in pending if (state := states[index])]
            found = self._look(workloads)
            fatal = [(workload, symptom) for workload, symptom in found if self._lasts(workload, symptom)]
            if fatal:
                raise self._failure(fatal)
        absent = [self.options.workloads[index] for index in pending if not states[index]]
        raise self._too_late(workloads, absent, found)

    def _polls(self, start: float) -> Iterator[None]:
        pause = POLL_FIRST
        yield
        while self.cluster.clock() - start < self.options.timeout_seconds:
            self.cluster.sleep(pause)
            pause = min(pause * POLL_GROWTH, POLL_LAST)
            yield

    def _ready(self, state: Object | None) -> bool:
        return bool(state) and is_ready(
            self.search, state or {}, self.options.until, allow_empty=self.options.allow_empty
        )

    def _look(self, workloads: list[Object]) -> list[tuple[Object, Symptom]]:
        """Return what is wrong now, with one list of each kind per namespace."""
        kinds = LISTED + ((REVISIONS,) if any(w["kind"] != "Deployment" for w in workloads) else ())
        names = sorted({w["metadata"].get("namespace", "") for w in workloads} - {""})
        wheres = [(Place(*kind, True), name) for name in names for kind in kinds]
        lists = self._ask("Look for reasons", lambda: self.cluster.parallel(self._list, wheres))
        self.listed = {(place.kind, name): items for (place, name), items in zip(wheres, lists, strict=True)}
        return [(workload, symptom) for workload in workloads for symptom in self._symptoms(workload)]

    def _list(self, where: tuple[Place, str]) -> list[Object]:
        place, namespace = where
        try:
            return list(self.cluster.items(place.path(namespace)))
        except ApiError as error:
            if error.status == 403 and place.kind != "Pod":  # noqa: PLR2004 - then with fewer reasons
                return []
            raise

    def _symptoms(self, workload: Object) -> list[Symptom]:
        def listed(kind: str) -> list[Object]:
            return self.listed.get((kind, workload["metadata"].get("namespace", "")), [])

        revision = newest(workload, listed("ReplicaSet" if workload["kind"] == "Deployment" else "ControllerRevision"))
        pods = newest_pods(workload, revision, listed("Pod"))
        old = older_pods(workload, pods, listed("Pod"))
        empty, events = self.options.allow_empty, listed("Event")
        return list(symptoms(self.search, workload, revision, pods, events, allow_empty=empty, old=old))

    def _lasts(self, workload: Object, symptom: Symptom) -> bool:
        """Return whether it has been so for as long as its row allows."""
        now = self.cluster.clock()
        first = self.seen.setdefault((str(ref(workload)), *symptom.key), now)
        grace = self.options.unschedulable_seconds if symptom.row.grace == UNSCHEDULABLE_GRACE else symptom.row.grace
        return now - first >= grace

    def _failure(self, fatal: list[tuple[Object, Symptom]]) -> Failure:
        failures, problems = told(self.cluster, fatal)
        unclear = [workload for workload, symptom in fatal if symptom.row.evidence and not symptom.pod]
        more = [str(problem) for problem in problems[1:]] + unfinished(unclear, self._events())
        first = problems[0]
        fix = "\n".join([first.fix, *more])
        return Failure(first.wrong, asked=first.asked, where=first.where, fix=fix, facts={"failures": failures})

    def _events(self) -> list[Object]:
        return [event for (kind, _namespace), items in self.listed.items() if kind == "Event" for event in items]

    def _too_late(
        self, late: list[Object], absent: list[dict[str, str]], found: list[tuple[Object, Symptom]]
    ) -> Failure:
        missing = [f"{item['kind']} {item.get('namespace') or ''}/{item['name']} does not exist" for item in absent]
        counts = [f"{ref(workload)}: {count(self.search, workload)}" for workload in late]
        failures, problems = told(self.cluster, found)
        notes = [str(problem) for problem in problems] + unfinished(late, self._events())
        return Failure(
            f"not ready after {self.options.timeout_seconds:g} s: {'; '.join([*missing, *counts])}",
            asked="Wait for the workloads",
            fix="\n".join(["Raise timeout_seconds if they only need longer.", *notes]),
            facts={"failures": failures},
        )
