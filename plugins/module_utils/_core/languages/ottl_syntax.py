# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The grammar of the OpenTelemetry Transformation Language: a text becomes the calls, paths and enums that it uses.

One pass without backtracking. Source: LANGUAGE.md of pkg/ottl; it did not change from 0.155 to 0.159. Private.
"""

from __future__ import annotations

from . import ottl_tokens as words
from .ottl_tokens import MATHS, TRUTHS, Invalid, Token, Value

# Deeper than any statement; a deeper text is not judged.
_DEEPEST = 40


class Parser:
    """Reads one text; `used` holds what it uses."""

    def __init__(self, text: str) -> None:
        self.tokens = words.tokens_of(text)
        self.index, self.depth = 0, 0
        self.used = words.Used()
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
        if found.kind == words.TEST:
            raise Invalid(found.start, "a value should stand here, not a condition")
        return found

    def either(self) -> Value:
        """Read a value or a condition: `or` binds less than `and`, and that less than `not` and comparisons."""
        self.depth += 1
        if self.depth > _DEEPEST:
            raise words.TooDeep
        left = self._all()
        while self.token.kind == "or":
            self.truth(left)
            self.next()
            self.truth(self._all())
            left = Value(words.TEST, left.start)
        self.depth -= 1
        return left

    def _all(self) -> Value:
        left = self._one()
        while self.token.kind == "and":
            self.truth(left)
            self.next()
            self.truth(self._one())
            left = Value(words.TEST, left.start)
        return left

    def _one(self) -> Value:
        start = self.token.start
        negated = self.token.kind == "not"
        self.index += negated
        left = self._sum()
        if self.token.kind == "compare" and left.kind != words.TEST:
            self.next()
            if self._sum().kind == words.TEST:
                raise Invalid(start, "a condition in parentheses cannot be compared")
            left = Value(words.TEST, left.start)
        if negated:
            self.truth(left)
        return Value(words.TEST, start) if negated else left

    def _sum(self) -> Value:
        left = self._signed()
        while self.token.kind in ("sum", "product"):
            if left.kind not in MATHS:
                raise Invalid(self.token.start, "only numbers, paths and converters can be calculated with")
            self.next()
            right = self._signed()
            if right.kind not in MATHS:
                raise Invalid(right.start, "only numbers, paths and converters can be calculated with")
            left = Value(words.MATH, left.start)
        return left

    def _signed(self) -> Value:
        if self.token.kind != "sum":
            return self._primary()
        start = self.next().start
        found = self._primary()
        if found.kind not in MATHS or found.signed:
            raise Invalid(start, "only numbers, paths and converters can have a sign")
        kind = found.kind if found.kind in words.LITERALS.values() else words.MATH
        return Value(kind, start, found.text, signed=True)

    def _primary(self) -> Value:
        token = self.token
        if token.kind in words.LITERALS:
            return words.literal(self.next(), words.LITERALS[token.kind])
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
        kind = words.CALL if inside.kind == words.CALL else words.TEST if inside.kind in TRUTHS else words.MATH
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
        return Value(words.CALL, start, name, arguments)

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
        kind = words.ENUM if ahead == self.index + 1 else words.NAME
        found = Value(kind, token.start, self._name())
        if kind == words.ENUM:
            self.used.enums.append(found)
        return found

    def _path(self) -> Value:
        first = self.token
        if self.tokens[self.index + 1].text == "(":
            fix = f"Write `{first.text[:1].upper()}{first.text[1:]}(…)`."
            raise Invalid(first.start, "a function that returns a value starts with an upper-case letter", fix)
        found = Value(words.PATH, first.start)
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
            if self.value().kind not in (*MATHS, words.STRING):
                raise Invalid(self.tokens[self.index - 1].start, "a key is a text or a number")
            self.take("]")
        return self.index > before

    def _list(self) -> Value:
        found = Value(words.LIST, self.next().start)
        while self.token.text != "]":
            if self.token.text == ",":
                self.next()
            found.arguments.append(("", self.value()))
        self.next()
        return found

    def _map(self) -> Value:
        found = Value(words.MAP, self.next().start)
        while self.token.text != "}":
            if self.token.kind != "string":
                raise self.unexpected("a key in quotes")
            words.literal(self.next(), words.STRING)
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
        found = Value(words.LAMBDA, self.token.start)
        self.used.lambdas.append(found)
        self.scopes.append({token.text for token in self.tokens[self.index + 1 : ahead]})
        self.index = ahead + 2
        self.either()
        self.scopes.pop()
        return found
