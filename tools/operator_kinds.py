# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""python -m tools.operator_kinds MANIFEST…: writes the fields of the operator's custom resources.

A manifest is one that the operator's project released. The table has what any of them takes: its names, shapes and
words, in the notation of tools/catalogue/README.md for settings (`s` text, `i` a number, `b` true or false, `l` a list,
`m` a mapping, `?` anything, `s=a|b` words, `#name` what stands below `shared`). What Kubernetes brings, such as
affinity, is there once.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from tools.rules.project import import_plugin_module

TABLE_FILE = Path(__file__).parents[1] / "plugins" / "plugin_utils" / "_otelcol" / "_data" / "operator_kinds.json"
ANY, EVERY_KEY, LIST = "?", "*", "l"
# Quantities; Kubernetes' own kinds take fractions too.
NUMBER_OR_TEXT = "sif"
SHAPE_LETTERS = {"string": "s", "integer": "i", "number": "if", "boolean": "b", "object": "m", "array": "l"}
# What the rules on configs judge: here it is a mapping, and in older versions text.
CONFIG_FIELD = ("OpenTelemetryCollector", "config")
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the table of these manifests."""
    parser = argparse.ArgumentParser(prog="python -m tools.operator_kinds", description=__doc__)
    parser.add_argument("manifests", nargs="+", type=Path)
    table = build_table(parser.parse_args(arguments).manifests)
    TABLE_FILE.write_text(format_table(table), encoding="utf-8")
    return 0


class KindVersion(NamedTuple):
    """A version of a kind of custom resource: its part of the CustomResourceDefinition."""

    kind: str
    definition: Mapping[str, Any]
    stored: str
    """The name of the version of this kind that the API server stores."""

    @property
    def name(self) -> str:
        """Its name, such as `v1beta1`."""
        return str(self.definition["name"])


def build_table(manifests: Sequence[Path]) -> dict[str, Any]:
    """Return kinds by name and version, with the versions that are deprecated, and what their fields share."""
    kinds: dict[str, dict[str, Any]] = {}
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
    return {"deprecated": deprecated_versions, **_share_mappings(kinds)}


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
    """Return the fields of the spec of one version of a kind."""
    spec_fields = convert_schema(definition["schema"]["openAPIV3Schema"]["properties"]["spec"])
    config_kind, key = CONFIG_FIELD
    if kind == config_kind and spec_fields[key] != "s":
        spec_fields[key] = "m"
    return spec_fields


def convert_schema(schema: Mapping[str, Any]) -> Any:
    """Return a schema in the notation of the table."""
    if schema.get("x-kubernetes-int-or-string"):
        return NUMBER_OR_TEXT
    letter = SHAPE_LETTERS.get(schema.get("type", ""), ANY)
    if schema.get("x-kubernetes-preserve-unknown-fields") or letter == ANY:
        return ANY
    if letter == "l":
        return [LIST, convert_schema(schema["items"])]
    if letter == "m":
        return _convert_mapping(schema)
    enum_words = schema.get("enum", ())
    return f"{letter}={'|'.join(enum_words)}" if enum_words else letter


def _convert_mapping(schema: Mapping[str, Any]) -> Any:
    """Return the schema of an object: the node of each key, one node for any key, or only that it is a mapping."""
    other_keys_schema = schema.get("additionalProperties")
    if isinstance(other_keys_schema, Mapping):
        return {EVERY_KEY: convert_schema(other_keys_schema)}
    properties = schema.get("properties") or {}
    return {key: convert_schema(properties[key]) for key in sorted(properties)} or "m"


def join_nodes(node: Any, other_node: Any) -> Any:
    """Return what either of two nodes takes."""
    if node == other_node:
        return node
    if isinstance(node, dict) and isinstance(other_node, dict):
        common_keys = {key: join_nodes(node[key], other_node[key]) for key in node.keys() & other_node.keys()}
        return dict(sorted({**node, **other_node, **common_keys}.items()))
    if isinstance(node, list) and isinstance(other_node, list):
        return [LIST, join_nodes(node[1], other_node[1])]
    if _has_words(node) and _has_words(other_node):
        return f"s={'|'.join(sorted(_list_words(node) | _list_words(other_node)))}"
    return ANY


def _has_words(node: Any) -> bool:
    return isinstance(node, str) and "=" in node


def _list_words(node: str) -> set[str]:
    """Return the words of a node such as `s=a|b`."""
    return set(node.partition("=")[2].split("|"))


def _share_mappings(kinds: Mapping[str, Any]) -> dict[str, Any]:
    """Return kinds in which a mapping that is there twice is a name, and the mappings by their names."""
    shared_mappings = SharedMappings()
    for versions in kinds.values():
        for fields in versions.values():
            shared_mappings.count_places(fields)
    shortened_kinds: dict[str, dict[str, Any]] = {}
    for kind, versions in sorted(kinds.items()):
        shortened_kinds[kind] = {}
        for version, fields in versions.items():
            shortened_kinds[kind][version] = {key: shared_mappings.shorten(node, key) for key, node in fields.items()}
    return {"kinds": shortened_kinds, "shared": dict(sorted(shared_mappings.mappings.items()))}


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
        """Count the places of a node and of all that is in it. This comes before `shortened`."""
        if isinstance(node, list):
            self.count_places(node[1])
        elif isinstance(node, dict):
            self._places[json.dumps(node)] += 1
            for child in node.values():
                self.count_places(child)

    def shorten(self, node: Any, key: str) -> Any:
        """Return a node with names in place of shared mappings. A mapping gets its name after the first key with it."""
        if isinstance(node, list):
            return [LIST, self.shorten(node[1], key)]
        if not isinstance(node, dict):
            return node
        mapping_text = json.dumps(node)
        if mapping_text in self._names:
            return self._names[mapping_text]
        shortened_node = {}
        for name, child in node.items():
            shortened_node[name] = self.shorten(child, key if name == EVERY_KEY else name)
        if self._places[mapping_text] < MIN_SHARED_PLACES or len(mapping_text) <= MAX_UNSHARED_LENGTH:
            return shortened_node
        self._names[mapping_text] = free_name = _find_free_name(f"#{key}", self.mappings)
        self.mappings[free_name] = shortened_node
        return free_name


def _find_free_name(name: str, taken_names: Mapping[str, Any]) -> str:
    """Return the name if it is not taken, else the name with the first number from 2 that is not."""
    if name not in taken_names:
        return name
    suffix = 2
    while f"{name}{suffix}" in taken_names:
        suffix += 1
    return f"{name}{suffix}"


def format_table(table: Mapping[str, Any]) -> str:
    """Return the table with one line for each field of a kind and for each shared mapping."""
    kind_texts = ",\n".join(_format_kind(kind, versions) for kind, versions in table["kinds"].items())
    deprecated_text = json.dumps(table["deprecated"])
    shared_lines = _format_lines(table["shared"], "  ")
    return (
        f'{{\n "deprecated": {deprecated_text},\n "kinds": {{\n{kind_texts}\n }},\n "shared": {{\n{shared_lines}\n'
        " }\n}\n"
    )


def _format_kind(kind: str, versions: Mapping[str, Mapping[str, Any]]) -> str:
    texts = [f'   "{name}": {{\n{_format_lines(fields, "    ")}\n   }}' for name, fields in versions.items()]
    return f'  "{kind}": {{\n' + ",\n".join(texts) + "\n  }"


def _format_lines(node: Mapping[str, Any], margin: str) -> str:
    """Return a mapping as lines of JSON without the braces around them."""
    return ",\n".join(f"{margin}{json.dumps(key)}: {json.dumps(child)}" for key, child in node.items())


if __name__ == "__main__":
    sys.exit(main())
