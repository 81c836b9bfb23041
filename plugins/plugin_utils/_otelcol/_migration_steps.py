# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the steps of a migration on one config, until no change is left that can be made. Private.

A step (steps.py of `migrate`) searches the config for one kind of thing that the target does not accept. It returns
changes, which are applied, and unsolved ones, which a person has to make (data_edits.py). `_rewrite.py` applies changes
to the text of the config, so that comments and layout stay. The text may refuse a change that would have more effects
than listed, such as the change of `endpoint` here, at an anchor with two uses:

    zpages: {endpoint: &address $POD_IP}
    memory_ballast: {endpoint: *address}

Another step removes memory_ballast, and with it the second use. The steps therefore run in rounds: after a round in
which something changed and something was refused, all of them run again.
"""

from __future__ import annotations

from typing import NamedTuple

from ...module_utils._otelcol.config.paths import Path as KeyPath
from ...module_utils._otelcol.migrate.data_edits import ConfigChange, Unsolved
from ...module_utils._otelcol.migrate.steps import STEPS, Step
from ...module_utils._otelcol.rules.build_facts import TargetBuild
from . import _rewrite
from ._still_rejected import find_still_rejected


class AppliedSteps(NamedTuple):
    """The changes that were made in a config, and those that a person has to make."""

    changes: list[ConfigChange]
    unsolved_changes: list[Unsolved]


def apply_steps(editable: _rewrite.EditableConfig, target: TargetBuild) -> AppliedSteps:
    """Apply every step to a config, which is changed; return what was changed, and what is left to a person."""
    first_round = last_round = _run_round(editable, target)
    applied_changes = list(first_round.applied_changes)
    while last_round.applied_changes and last_round.refused_by_key:
        last_round = _run_round(editable, target)
        applied_changes += last_round.applied_changes
    # What steps leave to a person has the names that the user knows, which are those of the first round.
    manual_changes = list((first_round.manual_by_key | last_round.refused_by_key).values())
    still_rejected = find_still_rejected(editable.data, target, [change.path for change in manual_changes])
    return AppliedSteps(applied_changes, [*manual_changes, *still_rejected])


class _ChangeKey(NamedTuple):
    """The place of a change in a config, and its description: together they tell changes apart."""

    path: KeyPath
    description: str

    @classmethod
    def of(cls, result: ConfigChange | Unsolved) -> _ChangeKey:
        """Return the key of a change."""
        return cls(result.path, result.description)


def _run_round(editable: _rewrite.EditableConfig, target: TargetBuild) -> _Round:
    """Apply each step to a config once."""
    current_round = _Round(editable, target)
    for step in STEPS:
        current_round.apply_step(step)
    return current_round


class _Round:
    """One round, in which each step is applied to a config once, and what became of all changes."""

    def __init__(self, editable: _rewrite.EditableConfig, target: TargetBuild) -> None:
        self._editable = editable
        self._target = target
        self.applied_changes: list[ConfigChange] = []
        # What the steps leave to a person.
        self.manual_by_key: dict[_ChangeKey, Unsolved] = {}
        # What the text of the config refuses.
        self.refused_by_key: dict[_ChangeKey, Unsolved] = {}

    def apply_step(self, step: Step) -> None:
        """Apply the changes of a step: all at once, or else each that the text does not refuse."""
        changes: list[ConfigChange] = []
        for result in step(self._editable.data, self._target):
            if isinstance(result, Unsolved):
                self.manual_by_key[_ChangeKey.of(result)] = result
            else:
                changes.append(result)
        if self._editable.apply_changes(changes):
            self.applied_changes += changes
        else:
            self._apply_one_by_one(step)

    def _apply_one_by_one(self, step: Step) -> None:
        """Apply the changes of a step that fail together. Each moves the others, so the step searches after each."""
        refused_keys: set[_ChangeKey] = set()
        while change := self._find_next_change(step, refused_keys):
            if self._editable.apply_changes([change]):
                self.applied_changes.append(change)
            else:
                change_key = _ChangeKey.of(change)
                refused_keys.add(change_key)
                refusal = Unsolved(change.path, change.description, self._editable.refusal_reason)
                self.refused_by_key[change_key] = refusal

    def _find_next_change(self, step: Step, refused_keys: set[_ChangeKey]) -> ConfigChange | None:
        """Return the first change of a step that was not refused; None if there is no other."""
        for result in step(self._editable.data, self._target):
            if isinstance(result, ConfigChange) and _ChangeKey.of(result) not in refused_keys:
                return result
        return None
