# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The exporters of a canary, each with what was due to be sent by what the rest sends. Private."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..._otelcol.config.paths import section
from ..._otelcol.config.pipelines import PipelineGraph, signal_of
from ..._otelcol.traits import PROCESSORS, Trait, traits_of
from .canary_queues import queue_row
from .canary_samplers import ITEMS_OF_TRACES, items_until_silence
from .count_rows import ExporterRow, ProcessorRow, accepted_items
from .hold_times import MARGIN, hold_seconds
from .readings import LAST_READINGS
from .shares import EXPORTED, compared_share
from .sides import RestRow, Sides

# From this share on, between 0 and 1, nearly all items are sent.
_NEARLY_ALL_SHARE = 0.9


class Lateness(NamedTuple):
    """How many items should have been sent long ago.

    `late_items` are those of the last reading, `fewest_items` the fewest of the last few readings. `seconds` is in what
    time so many items come in.
    """

    late_items: int = 0
    fewest_items: int = 0
    seconds: int = 0

    def as_row(self) -> dict[str, int]:
        """Return the fields of a row of facts."""
        return {"late": self.late_items, "late_low": self.fewest_items, "late_seconds": self.seconds}


class ExporterComparison:
    """The exporters of a canary beside those of the rest."""

    def __init__(self, sides: Sides) -> None:
        self._sides = sides
        self._hold_seconds = hold_seconds(sides.canary_config) + MARGIN
        # What came in so long ago that all components have handed it on; None if nothing was read then.
        self._settled_rows = sides.canary.rows_before(self._hold_seconds)
        self._signals_tried = sides.signals_tried_by_canary()

    def row(self, index: int, row: ExporterRow) -> dict[str, Any]:
        """Return the row of an exporter with the share that failed, what was `due` to be sent, and its queue.

        `index` is its place among the exporters of the canary.
        """
        return {
            **row,
            **compared_share(self._sides, EXPORTED, index, row).as_row("failed"),
            **self._due_row(index, row),
            **queue_row(self._sides, index, row),
        }

    def _due_row(self, index: int, row: ExporterRow) -> dict[str, int]:
        """Return how many items were due by the share that the rest has sent, and how late the others are.

        `least` is how many items must be due until it says something that none was sent.
        """
        signal = row["signal"]
        found = self._rest_exporters(row)
        sent_shares = [_sent_share(other) for other in found]
        best_share = max(sent_shares, default=0.0)
        sends_nearly_all = not found or best_share >= _NEARLY_ALL_SHARE
        settled_items = accepted_items(self._settled_rows, signal) if self._settled_rows else 0
        needed = items_until_silence(self._sides, signal)
        is_comparable = sends_nearly_all and self._has_inputs_of_rest(row)
        lateness = self._lateness(index, signal, best_share) if is_comparable else Lateness()
        return {
            "due": int(settled_items * best_share),
            "rest_sent": max((other.row["sent"] for other in found), default=0),
            "least": needed if sends_nearly_all else max(needed, ITEMS_OF_TRACES),
            **lateness.as_row(),
        }

    def _rest_exporters(self, row: ExporterRow) -> list[RestRow]:
        """Return the exporters of the rest to compare with.

        A new exporter may be meant for few items: it is compared only where nothing else sends the signal.
        """
        of_component = self._sides.rest_rows("exports", row)
        if of_component or row["signal"] in self._signals_tried:
            return of_component
        return self._sides.rest_rows_or_signal("exports", row)

    def _lateness(self, index: int, signal: str, share: float) -> Lateness:
        """Return how late items of a signal are, of which so large a share is sent in the rest.

        Of pods that have begun with the change, all counts say so: what waited at the first reading waits no less.
        """
        canary, facts = self._sides.canary, self._sides.canary_facts
        ending = "_total" if canary.is_young else ""
        due_share = share * self._passing_share(signal)
        gone_counts = canary.history("exports", index, f"sent{ending}", f"failed{ending}")
        late_counts = [0] * LAST_READINGS
        for settled_rows, gone in zip(canary.rows_before_each(self._hold_seconds), gone_counts, strict=True):
            came = accepted_items(settled_rows, signal, f"accepted{ending}") if settled_rows else 0
            late_counts.append(max(int(came * due_share) - gone, 0))
        due_each_second = accepted_items(facts, signal) * due_share / max(facts["seconds"], 1)
        seconds = round(late_counts[-1] / due_each_second) if due_each_second else 0
        return Lateness(late_counts[-1], min(late_counts[-LAST_READINGS:]), seconds)

    def _passing_share(self, signal: str) -> float:
        """Return the share of a signal that its processors pass at least, between 0 and 1."""
        share = 1.0
        for row in self._sides.canary_facts["processes"]:
            if row["signal"] == signal and row["incoming"]:
                share *= 1 - min(row["dropped"] / row["incoming"], 1.0)
        return share

    def _has_inputs_of_rest(self, row: ExporterRow) -> bool:
        """Return whether an exporter gets its signal from the same receivers as in the rest, through nothing new.

        A connector may send a part elsewhere, or make as many items for any load. A processor such as tail_sampling
        does not count what it drops.
        """
        sides, signal = self._sides, row["signal"]
        is_received = any(receiver["signal"] == signal for receiver in sides.canary_facts["receives"])
        if not is_received or any(map(_drops_uncounted, sides.new_processors(signal))):
            return False
        return _path_to(row, sides.canary_config) == _path_to(row, sides.rest_config)


def _sent_share(found: RestRow) -> float:
    """Return the share of what came in that an exporter of the rest has sent, between 0 and 1."""
    came = accepted_items(found.rows, found.row["signal"])
    return float(min(found.row["sent"] / max(came, 1), 1.0))


def _drops_uncounted(row: ProcessorRow) -> bool:
    """Return whether a processor may drop items, and counts none."""
    return not row["incoming"] and Trait.PASSES_ALL not in traits_of(PROCESSORS, row["id"])


class _PipelineEnds(NamedTuple):
    """The receivers of a pipeline, and whether it lists an exporter."""

    receivers: list[str]
    has_exporter: bool


class _ExporterPath(NamedTuple):
    """The ends of all pipelines of the signal of an exporter, and the settings of all connectors."""

    ends: list[_PipelineEnds]
    connectors: Mapping[str, Any]


def _path_to(exporter: ExporterRow, config: Mapping[str, Any]) -> _ExporterPath:
    """Return from where an exporter of a config may get its signal."""
    graph = PipelineGraph.of(config)
    ends = []
    for pipeline in graph.pipelines:
        if signal_of(pipeline) == exporter["signal"]:
            receivers = sorted(graph.listed(pipeline, "receivers"))
            ends.append(_PipelineEnds(receivers, exporter["id"] in graph.listed(pipeline, "exporters")))
    return _ExporterPath(sorted(ends), section(config, "connectors"))
