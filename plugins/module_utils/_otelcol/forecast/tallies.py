# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What requests of OTLP hold: items, bytes, series and attributes, by signal and by who sent them. Private."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..otlp_requests import LISTS, points_of, records_of

SERVICE, NAMESPACE = "service.name", "k8s.namespace.name"
RESOURCE, RECORD = "resource", "record"


class Sender(NamedTuple):
    """Whose telemetry it is, by attributes of the resource; empty where the resource has none."""

    service: str
    namespace: str
    tenant: str


class Value(NamedTuple):
    """The value of an attribute: its kind, such as `intValue`, and its content."""

    kind: str
    content: Any


Attributes = Mapping[str, Value]


@dataclass
class Tally:
    """What requests of one signal hold.

    `items` are spans, data points or log records. `sizes` are bytes of JSON, which say how the items share the bytes
    that an exporter sends. `traces` are items by trace, `series` the different series of metrics, each by its hash.
    """

    items: Counter[Sender] = field(default_factory=Counter)
    sizes: Counter[Sender] = field(default_factory=Counter)
    traces: Counter[int] = field(default_factory=Counter)
    series: dict[int, Sender] = field(default_factory=dict)
    attributes: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Items by the attributes that they have: whether of the resource or of the record, and the name."""

    @property
    def total(self) -> int:
        """The number of items."""
        return self.items.total()

    def add(self, signal: str, request: Mapping[str, Any], tenant_attribute: str = "", request_size: int = 0) -> None:
        """Count a request of a signal. `tenant_attribute` names the tenant of a resource.

        `request_size` is the size of the request in bytes of JSON. If it has one resource, that is the size of the
        resource too, which need not be written as JSON again to be measured.
        """
        resources = request.get(LISTS[signal][0]) or ()
        for resource in resources:
            attributes = _named(resource.get("resource"))
            sender = _sender(attributes, tenant_attribute)
            before = self.items[sender]
            for record in records_of(signal, resource):
                self._add_record(signal, record, sender, attributes)
            items = self.items[sender] - before
            self.sizes[sender] += request_size if request_size and len(resources) == 1 else _size(resource)
            for name in attributes:
                self.attributes[RESOURCE, name] += items

    def _add_record(self, signal: str, record: Mapping[str, Any], sender: Sender, resource: Attributes) -> None:
        if signal == "metrics":
            self._add_metric(record, sender, resource)
            return
        self.items[sender] += 1
        for attribute in record.get("attributes") or ():
            self.attributes[RECORD, attribute.get("key", "")] += 1
        if signal == "traces":
            trace = record.get("traceId")
            self.traces[hash(trace) if trace else -len(self.traces)] += 1

    def _add_metric(self, metric: Mapping[str, Any], sender: Sender, resource: Attributes) -> None:
        owner = hash((metric.get("name"), frozenset(resource.items())))
        for point in points_of(metric):
            self.items[sender] += 1
            named = _named(point)
            self.series[hash((owner, frozenset(named.items())))] = sender
            for name in named:
                self.attributes[RECORD, name] += 1


def _named(holder: Mapping[str, Any] | None) -> dict[str, Value]:
    """Return the attributes of a resource or a data point, by name."""
    listed = (holder or {}).get("attributes") or ()
    return {attribute.get("key", ""): _value(attribute.get("value")) for attribute in listed}


def _value(tagged: Any) -> Value:
    """Return a value of OTLP so that equal ones are equal. Lists and mappings are text."""
    if isinstance(tagged, dict) and len(tagged) == 1:
        ((kind, content),) = tagged.items()
        if not isinstance(content, (dict, list)):
            return Value(kind, content)
    return Value("", json.dumps(tagged, sort_keys=True) if tagged else "")


def _sender(attributes: Attributes, tenant_attribute: str) -> Sender:
    service, namespace, tenant = (attributes.get(name) for name in (SERVICE, NAMESPACE, tenant_attribute))
    return Sender(_text(service), _text(namespace), _text(tenant))


def _text(value: Value | None) -> str:
    return "" if value is None else str(value.content)


def _size(resource: Mapping[str, Any]) -> int:
    return len(json.dumps(resource, separators=(",", ":"), ensure_ascii=False).encode())
