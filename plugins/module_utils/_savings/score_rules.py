# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of the Instrumentation Score, and how a capture answers each of them for a service. Private.

`instrumentation_score.py` asks each of `RULES` for each service. A capture is a sample of telemetry (docs/capture.md),
and may be masked: its values are replaced. A `ServiceSummary` has what was counted of the telemetry of a service, and
`ReadableValues` says what masks hide. A service keeps a rule if its telemetry meets the criterion, within the time of
the capture. If the capture cannot say it, the rule is unanswered.

Example: a service with two resources, of which one lacks `service.instance.id`, breaks RES-001, for the reason `missing
in 1 of 2 resources`.

Source: the specification of the Instrumentation Score, version 0.1, at github.com/instrumentation-score/spec: ids,
impacts and criteria of its rules.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from .captured_records import ReadableValues
from .metric_score_rules import answer_bounds, answer_names, answer_one_unit, answer_units, answer_value_counts
from .rule_answer import KEPT, NO_SPANS, AnswerRule, RuleAnswer, broken, unanswered
from .service_summary import PARENT_DELAY_SECONDS, ServiceSummary

# How many spans of a sort a trace may have. The texts of rules SPA-001 and SPA-005 in `RULES` name the same numbers.
_MOST_INTERNAL_SPANS = 10
_MOST_SHORT_SPANS = 20
# Namespaces of attributes that the semantic conventions define for resources alone, and for records alone.
_RESOURCE_PREFIXES = (
    "service.",
    "telemetry.sdk.",
    "telemetry.distro.",
    "deployment.environment",
    "host.",
    "os.",
    "cloud.",
)
_RECORD_PREFIXES = (
    "http.",
    "db.",
    "rpc.",
    "messaging.",
    "exception.",
    "graphql.",
    "gen_ai.",
    "feature_flag.",
    "thread.",
)
_NOT_RESOURCE_PREFIXES = ("service.peer.",)


@dataclass(frozen=True)
class ScoreRule:
    """A rule of the specification."""

    id: str
    impact: str
    """`Critical`, `Important`, `Normal` or `Low`, as `WEIGHTS` of instrumentation_score.py has them."""
    requirement: str
    """What it asks for, in words."""
    answer_for_service: AnswerRule
    """Returns what the capture says of the rule for a service."""


# ── Resources ──


def _answer_instance_ids(service: ServiceSummary, _readable: ReadableValues) -> RuleAnswer:
    """Answer RES-001: resources have service.instance.id."""
    missing = service.resources_without_instance
    return broken(f"missing in {missing:,} of {service.resource_count:,} resources") if missing else KEPT


def _answer_unique_instances(service: ServiceSummary, _readable: ReadableValues) -> RuleAnswer:
    """Answer RES-002: each pod has an instance id of its own."""
    if not service.pods_by_instance:
        return unanswered("no resource has both service.instance.id and the name or uid of a pod")
    shared_instances = sum(len(pods) > 1 for pods in service.pods_by_instance.values())
    return broken(f"{shared_instances:,} instance ids are those of several pods") if shared_instances else KEPT


def _answer_pod_uids(service: ServiceSummary, _readable: ReadableValues) -> RuleAnswer:
    """Answer RES-003: resources of pods have k8s.pod.uid."""
    if not service.resources_in_pods:
        return unanswered("no resource says that it is of a pod")
    missing = service.resources_without_pod_uid
    return broken(f"missing in {missing:,} of {service.resources_in_pods:,} resources of pods") if missing else KEPT


def _answer_attribute_levels(service: ServiceSummary, _readable: ReadableValues) -> RuleAnswer:
    """Answer RES-004: attributes of records do not stand at resources, and those of resources not at records."""
    misplaced = []
    for name in sorted(service.resource_attributes):
        if name.startswith(_RECORD_PREFIXES):
            misplaced.append(f"{name} of resources")
    for name in sorted(service.record_attributes):
        if name.startswith(_RESOURCE_PREFIXES) and not name.startswith(_NOT_RESOURCE_PREFIXES):
            misplaced.append(f"{name} of records")
    return broken(", ".join(misplaced)) if misplaced else KEPT


def _answer_service_name(service: ServiceSummary, _readable: ReadableValues) -> RuleAnswer:
    """Answer RES-005: resources have service.name. Telemetry without it is counted as a service without a name."""
    return KEPT if service.name else broken("resources without service.name")


# ── Spans ──


def _answer_internal_spans(service: ServiceSummary, _readable: ReadableValues) -> RuleAnswer:
    """Answer SPA-001: a trace has few internal spans of the service."""
    if not service.spans.span_count:
        return NO_SPANS
    largest_count = _find_largest_count(service.spans.internal_count_by_trace)
    return broken(f"a trace has {largest_count:,} internal spans") if largest_count > _MOST_INTERNAL_SPANS else KEPT


