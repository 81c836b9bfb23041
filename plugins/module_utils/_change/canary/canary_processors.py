# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The processors of a canary, each with what passes it in the rest (the pods with the earlier config). Private.

Check `all_dropped` reads these rows: a processor that passes no item is at fault if it passes items in the rest. For
example, a change of `filter` that drops everything:

    {"id": "filter", "signal": "traces", "incoming": 300, "outgoing": 0, "rest_incoming": 900, "rest_outgoing": 880,
     "rest_passes": "880 of 900 pass", "passes": True, "least": 20, …}
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil
from typing import Any

from ..._telemetry.signal_flow import ProcessorRow
from .canary_samplers import ITEMS_OF_TRACES, count_items_until_silence
from .hold_times import default_hold_seconds
from .shares import compute_wilson_bounds
from .sides import Sides

# A processor that passes less of the rest than this, in percent, may well pass none for a while.
_FEWEST_PASSING_PERCENT = 5.0
# From this share on, between 0 and 1, nearly all items pass.
_NEARLY_ALL_SHARE = 0.9
# A share that passes counts as no less than this, between 0 and 1. By it the needed number of items is divided.
_SMALLEST_SHARE = 0.01


@dataclass(frozen=True)
class PassedItems:
    """How many items left a processor, of those that came in."""

    outgoing_items: int
    incoming_items: int

    @property
    def certain_percent(self) -> float:
        """Which share passes at least, in percent."""
        lowest_percent, _highest_percent = compute_wilson_bounds(self.outgoing_items, self.incoming_items)
        return lowest_percent

    @property
    def is_nearly_all(self) -> bool:
        """Whether few items end in the processor."""
        return self.outgoing_items >= _NEARLY_ALL_SHARE * self.incoming_items


def build_processor_row(sides: Sides, row: ProcessorRow) -> dict[str, Any]:
    """Return the row of a processor, with five more fields that checks compare.

    - `rest_incoming` and `rest_outgoing` count the items that came into the processor of the rest and left it.
    - `rest_passes` says the same in words.
    - `passes` says whether items pass it in the rest. For a new processor, it says whether the rest sends the signal
      without it. Of a processor that holds data for a while, nothing is known.
    - `least` is how many items must come in before it is a fault that none passed.
    """
    rest_rows = sides.find_rest_rows_of_both_spans("processes", row)
    rest_passed = _find_most_passing(
        PassedItems(outgoing_items=rest_row.row["outgoing"], incoming_items=rest_row.row["incoming"])
        for rest_row in rest_rows
    )
    needed_items = count_items_until_silence(sides, row["signal"], row["id"])
    if rest_rows:
        passes = _passes_in_rest(rest_passed)
        rest_text = f"{rest_passed.outgoing_items} of {rest_passed.incoming_items} pass"
        needed_items = max(needed_items, _count_items_by_rest(rest_passed))
    else:
        passes = _is_sent_without_processor(sides, row)
        rest_text = "all are sent without it"
    return {
        **row,
        "rest_incoming": rest_passed.incoming_items,
        "rest_outgoing": rest_passed.outgoing_items,
        "rest_passes": rest_text,
        # A processor that holds data has passed none yet of what came in, which is no fault.
        "passes": passes and not default_hold_seconds(row["id"]),
        "least": needed_items,
    }


def _count_items_by_rest(rest_passed: PassedItems) -> int:
    """Return after how many items a processor must have passed some, given the share that it passes in the rest."""
    if rest_passed.is_nearly_all:
        return 0
    smallest_share = max(rest_passed.certain_percent / 100, _SMALLEST_SHARE)
    return ceil(ITEMS_OF_TRACES / smallest_share)


def _find_most_passing(passed_counts: Iterable[PassedItems]) -> PassedItems:
    """Return the counts of which the largest share passes at least; of none, no items.

    The same processor is counted over two spans. If items pass it in one of them, it is one that passes items.
    """
    return max(passed_counts, key=lambda passed_count: passed_count.certain_percent, default=PassedItems(0, 0))


def _passes_in_rest(rest_passed: PassedItems) -> bool:
    return rest_passed.certain_percent >= _FEWEST_PASSING_PERCENT


def _is_sent_without_processor(sides: Sides, row: ProcessorRow) -> bool:
    """Return whether the rest sends the signal of a new processor, and the canary does not even try.

    If an exporter of the canary tries, items of the signal get past the processors, so this one does not drop all.
    """
    signal = row["signal"]
    return signal in sides.find_signals_sent_by_rest() and signal not in sides.find_signals_canary_tried()
