# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find workloads with older sidecars, and restart workloads one by one; undo a restart that fails. Private.

The module `workload_restart` runs this. A workload restarts only if the user has asked for it by its namespace or a
selector, and if it loses no replica by that. The module names all others, with the command that restarts them.

A workload is stale if its pods lack a requested sidecar or have an older one (stale_sidecars.py). It is left alone if
the user has asked for its restart and it has an obstacle (restart_obstacles.py). A row of the result is for example:

    {kind: Deployment, namespace: shop, name: web, reason: "without the sidecar shop/side", obstacle: "it is paused"}
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypedDict

from ansible.module_utils.basic import AnsibleModule

from ..._kube.live.api_errors import as_problem, ask_server, explain, list_if_allowed
from ..._kube.live.cluster import MERGE, ApiError, Cluster
from ..._kube.live.connect import connect
from ..._kube.live.kinds import ApiResources
from ..._kube.live.outage import LostError
from ..._kube.live.task_end import run
from ..._kube.live.urls import quote_segment
from ..._kube.namespaced_name import NamespacedName
from ..._otelcol.config.paths import mapping_at
from ..._otelcol.errors import Failure, Problem
from ..._otelcol.kube.names import OWNER
from ..._otelcol.kube.objects import Manifest, ObjectRef
from .. import stale_sidecars
from ..restart_obstacles import find_restart_obstacle
from ..restarts import RESTARTED_AT, OutdatedWorkload, build_restart_command
from .jmespath_search import compile_search
from .rollout_wait import AwaitedWorkload, RolloutWait, RolloutWaitOptions

# Where the API server keeps OpenTelemetryCollectors.
API_ROOT = "/apis/opentelemetry.io/v1beta1"
# How long a new pod may find no node until the restart fails.
_UNSCHEDULABLE_SECONDS = 15
_RESTARTABLE_KINDS = ("Deployment", "DaemonSet", "StatefulSet")
OBJECT_NAME_OPTIONS = {"namespace": {"required": True}, "name": {"required": True}}
LIST_OPTION = {"type": "list", "default": []}
ARGUMENTS: dict[str, Any] = {
    "sidecars": {**LIST_OPTION, "elements": "dict", "options": OBJECT_NAME_OPTIONS},
    "workloads": {
        **LIST_OPTION,
        "elements": "dict",
        "options": {"kind": {"required": True}, **OBJECT_NAME_OPTIONS, "language": {}},
    },
    "namespaces": {**LIST_OPTION, "elements": "str"},
    "selector": {"default": ""},
    "timeout_seconds": {"type": "float", "default": 300},
}


class WorkloadRow(TypedDict):
    """A workload in the result of the task."""

    kind: str
    namespace: str
    name: str
    reason: str
    """What its pods lack; empty for a workload that the task names."""


class LeftAloneRow(WorkloadRow):
    """A workload that the user has asked for and that was not restarted."""

    obstacle: str
    """Why not, as the end of a sentence, such as `it is paused`."""


class RestartProgress(TypedDict):
    """What a run has done so far. An error has it too."""

    restarted: list[WorkloadRow]
    left_alone: list[LeftAloneRow]
    warnings: list[str]


class RestartResult(RestartProgress):
    """The result of the task."""

    changed: bool
    msg: str
    stale: list[WorkloadRow]


class RestartDecision(NamedTuple):
    """Whether a workload restarts. `obstacle` says why a workload that the user has asked for does not."""

    may_restart: bool
    obstacle: str = ""
    """Empty for a workload that restarts, and for one that the user has not asked for."""


_RESTART = RestartDecision(may_restart=True)
_NOT_ASKED_FOR = RestartDecision(may_restart=False)


