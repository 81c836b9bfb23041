# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a capture has, record by record, with the bytes of each. Private.

`observation.py` reads the requests of a capture with `read_resources`, and the files that look at records take a
`Record`. Bytes are those of OTLP in JSON, as a capture has them: they say how records and attributes share what is
sent, before it is compressed.

Example: a request with one resource of 100 bytes and two spans of 200 bytes each yields two records of 250 bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from json.encoder import encode_basestring
from typing import Any, NamedTuple

from .._otelcol.forecast.capture_facts import CaptureFacts
from .._otelcol.forecast.tallies import SERVICE
from .._otelcol.otlp_requests import LISTS_BY_SIGNAL, list_points, measure_text

_COMMA_BYTES = 1
_ATTRIBUTE_OVERHEAD = len('{"key":,"value":},')
"""What an attribute has in JSON beside its name and its value."""
# These two write JSON. An encoder that is made once takes half of the time of `json.dumps`.
_encode_text = encode_basestring
_encode_json = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, sort_keys=True).encode
_SPAN_KINDS = ("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")
_STATUS_NAMES = ("UNSET", "OK", "ERROR")
_SEVERITY_LEVELS = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
_NUMBERS_PER_LEVEL = 4
"""Each level of severity has four numbers, from 1. Source: `SeverityNumber` of `logs.proto`."""
# Kinds of spans, and a status, that other files ask for.
INTERNAL = "INTERNAL"
CLIENT = "CLIENT"
ERROR = "ERROR"
# The fields of a data point that have what it measured.
_VALUE_FIELDS = ("asDouble", "asInt", "count", "sum", "bucketCounts", "quantileValues", "positive", "negative")


class Amount(NamedTuple):
    """A number of spans, data points or log records, and their bytes of JSON."""

    item_count: int
    size_bytes: int

    def plus(self, items: int, size: int) -> Amount:
        """Return the sum."""
        return Amount(self.item_count + items, self.size_bytes + size)


NO_AMOUNT = Amount(0, 0)


@dataclass(frozen=True)
class Resource:
    """The resource of records: its attributes, each value in JSON, and the bytes of all that it has."""

    attributes: Mapping[str, str]
    size_bytes: int

    @cached_property
    def identity(self) -> int:
        """A number that equal resources share."""
        return hash(frozenset(self.attributes.items()))

    @cached_property
    def service_name(self) -> str:
        """The value of `service.name`; empty without one."""
        return self.text(SERVICE)

    def text(self, name: str) -> str:
        """Return the value of an attribute as text; empty without one."""
        return decode_attribute_text(self.attributes.get(name, ""))


@dataclass(frozen=True)
class Record:
    """A span, a metric or a log record. `size` are its bytes with its part of what stands around."""

    signal: str
    resource: Resource
    scope: str
    body: Mapping[str, Any]
    size: int
    digest: int
    """A number that records with equal text share."""

    @cached_property
    def holders(self) -> list[tuple[Mapping[str, Any], dict[str, str]]]:
        """The data points of a metric, or the record itself, each with its attributes, whose values are in JSON."""
        holders = list_points(self.body) if self.signal == "metrics" else (self.body,)
        return [(holder, read_attributes(holder)) for holder in holders]

    @property
    def items(self) -> int:
        """How many spans, data points or log records it is."""
        return len(self.holders)


@dataclass(frozen=True)
class ReadableValues:
    """Which values of a capture can be read: all, or those that it did not mask."""

    is_masked: bool = False
    unmasked_names: frozenset[str] = frozenset()
    other_pod_count: int = 0
    """How many pods shared the load with the one of the capture, which so has a part of each trace."""

    @classmethod
    def from_manifest(cls, facts: CaptureFacts, manifest: Mapping[str, Any]) -> ReadableValues:
        """Return what the manifest of a capture says of its values."""
        other_pods = manifest.get("other_pods")
        return cls(
            is_masked=facts.is_masked,
            unmasked_names=frozenset(facts.kept_attributes),
            other_pod_count=other_pods if isinstance(other_pods, int) else 0,
        )

    def can_read(self, name: str) -> bool:
        """Return whether the values of an attribute are readable."""
        return not self.is_masked or name in self.unmasked_names


