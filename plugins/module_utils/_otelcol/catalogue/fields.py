# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of component types, version by version, as the table `fields` has them. Private."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..config.layers import parse_version
from ..config.paths import Path
from .field_grammar import ANY_KEY, ANY_VALUE
from .reference_keys import parse_path
from .rows import IGNORED_VERSION, OPEN_MAPPING, Key, Row
from .version_ranges import is_in_span, parse_ranges


@dataclass(frozen=True)
class FieldTable:
    """The rows of settings, and mappings of settings that several types have."""

    rows: Sequence[Row]

    def find_fields(self, section: str, name: str, version: str = "") -> Row | None:
        """Return the settings of a type by its newest name, with those that a version adds, or None.

        They are those of the version, or of the nearest one that is known; without a version, of the newest.
        """
        row = self._find_row(section, name, version)
        added_paths = self._list_added_paths(row, version) if row and version else ()
        if row is None or not added_paths:
            return row
        settings = row["fields"]
        for path in added_paths:
            settings = allow_setting(settings, parse_path(path), self.shared_fields)
        return {**row, "fields": settings}

    def _find_row(self, section: str, name: str, version: str) -> Row | None:
        """Return the last row that has begun at a version, else the first one of the type."""
        rows = self._by_type.get((section, name), [])
        parsed_version = parse_version(version)
        begun_rows = [row for row in rows if not version or parse_ranges(row["exact"])[0][0] <= parsed_version]
        return next(iter(begun_rows[-1:] or rows[:1]), None)

    @staticmethod
    def _list_added_paths(row: Row, version: str) -> Sequence[str]:
        """Return the paths of settings that a version has beside those of the row."""
        paths_by_span: Mapping[str, Sequence[str]] = row.get("more", {})
        parsed_version = parse_version(version)
        return next(
            (paths for span, paths in paths_by_span.items() if is_in_span(parse_ranges(span)[0], parsed_version)), ()
        )

    @cached_property
    def shared_fields(self) -> dict[str, Any]:
        """Mappings of settings that several types have, by the label that stands for them."""
        return {row["define"]: row["fields"] for row in self.rows if "define" in row}

    @cached_property
    def _by_type(self) -> dict[Key, list[Row]]:
        """The settings of each type, in the order of the versions that have them."""
        rows_by_type: dict[Key, list[Row]] = {}
        for row in self.rows:
            if "type" in row:
                rows_by_type.setdefault((row["section"], row["type"]), []).append(row)
        return rows_by_type


def allow_setting(node: Any, path: Path, shared: Mapping[str, Any]) -> Any:
    """Return settings in which anything is valid at a path; unknown keys are ignored where it ends in `?`.

    A node is what a setting takes, see `field_grammar`; `shared` has the nodes of labels.
    """
    if not path:
        return ANY_VALUE
    node = shared.get(node, node) if isinstance(node, str) else node
    if isinstance(node, list) and len(node) > 1:
        shape, item_node = node[0], node[1]
        return [shape, allow_setting(item_node, path[1:], shared)]
    if not isinstance(node, dict):
        return node
    if path == ("?",):
        return {**node, OPEN_MAPPING: IGNORED_VERSION}
    key = path[0] if path[0] in node or len(path) == 1 else ANY_KEY
    return {**node, key: allow_setting(node.get(key), path[1:], shared)}
