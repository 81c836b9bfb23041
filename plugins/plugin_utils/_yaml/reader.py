# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where values of the inventory were written, and the values without Ansible's types. Controller only. Private."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...module_utils._core.config.paths import Path, Position
from ...module_utils._core.config.yaml_nodes import Invalid, short

try:
    # Newer versions of ansible-core have the origin of every value as a tag, older ones as an attribute of text.
    # Neither is promised: without both, findings have a path and no line.
    from ansible._internal._datatag._tags import Origin
except ImportError:
    Origin = None

__all__ = ["Invalid", "plain", "positions"]


def positions(value: Any, path: Path = ()) -> dict[Path, Position]:
    """Return the position of every value and key below `value`, if Ansible has it."""
    found: dict[Path, Position] = {}
    _collect(value, path, found)
    return found


def plain(value: Any) -> Any:
    """Return the value as mappings, lists and scalars without any of Ansible's types around them."""
    if isinstance(value, Mapping):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return short(int(value), hex(value))
    if isinstance(value, str):
        return str.__str__(value)  # ansible-core 2.18 has a text whose own __str__ returns that same type
    return float(value) if isinstance(value, float) else str(value)


def _collect(value: Any, path: Path, found: dict[Path, Position]) -> None:
    position = _position(value)
    if position:
        found.setdefault(path, position)
    if isinstance(value, Mapping):
        for key, item in value.items():
            here = (*path, str(key))
            key_place = _position(key)
            if key_place:
                found[here] = key_place
            _collect(item, here, found)
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            _collect(item, (*path, index), found)


def _position(value: Any) -> Position | None:
    if Origin is not None:
        origin = Origin.get_tag(value)
        return (
            Position(str(origin.path or ""), origin.line_num or 0, origin.col_num or 0)
            if origin and origin.path
            else None
        )
    legacy = getattr(value, "ansible_pos", None)
    return Position(*legacy) if legacy and legacy[0] else None