def read_resources(signal: str, request: Mapping[str, Any]) -> Iterator[tuple[Resource, list[Record]]]:
    """Yield each resource of a request with its records.

    What stands around records, such as the attributes of their resource, counts as theirs in equal parts: it goes with
    the last of them.
    """
    resource_list_key = LISTS_BY_SIGNAL[signal][0]
    for resource_part in request.get(resource_list_key) or ():
        resource = Resource(read_attributes(resource_part.get("resource")), measure_json_size(resource_part))
        records = list(_read_records(signal, resource, resource_part))
        overhead = resource.size_bytes - sum(record.size for record in records)
        yield resource, [replace(record, size=record.size + overhead // len(records)) for record in records]


def _read_records(signal: str, resource: Resource, resource_part: Mapping[str, Any]) -> Iterator[Record]:
    """Yield the records of a resource, each with its own bytes alone."""
    _resource_list_key, scope_list_key, record_list_key = LISTS_BY_SIGNAL[signal]
    for scope in resource_part.get(scope_list_key) or ():
        scope_name = str((scope.get("scope") or {}).get("name") or "")
        for body in scope.get(record_list_key) or ():
            body_json = _encode_json(body)
            yield Record(
                signal=signal,
                resource=resource,
                scope=scope_name,
                body=body,
                size=measure_text(body_json) + _COMMA_BYTES,
                digest=hash(body_json),
            )


def read_attributes(holder: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the attributes of a resource or record, each value in JSON: `{"cpu": '{"intValue":"4"}'}`."""
    attribute_pairs = (holder or {}).get("attributes") or ()
    return {str(pair.get("key", "")): _encode_attribute_value(pair.get("value") or {}) for pair in attribute_pairs}


def _encode_attribute_value(value: Mapping[str, Any]) -> str:
    """Return the value of an attribute in JSON, such as `{"stringValue":"cart"}`."""
    text_value = value.get("stringValue")
    # Most values are texts, and a single text is written in a fifth of the time.
    if isinstance(text_value, str):
        return '{"stringValue":' + _encode_text(text_value) + "}"
    return _encode_json(value)


def decode_attribute_text(value: str) -> str:
    """Return the text of a value of an attribute in JSON: `cart` of `{"stringValue":"cart"}`."""
    tagged_value = json.loads(value) if value else {}
    return str(next(iter((tagged_value or {}).values()), ""))


def encode_point_value(point: Mapping[str, Any]) -> str:
    """Return what a data point measured, in JSON."""
    return _encode_json([point.get(name) for name in _VALUE_FIELDS])


def measure_json_size(request_part: Any) -> int:
    """Return the bytes of a part of a request in JSON without spaces."""
    return measure_text(_encode_json(request_part))


def measure_attribute_size(name: str, value: str) -> int:
    """Return the bytes of an attribute, whose value is in JSON, in the list that has it."""
    return measure_text(_encode_text(name)) + measure_text(value) + _ATTRIBUTE_OVERHEAD


def read_span_kind(span: Mapping[str, Any]) -> str:
    """Return the kind of a span, such as `INTERNAL`; OTLP has it as a number or as a name."""
    return _read_enum_name(span.get("kind"), _SPAN_KINDS, "SPAN_KIND_")


def has_error_status(span: Mapping[str, Any]) -> bool:
    """Return whether the status of a span is an error."""
    return _read_enum_name((span.get("status") or {}).get("code"), _STATUS_NAMES, "STATUS_CODE_") == ERROR


def read_severity_level(log: Mapping[str, Any]) -> str:
    """Return the level of a log record, such as `DEBUG`; empty if it has no severity number."""
    severity = log.get("severityNumber") or 0
    if isinstance(severity, int):
        if severity <= 0:
            return ""
        level = min((severity - 1) // _NUMBERS_PER_LEVEL, len(_SEVERITY_LEVELS) - 1)
        return _SEVERITY_LEVELS[level]
    # Such as SEVERITY_NUMBER_INFO2.
    name = str(severity).removeprefix("SEVERITY_NUMBER_").rstrip("234")
    return name if name in _SEVERITY_LEVELS else ""


def _read_enum_name(value: Any, names: tuple[str, ...], prefix: str) -> str:
    """Return the name of a value of an enumeration of OTLP; the first one for a value that is not known.

    Example: 3 and `SPAN_KIND_CLIENT` are both `CLIENT`.
    """
    if isinstance(value, int):
        return names[value] if 0 <= value < len(names) else names[0]
    name = str(value or "").removeprefix(prefix)
    return name if name in names else names[0]
