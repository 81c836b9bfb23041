# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collector's own metrics: two readings, and how each signal went between them. Private."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .._otelcol.catalogue.port_rows import Listeners
from .._otelcol.config.addresses import is_loopback, split_host_and_port
from .._otelcol.config.paths import list_at, mapping_at, parse_amount, value_at
from .._otelcol.config.pipelines import PipelineGraph, signal_of
from .._otelcol.needs.listeners import waits_for_clients
from .._otelcol.needs.quantities import parse_duration
from .times import describe_duration

# Source: documentation.md of receiverhelper, processorhelper, exporterhelper and memorylimiterprocessor.
SIGNALS_OF_ITEMS = {
    "spans": "traces",
    "metric_points": "metrics",
    "log_records": "logs",
    "profile_samples": "profiles",
}
NOUNS_OF_SIGNALS = {signal: noun.replace("_", " ") for noun, signal in SIGNALS_OF_ITEMS.items()}
_METRIC_SAMPLE = re.compile(
    r"^otelcol_(?P<name>\w++)(?:\{(?P<labels>.*)\})? (?P<value>[0-9.eE+-]++)(?: \d++)?$", re.MULTILINE
)
_METRIC_LABEL = re.compile(r'(?<!\w)(\w++)="((?:[^"\\]|\\.)*+)"')
_NAME_WITH_ITEM = re.compile(rf"(?P<name>\w+)_(?P<item>{'|'.join(SIGNALS_OF_ITEMS)})\Z")
_UNITS = ("_bytes", "_seconds")
_COMPONENT_LABELS = ("receiver", "exporter", "processor")
# Source: scraper.NewDefaultControllerConfig of the Collector and Prometheus' scrape_interval.
_DEFAULT_INTERVAL = 60.0
# How long the queue of an exporter waits for a full batch.
FLUSH_TIMEOUT_PATH = ("sending_queue", "batch", "flush_timeout")


class CountKey(NamedTuple):
    """The counted items, the component and the signal; empty if it does not apply."""

    name: str
    component: str = ""
    signal: str = ""


Reading = Counter[CountKey]
UPTIME = CountKey("process_uptime")
_RESIDENT_MEMORY, _OBTAINED_MEMORY = CountKey("process_memory_rss"), CountKey("process_runtime_total_sys_memory")


def read_counts(metrics_text: str) -> Reading:
    """Return the counts of one pod, summed over labels that do not matter here."""
    counts: Reading = Counter()
    for match in _METRIC_SAMPLE.finditer(metrics_text):
        labels = dict(_METRIC_LABEL.findall(match["labels"] or ""))
        component_id = _find_first_label(labels, _COMPONENT_LABELS)
        name = _remove_unit(match["name"])
        item_match = _NAME_WITH_ITEM.match(name)
        if item_match:
            key = CountKey(item_match["name"], component_id, SIGNALS_OF_ITEMS[item_match["item"]])
        else:
            key = CountKey(name, component_id, labels.get("data_type") or labels.get("otel_signal") or "")
        counts[key] += parse_amount(match["value"])  # type: ignore[assignment]
    return counts


