# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the options of a task to the wait for its workloads. Private."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..._kube.live.connect import connect
from ..._kube.live.task_end import run
from .jmespath_search import compile_search
from .rollout_wait import RolloutWait, RolloutWaitOptions

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
    params = module.params
    options = RolloutWaitOptions(**{name: params[name] for name in ARGUMENTS} | {"until": params["until"] or {}})

    def wait_for_workloads() -> dict[str, Any]:
        if module.check_mode:
            return {"changed": False, "skipped": True, "msg": "Not waited: nothing was applied in check mode."}
        cluster = connect(module)
        cluster.outage.has_answered = cluster.outage.has_answered or bool(options.applied)  # this run has applied them
        return RolloutWait(cluster, compile_search(options.until), options).wait()

    run(module, wait_for_workloads)
