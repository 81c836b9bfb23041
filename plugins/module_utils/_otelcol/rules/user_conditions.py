# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The conditions of users' own rules: one row of a table each. Private.

A rule gives each condition an operand, such as `{like: ["acme-*"]}` or `{at_least: 30s}`. `read_condition` reads it,
and `UserCondition.holds` compares it with the value at a place of a config. The answer is True, False, or None if it
cannot be decided, because a variable has the value and is not known. Literals are the values of variables that are
known.

| condition | value | answer |
|---|---|---|
| `{like: ["acme-*"]}` | `acme-eu` | True |
| `{at_least: 30s}` | `10s` | False |
| `{at_least: 30s}` | `${env:INTERVAL}` | None; the answer for its value if `INTERVAL` is a literal |

Text is compared with patterns (`*`, `?`) and never with regular expressions, so that each condition takes linear time.
`MISSING` stands for a value that is not there. docs/own_rules.md lists the conditions.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from ..config.addresses import parse_destination
from ..config.variable_references import replace_references
from ..errors import Problem, suggest_word
from ..needs.quantities import UNITS_OF_GO, parse_duration
from ..yaml.go_scalars import read_plain_scalar
from .user_paths import MISSING, Wildcard, read_wildcard

# The key beside conditions that allows a missing value.
OPTIONAL_KEY = "optional"
# The patterns of a condition, and the characters of each, at most.
_MOST_PATTERNS = 1_000
_LONGEST_PATTERN = 300
# The scheme of a Unix socket, as in `unix:///run/otel.sock`.
_SOCKET_SCHEME = "unix"
# A value that is one variable and nothing else, such as `${env:PORT}`.
_WHOLE_REFERENCE = re.compile(r"\$\{[^${}]{1,256}\}")
# What is left in a text in which the Collector replaces more variables than are known here.
_UNKNOWN_REFERENCE = "${"
# A whole duration such as `1h30m`, and a whole number such as `-1.5`; texts of such form are compared as amounts.
_DURATION = re.compile(r"(?:\d{1,18}(?:\.\d{1,9})?(?:" + UNITS_OF_GO + r"))+", re.ASCII)
_NUMBER = re.compile(r"-?\d{1,18}(?:\.\d{1,9})?", re.ASCII)

Patterns = tuple[Wildcard, ...]
ValueTest = Callable[[Any, Any], "bool | None"]
"""Gets a value and the operand, and returns whether the value meets the condition; None if it cannot be decided."""


@dataclass(frozen=True)
class ConditionKind:
    """A row of the table of conditions."""

    read_operand: Callable[[Any], Any]
    """Returns the operand as `is_met` takes it. Raises Problem for a wrong one."""
    is_met: ValueTest
    is_met_if_missing: bool = False
    """The answer for a value that is not there."""
    sees_variables: bool = False
    """Whether it judges the text as it is written, with `${…}` in it."""


class MeasuredValue(NamedTuple):
    """A number, or the seconds of a duration; `unit` is `number` or `duration`."""

    amount: float
    unit: str


def _read_switch(operand: Any) -> bool:
    """Return true or false. Raises Problem for any other value."""
    if not isinstance(operand, bool):
        raise Problem("this must be true or false", fix="Write `true` or `false`.")
    return operand


def _read_scalar(operand: Any) -> Any:
    """Return one value. Raises Problem for a list or a mapping."""
    if isinstance(operand, (dict, list)):
        raise Problem("this must be a text, a number, true, false or null", fix="Write one value.")
    return operand


def _read_patterns(operand: Any) -> Patterns:
    """Return the patterns of a text or of a list of texts. Raises Problem for anything else, and for too many."""
    texts = operand if isinstance(operand, list) else [operand]
    if not texts or not all(isinstance(text, str) and text for text in texts):
        raise Problem("this must be a text or a list of texts", fix="Write texts; `*` in them is any text.")
    if len(texts) > _MOST_PATTERNS or max(map(len, texts)) > _LONGEST_PATTERN:
        problem = f"this has more than {_MOST_PATTERNS} texts, or one with more than {_LONGEST_PATTERN} characters"
        raise Problem(problem, fix="Split the rule.")
    return tuple(read_wildcard(text) for text in texts)


