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

from plugins.module_utils._otelcol.catalogue.rows import CORE_PREFIX

from .release_files import GO_MODULES, SCHEMA_FILE, Release, UnknownSchema, list_struct_fields

_ROOT_NAME = "config"  # the name of a schema's own object
# Core components have schemas since 0.157 only; the structs of what they and contrib share are compared instead.
_MOVED_MODULES = {f"{CORE_PREFIX}processor/memorylimiterprocessor": f"{CORE_PREFIX}internal/memorylimiter"}
# What a schema says of the value of a setting. Another one of these facts is another shape.
_SHAPE_FACTS = ("type", "format", "enum")
# What a schema says of each item of a list, and of the value of any other key.
_ENTRY_SCHEMAS = ("items", "additionalProperties")
_MAX_DEPTH = 40

SettingPath = tuple[str, ...]
"""The keys that lead to a setting; `*` is any item, or any other key."""


@dataclass
class SettingTree:
    """The settings at a place."""

    shape: dict[str, Any] = field(default_factory=dict)
    """What the schema says of the value, by the names in _SHAPE_FACTS, such as `{"type": "string"}`."""
    keys: dict[str, SettingTree] = field(default_factory=dict)
    """The tree of each key of a mapping."""
    each: dict[str, SettingTree] = field(default_factory=dict)
    """By the names in _ENTRY_SCHEMAS, the tree of each item of a list, and that of any other key of a mapping."""
    fields: list[str] = field(default_factory=list)
    """The fields of its structs, such as `endpoint string`, if it is a type without a schema."""


def build_component_tree(release: Release, module: str) -> SettingTree:
    """Return the settings of a component. Raises UnknownSchema if its files are not at hand."""
    module = _MOVED_MODULES.get(module, module)
    if not release.read_files_at_hand(module):
        raise UnknownSchema(module)
    reader = _SchemaReader(release)
    schema = None if module.startswith(CORE_PREFIX) else reader.schema(module)
    return reader.build_tree(module, schema, 0) if schema else reader.build_struct_tree(module)


@dataclass(frozen=True)
class _SchemaReader:
    """Reads the schemas of a release as trees. All methods raise UnknownSchema for what is not at hand.

    `depth` counts the levels and references above: a schema that refers to itself has no more below _MAX_DEPTH.
    """

    release: Release

    def schema(self, folder: str) -> Any:
        """Return the schema in a folder of a repository; None if the folder has none."""
        return yaml.load(self.release.read_files(folder).get(SCHEMA_FILE, ""), Loader=yaml.CSafeLoader)

    def build_struct_tree(self, folder: str) -> SettingTree:
        """Return the tree of the structs in a folder."""
        return SettingTree(fields=list_struct_fields(self.release.read_files(folder)))

    def build_tree(self, folder: str, node: Any, depth: int) -> SettingTree:
        """Return the tree of a schema, with every reference replaced by what it names."""
        if depth > _MAX_DEPTH:
            return SettingTree()
        if "$ref" in node:
            return self._build_named_tree(folder, node["$ref"], depth + 1)
        tree = SettingTree(keys=self._build_keys(folder, node, depth + 1))
        for fact in _SHAPE_FACTS:
            if isinstance(node.get(fact), (str, list, bool)):
                tree.shape[fact] = node[fact]
        for entry_kind in _ENTRY_SCHEMAS:
            if isinstance(node.get(entry_kind), dict):
                tree.each[entry_kind] = self.build_tree(folder, node[entry_kind], depth + 1)
        return tree

    def _build_keys(self, folder: str, node: Any, depth: int) -> dict[str, SettingTree]:
        """Return the tree of each key of an object: of the schemas that it joins, then its own."""
        keys: dict[str, SettingTree] = {}
        for joined_schema in node.get("allOf") or ():
            keys |= self.build_tree(folder, joined_schema, depth).keys
        for key, schema in (node.get("properties") or {}).items():
            keys[key] = self.build_tree(folder, schema, depth)
        return keys

    def _build_named_tree(self, folder: str, reference: str, depth: int) -> SettingTree:
        """Return the tree that a reference in the schema of a folder names, such as `/config/configtls.config`.

        A type of the core repository stands for itself, and a type without a schema for its structs.
        """
        path, _dot, name = reference.rpartition(".")
        referenced_folder = _resolve_folder(path, folder)
        if depth > _MAX_DEPTH:
            return SettingTree()
        if referenced_folder.startswith(CORE_PREFIX):
            return SettingTree({"type": f"{referenced_folder}.{name}"})
        definition = self._find_definition(referenced_folder, name)
        return (
            self.build_struct_tree(referenced_folder)
            if definition is None
            else self.build_tree(referenced_folder, definition, depth)
        )

    def _find_definition(self, folder: str, name: str) -> Any:
        """Return what the schema of a folder defines under a name; None if it defines nothing so."""
        schema = self.schema(folder) or {}
        definition = (schema.get("$defs") or {}).get(name)
        if definition is None and name == _ROOT_NAME and schema:
            return {key: value for key, value in schema.items() if key != "$defs"}
        return definition


def _resolve_folder(path: str, folder: str) -> str:
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


def find_added_settings(
    known_tree: SettingTree, other_tree: SettingTree, path: SettingPath = ()
) -> Iterator[SettingPath]:
    """Yield the places at which another release has a setting that the one that was read lacks, or another shape.

    What the other one lacks is not yielded: schemas of older releases leave out settings that the decoder takes.
    """
    for key in sorted(_struct_keys(other_tree) - _struct_keys(known_tree)):
        yield (*path, key)
    for key, setting_tree in other_tree.keys.items():
        if key in known_tree.keys:
            yield from find_added_settings(known_tree.keys[key], setting_tree, (*path, key))
        else:
            yield (*path, key)
    for entry_kind in _ENTRY_SCHEMAS:
        if entry_kind in known_tree.each and entry_kind in other_tree.each:
            yield from find_added_settings(known_tree.each[entry_kind], other_tree.each[entry_kind], (*path, "*"))
    if path and known_tree.shape != other_tree.shape:
        yield path


def _struct_keys(tree: SettingTree) -> set[str]:
    """Return the keys of the structs of a type without a schema."""
    return {struct_field.partition(" ")[0] for struct_field in tree.fields}
