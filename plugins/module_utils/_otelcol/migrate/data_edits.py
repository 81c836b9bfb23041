# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Edits of a config's data, and of the names in it. What they do to its text is in text_edits.py. Private."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..catalogue.catalogue import Catalogue
from ..config.paths import ROLES, SECTIONS, Path, at, section
from ..rules.references import references


@dataclass(frozen=True)
class Edit:
    """Something that is done at a path."""

    path: Path


@dataclass(frozen=True)
class RenameKey(Edit):
    """Give the key at the end of a path another name."""

    key: str


@dataclass(frozen=True)
class Replace(Edit):
    """Put other entries where the one at a path is; none of them removes it."""

    entries: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class Drop(Edit):
    """Remove an item of a list."""


@dataclass(frozen=True)
class Put(Edit):
    """Give a scalar another value."""

    value: str


@dataclass(frozen=True)
class Substitute(Edit):
    """Replace a pattern inside a text."""

    pattern: re.Pattern[str]
    by: str


@dataclass(frozen=True)
class Add(Edit):
    """Add an entry to a mapping; the path ends in its key."""

    value: Any


@dataclass(frozen=True)
class Wrap(Edit):
    """Make a list with the mapping at a path as its only item."""


@dataclass(frozen=True)
class Change:
    """One thing that is done: where, what and why, and the edits that do it."""

    path: Path
    what: str
    why: str
    edits: tuple[Edit, ...]


@dataclass(frozen=True)
class Unsolved:
    """One remaining manual change: its position, the problem, and why it is not automatic."""

    path: Path
    what: str
    why: str


def apply_edits(config: Any, edits: Iterable[Edit]) -> Any:
    """Return the data of a config after edits, which all speak of the config as it is before them."""
    result = copy.deepcopy(config)
    replaced: dict[Path, dict[Any, tuple[tuple[Any, Any], ...]]] = {}
    # Inner ones first, and items of a list from its end, so that no edit moves what another one speaks of.
    for edit in sorted(edits, key=_order, reverse=True):
        parent = at(result, edit.path[:-1], {})
        if isinstance(edit, (RenameKey, Replace)):
            key = edit.path[-1]
            entries = edit.entries if isinstance(edit, Replace) else ((edit.key, parent[key]),)
            replaced.setdefault(edit.path[:-1], {})[key] = entries
        else:
            _set(parent, edit.path[-1], edit)
    # Keys come last, those of inner mappings first: paths lead through the names of before.
    for path in sorted(replaced, key=len, reverse=True):
        _entries(at(result, path), replaced[path])
    return result


def same_meaning(one: Any, other: Any) -> bool:
    """Whether two configs mean the same to the Collector: nothing, an empty mapping and an empty list are equal."""
    return repr(_plain(one)) == repr(_plain(other))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return sorted((repr(key), _plain(item)) for key, item in value.items()) or None
    return ([_plain(item) for item in value] or None) if isinstance(value, list) else value


def _order(edit: Edit) -> tuple[int, list[tuple[int, str]]]:
    numbers = [(part, "") if isinstance(part, int) else (0, str(part)) for part in edit.path]
    return len(edit.path), numbers


def _set(parent: Any, key: Any, edit: Edit) -> None:
    if isinstance(edit, Drop):
        del parent[key]
    elif isinstance(edit, Substitute):
        parent[key] = edit.pattern.sub(edit.by, parent[key])
    elif isinstance(edit, Wrap):
        parent[key] = [parent[key]]
    elif isinstance(edit, (Put, Add)):
        parent[key] = copy.deepcopy(edit.value)


def _entries(parent: dict[Any, Any], replaced: dict[Any, tuple[tuple[Any, Any], ...]]) -> None:
    """Put other entries in the places of some, in order."""
    kept = list(parent.items())
    parent.clear()
    for name, value in kept:
        if name not in replaced:
            parent[name] = value
        else:
            parent.update(replaced[name])


Id = tuple[str, str]  # section and component id


def type_of(component_id: Any) -> str:
    return str(component_id).partition("/")[0]


def with_type(component_id: str, kind: str) -> str:
    """Return an id with another type and the same name."""
    _type, slash, name = component_id.partition("/")
    return kind + slash + name


def defined_components(config: Any) -> Iterator[tuple[str, str, Any]]:
    """Yield section, id and settings of every component."""
    for name in SECTIONS:
        for component_id, settings in section(config, name).items():
            if isinstance(component_id, str):
                yield name, component_id, settings


def component_uses(config: Any, catalogue: Catalogue) -> Iterator[tuple[Path, Id]]:
    """Yield every place that names a component, with the component; those that nothing defines too."""
    for path, component_id in references(config):
        sections = ROLES.get(str(path[-2]), ("extensions",))
        known = (name for name in sections if component_id in section(config, name))
        yield path, (next(known, sections[0]), component_id)
    for name, component_id, settings in defined_components(config):
        for reference in catalogue.references(name, type_of(component_id)):
            if reference.to == "extensions":
                for path, value in reference.find(settings):
                    yield (name, component_id, *path), ("extensions", value)


def renaming_edits(config: Any, catalogue: Catalogue, wanted: Mapping[Id, str]) -> dict[Id, list[Edit]]:
    """Return the edits that give each of these components its new id, wherever it is named."""
    edits: dict[Id, list[Edit]] = {(name, old): [RenameKey((name, old), new)] for (name, old), new in wanted.items()}
    for path, key in component_uses(config, catalogue):
        if key in wanted:
            edits[key].append(Put(path, wanted[key]))
    return edits
