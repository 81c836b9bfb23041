# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of numbers, durations and counts: their ranges, and which of two settings has to be the larger one.

Each is a key of a row of constraints.json, see constraints.py. A check gets the value of that key (its operand), the
settings at the place of the row, their path, and the whole row. amounts.py says what counts as a number or a duration:
whatever is neither, or is decided by a variable, is None there, and no check judges it. Private.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from ..catalogue.rows import Row
from ..config.paths import Path, value_at
from .amounts import amount_in, duration_in_seconds, is_number, read_duration
from .constraints import RANGE, Check, RuleFaults, find_values, split_key
from .subject import Fault


def _find_numbers_out_of_range(table: dict[str, list[Any]], settings: Any, path: Path, row: Row) -> RuleFaults:
    """Yield numbers outside of a range.

    `table` has a pair of minimum and maximum by key, such as `{"port": [1, 65535]}`; None is an open end.
    """
    for key, (minimum, maximum) in table.items():
        for place, value in find_values(settings, key, path):
            if not is_number(value):
                continue
            is_too_small = minimum is not None and value < minimum
            is_too_large = maximum is not None and _decode_number(value, row) > maximum
            if is_too_small or is_too_large:
                allowed = _describe_range(minimum, maximum)
                yield RANGE, Fault(place, f"'{key}' is {allowed}, not {value}", f"Write a number {allowed}.")


def _decode_number(number: float, row: Row) -> float:
    """Return a number as the decoder reads it: without its fraction in rows with `integers`."""
    is_fraction = isinstance(number, float) and math.isfinite(number)
    if is_fraction and "integers" in row:
        return math.trunc(number)
    return number


def _describe_range(minimum: float | None, maximum: float | None) -> str:
    """Return the words for a range that may be open at one end."""
    if maximum is None:
        return f"at least {minimum}"
    if minimum is None:
        return f"at most {maximum}"
    return f"between {minimum} and {maximum}"


def _find_negative_durations(keys: list[str], settings: Any, path: Path, row: Row) -> RuleFaults:
    """Yield durations below zero; zero itself is a value only in a row with `least`."""
    may_be_zero = "least" in row
    problem = "cannot be negative" if may_be_zero else "must be more than zero"
    for key in keys:
        for place, value in find_values(settings, key, path):
            seconds = amount_in(value)
            if seconds is None:
                continue
            is_refused_zero = seconds == 0 and not may_be_zero
            if seconds < 0 or is_refused_zero:
                yield RANGE, Fault(place, f"'{key}' {problem}, and it is {value}", "Write a duration such as `10s`.")


def _find_durations_out_of_range(table: dict[str, list[str | None]], settings: Any, path: Path, row: Row) -> RuleFaults:
    """Yield durations outside of a range; in a row with `zero`, a duration of 0 is always allowed.

    `table` has a pair of durations by key, such as `{"interval": ["1s", "5m"]}`; None is an open end.
    """
    for key, (shortest, longest) in table.items():
        for place, value in find_values(settings, key, path):
            seconds = read_duration(value)
            if seconds is None or (seconds == 0 and "zero" in row):
                continue
            broken_bound = _describe_broken_bound(seconds, shortest, longest)
            if broken_bound:
                yield RANGE, Fault(place, f"'{key}' is {broken_bound}, not {value}", f"Write {broken_bound}.")


def _describe_broken_bound(seconds: float, shortest: str | None, longest: str | None) -> str:
    """Return in words the bound that a duration is beyond; empty text if it is between both."""
    if shortest and seconds < duration_in_seconds(shortest):
        return f"at least {shortest}"
    if longest and seconds > duration_in_seconds(longest):
        return f"at most {longest}"
    return ""


class _ComparedSetting(NamedTuple):
    """One of two settings that are compared: its key, its value, and whether that is a default.

    The value is None if the config has null, or if neither the config nor the row has a value.
    """

    key: str
    value: Any
    is_default: bool

    def __str__(self) -> str:
        """Return the value as a message shows it."""
        return f"{self.value} by default" if self.is_default else str(self.value)


