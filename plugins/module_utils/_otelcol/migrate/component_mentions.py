# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Components of a config and their mentions in it, for steps of a migration that rename or remove components. Private.

A pipeline mentions components, and so do the service and settings of other components. In this config, the extension
`oidc` is mentioned at `("service", "extensions", 0)` and at `("receivers", "otlp", …, "auth", "authenticator")`:

    receivers: {otlp: {protocols: {grpc: {auth: {authenticator: oidc}}}}}
    extensions: {oidc: {issuer_url: https://login}}
    service: {extensions: [oidc], pipelines: {traces: {receivers: [otlp], exporters: [debug]}}}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..catalogue.catalogue import Catalogue
from ..config.paths import ROLES, SECTIONS, Path, mapping_at
from ..rules.references import list_references
from .data_edits import Edit, Put, RenameKey

ComponentKey = tuple[str, str]
"""Section and id of a component, such as `exporters` and `otlp/backend`. It is also its path in a config."""


def type_of(component_id: Any) -> str:
    """Return the type in an id: `otlp` of `otlp/backend`."""
    return str(component_id).partition("/")[0]


def change_type(component_id: str, new_type: str) -> str:
    """Return an id with another type and the same name: `otlp/backend` becomes `otlp_grpc/backend`."""
    _type, slash, name = component_id.partition("/")
    return new_type + slash + name


def list_components(config: Any) -> Iterator[tuple[str, str, Any]]:
    """Yield section, id and settings of every component, such as `("exporters", "otlp/backend", {…})`."""
    for section_name in SECTIONS:
        for component_id, settings in mapping_at(config, section_name).items():
            if isinstance(component_id, str):
                yield section_name, component_id, settings


def find_component_uses(config: Any, catalogue: Catalogue) -> Iterator[tuple[Path, ComponentKey]]:
    """Yield the path of every mention of a component, with the component, which the config may lack.

    Pipelines and the service mention components, and so do settings such as `auth: {authenticator: basicauth}`.
    """
    for path, component_id in list_references(config):
        *_pipeline, role, _index = path  # of the service itself, the role is `extensions`
        possible_sections = ROLES.get(str(role), ("extensions",))
        yield path, (_find_defining_section(config, component_id, possible_sections), component_id)
    for section_name, component_id, settings in list_components(config):
        for reference in catalogue.list_references(section_name, type_of(component_id)):
            if reference.target_kind == "extensions":  # other keys name pipelines, which have no type to rename
                for path, value in reference.find_ids(settings):
                    yield (section_name, component_id, *path), ("extensions", value)


def _find_defining_section(config: Any, component_id: str, sections: Sequence[str]) -> str:
    """Return the first of the sections that defines a component, else the first of all.

    In the role `exporters`, an id may be that of an exporter or of a connector.
    """
    for section_name in sections:
        if component_id in mapping_at(config, section_name):
            return section_name
    return sections[0]


def list_renaming_edits(
    config: Any, catalogue: Catalogue, new_ids: Mapping[ComponentKey, str]
) -> dict[ComponentKey, list[Edit]]:
    """Return for each of these components the edits that give it its new id, in its section and in every mention."""
    edits: dict[ComponentKey, list[Edit]] = {}
    for component, new_id in new_ids.items():
        edits[component] = [RenameKey(component, new_id)]
    for path, component in find_component_uses(config, catalogue):
        if component in new_ids:
            edits[component].append(Put(path, new_ids[component]))
    return edits
