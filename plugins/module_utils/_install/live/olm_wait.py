# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Follow an installation by OLM, approve what may be approved, and say why it will not succeed. Private.

Module olm_wait runs this. `olm/olm_states.py` judges what is read. A symptom is a state of an object of OLM in which it
may not stay, a plan is an InstallPlan, which OLM carries out once somebody approves it, and a ClusterServiceVersion
(CSV) is one version of an operator. The result is for example:

    {changed: true, csv: opentelemetry-operator.v0.140.0-2, approved: [install-x7k2p], waiting: [],
     phases: ["opentelemetry-operator.v0.140.0-2 Installing", "opentelemetry-operator.v0.140.0-2 Succeeded"], …}
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import call
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..._kube.live.api_errors import ask_server, explain
from ..._kube.live.cluster import CONFLICT, MERGE, NOT_FOUND, ApiError, Cluster
from ..._kube.live.connect import connect
from ..._kube.live.task_end import run
from ..._otelcol.config.paths import list_at, mapping_at
from ..._otelcol.errors import Failure, Problem
from ..._otelcol.kube.objects import Manifest
from ..._rollout.live.explain_failures import WorkloadStatus
from ..._rollout.live.jmespath_search import Search, compile_search
from ..olm.install_objects import (
    InstallGoal,
    LiveObjects,
    is_awaiting_approval,
    is_made_for,
    list_deprecations,
    object_status,
    plan_name,
    plan_versions,
)
from ..olm.olm_states import APPROVE, DONE, OlmVerdict, judge_installation
from ..olm.olm_symptoms import OlmSymptom
from .olm_info import OPERATORS_PATH

# The path of a Deployment, by its namespace and name.
DEPLOYMENTS = "/apis/apps/v1/namespaces/{}/deployments/{}"
# For how long a pod of the operator may find no node.
UNSCHEDULABLE_SECONDS = 15.0
ARGUMENTS: dict[str, Any] = {
    "namespace": {"required": True},
    "subscription": {"required": True},
    "csv": {"default": ""},
    "approval": {"choices": ["automatic", "manual"], "default": "automatic"},
    "timeout_seconds": {"type": "float", "default": 300},
}


def run_wait(module: AnsibleModule) -> None:
    """Run the module, and exit with its result or failure."""
    run(module, lambda: _wait_for_version(module))


def _wait_for_version(module: AnsibleModule) -> dict[str, Any]:
    """Return the result of the module. Raises Problem for manual approval without a version, and as OlmWait does."""
    params = module.params
    goal = InstallGoal(params["namespace"], params["subscription"], params["csv"], params["approval"] == "manual")
    if goal.is_pinned and not goal.csv:
        wrong = "manual approval needs the version that is approved"
        fix = "Name the ClusterServiceVersion, or set approval to automatic."
        raise Problem(wrong, asked=goal.task_text, where="csv", fix=fix)
    if module.check_mode:
        return {"changed": False, "skipped": True, "msg": "Not waited: nothing was applied in check mode."}
    return OlmWait(connect(module), compile_search({}), goal, params["timeout_seconds"]).wait_until_installed()


