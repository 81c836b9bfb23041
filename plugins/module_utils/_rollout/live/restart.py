# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find workloads with older sidecars, and restart workloads one by one; undo a restart that fails. Private."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ansible.module_utils.basic import AnsibleModule

from ..._kube.live.api_errors import ask_server, explain, list_if_allowed
from ..._kube.live.cluster import MERGE, ApiError, Cluster
from ..._kube.live.connect import connect
from ..._kube.live.kinds import ApiResources
from ..._kube.live.task_end import run
from ..._kube.live.urls import quote_segment
from ..._otelcol.errors import Failure, Problem
from ..._otelcol.kube.names import OWNER
from ..._otelcol.kube.objects import Manifest
from .. import restarts
from ..restarts import RESTARTED_AT, Workload
from .jmespath_search import compile_search
from .rollout_wait import RolloutWait, RolloutWaitOptions

API_ROOT = "/apis/opentelemetry.io/v1beta1"
ASKED = "Restart workloads"
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


class Decision(NamedTuple):
    """Whether a workload restarts; `obstacle` says why one that the user asked for does not."""

    may_restart: bool
    obstacle: str = ""


_RESTART, _NOT_ASKED_FOR = Decision(True), Decision(False)


@dataclass
class RestartRun:
    """One run: which workloads are found, restarted, and left alone with a reason."""

    cluster: Cluster
    namespaces: list[str]
    selector: str
    timeout_seconds: float
    is_check_mode: bool
    warnings: list[str] = field(default_factory=list)
    restarted_workloads: list[Workload] = field(default_factory=list)
    left_alone_rows: list[dict[str, str]] = field(default_factory=list)

    def run(self, requested_workloads: list[Workload], sidecars: list[dict[str, str]]) -> dict[str, Any]:
        """Restart what the user asked for, and name the rest with the command that restarts it."""
        stale_workloads = _deduplicate_workloads([*requested_workloads, *self._find_stale_workloads(sidecars)])
        not_restarted = []
        for workload in stale_workloads:
            decision = self._decide_and_restart(workload)
            if not decision.may_restart:
                not_restarted.append(workload)
            if decision.obstacle:
                self.left_alone_rows.append({**_workload_row(workload), "obstacle": decision.obstacle})
                self.warnings.append(f"{workload} was not restarted: {decision.obstacle}.")
        self.warnings += _advise_restarts([workload for workload in not_restarted if workload.reason])
        verb = "would be restarted" if self.is_check_mode else "restarted"
        message = f"{len(stale_workloads)} found, {len(self.restarted_workloads)} {verb}"
        return {
            "changed": bool(self.restarted_workloads),
            "msg": message,
            "stale": [*map(_workload_row, stale_workloads)],
            **self._collect_facts(),
        }

    def _decide_and_restart(self, workload: Workload) -> Decision:
        """Restart a workload if it may. An error has the facts of the workloads before it."""
        try:
            decision = self._decide_restart(workload)
            if decision.may_restart:
                self._restart(workload)
        except Problem as problem:
            problem.facts = {**problem.facts, **self._collect_facts()}
            raise
        return decision

    def _collect_facts(self) -> dict[str, Any]:
        restarted = [*map(_workload_row, self.restarted_workloads)]
        return {"restarted": restarted, "left_alone": self.left_alone_rows, "warnings": self.warnings}

    def _find_stale_workloads(self, sidecars: list[dict[str, str]]) -> list[Workload]:
        """Return the workloads that have an older sidecar than one of these resources, or none that they request."""
        resources = [resource for resource in self.cluster.call_in_parallel(self._read_sidecar, sidecars) if resource]
        if not resources:
            return []
        sidecar_namespaces = {resource["metadata"]["namespace"] for resource in resources}
        namespaces = self._read_namespace_annotations(sidecar_namespaces)
        requesting_namespaces = {
            name for name, annotations in namespaces.items() if restarts.INJECT_ANNOTATION in annotations
        }
        pods: list[Manifest] = []
        for namespace in sorted(sidecar_namespaces | requesting_namespaces):
            pods += self._list_pods(namespace)
        for resource in resources:
            label = restarts.injected_label(resource["metadata"]["namespace"], resource["metadata"]["name"])
            pods += self._list_pods("", f"{restarts.INJECTED_LABEL}={label}")
        pods_by_uid = {pod["metadata"]["uid"]: pod for pod in pods}
        return restarts.find_stale_workloads(pods_by_uid.values(), namespaces, resources)

    def _read_sidecar(self, sidecar: dict[str, str]) -> Manifest | None:
        namespace, name = quote_segment(sidecar["namespace"]), quote_segment(sidecar["name"])
        path = f"{API_ROOT}/namespaces/{namespace}/opentelemetrycollectors/{name}"
        return ask_server(f"Read sidecar {sidecar['namespace']}/{sidecar['name']}", lambda: self.cluster.get(path))

    def _read_namespace_annotations(self, sidecar_namespaces: set[str]) -> dict[str, dict[str, str]]:
        """Return the annotations of each namespace; without the right to list all, of those of the sidecars."""
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
        """Return the pods of a namespace, or of all, that a selector selects; none without the right to list them."""
        path = f"/api/v1/namespaces/{quote_segment(namespace)}/pods" if namespace else "/api/v1/pods"
        query = {"labelSelector": selector} if selector else {}
        action = f"List the pods of {namespace or 'all namespaces'}"
        pods = list_if_allowed(action, lambda: list(self.cluster.items(path, query)))
        if pods is None and namespace:
            self.warnings.append(f"Not checked whether pods in {namespace} have older sidecars: no right to list pods.")
        return pods or []

    def _decide_restart(self, workload: Workload) -> Decision:
        """Return whether a workload restarts: the user has asked for it, and it loses no replica by that."""
        if not self.namespaces and not self.selector:
            return _NOT_ASKED_FOR
        if self.namespaces and workload.namespace not in self.namespaces:
            return _NOT_ASKED_FOR
        if workload.kind == "Pod":
            return Decision(False, "a bare Pod cannot be restarted in steps")
        if workload.kind not in _RESTARTABLE_KINDS:
            return Decision(False, f"a {workload.kind} cannot be restarted in steps")
        live_workload = self._read_live_workload(workload)
        if self.selector and not self._is_selected_by_user(workload):
            return _NOT_ASKED_FOR
        obstacle = restarts.find_restart_obstacle(live_workload)
        return Decision(False, obstacle) if obstacle else _RESTART

    def _read_live_workload(self, workload: Workload) -> Manifest | None:
        return ask_server(f"Read {workload}", lambda: self.cluster.get(ApiResources.build_path(*workload[:3])))

    def _is_selected_by_user(self, workload: Workload) -> bool:
        """Return whether the selector of the user selects a workload."""
        path = ApiResources.build_path(workload.kind, workload.namespace, "")
        query = {"labelSelector": self.selector}
        selected_workloads = ask_server(f"List {workload.kind}s", lambda: list(self.cluster.items(path, query)))
        return workload.name in {manifest["metadata"]["name"] for manifest in selected_workloads}

    def _restart(self, workload: Workload) -> None:
        """Restart one workload and wait for it. If its new pods do not become ready, restore its pod template."""
        live_workload = self._read_live_workload(workload)
        if live_workload is None:  # its owner has deleted it while others restarted
            return
        if self.is_check_mode:
            self.restarted_workloads.append(workload)
            return
        previous_restarted_at = (live_workload["spec"]["template"]["metadata"].get("annotations") or {}).get(
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

    def _annotate_template(self, workload: Workload, restarted_at: str | None, resource_version: str = "") -> None:
        precondition = {"metadata": {"resourceVersion": resource_version}} if resource_version else {}
        patch_body = {**precondition, "spec": {"template": {"metadata": {"annotations": {RESTARTED_AT: restarted_at}}}}}
        path = ApiResources.build_path(*workload[:3])
        try:
            self.cluster.request("PATCH", path, {"fieldManager": f"{OWNER}/restart"}, patch_body, MERGE)
        except ApiError as error:
            raise explain(error, f"Restart {workload}") from error

    def _undo_restart(self, workload: Workload, previous_restarted_at: str | None) -> str:
        """Restore the template, so that the controller goes back to the old pods, which still run."""
        try:
            self._annotate_template(workload, previous_restarted_at)
            self._wait_for_rollout(workload)
        except Problem as problem:
            return f"The restart could not be undone: {problem.wrong}. Run `{_undo_command(workload)}`."
        return "The restart was undone, and all replicas are available."

    def _wait_for_rollout(self, workload: Workload) -> None:
        reference = {"kind": workload.kind, "namespace": workload.namespace, "name": workload.name}
        options = RolloutWaitOptions(
            [reference],
            self.timeout_seconds,
            unschedulable_seconds=_UNSCHEDULABLE_SECONDS,
            until={},
            allow_empty=True,
        )
        RolloutWait(self.cluster, compile_search({}), options).wait()


def _deduplicate_workloads(workloads: list[Workload]) -> list[Workload]:
    """Return each workload once; one that a task names has the reason of its older sidecar, if it has one."""
    by_name: dict[tuple[str, ...], Workload] = {}
    for workload in workloads:
        by_name[workload[:3]] = workload
    return list(by_name.values())


def _undo_command(workload: Workload) -> str:
    return f"kubectl -n {workload.namespace} rollout undo {workload.kind.lower()}/{workload.name}"


def _workload_row(workload: Workload) -> dict[str, str]:
    return workload._asdict()


def _advise_restarts(stale_workloads: list[Workload]) -> Iterator[str]:
    """Yield a warning for each namespace and reason, with the command."""
    groups: dict[tuple[str, str], list[Workload]] = {}
    for workload in stale_workloads:
        groups.setdefault((workload.namespace, workload.reason), []).append(workload)
    for (namespace, reason), workloads in groups.items():
        names, command = restarts.build_restart_command(namespace, workloads)
        yield f"Pods run {reason} in {namespace} until their workloads restart: {names}. Run `{command}`."


def run_workload_restart(module: AnsibleModule) -> None:
    """Do what the task asks."""
    params = module.params

    def restart_workloads() -> dict[str, Any]:
        requested_workloads = [Workload(row["kind"], row["namespace"], row["name"]) for row in params["workloads"]]
        restart = RestartRun(
            connect(module), params["namespaces"], params["selector"], params["timeout_seconds"], module.check_mode
        )
        return restart.run(requested_workloads, params["sidecars"])

    run(module, restart_workloads)
