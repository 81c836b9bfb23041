# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a tree of mappings, lists and values has all of another one. Private.

The server adds defaults to what was applied, so an object is compared in one direction only. For example,
`{ports: [{port: 4317}]}` is within `{ports: [{port: 80}, {port: 4317, protocol: TCP}], type: ClusterIP}`. An empty
mapping or list is within any other one, and a null within a mapping that lacks the key.
"""

from __future__ import annotations

from typing import Any


def is_within(part: Any, whole: Any) -> bool:
    """Return whether every value of one tree is in another, whose mappings and lists may have more, in any order."""
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(is_within(value, whole.get(key)) for key, value in part.items())
    if isinstance(part, list) and isinstance(whole, list):
        return all(_is_within_an_item(value, whole) for value in part)
    return bool(part == whole)


def _is_within_an_item(part: Any, items: list[Any]) -> bool:
    return any(is_within(part, item) for item in items)
