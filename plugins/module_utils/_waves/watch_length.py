# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a collector must be watched until it shows that one of its components is silent. Private."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import ceil
from typing import Any

from .._change.canary.hold_times import MARGIN, hold_seconds
from .._otelcol.config.paths import section
from .._otelcol.traits import RECEIVERS, Trait, traits_of
from .._telemetry.metrics import interval
from .wave_tracks import Track


def shortness(tracks: Sequence[Track]) -> str:
    """Return how long a watch must be to see a receiver or exporter that is silent; empty if this one was."""
    too_short = [track for track in tracks if is_too_short(track)]
    if not too_short:
        return ""
    worst = max(too_short, key=_needed_seconds)
    needed, watched = ceil(_needed_seconds(worst)), worst.watched_seconds
    return f"a receiver or exporter that is silent shows after {needed} s, and it was watched for {watched:.0f} s"


def is_too_short(track: Track) -> bool:
    """Return whether a silent receiver or exporter of a collector may not show."""
    return track.watched_seconds < _needed_seconds(track)


def _needed_seconds(track: Track) -> float:
    """Return how many seconds a watch needs, by the rules of the judge in _change/canary.

    An exporter is silent if what came in was not sent after its components have held it and a margin has passed. A
    receiver is silent after three margins, and one that collects by itself after two of its intervals. A fault counts
    in two readings.
    """
    pause = track.watched_seconds / max(len(track.polls) - 1, 1)
    longest_interval = max(_intervals(track.config), default=0.0)
    for_exporters = longest_interval + hold_seconds(track.config) + MARGIN
    return max(for_exporters, 2 * longest_interval, 3 * MARGIN) + 2 * pause


def _intervals(config: Mapping[str, Any]) -> Iterator[float]:
    """Yield how often each receiver that collects by itself does so, in seconds."""
    for name, settings in section(config, "receivers").items():
        if Trait.ALWAYS_COLLECTS in traits_of(RECEIVERS, str(name)):
            yield interval(settings if isinstance(settings, Mapping) else {})
