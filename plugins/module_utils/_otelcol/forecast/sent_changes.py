# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What exporters send before and after a change of a config, each signal by itself. Private."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from ..traits import kind_of
from .bounds import OneSide, only_after, only_before, percent_of, ratio_bound, ratio_bound_of_items
from .record_kinds import kinds_only_in
from .series_churn import Churn, churn_of
from .tallies import RESOURCE, AttributeName, Sender, Tally

MOST_MOVERS = 5
"""How many of the senders whose bytes change most are named."""
OF_RESOURCE = " of the resource"
"""What follows the name of an attribute of resources, since others may have the same name."""
_NOTHING, _NO_CHURN = OneSide(), Churn()


@dataclass
class Sent:
    """What one exporter sent of one signal: what was in it, and the bytes that went over the network."""

    tally: Tally = field(default_factory=Tally)
    size: int = 0


Replayed = Mapping[str, Mapping[str, Sent]]
"""What was sent, by exporter and signal."""


@dataclass(frozen=True)
class Figures:
    """Items, bytes as the exporter sends them, and different series of metrics."""

    items: int
    size: int
    series: int = 0

    def as_dict(self) -> dict[str, int]:
        """Return them as a task result shows them."""
        return {"items": self.items, "bytes": self.size, "series": self.series}


@dataclass(frozen=True)
class Move:
    """What changes for one sender."""

    sender: Sender
    before: Figures
    after: Figures

    @property
    def bytes_moved(self) -> int:
        """By how many bytes it changes, up or down."""
        return abs(self.after.size - self.before.size)

    def as_dict(self) -> dict[str, Any]:
        """Return it as a task result shows it."""
        return {**self.sender._asdict(), "before": self.before.as_dict(), "after": self.after.as_dict()}


class PartlyLost(NamedTuple):
    """An attribute that some items have after a change, and how many items have surely lost it."""

    name: str
    items: int


