# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times of clusters and logs, and durations as people say them. Private.

The diagnosis and the readers of logs and metrics call them. For example, from `2026-01-01T10:00:00.123456789Z` to
`2026-01-01T10:03:10Z` there are 189.9 seconds, which a message says as `3 min`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import NamedTuple

# The digits of a fraction of a second that Python reads, and those that it does not.
_FRACTION = re.compile(r"\.(\d{1,6})\d*")


class _DurationUnit(NamedTuple):
    """A unit of durations: its seconds, and the shortest duration in seconds that is said in it."""

    name: str
    seconds: int
    least_seconds: int


# Two of a unit are the least, so that `90 s` does not become `1 min`.
_DURATION_UNITS = (
    _DurationUnit("days", seconds=86400, least_seconds=172800),
    _DurationUnit("h", seconds=3600, least_seconds=7200),
    _DurationUnit("min", seconds=60, least_seconds=120),
)


def parse_time(time_text: str) -> datetime | None:
    """Return a time in UTC; None for text that is no time. Go writes nine digits, which Python 3.11 refuses."""
    try:
        return datetime.fromisoformat(_FRACTION.sub(r".\1", time_text)).astimezone(UTC)
    except ValueError:
        return None


def seconds_between(start: str, end: str) -> float:
    """Return the seconds from one time to another; 0.0 if one of them is no time."""
    start_time, end_time = parse_time(start), parse_time(end)
    if start_time is None or end_time is None:
        return 0.0
    return (end_time - start_time).total_seconds()


def describe_duration(seconds: float) -> str:
    """Return a duration as people say it, rounded down: `45 s`, `90 s`, `3 min`, `47 h`, `2 days`."""
    for unit in _DURATION_UNITS:
        if seconds >= unit.least_seconds:
            return f"{int(seconds // unit.seconds)} {unit.name}"
    return f"{int(seconds)} s"
