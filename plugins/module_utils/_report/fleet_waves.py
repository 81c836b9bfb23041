# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet by wave: how its collectors are, which versions run, what differs, and what has passed. Private."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._otelcol.errors import join_at_most

_MOST_NAMES = 5
Row = Mapping[str, Any]


@dataclass(frozen=True)
class FleetWaves:
    """The clusters and hosts of each wave by its name, in order; or why the waves cannot be planned."""

    members: Mapping[str, Sequence[str]] = field(default_factory=dict)
    problem: str = ""


NO_WAVES = FleetWaves()


def build_wave_rows(waves: FleetWaves, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return a row for each wave; `rows` are those of clusters and hosts. What the report leaves out is not counted."""
    rows_by_name = {str(row["name"]): row for row in rows}
    row_per_wave = []
    for wave_name, member_names in waves.members.items():
        listed_members = [rows_by_name[member] for member in member_names if member in rows_by_name]
        row_per_wave.append(_build_wave_row(wave_name, listed_members))
    return row_per_wave


def _build_wave_row(name: str, members: Sequence[Row]) -> dict[str, Any]:
    """Return the row of a wave of these clusters and hosts."""
    collectors: list[Row] = []
    for member in members:
        collectors += member["collectors"]
    versions = Counter(str(collector["version"]) for collector in collectors)
    member_text = ""
    if members:
        member_names = [str(member["name"]) for member in members]
        member_text = f"{len(members)}: {join_at_most(_MOST_NAMES, member_names)}"
    return {
        "name": name,
        "members": member_text,
        "versions": [{"version": version, "count": count} for version, count in sorted(versions.items())],
        **count_states(collectors),
        "differs": _describe_differences(members),
        "passed": _describe_passed_releases(
            name, [collector for collector in collectors if collector.get("mode") != "sidecar"]
        ),
    }


def count_states(collectors: Iterable[Row]) -> dict[str, int]:
    """Return how many collectors are how."""
    states = Counter(str(collector["status"]) for collector in collectors)
    return {
        "healthy": states["healthy"],
        "ailing": states["error"] + states["warning"],
        "unseen": states["unknown"] + states[""],
    }


def _describe_differences(members: Sequence[Row]) -> str:
    """Return how many objects and files differ from the inventory, and how many members could not say."""
    unread_count = sum(not member["drift"]["read"] for member in members)
    if unread_count == len(members):
        return "not read"
    object_count = sum(len(member["drift"]["objects"]) for member in members)
    return f"{object_count}, {unread_count} not read" if unread_count else str(object_count)


def _describe_passed_releases(name: str, collectors: Sequence[Row]) -> list[str]:
    """Return how many collectors run a release that has passed this wave, and the last record of it.

    A sidecar passes none, since its pods belong to applications.
    """
    if not collectors:
        return []
    read_collectors = [collector for collector in collectors if collector["read"]]
    if not read_collectors:
        return ["not read"]
    records = [collector["wave"] for collector in read_collectors if collector["wave"].get("wave") == name]
    result_texts = [f"{len(records)} of {len(collectors)} collectors"]
    if len(read_collectors) < len(collectors):
        result_texts.append(f"{len(collectors) - len(read_collectors)} not read")
    if records:
        last_record = max(records, key=lambda record: str(record.get("when")))
        result_texts.append(f"last {last_record.get('when', '')} by {last_record.get('by', '')}")
    return result_texts
