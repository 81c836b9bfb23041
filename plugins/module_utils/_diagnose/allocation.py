# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a target allocator shares out its targets among collectors, as a fact of a diagnosis. Private."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TypedDict


class TargetCountRow(TypedDict):
    """A job of Prometheus, or a collector, and how many targets it has."""

    name: str
    targets: int


class Allocation(TypedDict):
    """How a target allocator shares out its targets, by job and by collector."""

    jobs: list[TargetCountRow]
    collectors: list[TargetCountRow]


def summarize_allocation(targets_by_job: Mapping[str, Mapping[str, int]]) -> Allocation:
    """Return how many targets each job and each collector has. Each job has its number of targets by collector."""
    count_by_job: dict[str, int] = {}
    count_by_collector: Counter[str] = Counter()
    for job, counts in targets_by_job.items():
        count_by_job[job] = sum(counts.values())
        for collector, count in counts.items():
            count_by_collector[collector] += count
    return {"jobs": _list_target_counts(count_by_job), "collectors": _list_target_counts(count_by_collector)}


def _list_target_counts(count_by_name: Mapping[str, int]) -> list[TargetCountRow]:
    return [{"name": name, "targets": count} for name, count in sorted(count_by_name.items())]
