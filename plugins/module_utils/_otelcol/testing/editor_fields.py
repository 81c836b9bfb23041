# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which fields a record needs so that an editor of OTTL changes something in it.

An editor is a function that changes a record. `delete_key(attributes, "a")` changes only a record with the attribute
`a`, so the fields are `{("attributes", "a"): "text"}`. `EDITORS` has the editors whose literals say which fields the
record needs. statement_fields.py asks for the editor of a statement. Private.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..config.paths import Path
from .ottl_parts import Tokens, UnknownPart, read_literal_value
from .regex_sample import make_sample_text
from .samples import SAMPLE_TEXT, WantedFields

# A record that a test sends has no longer text and no more fields than this.
_LARGEST_SAMPLE = 10_000


@dataclass(frozen=True)
class Editor:
    """A function of OTTL that changes only records with certain fields, such as `delete_key`."""

    literal_types: tuple[type, ...]
    """The types of the literals that it must have after the field; `object` stands for any type.

    `delete_matching_keys(attributes, "^a")` must have one text.
    """
    build_fields: Callable[..., WantedFields]
    """Gets the field that it changes and these literals, and returns the fields with which it changes something."""

    def find_wanted_fields(self, changed_field: Path, arguments: Sequence[Tokens]) -> WantedFields:
        """Return the fields with which it changes something; none if its literals are missing or of other types.

        `arguments` are those behind the field that it changes, such as `"x+"` and `"z"`.
        """
        literals = self._read_literals(arguments)
        if len(literals) < len(self.literal_types):
            return {}
        for literal, literal_type in zip(literals, self.literal_types, strict=True):
            if not isinstance(literal, literal_type):
                return {}
        return self.build_fields(changed_field, *literals)

    def _read_literals(self, arguments: Sequence[Tokens]) -> list[Any]:
        """Return the values of the first arguments that are no lists; an empty list if one of them is no literal.

        The first literal of `priority_keys=["a"], limit=1` is 1, since named arguments have no order.
        """
        single_arguments = [argument for argument in arguments if not _is_list(argument)]
        try:
            return [read_literal_value(argument) for argument in single_arguments[: len(self.literal_types)]]
        except UnknownPart:
            return []


def _is_list(argument: Tokens) -> bool:
    """Whether an argument is a list, such as `["a", "b"]`. The path `attributes["a"]` is none."""
    return argument[0].text == "["


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


EDITORS = {
    "delete_key": Editor((object,), _build_key),
    "delete_matching_keys": Editor((str,), _build_matching_key),
    "keep_keys": Editor((), _build_other_key),
    "keep_matching_keys": Editor((), _build_unmatched_key),
    "replace_pattern": Editor((str,), _build_text_of_pattern),
    "replace_match": Editor((str,), _build_text_of_glob),
    "replace_all_patterns": Editor((object, str), _build_value_or_key_of_pattern),
    "replace_all_matches": Editor((str,), _build_value_of_glob),
    "truncate_all": Editor((int,), _build_longer_text),
    "limit": Editor((int,), _build_more_keys),
}
