# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads texts of the OpenTelemetry Transformation Language: what a text uses, or why it is invalid. Private.

`read_ottl('set(attributes["a"], 1) where IsMap(body)', statement=True)` returns the calls of `set` and `IsMap`, and the
paths `attributes` and `body`. For `set(attributes["a"]`, it returns an `OttlTrouble` at the end of the text. Rules
judge what a text uses (ottl_judge.py), and tests of configs ask which paths a statement changes.
"""

from __future__ import annotations

from typing import NamedTuple

from .ottl_parser import OttlParser, TooDeep
from .ottl_syntax import InvalidOttl, UsedNames

# What is wrong in a text, as the rules that report it are called.
SYNTAX = "ottl-syntax"
NAME = "ottl-name"
ARGUMENT = "ottl-argument"


class OttlTrouble(NamedTuple):
    """What is wrong in a text, and where."""

    rule: str
    """`SYNTAX`, `NAME` or `ARGUMENT`."""
    start: int
    """The number of the character, from 0."""
    why: str
    fix: str = ""
    is_gated: bool = False
    """Whether a feature gate allows it."""


def read_ottl(text: str, statement: bool) -> UsedNames | OttlTrouble | None:
    """Return what a text uses, or why it is not in the language; None if it nests too deep to be judged."""
    try:
        return _read_statement(text) if statement else _read_condition(text)
    except InvalidOttl as invalid:
        return OttlTrouble(SYNTAX, invalid.start, invalid.why, invalid.fix)
    except TooDeep:
        return None


def _read_statement(text: str) -> UsedNames:
    """Return what `EDITOR(…) where CONDITION` uses. Raises InvalidOttl and TooDeep."""
    parser = OttlParser(text)
    first_token = parser.token
    if first_token.kind == "upper":
        raise InvalidOttl(first_token.start, "a statement starts with a function in lower case", "Write `set(…)`.")
    if first_token.kind != "lower":
        raise parser.describe_unexpected("a function, such as `set(…)`,")
    parser.used.calls.insert(0, parser.call())
    if parser.token.text == "where" and parser.token.kind == "lower":
        parser.read_token()
        parser.require_truth(parser.read_value_or_condition())
    return _require_end(parser, "the end or `where`")


def _read_condition(text: str) -> UsedNames:
    """Return what a condition uses. Raises InvalidOttl and TooDeep."""
    parser = OttlParser(text)
    parser.require_truth(parser.read_value_or_condition())
    return _require_end(parser, "the end, `and` or `or`")


def _require_end(parser: OttlParser, expected: str) -> UsedNames:
    """Return what a text uses if all of it is read. Raises InvalidOttl, which says what is expected."""
    if parser.token.kind != "end":
        raise parser.describe_unexpected(expected)
    return parser.used
