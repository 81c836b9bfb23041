# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of waves on the page: how the collectors of each wave are, their versions, drift, and what has passed.

`page_model.py` calls `build_wave_rows` with the rows of clusters and hosts that the page shows further down. A wave is
a set of clusters and hosts, its members, that a rollout changes together. Example of a row: wave `pilot`, members `2:
eu-west and us-east`, 5 healthy collectors, of which `3 of 5 collectors` run a release that has passed the wave.
Private.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from .._otelcol.errors import join_at_most
from .page_rows import ClusterOrHostRow, CollectorRow, StateCounts, WaveRow

# Clusters and hosts of a wave that are named.
_MOST_NAMES = 5


@dataclass(frozen=True)
class FleetWaves:
    """The clusters and hosts of each wave by its name, in order; or why the waves cannot be planned."""

    members: Mapping[str, Sequence[str]] = field(default_factory=dict)
    problem: str = ""


NO_WAVES = FleetWaves()


def build_wave_rows(waves: FleetWaves, rows: Sequence[ClusterOrHostRow]) -> list[WaveRow]:
    """Return a row for each wave. Members of a wave that the report leaves out are not counted.

    `rows` are the rows of all clusters and hosts.
    """
    row_by_name = {str(row["name"]): row for row in rows}
    wave_rows = []
    for wave_name, member_names in waves.members.items():
        member_rows = [row_by_name[name] for name in member_names if name in row_by_name]
        wave_rows.append(_build_wave_row(wave_name, member_rows))
    return wave_rows


def _build_wave_row(name: str, members: Sequence[ClusterOrHostRow]) -> WaveRow:
    """Return the row of a wave of these clusters and hosts."""
    collectors: list[CollectorRow] = []
    for member in members:
        collectors += member["collectors"]
    count_by_version = Counter(str(collector["version"]) for collector in collectors)
    # A sidecar passes no wave, since its pods belong to applications.
    gated_collectors = [collector for collector in collectors if collector.get("mode") != "sidecar"]
    return {
        "name": name,
        "members": _describe_members(members),
        "versions": [{"version": version, "count": count} for version, count in sorted(count_by_version.items())],
        **count_states(collectors),
        "differs": _describe_differences(members),
        "passed": _describe_passed_releases(name, gated_collectors),
    }


def _describe_members(members: Sequence[ClusterOrHostRow]) -> str:
    """Return the number of members and the first names, such as `2: eu-west and us-east`; empty without members."""
    if not members:
        return ""
    member_names = [str(member["name"]) for member in members]
    return f"{len(members)}: {join_at_most(_MOST_NAMES, member_names)}"


def count_states(collectors: Iterable[CollectorRow]) -> StateCounts:
    """Return how many of the collectors are in each state."""
    states = Counter(str(collector["status"]) for collector in collectors)
    return {
        "healthy": states["healthy"],
        "ailing": states["error"] + states["warning"],
        "unseen": states["unknown"] + states[""],
    }


def _describe_differences(members: Sequence[ClusterOrHostRow]) -> str:
    """Return how many objects and files differ from the inventory, and of how many members that is not known.

    Example: `4, 1 not read`.
    """
    unread_count = sum(not member["drift"]["read"] for member in members)
    if unread_count == len(members):
        return "not read"
    object_count = sum(len(member["drift"]["objects"]) for member in members)
    return f"{object_count}, {unread_count} not read" if unread_count else str(object_count)


def _describe_passed_releases(wave_name: str, collectors: Sequence[CollectorRow]) -> list[str]:
    """Return lines on how many collectors run a release that has passed the wave, and who let the last one pass.

    Example: `3 of 5 collectors`, `1 not read` and `last 2026-05-01 by alice`.
    """
    if not collectors:
        return []
    read_collectors = [collector for collector in collectors if collector["read"]]
    if not read_collectors:
        return ["not read"]
    # A collector has the record of the last wave that its release has passed, which may be another one.
    records = [collector["wave"] for collector in read_collectors if collector["wave"].get("wave") == wave_name]
    lines = [f"{len(records)} of {len(collectors)} collectors"]
    unread_count = len(collectors) - len(read_collectors)
    if unread_count:
        lines.append(f"{unread_count} not read")
    if records:
        last_record = max(records, key=lambda record: str(record.get("when")))
        lines.append(f"last {last_record.get('when', '')} by {last_record.get('by', '')}")
    return lines
