# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes records of the short form, as users write them in tests, as a request of OTLP in JSON.

`records.py` has the fields of the short form, and `record_values.py` reads them and says which value is wrong.
`_write_…` functions return objects of OTLP, such as a Span.
Source: opentelemetry-proto 1.x, `trace.proto`, `metrics.proto`, `logs.proto`, and "JSON Protobuf Encoding" of the
specification of OTLP: ids are hexadecimal, 64-bit integers are texts. Private.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import Problem, suggest_word
from ..otlp_requests import LISTS_BY_SIGNAL
from .record_values import (
    read_bounds,
    read_buckets,
    read_count,
    read_events,
    read_mapping,
    read_number,
    read_severity,
    read_word,
)
from .records import (
    FIELDS_BY_RECORD_KIND,
    METRIC_POINT_KINDS,
    NANOSECONDS_BY_UNIT,
    SIGNAL_BY_RECORD_KIND,
    SPAN_DIGITS,
    SPAN_KINDS,
    STATUS_WORDS,
    TEMPORALITY_WORDS,
    TRACE_DIGITS,
    Record,
    find_metric_kind,
    make_identifier,
    parse_nanoseconds,
)

# The time of the first given records, in nanoseconds: no test depends on the clock.
_START_TIME = 1_700_000_000_000_000_000


def build_otlp_request(
    record_kind: str, given_records: Iterable[Record], given_where: str, minute: int = 0
) -> dict[str, Any]:
    """Return the OTLP request for records of a kind of the short form, such as `spans`.

    Records that follow each other and have the same resource and scope share them in the request. `given_where` is the
    place of the records in the file of tests. The records have the time of the first given ones plus `minute` minutes.
    Raises Problem for a field or value that a record of the kind cannot have.
    """
    resources_key, scopes_key, records_key = LISTS_BY_SIGNAL[SIGNAL_BY_RECORD_KIND[record_kind]]
    write_record = _WRITERS_BY_RECORD_KIND[record_kind]
    time = _START_TIME + minute * NANOSECONDS_BY_UNIT["m"]
    resource_groups: list[dict[str, Any]] = []
    written_records: list[dict[str, Any]] = []
    previous_shared_fields: tuple[Any, Any] | None = None
    for record_index, record in enumerate(given_records):
        where = f"{given_where}.{record_kind}[{record_index}]"
        _check_record(record_kind, record, where)
        resource = read_mapping(record, "resource", where)
        scope = read_mapping(record, "scope", where)
        if (resource, scope) != previous_shared_fields:
            previous_shared_fields = (resource, scope)
            written_records = []
            scope_group = {"scope": _write_scope(scope, f"{where}.scope"), records_key: written_records}
            resource_groups.append({"resource": {"attributes": _write_attributes(resource)}, scopes_key: [scope_group]})
        _add_to_group(write_record(record, where, time), written_records)
    return {resources_key: resource_groups}


