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
from ..languages.ottl_syntax import InvalidOttl, split_tokens
from .ottl_parts import Tokens, UnknownPart, read_called_function, read_literal_value
from .record_fields import find_record_field
from .regex_sample import make_sample_text
from .samples import SAMPLE_TEXT, WantedFields

# A record that a test sends has no longer text and no more fields than this.
_LARGEST_SAMPLE = 10_000


def find_changed_fields(action: str, context: str) -> WantedFields:
    """Return the fields that a record needs so that a statement changes it; none if its literals do not say.

    `action` is the statement without its condition, and `context` is that of the statement, such as `span`:

        delete_key(attributes, "a")                          → {("attributes", "a"): "text"}
        set(attributes["a"], resource.attributes["b"])       → {("resource", "b"): "text"}
    """
    try:
        tokens = split_tokens(action)[:-1]  # without the one that ends the text
        function_name, arguments = read_called_function(tokens)
    except (UnknownPart, InvalidOttl):
        return {}
    if not arguments:
        return {}
    target, *other_arguments = arguments
    changed_field = find_record_field(_cut_text(action, target), context)
    editor = _EDITORS.get(function_name)
    if editor is None or not changed_field:
        return _find_read_fields(action, other_arguments, context, changed_field)
    try:
        literals = _read_literals(other_arguments, len(editor.literal_types))
    except UnknownPart:
        return {}
    return editor.find_wanted_fields(changed_field, literals)


def _read_literals(arguments: Sequence[Tokens], most: int) -> list[Any]:
    """Return the values of the first arguments that are no lists. Raises UnknownPart for one that is no literal.

    The first literal of `attributes, priority_keys=["a"], limit=1` is 1, since named arguments have no order.
    """
    single_values = [argument for argument in arguments if not _is_list(argument)]
    return [read_literal_value(argument) for argument in single_values[:most]]


def _is_list(argument: Tokens) -> bool:
    """Whether an argument is a list, such as `["a", "b"]`. The path `attributes["a"]` is none."""
    return argument[0].text == "["


def _find_read_fields(action: str, arguments: Sequence[Tokens], context: str, changed_field: Path) -> WantedFields:
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


def _is_path(argument: Tokens) -> bool:
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


def _cut_text(action: str, tokens: Tokens) -> str:
    """Return the part of a statement that has these tokens."""
    last_token = tokens[-1]
    return action[tokens[0].start : last_token.start + len(last_token.text)]


# ── Editors ──


@dataclass(frozen=True)
class _Editor:
    """A function of OTTL that changes only records with certain fields, such as `delete_key`."""

    literal_types: tuple[type, ...]
    """The types of the literals that it must have after the field; `object` stands for any type.

    `delete_matching_keys(attributes, "^a")` must have one text.
    """
    build_fields: Callable[..., WantedFields]
    """Gets the field that it changes and these literals, and returns the fields with which it changes something."""

    def find_wanted_fields(self, changed_field: Path, literals: Sequence[Any]) -> WantedFields:
        """Return the fields with which it changes something; none if its literals are missing or of other types."""
        needed_literals = literals[: len(self.literal_types)]
        if len(needed_literals) < len(self.literal_types):
            return {}
        for literal, literal_type in zip(needed_literals, self.literal_types, strict=True):
            if not isinstance(literal, literal_type):
                return {}
        return self.build_fields(changed_field, *needed_literals)


def _build_key(field: Path, key: Any) -> WantedFields:
    """`delete_key(attributes, "a")` → `{("attributes", "a"): "text"}`."""
    return {(*field, key): SAMPLE_TEXT}


def _build_matching_key(field: Path, pattern: str) -> WantedFields:
    """`delete_matching_keys(attributes, "^ab+")` → `{("attributes", "ab"): "text"}`."""
    return {(*field, make_sample_text(pattern)): SAMPLE_TEXT}


def _build_other_key(field: Path) -> WantedFields:
    """`keep_keys(attributes, ["a"])` → `{("attributes", "other"): "text"}`."""
    return {(*field, "other"): SAMPLE_TEXT}


def _build_unmatched_key(field: Path) -> WantedFields:
    """`keep_matching_keys(attributes, "^a")` → `{("attributes", "_"): "text"}`."""
    return {(*field, "_"): SAMPLE_TEXT}


def _build_text_of_pattern(field: Path, pattern: str) -> WantedFields:
    """`replace_pattern(name, "x+y", "z")` → `{("name",): "xy"}`."""
    return {field: make_sample_text(pattern)}


def _build_text_of_glob(field: Path, glob: str) -> WantedFields:
    """`replace_match(name, "a*", "z")` → `{("name",): "ax"}`."""
    return {field: glob.replace("*", "x")}


def _build_value_or_key_of_pattern(field: Path, replaced_part: object, pattern: str) -> WantedFields:
    """Return a mapping whose value or key `replace_all_patterns` replaces.

    `replace_all_patterns(attributes, "value", "x+", "z")` → `{("attributes", "key"): "x"}`
    `replace_all_patterns(attributes, "key", "x+", "z")` → `{("attributes", "x"): "x"}`
    """
    text = make_sample_text(pattern)
    key = text if replaced_part == "key" else "key"
    return {(*field, key): text}


def _build_value_of_glob(field: Path, glob: str) -> WantedFields:
    """`replace_all_matches(attributes, "a*", "z")` → `{("attributes", "key"): "ax"}`."""
    return _build_text_of_glob((*field, "key"), glob)


def _build_longer_text(field: Path, longest_length: int) -> WantedFields:
    """`truncate_all(attributes, 2)` → `{("attributes", "key"): "xxx"}`; none if the text would be too long."""
    length = longest_length + 1
    return {(*field, "key"): "x" * length} if length <= _LARGEST_SAMPLE else {}


def _build_more_keys(field: Path, most_keys: int) -> WantedFields:
    """`limit(attributes, 1, ["a"])` → `{("attributes", "key0"): "text", ("attributes", "key1"): "text"}`.

    None if these would be too many.
    """
    count = most_keys + 1
    if count > _LARGEST_SAMPLE:
        return {}
    return {(*field, f"key{number}"): SAMPLE_TEXT for number in range(count)}


_EDITORS = {
    "delete_key": _Editor((object,), _build_key),
    "delete_matching_keys": _Editor((str,), _build_matching_key),
    "keep_keys": _Editor((), _build_other_key),
    "keep_matching_keys": _Editor((), _build_unmatched_key),
    "replace_pattern": _Editor((str,), _build_text_of_pattern),
    "replace_match": _Editor((str,), _build_text_of_glob),
    "replace_all_patterns": _Editor((object, str), _build_value_or_key_of_pattern),
    "replace_all_matches": _Editor((str,), _build_value_of_glob),
    "truncate_all": _Editor((int,), _build_longer_text),
    "limit": _Editor((int,), _build_more_keys),
}
