# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two sides of a comparison: the canary, and the rest, which runs the earlier config. Private.

A check compares a row of the canary with rows of the rest about the same component and signal. The rest counts over two
spans of time, so most checks take two rows: what was counted while the pods are watched, and what was counted since
their start. An exporter that sends once an hour has sent nothing while watched. For example, for the row

    {"id": "otlp", "signal": "traces", "sent": 40, …}

of the canary, `find_rest_rows_of_both_spans` returns two rows of the rest, with `"sent": 300` while watched, and with
`"sent": 5300` since the start. `find_rest_rows_while_watched` returns the first alone.

If no pod of the rest is left, the facts from before the change take its place. In a wave, the facts of other
collectors do. There is one `Sides` for each reading of the pods. `canary_facts.py` gives it to the files `canary_…`.
They and shares.py ask it. readings.py explains the two spans.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..._otelcol.config.paths import mapping_at
from ..._telemetry.signal_flow import ComponentRow, FlowRows, ProcessorRow
from .count_rows import Row
from .fact_rows import RestFacts, RevisionFacts, RowKind
from .revision import Revision


class RestRow(NamedTuple):
    """A row of the rest, counted over one of the two spans."""

    row: Row
    """A `ComponentRow` with the counts of its kind, such as `sent` of an exporter."""
    rows_of_span: FlowRows
    """The rows of all components, counted over the same span: how much an exporter has to send depends on what the
    receivers accepted in that time."""


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

    def find_rest_rows_of_both_spans(self, kind: RowKind, row: ComponentRow) -> list[RestRow]:
        """Return the rows of the rest about the same component and signal: while watched, and since the start."""
        return [rest_row for rest_row in self._iterate_rest_rows(kind) if _is_same_component(rest_row.row, row)]

    def find_rest_rows_or_all_of_signal(self, kind: RowKind, row: ComponentRow) -> list[RestRow]:
        """Return the rows of both spans about the same component and signal; without any, all of the same signal.

        A component that is new or has another name has no rows in the rest. Then the others of the signal show what is
        usual: if they fail in the rest too, the failures of the new one are not of the change.
        """
        component_rows = self.find_rest_rows_of_both_spans(kind, row)
        if component_rows:
            return component_rows
        return [rest_row for rest_row in self._iterate_rest_rows(kind) if rest_row.row["signal"] == row["signal"]]

    def find_rest_rows_while_watched(self, kind: RowKind, row: ComponentRow) -> list[Row]:
        """Return the rows of the rest about the same component and signal, counted while watched alone.

        Rates need these: only for this span it is known how many seconds it has. The facts of the rest have these rows
        under the key of their kind too, as those of the canary do.
        """
        rest_rows: Sequence[Row] = self.rest_facts[kind]
        return [rest_row for rest_row in rest_rows if _is_same_component(rest_row, row)]

    def find_signals_sent_by_rest(self) -> set[str]:
        """Return the signals of which the rest has sent items, in either span."""
        return {rest_row.row["signal"] for rest_row in self._iterate_rest_rows("exports") if rest_row.row["sent"]}

    def find_signals_canary_tried(self) -> set[str]:
        """Return the signals of which the canary has sent items, or has failed to.

        A failure counts too: then items do reach an exporter, and no component before it has dropped them.
        """
        return {row["signal"] for row in self.canary_facts["exports"] if row["sent"] or row["failed"]}

    def find_new_processors(self, signal: str) -> Iterator[ProcessorRow]:
        """Yield the processors of a signal that the rest does not have, or has with other settings.

        Of these alone, the figures of the rest do not show how much they pass.
        """
        canary_processors = mapping_at(self.canary_config, "processors")
        rest_processors = mapping_at(self.rest_config, "processors")
        for row in self.canary_facts["processes"]:
            if row["signal"] == signal and canary_processors.get(row["id"]) != rest_processors.get(row["id"]):
                yield row

    def _iterate_rest_rows(self, kind: RowKind) -> Iterator[RestRow]:
        """Yield the rows of one kind: those counted while watched, and then those since the start of the pods.

        Both are in `bases`, by which name records of changes in clusters have them: one item for each span. The second
        one is missing if no pod of the rest was read.
        """
        for rows_of_span in self.rest_facts["bases"]:
            rows: Sequence[Row] = rows_of_span[kind]
            for row in rows:
                yield RestRow(row, rows_of_span)


def _is_same_component(rest_row: Row, row: ComponentRow) -> bool:
    """Return whether two rows are about the same component and signal."""
    return bool(rest_row["id"] == row["id"] and rest_row["signal"] == row["signal"])
