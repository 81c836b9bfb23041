# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One collector of a bundle whose workload changes, and its objects as they were before. Private.

`live/change_finding.py` finds the changes of a run, `live/changes.py` carries them out. A bundle is the list of all
manifests of a run. A workload is an object that runs pods. A change goes back if the collector gets its earlier objects
again; it is a canary if some pods are changed and judged before the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NotRequired, TypedDict, cast

from .._collector.change_options import CANARY, CHANGE_DEFAULTS, ROLLBACK
from .._kube.ownership import read_collector_name, read_release_label
from .._otelcol.kube.objects import Manifest, ObjectRef, ref
from .applied_state import is_applied
from .managed_fields import extract_applied
from .replacement_order import must_be_remade
from .workload_kinds import POD_RUNNING_KINDS
from .worse_than_before import WorkingState

# A Secret's values go into no other object, and the shared objects of a namespace belong to no collector.
LEFT_OUT_KINDS = ("Secret", "Namespace")


class ChangeOptions(TypedDict):
    """The option `change` of a collector, as rendering returns it."""

    strategy: str
    """CANARY or ROLLING of _collector/change_options.py."""
    share: str
    """How many pods change first, such as `1` or `25%`."""
    observe_seconds: float
    judge: list[Any]
    """See canary/chosen_checks.py."""
    on_failure: str
    """KEEP or ROLLBACK of _collector/change_options.py."""
    config: NotRequired[Mapping[str, Any]]
    """Of a canary alone: the new config of the collector."""
    listeners: NotRequired[Any]
    """Of a canary alone: the rows of the catalogue about ports, which `map_listeners` reads."""


@dataclass
class CollectorChange:
    """One collector of a bundle whose workload changes."""

    name: str
    """Namespace and name, such as `shop/gateway`."""
    manifests: list[Manifest]
    """All objects of the collector in the bundle, with those of its release in the whole cluster."""
    options: ChangeOptions
    """How the collector changes, and what happens if it does not work."""
    before: list[Manifest] = field(default_factory=list)
    """The objects that the run changes, as they were applied before. The collector goes back to them."""
    record: Manifest | None = None
    """The record of the change in the cluster, see recorded_change.py; None before it is written."""
    working_states_before: Mapping[str, WorkingState] = field(default_factory=dict)
    """How each workload that decides whether the collector is ready worked before, by its name in messages."""
    rest_facts_before: Mapping[str, Any] | None = None
    """The `RestFacts` of the pods before the change, if no pod keeps the earlier config beside the new one.

    The type is wider, because facts from a record in the cluster are not checked.
    """

    @property
    def workloads(self) -> list[Manifest]:
        """Return the manifests that run pods. A collector of a bundle has at least one."""
        return [manifest for manifest in self.manifests if manifest["kind"] in POD_RUNNING_KINDS]

    @property
    def is_canary(self) -> bool:
        """Return whether some pods are changed and judged before the others."""
        return self.options["strategy"] == CANARY

    @property
    def is_followed(self) -> bool:
        """Return whether the run stays with the change until it works or is undone.

        Any other change is applied without a record, and a later task waits for its pods by module rollout_wait.
        """
        return self.goes_back or self.is_canary

    @property
    def goes_back(self) -> bool:
        """Return whether a change that does not work is undone."""
        return self.options["on_failure"] == ROLLBACK


def group_by_collector(
    manifests: Iterable[Manifest], options: Mapping[str, Mapping[str, Any]]
) -> list[CollectorChange]:
    """Return the collectors of a bundle that have a workload, with all their objects.

    `options` has the option `change` of each collector by its `namespace/name`; what is missing there has its default.
    """
    manifests_by_collector: dict[str, list[Manifest]] = {}
    cluster_wide_by_release: dict[str, list[Manifest]] = {}
    for manifest in manifests:
        if manifest["kind"] in LEFT_OUT_KINDS:
            continue
        if manifest["metadata"].get("namespace"):
            manifests_by_collector.setdefault(read_collector_name(manifest), []).append(manifest)
        else:
            cluster_wide_by_release.setdefault(read_release_label(manifest), []).append(manifest)
    cluster_wide_by_release.pop("", None)  # without a release, nobody can tell whose these are
    changes = []
    for name, own_manifests in manifests_by_collector.items():
        workload = next((manifest for manifest in own_manifests if manifest["kind"] in POD_RUNNING_KINDS), None)
        # Objects without a name of a collector are shared, and without a workload nothing runs that could fail.
        if name and workload:
            # What its release has in the whole cluster, such as its ClusterRole.
            release_manifests = cluster_wide_by_release.get(read_release_label(workload), [])
            change_options = cast(ChangeOptions, {**CHANGE_DEFAULTS, **options.get(name, {})})
            changes.append(CollectorChange(name, [*own_manifests, *release_manifests], change_options))
    return changes


def list_objects_before_change(
    change: CollectorChange, live_objects: Mapping[ObjectRef, Manifest | None], manager: str
) -> list[Manifest]:
    """Return the objects that a run will change, as the last run applied them; none if the workload does not change."""
    earlier_objects = []
    for manifest in change.manifests:
        live_object = live_objects.get(ref(manifest))
        # Three kinds of objects have nothing to go back to: new ones, those that must be made anew, since the server
        # refuses to change them back too, and those that an apply leaves as they are.
        if not live_object or must_be_remade(manifest, live_object) or is_applied(manifest, live_object, manager):
            continue
        last_applied = extract_applied(live_object, manager)
        if last_applied:
            earlier_objects.append(add_live_uid(last_applied, live_object))
    changes_workload = any(manifest["kind"] in POD_RUNNING_KINDS for manifest in earlier_objects)
    return earlier_objects if changes_workload else []


def add_live_uid(manifest: Manifest, live_object: Manifest) -> Manifest:
    """Return a manifest that the server applies to this very object only, not to another one of its name."""
    return {**manifest, "metadata": {**manifest["metadata"], "uid": live_object["metadata"].get("uid")}}