@dataclass
class RestartRun:
    """One run. It finds workloads, restarts some of them, and leaves others alone with a reason.

    `namespaces` and `selector` are by what the user asks for restarts. Without both, no workload restarts. A workload
    that is found is one of these in the result:

        named in the warnings       the user has not asked for its restart, and its pods lack a sidecar
        restarted                   the user has asked for it, and it loses no replica
        left_alone                  the user has asked for it, and it would lose a replica, or cannot restart in steps
    """

    cluster: Cluster
    namespaces: list[str]
    selector: str
    timeout_seconds: float
    is_check_mode: bool
    warnings: list[str] = field(default_factory=list)
    restarted_workloads: list[OutdatedWorkload] = field(default_factory=list)
    left_alone_rows: list[LeftAloneRow] = field(default_factory=list)

    def run(self, requested_workloads: list[OutdatedWorkload], sidecars: list[NamespacedName]) -> RestartResult:
        """Restart the workloads that the user asks for, and name the others with the command that restarts them.

        `requested_workloads` are the workloads that the task names. Those whose pods lack one of the `sidecars` come
        to them.
        """
        stale_workloads = _deduplicate_workloads([*requested_workloads, *self._find_stale_workloads(sidecars)])
        not_restarted = []
        for workload in stale_workloads:
            decision = self._decide_and_restart(workload)
            if not decision.may_restart:
                not_restarted.append(workload)
            if decision.obstacle:
                self.left_alone_rows.append({**_build_row(workload), "obstacle": decision.obstacle})
                self.warnings.append(f"{workload} was not restarted: {decision.obstacle}.")
        self.warnings += _advise_restarts([workload for workload in not_restarted if workload.reason])
        verb = "would be restarted" if self.is_check_mode else "restarted"
        message = f"{len(stale_workloads)} found, {len(self.restarted_workloads)} {verb}"
        return {
            "changed": bool(self.restarted_workloads),
            "msg": message,
            "stale": [_build_row(workload) for workload in stale_workloads],
            **self._collect_progress(),
        }

    def _decide_and_restart(self, workload: OutdatedWorkload) -> RestartDecision:
        """Restart a workload if it may restart. An error gets the rows of the workloads before this one."""
        try:
            decision = self._decide_restart(workload)
            if decision.may_restart:
                self._restart(workload)
        except (Problem, LostError) as error:
            problem = as_problem(error)
            problem.facts = {**problem.facts, **self._collect_progress()}
            raise problem from None
        return decision

    def _collect_progress(self) -> RestartProgress:
        return {
            "restarted": [_build_row(workload) for workload in self.restarted_workloads],
            "left_alone": self.left_alone_rows,
            "warnings": self.warnings,
        }

    # ── Find workloads with older sidecars ──

    def _find_stale_workloads(self, sidecars: list[NamespacedName]) -> list[OutdatedWorkload]:
        """Return the workloads whose pods request one of these sidecars, and lack it or have an older one."""
        resources = [resource for resource in self.cluster.call_in_parallel(self._read_sidecar, sidecars) if resource]
        if not resources:
            return []
        sidecar_namespaces = {resource["metadata"]["namespace"] for resource in resources}
        annotations_by_namespace = self._read_namespace_annotations(sidecar_namespaces)
        requesting_namespaces = {
            namespace
            for namespace, annotations in annotations_by_namespace.items()
            if stale_sidecars.INJECT_ANNOTATION in annotations
        }
        pods: list[Manifest] = []
        for namespace in sorted(sidecar_namespaces | requesting_namespaces):
            pods += self._list_pods(namespace)
        # Pods of other namespaces have the label if they have a sidecar.
        for resource in resources:
            label = stale_sidecars.injected_label(resource["metadata"]["namespace"], resource["metadata"]["name"])
            pods += self._list_pods("", f"{stale_sidecars.INJECTED_LABEL}={label}")
        pods_by_uid = {pod["metadata"]["uid"]: pod for pod in pods}
        return stale_sidecars.find_stale_workloads(pods_by_uid.values(), annotations_by_namespace, resources)

    def _read_sidecar(self, sidecar: NamespacedName) -> Manifest | None:
        """Return the OpenTelemetryCollector of a sidecar, or None if it does not exist."""
        namespace, name = quote_segment(sidecar.namespace), quote_segment(sidecar.name)
        path = f"{API_ROOT}/namespaces/{namespace}/opentelemetrycollectors/{name}"
        return ask_server(f"Read sidecar {sidecar}", lambda: self.cluster.get(path))

    def _read_namespace_annotations(self, sidecar_namespaces: set[str]) -> dict[str, dict[str, str]]:
        """Return the annotations of each namespace, by its name.

        Without the right to list the namespaces, return those of the sidecars, without annotations.
        """
        annotations: dict[str, dict[str, str]] = {name: {} for name in sidecar_namespaces}
        namespaces = list_if_allowed("List the namespaces", lambda: list(self.cluster.items("/api/v1/namespaces")))
        if namespaces is None:
            self.warnings.append(
                "Not checked whether pods of other namespaces have older sidecars: no right to list them."
            )
            return annotations
        for namespace in namespaces:
            annotations[namespace["metadata"]["name"]] = namespace["metadata"].get("annotations") or {}
        return annotations

    def _list_pods(self, namespace: str, selector: str = "") -> list[Manifest]:
        """Return the pods of a namespace that a selector selects; none without the right to list them.

        An empty namespace stands for all namespaces, an empty selector for all pods.
        """
        path = f"/api/v1/namespaces/{quote_segment(namespace)}/pods" if namespace else "/api/v1/pods"
        query = {"labelSelector": selector} if selector else {}
        action = f"List the pods of {namespace or 'all namespaces'}"
        pods = list_if_allowed(action, lambda: list(self.cluster.items(path, query)))
        if pods is None and namespace:
            self.warnings.append(f"Not checked whether pods in {namespace} have older sidecars: no right to list pods.")
        return pods or []

    # ── Decide about one workload, and restart it ──

    def _decide_restart(self, workload: OutdatedWorkload) -> RestartDecision:
        """Return whether a workload restarts: the user has asked for it, and it loses no replica by that."""
        if not self.namespaces and not self.selector:
            return _NOT_ASKED_FOR
        if self.namespaces and workload.namespace not in self.namespaces:
            return _NOT_ASKED_FOR
        if workload.kind == "Pod":
            return RestartDecision(may_restart=False, obstacle="a bare Pod cannot be restarted in steps")
        if workload.kind not in _RESTARTABLE_KINDS:
            return RestartDecision(may_restart=False, obstacle=f"a {workload.kind} cannot be restarted in steps")
        live_workload = self._read_live_workload(workload)
        if self.selector and not self._is_selected_by_user(workload):
            return _NOT_ASKED_FOR
        obstacle = find_restart_obstacle(live_workload)
        return RestartDecision(may_restart=False, obstacle=obstacle) if obstacle else _RESTART

    def _read_live_workload(self, workload: OutdatedWorkload) -> Manifest | None:
        return ask_server(f"Read {workload}", lambda: self.cluster.get(_build_path(workload)))

    def _is_selected_by_user(self, workload: OutdatedWorkload) -> bool:
        """Return whether the selector of the user selects a workload."""
        path = ApiResources.build_path(workload.kind, workload.namespace, "")
        query = {"labelSelector": self.selector}
        selected_workloads = ask_server(f"List {workload.kind}s", lambda: list(self.cluster.items(path, query)))
        return workload.name in {manifest["metadata"]["name"] for manifest in selected_workloads}

    def _restart(self, workload: OutdatedWorkload) -> None:
        """Restart one workload and wait for it. If its new pods do not become ready, restore its pod template."""
        live_workload = self._read_live_workload(workload)
        if live_workload is None:  # somebody has deleted it since the decision
            return
        if self.is_check_mode:
            self.restarted_workloads.append(workload)
            return
        previous_restarted_at = mapping_at(live_workload, "spec", "template", "metadata", "annotations").get(
            RESTARTED_AT
        )
        restarted_at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self._annotate_template(workload, restarted_at, live_workload["metadata"]["resourceVersion"])
        try:
            self._wait_for_rollout(workload)
        except Problem as problem:
            undo_result = self._undo_restart(workload, previous_restarted_at)
            wrong = f"its new pods did not become ready: {problem.wrong}"
            fix = f"{undo_result} No further workload was restarted. {problem.fix}"
            action = f"Restart {workload}"
            raise Failure(wrong, asked=action, where=problem.where, fix=fix, facts=problem.facts) from problem
        self.restarted_workloads.append(workload)

    def _annotate_template(
        self, workload: OutdatedWorkload, restarted_at: str | None, resource_version: str = ""
    ) -> None:
        """Set the annotation that makes a controller replace its pods; None removes it.

        With `resource_version`, the server refuses the request if somebody has changed the workload since.
        """
        annotations = {RESTARTED_AT: restarted_at}
        patch_body: dict[str, Any] = {"spec": {"template": {"metadata": {"annotations": annotations}}}}
        if resource_version:
            patch_body["metadata"] = {"resourceVersion": resource_version}
        query = {"fieldManager": f"{OWNER}/restart"}
        try:
            self.cluster.request("PATCH", _build_path(workload), query, patch_body, MERGE)
        except ApiError as error:
            raise explain(error, f"Restart {workload}") from error

    def _undo_restart(self, workload: OutdatedWorkload, previous_restarted_at: str | None) -> str:
        """Restore the template, so that the controller goes back to the old pods, which still run.

        Return what became of that, as a sentence.
        """
        try:
            self._annotate_template(workload, previous_restarted_at)
            self._wait_for_rollout(workload)
        except Problem as problem:
            return f"The restart could not be undone: {problem.wrong}. Run `{_undo_command(workload)}`."
        return "The restart was undone, and all replicas are available."

    def _wait_for_rollout(self, workload: OutdatedWorkload) -> None:
        """Wait until the pods of a workload are new and ready. Raises Failure if one cannot become ready in time."""
        options = RolloutWaitOptions(
            workloads=[AwaitedWorkload(workload.object_ref)],
            timeout_seconds=self.timeout_seconds,
            unschedulable_seconds=_UNSCHEDULABLE_SECONDS,
            until={},
            allow_empty=True,  # a DaemonSet without a node has no pod to restart
        )
        RolloutWait(self.cluster, compile_search(), options).wait()


