# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of the telemetry of each service, for the rules of the Instrumentation Score. Private.

The functions of `score_rules.py` read these counts. An orphan is a span whose parent is not in the capture. It is
unsettled if its trace ends so late in the capture that the parent may still come.
"""

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
    """What is known of the spans of a service. The keys of the counters are the numbers of traces.

    A root is a span without a parent, and a short span takes less than `SHORT_SPAN_MS`.
    """

    span_count: int = 0
    root_count: int = 0
    client_root_count: int = 0
    internal_count_by_trace: Counter[int] = field(default_factory=Counter)
    short_count_by_trace: Counter[int] = field(default_factory=Counter)
    orphan_count: int = 0
    unsettled_orphan_count: int = 0


@dataclass
class MetricFacts:
    """What is known of a metric: its units, the bounds of its histograms, and the values of each attribute."""

    units: set[str] = field(default_factory=set)
    histogram_bounds: set[str] = field(default_factory=set)
    values_by_attribute: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))


@dataclass
class ServiceFacts:
    """What is known of a service. `pods_by_instance` are the pods of each instance id."""

    name: str = ""
    resource_count: int = 0
    resources_without_instance: int = 0
    resources_in_pods: int = 0
    resources_without_pod_uid: int = 0
    pods_by_instance: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    resource_attributes: set[str] = field(default_factory=set)
    record_attributes: set[str] = field(default_factory=set)
    log_count: int = 0
    logs_without_severity: int = 0
    facts_by_metric: dict[str, MetricFacts] = field(default_factory=lambda: defaultdict(MetricFacts))
    span_facts: SpanFacts = field(default_factory=SpanFacts)
    start_nanoseconds: int = 0
    end_nanoseconds: int = 0
    """The times of the first and the last data point, in nanoseconds."""

    def add_resource(self, resource: Resource) -> None:
        """Note a resource."""
        self.name = resource.service_name
        self.resource_count += 1
        self.resource_attributes.update(resource.attributes)
        instance_id = resource.text(_INSTANCE_ATTRIBUTE)
        pod = next(filter(None, map(resource.text, _POD_ATTRIBUTES)), "")
        self.resources_without_instance += not instance_id
        if instance_id and pod:
            self.pods_by_instance[instance_id].add(pod)
        if any(name.startswith(_POD_PREFIXES) for name in resource.attributes):
            self.resources_in_pods += 1
            self.resources_without_pod_uid += not resource.text(_POD_ATTRIBUTES[0])

    def add_record(self, record: Record) -> None:
        """Note a span, a metric or a log record."""
        if record.signal == "metrics":
            self._add_metric(record)
            return
        for _holder, attributes in record.holders:
            self.record_attributes.update(attributes)
        if record.signal == "logs":
            self.log_count += 1
            self.logs_without_severity += not read_severity_level(record.body)

    def _add_metric(self, record: Record) -> None:
        metric_facts = self.facts_by_metric[str(record.body.get("name") or "")]
        metric_facts.units.add(str(record.body.get("unit") or ""))
        for point, attributes in record.holders:
            if "explicitBounds" in point:
                metric_facts.histogram_bounds.add(str(point["explicitBounds"]))
            for name, value in attributes.items():
                if len(metric_facts.values_by_attribute[name]) < MOST_VALUES:
                    metric_facts.values_by_attribute[name].add(hash(value))
            point_time = int(point.get("timeUnixNano") or 0)
            if point_time:
                self.start_nanoseconds = min(self.start_nanoseconds or point_time, point_time)
                self.end_nanoseconds = max(self.end_nanoseconds, point_time)


def add_facts_of_spans(spans: Iterable[SpanRow], services: Mapping[str, ServiceFacts]) -> None:
    """Note the spans of a capture with their services."""
    span_rows = list(spans)
    known_spans = {(span.trace_number, span.span_number) for span in span_rows}
    trace_ends: dict[int, int] = {}
    for span in span_rows:
        trace_ends[span.trace_number] = max(trace_ends.get(span.trace_number, 0), span.end_nanoseconds)
    settled_until = max(trace_ends.values(), default=0) - SETTLED_SECONDS * _NANOSECONDS_PER_SECOND
    for span in span_rows:
        span_facts = services[span.service].span_facts
        _count_span(span_facts, span)
        if span.parent_number and (span.trace_number, span.parent_number) not in known_spans:
            is_settled = trace_ends[span.trace_number] <= settled_until
            span_facts.orphan_count += is_settled
            span_facts.unsettled_orphan_count += not is_settled


def _count_span(span_facts: SpanFacts, span: SpanRow) -> None:
    span_facts.span_count += 1
    if not span.parent_number:
        span_facts.root_count += 1
        span_facts.client_root_count += span.kind == CLIENT
    span_facts.internal_count_by_trace[span.trace_number] += span.kind == INTERNAL
    span_facts.short_count_by_trace[span.trace_number] += (
        span.end_nanoseconds - span.start_nanoseconds < SHORT_SPAN_MS * _NANOSECONDS_PER_MS
    )
