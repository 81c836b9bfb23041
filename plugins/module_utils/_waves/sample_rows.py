# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What collectors have counted, as tasks keep it in the variables of a host, and as the gate compares it. Private."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from math import isfinite
from operator import index
from typing import Any

from .._change.canary.readings import Sample
from .._host_change.wave_watch import COMPARED
from .._telemetry.metrics import CountKey, Reading
from .wave_tracks import Track, TrackPoll

_COMPARED_COUNTERS = re.compile(COMPARED)


def build_count_rows(counts: Reading) -> list[list[Any]]:
    """Return counts as rows of name, component, signal and number, without what is zero or not compared."""
    return [[*key, int(count)] for key, count in counts.items() if count and _COMPARED_COUNTERS.match(key.name)]


def build_sample_row(sample: Sample) -> dict[str, Any]:
    """Return one reading of one pod as data."""
    return {
        "pod": sample.pod,
        "restarts": sample.restarts,
        "oom": sample.oom,
        "memory_limit": sample.memory_limit,
        "why": sample.why,
        "counts": build_count_rows(sample.reading or Counter()),
    }


def read_tracks(member: str, task_result: Mapping[str, Any]) -> Iterator[Track]:
    """Yield what each collector of a member has counted, from the answer of its task, or from a file of such answers.

    Raises TypeError, ValueError, KeyError, AttributeError or OverflowError for rows of another form.
    """
    for row in task_result.get("collectors") or ():
        yield Track(
            member=member,
            name=str(row["name"]),
            release=str(row["release"]),
            has_passed=bool(row["passed"]),
            config=_check_mapping(row["config"]),
            sum=str(row["sum"]),
            polls=tuple(_read_poll(member, poll) for poll in row["polls"]),
        )


def _check_mapping(value: Any) -> Mapping[str, Any]:
    """Return a config. Raises TypeError for what is none."""
    if not isinstance(value, Mapping):
        raise TypeError(f"a config is a mapping, not {type(value).__name__}")
    return value


def _read_poll(member: str, row: Mapping[str, Any]) -> TrackPoll:
    """Return one reading. Raises ValueError for a time that is none."""
    poll_time = float(row["at"])
    if not isfinite(poll_time):
        raise ValueError(f"{poll_time} is no time")
    return TrackPoll(read_time=poll_time, samples=tuple(_read_samples(member, row["pods"])))


def _read_samples(member: str, rows: Iterable[Mapping[str, Any]]) -> Iterator[Sample]:
    """Yield the readings of the pods of a member, whose names are its own. A service of a host has no pod."""
    for row in rows:
        counts: Reading = Counter()
        for name, component, signal, count in row["counts"]:
            counts[CountKey(str(name), str(component), str(signal))] = index(count)
        is_read = bool(counts) and not row["why"]
        yield Sample(
            pod=f"{member}/{row['pod']}" if row["pod"] else member,
            reading=counts if is_read else None,
            restarts=int(row["restarts"]),
            oom=bool(row["oom"]),
            memory_limit=int(row["memory_limit"]),
            why=str(row["why"]),
        )
