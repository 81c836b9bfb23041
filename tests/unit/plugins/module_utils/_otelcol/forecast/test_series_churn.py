# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Series that appear and end within a sample are counted, where a metric was measured often enough."""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.forecast.series_churn import (
    Churn,
    measure_churn,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.forecast.tallies import (
    MetricSeries,
    SenderName,
)

from tests.support.cases import cases

CART = SenderName("cart", "shop", "")
STEADY = range(0, 61, 10)


def series(seconds: Iterable[int], metric: int = 1, sender: SenderName = CART) -> MetricSeries:
    first, *later = [(1_700_000_000 + second) * 10**9 for second in seconds]
    made = MetricSeries(sender, metric, first, first)
    for time in later:
        made.note_measurement(time)
    return made


@cases(
    "measured, churn",
    ([STEADY], Churn(known_series=1)),
    ([STEADY, range(30, 61, 10)], Churn(appearing_series=1, known_series=2)),
    ([STEADY, range(0, 31, 10)], Churn(ending_series=1, known_series=2)),
    ([STEADY, [30]], Churn(appearing_series=1, ending_series=1, known_series=2)),
    # Clients measure at their own turn, so the first point of each comes within an interval.
    ([STEADY, range(9, 61, 10), range(10, 61, 10)], Churn(known_series=3)),
    # One interval says nothing, and neither does a metric that was measured once.
    ([[0, 10], [10]], Churn()),
    ([[0, 10], [19]], Churn()),
    ([[0], [50]], Churn()),
    ([], Churn()),
    # What pauses and comes back has neither ended nor appeared.
    ([STEADY, [0, 10, 50, 60]], Churn()),
)
def test_series_appear_and_end(measured: list[Iterable[int]], churn: Churn) -> None:
    assert measure_churn([series(seconds) for seconds in measured]) == churn


def test_points_without_a_time_say_nothing() -> None:
    """OTLP writes 0 for a time that is not known."""
    untimed = MetricSeries(CART, 1, 0, 0)
    assert measure_churn([series(STEADY), untimed]) == Churn(known_series=1)
    untimed.note_measurement(1_700_000_030 * 10**9)
    assert measure_churn([series(STEADY), untimed]) == Churn(appearing_series=1, ending_series=1, known_series=2)
    untimed.note_measurement(0)
    assert untimed == MetricSeries(CART, 1, 1_700_000_030 * 10**9, 1_700_000_030 * 10**9)


def test_a_slow_sender_does_not_hide_what_a_quick_one_of_the_same_metric_loses() -> None:
    slow = series(range(0, 181, 60), sender=SenderName("slow", "shop", ""))
    short = [series([start, start + 10]) for start in range(0, 180, 20)]
    assert measure_churn([slow, *short]) == Churn(appearing_series=8, ending_series=8, known_series=10)


def test_each_metric_has_its_own_time_and_interval() -> None:
    quick = [series(STEADY, 1), series(range(0, 31, 10), 1)]
    slow = [series([0, 60], 2), series([60], 2)]
    later = [series(range(1000, 1061, 10), 3)]
    assert measure_churn([*quick, *slow, *later]) == Churn(ending_series=1, known_series=3)


def test_the_order_of_points_does_not_matter() -> None:
    made = series([30, 10, 60, 40])
    assert (made.last_time - made.first_time, made.longest_gap) == (50 * 10**9, 30 * 10**9)
