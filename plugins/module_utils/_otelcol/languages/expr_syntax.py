# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Expressions of log operators, parsed: what stands where it cannot, and the type of the whole. Private.

expr.py makes the tokens and calls `ExpressionParser`. Of `len(attributes.a) > 3`, the type is `BOOL`; `"a" + 1` raises
InvalidExpression, since `+` takes two values of a type. Expressions with predicates, pipes, maps, variables or `if`
raise NotJudged: whether they are compiled is not known here.

A type is a letter, such as `i` for a whole number. A text of several letters means one of these types, and `?` a type
that is known only at run time. Sources: the parser and the checker of github.com/expr-lang/expr.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

# ── Types ──

UNKNOWN = "?"
BOOL = "b"
INT = "i"
FLOAT = "f"
TEXT = "s"
LIST = "l"
NIL = "n"
_TIME = "t"
_SPAN = "d"
# Types that are one of several.
_NUMBERS = INT + FLOAT
_TIMES = _TIME + _SPAN
TYPES_IN_WORDS = {
    BOOL: "a truth value",
    INT: "a number",
    FLOAT: "a number",
    TEXT: "text",
    LIST: "a list",
    NIL: "nil",
    _TIME: "a time",
    _SPAN: "a time",
}
# Values of two types are never equal; numbers of both kinds may be. Other types than these are not compared.
_COMPARED_TYPES = {BOOL: BOOL, INT: INT, FLOAT: INT, TEXT: TEXT, LIST: LIST}


# ── Operators ──


class _Operator(NamedTuple):
    """What an operator takes, and what it makes."""

    operand_types: str
    """The types that both sides may have."""
    result_type: str
    """The type of the result; empty for the type of its sides."""


TEXT_OPERATORS = ("matches", "contains", "startsWith", "endsWith")
COMPARISONS = ("<", ">", "<=", ">=")
_EQUALITIES = ("==", "!=")
_POWERS = ("**", "^")
_NEGATIONS = ("not", "!")
_OPERATORS = {
    **dict.fromkeys(("or", "||", "and", "&&"), _Operator(BOOL, BOOL)),
    **dict.fromkeys(COMPARISONS, _Operator(_NUMBERS + TEXT + _TIMES, BOOL)),
    **dict.fromkeys(TEXT_OPERATORS, _Operator(TEXT, BOOL)),
    "+": _Operator(_NUMBERS + TEXT + _TIMES, ""),
    "-": _Operator(_NUMBERS + _TIMES, ""),
    "*": _Operator(_NUMBERS + _SPAN, ""),
    "/": _Operator(_NUMBERS, FLOAT),
    **dict.fromkeys(_POWERS, _Operator(_NUMBERS, FLOAT)),
    "%": _Operator(INT, INT),
    "..": _Operator(INT, LIST),
}


# ── Functions ──


class _Function(NamedTuple):
    """What a function takes and returns."""

    required_types: tuple[str, ...]
    """The types that each argument may have."""
    optional_types: tuple[str, ...]
    """The same for arguments that can be left out, which come behind the others."""
    result_type: str


_ANY_TYPE = "".join(TYPES_IN_WORDS)
_FUNCTIONS = {
    **dict.fromkeys(("upper", "lower", "toBase64", "fromBase64"), _Function((TEXT,), (), TEXT)),
    **dict.fromkeys(("trim", "trimPrefix", "trimSuffix"), _Function((TEXT,), (TEXT,), TEXT)),
    **dict.fromkeys(("split", "splitAfter"), _Function((TEXT, TEXT), (INT,), LIST)),
    **dict.fromkeys(("indexOf", "lastIndexOf"), _Function((TEXT, TEXT), (), INT)),
    **dict.fromkeys(("hasPrefix", "hasSuffix"), _Function((TEXT, TEXT), (), BOOL)),
    **dict.fromkeys(("ceil", "floor", "round"), _Function((_NUMBERS + NIL,), (), FLOAT)),
    **dict.fromkeys(("reverse", "uniq", "flatten"), _Function((LIST + NIL,), (), LIST)),
    **dict.fromkeys(("string", "type", "toJSON"), _Function((_ANY_TYPE,), (), TEXT)),
    **dict.fromkeys(("keys", "values"), _Function((UNKNOWN,), (), LIST)),
    "len": _Function((TEXT + LIST,), (), INT),
    "abs": _Function((_NUMBERS + NIL,), (), UNKNOWN),
    "int": _Function((_NUMBERS + TEXT + NIL,), (), INT),
    "float": _Function((_NUMBERS + TEXT + NIL,), (), FLOAT),
    "replace": _Function((TEXT, TEXT, TEXT), (INT,), TEXT),
    "repeat": _Function((TEXT, INT), (), TEXT),
    "join": _Function((LIST,), (TEXT,), TEXT),
    "fromJSON": _Function((TEXT,), (), UNKNOWN),
    "duration": _Function((TEXT,), (), _SPAN),
    "take": _Function((LIST + NIL, INT + NIL), (), LIST),
}
_CONSTANTS = {"true": BOOL, "false": BOOL, "nil": NIL}

