# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a collector on a host differs from what is wanted, and whether a run has nothing to do. Private.

`live/host_task.py` plans with this file what it will do, and `live/host_change.py` adds to the outcome what it has
done. For example, for a changed config the outcome is `HostOutcome(is_changed=True, activation="reload",
release="000006", changed_paths=["config.yaml"], …)`. host_plan.py explains releases, activations and links.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ..host_plan import NOTHING, choose_activation, list_superfluous_releases, list_unused_programs
from ..host_release import CollectorBundle, build_difference, list_changed_paths
from .host_store import Store
from .machine import Machine


@dataclass
class HostOutcome:
    """What a run has done, or would do, for its result."""

    is_changed: bool = False
    activation: str = NOTHING
    """How the service took the release, or would take it: RELOAD, RESTART, START or NOTHING."""
    release: str = ""
    """The release in use; empty without one."""
    earlier_release: str | None = None
    """The release before this run; empty for a first install. None until it is known."""
    changed_paths: list[str] = field(default_factory=list)
    """The files that differ, by their paths in the folder of the release."""
    differences: list[dict[str, str]] = field(default_factory=list)
    """As Ansible's diff has them."""
    notes: list[str] = field(default_factory=list)
    """Sentences or clauses for people about what was done."""


@dataclass
class ServiceOutcome:
    """What a run has done to the services that send to a collector, for its result."""

    is_changed: bool = False
    changed_paths: list[str] = field(default_factory=list)
    """The drop-ins that differ, by their full paths."""
    differences: list[dict[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    waiting_lines: list[str] = field(default_factory=list)
    """Lines about services that run with an older environment until somebody restarts them."""


def plan_outcome(machine: Machine, store: Store, bundle: CollectorBundle) -> HostOutcome:
    """Return what a run would do, by what differs now. `earlier_release` is not known yet, and there are no notes."""
    current_release, wanted_files = store.releases.find_current(), bundle.files
    stored_files = store.releases.read_files(current_release)
    service = machine.service(store.service)
    changed_paths = list_changed_paths(stored_files, wanted_files)
    has_wrong_links = bool(store.links.compare(wanted_files).wrong_links)
    was_killed = store.change_record.read() is not None
    return HostOutcome(
        is_changed=bool(changed_paths) or has_wrong_links or was_killed or not service.is_active,
        activation=choose_activation(changed_paths, service.is_active),
        release=current_release,
        changed_paths=changed_paths,
        differences=build_difference(stored_files, wanted_files, str(store.releases.current)),
    )


def has_nothing_to_do(store: Store, bundle: CollectorBundle, outcome: HostOutcome) -> bool:
    """Whether nothing differs, and earlier runs have left nothing to complete or to remove."""
    if outcome.is_changed or store.list_temporary_paths():
        return False
    releases = store.releases
    spare_releases = list_superfluous_releases(
        releases.list_numbers(), releases.find_current(), bundle.kept_release_count
    )
    return not spare_releases and not list_unused_programs(store.programs.map_ownership(), store.programs.list_used())
