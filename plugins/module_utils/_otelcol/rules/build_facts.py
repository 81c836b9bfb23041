# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts about one build of the Collector: what the catalogue answers for it, and how certain that is. Private.

A `TargetBuild` names the build that will run a config, such as contrib 0.158.0. Rules ask `build_of(target)` which
components it has, which settings they take, and what must hold in these. Where the catalogue does not know the build
exactly, the answers are those of the nearest known version, with a doubt that rules add to their messages.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple, Protocol

from ..catalogue.catalogue import Catalogue
from ..catalogue.component_types import ComponentType
from ..catalogue.constraint_places import ConstraintPlaces, KeyedConstraint
from ..catalogue.reference_keys import ReferenceKey
from ..catalogue.rows import ANY_DEPTH, Row
from ..catalogue.version_ranges import is_in_ranges
from ..config.collector_versions import parse_version
from ..config.paths import Path
from ..languages.ottl_language import OttlLanguage

_MOST_BUILDS = 16  # builds whose answers are remembered
_SectionAndType = tuple[str, str]
AnswersByFunction = dict[Callable[..., Any], tuple[Any, ...]]
"""What each function of a rule found in the settings of a component."""
AnswersBySettings = dict[tuple[str, str, str], AnswersByFunction]
"""The same for many components. The key is the section, the id and the settings of a component, as texts."""


class ConstraintMaker(Protocol):
    """Turns a row of constraints.json into what a rule needs of it."""

    def __call__(self, row: Row, /) -> KeyedConstraint[Any] | None:
        """Return the constraint of a row; None for rows that are not for this rule."""


@dataclass(frozen=True)
class TargetBuild:
    """The build of the Collector that will run the config."""

    catalogue: Catalogue
    distribution: str
    """Such as `contrib`."""
    version: str
    """The version of the Collector inside, such as `0.158.0`."""
    build_version: str = ""
    """The build's own version, if the catalogue does not know which Collector is inside; `version` is the nearest."""

    @property
    def stand_in_version(self) -> str:
        """The version whose settings stand for the build's; empty if its own are known."""
        stand_in_version = self.catalogue.find_stand_in_version(self.distribution, self.version)
        if stand_in_version:
            return stand_in_version
        return self.version if self.build_version else ""


def is_from_version(target: TargetBuild | None, version: str) -> bool:
    """Whether the build is known, and is of this version of the Collector or a later one."""
    return target is not None and parse_version(target.version) >= parse_version(version)


class ReferenceKeys(NamedTuple):
    """The keys of a component's settings that name extensions or pipelines."""

    exact_references: list[ReferenceKey]
    """Those at an exact path."""
    path_ends: list[Path]
    """How the paths of the others end, at any depth."""


