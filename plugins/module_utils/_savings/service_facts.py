# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of the telemetry of each service, for the rules of the Instrumentation Score. Private."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .captured_records import CLIENT, INTERNAL, Record, Resource, read_severity_level
from .span_use import SpanRow

SHORT_SPAN_MS = 5
SETTLED_SECONDS = 10
"""A parent ends, and is sent, after its children: of traces that end so late in a capture, parents may be missing."""
MOST_VALUES = 10_000
"""Source: rule MET-001."""
_NANOSECONDS_PER_MS, _NANOSECONDS_PER_SECOND = 1_000_000, 1_000_000_000
_POD_ATTRIBUTES = ("k8s.pod.uid", "k8s.pod.name")
_POD_PREFIXES = ("k8s.pod.", "k8s.container.")
_INSTANCE_ATTRIBUTE = "service.instance.id"


@dataclass
class SpanFacts:
    """What is known of the spans of a service. The counters are by trace."""

    spans: int = 0
    roots: int = 0
    client_roots: int = 0
    internal: Counter[int] = field(default_factory=Counter)
    short: Counter[int] = field(default_factory=Counter)
    orphans: int = 0
    unsettled_orphans: int = 0


@dataclass
class MetricFacts:
    """What is known of a metric: its units, the bounds of its histograms, and the values of each attribute."""

    units: set[str] = field(default_factory=set)
    bounds: set[str] = field(default_factory=set)
    values: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))


@dataclass
class ServiceFacts:
    """What is known of a service. `pods` are the pods of each instance id."""

    name: str = ""
    resources: int = 0
    without_instance: int = 0
    in_pods: int = 0
    in_pods_without_uid: int = 0
    pods: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    resource_names: set[str] = field(default_factory=set)
    record_names: set[str] = field(default_factory=set)
    logs: int = 0
    logs_without_severity: int = 0
    metrics: dict[str, MetricFacts] = field(default_factory=lambda: defaultdict(MetricFacts))
    spans: SpanFacts = field(default_factory=SpanFacts)
    start: int = 0
    end: int = 0
    """The times of the first and the last data point, in nanoseconds."""

    def add_resource(self, resource: Resource) -> None:
        """Note a resource."""
        self.name = resource.service
        self.resources += 1
        self.resource_names.update(resource.attributes)
        instance_id = resource.text(_INSTANCE_ATTRIBUTE)
        pod = next(filter(None, map(resource.text, _POD_ATTRIBUTES)), "")
        self.without_instance += not instance_id
        if instance_id and pod:
            self.pods[instance_id].add(pod)
        if any(name.startswith(_POD_PREFIXES) for name in resource.attributes):
            self.in_pods += 1
            self.in_pods_without_uid += not resource.text(_POD_ATTRIBUTES[0])

    def add(self, record: Record) -> None:
        """Note a span, a metric or a log record."""
        if record.signal == "metrics":
            self._add_metric(record)
            return
        for _holder, attributes in record.holders:
            self.record_names.update(attributes)
        if record.signal == "logs":
            self.logs += 1
            self.logs_without_severity += not read_severity_level(record.body)

    def _add_metric(self, record: Record) -> None:
        metric_facts = self.metrics[str(record.body.get("name") or "")]
        metric_facts.units.add(str(record.body.get("unit") or ""))
        for point, attributes in record.holders:
            if "explicitBounds" in point:
                metric_facts.bounds.add(str(point["explicitBounds"]))
            for name, value in attributes.items():
                if len(metric_facts.values[name]) < MOST_VALUES:
                    metric_facts.values[name].add(hash(value))
            point_time = int(point.get("timeUnixNano") or 0)
            if point_time:
                self.start = min(self.start or point_time, point_time)
                self.end = max(self.end, point_time)


def add_facts_of_spans(spans: Iterable[SpanRow], services: Mapping[str, ServiceFacts]) -> None:
    """Note the spans of a capture with their services."""
    span_rows = list(spans)
    known_spans = {(span.trace, span.identity) for span in span_rows}
    trace_ends: dict[int, int] = {}
    for span in span_rows:
        trace_ends[span.trace] = max(trace_ends.get(span.trace, 0), span.end)
    settled_until = max(trace_ends.values(), default=0) - SETTLED_SECONDS * _NANOSECONDS_PER_SECOND
    for span in span_rows:
        span_facts = services[span.service].spans
        _count_span(span_facts, span)
        if span.parent and (span.trace, span.parent) not in known_spans:
            is_settled = trace_ends[span.trace] <= settled_until
            span_facts.orphans += is_settled
            span_facts.unsettled_orphans += not is_settled


def _count_span(span_facts: SpanFacts, span: SpanRow) -> None:
    span_facts.spans += 1
    if not span.parent:
        span_facts.roots += 1
        span_facts.client_roots += span.kind == CLIENT
    span_facts.internal[span.trace] += span.kind == INTERNAL
    span_facts.short[span.trace] += span.end - span.start < SHORT_SPAN_MS * _NANOSECONDS_PER_MS
