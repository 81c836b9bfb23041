# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of the Instrumentation Score, and how a capture answers each of them for a service. Private.

Source: the specification of the Instrumentation Score, version 0.1, at github.com/instrumentation-score/spec: ids,
impacts and criteria of its rules. A rule that a capture cannot answer is named. Criteria are tested within the time of
the capture.

A capture is a sample of telemetry (docs/capture.md), and may be masked: its values are replaced. The facts of a service
are the counts that `service_facts.py` makes of it, and `ReadableValues` says what masks hide. A service keeps a rule if
its telemetry meets the criterion. `instrumentation_score.py` asks each of `RULES` for each service.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from .captured_records import ReadableValues
from .metric_units import has_unit_in_name, is_ucum_unit
from .service_facts import MOST_VALUES, SETTLED_SECONDS, MetricFacts, ServiceFacts

# Spans of a trace. The texts of rules SPA-001 and SPA-005 in `RULES` name the same numbers.
_MOST_INTERNAL_SPANS, _MOST_SHORT_SPANS = 10, 20
# Nanoseconds.
_HOUR_NANOSECONDS = 3600 * 1_000_000_000
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


class ScoreVerdict(NamedTuple):
    """What a rule says of a service."""

    is_kept: bool | None
    """True if the service keeps the rule, False if not, None if the capture cannot answer that."""
    reason: str = ""
    """Why it is not kept, or not answered; empty if it is kept."""


# How a capture answers a rule for a service.
AnswerRule = Callable[[ServiceFacts, ReadableValues], ScoreVerdict]
KEPT_VERDICT = ScoreVerdict(True)


@dataclass(frozen=True)
class ScoreRule:
    """A rule of the specification."""

    id: str
    impact: str
    """`Critical`, `Important`, `Normal` or `Low`, as `WEIGHTS` of instrumentation_score.py has them."""
    requirement: str
    """What it asks for, in words."""
    answer_for_service: AnswerRule
    """Returns the verdict on a service, from its facts and from what masks leave readable."""


def _leave_unanswered(reason: str) -> AnswerRule:
    """Return the function for a rule that no capture can answer: its verdict is always None, for this reason."""
    return lambda _facts, _readable: ScoreVerdict(None, reason)


def _judge_as_failed_if(is_broken: bool, reason: str) -> ScoreVerdict:
    """Return the verdict of a rule that the capture can answer: not kept for `reason` if `is_broken`, else kept."""
    return ScoreVerdict(False, reason) if is_broken else KEPT_VERDICT


# ── Resources ──


def _judge_instance_ids(facts: ServiceFacts, _readable: ReadableValues) -> ScoreVerdict:
    without_instance = facts.resources_without_instance
    return _judge_as_failed_if(
        without_instance > 0, f"missing in {without_instance:,} of {facts.resource_count:,} resources"
    )


def _judge_unique_instances(facts: ServiceFacts, _readable: ReadableValues) -> ScoreVerdict:
    if not facts.pods_by_instance:
        return ScoreVerdict(None, "no resource has both service.instance.id and the name or uid of a pod")
    shared_instances = sum(1 for pods_of_instance in facts.pods_by_instance.values() if len(pods_of_instance) > 1)
    return _judge_as_failed_if(bool(shared_instances), f"{shared_instances:,} instance ids are those of several pods")


def _judge_pod_uids(facts: ServiceFacts, _readable: ReadableValues) -> ScoreVerdict:
    if not facts.resources_in_pods:
        return ScoreVerdict(None, "no resource says that it is of a pod")
    pods_without_uid = facts.resources_without_pod_uid
    return _judge_as_failed_if(
        bool(pods_without_uid), f"missing in {pods_without_uid:,} of {facts.resources_in_pods:,} resources of pods"
    )


def _judge_attribute_levels(facts: ServiceFacts, _readable: ReadableValues) -> ScoreVerdict:
    misplaced = []
    for name in sorted(facts.resource_attributes):
        if name.startswith(_RECORD_PREFIXES):
            misplaced.append(f"{name} of resources")
    for name in sorted(facts.record_attributes):
        if name.startswith(_RESOURCE_PREFIXES) and not name.startswith(_NOT_RESOURCE_PREFIXES):
            misplaced.append(f"{name} of records")
    return _judge_as_failed_if(bool(misplaced), ", ".join(misplaced))