@dataclass
class Build:
    """The facts about one build. Answers are cached by section and type, since configs use few types."""

    catalogue: Catalogue
    distribution: str
    version: str
    build_version: str = ""
    refusal_by_type: dict[_SectionAndType, Any] = field(default_factory=dict)
    """What type_refusals.py keeps here, as long as the build is kept."""
    cached_answers: AnswersBySettings = field(default_factory=dict)
    """The cache of settings_cache.py."""
    _components: dict[_SectionAndType, ComponentType | None] = field(default_factory=dict)
    _references: dict[tuple[str, str, str], ReferenceKeys] = field(default_factory=dict)
    _types: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _fields: dict[_SectionAndType, Row | None] = field(default_factory=dict)
    _constraints: dict[tuple[str, str, ConstraintMaker], ConstraintPlaces[Any]] = field(default_factory=dict)

    def find_component(self, section_name: str, component_type: str) -> ComponentType | None:
        """Return a type of a section as the build has it; None if it does not have it."""
        if (section_name, component_type) not in self._components:
            self._components[section_name, component_type] = self.catalogue.find_component(
                section_name, component_type, self.distribution, self.version
            )
        return self._components[section_name, component_type]

    def find_reference_keys(self, section_name: str, component_type: str, named_kind: str) -> ReferenceKeys:
        """Return the keys with which a type names other things; `named_kind` is extensions or pipelines."""
        if (section_name, component_type, named_kind) not in self._references:
            reference_keys = [
                key
                for key in self.catalogue.list_references(section_name, component_type)
                if key.target_kind == named_kind
            ]
            exact_keys = [key for key in reference_keys if key.path[0] != ANY_DEPTH]
            path_ends = [key.path[1:] for key in reference_keys if key.path[0] == ANY_DEPTH]
            self._references[section_name, component_type, named_kind] = ReferenceKeys(exact_keys, path_ends)
        return self._references[section_name, component_type, named_kind]

    def find_fields(self, section_name: str, component_type: str) -> Row | None:
        """Return the row of fields.json with the settings of a type; None if no version of them is known.

        The row has a `doubt` if the settings are those of the nearest known version.
        """
        if (section_name, component_type) not in self._fields:
            row = self._find_described_fields(section_name, component_type) or self.catalogue.find_nearest_fields(
                section_name, component_type, self.version
            )
            if row and self.build_version:  # nobody knows the Collector inside, so no version is exactly right
                row = {**row, "doubt": self.doubt}
            self._fields[section_name, component_type] = row
        return self._fields[section_name, component_type]

    def _find_described_fields(self, section_name: str, component_type: str) -> Row | None:
        """Return the settings of a type that are known for this version, or that the user described."""
        row = self.catalogue.find_fields(section_name, component_type, self.version)
        if row and is_in_ranges(row["exact"], self.version):
            return row
        return self.catalogue.find_described_settings(section_name, component_type, self.distribution)

    def is_neighbouring_release(self, row: Row) -> bool:
        """Whether a row of settings, of another version, is of the release right before or after a released build."""
        if self.build_version or "near" not in row or not self.catalogue.is_released(self.distribution):
            return False
        own_major, own_minor, *_own_rest = parse_version(self.version)
        near_major, near_minor, *_near_rest = parse_version(row["near"])
        return own_major == near_major and abs(own_minor - near_minor) <= 1

    def is_known(self, section_name: str, component_type: str) -> bool:
        """Whether the settings of a type are known for exactly this version, from a Collector's decoder."""
        row = self.find_fields(section_name, component_type)
        return row is not None and "doubt" not in row

    def explain_signal_doubt(self, component: ComponentType) -> str:
        """Return why the signals of a component may differ in this build; empty text if they are certain.

        They are certain up to the newest release of which a Collector was asked for its settings and its signals.
        """
        row = self.find_fields(component.section, component.name) or {}
        if "doubt" not in row and parse_version(self.version) <= parse_version(row.get("asked", "")):
            return ""
        if self.doubt:
            return self.doubt
        return "the catalogue has its signals for a neighbouring version" if component.is_approximate else ""

    def list_types(self, section_name: str) -> tuple[str, ...]:
        """Return the types of a section that the build has, for suggestions."""
        if section_name not in self._types:
            self._types[section_name] = self.catalogue.list_types(section_name, self.distribution, self.version)
        return self._types[section_name]

    @property
    def name(self) -> str:
        """The build as messages name it."""
        return f"{self.distribution} {self.version}"

    @cached_property
    def doubt(self) -> str:
        """Why the catalogue's answer may be wrong for this build; empty if it is certain."""
        coverage = self.catalogue.find_coverage(self.distribution, self.version)
        if self.build_version:
            return f"checked as {self.name}, the nearest known version"
        if self.distribution not in self.catalogue.distributions:
            return f"the catalogue does not know the distribution {self.distribution}"
        return f"checked against {coverage.version}, the nearest known version" if coverage.is_approximate else ""

    @property
    def is_before_known_versions(self) -> bool:
        """Whether the build is older than all of its distribution that the catalogue knows."""
        nearest_known_version = self.catalogue.find_coverage(self.distribution, self.version).version
        return parse_version(self.version) < parse_version(nearest_known_version)

    @cached_property
    def ottl_language(self) -> OttlLanguage:
        """The functions, contexts, paths and enums of OTTL."""
        return OttlLanguage.from_rows(self.catalogue.ottl_rows)

    @cached_property
    def ottl_places(self) -> dict[tuple[str, str], list[Row]]:
        """The rows of places with texts in OTTL, by section and type."""
        rows: dict[tuple[str, str], list[Row]] = {}
        for row in self.catalogue.ottl_rows:
            if "place" in row:
                section_name, component_type, _path = row["place"].split(".", 2)
                rows.setdefault((section_name, component_type), []).append(row)
        return rows

    def find_constraints(
        self, section_name: str, component_type: str, make_constraint: ConstraintMaker
    ) -> ConstraintPlaces[Any]:
        """Return the results of `make_constraint` for the rows about a type, by their places in the settings.

        The function is called once for each row and build.
        """
        if (section_name, component_type, make_constraint) not in self._constraints:
            self._constraints[section_name, component_type, make_constraint] = self.catalogue.find_constraints(
                section_name, component_type, make_constraint
            )
        return self._constraints[section_name, component_type, make_constraint]

    @cached_property
    def sections_of_unknown_modules(self) -> frozenset[str]:
        """Sections in which a custom build has modules with unknown types."""
        return frozenset(
            section_name
            for section_name, _module in self.catalogue.find_coverage(self.distribution, self.version).unknown_modules
        )


_BUILDS: dict[tuple[int, str, str, str], Build] = {}


def build_of(target: TargetBuild) -> Build:
    """Return the facts about the build of a target. They are kept for later targets with the same build."""
    # The facts hold on to the catalogue, so no other one gets its id.
    key = (id(target.catalogue), target.distribution, target.version, target.build_version)
    if key not in _BUILDS:
        if len(_BUILDS) >= _MOST_BUILDS:  # most runs have one build or two, so it does not matter which one goes
            _BUILDS.clear()
        _BUILDS[key] = Build(target.catalogue, target.distribution, target.version, target.build_version)
    return _BUILDS[key]
