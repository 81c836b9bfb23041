# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what components state of themselves: type, older type and stability of each signal, by module and version.

Sources: `metadata.yaml` of each component at the release tags of opentelemetry-collector and the release commits of
opentelemetry-collector-contrib, the copies that aws-otel-collector vendors, and the bundles of
opentelemetry-ecosystem-explorer. `status.distributions` is not read: it contradicts the manifests.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from plugins.module_utils._otelcol.catalogue.rows import CONTRIB_PREFIX, CORE_PREFIX, Key
from plugins.module_utils._otelcol.config.collector_versions import Version, parse_version

from .clones import Clone
from .versions import FIRST_VERSION

# Class of a component in its metadata, and name of its folder → section of the config.
_CLASSES = {name: f"{name}s" for name in ("receiver", "processor", "exporter", "connector", "extension")}
_VENDORED = "vendor/github.com/open-telemetry/opentelemetry-collector-contrib/"
_BUNDLES = "ecosystem-registry/collector"
# Folders of libraries whose metadata has the class of a component.
_LIBRARY_FOLDERS = (
    {f"x{name}" for name in _CLASSES} | {f"{name}helper" for name in (*_CLASSES, "scraper")} | {"storage"}
)
_NO_COMPONENTS = {"internal", "testdata"}


@dataclass(frozen=True)
class Statement:
    """What a component states of itself in one version."""

    type: str
    """Its type, such as `otlp`."""
    old_name: str = ""
    """Its deprecated type, which the Collector still takes; empty if it has none."""
    stability: tuple[tuple[str, str], ...] = ()
    """Signal and level, such as `traces` and `beta`, in the order of signals. A connector's are `traces>metrics`."""


@dataclass
class Metadata:
    """The statements of all sources."""

    statements_by_module: dict[Key, dict[Version, Statement]] = field(default_factory=dict)
    """Module → version → statement."""
    versions_by_prefix: dict[str, set[Version]] = field(
        default_factory=lambda: {CORE_PREFIX: set(), CONTRIB_PREFIX: set()}
    )
    """Repository → versions of which a source shows all components."""

    def add_statement(self, key: Key, version: Version, statement: Statement, *, weak: bool = False) -> None:
        """Keep a statement. It replaces an earlier one, because bundles get corrected; a weak one never does."""
        versions = self.statements_by_module.setdefault(key, {})
        if not weak or version not in versions:
            versions[version] = statement


@dataclass(frozen=True)
class _ComponentTree:
    """Where a revision of a clone has the components of a repository."""

    clone: Clone
    revision: str
    """A tag or commit."""
    version: Version
    """The version of the components there."""
    repository: str
    """CORE_PREFIX or CONTRIB_PREFIX."""
    prefix: str = ""
    """The folder that has the repository's files, with a slash at its end; empty for the root."""


@dataclass(frozen=True)
class _BundleFile:
    """A file of a bundle: all components of a repository and class in one version."""

    path: str
    """`…/<core or contrib>/<label of a version>/<class>.yaml`."""
    blob: str
    """The id of its object in git."""

    @property
    def repository(self) -> str:
        """CORE_PREFIX or CONTRIB_PREFIX."""
        return CORE_PREFIX if self.path.split("/")[-3] == "core" else CONTRIB_PREFIX

    @property
    def component_class(self) -> str:
        """The class of its components, such as `receiver`."""
        return self.path.split("/")[-1].removesuffix(".yaml")

    @property
    def is_snapshot(self) -> bool:
        """Whether it was written between two releases."""
        return self._label.endswith("-SNAPSHOT")

    @property
    def version(self) -> Version:
        """The version that it describes: a snapshot `v0.158.1-SNAPSHOT` stands for the next release, 0.159.0."""
        version = parse_version(self._label)
        return (version[0], version[1] + 1, 0) if self.is_snapshot else version

    @property
    def _label(self) -> str:
        return self.path.split("/")[-2]


def read_metadata(
    core: Clone, contrib: Clone, adot: tuple[Clone, Mapping[str, Version]], explorers: list[Clone]
) -> Metadata:
    """Return the statements of all sources. Later sources take precedence: vendored copies, releases, bundles.

    `adot` is the clone of aws-otel-collector, with the version of the Collector inside each of its release tags.
    """
    metadata = Metadata()
    adot_clone, collector_of_tag = adot
    for tag, version in collector_of_tag.items():
        _read_tree(metadata, _ComponentTree(adot_clone, tag, version, CONTRIB_PREFIX, prefix=_VENDORED))
    _read_releases(metadata, contrib, {**contrib.tag_by_version, **contrib.commit_by_version}, CONTRIB_PREFIX)
    _read_releases(metadata, core, core.tag_by_version, CORE_PREFIX)
    for explorer in explorers:
        _read_bundles(metadata, explorer)
    return metadata