# ── What the parser knows ──

# Words and signs of parts of the language that are not read here.
_NOT_JUDGED = frozenset(("#", "let", "if", "else", ";", "{", "}", "::", "|", "$env"))
# The whole of an integer, or the digits of a number before its point: `0x1f`, `1_000`.
_NUMBER = re.compile(r"(0[xX][\da-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|\d[\d_]*)\Z")
# Deeper than any expression; a deeper one is not judged.
_DEEPEST = 40
# How strongly operators bind: between two values, and before one.
_STRENGTHS = {
    **dict.fromkeys(("or", "||"), 10),
    **dict.fromkeys(("and", "&&"), 15),
    **dict.fromkeys((*_EQUALITIES, "in", *TEXT_OPERATORS, *COMPARISONS), 20),
    "..": 25,
    **dict.fromkeys("+-", 30),
    **dict.fromkeys("*/%", 60),
    **dict.fromkeys(_POWERS, 100),
    "??": 500,
}
_UNARY_STRENGTHS = {"not": 50, "!": 50, "-": 90, "+": 90}
_NO_OPERATOR = -1


class InvalidExpression(Exception):  # noqa: N818 - a verdict, not a failure
    """Where an expression is wrong, and why."""

    def __init__(self, start: int, why: str) -> None:
        self.start, self.why = start, why
        super().__init__(why)


class NotJudged(Exception):  # noqa: N818 - a verdict, not a failure
    """An expression that uses more of the language than is read here."""


class ExpressionToken(NamedTuple):
    """A token of an expression."""

    kind: str
    """`text`, `word`, `bracket` or `sign`; `end` for the token behind the last one."""
    text: str
    start: int
    """The number of its first character, from 0."""


class _Argument(NamedTuple):
    """An argument of a call: where it begins, and its type."""

    start: int
    type: str


