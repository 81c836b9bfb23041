# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which fields a record needs to meet a condition of OTTL, as the literals in the condition say.

`name == "a" or kind == SPAN_KIND_SERVER` is met with one of two alternatives: the fields `{("name",): "a"}`, or the
fields `{("kind",): "server"}`. A condition has none if its literals do not say one, as `Len(name) > 3`. An alternative
is a guess: only the Collector can say whether a record with these fields meets the condition. A field is a path in a
record of the short form, see records.py; record_fields.py finds the field that OTTL names. taking_fields.py and
policy_fields.py call this for proposed tests. Private.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from ..config.paths import Path
from ..languages.ottl_syntax import InvalidOttl, split_tokens
from ..otlp_requests import METRIC_KINDS
from .ottl_parts import (
    Tokens,
    UnknownPart,
    is_literal_tokens,
    read_called_function,
    read_literal_value,
    split_at_separators,
)
from .record_fields import find_field_of_path
from .records import SPAN_KINDS, STATUS_WORDS
from .regex_sample import make_sample_text

WantedFields = dict[Path, Any]
"""One alternative to meet a condition: the value that each field of a record must have."""
FIELD_ABSENT = object()
"""The value of a field that a record must not have."""
SAMPLE_TEXT = "text"
"""The value of a field that may have any text."""

# How many alternatives to meet a condition are tried.
_MOST_ALTERNATIVES = 8
# The words of the fields that take no other text, the plainest first.
_WORDS_OF_FIELDS: dict[Path, tuple[str, ...]] = {
    ("kind",): SPAN_KINDS[1:],
    ("status",): STATUS_WORDS,
    ("type",): METRIC_KINDS,
}


class _ComparisonSign(NamedTuple):
    """A sign of a comparison."""

    opposite: str
    """The sign that is true where this one is false: `<=` for `>`."""
    mirrored: str
    """The sign that says the same with the sides exchanged: `<` for `>`."""
    make_number: Callable[[Any], Any] | None = None
    """Returns a number for which the comparison with a given number is true: 4 for `> 3`."""


_COMPARISON_SIGNS = {
    "==": _ComparisonSign("!=", "=="),
    "!=": _ComparisonSign("==", "!="),
    ">": _ComparisonSign("<=", "<", lambda number: number + 1),
    "<": _ComparisonSign(">=", ">", lambda number: number - 1),
    ">=": _ComparisonSign("<", "<=", lambda number: number),
    "<=": _ComparisonSign(">", ">=", lambda number: number),
}


class _Comparison(NamedTuple):
    """A comparison of a field with the value of a literal, with the field before the sign."""

    field: Path
    sign: str
    value: Any

    def negate(self) -> _Comparison:
        """Return the comparison that is true where this one is false."""
        return self._replace(sign=_COMPARISON_SIGNS[self.sign].opposite)


class _FieldTest(NamedTuple):
    """A function of OTTL that tests a field."""

    make_sample: Callable[[Any], Any]
    """Returns a value that passes, given the literal behind the field, which is None if there is none."""
    passes: Callable[[str, str], bool] | None = None
    """Returns whether a text passes, given such a sample; None for tests of other values."""


_FIELD_TESTS = {
    # A text that has the sample of a regular expression counts as a match.
    "IsMatch": _FieldTest(lambda pattern: make_sample_text(str(pattern)), lambda text, sample: sample in text),
    "HasPrefix": _FieldTest(lambda text: text, str.startswith),
    "HasSuffix": _FieldTest(lambda text: text, str.endswith),
    "IsString": _FieldTest(lambda _nothing: SAMPLE_TEXT),
    "IsInt": _FieldTest(lambda _nothing: 1),
    "IsDouble": _FieldTest(lambda _nothing: 1.5),
    "IsBool": _FieldTest(lambda _nothing: True),
    "IsMap": _FieldTest(lambda _nothing: {"key": SAMPLE_TEXT}),
    "IsList": _FieldTest(lambda _nothing: [SAMPLE_TEXT]),
}
# What functions begin with that ask for an attribute by its key, such as `HasAttrKeyOnDatapoint("a")`.
_ATTRIBUTE_TEST_PREFIX = "HasAttr"
# Texts that may fail a test which `not SAMPLE` passes. The first is in few classes of characters.
_OTHER_TEXTS = ("~", SAMPLE_TEXT, "")


