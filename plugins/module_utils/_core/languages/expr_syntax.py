# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Expressions of log operators, parsed: what stands where it cannot, and the type of the whole.

Source: the parser of github.com/expr-lang/expr. Expressions with predicates, pipes, maps, variables or branches are not
judged. Private.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from .expr_types import (
    BOOL,
    COMPARES,
    FLOAT,
    INT,
    LIST,
    NIL,
    SHOWN,
    TEXT,
    TEXTUAL,
    UNKNOWN,
    Invalid,
    NotJudged,
    Token,
    called,
    result,
)

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