class ExpressionParser:
    """Reads the tokens of one expression. Its methods raise InvalidExpression and NotJudged.

    Each method reads what its name says from the token at `index` on, leaves `index` behind it, and returns its type.
    """

    def __init__(self, tokens: Sequence[ExpressionToken], expression_length: int) -> None:
        if any(token.text in _NOT_JUDGED and token.kind != "text" for token in tokens):
            raise NotJudged
        self.tokens = [*tokens, ExpressionToken("end", "", expression_length)]
        self.index = self.depth = 0

    def read_whole_type(self) -> str:
        """Return the type of the whole."""
        value_type = self._read_choice()
        self._read_expected("")
        return value_type

    @property
    def token(self) -> ExpressionToken:
        return self.tokens[self.index]

    def _read_token(self) -> ExpressionToken:
        """Return the token, and go to the next one."""
        token = self.tokens[self.index]
        self.index += 1
        return token

    def _stands_at(self, *texts: str) -> bool:
        """Whether the token is one of these words and signs; in quotes, they are text."""
        return self.token.text in texts and self.token.kind != "text"

    def _read_expected(self, text: str) -> ExpressionToken:
        """Read a token that has to stand here."""
        if not self._stands_at(text):
            raise self._describe_unexpected()
        return self._read_token()

    def _describe_unexpected(self) -> InvalidExpression:
        if not self.token.text:
            return InvalidExpression(self.token.start, "something is missing at the end")
        return InvalidExpression(self.token.start, f"`{self.token.text}` cannot stand here")

    def _go_deeper(self) -> None:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise NotJudged

    def _read_choice(self) -> str:
        """Read a value, or `CONDITION ? VALUE : VALUE`."""
        self._go_deeper()
        start = self.token.start
        value_type = self._read_operation(0)
        if self._stands_at("?"):
            if value_type not in (UNKNOWN, BOOL):
                raise InvalidExpression(start, f"a condition is a truth value, not {TYPES_IN_WORDS[value_type]}")
            value_type = self._read_branches()
        self.depth -= 1
        return value_type

    def _read_branches(self) -> str:
        """Read `? VALUE : VALUE`; two branches of different types have none that is known."""
        self._read_expected("?")
        if self._stands_at(":"):  # `a ?: b`
            raise NotJudged
        if_true = self._read_choice()
        self._read_expected(":")
        if_false = self._read_choice()
        return if_true if if_true == if_false else UNKNOWN

    def _read_operation(self, least_strength: int) -> str:
        """Read a value, and each operator behind it whose strength is at least this, with its right side.

        This is precedence climbing: `a + b * c` reads `b * c` first, since `*` is stronger than `+`.
        """
        left_type = self._read_operand()
        is_compared = False
        while True:
            is_negated = self._stands_at("not")  # `a not in b`
            operator = self.tokens[self.index + 1] if is_negated else self.token
            strength = _binding_strength(operator)
            if strength < least_strength:
                return left_type
            if is_compared and operator.text in COMPARISONS:  # `a < b < c`
                raise NotJudged
            if is_negated:
                self._read_token()
            sign = self._read_token()
            right_type = self._read_right_side(sign, strength)
            left_type = _infer_operator_type(sign, left_type, right_type)
            is_compared = sign.text in COMPARISONS

    def _read_right_side(self, sign: ExpressionToken, strength: int) -> str:
        """Read what an operator binds on its right; powers bind others, so `a ** b ** c` is `a ** (b ** c)`."""
        if sign.text in _POWERS:
            return self._read_nested_operation(strength)
        return self._read_operation(strength + 1)

    def _read_nested_operation(self, least_strength: int) -> str:
        """Read an operation of a level of its own: signs and powers nest without parentheses."""
        self._go_deeper()
        value_type = self._read_operation(least_strength)
        self.depth -= 1
        return value_type

    def _read_operand(self) -> str:
        """Read a value with what stands before and behind it: a sign or `not`, members, indexes and calls."""
        sign = self.token
        if sign.text not in _UNARY_STRENGTHS or sign.kind == "text":
            return self._read_members(self._single_value())
        self._read_token()
        operand_type = self._read_nested_operation(_UNARY_STRENGTHS[sign.text])
        if sign.text in _NEGATIONS:
            _check_operand(sign, operand_type, BOOL)
            return BOOL
        _check_operand(sign, operand_type, _NUMBERS)
        return operand_type

    def _single_value(self) -> str:
        """Read a text, number, name, call or list, or what stands in parentheses."""
        token = self.token
        if token.kind == "text":
            self._read_token()
            is_bytes = token.text[0] in "bB"
            return UNKNOWN if is_bytes else TEXT
        if token.text == "(":
            self._read_token()
            value_type = self._read_choice()
            self._read_expected(")")
            return value_type
        if token.text == "[":
            self._read_token()
            self._read_values_until("]")
            return LIST
        if token.kind == "word" and token.text not in _STRENGTHS:
            return self._read_word()
        if token.text in (".", "?."):  # a member of what a predicate looks at
            raise NotJudged
        raise self._describe_unexpected()

    def _read_word(self) -> str:
        """Read a number, a call, a constant or a variable."""
        word = self._read_token()
        if word.text[0].isdigit():
            return self._read_number(word)
        if self._stands_at("("):
            self._read_token()
            return _infer_return_type(word, self._read_values_until(")"))
        return _CONSTANTS.get(word.text, UNKNOWN)

    def _read_number(self, word: ExpressionToken) -> str:
        """Read the rest of a number behind its first digits."""
        if not _NUMBER.match(word.text):
            raise NotJudged
        if not self._stands_at("."):
            return INT
        self._read_token()
        if not self._read_token().text.isdigit():
            raise NotJudged
        return FLOAT

    def _read_values_until(self, closing: str) -> list[_Argument]:
        """Read values with commas between them, and the bracket behind them; a comma may stand before it."""
        values: list[_Argument] = []
        while not self._stands_at(closing):
            if values:
                self._read_expected(",")
                if self._stands_at(closing):
                    break
            values.append(_Argument(self.token.start, self._read_choice()))
        self._read_token()
        return values

    def _read_members(self, base_type: str) -> str:
        """Read members, indexes and calls behind a value, such as `.a`, `[0]` and `()`; their types are not known."""
        while self._stands_at(".", "?.", "[", "("):
            if base_type != UNKNOWN:
                raise NotJudged
            sign = self._read_token()
            if sign.text == "(":
                self._read_values_until(")")
            elif sign.text == "[":
                self._read_index_or_slice()
            elif sign.text == "?." and self._stands_at("["):
                self._read_token()
                self._read_index_or_slice()
            elif self.token.kind in ("word", "text"):
                self._read_token()
            else:
                raise self._describe_unexpected()
        return base_type

    def _read_index_or_slice(self) -> None:
        """Read `VALUE]`, `FROM:TO]`, `FROM:]` or `:TO]`."""
        if not self._stands_at(":"):
            self._read_choice()
        if self._stands_at(":"):
            self._read_token()
            if not self._stands_at("]"):
                self._read_choice()
        self._read_expected("]")