def _find_wrong_order(keys: list[str], settings: Any, path: Path, row: Row) -> RuleFaults:
    """Yield the larger one of two settings if its value is too small.

    `keys` are two: the setting that has to be smaller, then the one that has to be larger. A key that is not given has
    its value of `defaults` of the row. Usually equal values are fine; `strict`, `factor` and `zero` of the row change
    what is enough, see `_is_too_small`.
    """
    if not isinstance(settings, dict):
        return
    small_setting, large_setting = _read_compared_settings(keys, settings, row)
    small_amount, large_amount = _read_comparable_amounts(small_setting.value, large_setting.value, row)
    if small_amount is not None and large_amount is not None and _is_too_small(large_amount, small_amount, row):
        message, fix = _describe_wrong_order(small_setting, large_setting, row)
        yield RANGE, Fault((*path, *split_key(large_setting.key)), message, fix)


def _read_compared_settings(keys: list[str], settings: Any, row: Row) -> Iterator[_ComparedSetting]:
    """Yield the setting of each key; a key that is not given has its default of the row, and null stays None."""
    defaults = row.get("defaults", {})
    absent = object()
    for key in keys:
        value = value_at(settings, split_key(key), absent)
        if value is absent:
            yield _ComparedSetting(key, defaults.get(key), True)
        else:
            yield _ComparedSetting(key, value, False)


def _read_comparable_amounts(small_value: Any, large_value: Any, row: Row) -> tuple[float | None, float | None]:
    """Return two values as numbers; both are None if one of them is no number and no duration.

    If one value is a text such as `10s`, both are durations in seconds: then a number such as 5000000000 is
    nanoseconds.
    """
    has_duration = isinstance(small_value, str) or isinstance(large_value, str)
    read_amount = read_duration if has_duration else amount_in
    small_amount, large_amount = read_amount(small_value), read_amount(large_value)
    if small_amount is None or large_amount is None:
        return None, None
    return _decode_number(small_amount, row), _decode_number(large_amount, row)


def _is_too_small(large_amount: float, small_amount: float, row: Row) -> bool:
    """Whether the larger number is not as much above the smaller one as a row wants.

    The minimum is the smaller number, times `factor` if the row has it. A number equal to the minimum is too small only
    with `strict`. With `zero`, 0 as the larger number means that there is no limit, so it is never too small.
    """
    if large_amount == 0 and "zero" in row:
        return False
    minimum = small_amount * row.get("factor", 1)
    if minimum == large_amount:
        return "strict" in row
    return bool(minimum > large_amount)


def _describe_wrong_order(
    small_setting: _ComparedSetting, large_setting: _ComparedSetting, row: Row
) -> tuple[str, str]:
    """Return the message and the fix for two settings whose order is wrong."""
    if "strict" not in row:
        message = f"'{small_setting.key}' is {small_setting}, more than '{large_setting.key}', which is {large_setting}"
        return message, f"Write at least {small_setting.value} for `{large_setting.key}`."
    minimum = f"{row['factor']} times {small_setting.value}" if "factor" in row else str(small_setting.value)
    message = (
        f"'{small_setting.key}' is {small_setting}; '{large_setting.key}' has to be more than {minimum}, and it is"
        f" {large_setting}"
    )
    return message, f"Write more than {minimum} for `{large_setting.key}`."


def _find_too_long_lists(table: dict[str, int], settings: Any, path: Path, _row: Row) -> RuleFaults:
    """Yield lists with more items than the Collector takes."""
    for key, max_items in table.items():
        for place, value in find_values(settings, key, path):
            if isinstance(value, list) and len(value) > max_items:
                yield RANGE, Fault(place, f"'{key}' has {len(value)} items, and at most {max_items} are allowed")


# These find nothing where none of their keys is given.
OF_GIVEN: dict[str, Check] = {
    "range": _find_numbers_out_of_range,
    "positive": _find_negative_durations,
    "times": _find_durations_out_of_range,
    "most": _find_too_long_lists,
}
CHECKS: dict[str, Check] = {"order": _find_wrong_order}
