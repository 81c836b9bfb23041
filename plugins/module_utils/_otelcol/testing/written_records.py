# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records of the short form as OTLP in JSON.

Source: opentelemetry-proto 1.x, `trace.proto`, `metrics.proto`, `logs.proto`, and "JSON Protobuf Encoding" of the
specification of OTLP: ids are hexadecimal, 64-bit integers are texts. Private.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import Problem, near
from ..otlp_requests import LISTS
from .records import (
    COMMON,
    FIELDS,
    NANOSECONDS,
    POINTS,
    SEVERITY,
    SIGNALS,
    SPAN_DIGITS,
    SPAN_KINDS,
    STATUS,
    TEMPORALITY,
    TRACE_DIGITS,
    Record,
    identifier,
    kind_of_metric,
    nanoseconds,
)

# The time of the first given records, in nanoseconds: no test depends on the clock.
_START = 1_700_000_000_000_000_000


def otlp_request(signal: str, given: Iterable[Record], where: str, minute: int = 0) -> dict[str, Any]:
    """Return the OTLP request for records in their short form; neighbours of one resource and scope share it.

    `minute` is how long after the first ones they are. What a delta counts begins a minute before its time.
    Raises Problem for a field or value that a record of the signal cannot have.
    """
    resources, scopes, records = LISTS[SIGNALS[signal]]
    groups: list[dict[str, Any]] = []
    shared_before: Any = None
    time = _START + minute * NANOSECONDS["m"]
    for number, record in enumerate(given):
        place = f"{where}.{signal}[{number}]"
        _check_record(signal, record, place)
        shared = (record.get("resource") or {}, record.get("scope") or {})
        if shared != shared_before:
            resource, scope = shared
            of_scope: dict[str, Any] = {"scope": _written_scope(scope), records: []}
            groups.append({"resource": {"attributes": _attributes(resource)}, scopes: [of_scope]})
            shared_before = shared
        listed = groups[-1][scopes][0][records]
        _add_written(_WRITERS[signal](record, place, time), listed)
    return {resources: groups}


def _written_scope(scope: Mapping[str, Any]) -> dict[str, Any]:
    """Return a scope as OTLP has it."""
    return {
        "name": scope.get("name", ""),
        "version": str(scope.get("version", "")),
        "attributes": _attributes(scope.get("attributes") or {}),
    }


def _add_written(written: dict[str, Any], to: list[dict[str, Any]]) -> None:
    """Add a record to its list; data points of one metric that follow each other become one metric."""
    kind = kind_of_metric(written)
    if kind and to and _is_same_metric(to[-1], written, kind):
        to[-1][kind]["dataPoints"] += written[kind]["dataPoints"]
    else:
        to.append(written)


def _is_same_metric(one: Mapping[str, Any], other: Mapping[str, Any], kind: str) -> bool:
    """Whether two metrics, of which the other is of this kind, differ in their data points alone."""
    return kind in one and _without_points(one, kind) == _without_points(other, kind)


def _without_points(metric: Mapping[str, Any], kind: str) -> dict[str, Any]:
    return {**metric, kind: {key: value for key, value in metric[kind].items() if key != "dataPoints"}}


def _check_record(signal: str, record: Any, place: str) -> None:
    """Raise Problem for what is no record of a signal: no mapping, or one with other fields."""
    if not isinstance(record, Mapping):
        raise Problem("a record must be a mapping", where=place, fix=f"Its fields: {', '.join(FIELDS[signal])}.")
    for name in record:
        if name not in FIELDS[signal]:
            wrong = f"there is no field '{name}' in records of {signal}{near(str(name), FIELDS[signal])}"
            raise Problem(wrong, where=place, fix=f"Fields: {', '.join(FIELDS[signal])}.")
    for name in COMMON:
        if not isinstance(record.get(name) or {}, Mapping):
            raise Problem(f"'{name}' must be a mapping", where=place, fix="Write `key: value` pairs.")


def _number_of_word(record: Mapping[str, Any], field: str, words: tuple[str, ...], default: str, place: str) -> int:
    """Return the number that OTLP has for the word in a field. Raises Problem for another word."""
    value = record.get(field, default)
    if value not in words:
        raise Problem(f"'{value}' is not a {field}", where=place, fix=f"One of: {', '.join(words)}.")
    return words.index(value)


