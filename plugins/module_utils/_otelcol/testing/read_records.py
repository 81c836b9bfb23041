# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads records of a request of OTLP in JSON into the short form, in which users write them in tests.

`records.py` has the fields of the short form, and `written_records.py` does the opposite. Private.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..otlp_requests import LISTS_BY_SIGNAL
from .records import (
    SEVERITY_WORDS,
    SIGNAL_BY_RECORD_KIND,
    SPAN_KINDS,
    STATUS_WORDS,
    TEMPORALITY_WORDS,
    Record,
    find_metric_kind,
)


def read_records(record_kind: str, body: Mapping[str, Any]) -> Iterator[Record]:
    """Yield the records in the body of an OTLP request in their short form: a metric once for each data point."""
    resources_key, scopes_key, records_key = LISTS_BY_SIGNAL[SIGNAL_BY_RECORD_KIND[record_kind]]
    for resource_records in body.get(resources_key) or ():
        resource = resource_records.get("resource") or {}
        for scope_records in resource_records.get(scopes_key) or ():
            shared_fields = {
                "resource": _read_attributes(resource.get("attributes")),
                "scope": _read_scope(scope_records.get("scope") or {}),
            }
            for record in scope_records.get(records_key) or ():
                for short_record in _READERS_BY_RECORD_KIND[record_kind](record):
                    yield short_record | shared_fields


def keep_latest_points(points: Iterable[Record]) -> list[Record]:
    """Return the last data point of each series, as a backend shows a series that is sent again and again."""
    latest_by_series: dict[str, Record] = {}
    for point in points:
        series = (point["name"], sorted(point["attributes"].items()), point["resource"])
        latest_by_series[repr(series)] = point
    return list(latest_by_series.values())


def _read_scope(scope: Mapping[str, Any]) -> dict[str, Any]:
    """Return a scope in the short form, without empty fields."""
    short_scope = {key: scope[key] for key in ("name", "version") if scope.get(key)}
    attributes = _read_attributes(scope.get("attributes"))
    if attributes:
        short_scope["attributes"] = attributes
    return short_scope


def _read_span(span: Mapping[str, Any]) -> Iterator[Record]:
    """Yield a span in the short form; its duration is in nanoseconds."""
    status = span.get("status") or {}
    elapsed = int(span.get("endTimeUnixNano") or 0) - int(span.get("startTimeUnixNano") or 0)
    yield {
        "name": span.get("name", ""),
        "kind": _find_word_of_number(SPAN_KINDS, span.get("kind")),
        "status": _find_word_of_number(STATUS_WORDS, status.get("code")),
        "message": status.get("message", ""),
        "trace": span.get("traceId", ""),
        "id": span.get("spanId", ""),
        "parent": span.get("parentSpanId", ""),
        "duration": elapsed,
        "events": [_read_event(event) for event in span.get("events") or ()],
        "attributes": _read_attributes(span.get("attributes")),
    }


def _read_event(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event of a span in the short form."""
    return {"name": event.get("name", ""), "attributes": _read_attributes(event.get("attributes"))}


def _read_metric(metric: Mapping[str, Any]) -> Iterator[Record]:
    """Yield a metric in the short form for each of its data points."""
    kind = find_metric_kind(metric)
    metric_data = metric.get(kind) or {}
    for point in metric_data.get("dataPoints") or ():
        short_point: Record = {
            "name": metric.get("name", ""),
            "type": kind,
            "unit": metric.get("unit", ""),
            "description": metric.get("description", ""),
            "attributes": _read_attributes(point.get("attributes")),
            **_read_point(kind, point),
        }
        if "aggregationTemporality" in metric_data:
            short_point["temporality"] = _find_word_of_number(TEMPORALITY_WORDS, metric_data["aggregationTemporality"])
        if kind == "sum":
            short_point["monotonic"] = bool(metric_data.get("isMonotonic"))
        yield short_point


def _read_point(kind: str, point: Mapping[str, Any]) -> Record:
    """Return the value of a point of a sum or gauge, or the count and sum of another one, with its buckets."""
    if kind in ("sum", "gauge"):
        if "asInt" in point:
            return {"value": int(point["asInt"])}
        return {"value": point.get("asDouble", 0)}
    counted_point: Record = {"count": int(point.get("count") or 0), "sum": point.get("sum", 0)}
    if kind == "histogram":
        counted_point["bounds"] = list(point.get("explicitBounds") or ())
        counted_point["buckets"] = [int(bucket_count) for bucket_count in point.get("bucketCounts") or ()]
    return counted_point


def _read_log(record: Mapping[str, Any]) -> Iterator[Record]:
    """Yield a log record in the short form; a severity between those that have a word stays a number."""
    severity = int(record.get("severityNumber") or 0)
    yield {
        "body": _read_tagged_value(record.get("body") or {}),
        "severity": SEVERITY_WORDS.get(severity, severity),
        "severity_text": record.get("severityText", ""),
        "event_name": record.get("eventName", ""),
        "trace": record.get("traceId", ""),
        "id": record.get("spanId", ""),
        "attributes": _read_attributes(record.get("attributes")),
    }


_READERS_BY_RECORD_KIND = {"spans": _read_span, "metrics": _read_metric, "logs": _read_log}


def _find_word_of_number(words: tuple[str, ...], number: Any) -> str:
    """Return the word for a number of OTLP; its digits if there is no word."""
    index = int(number or 0)
    return words[index] if index < len(words) else str(index)


def _read_attributes(pairs: Any) -> dict[str, Any]:
    """Return a list of KeyValue of OTLP as a mapping."""
    return {pair.get("key", ""): _read_tagged_value(pair.get("value") or {}) for pair in pairs or ()}


def _read_tagged_value(value: Mapping[str, Any]) -> Any:
    """Return the value in an AnyValue of OTLP, such as 1 for `{"intValue": "1"}`."""
    for value_tag, convert_value in _CONVERTERS_BY_TAG.items():
        if value_tag in value:
            return convert_value(value[value_tag])
    return None


_CONVERTERS_BY_TAG: dict[str, Any] = {
    "stringValue": str,
    "boolValue": bool,
    "intValue": int,
    "doubleValue": float,
    "bytesValue": str,
    "arrayValue": lambda listed: [_read_tagged_value(value) for value in listed.get("values") or ()],
    "kvlistValue": lambda pairs: _read_attributes(pairs.get("values")),
}
