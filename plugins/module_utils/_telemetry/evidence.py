# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lines of a probe in a collector's log, and the words for where a probe arrived. Private.

A probe is one record of a signal (traces, metrics or logs) that module otlp_probe sends, with an id. The exporter debug
prints each record that reaches it. `live/arrival_evidence.py` reads the logs of pods and looks here for the record:

    ResourceSpans #0
    Resource attributes:
         -> o11y.probe.id: Str(65f0a1b2c3d4e5f6)

The result then says `traces arrived, seen in the log of pod obs/gateway-x7k2p, container otc-container`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from .._otelcol.bounded.json_text import parse_json
from .._otelcol.config.masking import mask_and_clean

# A place is where a probe was seen, in words, such as `the log of pod a/b`. Its name begins with this if metrics of the
# collector itself show the arrival there.
METRICS_OF = "the metrics of "
# How many lines of a record are shown, and how many characters of a line.
MOST_EXCERPT_LINES = 25
LONGEST_EXCERPT_LINE = 300
# The first line of a record as the debug exporter prints it, up to its number, by signal.
_HEADINGS = {
    "traces": "ResourceSpans #",
    "metrics": "ResourceMetrics #",
    "logs": "ResourceLog #",
}
_RECORD_HEADING = re.compile("|".join(_HEADINGS.values()))
# A line that ends the text of the debug exporter: the fields of its own entry, or the next entry of the log.
_LOG_ENTRY = re.compile(r"\t?\{|\d{4}-\d\d-\d\dT")


def find_probe_lines(text: str, signal: str, probe_id: str) -> list[str]:
    """Return the lines of the probe's record in a collector's log; empty if the log does not have it."""
    for block in _split_into_records(text.splitlines()):
        is_of_probe = any(probe_id in line for line in block)
        if _HEADINGS[signal] in block[0] and is_of_probe:
            return [mask_and_clean(line.rstrip(), LONGEST_EXCERPT_LINE) for line in block[:MOST_EXCERPT_LINES]]
    return []


def _split_into_records(lines: Iterable[str]) -> Iterator[list[str]]:
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
        # Metrics do not show the record itself, but only that something went through.
        if place.startswith(METRICS_OF):
            pod = place.removeprefix(METRICS_OF)
            pronoun = "them" if len(signals) > 1 else "it"
            sentences.append(f"{', '.join(signals)} arrived: {pod} sent {pronoun} on to its exporter")
        else:
            sentences.append(f"{', '.join(signals)} arrived, seen in {place}")
    return "; ".join(sentences)