def find_fields_meeting(condition: str, context: str) -> list[WantedFields]:
    """Return the alternatives to meet a condition of a context such as `span`; none if its literals do not say one.

    An empty condition is met by every record.
    """
    try:
        tokens = split_tokens(condition)[:-1]
        return _find_for_or(tokens, context, is_negated=False)[:_MOST_ALTERNATIVES] if tokens else [{}]
    except (UnknownPart, InvalidOttl, TypeError, ValueError):
        return []


def combine_alternatives(
    alternatives: Iterable[WantedFields], other_alternatives: Sequence[WantedFields]
) -> list[WantedFields]:
    """Return each alternative of the first with each of the others, but for those that contradict each other.

    `[{("name",): "a"}]` and `[{("kind",): "server"}]` are together `[{("name",): "a", ("kind",): "server"}]`.
    """
    united = []
    for fields in alternatives:
        for other_fields in other_alternatives:
            if not _is_contradictory(fields, other_fields):
                united.append({**fields, **other_fields})
    return united


def _is_contradictory(fields: WantedFields, other_fields: WantedFields) -> bool:
    """Whether two alternatives want different values of the same field."""
    return any(path in fields and fields[path] != value for path, value in other_fields.items())


# In the functions below, `is_negated` asks for alternatives not to meet a part of a condition: `not` is before it.


def _find_for_or(tokens: Tokens, context: str, *, is_negated: bool) -> list[WantedFields]:
    """Return the alternatives for parts with `or` between them. A record fails the whole if it meets no part."""
    alternatives_of_parts = []
    for or_part in split_at_separators(tokens, ("or",)):
        alternatives_of_parts.append(_find_for_and(or_part, context, is_negated))
    return _combine_parts(alternatives_of_parts) if is_negated else _join_alternatives(alternatives_of_parts)


def _find_for_and(tokens: Tokens, context: str, is_negated: bool) -> list[WantedFields]:
    """Return the alternatives for parts with `and` between them. A record fails the whole if it fails one part."""
    alternatives_of_parts = []
    for and_part in split_at_separators(tokens, ("and",)):
        alternatives_of_parts.append(_find_for_part(and_part, context, is_negated))
    return _join_alternatives(alternatives_of_parts) if is_negated else _combine_parts(alternatives_of_parts)


def _join_alternatives(alternatives_of_parts: Sequence[list[WantedFields]]) -> list[WantedFields]:
    """Return the alternatives of all parts, one after the other."""
    alternatives: list[WantedFields] = []
    for alternatives_of_part in alternatives_of_parts:
        alternatives += alternatives_of_part
    return alternatives


def _combine_parts(alternatives_of_parts: Sequence[list[WantedFields]]) -> list[WantedFields]:
    """Return alternatives that each meet all parts, at most _MOST_ALTERNATIVES; all of a part that is alone."""
    if len(alternatives_of_parts) == 1:
        return alternatives_of_parts[0]
    alternatives: list[WantedFields] = [{}]
    for alternatives_of_part in alternatives_of_parts:
        alternatives = combine_alternatives(alternatives, alternatives_of_part)[:_MOST_ALTERNATIVES]
    return alternatives


