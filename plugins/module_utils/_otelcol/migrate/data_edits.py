# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The edits of a migration, and what they do to the data of a config. text_edits.py does the same to its text. Private.

A step of a migration (steps.py) yields a `ConfigChange` for each thing that it changes, or an `Unsolved` for a person:

    ConfigChange(("exporters", "otlphttp"), "otlphttp → otlp_http", "Renamed in 0.144.0.",
        (RenameKey(("exporters", "otlphttp"), "otlp_http"), Put(("service", "pipelines", "traces", "exporters", 0), …)))

`_migrate.py` has the edits of a step applied before it asks the next one. All paths of the edits of one step are those
of the config before the step. An entry is a key of a mapping with its value.

The second half of the file finds components and their mentions in a config, as most steps need.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..catalogue.catalogue import Catalogue
from ..config.paths import ROLES, SECTIONS, Path, mapping_at, value_at
from ..rules.references import list_references


@dataclass(frozen=True)
class Edit:
    """Something that is done at a path of a config. Each subclass is one kind of edit."""

    path: Path


@dataclass(frozen=True)
class RenameKey(Edit):
    """Give the key at the end of a path another name: `{otlphttp: {}}` becomes `{otlp_http: {}}`."""

    key: str


@dataclass(frozen=True)
class Replace(Edit):
    """Put other entries in the place of the entry at a path; without entries, remove it.

    `entries` are pairs of key and value: `Replace(("a", "b"), (("c", 1),))` makes `{a: {c: 1}}` of `{a: {b: 0}}`.
    """

    entries: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class Drop(Edit):
    """Remove an item of a list. The path ends in its index."""


@dataclass(frozen=True)
class Put(Edit):
    """Give the scalar at a path another value, such as the id of an exporter that a pipeline lists."""

    value: str


@dataclass(frozen=True)
class Substitute(Edit):
    r"""Replace each match of a pattern in the text at a path; `replacement` is that of `re.sub`, such as `\1x`."""

    pattern: re.Pattern[str]
    replacement: str


@dataclass(frozen=True)
class Add(Edit):
    """Add an entry to a mapping; the path ends in its key."""

    value: Any


@dataclass(frozen=True)
class Wrap(Edit):
    """Put the mapping at a path into a list as its only item."""


@dataclass(frozen=True)
class ConfigChange:
    """One automatic change of a config."""

    path: Path
    description: str
    """What changes, such as `otlphttp → otlp_http`."""
    reason: str
    edits: tuple[Edit, ...]


@dataclass(frozen=True)
class Unsolved:
    """One change that a person has to make."""

    path: Path
    description: str
    """The problem, such as `'loki' was removed in 0.131.0`."""
    reason: str
    """Why the change is not automatic, or what to do."""


def apply_edits(config: Any, edits: Iterable[Edit]) -> Any:
    """Return the data of a config after edits. The paths of all edits are those of the config before any edit."""
    edited_config = copy.deepcopy(config)
    # By the path of a mapping, the entries that come into the place of each of its keys.
    replaced_entries: dict[Path, dict[Any, tuple[tuple[Any, Any], ...]]] = {}
    # Inner edits come first, and items of a list from its end, so that no edit moves the place of a later one.
    for edit in sorted(edits, key=_edit_sort_key, reverse=True):
        parent = value_at(edited_config, edit.path[:-1], {})
        if isinstance(edit, (RenameKey, Replace)):
            key = edit.path[-1]
            entries = edit.entries if isinstance(edit, Replace) else ((edit.key, parent[key]),)
            replaced_entries.setdefault(edit.path[:-1], {})[key] = entries
        else:
            _apply_to_entry(parent, edit.path[-1], edit)
    # Keys come last, those of inner mappings first, since paths lead through the old keys.
    for path in sorted(replaced_entries, key=len, reverse=True):
        _replace_entries(value_at(edited_config, path), replaced_entries[path])
    return edited_config


def has_same_meaning(config: Any, other_config: Any) -> bool:
    """Whether two configs mean the same to the Collector: null, an empty mapping and an empty list are equal."""
    return repr(_normalize(config)) == repr(_normalize(other_config))


def _normalize(value: Any) -> Any:
    """Return a value in which mappings have an order, and empty mappings and lists are None.

    `{b: {}, a: 1}` becomes `[("'a'", 1), ("'b'", None)]`.
    """
    if isinstance(value, dict):
        return sorted((repr(key), _normalize(child)) for key, child in value.items()) or None
    if isinstance(value, list):
        return [_normalize(child) for child in value] or None
    return value


def _edit_sort_key(edit: Edit) -> tuple[int, list[tuple[int, str]]]:
    """Return a key that orders edits by depth, then by path; it makes numbers and texts of paths comparable."""
    sortable_parts = [(part, "") if isinstance(part, int) else (0, str(part)) for part in edit.path]
    return len(edit.path), sortable_parts


def _apply_to_entry(parent: Any, key: Any, edit: Edit) -> None:
    """Change the value of a key or an index in place, in a config that is a copy already."""
    if isinstance(edit, Drop):
        del parent[key]
    elif isinstance(edit, Substitute):
        parent[key] = edit.pattern.sub(edit.replacement, parent[key])
    elif isinstance(edit, Wrap):
        parent[key] = [parent[key]]
    elif isinstance(edit, (Put, Add)):
        parent[key] = copy.deepcopy(edit.value)


def _replace_entries(parent: dict[Any, Any], new_entries: dict[Any, tuple[tuple[Any, Any], ...]]) -> None:
    """Put new entries in the places of old ones; `new_entries` has them by the key that they replace."""
    old_entries = list(parent.items())
    parent.clear()
    for name, value in old_entries:
        if name not in new_entries:
            parent[name] = value
        else:
            parent.update(new_entries[name])


# ── Components ──

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
        possible_sections = ROLES.get(str(path[-2]), ("extensions",))
        yield path, (_find_defining_section(config, component_id, possible_sections), component_id)
    for section_name, component_id, settings in list_components(config):
        for reference in catalogue.list_references(section_name, type_of(component_id)):
            if reference.target_kind == "extensions":
                for path, value in reference.find_ids(settings):
                    yield (section_name, component_id, *path), ("extensions", value)


def _find_defining_section(config: Any, component_id: str, sections: Sequence[str]) -> str:
    """Return the first of the sections that defines a component, else the first of all."""
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
