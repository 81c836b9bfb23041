# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Follow an installation by OLM, approve what may be approved, and say why it will not be there. Private."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..._errors import Failure, Problem
from ..._kube.bundle import Manifest
from ..._kube.live.api_errors import asking, explain
from ..._kube.live.cluster import CONFLICT, MERGE, NOT_FOUND, ApiError, Cluster
from ..._kube.live.connect import connect, run
from ..._rollout.live.explain_failures import Search, WorkloadStatus, checked_search
from ..olm import olm_state_table
from ..olm.olm_state_table import SOON
from ..olm.olm_states import (
    APPROVE,
    DONE,
    FAIL,
    Goal,
    OlmObjects,
    OlmSymptom,
    OlmVerdict,
    deprecations,
    judge,
    status_of,
)
from .olm_info import OPERATORS

DEPLOYMENTS = "/apis/apps/v1/namespaces/{}/deployments/{}"
UNSCHEDULABLE_SECONDS = 15.0
ARGUMENTS: dict[str, Any] = {
    "namespace": {"required": True},
    "subscription": {"required": True},
    "csv": {"default": ""},
    "approval": {"choices": ["automatic", "manual"], "default": "automatic"},
    "timeout_seconds": {"type": "float", "default": 300},
}


@dataclass(frozen=True)
class OlmWaitOptions:
    """What the user waits for, and for how long."""

    namespace: str
    subscription: str
    csv: str
    approval: str
    timeout_seconds: float

    @property
    def goal(self) -> Goal:
        """The request to the state machine."""
        return Goal(self.subscription, self.csv, self.approval == "manual")

    @property
    def asked(self) -> str:
        return f"Install {self.csv or self.subscription} by OLM in namespace {self.namespace}"


@dataclass
class Course:
    """What was seen on the way."""

    since: dict[tuple[str, ...], float] = field(default_factory=dict)
    refused: tuple[tuple[str, str], float] = (("", ""), 0.0)
    approved: list[str] = field(default_factory=list)
    phases: list[str] = field(default_factory=list)


def run_wait(module: AnsibleModule) -> None:
    names = ("namespace", "subscription", "csv", "approval", "timeout_seconds")
    options = OlmWaitOptions(**{name: module.params[name] for name in names})

    def work() -> dict[str, Any]:
        if options.goal.pinned and not options.csv:
            fix = "Name the ClusterServiceVersion, or set approval to automatic."
            wrong = "manual approval needs the version that is approved"
            raise Problem(wrong, asked=options.asked, where="csv", fix=fix)
        if module.check_mode:
            return {"changed": False, "skipped": True, "msg": "Not waited: nothing was applied in check mode."}
        return OlmWait(connect(module), checked_search({}), options).wait()

    run(module, work)


