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
from .._otelcol.config.addresses import address, is_loopback
from .._otelcol.config.paths import amount, at, items, section
from .._otelcol.config.pipelines import PipelineGraph, signal_of
from .._otelcol.needs.listeners import waits_for_clients
from .._otelcol.needs.quantities import duration
from .times import age

# Source: documentation.md of receiverhelper, processorhelper, exporterhelper and memorylimiterprocessor.
ITEMS = {
    "spans": "traces",
    "metric_points": "metrics",
    "log_records": "logs",
    "profile_samples": "profiles",
}
NOUNS = {signal: noun.replace("_", " ") for noun, signal in ITEMS.items()}
_SAMPLE = re.compile(r"^otelcol_(?P<name>\w++)(?:\{(?P<labels>.*)\})? (?P<value>[0-9.eE+-]++)(?: \d++)?$", re.MULTILINE)
_LABEL = re.compile(r'(?<!\w)(\w++)="((?:[^"\\]|\\.)*+)"')
_BY_ITEM = re.compile(rf"(?P<name>\w+)_(?P<item>{'|'.join(ITEMS)})\Z")
_UNITS = ("_bytes", "_seconds")
_COMPONENTS = ("receiver", "exporter", "processor")
# Source: scraper.NewDefaultControllerConfig of the Collector and Prometheus' scrape_interval.
_USUAL_INTERVAL = 60.0
# How long the queue of an exporter waits for a full batch.
FLUSH = ("sending_queue", "batch", "flush_timeout")


class Key(NamedTuple):
    """The counted items, the component and the signal; empty if it does not apply."""

    name: str
    component: str = ""
    signal: str = ""


Reading = Counter[Key]
UPTIME = Key("process_uptime")
_RESIDENT, _OBTAINED = Key("process_memory_rss"), Key("process_runtime_total_sys_memory")


def reading(text: str) -> Reading:
    """Return the counts of one pod, summed over labels that do not matter here."""
    counts: Reading = Counter()
    for match in _SAMPLE.finditer(text):
        labels = dict(_LABEL.findall(match["labels"] or ""))
        owner = _first_label(labels, _COMPONENTS)
        name = _without_unit(match["name"])
        by_item = _BY_ITEM.match(name)
        if by_item:
            key = Key(by_item["name"], owner, ITEMS[by_item["item"]])
        else:
            key = Key(name, owner, labels.get("data_type") or labels.get("otel_signal") or "")
        counts[key] += amount(match["value"])  # type: ignore[assignment]
    return counts


def memory_used(pod_reading: Reading) -> float:
    """Return at most how many bytes of a process count against a memory limit; 0 if the reading has no memory.

    The resident memory has the pages of the program's file too, 85 MiB of 102 MiB for otelcol-contrib without load. The
    kernel takes those back before it kills a process. What Go obtained from the operating system has no pages of files,
    and has what Go gave back. What counts is below both.

    Sources: `RssAnon` and `RssFile` in proc(5), `memory.stat` of the kernel's cgroup-v2, `Sys` of runtime.MemStats.
    """
    sizes = [pod_reading[key] for key in (_RESIDENT, _OBTAINED) if key in pod_reading]
    return float(min(sizes, default=0))


def _first_label(labels: Mapping[str, str], names: Sequence[str]) -> str:
    """Return the value of the first of these labels that is there; empty if none is."""
    for name in names:
        if name in labels:
            return labels[name]
    return ""


def _without_unit(name: str) -> str:
    """Return the name of a metric. Versions differ in what follows it: a unit, `_total`, or nothing."""
    name = name.removesuffix("_total")
    for unit in _UNITS:
        if name.endswith(unit):
            name = name.removesuffix(unit)
            break
    stem, _sign, item_unit = name.partition("__")  # `items__item_`
    return stem if len(item_unit) > 1 and item_unit.endswith("_") else name


def grown(before: Reading, after: Reading) -> Reading:
    """Return what was counted between two readings of one pod; a counter that fell began anew."""
    return Counter({key: value - before[key] if value >= before[key] else value for key, value in after.items()})


