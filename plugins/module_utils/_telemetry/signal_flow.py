# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How did each signal flow through a collector between two readings of its metrics? Private.

Module diagnose, canaries, waves and captures read the metrics of each pod twice, some seconds apart (metrics.py).
`SignalFlow` says which components received, processed and exported data of a signal (traces, metrics or logs), and
judges each by a state. For example, an exporter whose backend refuses spans:

    {"id": "otlp", "signal": "traces", "sent": 0, "send_failed": 12, "queue_size": 3, "state": "fails", …}

An item is a span, a data point, a log record or a profile sample.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypedDict

from .._otelcol.catalogue.port_rows import Listeners
from .._otelcol.config.paths import mapping_at, value_at
from .._otelcol.config.pipelines import PipelineGraph, signal_of
from .._otelcol.needs.listeners import waits_for_clients
from .._otelcol.needs.quantities import parse_duration
from .metrics import NOUNS_OF_SIGNALS, UPTIME, CountKey, Reading
from .times import describe_duration

# The default seconds between two collections of a receiver.
# Source: scraper.NewDefaultControllerConfig of the Collector and Prometheus' scrape_interval.
_DEFAULT_INTERVAL = 60.0
# The setting of an exporter for how long its queue waits for a full batch.
FLUSH_TIMEOUT_PATH = ("sending_queue", "batch", "flush_timeout")


class ComponentRow(TypedDict):
    """The keys that the row of every component has. A row describes one component for one signal."""

    id: str
    signal: str
    items: str
    """What the signal consists of, in words, such as `log records`."""
    seconds: int
    """The seconds between both readings; at least 1."""
    uptime: str
    """How long the process runs, in words, such as `3 h`."""
    about: str
    """The node of the pipeline graph: `exporters/otlp`, or `in` for a receiver that waits for clients."""


class ReceiverRow(ComponentRow):
    """A receiver: the items that it counted between both readings, and since its start."""

    accepted: int
    refused: int
    failed: int
    accepted_total: int
    refused_total: int
    failed_total: int
    passive: bool
    """Whether it waits for clients, and does not collect data itself."""
    state: str
    """`refused`, `comes`, `idle`, `rests` or `starts`, see `_judge_receiver`."""


class ProcessorRow(ComponentRow):
    """A processor: the items that it counted between both readings."""

    refused: int
    dropped: int
    incoming: int
    outgoing: int


class ExporterRow(ComponentRow):
    """An exporter: the items that it counted between both readings, and since its start."""

    accepted: int
    """The items that all receivers of the signal accepted between both readings."""
    sent: int
    send_failed: int
    enqueue_failed: int
    sent_total: int
    send_failed_total: int
    enqueue_failed_total: int
    queue_size: int
    queue_capacity: int
    queue_percent: int
    failed: int
    """`send_failed` and `enqueue_failed` together."""
    failed_total: int
    came: str
    """The beginning of a sentence about the items, before a verb."""
    state: str
    """`fails`, `fails_partly`, `sends`, `waits`, `silent` or `idle`, see `_judge_exporter`."""


class FlowRows(TypedDict):
    """The rows of all components of a collector, as facts of the checks of module diagnose."""

    receives: list[ReceiverRow]
    processes: list[ProcessorRow]
    exports: list[ExporterRow]


class _GrownCount(NamedTuple):
    """A count of one component: by how much it grew between both readings, and its value since the start."""

    gained: int
    total: int


