# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes operator_kinds.json: which fields the custom resources of the OpenTelemetry operator have.

    python -m tools.operator_kinds MANIFEST…

A manifest is one that the operator's project released. It has a CustomResourceDefinition for each kind, with the schema
of each version of the kind. The table has for each kind and version what any of the manifests takes.

A node of the table says what a field takes, in the notation of tools/catalogue/README.md for settings: `s` text, `i` a
number, `b` true or false, `[l, node]` a list, `m` or `{key: node}` a mapping, `?` anything, `s=a|b` words, and `#name`
the node of that name below `shared`. So what Kubernetes brings, such as affinity, is there once.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

from tools.rules.project import import_plugin_module

TABLE_FILE = Path(__file__).parents[1] / "plugins" / "plugin_utils" / "_otelcol" / "_data" / "operator_kinds.json"
ANY, EVERY_KEY, LIST, MAPPING = "?", "*", "l", "m"
# Of a field that takes numbers and texts: a quantity. Kubernetes' own kinds take fractions too.
NUMBER_OR_TEXT = "sif"
# By `type` of a schema.
SHAPE_LETTERS = {"string": "s", "integer": "i", "number": "if", "boolean": "b", "object": MAPPING, "array": LIST}
# The field with the config of a collector. The rules on configs judge what is in it, so here it is only a mapping; in
# older versions it is text.
CONFIG_KIND, CONFIG_FIELD = "OpenTelemetryCollector", "config"
# A mapping that stands in so many places is shared, if its text is longer than so many characters.
MIN_SHARED_PLACES, MAX_UNSHARED_LENGTH = 2, 40

# Fields of operators whose manifests are not read. Source: the operator's changelog, "Enhancements" of each version.
LATER_FIELDS: dict[str, dict[str, Any]] = {
    "OpenTelemetryCollector": {
        "targetAllocator": {"filterStrategy": "s=none", "telemetry": ANY},  # 0.159.0
        "resizePolicy": [LIST, {"resourceName": "s", "restartPolicy": "s"}],  # 0.159.0
        "imagePullSecrets": [LIST, {"name": "s"}],  # 0.161.0
        "revisionHistoryLimit": "i",  # 0.161.0
    },
    "TargetAllocator": {"filterStrategy": "s=none", "telemetry": ANY},  # 0.159.0
}

FieldsByVersion = dict[str, dict[str, Any]]
"""The node of each field of the spec of a kind, by the name of a version such as `v1beta1`."""


class OperatorKinds(TypedDict):
    """The table, operator_kinds.json."""

    deprecated: dict[str, dict[str, str]]
    """By kind and version, the version to which the API server converts a deprecated one."""
    kinds: dict[str, FieldsByVersion]
    """By kind."""
    shared: dict[str, Any]
    """By name, such as `#resources`."""


class KindVersion(NamedTuple):
    """A version of a kind of custom resource, as a CustomResourceDefinition has it."""

    kind: str
    definition: Mapping[str, Any]
    """Its item in `spec.versions` of the CustomResourceDefinition."""
    stored: str
    """The name of the version of this kind that the API server stores."""

    @property
    def name(self) -> str:
        """Its name, such as `v1beta1`."""
        return str(self.definition["name"])


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the table of these manifests."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.operator_kinds", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("manifests", nargs="+", type=Path)
    table = build_table(parser.parse_args(arguments).manifests)
    TABLE_FILE.write_text(format_table(table), encoding="utf-8")
    return 0


def build_table(manifests: Sequence[Path]) -> OperatorKinds:
    """Return the table of what any of the manifests takes."""
    kinds: dict[str, FieldsByVersion] = {}
    deprecated_versions: dict[str, dict[str, str]] = {}
    for version in _list_versions(manifests):
        fields_by_version = kinds.setdefault(version.kind, {})
        fields = read_spec_fields(version.kind, version.definition)
        if version.name in fields_by_version:
            fields = join_nodes(fields_by_version[version.name], fields)
        if version.name == version.stored:
            fields = join_nodes(fields, LATER_FIELDS.get(version.kind, {}))
        fields_by_version[version.name] = fields
        if version.definition.get("deprecated"):
            deprecated_versions.setdefault(version.kind, {})[version.name] = version.stored
    shared_mappings = SharedMappings()
    short_kinds = _share_mappings(kinds, shared_mappings)
    return {
        "deprecated": deprecated_versions,
        "kinds": short_kinds,
        "shared": dict(sorted(shared_mappings.mappings.items())),
    }


