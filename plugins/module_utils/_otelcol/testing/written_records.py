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

from ..errors import Problem, suggest_word
from ..otlp_requests import LISTS_BY_SIGNAL
from .records import (
    COMMON_FIELDS,
    FIELDS_BY_SIGNAL,
    METRIC_POINT_KINDS,
    NANOSECONDS_BY_UNIT,
    SEVERITY_NUMBERS,
    SIGNALS,
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
    signal: str, given_records: Iterable[Record], given_place: str, minute: int = 0
) -> dict[str, Any]:
    """Return the OTLP request for records in their short form; neighbours of one resource and scope share it.

    `minute` is how long after the first ones they are. What a delta counts begins a minute before its time.
    Raises Problem for a field or value that a record of the signal cannot have.
    """
    resources_key, scopes_key, records_key = LISTS_BY_SIGNAL[SIGNALS[signal]]
    resource_groups: list[dict[str, Any]] = []
    previous_shared_fields: Any = None
    time = _START_TIME + minute * NANOSECONDS_BY_UNIT["m"]
    for record_index, record in enumerate(given_records):
        place = f"{given_place}.{signal}[{record_index}]"
        _check_record(signal, record, place)
        shared_fields = (record.get("resource") or {}, record.get("scope") or {})
        if shared_fields != previous_shared_fields:
            resource, scope = shared_fields
            scope_records: dict[str, Any] = {"scope": _write_scope(scope), records_key: []}
            resource_groups.append(
                {"resource": {"attributes": _write_attributes(resource)}, scopes_key: [scope_records]}
            )
            previous_shared_fields = shared_fields
        last_records = resource_groups[-1][scopes_key][0][records_key]
        _add_written_record(_WRITERS_BY_SIGNAL[signal](record, place, time), last_records)
    return {resources_key: resource_groups}


def _write_scope(scope: Mapping[str, Any]) -> dict[str, Any]:
    """Return a scope as OTLP has it."""
    return {
        "name": scope.get("name", ""),
        "version": str(scope.get("version", "")),
        "attributes": _write_attributes(scope.get("attributes") or {}),
    }


def _add_written_record(written_record: dict[str, Any], written_records: list[dict[str, Any]]) -> None:
    """Add a record to its list; data points of one metric that follow each other become one metric."""
    kind = find_metric_kind(written_record)
    if kind and written_records and _is_same_metric(written_records[-1], written_record, kind):
        written_records[-1][kind]["dataPoints"] += written_record[kind]["dataPoints"]
    else:
        written_records.append(written_record)


def _is_same_metric(first_metric: Mapping[str, Any], second_metric: Mapping[str, Any], kind: str) -> bool:
    """Whether two metrics, of which the other is of this kind, differ in their data points alone."""
    return kind in first_metric and _remove_points(first_metric, kind) == _remove_points(second_metric, kind)


def _remove_points(metric: Mapping[str, Any], kind: str) -> dict[str, Any]:
    return {**metric, kind: {key: value for key, value in metric[kind].items() if key != "dataPoints"}}


def _check_record(signal: str, record: Any, place: str) -> None:
    """Raise Problem for what is no record of a signal: no mapping, or one with other fields."""
    if not isinstance(record, Mapping):
        raise Problem(
            "a record must be a mapping", where=place, fix=f"Its fields: {', '.join(FIELDS_BY_SIGNAL[signal])}."
        )
    for field_name in record:
        if field_name not in FIELDS_BY_SIGNAL[signal]:
            problem = (
                f"there is no field '{field_name}' in records of"
                f" {signal}{suggest_word(str(field_name), FIELDS_BY_SIGNAL[signal])}"
            )
            raise Problem(problem, where=place, fix=f"Fields: {', '.join(FIELDS_BY_SIGNAL[signal])}.")
    for field_name in COMMON_FIELDS:
        if not isinstance(record.get(field_name) or {}, Mapping):
            raise Problem(f"'{field_name}' must be a mapping", where=place, fix="Write `key: value` pairs.")


def _find_number_of_word(
    record: Mapping[str, Any], field: str, words: tuple[str, ...], default: str, place: str
) -> int:
    """Return the number that OTLP has for the word in a field. Raises Problem for another word."""
    value = record.get(field, default)
    if value not in words:
        raise Problem(f"'{value}' is not a {field}", where=place, fix=f"One of: {', '.join(words)}.")
    return words.index(value)


