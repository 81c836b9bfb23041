# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of component types, version by version, from the table `fields` of the catalogue. Private.

`Catalogue` asks which settings a type has in a version. A row of the table looks so:

    {"section": "exporters", "type": "debug", "exact": "0.155.0..0.162.0", "fields": {"verbosity": "s~basic|normal"},
      "more": {"0.157.0..": ["output_paths"]}}

It has the settings of a type (`fields`) for some versions (`exact`). `more` has paths of settings that some of these
versions have in addition. A row with `define` has a mapping of settings that several types have, under a label such as
`#2`. field_grammar.py says how a row writes what a setting takes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from ..config.collector_versions import Version, parse_version
from ..config.paths import Path
from .field_grammar import ANY_KEY, ANY_VALUE
from .reference_keys import parse_path
from .rows import IGNORED_VERSION, OPEN_MAPPING, Key, Row
from .table_rows import FieldRow
from .version_ranges import is_in_ranges, is_in_span, last_release_in, parse_ranges, version_as_number


@dataclass(frozen=True)
class FieldTable:
    """The rows of the table `fields`, and the releases of the table `builds`."""

    rows: Sequence[Row]
    releases: Sequence[str] = ()

    def find_fields(self, section: str, name: str, version: str = "") -> FieldRow | None:
        """Return the row with the settings of a type, with those that the version adds; None if there is no row.

        `name` is the newest name of the type. Without a version, the row is the newest one.
        """
        row = self._find_row(section, name, version)
        if row is None or not version:
            return row
        added_paths = _list_added_paths(row, version)
        if not added_paths:
            return row
        settings = row["fields"]
        for path in added_paths:
            settings = allow_setting(settings, parse_path(path), self.shared_fields)
        return {**row, "fields": settings}

    def find_nearest_fields(self, section: str, name: str, version: str) -> FieldRow | None:
        """Return the row with the settings of a type at the nearest version whose settings are known.

        `near` of the row is that version, and `doubt` says so in words. `name` is the newest name of the type.
        """
        row = self.find_fields(section, name, version)
        if row is None:
            return None
        nearest_version = self.find_nearest_version(row["exact"], version)
        # Asked again, since the settings that `more` adds depend on the version.
        nearest_row = self.find_fields(section, name, nearest_version) or row
        return {
            **nearest_row,
            "near": nearest_version,
            "doubt": f"by the settings of {nearest_version}, the nearest known version",
        }

    def find_nearest_version(self, ranges: str, version: str) -> str:
        """Return the version if it is in the ranges, else the release in the ranges that is nearest to it."""
        if is_in_ranges(ranges, version):
            return version
        releases = [release for release in self.releases if is_in_ranges(ranges, release)]
        # Settings may be known of a release that the table of builds lacks.
        releases += [last_release_in(span) for span in parse_ranges(ranges)]
        target_rank = version_as_number(parse_version(version))

        def distance(release: str) -> float:
            return abs(version_as_number(parse_version(release)) - target_rank)

        return min(releases, key=distance, default="")

    @cached_property
    def newest_release(self) -> str:
        """The newest release of the Collector whose settings or builds are known; empty text if there is none."""
        releases = []
        for row in self.rows:
            if row.get("section") == "service":
                releases += [last_release_in(span) for span in parse_ranges(row["exact"])]
        releases += self.releases
        return max(releases, key=parse_version, default="")

    def _find_row(self, section: str, name: str, version: str) -> FieldRow | None:
        """Return the last row of a type that begins at a version or before it, else the first row of the type."""
        rows = self._by_type.get((section, name), [])
        if not rows:
            return None
        if not version:
            return rows[-1]
        parsed_version = parse_version(version)
        begun_rows = [row for row in rows if _find_first_version(row) <= parsed_version]
        return begun_rows[-1] if begun_rows else rows[0]

    @cached_property
    def shared_fields(self) -> dict[str, Any]:
        """Mappings of settings that several types have, by the label that stands for them."""
        return {row["define"]: row["fields"] for row in self.rows if "define" in row}

    @cached_property
    def _by_type(self) -> dict[Key, list[FieldRow]]:
        """The settings of each type, in the order of the versions that have them."""
        rows_by_type: dict[Key, list[FieldRow]] = {}
        for row in self.rows:
            if "type" in row:
                rows_by_type.setdefault((row["section"], row["type"]), []).append(cast("FieldRow", row))
        return rows_by_type


def _find_first_version(row: FieldRow) -> Version:
    """Return the first version whose settings a row has: 0.155.0 of `0.155.0..0.162.0`."""
    since, _until = parse_ranges(row["exact"])[0]
    return since


def _list_added_paths(row: FieldRow, version: str) -> Sequence[str]:
    """Return the paths of settings that a version has in addition to those of the row."""
    parsed_version = parse_version(version)
    for span_text, paths in row.get("more", {}).items():
        span = parse_ranges(span_text)[0]
        if is_in_span(span, parsed_version):
            return paths
    return ()


def allow_setting(node: Any, path: Path, shared: Mapping[str, Any]) -> Any:
    """Return settings in which any value is valid at a path. If the path ends in `?`, unknown keys are ignored there.

    With the path `("tls", "ca_file")`, `{"tls": {"insecure": "b"}}` becomes `{"tls": {"insecure": "b", "ca_file":
    "?"}}`. `node` is what a setting takes, as `field_grammar.py` says; `shared` has the nodes that labels stand for.
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
