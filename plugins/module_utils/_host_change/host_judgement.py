# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a collector on a host is judged after a change: by its own metrics, as a canary is.

A queue is worse if it is ten percent full and has grown by as much. Private.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from .judgement_thresholds import EXCESS_POINTS, FEWEST_DUE, FEWEST_ITEMS

# Source: documentation.md of receiverhelper and exporterhelper.
_ITEMS = {"spans": "traces", "metric_points": "metrics", "log_records": "logs", "profile_samples": "profiles"}
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
    component: str
    signal: str = ""


def counts(text: str) -> Counter[Count]:
    """Return what the metrics of a collector count, by component and signal."""
    found: Counter[Count] = Counter()
    for name, labels, value in _SAMPLE.findall(text):
        owner = _OWNER.search(labels)
        counter, item = _counted_item(name)
        if owner and item:
            found[Count(counter, f"{owner[1]}s/{owner[2]}", _ITEMS[item])] += int(float(value))
        elif owner and name in ("exporter_queue_size", "exporter_queue_capacity"):
            found[Count(name, f"{owner[1]}s/{owner[2]}")] += int(float(value))
    return found


def _counted_item(name: str) -> tuple[str, str]:
    """Return the counter of a metric's name and the items that it counts; no items if it counts none."""
    plain = name.partition(_UNIT)[0]
    if plain.endswith(_TOTAL):
        plain = plain[: -len(_TOTAL)]
    for item in _ITEMS:
        if plain.endswith("_" + item):
            return plain[: -len("_" + item)], item
    return plain, ""


def seconds_up(text: str) -> float:
    """Return for how many seconds the process has counted; 0 if it does not say so."""
    match = _UPTIME.search(text)
    return float(match[1]) if match else 0.0


def busy_components(counted: Mapping[Count, int]) -> list[str]:
    """Return the components that have counted items."""
    return sorted({count.component for count, items in counted.items() if count.signal and items})


class Before(NamedTuple):
    """What the collector counted before the change, and in how many seconds."""

    counted: Mapping[Count, int]
    seconds: float


def verdicts(before: Before, after: Mapping[Count, int], seconds: float, config: str) -> list[str]:
    """Return in words what is worse than before, after so many seconds of the new release.

    A counter without a count is not served. So a component that counted before is judged if the config names it still.
    """
    named = _named(config)
    still = {one: value for one, value in before.counted.items() if one.component.partition("/")[2] in named}
    before = Before(still, before.seconds)
    lines = []
    for component, signal in sorted({(one.component, one.signal) for one in (*before.counted, *after) if one.signal}):
        words = _RECEIVER if component.startswith("receivers/") else _EXPORTER
        lines += _judged(words, before, after, seconds, (component, signal))
    return lines + _queues(before, after)


def _named(config: str) -> set[str]:
    """Return the words of a config, among which are the names of its components."""
    return set(_WORD.findall(config))


def _share(
    counted: Mapping[Count, int], component: str, signal: str, bad: tuple[str, ...], good: str
) -> tuple[int, int]:
    failed = sum(counted.get(Count(name, component, signal), 0) for name in bad)
    return failed, failed + counted.get(Count(good, component, signal), 0)


def _percent(part: int, whole: int) -> float:
    return 100.0 * part / whole if whole else 0.0


def _due(before: Before, seconds: float, whole: int) -> float:
    return whole / before.seconds * seconds if before.seconds else 0.0


class _Words(NamedTuple):
    bad: tuple[str, ...]
    good: str
    failing: str
    silent: str


_RECEIVER = _Words(("receiver_refused", "receiver_failed"), "receiver_accepted", "were refused", "came in")
_EXPORTER = _Words(("exporter_send_failed", "exporter_enqueue_failed"), "exporter_sent", "failed", "was sent")


def _judged(
    words: _Words, before: Before, after: Mapping[Count, int], seconds: float, about: tuple[str, str]
) -> list[str]:
    component, signal = about
    failed, offered = _share(after, component, signal, words.bad, words.good)
    old_failed, old_offered = _share(before.counted, component, signal, words.bad, words.good)
    now, earlier = _percent(failed, offered), _percent(old_failed, old_offered)
    if failed >= FEWEST_ITEMS and now - earlier >= EXCESS_POINTS:
        return [f"{component}: {failed} of {offered} {signal} {words.failing} ({now:.0f} %), before {earlier:.0f} %"]
    due = _due(before, seconds, old_offered - old_failed)
    if not offered and due >= FEWEST_DUE:
        return [f"{component}: no {signal} {words.silent}, and about {due:.0f} were due by the rate before"]
    return []


def _queues(before: Before, after: Mapping[Count, int]) -> list[str]:
    lines = []
    for count in sorted(one for one in after if one.name == "exporter_queue_size"):
        capacity = after.get(Count("exporter_queue_capacity", count.component), 0)
        now, earlier = _percent(after[count], capacity), _percent(before.counted.get(count, 0), capacity)
        if now >= _QUEUE_PERCENT and now - earlier >= _QUEUE_PERCENT:
            lines.append(f"{count.component}: its queue grew from {earlier:.0f} to {now:.0f} % of its capacity")
    return lines
