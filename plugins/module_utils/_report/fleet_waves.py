# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet by wave: how its collectors are, which versions run, what differs, and what has passed. Private."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._otelcol.errors import at_most

_MOST_NAMES = 5
Row = Mapping[str, Any]


@dataclass(frozen=True)
class FleetWaves:
    """The clusters and hosts of each wave by its name, in order; or why the waves cannot be planned."""

    members: Mapping[str, Sequence[str]] = field(default_factory=dict)
    problem: str = ""


NO_WAVES = FleetWaves()


def wave_rows(waves: FleetWaves, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return a row for each wave; `rows` are those of clusters and hosts. What the report leaves out is not counted."""
    by_name = {str(row["name"]): row for row in rows}
    wave_rows = []
    for name, members in waves.members.items():
        listed_members = [by_name[member] for member in members if member in by_name]
        wave_rows.append(_wave(name, listed_members))
    return wave_rows


def _wave(name: str, members: Sequence[Row]) -> dict[str, Any]:
    """Return the row of a wave of these clusters and hosts."""
    collectors: list[Row] = []
    for member in members:
        collectors += member["collectors"]
    versions = Counter(str(collector["version"]) for collector in collectors)
    member_text = ""
    if members:
        names = [str(member["name"]) for member in members]
        member_text = f"{len(members)}: {at_most(_MOST_NAMES, names)}"
    return {
        "name": name,
        "members": member_text,
        "versions": [{"version": version, "count": count} for version, count in sorted(versions.items())],
        **states_of(collectors),
        "differs": _differing(members),
        "passed": _passed(name, [collector for collector in collectors if collector.get("mode") != "sidecar"]),
    }


def states_of(collectors: Iterable[Row]) -> dict[str, int]:
    """Return how many collectors are how."""
    states = Counter(str(collector["status"]) for collector in collectors)
    return {
        "healthy": states["healthy"],
        "ailing": states["error"] + states["warning"],
        "unseen": states["unknown"] + states[""],
    }


def _differing(members: Sequence[Row]) -> str:
    """Return how many objects and files differ from the inventory, and how many members could not say."""
    unread = sum(not member["drift"]["read"] for member in members)
    if unread == len(members):
        return "not read"
    count = sum(len(member["drift"]["objects"]) for member in members)
    return f"{count}, {unread} not read" if unread else str(count)


def _passed(name: str, collectors: Sequence[Row]) -> list[str]:
    """Return how many collectors run a release that has passed this wave, and the last record of it.

    A sidecar passes none, since its pods belong to applications.
    """
    if not collectors:
        return []
    read_collectors = [row for row in collectors if row["read"]]
    if not read_collectors:
        return ["not read"]
    records = [row["wave"] for row in read_collectors if row["wave"].get("wave") == name]
    texts = [f"{len(records)} of {len(collectors)} collectors"]
    if len(read_collectors) < len(collectors):
        texts.append(f"{len(collectors) - len(read_collectors)} not read")
    if records:
        last = max(records, key=lambda record: str(record.get("when")))
        texts.append(f"last {last.get('when', '')} by {last.get('by', '')}")
    return texts
