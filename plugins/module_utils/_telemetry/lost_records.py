# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the collector on the way of a record that took the record and lost it. Private.

Module otlp_probe sends a record through several collectors to a backend. If it does not arrive, `find_losses` compares
what each collector has counted since the record was sent. `live/hop_readings.py` reads these counts. A hop is one
collector on the way, with all its pods, as option `hops` has it; its targets are the collectors that an exporter sends
to. A signal is traces, metrics or logs. For example, an agent sends to a gateway, and the gateway to a backend:

    the agent           the gateway         what is known
    accepted 0          accepted 0          no spans came to agent, gateway, so another receiver answered
    accepted 1, sent 0  accepted 0          agent took spans and sent none: sending failed at otlp
    accepted 1, sent 1  accepted 0          agent sent spans by otlp, but none came to gateway: …
    accepted 1, sent 1  accepted 1, sent 0  gateway took spans and sent none: they wait in the queue of otlp/backend
    accepted 1, sent 1  accepted 1, sent 1  gateway sent spans by otlp/backend, and the backend behind it took them
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, TypedDict

from .metrics import NOUNS_OF_SIGNALS, CountKey, Reading

# Processor tail_sampling counts the traces that it gets, and no items.
_SAMPLED_TRACES = CountKey("processor_tail_sampling_new_trace_id_received")


class HopExporter(TypedDict):
    """An exporter of a collector on the way."""

    signals: list[str]
    """The signals of the pipelines with this exporter, such as `traces`."""
    to: list[str]
    """The names of the other collectors that it sends to; empty if it sends to a backend."""


class HopCounts(NamedTuple):
    """A collector on the way, with the counts of all its pods."""

    name: str
    exporters: Mapping[str, HopExporter]
    """The exporters by their ids."""
    gained_counts: Reading
    """By how much the counts have grown since the record was sent."""
    current_counts: Reading
    """The counts since the start of the pods, and the sizes of queues now."""
    unread_reason: str = ""
    """Why some counts are not known; empty if all are."""

    def count_accepted(self, signal: str) -> int:
        """Return how many items its receivers have accepted since the record was sent."""
        accepted_items = 0
        for key, count in self.gained_counts.items():
            if key.name == "receiver_accepted" and key.signal == signal:
                accepted_items += count
        return accepted_items

    def find_targets_by_exporter(self, signal: str) -> dict[str, list[str]]:
        """Return the exporters of a signal, each with the names of the collectors that it sends to."""
        exporter_targets = {}
        for name, exporter in self.exporters.items():
            if signal in exporter["signals"]:
                exporter_targets[name] = exporter["to"]
        return exporter_targets

    def count_sent(self, signal: str) -> dict[str, int]:
        """Return how many items of a signal each exporter has sent, without exporters that sent none."""
        counts = {}
        for name in self.find_targets_by_exporter(signal):
            count = self.gained_counts[CountKey("exporter_sent", name, signal)]
            if count > 0:
                counts[name] = count
        return counts


class RecordLosses(NamedTuple):
    """Where records were lost."""

    lines: list[str]
    """What is known, as clauses for people; also which counts cannot be read, and that other records flow too."""
    is_inside: bool
    """Whether a collector, or the network before a collector, lost them. Otherwise the backend did."""


def find_losses(hops: Sequence[HopCounts], signal: str) -> RecordLosses:
    """Return where records of a signal were lost, from the first collector to the last.

    A collector lost them if it took records and sent none, or if one of its exporters failed. The network lost them if
    a collector sent records and the next one took none. If all collectors passed them on, the backends lost them. A
    collector without an exporter of the signal is left out.
    """
    # A collector without an exporter of the signal has nothing to send.
    sending_hops = [hop for hop in _find_receiving_hops(hops, signal) if hop.find_targets_by_exporter(signal)]
    loss_lines = list(_list_losses_inside(hops, sending_hops, signal))
    is_inside = bool(loss_lines)
    if not is_inside:
        for hop in sending_hops:
            loss_lines += _list_backend_exporters(hop, signal)
    return RecordLosses([*loss_lines, *_list_limits(hops, sending_hops, signal)], is_inside)


def _find_receiving_hops(hops: Sequence[HopCounts], signal: str) -> list[HopCounts]:
    """Return the collectors that took records, by their counts."""
    return [hop for hop in hops if hop.count_accepted(signal)]


def _list_losses_inside(hops: Sequence[HopCounts], sending_hops: Sequence[HopCounts], signal: str) -> Iterator[str]:
    """Yield a line for each loss in the collectors, and in the network before them."""
    # A collector whose counts cannot be read may have taken the records, so none before it is blamed.
    reached_names = {hop.name for hop in _find_receiving_hops(hops, signal)} | _map_unread_reasons(hops).keys()
    if not reached_names:
        yield _describe_no_arrival(hops, signal)
    for hop in sending_hops:
        yield from _find_losses_in_hop(hop, signal, reached_names)


