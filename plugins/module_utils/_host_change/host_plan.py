# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run does on a host: what a killed run left, which steps follow, which releases go. Private.

Measured with the Collector 0.158.0 under systemd 252: SIGHUP with a good config reloads within 0.4 s under the same
PID; with a bad one the process ends. So a candidate is checked beside the running process before the switch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .bundle_form import CONFIG, TMPFILES

# The steps of a change as its record names them. Up to `switch`, the running process is that of the earlier release.
PREPARE, SWITCH, ACTIVATE, JUDGE, BACK = "prepare", "switch", "activate", "judge", "back"
STEPS_WITHOUT_EFFECT = (PREPARE, SWITCH)
RELOAD, RESTART, START, NOTHING = "reload", "restart", "start", "nothing"
# What the next run does with a change that a killed run left.
DISCARD, COMPLETE, UNDO = "discard", "complete", "undo"
RELEASE_DIGITS = 6


@dataclass(frozen=True)
class Change:
    """A change under way. `earlier` is empty for a first install."""

    earlier: str
    candidate: str
    step: str
    when: str = ""
    way: str = ""


@dataclass(frozen=True)
class Links:
    """Links of the system that lead to the release in use, by place; what is there, and what should be."""

    actual_targets: Mapping[str, str]
    wanted_targets: Mapping[str, str]

    @property
    def wrong_links(self) -> list[str]:
        return [
            link_path
            for link_path, target in self.wanted_targets.items()
            if self.actual_targets.get(link_path) != target
        ]


def choose_recovery(change: Change, is_wanted: bool) -> str:
    """Return what to do with a change that a killed run left; `is_wanted` if its candidate is what this run wants."""
    if change.step == PREPARE:
        return DISCARD
    return COMPLETE if is_wanted and change.step != BACK else UNDO


def choose_activation(changed: Iterable[str], is_active: bool) -> str:
    """Return how a running collector takes a release: only a change of its config alone is taken by a reload."""
    paths = set(changed) - {TMPFILES}
    if not is_active:
        return START
    if not paths:
        return NOTHING
    return RELOAD if paths == {CONFIG} else RESTART


def next_release_number(numbers: Iterable[str]) -> str:
    """Return the name of the next release. It is a number: a sum would let a credential be guessed."""
    last_number = max((int(number) for number in numbers), default=0)
    return str(last_number + 1).zfill(RELEASE_DIGITS)


def list_superfluous_releases(numbers: Iterable[str], current: str, keep: int) -> list[str]:
    """Return the releases that go: all but the newest `keep`; the one in use stays."""
    newest_first = sorted(numbers, reverse=True)
    kept_numbers = {current, *newest_first[: max(keep, 1)]}
    return [number for number in sorted(newest_first) if number not in kept_numbers]


def list_unused_programs(is_own_by_folder: Mapping[str, bool], used_folders: Iterable[str]) -> list[str]:
    """Return the folders of programs that are this collection's (the value says so) and that no release names."""
    named_folders = set(used_folders)
    return sorted(folder for folder, is_own in is_own_by_folder.items() if is_own and folder not in named_folders)
