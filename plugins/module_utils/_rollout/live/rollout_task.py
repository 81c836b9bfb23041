# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the options of the module `rollout_wait` to the wait for its workloads. Private.

The module and its action call `run_rollout_wait`. For example, the row `{kind: Deployment, name: web, namespace: shop}`
of option `workloads` becomes `AwaitedWorkload(ObjectRef("Deployment", "shop", "web"), "")`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..._kube.live.connect import connect
from ..._kube.live.task_end import run
from ..._otelcol.kube.objects import ObjectRef
from .jmespath_search import compile_search
from .rollout_wait import AwaitedWorkload, RolloutWait, RolloutWaitOptions

# The options of module rollout_wait, which documents them.
WORKLOAD_OPTIONS = {"kind": {"required": True}, "name": {"required": True}, "namespace": {}, "api_version": {}}
ARGUMENTS: dict[str, Any] = {
    "workloads": {"type": "list", "elements": "dict", "required": True, "options": WORKLOAD_OPTIONS},
    "timeout_seconds": {"type": "float", "default": 300},
    "unschedulable_seconds": {"type": "float", "default": 15},
    "allow_empty": {"type": "bool", "default": False},
    "applied": {"type": "list", "elements": "dict", "default": []},
    "until": {"type": "dict", "default": {}},
}


def run_rollout_wait(module: AnsibleModule) -> None:
    """Wait for the workloads that the task names, and end the task with the result."""
    params = module.params
    options = RolloutWaitOptions(
        workloads=read_awaited_workloads(params["workloads"]),
        timeout_seconds=params["timeout_seconds"],
        unschedulable_seconds=params["unschedulable_seconds"],
        until=params["until"] or {},
        allow_empty=params["allow_empty"],
        left_generations=read_left_generations(params["applied"]),
    )

    def wait_for_workloads() -> dict[str, Any]:
        if module.check_mode:
            return {"changed": False, "skipped": True, "msg": "Not waited: nothing was applied in check mode."}
        cluster = connect(module)
        if options.left_generations:  # this run has applied objects, so the server has answered it
            cluster.outage.has_answered = True
        return RolloutWait(cluster, compile_search(options.until), options).wait()

    run(module, wait_for_workloads)


def read_awaited_workloads(rows: Iterable[Mapping[str, str]]) -> list[AwaitedWorkload]:
    """Return the workloads of the option `workloads`, whose rows have the keys of WORKLOAD_OPTIONS."""
    workloads = []
    for row in rows:
        name = ObjectRef(row["kind"], row.get("namespace") or "", row["name"])
        workloads.append(AwaitedWorkload(name, row.get("api_version") or ""))
    return workloads


def read_left_generations(rows: Iterable[Mapping[str, Any]]) -> dict[ObjectRef, int]:
    """Return the generation of each object of the option `applied`; 0 if its row has none.

    The rows are the `objects` of a bundle's result: `kind`, `namespace`, `name` and perhaps `generation`.
    """
    generations = {}
    for row in rows:
        name = ObjectRef(str(row.get("kind") or ""), str(row.get("namespace") or ""), str(row.get("name") or ""))
        generations[name] = int(row.get("generation") or 0)
    return generations
