# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The `config.schema.yaml` of components at several releases: between which of them no setting came, went or changed.

A schema alone does not prove what a component's decoder takes. Two equal schemas prove that an answer of the decoder
for one release holds for the other.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path as PathOfFile
from pathlib import PurePosixPath
from typing import Any

import yaml

from plugins.module_utils._otelcol.catalogue.rows import CONTRIB, CORE
from plugins.module_utils._otelcol.catalogue.version_ranges import is_within
from plugins.module_utils._otelcol.config.layers import parse_version

from . import fields_facts as facts
from . import manifests
from .clones import Clone, clones
from .generate import rows_text
from .versions import after, text

NAME = "config.schema.yaml"
_PREFIXES = {
    "go.opentelemetry.io/collector/": CORE,
    "github.com/open-telemetry/opentelemetry-collector-contrib/": CONTRIB,
}
_MODULES = {short: long for long, short in _PREFIXES.items()}
_ROOT = "config"  # the name of a schema's own object
_TAGGED = re.compile(r"(\S+)[ \t]+`[^`\n]*mapstructure:\"([^\",]*)")
# Core components have schemas since 0.157 only; the structs of what they and contrib share are compared instead.
_ELSEWHERE = {f"{CORE}processor/memorylimiterprocessor": f"{CORE}internal/memorylimiter"}
_FACTS = ("tags", "type", "format", "enum", "additionalProperties")
_DEEPEST = 40


class Unknown(Exception):  # noqa: N818 - what a maintainer reads
    """A schema, or one that it refers to, is not at hand."""


@dataclass
class Release:
    """The schemas of one release: the core repository at its tag, a module cache, and ADOT's vendored modules."""

    version: str
    core: Clone
    cache: PathOfFile
    vendored: Sequence[tuple[Clone, str]] = ()
    all: list[Release] = field(default_factory=list, repr=False)
    _read: dict[str, dict[str, str]] = field(default_factory=dict)

    def component(self, module: str) -> Any:
        """Return a component's settings as a tree. Raises Unknown."""
        module = _ELSEWHERE.get(module, module)
        if not self.at_hand(module):
            raise Unknown(module)
        if module.startswith(CORE):
            return {"tags": _tags(self._files(module))}
        return self._tree(module, self.schema(module) or {"$ref": _ROOT}, 0)

    def schema(self, folder: str) -> Any:
        """Return the schema in a folder of a repository; None if the folder has none. Raises Unknown."""
        return yaml.load(self._files(folder).get(NAME, ""), Loader=yaml.CSafeLoader)

    def at_hand(self, folder: str) -> dict[str, str]:
        """Return the schema and the Go files of a folder, by name; nothing if the release's are not at hand."""
        if folder not in self._read:
            self._read[folder] = {}
            for files in self._sources(folder):
                if files:
                    self._read[folder] = files
                    break
        return self._read[folder]

    def _files(self, folder: str) -> dict[str, str]:
        """Return the schema and the Go files of a folder, by name. Raises Unknown.

        A shared package that did not change between the releases at hand is taken as the same in the others.
        """
        releases = [self] if self.at_hand(folder) else self.all
        found = [files for release in releases if (files := release.at_hand(folder))]
        if not found or any(_tags(files) != _tags(found[-1]) for files in found):
            raise Unknown(folder)
        return found[-1]

    def _sources(self, folder: str) -> Iterator[dict[str, str]]:
        """Yield the schema and the Go files of a folder from each place where they may be, the surest first."""
        if folder.startswith(CORE):
            tag = self.core.tags.get(parse_version(self.version))
            yield _of_clone(self.core, tag, folder.removeprefix(CORE)) if tag else {}
            return
        path = PurePosixPath(_MODULES[CONTRIB] + folder.removeprefix(CONTRIB))
        for module in (path, *path.parents):
            there = self.cache / f"{module}@v{self.version}" / path.relative_to(module)
            yield {file.name: file.read_text(encoding="utf-8") for file in there.glob("*") if _counts(file.name)}
        for clone, tag in self.vendored:
            yield _of_clone(clone, tag, f"vendor/{path}")

    def _tree(self, folder: str, node: Any, depth: int) -> Any:
        """Return the keys and the shapes of their values, with every reference replaced by what it names."""
        if depth > _DEEPEST:
            return "..."
        if "$ref" in node:
            return self._tree(*self._target(folder, node["$ref"]), depth + 1)
        tree: dict[str, Any] = {key: node[key] for key in _FACTS if isinstance(node.get(key), (str, list, bool))}
        for inner in node.get("allOf") or ():
            part = self._tree(folder, inner, depth + 1)
            tree["keys"] = {**tree.get("keys", {}), **part.get("keys", {})}
        own = {key: self._tree(folder, value, depth + 1) for key, value in (node.get("properties") or {}).items()}
        if own:
            tree["keys"] = {**tree.get("keys", {}), **own}
        for key in ("items", "additionalProperties"):
            if isinstance(node.get(key), Mapping):
                tree[key] = self._tree(folder, node[key], depth + 1)
        return tree

    def _target(self, folder: str, reference: str) -> tuple[str, Any]:
        """Return the folder and the schema that a reference in the schema of a folder names. Raises Unknown."""
        path, _dot, name = reference.rpartition(".")
        place = _folder_of(path, folder)
        if place.startswith(CORE):
            return place, {"type": f"{place}.{name}"}
        defined = self._definition(place, name)
        return place, {"tags": _tags(self._files(place))} if defined is None else defined

    def _definition(self, folder: str, name: str) -> Any:
        """Return what the schema of a folder defines under a name; None if it defines nothing so. Raises Unknown."""
        schema = self.schema(folder) or {}
        defined = (schema.get("$defs") or {}).get(name)
        if defined is None and name == _ROOT and schema:
            return {key: value for key, value in schema.items() if key != "$defs"}
        return defined


