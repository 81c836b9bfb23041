# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare the own metrics of a collector on a host before and after a change, as canaries are compared. Private.

`live/host_watch.py` reads the metrics as text for Prometheus: `parse_host_counts` parses them, and `list_regressions` says
what is worse than before. Runs on the host: Python 3.8, standard library. For clusters, _telemetry/metrics.py parses
the same text, and the files canary_… of _change compare; the limits in judgement_thresholds.py are for both.

A component is worse if a larger share of its items fails (at least 5 items and 10 percentage points more), or if no
item comes any more while at least 20 were due by the rate before. An item is a span, a data point, a log record or
a profile sample.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from .judgement_thresholds import EXCESS_POINTS, FEWEST_DUE, FEWEST_ITEMS

# Source: documentation.md of receiverhelper and exporterhelper.
_SIGNAL_BY_ITEMS = {"spans": "traces", "metric_points": "metrics", "log_records": "logs", "profile_samples": "profiles"}
# A sample, by its name, labels and value: `otelcol_exporter_sent_spans{exporter="otlp"} 7`, with a timestamp behind it
# or not.
_SAMPLE = re.compile(r"^otelcol_(\w+)(?:\{(.*)\})? ([0-9.eE+-]+)(?: \d+)?$", re.MULTILINE)
# The label that names the component of a sample, such as `exporter="otlp"`. A backslash escapes a quotation mark in it.
_OWNER = re.compile(r'(?<!\w)(receiver|exporter)="((?:[^"\\]|\\.)*)"')
# A reader without `without_units` adds the unit to the name, as in receiver_accepted_spans__spans__total.
_UNIT, _TOTAL = "__", "_total"
_QUEUE_SIZE, _QUEUE_CAPACITY = "exporter_queue_size", "exporter_queue_capacity"
# The sample `otelcol_process_uptime{…} 12.5`; readers add the unit to its name or not.
_UPTIME = re.compile(r"^otelcol_process_uptime[a-z_]*(?:\{[^}\n]*\})? ([0-9.eE+-]+)", re.MULTILINE)
# A word of a config in YAML that may name a component, such as `otlp/backend`.
_WORD = re.compile(r"[\w./-]+")
# A queue is worse if it is so full, in percent of its capacity, and by so many percentage points fuller than before.
_QUEUE_PERCENT = 10


class Count(NamedTuple):
    """What a count counts, as a key.

    For example, `otelcol_exporter_sent_spans{exporter="otlp"}` has the key
    `("exporter_sent", "exporters/otlp", "traces")`.
    """

    name: str
    component_id: str
    signal: str = ""
    """Empty for the size and the capacity of a queue, which are of no signal."""


def parse_host_counts(text: str) -> Counter[Count]:
    """Return the counts in the metrics of a collector. Raises ValueError for a value that is no count.

    Samples that differ only in other labels are added up. Only counts of items and of queues are read.
    """
    value_by_count: Counter[Count] = Counter()
    for name, labels, value in _SAMPLE.findall(text):
        owner = _OWNER.search(labels)
        if not owner:
            continue
        component_id = f"{owner[1]}s/{owner[2]}"
        counter, items_name = _split_counter_name(name)
        if items_name:
            value_by_count[Count(counter, component_id, _SIGNAL_BY_ITEMS[items_name])] += _parse_count(value)
        elif name in (_QUEUE_SIZE, _QUEUE_CAPACITY):
            value_by_count[Count(name, component_id)] += _parse_count(value)
    return value_by_count


