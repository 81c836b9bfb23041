# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shapes of values, such as a mapping or a list, and their names in messages to users. Controller only. Private.

Ansible makes text of a value of a wrong shape, or explains it by classes of Python. `_shape_checks.py` and
`_text_checks.py` refuse such a value in words of YAML.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Shape(NamedTuple):
    """A shape as a message names it, and how to write a value of it in YAML."""

    title: str
    example: str


TEXT_SHAPE = Shape("text", "TEXT")
# By the names of Ansible's types, and two names of this collection: `text` and `null`.
SHAPES = {
    "dict": Shape("a mapping", "{NAME: VALUE}"),
    "list": Shape("a list", "[ITEM]"),
    "bool": Shape("true or false", "true"),
    "int": Shape("a number", "1"),
    "float": Shape("a number", "1"),
    "text": TEXT_SHAPE,
    "null": Shape("null", "null"),
}
# A switch is no whole number here, although Python says so: it comes first.
_CLASSES_BY_SHAPE = {"dict": Mapping, "list": list, "bool": bool, "int": int, "float": float}


def find_shape(value: Any) -> str:
    """Return the name of a value's shape in SHAPES; empty for text, null and what Ansible has no type for."""
    for shape_name, shape_class in _CLASSES_BY_SHAPE.items():
        if isinstance(value, shape_class):
            return shape_name
    return ""


def read_suboptions(option: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Return the documented suboptions of an option; none if it has none."""
    return (option or {}).get("options") or {}


def list_mappings(value: Any) -> list[Any]:
    """Return the mappings that may have suboptions: the value itself, or the mappings of a list."""
    entries = value if isinstance(value, list) else [value]
    return [entry for entry in entries if isinstance(entry, Mapping)]
