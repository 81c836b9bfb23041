# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which collector on the way took a record and lost it, by what each of them counted since. Private."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .metrics import NOUNS, Key, Reading


class Hop(NamedTuple):
    """A collector on the way, and its counts.

    `exporters` has the `signals` of each exporter, and in `to` the other collectors that it sends to; without others it
    sends to a backend. `gained` is what the pods counted since the record was sent, `now` what they count in all;
    `unread` says why some counts are not known.
    """

    name: str
    exporters: Mapping[str, Mapping[str, Any]]
    gained: Reading
    now: Reading
    unread: str = ""

    def took(self, signal: str) -> int:
        """Return how many items its receivers accepted."""
        return sum(
            count for key, count in self.gained.items() if (key.name, key.signal) == ("receiver_accepted", signal)
        )

    def ways(self, signal: str) -> dict[str, list[str]]:
        """Return the exporters of a signal, each with the collectors that it sends to."""
        return {name: one["to"] for name, one in self.exporters.items() if signal in one["signals"]}

    def sent(self, signal: str) -> dict[str, int]:
        """Return the exporters that sent items, and how many."""
        counts = {name: self.gained[Key("exporter_sent", name, signal)] for name in self.ways(signal)}
        return {name: count for name, count in counts.items() if count > 0}


class Lost(NamedTuple):
    """Where records were lost, as lines, and whether a collector or the way to one lost them, and not a backend."""

    lines: list[str]
    inside: bool


def lost(hops: Sequence[Hop], signal: str) -> Lost:
    """Return where records of a signal were lost, from the first collector to the last.

    A collector that took records and sent none lost them, and so did an exporter that failed and the way to a collector
    that took none. If all passed them on, the backends did. One whose pipelines of the signal end in it says nothing.
    """
    unread = {hop.name: hop.unread for hop in hops if hop.unread}
    takers = [hop for hop in hops if hop.took(signal)]
    senders = [hop for hop in takers if hop.ways(signal)]
    reached = {hop.name for hop in takers} | unread.keys()
    inside = _all_inside(senders, signal, reached) if reached else [_nowhere(hops, signal)]
    is_inside = bool(inside)
    lines = inside or _all_at_backends(senders, signal)
    lines += [f"the counts of {name} cannot be read: {why}" for name, why in unread.items()]
    if _busy(senders, signal):
        lines.append(f"other {NOUNS[signal]} flow too, and the counts include them")
    return Lost(lines, is_inside)


def _nowhere(hops: Sequence[Hop], signal: str) -> str:
    return f"no {NOUNS[signal]} came to {', '.join(hop.name for hop in hops)}, so another receiver answered"


def _all_inside(senders: Sequence[Hop], signal: str, reached: set[str]) -> list[str]:
    return [line for hop in senders for line in _inside(hop, signal, reached)]


def _all_at_backends(senders: Sequence[Hop], signal: str) -> list[str]:
    return [line for hop in senders for line in _at_backends(hop, signal)]


def _busy(senders: Sequence[Hop], signal: str) -> bool:
    """Whether more than one record went through, such as the points that a connector makes."""
    return any(count > 1 for hop in senders for count in (hop.took(signal), *hop.sent(signal).values()))


def _inside(hop: Hop, signal: str, reached: set[str]) -> Iterator[str]:
    ways, sent, noun = hop.ways(signal), hop.sent(signal), NOUNS[signal]
    # Before 0.120 the exporter load_balancing counts nothing that it sends.
    has_passed = bool(sent) or any(reached.intersection(names) for names in ways.values())
    if not has_passed:
        yield f"{hop.name} took {noun} and sent none: {_reason(hop, signal)}"
    for exporter, names in ways.items():
        if exporter in sent and names and not reached.intersection(names):
            to = " and ".join(names)
            yield f"{hop.name} sent {noun} by {exporter}, but none came to {to}: another receiver answered"
        why = "; ".join(_trouble(hop, signal, exporter)) if has_passed and exporter not in sent else ""
        if why:
            yield f"{hop.name} took {noun}, and not all exporters sent them: {why}"
    ended = _ended(hop, signal) if has_passed else []
    if ended:
        yield f"{hop.name} took {noun}: all were dropped by {', '.join(ended)}"


def _at_backends(hop: Hop, signal: str) -> Iterator[str]:
    for exporter in hop.sent(signal):
        if not hop.ways(signal)[exporter]:
            yield f"{hop.name} sent {NOUNS[signal]} by {exporter}, and the backend behind it took them"


def _reason(hop: Hop, signal: str) -> str:
    """Return what the counts say of records that a collector did not send."""
    limited = [*_with(hop.gained, "processor_refused", signal), *_limiters(hop, signal)]
    counts = (
        (limited, "refused by {}"),
        (_ended(hop, signal), "all were dropped by {}"),
        (_decided(hop), "dropped or held by {}"),
    )
    found = [line for exporter in hop.ways(signal) for line in _trouble(hop, signal, exporter)]
    found += [text.format(", ".join(dict.fromkeys(names))) for names, text in counts if names]
    return "; ".join(found) or "a processor or connector drops or holds them"


def _trouble(hop: Hop, signal: str, exporter: str) -> Iterator[str]:
    counts = (
        (hop.gained, "exporter_send_failed", "sending failed at {}"),
        (hop.gained, "exporter_enqueue_failed", "the queue was full at {}"),
        (hop.now, "exporter_queue_size", "they wait in the queue of {}"),
    )
    yield from (text.format(exporter) for reading, name, text in counts if reading[Key(name, exporter, signal)] > 0)


def _with(counts: Reading, name: str, signal: str) -> list[str]:
    return sorted(
        key.component for key, count in counts.items() if (key.name, key.signal) == (name, signal) and count > 0
    )


def _limiters(hop: Hop, signal: str) -> list[str]:
    return _with(hop.gained, "processor_memory_limiter_refused", signal)


def _ended(hop: Hop, signal: str) -> list[str]:
    """Return the processors that items went into, and none came out of; what is refused goes back to the sender."""
    refused = _limiters(hop, signal)
    return [
        name
        for name in _with(hop.gained, "processor_incoming_items", signal)
        if not hop.gained[Key("processor_outgoing_items", name, signal)] and name not in refused
    ]


def _decided(hop: Hop) -> list[str]:
    """Return tail_sampling, which counts traces but no items, if it got a trace."""
    return ["tail_sampling"] if hop.gained[Key("processor_tail_sampling_new_trace_id_received")] > 0 else []
