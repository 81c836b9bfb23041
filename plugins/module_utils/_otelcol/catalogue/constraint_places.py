# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Constraints on settings of component types, from the table `constraints`, by their places in settings. Private.

A row with `at: exporters.otlp|otlp_http.tls` is about the settings below `tls` of both types; this is its place. A rule
turns each row into a constraint of its own kind (rules/constraints.py), and asks `find_places` which of them apply to
the settings of a component: of `{endpoint: x, tls: {insecure: true}}`, the value at `tls` gets the constraint.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from operator import attrgetter
from typing import Any, Generic, NamedTuple, TypeVar

from ..config.paths import Path
from .rows import ANY_KEY, Key, Row

_Constraint = TypeVar("_Constraint")


class KeyedConstraint(NamedTuple, Generic[_Constraint]):
    """A constraint that a rule made of a row."""

    constraint: _Constraint
    needed_key: str = ""
    """The key without which the constraint finds nothing; empty if it may find something anyway."""


class PlacedConstraint(NamedTuple, Generic[_Constraint]):
    """A constraint at a place that the settings have: the path of the place, and the value there."""

    constraint: _Constraint
    path: Path
    value: Any


class _PlacesAtValue(NamedTuple, Generic[_Constraint]):
    """The places at a value of the settings and below it, with the path of the value."""

    places: ConstraintPlaces[_Constraint]
    path: Path
    value: Any


@dataclass
class ConstraintPlaces(Generic[_Constraint]):
    """The constraints at a place in the settings of a type, and the places below it.

    They are a tree, so that one walk of the settings finds all constraints. For example, of one row at
    `exporters.otlp.headers.*`, and one at `exporters.otlp.tls` that finds nothing without the key `ca_file`, the places
    in the settings of otlp are

        ConstraintPlaces(places_by_step={
            "headers": ConstraintPlaces(places_by_step={"*": ConstraintPlaces(constraints=[…])}),
            "tls": ConstraintPlaces(constraints_by_key={"ca_file": […]}),
        })
    """

    constraints: list[_Constraint] = field(default_factory=list)
    constraints_by_key: dict[str, list[_Constraint]] = field(default_factory=dict)
    """The constraints that find nothing if the settings at the place lack a key, by that key.

    Settings have few of the keys, so most constraints need not be looked at.
    """
    places_by_step: dict[str, ConstraintPlaces[_Constraint]] = field(default_factory=dict)
    """The places below, by the next step of their path: a key, or `*` for any key or index."""

    def add_constraint(self, keyed_constraint: KeyedConstraint[_Constraint], steps: Sequence[str]) -> None:
        """Put a constraint at the end of these steps: a key, `a|b` for alternatives, `*` for any key or index."""
        if steps:
            first_step, *other_steps = steps
            for step in first_step.split("|"):
                places_below = self.places_by_step.setdefault(step, ConstraintPlaces())
                places_below.add_constraint(keyed_constraint, other_steps)
            return
        constraint, needed_key = keyed_constraint
        if needed_key:
            self.constraints_by_key.setdefault(needed_key, []).append(constraint)
        else:
            self.constraints.append(constraint)

    def find_places(self, settings: Any, path: Path) -> Iterator[PlacedConstraint[_Constraint]]:
        """Yield every constraint whose place the settings have: those of a value, then those below it.

        `path` is the path of the settings. The walk goes as deep as the places, however deep the settings are.
        """
        for constraint in self._list_constraints_on(settings):
            yield PlacedConstraint(constraint, path, settings)
        for places_below, value_path, value in self._list_places_below(settings, path):
            yield from places_below.find_places(value, value_path)

    def _list_constraints_on(self, value: Any) -> list[_Constraint]:
        """Return the constraints of this place that may find something in a value; they find nothing in a text."""
        if isinstance(value, str):
            return []
        if not self.constraints_by_key or not isinstance(value, dict):
            return self.constraints
        constraints = list(self.constraints)
        for key in value:
            constraints += self.constraints_by_key.get(key, ())
        return constraints

    def _list_places_below(self, value: Any, path: Path) -> Iterator[_PlacesAtValue[_Constraint]]:
        """Yield the places one step below a value: those of its keys, then those of any key or index."""
        if not self.places_by_step:
            return
        if isinstance(value, dict):
            for key, child in value.items():
                if key in self.places_by_step and key != ANY_KEY:
                    yield _PlacesAtValue(self.places_by_step[key], (*path, key), child)
        if ANY_KEY in self.places_by_step and isinstance(value, (dict, list)):
            pairs = value.items() if isinstance(value, dict) else enumerate(value)
            for step, child in pairs:
                yield _PlacesAtValue(self.places_by_step[ANY_KEY], (*path, step), child)


class _PlacedRow(NamedTuple):
    """A row of constraints with its number in the table, and the steps to its place in the settings."""

    number: int
    row: Row
    steps: list[str]


@dataclass(frozen=True)
class ConstraintTable:
    """The rows of constraints. `at` of a row names types and a place, such as `exporters.otlp|otlp_http.tls`."""

    rows: Sequence[Row]

    def build_places(
        self, section: str, name: str, make_constraint: Callable[[Row], KeyedConstraint[_Constraint] | None]
    ) -> ConstraintPlaces[_Constraint]:
        """Return the constraints on the settings of a type by their places. `name` is the newest name of the type.

        `make_constraint` turns a row into a constraint. A row for which it returns None is left out.
        """
        rows_of_any_type = self._by_type.get((section, ANY_KEY), ())
        rows_of_type = self._by_type.get((section, name), ())
        places: ConstraintPlaces[_Constraint] = ConstraintPlaces()
        for placed_row in sorted((*rows_of_any_type, *rows_of_type), key=attrgetter("number")):
            keyed_constraint = make_constraint(placed_row.row)
            if keyed_constraint:
                places.add_constraint(keyed_constraint, placed_row.steps)
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
