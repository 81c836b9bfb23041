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

from dataclasses import dataclass
from math import ceil
from typing import NamedTuple

from ..._telemetry.signal_flow import ProcessorRow
from .canary_samplers import ITEMS_OF_TRACES, count_items_until_silence
from .fact_rows import JudgedProcessorRow
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
        """Which share passes at least, in percent: the lower bound of Wilson, since few items say little about a share.

        If 1 item of 1 passed, the share is 13 % for certain; if 100 of 100 passed, 93 %.
        """
        lowest_percent, _highest_percent = compute_wilson_bounds(self.outgoing_items, self.incoming_items)
        return lowest_percent

    @property
    def is_nearly_all(self) -> bool:
        """Whether few items end in the processor."""
        return self.outgoing_items >= _NEARLY_ALL_SHARE * self.incoming_items


_NO_ITEMS = PassedItems(outgoing_items=0, incoming_items=0)


class _Expectation(NamedTuple):
    """What a processor of the canary is expected to do, by the rest."""

    passes_items: bool
    """Whether items should pass it."""
    rest_text: str
    """What happens to the items in the rest, for a message that blames the processor."""
    needed_items: int
    """How many items must come in before it is a fault that none passed."""


def build_processor_row(sides: Sides, row: ProcessorRow) -> JudgedProcessorRow:
    """Return the row of a processor, with what it is compared with.

    A new processor, which the rest does not have, is compared with what the rest sends. Every other one is compared
    with the counts of the same processor in the rest, over the span in which most items passed it (see sides.py).
    """
    rest_rows = sides.find_rest_rows_of_both_spans("processes", row)
    if not rest_rows:
        return _build_judged_row(sides, row, _NO_ITEMS, _expect_of_new(sides, row))
    passed_counts = [PassedItems(rest_row.row["outgoing"], rest_row.row["incoming"]) for rest_row in rest_rows]
    # The same processor is counted over two spans. If items pass it in one of them, it is one that passes items.
    rest_passed = max(passed_counts, key=lambda passed_count: passed_count.certain_percent)
    return _build_judged_row(sides, row, rest_passed, _expect_by_rest(rest_passed))


def _build_judged_row(
    sides: Sides, row: ProcessorRow, rest_passed: PassedItems, expectation: _Expectation
) -> JudgedProcessorRow:
    """Return the row of a processor with what passes it in the rest, and what is expected of it."""
    # A processor that holds data has passed none yet of what came in, which is no fault.
    holds_data = bool(default_hold_seconds(row["id"]))
    items_until_silence = count_items_until_silence(sides, row["signal"], row["id"])
    return {
        **row,
        "rest_incoming": rest_passed.incoming_items,
        "rest_outgoing": rest_passed.outgoing_items,
        "rest_passes": expectation.rest_text,
        "passes": expectation.passes_items and not holds_data,
        "least": max(expectation.needed_items, items_until_silence),
    }


def _expect_by_rest(rest_passed: PassedItems) -> _Expectation:
    """Return what is expected of a processor that the rest has too."""
    return _Expectation(
        passes_items=rest_passed.certain_percent >= _FEWEST_PASSING_PERCENT,
        rest_text=f"{rest_passed.outgoing_items} of {rest_passed.incoming_items} pass",
        needed_items=_count_items_by_rest(rest_passed),
    )


def _expect_of_new(sides: Sides, row: ProcessorRow) -> _Expectation:
    """Return what is expected of a processor that the rest does not have.

    Items should pass it if the rest sends the signal and no exporter of the canary tries to. If one tries, items get
    past the processors, so this one does not drop all.
    """
    signal = row["signal"]
    is_sent_by_rest_alone = (
        signal in sides.find_signals_sent_by_rest() and signal not in sides.find_signals_canary_tried()
    )
    return _Expectation(passes_items=is_sent_by_rest_alone, rest_text="all are sent without it", needed_items=0)


def _count_items_by_rest(rest_passed: PassedItems) -> int:
    """Return after how many items a processor must have passed some, given the share that it passes in the rest.

    If nearly all pass there, the share asks for none: then `count_items_until_silence` alone says how many are needed.
    """
    if rest_passed.is_nearly_all:
        return 0
    smallest_share = max(rest_passed.certain_percent / 100, _SMALLEST_SHARE)
    return ceil(ITEMS_OF_TRACES / smallest_share)
