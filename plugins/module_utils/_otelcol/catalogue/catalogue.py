# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a distribution and version of the Collector knows: its component types, their names, settings and ports.

`Catalogue` answers from the tables `_data/catalogue/*.json`, which tools/catalogue makes from the Collector's sources.
Rules, migrations and needs ask it. The classes of tables in this folder do the work; `Catalogue` combines them.

Four kinds of versions occur, all as texts such as `0.156.0` or parsed, such as `(0, 156, 0)`:

| name | what it is | example |
|---|---|---|
| `version`, `target_version` | what the caller asks about; the names of types follow it | 0.160.0 |
| `known_version` | the release in the tables that says which components that version has | 0.158.0 |
| `nearest_version` | the version in the tables that says which settings a type has in that version | 0.157.0 |
| `own_version` | what a build that counts its own versions calls itself: ADOT v0.49.0 has Collector 0.156.0 | v0.49.0 |

So contrib 0.160.0, which the tables lack, has the components of 0.158.0 under the names of 0.160.0. `find_coverage`
tells when the known version differs. `find_collector_version` translates an own version. Private.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, wraps
from typing import Any, TypeVar

from ..config.collector_versions import Version, parse_version
from ..config.paths import SECTIONS
from .builds import BuildTable, Coverage, OwnBuild, guess_type, list_modules, list_schemes
from .component_types import ComponentTable, ComponentType, Removal, Rename, is_accepted_name, name_in_version
from .constraint_places import ConstraintPlaces, ConstraintTable, KeyedConstraint
from .fields import FieldTable
from .port_rows import Listeners, map_listeners
from .reference_keys import ReferenceKey, parse_path
from .rows import OFFICIAL_BUILDS, Key, Module, Row
from .table_rows import ComponentRow, FieldRow, GapRow, PortRow, ProviderRow, ReferenceRow, RemovalRow
from .version_ranges import format_version, is_in_span, parse_ranges

_Answer = TypeVar("_Answer")
_Constraint = TypeVar("_Constraint")


def _remember_answers(method: Callable[..., _Answer]) -> Callable[..., _Answer]:
    """Return the method with a memory: for arguments that it had before, it returns the same answer again.

    Rules ask the same for each component of each config. An answer cannot become wrong: the tables of a `Catalogue`
    never change, and one with another build is a new `Catalogue`, without answers.
    """

    @wraps(method)
    def remember(self: Catalogue, *texts: str) -> _Answer:
        key = (method.__name__, *texts)
        if key not in self.answers:
            self.answers[key] = method(self, *texts)
        answer: _Answer = self.answers[key]
        return answer

    return remember


