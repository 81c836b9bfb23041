# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CPU of some work, compared with other work of the same run: no number of seconds holds on every machine."""

from __future__ import annotations

import time
from collections.abc import Callable

SLOW = 2.0  # `measure_growth` at or above it is no longer linear
TRIES = 4  # what else the machine does makes single measurements longer, never shorter
MEASURABLE_SECONDS = 0.005  # seconds; a text of 100,000 characters that takes the square of the time takes far longer
STEPS = 100_000  # additions of the piece of work that `count_pieces` counts: some milliseconds
SHORT_SECONDS, MOST_PIECES = 0.1, 250  # seconds that no test objects to; pieces of work that one answer may take


def measure_cpu_seconds(work: Callable[[], object]) -> float:
    """Return the CPU that this thread needs for some work."""
    start = time.thread_time()
    work()
    return time.thread_time() - start


def measure_growth(work: Callable[[str], object], short_text: str, long_text: str) -> float:
    """Return how many times faster than the text the time grows: 1 if it is linear, len(many) / len(few) if quadratic.

    Returns 0 if the work is too short to be measured. Measures again while the answer is above SLOW.
    """
    size_ratio = len(long_text) / len(short_text)
    short_seconds, long_seconds = measure_both(
        lambda: work(short_text), lambda: work(long_text), most_times=SLOW * size_ratio
    )
    return 0.0 if long_seconds < MEASURABLE_SECONDS else long_seconds / short_seconds / size_ratio


def measure_both(
    short_work: Callable[[], object], long_work: Callable[[], object], most_times: float
) -> tuple[float, float]:
    """Return the CPU seconds of both, measured in turn: the least of up to TRIES measurements.

    Measures again while the long work takes `most_times` as long as the short one, or longer.
    """
    short_seconds = long_seconds = float("inf")
    for _try in range(TRIES):
        short_seconds = min(short_seconds, measure_cpu_seconds(short_work))
        long_seconds = min(long_seconds, measure_cpu_seconds(long_work))
        if long_seconds < most_times * short_seconds:
            break
    return short_seconds, long_seconds


def count_pieces(seconds: float) -> float:
    """Return how many fixed pieces of work the machine does in these seconds, as busy as it is now."""
    return seconds / max(measure_cpu_seconds(_compute_piece) for _try in range(3))


def is_long(seconds: float, most_pieces: float = MOST_PIECES) -> bool:
    """Return whether an answer took longer than so many pieces of work, which a machine of 2026 does in a second."""
    return seconds > SHORT_SECONDS and count_pieces(seconds) > most_pieces


def _compute_piece() -> int:
    return sum(number & 7 for number in range(STEPS))
