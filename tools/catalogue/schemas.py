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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
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
# Another one of these facts is another shape.
_SHAPE = ("type", "format", "enum")
# What a schema says of each item of a list, and of the value of any other key.
_EACH = ("items", "additionalProperties")
_DEEPEST = 40

Files = dict[str, str]
"""The texts of the schema and the Go files of a folder, by name."""
Tree = dict[str, Any]
"""The settings at a place: facts of its schema, `keys` with a tree for each key, and trees of what _EACH names.

A type without a schema has `tags`: the keys and types of its structs.
"""
SettingPath = tuple[str, ...]


class Unknown(Exception):  # noqa: N818 - what a maintainer reads
    """A schema, or one that it refers to, is not at hand."""


@dataclass
class Release:
    """The schemas of one release: the core repository at its tag, a module cache, and ADOT's vendored modules."""

    version: str
    core: Clone
    cache: Path
    vendored: Sequence[tuple[Clone, str]] = ()
    """Clones that vendor modules of the release, each with its tag."""
    all: list[Release] = field(default_factory=list, repr=False)
    """All releases that are compared, in order."""
    _read: dict[str, Files] = field(default_factory=dict)

    def component(self, module: str) -> Tree:
        """Return a component's settings. Raises Unknown."""
        module = _ELSEWHERE.get(module, module)
        if not self.at_hand(module):
            raise Unknown(module)
        if module.startswith(CORE):
            return {"tags": _tags(self._files(module))}
        return self._tree(module, self.schema(module) or {"$ref": _ROOT}, 0)

    def schema(self, folder: str) -> Any:
        """Return the schema in a folder of a repository; None if the folder has none. Raises Unknown."""
        return yaml.load(self._files(folder).get(NAME, ""), Loader=yaml.CSafeLoader)

    def at_hand(self, folder: str) -> Files:
        """Return the schema and the Go files of a folder; nothing if the release's are not at hand."""
        if folder not in self._read:
            self._read[folder] = next(filter(None, self._sources(folder)), {})
        return self._read[folder]

    def _files(self, folder: str) -> Files:
        """Return the schema and the Go files of a folder. Raises Unknown.

        A shared package that did not change between the releases at hand is taken as the same in the others.
        """
        own = self.at_hand(folder)
        if own:
            return own
        others = [release.at_hand(folder) for release in self.all if release.at_hand(folder)]
        if not others or any(_tags(files) != _tags(others[-1]) for files in others):
            raise Unknown(folder)
        return others[-1]

    def _sources(self, folder: str) -> Iterator[Files]:
        """Yield the schema and the Go files of a folder from each place where they may be, the surest first."""
        if folder.startswith(CORE):
            yield self._of_core(folder.removeprefix(CORE))
            return
        package = PurePosixPath(_MODULES[CONTRIB] + folder.removeprefix(CONTRIB))
        yield from self._in_cache(package)
        for clone, tag in self.vendored:
            yield _of_clone(clone, tag, f"vendor/{package}")

    def _of_core(self, folder: str) -> Files:
        """Return the files of a folder of the core repository; nothing if its clone lacks the release's tag."""
        tag = self.core.tags.get(parse_version(self.version))
        return _of_clone(self.core, tag, folder) if tag else {}

    def _in_cache(self, package: PurePosixPath) -> Iterator[Files]:
        """Yield the files of a package from each module of the cache that may have it, the longest path first."""
        for module in (package, *package.parents):
            folder = self.cache / f"{module}@v{self.version}" / package.relative_to(module)
            yield {file.name: file.read_text(encoding="utf-8") for file in folder.glob("*") if _counts(file.name)}

    def _tree(self, folder: str, node: Any, depth: int) -> Tree:
        """Return the tree of a schema, with every reference replaced by what it names. Raises Unknown.

        A schema that refers to itself has no more below _DEEPEST levels.
        """
        if depth > _DEEPEST:
            return {}
        if "$ref" in node:
            place, named = self._target(folder, node["$ref"])
            return self._tree(place, named, depth + 1)
        tree: Tree = {fact: node[fact] for fact in _FACTS if isinstance(node.get(fact), (str, list, bool))}
        keys = self._keys(folder, node, depth + 1)
        if keys:
            tree["keys"] = keys
        for each in _EACH:
            if isinstance(node.get(each), Mapping):
                tree[each] = self._tree(folder, node[each], depth + 1)
        return tree

    def _keys(self, folder: str, node: Any, depth: int) -> dict[str, Tree]:
        """Return the tree of each key of an object: of the schemas that it joins, then its own. Raises Unknown."""
        keys: dict[str, Tree] = {}
        for part in node.get("allOf") or ():
            keys |= self._tree(folder, part, depth).get("keys", {})
        for key, schema in (node.get("properties") or {}).items():
            keys[key] = self._tree(folder, schema, depth)
        return keys

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


def _tags(files: Files) -> list[str]:
    """Return the keys and types of the structs in Go files, such as `endpoint string`."""
    tags: set[str] = set()
    for name, code in files.items():
        if name.endswith(".go"):
            tags.update(f"{key} {kind}" for kind, key in _TAGGED.findall(code))
    return sorted(tags)


def _counts(name: str) -> bool:
    """Whether a file is a schema, or Go code that is no test."""
    return name == NAME or (name.endswith(".go") and not name.endswith("_test.go"))


