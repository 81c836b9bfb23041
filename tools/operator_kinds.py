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
from pathlib import Path
from typing import Any

from tools.rules.project import plugin

TABLE = Path(__file__).parents[1] / "plugins" / "plugin_utils" / "_otelcol" / "_data" / "operator_kinds.json"
ANY, EVERY_KEY, LIST = "?", "*", "l"
# Quantities; Kubernetes' own kinds take fractions too.
NUMBER_OR_TEXT = "sif"
LETTERS = {"string": "s", "integer": "i", "number": "if", "boolean": "b", "object": "m", "array": "l"}
# What the rules on configs judge: here it is a mapping, and in older versions text.
CONFIG = ("OpenTelemetryCollector", "config")
# A mapping that is there twice is shared if its text is longer.
SHORT = 40

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


def table_of(manifests: Sequence[Path]) -> dict[str, Any]:
    """Return kinds by name and version, with the versions that are deprecated, and what their fields share."""
    kinds: dict[str, dict[str, Any]] = {}
    deprecated: dict[str, dict[str, str]] = {}
    for kind, version, stored in _versions(manifests):
        known = kinds.setdefault(kind, {})
        found = spec_of(kind, version)
        known[version["name"]] = joined(known[version["name"]], found) if version["name"] in known else found
        if version.get("deprecated"):
            deprecated.setdefault(kind, {})[version["name"]] = stored
        if version["storage"]:
            known[version["name"]] = joined(known[version["name"]], LATER.get(kind, {}))
    return {"deprecated": deprecated, **_shared(kinds)}


def _versions(manifests: Sequence[Path]) -> Iterator[tuple[str, Mapping[str, Any], str]]:
    """Yield each version of each kind, and the name of the version that the operator stores."""
    yaml = plugin("plugin_utils._otelcol._yaml")
    for path in manifests:
        documents = [one.data for one in yaml.load_all(path.read_text(encoding="utf-8"), str(path))]
        for one in documents:
            if one and one["kind"] == "CustomResourceDefinition":
                versions = one["spec"]["versions"]
                stored = next(version["name"] for version in versions if version["storage"])
                for version in versions:
                    yield one["spec"]["names"]["kind"], version, stored


def spec_of(kind: str, version: Mapping[str, Any]) -> Any:
    """Return the fields of the spec of one version of a kind."""
    found = node_of(version["schema"]["openAPIV3Schema"]["properties"]["spec"])
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
    others = schema.get("additionalProperties")
    if isinstance(others, Mapping):
        return {EVERY_KEY: node_of(others)}
    properties = schema.get("properties")
    return {key: node_of(properties[key]) for key in sorted(properties)} if properties else "m"


def joined(one: Any, other: Any) -> Any:
    """Return what either of two nodes takes."""
    if one == other:
        return one
    if isinstance(one, dict) and isinstance(other, dict):
        both = {key: joined(one[key], other[key]) for key in one.keys() & other.keys()}
        return dict(sorted({**one, **other, **both}.items()))
    if isinstance(one, list) and isinstance(other, list):
        return [LIST, joined(one[1], other[1])]
    if isinstance(one, str) and isinstance(other, str) and "=" in one and "=" in other:
        words = {word for text in (one, other) for word in text.partition("=")[2].split("|")}
        return f"s={'|'.join(sorted(words))}"
    return ANY


def _shared(kinds: Mapping[str, Any]) -> dict[str, Any]:
    """Return kinds in which a mapping that is there twice is a name, and the mappings by their names."""
    count: Counter[str] = Counter()
    for versions in kinds.values():
        for node in versions.values():
            _count(node, count)
    names: dict[str, str] = {}
    shared: dict[str, Any] = {}

    def short(node: Any, key: str) -> Any:
        if isinstance(node, list):
            return [LIST, short(node[1], key)]
        if not isinstance(node, dict):
            return node
        text = json.dumps(node)
        if text in names:
            return names[text]
        made = {name: short(below, key if name == EVERY_KEY else name) for name, below in node.items()}
        if count[text] < 2 or len(text) <= SHORT:  # noqa: PLR2004 - a second place
            return made
        names[text] = _free(f"#{key}", shared)
        shared[names[text]] = made
        return names[text]

    made = {
        kind: {version: {key: short(below, key) for key, below in node.items()} for version, node in versions.items()}
        for kind, versions in sorted(kinds.items())
    }
    return {"kinds": made, "shared": dict(sorted(shared.items()))}


def _count(node: Any, count: Counter[str]) -> None:
    if isinstance(node, list):
        _count(node[1], count)
    elif isinstance(node, dict):
        count[json.dumps(node)] += 1
        for below in node.values():
            _count(below, count)


def _free(name: str, taken: Mapping[str, Any]) -> str:
    number = next(
        number for number in range(1, len(taken) + 2) if (f"{name}{number}" if number > 1 else name) not in taken
    )
    return f"{name}{number}" if number > 1 else name


def text_of(table: Mapping[str, Any]) -> str:
    """Return the table with one line for each field of a kind and for each shared mapping."""
    kinds = ",\n".join(
        f'  "{kind}": {{\n'
        + ",\n".join(f'   "{name}": {{\n{_lines(node, "    ")}\n   }}' for name, node in versions.items())
        + "\n  }"
        for kind, versions in table["kinds"].items()
    )
    deprecated = json.dumps(table["deprecated"])
    shared = _lines(table["shared"], "  ")
    return f'{{\n "deprecated": {deprecated},\n "kinds": {{\n{kinds}\n }},\n "shared": {{\n{shared}\n }}\n}}\n'


def _lines(node: Mapping[str, Any], margin: str) -> str:
    return ",\n".join(f"{margin}{json.dumps(key)}: {json.dumps(below)}" for key, below in node.items())


if __name__ == "__main__":
    sys.exit(main())
