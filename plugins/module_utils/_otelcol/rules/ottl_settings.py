# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the texts of a component's settings that are in the OpenTelemetry Transformation Language (OTTL). Private.

Rows of _data/catalogue/ottl.json say in which settings such texts stand. Texts that belong together are a group: they
share a context, which is the kind of data that their paths begin with. For example, these settings of processor
transform have one group, with the context `span`, a statement and a condition:

    trace_statements:
      - {context: span, statements: ['set(name, "a")'], conditions: ['kind == 1']}

ottl_statements.py calls `list_groups`, and checks the texts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from ..catalogue.reference_keys import walk_pattern
from ..catalogue.rows import Row
from ..config.paths import Path
from ..languages.ottl_language import CONDITION, ROUTE, STATEMENT
from .given_values import EXPANSION_START, split_key

# The context of conditions on headers of requests, which connector routing has beside the contexts of OTTL.
REQUEST_CONTEXT = "request"


class SettingText(NamedTuple):
    """A text in settings."""

    path: Path
    text: Any
    """What YAML makes a number, a list or a mapping stands here too: the Collector refuses it."""
    kind: str
    """`statement`, `condition`, or `request` for a condition on requests, which has a grammar of its own."""


class TextGroup(NamedTuple):
    """Texts that share a context."""

    path: Path
    place_row: Row
    """The row of the table about their setting."""
    context: str
    """The one that the user gives; empty if it is to be inferred, and `EXPANSION_START` if a variable decides."""
    texts: list[SettingText]
    is_mixed: bool = False
    """Whether a list has mappings between these texts, which the Collector refuses."""

    @property
    def is_route(self) -> bool:
        """Whether the texts are a route of connector routing, which has rules of its own."""
        return bool(self.place_row["kind"] == ROUTE)


def list_groups(row: Row, component: Path, settings: Any) -> Iterator[TextGroup]:
    """Yield the groups in the setting of a row; `component` is the path of the component, and `settings` are its own.

    The kind of the row says what the setting is: a route of connector routing, a list of statements or conditions, or
    else conditions whose context is always the same.
    """
    _section, _kind, place = row["place"].split(".", 2)
    if row["kind"] not in (ROUTE, STATEMENT, CONDITION):
        yield from _list_groups_of_fixed_context(row, component, settings)
        return
    for path, value in walk_pattern(settings, split_key(place), component):
        if row["kind"] == ROUTE:
            yield from _read_route_group(row, path, value)
        elif isinstance(value, list):
            yield from _list_groups_of_list(row, path, value)


def _list_groups_of_fixed_context(row: Row, component: Path, settings: Any) -> Iterator[TextGroup]:
    """Yield the conditions of a setting whose context is always the same; setting_fields.py reports what is no text."""
    _section, _kind, place = row["place"].split(".", 2)
    for path, value in walk_pattern(settings, split_key(place.removesuffix(".*")), component):
        texts = [text for text in _read_texts(value, CONDITION, path) if isinstance(text.text, (str, type(None)))]
        yield TextGroup(path, row, row["contexts"][0], texts)


def _list_groups_of_list(row: Row, path: Path, values: list[Any]) -> Iterator[TextGroup]:
    """Yield the groups of a list: one of all its texts if it begins with a text, else one for each item."""
    if values and isinstance(values[0], str):
        texts = [text for text in _read_texts(values, row["kind"], path) if not isinstance(text.text, dict)]
        is_mixed = any(isinstance(value, dict) for value in values)
        yield TextGroup(path, row, "", texts, is_mixed)
        return
    for index, value in enumerate(values):
        yield _read_group(row, (*path, index), value)


def _read_group(row: Row, path: Path, group_settings: Any) -> TextGroup:
    """Return the group of a mapping with statements and conditions; anything else is one wrong text."""
    if not isinstance(group_settings, dict):
        *list_path, _index = path
        return TextGroup(tuple(list_path), row, "", [SettingText(path, group_settings, row["kind"])])
    texts: list[SettingText] = []
    # A group of statements may have conditions too; one of conditions has these alone, and reads them once.
    for kind in dict.fromkeys((row["kind"], CONDITION)):
        texts += _read_texts(group_settings.get(f"{kind}s"), kind, (*path, f"{kind}s"))
    context = group_settings.get("context") or ""
    return TextGroup(path, row, context.lower() if isinstance(context, str) else EXPANSION_START, texts)


def _read_route_group(row: Row, path: Path, route: Any) -> Iterator[TextGroup]:
    """Yield the group of a route of connector routing: its statement, its condition or both.

    The conditions of a route with context `request` have a grammar of their own, and need no pipeline.
    """
    if not isinstance(route, dict):
        return
    texts: list[SettingText] = []
    for kind in (STATEMENT, CONDITION):
        text = route.get(kind)
        if isinstance(text, str) and text:
            texts.append(SettingText((*path, kind), text, kind))
    context = route.get("context") or ""
    if context == REQUEST_CONTEXT:
        # With this kind the group is no route any more, so that the checks of routes leave it alone.
        conditions = [text._replace(kind=REQUEST_CONTEXT) for text in texts if text.kind == CONDITION]
        yield TextGroup(path, {**row, "kind": REQUEST_CONTEXT}, "", conditions)
    else:
        yield TextGroup(path, row, context if isinstance(context, str) else EXPANSION_START, texts)


def _read_texts(values: Any, kind: str, path: Path) -> list[SettingText]:
    """Return the texts of a list; the decoder reads the text `a,b` in its place as `[a, b]`, and so does this."""
    if isinstance(values, str) and values:
        text_parts = [values] if EXPANSION_START in values else values.split(",")
        return [SettingText(path, part, kind) for part in text_parts]
    if not isinstance(values, list):
        return []
    return [SettingText((*path, index), value, kind) for index, value in enumerate(values)]
