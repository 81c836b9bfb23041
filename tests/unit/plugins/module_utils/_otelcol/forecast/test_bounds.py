# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bounds of a sample hold in about 95 of 100 samples."""

from __future__ import annotations

import tracemalloc
from random import Random

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.forecast.bounds import (
    ratio_bound,
    ratio_bound_of_items,
)

DRAWS, TRACES, SIZE = 400, 6000, 600
# Of 400 draws, 380 hold on average. Fewer than 364 come in one of some thousand tests.
LEAST = 364
# A capture of 1 GiB has some two million traces, and a forecast has 500 MiB for everything.
MOST_BYTES_OF_A_TRACE = 1


def test_the_bound_of_traces_holds_although_spans_of_a_trace_go_together() -> None:
    random = Random(1)
    spans = [random.randint(1, 40) for _ in range(TRACES)]
    is_kept = [random.random() < 0.3 for _ in range(TRACES)]
    ratio = sum(number for number, kept in zip(spans, is_kept, strict=True) if kept) / sum(spans)
    held = 0
    for _ in range(DRAWS):
        drawn = random.sample(range(TRACES), SIZE)
        before = {trace: spans[trace] for trace in drawn}
        after = {trace: spans[trace] for trace in drawn if is_kept[trace]}
        of_sample = sum(after.values()) / sum(before.values())
        held += abs(of_sample - ratio) <= (ratio_bound(before, after) or 0)
    assert held >= LEAST


def test_the_bound_of_single_items_holds() -> None:
    random = Random(2)
    held = 0
    for _ in range(DRAWS):
        after = sum(random.random() < 0.38 for _ in range(SIZE))
        held += abs(after / SIZE - 0.38) <= (ratio_bound_of_items(SIZE, after) or 0)
    assert held >= LEAST


def test_what_keeps_or_drops_everything_has_no_bound() -> None:
    assert ratio_bound({1: 3, 2: 4}, {1: 3, 2: 4}) == ratio_bound({1: 3}, {}) == ratio_bound({}, {}) == 0
    assert ratio_bound_of_items(7, 7) == ratio_bound_of_items(7, 0) == ratio_bound_of_items(0, 7) == 0


def test_a_sample_that_is_too_small_has_no_bound_that_is_known() -> None:
    assert ratio_bound({1: 1000}, {1: 620}) is None
    assert ratio_bound_of_items(29, 7) is None


def test_a_bound_takes_no_memory_of_its_own_for_each_trace() -> None:
    traces = 50_000
    before = dict.fromkeys(range(traces), 2)
    after = dict.fromkeys(range(1000, traces + 1000), 1)
    tracemalloc.start()
    try:
        bound = ratio_bound(before, after)
        _now, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert bound
    assert most < MOST_BYTES_OF_A_TRACE * traces


def test_traces_that_only_one_side_has_count() -> None:
    """Of 40 traces with an item, 20 are dropped, and 20 others are made: each of these 40 differs by 1."""
    before = dict.fromkeys(range(40), 1)
    after = dict.fromkeys(range(20, 60), 1)
    assert ratio_bound(before, after) == pytest.approx(1.96 * 40**0.5 / 40)
