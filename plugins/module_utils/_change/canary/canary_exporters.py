# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much should each exporter of a canary have sent by now, and is it late? Private.

The *canary* are the pods with the new config, the *rest* those with the earlier one. Checks `exports_fail`,
`nothing_sent`, `queue_grows` and `exports_late` read the rows that are built here, one for each exporter. Their words:

| word | meaning |
|---|---|
| handed on | accepted by receivers so long ago that no component before the exporter holds it any more |
| due | handed on, and of the share that the exporter of the rest sends of what comes in |
| late | due, and neither sent nor failed; `canary_lateness.py` counts it |

For example, the rest has accepted 1000 spans, and its exporter has sent 950 of them. If the canary has handed on 300
spans, 285 are due. If its exporter has sent none of these, check `nothing_sent` fails.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from ..._otelcol.traits import PROCESSORS, Trait, traits_of
from ..._telemetry.signal_flow import ExporterRow, FlowRows, ProcessorRow
from .canary_lateness import Lateness, measure_lateness
from .canary_queues import build_queue_row
from .canary_samplers import ITEMS_OF_TRACES, count_items_until_silence
from .count_rows import count_accepted_items
from .exporter_inputs import find_exporter_inputs
from .hold_times import MARGIN_SECONDS, count_hold_seconds
from .shares import EXPORTED, compare_shares
from .sides import RestRow, Sides

# From this share on, between 0 and 1, nearly all items are sent.
_NEARLY_ALL_SHARE = 0.9


class RestExports(NamedTuple):
    """What the exporters of the rest have sent that an exporter of the canary is compared with."""

    has_exporters: bool
    """Whether there is such an exporter at all."""
    most_sent_items: int
    """How many items the one of them has sent that has sent the most; 0 without one."""
    best_share: float
    """The largest share of the incoming items that one of them has sent, between 0 and 1; 0 without one."""

    @property
    def sends_nearly_all(self) -> bool:
        """Whether nearly all incoming items are due to be sent. Without an exporter to compare with, they are."""
        return not self.has_exporters or self.best_share >= _NEARLY_ALL_SHARE


class DueItems(NamedTuple):
    """How many items an exporter should have sent by now."""

    due_count: int
    needed_count: int
    """How many must be due before it is a fault that none was sent."""


def build_exporter_rows(sides: Sides) -> list[dict[str, Any]]:
    """Return the row of each exporter of the canary, with what checks compare.

    Checks compare the share that failed, what was due to be sent, how late the exporter is, and its queue.
    """
    hold_seconds = count_hold_seconds(sides.canary_config) + MARGIN_SECONDS
    handed_on_rows = sides.canary.find_rows_before(hold_seconds)
    exporter_rows: list[dict[str, Any]] = []
    for index, row in enumerate(sides.canary_facts["exports"]):
        rest_exports = _summarise_rest_exports(_find_rest_exporters(sides, row))
        due_items = _count_due_items(sides, row, rest_exports, handed_on_rows)
        lateness = Lateness()
        if rest_exports.sends_nearly_all and _has_inputs_of_rest(sides, row):
            lateness = measure_lateness(sides, index, row["signal"], rest_exports.best_share, hold_seconds)
        exporter_rows.append(
            {
                **row,
                **compare_shares(sides, EXPORTED, index, row).as_row("failed"),
                "due": due_items.due_count,
                "rest_sent": rest_exports.most_sent_items,
                "least": due_items.needed_count,
                **lateness.as_row(),
                **build_queue_row(sides, index, row),
            }
        )
    return exporter_rows


# ── What the rest sends ──


def _find_rest_exporters(sides: Sides, row: ExporterRow) -> list[RestRow]:
    """Return the exporters of the rest to compare an exporter with.

    A new exporter may be meant for few items: it is compared only where nothing else sends the signal.
    """
    component_rows = sides.find_rest_rows_of_both_spans("exports", row)
    if component_rows or row["signal"] in sides.find_signals_canary_tried():
        return component_rows
    return sides.find_rest_rows_or_all_of_signal("exports", row)


def _summarise_rest_exports(exporters: Iterable[RestRow]) -> RestExports:
    """Return what some exporters of the rest have sent."""
    sent_counts: list[int] = []
    sent_shares: list[float] = []
    for exporter in exporters:
        accepted_count = count_accepted_items(exporter.rows_of_span, exporter.row["signal"])
        sent_count = exporter.row["sent"]
        sent_counts.append(sent_count)
        sent_shares.append(min(sent_count / max(accepted_count, 1), 1.0))
    return RestExports(
        has_exporters=bool(sent_counts),
        most_sent_items=max(sent_counts, default=0),
        best_share=max(sent_shares, default=0.0),
    )


# ── What is due ──


def _count_due_items(
    sides: Sides, row: ExporterRow, rest_exports: RestExports, handed_on_rows: FlowRows | None
) -> DueItems:
    """Return how many items an exporter should have sent.

    `handed_on_rows` count what the canary has handed on; None if its pods have not been watched for so long.
    """
    signal = row["signal"]
    handed_on_items = count_accepted_items(handed_on_rows, signal) if handed_on_rows else 0
    needed_count = count_items_until_silence(sides, signal)
    if not rest_exports.sends_nearly_all:
        needed_count = max(needed_count, ITEMS_OF_TRACES)
    return DueItems(due_count=int(handed_on_items * rest_exports.best_share), needed_count=needed_count)


# ── Whether lateness means something ──


def _has_inputs_of_rest(sides: Sides, row: ExporterRow) -> bool:
    """Return whether an exporter gets its signal from the same receivers as in the rest, through nothing new.

    Otherwise fewer items may reach it than come in: a connector may send a part elsewhere, or make as many items for
    any load, and a processor such as tail_sampling does not count what it drops.
    """
    signal = row["signal"]
    is_received = any(receiver["signal"] == signal for receiver in sides.canary_facts["receives"])
    if not is_received:
        return False
    if any(_drops_uncounted(processor) for processor in sides.find_new_processors(signal)):
        return False
    return find_exporter_inputs(row, sides.canary_config) == find_exporter_inputs(row, sides.rest_config)


def _drops_uncounted(row: ProcessorRow) -> bool:
    """Return whether a processor may drop items, and counts none."""
    return not row["incoming"] and Trait.PASSES_ALL not in traits_of(PROCESSORS, row["id"])
