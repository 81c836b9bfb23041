# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait until another tool has applied what the files say: it reads, and writes nothing. Private."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..._change.workload_kinds import RUNS
from ..._kube.bundle import check
from ..._kube.live.api_errors import asking
from ..._kube.live.cluster import Cluster
from ..._kube.live.connect import connect, run
from ..._kube.live.hidden import PARTLY_SECRET
from ..._kube.live.kinds import ApiResources
from ..._otelcol.errors import Problem, at_most
from ..._otelcol.kube.objects import Manifest, ref
from ..synced_parts import unlike_parts

ARGUMENTS: dict[str, Any] = {
    "manifests": {"type": "list", "elements": "dict", "required": True, **PARTLY_SECRET},
    "timeout_seconds": {"type": "float", "default": 300},
}
_ASKED = "Wait for the sync"
_SHOWN = 5


def run_sync_wait(module: AnsibleModule) -> None:
    """Wait, unless in check mode, which looks once."""
    manifests, seconds = module.params["manifests"], module.params["timeout_seconds"]

    def work() -> dict[str, Any]:
        check(manifests)
        return await_sync(connect(module), manifests, 0.0 if module.check_mode else seconds)

    run(module, work)


def await_sync(cluster: Cluster, manifests: Sequence[Manifest], seconds: float) -> dict[str, Any]:
    """Return how long the sync took. Raises Problem if a workload does not run what its manifest says in that time."""
    running = [manifest for manifest in manifests if manifest["kind"] in RUNS]
    if not running:
        fix = "Give the manifests of collectors."
        raise Problem("there is no workload among the manifests", asked=_ASKED, fix=fix)
    start, unsynced = cluster.clock(), list[str]()
    for _poll in cluster.polls(seconds):
        unsynced = [line for line in cluster.parallel(lambda item: _unsynced(cluster, item), running) if line]
        if not unsynced:
            return {"changed": False, "seconds": round(cluster.clock() - start, 1), "msg": f"{len(running)} synced"}
        cluster.progress("The sync", f"waiting: {at_most(_SHOWN, unsynced)}")
    fix = "Look at the sync of Argo CD or Flux, and whether it has these files, or wait longer."
    wrong = f"not complete after {seconds:g} s: {at_most(_SHOWN, unsynced, between='; ', last='; ')}"
    raise Problem(wrong, asked=_ASKED, fix=fix)


def _unsynced(cluster: Cluster, manifest: Manifest) -> str:
    """Return in which parts the live object differs from its manifest; empty if in none."""
    subject = ref(manifest)
    path = ApiResources.path_of(subject.kind, subject.namespace, subject.name)
    live = asking(f"Read {subject}", lambda: cluster.get(path))
    if live is None:
        return f"{subject} does not exist"
    parts = unlike_parts(manifest, {**live, "kind": manifest["kind"]})
    return f"{subject} differs in {at_most(_SHOWN, parts)}" if parts else ""
