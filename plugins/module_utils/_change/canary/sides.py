# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two sides of a comparison: the canary, and the rest, which runs the earlier config. Private.

If no pod of the rest is left, the readings from before the change take its place. The files `canary_…` ask here for
the rows of the rest that a row of the canary is compared with. A row is about one component and one signal. For
example, the row of exporter `otlp` for traces in the canary:

    {"id": "otlp", "signal": "traces", "sent": 40, …}

`find_rest_rows` returns two rows for it, which are about exporter `otlp` and traces too: one with what the rest sent
while it was watched, and one with what it sent since the start of its pods (readings.py explains both).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..._otelcol.config.paths import mapping_at
from ..._telemetry.signal_flow import FlowRows, ProcessorRow
from .count_rows import Row
from .fact_rows import RestFacts, RevisionFacts, RowKind
from .revision import Revision


class RestRow(NamedTuple):
    """A row of the rest, and the rows that were counted together with it."""

    row: Row
    reading_rows: FlowRows
    """All rows of the same time: what an exporter sent means something only beside what the receivers accepted."""


@dataclass(frozen=True)
class Sides:
    """A canary with its facts, and the facts and the config of the rest."""

    canary: Revision
    canary_facts: RevisionFacts
    """The facts of the last reading of the canary."""
    rest_config: Mapping[str, Any]
    """The earlier config."""
    rest_facts: RestFacts
    seconds_alone: float
    """For how many seconds no pod of the rest has been read; 0 if one was in the last reading."""

    @property
    def canary_config(self) -> Mapping[str, Any]:
        """The new config, which the canary runs."""
        return self.canary.config

    def find_rest_rows(self, kind: RowKind, row: Row) -> list[RestRow]:
        """Return the rows of the rest about the same component and signal: while watched, and since the start."""
        return [rest_row for rest_row in self._list_rest_rows(kind) if is_same_component(rest_row.row, row)]

    def find_rest_rows_or_signal(self, kind: RowKind, row: Row) -> list[RestRow]:
        """Return the rows of the rest about the same component and signal; without any, all of the same signal."""
        component_rows = self.find_rest_rows(kind, row)
        if component_rows:
            return component_rows
        return [rest_row for rest_row in self._list_rest_rows(kind) if rest_row.row["signal"] == row["signal"]]

    def find_current_rest_rows(self, kind: RowKind, row: Row) -> list[Row]:
        """Return the rows of the rest about the same component and signal, counted while watched alone."""
        rest_rows: Sequence[Row] = self.rest_facts[kind]
        return [rest_row for rest_row in rest_rows if is_same_component(rest_row, row)]

    def find_signals_sent_by_rest(self) -> set[str]:
        """Return the signals of which the rest has sent items."""
        return {rest_row.row["signal"] for rest_row in self._list_rest_rows("exports") if rest_row.row["sent"]}

    def find_signals_canary_tried(self) -> set[str]:
        """Return the signals of which the canary has sent items, or has failed to."""
        return {row["signal"] for row in self.canary_facts["exports"] if row["sent"] or row["failed"]}

    def find_new_processors(self, signal: str) -> Iterator[ProcessorRow]:
        """Yield the processors of a signal that the rest does not have, or has with other settings."""
        canary_processors = mapping_at(self.canary_config, "processors")
        rest_processors = mapping_at(self.rest_config, "processors")
        for row in self.canary_facts["processes"]:
            if row["signal"] == signal and canary_processors.get(row["id"]) != rest_processors.get(row["id"]):
                yield row

    def _list_rest_rows(self, kind: RowKind) -> Iterator[RestRow]:
        """Yield the rows of one kind: those counted while watched, and then those since the start of the pods."""
        for reading_rows in self.rest_facts["bases"]:
            rows: Sequence[Row] = reading_rows[kind]
            for row in rows:
                yield RestRow(row, reading_rows)


def is_same_component(row: Row, other_row: Row) -> bool:
    """Return whether two rows are about the same component and signal."""
    return bool((row["id"], row["signal"]) == (other_row["id"], other_row["signal"]))
