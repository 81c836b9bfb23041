# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Component types of the Collector and their names by version: `otlphttp` became `otlp_http` in 0.144.0.

`Catalogue` asks these tables of components and removals. Private.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ..config.collector_versions import Version, parse_version
from .rows import Key, Module
from .table_rows import ComponentRow, GapRow, RemovalRow
from .version_ranges import is_in_span


@dataclass(frozen=True)
class Rename:
    """A type that got a new name, such as exporter otlp, which is called otlp_grpc since 0.144.0."""

    section: str
    old_name: str
    new_name: str
    since_version: str
    """The first version that takes the new name."""
    takes_old_name: bool
    """Whether versions from then on take the old name too."""


@dataclass(frozen=True)
class ComponentType:
    """A component type as one build knows it."""

    section: str
    name: str
    """The name that the caller looked up."""
    type: str
    """The name in the newest versions."""
    module: str
    """The Go module with its code; empty if nobody knows it."""
    stability: Mapping[str, str] | None
    """The level of each signal, such as `{"traces": "beta"}`; None if no source shows it.

    A connector has levels of pairs of signals, such as `traces>metrics`.
    """
    newer_name: str = ""
    """The name to use in the build; empty if `name` is not deprecated there."""
    is_approximate: bool = False
    """Whether an older version or a neighbouring one answers for the version of the build."""
    is_guessed: bool = False
    """Whether the name comes from the folder of the module."""

    @property
    def signals(self) -> frozenset[str] | None:
        """The signals of a receiver, processor or exporter; None if they are unknown: the type may take any signal."""
        if self.stability is None:
            return None
        return frozenset(name for name in self.stability if ">" not in name and name != "extension")

    @property
    def signal_pairs(self) -> frozenset[tuple[str, str]] | None:
        """The pairs (from, to) of signals of a connector, such as (traces, metrics); None if they are unknown."""
        if self.stability is None:
            return None
        signal_pairs: set[tuple[str, str]] = set()
        for name in self.stability:
            source, arrow, target = name.partition(">")
            if arrow:
                signal_pairs.add((source, target))
        return frozenset(signal_pairs)


@dataclass(frozen=True)
class Removal:
    """A type that left the official builds."""

    section: str
    type: str
    gone_since: str
    """The first version without it."""
    replacement: str | None
    """The section and the type to use, such as `exporters/debug`; None if nothing replaces it."""
    instruction: str
    """What to do, in words."""


@dataclass(frozen=True)
class ComponentTable:
    """The rows of components, of their removals, and of versions whose metadata no source shows.

    Methods take a type by its section and any of its names, except for `find_removal`.
    """

    components: Sequence[ComponentRow]
    removals: Sequence[RemovalRow] = ()
    gaps: Sequence[GapRow] = ()

    def find_rows(self, section: str, name: str) -> Sequence[ComponentRow]:
        """Return the rows of a type by any of its names."""
        return self._by_name.get((section, name), ())

    def is_listed(self, section: str, name: str) -> bool:
        """Whether any released build of any version contains a type."""
        return any(row["in"] for row in self.find_rows(section, name))

    def is_known(self, section: str, name: str) -> bool:
        """Whether the tables ever had this type, under today's name or an older one."""
        return (section, name) in self._by_name or self.find_removal(section, name) is not None

    def find_rename(self, section: str, name: str) -> Rename | None:
        """Return the rename of a type, by its old or new name; None if the type was never renamed."""
        for row in self.find_rows(section, name):
            if "was" in row:
                return _read_rename(row)
        return None

    @cached_property
    def renames(self) -> tuple[Rename, ...]:
        """The renames of all types."""
        return tuple(_read_rename(row) for row in self.components if "was" in row)

    def choose_name(self, section: str, name: str, version: str) -> str:
        """Return the name of a type in a version of the Collector, given any of its names."""
        rename = self.find_rename(section, name)
        if rename is None:
            return name
        is_renamed = parse_version(version) >= parse_version(rename.since_version)
        return rename.new_name if is_renamed else rename.old_name

    def find_removal(self, section: str, name: str) -> Removal | None:
        """Return the removal of a type from the official builds; None if it is still there, or never was.

        `name` is the one that the type had when it was removed.
        """
        for row in self.removals:
            if (row["section"], row["type"]) == (section, name):
                return Removal(section, name, row["gone"], row["use"], row["how"])
        return None

    def find_newest_name(self, section: str, name: str) -> str:
        """Return what the newest versions call a type, given any of its names."""
        rename = self.find_rename(section, name)
        return rename.new_name if rename else name

    @cached_property
    def modules(self) -> frozenset[Module]:
        """The modules of all types, each with its section."""
        return frozenset((row["section"], row["module"]) for row in self.components)

    def build_component(self, row: ComponentRow, name: str, version: Version, *, is_approximate: bool) -> ComponentType:
        """Return the type of a row as a version knows it, by the name that the caller looked up."""
        current_name = name_in_version(row, version)
        return ComponentType(
            section=row["section"],
            name=name,
            type=row["type"],
            module=row["module"],
            stability=_find_stability(row, version),
            newer_name=current_name if current_name != name else "",
            is_approximate=is_approximate or self._is_in_gap(row["module"], version),
            is_guessed=bool(row.get("guessed")),
        )

    def _is_in_gap(self, module: str, version: Version) -> bool:
        """Whether no source shows the metadata of a module in a version, so that a neighbouring version's is used."""
        for gap in self.gaps:
            if not module.startswith(gap["module"]):
                continue
            span = (parse_version(gap["since"]), parse_version(gap["until"]))
            if is_in_span(span, version):
                return True
        return False

    @cached_property
    def _by_name(self) -> dict[Key, list[ComponentRow]]:
        """The rows of each type, by its section and each of its names."""
        rows: dict[Key, list[ComponentRow]] = {}
        for row in self.components:
            rows.setdefault((row["section"], row["type"]), []).append(row)
            if "was" in row and row["was"] != row["type"]:
                rows.setdefault((row["section"], row["was"]), []).append(row)
        return rows


def is_accepted_name(row: ComponentRow, name: str, version: Version) -> bool:
    """Whether a version accepts this name for the type of a row: its own name, or an old one that is an alias."""
    if name == name_in_version(row, version):
        return True
    return name == row.get("was") and row.get("alias", True)


def name_in_version(row: ComponentRow, version: Version) -> str:
    """Return the name that a version prefers for the type of a row."""
    is_renamed_later = "was" in row and version < parse_version(row["since"])
    return row["was"] if is_renamed_later else row["type"]


def _read_rename(row: ComponentRow) -> Rename:
    """Return the rename of a row that has an older name."""
    return Rename(row["section"], row["was"], row["type"], row["since"], row.get("alias", True))


def _find_stability(row: ComponentRow, version: Version) -> Mapping[str, str] | None:
    """Return the stability of a type in a version: that of the last change until then, or the first one known.

    None if nothing is known of the signals. A row has its changes in the order of their versions. For example, with
    `{"0.100.0": {"traces": "alpha"}, "0.120.0": {"traces": "beta"}}`, the type is alpha in 0.110.0, and in 0.90.0 too.
    """
    levels_by_since = row["stability"]
    levels_until_then = [levels for since, levels in levels_by_since.items() if parse_version(since) <= version]
    if levels_until_then:
        return levels_until_then[-1]
    return next(iter(levels_by_since.values()), None)
