# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far the change of a sample may be from that of all telemetry. Private.

Source: the ratio estimator of survey sampling (Cochran, "Sampling Techniques", 6.4), whose units are traces, since the
spans of a trace are kept or dropped together, or else single items.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt

LEAST_TRACES = 30
"""With fewer units, a bound says nothing."""
_LEVEL = 1.96
"""Standard deviations on both sides that 95 of 100 samples are within, of a normal distribution."""


def ratio_bound(before: Mapping[int, int], after: Mapping[int, int]) -> float | None:
    """Return by how much the ratio of items after and before may be wrong, from the items of each trace.

    The ratio of all telemetry is within the bound of the sample's in 95 of 100 random samples; None if the sample is
    too small to tell. A sample that is kept or dropped whole has the bound 0.
    """
    total_before, total_after = sum(before.values()), sum(after.values())
    if not total_before or not total_after or before == after:
        return 0.0
    if len(before) < LEAST_TRACES:
        return None
    ratio = total_after / total_before
    squares = 0.0
    for trace, items in before.items():
        difference = after.get(trace, 0) - ratio * items
        squares += difference * difference
    for trace, items in after.items():
        if trace not in before:
            squares += items * items
    return _LEVEL * sqrt(squares) / total_before


def ratio_bound_of_items(before: int, after: int) -> float | None:
    """Return the same for items that are kept, dropped or made one by one, such as log records and data points."""
    if after in (0, before) or not before:
        return 0.0
    if before < LEAST_TRACES:
        return None
    ratio = after / before
    variance = ratio * (1 - ratio) if ratio <= 1 else ratio * (ratio - 1)
    return _LEVEL * sqrt(variance / before)
