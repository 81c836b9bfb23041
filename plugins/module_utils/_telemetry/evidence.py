# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read in logs and metrics of a collector whether a probe arrived. Private."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from .._otelcol.bounded.json_text import json_value
from .._otelcol.config.masking import quoted
from .._otelcol.config.paths import amount, items

# How a place is called where the collector's own metrics show the arrival.
COUNTED = "the metrics of "
LINES, LINE_LENGTH = 25, 300
# Items by counter and kind.
Counts = Counter[tuple[str, str]]


def listening(pods: list[dict[str, Any]], port: int) -> list[dict[str, Any]]:
    """Return the pods that say that they listen on a port, or all when none does.

    A collector's labels are on the pods of its target allocator too, when an operator makes both.
    """
    declaring = []
    for pod in pods:
        for container in pod.get("spec", {}).get("containers") or []:
            ports = items(container, "ports")
            if any(declared.get("containerPort") == port for declared in ports):
                declaring.append(pod)
    return declaring or pods


def containers(spec: dict[str, Any]) -> list[str]:
    """Return the running containers; a sidecar that starts first is an init container that restarts."""
    init_containers = items(spec, "initContainers")
    sidecars = [container for container in init_containers if container.get("restartPolicy") == "Always"]
    return [container["name"] for container in [*sidecars, *spec["containers"]]]


class Signal(NamedTuple):
    """One signal: how the debug exporter opens its records, and how the collector counts its items."""

    heading: str
    item: str


SIGNALS = {
    "traces": Signal("ResourceSpans #", "spans"),
    "metrics": Signal("ResourceMetrics #", "metric_points"),
    "logs": Signal("ResourceLog #", "log_records"),
}
_HEADING = re.compile("|".join(signal.heading for signal in SIGNALS.values()))
# Where the exporter's text is over: the fields of its own entry, or the next one.
_ENTRY = re.compile(r"\t?\{|\d{4}-\d\d-\d\dT")

# Versions differ in what follows the name: a unit between underscores, `_total`, or nothing.
_COUNTER = re.compile(
    r"^otelcol_(?P<name>receiver_(?:accepted|refused|failed)|exporter_(?:sent|send_failed|enqueue_failed)|processor_(?:memory_limiter_)?refused)"
    r"_(?P<item>spans|metric_points|log_records)(?:__\w+?_)?(?:_total)?(?:\{.*\})? (?P<value>[0-9.eE+-]+)",
    re.MULTILINE,
)
NEEDED = ("receiver_accepted", "exporter_sent")


def excerpt(text: str, signal: str, probe_id: str) -> list[str]:
    """Return the lines of the probe's record in a collector's log, or nothing."""
    heading = SIGNALS[signal].heading
    for block in _blocks(text.splitlines()):
        is_of_probe = any(probe_id in line for line in block)
        if heading in block[0] and is_of_probe:
            return [quoted(line.rstrip(), LINE_LENGTH) for line in block[:LINES]]
    return []


def _blocks(lines: Iterable[str]) -> Iterable[list[str]]:
    """Yield what the debug exporter printed, resource by resource; with logs as JSON an entry is one line."""
    block: list[str] = []
    for line in lines:
        for part in _message(line):
            heading = _HEADING.search(part)
            if block and (heading or _ENTRY.match(part)):
                yield block
                block = []
            if heading or block:
                block.append(part[heading.start() :] if heading else part)
    if block:
        yield block


def _message(line: str) -> list[str]:
    """Return the lines of an entry that was logged as JSON, or the line as it is."""
    if not line.startswith("{"):
        return [line]
    try:
        return str(json_value(line).get("msg", "")).splitlines()
    except ValueError:
        return [line]


def arrived(signals: Mapping[str, Mapping[str, Any]]) -> str:
    """Return in words where each signal was seen."""
    signals_by_place: dict[str, list[str]] = {}
    for signal, state in signals.items():
        signals_by_place.setdefault(state["seen"], []).append(signal)
    texts = []
    for place, seen_signals in signals_by_place.items():
        texts.append(f"{', '.join(seen_signals)} arrived{_shown(place, len(seen_signals) > 1)}")
    return "; ".join(texts)


def _shown(place: str, many: bool) -> str:
    """Return how the arrival shows: in a log, in a backend, or by what a pod counts that it has sent."""
    if not place.startswith(COUNTED):
        return f", seen in {place}"
    pod = place.removeprefix(COUNTED)
    return f": {pod} sent {'them' if many else 'it'} on to its exporter"


class Growth(NamedTuple):
    """Whether a signal came in and went out, the counts that show it, and the counts of failures."""

    has_passed: bool
    lines: list[str]
    trouble: list[str]


def counters(text: str) -> Counts:
    """Return the collector's own counts of items, summed over its components."""
    counts: Counts = Counter()
    for match in _COUNTER.finditer(text):
        counts[match["name"], match["item"]] += int(amount(match["value"]))
    return counts


def growth(before: Counts, after: Counts, signal: str) -> Growth:
    """Return how the counts of a signal grew between two readings."""
    signal_item = SIGNALS[signal].item
    grown: dict[str, str] = {}
    for name, item in sorted(after):
        more = after[name, item] - before[name, item]
        if item == signal_item and more > 0:
            grown[name] = f"otelcol_{name}_{item} +{more}"
    lines = [grown[name] for name in NEEDED if name in grown]
    trouble = [text for name, text in grown.items() if name not in NEEDED]
    return Growth(len(lines) == len(NEEDED), lines, trouble)


def counted_by(namespace: str, before: Mapping[str, Counts], after: Mapping[str, Counts], signal: str) -> str:
    """Return in words the pods of a namespace that counted a signal since."""
    pods = []
    for name, counts in after.items():
        if growth(before.get(name, Counter()), counts, signal).lines:
            pods.append(f"{namespace}/{name}")
    return f"{COUNTED}pod {', '.join(pods)}"
