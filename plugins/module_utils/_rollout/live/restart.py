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

from ..._kube.live.api_errors import asking, explain, listing
from ..._kube.live.cluster import MERGE, ApiError, Cluster
from ..._kube.live.connect import connect, run
from ..._kube.live.kinds import ApiResources
from ..._kube.live.urls import segment
from ..._otelcol.errors import Failure, Problem
from ..._otelcol.kube.names import OWNER
from ..._otelcol.kube.objects import Manifest
from .. import restarts
from ..restarts import RESTARTED, Workload
from .jmespath_search import checked_search
from .rollout_wait import RolloutWait, RolloutWaitOptions

ROOT = "/apis/opentelemetry.io/v1beta1"
ASKED = "Restart workloads"
# How long a new pod may find no node until the restart fails.
_UNSCHEDULABLE_SECONDS = 15
_KINDS = ("Deployment", "DaemonSet", "StatefulSet")
NAMED = {"namespace": {"required": True}, "name": {"required": True}}
LIST = {"type": "list", "default": []}
ARGUMENTS: dict[str, Any] = {
    "sidecars": {**LIST, "elements": "dict", "options": NAMED},
    "workloads": {**LIST, "elements": "dict", "options": {"kind": {"required": True}, **NAMED, "language": {}}},
    "namespaces": {**LIST, "elements": "str"},
    "selector": {"default": ""},
    "timeout_seconds": {"type": "float", "default": 300},
}


class Decision(NamedTuple):
    """Whether a workload restarts; `obstacle` says why one that the user asked for does not."""

    restarts: bool
    obstacle: str = ""


_RESTART, _NOT_ASKED_FOR = Decision(True), Decision(False)