def _parse_count(text: str) -> int:
    """Return the value of a sample. Raises ValueError for a text that is no number or infinite (1e999)."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"'{text}' is no count")
    return int(number)


def _split_counter_name(name: str) -> tuple[str, str]:
    """Return the counter and the items in the name of a metric: `exporter_sent` and `spans` for `exporter_sent_spans`.

    A unit and `_total` at the end are dropped before. The items are empty for a metric that counts none.
    """
    plain_name = name.partition(_UNIT)[0]
    if plain_name.endswith(_TOTAL):
        plain_name = plain_name[: -len(_TOTAL)]
    for items_name in _SIGNAL_BY_ITEMS:
        if plain_name.endswith("_" + items_name):
            return plain_name[: -len("_" + items_name)], items_name
    return plain_name, ""


def read_uptime_seconds(text: str) -> float:
    """Return for how many seconds the process has run, by its metrics; 0 if they do not say."""
    match = _UPTIME.search(text)
    return float(match[1]) if match else 0.0


def list_busy_components(value_by_count: Mapping[Count, int]) -> list[str]:
    """Return the components that have counted items."""
    return sorted({count.component_id for count, items in value_by_count.items() if count.signal and items})


class EarlierCounts(NamedTuple):
    """What the collector counted before the change, and in how many seconds.

    Without counts from before, both are empty: then nothing was due, and no share was there before.
    """

    items_by_count: Mapping[Count, int]
    seconds: float


class _MetricWords(NamedTuple):
    """The counters of a receiver or an exporter, and the words about them in messages."""

    failure_names: tuple[str, ...]
    """The counters of items that failed, such as `receiver_refused`."""
    success_name: str
    """The counter of items that passed, such as `receiver_accepted`."""
    failed_words: str
    passed_words: str


_RECEIVER = _MetricWords(("receiver_refused", "receiver_failed"), "receiver_accepted", "were refused", "came in")
_EXPORTER = _MetricWords(("exporter_send_failed", "exporter_enqueue_failed"), "exporter_sent", "failed", "was sent")


class _ItemTotals(NamedTuple):
    """The items of one signal that failed at a component, and that passed it."""

    failed: int
    passed: int

    @property
    def offered(self) -> int:
        return self.failed + self.passed

    @property
    def failed_percent(self) -> float:
        return _to_percent(self.failed, self.offered)


def list_regressions(
    earlier_counts: EarlierCounts, new_counts: Mapping[Count, int], seconds: float, config: str
) -> list[str]:
    """Return a line for each component that is worse than before, after so many seconds of the new release.

    `new_counts` are the counts of these seconds, `config` is the new config as YAML text. A Collector serves a counter
    only after its first count. So a component that counted before and has no count now is judged too, if the config
    still has its name as a word. Earlier counts of components that the config no longer names are left out.
    """
    config_words = set(_WORD.findall(config))
    kept_counts: dict[Count, int] = {}
    for count, items in earlier_counts.items_by_count.items():
        component_name = count.component_id.partition("/")[2]
        if component_name in config_words:
            kept_counts[count] = items
    earlier_counts = EarlierCounts(kept_counts, earlier_counts.seconds)
    lines = []
    for component, signal in _list_components_and_signals((*kept_counts, *new_counts)):
        lines += _judge_component(component, signal, earlier_counts, new_counts, seconds)
    return lines + _judge_queues(earlier_counts, new_counts)


def _list_components_and_signals(counts: Iterable[Count]) -> list[tuple[str, str]]:
    """Return what is judged by itself: each component with each of its signals."""
    return sorted({(count.component_id, count.signal) for count in counts if count.signal})


def _judge_component(
    component: str, signal: str, earlier_counts: EarlierCounts, new_counts: Mapping[Count, int], seconds: float
) -> list[str]:
    """Return the line about a component that is worse: a larger share of its items fails, or no item comes any more."""
    words = _RECEIVER if component.startswith("receivers/") else _EXPORTER
    new_totals = _sum_items(words, component, signal, new_counts)
    old_totals = _sum_items(words, component, signal, earlier_counts.items_by_count)
    new_percent, old_percent = new_totals.failed_percent, old_totals.failed_percent
    if new_totals.failed >= FEWEST_ITEMS and new_percent - old_percent >= EXCESS_POINTS:
        return [
            f"{component}: {new_totals.failed} of {new_totals.offered} {signal} {words.failed_words}"
            f" ({new_percent:.0f} %), before {old_percent:.0f} %"
        ]
    due_items = _estimate_due_items(old_totals.passed, earlier_counts.seconds, seconds)
    if not new_totals.offered and due_items >= FEWEST_DUE:
        return [f"{component}: no {signal} {words.passed_words}, and about {due_items:.0f} were due by the rate before"]
    return []


def _sum_items(words: _MetricWords, component: str, signal: str, items_by_count: Mapping[Count, int]) -> _ItemTotals:
    failed = sum(items_by_count.get(Count(name, component, signal), 0) for name in words.failure_names)
    return _ItemTotals(failed, items_by_count.get(Count(words.success_name, component, signal), 0))


def _estimate_due_items(earlier_items: int, earlier_seconds: float, seconds: float) -> float:
    """Return how many items would pass in some seconds, at the rate before; 0 if that rate is not known."""
    return earlier_items / earlier_seconds * seconds if earlier_seconds else 0.0


def _to_percent(part: int, whole: int) -> float:
    return 100.0 * part / whole if whole else 0.0


def _judge_queues(earlier_counts: EarlierCounts, new_counts: Mapping[Count, int]) -> list[str]:
    """Return a line for each exporter whose queue has grown."""
    lines = []
    for count, queue_size in sorted(new_counts.items()):
        if count.name != _QUEUE_SIZE:
            continue
        capacity = new_counts.get(Count(_QUEUE_CAPACITY, count.component_id), 0)
        new_percent = _to_percent(queue_size, capacity)
        old_percent = _to_percent(earlier_counts.items_by_count.get(count, 0), capacity)
        if new_percent >= _QUEUE_PERCENT and new_percent - old_percent >= _QUEUE_PERCENT:
            lines.append(
                f"{count.component_id}: its queue grew from {old_percent:.0f} to {new_percent:.0f} % of its capacity"
            )
    return lines
