# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts out of a Collector's own metrics, and how each signal flowed between two readings of them. Private.

The Collector serves these metrics as text for Prometheus. Module diagnose, canaries, waves and captures read the text
of each pod twice, some seconds apart: `read_counts` parses it, `subtract_readings` compares both, and `SignalFlow` says
which components received, processed and exported data.

A sample of the text is one line: a metric with labels and a value. A reading is all counts of a pod, or of several, at
one moment; by how much they grew between two moments has the same type. An item is a span, a data point, a log record
or a profile sample. host_metrics.py of _host_change parses the same text on hosts, with Python 3.8.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypedDict

from .._otelcol.catalogue.port_rows import Listeners
from .._otelcol.config.addresses import is_loopback, split_host_and_port
from .._otelcol.config.paths import list_at, mapping_at, parse_amount, value_at
from .._otelcol.config.pipelines import PipelineGraph, signal_of
from .._otelcol.needs.listeners import waits_for_clients
from .._otelcol.needs.quantities import parse_duration
from .times import describe_duration

# The signal of each noun for items in names of metrics, such as `otelcol_receiver_accepted_spans`.
# Source: documentation.md of receiverhelper, processorhelper, exporterhelper and memorylimiterprocessor.
SIGNALS_OF_ITEMS = {
    "spans": "traces",
    "metric_points": "metrics",
    "log_records": "logs",
    "profile_samples": "profiles",
}
NOUNS_OF_SIGNALS = {signal: noun.replace("_", " ") for noun, signal in SIGNALS_OF_ITEMS.items()}
# A line such as `otelcol_exporter_sent_spans{exporter="otlp"} 7`, with a timestamp behind it or not. The quantifiers
# `++` and `*+` never give back what they have matched, so that no text takes long.
_METRIC_SAMPLE = re.compile(
    r"^otelcol_(?P<name>\w++)(?:\{(?P<labels>.*)\})? (?P<value>[0-9.eE+-]++)(?: \d++)?$", re.MULTILINE
)
_METRIC_LABEL = re.compile(r'(?<!\w)(\w++)="((?:[^"\\]|\\.)*+)"')
_NAME_WITH_ITEM = re.compile(rf"(?P<name>\w+)_(?P<item>{'|'.join(SIGNALS_OF_ITEMS)})\Z")
_UNITS = ("_bytes", "_seconds")
# The labels that name the component, and those that name the signal of a count that has no noun of items in its name.
_COMPONENT_LABELS = ("receiver", "exporter", "processor")
_SIGNAL_LABELS = ("data_type", "otel_signal")
# The default seconds between two collections of a receiver.
# Source: scraper.NewDefaultControllerConfig of the Collector and Prometheus' scrape_interval.
_DEFAULT_INTERVAL = 60.0
# The setting of an exporter for how long its queue waits for a full batch.
FLUSH_TIMEOUT_PATH = ("sending_queue", "batch", "flush_timeout")


class CountKey(NamedTuple):
    """What a count counts.

    For example, `otelcol_receiver_accepted_spans{receiver="otlp"}` has the key
    `("receiver_accepted", "otlp", "traces")`. `component` and `signal` are empty for a count of the whole process.
    """

    name: str
    component: str = ""
    signal: str = ""


# All counts of a pod, or of several pods, at one moment or between two.
Reading = Counter[CountKey]
UPTIME = CountKey("process_uptime")
_RESIDENT_MEMORY, _OBTAINED_MEMORY = CountKey("process_memory_rss"), CountKey("process_runtime_total_sys_memory")


# ── Readings ──


def read_counts(metrics_text: str) -> Reading:
    """Return the counts in the metrics of one pod. Samples that differ only in other labels are added up."""
    counts: Reading = Counter()
    for match in _METRIC_SAMPLE.finditer(metrics_text):
        labels = dict(_METRIC_LABEL.findall(match["labels"] or ""))
        component_id = _find_first_label(labels, _COMPONENT_LABELS)
        name = _remove_unit(match["name"])
        item_match = _NAME_WITH_ITEM.match(name)
        if item_match:
            key = CountKey(item_match["name"], component_id, SIGNALS_OF_ITEMS[item_match["item"]])
        else:
            key = CountKey(name, component_id, _find_first_label(labels, _SIGNAL_LABELS))
        counts[key] += parse_amount(match["value"])  # type: ignore[assignment]
    return counts


