# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two sides of a comparison: the canary, and the rest, which runs the earlier config. Private.

If no pod of the rest is left, the readings from before the change take its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..._otelcol.config.paths import mapping_at
from .count_rows import CountRows, ProcessorRow, Row
from .readings import Revision


class RestRow(NamedTuple):
    """A row of the rest, and the rows of the reading that it is one of."""

    row: Row
    reading_rows: CountRows


@dataclass(frozen=True)
class Sides:
    """A canary with its facts, and the facts and the config of the rest.

    `seconds_alone` says for how many seconds no pod of the rest has been read; None if one was in the last reading.
    """

    canary: Revision
    canary_facts: Mapping[str, Any]
    rest_config: Mapping[str, Any]
    rest_facts: Mapping[str, Any]
    seconds_alone: float | None

    @property
    def canary_config(self) -> Mapping[str, Any]:
        """The new config, which the canary runs."""
        return self.canary.config

    def find_rest_rows(self, kind: str, row: Row) -> list[RestRow]:
        """Return the rows of the same component and signal in the rest, in this time and since its start."""
        return [rest_row for rest_row in self._list_rest_rows(kind) if is_same_component(rest_row.row, row)]

    def find_rest_rows_or_signal(self, kind: str, row: Row) -> list[RestRow]:
        """Return the rows of the same component and signal in the rest, else all of the same signal."""
        component_rows = self.find_rest_rows(kind, row)
        return component_rows or [
            rest_row for rest_row in self._list_rest_rows(kind) if rest_row.row["signal"] == row["signal"]
        ]

    def find_current_rest_rows(self, kind: str, row: Row) -> list[Row]:
        """Return the rows of the same component and signal among what the rest counts in this time."""
        return [rest_row for rest_row in self.rest_facts[kind] if is_same_component(rest_row, row)]

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

    def _list_rest_rows(self, kind: str) -> Iterator[RestRow]:
        """Yield the rows of one kind: those of this time, and then those since the start of the pods."""
        for rows in self.rest_facts["bases"]:
            for row in rows[kind]:
                yield RestRow(row, rows)


def is_same_component(row: Row, other_row: Row) -> bool:
    """Return whether two rows are about the same component and signal."""
    return bool((row["id"], row["signal"]) == (other_row["id"], other_row["signal"]))
