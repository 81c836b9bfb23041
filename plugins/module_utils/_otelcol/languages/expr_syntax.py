# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Expressions of log operators, parsed: what stands where it cannot, and the type of the whole.

Sources: the parser and the checker of github.com/expr-lang/expr. Expressions with predicates, pipes, maps, variables or
branches are not judged. Types are letters; `?` is known only at run time. Private.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
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
_NUMBERS = "if"
_NOT_JUDGED = frozenset(("#", "let", "if", "else", ";", "{", "}", "::", "|", "$env"))
_NUMBER = re.compile(r"(0[xX][\da-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|\d[\d_]*)\Z")
_DEEPEST = 40
_BINDS = {
    **dict.fromkeys(("or", "||"), 10),
    **dict.fromkeys(("and", "&&"), 15),
    **dict.fromkeys(("==", "!=", "in", *TEXTUAL, *COMPARES), 20),
    "..": 25,
    **dict.fromkeys("+-", 30),
    **dict.fromkeys("*/%", 60),
    **dict.fromkeys(("**", "^"), 100),
    "??": 500,
}
_UNARY = {"not": 50, "!": 50, "-": 90, "+": 90}


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


class Parser:
    """Reads the tokens of one expression; `end` is its length."""

    def __init__(self, tokens: Sequence[Token], end: int) -> None:
        if any(token.text in _NOT_JUDGED and token.kind != "text" for token in tokens):
            raise NotJudged
        self.tokens = [*tokens, Token("end", "", end)]
        self.index = self.depth = 0

    def type(self) -> str:
        """Return the type of the whole. Raises Invalid and NotJudged."""
        found = self._either()
        self._take("")
        return found

    @property
    def token(self) -> Token:
        return self.tokens[self.index]

    def _next(self) -> Token:
        self.index += 1
        return self.tokens[self.index - 1]

    def _is(self, *texts: str) -> bool:
        return self.token.text in texts and self.token.kind != "text"

    def _take(self, text: str) -> Token:
        if not self._is(text):
            raise self._unexpected()
        return self._next()

    def _unexpected(self) -> Invalid:
        what = f"`{self.token.text}` cannot stand here" if self.token.text else "something is missing at the end"
        return Invalid(self.token.start, what)

    def _either(self) -> str:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise NotJudged
        start, found = self.token.start, self._binary(0)
        if self._is("?"):
            if found not in (UNKNOWN, BOOL):
                raise Invalid(start, f"a condition is a truth value, not {SHOWN[found]}")
            self._next()
            if self._is(":"):
                raise NotJudged
            one = self._either()
            self._take(":")
            two = self._either()
            found = one if one == two else UNKNOWN
        self.depth -= 1
        return found

    def _binary(self, least: int) -> str:
        left, compared = self._signed(), False
        while True:
            after = self.tokens[self.index + 1] if self._is("not") else self.token
            binds = _BINDS.get(after.text, -1) if after.kind != "text" else -1
            if binds < least:
                return left
            if after.text in COMPARES and compared:
                raise NotJudged
            self.index += after is not self.token
            sign = self._next()
            right = self._binary(binds + (sign.text not in ("**", "^")))
            left, compared = result(sign, left, right), sign.text in COMPARES

    def _signed(self) -> str:
        if self.token.text not in _UNARY or self.token.kind == "text":
            return self._after(self._primary())
        sign = self._next()
        found = self._binary(_UNARY[sign.text])
        wanted = BOOL if sign.text in ("not", "!") else _NUMBERS
        if found not in (UNKNOWN, *wanted):
            raise Invalid(sign.start, f"`{sign.text}` takes {SHOWN[wanted[0]]}, not {SHOWN[found]}")
        return BOOL if wanted == BOOL else found

    def _primary(self) -> str:
        token = self._next()
        if token.kind == "text":
            return UNKNOWN if token.text[0] in "bB" else TEXT
        if token.text == "(":
            found = self._either()
            self._take(")")
            return found
        if token.text == "[":
            self._listed("]")
            return LIST
        if token.kind == "word" and token.text not in _BINDS:
            return self._word(token)
        self.index -= 1
        if token.text in (".", "?."):
            raise NotJudged
        raise self._unexpected()

    def _word(self, token: Token) -> str:
        if token.text[0].isdigit():
            return self._number(token)
        if self._is("("):
            self._next()
            return called(token, self._listed(")"))
        return {"true": BOOL, "false": BOOL, "nil": NIL}.get(token.text, UNKNOWN)

    def _number(self, token: Token) -> str:
        if not _NUMBER.match(token.text):
            raise NotJudged
        if not self._is("."):
            return INT
        self._next()
        if not self._next().text.isdigit():
            raise NotJudged
        return FLOAT

    def _listed(self, closing: str) -> list[tuple[int, str]]:
        found: list[tuple[int, str]] = []
        while not self._is(closing):
            if found:
                self._take(",")
                if self._is(closing):
                    break
            found.append((self.token.start, self._either()))
        self._next()
        return found

    def _after(self, base: str) -> str:
        """Read members, indexes and calls of a value."""
        while self._is(".", "?.", "[", "("):
            sign = self._next()
            if base != UNKNOWN:
                raise NotJudged
            if sign.text == "(":
                self._listed(")")
            elif sign.text == "[" or (sign.text == "?." and self._is("[")):
                self.index += sign.text != "["
                self._index()
            elif self._next().kind not in ("word", "text"):
                self.index -= 1
                raise self._unexpected()
        return base

    def _index(self) -> None:
        if not self._is(":"):
            self._either()
        if self._is(":"):
            self._next()
            if not self._is("]"):
                self._either()
        self._take("]")
