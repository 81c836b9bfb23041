# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait for workloads together; stop as soon as one cannot become ready, and say why. Private."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..._core.cluster.rollout import Object, count, is_ready, title, unprobed
from ..._core.errors import Problem
from ..api.cluster import Cluster
from ..api.connect import connect
from ..api.explain import asking, kind_missing
from ..api.kinds import ApiResources, version_for
from ..api.translate import Failure, run
from .follow import Followed, follow, operator_lines
from .reasons import told, unfinished
from .workload_status import Found, Search, WorkloadStatus, checked_search

# What an operator makes without a readiness probe counts as ready when its process has started, even when it ends at
# once; our own workloads have minReadySeconds for that, and the operator's resource knows none.
STEADY_SECONDS = 5.0


@dataclass(frozen=True)
class RolloutWaitOptions:
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
    options = RolloutWaitOptions(until=params["until"] or {}, **{name: params[name] for name in names})

    def work() -> dict[str, Any]:
        if module.check_mode:
            return {"changed": False, "skipped": True, "msg": "Not waited: nothing was applied in check mode."}
        return RolloutWait(connect(module), checked_search(options.until), options).wait()

    run(module, work)


class RolloutWait:
    """One wait for all workloads."""

    def __init__(self, cluster: Cluster, search: Search, options: RolloutWaitOptions) -> None:
        self.cluster, self.search, self.options = cluster, search, options
        resources = ApiResources(cluster)
        self.paths = [self._path(resources, workload) for workload in options.workloads]
        self.since: dict[str, float] = {}
        self.look = WorkloadStatus(
            cluster,
            search,
            unschedulable_seconds=options.unschedulable_seconds,
            allow_empty=options.allow_empty,
        )

    def _path(self, resources: ApiResources, workload: dict[str, str]) -> str:
        version = workload.get("api_version") or version_for(workload["kind"])
        asked = f"Wait for {workload['kind']} {workload['name']}"
        resource = asking(asked, lambda: resources.find(version, workload["kind"]))
        if resource is None:
            raise kind_missing(asked, version)
        if resource.namespaced and not workload.get("namespace"):
            raise Problem("it has no namespace", asked=asked, where="workloads", fix="Say where it is.")
        path: str = resource.path(workload.get("namespace") or "", workload["name"])
        return path

    def wait(self) -> dict[str, Any]:
        """Return when all are ready; fail when one cannot be, or when the time is over."""
        start = self.cluster.clock()
        for _poll in self.cluster.polls(self.options.timeout_seconds, start):
            seen = asking("Read the workloads", self._read)
            if all(item.done(self._ready) for item in seen):
                seconds = round(self.cluster.clock() - start, 1)
                return {"changed": False, "msg": f"{len(seen)} ready", "seconds": seconds}
            found = self.look.at([part for item in seen for part in item.late(self._ready)])
            fatal = self.look.lasting(found)
            if fatal:
                raise self.look.failure(fatal)
        raise self._too_late(seen, found)

    def _read(self) -> list[Followed]:
        return follow(self.cluster, self.cluster.parallel(self.cluster.get, self.paths), self.options.until)

    def _ready(self, state: Object) -> bool:
        ready = is_ready(self.search, state, self.options.until, allow_empty=self.options.allow_empty)
        if not ready or not unprobed(state):
            self.since.pop(state["metadata"].get("uid", ""), None)
            return ready
        now = self.cluster.clock()
        return now - self.since.setdefault(state["metadata"].get("uid", ""), now) >= STEADY_SECONDS

    def _too_late(self, seen: list[Followed], found: Found) -> Failure:
        absent = [given for given, item in zip(self.options.workloads, seen, strict=True) if not item.state]
        missing = [f"{item['kind']} {item.get('namespace') or ''}/{item['name']} does not exist" for item in absent]
        late = [part for item in seen for part in item.late(self._ready)]
        waiting = {id(item.state): item.untaken for item in seen if item.untaken}
        counts = [f"{title(part)}: {waiting.get(id(part)) or count(self.search, part)}" for part in late]
        failures, problems = told(self.cluster, found)
        operator = operator_lines(self.cluster, [part for part in late if id(part) in waiting])
        notes = [str(problem) for problem in problems] + operator + unfinished(late, self.look.events())
        return Failure(
            f"not ready after {self.options.timeout_seconds:g} s: {'; '.join([*missing, *counts])}",
            asked="Wait for the workloads",
            fix="\n".join(["Raise timeout_seconds if they only need longer.", *notes]),
            facts={"failures": failures},
        )
