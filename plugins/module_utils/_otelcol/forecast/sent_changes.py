# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What exporters send before and after a change of a config, each signal by itself. Private.

A forecast replays a capture through the config before and after (forecasting.py in plugin_utils), counts what each
exporter sends in a `Tally`, and asks here for the changes. If exporter otlp sends 1,000 spans before and 620 after,
`list_changes` yields `SentChange("otlp", "traces", before=Figures(1000, …), after=Figures(620, …))`; pages.py writes
it.

An item is a span, a data point or a log record. A sender is a service whose telemetry it is, such as `cart` in
namespace `shop`. The `ConfigChange` of a migration is another thing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
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

MOST_LISTED = 5
"""How many of the largest changes are listed."""
RESOURCE_SUFFIX = " of the resource"
"""What follows the name of an attribute of resources, since others may have the same name."""
_NO_ITEMS = OneSide()
_NO_CHURN = Churn()


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


_NO_FIGURES = Figures(0, 0)


@dataclass(frozen=True)
class SenderChange:
    """What changes for one sender."""

    sender: SenderName
    before: Figures
    after: Figures

    @property
    def changed_bytes(self) -> int:
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
    """What changes for one exporter and signal."""

    exporter: str
    signal: str
    before: Figures
    after: Figures
    bound: float | None = 0.0
    """By how much the ratio of items after and before may be wrong, since the capture is a sample. None if the sample
    is too small to tell."""
    lost_attributes: tuple[str, ...] = ()
    """The attributes that no item has any more."""
    gained_attributes: tuple[str, ...] = ()
    sender_changes: tuple[SenderChange, ...] = ()
    """The senders whose bytes change most, the largest change first."""
    old_exporter: str = ""
    """What the exporter was called before; empty for the same name."""
    partly_lost_attributes: tuple[PartlyLost, ...] = ()
    """The attributes that fewer items have."""
    only_before: OneSide = _NO_ITEMS
    """The items that before alone has: of spans by their traces, of log records and data points, which have no ids, by
    their kinds."""
    only_after: OneSide = _NO_ITEMS
    """The items that after alone has."""
    churn_before: Churn = _NO_CHURN
    """How many series begin and end, see series_churn.py."""
    churn_after: Churn = _NO_CHURN

    @property
    def name(self) -> str:
        """The exporter as people read it, with its old name if it has a new one: `otlp/a → otlp/b`."""
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
            "largest_changes": [sender_change.as_dict() for sender_change in self.sender_changes],
        }


def pair_exporters(old_exporters: Sequence[str], new_exporters: Sequence[str]) -> dict[str, str]:
    """Return the new name of each exporter: the same, or the next new one of its type. Others stand for themselves.

    Of `otlp/a`, `debug` before and `otlp/b`, `file` after, `otlp/a` becomes `otlp/b`; `debug` and `file` stay.
    """
    new_name_by_old = {name: name for name in old_exporters if name in new_exporters}
    unpaired_new = [name for name in new_exporters if name not in new_name_by_old]
    for old_name in old_exporters:
        if old_name in new_name_by_old:
            continue
        successor = _find_first_of_same_type(old_name, unpaired_new)
        if successor is None:
            new_name_by_old[old_name] = old_name
        else:
            new_name_by_old[old_name] = successor
            unpaired_new.remove(successor)
    new_name_by_old.update((name, name) for name in unpaired_new)
    return new_name_by_old


def _find_first_of_same_type(exporter: str, candidates: Iterable[str]) -> str | None:
    """Return the first of the candidates that has the type of an exporter; None if none has."""
    for candidate in candidates:
        if kind_of(candidate) == kind_of(exporter):
            return candidate
    return None


def list_changes(
    replayed_before: Replayed, replayed_after: Replayed, new_name_by_old: Mapping[str, str]
) -> Iterator[SentChange]:
    """Yield what changes for each exporter and signal. `new_name_by_old` has the new name of each exporter."""
    for old_name, new_name in new_name_by_old.items():
        sent_before = replayed_before.get(old_name, {})
        sent_after = replayed_after.get(new_name, {})
        for signal in dict.fromkeys((*sent_before, *sent_after)):
            yield _build_change(
                signal,
                sent_before.get(signal, Sent()),
                sent_after.get(signal, Sent()),
                old_exporter=old_name,
                exporter=new_name,
            )


