# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of counts: one for each component and signal. `SignalFlow` of _telemetry/metrics.py makes them. Private.

An item is a span, a data point, a log record or a profile sample. A count without `_total` is what has been counted
while the pods are watched, one with `_total` what they count since their start (see readings.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

# A row of any kind, or what facts add to it.
Row = Mapping[str, Any]


class ComponentRow(TypedDict):
    """What every row has: the component, one of its signals, and how the items of the signal are called."""

    id: str
    """The component as the config names it, such as `otlp/backend`."""
    signal: str
    items: str
    """The noun for items of the signal, such as `spans`."""
    seconds: int
    """Over how many seconds the counts without `_total` were counted; at least 1."""
    uptime: str
    """How long the process has run, in words, such as `3 h`."""
    about: str
    """How messages name the component: `exporters/otlp`, or `in` for a receiver that waits for clients."""


class ReceiverRow(ComponentRow):
    """What came in at a receiver. One that is `passive` waits for clients, any other one collects by itself."""

    accepted: int
    refused: int
    failed: int
    accepted_total: int
    refused_total: int
    failed_total: int
    passive: bool
    """Whether it waits for clients."""
    state: str
    """A word such as `comes`, see `ReceiverRow` of _telemetry/metrics.py."""


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
    """The beginning of a sentence about the items, before a verb."""
    state: str
    """A word such as `sends`, see `ExporterRow` of _telemetry/metrics.py."""


class CountRows(TypedDict):
    """All rows of one reading of all pods, summed over the pods."""

    receives: list[ReceiverRow]
    processes: list[ProcessorRow]
    exports: list[ExporterRow]


def count_accepted_items(rows: Mapping[str, Any], signal: str, field: str = "accepted") -> int:
    """Return how many items of a signal came in; for a signal that connectors make, those of all signals.

    `field` is `accepted` or `accepted_total`.
    """
    signal_counts = [row[field] for row in rows["receives"] if row["signal"] == signal]
    return sum(signal_counts) if signal_counts else sum(row[field] for row in rows["receives"])
