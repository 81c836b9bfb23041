# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which collector on the way took a record and lost it, by what each of them counted since. Private."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .metrics import NOUNS_OF_SIGNALS, CountKey, Reading

# What tail_sampling counts of the traces that it gets; it counts no items.
_SAMPLED_TRACES = CountKey("processor_tail_sampling_new_trace_id_received")


class Hop(NamedTuple):
    """A collector on the way, and its counts.

    `exporters` has the `signals` of each exporter, and in `to` the other collectors that it sends to; without others it
    sends to a backend. `gained_counts` is what the pods counted since the record was sent, `current_counts` what they
    count in all; `unread_reason` says why some counts are not known.
    """

    name: str
    exporters: Mapping[str, Mapping[str, Any]]
    gained_counts: Reading
    current_counts: Reading
    unread_reason: str = ""

    def count_accepted(self, signal: str) -> int:
        """Return how many items its receivers accepted."""
        accepted_items = 0
        for key, count in self.gained_counts.items():
            if key.name == "receiver_accepted" and key.signal == signal:
                accepted_items += count
        return accepted_items

    def find_targets_by_exporter(self, signal: str) -> dict[str, list[str]]:
        """Return the exporters of a signal, each with the collectors that it sends to."""
        exporter_targets = {}
        for name, exporter in self.exporters.items():
            if signal in exporter["signals"]:
                exporter_targets[name] = exporter["to"]
        return exporter_targets

    def sent(self, signal: str) -> dict[str, int]:
        """Return the exporters that sent items, and how many."""
        counts = {}
        for name in self.find_targets_by_exporter(signal):
            count = self.gained_counts[CountKey("exporter_sent", name, signal)]
            if count > 0:
                counts[name] = count
        return counts


class RecordLosses(NamedTuple):
    """Where records were lost, as lines, and whether a collector or the way to one lost them, and not a backend."""

    lines: list[str]
    is_inside: bool


def find_losses(hops: Sequence[Hop], signal: str) -> RecordLosses:
    """Return where records of a signal were lost, from the first collector to the last.

    A collector that took records and sent none lost them, and so did an exporter that failed and the way to a collector
    that took none. If all passed them on, the backends did. One whose pipelines of the signal end in it says nothing.
    """
    unread_reasons = {hop.name: hop.unread_reason for hop in hops if hop.unread_reason}
    receiving_hops = [hop for hop in hops if hop.count_accepted(signal)]
    sending_hops = [hop for hop in receiving_hops if hop.find_targets_by_exporter(signal)]
    reached_names = {hop.name for hop in receiving_hops} | unread_reasons.keys()
    loss_lines: list[str] = []
    if not reached_names:
        loss_lines.append(_describe_no_arrival(hops, signal))
    for hop in sending_hops:
        loss_lines += _find_losses_in_hop(hop, signal, reached_names)
    is_inside = bool(loss_lines)
    if not is_inside:
        for hop in sending_hops:
            loss_lines += _list_backend_exporters(hop, signal)
    loss_lines += [f"the counts of {name} cannot be read: {reason}" for name, reason in unread_reasons.items()]
    if any(_has_other_traffic(hop, signal) for hop in sending_hops):
        loss_lines.append(f"other {NOUNS_OF_SIGNALS[signal]} flow too, and the counts include them")
    return RecordLosses(loss_lines, is_inside)


def _describe_no_arrival(hops: Sequence[Hop], signal: str) -> str:
    """Return that no collector took the records."""
    return f"no {NOUNS_OF_SIGNALS[signal]} came to {', '.join(hop.name for hop in hops)}, so another receiver answered"


def _has_other_traffic(hop: Hop, signal: str) -> bool:
    """Whether more than one record went through a collector, such as the points that a connector makes."""
    item_counts = [hop.count_accepted(signal), *hop.sent(signal).values()]
    return any(count > 1 for count in item_counts)


