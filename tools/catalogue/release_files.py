# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the schema and the Go files of a component are at a release, and what they are.

A folder is written with the short name of its repository, such as `contrib/receiver/otlpjsonfilereceiver`. Folders of
the core repository are read from its clone, those of contrib from Go's module cache or from what ADOT vendors.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from plugins.module_utils._otelcol.catalogue.rows import CONTRIB_PREFIX, CORE_PREFIX
from plugins.module_utils._otelcol.config.collector_versions import parse_version

from .clones import Clone

SCHEMA_FILE = "config.schema.yaml"
GO_MODULES = {
    CORE_PREFIX: "go.opentelemetry.io/collector/",
    CONTRIB_PREFIX: "github.com/open-telemetry/opentelemetry-collector-contrib/",
}
"""What the paths of Go modules begin with, by the short name of their repository."""
# A field of a struct with its key, such as: Endpoint string `mapstructure:"endpoint"`.
_TAGGED_FIELD = re.compile(r"(\S+)[ \t]+`[^`\n]*mapstructure:\"([^\",]*)")

FileTexts = dict[str, str]
"""The texts of the schema and the Go files of a folder, by name."""


class UnknownSchema(Exception):  # noqa: N818 - what a maintainer reads
    """A schema, or one that it refers to, is not at hand."""


@dataclass
class Release:
    """The files of one release: the core repository at its tag, a module cache, and ADOT's vendored modules."""

    version: str
    core: Clone
    module_cache: Path
    vendored_modules: Sequence[tuple[Clone, str]] = ()
    """Clones that vendor modules of the release, each with its tag."""
    all: list[Release] = field(default_factory=list, repr=False)
    """All releases that are compared, in order."""
    _read: dict[str, FileTexts] = field(default_factory=dict)

    def read_files(self, folder: str) -> FileTexts:
        """Return the schema and the Go files of a folder. Raises UnknownSchema.

        A shared package that did not change between the releases at hand is taken as the same in the others.
        """
        own_files = self.read_files_at_hand(folder)
        if own_files:
            return own_files
        other_releases_files = [
            release.read_files_at_hand(folder) for release in self.all if release.read_files_at_hand(folder)
        ]
        if not other_releases_files or any(
            list_struct_fields(files) != list_struct_fields(other_releases_files[-1]) for files in other_releases_files
        ):
            raise UnknownSchema(folder)
        return other_releases_files[-1]

    def read_files_at_hand(self, folder: str) -> FileTexts:
        """Return the schema and the Go files of a folder; nothing if the release's are not at hand."""
        if folder not in self._read:
            self._read[folder] = next(filter(None, self._read_from_sources(folder)), {})
        return self._read[folder]

    def _read_from_sources(self, folder: str) -> Iterator[FileTexts]:
        """Yield the schema and the Go files of a folder from each place where they may be, the surest first."""
        if folder.startswith(CORE_PREFIX):
            yield self._read_from_core(folder.removeprefix(CORE_PREFIX))
            return
        package = PurePosixPath(GO_MODULES[CONTRIB_PREFIX] + folder.removeprefix(CONTRIB_PREFIX))
        yield from self._read_from_cache(package)
        for clone, tag in self.vendored_modules:
            yield _read_from_clone(clone, tag, f"vendor/{package}")

    def _read_from_core(self, folder: str) -> FileTexts:
        """Return the files of a folder of the core repository; nothing if its clone lacks the release's tag."""
        tag = self.core.tag_by_version.get(parse_version(self.version))
        return _read_from_clone(self.core, tag, folder) if tag else {}

    def _read_from_cache(self, package: PurePosixPath) -> Iterator[FileTexts]:
        """Yield the files of a package from each module of the cache that may have it, the longest path first."""
        for module in (package, *package.parents):
            folder = self.module_cache / f"{module}@v{self.version}" / package.relative_to(module)
            yield {
                file.name: file.read_text(encoding="utf-8")
                for file in folder.glob("*")
                if _is_schema_or_code(file.name)
            }


def _read_from_clone(clone: Clone, revision: str, folder: str) -> FileTexts:
    """Return the schema and the Go files in a folder of a revision, without those in folders below it."""
    blobs: dict[str, str] = {}
    for path, blob in clone.list_blobs(revision, f"{folder}/"):
        parent, _slash, name = path.rpartition("/")
        if parent == folder and _is_schema_or_code(name):
            blobs[name] = blob
    texts = clone.read_blobs(list(blobs.values())) if blobs else {}
    return {name: texts[blob] for name, blob in blobs.items()}


def _is_schema_or_code(name: str) -> bool:
    """Whether a file is a schema, or Go code that is no test."""
    return name == SCHEMA_FILE or (name.endswith(".go") and not name.endswith("_test.go"))


def list_struct_fields(files: FileTexts) -> list[str]:
    """Return the keys and types of the structs in Go files, such as `endpoint string`."""
    fields: set[str] = set()
    for name, source_text in files.items():
        if name.endswith(".go"):
            fields.update(f"{key} {type_name}" for type_name, key in _TAGGED_FIELD.findall(source_text))
    return sorted(fields)
