# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What components say of themselves: type, older type, stability per signal, by module and version.

Sources: `metadata.yaml` of each component at the release tags of opentelemetry-collector and the release commits of
opentelemetry-collector-contrib, the copies that aws-otel-collector vendors, and the bundles of
opentelemetry-ecosystem-explorer. `status.distributions` is not read: it contradicts the manifests.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from plugins.module_utils._otelcol.catalogue.rows import CONTRIB, CORE, Key

from .clones import Clone
from .versions import FIRST, Version, parse_version

_CLASSES = {name: f"{name}s" for name in ("receiver", "processor", "exporter", "connector", "extension")}
_VENDORED = "vendor/github.com/open-telemetry/opentelemetry-collector-contrib/"
_BUNDLES = "ecosystem-registry/collector"
# They have metadata of a component's class, and are libraries.
_HELPERS = {f"x{name}" for name in _CLASSES} | {f"{name}helper" for name in (*_CLASSES, "scraper")} | {"storage"}


@dataclass(frozen=True)
class Meta:
    """What one component says of itself in one version."""

    type: str
    old: str = ""
    stability: tuple[tuple[str, str], ...] = ()


@dataclass
class Metadata:
    """All that the sources say: module → version → statement; and the versions of which a source shows everything."""

    by_module: dict[Key, dict[Version, Meta]] = field(default_factory=dict)
    seen: dict[str, set[Version]] = field(default_factory=lambda: {CORE: set(), CONTRIB: set()})

    def add(self, key: Key, version: Version, meta: Meta, *, weak: bool = False) -> None:
        """Keep one statement. The later of two wins, because bundles get corrected; a weak one never does."""
        versions = self.by_module.setdefault(key, {})
        if not weak or version not in versions:
            versions[version] = meta


def read(core: Clone, contrib: Clone, adot: tuple[Clone, Mapping[str, Version]], explorers: list[Clone]) -> Metadata:
    """Return what all sources say; the ones read later know better."""
    metadata = Metadata()
    vendored, inside = adot
    for tag, version in inside.items():
        _tree(metadata, vendored, tag, version, repository=CONTRIB, prefix=_VENDORED)
    for version, commit in sorted({**contrib.tags, **contrib.release_commits}.items()):
        if version >= FIRST:
            _tree(metadata, contrib, commit, version, repository=CONTRIB)
            metadata.seen[CONTRIB].add(version)
    for version, tag in sorted(core.tags.items()):
        if version >= FIRST:
            _tree(metadata, core, tag, version, repository=CORE)
            metadata.seen[CORE].add(version)
    for explorer in explorers:
        _bundles(metadata, explorer)
    return metadata


_parsed: dict[str, Any] = {}


def _load(clone: Clone, blobs: list[str]) -> None:
    new = sorted({blob for blob in blobs if blob not in _parsed})
    for blob, text in clone.read(new).items():
        _parsed[blob] = yaml.load(text, Loader=yaml.CSafeLoader)


def _tree(
    metadata: Metadata, clone: Clone, revision: str, version: Version, *, repository: str, prefix: str = ""
) -> None:
    folders = [f"{prefix}{name}" for name in _CLASSES]
    files = [(path, blob) for path, blob in clone.blobs(revision, *folders) if path.endswith("/metadata.yaml")]
    files = [item for item in files if not {"internal", "testdata"} & set(item[0].removeprefix(prefix).split("/"))]
    _load(clone, [blob for _path, blob in files])
    for path, blob in files:
        module = path[len(prefix) :].removesuffix("/metadata.yaml")
        section = _CLASSES.get((_parsed[blob] or {}).get("status", {}).get("class", ""))
        if section and _parsed[blob].get("type") and module.rpartition("/")[2] not in _HELPERS:
            metadata.add((section, f"{repository}{module}"), version, meta(_parsed[blob]))


def _bundles(metadata: Metadata, clone: Clone) -> None:
    names = {f"{name}.yaml" for name in _CLASSES}
    everything = clone.blobs("HEAD", f"{_BUNDLES}/core", f"{_BUNDLES}/contrib")
    files = [(path, blob) for path, blob in everything if path.rpartition("/")[2] in names]
    _load(clone, [blob for _path, blob in files])
    for path, blob in sorted(files, key=lambda item: _stands_for(item[0].split("/")[-2])[1]):
        distribution, label, file = path.split("/")[-3:]
        repository = CORE if distribution == "core" else CONTRIB
        version, snapshot = _stands_for(label)
        if not snapshot:
            metadata.seen[repository].add(version)
        for module, data in _entries(_parsed[blob], file.removesuffix(".yaml")):
            key = (_CLASSES[file.removesuffix(".yaml")], f"{repository}{module}")
            metadata.add(key, version, meta(data), weak=snapshot)


def _stands_for(label: str) -> tuple[Version, bool]:
    """Return the version of a bundle, and whether it is a snapshot: `v0.158.1-SNAPSHOT` stands for 0.159.0, weakly."""
    version = parse_version(label)
    snapshot = label.endswith("-SNAPSHOT")
    return ((version[0], version[1] + 1, 0) if snapshot else version), snapshot


def _entries(bundle: Any, kind: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield module path and metadata of a bundle's components; the bundle has the folder's name alone."""
    for item in bundle["components"]:
        data = item.get("metadata") or {}
        if item["name"] in _HELPERS or not data.get("type"):
            continue
        middle = f"{item['subtype']}/" if item.get("subtype") else ""
        yield f"{kind}/{middle}{item['name']}", data


def meta(data: Mapping[str, Any]) -> Meta:
    """Return the facts of a metadata.yaml."""
    levels = (data.get("status") or {}).get("stability") or {}
    stability = {signal.replace("_to_", ">"): level for level, signals in levels.items() for signal in signals or ()}
    return Meta(str(data["type"]), str(data.get("deprecated_type") or ""), tuple(sorted(stability.items())))
