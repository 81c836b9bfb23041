# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Spans, data points and log records in a short form that people write, and as OTLP in JSON.

Source: opentelemetry-proto 1.x, `trace.proto`, `metrics.proto`, `logs.proto`, and "JSON Protobuf Encoding" of the
specification of OTLP: ids are hexadecimal, 64-bit integers are texts. Private.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..errors import Problem, near
from ..otlp_requests import LISTS, METRIC_KINDS

Record = dict[str, Any]

SIGNALS = {"spans": "traces", "metrics": "metrics", "logs": "logs"}
OF_PIPELINES = {full: short for short, full in SIGNALS.items()}
"""The names of records by the signals of pipelines and of OTLP's paths."""
_COMMON = ("attributes", "resource", "scope")
SPAN_KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
STATUS = ("unset", "ok", "error")
TEMPORALITY = ("unspecified", "delta", "cumulative")
SEVERITY = {"trace": 1, "debug": 5, "info": 9, "warn": 13, "error": 17, "fatal": 21}
_SEVERITY_WORDS = {number: word for word, number in SEVERITY.items()}
FIELDS = {
    "spans": ("name", "kind", "status", "message", "trace", "id", "parent", "duration", "events", *_COMMON),
    "metrics": (
        "name", "type", "unit", "description", "value", "monotonic", "temporality", "count", "sum", "bounds", "buckets",
        *_COMMON,
    ),
    "logs": ("body", "severity", "severity_text", "event_name", "trace", "id", *_COMMON),
}  # fmt: skip
POINTS = {"gauge": "gauge", "sum": "sum", "histogram": "histogram"}
_TRACE_DIGITS, _SPAN_DIGITS = 32, 16
_START = 1_700_000_000_000_000_000
"""The time of the first given records, in nanoseconds: no test depends on the clock."""
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ns|us|ms|s|m)\Z")
_NANOSECONDS = {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": 1_000_000_000, "m": 60_000_000_000}


def otlp_request(signal: str, given: Iterable[Record], where: str, minute: int = 0) -> dict[str, Any]:
    """Return the OTLP request for records in their short form; neighbours of one resource and scope share it.

    `minute` is how long after the first ones they are. What a delta counts begins a minute before its time.
    Raises Problem for a field or value that a record of the signal cannot have.
    """
    resources, scopes, records = LISTS[SIGNALS[signal]]
    groups: list[dict[str, Any]] = []
    shared_before: Any = None
    time = _START + minute * _NANOSECONDS["m"]
    for number, record in enumerate(given):
        place = f"{where}.{signal}[{number}]"
        _check(signal, record, place)
        shared = (record.get("resource") or {}, record.get("scope") or {})
        if shared != shared_before:
            resource, scope = shared
            of_scope: dict[str, Any] = {"scope": _written_scope(scope), records: []}
            groups.append({"resource": {"attributes": _attributes(resource)}, scopes: [of_scope]})
            shared_before = shared
        listed = groups[-1][scopes][0][records]
        _add(_WRITERS[signal](record, place, time), listed)
    return {resources: groups}


def _written_scope(scope: Mapping[str, Any]) -> dict[str, Any]:
    """Return a scope as OTLP has it."""
    return {
        "name": scope.get("name", ""),
        "version": str(scope.get("version", "")),
        "attributes": _attributes(scope.get("attributes") or {}),
    }


def _add(written: dict[str, Any], to: list[dict[str, Any]]) -> None:
    """Add a record to its list; data points of one metric that follow each other become one metric."""
    kind = _kind_of_metric(written)
    if kind and to and _is_same_metric(to[-1], written, kind):
        to[-1][kind]["dataPoints"] += written[kind]["dataPoints"]
    else:
        to.append(written)


def _kind_of_metric(record: Mapping[str, Any]) -> str:
    """Return the kind of a metric of OTLP, such as `sum`; empty text for another record."""
    return next((kind for kind in METRIC_KINDS if kind in record), "")


def _is_same_metric(one: Mapping[str, Any], other: Mapping[str, Any], kind: str) -> bool:
    """Whether two metrics, of which the other is of this kind, differ in their data points alone."""
    return kind in one and _without_points(one, kind) == _without_points(other, kind)


def _without_points(metric: Mapping[str, Any], kind: str) -> dict[str, Any]:
    return {**metric, kind: {key: value for key, value in metric[kind].items() if key != "dataPoints"}}


def _check(signal: str, record: Any, place: str) -> None:
    """Raise Problem for what is no record of a signal: no mapping, or one with other fields."""
    if not isinstance(record, Mapping):
        raise Problem("a record must be a mapping", where=place, fix=f"Its fields: {', '.join(FIELDS[signal])}.")
    for name in record:
        if name not in FIELDS[signal]:
            wrong = f"there is no field '{name}' in records of {signal}{near(str(name), FIELDS[signal])}"
            raise Problem(wrong, where=place, fix=f"Fields: {', '.join(FIELDS[signal])}.")
    for name in _COMMON:
        if not isinstance(record.get(name) or {}, Mapping):
            raise Problem(f"'{name}' must be a mapping", where=place, fix="Write `key: value` pairs.")


def _number_of_word(record: Mapping[str, Any], field: str, words: tuple[str, ...], default: str, place: str) -> int:
    """Return the number that OTLP has for the word in a field. Raises Problem for another word."""
    value = record.get(field, default)
    if value not in words:
        raise Problem(f"'{value}' is not a {field}", where=place, fix=f"One of: {', '.join(words)}.")
    return words.index(value)


def identifier(value: Any, digits: int) -> str:
    """Return hexadecimal digits for an id: those that are written, or some that are always the same for a text."""
    text = str(value)
    if re.fullmatch(rf"[0-9a-f]{{{digits}}}", text):
        return text
    return hashlib.sha256(text.encode()).hexdigest()[:digits]


def nanoseconds(value: Any, place: str) -> int:
    """Return the nanoseconds of a duration such as `10ms` or `1.5s`. Raises Problem for another text."""
    match = _DURATION.match(str(value))
    if not match:
        raise Problem(f"'{value}' is not a duration", where=place, fix="Write it like 10ms or 1.5s.")
    return int(float(match[1]) * _NANOSECONDS[match[2]])


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
        "traceId": identifier(record.get("trace", place), _TRACE_DIGITS),
        "spanId": identifier(record.get("id", f"{place} span"), _SPAN_DIGITS),
        "startTimeUnixNano": str(time),
        "endTimeUnixNano": str(end),
        "attributes": _attributes(record.get("attributes") or {}),
        "status": status,
        "events": [_event(event) for event in record.get("events") or ()],
    }
    if record.get("parent"):
        span["parentSpanId"] = identifier(record["parent"], _SPAN_DIGITS)
    return span