def estimate_memory_used(pod_reading: Reading) -> float:
    """Return an upper bound of the bytes of a process that count against a memory limit; 0 if no metric has them.

    Two metrics are both higher than these bytes, so the lower metric is the better bound. The resident memory includes
    pages of the program's file, 85 MiB of 102 MiB for otelcol-contrib without load; the kernel takes them back before
    it kills a process. The memory that Go obtained from the operating system includes memory that Go gave back.

    Sources: `RssAnon` and `RssFile` in proc(5), `memory.stat` of the kernel's cgroup-v2, `Sys` of runtime.MemStats.
    """
    memory_sizes = [pod_reading[key] for key in (_RESIDENT_MEMORY, _OBTAINED_MEMORY) if key in pod_reading]
    return float(min(memory_sizes, default=0))


def _find_first_label(labels: Mapping[str, str], names: Sequence[str]) -> str:
    """Return the value of the first of these labels that is there; empty if none is."""
    for name in names:
        if name in labels:
            return labels[name]
    return ""


def _remove_unit(name: str) -> str:
    """Return the name of a metric. Versions differ in what follows it: a unit, `_total`, or nothing."""
    name = name.removesuffix("_total")
    for unit in _UNITS:
        if name.endswith(unit):
            name = name.removesuffix(unit)
            break
    name_without_item, _sign, item_unit = name.partition("__")  # `items__item_`
    return name_without_item if len(item_unit) > 1 and item_unit.endswith("_") else name


def subtract_readings(counts_before: Reading, counts_after: Reading) -> Reading:
    """Return by how much each count of one pod grew. A count that fell began anew at 0, when the process restarted."""
    gained_counts: Reading = Counter()
    for key, count in counts_after.items():
        has_restarted = count < counts_before[key]
        gained_counts[key] = count if has_restarted else count - counts_before[key]
    return gained_counts


def sum_readings(readings: Sequence[Reading]) -> Reading:
    """Return the sum of the counts of several pods; for the uptime, that of the youngest pod.

    Counts of 0 stay, which the operator `+` of Counter would drop.
    """
    summed: Reading = Counter()
    for pod_reading in readings:
        summed.update(pod_reading)
    ages = [pod_reading[UPTIME] for pod_reading in readings if UPTIME in pod_reading]
    if ages:
        summed[UPTIME] = min(ages)
    return summed


# ── How signals flow ──


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

    `gained` has by how much the counts grew in that time, `whole` their values at its end, each summed over all pods.
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
            # The memory limiter counts under either name, by its version.
            refused = (
                self._read_count("processor_memory_limiter_refused", processor, signal).gained
                or self._read_count("processor_refused", processor, signal).gained
            )
            counted_as_dropped = self._read_count("processor_dropped", processor, signal).gained
            incoming = self._read_count("processor_incoming_items", processor, signal).gained
            outgoing = self._read_count("processor_outgoing_items", processor, signal).gained
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


# ── Where a collector serves its own metrics ──


class MetricsAddress(NamedTuple):
    """The host and the port on which a collector serves its own metrics; port 0 if it serves none."""

    host: str
    port: int


_NO_ADDRESS = MetricsAddress("", 0)


def find_metrics_address(config: Mapping[str, Any], default: int) -> MetricsAddress:
    """Return where a collector with this config serves its own metrics. `default` is the port if none is set."""
    telemetry = mapping_at(config, "service", "telemetry", "metrics")
    if telemetry.get("level") == "none":
        return _NO_ADDRESS
    if telemetry.get("address"):  # the setting of versions before 0.123
        address_text = str(telemetry["address"]).replace("${env:", "${")
        host = address_text.rpartition(":")[0].strip("[]")
        return MetricsAddress(host, split_host_and_port(address_text)[1] or default)
    for reader in list_at(telemetry, "readers"):
        exporter = mapping_at(reader, "pull", "exporter", "prometheus")
        if exporter:
            return _read_exporter_address(exporter, default)
    if "readers" in telemetry:
        return _NO_ADDRESS
    return _read_exporter_address({}, default)


def _read_exporter_address(exporter: Mapping[str, Any], default: int) -> MetricsAddress:
    """Return where the exporter `prometheus` of a reader in `service.telemetry.metrics` serves the metrics."""
    port = split_host_and_port(f":{exporter.get('port')}")[1]
    return MetricsAddress(str(exporter.get("host") or "localhost"), port or default)


def explain_unreachable_metrics(config: Mapping[str, Any], default: int) -> str:
    """Return why other pods cannot read the collector's own metrics, and the fix; empty if they can."""
    host, port = find_metrics_address(config, default)
    if not port:
        return "service.telemetry.metrics serves none"
    if config and is_loopback(host):
        return f"they are served on {host}:{port}; set `host: ${{env:MY_POD_IP}}` for their reader in service.telemetry"
    return ""