def estimate_memory_used(pod_reading: Reading) -> float:
    """Return at most how many bytes of a process count against a memory limit; 0 if the reading has no memory.

    The resident memory has the pages of the program's file too, 85 MiB of 102 MiB for otelcol-contrib without load. The
    kernel takes those back before it kills a process. What Go obtained from the operating system has no pages of files,
    and has what Go gave back. What counts is below both.

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
    """Return what was counted between two readings of one pod; a counter that fell began anew."""
    return Counter(
        {
            key: value - counts_before[key] if value >= counts_before[key] else value
            for key, value in counts_after.items()
        }
    )


def sum_readings(readings: Sequence[Reading]) -> Reading:
    """Return the sum of readings, since adding Counters would drop what is zero; only ages are no sums."""
    summed: Reading = Counter()
    for pod_reading in readings:
        summed.update(pod_reading)
    ages = [pod_reading[UPTIME] for pod_reading in readings if UPTIME in pod_reading]
    if ages:
        summed[UPTIME] = min(ages)
    return summed


class SignalFlow:
    """How the signals of one collector went: what was counted in some seconds, and since the start."""

    def __init__(
        self, config: Mapping[str, Any], listeners: Listeners, gained: Reading, whole: Reading, seconds: float
    ) -> None:
        self.config, self.listeners, self.gained_counts, self.total_counts = config, listeners, gained, whole
        self.seconds = max(round(seconds), 1)
        self.pipeline_graph = PipelineGraph.of(config)

    def collect_facts(self) -> dict[str, list[dict[str, Any]]]:
        """Return the ends of every signal, and what stands between them."""
        used_signals = [signal_of(pipeline) for pipeline in self.pipeline_graph.pipelines]
        ordered_signals = [signal for signal in NOUNS_OF_SIGNALS if signal in used_signals] + used_signals
        rows_by_direction: dict[str, list[dict[str, Any]]] = {"receives": [], "processes": [], "exports": []}
        for signal in dict.fromkeys(ordered_signals):
            rows_by_direction["receives"] += self._list_receiver_rows(signal)
            rows_by_direction["processes"] += self._list_processor_rows(signal)
            rows_by_direction["exports"] += self._list_exporter_rows(signal)
        return rows_by_direction

    def has_settled(self) -> bool:
        """Return whether waiting longer would show no more: all received data went out or failed, the rest is idle."""
        rows_by_direction = self.collect_facts()
        received_signals = {row["signal"] for row in rows_by_direction["receives"] if row["accepted"]}
        if not received_signals:
            return False
        for row in rows_by_direction["exports"]:
            if row["state"] in ("waits", "silent"):
                return False
        for row in rows_by_direction["receives"]:
            has_paused = row["state"] == "idle" and row["accepted_total"]
            if has_paused and row["signal"] not in received_signals:
                return False
        return True

    def _list_component_ids(self, signal: str, role: str) -> list[str]:
        return self.pipeline_graph.list_ids_of_signal(signal, role)

    def _build_common_row(self, signal: str, name: str, role: str) -> dict[str, Any]:
        """Return what the row of any component has."""
        return {
            "id": name,
            "signal": signal,
            "items": NOUNS_OF_SIGNALS.get(signal, signal),
            "seconds": self.seconds,
            "uptime": describe_duration(self.total_counts[UPTIME]),
            "about": f"{role}/{name}",
        }

    def _read_counts(self, signal: str, name: str, prefix: str, names: Sequence[str]) -> dict[str, int]:
        """Return counts of a component: what they gained, and behind `_total` their value since the start."""
        gained_counts, total_counts = {}, {}
        for counter in names:
            key = CountKey(f"{prefix}_{counter}", name, signal)
            gained_counts[counter] = int(self.gained_counts[key])
            total_counts[f"{counter}_total"] = int(self.total_counts[key])
        return gained_counts | total_counts

    def _list_receiver_rows(self, signal: str) -> Iterator[dict[str, Any]]:
        """Yield a row for each receiver of a signal."""
        for name in self._list_component_ids(signal, "receivers"):
            row = self._build_common_row(signal, name, "receivers")
            row |= self._read_counts(signal, name, "receiver", ("accepted", "refused", "failed"))
            row["passive"] = waits_for_clients("receivers", name, self.config, self.listeners)
            if row["passive"]:
                row["about"] = "in"
            row["state"] = self._judge_receiver(row)
            yield row

    def _judge_receiver(self, row: Mapping[str, Any]) -> str:
        """Return what comes in at a receiver, from the clearest sign to the weakest."""
        if row["refused"] or row["failed"]:
            return "refused"
        if row["accepted"]:
            return "comes"
        if row["passive"]:
            return "idle"
        # What asks for its data itself does so at intervals, and counts between two of them say nothing.
        if row["accepted_total"]:
            return "rests"
        settings = mapping_at(self.config, "receivers", str(row["id"]))
        return "starts" if self.total_counts[UPTIME] < read_collection_interval(settings) else "idle"

    def _list_processor_rows(self, signal: str) -> Iterator[dict[str, Any]]:
        """Yield a row for each processor of a signal."""
        for name in self._list_component_ids(signal, "processors"):
            limiter_counts = self._read_counts(signal, name, "processor_memory_limiter", ("refused",))
            processor_counts = self._read_counts(signal, name, "processor", ("refused", "dropped"))
            refused = limiter_counts["refused"] or processor_counts["refused"]
            incoming = int(self.gained_counts[CountKey("processor_incoming_items", name, signal)])
            outgoing = int(self.gained_counts[CountKey("processor_outgoing_items", name, signal)])
            lost_items = max(incoming - outgoing - refused, 0)
            row = self._build_common_row(signal, name, "processors")
            row |= {
                "refused": refused,
                "dropped": processor_counts["dropped"] or lost_items,
                "incoming": incoming,
                "outgoing": outgoing,
            }
            yield row

    def _list_exporter_rows(self, signal: str) -> Iterator[dict[str, Any]]:
        """Yield a row for each exporter of a signal."""
        accepted = sum(row["accepted"] for row in self._list_receiver_rows(signal))
        for name in self._list_component_ids(signal, "exporters"):
            row = self._build_common_row(signal, name, "exporters") | {"accepted": accepted}
            row |= self._read_counts(signal, name, "exporter", ("sent", "send_failed", "enqueue_failed"))
            queue_size = self._read_queue_gauge(signal, name, "queue_size")
            queue_capacity = self._read_queue_gauge(signal, name, "queue_capacity")
            row |= {"queue_size": queue_size, "queue_capacity": queue_capacity}
            row["queue_percent"] = 100 * queue_size // queue_capacity if queue_capacity else 0
            row["failed"] = row["send_failed"] + row["enqueue_failed"]
            row["failed_total"] = row["send_failed_total"] + row["enqueue_failed_total"]
            row["came"] = f"{row['items']} that came before"
            if accepted:
                row["came"] = f"{row['items']} come in ({accepted} in {self.seconds} s) and"
            yield row | {"state": _judge_exporter(row, self._may_wait_for_batch(name))}

    def _read_queue_gauge(self, signal: str, exporter: str, gauge_name: str) -> int:
        """Return the size or capacity of an exporter's queue; some exporters count one queue for all signals."""
        return int(
            self.total_counts[CountKey(f"exporter_{gauge_name}", exporter, signal)]
            or self.total_counts[CountKey(gauge_name, exporter)]
        )

    def _may_wait_for_batch(self, exporter: str) -> bool:
        """Return whether what came in these seconds may still wait for more, to be sent in one request."""
        return self.seconds <= parse_duration(
            value_at(mapping_at(self.config, "exporters", exporter), FLUSH_TIMEOUT_PATH)
        )