def _event(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event of a span as OTLP has it."""
    return {"name": str(event.get("name", "")), "attributes": _attributes(event.get("attributes") or {})}


def _metric(record: Record, place: str, time: int) -> dict[str, Any]:
    """Return a metric with one data point as OTLP has it, of a time in nanoseconds."""
    kind = list(POINTS)[_number_of_word(record, "type", tuple(POINTS), "gauge", place)]
    begin = time if record.get("temporality") == "delta" else _START
    point: dict[str, Any] = {
        "startTimeUnixNano": str(begin - _NANOSECONDS["m"]),
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
        POINTS[kind]: data,
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
        log["traceId"] = identifier(record["trace"], _TRACE_DIGITS)
    if "id" in record:
        log["spanId"] = identifier(record["id"], _SPAN_DIGITS)
    return log


_WRITERS = {"spans": _span, "metrics": _metric, "logs": _log}


def _attributes(values: Mapping[str, Any]) -> list[dict[str, Any]]:
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


def in_order(value: Any) -> Any:
    """Return a value of a record, with the keys in order if it is a mapping."""
    return dict(sorted(value.items())) if isinstance(value, Mapping) else value


def _read_span(span: Mapping[str, Any]) -> Iterator[Record]:
    """Yield a span in the short form; its duration is in nanoseconds."""
    status = span.get("status") or {}
    elapsed = int(span.get("endTimeUnixNano") or 0) - int(span.get("startTimeUnixNano") or 0)
    yield {
        "name": span.get("name", ""),
        "kind": _named(SPAN_KINDS, span.get("kind")),
        "status": _named(STATUS, status.get("code")),
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
    kind = _kind_of_metric(metric)
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
            short["temporality"] = _named(TEMPORALITY, data["aggregationTemporality"])
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
        "severity": _SEVERITY_WORDS.get(severity, severity),
        "severity_text": record.get("severityText", ""),
        "event_name": record.get("eventName", ""),
        "trace": record.get("traceId", ""),
        "id": record.get("spanId", ""),
        "attributes": _read_attributes(record.get("attributes")),
    }


_READERS = {"spans": _read_span, "metrics": _read_metric, "logs": _read_log}


def _named(words: tuple[str, ...], number: Any) -> str:
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
