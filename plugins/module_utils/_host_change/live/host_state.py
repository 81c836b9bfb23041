# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a collector on a host differs from what is wanted, and whether a run has nothing to do. Private.

host_plan.py explains releases, activations and links. A collector is settled here if a run would do nothing. (State
`settled` of module host_apply is something else: a change that stays, because its wave has passed.)
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


def note_differences(machine: Machine, store: Store, bundle: CollectorBundle, outcome: HostOutcome) -> None:
    """Write into an outcome what differs. If an earlier step has set `is_changed`, it stays true."""
    number, wanted_files = store.releases.find_current(), bundle.files
    stored_files = store.releases.read_files(number)
    service = machine.service(store.service)
    outcome.changed_paths = list_changed_paths(stored_files, wanted_files)
    outcome.differences = build_difference(stored_files, wanted_files, str(store.releases.current))
    outcome.activation = choose_activation(outcome.changed_paths, service.is_active)
    has_difference = bool(
        outcome.changed_paths or store.links.compare(wanted_files).wrong_links or store.change_record.read()
    )
    outcome.is_changed = outcome.is_changed or has_difference or not service.is_active
    outcome.release = number


def has_nothing_to_do(store: Store, bundle: CollectorBundle, outcome: HostOutcome) -> bool:
    """Whether a run has nothing to do: nothing differs, and earlier runs have left nothing to complete or to remove."""
    if outcome.is_changed or store.list_temporary_paths():
        return False
    releases = store.releases
    spare_releases = list_superfluous_releases(
        releases.list_numbers(), releases.find_current(), bundle.kept_release_count
    )
    return not spare_releases and not list_unused_programs(store.programs.map_owned(), store.programs.list_used())