def _build_change(signal: str, sent_before: Sent, sent_after: Sent, *, old_exporter: str, exporter: str) -> SentChange:
    """Return what changes for an exporter and a signal."""
    tally_before, tally_after = sent_before.tally, sent_after.tally
    counts_before, counts_after = tally_before.items_by_attribute, tally_after.items_by_attribute
    only_before = _find_only_before(signal, tally_before, tally_after)
    return SentChange(
        exporter=exporter,
        signal=signal,
        before=_count_figures(sent_before),
        after=_count_figures(sent_after),
        bound=_estimate_bound(signal, tally_before, tally_after),
        lost_attributes=_list_shown_names(counts_before.keys() - counts_after.keys()),
        gained_attributes=_list_shown_names(counts_after.keys() - counts_before.keys()),
        sender_changes=_find_largest_sender_changes(sent_before, sent_after),
        old_exporter=old_exporter,
        partly_lost_attributes=tuple(_find_partly_lost(counts_before, counts_after, only_before.item_count)),
        only_before=only_before,
        only_after=_find_only_after(signal, tally_before, tally_after),
        churn_before=measure_churn(tally_before.series_by_hash.values()),
        churn_after=measure_churn(tally_after.series_by_hash.values()),
    )


def _count_figures(sent: Sent) -> Figures:
    return Figures(sent.tally.item_count, sent.byte_count, len(sent.tally.series_by_hash))


# ── Items ──


def _estimate_bound(signal: str, tally_before: Tally, tally_after: Tally) -> float | None:
    """Return by how much the ratio of items after and before may be wrong: spans are kept or dropped by traces."""
    if signal == "traces":
        return estimate_ratio_bound(tally_before.items_by_trace, tally_after.items_by_trace)
    return estimate_item_ratio_bound(tally_before.item_count, tally_after.item_count)


def _find_only_before(signal: str, tally_before: Tally, tally_after: Tally) -> OneSide:
    """Return the items that a change drops."""
    if signal == "traces":
        return count_only_before(tally_before.items_by_trace, tally_after.items_by_trace)
    lost_kinds = find_kinds_only_in(tally_before.record_kinds, tally_after.record_kinds)
    count_without_lost = tally_before.item_count - lost_kinds.item_count
    error_bound = estimate_item_ratio_bound(tally_before.item_count, count_without_lost)
    return OneSide(lost_kinds.item_count, error_bound, lost_kinds.largest_kinds)


def _find_only_after(signal: str, tally_before: Tally, tally_after: Tally) -> OneSide:
    """Return the items that a change adds."""
    if signal == "traces":
        return count_only_after(tally_before.items_by_trace, tally_after.items_by_trace)
    gained_kinds = find_kinds_only_in(tally_after.record_kinds, tally_before.record_kinds)
    count_with_gained = tally_before.item_count + gained_kinds.item_count
    error_bound = estimate_item_ratio_bound(tally_before.item_count, count_with_gained)
    return OneSide(gained_kinds.item_count, error_bound, gained_kinds.largest_kinds)


# ── Attributes ──


def _list_shown_names(attributes: Iterable[AttributeName]) -> tuple[str, ...]:
    return tuple(sorted(map(_format_attribute, attributes)))


def _format_attribute(attribute: AttributeName) -> str:
    """Return the name of an attribute; one of resources is marked: `team of the resource`."""
    return f"{attribute.name}{RESOURCE_SUFFIX}" if attribute.holder == RESOURCE else attribute.name


def _find_partly_lost(
    counts_before: Mapping[AttributeName, int], counts_after: Mapping[AttributeName, int], dropped_items: int
) -> Iterator[PartlyLost]:
    """Yield the attributes that fewer items have, although some still have them, and not only for what is dropped.

    All of the dropped items may have had the attribute, so a loss is sure only beyond their number.
    """
    for attribute in sorted(counts_before.keys() & counts_after.keys()):
        lost_items = counts_before[attribute] - counts_after[attribute] - dropped_items
        if lost_items > 0:
            yield PartlyLost(_format_attribute(attribute), lost_items)


# ── Senders ──


def _find_largest_sender_changes(sent_before: Sent, sent_after: Sent) -> tuple[SenderChange, ...]:
    """Return the senders whose bytes change most, the largest change first."""
    figures_before, figures_after = _divide_by_sender(sent_before), _divide_by_sender(sent_after)
    changes = []
    for sender in dict.fromkeys((*figures_before, *figures_after)):
        before, after = figures_before.get(sender, _NO_FIGURES), figures_after.get(sender, _NO_FIGURES)
        if before != after:
            changes.append(SenderChange(sender, before, after))
    changes.sort(key=lambda change: -change.changed_bytes)
    return tuple(changes[:MOST_LISTED])


def _divide_by_sender(sent: Sent) -> dict[SenderName, Figures]:
    """Return the figures of each sender. The bytes are divided in proportion to the size of the items in JSON."""
    tally = sent.tally
    json_bytes = tally.bytes_by_sender
    all_json_bytes = json_bytes.total()
    series_counts = Counter(series.sender for series in tally.series_by_hash.values())
    figures_by_sender = {}
    for sender, item_count in tally.items_by_sender.items():
        byte_count = round(sent.byte_count * json_bytes[sender] / all_json_bytes)
        figures_by_sender[sender] = Figures(item_count, byte_count, series_counts[sender])
    return figures_by_sender
