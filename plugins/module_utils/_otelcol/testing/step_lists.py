# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which steps a processor has: the lists of its settings that have them, and how they stand there. Private.

For example, the settings `{trace_statements: ["set(name, \\"a\\")"], error_mode: ignore}` of a processor transform have
one step, the statement, and it is for the signal `traces`. Steps are the records of step_model.py. processor_steps.py
makes branches of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..config.paths import Path, list_at, value_at
from ..languages.ottl_contexts import infer_context
from ..languages.ottl_language import CONDITION, STATEMENT, OttlLanguage
from ..languages.ottl_syntax import UsedNames
from .branch_model import ANY_SIGNAL, Settings
from .statement_marks import read_used_parts
from .step_model import CONDITIONS, STATEMENTS, GroupedText, ListedStep, Step, StepGroup

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
# The keys of the texts in the groups of a list, by the end of the name of the list, in the order in which the processor
# works through them. A text without a group stands for a group that has it at the last of these keys.
_TEXT_KEYS_BY_SUFFIX = {"_statements": (CONDITIONS, STATEMENTS), "_conditions": (CONDITIONS,)}


def select_settings_without_steps(kind: str, settings: Settings) -> Settings:
    """Return the settings of a processor that are no lists of steps, such as `error_mode`."""
    keys_with_steps = {list_path[0] for list_path in STEP_LISTS_BY_KIND[kind]}
    return {key: value for key, value in settings.items() if key not in keys_with_steps}


def list_steps_by_signals(kind: str, settings: Settings, language: OttlLanguage) -> dict[tuple[str, ...], list[Step]]:
    """Return the steps of a processor by their signals, in the order in which records pass them.

    For example, the steps in `trace_statements` have the key `("traces",)`.
    """
    steps_by_signals: dict[tuple[str, ...], list[Step]] = {}
    for list_path, signals in STEP_LISTS_BY_KIND[kind].items():
        steps_by_signals.setdefault(signals, []).extend(_list_steps_at(list_path, settings, language))
    return steps_by_signals


def _list_steps_at(list_path: Path, settings: Settings, language: OttlLanguage) -> Iterator[Step]:
    """Yield each step of a list; of a group of statements and conditions its conditions first."""
    step_list = value_at(settings, list_path)
    if not isinstance(step_list, list):
        return
    text_keys = _find_text_keys(list_path)
    if not text_keys:
        for index, list_item in enumerate(step_list):
            yield ListedStep(list_path, index, list_item)
        return
    for group in _list_groups_at(list_path, step_list, text_keys, language):
        for key in text_keys:
            for text_number, text in enumerate(list_at(group.settings, key)):
                yield GroupedText(group, key, text_number, text)


def _find_text_keys(list_path: Path) -> tuple[str, ...]:
    """Return the keys of the texts in the groups of a list; none for a list without groups, such as `actions`."""
    list_name = str(list_path[-1])
    for suffix, text_keys in _TEXT_KEYS_BY_SUFFIX.items():
        if list_name.endswith(suffix):
            return text_keys
    return ()


def _list_groups_at(
    list_path: Path, step_list: Sequence[Any], text_keys: Sequence[str], language: OttlLanguage
) -> Iterator[StepGroup]:
    """Yield the groups of statements or conditions of a list. Texts without a group are one group."""
    is_bare = all(isinstance(list_item, str) for list_item in step_list)
    written_groups: Sequence[Any] = [{text_keys[-1]: step_list}] if is_bare else step_list
    groups = [list_item for list_item in written_groups if isinstance(list_item, Mapping)]
    for index, group in enumerate(groups):
        group_settings = _add_context(group, language)
        yield StepGroup(list_path, index, group_settings, is_bare, is_for_statements=STATEMENTS in text_keys)


def _add_context(group: Settings, language: OttlLanguage) -> Settings:
    """Return a group that names its context.

    The Collector infers the context from all texts of a group, so a part of them could have another one.
    """
    context = group.get("context") or _infer_group_context(group, language)
    return {**group, "context": context} if context else group


def _infer_group_context(group: Settings, language: OttlLanguage) -> str:
    """Return the context that the Collector infers from the texts of a group; empty text if there is none."""
    uses: list[UsedNames] = []
    for key in (STATEMENTS, CONDITIONS):
        uses += [read_used_parts(str(text), is_statement=key == STATEMENTS) for text in list_at(group, key)]
    kind = STATEMENT if STATEMENTS in group else CONDITION
    return infer_context(language, kind, list(language.contexts), uses).context
