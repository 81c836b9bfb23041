# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which share of what is sent an option removes, as real Collectors have shown it. Private."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

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
    named = [name for name in before if not sends_nothing(name)] or list(before)
    shares: dict[str, Shares] = {}
    for signal in dict.fromkeys(signal for name in named for signal in before[name]):
        old = [before[name].get(signal, Sent()) for name in named]
        new = [after.get(name, {}).get(signal, Sent()) for name in named]
        shares[signal] = Shares(
            items=_gone(sum(sent.tally.total for sent in old), sum(sent.tally.total for sent in new)),
            size=_gone(sum(sent.tally.sizes.total() for sent in old), sum(sent.tally.sizes.total() for sent in new)),
            sent=_gone(sum(sent.size for sent in old), sum(sent.size for sent in new)),
        )
    return shares


def sent_anything(sent: Mapping[str, Mapping[str, Sent]]) -> bool:
    """Return whether any exporter sent a record."""
    return any(one.tally.total for by_signal in sent.values() for one in by_signal.values())


def _gone(before: int, after: int) -> float:
    return (before - after) / before if before else 0.0