def _list_limits(hops: Sequence[HopCounts], sending_hops: Sequence[HopCounts], signal: str) -> Iterator[str]:
    """Yield a line for each thing that makes the counts less certain."""
    for name, reason in _map_unread_reasons(hops).items():
        yield f"the counts of {name} cannot be read: {reason}"
    if any(_has_other_traffic(hop, signal) for hop in sending_hops):
        yield f"other {NOUNS_OF_SIGNALS[signal]} flow too, and the counts include them"


def _map_unread_reasons(hops: Sequence[HopCounts]) -> dict[str, str]:
    """Return the reasons why counts are not known, by the names of their collectors."""
    return {hop.name: hop.unread_reason for hop in hops if hop.unread_reason}


def _describe_no_arrival(hops: Sequence[HopCounts], signal: str) -> str:
    """Return the line for records that no collector took."""
    return f"no {NOUNS_OF_SIGNALS[signal]} came to {', '.join(hop.name for hop in hops)}, so another receiver answered"


def _has_other_traffic(hop: HopCounts, signal: str) -> bool:
    """Return whether other records went through a collector too: the probe sends one, and more were counted."""
    item_counts = [hop.count_accepted(signal), *hop.count_sent(signal).values()]
    return any(count > 1 for count in item_counts)


def _find_losses_in_hop(hop: HopCounts, signal: str, reached_names: set[str]) -> Iterator[str]:
    """Yield a line for each loss in a collector that took records, and between it and other collectors.

    `reached_names` are the collectors that took records, and those whose counts cannot be read.
    """
    exporter_targets = hop.find_targets_by_exporter(signal)
    sent_counts = hop.count_sent(signal)
    noun = NOUNS_OF_SIGNALS[signal]
    if not sent_counts and not _has_reached_target(exporter_targets, reached_names):
        yield f"{hop.name} took {noun} and sent none: {_explain_nothing_sent(hop, signal)}"
        return
    for exporter, target_names in exporter_targets.items():
        if exporter not in sent_counts:
            failures = "; ".join(_list_exporter_failures(hop, signal, exporter))
            if failures:
                yield f"{hop.name} took {noun}, and not all exporters sent them: {failures}"
        elif target_names and reached_names.isdisjoint(target_names):
            targets = " and ".join(target_names)
            yield f"{hop.name} sent {noun} by {exporter}, but none came to {targets}: another receiver answered"
    dropping_processors = _list_dropping_processors(hop, signal)
    if dropping_processors:
        yield f"{hop.name} took {noun}: all were dropped by {', '.join(dropping_processors)}"


def _has_reached_target(exporter_targets: Mapping[str, Sequence[str]], reached_names: set[str]) -> bool:
    """Return whether a collector behind one of the exporters took records.

    This shows that records were sent even if no exporter counted them: before 0.120, load_balancing counted nothing.
    """
    return any(not reached_names.isdisjoint(target_names) for target_names in exporter_targets.values())


def _list_backend_exporters(hop: HopCounts, signal: str) -> Iterator[str]:
    """Yield the exporters of a collector that sent records to a backend."""
    exporter_targets = hop.find_targets_by_exporter(signal)
    for exporter in hop.count_sent(signal):
        if not exporter_targets[exporter]:
            yield f"{hop.name} sent {NOUNS_OF_SIGNALS[signal]} by {exporter}, and the backend behind it took them"


def _explain_nothing_sent(hop: HopCounts, signal: str) -> str:
    """Return why a collector sent nothing, by its counts."""
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


def _list_exporter_failures(hop: HopCounts, signal: str, exporter: str) -> Iterator[str]:
    """Yield why an exporter did not send records, by its counts."""
    if hop.gained_counts[CountKey("exporter_send_failed", exporter, signal)] > 0:
        yield f"sending failed at {exporter}"
    if hop.gained_counts[CountKey("exporter_enqueue_failed", exporter, signal)] > 0:
        yield f"the queue was full at {exporter}"
    if hop.current_counts[CountKey("exporter_queue_size", exporter, signal)] > 0:
        yield f"they wait in the queue of {exporter}"


def _list_counting_components(counts: Reading, name: str, signal: str) -> list[str]:
    """Return the components whose count of this name and signal is above 0."""
    components = []
    for key, count in counts.items():
        if key.name == name and key.signal == signal and count > 0:
            components.append(key.component)
    return sorted(components)


def _list_refusing_limiters(hop: HopCounts, signal: str) -> list[str]:
    """Return the memory limiters that refused items."""
    return _list_counting_components(hop.gained_counts, "processor_memory_limiter_refused", signal)


def _list_dropping_processors(hop: HopCounts, signal: str) -> list[str]:
    """Return the processors that took items and passed none on.

    A memory limiter that refused items did not drop them: they went back to the sender.
    """
    memory_limiters = _list_refusing_limiters(hop, signal)
    processors = []
    for processor_name in _list_counting_components(hop.gained_counts, "processor_incoming_items", signal):
        outgoing_items = hop.gained_counts[CountKey("processor_outgoing_items", processor_name, signal)]
        if not outgoing_items and processor_name not in memory_limiters:
            processors.append(processor_name)
    return processors
