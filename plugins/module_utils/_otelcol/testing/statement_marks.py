# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Statements in OTTL: their parts, whether a record shows what they change, and the mark where none does. Private."""

from __future__ import annotations

from typing import Any

from ..languages.ottl import read_ottl
from ..languages.ottl_syntax import PATH, Invalid, Used, tokens_of

MARK = "o11y.test.taken"
_WHERE = "where"
# What a record of a test shows of a span, data point or log record; a change of anything else is not seen.
_SHOWN_FIELDS = {
    "aggregation_temporality", "attributes", "body", "bucket_counts", "count", "description", "event_name", "events",
    "explicit_bounds", "is_monotonic", "kind", "name", "parent_span_id", "severity_number", "severity_text", "span_id",
    "status", "sum", "trace_id", "type", "unit", "value_double", "value_int", "version",
}  # fmt: skip
# What a path of OTTL may begin with, before the field.
_CONTEXTS = (
    "log", "exemplar", "datapoint", "metric", "spanevent", "span", "scope", "instrumentation_scope", "resource",
)  # fmt: skip


def used_by_text(text: str, is_statement: bool) -> Used:
    """Return what a text in OTTL uses; nothing if it is none."""
    answer = read_ottl(text, is_statement)
    return answer if isinstance(answer, Used) else Used()


def statement_parts(statement: str) -> tuple[str, str]:
    """Return what a statement does, and its condition; an empty one if it has none."""
    where = _start_of_where(statement)
    if where is None:
        return statement, ""
    return statement[:where].strip(), statement[where + len(_WHERE) :].strip()


def _start_of_where(statement: str) -> int | None:
    """Return at which character the condition of a statement begins; None if it has none, or is no OTTL."""
    try:
        for token in tokens_of(statement):
            if token.text == _WHERE and token.kind == "lower":
                return token.start
    except Invalid:
        pass
    return None


def is_effect_shown(statement: Any) -> bool:
    """Whether a record shows what a statement changes: the field that its first call is given."""
    calls = used_by_text(str(statement), is_statement=True).calls
    if not calls or not calls[0].arguments:
        return True
    _argument_name, target = calls[0].arguments[0]
    if target.kind != PATH:
        return True
    names = [name for name, _keyed in target.steps]
    begins_with_context = len(names) > 1 and names[0] in _CONTEXTS
    field = names[1] if begins_with_context else names[0]
    return field in _SHOWN_FIELDS


def marking_statement(condition: str = "") -> str:
    """Return a statement that leaves a mark on the resource where the condition holds; always if it is empty."""
    mark = f'set(resource.attributes["{MARK}"], true)'
    return f"{mark} where {condition}" if condition else mark
