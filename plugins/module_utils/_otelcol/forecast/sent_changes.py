# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What exporters send before and after a change of a config, each signal by itself. Private.

forecasting.py in plugin_utils replays the capture through both configs, and asks for the changes. An item is a span, a
data point or a log record. A sender is a service that sends telemetry (tallies.py), a move what changes for one sender.
This `SentChange` is not that of a migration.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from ..traits import kind_of
from .bounds import (
    OneSide,
    bound_in_percent,
    count_only_after,
    count_only_before,
    estimate_item_ratio_bound,
    estimate_ratio_bound,
)
from .forecast_rows import FiguresRow, PartlyLostRow, SenderChangeRow, SentChangeRow
from .record_kinds import find_kinds_only_in
from .series_churn import Churn, measure_churn
from .tallies import RESOURCE, AttributeName, SenderName, Tally

MOST_MOVERS = 5
"""How many of the senders whose bytes change most are named."""
RESOURCE_SUFFIX = " of the resource"
"""What follows the name of an attribute of resources, since others may have the same name."""
_NO_ITEMS, _NO_CHURN = OneSide(), Churn()


@dataclass
class Sent:
    """What one exporter sent of one signal: what was in it, and the bytes that went over the network."""

    tally: Tally = field(default_factory=Tally)
    byte_count: int = 0


Replayed = Mapping[str, Mapping[str, Sent]]
"""What was sent, by exporter and signal."""


@dataclass(frozen=True)
class Figures:
    """Items, bytes as the exporter sends them, and different series of metrics."""

    item_count: int
    byte_count: int
    series_count: int = 0

    def as_dict(self) -> FiguresRow:
        """Return them as a task result shows them."""
        return {"items": self.item_count, "bytes": self.byte_count, "series": self.series_count}


@dataclass(frozen=True)
class Move:
    """What changes for one sender."""

    sender: SenderName
    before: Figures
    after: Figures

    @property
    def bytes_moved(self) -> int:
        """By how many bytes it changes, up or down."""
        return abs(self.after.byte_count - self.before.byte_count)

    def as_dict(self) -> SenderChangeRow:
        """Return it as a task result shows it."""
        return {
            "service": self.sender.service,
            "namespace": self.sender.namespace,
            "tenant": self.sender.tenant,
            "before": self.before.as_dict(),
            "after": self.after.as_dict(),
        }


class PartlyLost(NamedTuple):
    """An attribute that some items have after a change, and how many items have surely lost it."""

    name: str
    items: int

    def as_dict(self) -> PartlyLostRow:
        """Return it as a task result shows it."""
        return {"name": self.name, "items": self.items}


@dataclass(frozen=True)
class SentChange:
    """What changes for one exporter and signal.

    `bound` is by how much the ratio of items after and before may be wrong, since the capture is a sample; None if the
    sample is too small to tell. `old_exporter` is what the exporter was called before. `only_before` and `only_after`
    are items that one side alone has: of spans by their traces, of log records and data points, which have no ids, by
    their kinds. `lost_attributes` are those that no item has any more, `partly_lost_attributes` those that fewer items
    have. `moves` are the senders whose bytes change most. The churns say how many series begin and end, see
    series_churn.py.
    """

    exporter: str
    signal: str
    before: Figures
    after: Figures
    bound: float | None = 0.0
    lost_attributes: tuple[str, ...] = ()
    gained_attributes: tuple[str, ...] = ()
    moves: tuple[Move, ...] = ()
    old_exporter: str = ""
    partly_lost_attributes: tuple[PartlyLost, ...] = ()
    only_before: OneSide = _NO_ITEMS
    only_after: OneSide = _NO_ITEMS
    churn_before: Churn = _NO_CHURN
    churn_after: Churn = _NO_CHURN

    @property
    def name(self) -> str:
        """The exporter as people read it, with its old name if it has a new one."""
        is_renamed = self.old_exporter not in ("", self.exporter)
        return f"{self.old_exporter} → {self.exporter}" if is_renamed else self.exporter

    def as_dict(self) -> SentChangeRow:
        """Return it as a task result shows it."""
        return {
            "exporter": self.exporter,
            "old_exporter": self.old_exporter or self.exporter,
            "signal": self.signal,
            "before": self.before.as_dict(),
            "after": self.after.as_dict(),
            "bound_percent": bound_in_percent(self.bound),
            "only_before": self.only_before.as_dict(),
            "only_after": self.only_after.as_dict(),
            "series_churn": {"before": self.churn_before.as_dict(), "after": self.churn_after.as_dict()},
            "lost_attributes": list(self.lost_attributes),
            "partly_lost_attributes": [lost_attribute.as_dict() for lost_attribute in self.partly_lost_attributes],
            "gained_attributes": list(self.gained_attributes),
            "largest_changes": [move.as_dict() for move in self.moves],
        }


def list_changes(
    replayed_before: Replayed, replayed_after: Replayed, new_name_by_old: Mapping[str, str]
) -> Iterator[SentChange]:
    """Yield what changes for each exporter and signal. `new_name_by_old` has the new name of each exporter."""
    for old_name, new_name in new_name_by_old.items():
        old_signals, new_signals = replayed_before.get(old_name, {}), replayed_after.get(new_name, {})
        for signal in dict.fromkeys((*old_signals, *new_signals)):
            change = _build_change(signal, old_signals.get(signal, Sent()), new_signals.get(signal, Sent()))
            yield replace(change, exporter=new_name, old_exporter=old_name)


