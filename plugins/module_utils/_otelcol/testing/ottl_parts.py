# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which parts a text of OTTL has: what stands between operators, the arguments of a call, the value of a literal.

A text is given as its tokens, see `split_tokens` of ottl_syntax.py, without the one that ends it. samples.py,
record_fields.py, statement_fields.py and editor_fields.py read conditions and statements so. In texts:

| function | text | result |
|---|---|---|
| `split_at_separators`, with `or` | `a or (b or c)` | `a` and `(b or c)` |
| `read_called_function` | `IsMatch(name, "^a")` | `IsMatch` with `name` and `"^a"` |
| `read_literal_value` | `-1.5`, `"a"`, `STATUS_CODE_ERROR` | -1.5, `a`, `error` |

Private.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from ..languages.ottl_syntax import OttlToken, unquote_text
from .records import SEVERITY_NUMBERS

Tokens = Sequence[OttlToken]

_OPENING_BRACKETS = ("(", "[", "{")
_CLOSING_BRACKETS = (")", "]", "}")
_KINDS_OF_LITERALS = ("string", "int", "float", "bool", "nil", "bytes")
_WORDS_OF_OTTL = {"true": True, "false": False, "nil": None}
# An enum that a record writes as a word: `STATUS_CODE_ERROR` is `error`.
_WORD_ENUM = re.compile(r"(?:STATUS_CODE|SPAN_KIND|METRIC_DATA_TYPE)_([A-Z]+)\Z")
# An enum that a record writes as a number: `SEVERITY_NUMBER_WARN` is 13, and `SEVERITY_NUMBER_WARN2` is 14.
_SEVERITY_ENUM = re.compile(r"SEVERITY_NUMBER_([A-Z]+)([2-4]?)\Z")


class UnknownPart(Exception):  # noqa: N818 - it says what is not known, and is no failure
    """A part of a text that does not say which field or value it stands for, such as `Len(name)`."""


class CalledFunction(NamedTuple):
    """A call such as `IsMatch(name, "^a")`: the name of the function, and the tokens of each argument."""

    name: str
    arguments: list[list[OttlToken]]


def split_at_separators(tokens: Tokens, separators: Collection[str]) -> list[list[OttlToken]]:
    """Return the parts between tokens with one of these texts that are outside of all brackets.

    With the separator `or`, `a or (b or c)` has the parts `a` and `(b or c)`. A text without a separator is one part.
    """
    parts: list[list[OttlToken]] = [[]]
    depth = 0
    for token in tokens:
        if token.text in _OPENING_BRACKETS:
            depth += 1
        elif token.text in _CLOSING_BRACKETS:
            depth -= 1
        if depth == 0 and token.text in separators:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def read_called_function(tokens: Tokens) -> CalledFunction:
    """Return a call. Raises UnknownPart for a text that is none, or has an argument without a value."""
    bracket_index = _find_first_bracket(tokens)
    if bracket_index == 0 or tokens[-1].text != ")":
        raise UnknownPart
    name = "".join(token.text for token in tokens[:bracket_index])
    argument_tokens = tokens[bracket_index + 1 : -1]
    if not argument_tokens:
        return CalledFunction(name, [])
    arguments = [_drop_argument_name(argument) for argument in split_at_separators(argument_tokens, (",",))]
    if not all(arguments):
        raise UnknownPart
    return CalledFunction(name, arguments)


def _find_first_bracket(tokens: Tokens) -> int:
    """Return the number of the first token `(`, from 0; 0 too if there is none."""
    for token_index, token in enumerate(tokens):
        if token.text == "(":
            return token_index
    return 0


def _drop_argument_name(argument: list[OttlToken]) -> list[OttlToken]:
    """Return the value of an argument: `"a"` of `pattern="a"`."""
    is_named = len(argument) > 1 and argument[1].text == "="
    return argument[2:] if is_named else argument


def is_literal_tokens(tokens: Tokens) -> bool:
    """Whether tokens are an enum, or end with a literal, as a negative number does."""
    is_enum = len(tokens) == 1 and tokens[0].kind == "upper"
    return is_enum or (bool(tokens) and tokens[-1].kind in _KINDS_OF_LITERALS)


def read_literal_value(tokens: Tokens) -> Any:
    """Return the value of a literal; None is `nil`. Raises UnknownPart if it is no literal, or one of bytes."""
    is_negative = bool(tokens) and tokens[0].text == "-"
    unsigned_tokens = tokens[1:] if is_negative else tokens
    if len(unsigned_tokens) != 1:
        raise UnknownPart
    literal = unsigned_tokens[0]
    if literal.kind == "string":
        return unquote_text(literal.text)
    if literal.kind in ("int", "float"):
        number = int(literal.text) if literal.kind == "int" else float(literal.text)
        return -number if is_negative else number
    if literal.kind in ("bool", "nil"):
        return _WORDS_OF_OTTL[literal.text]
    return _read_enum_value(literal.text)


def _read_enum_value(name: str) -> int | str:
    """Return the number of a severity, or the word of another enum. Raises UnknownPart for any other name."""
    severity_match = _SEVERITY_ENUM.match(name)
    if severity_match:
        step = int(severity_match[2] or 1) - 1
        return SEVERITY_NUMBERS.get(severity_match[1].lower(), 0) + step
    enum_match = _WORD_ENUM.match(name)
    if enum_match:
        return enum_match[1].lower()
    raise UnknownPart