# ── From manifests to nodes ──


def _list_versions(manifests: Sequence[Path]) -> Iterator[KindVersion]:
    """Yield each version of each kind that the manifests define."""
    yaml = import_plugin_module("plugin_utils._otelcol._yaml")
    for path in manifests:
        for document in yaml.load_all(path.read_text(encoding="utf-8"), str(path)):
            manifest = document.data
            if manifest and manifest["kind"] == "CustomResourceDefinition":
                yield from _list_kind_versions(manifest["spec"])


def _list_kind_versions(spec: Mapping[str, Any]) -> Iterator[KindVersion]:
    """Yield the versions in the spec of a CustomResourceDefinition; Kubernetes stores one of them."""
    stored_version = next(version["name"] for version in spec["versions"] if version["storage"])
    for definition in spec["versions"]:
        yield KindVersion(spec["names"]["kind"], definition, stored_version)


def read_spec_fields(kind: str, definition: Mapping[str, Any]) -> Any:
    """Return the fields of the spec of a version, which is an item of `spec.versions`, with the node of each."""
    spec_fields = convert_schema(definition["schema"]["openAPIV3Schema"]["properties"]["spec"])
    if kind == CONFIG_KIND and spec_fields[CONFIG_FIELD] != "s":
        spec_fields[CONFIG_FIELD] = MAPPING
    return spec_fields


def convert_schema(schema: Mapping[str, Any]) -> Any:
    """Return the node of a schema, which is one of OpenAPI with the extensions of Kubernetes."""
    if schema.get("x-kubernetes-int-or-string"):
        return NUMBER_OR_TEXT
    letter = SHAPE_LETTERS.get(schema.get("type", ""), ANY)
    if schema.get("x-kubernetes-preserve-unknown-fields") or letter == ANY:
        return ANY
    if letter == LIST:
        return [LIST, convert_schema(schema["items"])]
    if letter == MAPPING:
        return _convert_mapping(schema)
    enum_words = schema.get("enum", ())
    return f"{letter}={'|'.join(enum_words)}" if enum_words else letter


def _convert_mapping(schema: Mapping[str, Any]) -> Any:
    """Return the node of the schema of an object: one for each key, or one for any key, or that it is a mapping."""
    other_keys_schema = schema.get("additionalProperties")
    if isinstance(other_keys_schema, Mapping):
        return {EVERY_KEY: convert_schema(other_keys_schema)}
    properties = schema.get("properties") or {}
    node_by_key = {key: convert_schema(properties[key]) for key in sorted(properties)}
    return node_by_key or MAPPING


def join_nodes(node: Any, other_node: Any) -> Any:
    """Return the node of what either of two nodes takes."""
    if node == other_node:
        return node
    if isinstance(node, dict) and isinstance(other_node, dict):
        joined_node = {**node, **other_node}
        for key in node.keys() & other_node.keys():
            joined_node[key] = join_nodes(node[key], other_node[key])
        return dict(sorted(joined_node.items()))
    if isinstance(node, list) and isinstance(other_node, list):
        return [LIST, join_nodes(node[1], other_node[1])]
    if _has_words(node) and _has_words(other_node):
        return f"s={'|'.join(sorted(_list_words(node) | _list_words(other_node)))}"
    return ANY


def _has_words(node: Any) -> bool:
    """Whether a node takes some words only."""
    return isinstance(node, str) and "=" in node


def _list_words(node: str) -> set[str]:
    """Return the words of a node such as `s=a|b`."""
    return set(node.partition("=")[2].split("|"))


