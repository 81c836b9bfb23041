# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which collector on the way took a record and lost it, by what each of them counted since. Private."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from .metrics import NOUNS, Key, Reading


class Hop(NamedTuple):
    """A collector on the way: the others that each of its exporters sends to, and its counts.

    An exporter without others sends to a backend. `gained` is what the pods counted since the record was sent, `now`
    what they count in all; `unread` says why their counts are not known.
    """

    name: str
    exporters: Mapping[str, Sequence[str]]
    gained: Reading
    now: Reading
    unread: str = ""

    def took(self, signal: str) -> int:
        """Return how many items its receivers accepted."""
        return sum(
            count for key, count in self.gained.items() if (key.name, key.signal) == ("receiver_accepted", signal)
        )

    def sent(self, signal: str) -> list[str]:
        """Return the exporters that sent items."""
        return [one for one in self.exporters if self.gained[Key("exporter_sent", one, signal)] > 0]


class Lost(NamedTuple):
    """Where records were lost, as lines, and whether a collector or the way to one lost them, and not a backend."""

    lines: list[str]
    inside: bool


def lost(hops: Sequence[Hop], signal: str) -> Lost:
    """Return where records of a signal were lost, from the first collector to the last.

    A collector that took records and sent none lost them, and so did the way to one that took none. If all passed
    them on, the backends did.
    """
    took = {hop.name for hop in hops if hop.took(signal)}
    unread = {hop.name: hop.unread for hop in hops if hop.unread}
    ways = [hop for hop in hops if hop.name in took]
    inside = [line for hop in ways for line in _inside(hop, signal, took | unread.keys())]
    blind = [f"the counts of {name} cannot be read: {why}" for name, why in unread.items()]
    busy = [f"other {NOUNS[signal]} flow too, and the counts include them"] if _busy(ways, signal) else []
    names = ", ".join(hop.name for hop in hops if not hop.unread)
    if names and not ways:
        inside = [f"no {NOUNS[signal]} came to {names}, so another receiver answered"]
    found = inside or [line for hop in ways for line in _at_backends(hop, signal)]
    return Lost([*found, *blind, *busy], bool(inside))


def _busy(ways: Sequence[Hop], signal: str) -> bool:
    return any(hop.took(signal) > 1 for hop in ways)


def _inside(hop: Hop, signal: str, reached: set[str]) -> Iterator[str]:
    sent, noun = hop.sent(signal), NOUNS[signal]
    # Before 0.120 the exporter load_balancing counts nothing that it sends.
    passed = any(name in reached for names in hop.exporters.values() for name in names)
    if not sent and not passed:
        yield f"{hop.name} took {noun} and sent none: {_reason(hop, signal)}"
    for exporter in sent:
        names = hop.exporters[exporter]
        if names and not reached.intersection(names):
            to = " and ".join(names)
            yield f"{hop.name} sent {noun} by {exporter}, but none came to {to}: another receiver answered"


def _at_backends(hop: Hop, signal: str) -> Iterator[str]:
    for exporter in hop.sent(signal):
        if not hop.exporters[exporter]:
            yield f"{hop.name} sent {NOUNS[signal]} by {exporter}, and the backend behind it took them"


def _reason(hop: Hop, signal: str) -> str:
    """Return what the counts say of records that a collector did not send."""
    counts = (
        (_with(hop.gained, "exporter_send_failed", signal), "sending failed at {}"),
        (_with(hop.gained, "exporter_enqueue_failed", signal), "the queue was full at {}"),
        (_with(hop.now, "exporter_queue_size", signal), "they wait in the queue of {}"),
        (_with(hop.gained, "processor_refused", signal), "refused by {}"),
        (_with(hop.gained, "processor_memory_limiter_refused", signal), "refused by {}"),
        (_ended(hop, signal), "all ended at {}"),
        (_decided(hop), "dropped or held by {}"),
    )
    found = [text.format(", ".join(names)) for names, text in counts if names]
    return "; ".join(found) or "a processor or connector drops or holds them"


def _with(counts: Reading, name: str, signal: str) -> list[str]:
    return sorted(
        key.component for key, count in counts.items() if (key.name, key.signal) == (name, signal) and count > 0
    )


def _ended(hop: Hop, signal: str) -> list[str]:
    """Return the processors that items went into, and none came out of."""
    return [
        name
        for name in _with(hop.gained, "processor_incoming_items", signal)
        if not hop.gained[Key("processor_outgoing_items", name, signal)]
    ]


def _decided(hop: Hop) -> list[str]:
    """Return tail_sampling, which counts traces but no items, if it got a trace."""
    return ["tail_sampling"] if hop.gained[Key("processor_tail_sampling_new_trace_id_received")] > 0 else []