def _write_scope(scope: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return an InstrumentationScope."""
    return {
        "name": scope.get("name", ""),
        "version": str(scope.get("version", "")),
        "attributes": _write_attributes_of(scope, where),
    }


def _add_to_group(written_record: dict[str, Any], group: list[dict[str, Any]]) -> None:
    """Add a record to the list of those of its scope. A data point of the metric of the last record joins it."""
    kind = find_metric_kind(written_record)
    if kind and group and _is_same_metric(group[-1], written_record, kind):
        group[-1][kind]["dataPoints"] += written_record[kind]["dataPoints"]
    else:
        group.append(written_record)


def _is_same_metric(first_metric: Mapping[str, Any], second_metric: Mapping[str, Any], kind: str) -> bool:
    """Whether two metrics differ in their data points alone. `kind` is that of the second one."""
    return kind in first_metric and _remove_points(first_metric, kind) == _remove_points(second_metric, kind)


def _remove_points(metric: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Return a metric without its data points."""
    metric_data = dict(metric[kind])
    del metric_data["dataPoints"]
    return {**metric, kind: metric_data}


def _check_record(record_kind: str, record: Any, where: str) -> None:
    """Raise Problem unless a record is a mapping with fields that the kind has."""
    known_fields = FIELDS_BY_RECORD_KIND[record_kind]
    if not isinstance(record, Mapping):
        raise Problem("a record must be a mapping", where=where, fix=f"Its fields: {', '.join(known_fields)}.")
    for field_name in record:
        if field_name not in known_fields:
            suggestion = suggest_word(str(field_name), known_fields)
            problem = f"there is no field '{field_name}' in records of {record_kind}{suggestion}"
            raise Problem(problem, where=where, fix=f"Fields: {', '.join(known_fields)}.")


def _write_span(record: Record, where: str, time: int) -> dict[str, Any]:
    """Return a Span that begins at a time in nanoseconds."""
    end_time = time + parse_nanoseconds(record.get("duration", "10ms"), where)
    status = {
        "code": STATUS_WORDS.index(read_word(record, "status", STATUS_WORDS, default="unset", where=where)),
        "message": str(record.get("message", "")),
    }
    span = {
        "name": str(record.get("name", "span")),
        "kind": SPAN_KINDS.index(read_word(record, "kind", SPAN_KINDS, default="internal", where=where)),
        "traceId": make_identifier(record.get("trace", where), TRACE_DIGITS),
        "spanId": make_identifier(record.get("id", f"{where} span"), SPAN_DIGITS),
        "startTimeUnixNano": str(time),
        "endTimeUnixNano": str(end_time),
        "attributes": _write_attributes_of(record, where),
        "status": status,
        "events": _write_events(record, where),
    }
    if record.get("parent"):
        span["parentSpanId"] = make_identifier(record["parent"], SPAN_DIGITS)
    return span


def _write_events(span: Record, where: str) -> list[dict[str, Any]]:
    """Return the Events of a span."""
    written_events = []
    for event_index, event in enumerate(read_events(span, where)):
        attributes = _write_attributes_of(event, f"{where}.events[{event_index}]")
        written_events.append({"name": str(event.get("name", "")), "attributes": attributes})
    return written_events


def _write_metric(record: Record, where: str, time: int) -> dict[str, Any]:
    """Return a Metric with one data point of a time in nanoseconds."""
    kind = read_word(record, "type", METRIC_POINT_KINDS, default="gauge", where=where)
    data_point: dict[str, Any] = {
        "startTimeUnixNano": str(_find_start_of_point(record, time)),
        "timeUnixNano": str(time),
        "attributes": _write_attributes_of(record, where),
    }
    data_point |= _write_buckets(record, where) if kind == "histogram" else _write_number(record, where)
    metric_data: dict[str, Any] = {"dataPoints": [data_point]}
    if kind != "gauge":
        temporality = read_word(record, "temporality", TEMPORALITY_WORDS, default="cumulative", where=where)
        metric_data["aggregationTemporality"] = TEMPORALITY_WORDS.index(temporality)
    if kind == "sum":
        metric_data["isMonotonic"] = bool(record.get("monotonic", True))
    return {
        "name": str(record.get("name", "metric")),
        "unit": str(record.get("unit", "")),
        "description": str(record.get("description", "")),
        kind: metric_data,
    }


def _find_start_of_point(record: Record, time: int) -> int:
    """Return since when a data point of a time counts, in nanoseconds.

    A delta counts what came in the minute before its time. All other points count from the same time on, which is a
    minute before the first records.
    """
    first_time = time if record.get("temporality") == "delta" else _START_TIME
    return first_time - NANOSECONDS_BY_UNIT["m"]


def _write_buckets(record: Record, where: str) -> dict[str, Any]:
    """Return the fields of a HistogramDataPoint; without buckets, the first one has all of the count."""
    bounds = read_bounds(record, where)
    buckets = read_buckets(record, where)
    if not buckets:
        other_buckets = [0] * len(bounds)
        buckets = [read_count(record, default=1, where=where), *other_buckets]
    return {
        "explicitBounds": bounds,
        "bucketCounts": [str(bucket_count) for bucket_count in buckets],
        "count": str(read_count(record, default=sum(buckets), where=where)),
        "sum": read_number(record, "sum", default=0, where=where),
    }


def _write_number(record: Record, where: str) -> dict[str, Any]:
    """Return the value of a NumberDataPoint."""
    value = read_number(record, "value", default=1, where=where)
    if isinstance(value, int):
        return {"asInt": str(value)}
    return {"asDouble": value}


def _write_log(record: Record, where: str, time: int) -> dict[str, Any]:
    """Return a LogRecord of a time in nanoseconds."""
    severity = record.get("severity")
    text_of_severity = severity if isinstance(severity, str) else ""
    log = {
        "timeUnixNano": str(time),
        "observedTimeUnixNano": str(time),
        "severityNumber": read_severity(record, where),
        "severityText": str(record.get("severity_text", text_of_severity)),
        "eventName": str(record.get("event_name", "")),
        "body": _write_value(record.get("body", "")),
        "attributes": _write_attributes_of(record, where),
    }
    if "trace" in record:
        log["traceId"] = make_identifier(record["trace"], TRACE_DIGITS)
    if "id" in record:
        log["spanId"] = make_identifier(record["id"], SPAN_DIGITS)
    return log


_WRITERS_BY_RECORD_KIND = {"spans": _write_span, "metrics": _write_metric, "logs": _write_log}


def _write_attributes_of(record: Mapping[str, Any], where: str) -> list[dict[str, Any]]:
    """Return the attributes of a record, an event or a scope as a list of KeyValue."""
    return _write_attributes(read_mapping(record, "attributes", where))


def _write_attributes(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a mapping as a list of KeyValue."""
    return [{"key": str(key), "value": _write_value(value)} for key, value in values.items()]


def _write_value(value: Any) -> dict[str, Any]:
    """Return a value as an AnyValue, such as `{"intValue": "1"}`; an empty one for None."""
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, Mapping):
        return {"kvlistValue": {"values": _write_attributes(value)}}
    if isinstance(value, (list, tuple)):
        return {"arrayValue": {"values": [_write_value(nested_value) for nested_value in value]}}
    return {} if value is None else {"stringValue": str(value)}
