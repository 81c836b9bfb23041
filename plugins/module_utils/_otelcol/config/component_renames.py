# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names that components have in an older version of the Collector.

Recipes use the newest names. `rename_for_version` gives a config the names that its Collector knows: before 0.144.0,

    exporters: {otlp_grpc/gateway: {endpoint: gateway:4317}}    →    exporters: {otlp/gateway: {endpoint: gateway:4317}}

The catalogue has the table of renames (catalogue/catalogue.py). Private.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .collector_versions import Version, parse_version
from .paths import ROLES, Config, mapping_at


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
