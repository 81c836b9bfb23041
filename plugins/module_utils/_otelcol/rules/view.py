# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of a subject, computed once for all rules, and the facts about its Collector build. Private."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from ..catalogue.catalogue import Catalogue
from ..catalogue.component_types import Component
from ..catalogue.constraint_places import Places
from ..catalogue.port_rows import Listeners
from ..catalogue.reference_keys import Reference
from ..catalogue.rows import ANYWHERE, OFFICIAL, SECTIONS, Row
from ..catalogue.version_ranges import is_within
from ..config.config_secrets import Suspect, suspects_among
from ..config.layers import parse_version
from ..config.paths import ROLES, Path, at, items, leaves, section
from ..config.pipelines import PipelineGraph
from ..errors import near, nearest
from ..languages.ottl import Language
from ..needs.listeners import Listener, Part, listeners, started_parts
from ..traits import kind_of

__all__ = ["Listener", "Part", "Pipeline", "Target", "View", "kind_of"]


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


class Pipeline(NamedTuple):
    """A pipeline: its key and components."""

    key: str
    receivers: list[str]
    processors: list[str]
    exporters: list[str]

    @property
    def path(self) -> Path:
        """Where it stands in the config."""
        return ("service", "pipelines", self.key)

    @property
    def ends(self) -> dict[str, list[str]]:
        """Its components by role, as a graph takes them."""
        return {"receivers": self.receivers, "processors": self.processors, "exporters": self.exporters}


# The keys with which exporters of OTLP, remote write and Zipkin say where they send to.
ENDPOINT_KEYS = ("endpoint", "traces_endpoint", "metrics_endpoint", "logs_endpoint", "metrics_url", "logs_url")


def uses_endpoint(view: View, part: Part, key: str) -> bool:
    """Whether an exporter of OTLP over HTTP uses an endpoint: `endpoint` is for signals without one of their own."""
    if key != "endpoint":
        return True
    signals = {kind_of(pipeline.key) for pipeline in view.pipelines if part.id in pipeline.exporters}
    return not all(part.settings.get(f"{signal}_endpoint") for signal in signals)


class View:
    """A subject, taken apart; every piece is made when a rule first asks for it."""

    def __init__(self, config: Any, table: Listeners, by_operator: bool) -> None:
        self.config, self._table, self._by_operator = config, table, by_operator

    @cached_property
    def pipelines(self) -> tuple[Pipeline, ...]:
        """The pipelines, without invalid list items; pipelines that a variable defines are left out."""
        return tuple(self._listed_pipelines())

    def _listed_pipelines(self) -> Iterator[Pipeline]:
        for key, lists in section(self.config, "service", "pipelines").items():
            has_variable = any(isinstance(at(lists, (role,)), str) for role in ROLES)
            if isinstance(key, str) and not has_variable:
                yield Pipeline(key, *(_texts_in(lists, role) for role in ROLES))

    @cached_property
    def graph(self) -> PipelineGraph:
        """How records go between these pipelines."""
        ends = {pipeline.key: pipeline.ends for pipeline in self.pipelines}
        return PipelineGraph(ends, section(self.config, "connectors"))

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """The started components, extensions first, without those whose settings are a variable."""
        found = started_parts(self.config)
        return tuple(part for part in found if not isinstance(at(self.config, part.path), str))

    @cached_property
    def leaves(self) -> tuple[tuple[Path, Any], ...]:
        """Every scalar of the config with its path."""
        return tuple(leaves(self.config))

    @cached_property
    def suspects(self) -> tuple[Suspect, ...]:
        """The scalars that may hold a secret."""
        return tuple(suspects_among(self.leaves))

    @cached_property
    def listeners(self) -> tuple[Listener, ...]:
        """Every port that is certainly open and has a known number; the service's own metrics come first."""
        return tuple(listeners(self.config, self.parts, self._table, self._by_operator))

    def of(self, name: str, *kinds: str) -> list[Part]:
        """Return the started components of a section that are of one of these kinds, in their order."""
        started_kinds = [kind for kind in kinds if (name, kind) in self.kinds]
        if not started_kinds:
            return []
        return [part for part in self.parts if part.kind in started_kinds and part.section == name]

    @cached_property
    def kinds(self) -> frozenset[tuple[str, str]]:
        """The sections and kinds of the started components."""
        return frozenset((part.section, part.kind) for part in self.parts)


