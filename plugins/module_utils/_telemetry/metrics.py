# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The counts in a Collector's own metrics, and by how much they grew between two readings. Private.

The Collector serves these metrics as text for Prometheus. Module diagnose, canaries, waves and captures read the text
of each pod twice, some seconds apart: `read_counts` parses it, `subtract_readings` compares both, and signal_flow.py
judges the components by that. A reading is all counts of a pod, or of several, at one moment; by how much they grew
between two moments has the same type. For example, the line

    otelcol_receiver_accepted_spans__spans__total{receiver="otlp"} 7

is the count `CountKey("receiver_accepted", "otlp", "traces"): 7`. host_judgement.py of _host_change parses the same
text on hosts, with Python 3.8.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from .._otelcol.config.paths import parse_amount

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
# For how many seconds the process runs.
UPTIME = CountKey("process_uptime")
# The bytes of a process that are in memory, and those that Go obtained from the operating system.
_RESIDENT_MEMORY = CountKey("process_memory_rss")
_OBTAINED_MEMORY = CountKey("process_runtime_total_sys_memory")


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
        counts[key] += parse_amount(match["value"])  # type: ignore[assignment] # an uptime is no whole number
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
    """Return the name of a metric. Versions differ in what follows it: a unit, `_total`, or nothing.

    receiver_accepted_spans__spans__total    → receiver_accepted_spans
    exporter_queue_size__batches_            → exporter_queue_size
    process_uptime_seconds_total             → process_uptime
    process_memory_rss                       → process_memory_rss
    """
    name = name.removesuffix("_total")
    for unit in _UNITS:
        if name.endswith(unit):
            name = name.removesuffix(unit)
            break
    name_without_item, _sign, item_unit = name.partition("__")  # `items__item_`
    return name_without_item if len(item_unit) > 1 and item_unit.endswith("_") else name


def subtract_readings(counts_before: Reading, counts_after: Reading) -> Reading:
    """Return by how much each count of one pod grew.

    A count that fell began anew at 0 when the process restarted. How much it had grown until then is lost.
    """
    gained_counts: Reading = Counter()
    for key, count in counts_after.items():
        has_restarted = count < counts_before[key]
        gained_counts[key] = count if has_restarted else count - counts_before[key]
    return gained_counts


def sum_readings(readings: Sequence[Reading]) -> Reading:
    """Return the sum of the counts of several pods; for the uptime, that of the youngest pod.

    Counts of 0 stay, which the operator `+` of Counter would drop: a count that is there and 0 says that nothing came.
    """
    summed: Reading = Counter()
    for pod_reading in readings:
        summed.update(pod_reading)
    ages = [pod_reading[UPTIME] for pod_reading in readings if UPTIME in pod_reading]
    if ages:
        summed[UPTIME] = min(ages)
    return summed
