# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of numbers, durations and counts: their ranges, and which of two settings has to be the larger one. Private.

Each is a key of a row of constraints.json, see constraints.py. The keys, and a row with what it finds:

| key | operand | example of a row | finding |
|---|---|---|---|
| `range` | minimum and maximum by key | `"range": {"port": [1, 65535]}` | 'port' is between 1 and 65535, not 0 |
| `positive` | keys of durations | `"positive": ["timeout"]` | 'timeout' must be more than zero, and it is 0s |
| `times` | shortest and longest by key | `"times": {"linger": [null, "1m"]}` | 'linger' is at most 1m, not 2m |
| `order` | smaller key, larger key | `"order": ["min", "max"]` | 'min' is 9, more than 'max', which is 5 |
| `most` | number of items by key | `"most": {"sources": 4}` | 'sources' has 5 items, and at most 4 are allowed |

Options of a row:

| key | option of | meaning |
|---|---|---|
| `least` | `positive` | zero is allowed, so that only negative durations are found |
| `zero` | `times`, `order` | a duration of 0 is allowed; 0 as the larger setting means that there is no limit |
| `defaults` | `order` | the values of settings that are not given |
| `strict` | `order` | equal values are refused too |
| `factor` | `order` with `strict` | the larger setting is compared with this multiple of the smaller one |
| `integers` | `range`, `order` | the decoder drops the fraction of a number |

Of `least`, `zero`, `strict` and `integers`, only the presence in the row counts, whatever their value is. For example,
with `"order": ["retry_period", "renew_deadline"], "strict": true, "factor": 1.2`, these settings are compared:

| settings | finding |
|---|---|
| `{retry_period: 5s, renew_deadline: 7s}` | |
| `{retry_period: 5s, renew_deadline: 6s}` | 'renew_deadline' has to be more than 1.2 times 5s, and it is 6s |

amounts.py says what counts as a number or a duration. Whatever is neither is not judged, and neither is a value that a
variable decides.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from ..catalogue.rows import Row
from ..config.paths import Path, value_at
from .amounts import amount_in, duration_in_seconds, is_number, read_duration
from .constraints import OUT_OF_RANGE, ConstraintCheck, RuleFault, RuleFaults
from .given_values import find_values, split_key
from .rule_definitions import Fault


def _find_numbers_out_of_range(table: dict[str, list[Any]], settings: Any, path: Path, row: Row) -> RuleFaults:
    """Yield numbers outside of a range.

    `table` has a pair of minimum and maximum by key, such as `{"port": [1, 65535]}`; None is an open end. In a row with
    `integers`, 100.5 is 100 for the decoder, so it fits a maximum of 100. But the decoder (mapstructure, decodeUint)
    refuses -0.5 instead of reading 0, so a minimum is compared with the number as it is written.
    """
    for key, (minimum, maximum) in table.items():
        for value_path, value in find_values(settings, key, path):
            if not is_number(value):
                continue
            is_too_small = minimum is not None and value < minimum
            is_too_large = maximum is not None and _decode_number(value, row) > maximum
            if is_too_small or is_too_large:
                allowed = _describe_range(minimum, maximum)
                yield RuleFault(
                    OUT_OF_RANGE, Fault(value_path, f"'{key}' is {allowed}, not {value}", f"Write a number {allowed}.")
                )


def _decode_number(number: float, row: Row) -> float:
    """Return a number as the decoder reads it: 100 for 100.5 in a row with `integers`."""
    is_fraction = isinstance(number, float) and math.isfinite(number)
    if is_fraction and "integers" in row:
        return math.trunc(number)
    return number


def _describe_range(minimum: float | None, maximum: float | None) -> str:
    """Return the words for a range that may be open at one end: `at least 1`, `between 1 and 65535`."""
    if maximum is None:
        return f"at least {minimum}"
    if minimum is None:
        return f"at most {maximum}"
    return f"between {minimum} and {maximum}"


def _find_durations_below_least(keys: list[str], settings: Any, path: Path, row: Row) -> RuleFaults:
    """Yield durations below zero; zero itself is a value only in a row with `least`."""
    may_be_zero = "least" in row
    problem = "cannot be negative" if may_be_zero else "must be more than zero"
    for key in keys:
        for value_path, value in find_values(settings, key, path):
            seconds = amount_in(value)
            if seconds is None:
                continue
            is_refused_zero = seconds == 0 and not may_be_zero
            if seconds < 0 or is_refused_zero:
                yield RuleFault(
                    OUT_OF_RANGE,
                    Fault(value_path, f"'{key}' {problem}, and it is {value}", "Write a duration such as `10s`."),
                )


