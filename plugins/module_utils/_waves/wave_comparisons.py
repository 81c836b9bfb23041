# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The other sides with which the collectors of a wave are compared: later waves, and themselves before the change.

`wave_judgement.py` asks for these sides, and compares with the checks of the canary. A canary is a few new pods that
are compared with the rest, the pods that have not changed (docs/change.md). So each side here has facts in the form
that the rest has there, as `build_rest_facts` makes them. For example, for collectors of web1 and web2 in a wave, the
sides are

    WaveComparison(description="web3", facts={…}, config={…})
    WaveComparison(description="the readings before the change", facts={…}, config={…})

`Revision` and `PodSample` are in _change/canary/readings.py, `Track` is in wave_tracks.py. Private.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from .._change.canary.canary_facts import build_rest_facts
from .._change.canary.readings import PodSample
from .._change.canary.revision import Revision
from .._otelcol.catalogue.port_rows import Listeners
from .._otelcol.errors import join_at_most
from .._telemetry.metrics import UPTIME
from .wave_tracks import ComparedSides, Track

# How many members the description of a side names.
_SHOWN_MEMBERS = 5
# The facts of a canary need the time to find recent entries of logs. The gate of a wave reads no logs.
NO_TIME = ""


def mask_nothing(text: str) -> str:
    """Return a text as it is, where the facts of a canary have their secrets masked.

    Readings of waves have no secrets: they have no logs, and the tasks that read them mask the configs.
    """
    return text


@dataclass(frozen=True)
class WaveComparison:
    """One side with which the collectors of a wave are compared."""

    description: str
    """The side in words; empty for a side without collectors."""
    facts: Mapping[str, Any]
    """Its facts, as `build_rest_facts` makes them for the rest of the pods beside a canary."""
    config: Mapping[str, Any]
    """The config of its collectors."""

    @property
    def has_data(self) -> bool:
        """Whether its collectors got data, in the time that was read or before. Each of `bases` has one reading."""
        return any(count_accepted_items(rows) for rows in self.facts["bases"])


def list_comparisons(
    sides: ComparedSides, facts_before_change: Mapping[str, Any], listeners: Listeners
) -> list[WaveComparison]:
    """Return the sides that have data; if none has, one without collectors.

    `facts_before_change` are the facts of the collectors before their change, as `collect_facts_before` returns them.
    """
    later_waves = WaveComparison(
        description=join_at_most(_SHOWN_MEMBERS, [track.member for track in sides.other_tracks]),
        facts=_collect_facts_in_watch(sides.other_tracks, listeners),
        config=_first_config(sides.other_tracks),
    )
    before_change = WaveComparison(
        description="the readings before the change",
        facts=facts_before_change,
        config=_first_config(sides.tracks_before),
    )
    sides_with_data = [comparison for comparison in (later_waves, before_change) if comparison.has_data]
    return sides_with_data or [_compare_with_nothing(sides.tracks_after[0].config, listeners)]


def _compare_with_nothing(config: Mapping[str, Any], listeners: Listeners) -> WaveComparison:
    """Return a side without collectors: then the checks find only what no collector may do."""
    empty_revision = Revision(config, listeners, began_with_change=False)
    facts = build_rest_facts(empty_revision, NO_TIME, mask_nothing)
    return WaveComparison(description="", facts=facts, config=config)


def collect_facts_before(sides: ComparedSides, listeners: Listeners) -> dict[str, Any]:
    """Return the facts of the collectors before their change, from all that they had counted since their start.

    Their last reading is compared with a reading of nothing, in which they would just have started.
    """
    # Counts begin at 0 with the start of a process. With `began_with_change`, the revision takes them from 0 on, and
    # not from its first reading, so one reading shows what came in since the start.
    revision = Revision(_first_config(sides.tracks_before), listeners, began_with_change=True)
    samples: list[PodSample] = []
    for track in sides.tracks_before:
        if track.polls:
            samples += track.polls[-1].samples
    uptimes = [sample.reading[UPTIME] for sample in samples if sample.reading]
    # The two readings are as far apart as the oldest process is old, so that rates are counted over its whole life.
    revision.add_reading(0.0, ())
    revision.add_reading(max(uptimes, default=0.0), samples)
    return _add_steady_signals(build_rest_facts(revision, NO_TIME, mask_nothing))


def _collect_facts_in_watch(tracks: Sequence[Track], listeners: Listeners) -> dict[str, Any]:
    """Return the facts of collectors that have not changed, from their readings during the watch."""
    revision = Revision(_first_config(tracks), listeners, began_with_change=False)
    for poll in replay_polls(tracks):
        revision.add_reading(poll.seconds, poll.samples)
    return _add_steady_signals(build_rest_facts(revision, NO_TIME, mask_nothing))


def _first_config(tracks: Sequence[Track]) -> Mapping[str, Any]:
    return tracks[0].config if tracks else {}


def _add_steady_signals(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return facts in which each signal that came in counts as steady.

    A signal is steady if it comes at an even rate, so that the same rate is due at the changed collectors. Two readings
    cannot show that, so it is assumed.
    """
    received_signals = {row["signal"] for row in facts["receives"] if row["accepted"]}
    return {**facts, "steady": sorted(received_signals)}


def count_accepted_items(rows: Mapping[str, Any]) -> int:
    """Return how many items came in at all receivers."""
    return sum(row["accepted"] for row in rows["receives"])


class JoinedPoll(NamedTuple):
    """One reading of several collectors."""

    seconds: float
    """Since the first reading of the first of them."""
    samples: list[PodSample]


def replay_polls(tracks: Sequence[Track]) -> Iterator[JoinedPoll]:
    """Yield the first readings of all collectors, then the second ones, and so on.

    Each comes with its time, in seconds since the first reading. Hosts are read at about the same times, so the latest
    time counts for all of them. Tracks that were read at 100 and 103 s, and at 101 and 105 s, give the times 1 and 5.
    """
    start_time = min((track.polls[0].read_time for track in tracks if track.polls), default=0.0)
    most_polls = max((len(track.polls) for track in tracks), default=0)
    for poll_number in range(most_polls):
        polls = [track.polls[poll_number] for track in tracks if poll_number < len(track.polls)]
        samples: list[PodSample] = []
        for poll in polls:
            samples += poll.samples
        yield JoinedPoll(max(poll.read_time for poll in polls) - start_time, samples)
