# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold in the settings of a type, as the table `constraints` has it. Private."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from operator import attrgetter
from typing import Any, NamedTuple

from ..config.paths import Path
from .rows import ANY_KEY, Key, Row


@dataclass
class ConstraintPlaces:
    """Rows of constraints at their place in the settings of a type, so that one walk of the settings finds all.

    Those in `rows_by_key` find nothing where their key is not given.
    """

    rows: list[Any] = field(default_factory=list)
    rows_by_key: dict[str, list[Any]] = field(default_factory=dict)
    places_by_step: dict[str, ConstraintPlaces] = field(default_factory=dict)

    def add_row(self, row: Any, steps: Sequence[str], key: str) -> None:
        """Put a row at the end of these steps: a key, `a|b` for alternatives, `*` for any key or index.

        With `key`, it finds nothing where this key is not given.
        """
        if steps:
            first_step, *other_steps = steps
            for step in first_step.split("|"):
                self.places_by_step.setdefault(step, ConstraintPlaces()).add_row(row, other_steps, key)
        elif key:
            self.rows_by_key.setdefault(key, []).append(row)
        else:
            self.rows.append(row)

    def list_rows_about(self, value: Any) -> list[Any]:
        """Return the rows of this place that may find something in a value; text is no place."""
        if isinstance(value, str):
            return []
        if not self.rows_by_key or not isinstance(value, dict):
            return self.rows
        rows = list(self.rows)
        for key in self.rows_by_key.keys() & value.keys():
            rows += self.rows_by_key[key]
        return rows

    def find_places(self, settings: Any, path: Path) -> Iterator[tuple[Any, Path, Any]]:
        """Yield every row whose place the settings have, with path and value; text is no place."""
        stack: list[tuple[ConstraintPlaces, Path, Any]] = [(self, path, settings)]
        while stack:
            places, value_path, value = stack.pop()
            for row in places.list_rows_about(value):
                yield row, value_path, value
            if places.places_by_step:
                stack.extend(places.iter_places_below(value_path, value))

    def iter_places_below(self, value_path: Path, value: Any) -> Iterator[tuple[ConstraintPlaces, Path, Any]]:
        """Yield the places in a value, with path and what stands there: those by key, then those of any key or index.

        `value_path` is the path of the value.
        """
        if isinstance(value, dict):
            for key in self.places_by_step.keys() & value.keys():
                if key != ANY_KEY:
                    yield self.places_by_step[key], (*value_path, key), value[key]
        if ANY_KEY in self.places_by_step and isinstance(value, (dict, list)):
            pairs = value.items() if isinstance(value, dict) else enumerate(value)
            for step, child in pairs:
                yield self.places_by_step[ANY_KEY], (*value_path, step), child


class _PlacedRow(NamedTuple):
    """A row of constraints with its number in the table, and the steps to its place in the settings."""

    number: int
    row: Row
    steps: list[str]


@dataclass(frozen=True)
class ConstraintTable:
    """The rows of constraints, which stand beside the type that they are about."""

    rows: Sequence[Row]

    def build_places(
        self, section: str, name: str, make_constraint: Callable[[Row], tuple[Any, str] | None]
    ) -> ConstraintPlaces:
        """Return what must hold in the settings of a type, given its newest name: what is made of rows, but None.

        With it comes the key without which it finds nothing; empty if it may.
        """
        rows_of_any_type, rows_of_type = (
            self._by_type.get((section, ANY_KEY), ()),
            self._by_type.get((section, name), ()),
        )
        places = ConstraintPlaces()
        for placed_row in sorted((*rows_of_any_type, *rows_of_type), key=attrgetter("number")):
            constraint = make_constraint(placed_row.row)
            if constraint:
                constraint_row, key = constraint
                places.add_row(constraint_row, placed_row.steps, key)
        return places

    @cached_property
    def _by_type(self) -> dict[Key, list[_PlacedRow]]:
        """The rows of constraints of each type, by section and name."""
        rows_by_type: dict[Key, list[_PlacedRow]] = {}
        for number, row in enumerate(self.rows):
            section, type_names, *steps = row["at"].split(".")
            for type_name in type_names.split("|"):
                rows_by_type.setdefault((section, type_name), []).append(_PlacedRow(number, row, steps))
        return rows_by_type
