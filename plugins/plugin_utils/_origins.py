# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a value of Ansible comes from: its position in a file, and whether it was encrypted. Controller only. Private.

Ansible notes on values in which file, line and column they stand. Messages about options name that position. It also
tells how the file spells a value. For example, for `{version: 1.20}` in line 12 of hosts.yml, `position_of_entry(row,
"version")` returns `hosts.yml:12:10`, whose `read_spelling()` is `1.20`, while the value itself is the number 1.2.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from ..module_utils._otelcol.config.paths import Path, Position
from ._otelcol._yaml import find_written_form, strip_ansible_types

try:
    # Newer versions of ansible-core have the origin of every value as a tag, older ones as an attribute of text.
    # Neither is promised: without both, findings have a path and no line.
    from ansible._internal._datatag._tags import Origin, VaultedValue
except ImportError:
    Origin = VaultedValue = None


def are_tagged() -> bool:
    """Whether this version of ansible-core tags each value with its origin."""
    return Origin is not None


def collect_positions(value: Any, path: Path = ()) -> dict[Path, Position]:
    """Return the position of every value and key below `value`, if Ansible has it."""
    positions_by_path: dict[Path, Position] = {}
    _add_positions(value, path, positions_by_path)
    return positions_by_path


def find_decrypted_texts(value: Any) -> frozenset[str]:
    """Return the texts in a value that Ansible decrypted, as far as its version still knows."""
    if isinstance(value, str):
        return frozenset([strip_ansible_types(value)]) if _is_decrypted(value) else frozenset()
    decrypted_texts: set[str] = set()
    for entry in _child_values(value):
        decrypted_texts |= find_decrypted_texts(entry)
    return frozenset(decrypted_texts)


def _is_decrypted(text: str) -> bool:
    """Return whether Ansible decrypted a text: newer versions tag it, older ones keep what was encrypted."""
    if VaultedValue:
        return bool(VaultedValue.is_tagged_on(text))
    return hasattr(text, "_ciphertext")


def _child_values(value: Any) -> Iterable[Any]:
    """Return the values of a mapping, or the items of a list; nothing of any other value."""
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, (list, tuple)) else ()


def position_of_entry(values: Any, key: Any) -> Position:
    """Return the position of what is at a key of a mapping or an index of a list; an empty one if it is not known.

    Raises LookupError for a key or an index that is not there.
    """
    value = values[key]
    position = _read_origin(value) or _position_of_key(values, key) or _position_of_first_key(value)
    return _with_spelling(position or Position(), value)


def position_of(value: Any) -> Position:
    """Return where a value of Ansible stands in a file; an empty position if that is not known."""
    return _read_origin(value) or Position()


def _position_of_key(values: Any, key: Any) -> Position | None:
    """Return where a key of a mapping stands. Only the mapping's own key has an origin, an equal text has none."""
    if isinstance(values, Mapping):
        for own_key in values:
            if own_key == key:
                return _read_origin(own_key)
    return None


def _position_of_first_key(value: Any) -> Position | None:
    """Return where a mapping begins. ansible-core 2.18 keeps the origins of keys when it fills in templates."""
    first_key = next(iter(value), None) if isinstance(value, Mapping) else None
    return _read_origin(first_key)


def _with_spelling(position: Position, value: Any) -> Position:
    """Return a position that knows how its file spells the value, if that is no text and no container."""
    if value is None or isinstance(value, (str, Mapping, list, tuple)):
        return position
    return replace(
        position, read_spelling=partial(find_written_form, position.file, position.line, position.column, value)
    )


def _add_positions(value: Any, path: Path, positions_by_path: dict[Path, Position]) -> None:
    """Add the positions of a value and of all below it to `positions_by_path`.

    The key of an entry says where the entry begins.
    """
    position = _read_origin(value)
    if position:
        positions_by_path.setdefault(path, _with_spelling(position, value))
    if isinstance(value, Mapping):
        for key, entry in value.items():
            entry_path = (*path, str(key))
            key_position = _read_origin(key)
            # Before the value at the key, which does not replace it (`setdefault` above): a message names the line in
            # which the entry begins, also where its value begins in the next one.
            if key_position:
                positions_by_path[entry_path] = _with_spelling_of_entry(key_position, entry)
            _add_positions(entry, entry_path, positions_by_path)
    elif isinstance(value, (list, tuple)):
        for index, entry in enumerate(value):
            _add_positions(entry, (*path, index), positions_by_path)


def _with_spelling_of_entry(key_position: Position, entry: Any) -> Position:
    """Return the position of a key, which knows how the file spells the value at that key."""
    entry_position = _read_origin(entry) or key_position
    return replace(key_position, read_spelling=_with_spelling(entry_position, entry).read_spelling)


def _read_origin(value: Any) -> Position | None:
    """Return where a value stands in a file, as Ansible notes it; None if this version of Ansible does not know it."""
    if not are_tagged():
        file_line_column = getattr(value, "ansible_pos", None)
        return Position(*file_line_column) if file_line_column and file_line_column[0] else None
    origin = Origin.get_tag(value)
    if not origin or not origin.path:
        return None
    return Position(str(origin.path), origin.line_num or 0, origin.col_num or 0)