def _write_span(record: Record, place: str, time: int) -> dict[str, Any]:
    """Return a span as OTLP has it, which begins at a time in nanoseconds."""
    end_time = time + parse_nanoseconds(record.get("duration", "10ms"), place)
    status = {
        "code": _find_number_of_word(record, "status", STATUS_WORDS, "unset", place),
        "message": str(record.get("message", "")),
    }
    span = {
        "name": str(record.get("name", "span")),
        "kind": _find_number_of_word(record, "kind", SPAN_KINDS, "internal", place),
        "traceId": make_identifier(record.get("trace", place), TRACE_DIGITS),
        "spanId": make_identifier(record.get("id", f"{place} span"), SPAN_DIGITS),
        "startTimeUnixNano": str(time),
        "endTimeUnixNano": str(end_time),
        "attributes": _write_attributes(record.get("attributes") or {}),
        "status": status,
        "events": [_write_event(event) for event in record.get("events") or ()],
    }
    if record.get("parent"):
        span["parentSpanId"] = make_identifier(record["parent"], SPAN_DIGITS)
    return span


def _write_event(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event of a span as OTLP has it."""
    return {"name": str(event.get("name", "")), "attributes": _write_attributes(event.get("attributes") or {})}


def _write_metric(record: Record, place: str, time: int) -> dict[str, Any]:
    """Return a metric with one data point as OTLP has it, of a time in nanoseconds."""
    kind = METRIC_POINT_KINDS[_find_number_of_word(record, "type", METRIC_POINT_KINDS, "gauge", place)]
    count_start = time if record.get("temporality") == "delta" else _START_TIME
    data_point: dict[str, Any] = {
        "startTimeUnixNano": str(count_start - NANOSECONDS_BY_UNIT["m"]),
        "timeUnixNano": str(time),
        "attributes": _write_attributes(record.get("attributes") or {}),
    }
    data_point |= _write_buckets(record) if kind == "histogram" else _write_number(record, place)
    metric_data: dict[str, Any] = {"dataPoints": [data_point]}
    if kind != "gauge":
        metric_data["aggregationTemporality"] = _find_number_of_word(
            record, "temporality", TEMPORALITY_WORDS, "cumulative", place
        )
    if kind == "sum":
        metric_data["isMonotonic"] = bool(record.get("monotonic", True))
    return {
        "name": str(record.get("name", "metric")),
        "unit": str(record.get("unit", "")),
        "description": str(record.get("description", "")),
        kind: metric_data,
    }


def _write_buckets(record: Record) -> dict[str, Any]:
    """Return what a point of a histogram has; without buckets, all is in the first."""
    bounds = list(record.get("bounds") or ())
    buckets = list(record.get("buckets") or [record.get("count", 1), *[0] * len(bounds)])
    return {
        "explicitBounds": bounds,
        "bucketCounts": [str(bucket_count) for bucket_count in buckets],
        "count": str(record.get("count", sum(buckets))),
        "sum": record.get("sum", 0),
    }


def _write_number(record: Record, place: str) -> dict[str, Any]:
    """Return what a point of a gauge or sum has. Raises Problem for a value that is no number."""
    value = record.get("value", 1)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Problem(f"the value '{value}' is not a number", where=place, fix="Write an integer or a float.")
    return {"asInt": str(value)} if isinstance(value, int) else {"asDouble": value}


def _write_log(record: Record, place: str, time: int) -> dict[str, Any]:
    """Return a log record as OTLP has it, of a time in nanoseconds."""
    severity = record.get("severity", 0)
    severity_number = SEVERITY_NUMBERS.get(severity, severity)
    if not isinstance(severity_number, int):
        raise Problem(
            f"'{severity}' is not a severity", where=place, fix=f"A number, or: {', '.join(SEVERITY_NUMBERS)}."
        )
    text_of_severity = severity if isinstance(severity, str) else ""
    log = {
        "timeUnixNano": str(time),
        "observedTimeUnixNano": str(time),
        "severityNumber": severity_number,
        "severityText": str(record.get("severity_text", text_of_severity)),
        "eventName": str(record.get("event_name", "")),
        "body": _write_value(record.get("body", "")),
        "attributes": _write_attributes(record.get("attributes") or {}),
    }
    if "trace" in record:
        log["traceId"] = make_identifier(record["trace"], TRACE_DIGITS)
    if "id" in record:
        log["spanId"] = make_identifier(record["id"], SPAN_DIGITS)
    return log


_WRITERS_BY_SIGNAL = {"spans": _write_span, "metrics": _write_metric, "logs": _write_log}


def _write_attributes(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a mapping as the pairs of OTLP."""
    return [{"key": str(key), "value": _write_value(value)} for key, value in values.items()]


def _write_value(value: Any) -> dict[str, Any]:
    """Return a value with the tag that OTLP gives it by its type; nothing for none."""
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
