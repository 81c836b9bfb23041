# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The JSON Schema of a build's whole config: which types the build has, and their settings as in fields.json. Private.

Users of an own build can give its schema in place of its manifest. Of the schema

    {"properties": {"receivers": {"patternProperties": {"^acme(?:/.+)?$": {"properties": {"endpoint": {"type":
    "string"},
      "interval": {"type": "string", "pattern": "…(ns|us|…)"}}}}}}}

`read_types` makes `{("receivers", "acme"): {"endpoint": "s", "interval": "dsif"}}`: nodes as field_grammar.py describes
them. Objects of a schema do not say whether they take other keys; the Collector's decoder takes none.
Source: the Collector's internal/schemagen, which combines the schemas of the components of a build. It lists each type
of a section in `patternProperties`, and no other type is valid there.
"""

from __future__ import annotations

import re
from typing import Any

from ..config.paths import SECTIONS, mapping_at, value_at
from .field_grammar import ANY_KEY, ANY_VALUE
from .rows import OPEN_MAPPING

# The type in a pattern of ids, such as `^otlp(?:/.+)?$`. The group may have escapes.
_TYPE_PATTERN = re.compile(r"\^?((?:[A-Za-z0-9_]|\\.)+)(?:\(|\Z)")
_ESCAPE = re.compile(r"\\(.)")
# The letters of a node, by the type in a schema.
_LETTERS = {"string": "s", "integer": "if", "number": "if", "boolean": "b"}
# The node of a text that may be a duration, which may also be a number.
_DURATION_NODE = "dsif"
# How the pattern of a duration begins.
_DURATION_START = "(ns|us|"
# Keys of a schema by which one of several others decides: nothing is certain then.
_CHOICE_KEYS = ("anyOf", "oneOf", "not", "if", "const", "patternProperties")
# Deeper settings than any component has; anything is valid there.
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
    """Reads the schema of one component, and returns nodes as field_grammar.py describes them."""

    def __init__(self, component: Any, config_schema: Any) -> None:
        # What `#` in a reference may be: the schema of the component, or that of the whole config.
        self._roots = (component, config_schema)
        self._node_by_reference: dict[str, Any] = {}

    def read_settings(self, node: Any, depth: int) -> Any:
        """Return what a schema says of a value; anything where it is not certain."""
        if not isinstance(node, dict) or depth > _MOST_DEPTH or any(key in node for key in _CHOICE_KEYS):
            return ANY_VALUE
        if "$ref" in node:
            return self._follow_reference(str(node["$ref"]), depth)
        if "allOf" in node:
            return self._join_settings(node, depth)
        type_name = node.get("type")
        if type_name == "object" or "properties" in node:
            return self._read_mapping(node, depth)
        if type_name == "array":
            return self._read_list(node, depth)
        return _read_scalar(str(type_name), node)

    def _follow_reference(self, reference: str, depth: int) -> Any:
        """Return what a reference leads to, read once: a schema of a few references can repeat much."""
        if reference not in self._node_by_reference:
            self._node_by_reference[reference] = (
                ANY_VALUE  # the answer while it is read, for a schema that is in itself
            )
            self._node_by_reference[reference] = self.read_settings(self._find_target(reference), depth + 1)
        return self._node_by_reference[reference]

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
            settings_by_key[ANY_KEY] = self.read_settings(other_keys, depth + 1)
        elif not settings_by_key or other_keys is True:
            # Without any named key, the schema leaves out what the keys are: it cannot mean that there are none.
            settings_by_key[OPEN_MAPPING] = ANY_VALUE
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
                return ANY_VALUE
            joined_settings.update(settings)
        return joined_settings

    def _read_list(self, node: dict[str, Any], depth: int) -> list[Any]:
        """Return the node of a list; the decoder also reads a text as a list of texts."""
        item_node = self.read_settings(node.get("items"), depth + 1)
        return ["sl" if item_node in ("s", ANY_VALUE) else "l", item_node]


def _read_scalar(type_name: str, node: dict[str, Any]) -> str:
    """Return the letters of a scalar, with the words that it may be: `s=|gzip|zstd`.

    The empty word is always among them, and a word with the sign between words, `|`, is left out.
    """
    if type_name != "string":
        return _LETTERS.get(type_name, ANY_VALUE)
    if _DURATION_START in str(node.get("pattern")):
        return _DURATION_NODE
    words = [word for word in node.get("enum") or () if isinstance(word, str) and "|" not in word]
    return f"s={'|'.join(['', *words])}" if words else "s"
