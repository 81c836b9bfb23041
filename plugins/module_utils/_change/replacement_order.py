# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order in which workloads are replaced. Private.

Old workloads are removed after new ones work, in a switch of backends as in an upgrade. The exception is a workload
that holds the same port or folder of a node: that one is removed first. A backend is what runs a collector: the
operator, or a workload of this collection. prune.py of `live` deletes in this order.
"""

from __future__ import annotations

from collections.abc import Iterable

from .._kube.operator_status import COLLECTOR
from .._kube.ownership import read_label
from .._otelcol.config.paths import mapping_at
from .._otelcol.kube.names import COLLECTOR_LABEL
from .._otelcol.kube.objects import Manifest, ref
from .host_ports import have_port_conflict
from .replica_counts import AUTOSCALER, is_scaled_by
from .workload_kinds import POD_RUNNING_KINDS
from .written_volumes import list_written_volumes


def replaces(new: Manifest, old: Manifest) -> bool:
    """Return whether a workload replaces another: both have the same collector label, or the old one has none."""
    if new["kind"] not in POD_RUNNING_KINDS or old["kind"] not in POD_RUNNING_KINDS or ref(new) == ref(old):
        return False
    if new["metadata"].get("namespace") != old["metadata"].get("namespace"):
        return False
    return read_label(old, COLLECTOR_LABEL) in ("", read_label(new, COLLECTOR_LABEL))


def must_go_first(old: Manifest, group: Iterable[Manifest]) -> bool:
    """Return whether an old object must be deleted before a group is applied.

    Two workloads cannot share a host port or write to the same host path. An autoscaler would overwrite the replica
    count of a workload that now sets its own.
    """
    if old["kind"] == AUTOSCALER:
        return any(_sets_own_replicas(new, old) for new in group)
    return any(replaces(new, old) and _cannot_be_beside(new, old) for new in group)


def _sets_own_replicas(workload: Manifest, autoscaler: Manifest) -> bool:
    return is_scaled_by(workload, autoscaler) and "replicas" in mapping_at(workload, "spec")


def _cannot_be_beside(new: Manifest, old: Manifest) -> bool:
    """Return whether two workloads need the same port of a node, or write to the same folder or claim."""
    return have_port_conflict(new, old) or not list_written_volumes(new).isdisjoint(list_written_volumes(old))


def find_awaited_workloads(old: Iterable[Manifest], manifests: Iterable[Manifest]) -> list[Manifest]:
    """Return the workloads of a bundle that must be ready before the old ones are deleted."""
    leaving_workloads = list(old)
    return [
        new_workload
        for new_workload in manifests
        if any(replaces(new_workload, leaving_workload) for leaving_workload in leaving_workloads)
    ]


def must_be_remade(manifest: Manifest, live: Manifest | None) -> bool:
    """Return whether an object must be recreated to change.

    The operator rejects a change of mode, and the server a change of what an immutable ConfigMap or Secret holds.
    """
    if live is None:
        return False
    if live.get("immutable"):
        return not manifest.get("immutable") or manifest.get("data") != live.get("data")
    if manifest["kind"] != COLLECTOR:
        return False
    return _read_mode(manifest) != _read_mode(live)


def _read_mode(collector: Manifest) -> str:
    return str(mapping_at(collector, "spec").get("mode") or "deployment")
