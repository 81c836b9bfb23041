# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run does on a host: which steps a change has, what a killed run left, which releases are removed. Private.

A release is a numbered folder with the files of one collector, such as `000007`; a link leads to the release in use. A
candidate is the release that a change has written. `live/host_change.py` makes the changes. It notes each step in a
record before the step begins, so that the next run knows where a killed run ended:

| step | what is done | if a run is killed in it, the next run |
|---|---|---|
| prepare | write the candidate, and let the program check it | discards the candidate |
| switch | link to the candidate | completes the change, or undoes it if it wants other files by now |
| activate | let the service take it: the activation says how | the same |
| judge | compare its metrics with those before | the same |
| back | roll back to the earlier release, because a step failed | goes on with the rollback |

Measured with the Collector 0.158.0 under systemd 252: SIGHUP with a good config reloads within 0.4 s under the same
PID; with a bad one the process ends. So a candidate is checked beside the running process before the switch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .bundle_form import CONFIG, TMPFILES

# The steps of a change, as its record names them.
PREPARE = "prepare"
SWITCH = "switch"
ACTIVATE = "activate"
JUDGE = "judge"
ROLL_BACK = "back"
# In these steps, the running process is still that of the earlier release.
STEPS_WITHOUT_EFFECT = (PREPARE, SWITCH)
# The activations: how the service takes a release, see `choose_activation`.
RELOAD = "reload"
RESTART = "restart"
START = "start"
NOTHING = "nothing"
# The recoveries: what the next run does with a change that a killed run left.
# Remove the candidate, which nothing runs.
DISCARD = "discard"
# Go on with the change.
COMPLETE = "complete"
# Roll back to the earlier release.
UNDO = "undo"
# The number of a release is padded with zeros, such as `000007`, so that names are in the order of numbers.
RELEASE_DIGITS = 6


@dataclass(frozen=True)
class OngoingChange:
    """A change under way, as its record `change.json` has it (see live/change_notes.py)."""

    earlier: str
    """The release that ran before, such as `000006`; empty for a first install."""
    candidate: str
    """The release that the change has written."""
    step: str
    """The step that the change has begun: PREPARE, SWITCH, ACTIVATE, JUDGE or ROLL_BACK."""
    when: str = ""
    """The beginning of the change in UTC, such as `2026-01-31T12:00:00Z`; nothing here reads it."""
    activation: str = ""
    """How the service takes the candidate: RELOAD, RESTART, START or NOTHING. The record calls it `way`."""


@dataclass(frozen=True)
class Links:
    """Links of the system that lead to the release in use: where they lead to, and where they should.

    Both mappings have the target of each link by the path of the link.
    """

    actual_targets: Mapping[str, str]
    wanted_targets: Mapping[str, str]

    @property
    def wrong_links(self) -> list[str]:
        """The paths of the links that are missing, or that lead elsewhere."""
        wrong_links = []
        for link_path, target in self.wanted_targets.items():
            if self.actual_targets.get(link_path) != target:
                wrong_links.append(link_path)
        return wrong_links


def choose_recovery(change: OngoingChange, is_wanted: bool) -> str:
    """Return what to do with a change that a killed run left: DISCARD, COMPLETE or UNDO. See the table above.

    `is_wanted` says whether its candidate has just the files that this run would write.
    """
    if change.step == PREPARE:
        return DISCARD
    return COMPLETE if is_wanted and change.step != ROLL_BACK else UNDO


def choose_activation(changed: Iterable[str], is_active: bool) -> str:
    """Return how a collector takes a release: RELOAD, RESTART, START or NOTHING.

    `changed` has the paths of the files that differ from the earlier release: `["config.yaml"]` gives RELOAD, and
    `["config.yaml", "otelcol-agent.service"]` RESTART. A collector that does not run is started. The file for
    systemd-tmpfiles does not count, because the service does not read it.
    """
    paths = set(changed) - {TMPFILES}
    if not is_active:
        return START
    if not paths:
        return NOTHING
    return RELOAD if paths == {CONFIG} else RESTART


def next_release_number(numbers: Iterable[str]) -> str:
    """Return the name of the next release, such as `000007`.

    It is a number, and no hash of the files: with a hash, somebody could guess a credential and compare.
    """
    last_number = max((int(number) for number in numbers), default=0)
    return str(last_number + 1).zfill(RELEASE_DIGITS)


def list_superfluous_releases(numbers: Iterable[str], current: str, keep: int) -> list[str]:
    """Return the releases that are removed: all but the newest `keep`; the one in use stays.

    Of 000001 to 000004, with 000001 in use and `keep` 2, only 000002 is removed.
    """
    newest_first = sorted(numbers, reverse=True)
    kept_numbers = {current, *newest_first[: max(keep, 1)]}
    return [number for number in sorted(newest_first) if number not in kept_numbers]


def list_unused_programs(is_own_by_folder: Mapping[str, bool], used_folders: Iterable[str]) -> list[str]:
    """Return the folders of programs that are removed: this collection has made them, and no release names them.

    `is_own_by_folder` says of each folder whether this collection has made it.
    """
    named_folders = set(used_folders)
    return sorted(folder for folder, is_own in is_own_by_folder.items() if is_own and folder not in named_folders)
