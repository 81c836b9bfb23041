# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait until another tool has applied what the files say: it reads, and writes nothing. Private.

Module sync_wait calls this file. A sync is done when each workload of the manifests runs what its manifest says.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..._change.workload_kinds import POD_RUNNING_KINDS
from ..._kube.bundle import check_manifests
from ..._kube.live.api_errors import ask_server
from ..._kube.live.cluster import Cluster
from ..._kube.live.connect import connect
from ..._kube.live.hidden import PARTLY_SECRET
from ..._kube.live.kinds import ApiResources
from ..._kube.live.task_end import run
from ..._otelcol.errors import Problem, join_at_most
from ..._otelcol.kube.objects import Manifest, ref
from ..synced_parts import list_unlike_parts

ARGUMENTS: dict[str, Any] = {
    "manifests": {"type": "list", "elements": "dict", "required": True, **PARTLY_SECRET},
    "timeout_seconds": {"type": "float", "default": 300},
}
_REQUEST = "Wait for the sync"
_SHOWN_LINES = 5


def run_sync_wait(module: AnsibleModule) -> None:
    """Wait, unless in check mode, which looks once."""
    manifests, seconds = module.params["manifests"], module.params["timeout_seconds"]

    def wait_for_sync() -> dict[str, Any]:
        check_manifests(manifests)
        return await_sync(connect(module), manifests, 0.0 if module.check_mode else seconds)

    run(module, wait_for_sync)


def await_sync(cluster: Cluster, manifests: Sequence[Manifest], seconds: float) -> dict[str, Any]:
    """Return how long the sync took. Raises Problem if a workload does not run what its manifest says in that time."""
    workloads = [manifest for manifest in manifests if manifest["kind"] in POD_RUNNING_KINDS]
    if not workloads:
        fix = "Give the manifests of collectors."
        raise Problem("there is no workload among the manifests", asked=_REQUEST, fix=fix)
    started_at, unsynced_lines = cluster.clock(), list[str]()
    for _poll in cluster.iter_polls(seconds):
        unsynced_lines = [
            line
            for line in cluster.call_in_parallel(lambda workload: _describe_unsynced(cluster, workload), workloads)
            if line
        ]
        if not unsynced_lines:
            return {
                "changed": False,
                "seconds": round(cluster.clock() - started_at, 1),
                "msg": f"{len(workloads)} synced",
            }
        cluster.progress("The sync", f"waiting: {join_at_most(_SHOWN_LINES, unsynced_lines)}")
    fix = "Look at the sync of Argo CD or Flux, and whether it has these files, or wait longer."
    wrong = f"not complete after {seconds:g} s: {join_at_most(_SHOWN_LINES, unsynced_lines, between='; ', last='; ')}"
    raise Problem(wrong, asked=_REQUEST, fix=fix)


def _describe_unsynced(cluster: Cluster, manifest: Manifest) -> str:
    """Return in which parts the live object differs from its manifest; empty if in none."""
    subject = ref(manifest)
    path = ApiResources.build_path(subject.kind, subject.namespace, subject.name)
    live_object = ask_server(f"Read {subject}", lambda: cluster.get(path))
    if live_object is None:
        return f"{subject} does not exist"
    differing_parts = list_unlike_parts(manifest, {**live_object, "kind": manifest["kind"]})
    return f"{subject} differs in {join_at_most(_SHOWN_LINES, differing_parts)}" if differing_parts else ""