def _read_releases(metadata: Metadata, clone: Clone, revisions: Mapping[Version, str], repository: str) -> None:
    """Add what the releases of a repository state, from FIRST_VERSION on; each of them shows all components."""
    for version, revision in sorted(revisions.items()):
        if version >= FIRST_VERSION:
            _read_tree(metadata, _ComponentTree(clone, revision, version, repository))
            metadata.versions_by_prefix[repository].add(version)


# The data of each YAML file that was read, by the id of its object: most files are the same in many releases.
_DATA_BY_BLOB: dict[str, Any] = {}


def _parse_blobs(clone: Clone, blobs: Iterable[str]) -> None:
    """Parse the objects that were not parsed before; one call of git reads all of them."""
    unread_blobs = sorted({blob for blob in blobs if blob not in _DATA_BY_BLOB})
    for blob, text in clone.read_blobs(unread_blobs).items():
        _DATA_BY_BLOB[blob] = yaml.load(text, Loader=yaml.CSafeLoader)


def _read_tree(metadata: Metadata, tree: _ComponentTree) -> None:
    """Add what each metadata.yaml of a revision states, except those of libraries and tests."""
    files = dict(_list_metadata_files(tree))
    _parse_blobs(tree.clone, files.values())
    for module, blob in files.items():
        data = _DATA_BY_BLOB[blob] or {}
        section = _CLASSES.get((data.get("status") or {}).get("class", ""))
        is_library = module.rpartition("/")[2] in _LIBRARY_FOLDERS
        if section and data.get("type") and not is_library:
            metadata.add_statement((section, f"{tree.repository}{module}"), tree.version, parse_statement(data))


def _list_metadata_files(tree: _ComponentTree) -> Iterator[tuple[str, str]]:
    """Yield the folder of each metadata.yaml in the repository, and the id of its object."""
    folders = [f"{tree.prefix}{name}" for name in _CLASSES]
    for path, blob in tree.clone.list_blobs(tree.revision, *folders):
        folder, _slash, name = path.removeprefix(tree.prefix).rpartition("/")
        if name == "metadata.yaml" and _NO_COMPONENTS.isdisjoint(folder.split("/")):
            yield folder, blob


def _read_bundles(metadata: Metadata, explorer: Clone) -> None:
    """Add what the bundles of a clone state at its newest commit. Snapshots come last, and are weak."""
    files = sorted(_list_bundle_files(explorer), key=lambda file: file.is_snapshot)
    _parse_blobs(explorer, [file.blob for file in files])
    for file in files:
        if not file.is_snapshot:
            metadata.versions_by_prefix[file.repository].add(file.version)
        for module, data in _list_entries(_DATA_BY_BLOB[file.blob], file.component_class):
            key = (_CLASSES[file.component_class], f"{file.repository}{module}")
            metadata.add_statement(key, file.version, parse_statement(data), weak=file.is_snapshot)


def _list_bundle_files(explorer: Clone) -> Iterator[_BundleFile]:
    """Yield the files of bundles that list components of a class."""
    names = {f"{name}.yaml" for name in _CLASSES}
    for path, blob in explorer.list_blobs("HEAD", f"{_BUNDLES}/core", f"{_BUNDLES}/contrib"):
        if path.rpartition("/")[2] in names:
            yield _BundleFile(path, blob)


def _list_entries(bundle: Any, component_class: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the folder in the repository and the metadata of each component of a bundle, which has folders' names."""
    for component in bundle["components"]:
        name, subtype = component["name"], component.get("subtype")
        data = component.get("metadata") or {}
        if name in _LIBRARY_FOLDERS or not data.get("type"):
            continue
        yield (f"{component_class}/{subtype}/{name}" if subtype else f"{component_class}/{name}"), data


def parse_statement(data: Mapping[str, Any]) -> Statement:
    """Return the statement of a metadata.yaml, which lists the signals of each level."""
    levels = (data.get("status") or {}).get("stability") or {}
    stability: dict[str, str] = {}
    for level, signals in levels.items():
        for signal in signals or ():
            stability[signal.replace("_to_", ">")] = level
    return Statement(
        type=str(data["type"]),
        old_name=str(data.get("deprecated_type") or ""),
        stability=tuple(sorted(stability.items())),
    )
