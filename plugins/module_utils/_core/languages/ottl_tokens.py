# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of the OpenTelemetry Transformation Language, its literals, and the values that they make. Private."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r"""(?P<space>[\t\n\f\r ]+)|(?P<bytes>0x[a-fA-F0-9]+)|(?P<float>(?:\d+\.\d*|\.\d+)(?:[eE][-+]?\d+)?)|(?P<int>\d+)
    |(?P<string>"(?:\\.|[^\\"])*")|(?P<nil>nil\b)|(?P<not>not\b)|(?P<or>or\b)|(?P<and>and\b)
    |(?P<compare>==|!=|>=|<=|>|<)|(?P<arrow>=>)|(?P<sum>[-+])|(?P<product>[*/])|(?P<bool>(?:true|false)\b)
    |(?P<sign>[=(){}:,.\[\]])|(?P<upper>[A-Z][A-Z0-9_]*)|(?P<lower>[a-z][a-z0-9_]*)|(?P<blank>_\b)""",
    re.ASCII | re.VERBOSE,
)
_ESCAPE = re.compile(
    r'\\(?:[abfnrtv\\"]|[0-3][0-7]{2}|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|(.|\Z))', re.DOTALL
)
_CONTROL = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", '"': '"'}
_HINTS = {
    "'": 'Quote text with `"`.',
    "&": "Write `and`.",
    "|": "Write `or`.",
    "!": "Write `not`.",
    '"': 'Close the text with `"`.',
}
_LARGEST, _MOST_DIGITS = 2**63, 19
_LARGEST_RUNE = 0x10FFFF
# Kinds of values: what a literal is, and what else stands for a value.
STRING, INT, FLOAT, BOOL, NIL, BYTES, ENUM, LIST, MAP = "s", "i", "f", "b", "n", "y", "e", "l", "m"
PATH, CALL, MATH, LAMBDA, NAME, TEST = "p", "c", "x", "L", "F", "t"

MATHS = (PATH, CALL, INT, FLOAT, MATH)
TRUTHS = (TEST, CALL, BOOL)
LITERALS = {"string": STRING, "int": INT, "float": FLOAT, "bool": BOOL, "nil": NIL, "bytes": BYTES}


class Invalid(Exception):  # noqa: N818 - a verdict, not a failure
    """A text that is not in the language: where, why, and what to write instead."""

    def __init__(self, start: int, why: str, fix: str = "") -> None:
        self.start, self.why, self.fix = start, why, fix
        super().__init__(why)


class TooDeep(Exception):  # noqa: N818 - a verdict, not a failure
    """A text that nests too deep to be judged."""


@dataclass(slots=True)
class Token:
    kind: str
    text: str
    start: int


@dataclass(slots=True)
class Value:
    """A value: its kind, where it starts, its text, the arguments of a call, and the items of a list.

    `steps` are the names in a path, each with whether it has keys; `signed` says that a number has a sign.
    """

    kind: str
    start: int
    text: str = ""
    arguments: list[tuple[str, Value]] = field(default_factory=list)
    steps: list[tuple[str, bool]] = field(default_factory=list)
    signed: bool = False


@dataclass(slots=True)
class Used:
    """What a text uses, in order."""

    calls: list[Value] = field(default_factory=list)
    paths: list[Value] = field(default_factory=list)
    enums: list[Value] = field(default_factory=list)
    lambdas: list[Value] = field(default_factory=list)


def text_of(literal: str) -> str | None:
    """Return what a literal in quotes stands for; None if it has an escape that Go does not know."""
    if any(found[1] is not None for found in _ESCAPE.finditer(literal)):
        return None
    return _ESCAPE.sub(lambda found: _unescaped(found[0][1:]), literal[1:-1])


def _unescaped(body: str) -> str:
    if body in _CONTROL:
        return _CONTROL[body]
    code = int(body, 8) if body[0].isdigit() else int(body[1:], 16)
    return chr(code) if code <= _LARGEST_RUNE else ""


def tokens_of(text: str) -> list[Token]:
    found, at = [], 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise Invalid(at, f"`{text[at]}` has no meaning here", _HINTS.get(text[at], ""))
        if match.lastgroup != "space":
            found.append(Token(str(match.lastgroup), match[0], at))
        at = match.end()
    found.append(Token("end", "", len(text)))
    return found


def literal(token: Token, kind: str) -> Value:
    """Return a literal. Raises Invalid if its text has a wrong escape, or its number no room in 64 bits."""
    if kind == STRING and text_of(token.text) is None:
        bad = next(found for found in _ESCAPE.finditer(token.text) if found[1] is not None)
        at = token.start + bad.start()
        raise Invalid(at, f"`{bad[0]}` is no escape in a text", f"Write `\\{bad[0]}` for a backslash.")
    if kind == INT and (len(token.text) > _MOST_DIGITS or int(token.text) >= _LARGEST):
        raise Invalid(token.start, "this number is too large")
    if kind == BYTES and len(token.text) % 2:
        raise Invalid(token.start, "bytes need an even number of hexadecimal digits")
    return Value(kind, token.start, token.text)
