# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records of OTLP in JSON in the short form, as `written_records.py` writes them. Private."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..otlp_requests import LISTS
from .records import SEVERITY_WORDS, SIGNALS, SPAN_KINDS, STATUS, TEMPORALITY, Record, kind_of_metric


def read_records(signal: str, body: Mapping[str, Any]) -> Iterator[Record]:
    """Yield the records of an OTLP request in their short form: a metric once for each of its data points."""
    resources, scopes, records = LISTS[SIGNALS[signal]]
    for of_resource in body.get(resources) or ():
        resource = of_resource.get("resource") or {}
        for of_scope in of_resource.get(scopes) or ():
            shared = {
                "resource": _read_attributes(resource.get("attributes")),
                "scope": _read_scope(of_scope.get("scope") or {}),
            }
            for record in of_scope.get(records) or ():
                for short in _READERS[signal](record):
                    yield short | shared


def _read_scope(scope: Mapping[str, Any]) -> dict[str, Any]:
    """Return a scope in the short form, without what is empty."""
    short = {key: scope[key] for key in ("name", "version") if scope.get(key)}
    attributes = _read_attributes(scope.get("attributes"))
    if attributes:
        short["attributes"] = attributes
    return short


def latest_points(points: Iterable[Record]) -> list[Record]:
    """Return of each series only the last point, as a backend shows a series that is sent again and again."""
    latest: dict[str, Record] = {}
    for point in points:
        series = (point["name"], sorted(point["attributes"].items()), point["resource"])
        latest[repr(series)] = point
    return list(latest.values())


def _read_span(span: Mapping[str, Any]) -> Iterator[Record]:
    """Yield a span in the short form; its duration is in nanoseconds."""
    status = span.get("status") or {}
    elapsed = int(span.get("endTimeUnixNano") or 0) - int(span.get("startTimeUnixNano") or 0)
    yield {
        "name": span.get("name", ""),
        "kind": _word_of_number(SPAN_KINDS, span.get("kind")),
        "status": _word_of_number(STATUS, status.get("code")),
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
    kind = kind_of_metric(metric)
    data = metric.get(kind) or {}
    for point in data.get("dataPoints") or ():
        short: Record = {
            "name": metric.get("name", ""),
            "type": kind,
            "unit": metric.get("unit", ""),
            "description": metric.get("description", ""),
            "attributes": _read_attributes(point.get("attributes")),
            **_read_point(kind, point),
        }
        if "aggregationTemporality" in data:
            short["temporality"] = _word_of_number(TEMPORALITY, data["aggregationTemporality"])
        if kind == "sum":
            short["monotonic"] = bool(data.get("isMonotonic"))
        yield short


def _read_point(kind: str, point: Mapping[str, Any]) -> Record:
    """Return the value of a point, or what it counts."""
    if kind in ("sum", "gauge"):
        if "asInt" in point:
            return {"value": int(point["asInt"])}
        return {"value": point.get("asDouble", 0)}
    counted: Record = {"count": int(point.get("count") or 0), "sum": point.get("sum", 0)}
    if kind == "histogram":
        counted["bounds"] = list(point.get("explicitBounds") or ())
        counted["buckets"] = [int(number) for number in point.get("bucketCounts") or ()]
    return counted


def _read_log(record: Mapping[str, Any]) -> Iterator[Record]:
    """Yield a log record in the short form; a severity between those that have a word stays a number."""
    severity = int(record.get("severityNumber") or 0)
    yield {
        "body": _plain(record.get("body") or {}),
        "severity": SEVERITY_WORDS.get(severity, severity),
        "severity_text": record.get("severityText", ""),
        "event_name": record.get("eventName", ""),
        "trace": record.get("traceId", ""),
        "id": record.get("spanId", ""),
        "attributes": _read_attributes(record.get("attributes")),
    }


_READERS = {"spans": _read_span, "metrics": _read_metric, "logs": _read_log}


def _word_of_number(words: tuple[str, ...], number: Any) -> str:
    """Return the word of a number of OTLP; of a number without one, its digits."""
    index = int(number or 0)
    return words[index] if index < len(words) else str(index)


def _read_attributes(pairs: Any) -> dict[str, Any]:
    """Return the pairs of OTLP as a mapping."""
    return {pair.get("key", ""): _plain(pair.get("value") or {}) for pair in pairs or ()}


def _plain(value: Mapping[str, Any]) -> Any:
    """Return the value that a tagged value of OTLP stands for."""
    for tag, plain in _TAGS.items():
        if tag in value:
            return plain(value[tag])
    return None


_TAGS: dict[str, Any] = {
    "stringValue": str,
    "boolValue": bool,
    "intValue": int,
    "doubleValue": float,
    "bytesValue": str,
    "arrayValue": lambda listed: [_plain(value) for value in listed.get("values") or ()],
    "kvlistValue": lambda pairs: _read_attributes(pairs.get("values")),
}
