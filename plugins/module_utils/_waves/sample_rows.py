# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Readings of collectors as rows that tasks can keep, and back again. Private.

While a wave is watched, tasks return the readings of collectors, and the gate of the wave compares them later. They are
kept as variables of a host or as a file, so they are plain data: a `TrackRow` for each collector has a `PollRow` for
each moment, which has a `SampleRow` for each pod. collector_wave.py and `_wave_results.py` of plugin_utils build the
rows, and `read_tracks` makes `Track` records of them (wave_tracks.py). For example, a collector with one reading of one
pod is

    {"name": "obs/gateway", "release": "3f2a…", "sum": "3f2a…", "passed": {}, "config": {…}, "polls": [
      {"at": 1769860800.0, "pods": [{"pod": "gateway-0", "restarts": 0, "oom": False, "memory_limit": 0, "why": "",
                                     "counts": [["receiver_accepted", "otlp", "traces", 7]]}]}]}
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from math import isfinite
from operator import index
from typing import Any, NotRequired, TypedDict

from .._change.canary.readings import PodSample
from .._host_change.wave_watch import COMPARED
from .._telemetry.metrics import CountKey, Reading
from .wave_tracks import Track, TrackPoll

# The names of the counters that are compared.
_COMPARED_COUNTERS = re.compile(COMPARED)


class SampleRow(TypedDict):
    """One reading of one pod, or of the service of a host."""

    pod: str
    """The name of the pod; empty for a service of a host."""
    restarts: int
    oom: bool
    """Whether the kernel killed it for its memory."""
    memory_limit: int
    """In bytes; 0 without a limit."""
    why: str
    """Why there are no counts; empty if there are."""
    counts: list[list[Any]]
    """Each as name, component, signal and number, such as `["receiver_accepted", "otlp", "traces", 7]`."""


class PollRow(TypedDict):
    """One reading of all pods of a collector, `at` seconds of Unix."""

    at: float
    pods: list[SampleRow]


class TrackRow(TypedDict):
    """All readings of one collector, with its config without secrets."""

    name: str
    """The name of a collector of a host, or NAMESPACE/NAME in a cluster."""
    release: str
    """See `Track.release` in wave_tracks.py."""
    written: NotRequired[str]
    """See `Track.written`. A collector of a cluster has none."""
    sum: str
    """A checksum of what the release is made from."""
    passed: dict[str, str]
    """The record of the wave that the release has passed; empty if it has passed none."""
    config: dict[str, Any]
    polls: list[PollRow]


# ── From readings to rows ──


def build_sample_row(sample: PodSample) -> SampleRow:
    """Return one reading of one pod as a row."""
    return {
        "pod": sample.pod,
        "restarts": sample.restarts,
        "oom": sample.oom,
        "memory_limit": sample.memory_limit,
        "why": sample.why,
        "counts": build_count_rows(sample.reading or Counter()),
    }


def build_count_rows(counts: Reading) -> list[list[Any]]:
    """Return counts as rows of name, component, signal and number, without counts of zero and those never compared."""
    rows = []
    for key, count in counts.items():
        if count and _COMPARED_COUNTERS.match(key.name):
            rows.append([key.name, key.component, key.signal, int(count)])
    return rows


# ── From rows to readings ──


def read_tracks(member: str, task_result: Mapping[str, Any]) -> Iterator[Track]:
    """Yield the readings of each collector of a member of a wave.

    `task_result` has the rows as `collectors`: it is the result of a task, or the content of a file with such a result.
    The file may have been changed, so each value is checked. Raises TypeError, ValueError, KeyError, AttributeError or
    OverflowError for rows of another form.
    """
    for row in task_result.get("collectors") or ():
        yield Track(
            member=member,
            name=str(row["name"]),
            release=str(row["release"]),
            has_passed=bool(row["passed"]),
            config=_check_mapping(row["config"]),
            sum=str(row["sum"]),
            written=str(row.get("written") or ""),
            polls=tuple(_read_poll(member, poll) for poll in row["polls"]),
        )


def _check_mapping(config: Any) -> Mapping[str, Any]:
    """Return a config. Raises TypeError if it is no mapping."""
    if not isinstance(config, Mapping):
        raise TypeError(f"a config is a mapping, not {type(config).__name__}")
    return config


def _read_poll(member: str, row: PollRow) -> TrackPoll:
    """Return one reading of all pods. Raises ValueError for a time that is no finite number."""
    poll_time = float(row["at"])
    if not isfinite(poll_time):
        raise ValueError(f"{poll_time} is no time")
    return TrackPoll(read_time=poll_time, samples=tuple(_read_samples(member, row["pods"])))


def _read_samples(member: str, rows: Iterable[SampleRow]) -> Iterator[PodSample]:
    """Yield the readings of pods. Members may have pods of the same name, so the member becomes part of the name."""
    for row in rows:
        counts = _read_counts(row)
        is_read = bool(counts) and not row["why"]
        yield PodSample(
            pod=f"{member}/{row['pod']}" if row["pod"] else member,
            reading=counts if is_read else None,
            restarts=int(row["restarts"]),
            oom=bool(row["oom"]),
            memory_limit=int(row["memory_limit"]),
            why=str(row["why"]),
        )


def _read_counts(row: SampleRow) -> Reading:
    """Return the counts of a pod. Raises TypeError or ValueError for rows of another form."""
    counts: Reading = Counter()
    for name, component, signal, count in row["counts"]:
        # `index` returns integers alone, and refuses a fraction or a text, of which `int` would make some number.
        counts[CountKey(str(name), str(component), str(signal))] = index(count)
    return counts
