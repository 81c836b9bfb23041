# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps of processors as branches: statements, conditions and actions. Private.

The tests of a config say which of its parts no record has ever used, as coverage of code does; such a part is a branch.
A step is one item that a processor works through in order, such as an action of processor attributes. It becomes a
`Branch` (branch_model.py) with two versions of the processor: the steps up to this one, and the steps before it. If
both give the same records, the step did nothing. An example: of processor attributes with the actions `delete a` and
`delete b`, the second has ::

    settings_with_branch={"actions": [{"key": "a", "action": "delete"}, {"key": "b", "action": "delete"}]}
    settings_without_branch={"actions": [{"key": "a", "action": "delete"}]}

step_lists.py finds the steps. branches.py calls `list_branches_of_steps` for each processor that can have some.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ..config.paths import Path
from ..languages.ottl_language import OttlLanguage
from .branch_model import NO_PROFILES, Baseline, Branch, Settings
from .step_lists import list_steps_by_signals, select_settings_without_steps
from .step_model import Step, build_settings_with_steps

# Processors that change records even without a step. The first step is compared with the processor without steps, and
# not with the records before the processor.
_KINDS_THAT_ACT_WITHOUT_STEPS = {"redaction"}
_UNTESTED_SIGNALS = ("profiles",)


def list_branches_of_steps(path: Path, kind: str, settings: Settings, language: OttlLanguage) -> Iterator[Branch]:
    """Yield a branch for each step of a processor, for one signal after the other.

    `path` is the section and the id of the processor, and `kind` its type, one of `STEP_LISTS_BY_KIND`.
    """
    other_settings = select_settings_without_steps(kind, settings)
    acts_without_steps = kind in _KINDS_THAT_ACT_WITHOUT_STEPS
    for signals, steps in list_steps_by_signals(kind, settings, language).items():
        if signals == _UNTESTED_SIGNALS:
            yield from _list_unknown_branches(path, signals, steps)
        else:
            yield from _list_compared_branches(path, signals, steps, other_settings, acts_without_steps)


def _list_unknown_branches(path: Path, signals: tuple[str, ...], steps: Iterable[Step]) -> Iterator[Branch]:
    """Yield the branches of steps for signals that no test has."""
    for step in steps:
        yield Branch((*path, *step.path), step.description, signals, unknown_reason=NO_PROFILES)


def _list_compared_branches(
    path: Path, signals: tuple[str, ...], steps: Iterable[Step], other_settings: Settings, acts_without_steps: bool
) -> Iterator[Branch]:
    """Yield the branches of steps with the settings to compare, in the order in which records pass the steps."""
    steps_before: list[Step] = []
    for step in steps:
        steps_with_this = [*steps_before, step.with_visible_effect()]
        yield Branch(
            (*path, *step.path),
            step.description,
            signals,
            settings_with_branch=build_settings_with_steps(other_settings, steps_with_this),
            settings_without_branch=_build_settings_without_step(other_settings, steps_before, acts_without_steps),
        )
        if step.acts_by_itself:
            steps_before.append(step)


def _build_settings_without_step(
    other_settings: Settings, steps_before: Sequence[Step], acts_without_steps: bool
) -> Settings | Baseline:
    """Return the settings of a processor with the steps before one; a processor that does nothing then is left out."""
    if steps_before or acts_without_steps:
        return build_settings_with_steps(other_settings, steps_before)
    return Baseline.RECORDS_BEFORE
