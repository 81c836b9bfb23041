# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps of processors: statements, conditions and actions, each asked behind the steps before it. Private."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from ..config.paths import Path, at, items
from ..languages.ottl import CONDITION, STATEMENT, Language, infer_context
from ..languages.ottl_syntax import Used
from .branch_model import ANY_SIGNAL, NO_PROFILES, Baseline, Branch, Settings
from .statement_marks import is_effect_shown, marking_statement, statement_parts, used_by_text

# Type of a processor: the lists of its steps in their order, with the signals that they are for.
STEPS: dict[str, dict[tuple[str, ...], tuple[str, ...]]] = {
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
# Processors that change records without any step: a step is compared with the others' settings, not with what enters.
_ACTS_ALONE = {"redaction"}
_TRANSFORM = "transform"
_STATEMENTS, _CONDITIONS = "statements", "conditions"


@dataclass(frozen=True)
class ListedStep:
    """A step that is an item of the list at `root`, such as an action."""

    root: Path
    index: int
    item: Any

    @property
    def path(self) -> Path:
        """Where the user wrote it, in the settings of the processor."""
        return (*self.root, self.index)

    @property
    def what(self) -> str:
        """The step in words."""
        return _in_words(self.item)


@dataclass(frozen=True)
class Group:
    """A group of statements and conditions: item `index` of the list at `root`.

    It is `bare` if the user wrote the texts as the list itself. The settings name the context.
    """

    root: Path
    index: int
    settings: Settings
    is_bare: bool


@dataclass(frozen=True)
class GroupedText:
    """A step that is a text of a group: number `number` of its statements or conditions."""

    group: Group
    key: str
    number: int
    text: Any

    @property
    def path(self) -> Path:
        """Where the user wrote it, in the settings of the processor."""
        if self.group.is_bare:
            return (*self.group.root, self.number)
        return (*self.group.root, self.group.index, self.key, self.number)

    @property
    def what(self) -> str:
        """The step in words."""
        return _in_words(self.text)

    def marking_group(self) -> ListedStep:
        """Return a group that leaves a mark where this condition holds."""
        settings = {**self.group.settings, _CONDITIONS: [self.text], _STATEMENTS: [marking_statement()]}
        return ListedStep(self.group.root, self.group.index, settings)

    def marking_text(self) -> GroupedText:
        """Return a statement that leaves a mark where this statement does something."""
        _action, condition = statement_parts(self.text)
        return replace(self, text=marking_statement(condition))


Step: TypeAlias = "ListedStep | GroupedText"


def _in_words(step: Any) -> str:
    """Return the text of a step, or of a mapping the settings that are scalars."""
    if not isinstance(step, Mapping):
        return str(step)
    return ", ".join(f"{key}: {value}" for key, value in step.items() if not isinstance(value, (list, Mapping)))


def branches_of_steps(path: Path, kind: str, settings: Settings, language: Language) -> Iterator[Branch]:
    """Yield the steps of a processor of one of the kinds in STEPS, for one signal after the other."""
    keys_with_steps = {root[0] for root in STEPS[kind]}
    rest = {key: value for key, value in settings.items() if key not in keys_with_steps}
    for signals, roots in _roots_by_signals(kind).items():
        steps: list[Step] = []
        for root in roots:
            steps += _steps_at(root, settings, language)
        yield from _branches_of_signal(path, kind, rest, signals, steps)


def _roots_by_signals(kind: str) -> dict[tuple[str, ...], list[Path]]:
    """Return the lists of steps of each signal: each signal has lists of its own."""
    roots_by_signals: dict[tuple[str, ...], list[Path]] = {}
    for root, signals in STEPS[kind].items():
        roots_by_signals.setdefault(signals, []).append(root)
    return roots_by_signals


def _branches_of_signal(
    path: Path, kind: str, rest: Settings, signals: tuple[str, ...], steps: Sequence[Step]
) -> Iterator[Branch]:
    """Yield steps that the same records pass: each is compared with the steps before it alone."""
    steps_before: list[Step] = []
    for step in steps:
        has_others = bool(steps_before) or kind in _ACTS_ALONE
        branch = Branch(
            path=(*path, *step.path),
            what=step.what,
            signals=signals,
            compared_with=settings_with(rest, steps_before) if has_others else Baseline.RECORDS_BEFORE,
        )
        if signals == ("profiles",):
            yield replace(branch, unknown=NO_PROFILES)
        else:
            yield replace(branch, asked=settings_with(rest, [*steps_before, _showing_step(kind, step)]))
        if not _is_condition_of_statements(kind, step):
            steps_before.append(step)


def _is_condition_of_statements(kind: str, step: Step) -> bool:
    """Whether a step changes nothing itself: it decides about the statements of its group."""
    return kind == _TRANSFORM and isinstance(step, GroupedText) and step.key == _CONDITIONS


def _showing_step(kind: str, step: Step) -> Step:
    """Return a step whose effect a record shows: what shows nothing of its own leaves a mark."""
    if kind != _TRANSFORM or isinstance(step, ListedStep):
        return step
    if step.key == _CONDITIONS:
        return step.marking_group()
    return step if is_effect_shown(step.text) else step.marking_text()


def settings_with(rest: Settings, steps: Sequence[Step]) -> Settings:
    """Return the settings of a processor with these steps alone, and the `rest` that is no step."""
    settings = dict(rest)
    written_groups: dict[Path, dict[str, Any]] = {}
    for step in steps:
        if isinstance(step, ListedStep):
            _list_at(settings, step.root).append(step.item)
            continue
        group = step.group
        place = (*group.root, group.index)
        if place not in written_groups:
            written_groups[place] = {**group.settings, step.key: []}
            _list_at(settings, group.root).append(written_groups[place])
        written_groups[place][step.key].append(step.text)
    return settings


def _list_at(settings: dict[str, Any], root: Path) -> list[Any]:
    """Return the list at a path, with what leads to it; both are made if they are missing."""
    inside = settings
    for part in root[:-1]:
        inside = inside.setdefault(str(part), {})
    listed: list[Any] = inside.setdefault(str(root[-1]), [])
    return listed


def _steps_at(root: Path, settings: Settings, language: Language) -> Iterator[Step]:
    """Yield each step of a list; of a group of statements and conditions its conditions first."""
    listed = at(settings, root)
    if not isinstance(listed, list):
        return
    text_key = _text_key(root)
    if not text_key:
        yield from (ListedStep(root, index, item) for index, item in enumerate(listed))
        return
    keys = (_CONDITIONS, _STATEMENTS) if text_key == _STATEMENTS else (_CONDITIONS,)
    for group in _groups_at(root, listed, text_key, language):
        for key in keys:
            for number, text in enumerate(items(group.settings, key)):
                yield GroupedText(group, key, number, text)


def _text_key(root: Path) -> str:
    """Return what texts of a list are that a user may put into groups; empty if the list has no groups."""
    if len(root) > 1:
        return ""
    for key in (_STATEMENTS, _CONDITIONS):
        if str(root[0]).endswith(f"_{key}"):
            return key
    return ""


def _groups_at(root: Path, listed: Sequence[Any], text_key: str, language: Language) -> Iterator[Group]:
    """Yield the groups of statements or conditions of a list. Texts without a group are one group."""
    is_bare = all(isinstance(item, str) for item in listed)
    written: Sequence[Any] = [{text_key: listed}] if is_bare else listed
    groups = [item for item in written if isinstance(item, Mapping)]
    for index, settings in enumerate(groups):
        yield Group(root, index, _with_context(settings, language), is_bare)


def _with_context(group: Settings, language: Language) -> Settings:
    """Return a group that names its context.

    The Collector infers the context from all texts of a group, so a part of them could have another one.
    """
    context = group.get("context") or _inferred_context(group, language)
    return {**group, "context": context} if context else group


def _inferred_context(group: Settings, language: Language) -> str:
    """Return the context that the Collector infers from the texts of a group; empty text if there is none."""
    uses: list[Used] = []
    for key in (_STATEMENTS, _CONDITIONS):
        uses += [used_by_text(str(text), is_statement=key == _STATEMENTS) for text in items(group, key)]
    kind = STATEMENT if _STATEMENTS in group else CONDITION
    return infer_context(language, kind, list(language.contexts), uses).context
