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

    def add(self, signal: str, request: Mapping[str, Any], tenant_attribute: str = "") -> None:
        """Count a request of a signal. `tenant_attribute` names the tenant of a resource."""
        for resource in request.get(LISTS[signal][0]) or ():
            attributes = _named(resource.get("resource"))
            sender = _sender(attributes, tenant_attribute)
            before = self.items[sender]
            for record in records_of(signal, resource):
                self._add_record(signal, record, sender, attributes)
            items = self.items[sender] - before
            self.sizes[sender] += _size(resource)
            for name in attributes:
                self.attributes[RESOURCE, name] += items

    def _add_record(self, signal: str, record: Mapping[str, Any], sender: Sender, resource: Mapping[str, str]) -> None:
        if signal == "metrics":
            self._add_metric(record, sender, resource)
            return
        self.items[sender] += 1
        for attribute in record.get("attributes") or ():
            self.attributes[RECORD, attribute.get("key", "")] += 1
        if signal == "traces":
            trace = record.get("traceId")
            self.traces[hash(trace) if trace else -len(self.traces)] += 1

    def _add_metric(self, metric: Mapping[str, Any], sender: Sender, resource: Mapping[str, str]) -> None:
        owner = hash((metric.get("name"), frozenset(resource.items())))
        for point in points_of(metric):
            self.items[sender] += 1
            named = _named(point)
            self.series[hash((owner, frozenset(named.items())))] = sender
            for name in named:
                self.attributes[RECORD, name] += 1


def _named(holder: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the attributes of a resource or a data point, each value in JSON."""
    listed = (holder or {}).get("attributes") or ()
    return {attribute.get("key", ""): json.dumps(attribute.get("value"), sort_keys=True) for attribute in listed}


def _sender(attributes: Mapping[str, str], tenant_attribute: str) -> Sender:
    names = (SERVICE, NAMESPACE, tenant_attribute)
    return Sender(*(_text(attributes.get(name, "")) for name in names))


def _text(value: str) -> str:
    """Return the text of a value in JSON; other values as they are."""
    if not value:
        return ""
    tagged = json.loads(value) or {}
    return str(next(iter(tagged.values()), ""))


def _size(resource: Mapping[str, Any]) -> int:
    return len(json.dumps(resource, separators=(",", ":"), ensure_ascii=False).encode())
