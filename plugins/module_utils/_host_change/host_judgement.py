# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a collector on a host is judged after a change: by its own metrics, as a canary is.

A queue is worse if it is ten percent full and has grown by as much. Private.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from .judgement_thresholds import EXCESS_POINTS, FEWEST_DUE, FEWEST_ITEMS

# Source: documentation.md of receiverhelper and exporterhelper.
_SIGNAL_BY_ITEMS = {"spans": "traces", "metric_points": "metrics", "log_records": "logs", "profile_samples": "profiles"}
_SAMPLE = re.compile(r"^otelcol_(\w+)(?:\{(.*)\})? ([0-9.eE+-]+)(?: \d+)?$", re.MULTILINE)
_OWNER = re.compile(r'(?<!\w)(receiver|exporter)="((?:[^"\\]|\\.)*)"')
# A reader without `without_units` adds the unit to the name, as in receiver_accepted_spans__spans__total.
_UNIT, _TOTAL = "__", "_total"
_UPTIME = re.compile(r"^otelcol_process_uptime[a-z_]*(?:\{[^}\n]*\})? ([0-9.eE+-]+)", re.MULTILINE)
_WORD = re.compile(r"[\w./-]+")
_QUEUE_PERCENT = 10


class Count(NamedTuple):
    """What is counted, the component and the signal."""

    name: str
    component_id: str
    signal: str = ""


def parse_counts(text: str) -> Counter[Count]:
    """Return what the metrics of a collector count, by component and signal. Raises ValueError for what is no count."""
    value_by_count: Counter[Count] = Counter()
    for name, labels, value in _SAMPLE.findall(text):
        owner = _OWNER.search(labels)
        counter, items_name = _split_counter_name(name)
        if owner and items_name:
            value_by_count[Count(counter, f"{owner[1]}s/{owner[2]}", _SIGNAL_BY_ITEMS[items_name])] += _parse_count(
                value
            )
        elif owner and name in ("exporter_queue_size", "exporter_queue_capacity"):
            value_by_count[Count(name, f"{owner[1]}s/{owner[2]}")] += _parse_count(value)
    return value_by_count


def _parse_count(text: str) -> int:
    """Return the count of a sample. Raises ValueError for a text that is no number, or one of no end such as 1e999."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"'{text}' is no count")
    return int(number)


def _split_counter_name(name: str) -> tuple[str, str]:
    """Return the counter of a metric's name and the items that it counts; no items if it counts none."""
    plain_name = name.partition(_UNIT)[0]
    if plain_name.endswith(_TOTAL):
        plain_name = plain_name[: -len(_TOTAL)]
    for items_name in _SIGNAL_BY_ITEMS:
        if plain_name.endswith("_" + items_name):
            return plain_name[: -len("_" + items_name)], items_name
    return plain_name, ""


def read_uptime_seconds(text: str) -> float:
    """Return for how many seconds the process has counted; 0 if it does not say so."""
    match = _UPTIME.search(text)
    return float(match[1]) if match else 0.0


def list_busy_components(value_by_count: Mapping[Count, int]) -> list[str]:
    """Return the components that have counted items."""
    return sorted({count.component_id for count, items in value_by_count.items() if count.signal and items})


class EarlierCounts(NamedTuple):
    """What the collector counted before the change, and in how many seconds."""

    items_by_count: Mapping[Count, int]
    seconds: float


def list_regressions(
    earlier_counts: EarlierCounts, new_counts: Mapping[Count, int], seconds: float, config: str
) -> list[str]:
    """Return in words what is worse than before, after so many seconds of the new release.

    A counter without a count is not served. So a component that counted before is judged if the config names it still.
    """
    config_words = _list_config_words(config)
    still_named = {
        count: value
        for count, value in earlier_counts.items_by_count.items()
        if count.component_id.partition("/")[2] in config_words
    }
    earlier_counts = EarlierCounts(still_named, earlier_counts.seconds)
    lines = []
    for component, signal in sorted(
        {(count.component_id, count.signal) for count in (*earlier_counts.items_by_count, *new_counts) if count.signal}
    ):
        metric_words = _RECEIVER if component.startswith("receivers/") else _EXPORTER
        lines += _judge_component(metric_words, earlier_counts, new_counts, seconds, (component, signal))
    return lines + _judge_queues(earlier_counts, new_counts)


def _list_config_words(config: str) -> set[str]:
    """Return the words of a config, among which are the names of its components."""
    return set(_WORD.findall(config))


def _count_failed_and_offered(
    value_by_count: Mapping[Count, int], component: str, signal: str, failure_names: tuple[str, ...], success_name: str
) -> tuple[int, int]:
    failed = sum(value_by_count.get(Count(name, component, signal), 0) for name in failure_names)
    return failed, failed + value_by_count.get(Count(success_name, component, signal), 0)


def _to_percent(part: int, whole: int) -> float:
    return 100.0 * part / whole if whole else 0.0


def _estimate_due(earlier_counts: EarlierCounts, seconds: float, earlier_total: int) -> float:
    return earlier_total / earlier_counts.seconds * seconds if earlier_counts.seconds else 0.0


class _MetricWords(NamedTuple):
    failure_names: tuple[str, ...]
    success_name: str
    failed_words: str
    passed_words: str


_RECEIVER = _MetricWords(("receiver_refused", "receiver_failed"), "receiver_accepted", "were refused", "came in")
_EXPORTER = _MetricWords(("exporter_send_failed", "exporter_enqueue_failed"), "exporter_sent", "failed", "was sent")


def _judge_component(
    metric_words: _MetricWords,
    earlier_counts: EarlierCounts,
    new_counts: Mapping[Count, int],
    seconds: float,
    component_and_signal: tuple[str, str],
) -> list[str]:
    component, signal = component_and_signal
    failed, offered = _count_failed_and_offered(
        new_counts, component, signal, metric_words.failure_names, metric_words.success_name
    )
    old_failed, old_offered = _count_failed_and_offered(
        earlier_counts.items_by_count, component, signal, metric_words.failure_names, metric_words.success_name
    )
    new_percent, old_percent = _to_percent(failed, offered), _to_percent(old_failed, old_offered)
    if failed >= FEWEST_ITEMS and new_percent - old_percent >= EXCESS_POINTS:
        return [
            f"{component}: {failed} of {offered} {signal} {metric_words.failed_words} ({new_percent:.0f} %), before"
            f" {old_percent:.0f} %"
        ]
    due_items = _estimate_due(earlier_counts, seconds, old_offered - old_failed)
    if not offered and due_items >= FEWEST_DUE:
        return [
            f"{component}: no {signal} {metric_words.passed_words}, and about {due_items:.0f} were due by the rate"
            " before"
        ]
    return []


def _judge_queues(earlier_counts: EarlierCounts, new_counts: Mapping[Count, int]) -> list[str]:
    lines = []
    for count in sorted(candidate for candidate in new_counts if candidate.name == "exporter_queue_size"):
        capacity = new_counts.get(Count("exporter_queue_capacity", count.component_id), 0)
        new_percent, old_percent = (
            _to_percent(new_counts[count], capacity),
            _to_percent(earlier_counts.items_by_count.get(count, 0), capacity),
        )
        if new_percent >= _QUEUE_PERCENT and new_percent - old_percent >= _QUEUE_PERCENT:
            lines.append(
                f"{count.component_id}: its queue grew from {old_percent:.0f} to {new_percent:.0f} % of its capacity"
            )
    return lines
