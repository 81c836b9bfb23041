# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The JSON Schema of a build's whole config: which types the build has, and their settings as in fields.json.

Source: the Collector's internal/schemagen, which combines the schemas of the components of a build. It lists each type
of a section in `patternProperties`, as `^TYPE(?:/.+)?$`, and no other type is valid there. Objects in it do not say
whether they take other keys; the Collector's decoder takes none. Private.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from ..config.paths import SECTIONS, at, section

_TYPE = re.compile(r"\^?((?:[A-Za-z0-9_]|\\.)+)(?:\(|\Z)")
_ESCAPE = re.compile(r"\\(.)")
_ANY, _OPEN, _ENTRY = "?", "...", "*"
_SHAPES = {"string": "s", "integer": "if", "number": "if", "boolean": "b"}
_DURATION = "(ns|us|"
_CHOICES = ("anyOf", "oneOf", "not", "if", "const", "patternProperties")
_DEEPEST = 40


class Known(NamedTuple):
    """What `#` stands for: the schema of a component by itself, or the whole one. And what was read by reference."""

    component: Any
    whole: Any
    read: dict[str, Any]


def types_of(schema: Any) -> dict[tuple[str, str], Any]:
    """Return the settings of every type by section and name; empty if this is no schema of a Collector's config."""
    found = {}
    for name in SECTIONS:
        here = section(schema, "properties", name)
        for pattern, node in {**section(here, "properties"), **section(here, "patternProperties")}.items():
            match = _TYPE.match(str(pattern))
            if match:
                found[name, _ESCAPE.sub(r"\1", match[1])] = settings_of(node, schema)
    return found


def settings_of(component: Any, whole: Any = None) -> Any:
    """Return the settings in the schema of a component, as a row of fields.json has them."""
    return _settings(component, Known(component, whole, {}), 0)


def _settings(node: Any, known: Known, depth: int) -> Any:
    """Return what a schema says of a value; anything where it is not certain."""
    if not isinstance(node, dict) or depth > _DEEPEST or any(key in node for key in _CHOICES):
        return _ANY
    if "$ref" in node:
        return _referred(str(node["$ref"]), known, depth)
    if "allOf" in node:
        return _joined(node, known, depth)
    kind = node.get("type")
    if kind == "object" or "properties" in node:
        return _mapping(node, known, depth)
    return _list(node, known, depth) if kind == "array" else _scalar(str(kind), node)


def _referred(reference: str, known: Known, depth: int) -> Any:
    """Return what a reference leads to, read once: a schema of a few references can repeat much."""
    if reference not in known.read:
        known.read[reference] = _ANY  # for a schema that is in itself
        first, *path = (part.replace("~1", "/").replace("~0", "~") for part in reference.split("/"))
        targets = (at(root, tuple(path)) for root in (known.component, known.whole) if first == "#")
        target = next((target for target in targets if target is not None), None)
        known.read[reference] = _settings(target, known, depth + 1)
    return known.read[reference]


def _scalar(kind: str, node: dict[str, Any]) -> str:
    if kind != "string":
        return _SHAPES.get(kind, _ANY)
    if _DURATION in str(node.get("pattern")):
        return "dsif"
    words = [word for word in node.get("enum") or () if isinstance(word, str) and "|" not in word]
    return f"s={'|'.join(['', *words])}" if words else "s"


def _list(node: dict[str, Any], known: Known, depth: int) -> Any:
    item = _settings(node.get("items"), known, depth + 1)
    return ["sl" if item in ("s", _ANY) else "l", item]


def _mapping(node: dict[str, Any], known: Known, depth: int) -> Any:
    keys = {str(key): _settings(value, known, depth + 1) for key, value in section(node, "properties").items()}
    others = node.get("additionalProperties")
    if isinstance(others, dict):
        keys[_ENTRY] = _settings(others, known, depth + 1)
    elif not keys or others is True:
        keys[_OPEN] = _ANY
    return keys


def _joined(node: dict[str, Any], known: Known, depth: int) -> Any:
    schemas = list(node["allOf"])
    if "properties" in node:
        schemas.append({key: value for key, value in node.items() if key != "allOf"})
    joined: dict[str, Any] = {}
    for schema in schemas:
        settings = _settings(schema, known, depth + 1)
        if not isinstance(settings, dict):
            return _ANY
        joined.update(settings)
    return joined