class OlmWait:
    def __init__(self, cluster: Cluster, search: Search, options: OlmWaitOptions) -> None:
        self.cluster, self.options, self.course = cluster, options, Course()
        self.root = f"{OPERATORS}/namespaces/{options.namespace}"
        self.look = WorkloadStatus(cluster, search, unschedulable_seconds=UNSCHEDULABLE_SECONDS)
        self.asked = options.asked

    def wait(self) -> dict[str, Any]:
        """Return when it is there; fail when it cannot be, or when the time is over."""
        start = self.cluster.clock()
        for _poll in self.cluster.polls(self.options.timeout_seconds, start):
            seen = self._read()
            self._note(seen)
            verdict = judge(self.options.goal, seen)
            self.cluster.progress(self.asked, "; ".join(self.course.phases[-len(seen.csvs) :]) or "no version yet")
            if verdict.what == DONE:
                self.cluster.progress.done(self.asked)
                return self._result(seen, verdict, start)
            if verdict.what == FAIL and self._lasts(verdict.choice):
                raise self._refused(verdict.choice)
            if verdict.what == APPROVE:
                self._approve(verdict.choice)
            self._give_up(verdict.symptoms, seen)
        raise self._refused(verdict.choice) if verdict.what == FAIL else self._late(seen, verdict)

    def _read(self) -> OlmObjects:
        opts = self.options
        reads: list[Callable[[], Any]] = [
            lambda: self.cluster.get(f"{self.root}/subscriptions/{opts.subscription}"),
            lambda: list(self.cluster.items(f"{self.root}/installplans")),
        ]
        subscription, listed = self.cluster.parallel(
            partial(asking, "Read the Subscription and its InstallPlans"), reads
        )
        status = status_of(subscription)
        newest = str((status.get("installPlanRef") or {}).get("name") or "")
        mine = [p for p in listed if olm_state_table.is_owned(p, opts.subscription) or p["metadata"]["name"] == newest]
        wanted = dict.fromkeys(filter(None, (status.get("currentCSV"), status.get("installedCSV"), opts.csv)))
        paths = [f"{self.root}/clusterserviceversions/{name}" for name in wanted]
        read = asking("Read the ClusterServiceVersions", lambda: self.cluster.parallel(self.cluster.get, paths))
        return OlmObjects(subscription, mine, {item["metadata"]["name"]: item for item in read if item})

    def _note(self, seen: OlmObjects) -> None:
        """Keep the phases in their order, for the result."""
        for name, item in seen.csvs.items():
            said = f"{name} {status_of(item).get('phase') or 'new'}"
            if said not in self.course.phases[-len(seen.csvs) :]:
                self.course.phases.append(said)

    def _approve(self, choice: olm_state_table.PlanDecision) -> None:
        """Approve a plan; the version of it that was judged, and no later one."""
        path = f"{self.root}/installplans/{choice.plan}"

        def work() -> bool:
            plan = self.cluster.get(path)
            if plan is None or not olm_state_table.waits(plan) or olm_state_table.names_of(plan) != choice.brings:
                return False
            version = plan["metadata"].get("resourceVersion")
            body = {"metadata": {"resourceVersion": version}, "spec": {"approved": True}}
            self.cluster.request("PATCH", path, None, body, MERGE, patient=False)
            return True

        try:
            if work():
                self.course.approved.append(choice.plan)
        except ApiError as error:
            # Another run was faster: the next read shows the result.
            if error.status not in (CONFLICT, NOT_FOUND):
                raise explain(error, f"Approve InstallPlan {choice.plan}") from error

    def _lasts(self, choice: olm_state_table.PlanDecision) -> bool:
        """A plan of before may still be there for a moment when the Subscription was changed."""
        now, key = self.cluster.clock(), (choice.plan, choice.wrong)
        if self.course.refused[0] != key:
            self.course.refused = (key, now)
        return now - self.course.refused[1] >= SOON

    def _give_up(self, symptoms: tuple[OlmSymptom, ...], seen: OlmObjects) -> None:
        """Fail when something lasts longer than it may, and when pods of the operator cannot work."""
        now = self.cluster.clock()
        self.course.since = {item.key: self.course.since.get(item.key, now) for item in symptoms}
        lasting = [item for item in symptoms if now - self.course.since[item.key] >= item.row.grace]
        if lasting:
            raise self._failed(lasting[0], symptoms)
        fatal = self.look.lasting(self.look.at(self._deployments(seen)))
        if fatal:
            failure = self.look.failure(fatal)
            raise Failure(
                failure.wrong, asked=self.asked, where=failure.where, fix=failure.fix, facts=self._facts(failure.facts)
            )

    def _deployments(self, seen: OlmObjects) -> list[Manifest]:
        """Return the Deployments of a version that is being installed."""
        coming = [item for item in seen.csvs.values() if status_of(item).get("phase") in ("Installing", "Failed")]
        names = [
            one["name"]
            for item in coming
            for one in ((item["spec"].get("install") or {}).get("spec") or {}).get("deployments") or []
        ]
        paths = [DEPLOYMENTS.format(self.options.namespace, name) for name in dict.fromkeys(names)]
        read = asking("Read its Deployments", lambda: self.cluster.parallel(self.cluster.get, paths))
        return [{"apiVersion": "apps/v1", "kind": "Deployment", **item} for item in read if item]

    def _result(self, seen: OlmObjects, verdict: OlmVerdict, start: float) -> dict[str, Any]:
        status, choice = status_of(seen.subscription), verdict.choice
        csv = str(status["installedCSV"])
        waiting = (
            f"; InstallPlan {choice.plan} with {', '.join(choice.brings)} waits for approval" if choice.plan else ""
        )
        return {
            "changed": bool(self.course.approved),
            "msg": f"{csv} has succeeded{waiting}",
            "csv": csv,
            "waiting": list(choice.brings),
            "seconds": round(self.cluster.clock() - start, 1),
            "warnings": [f"OLM says: {text}" for text in deprecations(seen.subscription)],
            **self._facts({}),
        }

    def _refused(self, choice: olm_state_table.PlanDecision) -> Failure:
        where = f"InstallPlan {self.options.namespace}/{choice.plan}" if choice.plan else ""
        fix = choice.fix or "Pin that version, or remove the operator first."
        facts = self._facts({"brings": list(choice.brings)})
        return Failure(choice.wrong, asked=self.asked, where=where, fix=fix, facts=facts)

    def _failed(self, symptom: OlmSymptom, symptoms: tuple[OlmSymptom, ...]) -> Failure:
        facts = self._facts({"failures": [item.fact for item in symptoms]})
        return Failure(symptom.wrong, asked=self.asked, where=self._where(symptom), fix=symptom.row.fix, facts=facts)

    def _late(self, seen: OlmObjects, verdict: OlmVerdict) -> Failure:
        """Report what is still missing, the most specific reason first."""
        facts = self._facts({"failures": [item.fact for item in verdict.symptoms]})
        after = f"not there after {self.options.timeout_seconds:g} s"
        if verdict.symptoms:
            first = verdict.symptoms[0]
            more = [f"{self._where(item)}: {item.wrong}" for item in verdict.symptoms[1:]]
            fix = "\n".join([f"{first.row.fix} Raise the time if it only needs longer.", *more])
            return Failure(f"{after}: {first.wrong}", asked=self.asked, where=self._where(first), fix=fix, facts=facts)
        status = status_of(seen.subscription)
        here = status.get("installedCSV") or "nothing"
        wrong = f"{after}: OLM stays at {here} (state {status.get('state') or 'not known'})"
        fix = "The channel has no way from there: choose one that replaces that version, or remove it first."
        return Failure(wrong, asked=self.asked, fix=fix, facts=facts)

    def _facts(self, more: dict[str, Any]) -> dict[str, Any]:
        return {"approved": self.course.approved, "phases": self.course.phases, **more}

    def _where(self, symptom: OlmSymptom) -> str:
        state = ", ".join(filter(None, [symptom.state, symptom.reason]))
        return f"{symptom.row.kind} {self.options.namespace}/{symptom.name}" + (f": {state}" if state else "")
