# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is counted of the telemetry of each service, for the rules of the Instrumentation Score. Private.

`observation.py` adds each resource and record of a capture to the `ServiceSummary` of its service, and the spans in the
end: whether the parent of a span came is known only then. `score_rules.py` and `metric_score_rules.py` read the counts.

Example: a service with two resources, of which one lacks `service.instance.id`, has `resource_count` 2 and
`resources_without_instance` 1.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .captured_records import Record, Resource
from .record_enumerations import CLIENT, INTERNAL, read_severity_level
from .span_rows import SpanRow

SHORT_SPAN_MS = 5
"""A span is short if it takes less than so many milliseconds."""
PARENT_DELAY_SECONDS = 10
"""A parent ends, and is sent, after its children. So in a trace that ends in the last seconds of a capture, a parent
may be missing because it is sent after the capture."""
MOST_VALUES = 10_000
"""So many values an attribute of a metric may have. Source: rule MET-001."""
_NANOSECONDS_PER_MS = 1_000_000
_NANOSECONDS_PER_SECOND = 1_000_000_000
_INSTANCE_ATTRIBUTE = "service.instance.id"
_POD_UID_ATTRIBUTE = "k8s.pod.uid"
_POD_NAME_ATTRIBUTE = "k8s.pod.name"
# A resource with such an attribute is one of a pod.
_POD_PREFIXES = ("k8s.pod.", "k8s.container.")


@dataclass
class SpanSummary:
    """The counts of the spans of a service. The keys of the counters are the numbers of traces."""

    span_count: int = 0
    root_count: int = 0
    """Spans without a parent."""
    client_root_count: int = 0
    internal_count_by_trace: Counter[int] = field(default_factory=Counter)
    short_count_by_trace: Counter[int] = field(default_factory=Counter)
    orphan_count: int = 0
    """Spans whose parent is not in the capture, and does not come any more."""
    late_orphan_count: int = 0
    """Spans whose parent is not in the capture, in traces that end so late that it may come after the capture."""


@dataclass
class MetricSummary:
    """The units of a metric, the bounds of its histograms, and the values of each attribute."""

    units: set[str] = field(default_factory=set)
    histogram_bounds: set[str] = field(default_factory=set)
    """Each list of bounds as a text, such as `[1, 2]`."""
    values_by_attribute: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    """Hashes of the different values of each attribute."""


@dataclass
class ServiceSummary:
    """What is counted of a service."""

    name: str = ""
    resource_count: int = 0
    resources_without_instance: int = 0
    resources_in_pods: int = 0
    resources_without_pod_uid: int = 0
    """Of those in pods."""
    pods_by_instance: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """The pods of each instance id."""
    resource_attributes: set[str] = field(default_factory=set)
    record_attributes: set[str] = field(default_factory=set)
    log_count: int = 0
    logs_without_severity: int = 0
    summary_by_metric: dict[str, MetricSummary] = field(default_factory=lambda: defaultdict(MetricSummary))
    spans: SpanSummary = field(default_factory=SpanSummary)
    start_nanoseconds: int = 0
    end_nanoseconds: int = 0
    """The times of the first and the last data point, in nanoseconds."""

    def add_resource(self, resource: Resource) -> None:
        """Count a resource."""
        self.name = resource.service_name
        self.resource_count += 1
        self.resource_attributes.update(resource.attributes)
        instance_id = resource.text(_INSTANCE_ATTRIBUTE)
        pod_uid = resource.text(_POD_UID_ATTRIBUTE)
        pod = pod_uid or resource.text(_POD_NAME_ATTRIBUTE)
        if not instance_id:
            self.resources_without_instance += 1
        elif pod:
            self.pods_by_instance[instance_id].add(pod)
        if any(name.startswith(_POD_PREFIXES) for name in resource.attributes):
            self.resources_in_pods += 1
            if not pod_uid:
                self.resources_without_pod_uid += 1

    def add_record(self, record: Record) -> None:
        """Count a metric or a log record, and the attributes of a span: `add_spans` counts spans in the end."""
        if record.signal == "metrics":
            self._add_metric(record)
            return
        for item in record.items:
            self.record_attributes.update(item.attributes)
        if record.signal == "logs":
            self.log_count += 1
            if not read_severity_level(record.body):
                self.logs_without_severity += 1

    def _add_metric(self, record: Record) -> None:
        metric = self.summary_by_metric[str(record.body.get("name") or "")]
        metric.units.add(str(record.body.get("unit") or ""))
        for point, attributes in record.items:
            if "explicitBounds" in point:
                metric.histogram_bounds.add(str(point["explicitBounds"]))
            for name, value in attributes.items():
                # More values need not be kept: with so many, the rule is broken.
                if len(metric.values_by_attribute[name]) < MOST_VALUES:
                    metric.values_by_attribute[name].add(hash(value))
            point_time = int(point.get("timeUnixNano") or 0)
            if point_time:
                self.start_nanoseconds = min(self.start_nanoseconds or point_time, point_time)
                self.end_nanoseconds = max(self.end_nanoseconds, point_time)


def add_spans(spans: Iterable[SpanRow], services: Mapping[str, ServiceSummary]) -> None:
    """Count the spans of a capture with their services.

    The parent of a span may be a span of another service, so the spans of all services are compared together.
    """
    all_spans = list(spans)
    known_spans = {(span.trace_number, span.span_number) for span in all_spans}
    end_by_trace: dict[int, int] = {}
    for span in all_spans:
        end_by_trace[span.trace_number] = max(end_by_trace.get(span.trace_number, 0), span.end_nanoseconds)
    capture_end = max(end_by_trace.values(), default=0)
    last_complete_end = capture_end - PARENT_DELAY_SECONDS * _NANOSECONDS_PER_SECOND
    for span in all_spans:
        summary = services[span.service].spans
        _count_span(summary, span)
        if not span.parent_number or (span.trace_number, span.parent_number) in known_spans:
            continue
        if end_by_trace[span.trace_number] <= last_complete_end:
            summary.orphan_count += 1
        else:
            summary.late_orphan_count += 1


def _count_span(summary: SpanSummary, span: SpanRow) -> None:
    """Count what a span says by itself, without the other spans of its trace."""
    summary.span_count += 1
    if not span.parent_number:
        summary.root_count += 1
        if span.kind == CLIENT:
            summary.client_root_count += 1
    if span.kind == INTERNAL:
        summary.internal_count_by_trace[span.trace_number] += 1
    if span.end_nanoseconds - span.start_nanoseconds < SHORT_SPAN_MS * _NANOSECONDS_PER_MS:
        summary.short_count_by_trace[span.trace_number] += 1
