# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Follow an installation by OLM, approve what may be approved, and say why it will not be there. Private."""

from __future__ import annotations

from functools import partial
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..._kube.live.api_errors import asking, explain
from ..._kube.live.cluster import CONFLICT, MERGE, NOT_FOUND, ApiError, Cluster
from ..._kube.live.connect import connect, run
from ..._otelcol.config.paths import items, section
from ..._otelcol.errors import Failure, Problem
from ..._otelcol.kube.objects import Manifest
from ..._rollout.live.explain_failures import WorkloadStatus
from ..._rollout.live.jmespath_search import Search, checked_search
from ..olm import olm_states
from ..olm.olm_states import APPROVE, DONE, Goal, OlmObjects, OlmSymptom, OlmVerdict, judge, status_of
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


def run_wait(module: AnsibleModule) -> None:
    params = module.params
    goal = Goal(params["namespace"], params["subscription"], params["csv"], params["approval"] == "manual")

    def work() -> dict[str, Any]:
        if goal.pinned and not goal.csv:
            fix = "Name the ClusterServiceVersion, or set approval to automatic."
            raise Problem("manual approval needs the version that is approved", asked=goal.asked, where="csv", fix=fix)
        if module.check_mode:
            return {"changed": False, "skipped": True, "msg": "Not waited: nothing was applied in check mode."}
        return OlmWait(connect(module), checked_search({}), goal, params["timeout_seconds"]).wait()

    run(module, work)