def total(readings: Sequence[Reading]) -> Reading:
    """Return the sum of readings, since adding Counters would drop what is zero; only ages are no sums."""
    result: Reading = Counter()
    for pod_reading in readings:
        result.update(pod_reading)
    ages = [pod_reading[UPTIME] for pod_reading in readings if UPTIME in pod_reading]
    if ages:
        result[UPTIME] = min(ages)
    return result


class Flow:
    """How the signals of one collector went: what was counted in some seconds, and since the start."""

    def __init__(
        self, config: Mapping[str, Any], listeners: Listeners, gained: Reading, whole: Reading, seconds: float
    ) -> None:
        self.config, self.listeners, self.gained, self.whole = config, listeners, gained, whole
        self.seconds = max(round(seconds), 1)
        self.graph = PipelineGraph.of(config)

    def facts(self) -> dict[str, list[dict[str, Any]]]:
        """Return the ends of every signal, and what stands between them."""
        used_signals = [signal_of(pipeline) for pipeline in self.graph.pipelines]
        known_first = [signal for signal in NOUNS if signal in used_signals] + used_signals
        facts: dict[str, list[dict[str, Any]]] = {"receives": [], "processes": [], "exports": []}
        for signal in dict.fromkeys(known_first):
            facts["receives"] += self._receives(signal)
            facts["processes"] += self._processes(signal)
            facts["exports"] += self._exports(signal)
        return facts

    def moving(self) -> bool:
        """Return whether waiting longer would show no more: all received data went out or failed, the rest is idle."""
        facts = self.facts()
        received_signals = {row["signal"] for row in facts["receives"] if row["accepted"]}
        if not received_signals:
            return False
        for row in facts["exports"]:
            if row["state"] in ("waits", "silent"):
                return False
        for row in facts["receives"]:
            has_paused = row["state"] == "idle" and row["accepted_total"]
            if has_paused and row["signal"] not in received_signals:
                return False
        return True

    def _used(self, signal: str, role: str) -> list[str]:
        return self.graph.ids_of(signal, role)

    def _common(self, signal: str, name: str, role: str) -> dict[str, Any]:
        """Return what the row of any component has."""
        return {
            "id": name,
            "signal": signal,
            "items": NOUNS.get(signal, signal),
            "seconds": self.seconds,
            "uptime": age(self.whole[UPTIME]),
            "about": f"{role}/{name}",
        }

    def _numbers(self, signal: str, name: str, prefix: str, names: Sequence[str]) -> dict[str, int]:
        """Return counts of a component: what they gained, and behind `_total` their value since the start."""
        gained, whole = {}, {}
        for word in names:
            key = Key(f"{prefix}_{word}", name, signal)
            gained[word] = int(self.gained[key])
            whole[f"{word}_total"] = int(self.whole[key])
        return gained | whole

    def _receives(self, signal: str) -> Iterator[dict[str, Any]]:
        """Yield a row for each receiver of a signal."""
        for name in self._used(signal, "receivers"):
            row = self._common(signal, name, "receivers")
            row |= self._numbers(signal, name, "receiver", ("accepted", "refused", "failed"))
            row["passive"] = waits_for_clients("receivers", name, self.config, self.listeners)
            if row["passive"]:
                row["about"] = "in"
            row["state"] = self._incoming(row)
            yield row

    def _incoming(self, row: Mapping[str, Any]) -> str:
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
        settings = section(self.config, "receivers", str(row["id"]))
        return "starts" if self.whole[UPTIME] < interval(settings) else "idle"

    def _processes(self, signal: str) -> Iterator[dict[str, Any]]:
        """Yield a row for each processor of a signal."""
        for name in self._used(signal, "processors"):
            limiter = self._numbers(signal, name, "processor_memory_limiter", ("refused",))
            other = self._numbers(signal, name, "processor", ("refused", "dropped"))
            refused = limiter["refused"] or other["refused"]
            incoming = int(self.gained[Key("processor_incoming_items", name, signal)])
            outgoing = int(self.gained[Key("processor_outgoing_items", name, signal)])
            lost = max(incoming - outgoing - refused, 0)
            row = self._common(signal, name, "processors")
            row |= {"refused": refused, "dropped": other["dropped"] or lost, "incoming": incoming, "outgoing": outgoing}
            yield row

    def _exports(self, signal: str) -> Iterator[dict[str, Any]]:
        """Yield a row for each exporter of a signal."""
        accepted = sum(row["accepted"] for row in self._receives(signal))
        for name in self._used(signal, "exporters"):
            row = self._common(signal, name, "exporters") | {"accepted": accepted}
            row |= self._numbers(signal, name, "exporter", ("sent", "send_failed", "enqueue_failed"))
            size = self._queue(signal, name, "queue_size")
            capacity = self._queue(signal, name, "queue_capacity")
            row |= {"queue_size": size, "queue_capacity": capacity}
            row["queue_percent"] = 100 * size // capacity if capacity else 0
            row["failed"] = row["send_failed"] + row["enqueue_failed"]
            row["failed_total"] = row["send_failed_total"] + row["enqueue_failed_total"]
            row["came"] = f"{row['items']} that came before"
            if accepted:
                row["came"] = f"{row['items']} come in ({accepted} in {self.seconds} s) and"
            yield row | {"state": _outgoing(row, self._may_be_a_batch(name))}

    def _queue(self, signal: str, exporter: str, word: str) -> int:
        """Return the size or capacity of an exporter's queue; some exporters count one queue for all signals."""
        return int(self.whole[Key(f"exporter_{word}", exporter, signal)] or self.whole[Key(word, exporter)])

    def _may_be_a_batch(self, exporter: str) -> bool:
        """Return whether what came in these seconds may still wait for more, to be sent in one request."""
        return self.seconds <= duration(at(section(self.config, "exporters", exporter), FLUSH))


