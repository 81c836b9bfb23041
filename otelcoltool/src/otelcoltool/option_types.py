# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The types of options: which values each accepts, and how it is given on the command line.

`options.py` chooses the type of an option by the keys `type` and `elements` in the documentation of its module:

| documentation | type | given as | value |
|---|---|---|---|
| `str`, `path` | `TextType` | `--profile production` | `"production"` |
| `bool` | `SwitchType` | `--merge`, `--no-merge` | `True`, `False` |
| `list` of `str` or `path` | `TextListType` | `--rule-paths a --rule-paths b` | `["a", "b"]` |
| `dict` | `MappingType` | `--severities clear-text=off` | `{"clear-text": "off"}` |
| `list` of `dict` | `MappingListType` | `--suppressions 'rule=x,reason=y'` | `[{"rule": "x", "reason": "y"}]` |
"""

from __future__ import annotations

import argparse
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .module_utils._otelcol.errors import Problem
from .plugin_utils._otelcol import _yaml

_MAPPING_PLACEHOLDER = "NAME=VALUE,…"


class OptionType(ABC):
    """What values an option takes. A subclass has all that differs from one type to another."""

    expected: str
    """What an error says that the value must be, such as `a mapping`."""
    is_repeatable = False
    """Whether each use of the flag adds to a list."""

    @abstractmethod
    def accepts(self, value: Any) -> bool:
        """Return whether a value is of this type."""

    @abstractmethod
    def build_flag_settings(self) -> dict[str, Any]:
        """Return the settings of the flag for argparse."""

    def parse_given(self, given: Any, _flag: str, /) -> Any:
        """Return the value for what argparse has read behind a flag. Raises Problem for a wrong text."""
        return given

    def has_empty_text(self, _value: Any, /) -> bool:
        """Return whether a value of this type is an empty text, or a list with one."""
        return False


def choose_type(kind: str, element_kind: str, choices: Sequence[str]) -> OptionType:
    """Return the type of an option by `type` and `elements` of its documentation, such as `list` and `path`.

    `choices` are the only valid values of a text; empty for any.
    """
    if kind == "bool":
        return SwitchType()
    if kind == "dict":
        return MappingType()
    if kind == "list":
        return MappingListType() if element_kind == "dict" else TextListType(element_kind)
    return TextType(kind, choices)


@dataclass(frozen=True)
class TextType(OptionType):
    """A text, or the path of a file. `kind` is the word of the documentation, such as `path`."""

    kind: str
    choices: Sequence[str]
    expected = "text"

    def accepts(self, value: Any) -> bool:
        """Return whether a value is a text."""
        return isinstance(value, str)

    def has_empty_text(self, value: str, /) -> bool:
        """Return whether a text is empty."""
        return not value

    def build_flag_settings(self) -> dict[str, Any]:
        """Return settings of a flag with one value: its choices, or the kind of value in capitals."""
        return {"choices": self.choices} if self.choices else {"metavar": self.kind.upper()}


@dataclass(frozen=True)
class SwitchType(OptionType):
    """True or false."""

    expected = "true or false"

    def accepts(self, value: Any) -> bool:
        """Return whether a value is true or false."""
        return isinstance(value, bool)

    def build_flag_settings(self) -> dict[str, Any]:
        """Return settings of a flag without a value, as `--merge`, and its opposite, as `--no-merge`."""
        return {"action": argparse.BooleanOptionalAction, "default": None}


@dataclass(frozen=True)
class TextListType(OptionType):
    """A list of texts, or of paths of files. `element_kind` is the word of the documentation, such as `path`."""

    element_kind: str
    expected = "a list of texts"
    is_repeatable = True

    def accepts(self, value: Any) -> bool:
        """Return whether a value is a list of texts."""
        return isinstance(value, list) and all(isinstance(element, str) for element in value)

    def build_flag_settings(self) -> dict[str, Any]:
        """Return settings of a flag that may be given several times."""
        return {"action": "append", "metavar": self.element_kind.upper()}

    def has_empty_text(self, value: list[str], /) -> bool:
        """Return whether one of the texts is empty. A list without texts is no mistake."""
        return "" in value


@dataclass(frozen=True)
class MappingType(OptionType):
    """A mapping. Several uses of the flag are one mapping, in which later values go before earlier ones."""

    expected = "a mapping"

    def accepts(self, value: Any) -> bool:
        """Return whether a value is a mapping."""
        return isinstance(value, dict)

    def build_flag_settings(self) -> dict[str, Any]:
        """Return settings of a flag with names and values."""
        return {"action": "append", "metavar": _MAPPING_PLACEHOLDER}

    def parse_given(self, given: Any, flag: str, /) -> dict[str, Any]:
        """Return the names and values of all uses of the flag."""
        merged: dict[str, Any] = {}
        for text in given:
            merged |= parse_mapping(text, flag)
        return merged


@dataclass(frozen=True)
class MappingListType(OptionType):
    """A list of mappings, one for each use of the flag."""

    expected = "a list of mappings"
    is_repeatable = True

    def accepts(self, value: Any) -> bool:
        """Return whether a value is a list of mappings."""
        return isinstance(value, list) and all(isinstance(element, dict) for element in value)

    def build_flag_settings(self) -> dict[str, Any]:
        """Return settings of a flag with names and values that may be given several times."""
        return {"action": "append", "metavar": _MAPPING_PLACEHOLDER}

    def parse_given(self, given: Any, flag: str, /) -> list[dict[str, Any]]:
        """Return a mapping for each use of the flag."""
        return [parse_mapping(text, flag) for text in given]


def parse_mapping(text: str, flag: str) -> dict[str, Any]:
    """Return the mapping that a user wrote behind a flag. Raises Problem for another text.

    `clear-text=off,hot-path=info` and the YAML `{clear-text: 'off', hot-path: info}` are the same.
    """
    if text.lstrip().startswith("{"):
        value = _yaml.load(text, flag).data
        if not isinstance(value, dict):
            raise Problem(f"'{text}' is no mapping", where=flag, fix="Write {NAME: VALUE}.")
        return value
    mapping = {}
    for pair in text.split(","):
        name, equals_sign, value = pair.partition("=")
        if not name or not equals_sign:
            fix = "Write NAME=VALUE,… or YAML: '{NAME: VALUE}'."
            raise Problem(f"'{text}' has no names with values", where=flag, fix=fix)
        mapping[name.strip()] = value.strip()
    return mapping
