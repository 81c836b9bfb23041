# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts out of the own metrics of a collector on a host. Private.

The Collector serves its metrics as text for Prometheus. `live/host_watch.py` and `live/host_probe.py` read the text,
and `host_judgement.py` and `probe_record.py` compare the counts. For example, of

    otelcol_receiver_accepted_spans{receiver="otlp",transport="grpc"} 40
    otelcol_exporter_queue_size{exporter="otlp"} 3

`parse_host_counts` returns `{("receiver_accepted", "receivers/otlp", "traces"): 40, ("exporter_queue_size",
"exporters/otlp", ""): 3}`. Runs on the host: Python 3.8, standard library.

Two files of _telemetry read the same text on the controller: metrics.py all counts of clusters' pods, and evidence.py
the counts of items over all components. They take other numbers for counts, and patterns that Python 3.8 does not have.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import NamedTuple

# The signal of each noun for items in names of metrics, such as `otelcol_receiver_accepted_spans`.
# Source: documentation.md of receiverhelper and exporterhelper.
_SIGNAL_BY_ITEMS = {"spans": "traces", "metric_points": "metrics", "log_records": "logs", "profile_samples": "profiles"}
# The names of the metrics about queues, without `otelcol_`.
QUEUE_SIZE = "exporter_queue_size"
QUEUE_CAPACITY = "exporter_queue_capacity"
# A sample, by its name, labels and value: `otelcol_exporter_sent_spans{exporter="otlp"} 7`, with a timestamp behind it
# or not.
_SAMPLE = re.compile(r"^otelcol_(\w+)(?:\{(.*)\})? ([0-9.eE+-]+)(?: \d+)?$", re.MULTILINE)
# The label that names the component of a sample, such as `exporter="otlp"`. A backslash escapes a quotation mark in it.
_COMPONENT = re.compile(r'(?<!\w)(receiver|exporter)="((?:[^"\\]|\\.)*)"')
# A reader without `without_units` adds the unit to the name, as in receiver_accepted_spans__spans__total.
_UNIT_MARK = "__"
_TOTAL = "_total"
# The sample `otelcol_process_uptime{…} 12.5`; readers add the unit to its name or not.
_UPTIME = re.compile(r"^otelcol_process_uptime[a-z_]*(?:\{[^}\n]*\})? ([0-9.eE+-]+)", re.MULTILINE)


class HostCountKey(NamedTuple):
    """What a count counts.

    For example, `otelcol_exporter_sent_spans{exporter="otlp"}` has the key `("exporter_sent", "exporters/otlp",
    "traces")`.
    """

    name: str
    component_id: str
    signal: str = ""
    """Empty for the size and the capacity of a queue, which are of no signal."""


def parse_host_counts(text: str) -> Counter[HostCountKey]:
    """Return the counts in the metrics of a collector. Raises ValueError for a value that is no count.

    Samples that differ only in other labels are added up. Only counts of items and of queues are read. For example, the
    text `otelcol_exporter_sent_spans{exporter="otlp"} 7` gives `{("exporter_sent", "exporters/otlp", "traces"): 7}`.
    """
    value_by_count: Counter[HostCountKey] = Counter()
    for name, labels, value in _SAMPLE.findall(text):
        component = _COMPONENT.search(labels)
        if not component:
            continue
        component_id = f"{component[1]}s/{component[2]}"
        counter = _split_counter_name(name)
        if counter.items_name:
            signal = _SIGNAL_BY_ITEMS[counter.items_name]
            value_by_count[HostCountKey(counter.name, component_id, signal)] += _parse_count(value)
        elif name in (QUEUE_SIZE, QUEUE_CAPACITY):
            value_by_count[HostCountKey(name, component_id)] += _parse_count(value)
    return value_by_count


def _parse_count(text: str) -> int:
    """Return the value of a sample. Raises ValueError for a text that is no number or infinite (1e999)."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"'{text}' is no count")
    return int(number)


class _CounterName(NamedTuple):
    """The two parts of the name of a counter of items."""

    name: str
    """Such as `exporter_sent`."""
    items_name: str
    """Such as `spans`; empty for a metric that counts no items."""


def _split_counter_name(name: str) -> _CounterName:
    """Return the parts of the name of a metric: `exporter_sent` and `spans` for `exporter_sent_spans`.

    A unit and `_total` at the end are dropped before.
    """
    plain_name = name.partition(_UNIT_MARK)[0]
    if plain_name.endswith(_TOTAL):
        plain_name = plain_name[: -len(_TOTAL)]
    for items_name in _SIGNAL_BY_ITEMS:
        if plain_name.endswith("_" + items_name):
            return _CounterName(plain_name[: -len("_" + items_name)], items_name)
    return _CounterName(plain_name, "")


def read_uptime_seconds(text: str) -> float:
    """Return for how many seconds the process has run, by its metrics; 0 if they do not say."""
    match = _UPTIME.search(text)
    return float(match[1]) if match else 0.0
