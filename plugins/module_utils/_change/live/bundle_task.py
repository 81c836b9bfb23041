# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task of a bundle: from the options of the module `bundle_apply` to the work of its `state`. Private.

| state | what is done | where |
|---|---|---|
| `present` | apply the bundle | `apply_bundle` of apply.py |
| `absent` | remove it | `remove_bundle` of remove.py |
| `earlier` | bring collectors back whose records were kept, since a wave failed | kept_changes.py |
| `settled` | close these records, so that the collectors stay as they are | kept_changes.py |

A bundle is the list of all manifests of a run. A record is what a collector goes back to (recorded_change.py). It is
kept if the wave of the cluster decides later whether the change stays (docs/waves.md).
"""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..._diagnose.live.reader import QUICK_SECONDS
from ..._kube.bundle import check_manifests
from ..._kube.live.connect import connect
from ..._kube.live.hidden import PARTLY_SECRET
from ..._kube.live.task_end import run
from ..._otelcol.kube.names import OWNER
from ..collector_flows import Flow
from .apply import apply_bundle
from .bundle_options import BundleOptions
from .kept_changes import bring_collectors_back, confirm_changes
from .needed_rights import name_missing_rights
from .remove import remove_bundle

ARGUMENTS: dict[str, Any] = {
    "manifests": {"type": "list", "elements": "dict", "required": True, **PARTLY_SECRET},
    "state": {"choices": ["present", "absent", "earlier", "settled"], "default": "present"},
    "field_manager": {"default": OWNER},
    "force_conflicts": {"type": "bool", "default": True},
    "prune_selector": {},
    "adopt": {"type": "list", "elements": "str", "default": []},
    "existing_accounts": {"type": "list", "elements": "str", "default": []},
    "change": {"type": "dict", "default": {}, **PARTLY_SECRET},
    "flows": {
        "type": "list",
        "elements": "dict",
        "options": {"sender": {"required": True}, "receiver": {"required": True}},
        "default": [],
    },
    "references": {"choices": ["ignore", "require", "wait"], "default": "ignore"},
    "wait_seconds": {"type": "float", "default": 120},
    "unschedulable_seconds": {"type": "float", "default": 15},
    "keep_records": {"type": "bool", "default": False},
    "kept_records": {"type": "dict", "default": {}},
    "kept_rights": {"type": "list", "elements": "dict", "default": []},
    "differences": {"type": "bool", "default": False},
}
# What the task does, by its option `state`.
WORK_BY_STATE = {
    "present": apply_bundle,
    "absent": remove_bundle,
    "earlier": bring_collectors_back,
    "settled": confirm_changes,
}


def run_bundle(module: AnsibleModule) -> None:
    """Do what the option `state` says to a bundle, and end the task with the result.

    The action plugin passes an object with the same attributes in place of AnsibleModule.
    """
    params = module.params
    options = _read_options(module)

    def carry_out_state() -> dict[str, Any]:
        check_manifests(options.manifests)
        cluster = connect(module)
        with name_missing_rights(cluster, options.manifests):
            result = WORK_BY_STATE[params["state"]](cluster, options)
        if params["differences"]:  # a callback shows `diff` of each cluster by itself
            result["differences"] = result.pop("diff")
        return result

    run(module, carry_out_state)


def _read_options(module: AnsibleModule) -> BundleOptions:
    params = module.params
    return BundleOptions(
        manifests=params["manifests"],
        field_manager=params["field_manager"],
        force_conflicts=params["force_conflicts"],
        prune_selector=params["prune_selector"] or "",
        wait_seconds=params["wait_seconds"],
        check=module.check_mode,
        diff=module._diff or params["differences"],
        adopt=tuple(params["adopt"]),
        existing_accounts=tuple(params["existing_accounts"]),
        references=params["references"],
        change=params["change"],
        flows=[Flow(row["sender"], row["receiver"]) for row in params["flows"]],
        unschedulable_seconds=params["unschedulable_seconds"],
        keep_records=params["keep_records"],
        kept_records=params["kept_records"],
        kept_rights=params["kept_rights"],
        quick_cluster=lambda: connect(module, QUICK_SECONDS),
    )
