# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Statements in OTTL: their parts, whether a record shows what they change, and the mark where none does. Private.

`set(cache["a"], 1) where name == "b"` has the action `set(cache["a"], 1)` and the condition `name == "b"`. No field of
a record shows what it changes. A probe then runs a statement in its place that leaves a mark, which is an attribute of
the resource::

    set(resource.attributes["o11y.test.taken"], true) where name == "b"

step_model.py, step_lists.py and taking_fields.py call this.
"""

from __future__ import annotations

from typing import Any

from ..languages.ottl_reading import read_ottl
from ..languages.ottl_syntax import InvalidOttl, UsedNames, ValueKind, split_tokens

MARK_ATTRIBUTE = "o11y.test.taken"
_WHERE_KEYWORD = "where"
# The fields of a span, data point or log record in OTTL that read_records.py reads: a change of any other one, such as
# `cache` or `flags`, makes no difference between two records of a test.
_SHOWN_FIELDS = {
    "aggregation_temporality", "attributes", "body", "bucket_counts", "count", "description", "event_name", "events",
    "explicit_bounds", "is_monotonic", "kind", "name", "parent_span_id", "severity_number", "severity_text", "span_id",
    "status", "sum", "trace_id", "type", "unit", "value_double", "value_int", "version",
}  # fmt: skip
# What a path of OTTL may begin with, before the field: `span` of `span.name`.
_CONTEXT_WORDS = (
    "log", "exemplar", "datapoint", "metric", "spanevent", "span", "scope", "instrumentation_scope", "resource",
)  # fmt: skip


def read_used_parts(text: str, is_statement: bool) -> UsedNames:
    """Return what a text in OTTL uses; nothing if it is none."""
    used_parts = read_ottl(text, is_statement)
    return used_parts if isinstance(used_parts, UsedNames) else UsedNames()


def split_statement(statement: str) -> tuple[str, str]:
    """Return the part of a statement before `where`, and the condition behind it; the latter is empty without one."""
    condition_start = _find_start_of_condition(statement)
    if condition_start is None:
        return statement, ""
    return statement[:condition_start].strip(), statement[condition_start + len(_WHERE_KEYWORD) :].strip()


def _find_start_of_condition(statement: str) -> int | None:
    """Return at which character the condition of a statement begins; None if it has none, or is no OTTL."""
    try:
        for token in split_tokens(statement):
            # A token of this kind is a word in small letters; a text in quotes may have the same word.
            if token.text == _WHERE_KEYWORD and token.kind == "lower":
                return token.start
    except InvalidOttl:
        pass
    return None


def is_effect_shown(statement: Any) -> bool:
    """Whether a record of a test shows what a statement changes: its first function gets one of the shown fields.

    A statement that cannot be read, or whose function gets no path, counts as shown.
    """
    calls = read_used_parts(str(statement), is_statement=True).calls
    if not calls or not calls[0].arguments:
        return True
    _argument_name, changed_argument = calls[0].arguments[0]
    if changed_argument.kind != ValueKind.PATH:
        return True
    names = [name for name, _keyed in changed_argument.steps]
    begins_with_context = len(names) > 1 and names[0] in _CONTEXT_WORDS
    field = names[1] if begins_with_context else names[0]
    return field in _SHOWN_FIELDS


def build_marking_statement(condition: str = "") -> str:
    """Return a statement that leaves a mark on the resource where the condition holds; always if it is empty."""
    mark = f'set(resource.attributes["{MARK_ATTRIBUTE}"], true)'
    return f"{mark} where {condition}" if condition else mark
