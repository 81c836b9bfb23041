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

No record shows the effect of some statements, such as `set(cache["x"], 1)`. Such a statement is replaced by one that
writes an attribute, the mark, where it would have run (statement_marks.py).

branches.py calls `list_branches_of_steps` for each processor of a kind in `STEP_LISTS_BY_KIND`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from ..config.paths import Path, list_at, value_at
from ..languages.ottl_contexts import infer_context
from ..languages.ottl_language import CONDITION, STATEMENT, OttlLanguage
from ..languages.ottl_syntax import UsedNames
from .branch_model import ANY_SIGNAL, NO_PROFILES, Baseline, Branch, Settings
from .statement_marks import build_marking_statement, is_effect_shown, read_used_parts, split_statement

# The lists of steps of a processor, by its type: the path of each in the settings, with the signals that it is for.
STEP_LISTS_BY_KIND: dict[str, dict[tuple[str, ...], tuple[str, ...]]] = {
    "transform": {
        ("trace_statements",): ("traces",),
        ("metric_statements",): ("metrics",),
        ("log_statements",): ("logs",),
        ("profile_statements",): ("profiles",),
    },
    "filter": {
        ("traces", "resource"): ("traces",),
        ("traces", "span"): ("traces",),
        ("traces", "spanevent"): ("traces",),
        ("metrics", "resource"): ("metrics",),
        ("metrics", "metric"): ("metrics",),
        ("metrics", "datapoint"): ("metrics",),
        ("logs", "resource"): ("logs",),
        ("logs", "log_record"): ("logs",),
        ("profiles", "resource"): ("profiles",),
        ("profiles", "profile"): ("profiles",),
        ("trace_conditions",): ("traces",),
        ("metric_conditions",): ("metrics",),
        ("log_conditions",): ("logs",),
        ("profile_conditions",): ("profiles",),
    },
    "attributes": {("actions",): ANY_SIGNAL},
    "resource": {("attributes",): ANY_SIGNAL},
    "metricstransform": {("transforms",): ("metrics",)},
    "redaction": {("blocked_values",): ANY_SIGNAL, ("blocked_key_patterns",): ANY_SIGNAL},
}
# Processors that change records even without a step. The first step is compared with the processor without steps, and
# not with the records before the processor.
_KINDS_THAT_ACT_WITHOUT_STEPS = {"redaction"}
_TRANSFORM = "transform"
# The keys of a group. A group is the mapping that a user may write around statements and conditions:
# {context: span, conditions: ["name == \"a\""], statements: ["set(name, \"b\")"]}.
_STATEMENTS = "statements"
_CONDITIONS = "conditions"


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
        return _describe_step(self.item)


@dataclass(frozen=True)
class StepGroup:
    """A group of statements and conditions, see `_STATEMENTS`."""

    list_path: Path
    """The path of the list that has the group, such as `("trace_statements",)`."""
    index: int
    """The number of the group in the list, from 0."""
    settings: Settings
    """The group as a mapping, with its context, such as `{context: span, statements: […]}`."""
    is_bare: bool
    """Whether the user wrote the texts as the list itself, without a mapping around them."""


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
        return _describe_step(self.text)

    def build_marking_group(self) -> ListedStep:
        """Return a group that leaves a mark where this condition holds."""
        settings = {**self.group.settings, _CONDITIONS: [self.text], _STATEMENTS: [build_marking_statement()]}
        return ListedStep(self.group.list_path, self.group.index, settings)

    def build_marking_text(self) -> GroupedText:
        """Return a statement that leaves a mark where this statement does something."""
        _action, condition = split_statement(self.text)
        return replace(self, text=build_marking_statement(condition))


Step: TypeAlias = "ListedStep | GroupedText"


def _describe_step(step: Any) -> str:
    """Return the text of a step, or of a mapping the settings that are scalars."""
    if not isinstance(step, Mapping):
        return str(step)
    return ", ".join(f"{key}: {value}" for key, value in step.items() if not isinstance(value, (list, Mapping)))


def list_branches_of_steps(path: Path, kind: str, settings: Settings, language: OttlLanguage) -> Iterator[Branch]:
    """Yield the steps of a processor of a kind in `STEP_LISTS_BY_KIND`, for one signal after the other.

    `path` is the section and the id of the processor, `settings` are its settings.
    """
    keys_with_steps = {list_path[0] for list_path in STEP_LISTS_BY_KIND[kind]}
    other_settings = {key: value for key, value in settings.items() if key not in keys_with_steps}
    for signals, list_paths in _map_list_paths_by_signals(kind).items():
        steps: list[Step] = []
        for list_path in list_paths:
            steps += _list_steps_at(list_path, settings, language)
        yield from _list_branches_of_signal(path, kind, other_settings, signals, steps)


def _map_list_paths_by_signals(kind: str) -> dict[tuple[str, ...], list[Path]]:
    """Return the paths of the lists of steps by their signals, such as `{("traces",): [("trace_statements",)], …}`."""
    list_paths_by_signals: dict[tuple[str, ...], list[Path]] = {}
    for list_path, signals in STEP_LISTS_BY_KIND[kind].items():
        list_paths_by_signals.setdefault(signals, []).append(list_path)
    return list_paths_by_signals