def _find_for_part(tokens: Tokens, context: str, is_negated: bool) -> list[WantedFields]:
    """Return the alternatives for `not …`, a comparison, a condition in brackets, `true` or `false`, or a call."""
    if not tokens:
        raise UnknownPart
    first_token, last_token = tokens[0], tokens[-1]
    if first_token.kind == "not":
        return _find_for_part(tokens[1:], context, not is_negated)
    sides = split_at_separators(tokens, _COMPARISON_SIGNS)
    if len(sides) > 1:
        sign = tokens[len(sides[0])].text
        comparison = _read_comparison(sides[0], sign, sides[1], context)
        met_comparison = comparison.negate() if is_negated else comparison
        return [{comparison.field: _find_value_for(met_comparison)}]
    if first_token.text == "(" and last_token.text == ")":
        return _find_for_or(tokens[1:-1], context, is_negated=is_negated)
    if first_token.kind == "bool":
        is_met = (first_token.text == "true") is not is_negated
        return [{}] if is_met else []
    return [_find_fields_of_call(tokens, context, is_negated)]


def _read_comparison(left_tokens: Tokens, sign: str, right_tokens: Tokens, context: str) -> _Comparison:
    """Return a comparison. Raises UnknownPart if no side is a literal, or none a field."""
    if not left_tokens or not right_tokens:
        raise UnknownPart
    if is_literal_tokens(right_tokens):
        return _Comparison(find_field_of_path(left_tokens, context), sign, read_literal_value(right_tokens))
    return _Comparison(
        find_field_of_path(right_tokens, context), _COMPARISON_SIGNS[sign].mirrored, read_literal_value(left_tokens)
    )


def _find_value_for(comparison: _Comparison) -> Any:
    """Return a value for which a comparison is true. Raises TypeError for `<` and `>` with what is no number."""
    field, sign, value = comparison
    make_number = _COMPARISON_SIGNS[sign].make_number
    if make_number:
        return make_number(value)
    is_equal = sign == "=="
    if value is None:
        return FIELD_ABSENT if is_equal else SAMPLE_TEXT
    if field == ("kind",):
        value = str(value).lower()
    return value if is_equal else _choose_another_value(value, field)


def _choose_another_value(value: Any, field: Path) -> Any:
    """Return another value of the same type for a field."""
    if field in _WORDS_OF_FIELDS:
        return next(field_word for field_word in _WORDS_OF_FIELDS[field] if field_word != value)
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return value + 1
    return f"not {value}"


def _find_fields_of_call(tokens: Tokens, context: str, is_negated: bool) -> WantedFields:
    """Return the field for which a call is true. Raises UnknownPart for a function that is not in _FIELD_TESTS."""
    function_name, arguments = read_called_function(tokens)
    if function_name.startswith(_ATTRIBUTE_TEST_PREFIX):
        return _find_fields_of_attribute([read_literal_value(argument) for argument in arguments], is_negated)
    if function_name not in _FIELD_TESTS or not arguments:
        raise UnknownPart
    field_test = _FIELD_TESTS[function_name]
    literal = read_literal_value(arguments[1]) if len(arguments) > 1 else None
    sample = field_test.make_sample(literal)
    value = _find_failing_value(field_test, sample) if is_negated else sample
    return {find_field_of_path(arguments[0], context): value}


def _find_fields_of_attribute(literals: Sequence[Any], is_negated: bool) -> WantedFields:
    """Return an attribute by its key, and its value if one is given. Raises ValueError without a key."""
    key, *given_values = literals
    value = given_values[0] if given_values else SAMPLE_TEXT
    return {("attributes", key): FIELD_ABSENT if is_negated else value}


def _find_failing_value(field_test: _FieldTest, sample: Any) -> Any:
    """Return a value that fails a test which the sample passes. Raises UnknownPart if no text is found that does."""
    if field_test.passes is None:
        return 1 if isinstance(sample, str) else SAMPLE_TEXT  # a value of another type
    for text in (f"not {sample}", *_OTHER_TEXTS):
        if not field_test.passes(text, str(sample)):
            return text
    raise UnknownPart
