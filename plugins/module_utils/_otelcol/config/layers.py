# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Layers of a config, and where in them each value of the finished config comes from.

A layer is one source of a config: a recipe of this collection, a file of the user, or a variable. compose.py merges
layers. A finding points at the user's own file and line: the place of a value is found by going back through the
layers. In a layer, a key that ends with `+` appends to a list, and a key with `*` is a pattern of names:

    recipe     service: {pipelines: {traces: {processors: [memory_limiter]}}}
    a.yml      service: {pipelines: {"traces*": {processors+: [batch]}}}

In the finished config, `service.pipelines.traces.processors[1]` is batch, and `locate` leads to its line of a.yml:

    composed.locate(("service", "pipelines", "traces", "processors", 1))    Position("a.yml", 1, 49)

Private.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from .paths import Config, Path, Position, value_at

# After a key: append to the list that is there, as in `processors+: [batch]`.
APPEND_SIGN = "+"
# In a pipeline's name: every pipeline that matches, as in `traces*`.
_WILDCARD = "*"


@dataclass(frozen=True)
class Layer:
    """One source of a config."""

    name: str
    """Such as `a.yml`, or `recipe 'otlp_ingest'`."""
    config: Config
    recipe: bool = False
    """Whether it is a recipe of this collection."""
    positions: Mapping[Path, Position] = field(default_factory=dict)
    """Where its paths stand in its file; empty for a recipe and for data without a file."""
    duplicates: tuple[tuple[Path, Position], ...] = ()
    """The keys that its file has twice, and where."""

    def position(self, path: Path) -> Position | None:
        """Return where the path, or the nearest thing around it, stands in this layer's source."""
        while path not in self.positions:
            if not path:
                return None
            path = path[:-1]
        return self.positions[path]


@dataclass(frozen=True)
class ComposedConfig:
    """A finished config and the layers that it came from."""

    config: dict[str, Any]
    layers: tuple[Layer, ...]

    def locate(self, path: Path) -> Position:
        """Return where the user can change what stands at this path of the finished config.

        The last layer that sets it wins. If none does, what is around it counts.
        """
        for layer in reversed(self.layers):
            position = self._position_in(layer, path)
            if position is not None:
                return position
        if path:
            return self.locate(path[:-1])
        return Position(self.layers[-1].name if self.layers else "")

    def _position_in(self, layer: Layer, path: Path) -> Position | None:
        """Return where a layer sets what stands at a path of the finished config; None if it does not set it."""
        if layer.config is self.config:  # a file is the only layer of its config
            position = layer.positions.get(path)
            if position:
                return position
        layer_path = _find_layer_path(layer.config, path, self.config)
        if layer_path is None:
            return None
        return layer.position(layer_path) or Position(layer.name)


def is_pattern(key: str) -> bool:
    """Return whether a pipeline key such as `traces*` stands for all pipelines that match it."""
    return _WILDCARD in key


def _find_layer_path(layer_value: Any, path: Path, composed_value: Any) -> Path | None:
    """Return the path in a layer of what stands at `path` in the finished config; None if the layer does not set it.

    They differ where the layer has a key with `+`, a pattern such as `traces*`, or a list with other indexes: the path
    `service.pipelines.traces.processors[1]` may be `service.pipelines.traces*.processors+[0]` in a layer.
    """
    layer_path: Path = ()
    for part in path:
        is_unmerged = layer_value is composed_value  # nothing was merged here, so the path itself is right
        composed_value = value_at(composed_value, (part,))
        layer_key: str | int | None
        if isinstance(layer_value, list):
            layer_key = _find_list_index(layer_value, composed_value, part, is_unmerged)
        else:
            layer_key = _find_mapping_key(layer_value, part)
        if layer_key is None:
            return None
        layer_path = (*layer_path, layer_key)
        layer_value = layer_value[layer_key]
    return layer_path


def _find_list_index(layer_list: list[Any], value: Any, part: str | int, is_unmerged: bool) -> int | None:
    """Return the index of a value in a list of a layer, which is `part` if nothing was merged; None without it."""
    if is_unmerged and isinstance(part, int):
        return part if 0 <= part < len(layer_list) else None
    return layer_list.index(value) if value in layer_list else None


def _find_mapping_key(layer_value: Any, part: str | int) -> str | int | None:
    """Return the key by which a mapping of a layer sets a key of the finished config; None if it does not set it.

    That is the key itself, the key with `+`, or a pattern that matches it.
    """
    if not isinstance(layer_value, dict):
        return None
    if part in layer_value:
        return part
    if not isinstance(part, str):
        return None
    if part + APPEND_SIGN in layer_value:
        return part + APPEND_SIGN
    return _matching_pattern(layer_value, part)


def _matching_pattern(config: dict[Any, Any], name: str) -> str | None:
    """Return the first key that is a pattern of a name."""
    for key in config:
        # A migration asks for each of thousands of renamed components: the test that most keys fail comes first.
        if isinstance(key, str) and _WILDCARD in key and fnmatchcase(name, key):
            return key
    return None
