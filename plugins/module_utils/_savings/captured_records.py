# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a capture has, record by record, with the bytes of each. Private.

`observation.py` reads the requests of a capture with `read_resources`, and the files that look at records take a
`Record`. Bytes are those of OTLP in JSON, as a capture has them: they say how records and attributes share what is
sent, before it is compressed.

Example: a request has one resource of 500 bytes in all, which has two spans of 200 bytes each. The other 100 bytes,
such as the attributes of the resource, count as those of its spans in equal parts. So there are two records of 250
bytes.

A record is a span, a metric or a log record. An item is what is counted: a span, a data point or a log record. So a
metric with three data points is one record with three items, and any other record is its one item itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

from .._otelcol.forecast.capture_facts import CaptureFacts
from .._otelcol.forecast.tallies import SERVICE
from .._otelcol.otlp_requests import LISTS_BY_SIGNAL, list_points, measure_text
from .record_json import COMMA_BYTES, decode_attribute_text, encode_json, measure_json_size, read_attributes


class Amount(NamedTuple):
    """A number of items, and their bytes of JSON."""

    item_count: int
    size_bytes: int

    def plus(self, item_count: int, size_bytes: int) -> Amount:
        """Return the sum."""
        return Amount(self.item_count + item_count, self.size_bytes + size_bytes)


NO_AMOUNT = Amount(0, 0)


@dataclass(frozen=True)
class Resource:
    """The resource of records: its attributes, and the bytes of the part of the request that has its records."""

    attributes: Mapping[str, str]
    """Each value is in JSON (record_json.py)."""
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


class Item(NamedTuple):
    """A span, a data point or a log record."""

    body: Mapping[str, Any]
    attributes: dict[str, str]
    """Each value is in JSON (record_json.py)."""


@dataclass(frozen=True)
class Record:
    """A span, a metric or a log record."""

    signal: str
    resource: Resource
    scope: str
    body: Mapping[str, Any]
    size_bytes: int
    """Its own bytes, and its part of those that its resource has beside records."""
    digest: int
    """A number that records with equal text share."""

    @cached_property
    def items(self) -> list[Item]:
        """The data points of a metric, or the record itself."""
        bodies = list_points(self.body) if self.signal == "metrics" else (self.body,)
        return [Item(body, read_attributes(body)) for body in bodies]

    @property
    def item_count(self) -> int:
        """How many spans, data points or log records it is."""
        return len(self.items)


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

    A resource has bytes beside those of its records, such as its attributes. They are sent once for all of its records,
    and are saved only if all of these are dropped. So each record counts with an equal part of them.
    """
    resource_list_key = LISTS_BY_SIGNAL[signal][0]
    for resource_part in request.get(resource_list_key) or ():
        resource = Resource(read_attributes(resource_part.get("resource")), measure_json_size(resource_part))
        records = list(_read_records(signal, resource, resource_part))
        shared_bytes = resource.size_bytes - sum(record.size_bytes for record in records)
        sized_records = []
        for record in records:
            sized_records.append(replace(record, size_bytes=record.size_bytes + shared_bytes // len(records)))
        yield resource, sized_records


def _read_records(signal: str, resource: Resource, resource_part: Mapping[str, Any]) -> Iterator[Record]:
    """Yield the records of a resource, each with its own bytes alone."""
    _resource_list_key, scope_list_key, record_list_key = LISTS_BY_SIGNAL[signal]
    for scope in resource_part.get(scope_list_key) or ():
        scope_name = str((scope.get("scope") or {}).get("name") or "")
        for body in scope.get(record_list_key) or ():
            body_json = encode_json(body)
            yield Record(
                signal=signal,
                resource=resource,
                scope=scope_name,
                body=body,
                size_bytes=measure_text(body_json) + COMMA_BYTES,
                digest=hash(body_json),
            )