def _find_losses_in_hop(hop: Hop, signal: str, reached_names: set[str]) -> Iterator[str]:
    """Yield what a collector lost of the records that it took, and which ways to other collectors lost them."""
    exporter_targets, sent_counts, noun = (
        hop.find_targets_by_exporter(signal),
        hop.sent(signal),
        NOUNS_OF_SIGNALS[signal],
    )
    # Before 0.120 the exporter load_balancing counts nothing that it sends.
    has_passed = bool(sent_counts) or any(
        reached_names.intersection(target_names) for target_names in exporter_targets.values()
    )
    if not has_passed:
        yield f"{hop.name} took {noun} and sent none: {_explain_nothing_sent(hop, signal)}"
    for exporter, target_names in exporter_targets.items():
        if exporter in sent_counts:
            if target_names and not reached_names.intersection(target_names):
                target_words = " and ".join(target_names)
                yield (
                    f"{hop.name} sent {noun} by {exporter}, but none came to {target_words}: another receiver answered"
                )
        elif has_passed:
            trouble = "; ".join(_list_exporter_failures(hop, signal, exporter))
            if trouble:
                yield f"{hop.name} took {noun}, and not all exporters sent them: {trouble}"
    if has_passed:
        dropping_processors = _list_dropping_processors(hop, signal)
        if dropping_processors:
            yield f"{hop.name} took {noun}: all were dropped by {', '.join(dropping_processors)}"


def _list_backend_exporters(hop: Hop, signal: str) -> Iterator[str]:
    """Yield the exporters of a collector that sent records to a backend."""
    exporter_targets = hop.find_targets_by_exporter(signal)
    for exporter in hop.sent(signal):
        if not exporter_targets[exporter]:
            yield f"{hop.name} sent {NOUNS_OF_SIGNALS[signal]} by {exporter}, and the backend behind it took them"


def _explain_nothing_sent(hop: Hop, signal: str) -> str:
    """Return what the counts say of records that a collector did not send."""
    reasons: list[str] = []
    for exporter in hop.find_targets_by_exporter(signal):
        reasons += _list_exporter_failures(hop, signal, exporter)
    refusing_components = [
        *_list_counting_components(hop.gained_counts, "processor_refused", signal),
        *_list_refusing_limiters(hop, signal),
    ]
    if refusing_components:
        reasons.append(f"refused by {', '.join(dict.fromkeys(refusing_components))}")
    dropping_processors = _list_dropping_processors(hop, signal)
    if dropping_processors:
        reasons.append(f"all were dropped by {', '.join(dropping_processors)}")
    if hop.gained_counts[_SAMPLED_TRACES] > 0:
        reasons.append("dropped or held by tail_sampling")
    return "; ".join(reasons) or "a processor or connector drops or holds them"


def _list_exporter_failures(hop: Hop, signal: str, exporter: str) -> Iterator[str]:
    """Yield what the counts of an exporter say of records that it did not send."""
    if hop.gained_counts[CountKey("exporter_send_failed", exporter, signal)] > 0:
        yield f"sending failed at {exporter}"
    if hop.gained_counts[CountKey("exporter_enqueue_failed", exporter, signal)] > 0:
        yield f"the queue was full at {exporter}"
    if hop.current_counts[CountKey("exporter_queue_size", exporter, signal)] > 0:
        yield f"they wait in the queue of {exporter}"


def _list_counting_components(counts: Reading, name: str, signal: str) -> list[str]:
    """Return the components of which a count of a signal is not zero."""
    components = []
    for key, count in counts.items():
        if key.name == name and key.signal == signal and count > 0:
            components.append(key.component)
    return sorted(components)


def _list_refusing_limiters(hop: Hop, signal: str) -> list[str]:
    """Return the memory limiters that refused items."""
    return _list_counting_components(hop.gained_counts, "processor_memory_limiter_refused", signal)


def _list_dropping_processors(hop: Hop, signal: str) -> list[str]:
    """Return the processors that items went into, and none came out of; what is refused goes back to the sender."""
    memory_limiters = _list_refusing_limiters(hop, signal)
    processors = []
    for processor_name in _list_counting_components(hop.gained_counts, "processor_incoming_items", signal):
        has_outgoing = hop.gained_counts[CountKey("processor_outgoing_items", processor_name, signal)]
        if not has_outgoing and processor_name not in memory_limiters:
            processors.append(processor_name)
    return processors
