# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an exact distribution and version of the Collector knows: tables in, answers out.

The tables are _data/catalogue/*.json; tools/catalogue makes them and names their sources. Versions are always the
Collector's own (`0.156.0`); `collector_version` translates a build's (`v0.49.0` of ADOT). What a build that the tables
lack consists of is answered from the nearest older one, and `coverage` says so; names follow the version asked for.
Private.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property, wraps
from operator import itemgetter
from typing import Any, TypeVar

from ..config.layers import Rename, Version, parse_version
from ..config.paths import Path

SECTIONS = ("receivers", "processors", "exporters", "connectors", "extensions")
CORE = "core/"
CONTRIB = "contrib/"
OFFICIAL = ("otlp", "core", "k8s", "contrib")  # smallest first

# What the Collector Builder adds to a build whose manifest lists no providers.
BUILDER_SCHEMES = ("env", "file", "http", "https", "yaml")
_PROVIDER = "provider"
TABLES = ("components", "builds", "removals", "ports", "references", "fields", "providers", "ottl", "constraints")
FORMAT = 1  # of published tables; raised when older code would misread them
OPEN, IGNORED = "...", "ignored"  # a mapping of settings takes unknown keys; a version ignores those that others refuse
ANY, ANYWHERE = "*", "**"  # in a path: any key or index, any depth

Row = Mapping[str, Any]
Key = tuple[str, str]  # section, and a type or a module
Module = Key

_REPOSITORIES = {
    "go.opentelemetry.io/collector/": CORE,
    "github.com/open-telemetry/opentelemetry-collector-contrib/": CONTRIB,
}


@dataclass(frozen=True)
class Component:
    """A component type as one build knows it. `name` is what was asked; `type` what the newest versions call it."""

    section: str
    name: str
    type: str
    module: str
    stability: Mapping[str, str] | None  # signal (or `traces>metrics`) → level; None: nothing is known of the signals
    renamed: str = ""  # the name to use instead; set when `name` is the deprecated one
    approximate: bool = False
    guessed: bool = False

    @property
    def signals(self) -> frozenset[str] | None:
        """Signals of a receiver, processor or exporter; None when unknown, which is no refusal."""
        if self.stability is None:
            return None
        return frozenset(name for name in self.stability if ">" not in name and name != "extension")

    @property
    def pairs(self) -> frozenset[tuple[str, str]] | None:
        """Signal pairs (from, to) of a connector; None when unknown."""
        if self.stability is None:
            return None
        return frozenset((pair[0], pair[2]) for pair in (name.partition(">") for name in self.stability) if pair[1])


@dataclass(frozen=True)
class Coverage:
    """How well a version of a distribution is known: the version that answers, and what in it has no known type."""

    version: str
    approximate: bool
    unknown: tuple[Module, ...] = ()


@dataclass(frozen=True)
class Removal:
    """A type that left the official builds: `gone` is the first version without it, `use` a section/type or None."""

    section: str
    type: str
    gone: str
    use: str | None
    how: str


@dataclass(frozen=True)
class ListenerRow:
    """A port that a type opens: its name, where its endpoint stands, the default port, the key that turns it on.

    `host_path` is where its host stands, if not in the endpoint, and `host` its default, if not the loopback.
    `checked` says that `otelcol validate` reads the endpoint, `sockets` that it may be the path of a socket.
    """

    name: str
    path: Path
    port: int | None  # None: the endpoint must be given
    protocol: str
    app_protocol: str | None
    when: Path  # empty: always on
    exposed: bool  # whether clients connect to it
    host_path: Path
    host: str
    checked: bool = False
    sockets: bool = False


Listeners = Mapping[Key, tuple[ListenerRow, ...]]


def listeners_by_type(rows: Iterable[Row]) -> Listeners:
    """Return the ports that each type, by section and name, opens."""
    found: dict[Key, list[ListenerRow]] = {}
    for row in rows:
        path, when, host_path = (_path(row.get(key, "")) for key in ("key", "when", "host_key"))
        exposed = row.get("exposed", True)
        host = row.get("host", "")
        more = (bool(row.get("checked")), bool(row.get("sockets")))
        listener = ListenerRow(
            *(row["name"], path, row["port"], row["protocol"], row.get("app_protocol"), when, exposed, host_path, host),
            *more,
        )
        found.setdefault((row["section"], row["type"]), []).append(listener)
    return {key: tuple(rows) for key, rows in found.items()}


@dataclass(frozen=True)
class Reference:
    """A key that names something else: `*` is any key or index, a leading `**` any depth; `lax`: or a built-in name."""

    path: Path
    to: str
    lax: bool

    def find(self, settings: Any) -> Iterator[tuple[Path, str]]:
        """Yield every id that the settings of a component name here, with its path."""
        yield from ((path, value) for path, value in walk(settings, self.path, ()) if isinstance(value, str) and value)


@dataclass
class Places:
    """Rows of constraints at their place in the settings of a type, so that one walk of the settings finds all.

    Those in `keyed` find nothing where their key is not given.
    """

    rows: list[Any] = field(default_factory=list)
    keyed: dict[str, list[Any]] = field(default_factory=dict)
    below: dict[str, Places] = field(default_factory=dict)

    def add(self, row: Any, steps: Sequence[str], key: str) -> None:
        """Put a row at the end of these steps: a key, `a|b` for alternatives, `*` for any key or index."""
        if not steps:
            (self.keyed.setdefault(key, []) if key else self.rows).append(row)
        for step in steps[0].split("|") if steps else ():
            self.below.setdefault(step, Places()).add(row, steps[1:], key)

    def about(self, value: Any) -> list[Any]:
        """Return the rows of this place that may find something in a value; text is no place."""
        if isinstance(value, str):
            return []
        given = self.keyed.keys() & value.keys() if self.keyed and isinstance(value, dict) else ()
        return [*self.rows, *(row for key in given for row in self.keyed[key])] if given else self.rows

    def find(self, settings: Any, path: Path) -> Iterator[tuple[Any, Path, Any]]:
        """Yield every row whose place the settings have, with path and value; text is no place."""
        stack: list[tuple[Places, Path, Any]] = [(self, path, settings)]
        while stack:
            node, here, value = stack.pop()
            for row in node.about(value):
                yield row, here, value
            if node.below and isinstance(value, dict):
                stack += [
                    (node.below[key], (*here, key), value[key])
                    for key in node.below.keys() & value.keys()
                    if key != ANY
                ]
            if ANY in node.below and isinstance(value, (dict, list)):
                pairs = value.items() if isinstance(value, dict) else enumerate(value)
                stack += [(node.below[ANY], (*here, key), item) for key, item in pairs]


_Answer = TypeVar("_Answer")


def _remembered(ask: Callable[..., _Answer]) -> Callable[..., _Answer]:
    """Let a catalogue remember what it answered to these texts."""

    @wraps(ask)
    def answer(self: Catalogue, *asked: str) -> _Answer:
        key = (ask.__name__, *asked)
        if key not in self.answers:
            self.answers[key] = ask(self, *asked)
        found: _Answer = self.answers[key]
        return found

    return answer


@dataclass(frozen=True)
class Catalogue:
    """The tables, as _data/catalogue/*.json has them. `extra` holds distributions of the user's own.

    `schemas` has the types and settings of those whose schema is known.
    """

    components: Sequence[Row]
    builds: Sequence[Row]
    removals: Sequence[Row] = ()
    ports_of: Sequence[Row] = ()
    references_of: Sequence[Row] = ()
    fields_of: Sequence[Row] = ()
    providers_of: Sequence[Row] = ()
    ottl_of: Sequence[Row] = ()
    constraints_of: Sequence[Row] = ()
    gaps: Sequence[Row] = ()
    request_limits: Sequence[Row] = ()
    extra: Mapping[str, tuple[str, frozenset[Module]]] = field(default_factory=dict)
    extra_schemes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    schemas: Mapping[str, Mapping[Key, Any]] = field(default_factory=dict)

    @classmethod
    def from_tables(cls, tables: Mapping[str, Any]) -> Catalogue:
        """Return the catalogue of tables by file name without suffix."""
        names = TABLES[2:]
        parts = {f"{name}_of": tables.get(name, ()) for name in names[1:]}
        gaps = tables.get("provenance", {}).get("gaps", ())
        parts["request_limits"] = tables.get("request_limits", ())  # tables of older releases have none
        return cls(tables["components"], tables["builds"], tables.get("removals", ()), gaps=gaps, **parts)

    @_remembered
    def find(self, section: str, name: str, distribution: str, version: str) -> Component | None:
        """Return a type as a build knows it; None when it does not, for whatever reason.

        An old name is found from any version that still takes it; a new one not before the version that brought it.
        """
        coverage, target = self.coverage(distribution, version), parse_version(version)
        if distribution in self.schemas:
            return self._described(section, name, distribution, target)
        if coverage.approximate and self._left(section, name, parse_version(coverage.version), target):
            return None
        for row in self._named.get((section, name), ()):
            if self._has(row, distribution, parse_version(coverage.version)) and _accepts(row, name, target):
                return self._component(row, name, target, coverage.approximate)
        plain = name.replace("_", "")
        for kind, module in coverage.unknown:
            if kind == section and guessed_type(module).replace("_", "") == plain:
                return Component(section, name, name, module, None, approximate=True, guessed=True)
        return None

    def _left(self, section: str, name: str, known: Version, target: Version) -> bool:
        """Whether a type left the official builds after the newest version of a build that is known."""
        removal = self.removal(section, self._newest(section, name))
        return removal is not None and known < parse_version(removal.gone) <= target

    def _described(self, section: str, name: str, distribution: str, version: Version) -> Component | None:
        """Return a type of a build whose schema is known. A schema does not name the signals of a type."""
        if (section, name) not in self.schemas[distribution]:
            return None
        rows = (row for row in self._named.get((section, name), ()) if _accepts(row, name, version))
        row = next(rows, None)
        return self._component(row, name, version, False) if row else Component(section, name, name, "", None)

    def described(self, section: str, name: str, distribution: str) -> Row | None:
        """Return the settings of a type as the schema of its build has them."""
        fields = self.schemas.get(distribution, {}).get((section, name))
        doubt = "by the schema of the build"
        return None if fields is None else {"section": section, "type": name, "fields": fields, "doubt": doubt}

    def signals(self, section: str, name: str, distribution: str, version: str) -> frozenset[str] | None:
        """Return the signals of a type in a build; None when the build lacks it or they are unknown."""
        found = self.find(section, name, distribution, version)
        return found.signals if found else None

    def pairs(self, name: str, distribution: str, version: str) -> frozenset[tuple[str, str]] | None:
        """Return the signal pairs of a connector in a build; None when the build lacks it or they are unknown."""
        found = self.find("connectors", name, distribution, version)
        return found.pairs if found else None

    def known(self, section: str, name: str) -> bool:
        """Whether any version of any build, or of none, ever had this type, under today's name or an older one."""
        return (section, name) in self._named or self.removal(section, name) is not None

    def is_listed(self, section: str, name: str) -> bool:
        """Whether the list of a release, of any build and version, has a type."""
        return any(row["in"] for row in self._named.get((section, name), ()))

    def available_in(self, section: str, name: str, version: str) -> tuple[str, ...]:
        """Return the distributions whose build of a version knows this name."""
        return tuple(item for item in self.distributions if self.find(section, name, item, version))

    def types(self, section: str, distribution: str, version: str) -> tuple[str, ...]:
        """Return the names that a build wants to be called by, in order: what near names are picked from."""
        if distribution in self.schemas:
            return tuple(sorted(kind for name, kind in self.schemas[distribution] if name == section))
        inside = parse_version(self.coverage(distribution, version).version)
        rows = (row for row in self.components if row["section"] == section and self._has(row, distribution, inside))
        return tuple(sorted(_name(row, parse_version(version)) for row in rows))

    def rename(self, section: str, name: str) -> Rename | None:
        """Return the rename that a name, old or new, took part in."""
        return next((_rename(row) for row in self._named.get((section, name), ()) if "was" in row), None)

    @cached_property
    def renames(self) -> tuple[Rename, ...]:
        return tuple(_rename(row) for row in self.components if "was" in row)

    def name_for(self, section: str, name: str, version: str) -> str:
        """Return the name of a type in a version of the Collector, given any of its names."""
        renamed = self.rename(section, name)
        if renamed is None:
            return name
        return renamed.new if parse_version(version) >= parse_version(renamed.since) else renamed.old

    def removal(self, section: str, name: str) -> Removal | None:
        """Return the removal of a type from the official builds."""
        rows = (row for row in self.removals if (row["section"], row["type"]) == (section, name))
        return next((Removal(section, name, row["gone"], row["use"], row["how"]) for row in rows), None)

    @cached_property
    def listener_rows(self) -> tuple[Row, ...]:
        """The rows of all ports that types open, once for each name of a type."""
        old = {(item.section, item.new): item.old for item in self.renames}
        named = ((row, old.get((row["section"], row["type"]))) for row in self.ports_of)
        return (*self.ports_of, *({**row, "type": name} for row, name in named if name))

    @cached_property
    def listeners(self) -> Listeners:
        """The ports that types open, by section and any of their names."""
        return listeners_by_type(self.listener_rows)

    def references(self, section: str, name: str) -> tuple[Reference, ...]:
        """Return the keys with which a type, by any of its names, names extensions or pipelines."""
        wanted = {("*", "*"), (section, "*"), (section, self._newest(section, name))}
        rows = (row for row in self.references_of if (row["section"], row["type"]) in wanted)
        return tuple(Reference(_path(row["key"]), row["to"], row.get("lax", False)) for row in rows)

    def fields(self, section: str, name: str, version: str = "") -> Row | None:
        """Return the known settings of a type by any of its names, with those that a version adds, or None.

        They are those of the version, or of the nearest one that is known; without a version, of the newest.
        """
        rows = self._fields.get((section, self._newest(section, name)), [])
        number = parse_version(version)
        begun = [row for row in rows if not version or _ranges(row["exact"])[0][0] <= number]
        row = next(iter(begun[-1:] or rows[:1]), None)
        spans = row.get("more", {}) if row and version else {}
        added = next((paths for span, paths in spans.items() if _within(_ranges(span)[0], number)), ())
        settings = row["fields"] if row else None
        for path in added:
            settings = _with_setting(settings, _path(path), self.shared_fields)
        return {**row, "fields": settings} if row and added else row

    def nearest_fields(self, section: str, name: str, version: str) -> Row | None:
        """Return the settings of a type at the nearest version for which they are known, with the doubt about them."""
        row = self.fields(section, name, version)
        if row is None:
            return None
        near = self.nearest(row["exact"], version)
        found = self.fields(section, name, near) or row
        return {**found, "near": near, "doubt": f"by the settings of {near}, the nearest known version"}

    def nearest(self, ranges: str, version: str) -> str:
        """Return a version itself if the ranges have it, else the release in them that is nearest to it."""
        if is_within(ranges, version):
            return version
        asked, spans = parse_version(version), _ranges(ranges)
        known = [*(row["version"] for row in self.builds if is_within(ranges, row["version"])), *map(_last, spans)]
        return min(known, key=lambda item: abs(_rank(parse_version(item)) - _rank(asked)), default="")

    @_remembered
    def stand_in(self, distribution: str, version: str) -> str:
        """Return the version that stands for one of which not all is known; empty text if all is known.

        Of a release that is newer than all whose components are known, some components were asked for their settings.
        """
        if distribution in self.schemas:
            return ""
        row = self.fields("service", "telemetry", version)
        near = self.nearest(row["exact"], version) if row else version
        coverage = self.coverage(distribution, version)
        newer = parse_version(version)[:2] > parse_version(coverage.version)[:2]
        return near if near != version else coverage.version if newer else ""

    @cached_property
    def latest(self) -> str:
        """The newest release of the Collector that the tables know; empty text if they know none."""
        asked = (row["exact"] for row in self.fields_of if row.get("section") == "service")
        ends = (_last(span) for ranges in asked for span in _ranges(ranges))
        return max((*ends, *(row["version"] for row in self.builds)), key=parse_version, default="")

    @cached_property
    def shared_fields(self) -> dict[str, Any]:
        """Mappings of settings that several types have, by the label that stands for them."""
        return {row["define"]: row["fields"] for row in self.fields_of if "define" in row}

    def constraints(self, section: str, name: str, made: Callable[[Row], tuple[Any, str] | None]) -> Places:
        """Return what must hold in the settings of a type, given its newest name: what is made of rows, but None.

        With it comes the key without which it finds nothing; empty if it may.
        """
        found = Places()
        rows = (row for kind in (ANY, name) for row in self._constraints.get((section, kind), ()))
        for _number, row, steps in sorted(rows, key=itemgetter(0)):
            if constraint := made(row):
                found.add(constraint[0], steps, constraint[1])
        return found

    @cached_property
    def _constraints(self) -> dict[Key, list[tuple[int, Row, list[str]]]]:
        """The rows of constraints of each type, with their numbers in the table, and the steps to their places."""
        found: dict[Key, list[tuple[int, Row, list[str]]]] = {}
        for number, row in enumerate(self.constraints_of):
            section, kinds, *steps = row["at"].split(".")
            for kind in kinds.split("|"):
                found.setdefault((section, kind), []).append((number, row, steps))
        return found

    def ships(self, distribution: str) -> bool:
        """Whether a distribution is a released one, of which the tables know all parts; not one of the user's own."""
        return distribution in self._versions

    @_remembered
    def schemes(self, distribution: str, version: str) -> tuple[str, ...]:
        """Return the schemes of `${scheme:…}` that a build has a provider for; those of all builds if it is unknown."""
        if distribution in self.extra_schemes:
            return self.extra_schemes[distribution]
        if distribution not in self.distributions:
            return tuple(row["scheme"] for row in self.providers_of)
        inside = parse_version(self.coverage(distribution, version).version)
        return tuple(row["scheme"] for row in self.providers_of if self._has(row, distribution, inside))

    def smallest_distribution(self, used: Iterable[Key], version: str, among: Sequence[str] = OFFICIAL) -> str | None:
        """Return the distribution with the fewest types that has all of (section, name); None when none has."""
        wanted = set(used)
        known = [item for item in among if item in self.distributions]
        smallest_first = sorted(known, key=lambda item: self._size(item, version))
        return next((item for item in smallest_first if all(self.find(*key, item, version) for key in wanted)), None)

    @_remembered
    def coverage(self, distribution: str, version: str) -> Coverage:
        """Return which version answers for one of a distribution: itself, the nearest older one, else the oldest."""
        if distribution in self.extra:
            at, modules = self.extra[distribution]
            if distribution in self.schemas:
                return Coverage(at, False)
            return Coverage(at, False, tuple(sorted(modules - self._modules)))
        known = self._versions.get(distribution, [])
        target = parse_version(version)
        older = [item for item in known if item <= target]
        answer = older[-1] if older else known[0] if known else target
        return Coverage(_text(answer), answer != target)

    def collector_version(self, distribution: str, own: str) -> str:
        """Return the version of the Collector in a build, given the build's own; of the nearest older if unknown."""
        asked, rows = parse_version(own), self._counted.get(distribution, ())
        older = [inside for label, inside in rows if label <= asked]
        return str(older[-1] if older else rows[0][1] if rows else _text(asked))

    def is_counted(self, distribution: str, own: str) -> bool:
        """Whether the tables say which Collector is in a version of a build that counts its own versions."""
        labels = [label for label, _inside in self._counted.get(distribution, ())]
        return not labels or parse_version(own) in labels

    @cached_property
    def _counted(self) -> dict[str, list[tuple[Version, str]]]:
        """The own versions of the distributions that count them, in order, with the Collector's in each."""
        found: dict[str, list[tuple[Version, str]]] = {}
        for row in self.builds:
            for name in row.keys() - {"version", "in"}:
                found.setdefault(name, []).extend((parse_version(label), row["version"]) for label in row[name])
        return {name: sorted(rows) for name, rows in found.items()}

    def with_manifest(self, name: str, manifest: Row, version: str) -> tuple[Catalogue, tuple[Module, ...]]:
        """Return a catalogue with a distribution from an OCB manifest, and its modules of unknown type.

        Those are found by the name that their folder suggests, with unknown signals, so they raise no false error.
        """
        modules = frozenset(modules_of(manifest))
        extra = {**self.extra, name: (version.removeprefix("v"), modules)}
        schemes = {**self.extra_schemes, name: schemes_of(manifest)}
        grown = replace(self, extra=extra, extra_schemes=schemes)
        return grown, grown.coverage(name, version).unknown

    def with_schema(self, name: str, types: Mapping[Key, Any], version: str) -> Catalogue:
        """Return a catalogue with a distribution from its schema. Its providers are known only from a manifest."""
        extra = {name: (version.removeprefix("v"), frozenset[Module]()), **self.extra}
        schemes = {name: tuple(row["scheme"] for row in self.providers_of), **self.extra_schemes}
        return replace(self, extra=extra, extra_schemes=schemes, schemas={**self.schemas, name: types})

    @cached_property
    def distributions(self) -> tuple[str, ...]:
        """Every distribution that is known, the user's own last."""
        return (*sorted(self._versions), *self.extra)

    @cached_property
    def _named(self) -> dict[Key, list[Row]]:
        named: dict[Key, list[Row]] = {}
        for row in self.components:
            for name in dict.fromkeys((row["type"], row.get("was", row["type"]))):
                named.setdefault((row["section"], name), []).append(row)
        return named

    @cached_property
    def _fields(self) -> dict[Key, list[Row]]:
        """The settings of each type, in the order of the versions that have them."""
        found: dict[Key, list[Row]] = {}
        for row in self.fields_of:
            if "type" in row:
                found.setdefault((row["section"], row["type"]), []).append(row)
        return found

    @cached_property
    def answers(self) -> dict[tuple[str, ...], Any]:
        """What was asked before: every type of every config asks for its build."""
        return {}

    @cached_property
    def _modules(self) -> frozenset[Module]:
        return frozenset((row["section"], row["module"]) for row in self.components)

    @cached_property
    def _versions(self) -> dict[str, list[Version]]:
        versions: dict[str, list[Version]] = {}
        for row in self.builds:
            for name in row["in"]:
                versions.setdefault(name, []).append(parse_version(row["version"]))
        return versions

    def _newest(self, section: str, name: str) -> str:
        renamed = self.rename(section, name)
        return renamed.new if renamed else name

    @_remembered
    def _size(self, distribution: str, version: str) -> int:
        return sum(len(self.types(section, distribution, version)) for section in SECTIONS)

    def _has(self, row: Row, distribution: str, version: Version) -> bool:
        if distribution in self.extra:
            return (row["section"], row["module"]) in self.extra[distribution][1]
        return any(_within(span, version) for span in _ranges(row["in"].get(distribution, "")))

    def _component(self, row: Row, name: str, version: Version, approximate: bool) -> Component:
        points = [(parse_version(since), levels) for since, levels in row["stability"].items()]
        older = [levels for since, levels in points if since <= version]
        stability = older[-1] if older else points[0][1] if points else None
        current = _name(row, version)
        return Component(
            section=row["section"],
            name=name,
            type=row["type"],
            module=row["module"],
            stability=stability,
            renamed=current if current != name else "",
            approximate=approximate or self._filled(row["module"], version),
            guessed=bool(row.get("guessed")),
        )

    def _filled(self, module: str, version: Version) -> bool:
        """Whether no source shows the metadata of this version, so that a neighbour's stands for it."""
        gaps = (gap for gap in self.gaps if module.startswith(gap["module"]))
        return any(_within((parse_version(gap["since"]), parse_version(gap["until"])), version) for gap in gaps)


def _rename(row: Row) -> Rename:
    return Rename(row["section"], row["was"], row["type"], row["since"], row.get("alias", True))


def modules_of(manifest: Row) -> list[Module]:
    """Return section and module of every component in an OCB manifest; the two official repositories are shortened."""
    items = [
        (section, item) for section in SECTIONS for item in manifest.get(section) or () if isinstance(item, Mapping)
    ]
    return [
        (section, _short(str(item["gomod"]).split()[0]))
        for section, item in items
        if str(item.get("gomod", "")).strip()
    ]


def schemes_of(manifest: Row) -> tuple[str, ...]:
    """Return the schemes of the providers in an OCB manifest; the builder adds its own if it lists none."""
    listed = [str(item.get("gomod", "")) for item in manifest.get("providers") or () if isinstance(item, Mapping)]
    folders = (text.split()[0].rpartition("/")[2] for text in listed if text.strip())
    return tuple(folder.removesuffix(_PROVIDER) for folder in folders) or BUILDER_SCHEMES


def guessed_type(module: str) -> str:
    """Return the type that a module's folder suggests: `…/receiver/acmereceiver` is most likely `acme`."""
    folder = module.rpartition("/")[2]
    ends = (folder.removesuffix(section[:-1]) for section in SECTIONS if folder.endswith(section[:-1]))
    return next(ends, folder) or folder


def _short(module: str) -> str:
    for prefix, name in _REPOSITORIES.items():
        if module.startswith(prefix):
            return name + module.removeprefix(prefix)
    return module


def _accepts(row: Row, name: str, version: Version) -> bool:
    return name == _name(row, version) or (name == row.get("was") and row.get("alias", True))


def _name(row: Row, version: Version) -> str:
    return str(row["was"] if "was" in row and version < parse_version(row["since"]) else row["type"])


def _within(span: tuple[Version, Version], version: Version) -> bool:
    """Whether a version is in a range from the first to before the second; an empty second is no end."""
    return span[0] <= version and (not span[1] or version < span[1])


def is_within(ranges: str, version: str) -> bool:
    """Whether a version is in one of the ranges, such as `0.110.0..0.131.0 0.152.0..`."""
    return any(_within(span, parse_version(version)) for span in _ranges(ranges))


def _rank(version: Version) -> float:
    """Return a version as a number, so that distances can be compared."""
    return sum(part * 0.001**index for index, part in enumerate(version))


def _last(span: tuple[Version, Version]) -> str:
    """Return the last release of the Collector in a range that ends."""
    (major, minor, *_patch) = span[1]
    return _text((major, minor - 1, 0))


def _text(version: Version) -> str:
    return ".".join(str(part) for part in version)


def _path(key: str) -> Path:
    return tuple(key.split(".")) if key else ()


@cache
def _ranges(text: str) -> tuple[tuple[Version, Version], ...]:
    """Return `0.110.0..0.131.0 0.152.0..` as pairs of from and before; an empty end is none."""
    parts = (part.partition("..") for part in text.split())
    return tuple((parse_version(since), parse_version(until)) for since, _dots, until in parts)


def _with_setting(node: Any, path: Path, shared: Mapping[str, Any]) -> Any:
    """Return settings in which anything is valid at a path; unknown keys are ignored where it ends in `?`."""
    if not path:
        return "?"
    node = shared.get(node, node) if isinstance(node, str) else node
    if isinstance(node, list) and len(node) > 1:
        return [node[0], _with_setting(node[1], path[1:], shared)]
    if not isinstance(node, dict):
        return node
    if path == ("?",):
        return {**node, OPEN: IGNORED}
    key = path[0] if path[0] in node or len(path) == 1 else "*"
    return {**node, key: _with_setting(node.get(key), path[1:], shared)}


def walk(value: Any, pattern: Path, path: Path) -> Iterator[tuple[Path, Any]]:
    """Yield path and value of everything that a pattern leads to: `*` is any key or index, a leading `**` any depth."""
    if not pattern:
        yield path, value
    elif pattern[0] not in (ANY, ANYWHERE):
        if isinstance(value, (dict, Mapping)) and pattern[0] in value:
            yield from walk(value[pattern[0]], pattern[1:], (*path, pattern[0]))
    else:
        deep = pattern[0] == ANYWHERE
        if deep:
            yield from walk(value, pattern[1:], path)
        pairs = enumerate(value) if isinstance(value, list) else value.items() if isinstance(value, Mapping) else ()
        for key, child in pairs:
            yield from walk(child, pattern if deep else pattern[1:], (*path, key))