@dataclass(frozen=True)
class Catalogue:
    """The tables of `_data/catalogue/*.json`, and the distributions of the user's own by name (`own_builds`).

    `table_rows.py` declares the keys of rows.

    Parameters of the methods: `section` and `name` are a component type by any of its names, such as `exporters` and
    `otlphttp`. `distribution` is the name of a build, such as `contrib` or one of the user's own.
    """

    components: Sequence[ComponentRow]
    builds: Sequence[Row]
    removals: Sequence[RemovalRow] = ()
    port_rows: Sequence[PortRow] = ()
    reference_rows: Sequence[ReferenceRow] = ()
    field_rows: Sequence[Row] = ()
    provider_rows: Sequence[ProviderRow] = ()
    ottl_rows: Sequence[Row] = ()
    constraint_rows: Sequence[Row] = ()
    gaps: Sequence[GapRow] = ()
    request_limits: Sequence[Row] = ()
    own_builds: Mapping[str, OwnBuild] = field(default_factory=dict)

    @classmethod
    def from_tables(cls, tables: Mapping[str, Any]) -> Catalogue:
        """Return the catalogue of these tables; their names are those of the files without suffix.

        Published tables of an older release lack some files.
        """
        return cls(
            components=tables["components"],
            builds=tables["builds"],
            removals=tables.get("removals", ()),
            port_rows=tables.get("ports", ()),
            reference_rows=tables.get("references", ()),
            field_rows=tables.get("fields", ()),
            provider_rows=tables.get("providers", ()),
            ottl_rows=tables.get("ottl", ()),
            constraint_rows=tables.get("constraints", ()),
            gaps=tables.get("provenance", {}).get("gaps", ()),
            request_limits=tables.get("request_limits", ()),
        )

    # ── Component types ──

    @_remember_answers
    def find_component(self, section: str, name: str, distribution: str, version: str) -> ComponentType | None:
        """Return a type as a build knows it; None if the build does not know it by this name.

        A build knows an old name as long as its version accepts it, and a new name from the version that brought it.
        """
        target_version = parse_version(version)
        described_types = self._find_described_types(distribution)
        if described_types is not None:
            return self._find_described(section, name, described_types, target_version)
        coverage = self.find_coverage(distribution, version)
        known_version = parse_version(coverage.version)
        # The known version is an older one: it may still have a type that is gone in the version that is asked about.
        if coverage.is_approximate and self._has_left_builds(section, name, known_version, target_version):
            return None
        for row in self._components.find_rows(section, name):
            if self._contains(row, distribution, known_version) and is_accepted_name(row, name, target_version):
                return self._components.build_component(
                    row, name, target_version, is_approximate=coverage.is_approximate
                )
        return _guess_component(section, name, coverage.unknown_modules)

    def _has_left_builds(self, section: str, name: str, known_version: Version, target_version: Version) -> bool:
        """Whether a type left the official builds after the newest version of a build that is known."""
        removal = self.find_removal(section, self._components.find_newest_name(section, name))
        return removal is not None and known_version < parse_version(removal.gone_since) <= target_version

    def _find_described_types(self, distribution: str) -> Mapping[Key, Any] | None:
        """Return the types of a build with their settings, by the schema that the user gave; None without a schema."""
        own_build = self.own_builds.get(distribution)
        return own_build.described_types if own_build else None

    def _find_described(
        self, section: str, name: str, described_types: Mapping[Key, Any], version: Version
    ) -> ComponentType | None:
        """Return a type of a build whose schema is known.

        A schema does not name the signals of a type, so they are those of the released type of this name.
        """
        if (section, name) not in described_types:
            return None
        for row in self._components.find_rows(section, name):
            if is_accepted_name(row, name, version):
                return self._components.build_component(row, name, version, is_approximate=False)
        return ComponentType(section, name, type=name, module="", stability=None)

    def find_signals(self, section: str, name: str, distribution: str, version: str) -> frozenset[str] | None:
        """Return the signals of a type in a build; None if the build lacks the type or its signals are unknown."""
        component = self.find_component(section, name, distribution, version)
        return component.signals if component else None

    def find_signal_pairs(self, name: str, distribution: str, version: str) -> frozenset[tuple[str, str]] | None:
        """Return the signal pairs of a connector in a build; None if the build lacks it or its pairs are unknown."""
        component = self.find_component("connectors", name, distribution, version)
        return component.signal_pairs if component else None

    def is_known(self, section: str, name: str) -> bool:
        """Whether the tables ever had this type, under today's name or an older one."""
        return self._components.is_known(section, name)

    def is_listed(self, section: str, name: str) -> bool:
        """Whether any released build of any version contains a type."""
        return self._components.is_listed(section, name)

    def list_distributions_with(self, section: str, name: str, version: str) -> tuple[str, ...]:
        """Return the distributions whose build of a version knows this name."""
        knowing_builds = [build for build in self.distributions if self.find_component(section, name, build, version)]
        return tuple(knowing_builds)

    def list_types(self, section: str, distribution: str, version: str) -> tuple[str, ...]:
        """Return the names of the types in a section of a build, in order, without deprecated names.

        Messages about an unknown name suggest the nearest of these.
        """
        described_types = self._find_described_types(distribution)
        if described_types is not None:
            return tuple(sorted(type_name for type_section, type_name in described_types if type_section == section))
        target_version = parse_version(version)
        known_version = parse_version(self.find_coverage(distribution, version).version)
        type_names = []
        for row in self.components:
            if row["section"] == section and self._contains(row, distribution, known_version):
                type_names.append(name_in_version(row, target_version))
        return tuple(sorted(type_names))

    # ── Names and removals ──

    def find_rename(self, section: str, name: str) -> Rename | None:
        """Return the rename of a type, by its old or new name; None if the type was never renamed."""
        return self._components.find_rename(section, name)

    @property
    def renames(self) -> tuple[Rename, ...]:
        """All renames of types."""
        return self._components.renames

    def choose_name(self, section: str, name: str, version: str) -> str:
        """Return the name of a type in a version of the Collector, given any of its names."""
        return self._components.choose_name(section, name, version)

    def find_removal(self, section: str, name: str) -> Removal | None:
        """Return the removal of a type from the official builds; None if it is still there, or never was."""
        return self._components.find_removal(section, name)

    # ── Ports, references, settings and constraints ──

    @cached_property
    def listener_rows(self) -> tuple[PortRow, ...]:
        """The rows of all ports that types open, once for each name of a type."""
        old_names = {(rename.section, rename.new_name): rename.old_name for rename in self.renames}
        old_name_rows: list[PortRow] = []
        for row in self.port_rows:
            old_name = old_names.get((row["section"], row["type"]))
            if old_name:
                old_name_rows.append({**row, "type": old_name})
        return (*self.port_rows, *old_name_rows)

    @cached_property
    def listeners(self) -> Listeners:
        """The ports that types open, by section and any of their names."""
        return map_listeners(self.listener_rows)

    def list_references(self, section: str, name: str) -> tuple[ReferenceKey, ...]:
        """Return the keys in the settings of a type that name extensions or pipelines."""
        types = {("*", "*"), (section, "*"), (section, self._components.find_newest_name(section, name))}
        keys = []
        for row in self.reference_rows:
            if (row["section"], row["type"]) in types:
                keys.append(ReferenceKey(parse_path(row["key"]), row["to"], row.get("lax", False)))
        return tuple(keys)

    def find_described_settings(self, section: str, name: str, distribution: str) -> FieldRow | None:
        """Return the settings of a type from the schema of its build, like a row of `fields`; None without a schema."""
        settings = (self._find_described_types(distribution) or {}).get((section, name))
        if settings is None:
            return None
        return {"section": section, "type": name, "fields": settings, "doubt": "by the schema of the build"}

    def find_fields(self, section: str, name: str, version: str = "") -> FieldRow | None:
        """Return the row of `fields` with the settings of a type; None if its settings are unknown.

        They are the settings of the version, or else of the nearest known one; without a version, of the newest.
        """
        return self._fields.find_fields(section, self._components.find_newest_name(section, name), version)

    def find_nearest_fields(self, section: str, name: str, version: str) -> FieldRow | None:
        """Return the row of `fields` at the nearest version with known settings; `doubt` says which version this is."""
        return self._fields.find_nearest_fields(section, self._components.find_newest_name(section, name), version)

    @_remember_answers
    def find_stand_in_version(self, distribution: str, version: str) -> str:
        """Return the version whose settings stand for those of a version; empty text if all of its own are known.

        Settings and components of a release become known at different times, so either may have a stand-in.
        """
        if self._find_described_types(distribution) is not None:
            return ""
        # Every build has `service.telemetry`: the row of its settings tells for which versions any settings are known.
        row = self.find_fields("service", "telemetry", version)
        nearest_version = self._fields.find_nearest_version(row["exact"], version) if row else version
        if nearest_version != version:
            return nearest_version
        known_version = self.find_coverage(distribution, version).version
        # A patch release has the components of its minor release, so it needs no stand-in.
        is_newer_minor = parse_version(version)[:2] > parse_version(known_version)[:2]
        return known_version if is_newer_minor else ""

    @property
    def newest_release(self) -> str:
        """The newest release of the Collector that the tables know; empty text if they know none."""
        return self._fields.newest_release

    @property
    def shared_fields(self) -> dict[str, Any]:
        """Mappings of settings that several types have, by the label that stands for them."""
        return self._fields.shared_fields

    def find_constraints(
        self, section: str, name: str, make_constraint: Callable[[Row], KeyedConstraint[_Constraint] | None]
    ) -> ConstraintPlaces[_Constraint]:
        """Return the constraints on the settings of a type by their places. `name` is the newest name of the type.

        `make_constraint` turns a row into a constraint. A row for which it returns None is left out.
        """
        return self._constraints.build_places(section, name, make_constraint)

    # ── Builds ──

    def is_released(self, distribution: str) -> bool:
        """Whether a distribution is a released one, of which the tables know all parts; not one of the user's own."""
        return distribution in self._builds.versions_by_distribution

    @_remember_answers
    def list_schemes(self, distribution: str, version: str) -> tuple[str, ...]:
        """Return the schemes of `${scheme:…}` that a build has a provider for; those of all builds if it is unknown."""
        if distribution in self.own_builds:
            return self.own_builds[distribution].schemes
        if distribution not in self.distributions:
            return tuple(row["scheme"] for row in self.provider_rows)
        known_version = parse_version(self.find_coverage(distribution, version).version)
        known_schemes = []
        for row in self.provider_rows:
            if _is_released_in(row["in"], distribution, known_version):
                known_schemes.append(row["scheme"])
        return tuple(known_schemes)

    def find_smallest_distribution(
        self, used_keys: Iterable[Key], version: str, candidates: Sequence[str] = OFFICIAL_BUILDS
    ) -> str | None:
        """Return the distribution with the fewest types that has all of (section, name); None when none has."""
        used_types = set(used_keys)
        known_distributions = [name for name in candidates if name in self.distributions]
        for distribution in sorted(known_distributions, key=lambda name: self._count_types(name, version)):
            if all(self.find_component(section, name, distribution, version) for section, name in used_types):
                return distribution
        return None

    @_remember_answers
    def find_coverage(self, distribution: str, version: str) -> Coverage:
        """Return the known version of a distribution that answers for a version of it.

        This is the version itself, else the nearest older one, else the oldest.
        """
        own_build = self.own_builds.get(distribution)
        if own_build is None:
            target_version = parse_version(version)
            release = self._builds.find_nearest_release(distribution, target_version)
            return Coverage(format_version(release), is_approximate=release != target_version)
        if own_build.described_types is not None:  # a schema names the types themselves: no module has to be known
            return Coverage(own_build.version, is_approximate=False)
        unknown_modules = own_build.modules - self._components.modules
        return Coverage(own_build.version, is_approximate=False, unknown_modules=tuple(sorted(unknown_modules)))

    def find_collector_version(self, distribution: str, own_version: str) -> str:
        """Return the version of the Collector in a build, whose own version may differ, such as that of ADOT.

        If the tables lack the own version, the nearest older one answers.
        """
        return self._builds.find_collector_version(distribution, own_version)

    def is_counted(self, distribution: str, own_version: str) -> bool:
        """Whether the tables say which Collector is in a version of a build that counts its own versions."""
        return self._builds.is_counted(distribution, own_version)

    def add_manifest(self, name: str, manifest: Row, version: str) -> tuple[Catalogue, tuple[Module, ...]]:
        """Return a catalogue with a distribution from an OCB manifest, and the modules of it whose type is unknown.

        `find_component` finds these by the name that their folder suggests. Their signals are unknown, so that no rule
        reports a false error.
        """
        build = OwnBuild(
            version=version.removeprefix("v"),
            modules=frozenset(list_modules(manifest)),
            schemes=list_schemes(manifest),
            described_types=self._find_described_types(name),
        )
        catalogue = replace(self, own_builds={**self.own_builds, name: build})
        return catalogue, catalogue.find_coverage(name, version).unknown_modules

    def add_schema(self, name: str, types: Mapping[Key, Any], version: str) -> Catalogue:
        """Return a catalogue with a distribution from its schema.

        If it has one of this name from a manifest already, the manifest stays the source of the version and of the
        providers, which a schema does not name. Without a manifest, the build may have any provider.
        """
        build_of_schema = OwnBuild(
            version=version.removeprefix("v"),
            modules=frozenset(),
            schemes=tuple(row["scheme"] for row in self.provider_rows),
            described_types=types,
        )
        build_of_manifest = self.own_builds.get(name)
        build = build_of_manifest._replace(described_types=types) if build_of_manifest else build_of_schema
        return replace(self, own_builds={**self.own_builds, name: build})

    @cached_property
    def distributions(self) -> tuple[str, ...]:
        """Every distribution that is known, the user's own last."""
        return (*sorted(self._builds.versions_by_distribution), *self.own_builds)

    @cached_property
    def _components(self) -> ComponentTable:
        return ComponentTable(self.components, self.removals, self.gaps)

    @cached_property
    def _builds(self) -> BuildTable:
        return BuildTable(self.builds)

    @cached_property
    def _fields(self) -> FieldTable:
        return FieldTable(self.field_rows, tuple(row["version"] for row in self.builds))

    @cached_property
    def _constraints(self) -> ConstraintTable:
        return ConstraintTable(self.constraint_rows)

    @cached_property
    def answers(self) -> dict[tuple[str, ...], Any]:
        """The answers of methods with a memory (`_remember_answers`), by the name of the method and its arguments.

        It is a cached property and no field, so that `replace` does not hand the answers to a catalogue that has
        another build. A cached property may be set although the dataclass is frozen.
        """
        return {}

    @_remember_answers
    def _count_types(self, distribution: str, version: str) -> int:
        """Return how many types a build has."""
        return sum(len(self.list_types(section, distribution, version)) for section in SECTIONS)

    def _contains(self, row: ComponentRow, distribution: str, version: Version) -> bool:
        """Whether a version of a distribution has the type of a row."""
        own_build = self.own_builds.get(distribution)
        if own_build is not None:
            return (row["section"], row["module"]) in own_build.modules
        return _is_released_in(row["in"], distribution, version)


def _is_released_in(ranges_by_distribution: Mapping[str, str], distribution: str, version: Version) -> bool:
    """Whether a version of a distribution is in the ranges of a row, such as `{"contrib": "0.110.0.."}`."""
    spans = parse_ranges(ranges_by_distribution.get(distribution, ""))
    return any(is_in_span(span, version) for span in spans)


def _guess_component(section: str, name: str, modules: Iterable[Module]) -> ComponentType | None:
    """Return a type by the module of unknown type whose folder suggests its name; None if there is none."""
    plain_name = name.replace("_", "")
    for module_section, module in modules:
        if module_section == section and guess_type(module).replace("_", "") == plain_name:
            return ComponentType(
                section, name, type=name, module=module, stability=None, is_approximate=True, is_guessed=True
            )
    return None