def pair_exporters(old_exporters: Sequence[str], new_exporters: Sequence[str]) -> dict[str, str]:
    """Return the new name of each exporter: the same, or the next new one of its type. Others stand for themselves."""
    new_name_by_old = {name: name for name in old_exporters if name in new_exporters}
    unpaired = [name for name in new_exporters if name not in new_name_by_old]
    for name in old_exporters:
        if name not in new_name_by_old:
            same_type = [candidate for candidate in unpaired if kind_of(candidate) == kind_of(name)]
            new_name_by_old[name] = next(iter(same_type), name)
            unpaired = [candidate for candidate in unpaired if candidate != new_name_by_old[name]]
    return {**new_name_by_old, **{name: name for name in unpaired}}


def _build_change(signal: str, sent_before: Sent, sent_after: Sent) -> SentChange:
    old_attributes, new_attributes = sent_before.tally.items_by_attribute, sent_after.tally.items_by_attribute
    dropped = _find_only_before(signal, sent_before.tally, sent_after.tally)
    return SentChange(
        "",
        signal,
        _count_figures(sent_before),
        _count_figures(sent_after),
        _estimate_bound(signal, sent_before.tally, sent_after.tally),
        lost_attributes=_list_shown_names(old_attributes.keys() - new_attributes.keys()),
        partly_lost_attributes=tuple(_find_partly_lost(old_attributes, new_attributes, dropped.item_count)),
        gained_attributes=_list_shown_names(new_attributes.keys() - old_attributes.keys()),
        moves=_find_largest_moves(sent_before, sent_after),
        only_before=dropped,
        only_after=_find_only_after(signal, sent_before.tally, sent_after.tally),
        churn_before=measure_churn(sent_before.tally.series_by_hash.values()),
        churn_after=measure_churn(sent_after.tally.series_by_hash.values()),
    )


def _count_figures(sent: Sent) -> Figures:
    return Figures(sent.tally.item_count, sent.byte_count, len(sent.tally.series_by_hash))


def _estimate_bound(signal: str, tally_before: Tally, tally_after: Tally) -> float | None:
    if signal == "traces":
        return estimate_ratio_bound(tally_before.items_by_trace, tally_after.items_by_trace)
    return estimate_item_ratio_bound(tally_before.item_count, tally_after.item_count)


def _find_only_before(signal: str, tally_before: Tally, tally_after: Tally) -> OneSide:
    if signal == "traces":
        return count_only_before(tally_before.items_by_trace, tally_after.items_by_trace)
    lost_kinds = find_kinds_only_in(tally_before.record_kinds, tally_after.record_kinds)
    return OneSide(
        lost_kinds.item_count,
        estimate_item_ratio_bound(tally_before.item_count, tally_before.item_count - lost_kinds.item_count),
        lost_kinds.largest_kinds,
    )


def _find_only_after(signal: str, tally_before: Tally, tally_after: Tally) -> OneSide:
    if signal == "traces":
        return count_only_after(tally_before.items_by_trace, tally_after.items_by_trace)
    gained_kinds = find_kinds_only_in(tally_after.record_kinds, tally_before.record_kinds)
    return OneSide(
        gained_kinds.item_count,
        estimate_item_ratio_bound(tally_before.item_count, tally_before.item_count + gained_kinds.item_count),
        gained_kinds.largest_kinds,
    )


def _list_shown_names(attributes: Iterable[AttributeName]) -> tuple[str, ...]:
    return tuple(sorted(map(_format_attribute, attributes)))


def _format_attribute(attribute: AttributeName) -> str:
    """Return the name of an attribute; one of resources is marked."""
    return f"{attribute.name}{RESOURCE_SUFFIX}" if attribute.holder == RESOURCE else attribute.name


def _find_partly_lost(
    counts_before: Mapping[AttributeName, int], counts_after: Mapping[AttributeName, int], dropped_items: int
) -> Iterator[PartlyLost]:
    """Yield the attributes that fewer items have, although some still have them, and not only for what is dropped.

    All of the dropped items may have had the attribute, so a loss is sure only beyond their number.
    """
    for attribute in sorted(counts_before.keys() & counts_after.keys()):
        lost = counts_before[attribute] - counts_after[attribute] - dropped_items
        if lost > 0:
            yield PartlyLost(_format_attribute(attribute), lost)


def _find_largest_moves(sent_before: Sent, sent_after: Sent) -> tuple[Move, ...]:
    old_shares, new_shares = _divide_by_sender(sent_before), _divide_by_sender(sent_after)
    no_figures = Figures(0, 0)
    moves = [
        Move(sender, old_shares.get(sender, no_figures), new_shares.get(sender, no_figures))
        for sender in dict.fromkeys((*old_shares, *new_shares))
    ]
    changed = [move for move in moves if move.before != move.after]
    return tuple(sorted(changed, key=lambda move: -move.bytes_moved)[:MOST_MOVERS])


def _divide_by_sender(sent: Sent) -> dict[SenderName, Figures]:
    """Return the figures of each sender. The bytes are divided in proportion to the size of the items in JSON."""
    sizes, all_sizes = sent.tally.bytes_by_sender, sent.tally.bytes_by_sender.total()
    series_counts = Counter(measured_series.sender for measured_series in sent.tally.series_by_hash.values())
    return {
        sender: Figures(items, round(sent.byte_count * sizes[sender] / all_sizes), series_counts[sender])
        for sender, items in sent.tally.items_by_sender.items()
    }
