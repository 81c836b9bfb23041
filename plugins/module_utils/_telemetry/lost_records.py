# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which collector on the way took a record and lost it, by what each of them counted since. Private."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .metrics import NOUNS, Key, Reading

# What tail_sampling counts of the traces that it gets; it counts no items.
_SAMPLED = Key("processor_tail_sampling_new_trace_id_received")


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
        accepted = 0
        for key, count in self.gained.items():
            if key.name == "receiver_accepted" and key.signal == signal:
                accepted += count
        return accepted

    def ways(self, signal: str) -> dict[str, list[str]]:
        """Return the exporters of a signal, each with the collectors that it sends to."""
        ways = {}
        for name, exporter in self.exporters.items():
            if signal in exporter["signals"]:
                ways[name] = exporter["to"]
        return ways

    def sent(self, signal: str) -> dict[str, int]:
        """Return the exporters that sent items, and how many."""
        counts = {}
        for name in self.ways(signal):
            count = self.gained[Key("exporter_sent", name, signal)]
            if count > 0:
                counts[name] = count
        return counts


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
    lines: list[str] = []
    if not reached:
        lines.append(_nowhere(hops, signal))
    for hop in senders:
        lines += _inside(hop, signal, reached)
    is_inside = bool(lines)
    if not is_inside:
        for hop in senders:
            lines += _at_backends(hop, signal)
    lines += [f"the counts of {name} cannot be read: {why}" for name, why in unread.items()]
    if any(_is_busy(hop, signal) for hop in senders):
        lines.append(f"other {NOUNS[signal]} flow too, and the counts include them")
    return Lost(lines, is_inside)


def _nowhere(hops: Sequence[Hop], signal: str) -> str:
    """Return that no collector took the records."""
    return f"no {NOUNS[signal]} came to {', '.join(hop.name for hop in hops)}, so another receiver answered"


def _is_busy(hop: Hop, signal: str) -> bool:
    """Whether more than one record went through a collector, such as the points that a connector makes."""
    counts = [hop.took(signal), *hop.sent(signal).values()]
    return any(count > 1 for count in counts)


def _inside(hop: Hop, signal: str, reached: set[str]) -> Iterator[str]:
    """Yield what a collector lost of the records that it took, and which ways to other collectors lost them."""
    ways, sent, noun = hop.ways(signal), hop.sent(signal), NOUNS[signal]
    # Before 0.120 the exporter load_balancing counts nothing that it sends.
    has_passed = bool(sent) or any(reached.intersection(names) for names in ways.values())
    if not has_passed:
        yield f"{hop.name} took {noun} and sent none: {_reason(hop, signal)}"
    for exporter, names in ways.items():
        if exporter in sent:
            if names and not reached.intersection(names):
                to = " and ".join(names)
                yield f"{hop.name} sent {noun} by {exporter}, but none came to {to}: another receiver answered"
        elif has_passed:
            why = "; ".join(_trouble(hop, signal, exporter))
            if why:
                yield f"{hop.name} took {noun}, and not all exporters sent them: {why}"
    if has_passed:
        ended = _ended(hop, signal)
        if ended:
            yield f"{hop.name} took {noun}: all were dropped by {', '.join(ended)}"


def _at_backends(hop: Hop, signal: str) -> Iterator[str]:
    """Yield the exporters of a collector that sent records to a backend."""
    ways = hop.ways(signal)
    for exporter in hop.sent(signal):
        if not ways[exporter]:
            yield f"{hop.name} sent {NOUNS[signal]} by {exporter}, and the backend behind it took them"


def _reason(hop: Hop, signal: str) -> str:
    """Return what the counts say of records that a collector did not send."""
    texts: list[str] = []
    for exporter in hop.ways(signal):
        texts += _trouble(hop, signal, exporter)
    limited = [*_counting(hop.gained, "processor_refused", signal), *_limiters(hop, signal)]
    if limited:
        texts.append(f"refused by {', '.join(dict.fromkeys(limited))}")
    ended = _ended(hop, signal)
    if ended:
        texts.append(f"all were dropped by {', '.join(ended)}")
    if hop.gained[_SAMPLED] > 0:
        texts.append("dropped or held by tail_sampling")
    return "; ".join(texts) or "a processor or connector drops or holds them"


def _trouble(hop: Hop, signal: str, exporter: str) -> Iterator[str]:
    """Yield what the counts of an exporter say of records that it did not send."""
    if hop.gained[Key("exporter_send_failed", exporter, signal)] > 0:
        yield f"sending failed at {exporter}"
    if hop.gained[Key("exporter_enqueue_failed", exporter, signal)] > 0:
        yield f"the queue was full at {exporter}"
    if hop.now[Key("exporter_queue_size", exporter, signal)] > 0:
        yield f"they wait in the queue of {exporter}"


def _counting(counts: Reading, name: str, signal: str) -> list[str]:
    """Return the components of which a count of a signal is not zero."""
    components = []
    for key, count in counts.items():
        if key.name == name and key.signal == signal and count > 0:
            components.append(key.component)
    return sorted(components)


def _limiters(hop: Hop, signal: str) -> list[str]:
    """Return the memory limiters that refused items."""
    return _counting(hop.gained, "processor_memory_limiter_refused", signal)


def _ended(hop: Hop, signal: str) -> list[str]:
    """Return the processors that items went into, and none came out of; what is refused goes back to the sender."""
    limiters = _limiters(hop, signal)
    processors = []
    for name in _counting(hop.gained, "processor_incoming_items", signal):
        has_outgoing = hop.gained[Key("processor_outgoing_items", name, signal)]
        if not has_outgoing and name not in limiters:
            processors.append(name)
    return processors
