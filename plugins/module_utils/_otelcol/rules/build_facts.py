# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts about one build of the Collector: what the catalogue answers for it, and how certain that is. Private."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from ..catalogue.catalogue import Catalogue
from ..catalogue.component_types import Component
from ..catalogue.constraint_places import Places
from ..catalogue.reference_keys import Reference
from ..catalogue.rows import ANYWHERE, Row
from ..catalogue.version_ranges import is_within
from ..config.layers import parse_version
from ..config.paths import Path
from ..languages.ottl import Language

Made = Callable[[Row], "tuple[Any, str] | None"]  # of a row of constraints, with the key that it looks at
_MOST_BUILDS = 16  # builds whose answers are remembered


@dataclass(frozen=True)
class Target:
    """The build of the Collector that will run the config. `version` is the Collector's own, as `0.158.0`.

    `own` is the build's version, if the catalogue does not know which Collector is in it; the nearest answers then.
    """

    catalogue: Catalogue
    distribution: str
    version: str
    own: str = ""

    @property
    def stand_in(self) -> str:
        """The version whose settings stand for the build's; empty if its own are known."""
        return self.catalogue.stand_in(self.distribution, self.version) or (self.own and self.version)


class ReferenceKeys(NamedTuple):
    """Keys that name something else: those at an exact path, and the ends of the paths of those that are anywhere."""

    exact: list[Reference]
    ends: list[Path]


@dataclass
class Build:
    """The facts about one build. Answers are cached, since a config uses few types."""

    catalogue: Catalogue
    distribution: str
    version: str
    own: str = ""
    _found: dict[tuple[str, str], Component | None] = field(default_factory=dict)
    _references: dict[tuple[str, str, str], ReferenceKeys] = field(default_factory=dict)
    _types: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _fields: dict[tuple[str, str], Row | None] = field(default_factory=dict)
    _constraints: dict[tuple[str, str, Made], Places] = field(default_factory=dict)
    # Kept here by type_refusals.py and remembered_settings.py, as long as the build is.
    refusals: dict[tuple[str, str], Any] = field(default_factory=dict)
    remembered: dict[tuple[str, str, str], dict[Any, Any]] = field(default_factory=dict)

    def find(self, name: str, kind: str) -> Component | None:
        """Return a type of a section as the build knows it."""
        if (name, kind) not in self._found:
            self._found[name, kind] = self.catalogue.find(name, kind, self.distribution, self.version)
        return self._found[name, kind]

    def references(self, name: str, kind: str, to: str) -> ReferenceKeys:
        """Return the keys with which a type names extensions or pipelines; `to` says which of both."""
        if (name, kind, to) not in self._references:
            keys = [key for key in self.catalogue.references(name, kind) if key.to == to]
            exact = [key for key in keys if key.path[0] != ANYWHERE]
            ends = [key.path[1:] for key in keys if key.path[0] == ANYWHERE]
            self._references[name, kind, to] = ReferenceKeys(exact, ends)
        return self._references[name, kind, to]

    def fields(self, name: str, kind: str) -> Row | None:
        """Return the settings of a type; with the doubt about them if they are those of the nearest known version."""
        if (name, kind) not in self._fields:
            row = self._described_fields(name, kind) or self.catalogue.nearest_fields(name, kind, self.version)
            if row and self.own:
                row = {**row, "doubt": self.doubt}
            self._fields[name, kind] = row
        return self._fields[name, kind]

    def _described_fields(self, name: str, kind: str) -> Row | None:
        """Return the settings of a type that are known for this version, or that the user described."""
        row = self.catalogue.fields(name, kind, self.version)
        if row and is_within(row["exact"], self.version):
            return row
        return self.catalogue.described(name, kind, self.distribution)

    def is_near(self, row: Row) -> bool:
        """Whether settings that stand for those of a released build are those of the release before or after it."""
        if self.own or "near" not in row or not self.catalogue.ships(self.distribution):
            return False
        here, there = parse_version(self.version), parse_version(row["near"])
        return here[0] == there[0] and abs(here[1] - there[1]) <= 1

    def is_known(self, name: str, kind: str) -> bool:
        """Whether the settings of a type are known for exactly this version, as a Collector's decoder told."""
        row = self.fields(name, kind)
        return row is not None and "doubt" not in row

    def doubt_of_signals(self, component: Component) -> str:
        """Return why the signals of a component may differ in this build; empty text if they are certain.

        They are certain up to the newest release of which a Collector was asked for its settings and its signals.
        """
        row = self.fields(component.section, component.name) or {}
        if "doubt" not in row and parse_version(self.version) <= parse_version(row.get("asked", "")):
            return ""
        if self.doubt:
            return self.doubt
        return "the catalogue has its signals for a neighbouring version" if component.approximate else ""

    def types(self, name: str) -> tuple[str, ...]:
        """Return the names of a section, for suggestions."""
        if name not in self._types:
            self._types[name] = self.catalogue.types(name, self.distribution, self.version)
        return self._types[name]

    @property
    def name(self) -> str:
        """The build as messages name it."""
        return f"{self.distribution} {self.version}"

    @cached_property
    def doubt(self) -> str:
        """Why the catalogue's answer may be wrong for this build; empty if it is certain."""
        coverage = self.catalogue.coverage(self.distribution, self.version)
        if self.own:
            return f"checked as {self.name}, the nearest known version"
        if self.distribution not in self.catalogue.distributions:
            return f"the catalogue does not know the distribution {self.distribution}"
        return f"checked against {coverage.version}, the nearest known version" if coverage.approximate else ""

    @property
    def is_before_all(self) -> bool:
        """Whether the build is older than all of its distribution that the catalogue knows."""
        answering = self.catalogue.coverage(self.distribution, self.version).version
        return parse_version(self.version) < parse_version(answering)

    @cached_property
    def ottl(self) -> Language:
        """The functions, contexts, paths and enums of OTTL."""
        return Language.from_rows(self.catalogue.ottl_of)

    @cached_property
    def ottl_places(self) -> dict[tuple[str, str], list[Row]]:
        """The rows of places with texts in OTTL, by section and type."""
        rows: dict[tuple[str, str], list[Row]] = {}
        for row in self.catalogue.ottl_of:
            if "place" in row:
                name, kind, _path = row["place"].split(".", 2)
                rows.setdefault((name, kind), []).append(row)
        return rows

    def constraints(self, name: str, kind: str, made: Made) -> Places:
        """Return what must hold in the settings of a type: what a function makes of the rows, once for the build."""
        if (name, kind, made) not in self._constraints:
            self._constraints[name, kind, made] = self.catalogue.constraints(name, kind, made)
        return self._constraints[name, kind, made]

    @cached_property
    def unknown_modules(self) -> frozenset[str]:
        """Sections in which a custom build has modules with unknown types."""
        return frozenset(name for name, _module in self.catalogue.coverage(self.distribution, self.version).unknown)


_BUILDS: dict[tuple[int, str, str, str], Build] = {}


def build_of(target: Target) -> Build:
    """Return what the target's build knows; kept by catalogue, which the answer holds on to."""
    key = (id(target.catalogue), target.distribution, target.version, target.own)
    if key not in _BUILDS:
        if len(_BUILDS) >= _MOST_BUILDS:
            _BUILDS.clear()
        _BUILDS[key] = Build(target.catalogue, target.distribution, target.version, target.own)
    return _BUILDS[key]
