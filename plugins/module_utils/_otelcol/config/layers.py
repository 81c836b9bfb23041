# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Layers of a config, where each value comes from, and the names that components have in a version.

A layer is one source of a config: a recipe of this collection, a file of the user, or a variable. compose.py merges
layers. A finding points at the user's own file and line: the place of a value is found by going back through the
layers. In a layer, a key that ends with `+` appends to a list, and a key with `*` is a pattern of names:

    recipe     service: {pipelines: {traces: {processors: [memory_limiter]}}}
    a.yml      service: {pipelines: {"traces*": {processors+: [batch]}}}

In the finished config, `service.pipelines.traces.processors[1]` is batch, and `locate` leads to its line of a.yml:

    composed.locate(("service", "pipelines", "traces", "processors", 1))    Position("a.yml", 1, 49)

The second half of the file is about versions: `parse_version` makes them comparable, and `rename_for_version` gives the
components of a config the names that an older Collector knows. Private.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

from .paths import ROLES, Config, Path, Position, mapping_at, value_at

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


Version = tuple[int, ...]
"""The numbers of a version, such as `(0, 158, 0)`; empty if it is unknown."""


@dataclass(frozen=True)
class Rename:
    """A type that got a new name, such as exporter otlp, which is called otlp_grpc since 0.144.0."""

    section: str
    old_name: str
    new_name: str
    since_version: str
    """The first version that takes the new name."""
    takes_old_name: bool
    """Whether versions from then on take the old name too."""


@lru_cache(maxsize=1024)
def parse_version(text: str) -> Version:
    """Return the numbers of a version such as `v0.158.0` or `0.158.0-rc1`; an empty one for text without any."""
    match = re.match(r"v?(\d{1,9}(?:\.\d{1,9})*)(?!\d)", text)
    return tuple(int(part) for part in match[1].split(".")) if match else ()


def complete_version(text: str) -> str:
    """Return a version with its third number: `0.158` is the release `0.158.0`, and `0.158-rc1` is `0.158.0-rc1`."""
    return re.sub(r"\A(v?\d+\.\d+)(?=[-+]|\Z)", r"\1.0", text)


def rename_for_version(config: Config, version: str, renames: Iterable[Rename]) -> dict[str, Any]:
    """Return the config with the old name of every component whose new one this version does not know.

    Recipes use new names. For a version of before the rename, `exporters: {otlp_grpc/gateway: {}}` becomes
    `exporters: {otlp/gateway: {}}`, also where pipelines list it.
    """
    old_names = _map_old_names(parse_version(version), renames)
    if not old_names:
        return dict(config)
    renamed_config: dict[str, Any] = {key: _rename_section(key, value, old_names) for key, value in config.items()}
    pipelines = {}
    for name, pipeline in mapping_at(config, "service", "pipelines").items():
        renamed_pipeline = {}
        for role, ids in (pipeline or {}).items():
            renamed_pipeline[role] = [_rename_in_role(role, component_id, old_names) for component_id in ids or ()]
        pipelines[name] = renamed_pipeline
    if pipelines:
        renamed_config["service"] = {**renamed_config["service"], "pipelines": pipelines}
    return renamed_config


def _map_old_names(target: Version, renames: Iterable[Rename]) -> dict[tuple[str, str], str]:
    """Return the old name of each section and type that got its new one after a version; none of an unknown one."""
    old_names = {}
    for rename in renames:
        if target and target < parse_version(rename.since_version):
            old_names[rename.section, rename.new_name] = rename.old_name
    return old_names


def _rename_section(section_name: str, components: Any, old_names: Mapping[tuple[str, str], str]) -> Any:
    """Return a section of components by their old names."""
    if not isinstance(components, dict) or section_name == "service":
        return components
    renamed_components = {}
    for component_id, settings in components.items():
        renamed_components[_rename_component(section_name, component_id, old_names)] = settings
    return renamed_components


def _rename_in_role(role: str, component_id: str, old_names: Mapping[tuple[str, str], str]) -> str:
    """Return an id in a role by its old name: in the first section of the role in which it has one."""
    for section_name in ROLES.get(role, ()):
        renamed = _rename_component(section_name, component_id, old_names)
        if renamed != component_id:
            return renamed
    return component_id


def _rename_component(section_name: str, component_id: str, old_names: Mapping[tuple[str, str], str]) -> str:
    """Return an id of a section by its old name; as it is if it has none."""
    component_type, slash, name = component_id.partition("/")
    return old_names.get((section_name, component_type), component_type) + slash + name
