# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many items should an exporter of a canary have sent long ago? Check `exports_late` reads it. Private.

An item is due once all components before the exporter have handed it on. It is late if the exporter then has neither
sent it nor failed to send it. For example, components hold items for 15 seconds. At second 30, receivers had accepted
600 spans up to second 15, and the exporter has sent 200: 400 are late. At 20 spans in a second, it is late by about 20
seconds.
"""

from __future__ import annotations

from typing import NamedTuple

from .count_rows import count_accepted_items
from .readings import LASTING_READINGS
from .sides import Sides


class Lateness(NamedTuple):
    """How many items should have been sent long ago."""

    late_items: int = 0
    """Those of the last reading."""
    fewest_items: int = 0
    """The fewest of the last LASTING_READINGS readings; 0 before there are so many."""
    seconds: int = 0
    """In how many seconds as many items come in as are late."""

    def as_row(self) -> dict[str, int]:
        """Return the fields of a row of facts."""
        return {"late": self.late_items, "late_low": self.fewest_items, "late_seconds": self.seconds}


def measure_lateness(sides: Sides, index: int, signal: str, rest_share: float, hold_seconds: float) -> Lateness:
    """Return how late items of a signal are in an exporter. `index` is its place among the exporters of the canary.

    The rest (the pods with the earlier config) sends the share `rest_share` of what comes in, between 0 and 1. After
    `hold_seconds`, all components before the exporter have handed an item on.
    """
    # What the canary's processors drop on purpose, as a new filter does, never reaches the exporter, so it is not due.
    due_share = rest_share * _compute_passed_share(sides, signal)
    late_counts = _count_late_items(sides, index, signal, due_share, hold_seconds)
    last_count = late_counts[-1]
    has_enough_readings = len(late_counts) >= LASTING_READINGS
    facts = sides.canary_facts
    due_each_second = count_accepted_items(facts, signal) * due_share / max(facts["seconds"], 1)
    return Lateness(
        late_items=last_count,
        fewest_items=min(late_counts[-LASTING_READINGS:]) if has_enough_readings else 0,
        seconds=round(last_count / due_each_second) if due_each_second else 0,
    )


def _compute_passed_share(sides: Sides, signal: str) -> float:
    """Return the share of a signal that the processors of the canary pass at least, between 0 and 1."""
    share = 1.0
    for row in sides.canary_facts["processes"]:
        if row["signal"] == signal and row["incoming"]:
            share *= 1 - min(row["dropped"] / row["incoming"], 1.0)
    return share


def _count_late_items(sides: Sides, index: int, signal: str, due_share: float, hold_seconds: float) -> list[int]:
    """Return for each reading how many items were due by then and had not left the exporter.

    Of young pods, all counts since their start are compared, the fields with `_total`: what waited at the first reading
    is late too.
    """
    canary = sides.canary
    field_ending = "_total" if canary.is_young else ""
    left_by_reading = canary.sum_fields_by_reading("exports", index, f"sent{field_ending}", f"failed{field_ending}")
    handed_on_by_reading = canary.find_rows_before_each(hold_seconds)
    late_counts: list[int] = []
    for handed_on_rows, left_count in zip(handed_on_by_reading, left_by_reading, strict=True):
        handed_on_items = 0
        if handed_on_rows:
            handed_on_items = count_accepted_items(handed_on_rows, signal, f"accepted{field_ending}")
        late_counts.append(max(int(handed_on_items * due_share) - left_count, 0))
    return late_counts
