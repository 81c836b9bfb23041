# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which share of what is sent an option removes, as real Collectors have shown it. Private."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from .._otelcol.forecast.sent_changes import Replayed, Sent
from .._otelcol.traits import sends_nothing


@dataclass(frozen=True)
class Shares:
    """Shares of one signal that are gone, from 0 to 1: of items, of bytes in JSON, of bytes as they are sent."""

    items: float
    size: float
    sent: float

    def as_dict(self) -> dict[str, float]:
        """Return them in percent, as a task result shows them."""
        shares = {"items_percent": self.items, "bytes_percent": self.size, "sent_bytes_percent": self.sent}
        return {name: round(100 * share, 2) for name, share in shares.items()}


def measured_shares(before: Replayed, after: Replayed) -> dict[str, Shares]:
    """Return the shares of each signal that are gone, of all exporters that send to another machine."""
    exporters = [name for name in before if not sends_nothing(name)] or list(before)
    signals: dict[str, None] = {}
    for exporter in exporters:
        signals.update(dict.fromkeys(before[exporter]))
    shares = {}
    for signal in signals:
        shares[signal] = _shares_gone(_sent_by(exporters, before, signal), _sent_by(exporters, after, signal))
    return shares


class _Totals(NamedTuple):
    """What exporters sent of a signal: items, bytes in JSON, and bytes as they went over the network."""

    items: int
    size: int
    sent: int


def _sent_by(exporters: Iterable[str], replayed: Replayed, signal: str) -> _Totals:
    """Return what exporters sent of a signal, together."""
    items = size = sent = 0
    for exporter in exporters:
        own = replayed.get(exporter, {}).get(signal, Sent())
        items += own.tally.total
        size += own.tally.sizes.total()
        sent += own.size
    return _Totals(items, size, sent)


def _shares_gone(before: _Totals, after: _Totals) -> Shares:
    """Return which shares of what was sent before are not sent after."""
    return Shares(
        items=_share_gone(before.items, after.items),
        size=_share_gone(before.size, after.size),
        sent=_share_gone(before.sent, after.sent),
    )


def _share_gone(before: int, after: int) -> float:
    return (before - after) / before if before else 0.0


def sent_anything(sent: Mapping[str, Mapping[str, Sent]]) -> bool:
    """Return whether any exporter sent a record."""
    return any(one.tally.total for by_signal in sent.values() for one in by_signal.values())