def _list_branches_of_signal(
    path: Path, kind: str, other_settings: Settings, signals: tuple[str, ...], steps: Sequence[Step]
) -> Iterator[Branch]:
    """Yield the branches of steps that the records of `signals` pass, in the order in which they pass them."""
    steps_before: list[Step] = []
    for step in steps:
        branch = Branch((*path, *step.path), step.description, signals)
        if signals == ("profiles",):
            yield replace(branch, unknown_reason=NO_PROFILES)
        else:
            steps_with_this = [*steps_before, _make_effect_visible(kind, step)]
            yield replace(
                branch,
                settings_with_branch=build_settings_with_steps(other_settings, steps_with_this),
                settings_without_branch=_build_settings_without_step(kind, other_settings, steps_before),
            )
        if not _is_statement_condition(kind, step):
            steps_before.append(step)


def _build_settings_without_step(
    kind: str, other_settings: Settings, steps_before: Sequence[Step]
) -> Settings | Baseline:
    """Return the settings of a processor with the steps before one; a processor that does nothing then is left out."""
    if steps_before or kind in _KINDS_THAT_ACT_WITHOUT_STEPS:
        return build_settings_with_steps(other_settings, steps_before)
    return Baseline.RECORDS_BEFORE


def _is_statement_condition(kind: str, step: Step) -> bool:
    """Whether a step changes nothing itself: it decides about the statements of its group."""
    return kind == _TRANSFORM and isinstance(step, GroupedText) and step.key == _CONDITIONS


def _make_effect_visible(kind: str, step: Step) -> Step:
    """Return a step whose effect a record shows: what shows nothing of its own leaves a mark."""
    if kind != _TRANSFORM or isinstance(step, ListedStep):
        return step
    if step.key == _CONDITIONS:
        return step.build_marking_group()
    return step if is_effect_shown(step.text) else step.build_marking_text()


def build_settings_with_steps(other_settings: Settings, steps: Sequence[Step]) -> Settings:
    """Return the settings of a processor with these steps alone; `other_settings` are its settings without steps."""
    settings = dict(other_settings)
    written_groups: dict[Path, dict[str, Any]] = {}
    for step in steps:
        if isinstance(step, ListedStep):
            _ensure_list_at(settings, step.list_path).append(step.item)
            continue
        group = step.group
        group_path = (*group.list_path, group.index)
        if group_path not in written_groups:
            written_groups[group_path] = {**group.settings, step.key: []}
            _ensure_list_at(settings, group.list_path).append(written_groups[group_path])
        written_groups[group_path][step.key].append(step.text)
    return settings


def _ensure_list_at(settings: dict[str, Any], list_path: Path) -> list[Any]:
    """Return the list at a path of `settings`. If there is none, `settings` get an empty one."""
    parent_settings = settings
    for path_part in list_path[:-1]:
        parent_settings = parent_settings.setdefault(str(path_part), {})
    list_at_path: list[Any] = parent_settings.setdefault(str(list_path[-1]), [])
    return list_at_path


def _list_steps_at(list_path: Path, settings: Settings, language: OttlLanguage) -> Iterator[Step]:
    """Yield each step of a list; of a group of statements and conditions its conditions first."""
    step_list = value_at(settings, list_path)
    if not isinstance(step_list, list):
        return
    text_key = _find_text_key(list_path)
    if not text_key:
        yield from (ListedStep(list_path, index, list_item) for index, list_item in enumerate(step_list))
        return
    text_keys = (_CONDITIONS, _STATEMENTS) if text_key == _STATEMENTS else (_CONDITIONS,)
    for group in _list_groups_at(list_path, step_list, text_key, language):
        for key in text_keys:
            for text_number, text in enumerate(list_at(group.settings, key)):
                yield GroupedText(group, key, text_number, text)


def _find_text_key(list_path: Path) -> str:
    """Return the key under which a group of this list has its texts; empty for a list without groups.

    Examples: `statements` for `trace_statements`, and an empty text for `actions`.
    """
    if len(list_path) > 1:
        return ""
    for key in (_STATEMENTS, _CONDITIONS):
        if str(list_path[0]).endswith(f"_{key}"):
            return key
    return ""


def _list_groups_at(
    list_path: Path, step_list: Sequence[Any], text_key: str, language: OttlLanguage
) -> Iterator[StepGroup]:
    """Yield the groups of statements or conditions of a list. Texts without a group are one group."""
    is_bare = all(isinstance(list_item, str) for list_item in step_list)
    written_groups: Sequence[Any] = [{text_key: step_list}] if is_bare else step_list
    groups = [list_item for list_item in written_groups if isinstance(list_item, Mapping)]
    for index, settings in enumerate(groups):
        yield StepGroup(list_path, index, _add_context(settings, language), is_bare)


def _add_context(group: Settings, language: OttlLanguage) -> Settings:
    """Return a group that names its context.

    The Collector infers the context from all texts of a group, so a part of them could have another one.
    """
    context = group.get("context") or _infer_group_context(group, language)
    return {**group, "context": context} if context else group


def _infer_group_context(group: Settings, language: OttlLanguage) -> str:
    """Return the context that the Collector infers from the texts of a group; empty text if there is none."""
    uses: list[UsedNames] = []
    for key in (_STATEMENTS, _CONDITIONS):
        uses += [read_used_parts(str(text), is_statement=key == _STATEMENTS) for text in list_at(group, key)]
    kind = STATEMENT if _STATEMENTS in group else CONDITION
    return infer_context(language, kind, list(language.contexts), uses).context
