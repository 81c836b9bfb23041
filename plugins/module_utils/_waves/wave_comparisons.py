# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The other sides with which the collectors of a wave are compared: later waves, and themselves before the change.

`compared_readings.py` asks for these sides, and compares with the checks of the canary. A canary is a few new pods that
are compared with the rest, the pods that have not changed (docs/change.md). So each side here has facts in the form
that the rest has there, as `build_rest_facts` makes them. For example, for collectors of web1 and web2 in a wave, the
chosen sides are

    WaveComparison(description="web3", facts={…}, config={…})
    WaveComparison(description="the readings before the change", facts={…}, config={…})

Words of other files: a `Track` is one collector with its readings (wave_tracks.py), and a `PodSample` is one reading of
one pod or service (_change/canary/readings.py). A `Revision` computes what several pods count together
(_change/canary/revision.py). Private.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from .._change.canary.canary_facts import build_rest_facts
from .._change.canary.fact_rows import RestFacts
from .._change.canary.readings import PodSample
from .._change.canary.revision import Revision
from .._otelcol.catalogue.port_rows import Listeners
from .._otelcol.errors import join_at_most
from .._telemetry.metrics import UPTIME
from .._telemetry.signal_flow import FlowRows
from .wave_tracks import ComparedSides, Track, replay_polls

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
    """The side in words, such as the names of its members."""
    facts: RestFacts
    """Its facts, in the form of those of the pods beside a canary."""
    config: Mapping[str, Any]
    """The config of its collectors."""

    @property
    def has_data(self) -> bool:
        """Whether its collectors got data, in the time that was read or before."""
        # One item of `bases` has the counts of the time that was read, the other has those since the start.
        return any(count_accepted_items(flow_rows) for flow_rows in self.facts["bases"])


class WaveComparisons(NamedTuple):
    """All sides for some collectors of a wave."""

    before_change: WaveComparison
    """The same collectors before the change, also if they got no data."""
    sides_with_data: list[WaveComparison]
    """The sides whose collectors got data."""
    chosen: list[WaveComparison]
    """What the collectors are compared with: the sides with data, or if there are none, a side without collectors."""


def build_comparisons(sides: ComparedSides, listeners: Listeners) -> WaveComparisons:
    """Return the sides with which collectors that have changed are compared."""
    later_waves = WaveComparison(
        description=join_at_most(_SHOWN_MEMBERS, [track.member for track in sides.other_tracks]),
        facts=_collect_facts_in_watch(sides.other_tracks, listeners),
        config=_first_config(sides.other_tracks),
    )
    before_change = WaveComparison(
        description="the readings before the change",
        facts=_collect_facts_before(sides.tracks_before, listeners),
        config=_first_config(sides.tracks_before),
    )
    sides_with_data = [side for side in (later_waves, before_change) if side.has_data]
    return WaveComparisons(
        before_change=before_change,
        sides_with_data=sides_with_data,
        chosen=sides_with_data or [_build_empty_side(sides.tracks_after[0].config, listeners)],
    )


def count_accepted_items(rows: FlowRows) -> int:
    """Return how many items came in at all receivers."""
    return sum(row["accepted"] for row in rows["receives"])


def _collect_facts_in_watch(tracks: Sequence[Track], listeners: Listeners) -> RestFacts:
    """Return the facts of collectors that have not changed, from their readings during the watch."""
    revision = Revision(_first_config(tracks), listeners, began_with_change=False)
    for poll in replay_polls(tracks):
        revision.add_reading(poll.seconds, poll.samples)
    return _add_steady_signals(_build_facts(revision))


def _collect_facts_before(tracks: Sequence[Track], listeners: Listeners) -> RestFacts:
    """Return the facts of the collectors before their change, from all that they had counted since their start.

    Facts need two readings, and the last reading of each collector is the only one used. So the first one is made up:
    at second 0 the processes have just started. A process of 600 s that has counted 1200 spans then has the readings

    | second | accepted spans |
    |---|---|
    | 0 | 0 |
    | 600 | 1200 |

    which is 2 spans a second. Of several processes, the oldest decides the time of the second reading.
    """
    # With `began_with_change`, the revision counts from 0 on, and not from the first sample of each process.
    revision = Revision(_first_config(tracks), listeners, began_with_change=True)
    samples: list[PodSample] = []
    for track in tracks:
        if track.polls:
            samples += track.polls[-1].samples
    uptimes = [sample.reading[UPTIME] for sample in samples if sample.reading]
    revision.add_reading(0.0, ())
    revision.add_reading(max(uptimes, default=0.0), samples)
    return _add_steady_signals(_build_facts(revision))


def _build_empty_side(config: Mapping[str, Any], listeners: Listeners) -> WaveComparison:
    """Return a side without collectors, whose config is that of the collectors that have changed.

    Compared with it, the checks find only what no collector may do.
    """
    empty_revision = Revision(config, listeners, began_with_change=False)
    return WaveComparison(description="no collector", facts=_build_facts(empty_revision), config=config)


def _first_config(tracks: Sequence[Track]) -> Mapping[str, Any]:
    return tracks[0].config if tracks else {}


def _build_facts(revision: Revision) -> RestFacts:
    return build_rest_facts(revision, NO_TIME, mask_nothing)


def _add_steady_signals(facts: RestFacts) -> RestFacts:
    """Return facts in which each signal that came in counts as steady.

    A signal is steady if it comes at an even rate, so that the same rate is due at the changed collectors. Two readings
    cannot show that, so it is assumed.
    """
    received_signals = {row["signal"] for row in facts["receives"] if row["accepted"]}
    return {**facts, "steady": sorted(received_signals)}
