# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Did a record pass a collector? The counters of items in its own metrics, before the record and after. Private.

An item is a span, a data point or a log record. `live/arrival_evidence.py` reads the metrics of pods twice, and
compares here what they count for a signal (traces, metrics or logs). For example, the metrics of a pod that took and
sent a span:

    before: otelcol_receiver_accepted_spans 7      after: otelcol_receiver_accepted_spans 8
            otelcol_exporter_sent_spans 7                 otelcol_exporter_sent_spans 8
    → CounterGrowth(True, ["otelcol_receiver_accepted_spans +1", "otelcol_exporter_sent_spans +1"], [])
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from .._otelcol.config.paths import parse_amount
from .evidence import METRICS_OF
from .metrics import SIGNALS_OF_ITEMS

# A sample of a counter of items, such as `otelcol_exporter_sent_spans__spans__total{exporter="otlp"} 7`. By its
# version, the Collector appends a unit, as in `__spans__`, `_total` or nothing.
_ITEM_COUNTER = re.compile(
    r"^otelcol_(?P<name>receiver_(?:accepted|refused|failed)|exporter_(?:sent|send_failed|enqueue_failed)|processor_(?:memory_limiter_)?refused)"
    r"_(?P<item>spans|metric_points|log_records)(?:__\w+?_)?(?:_total)?(?:\{.*\})? (?P<value>[0-9.eE+-]+)",
    re.MULTILINE,
)
# The counters that must grow if a record went through; all others count failures.
NEEDED_COUNTERS = ("receiver_accepted", "exporter_sent")


class ItemCounter(NamedTuple):
    """A counter of the collector: `("exporter_sent", "spans")` for `otelcol_exporter_sent_spans`."""

    name: str
    item_name: str
    """A key of SIGNALS_OF_ITEMS in metrics.py, such as `spans`."""


# The counts of a pod or of several, summed over components.
Counts = Counter[ItemCounter]


class CounterGrowth(NamedTuple):
    """How the counts of one signal grew. A line is such as `otelcol_exporter_sent_spans +1`."""

    has_passed: bool
    """Whether items came in and went out."""
    growth_lines: list[str]
    """The counters that show that items came in or went out."""
    failure_lines: list[str]
    """The counters of failures."""


def read_item_counters(text: str) -> Counts:
    """Return the counts of items in the metrics that a pod serves about itself."""
    counts: Counts = Counter()
    for match in _ITEM_COUNTER.finditer(text):
        counts[ItemCounter(match["name"], match["item"])] += int(parse_amount(match["value"]))
    return counts


def compare_counters(counts_before: Counts, counts_after: Counts, signal: str) -> CounterGrowth:
    """Return how the counts of a signal grew between two readings of one pod or of several."""
    growth_by_name: dict[str, str] = {}
    for counter in sorted(counts_after):
        increase = counts_after[counter] - counts_before[counter]
        if SIGNALS_OF_ITEMS[counter.item_name] == signal and increase > 0:
            # A signal has one sort of items, so a name comes once.
            growth_by_name[counter.name] = f"otelcol_{counter.name}_{counter.item_name} +{increase}"
    growth_lines = [growth_by_name[name] for name in NEEDED_COUNTERS if name in growth_by_name]
    failure_lines = [line for name, line in growth_by_name.items() if name not in NEEDED_COUNTERS]
    return CounterGrowth(len(growth_lines) == len(NEEDED_COUNTERS), growth_lines, failure_lines)


def describe_counting_pods(
    namespace: str, counts_before: Mapping[str, Counts], counts_after: Mapping[str, Counts], signal: str
) -> str:
    """Return the place where a signal was seen: the pods that counted it between two readings, by name."""
    pod_names = []
    for pod_name, counts in counts_after.items():
        if compare_counters(counts_before.get(pod_name, Counter()), counts, signal).growth_lines:
            pod_names.append(f"{namespace}/{pod_name}")
    return f"{METRICS_OF}pod {', '.join(pod_names)}"