def _outgoing(row: Mapping[str, Any], may_be_a_batch: bool) -> str:
    """Return what an exporter does, from the clearest sign to the weakest."""
    if row["failed"]:
        return "fails_partly" if row["sent"] else "fails"
    if row["sent"]:
        return "sends"
    waits_for_batch = row["accepted"] and may_be_a_batch
    if row["queue_size"] and not waits_for_batch:
        return "waits"
    return "silent" if row["accepted"] else "idle"


def interval(settings: Mapping[str, Any]) -> float:
    """Return the seconds between two collections of a receiver that asks for its data."""
    given = settings.get("collection_interval") or at(settings, ("config", "global", "scrape_interval"))
    return duration(given) or _USUAL_INTERVAL


def metrics_port(config: Mapping[str, Any], default: int) -> tuple[str, int]:
    """Return host and port of the collector's own metrics; port 0 when nothing serves them."""
    telemetry = section(config, "service", "telemetry", "metrics")
    if telemetry.get("level") == "none":
        return "", 0
    if telemetry.get("address"):
        written = str(telemetry["address"]).replace("${env:", "${")
        host = written.rpartition(":")[0].strip("[]")
        return host, address(written)[1] or default
    for reader in items(telemetry, "readers"):
        exporter = section(reader, "pull", "exporter", "prometheus")
        if exporter:
            return _place_of(exporter, default)
    if "readers" in telemetry:
        return "", 0
    return _place_of({}, default)


def _place_of(exporter: Mapping[str, Any], default: int) -> tuple[str, int]:
    """Return host and port of a Prometheus exporter of the own metrics."""
    port = address(f":{exporter.get('port')}")[1]
    return str(exporter.get("host") or "localhost"), port or default


def unserved(config: Mapping[str, Any], default: int) -> str:
    """Return why other pods cannot read the collector's own metrics, and the fix; nothing if they can."""
    host, port = metrics_port(config, default)
    if not port:
        return "service.telemetry.metrics serves none"
    if config and is_loopback(host):
        return f"they are served on {host}:{port}; set `host: ${{env:MY_POD_IP}}` for their reader in service.telemetry"
    return ""
