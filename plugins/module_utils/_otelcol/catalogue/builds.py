# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds of the Collector: releases, as the table `builds` has them, and manifests of the builder. Private.

A build is a distribution in a version. A row `{"version": "0.156.0", "in": ["contrib", "k8s"], "adot": ["v0.49.0"]}`
says that contrib and k8s were released as 0.156.0. ADOT counts versions by itself: its v0.49.0 has Collector 0.156.0
inside. `Catalogue` asks the table, and reads the manifests of users' own builds here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from ..config.collector_versions import Version, parse_version
from .rows import CONTRIB_PREFIX, CORE_PREFIX, SECTION_ORDER, Key, Module, Row
from .version_ranges import format_version

PROGRAM_BY_DISTRIBUTION = {
    "contrib": "otelcol-contrib",
    "core": "otelcol",
    "k8s": "otelcol-k8s",
    "otlp": "otelcol-otlp",
}
"""The program of each distribution that the Collector project releases. Its archives and images have the same names.

Source: opentelemetry-collector-releases, distributions/*/.goreleaser.yaml.
"""
ADOT = "adot"
"""The AWS distribution."""
ADOT_PROGRAM = "aws-otel-collector"
# What the Collector Builder adds to a build whose manifest lists no providers.
BUILDER_SCHEMES = ("env", "file", "http", "https", "yaml")
_PROVIDER = "provider"
_REPOSITORIES = {
    "go.opentelemetry.io/collector/": CORE_PREFIX,
    "github.com/open-telemetry/opentelemetry-collector-contrib/": CONTRIB_PREFIX,
}


@dataclass(frozen=True)
class Coverage:
    """How well a version of a distribution is known."""

    version: str
    """The version whose components answer for it."""
    is_approximate: bool
    """Whether that is another version."""
    unknown_modules: tuple[Module, ...] = ()
    """The modules in it whose type is not known."""


class OwnBuild(NamedTuple):
    """A distribution of the user's own, known from an OCB manifest, from its schema, or from both."""

    version: str
    """The version of the Collector in it."""
    modules: frozenset[Module]
    """The modules of its components; none without a manifest."""
    schemes: tuple[str, ...]
    """The schemes of `${scheme:…}` that it has providers for."""
    described_types: Mapping[Key, Any] | None
    """The settings of each type by section and type, as field_grammar.py writes them; None without a schema."""


class _CountedVersion(NamedTuple):
    """A version that a distribution counts by itself, and the version of the Collector in it."""

    own_version: Version
    collector_version: str


@dataclass(frozen=True)
class BuildTable:
    """The rows of releases: which distributions have each, and their own versions."""

    rows: Sequence[Row]

    def find_nearest_release(self, distribution: str, version: Version) -> Version:
        """Return a version of a distribution, else the nearest older one, else the oldest; itself if none is known."""
        known_versions = self.versions_by_distribution.get(distribution, [])
        older_versions = [release for release in known_versions if release <= version]
        if older_versions:
            return older_versions[-1]
        return known_versions[0] if known_versions else version

    def find_collector_version(self, distribution: str, own_version: str) -> str:
        """Return the version of the Collector in a build, given the build's own; of the nearest older if unknown."""
        parsed_version = parse_version(own_version)
        counted_versions = self._counted.get(distribution, [])
        if not counted_versions:
            return format_version(parsed_version)
        older_versions = [counted for counted in counted_versions if counted.own_version <= parsed_version]
        nearest = older_versions[-1] if older_versions else counted_versions[0]
        return nearest.collector_version

    def is_counted(self, distribution: str, own_version: str) -> bool:
        """Whether the tables say which Collector is in a version of a build.

        They need not say it of a build that counts as the Collector does.
        """
        known_versions = [counted.own_version for counted in self._counted.get(distribution, ())]
        counts_like_collector = not known_versions
        return counts_like_collector or parse_version(own_version) in known_versions

    @cached_property
    def _counted(self) -> dict[str, list[_CountedVersion]]:
        """The own versions of the distributions that count them, in order."""
        versions_by_name: dict[str, list[_CountedVersion]] = {}
        for row in self.rows:
            for name in row.keys() - {"version", "in"}:  # the other keys are distributions, such as `adot`
                for label in row[name]:
                    versions_by_name.setdefault(name, []).append(_CountedVersion(parse_version(label), row["version"]))
        return {name: sorted(versions) for name, versions in versions_by_name.items()}

    @cached_property
    def versions_by_distribution(self) -> dict[str, list[Version]]:
        """The versions of each distribution, in order."""
        versions: dict[str, list[Version]] = {}
        for row in self.rows:
            for name in row["in"]:
                versions.setdefault(name, []).append(parse_version(row["version"]))
        return versions


def list_modules(manifest: Row) -> list[Module]:
    """Return section and module of every component in an OCB manifest; the two official repositories are shortened."""
    modules: list[Module] = []
    for section in SECTION_ORDER:
        for gomod in _iter_gomods(manifest, section):
            modules.append((section, _shorten_module(gomod)))
    return modules


def list_schemes(manifest: Row) -> tuple[str, ...]:
    """Return the schemes of the providers in an OCB manifest; the builder adds its own if it lists none."""
    folders = [_module_folder(gomod) for gomod in _iter_gomods(manifest, "providers")]
    return tuple(folder.removesuffix(_PROVIDER) for folder in folders) or BUILDER_SCHEMES


def _iter_gomods(manifest: Row, key: str) -> Iterator[str]:
    """Yield the Go modules in a list of an OCB manifest, without their versions."""
    for entry in manifest.get(key) or ():
        gomod = str(entry.get("gomod", "")) if isinstance(entry, Mapping) else ""
        if gomod.strip():
            yield gomod.split()[0]


def _module_folder(module: str) -> str:
    """Return the last part of a Go module."""
    return module.rpartition("/")[2]


def guess_type(module: str) -> str:
    """Return the type that a module's folder suggests: `…/receiver/acmereceiver` is most likely `acme`."""
    folder = _module_folder(module)
    for section in SECTION_ORDER:
        role = section.removesuffix("s")
        if folder.endswith(role):
            return folder.removesuffix(role) or folder
    return folder


def _shorten_module(module: str) -> str:
    """Return a module with a word instead of one of the two official repositories."""
    for prefix, name in _REPOSITORIES.items():
        if module.startswith(prefix):
            return name + module.removeprefix(prefix)
    return module
