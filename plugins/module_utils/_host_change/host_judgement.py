# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judge whether a collector on a host does worse after a change than before, by its own metrics. Private.

`live/host_watch.py` reads the counts before and after the change (host_metrics.py), and undoes the change if
`list_regressions` says the same of a component in two readings. Runs on the host: Python 3.8, standard library. For
clusters, the canary of _change judges pods in the same way, with the limits of judgement_thresholds.py too.

A component is worse if a larger share of its items fails (at least 5 items and 10 percentage points more), or if no
item comes any more while at least 20 were due by the rate before. An item is a span, a data point, a log record or
a profile sample. For example, if exporter otlp sent all spans before, and fails to send 30 of 40 now, the line is

    exporters/otlp: 30 of 40 traces failed (75 %), before 0 %
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from .host_metrics import QUEUE_CAPACITY, QUEUE_SIZE, HostCountKey
from .judgement_thresholds import EXCESS_POINTS, FEWEST_DUE, FEWEST_ITEMS

# A word of a config in YAML that may name a component, such as `otlp/backend`. Hosts have no library for YAML, so the
# config is searched as text. A word that names something else only means that a component is judged which is gone.
_WORD = re.compile(r"[\w./-]+")
# A queue is worse if it is so full, in percent of its capacity, and by so many percentage points fuller than before.
_QUEUE_PERCENT = 10


def list_busy_components(value_by_count: Mapping[HostCountKey, int]) -> list[str]:
    """Return the components that have counted items."""
    return sorted({count.component_id for count, items in value_by_count.items() if count.signal and items})


class EarlierCounts(NamedTuple):
    """What the collector counted before the change, and in how many seconds.

    Without counts from before, both are empty: then nothing was due, and no share was there before.
    """

    items_by_count: Mapping[HostCountKey, int]
    seconds: float


class Regression(NamedTuple):
    """A component that does worse than before."""

    component_id: str
    """Such as `exporters/otlp`."""
    line: str
    """The component and what is worse, for people."""


class _MetricWords(NamedTuple):
    """The counters of receivers or of exporters, and the words about their items in messages."""

    failure_names: tuple[str, ...]
    """The counters of items that failed, such as `receiver_refused`."""
    success_name: str
    """The counter of items that passed, such as `receiver_accepted`."""
    failed_words: str
    """Such as `were refused`, as in `7 of 10 traces were refused`."""
    passed_words: str
    """Such as `came in`, as in `no traces came in`."""


_RECEIVER = _MetricWords(
    failure_names=("receiver_refused", "receiver_failed"),
    success_name="receiver_accepted",
    failed_words="were refused",
    passed_words="came in",
)
_EXPORTER = _MetricWords(
    failure_names=("exporter_send_failed", "exporter_enqueue_failed"),
    success_name="exporter_sent",
    failed_words="failed",
    passed_words="was sent",
)


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
    earlier_counts: EarlierCounts, new_counts: Mapping[HostCountKey, int], seconds: float, config: str
) -> list[Regression]:
    """Return the components that are worse than before, after so many seconds of the new release.

    `new_counts` are the counts of these seconds, `config` is the new config as YAML text. A Collector serves a counter
    only after its first count. So a component that counted before and has no count now is judged too, if the config
    still has its name as a word. Earlier counts of components that the config no longer names are left out.
    """
    config_words = set(_WORD.findall(config))
    counts_of_config: dict[HostCountKey, int] = {}
    for count, items in earlier_counts.items_by_count.items():
        component_name = count.component_id.partition("/")[2]
        if component_name in config_words:
            counts_of_config[count] = items
    comparable_counts = EarlierCounts(counts_of_config, earlier_counts.seconds)
    regressions: list[Regression] = []
    for component, signal in _list_components_and_signals((*counts_of_config, *new_counts)):
        worse_text = _judge_component(component, signal, comparable_counts, new_counts, seconds)
        if worse_text:
            regressions.append(Regression(component, f"{component}: {worse_text}"))
    return regressions + _judge_queues(comparable_counts, new_counts)


def _list_components_and_signals(counts: Iterable[HostCountKey]) -> list[tuple[str, str]]:
    """Return what is judged by itself: each component with each of its signals."""
    return sorted({(count.component_id, count.signal) for count in counts if count.signal})


def _judge_component(
    component: str, signal: str, earlier_counts: EarlierCounts, new_counts: Mapping[HostCountKey, int], seconds: float
) -> str:
    """Return why a component is worse: a larger share of its items fails, or no item comes any more. Empty if not."""
    words = _RECEIVER if component.startswith("receivers/") else _EXPORTER
    new_totals = _sum_items(words, component, signal, new_counts)
    old_totals = _sum_items(words, component, signal, earlier_counts.items_by_count)
    new_percent, old_percent = new_totals.failed_percent, old_totals.failed_percent
    if new_totals.failed >= FEWEST_ITEMS and new_percent - old_percent >= EXCESS_POINTS:
        return (
            f"{new_totals.failed} of {new_totals.offered} {signal} {words.failed_words} ({new_percent:.0f} %), before"
            f" {old_percent:.0f} %"
        )
    due_items = _estimate_due_items(old_totals.passed, earlier_counts.seconds, seconds)
    if not new_totals.offered and due_items >= FEWEST_DUE:
        return f"no {signal} {words.passed_words}, and about {due_items:.0f} were due by the rate before"
    return ""


def _sum_items(
    words: _MetricWords, component: str, signal: str, items_by_count: Mapping[HostCountKey, int]
) -> _ItemTotals:
    failed = sum(items_by_count.get(HostCountKey(name, component, signal), 0) for name in words.failure_names)
    return _ItemTotals(failed, items_by_count.get(HostCountKey(words.success_name, component, signal), 0))


def _estimate_due_items(earlier_items: int, earlier_seconds: float, seconds: float) -> float:
    """Return how many items would pass in some seconds, at the rate before; 0 if that rate is not known."""
    return earlier_items / earlier_seconds * seconds if earlier_seconds else 0.0


def _to_percent(part: int, whole: int) -> float:
    return 100.0 * part / whole if whole else 0.0


def _judge_queues(earlier_counts: EarlierCounts, new_counts: Mapping[HostCountKey, int]) -> list[Regression]:
    """Return the exporters whose queues have grown."""
    regressions: list[Regression] = []
    for count, queue_size in sorted(new_counts.items()):
        if count.name != QUEUE_SIZE:
            continue
        capacity = new_counts.get(HostCountKey(QUEUE_CAPACITY, count.component_id), 0)
        new_percent = _to_percent(queue_size, capacity)
        old_percent = _to_percent(earlier_counts.items_by_count.get(count, 0), capacity)
        if new_percent >= _QUEUE_PERCENT and new_percent - old_percent >= _QUEUE_PERCENT:
            line = f"{count.component_id}: its queue grew from {old_percent:.0f} to {new_percent:.0f} % of its capacity"
            regressions.append(Regression(count.component_id, line))
    return regressions
