# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a scalar of YAML stands for, as go-yaml reads it, since the Collector reads configs with go-yaml.

A scalar is a text, a number, true, false or null in a YAML text, as its author wrote it. `yaml_documents.py` asks here
for the value of each:

    0x1F     the number 31            yes      a text (PyYAML takes it for true)
    1_000    the number 1000          "1"      a text, since it has quotes
    017      the number 15            !!str 1  a text, by its tag

Private.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

from ..config.source_nodes import Node

TAG_PREFIX = "tag:yaml.org,2002:"
"""What `!!` stands for: the parser writes the tag `!!int` as `tag:yaml.org,2002:int`."""
# Numbers of more digits stay texts. Python raises an error when it writes a number of more than 4,300 digits, so that
# nothing could show the config. The limit is far below that, and far above the number of any setting.
_LARGEST_NUMBER = 10**400


def read_scalar(node: Node) -> Any:
    """Return what a scalar stands for: by its tag if it has one, as text in quotes, or as it is written."""
    if node.tag:
        return _read_as_type(_TYPE_BY_NAME.get(node.tag.removeprefix(TAG_PREFIX)), node.value)
    return node.value if node.style else read_plain_scalar(node.value)


@lru_cache(maxsize=4096)  # configs repeat most scalars
def read_plain_scalar(text: str) -> Any:
    """Return what a text without quotes and tag stands for."""
    return _read_as_type(_find_scalar_type(text), text) if text else None


def _find_scalar_type(text: str) -> ScalarType | None:
    """Return the type of a text without quotes, which is not empty; None if it stays a text."""
    for compiled_type in _COMPILED_TYPES_BY_CHARACTER.get(text[0], ()):
        if compiled_type.pattern.match(text):
            return compiled_type.scalar_type
    return None


def _read_as_type(scalar_type: ScalarType | None, text: str) -> Any:
    """Return a text as a value of a type; the text itself if it does not fit, or without a type."""
    if scalar_type is None:
        return text
    try:
        return scalar_type.parse(text)
    except ValueError:  # a wrong tag in a text of Ansible, or a number with too many digits
        return text


def fits_type(text: str, type_name: str) -> bool:
    """Whether a text is a value of the type that its tag names. Every text is one of a type that is not in the table.

    `1` fits `int` and `float`, and `true` fits neither.
    """
    scalar_type = _TYPE_BY_NAME.get(type_name)
    # `isinstance` would take true for an int, as bool is a subclass of it.
    return scalar_type is None or type(read_plain_scalar(text)) in scalar_type.python_types


def limit_number(number: float, text: str) -> float | str:
    """Return an int or a float; the text of one that has more digits than Python writes, or is beyond all floats."""
    return number if abs(number) < _LARGEST_NUMBER else text


# ── The types of scalars ──


class ScalarType(NamedTuple):
    """A type of scalars: how they are written without quotes, and what they stand for."""

    name: str
    pattern: str
    """A regular expression for the whole of a scalar."""
    first_characters: str
    """The characters that such a scalar may begin with."""
    parse: Callable[[str], Any]
    """Returns what a text of this type stands for. Raises ValueError for another text."""
    python_types: tuple[type, ...]
    """The types of what a text may stand for that has the tag of this type."""


def _parse_null(_text: str) -> None:
    """Return None, for which every text with this type stands."""


def _parse_boolean(text: str) -> bool:
    """Return true for `true` in any case, and else false."""
    return text.lower() == "true"


def _parse_integer(text: str) -> float | str:
    """Return an int of a decimal number, or of one with a prefix: 0x, 0o or 0b.

    For go-yaml, a leading zero is YAML 1.1's octal too, and a number that is none because of an 8 or 9 is a float. So
    `017` is 15, and `08` is 8.0.
    """
    digits = text.replace("_", "")
    has_leading_zero = re.fullmatch(r"[-+]?0[0-9]+", digits)
    if not has_leading_zero:
        return limit_number(int(digits, 0), text)
    if "8" in digits or "9" in digits:
        return limit_number(float(digits), text)
    return limit_number(int(digits, 8), text)


def _parse_float(text: str) -> float | str:
    """Return a number with a fraction or an exponent, infinity, or what is no number.

    A number beyond all floats stays a text. Source: ParseFloat of Go's strconv has an error for `1e999`, so go-yaml
    takes it for a text.
    """
    digits = text.lower().replace("_", "")
    if digits.endswith((".inf", ".nan")):
        return float(digits.replace(".", ""))
    return limit_number(float(digits), text)


# The scalars of YAML 1.2's core schema, as go-yaml resolves them; `yes`, `on` and `1:30` are text there. It ignores `_`
# behind the first digit of a number, and takes signs before all numbers, and prefixes in both cases. Source: what
# `otelcol-contrib print-config` of 0.158.0 answers.
SCALAR_TYPES = (
    # A null may also be nothing at all, as behind the colon of `key:`.
    ScalarType("null", r"~|null|Null|NULL|", "~nN", _parse_null, (type(None),)),
    ScalarType("bool", r"true|True|TRUE|false|False|FALSE", "tTfF", _parse_boolean, (bool,)),
    ScalarType(
        "int",
        r"[-+]?(?:[0-9][0-9_]*|0[oO][0-7_]+|0[xX][0-9a-fA-F_]+|0[bB][01_]+)",
        "-+0123456789",
        _parse_integer,
        (int,),
    ),
    ScalarType(
        "float",
        r"[-+]?(?:\.[0-9][0-9_]*|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9_]+)?"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        "-+.0123456789",
        _parse_float,
        (int, float),
    ),
)
_TYPE_BY_NAME = {scalar_type.name: scalar_type for scalar_type in SCALAR_TYPES}


class _CompiledType(NamedTuple):
    """A type of scalars, and its pattern for the whole of a text."""

    scalar_type: ScalarType
    pattern: re.Pattern[str]


def _compile_types() -> dict[str, list[_CompiledType]]:
    """Return the types that a scalar may have, by its first character: most texts then need no regular expression."""
    types_by_character: dict[str, list[_CompiledType]] = {}
    for scalar_type in SCALAR_TYPES:
        compiled_type = _CompiledType(scalar_type, re.compile(rf"\A(?:{scalar_type.pattern})\Z"))
        for character in scalar_type.first_characters:
            types_by_character.setdefault(character, []).append(compiled_type)
    return types_by_character


_COMPILED_TYPES_BY_CHARACTER = _compile_types()
