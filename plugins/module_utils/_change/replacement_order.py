# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order in which workloads are replaced. Private.

Old workloads are removed after new ones work, in a switch of backends as in an upgrade. The exception is a workload
that holds the same port or folder of a node: that one is removed first.
"""

from __future__ import annotations

from collections.abc import Iterable

from .._kube.operator_status import COLLECTOR
from .._kube.ownership import label_of
from .._otelcol.config.paths import section
from .._otelcol.kube.names import COLLECTOR_LABEL
from .._otelcol.kube.objects import Manifest, ref
from .host_ports import share_port
from .replica_counts import AUTOSCALER, is_scaled_by
from .workload_kinds import RUNS
from .written_volumes import written_volumes


def replaces(new: Manifest, old: Manifest) -> bool:
    """Return whether a workload replaces another: both have the same collector label, or the old one has none."""
    if new["kind"] not in RUNS or old["kind"] not in RUNS or ref(new) == ref(old):
        return False
    if new["metadata"].get("namespace") != old["metadata"].get("namespace"):
        return False
    return label_of(old, COLLECTOR_LABEL) in ("", label_of(new, COLLECTOR_LABEL))


def goes_first(old: Manifest, group: Iterable[Manifest]) -> bool:
    """Return whether an old object must be deleted before a group is applied.

    Two workloads cannot share a host port or write to the same host path. An autoscaler would overwrite the replica
    count of a workload that now sets its own.
    """
    if old["kind"] == AUTOSCALER:
        return any(_sets_own_replicas(new, old) for new in group)
    return any(replaces(new, old) and _cannot_be_beside(new, old) for new in group)


def _sets_own_replicas(workload: Manifest, autoscaler: Manifest) -> bool:
    return is_scaled_by(workload, autoscaler) and "replicas" in section(workload, "spec")


def _cannot_be_beside(new: Manifest, old: Manifest) -> bool:
    """Return whether two workloads need the same port of a node, or write to the same folder or claim."""
    return share_port(new, old) or not written_volumes(new).isdisjoint(written_volumes(old))


def awaited(old: Iterable[Manifest], manifests: Iterable[Manifest]) -> list[Manifest]:
    """Return the workloads of a bundle that must be ready before the old ones are deleted."""
    leaving = list(old)
    return [new for new in manifests if any(replaces(new, item) for item in leaving)]


def remade(manifest: Manifest, live: Manifest | None) -> bool:
    """Return whether an object must be recreated to change.

    The operator rejects a change of mode, and the server a change of what an immutable ConfigMap or Secret holds.
    """
    if live is None:
        return False
    if live.get("immutable"):
        return not manifest.get("immutable") or manifest.get("data") != live.get("data")
    if manifest["kind"] != COLLECTOR:
        return False
    return _mode(manifest) != _mode(live)


def _mode(collector: Manifest) -> str:
    return str(section(collector, "spec").get("mode") or "deployment")
