# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The edits of a migration, and what they do to the data of a config. text_edits.py does the same to its text. Private.

A step of a migration (steps.py) yields a `ConfigChange` for each thing that it changes, or an `Unsolved` for a person:

    ConfigChange(("exporters", "otlphttp"), "otlphttp → otlp_http", "Renamed in 0.144.0.",
        (RenameKey(("exporters", "otlphttp"), "otlp_http"), Put(("service", "pipelines", "traces", "exporters", 0), …)))

`_migration_steps.py` applies the edits of a step before it asks the next one. All paths of the edits of one step are
those of the config before the step. An entry is a key of a mapping with its value.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..config.paths import Path

Entries = tuple[tuple[Any, Any], ...]
"""Pairs of key and value."""


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

    entries: Entries = ()


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
    """Return the data of a config after edits. The paths of all edits are those of the config before any edit.

    So the order in which the edits are given does not matter. Of the config `{a: {old: 0}, list: [x, y, z]}`, the edits

        RenameKey(("a",), "b"), RenameKey(("a", "old"), "new"), Drop(("list", 0)), Put(("list", 2), "w")

    make `{b: {new: 0}, list: [y, w]}`, as they are done in this order: `Put` at index 2, `Drop` at index 0, the key
    `old`, and the key `a`.
    """
    edited_config = copy.deepcopy(config)
    # By the path of a mapping and one of its keys, the entries that come into the place of the key.
    replaced_entries: dict[Path, dict[Any, Entries]] = {}
    # Inner edits come first, and items of a list from its end, so that no edit moves the place of a later one.
    for edit in sorted(edits, key=_edit_sort_key, reverse=True):
        *steps_to_container, key = edit.path
        container = _follow(edited_config, steps_to_container)
        if isinstance(edit, RenameKey):
            replaced_entries.setdefault(tuple(steps_to_container), {})[key] = ((edit.key, container[key]),)
        elif isinstance(edit, Replace):
            replaced_entries.setdefault(tuple(steps_to_container), {})[key] = edit.entries
        else:
            _apply_to_entry(container, key, edit)
    # Keys come last, those of inner mappings first, since paths lead through the old keys.
    for path in sorted(replaced_entries, key=len, reverse=True):
        _replace_entries(_follow(edited_config, path), replaced_entries[path])
    return edited_config


def _follow(config: Any, path: Iterable[str | int]) -> Any:
    """Return what is at a path.

    Raises an error if the path leads nowhere, which no step may do: the edit would be lost, and reported as done.
    """
    for step in path:
        config = config[step]
    return config


def has_same_meaning(config: Any, other_config: Any) -> bool:
    """Whether two configs mean the same to the Collector: null, an empty mapping and an empty list are equal."""
    return repr(_normalize(config)) == repr(_normalize(other_config))


def _normalize(value: Any) -> Any:
    """Return a value in which mappings have an order, and empty mappings and lists are None.

    `{b: {}, a: 1}` becomes `[("'a'", 1), ("'b'", None)]`. The keys become texts, since YAML has keys of several types,
    which cannot be sorted together.
    """
    if isinstance(value, dict):
        return sorted((repr(key), _normalize(child)) for key, child in value.items()) or None
    if isinstance(value, list):
        return [_normalize(child) for child in value] or None
    return value


def _edit_sort_key(edit: Edit) -> tuple[int, list[tuple[int, str]]]:
    """Return a key that orders edits by depth, then by path: `("list", 2)` has `(2, [(0, "list"), (2, "")])`.

    Each step becomes a pair of number and text, since Python cannot compare an index with a key.
    """
    comparable_steps = [(step, "") if isinstance(step, int) else (0, str(step)) for step in edit.path]
    return len(edit.path), comparable_steps


def _apply_to_entry(container: Any, key: Any, edit: Edit) -> None:
    """Change the value of a key or an index in place, in a config that is a copy already."""
    if isinstance(edit, Drop):
        del container[key]
    elif isinstance(edit, Substitute):
        container[key] = edit.pattern.sub(edit.replacement, container[key])
    elif isinstance(edit, Wrap):
        container[key] = [container[key]]
    elif isinstance(edit, (Put, Add)):
        # A copy: several edits may have the same value, and a later step may change it in one place.
        container[key] = copy.deepcopy(edit.value)


def _replace_entries(mapping: dict[Any, Any], new_entries: dict[Any, Entries]) -> None:
    """Put new entries in the places of old ones; `new_entries` has them by the key that they replace.

    The mapping is filled anew, since a dict cannot have an entry in the place of another: new keys would come last.
    """
    old_entries = list(mapping.items())
    mapping.clear()
    for key, value in old_entries:
        mapping.update(new_entries.get(key, ((key, value),)))