def _of_clone(clone: Clone, revision: str, folder: str) -> Files:
    """Return the schema and the Go files in a folder of a revision, without those in folders below it."""
    blobs: dict[str, str] = {}
    for path, blob in clone.blobs(revision, f"{folder}/"):
        parent, _slash, name = path.rpartition("/")
        if parent == folder and _counts(name):
            blobs[name] = blob
    texts = clone.read(list(blobs.values())) if blobs else {}
    return {name: texts[blob] for name, blob in blobs.items()}


def additions(read: Tree, other: Tree, path: SettingPath = ()) -> Iterator[SettingPath]:
    """Yield the places at which another release has a setting that the one that was read lacks, or another shape.

    What the other one lacks is not yielded: schemas of older releases leave out settings that the decoder takes.
    """
    for key in sorted(_tagged_keys(other) - _tagged_keys(read)):
        yield (*path, key)
    known_keys = read.get("keys", {})
    for key, tree in other.get("keys", {}).items():
        if key in known_keys:
            yield from additions(known_keys[key], tree, (*path, key))
        else:
            yield (*path, key)
    for each in _EACH:
        if isinstance(read.get(each), Mapping) and isinstance(other.get(each), Mapping):
            yield from additions(read[each], other[each], (*path, "*"))
    if path and any(read.get(fact) != other.get(fact) for fact in _SHAPE):
        yield path


def _tagged_keys(tree: Tree) -> set[str]:
    """Return the keys of the structs of a type without a schema."""
    return {tag.partition(" ")[0] for tag in tree.get("tags", ())}


def known(releases: Sequence[Release], module: str, read: str) -> dict[str, list[str]]:
    """Return the releases at which a module's settings are known, each with what it adds to those of `read`.

    A release between two known ones may have what either of them has. Neighbours are only compared.
    """
    trees = _trees(releases, module)
    if read not in trees:
        return {}
    added: dict[str, set[str]] = {}
    for version, tree in trees.items():
        added[version] = {".".join(path) for path in additions(trees[read], tree)}
    result = {}
    for release in releases:
        around = _around(release.version, list(trees))
        if around and release.version not in facts.NEIGHBOURS:
            before, following = around
            result[release.version] = sorted(added[before] | added[following])
    return result


def _trees(releases: Iterable[Release], module: str) -> dict[str, Tree]:
    """Return a module's settings by release; a release that does not show them is left out."""
    trees: dict[str, Tree] = {}
    for release in releases:
        with suppress(Unknown):
            trees[release.version] = release.component(module)
    return trees


def _around(version: str, shown: Sequence[str]) -> tuple[str, str] | None:
    """Return of releases in order the last one up to a version, and the first one from it on; None without both."""
    number = parse_version(version)
    before = [other for other in shown if parse_version(other) <= number]
    following = [other for other in shown if parse_version(other) >= number]
    return (before[-1], following[0]) if before and following else None


def widened(row: Mapping[str, Any], releases: Sequence[Release], module: str, read: str) -> dict[str, Any]:
    """Return a row of fields.json for all releases whose settings are known."""
    result = {key: value for key, value in row.items() if key != "more"}
    added = known(releases, module, read)
    if not added:
        return result
    versions = list(added)
    result["exact"] = f"{versions[0]}..{after(versions[-1])}"
    more = {f"{version}..{after(version)}": paths for version, paths in added.items() if paths}
    if more:
        result["more"] = more
    return result


def main(arguments: list[str] | None = None) -> None:
    """Write for which releases each row of fields.json holds."""
    parser = argparse.ArgumentParser(prog="python -m tools.catalogue.schemas", description=__doc__)
    parser.add_argument("--sources", type=Path, required=True, help="folder with the clones that README.md lists")
    parser.add_argument("--modules", type=Path, required=True, help="Go's module cache: `go env GOMODCACHE`")
    parser.add_argument("releases", nargs="+", help="releases in order, such as 0.155.0 0.156.0")
    given = parser.parse_args(arguments)
    releases = _releases(given.sources, given.modules, given.releases)
    components = json.loads(facts.TARGET.with_name("components.json").read_text(encoding="utf-8"))
    modules = {f"{row['section']}/{row['type']}": row["module"] for row in components}
    rows = json.loads(facts.TARGET.read_text(encoding="utf-8"))
    facts.TARGET.write_text(rows_text([_updated(row, releases, modules) for row in rows]), encoding="utf-8")


def _releases(sources: Path, cache: Path, versions: Iterable[str]) -> list[Release]:
    """Return these releases and their neighbours, in order. Raises Missing without a clone of the core or of ADOT."""
    core, adot = clones(sources, "opentelemetry-collector")[0], clones(sources, "aws-otel-collector")[0]
    _members, inside = manifests.adot(adot)
    adot_tags = {text(version): tag for tag, version in inside.items()}
    releases: list[Release] = []
    for version in sorted({*versions, *facts.NEIGHBOURS}, key=parse_version):
        vendored = [(adot, adot_tags[version])] if version in adot_tags else ()
        releases.append(Release(version, core, cache, vendored, releases))
    return releases


def _updated(row: dict[str, Any], releases: Sequence[Release], modules: Mapping[str, str]) -> dict[str, Any]:
    """Return a row for all releases for which it holds; the row itself if it is not of the decoder that was asked.

    `modules` has the module of each component, such as `receivers/otlp`.
    """
    name = f"{row.get('section')}/{row.get('type')}"
    if name not in modules or "doubt" in row:
        return row
    read = facts.READ_AT.get(name, facts.READ)
    is_later_answer = not is_within(row["exact"], read)
    return row if is_later_answer else widened(row, releases, modules[name], read)


if __name__ == "__main__":
    main()