def _read_limit(operand: Any) -> MeasuredValue:
    """Return a number or a duration. Raises Problem for anything else."""
    measured = _measure_value(operand)
    if measured is None or not math.isfinite(measured.amount):
        raise Problem("this must be a number or a duration such as 30s", fix="Write a number or a duration.")
    return measured


def _measure_number(number: int | float) -> MeasuredValue | None:
    """Return a number; None for an integer that is larger than any float."""
    try:
        return MeasuredValue(float(number), "number")
    except OverflowError:
        return None


def _measure_value(value: Any) -> MeasuredValue | None:
    """Return a number or the seconds of a duration; None for any other value."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _measure_number(value)
    if not isinstance(value, str):
        return None
    if _NUMBER.fullmatch(value):
        return MeasuredValue(float(value), "number")
    if _DURATION.fullmatch(value):
        return MeasuredValue(parse_duration(value), "duration")
    return None


def _is_at_least(value: Any, limit: MeasuredValue) -> bool:
    """Whether a value is a number or a duration, as the limit is, and not below it."""
    measured = _measure_value(value)
    return measured is not None and measured.unit == limit.unit and measured.amount >= limit.amount


def _is_at_most(value: Any, limit: MeasuredValue) -> bool:
    """Whether a value is a number or a duration, as the limit is, and not above it."""
    measured = _measure_value(value)
    return measured is not None and measured.unit == limit.unit and measured.amount <= limit.amount


def _is_like(value: Any, patterns: Patterns) -> bool:
    """Whether a value is like one of the patterns; a number, true and false are as YAML writes them."""
    if isinstance(value, str):
        text = value
    elif isinstance(value, (bool, int, float)):
        text = str(value).lower()
    else:
        return False
    return any(pattern.match(text) for pattern in patterns)


def _has_host(value: Any, patterns: Patterns) -> bool | None:
    """Whether an address has one of these hosts; None for a Unix socket, which has no host."""
    scheme, host = parse_destination(value)
    if scheme == _SOCKET_SCHEME:
        return None
    return bool(host) and _is_like(host, patterns)


def _list_known_names(value: Any) -> list[str]:
    """Return the texts of a list but those with an unknown variable, the keys of a mapping, or a text alone."""
    if isinstance(value, str):
        return [value]
    if not isinstance(value, (dict, list)):
        return []
    names = [str(name) for name in value if isinstance(name, (str, int))]
    return [name for name in names if _UNKNOWN_REFERENCE not in name] if isinstance(value, list) else names


def _has_name_like(name: str, patterns: Patterns) -> bool:
    """Whether a name, or the type of an id `type/name`, is like one of the patterns."""
    return _is_like(name, patterns) or _is_like(name.partition("/")[0], patterns)


def _has_unknown_item(value: Any) -> bool:
    """Whether a list has an item with a variable that is not known. The Collector replaces none in keys."""
    return isinstance(value, list) and any(isinstance(item, str) and _UNKNOWN_REFERENCE in item for item in value)


def _has_any_name_like(value: Any, patterns: Patterns) -> bool | None:
    """Whether one of the names in a value is like one of the patterns; None if an unknown item may be."""
    if any(_has_name_like(name, patterns) for name in _list_known_names(value)):
        return True
    return None if _has_unknown_item(value) else False


def _has_no_name_like(value: Any, patterns: Patterns) -> bool | None:
    """Whether none of the names in a value is like one of the patterns; None if an unknown item may be."""
    has_any = _has_any_name_like(value, patterns)
    return None if has_any is None else not has_any


def _has_only_names_like(value: Any, patterns: Patterns) -> bool | None:
    """Whether all names in a value are like one of the patterns; None if an unknown item may be another."""
    if not all(_has_name_like(name, patterns) for name in _list_known_names(value)):
        return False
    return None if _has_unknown_item(value) else True


def _is_equal(value: Any, expected: Any) -> bool:
    """Whether two values are the same; true is not 1."""
    return bool(value == expected) and isinstance(value, bool) == isinstance(expected, bool)


def _has_variable(value: Any, expected: bool) -> bool:
    """Whether a text has a reference to a variable, or has none if that is expected."""
    return (isinstance(value, str) and _UNKNOWN_REFERENCE in value) is expected


CONDITION_KINDS: Mapping[str, ConditionKind] = {
    "present": ConditionKind(_read_switch, lambda _value, expected: bool(expected)),
    "equals": ConditionKind(_read_scalar, _is_equal),
    "differs": ConditionKind(_read_scalar, lambda value, other: not _is_equal(value, other), is_met_if_missing=True),
    "like": ConditionKind(_read_patterns, _is_like),
    "unlike": ConditionKind(
        _read_patterns, lambda value, patterns: not _is_like(value, patterns), is_met_if_missing=True
    ),
    "host": ConditionKind(_read_patterns, _has_host),
    "contains": ConditionKind(_read_patterns, _has_any_name_like),
    "lacks": ConditionKind(_read_patterns, _has_no_name_like, is_met_if_missing=True),
    "only": ConditionKind(_read_patterns, _has_only_names_like),
    "at_least": ConditionKind(_read_limit, _is_at_least),
    "at_most": ConditionKind(_read_limit, _is_at_most),
    "variable": ConditionKind(_read_switch, _has_variable, sees_variables=True),
}
CONDITION_NAMES = (*CONDITION_KINDS, OPTIONAL_KEY)


@dataclass(frozen=True)
class UserCondition:
    """A condition with its operand."""

    name: str
    operand: Any

    def holds(self, value: Any, literals: Mapping[str, str]) -> bool | None:
        """Return whether a value meets the condition; None if a variable that is not known decides."""
        condition_kind = CONDITION_KINDS[self.name]
        # `present` is the only condition whose answer for a missing value depends on its operand.
        is_about_presence = self.name == "present"
        if value is MISSING:
            return not self.operand if is_about_presence else condition_kind.is_met_if_missing
        sees_text_as_written = condition_kind.sees_variables or is_about_presence
        if isinstance(value, str) and "$" in value and not sees_text_as_written:
            value = _resolve_variables(value, literals)
            if value is None:
                return None
        elif isinstance(value, list):
            value = [_resolve_item(item, literals) for item in value]
        return condition_kind.is_met(value, self.operand)

    @property
    def step_count(self) -> int:
        """How many comparisons one value takes at most: one for each of its patterns, else one."""
        return len(self.operand) if isinstance(self.operand, tuple) else 1


def _resolve_variables(text: str, literals: Mapping[str, str]) -> Any:
    """Return a text with the variables that are known; None if there are others, whose default may be replaced.

    The Collector reads what replaces a whole value as YAML: `${env:X}` may be a number, true or false.
    Source: https://opentelemetry.io/docs/collector/configuration/#environment-variables
    """
    # With a default, as in `${env:A:-b}`, the text keeps its reference, so that it cannot be decided.
    resolved_text = text if ":-" in text else replace_references(text, literals, _UNKNOWN_REFERENCE)
    if _UNKNOWN_REFERENCE in resolved_text:
        return None
    return read_plain_scalar(resolved_text) if _WHOLE_REFERENCE.fullmatch(text) else str(resolved_text)


def _resolve_item(item: Any, literals: Mapping[str, str]) -> Any:
    """Return an item of a list with the variables that are known; as it is written if there are others."""
    if not isinstance(item, str) or "$" not in item:
        return item
    resolved_item = _resolve_variables(item, literals)
    return item if resolved_item is None else resolved_item


@dataclass(frozen=True)
class Conditions:
    """What must hold of one value: all conditions. With `is_optional`, a missing value meets them."""

    conditions: Sequence[UserCondition]
    is_optional: bool = False

    @cached_property
    def step_count(self) -> int:
        """How many comparisons one value takes at most, over all conditions."""
        return sum(condition.step_count for condition in self.conditions)

    def hold(self, value: Any, literals: Mapping[str, str]) -> bool | None:
        """Return whether a value meets all conditions; None if it meets all that can be decided, and one cannot."""
        if value is MISSING and self.is_optional:
            return True
        answers = [condition.holds(value, literals) for condition in self.conditions]
        if False in answers:
            return False
        return None if None in answers else True


def read_condition(name: str, operand: Any) -> UserCondition:
    """Return a condition. Raises Problem for a name or an operand that it does not have."""
    if name not in CONDITION_KINDS:
        raise Problem(
            f"there is no condition '{name}'{suggest_word(name, CONDITION_NAMES)}",
            fix=f"Conditions: {', '.join(CONDITION_NAMES)}.",
        )
    return UserCondition(name, CONDITION_KINDS[name].read_operand(operand))


def is_optional(operand: Any) -> bool:
    """Return whether a value may be missing. Raises Problem for an operand that is neither true nor false."""
    return _read_switch(operand)
