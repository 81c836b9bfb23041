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
from typing import Any, NamedTuple

from ..catalogue.catalogue import Catalogue
from ..config.paths import ROLES, SECTIONS, Path, mapping_at
from ..rules.references import list_references
from .data_edits import Edit, Put, RenameKey

ComponentKey = tuple[str, str]
"""Section and id of a component, such as `exporters` and `otlp/backend`. It is also its path in a config."""


class FoundComponent(NamedTuple):
    """A component of a config, such as `("exporters", "otlp/backend", {…})`."""

    section: str
    id: str
    settings: Any

    @property
    def type(self) -> str:
        """The type in its id."""
        return type_of(self.id)


class Mention(NamedTuple):
    """A place at which a config names a component."""

    path: Path
    component: ComponentKey
    """The component, which the config may lack."""


def type_of(component_id: Any) -> str:
    """Return the type in an id: `otlp` of `otlp/backend`."""
    return str(component_id).partition("/")[0]


def change_type(component_id: str, new_type: str) -> str:
    """Return an id with another type and the same name: `otlp/backend` becomes `otlp_grpc/backend`."""
    _type, slash, name = component_id.partition("/")
    return new_type + slash + name


def list_components(config: Any) -> Iterator[FoundComponent]:
    """Yield every component with an id that is text."""
    for section_name in SECTIONS:
        for component_id, settings in mapping_at(config, section_name).items():
            if isinstance(component_id, str):
                yield FoundComponent(section_name, component_id, settings)


def list_mentions(config: Any, catalogue: Catalogue) -> Iterator[Mention]:
    """Yield every mention of a component, in pipelines and the service first, then in settings.

    Settings mention extensions, as `auth: {authenticator: basicauth}` does.
    """
    for reference in list_references(config):
        possible_sections = ROLES.get(reference.role, ("extensions",))
        section_name = _find_defining_section(config, reference.id, possible_sections)
        yield Mention(reference.path, (section_name, reference.id))
    for component in list_components(config):
        yield from _list_mentions_in_settings(component, catalogue)


def _find_defining_section(config: Any, component_id: str, sections: Sequence[str]) -> str:
    """Return the first of the sections that defines a component, else the first of all.

    In the role `exporters`, an id may be that of an exporter or of a connector.
    """
    for section_name in sections:
        if component_id in mapping_at(config, section_name):
            return section_name
    return sections[0]


def _list_mentions_in_settings(component: FoundComponent, catalogue: Catalogue) -> Iterator[Mention]:
    """Yield the mentions of extensions in the settings of a component."""
    for reference_key in catalogue.list_references(component.section, component.type):
        if reference_key.target_kind != "extensions":  # it names pipelines, which have no type to rename
            continue
        for path, extension_id in reference_key.find_ids(component.settings):
            yield Mention((component.section, component.id, *path), ("extensions", extension_id))


def list_renaming_edits(
    config: Any, catalogue: Catalogue, new_ids: Mapping[ComponentKey, str]
) -> dict[ComponentKey, list[Edit]]:
    """Return for each of these components the edits that give it its new id, in its section and in every mention."""
    edits: dict[ComponentKey, list[Edit]] = {}
    for component, new_id in new_ids.items():
        edits[component] = [RenameKey(component, new_id)]
    for mention in list_mentions(config, catalogue):
        if mention.component in new_ids:
            edits[mention.component].append(Put(mention.path, new_ids[mention.component]))
    return edits