def _texts_in(lists: Any, role: str) -> list[str]:
    return [component_id for component_id in items(lists, role) if isinstance(component_id, str)]


Made = Callable[[Row], "tuple[Any, str] | None"]  # of a row of constraints, with the key that it looks at
_MOST_BUILDS = 16  # builds whose answers are remembered


@dataclass(frozen=True)
class TypeRefusal:
    """Why a build rejects a type; `severity` if the catalogue is not certain."""

    rule: str
    message: str
    fix: str
    severity: str = ""


@dataclass
class Build:
    """The facts about one build. Answers are cached, since a config uses few types."""

    catalogue: Catalogue
    distribution: str
    version: str
    own: str = ""
    _found: dict[tuple[str, str], Component | None] = field(default_factory=dict)
    _verdicts: dict[tuple[str, str], TypeRefusal | None] = field(default_factory=dict)
    _references: dict[tuple[str, str, str], tuple[list[Reference], list[Path]]] = field(default_factory=dict)
    _types: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _fields: dict[tuple[str, str], Row | None] = field(default_factory=dict)
    _constraints: dict[tuple[str, str, Made], Places] = field(default_factory=dict)
    remembered: dict[tuple[str, str, str], dict[Any, Any]] = field(default_factory=dict)

    def find(self, name: str, kind: str) -> Component | None:
        """Return a type of a section as the build knows it."""
        if (name, kind) not in self._found:
            self._found[name, kind] = self.catalogue.find(name, kind, self.distribution, self.version)
        return self._found[name, kind]

    def verdict(self, name: str, kind: str) -> TypeRefusal | None:
        """Return why the build rejects a type; None if it has the type."""
        if (name, kind) not in self._verdicts:
            self._verdicts[name, kind] = None if self.find(name, kind) else _reason_to_refuse(self, name, kind)
        return self._verdicts[name, kind]

    def references(self, name: str, kind: str, to: str) -> tuple[list[Reference], list[Path]]:
        """Return the keys with which a type names extensions or pipelines, and the ends of paths of those anywhere."""
        if (name, kind, to) not in self._references:
            rows = [row for row in self.catalogue.references(name, kind) if row.to == to]
            exact = [row for row in rows if row.path[0] != ANYWHERE]
            ends = [row.path[1:] for row in rows if row.path[0] == ANYWHERE]
            self._references[name, kind, to] = exact, ends
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


def _reason_to_refuse(build: Build, name: str, kind: str) -> TypeRefusal:
    """Return why a build lacks a type: the first reason that fits."""
    for reason in (_newer_name, _older_name, _removed, _wrong_class):
        refusal = reason(build, name, kind)
        if refusal:
            return refusal
    return _unknown_type(build, name, kind)


_BUILDS: dict[tuple[int, str, str, str], Build] = {}


def build_of(target: Target) -> Build:
    """Return what the target's build knows; kept by catalogue, which the answer holds on to."""
    key = (id(target.catalogue), target.distribution, target.version, target.own)
    if key not in _BUILDS:
        if len(_BUILDS) >= _MOST_BUILDS:
            _BUILDS.clear()
        _BUILDS[key] = Build(target.catalogue, target.distribution, target.version, target.own)
    return _BUILDS[key]


_MISSPELT = 0.8  # so alike are a word and the same with a slip: `bacth` and `batch`
_WAY_OUT = "If your build has it, give `distribution_manifest` or `distribution_schema`."


