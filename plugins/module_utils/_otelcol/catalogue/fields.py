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
from .reference_keys import path_of
from .rows import IGNORED, OPEN, Key, Row
from .version_ranges import in_span, ranges_of


@dataclass(frozen=True)
class FieldTable:
    """The rows of settings, and mappings of settings that several types have."""

    rows: Sequence[Row]

    def of_type(self, section: str, name: str, version: str = "") -> Row | None:
        """Return the settings of a type by its newest name, with those that a version adds, or None.

        They are those of the version, or of the nearest one that is known; without a version, of the newest.
        """
        row = self._row_for(section, name, version)
        added = self._added_paths(row, version) if row and version else ()
        if row is None or not added:
            return row
        settings = row["fields"]
        for path in added:
            settings = with_setting(settings, path_of(path), self.shared)
        return {**row, "fields": settings}

    def _row_for(self, section: str, name: str, version: str) -> Row | None:
        """Return the last row that has begun at a version, else the first one of the type."""
        rows = self._by_type.get((section, name), [])
        number = parse_version(version)
        begun = [row for row in rows if not version or ranges_of(row["exact"])[0][0] <= number]
        return next(iter(begun[-1:] or rows[:1]), None)

    @staticmethod
    def _added_paths(row: Row, version: str) -> Sequence[str]:
        """Return the paths of settings that a version has beside those of the row."""
        more: Mapping[str, Sequence[str]] = row.get("more", {})
        number = parse_version(version)
        return next((paths for span, paths in more.items() if in_span(ranges_of(span)[0], number)), ())

    @cached_property
    def shared(self) -> dict[str, Any]:
        """Mappings of settings that several types have, by the label that stands for them."""
        return {row["define"]: row["fields"] for row in self.rows if "define" in row}

    @cached_property
    def _by_type(self) -> dict[Key, list[Row]]:
        """The settings of each type, in the order of the versions that have them."""
        found: dict[Key, list[Row]] = {}
        for row in self.rows:
            if "type" in row:
                found.setdefault((row["section"], row["type"]), []).append(row)
        return found


def with_setting(node: Any, path: Path, shared: Mapping[str, Any]) -> Any:
    """Return settings in which anything is valid at a path; unknown keys are ignored where it ends in `?`.

    A node is what a setting takes, see `field_grammar`; `shared` has the nodes of labels.
    """
    if not path:
        return ANY_VALUE
    node = shared.get(node, node) if isinstance(node, str) else node
    if isinstance(node, list) and len(node) > 1:
        shape, of_items = node[0], node[1]
        return [shape, with_setting(of_items, path[1:], shared)]
    if not isinstance(node, dict):
        return node
    if path == ("?",):
        return {**node, OPEN: IGNORED}
    key = path[0] if path[0] in node or len(path) == 1 else ANY_KEY
    return {**node, key: with_setting(node.get(key), path[1:], shared)}
