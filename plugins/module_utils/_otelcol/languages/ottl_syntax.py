# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The grammar of the OpenTelemetry Transformation Language: a text becomes the calls, paths and enums that it uses.

One pass without backtracking. Source: LANGUAGE.md of pkg/ottl; it did not change from 0.155 to 0.159. Private.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

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
# Deeper than any statement; a deeper text is not judged.
_DEEPEST = 40
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


class Token(NamedTuple):
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


@lru_cache(maxsize=4096)
def tokens_of(text: str) -> tuple[Token, ...]:
    """Return the words of a text; many configs have the same statements. Raises Invalid."""
    found, at = [], 0
    for match in _TOKEN.finditer(text):
        start, end = match.span()
        if start > at:
            break
        if match.lastgroup != "space":
            found.append(Token(str(match.lastgroup), match[0], start))
        at = end
    if at < len(text):
        raise Invalid(at, f"`{text[at]}` has no meaning here", _HINTS.get(text[at], ""))
    return (*found, Token("end", "", len(text)))


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


class Parser:
    """Reads one text; `used` holds what it uses."""

    def __init__(self, text: str) -> None:
        self.tokens = tokens_of(text)
        self.index, self.depth = 0, 0
        self.used = Used()
        self.scopes: list[set[str]] = []

    @property
    def token(self) -> Token:
        return self.tokens[self.index]

    def next(self) -> Token:
        self.index += 1
        return self.tokens[self.index - 1]

    def unexpected(self, wanted: str) -> Invalid:
        found = self.token
        what = f"`{found.text}`" if found.text else "the end"
        return Invalid(
            found.start, f"{wanted} should stand here, not {what}", "Write `==`." if found.text == "=" else ""
        )

    def take(self, text: str, wanted: str = "") -> Token:
        if self.token.text != text:
            raise self.unexpected(wanted or f"`{text}`")
        return self.next()

    def truth(self, value: Value) -> Value:
        if value.kind not in TRUTHS:
            raise self.unexpected("a comparison, such as `== 1`,")
        return value

    def value(self) -> Value:
        found = self.either()
        if found.kind == TEST:
            raise Invalid(found.start, "a value should stand here, not a condition")
        return found

    def either(self) -> Value:
        """Read a value or a condition: `or` binds less than `and`, and that less than `not` and comparisons."""
        self.depth += 1
        if self.depth > _DEEPEST:
            raise TooDeep
        left = self._all()
        while self.token.kind == "or":
            self.truth(left)
            self.next()
            self.truth(self._all())
            left = Value(TEST, left.start)
        self.depth -= 1
        return left

    def _all(self) -> Value:
        left = self._one()
        while self.token.kind == "and":
            self.truth(left)
            self.next()
            self.truth(self._one())
            left = Value(TEST, left.start)
        return left

    def _one(self) -> Value:
        start = self.token.start
        negated = self.token.kind == "not"
        self.index += negated
        left = self._sum()
        if self.token.kind == "compare" and left.kind != TEST:
            self.next()
            if self._sum().kind == TEST:
                raise Invalid(start, "a condition in parentheses cannot be compared")
            left = Value(TEST, left.start)
        if negated:
            self.truth(left)
        return Value(TEST, start) if negated else left

    def _sum(self) -> Value:
        left = self._signed()
        while self.token.kind in ("sum", "product"):
            if left.kind not in MATHS:
                raise Invalid(self.token.start, "only numbers, paths and converters can be calculated with")
            self.next()
            right = self._signed()
            if right.kind not in MATHS:
                raise Invalid(right.start, "only numbers, paths and converters can be calculated with")
            left = Value(MATH, left.start)
        return left

    def _signed(self) -> Value:
        if self.token.kind != "sum":
            return self._primary()
        start = self.next().start
        found = self._primary()
        if found.kind not in MATHS or found.signed:
            raise Invalid(start, "only numbers, paths and converters can have a sign")
        kind = found.kind if found.kind in LITERALS.values() else MATH
        return Value(kind, start, found.text, signed=True)

    def _primary(self) -> Value:
        token = self.token
        if token.kind in LITERALS:
            return literal(self.next(), LITERALS[token.kind])
        if token.kind == "lower":
            return self._path()
        if token.kind == "upper":
            return self._upper()
        if token.text == "(":
            return self._lambda() or self._parentheses()
        if token.text == "[":
            return self._list()
        if token.text == "{":
            return self._map()
        raise self.unexpected("a value")

    def _parentheses(self) -> Value:
        start = self.next().start
        inside = self.either()
        if inside.kind not in (*MATHS, *TRUTHS):
            raise self.unexpected("a comparison")
        self.take(")")
        kind = CALL if inside.kind == CALL else TEST if inside.kind in TRUTHS else MATH
        return Value(kind, start)

    def _after_name(self) -> int:
        ahead = self.index
        while self.tokens[ahead].kind in ("upper", "lower"):
            ahead += 1
        return ahead

    def _name(self) -> str:
        start, self.index = self.index, self._after_name()
        return "".join(token.text for token in self.tokens[start : self.index])

    def call(self) -> Value:
        """Read a function with its arguments."""
        start = self.token.start
        name = self._name()
        self.take("(", f"`(` after the function '{name}'")
        arguments: list[tuple[str, Value]] = []
        while self.token.text != ")":
            if arguments:
                self.take(",", "`,` or `)`")
            arguments.append(self._argument())
        self.take(")")
        return Value(CALL, start, name, arguments)

    def _argument(self) -> tuple[str, Value]:
        if self.token.kind != "lower":
            return "", self.value()
        if self.tokens[self._after_name()].text != "=":
            return "", self.value()
        name = self._name()
        self.take("=")
        return name, self.value()

    def _upper(self) -> Value:
        token, ahead = self.token, self._after_name()
        if self.tokens[ahead].text == "(":
            found = self.call()
            self.used.calls.append(found)
            self._keys()
            return found
        kind = ENUM if ahead == self.index + 1 else NAME
        found = Value(kind, token.start, self._name())
        if kind == ENUM:
            self.used.enums.append(found)
        return found

    def _path(self) -> Value:
        first = self.token
        if self.tokens[self.index + 1].text == "(":
            fix = f"Write `{first.text[:1].upper()}{first.text[1:]}(…)`."
            raise Invalid(first.start, "a function that returns a value starts with an upper-case letter", fix)
        found = Value(PATH, first.start)
        while True:
            if self.token.kind != "lower":
                raise self.unexpected("a name in lower case")
            name = self.next().text
            found.steps.append((name, self._keys()))
            if self.token.text != ".":
                break
            self.next()
        found.text = ".".join(name for name, _keys in found.steps)
        if not any(found.steps[0][0] in scope for scope in self.scopes):
            self.used.paths.append(found)
        return found

    def _keys(self) -> bool:
        before = self.index
        while self.token.text == "[":
            self.next()
            if self.value().kind not in (*MATHS, STRING):
                raise Invalid(self.tokens[self.index - 1].start, "a key is a text or a number")
            self.take("]")
        return self.index > before

    def _list(self) -> Value:
        found = Value(LIST, self.next().start)
        while self.token.text != "]":
            if self.token.text == ",":
                self.next()
            found.arguments.append(("", self.value()))
        self.next()
        return found

    def _map(self) -> Value:
        found = Value(MAP, self.next().start)
        while self.token.text != "}":
            if self.token.kind != "string":
                raise self.unexpected("a key in quotes")
            literal(self.next(), STRING)
            self.take(":")
            self.value()
            if self.token.text == ",":
                self.next()
        self.next()
        return found

    def _lambda(self) -> Value | None:
        ahead = self.index + 1
        while self.tokens[ahead].kind in ("lower", "blank") or self.tokens[ahead].text == ",":
            ahead += 1
        if self.tokens[ahead].text != ")" or self.tokens[ahead + 1].kind != "arrow":
            return None
        found = Value(LAMBDA, self.token.start)
        self.used.lambdas.append(found)
        self.scopes.append({token.text for token in self.tokens[self.index + 1 : ahead]})
        self.index = ahead + 2
        self.either()
        self.scopes.pop()
        return found
