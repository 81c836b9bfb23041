# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Types of expressions of log operators: operators and functions on values that they do not take.

Source: the checker of github.com/expr-lang/expr. Types are letters; `?` is known only at run time. Private.
"""

from __future__ import annotations

from typing import NamedTuple

UNKNOWN = "?"
BOOL, INT, FLOAT, TEXT, LIST, NIL, _TIME, _SPAN = "bifslntd"
SHOWN = {"b": "a truth value", "i": "a number", "f": "a number", "s": "text", "l": "a list", "n": "nil"}
SHOWN |= dict.fromkeys((_TIME, _SPAN), "a time")
TEXTUAL = ("matches", "contains", "startsWith", "endsWith")
COMPARES = ("<", ">", "<=", ">=")
# What an operator takes on both sides, and what it makes of that; `` is the type of its sides.
_TAKES = {
    **dict.fromkeys(("or", "||", "and", "&&"), (BOOL, BOOL)),
    **dict.fromkeys(COMPARES, ("ifstd", BOOL)),
    **dict.fromkeys(TEXTUAL, (TEXT, BOOL)),
    "+": ("ifstd", ""),
    "-": ("iftd", ""),
    "*": ("ifd", ""),
    "/": ("if", FLOAT),
    **dict.fromkeys(("**", "^"), ("if", FLOAT)),
    "%": (INT, INT),
    "..": (INT, LIST),
}
# Functions: what each argument may be, with `|` before those that can be left out, and the result.
_FUNCTIONS = {
    **dict.fromkeys(("upper", "lower", "toBase64", "fromBase64"), ("s", TEXT)),
    **dict.fromkeys(("trim", "trimPrefix", "trimSuffix"), ("s|s", TEXT)),
    **dict.fromkeys(("split", "splitAfter"), ("s s|i", LIST)),
    **dict.fromkeys(("indexOf", "lastIndexOf"), ("s s", INT)),
    **dict.fromkeys(("hasPrefix", "hasSuffix"), ("s s", BOOL)),
    **dict.fromkeys(("ceil", "floor", "round"), ("ifn", FLOAT)),
    **dict.fromkeys(("reverse", "uniq", "flatten"), ("ln", LIST)),
    **dict.fromkeys(("string", "type", "toJSON"), ("bifslntd", TEXT)),
    **dict.fromkeys(("keys", "values"), (UNKNOWN, LIST)),
    "len": ("sl", INT),
    "abs": ("ifn", UNKNOWN),
    "int": ("ifsn", INT),
    "float": ("ifsn", FLOAT),
    "replace": ("s s s|i", TEXT),
    "repeat": ("s i", TEXT),
    "join": ("l|s", TEXT),
    "fromJSON": ("s", UNKNOWN),
    "duration": ("s", _SPAN),
    "take": ("ln in", LIST),
}


class Invalid(Exception):  # noqa: N818 - a verdict, not a failure
    """Where an expression is wrong, and why."""

    def __init__(self, start: int, why: str) -> None:
        self.start, self.why = start, why
        super().__init__(why)


class NotJudged(Exception):  # noqa: N818 - a verdict, not a failure
    """An expression that uses more of the language than is read here."""


class Token(NamedTuple):
    """A word, sign, bracket or text of an expression."""

    kind: str
    text: str
    start: int


def result(sign: Token, left: str, right: str) -> str:
    """Return the type of what an operator makes of two values. Raises Invalid."""
    if sign.text in ("==", "!="):
        _agree(sign, left, right)
        return BOOL
    if sign.text == "in":
        if right not in (UNKNOWN, LIST, NIL) and not (right == TEXT and left == UNKNOWN):
            raise Invalid(sign.start, f"`in` looks into a list or a map, not into {SHOWN[right]}")
        return BOOL
    if sign.text == "??":
        return UNKNOWN
    takes, made = _TAKES[sign.text]
    for side in (left, right):
        if side not in (UNKNOWN, *takes):
            raise Invalid(sign.start, f"`{sign.text}` takes {SHOWN[takes[0]]}, not {SHOWN[side]}")
    _agree(sign, left, right)
    return made or (UNKNOWN if UNKNOWN in (left, right) or left != right else left)


def _agree(sign: Token, left: str, right: str) -> None:
    """Raise Invalid if both sides are known, and not of one type; numbers are."""
    kinds = {"b": "b", "s": "s", "i": "i", "f": "i", "l": "l"}
    if left in kinds and right in kinds and kinds[left] != kinds[right]:
        raise Invalid(sign.start, f"`{sign.text}` takes two values of a type, not {SHOWN[left]} and {SHOWN[right]}")


def called(name: Token, arguments: list[tuple[int, str]]) -> str:
    """Return the type of what a function returns; arguments are places and types. Raises Invalid."""
    if name.text not in _FUNCTIONS:
        return UNKNOWN
    wanted, result = _FUNCTIONS[name.text]
    needed = wanted.partition("|")[0].split()
    kinds = wanted.replace("|", " ").split()
    if not len(needed) <= len(arguments) <= len(kinds):
        counts = f"{len(needed)}" if len(needed) == len(kinds) else f"{len(needed)} to {len(kinds)}"
        raise Invalid(name.start, f"`{name.text}` takes {counts} values, not {len(arguments)}")
    for (start, found), kind in zip(arguments, kinds, strict=False):
        if kind != UNKNOWN and found not in (UNKNOWN, *kind):
            raise Invalid(start, f"`{name.text}` takes {SHOWN[kind[0]]} here, not {SHOWN[found]}")
    return result
