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
from typing import Any

from ..config.paths import SECTIONS, mapping_at, value_at

# The type in a pattern of ids, such as `^otlp(?:/.+)?$`. The group may have escapes.
_TYPE_PATTERN = re.compile(r"\^?((?:[A-Za-z0-9_]|\\.)+)(?:\(|\Z)")
_ESCAPE = re.compile(r"\\(.)")
# What fields.json has for any value, and as keys for settings without a name: other ones, and any one of a mapping.
_ANY_VALUE, _OTHER_KEYS, _EACH_KEY = "?", "...", "*"
_LETTERS = {"string": "s", "integer": "if", "number": "if", "boolean": "b"}
# How the pattern of a duration begins.
_DURATION_START = "(ns|us|"
# Keys of a schema by which one of several others decides: nothing is certain then.
_CHOICE_KEYS = ("anyOf", "oneOf", "not", "if", "const", "patternProperties")
_MOST_DEPTH = 40


def read_types(schema: Any) -> dict[tuple[str, str], Any]:
    """Return the settings of every type by section and name; empty if this is no schema of a Collector's config."""
    settings_by_type = {}
    for name in SECTIONS:
        section_schema = mapping_at(schema, "properties", name)
        nodes_by_pattern = {
            **mapping_at(section_schema, "properties"),
            **mapping_at(section_schema, "patternProperties"),
        }
        for pattern, node in nodes_by_pattern.items():
            match = _TYPE_PATTERN.match(str(pattern))
            if match:
                settings_by_type[name, _ESCAPE.sub(r"\1", match[1])] = read_component_settings(node, schema)
    return settings_by_type


def read_component_settings(component: Any, config_schema: Any = None) -> Any:
    """Return the settings in the schema of a component, as a row of fields.json has them.

    `config_schema` is the schema of the config, which references may lead into.
    """
    return _SchemaReader(component, config_schema).read_settings(component, 0)


class _SchemaReader:
    """Reads the schema of one component, and returns nodes as field_grammar.py describes them.

    `#` in a reference is this schema, or that of the whole config.
    """

    def __init__(self, component: Any, config_schema: Any) -> None:
        self._roots = (component, config_schema)
        self._read: dict[str, Any] = {}  # what references lead to

    def read_settings(self, node: Any, depth: int) -> Any:
        """Return what a schema says of a value; anything where it is not certain."""
        if not isinstance(node, dict) or depth > _MOST_DEPTH or any(key in node for key in _CHOICE_KEYS):
            return _ANY_VALUE
        if "$ref" in node:
            return self._follow_reference(str(node["$ref"]), depth)
        if "allOf" in node:
            return self._join_settings(node, depth)
        type_name = node.get("type")
        if type_name == "object" or "properties" in node:
            return self._read_mapping(node, depth)
        return self._read_list(node, depth) if type_name == "array" else _scalar_letters(str(type_name), node)

    def _follow_reference(self, reference: str, depth: int) -> Any:
        """Return what a reference leads to, read once: a schema of a few references can repeat much."""
        if reference not in self._read:
            self._read[reference] = _ANY_VALUE  # for a schema that is in itself
            self._read[reference] = self.read_settings(self._find_target(reference), depth + 1)
        return self._read[reference]

    def _find_target(self, reference: str) -> Any:
        """Return the schema at a reference such as `#/$defs/a`, None if there is none. Source: RFC 6901."""
        root, *path = (part.replace("~1", "/").replace("~0", "~") for part in reference.split("/"))
        if root != "#":
            return None
        for schema in self._roots:
            target = value_at(schema, tuple(path))
            if target is not None:
                return target
        return None

    def _read_mapping(self, node: dict[str, Any], depth: int) -> dict[str, Any]:
        """Return the settings of a mapping by their keys."""
        settings_by_key = {
            str(key): self.read_settings(value, depth + 1) for key, value in mapping_at(node, "properties").items()
        }
        other_keys = node.get("additionalProperties")
        if isinstance(other_keys, dict):
            settings_by_key[_EACH_KEY] = self.read_settings(other_keys, depth + 1)
        elif not settings_by_key or other_keys is True:
            settings_by_key[_OTHER_KEYS] = _ANY_VALUE
        return settings_by_key

    def _join_settings(self, node: dict[str, Any], depth: int) -> Any:
        """Return the settings of several mappings as one; anything if one of them is none."""
        schemas = list(node["allOf"])
        if "properties" in node:
            schemas.append({key: value for key, value in node.items() if key != "allOf"})
        joined_settings: dict[str, Any] = {}
        for schema in schemas:
            settings = self.read_settings(schema, depth + 1)
            if not isinstance(settings, dict):
                return _ANY_VALUE
            joined_settings.update(settings)
        return joined_settings

    def _read_list(self, node: dict[str, Any], depth: int) -> list[Any]:
        """Return the node of a list; the decoder also reads a text as a list of texts."""
        item_node = self.read_settings(node.get("items"), depth + 1)
        return ["sl" if item_node in ("s", _ANY_VALUE) else "l", item_node]


def _scalar_letters(type_name: str, node: dict[str, Any]) -> str:
    """Return the letters of a scalar, with the words that it may be."""
    if type_name != "string":
        return _LETTERS.get(type_name, _ANY_VALUE)
    if _DURATION_START in str(node.get("pattern")):
        return "dsif"
    words = [word for word in node.get("enum") or () if isinstance(word, str) and "|" not in word]
    return f"s={'|'.join(['', *words])}" if words else "s"
