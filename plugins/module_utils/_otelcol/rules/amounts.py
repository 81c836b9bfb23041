# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers and durations of settings, as the Collector and Prometheus read them. Private.

Sources: time.ParseDuration of Go, and model/time.go of prometheus/common.

For example, `1h30m` is 5400 seconds. `1d` is a duration for Prometheus alone. number_checks.py and prometheus_checks.py
compare settings by these functions.
"""

from __future__ import annotations

import math
import re
from typing import Any, TypeGuard

from ..needs.quantities import SECONDS_BY_UNIT_OF_GO, UNITS_OF_GO

_SECONDS_BY_UNIT = {**SECONDS_BY_UNIT_OF_GO, "d": 86400, "w": 604800, "y": 31_536_000}
# One number with its unit, such as `1.5h`, in a duration of Go or of Prometheus. Groups: the number, the unit.
_DURATION_PART = re.compile(r"(\d{1,32}(?:\.\d{0,32})?|\.\d{1,32})(" + "|".join(_SECONDS_BY_UNIT) + ")")
# A whole duration of Go, such as `-1h30m` or `.5s`.
_DURATION_OF_GO = re.compile(rf"[-+]?((?:\d+(?:\.\d*)?|\.\d+)(?:{UNITS_OF_GO}))+\Z")
_ZERO_OF_GO = re.compile(r"[-+]?0\Z")  # the one duration that Go reads without a unit
# A whole duration of Prometheus: whole numbers, the largest unit first, such as `1d12h`; or `0`.
_DURATION_OF_PROMETHEUS = re.compile(r"(?=.)(0|(\d+y)?(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?)\Z")
# A longer text is not read as a duration.
_LONGEST_DURATION = 40
# A version of TLS, which settings write as text: `'1.2'`.
_TLS_VERSION = re.compile(r"1\.[0-3]")


def is_number(value: Any) -> TypeGuard[float]:
    """Whether a value is a number; YAML's true and false are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def amount_in(value: Any) -> float | None:
    """Return a number for a value: 5 for 5, 1.2 for the version `'1.2'` of TLS, 10 for `10s`. None for all else."""
    if is_number(value):
        return value
    if isinstance(value, str) and _TLS_VERSION.fullmatch(value):
        return float(value)
    return _read_go_duration(value)


def read_duration(value: Any) -> float | None:
    """Return the seconds of a duration: 10 for `10s`, 0.000000005 for 5, which has no unit. None for all else.

    A version of TLS is a number here too, so that `'1.2'` and `'1.3'` can be compared.
    """
    return nanoseconds_to_seconds(value) if is_number(value) else amount_in(value)


def _read_go_duration(value: Any) -> float | None:
    """Return the seconds of a text that Go reads as a duration; None for all else."""
    if not isinstance(value, str) or len(value) > _LONGEST_DURATION:
        return None
    if _ZERO_OF_GO.match(value):
        return 0
    if not _DURATION_OF_GO.match(value):
        return None
    seconds = duration_in_seconds(value)
    return -seconds if value.startswith("-") else seconds


def is_prometheus_duration(text: str) -> bool:
    """Whether Prometheus reads a text as a duration."""
    return len(text) <= _LONGEST_DURATION and _DURATION_OF_PROMETHEUS.match(text) is not None


def duration_in_seconds(duration: str) -> float:
    """Return the seconds of a duration of Go or of Prometheus, whose form has been checked: 5400 for `1h30m`.

    A sign does not count.
    """
    return sum(float(number) * _SECONDS_BY_UNIT[unit] for number, unit in _DURATION_PART.findall(duration))


def nanoseconds_to_seconds(count: float) -> float:
    """Return the seconds of a count of nanoseconds; infinity for one that no float holds."""
    try:
        return count * _SECONDS_BY_UNIT["ns"]
    except OverflowError:
        return math.inf if count > 0 else -math.inf
