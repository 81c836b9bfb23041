# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is certain of a share: little, where few items were counted."""

from __future__ import annotations

from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.canary.shares import (
    ComparedShare,
    FailedShare,
    compute_wilson_bounds,
)

from ...helpers import cases


@cases("part, whole, low, high", (0, 0, 0, 0), (0, 20, 0, 25), (5, 5, 43, 100), (10, 20, 25, 75))
def test_bounds_are_wide_for_few_items(part: int, whole: int, low: int, high: int) -> None:
    assert [round(bound) for bound in compute_wilson_bounds(part, whole)] == [low, high]


def test_the_more_items_were_counted_the_more_of_a_difference_is_certain() -> None:
    none, half = FailedShare(0, 1000), FailedShare(500, 1000)
    few, many = ComparedShare(FailedShare(1, 2), none, 2, 10), ComparedShare(half, none, 10, 10)
    assert 2 * few.excess_points < many.excess_points
    assert ComparedShare(half, half, 10, 10).excess_points == 0