def _span(record: Record, place: str, time: int) -> dict[str, Any]:
    """Return a span as OTLP has it, which begins at a time in nanoseconds."""
    end = time + nanoseconds(record.get("duration", "10ms"), place)
    status = {
        "code": _number_of_word(record, "status", STATUS, "unset", place),
        "message": str(record.get("message", "")),
    }
    span = {
        "name": str(record.get("name", "span")),
        "kind": _number_of_word(record, "kind", SPAN_KINDS, "internal", place),
        "traceId": identifier(record.get("trace", place), TRACE_DIGITS),
        "spanId": identifier(record.get("id", f"{place} span"), SPAN_DIGITS),
        "startTimeUnixNano": str(time),
        "endTimeUnixNano": str(end),
        "attributes": _attributes(record.get("attributes") or {}),
        "status": status,
        "events": [_event(event) for event in record.get("events") or ()],
    }
    if record.get("parent"):
        span["parentSpanId"] = identifier(record["parent"], SPAN_DIGITS)
    return span


def _event(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event of a span as OTLP has it."""
    return {"name": str(event.get("name", "")), "attributes": _attributes(event.get("attributes") or {})}


def _metric(record: Record, place: str, time: int) -> dict[str, Any]:
    """Return a metric with one data point as OTLP has it, of a time in nanoseconds."""
    kind = POINTS[_number_of_word(record, "type", POINTS, "gauge", place)]
    begin = time if record.get("temporality") == "delta" else _START
    point: dict[str, Any] = {
        "startTimeUnixNano": str(begin - NANOSECONDS["m"]),
        "timeUnixNano": str(time),
        "attributes": _attributes(record.get("attributes") or {}),
    }
    point |= _buckets(record) if kind == "histogram" else _number(record, place)
    data: dict[str, Any] = {"dataPoints": [point]}
    if kind != "gauge":
        data["aggregationTemporality"] = _number_of_word(record, "temporality", TEMPORALITY, "cumulative", place)
    if kind == "sum":
        data["isMonotonic"] = bool(record.get("monotonic", True))
    return {
        "name": str(record.get("name", "metric")),
        "unit": str(record.get("unit", "")),
        "description": str(record.get("description", "")),
        kind: data,
    }


def _buckets(record: Record) -> dict[str, Any]:
    """Return what a point of a histogram has; without buckets, all is in the first."""
    bounds = list(record.get("bounds") or ())
    buckets = list(record.get("buckets") or [record.get("count", 1), *[0] * len(bounds)])
    return {
        "explicitBounds": bounds,
        "bucketCounts": [str(number) for number in buckets],
        "count": str(record.get("count", sum(buckets))),
        "sum": record.get("sum", 0),
    }


def _number(record: Record, place: str) -> dict[str, Any]:
    """Return what a point of a gauge or sum has. Raises Problem for a value that is no number."""
    value = record.get("value", 1)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Problem(f"the value '{value}' is not a number", where=place, fix="Write an integer or a float.")
    return {"asInt": str(value)} if isinstance(value, int) else {"asDouble": value}


def _log(record: Record, place: str, time: int) -> dict[str, Any]:
    """Return a log record as OTLP has it, of a time in nanoseconds."""
    severity = record.get("severity", 0)
    number = SEVERITY.get(severity, severity)
    if not isinstance(number, int):
        raise Problem(f"'{severity}' is not a severity", where=place, fix=f"A number, or: {', '.join(SEVERITY)}.")
    text_of_severity = severity if isinstance(severity, str) else ""
    log = {
        "timeUnixNano": str(time),
        "observedTimeUnixNano": str(time),
        "severityNumber": number,
        "severityText": str(record.get("severity_text", text_of_severity)),
        "eventName": str(record.get("event_name", "")),
        "body": _value(record.get("body", "")),
        "attributes": _attributes(record.get("attributes") or {}),
    }
    if "trace" in record:
        log["traceId"] = identifier(record["trace"], TRACE_DIGITS)
    if "id" in record:
        log["spanId"] = identifier(record["id"], SPAN_DIGITS)
    return log


_WRITERS = {"spans": _span, "metrics": _metric, "logs": _log}


def _attributes(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a mapping as the pairs of OTLP."""
    return [{"key": str(key), "value": _value(value)} for key, value in values.items()]


def _value(value: Any) -> dict[str, Any]:
    """Return a value with the tag that OTLP gives it by its type; nothing for none."""
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, Mapping):
        return {"kvlistValue": {"values": _attributes(value)}}
    if isinstance(value, (list, tuple)):
        return {"arrayValue": {"values": [_value(inner) for inner in value]}}
    return {} if value is None else {"stringValue": str(value)}
