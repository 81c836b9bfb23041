# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The form of requests of OTLP as JSON: where their records and data points stand. Private.

Source: opentelemetry-proto 1.x, `trace.proto`, `metrics.proto`, `logs.proto`, and "JSON Protobuf Encoding" of the
specification of OTLP.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

LISTS = {
    "traces": ("resourceSpans", "scopeSpans", "spans"),
    "metrics": ("resourceMetrics", "scopeMetrics", "metrics"),
    "logs": ("resourceLogs", "scopeLogs", "logRecords"),
}
"""The lists of a request by its signal, from the resources over the scopes to the records."""
ITEM_NOUNS = {"traces": "spans", "metrics": "data points", "logs": "log records"}
"""What the items of a signal are called."""
METRIC_KINDS = ("gauge", "sum", "histogram", "exponentialHistogram", "summary")
"""The kinds of a metric, in the order of the specification."""

_read_part = json.JSONDecoder().raw_decode

MALFORMED = (TypeError, AttributeError, KeyError, ValueError, OverflowError, RecursionError)
"""What reading JSON raises that is not of OTLP."""


class MeasuredResource(NamedTuple):
    """A resource of a request with all its records, and its bytes of JSON."""

    content: Mapping[str, Any]
    size: int


def items_in_words(signal: str, number: int) -> str:
    """Return a number of items of a signal in words, such as `1 span`."""
    noun = ITEM_NOUNS.get(signal, signal)
    return f"{number:,} {noun.removesuffix('s') if number == 1 else noun}"


def signal_of_request(request: Mapping[str, Any]) -> str:
    """Return the signal of a request; empty if it is none of OTLP."""
    for signal, (resources, _scopes, _records) in LISTS.items():
        if isinstance(request.get(resources), list):
            return signal
    return ""


def records_of(signal: str, resource: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the spans, metrics or log records of one resource of a request."""
    _resources, scopes, records = LISTS[signal]
    for scope in resource.get(scopes) or ():
        yield from scope.get(records) or ()


def points_of(metric: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the data points of a metric."""
    for kind in METRIC_KINDS:
        yield from (metric.get(kind) or {}).get("dataPoints") or ()


def item_count(signal: str, request: Mapping[str, Any]) -> int:
    """Return how many spans, data points or log records a request has."""
    items = 0
    for resource in request.get(LISTS[signal][0]) or ():
        for record in records_of(signal, resource):
            items += len(list(points_of(record))) if signal == "metrics" else 1
    return items


def measured_resources(text: str) -> Iterator[MeasuredResource]:
    """Yield the resources of a request, whose `text` is JSON without spaces, as a Collector writes it.

    Raises ValueError for what is no JSON.
    """
    place = text.find("[") + 1
    while place and text[place] != "]":
        content, end = _read_part(text, place)
        yield MeasuredResource(content, text_size(text[place:end]))
        place = end + 1 if text[end] == "," else end


def text_size(text: str) -> int:
    """Return the bytes of a text in UTF-8. Half of a surrogate pair, which JSON may have, counts as three."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