def _judge_service_name(facts: ServiceFacts, _readable: ReadableValues) -> ScoreVerdict:
    return _judge_as_failed_if(not facts.name, "resources without service.name")


# ── Spans ──


def _judge_internal_spans(facts: ServiceFacts, _readable: ReadableValues) -> ScoreVerdict:
    return _judge_spans_per_trace(
        facts, max(facts.span_facts.internal_count_by_trace.values(), default=0), _MOST_INTERNAL_SPANS, "internal spans"
    )


def _judge_short_spans(facts: ServiceFacts, _readable: ReadableValues) -> ScoreVerdict:
    return _judge_spans_per_trace(
        facts, max(facts.span_facts.short_count_by_trace.values(), default=0), _MOST_SHORT_SPANS, "spans below 5 ms"
    )


def _judge_spans_per_trace(
    facts: ServiceFacts, largest_count: int, most_allowed: int, described_spans: str
) -> ScoreVerdict:
    """Return the verdict of a rule on how many spans of a sort a trace may have.

    `largest_count` is their number in the trace with most of them. `described_spans` names the sort.
    """
    if not facts.span_facts.span_count:
        return ScoreVerdict(None, "the capture has no spans of it")
    return _judge_as_failed_if(largest_count > most_allowed, f"a trace has {largest_count:,} {described_spans}")


def _judge_orphans(facts: ServiceFacts, readable: ReadableValues) -> ScoreVerdict:
    """Return the verdict of SPA-002. An orphan is a span whose parent is not in the capture.

    It is unsettled if its trace ends so late in the capture that the parent may come after it.
    """
    spans = facts.span_facts
    if not spans.span_count:
        return ScoreVerdict(None, "the capture has no spans of it")
    if readable.other_pod_count and (spans.orphan_count or spans.unsettled_orphan_count):
        return ScoreVerdict(None, "other pods get spans of the same traces: parents may be among them")
    if spans.unsettled_orphan_count and not spans.orphan_count:
        return ScoreVerdict(
            None, f"parents may come after the capture: they are missing in its last {SETTLED_SECONDS} s"
        )
    return _judge_as_failed_if(
        bool(spans.orphan_count), f"{spans.orphan_count:,} spans have a parent that is not there"
    )


def _judge_client_roots(facts: ServiceFacts, _readable: ReadableValues) -> ScoreVerdict:
    if not facts.span_facts.root_count:
        return ScoreVerdict(None, "the capture has no root spans of it")
    return _judge_as_failed_if(
        bool(facts.span_facts.client_root_count), f"{facts.span_facts.client_root_count:,} root spans are of clients"
    )


# ── Logs ──


def _judge_severities(facts: ServiceFacts, _readable: ReadableValues) -> ScoreVerdict:
    if not facts.log_count:
        return ScoreVerdict(None, "the capture has no log records of it")
    without_severity = facts.logs_without_severity
    return _judge_as_failed_if(
        bool(without_severity), f"missing in {without_severity:,} of {facts.log_count:,} log records"
    )


# ── Metrics ──


def _judge_each_metric(breaks_rule: Callable[[str, MetricFacts], bool], reason: str) -> AnswerRule:
    """Return the function for a rule about each metric of a service. Its reason names the metrics that break the rule.

    `breaks_rule` gets the name and the facts of a metric, and returns whether it breaks the rule.
    """

    def answer_for_metrics(facts: ServiceFacts, _readable: ReadableValues) -> ScoreVerdict:
        if not facts.facts_by_metric:
            return ScoreVerdict(None, "the capture has no metrics of it")
        wrong_metrics = sorted(name for name, metric in facts.facts_by_metric.items() if breaks_rule(name, metric))
        return _judge_as_failed_if(bool(wrong_metrics), f"{reason}: {', '.join(wrong_metrics)}")

    return answer_for_metrics


def _judge_value_counts(facts: ServiceFacts, readable: ReadableValues) -> ScoreVerdict:
    """Return the verdict of MET-001. A short capture can show that a service breaks it, but not that it keeps it."""
    verdict = _judge_each_metric(_has_many_values, f"an attribute has {MOST_VALUES:,} values or more")(facts, readable)
    if verdict.is_kept and facts.end_nanoseconds - facts.start_nanoseconds < _HOUR_NANOSECONDS:
        return ScoreVerdict(None, "the rule counts the values of an hour, and the capture is shorter")
    return verdict