def _deduplicate_workloads(workloads: list[OutdatedWorkload]) -> list[OutdatedWorkload]:
    """Return each workload once, as it comes last: one that the task names too has the reason of its sidecar then."""
    workload_by_ref: dict[ObjectRef, OutdatedWorkload] = {}
    for workload in workloads:
        workload_by_ref[workload.object_ref] = workload
    return list(workload_by_ref.values())


def _build_path(workload: OutdatedWorkload) -> str:
    return ApiResources.build_path(workload.kind, workload.namespace, workload.name)


def _undo_command(workload: OutdatedWorkload) -> str:
    return f"kubectl -n {workload.namespace} rollout undo {workload.kind.lower()}/{workload.name}"


def _build_row(workload: OutdatedWorkload) -> WorkloadRow:
    return {
        "kind": workload.kind,
        "namespace": workload.namespace,
        "name": workload.name,
        "reason": workload.reason,
    }


def _advise_restarts(stale_workloads: list[OutdatedWorkload]) -> Iterator[str]:
    """Yield a warning for each namespace and reason, with the command that restarts the workloads."""
    groups: dict[tuple[str, str], list[OutdatedWorkload]] = {}
    for workload in stale_workloads:
        groups.setdefault((workload.namespace, workload.reason), []).append(workload)
    for (namespace, reason), workloads in groups.items():
        names, command = build_restart_command(namespace, workloads)
        yield f"Pods run {reason} in {namespace} until their workloads restart: {names}. Run `{command}`."


def run_workload_restart(module: AnsibleModule) -> None:
    """Restart the workloads that the task asks for, and end the task with the result."""
    params = module.params

    def restart_workloads() -> dict[str, Any]:
        requested_workloads = [
            OutdatedWorkload(row["kind"], row["namespace"], row["name"]) for row in params["workloads"]
        ]
        sidecars = [NamespacedName(row["namespace"], row["name"]) for row in params["sidecars"]]
        restart = RestartRun(
            cluster=connect(module),
            namespaces=params["namespaces"],
            selector=params["selector"],
            timeout_seconds=params["timeout_seconds"],
            is_check_mode=module.check_mode,
        )
        return dict(restart.run(requested_workloads, sidecars))

    run(module, restart_workloads)
