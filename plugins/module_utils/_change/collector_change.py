# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One collector of a bundle whose workload changes, and its objects as they were before. Private."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .._collector.change_options import CANARY, DEFAULTS, ROLLBACK
from .._kube.ownership import collector_of, release_of
from .._otelcol.kube.objects import Manifest, Ref, ref
from .applied_state import is_applied
from .managed_fields import extracted
from .replacement_order import remade
from .workload_kinds import RUNS
from .worse_than_before import Worked

# A Secret's values go into no other object, and the shared objects of a namespace belong to no collector.
LEFT_OUT = ("Secret", "Namespace")


@dataclass
class Change:
    """One collector of a bundle whose workload changes: its manifests, and its objects as they were applied before."""

    name: str
    manifests: list[Manifest]
    options: Mapping[str, Any]
    before: list[Manifest] = field(default_factory=list)
    record: Manifest | None = None
    # By the name of each workload that decides whether the collector is ready.
    worked: Mapping[str, Worked] = field(default_factory=dict)
    # What its pods were like before, where none of them keeps the earlier config.
    readings: Mapping[str, Any] | None = None

    @property
    def workloads(self) -> list[Manifest]:
        """Return the manifests that run pods. A collector of a bundle has at least one."""
        return [manifest for manifest in self.manifests if manifest["kind"] in RUNS]

    @property
    def is_canary(self) -> bool:
        """Return whether some pods are changed and judged before the others."""
        return bool(self.options["strategy"] == CANARY)

    @property
    def is_followed(self) -> bool:
        """Return whether the run stays with the change until it works or is undone."""
        return self.goes_back or self.is_canary

    @property
    def goes_back(self) -> bool:
        """Return whether a change that does not work is undone."""
        return bool(self.options["on_failure"] == ROLLBACK)


def collectors(manifests: Iterable[Manifest], options: Mapping[str, Mapping[str, Any]]) -> list[Change]:
    """Return the collectors of a bundle that have a workload, with all their objects."""
    of_collector: dict[str, list[Manifest]] = {}
    cluster_wide_of_release: dict[str, list[Manifest]] = {}
    for manifest in manifests:
        if manifest["kind"] in LEFT_OUT:
            continue
        if manifest["metadata"].get("namespace"):
            of_collector.setdefault(collector_of(manifest), []).append(manifest)
        else:
            cluster_wide_of_release.setdefault(release_of(manifest), []).append(manifest)
    cluster_wide_of_release.pop("", None)
    changes = []
    for name, own in of_collector.items():
        workload = next((manifest for manifest in own if manifest["kind"] in RUNS), None)
        if name and workload:
            # What its release has in the whole cluster, such as its ClusterRole.
            released = cluster_wide_of_release.get(release_of(workload), [])
            changes.append(Change(name, [*own, *released], {**DEFAULTS, **options.get(name, {})}))
    return changes


def before_change(change: Change, live: Mapping[Ref, Manifest | None], manager: str) -> list[Manifest]:
    """Return the objects that a run will change, as the last run applied them; none if the workload does not change."""
    before = []
    for manifest in change.manifests:
        now = live.get(ref(manifest))
        if not now or remade(manifest, now) or is_applied(manifest, now, manager):
            continue
        last_applied = extracted(now, manager)
        if last_applied:
            before.append(identified(last_applied, now))
    changes_workload = any(manifest["kind"] in RUNS for manifest in before)
    return before if changes_workload else []


def identified(manifest: Manifest, live: Manifest) -> Manifest:
    """Return a manifest that only this very object takes, not another one of its name."""
    return {**manifest, "metadata": {**manifest["metadata"], "uid": live["metadata"].get("uid")}}
