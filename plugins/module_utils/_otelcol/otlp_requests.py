# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The form of requests of OTLP as JSON: where their records and data points stand. Private.

A request has resources, a resource has scopes, and a scope has records: spans, metrics or log records. Captures, sinks
of tests and forecasts read requests so.

Source: opentelemetry-proto 1.x, `trace.proto`, `metrics.proto`, `logs.proto`, and "JSON Protobuf Encoding" of the
specification of OTLP.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

OTLP_SIGNALS = ("traces", "metrics", "logs")
"""The signals that every Collector takes, in their usual order. Only some Collectors take `profiles` too."""
LISTS_BY_SIGNAL = {
    "traces": ("resourceSpans", "scopeSpans", "spans"),
    "metrics": ("resourceMetrics", "scopeMetrics", "metrics"),
    "logs": ("resourceLogs", "scopeLogs", "logRecords"),
}
"""The lists of a request by its signal, from the resources over the scopes to the records."""
ITEM_NOUNS = {"traces": "spans", "metrics": "data points", "logs": "log records"}
"""What the items of a signal are called."""
METRIC_KINDS = ("gauge", "sum", "histogram", "exponentialHistogram", "summary")
"""The kinds of a metric, in the order of the specification."""

_decode_json_at = json.JSONDecoder().raw_decode

MALFORMED_ERRORS = (TypeError, AttributeError, KeyError, ValueError, OverflowError, RecursionError)
"""What reading JSON raises that is not of OTLP."""


class MeasuredResource(NamedTuple):
    """A resource of a request with all its records, and its bytes of JSON."""

    content: Mapping[str, Any]
    size_bytes: int


def describe_item_count(signal: str, count: int) -> str:
    """Return a number of items of a signal in words, such as `1 span`."""
    noun = ITEM_NOUNS.get(signal, signal)
    return f"{count:,} {noun.removesuffix('s') if count == 1 else noun}"


def signal_of_request(request: Mapping[str, Any]) -> str:
    """Return the signal of a request; empty if it is none of OTLP."""
    for signal, (resources, _scopes, _records) in LISTS_BY_SIGNAL.items():
        if isinstance(request.get(resources), list):
            return signal
    return ""


def list_records(signal: str, resource: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the spans, metrics or log records of one resource of a request."""
    _resources, scopes, records = LISTS_BY_SIGNAL[signal]
    for scope in resource.get(scopes) or ():
        yield from scope.get(records) or ()


def list_points(metric: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the data points of a metric."""
    for kind in METRIC_KINDS:
        yield from (metric.get(kind) or {}).get("dataPoints") or ()


def count_items(signal: str, request: Mapping[str, Any]) -> int:
    """Return how many spans, data points or log records a request has."""
    count = 0
    for resource in request.get(LISTS_BY_SIGNAL[signal][0]) or ():
        for record in list_records(signal, resource):
            count += len(list(list_points(record))) if signal == "metrics" else 1
    return count


def measure_resources(text: str) -> Iterator[MeasuredResource]:
    """Yield the resources of a request, whose `text` is JSON without spaces, as a Collector writes it.

    Raises ValueError for what is no JSON, such as a request that ends too early.
    """
    position = text.find("[") + 1  # behind the first bracket, which opens the list of resources; 0 without one
    while position and not text.startswith("]", position):
        content, end = _decode_json_at(text, position)
        yield MeasuredResource(content, measure_text(text[position:end]))
        position = end + 1 if text.startswith(",", end) else end  # without a comma, the list ends here


def measure_text(text: str) -> int:
    """Return the bytes of a text in UTF-8. Half of a surrogate pair, which JSON may have, counts as three."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
