# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bounds of a sample hold in about 95 of 100 samples."""

from __future__ import annotations

import tracemalloc
from math import sqrt
from random import Random

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.forecast.bounds import (
    OneSide,
    count_only_after,
    count_only_before,
    estimate_item_ratio_bound,
    estimate_ratio_bound,
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
        held += abs(of_sample - ratio) <= (estimate_ratio_bound(before, after) or 0)
    assert held >= LEAST


def test_the_bounds_of_what_one_side_alone_has_hold() -> None:
    """A trace loses spans, or gets some more, so that the sum of both tells neither."""
    random = Random(3)
    spans = [random.randint(1, 40) for _ in range(TRACES)]
    later = [max(0, number + random.choice((-5, -2, 0, 0, 3, 8))) for number in spans]
    lost = sum(max(0, old - new) for old, new in zip(spans, later, strict=True)) / sum(spans)
    made = sum(max(0, new - old) for old, new in zip(spans, later, strict=True)) / sum(spans)
    held = {"lost": 0, "made": 0}
    for _ in range(DRAWS):
        drawn = random.sample(range(TRACES), SIZE)
        before = {trace: spans[trace] for trace in drawn}
        after = {trace: later[trace] for trace in drawn if later[trace]}
        total = sum(before.values())
        old, new = count_only_before(before, after), count_only_after(before, after)
        held["lost"] += abs(old.item_count / total - lost) <= (old.error_bound or 0)
        held["made"] += abs(new.item_count / total - made) <= (new.error_bound or 0)
    assert min(held.values()) >= LEAST, held


def test_the_bound_of_single_items_holds() -> None:
    random = Random(2)
    held = 0
    for _ in range(DRAWS):
        after = sum(random.random() < 0.38 for _ in range(SIZE))
        held += abs(after / SIZE - 0.38) <= (estimate_item_ratio_bound(SIZE, after) or 0)
    assert held >= LEAST


def test_what_keeps_or_drops_everything_has_no_bound() -> None:
    assert (
        estimate_ratio_bound({1: 3, 2: 4}, {1: 3, 2: 4})
        == estimate_ratio_bound({1: 3}, {})
        == estimate_ratio_bound({}, {})
        == 0
    )
    assert estimate_item_ratio_bound(7, 7) == estimate_item_ratio_bound(7, 0) == estimate_item_ratio_bound(0, 7) == 0


def test_a_sample_that_is_too_small_has_no_bound_that_is_known() -> None:
    assert estimate_ratio_bound({1: 1000}, {1: 620}) is None
    assert estimate_item_ratio_bound(29, 7) is None


def test_a_bound_takes_no_memory_of_its_own_for_each_trace() -> None:
    traces = 50_000
    before = dict.fromkeys(range(traces), 2)
    after = dict.fromkeys(range(1000, traces + 1000), 1)
    tracemalloc.start()
    try:
        bound = estimate_ratio_bound(before, after)
        _now, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert bound
    assert most < MOST_BYTES_OF_A_TRACE * traces


def test_traces_that_only_one_side_has_count() -> None:
    """Of 40 traces with an item, 20 are dropped, and 20 others are made: each of these 40 differs by 1."""
    before = dict.fromkeys(range(40), 1)
    after = dict.fromkeys(range(20, 60), 1)
    assert estimate_ratio_bound(before, after) == pytest.approx(1.96 * 40**0.5 / 40)


def test_items_of_one_side_show_where_the_sum_stays_the_same() -> None:
    before = dict.fromkeys(range(100), 5)
    after = {**dict.fromkeys(range(90), 5), **dict.fromkeys(range(200, 205), 10)}
    assert sum(before.values()) == sum(after.values())
    lost, made = count_only_before(before, after), count_only_after(before, after)
    assert (lost.item_count, made.item_count) == (50, 50)
    # A tenth of 100 traces is lost: 1.96 times the deviation of a share, sqrt(0.1 * 0.9 / 100).
    assert lost.error_bound == pytest.approx(0.0588)
    assert made.error_bound == pytest.approx(1.96 * sqrt(5 * 10**2 + 100 * 0.5**2) / 500)


def test_a_sum_that_is_that_of_before_by_chance_is_not_exact() -> None:
    before = dict.fromkeys(range(100), 1)
    tripled = count_only_after(before, {trace: 3 if trace < 50 else 1 for trace in before})
    assert tripled.item_count == 100
    assert tripled.error_bound
    assert tripled.error_bound > 0.1
    assert count_only_after(before, dict.fromkeys(before, 2)) == OneSide(100)


def test_a_trace_of_both_sides_may_have_more_or_less_on_one() -> None:
    before, after = dict.fromkeys(range(40), 3), {**dict.fromkeys(range(40), 3), 0: 1, 1: 7}
    assert (count_only_before(before, after).item_count, count_only_after(before, after).item_count) == (2, 4)


@pytest.mark.parametrize(
    ("before", "after", "lost", "made"),
    [
        ({}, {1: 2}, OneSide(), OneSide(2)),
        ({1: 2}, {}, OneSide(2), OneSide()),
        ({1: 2, 2: 2}, {1: 1, 2: 2, 3: 1}, OneSide(1, None), OneSide(1, None)),
        ({1: 2}, {1: 2}, OneSide(), OneSide()),
    ],
    ids=["new", "gone", "few", "same"],
)
def test_whole_and_small_samples(before: dict[int, int], after: dict[int, int], lost: OneSide, made: OneSide) -> None:
    assert (count_only_before(before, after), count_only_after(before, after)) == (lost, made)


def test_what_is_only_dropped_has_the_bound_of_the_change() -> None:
    before, after = dict.fromkeys(range(100), 5), dict.fromkeys(range(62), 5)
    assert count_only_before(before, after).error_bound == estimate_ratio_bound(before, after)
    assert count_only_after(before, after) == OneSide()