class OlmWait:
    """One run of the module: it approves the wanted version if it has to, and waits until OLM has installed it."""

    def __init__(self, cluster: Cluster, search: Search, goal: InstallGoal, timeout_seconds: float) -> None:
        self.cluster = cluster
        self.goal = goal
        self.timeout_seconds = timeout_seconds
        self.root = f"{OPERATORS_PATH}/namespaces/{goal.namespace}"
        self.workload_status = WorkloadStatus(cluster, search, unschedulable_seconds=UNSCHEDULABLE_SECONDS)
        self.first_seen_by_symptom: dict[tuple[str, ...], float] = {}
        self.approved_plans: list[str] = []
        # Each phase that a version has come to, in the order of time.
        self.phase_history: list[str] = []
        self._last_phase_by_csv: dict[str, str] = {}

    def wait_until_installed(self) -> dict[str, Any]:
        """Return the result of the task once the wanted version is installed.

        Raises Failure if it cannot be installed, or when the time is over.
        """
        started_at = self.cluster.clock()
        task = self.goal.task_text
        for _poll in self.cluster.iter_polls(self.timeout_seconds, started_at):  # polls once at least
            live_objects = self._read_objects()
            self._record_phases(live_objects)
            verdict = judge_installation(self.goal, live_objects)
            self.cluster.progress(task, _describe_phases(live_objects) or "no version yet")
            if verdict.next_step == DONE:
                self.cluster.progress.tell_done(task)
                return self._task_result(live_objects, verdict, started_at)
            if verdict.next_step == APPROVE:
                self._approve_plan(verdict)
            self._raise_if_stuck(verdict)
            self._raise_if_pods_fail(live_objects)
        raise self._explain_timeout(verdict, live_objects)

    def _read_objects(self) -> LiveObjects:
        """Return the Subscription, its InstallPlans, and the versions that it names or that are wanted."""
        reads: list[Callable[[], Any]] = [self._read_subscription, self._list_install_plans]
        subscription, install_plans = ask_server(
            "Read the Subscription and its InstallPlans", lambda: self.cluster.call_in_parallel(call, reads)
        )
        newest_plan = plan_name(subscription)
        own_plans = []
        for plan in install_plans:
            if is_made_for(plan, self.goal.subscription) or plan["metadata"]["name"] == newest_plan:
                own_plans.append(plan)
        status = object_status(subscription)
        csv_names = dict.fromkeys((status.get("currentCSV"), status.get("installedCSV"), self.goal.csv))
        return LiveObjects(subscription, own_plans, self._read_versions(filter(None, csv_names)))

    def _read_subscription(self) -> Manifest | None:
        return self.cluster.get(f"{self.root}/subscriptions/{self.goal.subscription}")

    def _list_install_plans(self) -> list[Manifest]:
        return list(self.cluster.items(f"{self.root}/installplans"))

    def _read_versions(self, csv_names: Iterable[str]) -> dict[str, Manifest]:
        """Return the ClusterServiceVersions of these names that there are, by name."""
        paths = [f"{self.root}/clusterserviceversions/{csv_name}" for csv_name in csv_names]
        answers = ask_server(
            "Read the ClusterServiceVersions", lambda: self.cluster.call_in_parallel(self.cluster.get, paths)
        )
        return {csv["metadata"]["name"]: csv for csv in answers if csv}

    def _record_phases(self, live_objects: LiveObjects) -> None:
        """Note each new phase of a version, such as `Installing`, for the result."""
        for name, csv in live_objects.csvs.items():
            phase = _csv_phase(csv)
            if self._last_phase_by_csv.get(name) != phase:
                self._last_phase_by_csv[name] = phase
                self.phase_history.append(f"{name} {phase}")

    def _approve_plan(self, verdict: OlmVerdict) -> None:
        """Approve the plan of the verdict, if it still has the versions that were judged.

        The resourceVersion in the request makes the server refuse it if the plan has changed since the read.
        """
        path = f"{self.root}/installplans/{verdict.plan_name}"
        try:
            plan = self.cluster.get(path)
            if plan and is_awaiting_approval(plan) and plan_versions(plan) == verdict.plan_versions:
                version = plan["metadata"].get("resourceVersion")
                body = {"metadata": {"resourceVersion": version}, "spec": {"approved": True}}
                self.cluster.request("PATCH", path, None, body, MERGE, patient=False)
                self.approved_plans.append(verdict.plan_name)
        except ApiError as error:
            # Another run was faster: the next read shows the result.
            if error.status not in (CONFLICT, NOT_FOUND):
                raise explain(error, f"Approve InstallPlan {verdict.plan_name}") from error

    def _raise_if_stuck(self, verdict: OlmVerdict) -> None:
        """Raise Failure if a symptom lasts longer than it may."""
        current_time = self.cluster.clock()
        self.first_seen_by_symptom = {
            symptom.identity_key: self.first_seen_by_symptom.get(symptom.identity_key, current_time)
            for symptom in verdict.symptoms
        }
        for symptom in verdict.symptoms:
            if current_time - self.first_seen_by_symptom[symptom.identity_key] >= symptom.row.grace_seconds:
                raise self._build_failure(
                    symptom.wrong, self._describe_place(symptom), symptom.row.fix, verdict.result_keys
                )

    def _raise_if_pods_fail(self, live_objects: LiveObjects) -> None:
        """Raise Failure if pods of the operator cannot work."""
        fatal_symptoms = self.workload_status.select_lasting(
            self.workload_status.find_current_symptoms(self._read_deployments(live_objects))
        )
        if fatal_symptoms:
            failure = self.workload_status.build_failure(fatal_symptoms)
            raise self._build_failure(failure.wrong, failure.where, failure.fix, failure.facts)

    def _read_deployments(self, live_objects: LiveObjects) -> list[Manifest]:
        """Return the Deployments of a version that is being installed."""
        paths: dict[str, None] = {}
        for version in live_objects.csvs.values():
            if object_status(version).get("phase") in ("Installing", "Failed"):
                for deployment in _list_deployments(version):
                    paths[DEPLOYMENTS.format(self.goal.namespace, deployment["name"])] = None
        answers = ask_server(
            "Read its Deployments", lambda: self.cluster.call_in_parallel(self.cluster.get, list(paths))
        )
        return [{"apiVersion": "apps/v1", "kind": "Deployment", **answer} for answer in answers if answer]

    def _task_result(self, live_objects: LiveObjects, verdict: OlmVerdict, started_at: float) -> dict[str, Any]:
        """Return the result of the task: the version, how it came, and the plan that waits for a person."""
        message = f"{live_objects.installed_csv} has succeeded"
        if verdict.plan_name:
            message += f"; InstallPlan {verdict.plan_name} with {', '.join(verdict.plan_versions)} waits for approval"
        return {
            "changed": bool(self.approved_plans),
            "msg": message,
            "csv": live_objects.installed_csv,
            "waiting": list(verdict.plan_versions),
            "seconds": round(self.cluster.clock() - started_at, 1),
            "warnings": [f"OLM says: {text}" for text in list_deprecations(live_objects.subscription)],
            "approved": self.approved_plans,
            "phases": self.phase_history,
        }

    def _explain_timeout(self, verdict: OlmVerdict, live_objects: LiveObjects) -> Failure:
        """Return the failure of a wait that took too long.

        It names the first symptom, with the others in its fix. Without symptoms it names the state in which OLM stays.
        """
        timeout_text = f"not there after {self.timeout_seconds:g} s"
        if verdict.symptoms:
            main_symptom, *other_symptoms = verdict.symptoms
            other_lines = [f"{self._describe_place(symptom)}: {symptom.wrong}" for symptom in other_symptoms]
            fix = "\n".join([f"{main_symptom.row.fix} Raise the time if it only needs longer.", *other_lines])
            return self._build_failure(
                f"{timeout_text}: {main_symptom.wrong}", self._describe_place(main_symptom), fix, verdict.result_keys
            )
        state = live_objects.subscription_status.get("state") or "not known"
        wrong = f"{timeout_text}: OLM stays at {live_objects.installed_csv or 'nothing'} (state {state})"
        fix = "The channel has no way from there: choose one that replaces that version, or remove it first."
        return self._build_failure(wrong, "", fix, verdict.result_keys)

    def _build_failure(self, wrong: str, place: str, fix: str, result_keys: dict[str, Any]) -> Failure:
        """Return a failure of the task, whose result also tells how far the installation came."""
        progress = {"approved": self.approved_plans, "phases": self.phase_history}
        return Failure(wrong, asked=self.goal.task_text, where=place, fix=fix, facts={**result_keys, **progress})

    def _describe_place(self, symptom: OlmSymptom) -> str:
        """Return the object of a symptom, with its state and the reason of it, where it has them."""
        object_name = f"{symptom.row.kind} {self.goal.namespace}/{symptom.name}"
        state = ", ".join(filter(None, [symptom.state, symptom.reason]))
        return f"{object_name}: {state}" if state else object_name


def _describe_phases(live_objects: LiveObjects) -> str:
    """Return the phase of each version, such as `opentelemetry-operator.v0.140.0-2 Installing`; empty without one."""
    return "; ".join(f"{name} {_csv_phase(csv)}" for name, csv in live_objects.csvs.items())


def _csv_phase(csv: Manifest) -> str:
    """Return the phase of a ClusterServiceVersion, such as `Succeeded`; `new` before OLM has set one."""
    return str(object_status(csv).get("phase") or "new")


def _list_deployments(version: Manifest) -> list[Manifest]:
    """Return the Deployments that a ClusterServiceVersion installs."""
    install = mapping_at(version["spec"], "install")
    deployments: list[Manifest] = list_at(install, "spec", "deployments")
    return deployments
