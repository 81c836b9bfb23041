# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is counted in the rows of components. `SignalFlow` of _telemetry/signal_flow.py makes the rows. Private.

An item is a span, a data point, a log record or a profile sample. A count without `_total` is what has been counted
while the pods are watched, one with `_total` what they count since their start (see readings.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# A row of any kind, or what facts add to it.
Row = Mapping[str, Any]


def count_accepted_items(rows: Mapping[str, Any], signal: str, field: str = "accepted") -> int:
    """Return how many items of a signal came in; for a signal that connectors make, those of all signals.

    `field` is `accepted` or `accepted_total`.
    """
    signal_counts = [row[field] for row in rows["receives"] if row["signal"] == signal]
    return sum(signal_counts) if signal_counts else sum(row[field] for row in rows["receives"])