def _judge_exporter(row: Mapping[str, Any], may_be_a_batch: bool) -> str:
    """Return what an exporter does, from the clearest sign to the weakest."""
    if row["failed"]:
        return "fails_partly" if row["sent"] else "fails"
    if row["sent"]:
        return "sends"
    waits_for_batch = row["accepted"] and may_be_a_batch
    if row["queue_size"] and not waits_for_batch:
        return "waits"
    return "silent" if row["accepted"] else "idle"


def read_collection_interval(settings: Mapping[str, Any]) -> float:
    """Return the seconds between two collections of a receiver that asks for its data."""
    interval_text = settings.get("collection_interval") or value_at(settings, ("config", "global", "scrape_interval"))
    return parse_duration(interval_text) or _DEFAULT_INTERVAL


def find_metrics_address(config: Mapping[str, Any], default: int) -> tuple[str, int]:
    """Return host and port of the collector's own metrics; port 0 when nothing serves them."""
    telemetry = mapping_at(config, "service", "telemetry", "metrics")
    if telemetry.get("level") == "none":
        return "", 0
    if telemetry.get("address"):
        address_text = str(telemetry["address"]).replace("${env:", "${")
        host = address_text.rpartition(":")[0].strip("[]")
        return host, split_host_and_port(address_text)[1] or default
    for reader in list_at(telemetry, "readers"):
        exporter = mapping_at(reader, "pull", "exporter", "prometheus")
        if exporter:
            return _read_exporter_address(exporter, default)
    if "readers" in telemetry:
        return "", 0
    return _read_exporter_address({}, default)


def _read_exporter_address(exporter: Mapping[str, Any], default: int) -> tuple[str, int]:
    """Return host and port of a Prometheus exporter of the own metrics."""
    port = split_host_and_port(f":{exporter.get('port')}")[1]
    return str(exporter.get("host") or "localhost"), port or default


def explain_unreachable_metrics(config: Mapping[str, Any], default: int) -> str:
    """Return why other pods cannot read the collector's own metrics, and the fix; nothing if they can."""
    host, port = find_metrics_address(config, default)
    if not port:
        return "service.telemetry.metrics serves none"
    if config and is_loopback(host):
        return f"they are served on {host}:{port}; set `host: ${{env:MY_POD_IP}}` for their reader in service.telemetry"
    return ""
