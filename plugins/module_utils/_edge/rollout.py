# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait for workloads together; stop as soon as one cannot become ready, and say why. Private."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from .._core.bundle import ref
from .._core.errors import Problem
from .._core.rollout import Object, count, is_ready
from .cluster import ApiError, Cluster
from .connect import connect
from .explain import explain, kind_missing
from .kinds import Places, version_for
from .look import Found, Look, Search, checked_search
from .reasons import told, unfinished
from .translate import Failure, run


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


class Wait:
    """One wait for all workloads."""

    def __init__(self, cluster: Cluster, search: Search, options: Options) -> None:
        self.cluster, self.search, self.options = cluster, search, options
        places = Places(cluster)
        self.paths = [self._path(places, workload) for workload in options.workloads]
        self.look = Look(
            cluster,
            search,
            unschedulable_seconds=options.unschedulable_seconds,
            allow_empty=options.allow_empty,
        )

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
        for _poll in self.cluster.polls(self.options.timeout_seconds, start):
            states = self._ask("Read the workloads", lambda: self.cluster.parallel(self.cluster.get, self.paths))
            pending = [index for index, state in enumerate(states) if not self._ready(state)]
            if not pending:
                seconds = round(self.cluster.clock() - start, 1)
                return {"changed": False, "msg": f"{len(states)} ready", "seconds": seconds}
            workloads = [state for index in pending if (state := states[index])]
            found = self.look.at(workloads)
            fatal = self.look.lasting(found)
            if fatal:
                raise self.look.failure(fatal)
        absent = [self.options.workloads[index] for index in pending if not states[index]]
        raise self._too_late(workloads, absent, found)

    def _ready(self, state: Object | None) -> bool:
        return bool(state) and is_ready(
            self.search, state or {}, self.options.until, allow_empty=self.options.allow_empty
        )

    def _too_late(self, late: list[Object], absent: list[dict[str, str]], found: Found) -> Failure:
        missing = [f"{item['kind']} {item.get('namespace') or ''}/{item['name']} does not exist" for item in absent]
        counts = [f"{ref(workload)}: {count(self.search, workload)}" for workload in late]
        failures, problems = told(self.cluster, found)
        notes = [str(problem) for problem in problems] + unfinished(late, self.look.events())
        return Failure(
            f"not ready after {self.options.timeout_seconds:g} s: {'; '.join([*missing, *counts])}",
            asked="Wait for the workloads",
            fix="\n".join(["Raise timeout_seconds if they only need longer.", *notes]),
            facts={"failures": failures},
        )