def _answer_short_spans(service: ServiceSummary, _readable: ReadableValues) -> RuleAnswer:
    """Answer SPA-005: a trace has few short spans of the service."""
    if not service.spans.span_count:
        return NO_SPANS
    largest_count = _find_largest_count(service.spans.short_count_by_trace)
    return broken(f"a trace has {largest_count:,} spans below 5 ms") if largest_count > _MOST_SHORT_SPANS else KEPT


def _find_largest_count(count_by_trace: Counter[int]) -> int:
    return max(count_by_trace.values(), default=0)


def _answer_orphans(service: ServiceSummary, readable: ReadableValues) -> RuleAnswer:
    """Answer SPA-002: the parent of each span is there. An orphan is a span whose parent is not in the capture.

    Only an orphan whose parent can come no more, neither to another pod nor after the capture, breaks the rule.
    """
    spans = service.spans
    if not spans.span_count:
        return NO_SPANS
    if readable.other_pod_count and (spans.orphan_count or spans.late_orphan_count):
        return unanswered("other pods get spans of the same traces: parents may be among them")
    if spans.orphan_count:
        return broken(f"{spans.orphan_count:,} spans have a parent that is not there")
    if spans.late_orphan_count:
        return unanswered(f"parents may come after the capture: they are missing in its last {PARENT_DELAY_SECONDS} s")
    return KEPT


def _answer_span_names(_service: ServiceSummary, _readable: ReadableValues) -> RuleAnswer:
    """Answer SPA-003: a service has few names of spans."""
    return unanswered("the specification has no criterion for it yet")


def _answer_client_roots(service: ServiceSummary, _readable: ReadableValues) -> RuleAnswer:
    """Answer SPA-004: root spans are not of clients."""
    if not service.spans.root_count:
        return unanswered("the capture has no root spans of it")
    client_roots = service.spans.client_root_count
    return broken(f"{client_roots:,} root spans are of clients") if client_roots else KEPT


# ── Logs, and what no capture can answer ──


def _answer_debug_logs(_service: ServiceSummary, _readable: ReadableValues) -> RuleAnswer:
    """Answer LOG-001: there are no debug logs for 14 days."""
    return unanswered("no capture takes 14 days")


def _answer_severities(service: ServiceSummary, _readable: ReadableValues) -> RuleAnswer:
    """Answer LOG-002: log records have a severity number."""
    if not service.log_count:
        return unanswered("the capture has no log records of it")
    missing = service.logs_without_severity
    return broken(f"missing in {missing:,} of {service.log_count:,} log records") if missing else KEPT


def _answer_metric_named_as_attribute(_service: ServiceSummary, _readable: ReadableValues) -> RuleAnswer:
    """Answer MET-006: no metric is named as an attribute."""
    return unanswered("it needs the list of all attributes of the semantic conventions")


def _answer_runtime(_service: ServiceSummary, _readable: ReadableValues) -> RuleAnswer:
    """Answer SDK-001: the SDK supports its runtime."""
    return unanswered("it needs a list of the runtimes that each SDK supports")


# ── All rules of the specification ──

# Each row has the id, the impact, the requirement in words, and the function that answers the rule.
RULES: tuple[ScoreRule, ...] = (
    ScoreRule("RES-001", "Normal", "resources have service.instance.id", _answer_instance_ids),
    ScoreRule("RES-002", "Important", "each pod has an instance id of its own", _answer_unique_instances),
    ScoreRule("RES-003", "Important", "resources of pods have k8s.pod.uid", _answer_pod_uids),
    ScoreRule(
        "RES-004", "Important", "attributes stand where the semantic conventions put them", _answer_attribute_levels
    ),
    ScoreRule("RES-005", "Critical", "resources have service.name", _answer_service_name),
    ScoreRule("SPA-001", "Normal", "at most 10 internal spans in a trace", _answer_internal_spans),
    ScoreRule("SPA-002", "Normal", "the parent of each span is there", _answer_orphans),
    ScoreRule("SPA-003", "Important", "few names of spans", _answer_span_names),
    ScoreRule("SPA-004", "Important", "root spans are not of clients", _answer_client_roots),
    ScoreRule("SPA-005", "Important", "at most 20 spans below 5 ms in a trace", _answer_short_spans),
    ScoreRule("LOG-001", "Important", "no debug logs for 14 days", _answer_debug_logs),
    ScoreRule("LOG-002", "Important", "log records have a severity number", _answer_severities),
    ScoreRule("MET-001", "Important", "attributes of metrics have a bounded number of values", answer_value_counts),
    ScoreRule("MET-002", "Important", "metrics have a unit of UCUM", answer_units),
    ScoreRule("MET-003", "Important", "a metric has one unit", answer_one_unit),
    ScoreRule("MET-004", "Normal", "the histograms of a metric have the same bounds", answer_bounds),
    ScoreRule("MET-005", "Normal", "names of metrics do not have the unit", answer_names),
    ScoreRule("MET-006", "Important", "no metric is named as an attribute", _answer_metric_named_as_attribute),
    ScoreRule("SDK-001", "Low", "the SDK supports its runtime", _answer_runtime),
)
