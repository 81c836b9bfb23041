# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which settings a component has at a release, as a tree, and what one tree has that another lacks.

The schema `properties: {tls: {$ref: /config/configtls.config}, hosts: {type: array, items: {type: string}}}` has a
tree with the keys `tls` and `hosts`. That of `tls` is the tree of what the reference names, and that of `hosts` has
the shape `{"type": "array"}` and a tree for each item.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

import yaml

from plugins.module_utils._otelcol.catalogue.rows import CORE

from .release_files import GO_MODULES, SCHEMA_FILE, Release, UnknownSchema, struct_fields

_ROOT = "config"  # the name of a schema's own object
# Core components have schemas since 0.157 only; the structs of what they and contrib share are compared instead.
_ELSEWHERE = {f"{CORE}processor/memorylimiterprocessor": f"{CORE}internal/memorylimiter"}
# What a schema says of the value of a setting. Another one of these facts is another shape.
_SHAPE = ("type", "format", "enum")
# What a schema says of each item of a list, and of the value of any other key.
_EACH = ("items", "additionalProperties")
_DEEPEST = 40

SettingPath = tuple[str, ...]
"""The keys that lead to a setting; `*` is any item, or any other key."""


@dataclass
class SettingTree:
    """The settings at a place."""

    shape: dict[str, Any] = field(default_factory=dict)
    """The facts of _SHAPE."""
    keys: dict[str, SettingTree] = field(default_factory=dict)
    each: dict[str, SettingTree] = field(default_factory=dict)
    """The trees of what _EACH names."""
    fields: list[str] = field(default_factory=list)
    """The fields of its structs, such as `endpoint string`, if it is a type without a schema."""


def component_tree(release: Release, module: str) -> SettingTree:
    """Return the settings of a component. Raises UnknownSchema if its files are not at hand."""
    module = _ELSEWHERE.get(module, module)
    if not release.at_hand(module):
        raise UnknownSchema(module)
    reader = _SchemaReader(release)
    schema = None if module.startswith(CORE) else reader.schema(module)
    return reader.tree(module, schema, 0) if schema else reader.tree_of_structs(module)


@dataclass(frozen=True)
class _SchemaReader:
    """Reads the schemas of a release as trees. All methods raise UnknownSchema for what is not at hand.

    `depth` counts the levels and references above: a schema that refers to itself has no more below _DEEPEST.
    """

    release: Release

    def schema(self, folder: str) -> Any:
        """Return the schema in a folder of a repository; None if the folder has none."""
        return yaml.load(self.release.files(folder).get(SCHEMA_FILE, ""), Loader=yaml.CSafeLoader)

    def tree_of_structs(self, folder: str) -> SettingTree:
        """Return the tree of the structs in a folder."""
        return SettingTree(fields=struct_fields(self.release.files(folder)))

    def tree(self, folder: str, node: Any, depth: int) -> SettingTree:
        """Return the tree of a schema, with every reference replaced by what it names."""
        if depth > _DEEPEST:
            return SettingTree()
        if "$ref" in node:
            return self._named_tree(folder, node["$ref"], depth + 1)
        tree = SettingTree(keys=self._keys(folder, node, depth + 1))
        for fact in _SHAPE:
            if isinstance(node.get(fact), (str, list, bool)):
                tree.shape[fact] = node[fact]
        for each in _EACH:
            if isinstance(node.get(each), dict):
                tree.each[each] = self.tree(folder, node[each], depth + 1)
        return tree

    def _keys(self, folder: str, node: Any, depth: int) -> dict[str, SettingTree]:
        """Return the tree of each key of an object: of the schemas that it joins, then its own."""
        keys: dict[str, SettingTree] = {}
        for part in node.get("allOf") or ():
            keys |= self.tree(folder, part, depth).keys
        for key, schema in (node.get("properties") or {}).items():
            keys[key] = self.tree(folder, schema, depth)
        return keys

    def _named_tree(self, folder: str, reference: str, depth: int) -> SettingTree:
        """Return the tree that a reference in the schema of a folder names, such as `/config/configtls.config`.

        A type of the core repository stands for itself, and a type without a schema for its structs.
        """
        path, _dot, name = reference.rpartition(".")
        place = _folder_of(path, folder)
        if depth > _DEEPEST:
            return SettingTree()
        if place.startswith(CORE):
            return SettingTree({"type": f"{place}.{name}"})
        definition = self._definition(place, name)
        return self.tree_of_structs(place) if definition is None else self.tree(place, definition, depth)

    def _definition(self, folder: str, name: str) -> Any:
        """Return what the schema of a folder defines under a name; None if it defines nothing so."""
        schema = self.schema(folder) or {}
        definition = (schema.get("$defs") or {}).get(name)
        if definition is None and name == _ROOT and schema:
            return {key: value for key, value in schema.items() if key != "$defs"}
        return definition


def _folder_of(path: str, folder: str) -> str:
    """Return the folder that a path names, which a schema in another folder refers to.

    A path is empty (the same folder), of the repository (`/…`), relative (`./…`), or that of a Go module. Raises
    UnknownSchema for a module of another repository.
    """
    if not path:
        return folder
    if path.startswith("/"):
        repository = folder.partition("/")[0]
        return repository + path
    if path.startswith("."):
        return str(PurePosixPath(folder) / path)
    for short_name, prefix in GO_MODULES.items():
        if path.startswith(prefix):
            return short_name + path.removeprefix(prefix)
    raise UnknownSchema(path)


def added_settings(read: SettingTree, other: SettingTree, path: SettingPath = ()) -> Iterator[SettingPath]:
    """Yield the places at which another release has a setting that the one that was read lacks, or another shape.

    What the other one lacks is not yielded: schemas of older releases leave out settings that the decoder takes.
    """
    for key in sorted(_keys_of_structs(other) - _keys_of_structs(read)):
        yield (*path, key)
    for key, tree in other.keys.items():
        if key in read.keys:
            yield from added_settings(read.keys[key], tree, (*path, key))
        else:
            yield (*path, key)
    for each in _EACH:
        if each in read.each and each in other.each:
            yield from added_settings(read.each[each], other.each[each], (*path, "*"))
    if path and read.shape != other.shape:
        yield path


def _keys_of_structs(tree: SettingTree) -> set[str]:
    """Return the keys of the structs of a type without a schema."""
    return {struct_field.partition(" ")[0] for struct_field in tree.fields}
