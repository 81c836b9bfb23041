# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of numbers, durations and counts: their ranges, and which of two settings has to be the larger one.

Each is a key of a row of constraints.json, see constraints.py. Private.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from ..catalogue.rows import Row
from ..config.paths import Path, at
from .amounts import amount_in, is_number, seconds_in, time_in
from .constraints import RANGE, Check, Found, key_steps, values_of
from .subject import Fault


def _numbers_out_of_range(table: dict[str, list[Any]], settings: Any, path: Path, row: Row) -> Found:
    """Yield numbers outside of a range, which may be open at one end."""
    for key, (least, most) in table.items():
        for place, value in values_of(settings, key, path):
            if not is_number(value):
                continue
            is_too_small = least is not None and value < least
            is_too_large = most is not None and _as_decoded(value, row) > most
            if is_too_small or is_too_large:
                allowed = _range_in_words(least, most)
                yield RANGE, Fault(place, f"'{key}' is {allowed}, not {value}", f"Write a number {allowed}.")


def _as_decoded(number: float, row: Row) -> float:
    """Return a number as the decoder reads it: without its fraction in rows with `integers`."""
    is_fraction = isinstance(number, float) and math.isfinite(number)
    if is_fraction and "integers" in row:
        return math.trunc(number)
    return number


def _range_in_words(least: float | None, most: float | None) -> str:
    """Return the words for a range that may be open at one end."""
    if most is None:
        return f"at least {least}"
    if least is None:
        return f"at most {most}"
    return f"between {least} and {most}"


def _negative_durations(keys: list[str], settings: Any, path: Path, row: Row) -> Found:
    """Yield durations below zero; zero itself is a value only in a row with `least`."""
    may_be_zero = "least" in row
    problem = "cannot be negative" if may_be_zero else "must be more than zero"
    for key in keys:
        for place, value in values_of(settings, key, path):
            seconds = amount_in(value)
            if seconds is None:
                continue
            is_refused_zero = seconds == 0 and not may_be_zero
            if seconds < 0 or is_refused_zero:
                yield RANGE, Fault(place, f"'{key}' {problem}, and it is {value}", "Write a duration such as `10s`.")


def _times_out_of_range(table: dict[str, list[str | None]], settings: Any, path: Path, row: Row) -> Found:
    """Yield durations outside of a range; in a row with `zero`, none at all is a value."""
    for key, (least, most) in table.items():
        for place, value in values_of(settings, key, path):
            seconds = time_in(value)
            if seconds is None or (seconds == 0 and "zero" in row):
                continue
            bound = _broken_bound(seconds, least, most)
            if bound:
                yield RANGE, Fault(place, f"'{key}' is {bound}, not {value}", f"Write {bound}.")


def _broken_bound(seconds: float, least: str | None, most: str | None) -> str:
    """Return in words the bound that a duration is beyond; empty text if it is between both."""
    if least and seconds < seconds_in(least):
        return f"at least {least}"
    if most and seconds > seconds_in(most):
        return f"at most {most}"
    return ""


class _Setting(NamedTuple):
    """One of two settings that are compared: its key, its value, and whether that is a default."""

    key: str
    value: Any
    is_default: bool

    def __str__(self) -> str:
        """Return the value as a message shows it."""
        return f"{self.value} by default" if self.is_default else str(self.value)


def _wrong_order(keys: list[str], settings: Any, path: Path, row: Row) -> Found:
    """Yield a setting that is smaller than another one, though it has to be larger."""
    if not isinstance(settings, dict):
        return
    small, large = _compared_settings(keys, settings, row)
    less, more = _comparable_amounts(small.value, large.value, row)
    if less is not None and more is not None and _is_too_small(more, less, row):
        message, fix = _order_in_words(small, large, row)
        yield RANGE, Fault((*path, *key_steps(large.key)), message, fix)


def _compared_settings(keys: list[str], settings: Any, row: Row) -> Iterator[_Setting]:
    """Yield the settings of two keys, or the defaults that the row has for them; null is zero, and no default."""
    defaults = row.get("defaults", {})
    absent = object()
    for key in keys:
        value = at(settings, key_steps(key), absent)
        if value is absent:
            yield _Setting(key, defaults.get(key), True)
        else:
            yield _Setting(key, value, False)


def _comparable_amounts(small: Any, large: Any, row: Row) -> tuple[float | None, float | None]:
    """Return two values as numbers; beside a text, which is a duration, a number is one too. None for no number."""
    has_duration = isinstance(small, str) or isinstance(large, str)
    read = time_in if has_duration else amount_in
    less, more = read(small), read(large)
    if less is None or more is None:
        return None, None
    return _as_decoded(less, row), _as_decoded(more, row)


def _is_too_small(more: float, less: float, row: Row) -> bool:
    """Whether a number is not as much above another one as a row wants; with `zero`, none at all means no limit."""
    if more == 0 and "zero" in row:
        return False
    least = less * row.get("factor", 1)
    if least == more:
        return "strict" in row
    return bool(least > more)


def _order_in_words(small: _Setting, large: _Setting, row: Row) -> tuple[str, str]:
    """Return the message and the fix for two settings whose order is wrong."""
    if "strict" not in row:
        message = f"'{small.key}' is {small}, more than '{large.key}', which is {large}"
        return message, f"Write at least {small.value} for `{large.key}`."
    least = f"{row['factor']} times {small.value}" if "factor" in row else str(small.value)
    message = f"'{small.key}' is {small}; '{large.key}' has to be more than {least}, and it is {large}"
    return message, f"Write more than {least} for `{large.key}`."


def _too_long_lists(table: dict[str, int], settings: Any, path: Path, _row: Row) -> Found:
    """Yield lists with more items than the Collector takes."""
    for key, most in table.items():
        for place, value in values_of(settings, key, path):
            if isinstance(value, list) and len(value) > most:
                yield RANGE, Fault(place, f"'{key}' has {len(value)} items, and at most {most} are allowed")


# These find nothing where none of their keys is given.
OF_GIVEN: dict[str, Check] = {
    "range": _numbers_out_of_range,
    "positive": _negative_durations,
    "times": _times_out_of_range,
    "most": _too_long_lists,
}
CHECKS: dict[str, Check] = {"order": _wrong_order}