class OlmWait:
    def __init__(self, cluster: Cluster, search: Search, goal: Goal, timeout_seconds: float) -> None:
        self.cluster, self.goal, self.timeout_seconds = cluster, goal, timeout_seconds
        self.root = f"{OPERATORS}/namespaces/{goal.namespace}"
        self.look = WorkloadStatus(cluster, search, unschedulable_seconds=UNSCHEDULABLE_SECONDS)
        self.since: dict[tuple[str, ...], float] = {}
        self.approved: list[str] = []
        self.phases: list[str] = []
        self._last_phase: dict[str, str] = {}

    def wait(self) -> dict[str, Any]:
        """Return when it is there; fail when it cannot be, or when the time is over."""
        start, asked = self.cluster.clock(), self.goal.asked
        for _poll in self.cluster.polls(self.timeout_seconds, start):
            seen = self._read()
            phases = [f"{name} {_phase_of(csv)}" for name, csv in seen.csvs.items()]
            self._note(seen)
            verdict = judge(self.goal, seen)
            self.cluster.progress(asked, "; ".join(phases) or "no version yet")
            if verdict.what == DONE:
                self.cluster.progress.done(asked)
                return self._result(seen, verdict, start)
            if verdict.what == APPROVE:
                self._approve(verdict)
            self._give_up(verdict, seen)
        raise self._late(verdict, seen)

    def _read(self) -> OlmObjects:
        """Return the Subscription, its InstallPlans, and the versions that it names or that are wanted."""
        name = self.goal.subscription
        subscription, listed = self.cluster.parallel(
            partial(asking, "Read the Subscription and its InstallPlans"),
            [
                lambda: self.cluster.get(f"{self.root}/subscriptions/{name}"),
                lambda: list(self.cluster.items(f"{self.root}/installplans")),
            ],
        )
        newest_plan = olm_states.plan_of(subscription)
        plans = []
        for plan in listed:
            if olm_states.is_owned(plan, name) or plan["metadata"]["name"] == newest_plan:
                plans.append(plan)
        status = status_of(subscription)
        csv_names = dict.fromkeys((status.get("currentCSV"), status.get("installedCSV"), self.goal.csv))
        paths = [f"{self.root}/clusterserviceversions/{csv_name}" for csv_name in csv_names if csv_name]
        answers = asking("Read the ClusterServiceVersions", lambda: self.cluster.parallel(self.cluster.get, paths))
        csvs = {csv["metadata"]["name"]: csv for csv in answers if csv}
        return OlmObjects(subscription, plans, csvs)

    def _note(self, seen: OlmObjects) -> None:
        """Keep the phases of each version in their order, for the result."""
        for name, csv in seen.csvs.items():
            phase = _phase_of(csv)
            if self._last_phase.get(name) != phase:
                self._last_phase[name] = phase
                self.phases.append(f"{name} {phase}")

    def _approve(self, verdict: OlmVerdict) -> None:
        """Approve a plan; the version of it that was judged, and no later one."""
        path = f"{self.root}/installplans/{verdict.plan}"
        try:
            plan = self.cluster.get(path)
            if plan and olm_states.waits(plan) and olm_states.versions_of(plan) == verdict.versions:
                version = plan["metadata"].get("resourceVersion")
                body = {"metadata": {"resourceVersion": version}, "spec": {"approved": True}}
                self.cluster.request("PATCH", path, None, body, MERGE, patient=False)
                self.approved.append(verdict.plan)
        except ApiError as error:
            # Another run was faster: the next read shows the result.
            if error.status not in (CONFLICT, NOT_FOUND):
                raise explain(error, f"Approve InstallPlan {verdict.plan}") from error

    def _give_up(self, verdict: OlmVerdict, seen: OlmObjects) -> None:
        """Fail when something lasts longer than it may, and when pods of the operator cannot work."""
        now = self.cluster.clock()
        self.since = {symptom.key: self.since.get(symptom.key, now) for symptom in verdict.symptoms}
        for symptom in verdict.symptoms:
            if now - self.since[symptom.key] >= symptom.row.grace:
                raise self._failure(symptom.wrong, self._where(symptom), symptom.row.fix, verdict.facts)
        fatal = self.look.lasting(self.look.current_symptoms(self._deployments(seen)))
        if fatal:
            failure = self.look.failure(fatal)
            raise self._failure(failure.wrong, failure.where, failure.fix, failure.facts)

    def _deployments(self, seen: OlmObjects) -> list[Manifest]:
        """Return the Deployments of a version that is being installed."""
        paths: dict[str, None] = {}
        for version in seen.csvs.values():
            if status_of(version).get("phase") in ("Installing", "Failed"):
                for deployment in _deployments_of(version):
                    paths[DEPLOYMENTS.format(self.goal.namespace, deployment["name"])] = None
        answers = asking("Read its Deployments", lambda: self.cluster.parallel(self.cluster.get, list(paths)))
        return [{"apiVersion": "apps/v1", "kind": "Deployment", **answer} for answer in answers if answer]

    def _result(self, seen: OlmObjects, verdict: OlmVerdict, start: float) -> dict[str, Any]:
        """Return the result of the task: the version, how it came, and the plan that waits for a person."""
        message = f"{seen.installed} has succeeded"
        if verdict.plan:
            message += f"; InstallPlan {verdict.plan} with {', '.join(verdict.versions)} waits for approval"
        return {
            "changed": bool(self.approved),
            "msg": message,
            "csv": seen.installed,
            "waiting": list(verdict.versions),
            "seconds": round(self.cluster.clock() - start, 1),
            "warnings": [f"OLM says: {text}" for text in olm_states.deprecations(seen.subscription)],
            "approved": self.approved,
            "phases": self.phases,
        }

    def _late(self, verdict: OlmVerdict, seen: OlmObjects) -> Failure:
        """Report what is still missing, the most specific reason first."""
        after = f"not there after {self.timeout_seconds:g} s"
        if verdict.symptoms:
            first, *others = verdict.symptoms
            more = [f"{self._where(item)}: {item.wrong}" for item in others]
            fix = "\n".join([f"{first.row.fix} Raise the time if it only needs longer.", *more])
            return self._failure(f"{after}: {first.wrong}", self._where(first), fix, verdict.facts)
        state = seen.status.get("state") or "not known"
        wrong = f"{after}: OLM stays at {seen.installed or 'nothing'} (state {state})"
        fix = "The channel has no way from there: choose one that replaces that version, or remove it first."
        return self._failure(wrong, "", fix, verdict.facts)

    def _failure(self, wrong: str, where: str, fix: str, facts: dict[str, Any]) -> Failure:
        seen = {"approved": self.approved, "phases": self.phases}
        return Failure(wrong, asked=self.goal.asked, where=where, fix=fix, facts={**facts, **seen})

    def _where(self, symptom: OlmSymptom) -> str:
        """Return the object of a symptom, with its state and the reason of it, where it has them."""
        place = f"{symptom.row.kind} {self.goal.namespace}/{symptom.name}"
        state = ", ".join(filter(None, [symptom.state, symptom.reason]))
        return f"{place}: {state}" if state else place


def _phase_of(csv: Manifest) -> str:
    return str(status_of(csv).get("phase") or "new")


def _deployments_of(version: Manifest) -> list[Manifest]:
    """Return the Deployments that a ClusterServiceVersion installs."""
    install = section(version["spec"], "install")
    deployments: list[Manifest] = items(install, "spec", "deployments")
    return deployments
