# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read in logs and metrics of a collector whether a probe arrived. Private."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from .._otelcol.bounded.json_text import parse_json
from .._otelcol.config.masking import mask_and_clean
from .._otelcol.config.paths import list_at, parse_amount

# How a place is called where the collector's own metrics show the arrival.
METRICS_OF = "the metrics of "
MOST_EXCERPT_LINES, LONGEST_EXCERPT_LINE = 25, 300
# Items by counter and kind.
Counts = Counter[tuple[str, str]]


def select_listening_pods(pods: list[dict[str, Any]], port: int) -> list[dict[str, Any]]:
    """Return the pods that say that they listen on a port, or all when none does.

    A collector's labels are on the pods of its target allocator too, when an operator makes both.
    """
    listening_pods = []
    for pod in pods:
        for container in pod.get("spec", {}).get("containers") or []:
            container_ports = list_at(container, "ports")
            if any(container_port.get("containerPort") == port for container_port in container_ports):
                listening_pods.append(pod)
    return listening_pods or pods


def list_running_containers(spec: dict[str, Any]) -> list[str]:
    """Return the running containers; a sidecar that starts first is an init container that restarts."""
    init_containers = list_at(spec, "initContainers")
    sidecars = [container for container in init_containers if container.get("restartPolicy") == "Always"]
    return [container["name"] for container in [*sidecars, *spec["containers"]]]


class SignalTraits(NamedTuple):
    """One signal: how the debug exporter opens its records, and how the collector counts its items."""

    heading: str
    item_name: str


SIGNALS = {
    "traces": SignalTraits("ResourceSpans #", "spans"),
    "metrics": SignalTraits("ResourceMetrics #", "metric_points"),
    "logs": SignalTraits("ResourceLog #", "log_records"),
}
_RECORD_HEADING = re.compile("|".join(signal.heading for signal in SIGNALS.values()))
# Where the exporter's text is over: the fields of its own entry, or the next one.
_LOG_ENTRY = re.compile(r"\t?\{|\d{4}-\d\d-\d\dT")

# Versions differ in what follows the name: a unit between underscores, `_total`, or nothing.
_ITEM_COUNTER = re.compile(
    r"^otelcol_(?P<name>receiver_(?:accepted|refused|failed)|exporter_(?:sent|send_failed|enqueue_failed)|processor_(?:memory_limiter_)?refused)"
    r"_(?P<item>spans|metric_points|log_records)(?:__\w+?_)?(?:_total)?(?:\{.*\})? (?P<value>[0-9.eE+-]+)",
    re.MULTILINE,
)
NEEDED_COUNTERS = ("receiver_accepted", "exporter_sent")


def find_probe_lines(text: str, signal: str, probe_id: str) -> list[str]:
    """Return the lines of the probe's record in a collector's log, or nothing."""
    heading = SIGNALS[signal].heading
    for block in _split_into_records(text.splitlines()):
        is_of_probe = any(probe_id in line for line in block)
        if heading in block[0] and is_of_probe:
            return [mask_and_clean(line.rstrip(), LONGEST_EXCERPT_LINE) for line in block[:MOST_EXCERPT_LINES]]
    return []


def _split_into_records(lines: Iterable[str]) -> Iterable[list[str]]:
    """Yield what the debug exporter printed, resource by resource; with logs as JSON an entry is one line."""
    block: list[str] = []
    for line in lines:
        for entry_line in _read_entry_lines(line):
            heading = _RECORD_HEADING.search(entry_line)
            if block and (heading or _LOG_ENTRY.match(entry_line)):
                yield block
                block = []
            if heading or block:
                block.append(entry_line[heading.start() :] if heading else entry_line)
    if block:
        yield block


def _read_entry_lines(log_line: str) -> list[str]:
    """Return the lines of an entry that was logged as JSON, or the line as it is."""
    if not log_line.startswith("{"):
        return [log_line]
    try:
        return str(parse_json(log_line).get("msg", "")).splitlines()
    except ValueError:
        return [log_line]


def describe_arrivals(signals: Mapping[str, Mapping[str, Any]]) -> str:
    """Return in words where each signal was seen."""
    signals_by_place: dict[str, list[str]] = {}
    for signal, arrival in signals.items():
        signals_by_place.setdefault(arrival["seen"], []).append(signal)
    sentences = []
    for place, seen_signals in signals_by_place.items():
        sentences.append(f"{', '.join(seen_signals)} arrived{_describe_place(place, len(seen_signals) > 1)}")
    return "; ".join(sentences)


def _describe_place(place: str, are_several: bool) -> str:
    """Return how the arrival shows: in a log, in a backend, or by what a pod counts that it has sent."""
    if not place.startswith(METRICS_OF):
        return f", seen in {place}"
    pod = place.removeprefix(METRICS_OF)
    return f": {pod} sent {'them' if are_several else 'it'} on to its exporter"


class CounterGrowth(NamedTuple):
    """Whether a signal came in and went out, the counts that show it, and the counts of failures."""

    has_passed: bool
    growth_lines: list[str]
    failure_lines: list[str]


def read_item_counters(text: str) -> Counts:
    """Return the collector's own counts of items, summed over its components."""
    counts: Counts = Counter()
    for match in _ITEM_COUNTER.finditer(text):
        counts[match["name"], match["item"]] += int(parse_amount(match["value"]))
    return counts


def compare_counters(counts_before: Counts, counts_after: Counts, signal: str) -> CounterGrowth:
    """Return how the counts of a signal grew between two readings."""
    signal_item = SIGNALS[signal].item_name
    grown_counters: dict[str, str] = {}
    for name, counted_item in sorted(counts_after):
        increase = counts_after[name, counted_item] - counts_before[name, counted_item]
        if counted_item == signal_item and increase > 0:
            grown_counters[name] = f"otelcol_{name}_{counted_item} +{increase}"
    lines = [grown_counters[name] for name in NEEDED_COUNTERS if name in grown_counters]
    trouble = [counter_text for name, counter_text in grown_counters.items() if name not in NEEDED_COUNTERS]
    return CounterGrowth(len(lines) == len(NEEDED_COUNTERS), lines, trouble)


def describe_counting_pods(
    namespace: str, counts_before: Mapping[str, Counts], counts_after: Mapping[str, Counts], signal: str
) -> str:
    """Return in words the pods of a namespace that counted a signal since."""
    pod_names = []
    for pod_name, counts in counts_after.items():
        if compare_counters(counts_before.get(pod_name, Counter()), counts, signal).growth_lines:
            pod_names.append(f"{namespace}/{pod_name}")
    return f"{METRICS_OF}pod {', '.join(pod_names)}"
