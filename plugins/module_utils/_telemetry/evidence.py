# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find a probe in the logs or the metrics of a collector. Private.

A probe is one record of a signal that module otlp_probe sends. `live/arrival_evidence.py` reads the logs and metrics of
pods: exporter debug prints the record with its id, and the collector's own metrics count the items.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from .._otelcol.bounded.json_text import parse_json
from .._otelcol.config.masking import mask_and_clean
from .._otelcol.config.paths import list_at, parse_amount

# A place is where a probe was seen, in words, such as `the log of pod a/b`. Its name begins with this if metrics of the
# collector itself show the arrival there.
METRICS_OF = "the metrics of "
# How much of a record is shown: so many lines, of so many characters.
MOST_EXCERPT_LINES, LONGEST_EXCERPT_LINE = 25, 300


class ItemCounter(NamedTuple):
    """A counter of the collector: `("exporter_sent", "spans")` for `otelcol_exporter_sent_spans`."""

    name: str
    item_name: str


# The counts of a pod or of several, summed over components.
Counts = Counter[ItemCounter]


def select_listening_pods(pods: list[dict[str, Any]], port: int) -> list[dict[str, Any]]:
    """Return the pods that declare a port, or all pods if none does.

    Pods of a target allocator declare another port. The operator gives them the labels of their collector.
    """
    listening_pods = []
    for pod in pods:
        for container in pod.get("spec", {}).get("containers") or []:
            container_ports = list_at(container, "ports")
            if any(container_port.get("containerPort") == port for container_port in container_ports):
                listening_pods.append(pod)
    return listening_pods or pods


def list_running_containers(pod_spec: dict[str, Any]) -> list[str]:
    """Return the names of the containers that run all the time. An init container that restarts is a sidecar."""
    init_containers = list_at(pod_spec, "initContainers")
    sidecars = [container for container in init_containers if container.get("restartPolicy") == "Always"]
    return [container["name"] for container in [*sidecars, *pod_spec["containers"]]]


class SignalTraits(NamedTuple):
    """The words for a signal in logs and metrics."""

    heading: str
    """The first line of a record as the debug exporter prints it."""
    item_name: str
    """The end of the names of its counters."""


SIGNALS = {
    "traces": SignalTraits("ResourceSpans #", "spans"),
    "metrics": SignalTraits("ResourceMetrics #", "metric_points"),
    "logs": SignalTraits("ResourceLog #", "log_records"),
}
_RECORD_HEADING = re.compile("|".join(signal.heading for signal in SIGNALS.values()))
# A line that ends the text of the debug exporter: the fields of its own entry, or the next entry of the log.
_LOG_ENTRY = re.compile(r"\t?\{|\d{4}-\d\d-\d\dT")

# A sample of a counter of items. By its version, the Collector appends a unit, as in `__spans__`, `_total` or nothing.
_ITEM_COUNTER = re.compile(
    r"^otelcol_(?P<name>receiver_(?:accepted|refused|failed)|exporter_(?:sent|send_failed|enqueue_failed)|processor_(?:memory_limiter_)?refused)"
    r"_(?P<item>spans|metric_points|log_records)(?:__\w+?_)?(?:_total)?(?:\{.*\})? (?P<value>[0-9.eE+-]+)",
    re.MULTILINE,
)
# The counters that must grow if a record went through; all others count failures.
NEEDED_COUNTERS = ("receiver_accepted", "exporter_sent")


def find_probe_lines(text: str, signal: str, probe_id: str) -> list[str]:
    """Return the lines of the probe's record in a collector's log; empty if the log does not have it."""
    heading = SIGNALS[signal].heading
    for block in _split_into_records(text.splitlines()):
        is_of_probe = any(probe_id in line for line in block)
        if heading in block[0] and is_of_probe:
            return [mask_and_clean(line.rstrip(), LONGEST_EXCERPT_LINE) for line in block[:MOST_EXCERPT_LINES]]
    return []


def _split_into_records(lines: Iterable[str]) -> Iterable[list[str]]:
    """Yield the lines of each record that the debug exporter printed, one record for each resource."""
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
    """Return the lines of text in a line of the log: several if the Collector logs as JSON, otherwise the line."""
    if not log_line.startswith("{"):
        return [log_line]
    try:
        return str(parse_json(log_line).get("msg", "")).splitlines()
    except ValueError:
        return [log_line]


def describe_arrivals(place_by_signal: Mapping[str, str]) -> str:
    """Return in words where each signal was seen, such as `traces, logs arrived, seen in the log of pod a/b`."""
    signals_by_place: dict[str, list[str]] = {}
    for signal, place in place_by_signal.items():
        signals_by_place.setdefault(place, []).append(signal)
    sentences = []
    for place, signals in signals_by_place.items():
        if place.startswith(METRICS_OF):
            pod = place.removeprefix(METRICS_OF)
            pronoun = "them" if len(signals) > 1 else "it"
            sentences.append(f"{', '.join(signals)} arrived: {pod} sent {pronoun} on to its exporter")
        else:
            sentences.append(f"{', '.join(signals)} arrived, seen in {place}")
    return "; ".join(sentences)


class CounterGrowth(NamedTuple):
    """How the counts of one signal grew. A line is such as `otelcol_exporter_sent_spans +1`."""

    has_passed: bool
    """Whether items came in and went out."""
    growth_lines: list[str]
    """The counters that show that items came in or went out."""
    failure_lines: list[str]
    """The counters of failures."""


def read_item_counters(text: str) -> Counts:
    """Return the counts of items in the own metrics of a pod."""
    counts: Counts = Counter()
    for match in _ITEM_COUNTER.finditer(text):
        counts[ItemCounter(match["name"], match["item"])] += int(parse_amount(match["value"]))
    return counts


def compare_counters(counts_before: Counts, counts_after: Counts, signal: str) -> CounterGrowth:
    """Return how the counts of a signal grew between two readings of one pod or of several."""
    growth_by_name: dict[str, str] = {}
    for counter in sorted(counts_after):
        increase = counts_after[counter] - counts_before[counter]
        if counter.item_name == SIGNALS[signal].item_name and increase > 0:
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
