# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What requests of OTLP hold: items, bytes, series and attributes, by signal and by the service of each. Private.

The receiver of a replay (replay.py in plugin_utils) keeps one `Tally` for each exporter and signal, and adds each
request to it. Three spans of service `cart`, of one trace, make `items_by_sender == {SenderName("cart", "", ""): 3}`,
and one entry of `items_by_trace` with 3. sent_changes.py compares the tallies of before and after a change.

An item is a span, a data point or a log record. A series is all points of a metric with the same attributes. A sender
is the service whose telemetry it is. Traces, series and metrics are kept by their hashes, since there may be millions.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..otlp_requests import MeasuredResource, list_points, list_records
from .record_kinds import RecordKinds

# The attributes of a resource that say whose it is.
SERVICE = "service.name"
NAMESPACE = "k8s.namespace.name"
# What has an attribute: the resource, or the span, data point or log record itself.
RESOURCE = "resource"
RECORD = "record"
_SCALAR_TYPES = (str, int, float)
"""Content of a value that is neither a list nor a mapping."""


class SenderName(NamedTuple):
    """Whose telemetry it is, by attributes of the resource; empty where the resource has none."""

    service: str
    namespace: str
    tenant: str


class AttributeName(NamedTuple):
    """The name of an attribute, and what has it."""

    holder: str
    """`RESOURCE` or `RECORD`."""
    name: str


@dataclass(slots=True)
class MetricSeries:
    """A series of metrics: whose it is, and when it was measured.

    Times are nanoseconds since 1970, and 0 is none, as in OTLP.
    """

    sender: SenderName
    metric: int
    """The hash of the name of its metric."""
    first_time: int
    last_time: int
    longest_gap: int = 0
    """The longest time between two of its points."""

    def note_measurement(self, time: int) -> None:
        """Count a point of some time; one without says nothing."""
        if not time:
            return
        if not self.first_time:
            self.first_time = self.last_time = time
        elif time > self.last_time:
            self.longest_gap = max(self.longest_gap, time - self.last_time)
            self.last_time = time
        elif time < self.first_time:
            self.longest_gap = max(self.longest_gap, self.first_time - time)
            self.first_time = time


