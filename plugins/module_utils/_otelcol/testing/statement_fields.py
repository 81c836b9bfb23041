# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which fields a record needs so that a statement of OTTL changes something in it.

A test of a config proposes a record for each statement that no test takes, so taking_fields.py calls
`find_changed_fields`. For example, `replace_pattern(name, "x+y", "z")` changes a record with the name `xy`, so the
fields are `{("name",): "xy"}`. They come from the literals of the statement. Only a run can say whether the statement
really changes such a record. Private.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..config.paths import Path
from ..languages.ottl_syntax import InvalidOttl, OttlToken, split_tokens
from .ottl_parts import UnknownPart, read_called_function, read_literal_value
from .record_fields import find_record_field
from .regex_sample import make_sample_text
from .samples import SAMPLE_TEXT, WantedFields

# A record that a test sends has no longer text and no more fields than this.
_LARGEST_SAMPLE = 10_000


@dataclass(frozen=True)
class _Editor:
    """A function of OTTL that changes records, such as `delete_key`."""

    literal_types: tuple[type, ...]
    """The types of the literals that it must have after the field; `object` stands for any type.

    `delete_matching_keys(attributes, "^a")` must have one text.
    """
    find_fields: Callable[[Path, list[Any]], WantedFields]
    """Gets the field that it changes and its literals, and returns the fields with which it changes something."""

    def find_wanted_fields(self, path: Path, values: list[Any]) -> WantedFields:
        """Return the fields with which it changes something; none if its literals are missing or of other types."""
        if len(values) < len(self.literal_types):
            return {}
        for value, literal_type in zip(values, self.literal_types, strict=False):
            if not isinstance(value, literal_type):
                return {}
        return self.find_fields(path, values)


def _build_matching_values(path: Path, values: list[Any]) -> WantedFields:
    """Return a mapping with a key or a value that `replace_all_patterns` replaces."""
    replaced_part = values[0]
    pattern = values[1]
    text = make_sample_text(pattern)
    key = text if replaced_part == "key" else "key"
    return {(*path, key): text}


def _build_truncated_text(path: Path, values: list[Any]) -> WantedFields:
    """Return a field whose text is one character longer than `truncate_all` leaves it; none if that is too long."""
    length = values[0] + 1
    return {(*path, "key"): "x" * length} if length <= _LARGEST_SAMPLE else {}


def _build_limited_fields(path: Path, values: list[Any]) -> WantedFields:
    """Return one field more than `limit` leaves; none if that are too many."""
    count = values[0] + 1
    if count > _LARGEST_SAMPLE:
        return {}
    return {(*path, f"key{number}"): SAMPLE_TEXT for number in range(count)}


# The editors that change only records with certain fields. Each has an example: a statement, and its fields.
_EDITORS = {
    # delete_key(attributes, "a") → {("attributes", "a"): "text"}
    "delete_key": _Editor((object,), lambda path, values: {(*path, values[0]): SAMPLE_TEXT}),
    # delete_matching_keys(attributes, "^ab+") → {("attributes", "ab"): "text"}
    "delete_matching_keys": _Editor((str,), lambda path, values: {(*path, make_sample_text(values[0])): SAMPLE_TEXT}),
    # keep_keys(attributes, ["a"]) → {("attributes", "other"): "text"}
    "keep_keys": _Editor((), lambda path, _values: {(*path, "other"): SAMPLE_TEXT}),
    # keep_matching_keys(attributes, "^a") → {("attributes", "_"): "text"}
    "keep_matching_keys": _Editor((), lambda path, _values: {(*path, "_"): SAMPLE_TEXT}),
    # replace_pattern(name, "x+y", "z") → {("name",): "xy"}
    "replace_pattern": _Editor((str,), lambda path, values: {path: make_sample_text(values[0])}),
    # replace_match(name, "a*", "z") → {("name",): "ax"}
    "replace_match": _Editor((str,), lambda path, values: {path: values[0].replace("*", "x")}),
    # replace_all_patterns(attributes, "value", "x+", "z") → {("attributes", "key"): "x"}
    # replace_all_patterns(attributes, "key", "x+", "z") → {("attributes", "x"): "x"}
    "replace_all_patterns": _Editor((object, str), _build_matching_values),
    # replace_all_matches(attributes, "a*", "z") → {("attributes", "key"): "ax"}
    "replace_all_matches": _Editor((str,), lambda path, values: {(*path, "key"): values[0].replace("*", "x")}),
    # truncate_all(attributes, 2) → {("attributes", "key"): "xxx"}
    "truncate_all": _Editor((int,), _build_truncated_text),
    # limit(attributes, 1, ["a"]) → {("attributes", "key0"): "text", ("attributes", "key1"): "text"}
    "limit": _Editor((int,), _build_limited_fields),
}


def find_changed_fields(action: str, context: str) -> WantedFields:
    """Return the fields that a record needs so that a statement changes it; none if its literals do not say.

    `action` is the statement without its condition, and `context` is that of the statement, such as `span`:

        delete_key(attributes, "a")                          → {("attributes", "a"): "text"}
        set(attributes["a"], resource.attributes["b"])       → {("resource", "b"): "text"}
    """
    try:
        function_name, arguments = read_called_function(split_tokens(action)[:-1])
    except (UnknownPart, InvalidOttl):
        return {}
    if not arguments:
        return {}
    changed_field = find_record_field(_cut_text(action, arguments[0]), context)
    editor = _EDITORS.get(function_name)
    if editor is None or not changed_field:
        return _find_read_fields(action, arguments[1:], context, changed_field)
    # No editor needs more than two literals.
    literals = [argument for argument in arguments[1:3] if not _is_list(argument)]
    try:
        values = [read_literal_value(literal) for literal in literals]
    except UnknownPart:
        return {}
    return editor.find_wanted_fields(changed_field, values)


def _find_read_fields(
    action: str, arguments: Sequence[Sequence[OttlToken]], context: str, changed_field: Path
) -> WantedFields:
    """Return the fields that a statement reads in its arguments, but for the one that it changes.

    `set(attributes["a"], resource.attributes["b"])` reads `("resource", "b")`.
    """
    fields: WantedFields = {}
    for argument in arguments:
        if not _is_path(argument):
            continue
        field = find_record_field(_cut_text(action, argument), context)
        if _is_other_user_field(field, changed_field):
            fields[field] = SAMPLE_TEXT
    return fields


def _is_list(argument: Sequence[OttlToken]) -> bool:
    """Whether an argument is a list, such as `["a", "b"]`. A path with a key, such as `attributes["a"]`, counts too."""
    return argument[-1].text == "]"


def _is_path(argument: Sequence[OttlToken]) -> bool:
    """Whether an argument is a path, such as `resource.attributes["b"]`, and no literal or converter."""
    return argument[0].kind == "lower"


def _is_other_user_field(read_field: Path, changed_field: Path) -> bool:
    """Whether a field that a statement reads is one that users set, and not the one that it changes.

    Only the last part is compared, so that an attribute that goes under its own name from the resource to the span
    counts as the same field: for `set(attributes["a"], resource.attributes["a"])` no field is proposed.
    """
    if not read_field or read_field[0] not in ("attributes", "resource"):
        return False
    return read_field[-1:] != changed_field[-1:]


def _cut_text(action: str, tokens: Sequence[OttlToken]) -> str:
    """Return the part of a statement that has these tokens."""
    last_token = tokens[-1]
    return action[tokens[0].start : last_token.start + len(last_token.text)]
