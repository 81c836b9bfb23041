# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the collectors of a wave are compared with: those of later waves, and themselves before the change. Private."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._change.canary.canary_facts import build_rest_facts
from .._change.canary.readings import Revision, Sample
from .._otelcol.catalogue.port_rows import Listeners
from .._otelcol.errors import join_at_most
from .._telemetry.metrics import UPTIME
from .wave_tracks import ComparedSides, Track

_SHOWN_MEMBERS = 5


@dataclass(frozen=True)
class Comparison:
    """What the collectors of a wave are compared with: in words, as facts of the rest of a canary, and its config."""

    description: str
    facts: Mapping[str, Any]
    config: Mapping[str, Any]

    @property
    def has_data(self) -> bool:
        """Whether data came in there, in the time that was read or before."""
        return any(count_accepted_items(rows) for rows in self.facts["bases"])


def list_comparisons(
    sides: ComparedSides, facts_before_change: Mapping[str, Any], listeners: Listeners
) -> list[Comparison]:
    """Return the comparisons that have data; without any, one with nothing.

    `facts_before_change` are the facts of the collectors before their change.
    """
    member_names = join_at_most(_SHOWN_MEMBERS, [track.member for track in sides.other_tracks])
    all_comparisons = [
        Comparison(
            member_names, _collect_facts_in_watch(sides.other_tracks, listeners), _first_config(sides.other_tracks)
        ),
        Comparison("the readings before the change", facts_before_change, _first_config(sides.tracks_before)),
    ]
    with_data = [comparison for comparison in all_comparisons if comparison.has_data]
    return with_data or [_compare_with_nothing(sides.tracks_after[0].config, listeners)]


def _compare_with_nothing(config: Mapping[str, Any], listeners: Listeners) -> Comparison:
    empty_revision = Revision(config, listeners, fresh=False)
    return Comparison("", build_rest_facts(empty_revision, "", str), config)


def collect_facts_before(sides: ComparedSides, listeners: Listeners) -> dict[str, Any]:
    """Return the facts of the collectors before their change: all that they had counted since their start."""
    revision = Revision(_first_config(sides.tracks_before), listeners, fresh=True)
    samples: list[Sample] = []
    for track in sides.tracks_before:
        if track.polls:
            samples += track.polls[-1].samples
    uptimes = [sample.reading[UPTIME] for sample in samples if sample.reading]
    revision.add_reading(0.0, ())
    revision.add_reading(max(uptimes, default=0.0), samples)
    return _add_steady_signals(build_rest_facts(revision, "", str))


def _collect_facts_in_watch(tracks: Sequence[Track], listeners: Listeners) -> dict[str, Any]:
    """Return the facts of collectors that have not changed, in the time of the watch and since their start."""
    revision = Revision(_first_config(tracks), listeners, fresh=False)
    for poll_time, samples in replay_polls(tracks):
        revision.add_reading(poll_time, samples)
    return _add_steady_signals(build_rest_facts(revision, "", str))


def _first_config(tracks: Sequence[Track]) -> Mapping[str, Any]:
    return tracks[0].config if tracks else {}


def _add_steady_signals(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return facts in which the rate of each signal that came in says what is due: two readings show no steadiness."""
    return {**facts, "steady": sorted({row["signal"] for row in facts["receives"] if row["accepted"]})}


def count_accepted_items(rows: Mapping[str, Any]) -> int:
    """Return how many items came in at all receivers."""
    return sum(row["accepted"] for row in rows["receives"])


def replay_polls(tracks: Sequence[Track]) -> Iterator[tuple[float, list[Sample]]]:
    """Yield the readings of all collectors one after the other, each with its time in seconds since the first one.

    Hosts are read at about the same times.
    """
    start_time = min((track.polls[0].read_time for track in tracks if track.polls), default=0.0)
    for poll_number in range(max((len(track.polls) for track in tracks), default=0)):
        polls = [track.polls[poll_number] for track in tracks if poll_number < len(track.polls)]
        samples: list[Sample] = []
        for poll in polls:
            samples += poll.samples
        yield max(poll.read_time for poll in polls) - start_time, samples
