# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a capture has, record by record, with the bytes of each. Private.

Bytes are those of OTLP in JSON, as a capture has them: they say how records and attributes share what is sent, before
it is compressed.
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
from .._otelcol.otlp_requests import LISTS, points_of, text_size

_COMMA = 1
_AROUND = len('{"key":,"value":},')
"""What an attribute has in JSON beside its name and its value."""
# An encoder that is made once takes half of the time of `json.dumps`.
_quoted = encode_basestring
_written = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, sort_keys=True).encode
_KINDS = ("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")
_STATUS = ("UNSET", "OK", "ERROR")
_LEVELS = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
_STEPS_OF_LEVEL = 4
"""Each level of severity has four numbers, from 1. Source: `SeverityNumber` of `logs.proto`."""
INTERNAL, CLIENT, ERROR = "INTERNAL", "CLIENT", "ERROR"
_VALUE_FIELDS = ("asDouble", "asInt", "count", "sum", "bucketCounts", "quantileValues", "positive", "negative")


class Amount(NamedTuple):
    """A number of spans, data points or log records, and their bytes of JSON."""

    items: int
    size: int

    def plus(self, items: int, size: int) -> Amount:
        """Return the sum."""
        return Amount(self.items + items, self.size + size)


NOTHING = Amount(0, 0)


@dataclass(frozen=True)
class Resource:
    """The resource of records: its attributes, each value in JSON, and the bytes of all that it has."""

    attributes: Mapping[str, str]
    size: int

    @cached_property
    def identity(self) -> int:
        """A number that equal resources share."""
        return hash(frozenset(self.attributes.items()))

    @cached_property
    def service(self) -> str:
        """The value of `service.name`; empty without one."""
        return self.text(SERVICE)

    def text(self, name: str) -> str:
        """Return the value of an attribute as text; empty without one."""
        return text_of_json(self.attributes.get(name, ""))


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
        given = points_of(self.body) if self.signal == "metrics" else (self.body,)
        return [(holder, named(holder)) for holder in given]

    @property
    def items(self) -> int:
        """How many spans, data points or log records it is."""
        return len(self.holders)


@dataclass(frozen=True)
class Readable:
    """Which values of a capture can be read: all, or those that it did not mask."""

    is_masked: bool = False
    kept: frozenset[str] = frozenset()
    other_pods: int = 0
    """How many pods shared the load with the one of the capture, which so has a part of each trace."""

    @classmethod
    def of(cls, facts: CaptureFacts, manifest: Mapping[str, Any]) -> Readable:
        """Return what the manifest of a capture says of its values."""
        others = manifest.get("other_pods")
        return cls(facts.is_masked, frozenset(facts.kept_attributes), others if isinstance(others, int) else 0)

    def reads(self, name: str) -> bool:
        """Return whether the values of an attribute are readable."""
        return not self.is_masked or name in self.kept


def resources_of(signal: str, request: Mapping[str, Any]) -> Iterator[tuple[Resource, list[Record]]]:
    """Yield each resource of a request with its records.

    What stands around records, such as the attributes of their resource, counts as theirs in equal parts: it goes with
    the last of them.
    """
    resources, scopes, records = LISTS[signal]
    for given in request.get(resources) or ():
        resource = Resource(named(given.get("resource")), json_size(given))
        found: list[Record] = []
        for scope in given.get(scopes) or ():
            name = str((scope.get("scope") or {}).get("name") or "")
            for body in scope.get(records) or ():
                text = _written(body)
                found.append(Record(signal, resource, name, body, text_size(text) + _COMMA, hash(text)))
        around = resource.size - sum(record.size for record in found)
        yield resource, [replace(record, size=record.size + around // len(found)) for record in found]


def named(holder: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the attributes of a resource or record, each value in JSON."""
    listed = (holder or {}).get("attributes") or ()
    return {str(pair.get("key", "")): _value(pair.get("value") or {}) for pair in listed}


def _value(value: Mapping[str, Any]) -> str:
    text = value.get("stringValue")
    # Most values are texts, and a single text is written in a fifth of the time.
    return f'{{"stringValue":{_quoted(text)}}}' if isinstance(text, str) else _written(value)


def text_of_json(value: str) -> str:
    """Return the text of a value of an attribute in JSON."""
    tagged = json.loads(value) if value else {}
    return str(next(iter((tagged or {}).values()), ""))


def value_of(point: Mapping[str, Any]) -> str:
    """Return what a data point measured, in JSON."""
    return _written([point.get(name) for name in _VALUE_FIELDS])


def json_size(part: Any) -> int:
    """Return the bytes of a part of a request in JSON without spaces."""
    return text_size(_written(part))


def attribute_size(name: str, value: str) -> int:
    """Return the bytes of an attribute, whose value is in JSON, in the list that has it."""
    return text_size(_quoted(name)) + text_size(value) + _AROUND


def span_kind(span: Mapping[str, Any]) -> str:
    """Return the kind of a span, such as `INTERNAL`; OTLP has it as a number or as a name."""
    return _enumerated(span.get("kind"), _KINDS, "SPAN_KIND_")


def is_error(span: Mapping[str, Any]) -> bool:
    """Return whether the status of a span is an error."""
    return _enumerated((span.get("status") or {}).get("code"), _STATUS, "STATUS_CODE_") == ERROR


def level_of(log: Mapping[str, Any]) -> str:
    """Return the level of a log record, such as `DEBUG`; empty if it has no severity number."""
    number = log.get("severityNumber") or 0
    if isinstance(number, int):
        return _LEVELS[min((number - 1) // _STEPS_OF_LEVEL, len(_LEVELS) - 1)] if number > 0 else ""
    name = str(number).removeprefix("SEVERITY_NUMBER_").rstrip("234")
    return name if name in _LEVELS else ""


def _enumerated(value: Any, names: tuple[str, ...], prefix: str) -> str:
    """Return the name of a value of an enumeration of OTLP."""
    if isinstance(value, int):
        return names[value] if 0 <= value < len(names) else names[0]
    name = str(value or "").removeprefix(prefix)
    return name if name in names else names[0]
