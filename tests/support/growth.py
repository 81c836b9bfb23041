# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CPU of some work, compared with other work of the same run: no number of seconds holds on every machine."""

from __future__ import annotations

import time
from collections.abc import Callable

SLOW = 2.0  # `growth` at or above it is no longer linear
TRIES = 4  # what else the machine does makes single measurements longer, never shorter
MEASURABLE = 0.005  # seconds; a text of 100,000 characters that takes the square of the time takes far longer
STEPS = 100_000  # additions of the piece of work that `pieces` counts: some milliseconds
SHORT, MOST_PIECES = 0.1, 250  # seconds that no test objects to; pieces of work that one answer may take


def cpu_seconds(work: Callable[[], object]) -> float:
    """Return the CPU that this thread needs for some work."""
    begin = time.thread_time()
    work()
    return time.thread_time() - begin


def growth(work: Callable[[str], object], few: str, many: str) -> float:
    """Return how many times faster than the text the time grows: 1 if it is linear, len(many) / len(few) if quadratic.

    Returns 0 if the work is too short to be measured. Measures again while the answer is above SLOW.
    """
    times = len(many) / len(few)
    short = long = float("inf")
    for _try in range(TRIES):
        short = min(short, cpu_seconds(lambda: work(few)))
        long = min(long, cpu_seconds(lambda: work(many)))
        if long < MEASURABLE:
            return 0.0
        if long < SLOW * times * short:
            break
    return long / short / times


def pieces(seconds: float) -> float:
    """Return how many fixed pieces of work the machine does in these seconds, as busy as it is now."""
    return seconds / max(cpu_seconds(_piece) for _try in range(3))


def is_long(seconds: float, most: float = MOST_PIECES) -> bool:
    """Return whether an answer took longer than so many pieces of work, which a machine of 2026 does in a second."""
    return seconds > SHORT and pieces(seconds) > most


def _piece() -> int:
    return sum(number & 7 for number in range(STEPS))
