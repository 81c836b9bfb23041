# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Component ids: everything that names one, so that it can get another name everywhere. Private."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..config.catalogue import Catalogue
from ..config.paths import ROLES, SECTIONS, Path, section
from ..lint.references import references
from .edits import Edit, Put, RenameKey

Id = tuple[str, str]  # section and component id


def type_of(component_id: Any) -> str:
    """Return the type in an id."""
    return str(component_id).partition("/")[0]


def with_type(component_id: str, kind: str) -> str:
    """Return an id with another type and the same name."""
    _type, slash, name = component_id.partition("/")
    return kind + slash + name


def components(config: Any) -> Iterator[tuple[str, str, Any]]:
    """Yield section, id and settings of every component."""
    for name in SECTIONS:
        for component_id, settings in section(config, name).items():
            if isinstance(component_id, str):
                yield name, component_id, settings


def uses(config: Any, catalogue: Catalogue) -> Iterator[tuple[Path, Id]]:
    """Yield every place that names a component, with the component; those that nothing defines too."""
    for path, component_id in references(config):
        sections = ROLES.get(str(path[-2]), ("extensions",))
        known = (name for name in sections if component_id in section(config, name))
        yield path, (next(known, sections[0]), component_id)
    for name, component_id, settings in components(config):
        for reference in catalogue.references(name, type_of(component_id)):
            if reference.to == "extensions":
                for path, value in reference.find(settings):
                    yield (name, component_id, *path), ("extensions", value)


def renaming(config: Any, catalogue: Catalogue, wanted: Mapping[Id, str]) -> dict[Id, list[Edit]]:
    """Return the edits that give each of these components its new id, wherever it is named."""
    edits: dict[Id, list[Edit]] = {(name, old): [RenameKey((name, old), new)] for (name, old), new in wanted.items()}
    for path, key in uses(config, catalogue):
        if key in wanted:
            edits[key].append(Put(path, wanted[key]))
    return edits