def _newer_name(build: Build, name: str, kind: str) -> TypeRefusal | None:
    """Return that a later version gave a type this name, if the build has it under the older one."""
    renamed = build.catalogue.rename(name, kind)
    if renamed is None or kind != renamed.new or build.catalogue.available_in(name, kind, build.version):
        return None
    if not build.find(name, renamed.old):
        return None
    message = f"{build.name} knows '{kind}' as '{renamed.old}'; the new name exists since {renamed.since}"
    return TypeRefusal("newer-name", message, f"Write `{renamed.old}`.")


def _older_name(build: Build, name: str, kind: str) -> TypeRefusal | None:
    """Return that this is the older name of a type, if the build has it under the newer one."""
    renamed = build.catalogue.rename(name, kind)
    if renamed is None or kind != renamed.old or not build.find(name, renamed.new):
        return None
    message = f"'{kind}' is called '{renamed.new}' since {renamed.since}, and {build.name} rejects the older name"
    return TypeRefusal("removed-component", message, f"Write `{renamed.new}`.")


def _removed(build: Build, name: str, kind: str) -> TypeRefusal | None:
    """Return that the official builds no longer have a type, and what took its place."""
    removal = build.catalogue.removal(name, kind)
    if removal is None or parse_version(build.version) < parse_version(removal.gone):
        return None
    use = ""
    if removal.use:
        section, _slash, other = removal.use.partition("/")
        use = f" Use `{other}` in `{section}`."
    message = f"'{kind}' was removed from the official builds in {removal.gone}"
    return TypeRefusal("removed-component", message, f"{removal.how}{use}", _severity_if_unsure(build, name))


def _wrong_class(build: Build, name: str, kind: str) -> TypeRefusal | None:
    """Return that a type belongs to another section, if no build has it in this one."""
    elsewhere = [section for section in SECTIONS if section != name and build.find(section, kind)]
    if not elsewhere or build.catalogue.known(name, kind):
        return None
    message = f"'{kind}' is not a type of {name}, but of {' and '.join(elsewhere)}"
    return TypeRefusal("wrong-class", message, f"Move it to `{elsewhere[0]}`.", _severity_if_unsure(build, name))


def _unknown_type(build: Build, name: str, kind: str) -> TypeRefusal:
    """Return that a build has no such type, with the nearest name, or with the builds that have it."""
    available = build.catalogue.available_in(name, kind, build.version)
    severity = _severity_of_unknown(build, name, kind)
    note = f" ({build.doubt})" if severity else ""
    hint = "" if available else near(kind, build.types(name))
    message = f"{build.name} has no {name[:-1]} '{kind}'{hint}{note}"
    if available:
        fix = f"Available in: {', '.join(available)}."
    elif build.catalogue.known(name, kind):
        fix = f"No official build of this version has it; use another version, or a custom build. {_WAY_OUT}"
    else:
        fix = "" if hint else _WAY_OUT
    return TypeRefusal("unknown-component", message, fix, severity)


def _severity_if_unsure(build: Build, name: str) -> str:
    """Return `warning` if nobody knows all that the build consists of."""
    if name in build.unknown_modules:
        return "warning"
    is_released = build.catalogue.ships(build.distribution) and not build.own
    return "warning" if build.doubt and not is_released else ""


def _severity_of_unknown(build: Build, name: str, kind: str) -> str:
    """Return `warning` for a type that a build lacks as far as the catalogue knows, but may have.

    The list of a release that the catalogue lacks may have more types than the one before. Not among them: what no
    release has, but for a type of a release that nobody knows yet, and what the other official builds have.
    """
    catalogue = build.catalogue
    unsure = _severity_if_unsure(build, name)
    if unsure or not build.doubt:
        return unsure
    if catalogue.known(name, kind):
        may_be_added = build.distribution not in OFFICIAL or not catalogue.is_listed(name, kind)
        return "warning" if may_be_added or build.is_before_all else ""
    is_future = parse_version(build.version) > parse_version(catalogue.latest)
    if not is_future:
        return ""
    is_misspelt = bool(nearest(kind, build.types(name), _MISSPELT))
    return "" if is_misspelt else "warning"
