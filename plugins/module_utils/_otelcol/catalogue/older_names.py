# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names that components have in an older version of the Collector.

Recipes use the newest names. `rename_for_version` gives a config the names that its Collector knows: before 0.144.0,

    exporters: {otlp_grpc/gateway: {endpoint: gateway:4317}}    →    exporters: {otlp/gateway: {endpoint: gateway:4317}}

The config is what one recipe adds, so it may name components that another recipe defines. Private.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..config.collector_versions import parse_version
from ..config.paths import ROLES, SECTIONS, Config, Path, mapping_at
from .catalogue import Catalogue

_EXTENSIONS = "extensions"


def rename_for_version(config: Config, version: str, catalogue: Catalogue) -> dict[str, Any]:
    """Return the config with the old name of every component whose new one this version does not know.

    An id changes in its section, in pipelines, in `service.extensions` and in settings of other components, such as
    `auth: {authenticator: azure_auth}`. A version that cannot be read gets the config as it is.
    """
    older_names = _OlderNames(catalogue, _map_old_types(catalogue, version))
    if not older_names.old_types:
        return dict(config)
    renamed_config: dict[str, Any] = {}
    for key, value in config.items():
        is_section = key in SECTIONS and isinstance(value, dict)
        renamed_config[key] = older_names.rename_section(key, value) if is_section else value
    if mapping_at(config, "service"):
        renamed_config["service"] = older_names.rename_in_service(config["service"])
    return renamed_config


def _map_old_types(catalogue: Catalogue, version: str) -> Mapping[tuple[str, str], str]:
    """Return the old name of each section and type that got its new one after a version."""
    target_version = parse_version(version)
    old_types = {}
    for rename in catalogue.renames:
        if target_version and target_version < parse_version(rename.since_version):
            old_types[rename.section, rename.new_name] = rename.old_name
    return old_types


@dataclass(frozen=True)
class _OlderNames:
    """The names of components in one version of the Collector."""

    catalogue: Catalogue
    old_types: Mapping[tuple[str, str], str]
    """By section and type, the name of the type where it is an older one."""

    def rename_section(self, section_name: str, components: Mapping[str, Any]) -> dict[str, Any]:
        """Return a section with the ids of this version, in itself and in the settings of its components."""
        renamed_components = {}
        for component_id, settings in components.items():
            old_id = self._rename(section_name, component_id)
            renamed_components[old_id] = self._rename_in_settings(section_name, component_id, settings)
        return renamed_components

    def rename_in_service(self, service: Mapping[str, Any]) -> dict[str, Any]:
        """Return the service with the ids of this version."""
        renamed_service = dict(service)
        pipelines = mapping_at(service, "pipelines")
        if pipelines:
            renamed_service["pipelines"] = {name: self._rename_in_pipeline(pipelines[name]) for name in pipelines}
        if _EXTENSIONS in service:
            renamed_service[_EXTENSIONS] = self._rename_ids([_EXTENSIONS], service[_EXTENSIONS])
        return renamed_service

    def _rename_in_pipeline(self, pipeline: Mapping[str, Any] | None) -> dict[str, Any]:
        return {role: self._rename_ids(ROLES.get(role, ()), ids) for role, ids in (pipeline or {}).items()}

    def _rename_ids(self, section_names: Iterable[str], ids: Any) -> Any:
        """Return ids, each with the name of this version in the first of some sections that has an older one for it.

        What is no list stays as it is.
        """
        if not isinstance(ids, list):
            return ids
        renamed_ids = []
        for component_id in ids:
            names = (self._rename(section_name, component_id) for section_name in section_names)
            renamed_ids.append(next((name for name in names if name != component_id), component_id))
        return renamed_ids

    def _rename_in_settings(self, section_name: str, component_id: str, settings: Any) -> Any:
        """Return the settings of a component with the ids of extensions that they name."""
        for path, extension_id in self._list_extension_uses(section_name, component_id, settings):
            old_id = self._rename(_EXTENSIONS, extension_id)
            if old_id != extension_id:
                settings = _copy_with(settings, path, old_id)
        return settings

    def _list_extension_uses(self, section_name: str, component_id: str, settings: Any) -> Iterator[tuple[Path, str]]:
        """Yield path and id of each extension that the settings of a component name."""
        component_type = component_id.partition("/")[0]
        for reference in self.catalogue.list_references(section_name, component_type):
            if reference.target_kind == _EXTENSIONS:
                yield from reference.find_ids(settings)

    def _rename(self, section_name: str, component_id: str) -> str:
        """Return an id of a section by its old name; as it is if it has none."""
        component_type, slash, name = component_id.partition("/")
        return self.old_types.get((section_name, component_type), component_type) + slash + name


def _copy_with(value: Any, path: Path, new_value: Any) -> Any:
    """Return a copy of a value that has another one at a path."""
    if not path:
        return new_value
    copied_value = copy.copy(value)
    copied_value[path[0]] = _copy_with(value[path[0]], path[1:], new_value)
    return copied_value
