# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shapes of values: a mapping, a list, a switch, a number. Controller only. Private."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Shapes of values, which Ansible makes text of or explains by classes of Python, and how to write each in YAML.
TEXT_SHAPE = ("text", "TEXT")
SHAPES = {
    "dict": ("a mapping", "{NAME: VALUE}"),
    "list": ("a list", "[ITEM]"),
    "bool": ("true or false", "true"),
    "int": ("a number", "1"),
    "float": ("a number", "1"),
    "text": TEXT_SHAPE,
    "null": ("null", "null"),
}


def find_shape(value: Any) -> str:
    """Return the name of a value's shape in SHAPES; empty for text, null and what Ansible has no type for."""
    shapes = (("dict", Mapping), ("list", list), ("bool", bool), ("int", int), ("float", float))
    return next((name for name, classes in shapes if isinstance(value, classes)), "")


def read_suboptions(option: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Return the documented suboptions of an option; none if it has none."""
    return (option or {}).get("options") or {}


def list_mappings(value: Any) -> list[Any]:
    """Return what may have suboptions: a mapping, or the mappings of a list."""
    entries = value if isinstance(value, list) else [value]
    return [entry for entry in entries if isinstance(entry, Mapping)]
