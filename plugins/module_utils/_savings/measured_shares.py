# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which share of what is sent an option removes, as real Collectors have shown it. Private.

`_measured_savings.py` of plugin_utils calls `measure_removed_shares` for each option that is measured. Example: the
exporters sent 100 log records before and 10 after, so 0.9 of the items are gone. The capture is replayed to a Collector
twice, without the option and with it. `Replayed` has what each exporter sent, by exporter and signal.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from .._otelcol.forecast.sent_changes import Replayed, Sent
from .._otelcol.traits import sends_nothing


@dataclass(frozen=True)
class RemovedShares:
    """Shares of one signal that are gone, from 0 to 1: of items, of bytes in JSON, of bytes as they are sent."""

    item_share: float
    json_share: float
    sent_share: float

    def as_dict(self) -> dict[str, float]:
        """Return them in percent, as a task result shows them."""
        shares = {
            "items_percent": self.item_share,
            "bytes_percent": self.json_share,
            "sent_bytes_percent": self.sent_share,
        }
        return {name: round(100 * share, 2) for name, share in shares.items()}


def measure_removed_shares(replayed_before: Replayed, replayed_after: Replayed) -> dict[str, RemovedShares]:
    """Return the shares of each signal that are gone, of all exporters that send to another machine.

    If there is no such exporter, as in a config that only prints to `debug`, all exporters count: what they would send
    is all that the config lets through.
    """
    sending_exporters = [name for name in replayed_before if not sends_nothing(name)]
    exporters = sending_exporters or list(replayed_before)
    signals: dict[str, None] = {}  # a dict in place of a set, which would change the order
    for exporter in exporters:
        signals.update(dict.fromkeys(replayed_before[exporter]))
    shares = {}
    for signal in signals:
        shares[signal] = _compare_totals(
            _sum_sent(exporters, replayed_before, signal), _sum_sent(exporters, replayed_after, signal)
        )
    return shares


class _Totals(NamedTuple):
    """What exporters sent of a signal: items, bytes in JSON, and bytes as they went over the network."""

    item_count: int
    json_bytes: int
    sent_bytes: int


def _sum_sent(exporters: Iterable[str], replayed: Replayed, signal: str) -> _Totals:
    """Return how much several exporters sent of a signal, together."""
    item_count = json_bytes = sent_bytes = 0
    for exporter in exporters:
        # With an option that drops everything, an exporter sends nothing, and has no entry.
        sent = replayed.get(exporter, {}).get(signal, Sent())
        item_count += sent.tally.item_count
        json_bytes += sent.tally.bytes_by_sender.total()
        sent_bytes += sent.byte_count
    return _Totals(item_count, json_bytes, sent_bytes)


def _compare_totals(totals_before: _Totals, totals_after: _Totals) -> RemovedShares:
    """Return which shares of what was sent before are not sent after."""
    return RemovedShares(
        item_share=_removed_share(totals_before.item_count, totals_after.item_count),
        json_share=_removed_share(totals_before.json_bytes, totals_after.json_bytes),
        sent_share=_removed_share(totals_before.sent_bytes, totals_after.sent_bytes),
    )


def _removed_share(amount_before: int, amount_after: int) -> float:
    return (amount_before - amount_after) / amount_before if amount_before else 0.0


def has_sent_anything(replayed: Replayed) -> bool:
    """Return whether any exporter sent a record."""
    return any(sent.tally.item_count for sent_by_signal in replayed.values() for sent in sent_by_signal.values())