@dataclass(frozen=True)
class Change:
    """What changes for one exporter and signal.

    `bound` is by how much the ratio of items after and before may be wrong, since the capture is a sample; None if the
    sample is too small to tell. `old_exporter` is what the exporter was called before. `only_before` and `only_after`
    are items that one side alone has: of spans by their traces, of log records and data points, which have no ids, by
    their kinds. `lost_attributes` are those that no item has any more.
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
    only_before: OneSide = _NOTHING
    only_after: OneSide = _NOTHING
    churn_before: Churn = _NO_CHURN
    churn_after: Churn = _NO_CHURN

    @property
    def name(self) -> str:
        """The exporter as people read it, with its old name if it has a new one."""
        is_renamed = self.old_exporter not in ("", self.exporter)
        return f"{self.old_exporter} → {self.exporter}" if is_renamed else self.exporter

    def as_dict(self) -> dict[str, Any]:
        """Return it as a task result shows it."""
        return {
            "exporter": self.exporter,
            "old_exporter": self.old_exporter or self.exporter,
            "signal": self.signal,
            "before": self.before.as_dict(),
            "after": self.after.as_dict(),
            "bound_percent": percent_of(self.bound),
            "only_before": self.only_before.as_dict(),
            "only_after": self.only_after.as_dict(),
            "series_churn": {"before": self.churn_before.as_dict(), "after": self.churn_after.as_dict()},
            "lost_attributes": list(self.lost_attributes),
            "partly_lost_attributes": [lost._asdict() for lost in self.partly_lost_attributes],
            "gained_attributes": list(self.gained_attributes),
            "largest_changes": [move.as_dict() for move in self.moves],
        }


def changes_of(before: Replayed, after: Replayed, names: Mapping[str, str]) -> Iterator[Change]:
    """Yield what changes for each exporter and signal. `names` has the new name of each exporter."""
    for old_name, new_name in names.items():
        old_signals, new_signals = before.get(old_name, {}), after.get(new_name, {})
        for signal in dict.fromkeys((*old_signals, *new_signals)):
            change = _change(signal, old_signals.get(signal, Sent()), new_signals.get(signal, Sent()))
            yield replace(change, exporter=new_name, old_exporter=old_name)


def paired_exporters(old: Sequence[str], new: Sequence[str]) -> dict[str, str]:
    """Return the new name of each exporter: the same, or the next new one of its type. Others stand for themselves."""
    pairs = {name: name for name in old if name in new}
    come = [name for name in new if name not in pairs]
    for name in old:
        if name not in pairs:
            of_its_kind = [other for other in come if kind_of(other) == kind_of(name)]
            pairs[name] = next(iter(of_its_kind), name)
            come = [other for other in come if other != pairs[name]]
    return {**pairs, **{name: name for name in come}}


def _change(signal: str, before: Sent, after: Sent) -> Change:
    old_attributes, new_attributes = before.tally.attributes, after.tally.attributes
    dropped = _only_before(signal, before.tally, after.tally)
    return Change(
        "",
        signal,
        _figures(before),
        _figures(after),
        _bound(signal, before.tally, after.tally),
        lost_attributes=_shown_names(old_attributes.keys() - new_attributes.keys()),
        partly_lost_attributes=tuple(_partly_lost(old_attributes, new_attributes, dropped.items)),
        gained_attributes=_shown_names(new_attributes.keys() - old_attributes.keys()),
        moves=_largest_moves(before, after),
        only_before=dropped,
        only_after=_only_after(signal, before.tally, after.tally),
        churn_before=churn_of(before.tally.series.values()),
        churn_after=churn_of(after.tally.series.values()),
    )


def _figures(sent: Sent) -> Figures:
    return Figures(sent.tally.total, sent.size, len(sent.tally.series))


def _bound(signal: str, before: Tally, after: Tally) -> float | None:
    if signal == "traces":
        return ratio_bound(before.traces, after.traces)
    return ratio_bound_of_items(before.total, after.total)


def _only_before(signal: str, before: Tally, after: Tally) -> OneSide:
    if signal == "traces":
        return only_before(before.traces, after.traces)
    gone = kinds_only_in(before.kinds, after.kinds)
    return OneSide(gone.items, ratio_bound_of_items(before.total, before.total - gone.items), gone.largest)


def _only_after(signal: str, before: Tally, after: Tally) -> OneSide:
    if signal == "traces":
        return only_after(before.traces, after.traces)
    come = kinds_only_in(after.kinds, before.kinds)
    return OneSide(come.items, ratio_bound_of_items(before.total, before.total + come.items), come.largest)


def _shown_names(attributes: Iterable[AttributeName]) -> tuple[str, ...]:
    return tuple(sorted(map(_shown_name, attributes)))


def _shown_name(attribute: AttributeName) -> str:
    """Return the name of an attribute; one of resources is marked."""
    return f"{attribute.name}{OF_RESOURCE}" if attribute.holder == RESOURCE else attribute.name


def _partly_lost(
    before: Mapping[AttributeName, int], after: Mapping[AttributeName, int], dropped: int
) -> Iterator[PartlyLost]:
    """Yield the attributes that fewer items have, although some still have them, and not only for what is dropped.

    All of the dropped items may have had the attribute, so a loss is sure only beyond their number.
    """
    for attribute in sorted(before.keys() & after.keys()):
        lost = before[attribute] - after[attribute] - dropped
        if lost > 0:
            yield PartlyLost(_shown_name(attribute), lost)


def _largest_moves(before: Sent, after: Sent) -> tuple[Move, ...]:
    old_shares, new_shares = _shares(before), _shares(after)
    none = Figures(0, 0)
    moves = [
        Move(sender, old_shares.get(sender, none), new_shares.get(sender, none))
        for sender in dict.fromkeys((*old_shares, *new_shares))
    ]
    changed = [move for move in moves if move.before != move.after]
    return tuple(sorted(changed, key=lambda move: -move.bytes_moved)[:MOST_MOVERS])


def _shares(sent: Sent) -> dict[Sender, Figures]:
    """Return what is of each sender; of the bytes, what the size of its items in JSON says."""
    sizes, all_sizes = sent.tally.sizes, sent.tally.sizes.total()
    series = Counter(one.sender for one in sent.tally.series.values())
    return {
        sender: Figures(items, round(sent.size * sizes[sender] / all_sizes), series[sender])
        for sender, items in sent.tally.items.items()
    }
