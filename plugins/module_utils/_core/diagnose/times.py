# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times as Kubernetes writes them. Private."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_FRACTION = re.compile(r"\.(\d{1,6})\d*")


def parsed(time: str) -> datetime | None:
    """Return a time; nothing for text that is none. Go writes nine digits, which Python 3.11 refuses."""
    try:
        return datetime.fromisoformat(_FRACTION.sub(r".\1", time)).astimezone(UTC)
    except ValueError:
        return None


def seconds_between(start: str, end: str) -> float:
    """Return the seconds from one time to another, none where one of them is no time."""
    first, last = parsed(start), parsed(end)
    return (last - first).total_seconds() if first and last else 0.0


_WORDS = ((172800, 86400, "days"), (7200, 3600, "h"), (120, 60, "min"))


def age(seconds: float) -> str:
    """Return a duration as people say it."""
    _size, unit, word = next((row for row in _WORDS if seconds >= row[0]), (0, 1, "s"))
    return f"{int(seconds // unit)} {word}"
