# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a value of Ansible comes from: its position in a file, and how the file spells it. Controller only. Private.

Ansible notes on values in which file, line and column they stand. Messages about options name that position. For
example, for `{version: 1.20}` in line 12 of hosts.yml, `position_of_entry(row, "version")` returns `hosts.yml:12:10`,
whose `read_spelling()` is `1.20`, while the value itself is the number 1.2.

Not every value has a note. Then the note of its key, or of the first key in it, stands for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from ..module_utils._otelcol.config.paths import Path, Position
from ._otelcol._yaml import find_written_form

try:
    # Newer versions of ansible-core have the origin of every value as a tag, older ones as an attribute of text.
    # Neither is promised: without both, findings have a path and no line.
    from ansible._internal._datatag._tags import Origin
except ImportError:
    Origin = None


# ── What Ansible notes on a value ──


def are_tagged() -> bool:
    """Whether this version of ansible-core tags each value with its origin."""
    return Origin is not None


def _read_origin(value: Any) -> Position | None:
    """Return where a value stands in a file, as Ansible notes it; None if this version of Ansible does not know it."""
    if not are_tagged():
        file_line_column = getattr(value, "ansible_pos", None)
        return Position(*file_line_column) if file_line_column and file_line_column[0] else None
    origin = Origin.get_tag(value)
    if not origin or not origin.path:
        return None
    return Position(str(origin.path), origin.line_num or 0, origin.col_num or 0)


# ── The position of one value ──


def position_of(value: Any) -> Position:
    """Return where a value of Ansible stands in a file; an empty position if that is not known."""
    return _read_origin(value) or Position()


def position_of_entry(values: Any, key: Any) -> Position:
    """Return the position of what is at a key of a mapping or an index of a list; an empty one if it is not known.

    Raises LookupError for a key or an index that is not there.
    """
    value = values[key]
    position = (
        _read_origin(value)
        or _read_origin(_find_own_key(values, key))
        # ansible-core 2.18 keeps the origins of keys when it fills in templates, so a mapping begins at its first key.
        or _read_origin(_find_first_key(value))
        or Position()
    )
    return _add_spelling(position, value, position)


def _find_own_key(values: Any, key: Any) -> Any:
    """Return the key of a mapping that is equal to `key`: it has an origin, and an equal text has none."""
    if isinstance(values, Mapping):
        for own_key in values:
            if own_key == key:
                return own_key
    return None


def _find_first_key(value: Any) -> Any:
    """Return the first key of a mapping; None without one."""
    return next(iter(value), None) if isinstance(value, Mapping) else None


def _add_spelling(position: Position, value: Any, value_position: Position) -> Position:
    """Return a position that knows how its file spells the value, if that is no text and no container.

    The spelling is read at `value_position`, where the value or its key stands.
    """
    if value is None or isinstance(value, (str, Mapping, list, tuple)):
        return position
    file, line, column = value_position.file, value_position.line, value_position.column
    return replace(position, read_spelling=partial(find_written_form, file, line, column, value))


# ── The positions of all values ──


def collect_positions(value: Any, path: Path = ()) -> dict[Path, Position]:
    """Return the position of every value below `value`, if Ansible has it; of an entry of a mapping, that of its key.

    A message names the line in which the entry begins, also where its value begins in the next one.
    """
    return dict(_iter_positions(value, path, key_position=None))


def _iter_positions(value: Any, path: Path, key_position: Position | None) -> Iterator[tuple[Path, Position]]:
    """Yield the position of a value and of all below it, each with its path. `key_position` is where its key stands."""
    value_position = _read_origin(value)
    position = key_position or value_position
    if position:
        yield path, _add_spelling(position, value, value_position or position)
    if isinstance(value, Mapping):
        for key, entry in value.items():
            yield from _iter_positions(entry, (*path, str(key)), _read_origin(key))
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _iter_positions(item, (*path, index), key_position=None)
