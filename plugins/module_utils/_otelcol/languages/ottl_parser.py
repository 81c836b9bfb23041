# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The grammar of the OpenTelemetry Transformation Language: tokens of a text become the names that it uses. Private.

ottl_reading.py reads whole statements and conditions with an `OttlParser`. ottl_syntax.py has the tokens and the
values.

A method reads what binds weakest and asks the next one for what stands between: `or`, then `and`, then `not` and
comparisons, then calculations, then a sign, then a single value. In `a == 1 and Len(b) > 2 or c == 3`, the `or` has a
condition with `and` on its left and the comparison `c == 3` on its right. `used` then has the call of `Len` and the
paths `a`, `b` and `c`.
"""

from __future__ import annotations

from .ottl_syntax import (
    InvalidOttl,
    NamedValue,
    OttlToken,
    PathStep,
    UsedNames,
    Value,
    ValueKind,
    find_wrong_escape,
    split_tokens,
)

# Integers have 64 bits with a sign.
_INTEGER_LIMIT = 2**63
# Texts of more digits are not even converted.
_MOST_DIGITS = 19
# Deeper than any statement; a deeper text is not judged.
_DEEPEST = 40
# What can be calculated with, and what a condition may be.
_CALCULABLE_KINDS = (ValueKind.PATH, ValueKind.CALL, ValueKind.INT, ValueKind.FLOAT, ValueKind.MATH)
_CONDITION_KINDS = (ValueKind.TEST, ValueKind.CALL, ValueKind.BOOL)
# What the kinds of tokens stand for.
_KIND_BY_TOKEN = {
    "string": ValueKind.STRING,
    "int": ValueKind.INT,
    "float": ValueKind.FLOAT,
    "bool": ValueKind.BOOL,
    "nil": ValueKind.NIL,
    "bytes": ValueKind.BYTES,
}


class TooDeep(Exception):  # noqa: N818 - a verdict, not a failure
    """A text that nests too deep to be judged."""


def _make_literal(token: OttlToken) -> Value:
    """Return a literal.

    Raises InvalidOttl for a text with a wrong escape, a number above 64 bits, or bytes with half a byte, such as
    `0xabc`.
    """
    value_kind = _KIND_BY_TOKEN[token.kind]
    if value_kind == ValueKind.STRING:
        _check_escapes(token)
    if value_kind == ValueKind.INT and (len(token.text) > _MOST_DIGITS or int(token.text) >= _INTEGER_LIMIT):
        raise InvalidOttl(token.start, "this number is too large")
    if value_kind == ValueKind.BYTES and len(token.text) % 2:
        raise InvalidOttl(token.start, "bytes need an even number of hexadecimal digits")
    return Value(value_kind, token.start, token.text)


def _check_escapes(token: OttlToken) -> None:
    """Raise InvalidOttl at the first escape of a text in quotes that Go does not know."""
    escape = find_wrong_escape(token.text)
    if escape:
        start = token.start + escape.start()
        raise InvalidOttl(start, f"`{escape[0]}` is no escape in a text", f"Write `\\{escape[0]}` for a backslash.")


def _check_calculable(value: Value, start: int) -> None:
    """Raise InvalidOttl with the place `start` if a value cannot stand beside `+`, `-`, `*` or `/`."""
    if value.kind not in _CALCULABLE_KINDS:
        raise InvalidOttl(start, "only numbers, paths and converters can be calculated with")


class OttlParser:
    """Reads one text; `used` holds what it uses. Its methods raise InvalidOttl and TooDeep.

    Each method reads what its name says from the token at `index` on, and leaves `index` at the token behind that.
    `depth` counts the values that are being read inside of each other. `scopes` has the parameters of each lambda
    around the token, the innermost last.
    """

    def __init__(self, text: str) -> None:
        self.tokens = split_tokens(text)
        self.index, self.depth = 0, 0
        self.used = UsedNames()
        self.scopes: list[set[str]] = []

    @property
    def token(self) -> OttlToken:
        """The token that is read next."""
        return self.tokens[self.index]

    def read_token(self) -> OttlToken:
        """Return the next token, and move behind it."""
        token = self.tokens[self.index]
        self.index += 1
        return token

    def describe_unexpected(self, expected: str) -> InvalidOttl:
        """Return the exception that says that something else should stand here; the caller raises it."""
        token = self.token
        actual = f"`{token.text}`" if token.text else "the end"
        fix = "Write `==`." if token.text == "=" else ""
        return InvalidOttl(token.start, f"{expected} should stand here, not {actual}", fix)

    def take(self, text: str, expected: str = "") -> OttlToken:
        """Read the token with this text. Raises InvalidOttl if another one stands here.

        `expected` is what the message asks for; empty if that is the text itself.
        """
        if self.token.text != text:
            raise self.describe_unexpected(expected or f"`{text}`")
        return self.read_token()

    def require_truth(self, value: Value) -> None:
        """Raise InvalidOttl if a value is no condition."""
        if value.kind not in _CONDITION_KINDS:
            raise self.describe_unexpected("a comparison, such as `== 1`,")

    def value(self) -> Value:
        """Read a value that is no condition."""
        value = self.read_value_or_condition()
        if value.kind == ValueKind.TEST:
            raise InvalidOttl(value.start, "a value should stand here, not a condition")
        return value

    def read_value_or_condition(self) -> Value:
        """Read a value or a condition: `or` binds less than `and`, and that less than `not` and comparisons."""
        self.depth += 1
        if self.depth > _DEEPEST:
            raise TooDeep
        left = self._read_conjunction()
        while self.token.kind == "or":
            self.require_truth(left)
            self.read_token()
            self.require_truth(self._read_conjunction())
            left = Value(ValueKind.TEST, left.start)
        self.depth -= 1
        return left

    def _read_conjunction(self) -> Value:
        """Read a value, or conditions with `and` between them."""
        left = self._read_comparison()
        while self.token.kind == "and":
            self.require_truth(left)
            self.read_token()
            self.require_truth(self._read_comparison())
            left = Value(ValueKind.TEST, left.start)
        return left

    def _read_comparison(self) -> Value:
        """Read a value or a comparison of two, and `not` before it."""
        start = self.token.start
        is_negated = self.token.kind == "not"
        if is_negated:
            self.read_token()
        left = self._read_calculation()
        if self.token.kind == "compare" and left.kind != ValueKind.TEST:
            self.read_token()
            if self._read_calculation().kind == ValueKind.TEST:
                raise InvalidOttl(start, "a condition in parentheses cannot be compared")
            left = Value(ValueKind.TEST, left.start)
        if not is_negated:
            return left
        self.require_truth(left)
        return Value(ValueKind.TEST, start)

    def _read_calculation(self) -> Value:
        """Read a value, or several with `+`, `-`, `*` and `/` between them.

        Nothing is calculated, so it does not matter here that `*` and `/` bind more than `+` and `-`.
        """
        left = self._read_signed_value()
        while self.token.kind in ("sum", "product"):
            _check_calculable(left, self.token.start)
            self.read_token()
            right = self._read_signed_value()
            _check_calculable(right, right.start)
            left = Value(ValueKind.MATH, left.start)
        return left

    def _read_signed_value(self) -> Value:
        """Read a value, and at most one sign before it: `-1` and `-Len(name)`, but not `--1`."""
        if self.token.kind != "sum":
            return self._single_value()
        start = self.read_token().start
        value = self._single_value()
        if value.kind not in _CALCULABLE_KINDS or value.has_sign:
            raise InvalidOttl(start, "only numbers, paths and converters can have a sign")
        is_literal = value.kind in _KIND_BY_TOKEN.values()
        value_kind = value.kind if is_literal else ValueKind.MATH
        return Value(value_kind, start, value.text, has_sign=True)

    def _single_value(self) -> Value:
        """Read a literal, path, call, enum, name, list, map or lambda, or what stands in parentheses."""
        token = self.token
        if token.kind in _KIND_BY_TOKEN:
            return _make_literal(self.read_token())
        if token.kind == "lower":
            return self._read_path()
        if token.kind == "upper":
            return self._read_call_enum_or_name()
        if token.text == "(":
            return self._read_lambda() or self._read_parentheses()
        if token.text == "[":
            return self._read_list()
        if token.text == "{":
            return self._read_map()
        raise self.describe_unexpected("a value")

    def _read_parentheses(self) -> Value:
        """Read a calculation or a condition in parentheses.

        A call in parentheses stays a CALL without its name and arguments, which are in `used`; everything else becomes
        a TEST or MATH.
        """
        start = self.read_token().start
        inner_value = self.read_value_or_condition()
        if inner_value.kind not in (*_CALCULABLE_KINDS, *_CONDITION_KINDS):
            raise self.describe_unexpected("a comparison")
        self.take(")")
        if inner_value.kind == ValueKind.CALL:
            return Value(ValueKind.CALL, start)
        return Value(ValueKind.TEST if inner_value.kind in _CONDITION_KINDS else ValueKind.MATH, start)

    def _find_name_end(self) -> int:
        """Return the index of the token behind a name. A name has a token for each run of one case: `Is` has two."""
        end = self.index
        while self.tokens[end].kind in ("upper", "lower"):
            end += 1
        return end

    def _read_name(self) -> str:
        """Read the name of a function, enum or argument."""
        start, end = self.index, self._find_name_end()
        self.index = end
        return "".join(token.text for token in self.tokens[start:end])

    def call(self) -> Value:
        """Read a function with its arguments."""
        start = self.token.start
        name = self._read_name()
        self.take("(", f"`(` after the function '{name}'")
        arguments: list[NamedValue] = []
        while self.token.text != ")":
            if arguments:
                self.take(",", "`,` or `)`")
            arguments.append(self._read_argument())
        self.take(")")
        return Value(ValueKind.CALL, start, name, arguments)

    def _read_argument(self) -> NamedValue:
        """Read `VALUE` or `NAME = VALUE`."""
        has_name = self.token.kind == "lower" and self.tokens[self._find_name_end()].text == "="
        if not has_name:
            return NamedValue("", self.value())
        name = self._read_name()
        self.take("=")
        return NamedValue(name, self.value())

    def _read_call_enum_or_name(self) -> Value:
        """Read what begins in upper case: a call with its keys, an enum, or the name of a function.

        `(` follows the name of a call. Otherwise, all capitals are an enum such as `SPAN_KIND_SERVER`, and any other
        name is that of a function which is an argument. A function in all capitals, such as `SHA256`, is an ENUM here,
        and ottl_judge.py knows which enums are arguments that name functions.
        """
        start, end = self.token.start, self._find_name_end()
        if self.tokens[end].text == "(":
            call = self.call()
            self.used.calls.append(call)
            self._read_keys()
            return call
        has_one_token = end == self.index + 1
        if not has_one_token:  # enums have no small letters
            return Value(ValueKind.NAME, start, self._read_name())
        enum = Value(ValueKind.ENUM, start, self._read_name())
        self.used.enums.append(enum)
        return enum

    def _read_path(self) -> Value:
        """Read names with dots between them, each with its keys."""
        first_token = self.token
        if self.tokens[self.index + 1].text == "(":
            fix = f"Write `{first_token.text[:1].upper()}{first_token.text[1:]}(…)`."
            raise InvalidOttl(
                first_token.start, "a function that returns a value starts with an upper-case letter", fix
            )
        path = Value(ValueKind.PATH, first_token.start)
        path.steps.append(self._read_step())
        while self.token.text == ".":
            self.read_token()
            path.steps.append(self._read_step())
        path.text = ".".join(step.name for step in path.steps)
        is_parameter = any(first_token.text in parameters for parameters in self.scopes)
        if not is_parameter:
            self.used.paths.append(path)
        return path

    def _read_step(self) -> PathStep:
        """Read a name of a path with its keys."""
        if self.token.kind != "lower":
            raise self.describe_unexpected("a name in lower case")
        name = self.read_token().text
        return PathStep(name, self._read_keys())

    def _read_keys(self) -> bool:
        """Read keys in brackets, such as `["a"][0]`; return whether there are any."""
        start_index = self.index
        while self.token.text == "[":
            self.read_token()
            key = self.value()
            if key.kind not in (*_CALCULABLE_KINDS, ValueKind.STRING):
                last_token = self.tokens[self.index - 1]
                raise InvalidOttl(last_token.start, "a key is a text or a number")
            self.take("]")
        return self.index > start_index

    def _read_list(self) -> Value:
        """Read `[VALUE, …]`; the grammar lets commas out."""
        values = Value(ValueKind.LIST, self.read_token().start)
        while self.token.text != "]":
            if self.token.text == ",":
                self.read_token()
            values.arguments.append(NamedValue("", self.value()))
        self.read_token()
        return values

    def _read_map(self) -> Value:
        """Read `{"KEY": VALUE, …}`; the grammar lets commas out."""
        entries = Value(ValueKind.MAP, self.read_token().start)
        while self.token.text != "}":
            if self.token.kind != "string":
                raise self.describe_unexpected("a key in quotes")
            _check_escapes(self.read_token())
            self.take(":")
            self.value()
            if self.token.text == ",":
                self.read_token()
        self.read_token()
        return entries

    def _read_lambda(self) -> Value | None:
        """Read `(NAME, …) => VALUE`; return None and read nothing if none begins here."""
        first_index = end_index = self.index + 1
        while self.tokens[end_index].kind in ("lower", "blank") or self.tokens[end_index].text == ",":
            end_index += 1
        if self.tokens[end_index].text != ")" or self.tokens[end_index + 1].kind != "arrow":
            return None
        value = Value(ValueKind.LAMBDA, self.token.start)
        self.used.lambdas.append(value)
        self.scopes.append({token.text for token in self.tokens[first_index:end_index]})
        self.index = end_index + 2
        self.read_value_or_condition()
        self.scopes.pop()
        return value
