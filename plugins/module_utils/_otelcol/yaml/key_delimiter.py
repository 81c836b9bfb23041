# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys with `::`, which the Collector takes for several keys below each other. Private.

Rules and edits know only the long form, so a document is changed into it right after it is read:

    service::telemetry::logs: {level: debug}    →    service: {telemetry: {logs: {level: debug}}}

Source: confmap.KeyDelimiter of the Collector. Keys in lists are not split.
"""

from __future__ import annotations

from typing import Any

from ..config.documents import merge_configs
from ..config.paths import Path, Position
from .yaml_documents import Document

_DELIMITER = "::"


def spread_document(document: Document) -> Document:
    """Return a document in which `service::pipelines` is `pipelines` below `service`, as the Collector reads keys."""
    if not _has_joined_key(document.data):
        return document
    positions: dict[Path, Position] = {}
    for path, position in document.positions.items():
        spread_path = _spread_path(path)
        positions[spread_path] = position
        # The keys that the split has made have no place of their own in the text: they get that of the joined key.
        for depth in range(len(path), len(spread_path)):
            positions.setdefault(spread_path[:depth], position)
    duplicates = tuple((_spread_path(path), position) for path, position in document.duplicates)
    return Document(_spread_data(document.data), positions, duplicates)


def _has_joined_key(data: Any) -> bool:
    """Whether a key is to be split, in data or in mappings below it."""
    if not isinstance(data, dict):
        return False
    if any(isinstance(key, str) and _DELIMITER in key for key in data):
        return True
    return any(map(_has_joined_key, data.values()))


def _spread_data(data: Any) -> Any:
    """Return data with split keys; what several keys bring to the same place is merged."""
    if not isinstance(data, dict):
        return data
    spread_data: dict[Any, Any] = {}
    for key, value in data.items():
        first_key, *later_keys = _split_key(key)
        nested_data = _spread_data(value)
        for later_key in reversed(later_keys):
            nested_data = {later_key: nested_data}
        spread_data[first_key] = (
            merge_configs([spread_data[first_key], nested_data]) if first_key in spread_data else nested_data
        )
    return spread_data


def _spread_path(path: Path) -> Path:
    """Return a path with split keys, up to the first index of a list."""
    spread_parts: list[Any] = []
    for part_index, path_part in enumerate(path):
        if isinstance(path_part, int):
            return (*spread_parts, *path[part_index:])
        spread_parts += _split_key(path_part)
    return tuple(spread_parts)


def _split_key(key: Any) -> list[Any]:
    return key.split(_DELIMITER) if isinstance(key, str) else [key]
