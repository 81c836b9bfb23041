# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read in logs and metrics of a collector whether a probe arrived. Private."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from .._otelcol.config.masking import quoted
from .._otelcol.config.paths import amount

# How a place is called where the collector's own metrics show the arrival.
COUNTED = "the metrics of "
LINES, LINE_LENGTH = 25, 300
# Items by counter and kind.
Counts = Counter[tuple[str, str]]


def listening(pods: list[dict[str, Any]], port: int) -> list[dict[str, Any]]:
    """Return the pods that say that they listen on a port, or all when none does.

    A collector's labels are on the pods of its target allocator too, when an operator makes both.
    """
    saying = [
        pod
        for pod in pods
        for container in pod.get("spec", {}).get("containers") or []
        if any(item.get("containerPort") == port for item in container.get("ports") or [])
    ]
    return saying or pods


def containers(spec: dict[str, Any]) -> list[str]:
    """Return the running containers; a sidecar that starts first is an init container that restarts."""
    first = [item for item in spec.get("initContainers") or [] if item.get("restartPolicy") == "Always"]
    return [item["name"] for item in [*first, *spec["containers"]]]


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
    for block in _blocks(text.splitlines()):
        if SIGNALS[signal].heading in block[0] and any(probe_id in line for line in block):
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
        return str(json.loads(line).get("msg", "")).splitlines()
    except ValueError:
        return [line]


def arrived(signals: Mapping[str, Mapping[str, Any]]) -> str:
    """Return in words where each signal was seen."""
    seen: dict[str, list[str]] = {}
    for signal, state in signals.items():
        seen.setdefault(state["seen"], []).append(signal)
    return "; ".join(f"{', '.join(found)} arrived{_shown(where, len(found) > 1)}" for where, found in seen.items())


def _shown(where: str, many: bool) -> str:
    """Return how the arrival shows: in a log, in a backend, or by what a pod counts that it has sent."""
    pod = where.removeprefix(COUNTED)
    return f", seen in {where}" if pod == where else f": {pod} sent {'them' if many else 'it'} on to its exporter"


def counters(text: str) -> Counts:
    """Return the collector's own counts of items, summed over its components."""
    counts: Counts = Counter()
    for match in _COUNTER.finditer(text):
        counts[match["name"], match["item"]] += int(amount(match["value"]))
    return counts


def growth(before: Counts, after: Counts, signal: str) -> tuple[bool, list[str], list[str]]:
    """Return whether a signal came in and went out since, the counts that show it, and the counts of failures."""
    item = SIGNALS[signal].item
    grown: dict[str, str] = {}
    for name, kind in sorted(after):
        more = after[name, kind] - before[name, kind]
        if kind == item and more > 0:
            grown[name] = f"otelcol_{name}_{item} +{more}"
    shown = [grown[name] for name in NEEDED if name in grown]
    trouble = [text for name, text in grown.items() if name not in NEEDED]
    return len(shown) == len(NEEDED), shown, trouble


def counted_by(namespace: str, before: Mapping[str, Counts], after: Mapping[str, Counts], signal: str) -> str:
    """Return in words the pods of a namespace that counted a signal since."""
    pods = [name for name, counts in after.items() if growth(before.get(name, Counter()), counts, signal)[1]]
    return f"the metrics of pod {', '.join(f'{namespace}/{name}' for name in pods)}"
