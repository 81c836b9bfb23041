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

from tools.rules.project import plugin

TABLE = Path(__file__).parents[1] / "plugins" / "plugin_utils" / "_otelcol" / "_data" / "operator_kinds.json"
ANY, EVERY_KEY, LIST = "?", "*", "l"
# Quantities; Kubernetes' own kinds take fractions too.
NUMBER_OR_TEXT = "sif"
LETTERS = {"string": "s", "integer": "i", "number": "if", "boolean": "b", "object": "m", "array": "l"}
# What the rules on configs judge: here it is a mapping, and in older versions text.
CONFIG = ("OpenTelemetryCollector", "config")
# A mapping that stands in so many places is shared, if its text is longer than so many characters.
PLACES, SHORT = 2, 40

# Fields of operators whose manifests are not read. Source: the operator's changelog, "Enhancements" of each version.
LATER: dict[str, dict[str, Any]] = {
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
    table = table_of(parser.parse_args(arguments).manifests)
    TABLE.write_text(text_of(table), encoding="utf-8")
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


def table_of(manifests: Sequence[Path]) -> dict[str, Any]:
    """Return kinds by name and version, with the versions that are deprecated, and what their fields share."""
    kinds: dict[str, dict[str, Any]] = {}
    deprecated: dict[str, dict[str, str]] = {}
    for version in _versions(manifests):
        known = kinds.setdefault(version.kind, {})
        fields = spec_of(version.kind, version.definition)
        if version.name in known:
            fields = joined(known[version.name], fields)
        if version.name == version.stored:
            fields = joined(fields, LATER.get(version.kind, {}))
        known[version.name] = fields
        if version.definition.get("deprecated"):
            deprecated.setdefault(version.kind, {})[version.name] = version.stored
    return {"deprecated": deprecated, **_shared(kinds)}


def _versions(manifests: Sequence[Path]) -> Iterator[KindVersion]:
    """Yield each version of each kind that the manifests define."""
    yaml = plugin("plugin_utils._otelcol._yaml")
    for path in manifests:
        for document in yaml.load_all(path.read_text(encoding="utf-8"), str(path)):
            item = document.data
            if item and item["kind"] == "CustomResourceDefinition":
                yield from _versions_of_kind(item["spec"])


def _versions_of_kind(spec: Mapping[str, Any]) -> Iterator[KindVersion]:
    """Yield the versions in the spec of a CustomResourceDefinition; Kubernetes stores one of them."""
    stored = next(version["name"] for version in spec["versions"] if version["storage"])
    for definition in spec["versions"]:
        yield KindVersion(spec["names"]["kind"], definition, stored)


def spec_of(kind: str, definition: Mapping[str, Any]) -> Any:
    """Return the fields of the spec of one version of a kind."""
    found = node_of(definition["schema"]["openAPIV3Schema"]["properties"]["spec"])
    owner, key = CONFIG
    if kind == owner and found[key] != "s":
        found[key] = "m"
    return found


def node_of(schema: Mapping[str, Any]) -> Any:
    """Return a schema in the notation of the table."""
    if schema.get("x-kubernetes-int-or-string"):
        return NUMBER_OR_TEXT
    letter = LETTERS.get(schema.get("type", ""), ANY)
    if schema.get("x-kubernetes-preserve-unknown-fields") or letter == ANY:
        return ANY
    if letter == "l":
        return [LIST, node_of(schema["items"])]
    if letter == "m":
        return _mapping(schema)
    words = schema.get("enum", ())
    return f"{letter}={'|'.join(words)}" if words else letter


def _mapping(schema: Mapping[str, Any]) -> Any:
    """Return the schema of an object: the node of each key, one node for any key, or only that it is a mapping."""
    others = schema.get("additionalProperties")
    if isinstance(others, Mapping):
        return {EVERY_KEY: node_of(others)}
    properties = schema.get("properties") or {}
    return {key: node_of(properties[key]) for key in sorted(properties)} or "m"


def joined(one: Any, other: Any) -> Any:
    """Return what either of two nodes takes."""
    if one == other:
        return one
    if isinstance(one, dict) and isinstance(other, dict):
        both = {key: joined(one[key], other[key]) for key in one.keys() & other.keys()}
        return dict(sorted({**one, **other, **both}.items()))
    if isinstance(one, list) and isinstance(other, list):
        return [LIST, joined(one[1], other[1])]
    if _has_words(one) and _has_words(other):
        return f"s={'|'.join(sorted(_words(one) | _words(other)))}"
    return ANY


def _has_words(node: Any) -> bool:
    return isinstance(node, str) and "=" in node


def _words(node: str) -> set[str]:
    """Return the words of a node such as `s=a|b`."""
    return set(node.partition("=")[2].split("|"))


def _shared(kinds: Mapping[str, Any]) -> dict[str, Any]:
    """Return kinds in which a mapping that is there twice is a name, and the mappings by their names."""
    shared = SharedMappings()
    for versions in kinds.values():
        for fields in versions.values():
            shared.count(fields)
    made: dict[str, dict[str, Any]] = {}
    for kind, versions in sorted(kinds.items()):
        made[kind] = {}
        for version, fields in versions.items():
            made[kind][version] = {key: shared.shortened(node, key) for key, node in fields.items()}
    return {"kinds": made, "shared": dict(sorted(shared.mappings.items()))}


@dataclass
class SharedMappings:
    """The mappings that stand in several places of the table, each under a name such as `#resources`."""

    mappings: dict[str, Any] = field(default_factory=dict)
    """By name, with names in place of shared mappings in them."""
    _names: dict[str, str] = field(default_factory=dict)
    """By the mapping as JSON."""
    _places: Counter[str] = field(default_factory=Counter)
    """In how many places each mapping stands, by the mapping as JSON."""

    def count(self, node: Any) -> None:
        """Count the places of a node and of all that is in it. This comes before `shortened`."""
        if isinstance(node, list):
            self.count(node[1])
        elif isinstance(node, dict):
            self._places[json.dumps(node)] += 1
            for below in node.values():
                self.count(below)

    def shortened(self, node: Any, key: str) -> Any:
        """Return a node with names in place of shared mappings. A mapping gets its name after the first key with it."""
        if isinstance(node, list):
            return [LIST, self.shortened(node[1], key)]
        if not isinstance(node, dict):
            return node
        text = json.dumps(node)
        if text in self._names:
            return self._names[text]
        made = {}
        for name, below in node.items():
            made[name] = self.shortened(below, key if name == EVERY_KEY else name)
        if self._places[text] < PLACES or len(text) <= SHORT:
            return made
        self._names[text] = free_name = _free_name(f"#{key}", self.mappings)
        self.mappings[free_name] = made
        return free_name


def _free_name(name: str, taken: Mapping[str, Any]) -> str:
    """Return the name if it is not taken, else the name with the first number from 2 that is not."""
    if name not in taken:
        return name
    number = 2
    while f"{name}{number}" in taken:
        number += 1
    return f"{name}{number}"


def text_of(table: Mapping[str, Any]) -> str:
    """Return the table with one line for each field of a kind and for each shared mapping."""
    kinds = ",\n".join(_kind_text(kind, versions) for kind, versions in table["kinds"].items())
    deprecated = json.dumps(table["deprecated"])
    shared = _lines(table["shared"], "  ")
    return f'{{\n "deprecated": {deprecated},\n "kinds": {{\n{kinds}\n }},\n "shared": {{\n{shared}\n }}\n}}\n'


def _kind_text(kind: str, versions: Mapping[str, Mapping[str, Any]]) -> str:
    texts = [f'   "{name}": {{\n{_lines(fields, "    ")}\n   }}' for name, fields in versions.items()]
    return f'  "{kind}": {{\n' + ",\n".join(texts) + "\n  }"


def _lines(node: Mapping[str, Any], margin: str) -> str:
    """Return a mapping as lines of JSON without the braces around them."""
    return ",\n".join(f"{margin}{json.dumps(key)}: {json.dumps(below)}" for key, below in node.items())


if __name__ == "__main__":
    sys.exit(main())
