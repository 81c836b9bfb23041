# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of counts: one for each component and signal. `Flow` of _telemetry/metrics.py makes them. Private.

A count without `_total` is what has been counted while the pods are watched, one with `_total` what they count since
their start.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

# A row of any kind, or what facts add to it.
Row = Mapping[str, Any]


class ComponentRow(TypedDict):
    """What every row has: the component, one of its signals, and how the items of the signal are called."""

    id: str
    signal: str
    items: str
    seconds: int
    uptime: str
    about: str


class ReceiverRow(ComponentRow):
    """What came in at a receiver. One that is `passive` waits for clients, any other one collects by itself."""

    accepted: int
    refused: int
    failed: int
    accepted_total: int
    refused_total: int
    failed_total: int
    passive: bool
    state: str


class ProcessorRow(ComponentRow):
    """What came into a processor and left it."""

    incoming: int
    outgoing: int
    refused: int
    dropped: int


class ExporterRow(ComponentRow):
    """What an exporter sent, and its queue. `accepted` is what all receivers of the signal got."""

    accepted: int
    sent: int
    send_failed: int
    enqueue_failed: int
    failed: int
    sent_total: int
    send_failed_total: int
    enqueue_failed_total: int
    failed_total: int
    queue_size: int
    queue_capacity: int
    queue_percent: int
    came: str
    state: str


class CountRows(TypedDict):
    """All rows of one reading."""

    receives: list[ReceiverRow]
    processes: list[ProcessorRow]
    exports: list[ExporterRow]


def count_accepted_items(rows: Mapping[str, Any], signal: str, field: str = "accepted") -> int:
    """Return how many items of a signal came in; for a signal that connectors make, those of all signals.

    `field` is `accepted` or `accepted_total`.
    """
    signal_counts = [row[field] for row in rows["receives"] if row["signal"] == signal]
    return sum(signal_counts) if signal_counts else sum(row[field] for row in rows["receives"])