@dataclass
class Restart:
    """One run: which workloads are found, restarted, and left alone with a reason."""

    cluster: Cluster
    namespaces: list[str]
    selector: str
    timeout_seconds: float
    check: bool
    warnings: list[str] = field(default_factory=list)
    restarted: list[Workload] = field(default_factory=list)
    left_alone: list[dict[str, str]] = field(default_factory=list)

    def run(self, given: list[Workload], sidecars: list[dict[str, str]]) -> dict[str, Any]:
        """Restart what the user asked for, and name the rest with the command that restarts it."""
        stale = _each_once([*given, *self._with_older_sidecars(sidecars)])
        not_restarted = []
        for workload in stale:
            decision = self._decide_and_restart(workload)
            if not decision.restarts:
                not_restarted.append(workload)
            if decision.obstacle:
                self.left_alone.append({**_named(workload), "obstacle": decision.obstacle})
                self.warnings.append(f"{workload} was not restarted: {decision.obstacle}.")
        self.warnings += _advice([workload for workload in not_restarted if workload.reason])
        verb = "would be restarted" if self.check else "restarted"
        message = f"{len(stale)} found, {len(self.restarted)} {verb}"
        return {"changed": bool(self.restarted), "msg": message, "stale": [*map(_named, stale)], **self._facts()}

    def _decide_and_restart(self, workload: Workload) -> Decision:
        """Restart a workload if it may. An error has the facts of the workloads before it."""
        try:
            decision = self._decision(workload)
            if decision.restarts:
                self._restart(workload)
        except Problem as problem:
            problem.facts = {**problem.facts, **self._facts()}
            raise
        return decision

    def _facts(self) -> dict[str, Any]:
        restarted = [*map(_named, self.restarted)]
        return {"restarted": restarted, "left_alone": self.left_alone, "warnings": self.warnings}

    def _with_older_sidecars(self, sidecars: list[dict[str, str]]) -> list[Workload]:
        """Return the workloads that have an older sidecar than one of these resources, or none that they request."""
        resources = [resource for resource in self.cluster.parallel(self._resource, sidecars) if resource]
        if not resources:
            return []
        own_namespaces = {resource["metadata"]["namespace"] for resource in resources}
        namespaces = self._namespaces(own_namespaces)
        requesting = {name for name, annotations in namespaces.items() if restarts.INJECT in annotations}
        pods: list[Manifest] = []
        for namespace in sorted(own_namespaces | requesting):
            pods += self._pods(namespace)
        for resource in resources:
            label = restarts.injected_label(resource["metadata"]["namespace"], resource["metadata"]["name"])
            pods += self._pods("", f"{restarts.INJECTED}={label}")
        by_uid = {pod["metadata"]["uid"]: pod for pod in pods}
        return restarts.stale(by_uid.values(), namespaces, resources)

    def _resource(self, sidecar: dict[str, str]) -> Manifest | None:
        path = f"{ROOT}/namespaces/{segment(sidecar['namespace'])}/opentelemetrycollectors/{segment(sidecar['name'])}"
        return asking(f"Read sidecar {sidecar['namespace']}/{sidecar['name']}", lambda: self.cluster.get(path))

    def _namespaces(self, own: set[str]) -> dict[str, dict[str, str]]:
        """Return the annotations of each namespace; without the right to list all, of those of the sidecars."""
        annotations: dict[str, dict[str, str]] = {name: {} for name in own}
        namespaces = listing("List the namespaces", lambda: list(self.cluster.items("/api/v1/namespaces")))
        if namespaces is None:
            self.warnings.append(
                "Not checked whether pods of other namespaces have older sidecars: no right to list them."
            )
            return annotations
        for namespace in namespaces:
            annotations[namespace["metadata"]["name"]] = namespace["metadata"].get("annotations") or {}
        return annotations

    def _pods(self, namespace: str, selector: str = "") -> list[Manifest]:
        """Return the pods of a namespace, or of all, that a selector selects; none without the right to list them."""
        path = f"/api/v1/namespaces/{segment(namespace)}/pods" if namespace else "/api/v1/pods"
        query = {"labelSelector": selector} if selector else {}
        asked = f"List the pods of {namespace or 'all namespaces'}"
        pods = listing(asked, lambda: list(self.cluster.items(path, query)))
        if pods is None and namespace:
            self.warnings.append(f"Not checked whether pods in {namespace} have older sidecars: no right to list pods.")
        return pods or []

    def _decision(self, workload: Workload) -> Decision:
        """Return whether a workload restarts: the user has asked for it, and it loses no replica by that."""
        if not self.namespaces and not self.selector:
            return _NOT_ASKED_FOR
        if self.namespaces and workload.namespace not in self.namespaces:
            return _NOT_ASKED_FOR
        if workload.kind == "Pod":
            return Decision(False, "a bare Pod cannot be restarted in steps")
        if workload.kind not in _KINDS:
            return Decision(False, f"a {workload.kind} cannot be restarted in steps")
        live = self._live(workload)
        if self.selector and not self._selected(workload):
            return _NOT_ASKED_FOR
        obstacle = restarts.obstacle(live)
        return Decision(False, obstacle) if obstacle else _RESTART

    def _live(self, workload: Workload) -> Manifest | None:
        return asking(f"Read {workload}", lambda: self.cluster.get(ApiResources.path_of(*workload[:3])))

    def _selected(self, workload: Workload) -> bool:
        """Return whether the selector of the user selects a workload."""
        path = ApiResources.path_of(workload.kind, workload.namespace, "")
        query = {"labelSelector": self.selector}
        selected = asking(f"List {workload.kind}s", lambda: list(self.cluster.items(path, query)))
        return workload.name in {manifest["metadata"]["name"] for manifest in selected}

    def _restart(self, workload: Workload) -> None:
        """Restart one workload and wait for it. If its new pods do not become ready, restore its pod template."""
        live = self._live(workload)
        if live is None:  # its owner has deleted it while others restarted
            return
        if self.check:
            self.restarted.append(workload)
            return
        before = (live["spec"]["template"]["metadata"].get("annotations") or {}).get(RESTARTED)
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self._annotate(workload, now, live["metadata"]["resourceVersion"])
        try:
            self._wait(workload)
        except Problem as problem:
            undone = self._undone(workload, before)
            wrong = f"its new pods did not become ready: {problem.wrong}"
            fix = f"{undone} No further workload was restarted. {problem.fix}"
            asked = f"Restart {workload}"
            raise Failure(wrong, asked=asked, where=problem.where, fix=fix, facts=problem.facts) from problem
        self.restarted.append(workload)

    def _annotate(self, workload: Workload, value: str | None, version: str = "") -> None:
        judged = {"metadata": {"resourceVersion": version}} if version else {}
        body = {**judged, "spec": {"template": {"metadata": {"annotations": {RESTARTED: value}}}}}
        path = ApiResources.path_of(*workload[:3])
        try:
            self.cluster.request("PATCH", path, {"fieldManager": f"{OWNER}/restart"}, body, MERGE)
        except ApiError as error:
            raise explain(error, f"Restart {workload}") from error

    def _undone(self, workload: Workload, before: str | None) -> str:
        """Restore the template, so that the controller goes back to the old pods, which still run."""
        try:
            self._annotate(workload, before)
            self._wait(workload)
        except Problem as problem:
            return f"The restart could not be undone: {problem.wrong}. Run `{_undo(workload)}`."
        return "The restart was undone, and all replicas are available."

    def _wait(self, workload: Workload) -> None:
        reference = {"kind": workload.kind, "namespace": workload.namespace, "name": workload.name}
        options = RolloutWaitOptions(
            [reference],
            self.timeout_seconds,
            unschedulable_seconds=_UNSCHEDULABLE_SECONDS,
            until={},
            allow_empty=True,
        )
        RolloutWait(self.cluster, checked_search({}), options).wait()


def _each_once(workloads: list[Workload]) -> list[Workload]:
    """Return each workload once; one that a task names has the reason of its older sidecar, if it has one."""
    by_name: dict[tuple[str, ...], Workload] = {}
    for workload in workloads:
        by_name[workload[:3]] = workload
    return list(by_name.values())


def _undo(workload: Workload) -> str:
    return f"kubectl -n {workload.namespace} rollout undo {workload.kind.lower()}/{workload.name}"


def _named(workload: Workload) -> dict[str, str]:
    return workload._asdict()


def _advice(left: list[Workload]) -> Iterator[str]:
    """Yield a warning for each namespace and reason, with the command."""
    groups: dict[tuple[str, str], list[Workload]] = {}
    for workload in left:
        groups.setdefault((workload.namespace, workload.reason), []).append(workload)
    for (namespace, reason), workloads in groups.items():
        names, command = restarts.command(namespace, workloads)
        yield f"Pods run {reason} in {namespace} until their workloads restart: {names}. Run `{command}`."


def run_restart(module: AnsibleModule) -> None:
    """Do what the task asks."""
    params = module.params

    def work() -> dict[str, Any]:
        given = [Workload(row["kind"], row["namespace"], row["name"]) for row in params["workloads"]]
        restart = Restart(
            connect(module), params["namespaces"], params["selector"], params["timeout_seconds"], module.check_mode
        )
        return restart.run(given, params["sidecars"])

    run(module, work)