class SignalFlow:
    """How the signals of one collector flowed between two readings, which are some seconds apart.

    `gained` has by how much the counts grew in that time, `whole` their values at its end: since the start of the pods.
    Both are summed over all pods.
    """

    def __init__(
        self, config: Mapping[str, Any], listeners: Listeners, gained: Reading, whole: Reading, seconds: float
    ) -> None:
        self.config = config
        self.listeners = listeners
        self.gained_counts = gained
        self.total_counts = whole
        self.seconds = max(round(seconds), 1)
        self.pipeline_graph = PipelineGraph.of(config)

    def collect_facts(self) -> FlowRows:
        """Return a row for each receiver, processor and exporter, signal by signal."""
        flow_rows: FlowRows = {"receives": [], "processes": [], "exports": []}
        for signal in self._list_used_signals():
            flow_rows["receives"] += self._list_receiver_rows(signal)
            flow_rows["processes"] += self._list_processor_rows(signal)
            flow_rows["exports"] += self._list_exporter_rows(signal)
        return flow_rows

    def has_settled(self) -> bool:
        """Return whether a longer wait would show nothing new.

        Data must have come in, and each exporter must have sent its data or failed. A signal that paused, because it
        came in before both readings and not between them, may come in again, so the flow has not settled.
        """
        flow_rows = self.collect_facts()
        received_signals = {row["signal"] for row in flow_rows["receives"] if row["accepted"]}
        if not received_signals:
            return False
        # Where items wait or have not come, the next reading may show them sent.
        for exporter_row in flow_rows["exports"]:
            if exporter_row["state"] in ("waits", "silent"):
                return False
        for receiver_row in flow_rows["receives"]:
            has_paused = receiver_row["state"] == "idle" and receiver_row["accepted_total"] > 0
            if has_paused and receiver_row["signal"] not in received_signals:
                return False
        return True

    def _list_used_signals(self) -> list[str]:
        """Return the signals that have pipelines, each once, in the usual order; unknown signals come last."""
        used_signals = [signal_of(pipeline) for pipeline in self.pipeline_graph.pipelines]
        known_signals = [signal for signal in NOUNS_OF_SIGNALS if signal in used_signals]
        return list(dict.fromkeys([*known_signals, *used_signals]))

    def _list_component_ids(self, signal: str, role: str) -> list[str]:
        return self.pipeline_graph.list_ids_of_signal(signal, role)

    def _build_common_row(self, signal: str, component_id: str, about: str) -> ComponentRow:
        """Return what the rows of all sorts of components have."""
        return {
            "id": component_id,
            "signal": signal,
            "items": NOUNS_OF_SIGNALS.get(signal, signal),
            "seconds": self.seconds,
            "uptime": describe_duration(self.total_counts[UPTIME]),
            "about": about,
        }

    def _read_count(self, name: str, component_id: str, signal: str) -> _GrownCount:
        key = CountKey(name, component_id, signal)
        return _GrownCount(int(self.gained_counts[key]), int(self.total_counts[key]))

    def _list_receiver_rows(self, signal: str) -> Iterator[ReceiverRow]:
        """Yield a row for each receiver of a signal."""
        for receiver in self._list_component_ids(signal, "receivers"):
            accepted = self._read_count("receiver_accepted", receiver, signal)
            refused = self._read_count("receiver_refused", receiver, signal)
            failed = self._read_count("receiver_failed", receiver, signal)
            is_passive = waits_for_clients("receivers", receiver, self.config, self.listeners)
            about = "in" if is_passive else f"receivers/{receiver}"
            row: ReceiverRow = {
                **self._build_common_row(signal, receiver, about),
                "accepted": accepted.gained,
                "refused": refused.gained,
                "failed": failed.gained,
                "accepted_total": accepted.total,
                "refused_total": refused.total,
                "failed_total": failed.total,
                "passive": is_passive,
                "state": "",
            }
            row["state"] = self._judge_receiver(row)
            yield row

    def _judge_receiver(self, row: ReceiverRow) -> str:
        """Return the state of a receiver, by the clearest sign first.

        `refused`: it refused items, or could not collect them. `comes`: it accepted items. `rests`: it accepted items
        before, and collects at intervals, so no item between two readings is no fault. `starts`: its first interval is
        not over. `idle`: no items came.
        """
        if row["refused"] or row["failed"]:
            return "refused"
        if row["accepted"]:
            return "comes"
        if row["passive"]:
            return "idle"
        if row["accepted_total"]:
            return "rests"
        settings = mapping_at(self.config, "receivers", row["id"])
        is_in_first_interval = self.total_counts[UPTIME] < read_collection_interval(settings)
        return "starts" if is_in_first_interval else "idle"

    def _list_processor_rows(self, signal: str) -> Iterator[ProcessorRow]:
        """Yield a row for each processor of a signal."""
        for processor in self._list_component_ids(signal, "processors"):
            # By its version, the memory limiter counts under one of these names.
            refused = (
                self._read_count("processor_memory_limiter_refused", processor, signal).gained
                or self._read_count("processor_refused", processor, signal).gained
            )
            counted_as_dropped = self._read_count("processor_dropped", processor, signal).gained
            incoming = self._read_count("processor_incoming_items", processor, signal).gained
            outgoing = self._read_count("processor_outgoing_items", processor, signal).gained
            # A processor without a count of its own drops what came in and neither went out nor back to the sender.
            missing_items = max(incoming - outgoing - refused, 0)
            yield {
                **self._build_common_row(signal, processor, f"processors/{processor}"),
                "refused": refused,
                "dropped": counted_as_dropped or missing_items,
                "incoming": incoming,
                "outgoing": outgoing,
            }

    def _list_exporter_rows(self, signal: str) -> Iterator[ExporterRow]:
        """Yield a row for each exporter of a signal."""
        accepted = sum(receiver_row["accepted"] for receiver_row in self._list_receiver_rows(signal))
        noun = NOUNS_OF_SIGNALS.get(signal, signal)
        came = f"{noun} come in ({accepted} in {self.seconds} s) and" if accepted else f"{noun} that came before"
        for exporter in self._list_component_ids(signal, "exporters"):
            sent = self._read_count("exporter_sent", exporter, signal)
            send_failed = self._read_count("exporter_send_failed", exporter, signal)
            enqueue_failed = self._read_count("exporter_enqueue_failed", exporter, signal)
            queue_size = self._read_queue_gauge("queue_size", exporter, signal)
            queue_capacity = self._read_queue_gauge("queue_capacity", exporter, signal)
            row: ExporterRow = {
                **self._build_common_row(signal, exporter, f"exporters/{exporter}"),
                "accepted": accepted,
                "sent": sent.gained,
                "send_failed": send_failed.gained,
                "enqueue_failed": enqueue_failed.gained,
                "sent_total": sent.total,
                "send_failed_total": send_failed.total,
                "enqueue_failed_total": enqueue_failed.total,
                "queue_size": queue_size,
                "queue_capacity": queue_capacity,
                "queue_percent": 100 * queue_size // queue_capacity if queue_capacity else 0,
                "failed": send_failed.gained + enqueue_failed.gained,
                "failed_total": send_failed.total + enqueue_failed.total,
                "came": came,
                "state": "",
            }
            row["state"] = _judge_exporter(row, may_wait_for_batch=self._may_wait_for_batch(exporter))
            yield row

    def _read_queue_gauge(self, gauge_name: str, exporter: str, signal: str) -> int:
        """Return the size or the capacity of an exporter's queue, by `queue_size` or `queue_capacity`.

        Some exporters have one queue for all signals, so its gauge has another name and no signal.
        """
        queue_of_signal = self.total_counts[CountKey(f"exporter_{gauge_name}", exporter, signal)]
        queue_of_all_signals = self.total_counts[CountKey(gauge_name, exporter)]
        return int(queue_of_signal or queue_of_all_signals)

    def _may_wait_for_batch(self, exporter: str) -> bool:
        """Return whether items that came in between both readings may still wait until a batch is full."""
        settings = mapping_at(self.config, "exporters", exporter)
        return self.seconds <= parse_duration(value_at(settings, FLUSH_TIMEOUT_PATH))


def _judge_exporter(row: ExporterRow, *, may_wait_for_batch: bool) -> str:
    """Return the state of an exporter, by the clearest sign first.

    `fails`, or `fails_partly` if it sent other items: items failed. `sends`: it sent items. `waits`: items stay in its
    queue, and not for a batch. `silent`: items came in, and it did nothing. `idle`: no items came in.
    """
    if row["failed"]:
        return "fails_partly" if row["sent"] else "fails"
    if row["sent"]:
        return "sends"
    # Items that came in before both readings have waited longer than any batch.
    waits_for_batch = row["accepted"] and may_wait_for_batch
    if row["queue_size"] and not waits_for_batch:
        return "waits"
    return "silent" if row["accepted"] else "idle"


def read_collection_interval(settings: Mapping[str, Any]) -> float:
    """Return the seconds between two collections of a receiver with these settings.

    Scrapers have `collection_interval`, receiver prometheus has `config.global.scrape_interval`.
    """
    interval_text = settings.get("collection_interval") or value_at(settings, ("config", "global", "scrape_interval"))
    return parse_duration(interval_text) or _DEFAULT_INTERVAL
