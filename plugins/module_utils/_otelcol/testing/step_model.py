# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A step of a processor, and the settings of a processor that has some of its steps. Private.

A step is one item that a processor works through in order. There are two kinds of them:

| kind of step | example | where it stands |
|---|---|---|
| `ListedStep` | `{key: a, action: delete}` | in a list of the processor, such as `actions` |
| `GroupedText` | `set(name, "b")` | in a group, which stands in a list such as `trace_statements` |

A group is the mapping that a user may write around statements and conditions:

    {context: span, conditions: ["name == \\"a\\""], statements: ["set(name, \\"b\\")"]}

No record shows the effect of some steps, such as the statement `set(cache["x"], 1)`. Then another step can take its
place: it leaves a mark, which is an attribute, where the first one would have run (statement_marks.py). step_lists.py
finds the steps of a processor, and processor_steps.py makes branches of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from ..config.paths import Path
from .branch_model import Settings
from .statement_marks import build_marking_statement, is_effect_shown, split_statement

# The lists of texts that a group has.
STATEMENTS = "statements"
CONDITIONS = "conditions"


class Step(Protocol):
    """One item that a processor works through in order."""

    @property
    def path(self) -> Path:
        """Where the user wrote the step, in the settings of the processor."""

    @property
    def description(self) -> str:
        """The step in words."""

    @property
    def acts_by_itself(self) -> bool:
        """Whether the step does something without the steps that follow."""

    def with_visible_effect(self) -> Step:
        """Return the step if records show its effect, else a step that leaves a mark in its place."""

    def add_to(self, builder: SettingsBuilder) -> None:
        """Add the step to the settings of a processor, behind those that they have already."""


@dataclass(frozen=True)
class ListedStep:
    """A step that is an item of the list at `list_path`, such as an action."""

    list_path: Path
    index: int
    item: Any

    @property
    def path(self) -> Path:
        """Where the user wrote it, in the settings of the processor."""
        return (*self.list_path, self.index)

    @property
    def description(self) -> str:
        """The step in words."""
        return _describe_item(self.item)

    @property
    def acts_by_itself(self) -> bool:
        """True for every item of a list."""
        return True

    def with_visible_effect(self) -> ListedStep:
        """Return the step, as records show what it does."""
        return self

    def add_to(self, builder: SettingsBuilder) -> None:
        """Add the item to its list."""
        builder.add_item(self.list_path, self.item)


@dataclass(frozen=True)
class StepGroup:
    """A group of statements and conditions."""

    list_path: Path
    """The path of the list that has the group, such as `("trace_statements",)`."""
    index: int
    """The number of the group in the list, from 0."""
    settings: Settings
    """The group as a mapping, with its context, such as `{context: span, statements: […]}`."""
    is_bare: bool
    """Whether the user wrote the texts as the list itself, without a mapping around them."""
    is_for_statements: bool
    """Whether its conditions only decide whether its statements run. Otherwise they drop records, as in a filter."""


@dataclass(frozen=True)
class GroupedText:
    """A step that is a text of a group."""

    group: StepGroup
    key: str
    """The list of the group that has the text: `statements` or `conditions`."""
    number: int
    """The number of the text in that list, from 0."""
    text: Any

    @property
    def path(self) -> Path:
        """Where the user wrote it, in the settings of the processor."""
        if self.group.is_bare:
            return (*self.group.list_path, self.number)
        return (*self.group.list_path, self.group.index, self.key, self.number)

    @property
    def description(self) -> str:
        """The step in words."""
        return _describe_item(self.text)

    @property
    def acts_by_itself(self) -> bool:
        """False for a condition that decides about statements."""
        return self.key == STATEMENTS or not self.group.is_for_statements

    def with_visible_effect(self) -> Step:
        """Return the step, or a step that leaves a mark: where a condition holds, or where a statement runs."""
        if not self.acts_by_itself:
            return self._build_marking_group()
        if self.key == CONDITIONS or is_effect_shown(self.text):
            return self
        _action, condition = split_statement(self.text)
        return replace(self, text=build_marking_statement(condition))

    def _build_marking_group(self) -> ListedStep:
        """Return the group with this condition alone, and with a statement that leaves a mark."""
        group_settings = {**self.group.settings, CONDITIONS: [self.text], STATEMENTS: [build_marking_statement()]}
        return ListedStep(self.group.list_path, self.group.index, group_settings)

    def add_to(self, builder: SettingsBuilder) -> None:
        """Add the text to its group."""
        builder.add_text(self.group, self.key, self.text)


def _describe_item(item: Any) -> str:
    """Return the text of a step, or of a mapping the settings that are scalars."""
    if not isinstance(item, Mapping):
        return str(item)
    return ", ".join(f"{key}: {value}" for key, value in item.items() if not isinstance(value, (list, Mapping)))


class SettingsBuilder:
    """The settings of a processor to which steps are added."""

    def __init__(self, other_settings: Settings) -> None:
        """Begin with the settings of the processor that have no steps."""
        self.settings: dict[str, Any] = dict(other_settings)
        self._group_by_path: dict[Path, dict[str, Any]] = {}

    def add_item(self, list_path: Path, item: Any) -> None:
        """Add an item to the list at a path, which is made if it is missing."""
        parent_settings = self.settings
        for path_part in list_path[:-1]:
            parent_settings = parent_settings.setdefault(str(path_part), {})
        parent_settings.setdefault(str(list_path[-1]), []).append(item)

    def add_text(self, group: StepGroup, key: str, text: Any) -> None:
        """Add a text to the list of its group at a key. The first text of a group adds the group too."""
        group_path = (*group.list_path, group.index)
        if group_path not in self._group_by_path:
            self._group_by_path[group_path] = {**group.settings, key: []}
            self.add_item(group.list_path, self._group_by_path[group_path])
        self._group_by_path[group_path][key].append(text)


def build_settings_with_steps(other_settings: Settings, steps: Iterable[Step]) -> Settings:
    """Return the settings of a processor with these steps alone; `other_settings` are its settings without steps."""
    builder = SettingsBuilder(other_settings)
    for step in steps:
        step.add_to(builder)
    return builder.settings
