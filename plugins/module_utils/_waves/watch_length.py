# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a collector must be watched until it shows that one of its components is silent. Private.

A component is silent if it gets or sends no data. `wave_judgement.py` asks this for the collectors of a wave, since a
watch that was too short proves nothing. A `Track` is all readings of one collector (see wave_tracks.py). For example:

    a receiver or exporter that is silent shows after 96 s, and it was watched for 60 s
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import ceil
from typing import Any

from .._change.canary.hold_times import MARGIN_SECONDS, count_hold_seconds
from .._otelcol.config.paths import mapping_at
from .._otelcol.traits import RECEIVERS, Trait, traits_of
from .._telemetry.signal_flow import read_collection_interval
from .wave_tracks import Track


def describe_short_watch(tracks: Sequence[Track]) -> str:
    """Return how long a watch must be to see a receiver or exporter that is silent; empty if this one was."""
    short_tracks = [track for track in tracks if is_too_short(track)]
    if not short_tracks:
        return ""
    longest_track = max(short_tracks, key=_compute_needed_seconds)
    needed_seconds, watched_seconds = ceil(_compute_needed_seconds(longest_track)), longest_track.watched_seconds
    return (
        f"a receiver or exporter that is silent shows after {needed_seconds} s, and it was watched for"
        f" {watched_seconds:.0f} s"
    )


def is_too_short(track: Track) -> bool:
    """Return whether a silent receiver or exporter of a collector may not show."""
    return track.watched_seconds < _compute_needed_seconds(track)


def _compute_needed_seconds(track: Track) -> float:
    """Return how many seconds a watch needs, by the rules of the judge in _change/canary.

    An exporter is silent if what came in was not sent after its components have held it and a margin has passed. A
    receiver is silent after three margins, and one that collects by itself after two of its intervals. A fault counts
    in two readings.
    """
    pause_seconds = track.watched_seconds / max(len(track.polls) - 1, 1)
    longest_interval = max(_list_collection_intervals(track.config), default=0.0)
    exporter_seconds = longest_interval + count_hold_seconds(track.config) + MARGIN_SECONDS
    return max(exporter_seconds, 2 * longest_interval, 3 * MARGIN_SECONDS) + 2 * pause_seconds


def _list_collection_intervals(config: Mapping[str, Any]) -> Iterator[float]:
    """Yield how often each receiver that collects by itself does so, in seconds."""
    for name, settings in mapping_at(config, "receivers").items():
        if Trait.ALWAYS_COLLECTS in traits_of(RECEIVERS, str(name)):
            yield read_collection_interval(settings if isinstance(settings, Mapping) else {})