def _find_durations_out_of_range(table: dict[str, list[str | None]], settings: Any, path: Path, row: Row) -> RuleFaults:
    """Yield durations outside of a range; in a row with `zero`, a duration of 0 is always allowed.

    `table` has a pair of durations by key, such as `{"interval": ["1s", "5m"]}`; None is an open end.
    """
    for key, (shortest, longest) in table.items():
        for value_path, value in find_values(settings, key, path):
            seconds = read_duration(value)
            if seconds is None or (seconds == 0 and "zero" in row):
                continue
            broken_bound = _describe_broken_bound(seconds, shortest, longest)
            if broken_bound:
                yield RuleFault(
                    OUT_OF_RANGE, Fault(value_path, f"'{key}' is {broken_bound}, not {value}", f"Write {broken_bound}.")
                )


def _describe_broken_bound(seconds: float, shortest: str | None, longest: str | None) -> str:
    """Return the bound that a duration is beyond, such as `at least 1s`; an empty text if it is between both."""
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
    """Yield the setting that has to be the larger one of two, if its value is too small.

    `keys` are two: the setting that has to be smaller, then the one that has to be larger. `_is_too_small` says how
    they are compared.
    """
    if not isinstance(settings, dict):
        return
    small_key, large_key = keys
    small_setting = _read_compared_setting(small_key, settings, row)
    large_setting = _read_compared_setting(large_key, settings, row)
    amounts = _read_comparable_amounts(small_setting.value, large_setting.value, row)
    if amounts and _is_too_small(amounts, row):
        yield RuleFault(OUT_OF_RANGE, _report_wrong_order(small_setting, large_setting, path, row))


def _read_compared_setting(key: str, settings: Any, row: Row) -> _ComparedSetting:
    """Return the setting of a key. One that is not given has its default of the row; null stays None."""
    absent = object()  # unlike None, no config has this value, so null is not taken for a setting that is not given
    value = value_at(settings, split_key(key), absent)
    if value is absent:
        return _ComparedSetting(key, row.get("defaults", {}).get(key), is_default=True)
    return _ComparedSetting(key, value, is_default=False)


class _ComparedAmounts(NamedTuple):
    """The two settings as numbers."""

    small_amount: float
    large_amount: float


def _read_comparable_amounts(small_value: Any, large_value: Any, row: Row) -> _ComparedAmounts | None:
    """Return two values as numbers; None if one of them is no number and no duration.

    If one value is a text such as `10s`, both are durations in seconds: then a number such as 5000000000 is
    nanoseconds.
    """
    has_duration = isinstance(small_value, str) or isinstance(large_value, str)
    read_amount = read_duration if has_duration else amount_in
    small_amount, large_amount = read_amount(small_value), read_amount(large_value)
    if small_amount is None or large_amount is None:
        return None
    return _ComparedAmounts(_decode_number(small_amount, row), _decode_number(large_amount, row))


def _is_too_small(amounts: _ComparedAmounts, row: Row) -> bool:
    """Whether the larger number is not as much above the smaller one as a row wants.

    The minimum is the smaller number, times `factor` if the row has it. A number equal to the minimum is too small only
    with `strict`. With `zero`, 0 as the larger number means that there is no limit, so it is never too small.
    """
    if amounts.large_amount == 0 and "zero" in row:
        return False
    minimum = amounts.small_amount * row.get("factor", 1)
    if minimum == amounts.large_amount:
        return "strict" in row
    return bool(minimum > amounts.large_amount)


def _report_wrong_order(
    small_setting: _ComparedSetting, large_setting: _ComparedSetting, path: Path, row: Row
) -> Fault:
    """Return the fault of two settings whose order is wrong."""
    fault_path = (*path, *split_key(large_setting.key))
    if "strict" not in row:  # then it has no `factor` either
        message = f"'{small_setting.key}' is {small_setting}, more than '{large_setting.key}', which is {large_setting}"
        return Fault(fault_path, message, f"Write at least {small_setting.value} for `{large_setting.key}`.")
    minimum = f"{row['factor']} times {small_setting.value}" if "factor" in row else str(small_setting.value)
    message = (
        f"'{small_setting.key}' is {small_setting}; '{large_setting.key}' has to be more than {minimum}, and it is"
        f" {large_setting}"
    )
    return Fault(fault_path, message, f"Write more than {minimum} for `{large_setting.key}`.")


def _find_too_long_lists(table: dict[str, int], settings: Any, path: Path, _row: Row) -> RuleFaults:
    """Yield lists with more items than the Collector takes."""
    for key, max_items in table.items():
        for value_path, value in find_values(settings, key, path):
            if isinstance(value, list) and len(value) > max_items:
                yield RuleFault(
                    OUT_OF_RANGE,
                    Fault(value_path, f"'{key}' has {len(value)} items, and at most {max_items} are allowed"),
                )


# These find nothing where none of their keys is given.
OF_GIVEN: dict[str, ConstraintCheck] = {
    "range": _find_numbers_out_of_range,
    "positive": _find_durations_below_least,
    "times": _find_durations_out_of_range,
    "most": _find_too_long_lists,
}
CHECKS: dict[str, ConstraintCheck] = {"order": _find_wrong_order}
