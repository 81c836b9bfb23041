# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shapes of values, such as a mapping, and how messages name shapes and options. Controller only. Private.

Ansible makes text of a value of a wrong shape, or explains it by classes of Python. `_shape_checks.py`,
`_text_checks.py`, `_spelling_checks.py` and `_duration_checks.py` refuse such a value in words of YAML, such as
`option 'env' of collector 'agent' must be a mapping, not a list`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class OptionPlace(NamedTuple):
    """Which option a message is about. As text: `option 'service.type' of collector 'agent'`."""

    path: str
    """The option, or an entry below it, such as `service.type` or `tolerations[0]`."""
    owner: str
    """What has the option, such as `collector 'agent'` or `module otel_render`."""

    def __str__(self) -> str:
        return f"option '{self.path}' of {self.owner}"

    def at_key(self, key: Any) -> OptionPlace:
        """Return the entry of this option at a key of its mapping."""
        return self._replace(path=f"{self.path}.{key}")

    def at_index(self, index: int) -> OptionPlace:
        """Return the item of this option at an index of its list."""
        return self._replace(path=f"{self.path}[{index}]")

    @property
    def is_list_item(self) -> bool:
        """Whether it is an item of a list."""
        return self.path.endswith("]")

    @property
    def last_key(self) -> str:
        """The last key of the path, such as `type` of `service.type`."""
        return self.path.rpartition(".")[2]


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