def _folder_of(path: str, folder: str) -> str:
    """Return the folder that a path names, which a schema in another folder refers to.

    A path is empty (the same folder), of the repository (`/…`), relative (`./…`), or that of a Go module. Raises
    Unknown for a module of another repository.
    """
    if not path:
        return folder
    if path.startswith("/"):
        return folder.partition("/")[0] + path
    if path.startswith("."):
        return str(PurePosixPath(folder) / path)
    for long, short in _PREFIXES.items():
        if path.startswith(long):
            return short + path.removeprefix(long)
    raise Unknown(path)


def _tags(files: Mapping[str, str]) -> list[str]:
    """Return the keys and types of the structs in Go files, for a type without a schema."""
    texts = [text for name, text in files.items() if name.endswith(".go")]
    return sorted({f"{key} {kind}" for text in texts for kind, key in _TAGGED.findall(text)})


def _counts(name: str) -> bool:
    """Whether a file is a schema, or Go code that is no test."""
    return name == NAME or (name.endswith(".go") and not name.endswith("_test.go"))


def _of_clone(clone: Clone, revision: str, folder: str) -> dict[str, str]:
    """Return the schema and the Go files in a folder of a revision."""
    found = {path: blob for path, blob in clone.blobs(revision, f"{folder}/") if path.rpartition("/")[0] == folder}
    wanted = {path.rpartition("/")[2]: blob for path, blob in found.items() if _counts(path.rpartition("/")[2])}
    texts = clone.read(list(wanted.values())) if wanted else {}
    return {name: texts[blob] for name, blob in wanted.items()}


Path = tuple[str, ...]


def additions(read: Any, other: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the places at which another release has a setting that the one that was read lacks, or another shape.

    What the other one lacks is not yielded: schemas of older releases leave out settings that the decoder takes.
    """
    known = {line.partition(" ")[0] for line in read.get("tags", ())}
    yield from (
        (*path, line.partition(" ")[0]) for line in other.get("tags", ()) if line.partition(" ")[0] not in known
    )
    keys, others = read.get("keys", {}), other.get("keys", {})
    yield from ((*path, key) for key in others if key not in keys)
    for key in others.keys() & keys.keys():
        yield from additions(keys[key], others[key], (*path, key))
    for key in ("items", "additionalProperties"):
        if isinstance(read.get(key), Mapping) and isinstance(other.get(key), Mapping):
            yield from additions(read[key], other[key], (*path, "*"))
    if path and any(read.get(key) != other.get(key) for key in ("type", "format", "enum")):
        yield path


def known(releases: Sequence[Release], module: str, read: str) -> dict[str, list[str]]:
    """Return the releases at which a module's settings are known, each with what it adds to those of `read`.

    A release between two known ones may have what either of them has. Neighbours are only compared.
    """
    trees: dict[str, Any] = {}
    for release in releases:
        with suppress(Unknown):
            trees[release.version] = release.component(module)
    if read not in trees:
        return {}
    found = {name: {".".join(path) for path in additions(trees[read], tree)} for name, tree in trees.items()}
    result = {}
    for version in (release.version for release in releases if release.version not in facts.NEIGHBOURS):
        before = [other for other in trees if parse_version(other) <= parse_version(version)]
        after = [other for other in trees if parse_version(other) >= parse_version(version)]
        if before and after:
            result[version] = sorted(found[before[-1]] | found[after[0]])
    return result


def widened(row: Mapping[str, Any], releases: Sequence[Release], module: str, read: str) -> dict[str, Any]:
    """Return a row of fields.json for all releases whose settings are known."""
    added = known(releases, module, read)
    result = {key: value for key, value in row.items() if key != "more"}
    if not added:
        return result
    versions = list(added)
    more = {f"{name}..{after(name)}": paths for name, paths in added.items() if paths}
    return result | {"exact": f"{versions[0]}..{after(versions[-1])}"} | ({"more": more} if more else {})


def main(arguments: list[str] | None = None) -> None:
    """Write for which releases each row of fields.json holds."""
    parser = argparse.ArgumentParser(prog="python -m tools.catalogue.schemas", description=__doc__)
    parser.add_argument("--sources", type=PathOfFile, required=True, help="folder with the clones that README.md lists")
    parser.add_argument("--modules", type=PathOfFile, required=True, help="Go's module cache: `go env GOMODCACHE`")
    parser.add_argument("releases", nargs="+", help="releases in order, such as 0.155.0 0.156.0")
    given = parser.parse_args(arguments)
    core, adot = (clones(given.sources, name)[0] for name in ("opentelemetry-collector", "aws-otel-collector"))
    inside = {text(version): tag for tag, version in manifests.adot(adot)[1].items()}
    releases = [
        Release(name, core, given.modules, [(adot, inside[name])] if name in inside else ())
        for name in sorted({*given.releases, *facts.NEIGHBOURS}, key=parse_version)
    ]
    for release in releases:
        release.all = releases
    components = json.loads(facts.TARGET.with_name("components.json").read_text(encoding="utf-8"))
    modules = {f"{row['section']}/{row['type']}": row["module"] for row in components}
    rows = json.loads(facts.TARGET.read_text(encoding="utf-8"))
    for index, row in enumerate(rows):
        name = f"{row.get('section')}/{row.get('type')}"
        if name in modules and "doubt" not in row:
            read = facts.READ_AT.get(name, facts.READ)
            if not is_within(row["exact"], read):
                continue  # the answer of a later release
            rows[index] = widened(row, releases, modules[name], read)
    facts.TARGET.write_text(rows_text(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