def _has_many_values(_name: str, metric: MetricFacts) -> bool:
    return any(len(values) >= MOST_VALUES for values in metric.values_by_attribute.values())


def _judge_units(facts: ServiceFacts, readable: ReadableValues) -> ScoreVerdict:
    """Return the verdict of MET-002. A masked capture can show that a unit is missing, but not that each is of UCUM."""
    if not readable.is_masked:
        return _judge_each_metric(_has_odd_unit, "no unit, or none of UCUM")(facts, readable)
    # A mask hides a unit that is not common, but not that there is none.
    verdict = _judge_each_metric(_has_no_unit, "no unit")(facts, readable)
    if verdict.is_kept and any(_has_odd_unit(name, metric) for name, metric in facts.facts_by_metric.items()):
        return ScoreVerdict(None, "the capture masks units that are not common")
    return verdict


def _has_no_unit(_name: str, metric: MetricFacts) -> bool:
    return "" in metric.units


def _has_odd_unit(_name: str, metric: MetricFacts) -> bool:
    return not all(is_ucum_unit(unit) for unit in metric.units)


def _has_two_units(_name: str, metric: MetricFacts) -> bool:
    return len(metric.units) > 1


def _has_two_bounds(_name: str, metric: MetricFacts) -> bool:
    return len(metric.histogram_bounds) > 1


def _has_unit_in_its_name(name: str, metric: MetricFacts) -> bool:
    return any(has_unit_in_name(name, unit) for unit in metric.units)


def _judge_bounds(facts: ServiceFacts, readable: ReadableValues) -> ScoreVerdict:
    if not any(metric.histogram_bounds for metric in facts.facts_by_metric.values()):
        return ScoreVerdict(None, "the capture has no histograms of it")
    return _judge_each_metric(_has_two_bounds, "several lists of bounds")(facts, readable)


# All rules of the specification.
RULES: tuple[ScoreRule, ...] = (
    ScoreRule("RES-001", "Normal", "resources have service.instance.id", _judge_instance_ids),
    ScoreRule("RES-002", "Important", "each pod has an instance id of its own", _judge_unique_instances),
    ScoreRule("RES-003", "Important", "resources of pods have k8s.pod.uid", _judge_pod_uids),
    ScoreRule(
        "RES-004", "Important", "attributes stand where the semantic conventions put them", _judge_attribute_levels
    ),
    ScoreRule("RES-005", "Critical", "resources have service.name", _judge_service_name),
    ScoreRule("SPA-001", "Normal", "at most 10 internal spans in a trace", _judge_internal_spans),
    ScoreRule("SPA-002", "Normal", "the parent of each span is there", _judge_orphans),
    ScoreRule(
        "SPA-003", "Important", "few names of spans", _leave_unanswered("the specification has no criterion for it yet")
    ),
    ScoreRule("SPA-004", "Important", "root spans are not of clients", _judge_client_roots),
    ScoreRule("SPA-005", "Important", "at most 20 spans below 5 ms in a trace", _judge_short_spans),
    ScoreRule("LOG-001", "Important", "no debug logs for 14 days", _leave_unanswered("no capture takes 14 days")),
    ScoreRule("LOG-002", "Important", "log records have a severity number", _judge_severities),
    ScoreRule("MET-001", "Important", "attributes of metrics have a bounded number of values", _judge_value_counts),
    ScoreRule("MET-002", "Important", "metrics have a unit of UCUM", _judge_units),
    ScoreRule("MET-003", "Important", "a metric has one unit", _judge_each_metric(_has_two_units, "several units")),
    ScoreRule("MET-004", "Normal", "the histograms of a metric have the same bounds", _judge_bounds),
    ScoreRule(
        "MET-005",
        "Normal",
        "names of metrics do not have the unit",
        _judge_each_metric(_has_unit_in_its_name, "the unit in the name"),
    ),
    ScoreRule(
        id="MET-006",
        impact="Important",
        requirement="no metric is named as an attribute",
        answer_for_service=_leave_unanswered("it needs the list of all attributes of the semantic conventions"),
    ),
    ScoreRule(
        id="SDK-001",
        impact="Low",
        requirement="the SDK supports its runtime",
        answer_for_service=_leave_unanswered("it needs a list of the runtimes that each SDK supports"),
    ),
)
