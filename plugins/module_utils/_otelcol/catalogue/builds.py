# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds of the Collector: releases, as the table `builds` has them, and manifests of the builder. Private."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ..config.layers import Version, parse_version
from .rows import CONTRIB, CORE, SECTIONS, Module, Row
from .version_ranges import version_text

# What the Collector Builder adds to a build whose manifest lists no providers.
BUILDER_SCHEMES = ("env", "file", "http", "https", "yaml")
_PROVIDER = "provider"
_REPOSITORIES = {
    "go.opentelemetry.io/collector/": CORE,
    "github.com/open-telemetry/opentelemetry-collector-contrib/": CONTRIB,
}


@dataclass(frozen=True)
class Coverage:
    """How well a version of a distribution is known: the version that answers, and what in it has no known type."""

    version: str
    approximate: bool
    unknown: tuple[Module, ...] = ()


@dataclass(frozen=True)
class BuildTable:
    """The rows of releases: which distributions have each, and their own versions."""

    rows: Sequence[Row]

    def nearest_release(self, distribution: str, version: Version) -> Version:
        """Return a version of a distribution, else the nearest older one, else the oldest; itself if none is known."""
        known = self.versions.get(distribution, [])
        older = [release for release in known if release <= version]
        if older:
            return older[-1]
        return known[0] if known else version

    def collector_version(self, distribution: str, own: str) -> str:
        """Return the version of the Collector in a build, given the build's own; of the nearest older if unknown."""
        asked, rows = parse_version(own), self._counted.get(distribution, ())
        older = [inside for label, inside in rows if label <= asked]
        return str(older[-1] if older else rows[0][1] if rows else version_text(asked))

    def is_counted(self, distribution: str, own: str) -> bool:
        """Whether the tables say which Collector is in a version of a build that counts its own versions."""
        labels = [label for label, _inside in self._counted.get(distribution, ())]
        return not labels or parse_version(own) in labels

    @cached_property
    def _counted(self) -> dict[str, list[tuple[Version, str]]]:
        """The own versions of the distributions that count them, in order, with the Collector's in each."""
        found: dict[str, list[tuple[Version, str]]] = {}
        for row in self.rows:
            for name in row.keys() - {"version", "in"}:
                found.setdefault(name, []).extend((parse_version(label), row["version"]) for label in row[name])
        return {name: sorted(rows) for name, rows in found.items()}

    @cached_property
    def versions(self) -> dict[str, list[Version]]:
        """The versions of each distribution, in order."""
        versions: dict[str, list[Version]] = {}
        for row in self.rows:
            for name in row["in"]:
                versions.setdefault(name, []).append(parse_version(row["version"]))
        return versions


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