def _binding_strength(token: ExpressionToken) -> int:
    """Return the strength of an operator between two values; `_NO_OPERATOR`, below all, for another token."""
    return _NO_OPERATOR if token.kind == "text" else _STRENGTHS.get(token.text, _NO_OPERATOR)


# ── Types of results ──


def _infer_operator_type(sign: ExpressionToken, left_type: str, right_type: str) -> str:
    """Return the type of the result of an operator. Raises InvalidExpression if it takes no values of these types."""
    if sign.text in _EQUALITIES:
        _check_same_type(sign, left_type, right_type)
        return BOOL
    if sign.text == "in":
        _check_container(sign, left_type, right_type)
        return BOOL
    if sign.text == "??":
        return UNKNOWN
    operator = _OPERATORS[sign.text]
    _check_operand(sign, left_type, operator.operand_types)
    _check_operand(sign, right_type, operator.operand_types)
    _check_same_type(sign, left_type, right_type)
    if operator.result_type:
        return operator.result_type
    return left_type if left_type == right_type else UNKNOWN


def _check_operand(sign: ExpressionToken, operand_type: str, taken_types: str) -> None:
    """Raise InvalidExpression if an operator takes no operand of this type."""
    if operand_type != UNKNOWN and operand_type not in taken_types:
        raise InvalidExpression(
            sign.start, f"`{sign.text}` takes {TYPES_IN_WORDS[taken_types[0]]}, not {TYPES_IN_WORDS[operand_type]}"
        )


def _check_same_type(sign: ExpressionToken, left_type: str, right_type: str) -> None:
    """Raise InvalidExpression if the types of both sides are known and differ; integers and floats count as one."""
    left_kind, right_kind = _COMPARED_TYPES.get(left_type), _COMPARED_TYPES.get(right_type)
    if left_kind and right_kind and left_kind != right_kind:
        raise InvalidExpression(
            sign.start,
            f"`{sign.text}` takes two values of a type, not {TYPES_IN_WORDS[left_type]} and"
            f" {TYPES_IN_WORDS[right_type]}",
        )


def _check_container(sign: ExpressionToken, left_type: str, right_type: str) -> None:
    """Raise InvalidExpression if the right side of `in` is a value that contains nothing."""
    may_contain = right_type in (UNKNOWN, LIST, NIL)
    may_be_in_text = right_type == TEXT and left_type == UNKNOWN
    if not may_contain and not may_be_in_text:
        raise InvalidExpression(sign.start, f"`in` looks into a list or a map, not into {TYPES_IN_WORDS[right_type]}")


def _infer_return_type(function_name: ExpressionToken, arguments: Sequence[_Argument]) -> str:
    """Return the type of what a function returns, unknown for one not in the table. Raises InvalidExpression."""
    function = _FUNCTIONS.get(function_name.text)
    if function is None:
        return UNKNOWN
    parameter_types = (*function.required_types, *function.optional_types)
    least_count, most_count = len(function.required_types), len(parameter_types)
    if not least_count <= len(arguments) <= most_count:
        counts = str(least_count) if least_count == most_count else f"{least_count} to {most_count}"
        raise InvalidExpression(
            function_name.start, f"`{function_name.text}` takes {counts} values, not {len(arguments)}"
        )
    for argument, parameter_type in zip(arguments, parameter_types, strict=False):
        is_judged = UNKNOWN not in (parameter_type, argument.type)
        if is_judged and argument.type not in parameter_type:
            raise InvalidExpression(
                argument.start,
                f"`{function_name.text}` takes {TYPES_IN_WORDS[parameter_type[0]]} here, not"
                f" {TYPES_IN_WORDS[argument.type]}",
            )
    return function.result_type