# ── Shared mappings ──


@dataclass
class SharedMappings:
    """The mappings that stand in several places of the table, each under a name such as `#resources`."""

    mappings: dict[str, Any] = field(default_factory=dict)
    """By name, with names in place of shared mappings in them."""
    _names: dict[str, str] = field(default_factory=dict)
    """By the mapping as JSON."""
    _places: Counter[str] = field(default_factory=Counter)
    """In how many places each mapping stands, by the mapping as JSON."""

    def count_places(self, node: Any) -> None:
        """Count the places of a node and of all that is in it. All nodes are counted before the first is shortened."""
        if isinstance(node, list):
            self.count_places(node[1])
        elif isinstance(node, dict):
            self._places[json.dumps(node)] += 1
            for child in node.values():
                self.count_places(child)

    def shorten(self, node: Any, key: str) -> Any:
        """Return the node of a key with names in place of shared mappings.

        A mapping has its name from the first key under which it stands.
        """
        if isinstance(node, list):
            return [LIST, self.shorten(node[1], key)]
        if not isinstance(node, dict):
            return node
        mapping_text = json.dumps(node)
        if mapping_text in self._names:
            return self._names[mapping_text]
        short_node = {}
        for name, child in node.items():
            short_node[name] = self.shorten(child, key if name == EVERY_KEY else name)
        if self._places[mapping_text] < MIN_SHARED_PLACES or len(mapping_text) <= MAX_UNSHARED_LENGTH:
            return short_node
        free_name = _find_free_name(f"#{key}", self.mappings)
        self._names[mapping_text] = free_name
        self.mappings[free_name] = short_node
        return free_name


def _share_mappings(
    kinds: Mapping[str, FieldsByVersion], shared_mappings: SharedMappings
) -> dict[str, FieldsByVersion]:
    """Return the kinds, sorted, with names in place of the mappings that stand in several places."""
    for fields_by_version in kinds.values():
        for fields in fields_by_version.values():
            shared_mappings.count_places(fields)
    short_kinds: dict[str, FieldsByVersion] = {}
    for kind, fields_by_version in sorted(kinds.items()):
        short_kinds[kind] = {}
        for version, fields in fields_by_version.items():
            short_kinds[kind][version] = {key: shared_mappings.shorten(node, key) for key, node in fields.items()}
    return short_kinds


def _find_free_name(name: str, taken_names: Mapping[str, Any]) -> str:
    """Return the name if it is not taken, else the name with the first number from 2 that is not."""
    if name not in taken_names:
        return name
    suffix = 2
    while f"{name}{suffix}" in taken_names:
        suffix += 1
    return f"{name}{suffix}"


# ── The text of the table ──


def format_table(table: OperatorKinds) -> str:
    """Return the table as JSON, with one line for each field of a kind and for each shared mapping."""
    kind_texts = [_format_kind(kind, fields_by_version) for kind, fields_by_version in table["kinds"].items()]
    lines = [
        "{",
        f' "deprecated": {json.dumps(table["deprecated"])},',
        ' "kinds": {',
        ",\n".join(kind_texts),
        " },",
        ' "shared": {',
        _format_entries(table["shared"], "  "),
        " }",
        "}",
    ]
    return "\n".join(lines) + "\n"


def _format_kind(kind: str, fields_by_version: FieldsByVersion) -> str:
    """Return the lines of a kind."""
    version_texts = []
    for version, fields in fields_by_version.items():
        version_texts.append(f'   "{version}": {{\n{_format_entries(fields, "    ")}\n   }}')
    return f'  "{kind}": {{\n' + ",\n".join(version_texts) + "\n  }"


def _format_entries(node: Mapping[str, Any], margin: str) -> str:
    """Return a line for each key of a mapping, without the braces around them."""
    return ",\n".join(f"{margin}{json.dumps(key)}: {json.dumps(child)}" for key, child in node.items())


if __name__ == "__main__":
    sys.exit(main())
