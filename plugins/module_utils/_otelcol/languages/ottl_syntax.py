# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tokens of the OpenTelemetry Transformation Language, and the values that its texts are made of. Private.

`split_tokens` makes tokens of a text, and ottl_parser.py reads them in one pass without backtracking. Of `set(name,
"a") where kind == SPAN_KIND_SERVER`, it keeps the call of `set`, the paths `name` and `kind`, and the enum. It keeps
nothing else: no operators, no keys of paths. ottl_reading.py reads whole statements with it.

Source: LANGUAGE.md of pkg/ottl; it did not change from 0.155 to 0.159.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

# The tokens, each with its kind as the name of the group. A name in mixed case is several tokens: `IsMatch` is the
# upper `I`, the lower `s`, the upper `M` and the lower `atch`.
_TOKEN = re.compile(
    r"""(?P<space>[\t\n\f\r ]+)|(?P<bytes>0x[a-fA-F0-9]+)|(?P<float>(?:\d+\.\d*|\.\d+)(?:[eE][-+]?\d+)?)|(?P<int>\d+)
    |(?P<string>"(?:\\.|[^\\"])*")|(?P<nil>nil\b)|(?P<not>not\b)|(?P<or>or\b)|(?P<and>and\b)
    |(?P<compare>==|!=|>=|<=|>|<)|(?P<arrow>=>)|(?P<sum>[-+])|(?P<product>[*/])|(?P<bool>(?:true|false)\b)
    |(?P<sign>[=(){}:,.\[\]])|(?P<upper>[A-Z][A-Z0-9_]*)|(?P<lower>[a-z][a-z0-9_]*)|(?P<blank>_\b)""",
    re.ASCII | re.VERBOSE,
)
# An escape in a text, such as `\n`, `\101`, `\x41` or `\u0041`. Its group matches only if Go knows no such escape.
_ESCAPE = re.compile(
    r'\\(?:[abfnrtv\\"]|[0-3][0-7]{2}|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|(.|\Z))', re.DOTALL
)
_CONTROL_CHARACTERS = {
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "\\": "\\",
    '"': '"',
}
# What to write instead of a character that the language does not have.
_FIX_BY_CHARACTER = {
    "'": 'Quote text with `"`.',
    "&": "Write `and`.",
    "|": "Write `or`.",
    "!": "Write `not`.",
    '"': 'Close the text with `"`.',
}
_LARGEST_RUNE = 0x10FFFF


class ValueKind(Enum):
    """What a value is; the text is how messages call it."""

    STRING = "text"
    INT = "a whole number"
    FLOAT = "a number with a decimal point"
    BOOL = "true or false"
    NIL = "nil"
    BYTES = "bytes"
    ENUM = "an enum"
    """Such as `SPAN_KIND_SERVER`."""
    LIST = "a list"
    MAP = "a map"
    PATH = "a path"
    """Such as `span.name`."""
    CALL = "a converter"
    """Such as `Len(name)`."""
    MATH = "a calculation"
    LAMBDA = "a lambda"
    """Such as `(x) => x`."""
    NAME = "a name"
    """The name of a function without a call."""
    TEST = "a condition"


class InvalidOttl(Exception):  # noqa: N818 - a verdict, not a failure
    """A text that is not in the language: where, why, and what to write instead.

    `start` counts characters from 0. `fix` is empty if nothing better is known.
    """

    def __init__(self, start: int, why: str, fix: str = "") -> None:
        self.start, self.why, self.fix = start, why, fix
        super().__init__(why)


class OttlToken(NamedTuple):
    """A word, a literal, or a sign of a text: an operator, a bracket or a comma."""

    kind: str
    """The name of a group of `_TOKEN`, such as `lower` or `string`; `end` for the token behind the last one."""
    text: str
    start: int
    """The number of its first character, from 0."""


class NamedValue(NamedTuple):
    """An argument of a call; its name is empty if it has none, as that of an item of a list."""

    name: str
    value: Value


class PathStep(NamedTuple):
    """A name in a path, and whether keys follow it, as in `attributes["a"]`."""

    name: str
    has_keys: bool


@dataclass(slots=True)
class Value:
    """A value in a text, such as a literal, a path or a call."""

    kind: ValueKind
    start: int
    text: str = ""
    """A literal as it is spelled, the name of a call, enum or function, or the names of a path with dots between them;
    empty for other kinds."""
    arguments: list[NamedValue] = field(default_factory=list)
    """The arguments of a call, or the items of a list."""
    steps: list[PathStep] = field(default_factory=list)
    """The names in a path."""
    has_sign: bool = False
    """Whether a sign stands before a literal or a calculation."""


@dataclass(slots=True)
class UsedNames:
    """What a text uses, in order: its calls, paths, enums and lambdas, also those inside of others.

    A path that begins with a parameter of a lambda is not among them.
    """

    calls: list[Value] = field(default_factory=list)
    paths: list[Value] = field(default_factory=list)
    enums: list[Value] = field(default_factory=list)
    lambdas: list[Value] = field(default_factory=list)


def unquote_text(quoted: str) -> str | None:
    """Return what a literal in quotes stands for: `"a\\n"` is a letter and a line end.

    None if the literal has an escape that Go does not know.
    """
    if find_wrong_escape(quoted):
        return None
    return _ESCAPE.sub(lambda escape: _resolve_escape(escape[0][1:]), quoted[1:-1])


def find_wrong_escape(quoted: str) -> re.Match[str] | None:
    """Return the first escape that Go does not know."""
    for escape in _ESCAPE.finditer(quoted):
        if escape[1] is not None:
            return escape
    return None


def _resolve_escape(body: str) -> str:
    """Return the character that an escape stands for, given what follows its backslash."""
    if body in _CONTROL_CHARACTERS:
        return _CONTROL_CHARACTERS[body]
    is_octal = body[0].isdigit()
    code = int(body, 8) if is_octal else int(body[1:], 16)
    return chr(code) if code <= _LARGEST_RUNE else ""


@lru_cache(maxsize=4096)
def split_tokens(text: str) -> tuple[OttlToken, ...]:
    """Return the tokens of a text; the last one has the kind `end`.

    Raises InvalidOttl for a character that begins no token. The tokens are cached, since many configs have the same
    statements.
    """
    tokens, end_before = [], 0
    for match in _TOKEN.finditer(text):
        start = match.start()
        if start > end_before:  # the pattern has skipped a character that begins no token
            break
        if match.lastgroup != "space":
            tokens.append(OttlToken(str(match.lastgroup), match[0], start))
        end_before = match.end()
    if end_before < len(text):
        raise InvalidOttl(
            end_before, f"`{text[end_before]}` has no meaning here", _FIX_BY_CHARACTER.get(text[end_before], "")
        )
    return (*tokens, OttlToken("end", "", len(text)))