@dataclass
class Tally:
    """What requests of one signal hold."""

    items_by_sender: Counter[SenderName] = field(default_factory=Counter)
    bytes_by_sender: Counter[SenderName] = field(default_factory=Counter)
    """Bytes of JSON, which say how the senders share the bytes that an exporter sends."""
    items_by_trace: Counter[int] = field(default_factory=Counter)
    """The items of each trace, by the hash of its id."""
    series_by_hash: dict[int, MetricSeries] = field(default_factory=dict)
    record_kinds: RecordKinds = field(default_factory=RecordKinds)
    """Log records and data points by kind."""
    items_by_resource_attribute: Counter[str] = field(default_factory=Counter)
    """How many items have an attribute of that name at their resource."""
    items_by_record_attribute: Counter[str] = field(default_factory=Counter)
    """How many items have an attribute of that name themselves."""

    @property
    def item_count(self) -> int:
        """The number of items."""
        return self.items_by_sender.total()

    @property
    def items_by_attribute(self) -> dict[AttributeName, int]:
        """The names of the attributes of all items, and how many items have each."""
        counts = {}
        for name, items in self.items_by_resource_attribute.items():
            counts[AttributeName(RESOURCE, name)] = items
        for name, items in self.items_by_record_attribute.items():
            counts[AttributeName(RECORD, name)] = items
        return counts

    def add_resources(self, signal: str, resources: Iterable[MeasuredResource], tenant_attribute: str = "") -> None:
        """Count the resources of a request of a signal. `tenant_attribute` names the attribute with the tenant."""
        for content, size in resources:
            attributes = _map_attribute_values(content.get("resource"))
            sender = _identify_sender(attributes, tenant_attribute)
            self.bytes_by_sender[sender] += size
            if signal == "metrics":
                items = self._add_metrics(content, sender)
            else:
                items = self._add_records(signal, content, sender)
            if items:
                self.items_by_sender[sender] += items
                self.items_by_resource_attribute.update(dict.fromkeys(attributes, items))

    def _add_records(self, signal: str, resource: Mapping[str, Any], sender: SenderName) -> int:
        """Count the records of a resource, and return how many there are."""
        record_list = list(list_records(signal, resource))
        for record in record_list:
            self.items_by_record_attribute.update(_list_attribute_names(record))
        if signal == "traces":
            self._add_traces(record_list)
        elif signal == "logs":
            self._add_logs(record_list, sender.service)
        return len(record_list)

    def _add_traces(self, spans: Iterable[Mapping[str, Any]]) -> None:
        """Count spans by trace. A span without a trace is one of its own, by a number that is not taken."""
        for span in spans:
            trace_id = span.get("traceId")
            unit = hash(trace_id) if trace_id else -len(self.items_by_trace)
            self.items_by_trace[unit] += 1

    def _add_logs(self, records: Iterable[Mapping[str, Any]], service: str) -> None:
        for record in records:
            self.record_kinds.add_log(record, service)

    def _add_metrics(self, resource: Mapping[str, Any], sender: SenderName) -> int:
        """Count the data points of a resource, and return how many there are."""
        resource_identity = _identify_attributes(resource.get("resource"))
        items = 0
        for metric in list_records("metrics", resource):
            points = list(list_points(metric))
            items += len(points)
            self._add_kind(str(metric.get("name") or ""), points)
            metric_hash = hash(metric.get("name"))
            metric_identity = hash((metric_hash, resource_identity))
            for point in points:
                series_hash = hash((metric_identity, _identify_attributes(point)))
                self._add_point(series_hash, metric_hash, sender, time=int(point.get("timeUnixNano") or 0))
        return items

    def _add_kind(self, metric: str, points: Sequence[Mapping[str, Any]]) -> None:
        """Count the points of a metric as one kind, and their attributes."""
        names = Counter[str]()
        for point in points:
            names.update(_list_attribute_names(point))
        self.items_by_record_attribute.update(names)
        self.record_kinds.add_points(metric, len(points), set(names))

    def _add_point(self, series_hash: int, metric_hash: int, sender: SenderName, *, time: int) -> None:
        """Note that a series was measured at a time."""
        series = self.series_by_hash.get(series_hash)
        if series is None:
            self.series_by_hash[series_hash] = MetricSeries(sender, metric_hash, first_time=time, last_time=time)
        else:
            series.note_measurement(time)


def _list_attribute_names(record: Mapping[str, Any]) -> set[str]:
    """Return the names of the attributes of a record or a data point."""
    return {attribute.get("key", "") for attribute in record.get("attributes") or ()}


def _identify_attributes(holder: Mapping[str, Any] | None) -> frozenset[Hashable]:
    """Return a value that is equal for holders with the same attributes, in any order.

    It compares attributes as they are written, since a Collector writes equal attributes alike.
    """
    return frozenset([_identify_attribute(attribute) for attribute in (holder or {}).get("attributes") or ()])


def _identify_attribute(attribute: Mapping[str, Any]) -> Hashable:
    """Return a value that is equal for equal attributes. For scalars, its parts are faster than the whole as text."""
    for kind, content in (attribute.get("value") or {}).items():
        if isinstance(content, _SCALAR_TYPES):
            return attribute.get("key"), kind, content
    return str(attribute)


def _map_attribute_values(holder: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the values of the attributes of a resource by name, each with its kind, such as `stringValue`."""
    attribute_list = (holder or {}).get("attributes") or ()
    return {attribute.get("key", ""): attribute.get("value") for attribute in attribute_list}


def _identify_sender(attributes: Mapping[str, Any], tenant_attribute: str) -> SenderName:
    return SenderName(
        service=_format_value(attributes.get(SERVICE)),
        namespace=_format_value(attributes.get(NAMESPACE)),
        tenant=_format_value(attributes.get(tenant_attribute)),
    )


def _format_value(tagged: Any) -> str:
    """Return a value of OTLP as text: `cart` for `{"stringValue": "cart"}`. Lists and mappings are JSON."""
    if isinstance(tagged, dict) and len(tagged) == 1:
        (content,) = tagged.values()
        if not isinstance(content, (dict, list)):
            return str(content)
    return json.dumps(tagged, sort_keys=True) if tagged else ""
