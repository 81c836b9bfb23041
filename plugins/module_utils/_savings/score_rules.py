# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of the Instrumentation Score, and how a capture answers each of them for a service. Private.

Source: the specification of the Instrumentation Score, version 0.1, at github.com/instrumentation-score/spec: ids,
impacts and criteria of its rules. A rule that a capture cannot answer is named. Criteria are tested within the time of
the capture.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from .captured_records import Readable
from .metric_units import is_ucum_unit, name_spells_unit
from .service_facts import MOST_VALUES, SETTLED_SECONDS, MetricFacts, ServiceFacts

_MOST_INTERNAL, _MOST_SHORT = 10, 20
# Nanoseconds.
_HOUR = 3600 * 1_000_000_000
# Namespaces of attributes that the semantic conventions define for resources alone, and for records alone.
_OF_RESOURCES = ("service.", "telemetry.sdk.", "telemetry.distro.", "deployment.environment", "host.", "os.", "cloud.")
_OF_RECORDS = ("http.", "db.", "rpc.", "messaging.", "exception.", "graphql.", "gen_ai.", "feature_flag.", "thread.")
_NOT_OF_RESOURCES = ("service.peer.",)


class Verdict(NamedTuple):
    """What a rule says of a service: True if it is kept, False if not, None if the capture cannot answer it."""

    kept: bool | None
    why: str = ""


# How a capture answers a rule for a service.
Answer = Callable[[ServiceFacts, Readable], Verdict]
KEPT = Verdict(True)


@dataclass(frozen=True)
class Rule:
    """A rule of the specification: its id, its impact, what it asks for, and how a capture answers it."""

    id: str
    impact: str
    asks: str
    answer: Answer


def _unanswered(why: str) -> Answer:
    """Return what answers a rule that no capture can answer."""
    return lambda _facts, _readable: Verdict(None, why)


def _failed_if(is_wrong: bool, why: str) -> Verdict:
    """Return the verdict of a rule that the capture can answer; `why` is told if the service does not keep it."""
    return Verdict(False, why) if is_wrong else KEPT


# ── Resources ──


def _has_instance(facts: ServiceFacts, _readable: Readable) -> Verdict:
    missing = facts.without_instance
    return _failed_if(missing > 0, f"missing in {missing:,} of {facts.resources:,} resources")


def _instance_is_unique(facts: ServiceFacts, _readable: Readable) -> Verdict:
    if not facts.pods:
        return Verdict(None, "no resource has both service.instance.id and the name or uid of a pod")
    shared = sum(1 for pods in facts.pods.values() if len(pods) > 1)
    return _failed_if(bool(shared), f"{shared:,} instance ids are those of several pods")


def _has_pod_uid(facts: ServiceFacts, _readable: Readable) -> Verdict:
    if not facts.in_pods:
        return Verdict(None, "no resource says that it is of a pod")
    missing = facts.in_pods_without_uid
    return _failed_if(bool(missing), f"missing in {missing:,} of {facts.in_pods:,} resources of pods")


def _levels_are_right(facts: ServiceFacts, _readable: Readable) -> Verdict:
    misplaced = []
    for name in sorted(facts.resource_names):
        if name.startswith(_OF_RECORDS):
            misplaced.append(f"{name} of resources")
    for name in sorted(facts.record_names):
        if name.startswith(_OF_RESOURCES) and not name.startswith(_NOT_OF_RESOURCES):
            misplaced.append(f"{name} of records")
    return _failed_if(bool(misplaced), ", ".join(misplaced))


def _has_name(facts: ServiceFacts, _readable: Readable) -> Verdict:
    return _failed_if(not facts.name, "resources without service.name")


# ── Spans ──


def _few_internal(facts: ServiceFacts, _readable: Readable) -> Verdict:
    return _few_in_trace(facts, max(facts.spans.internal.values(), default=0), _MOST_INTERNAL, "internal spans")


def _few_short(facts: ServiceFacts, _readable: Readable) -> Verdict:
    return _few_in_trace(facts, max(facts.spans.short.values(), default=0), _MOST_SHORT, "spans below 5 ms")


def _few_in_trace(facts: ServiceFacts, most: int, limit: int, what: str) -> Verdict:
    """Return the verdict of a rule on how many spans a trace may have; `most` is the number in the largest trace."""
    if not facts.spans.spans:
        return Verdict(None, "the capture has no spans of it")
    return _failed_if(most > limit, f"a trace has {most:,} {what}")


def _no_orphans(facts: ServiceFacts, readable: Readable) -> Verdict:
    spans = facts.spans
    if not spans.spans:
        return Verdict(None, "the capture has no spans of it")
    if readable.other_pods and (spans.orphans or spans.unsettled_orphans):
        return Verdict(None, "other pods get spans of the same traces: parents may be among them")
    if spans.unsettled_orphans and not spans.orphans:
        return Verdict(None, f"parents may come after the capture: they are missing in its last {SETTLED_SECONDS} s")
    return _failed_if(bool(spans.orphans), f"{spans.orphans:,} spans have a parent that is not there")


def _no_client_roots(facts: ServiceFacts, _readable: Readable) -> Verdict:
    if not facts.spans.roots:
        return Verdict(None, "the capture has no root spans of it")
    return _failed_if(bool(facts.spans.client_roots), f"{facts.spans.client_roots:,} root spans are of clients")


# ── Logs ──


def _severities_are_set(facts: ServiceFacts, _readable: Readable) -> Verdict:
    if not facts.logs:
        return Verdict(None, "the capture has no log records of it")
    missing = facts.logs_without_severity
    return _failed_if(bool(missing), f"missing in {missing:,} of {facts.logs:,} log records")


# ── Metrics ──


def _no_metric(is_wrong: Callable[[str, MetricFacts], bool], why: str) -> Answer:
    """Return what answers a rule about each metric of a service. A reader gets the names of those that break it."""

    def answer(facts: ServiceFacts, _readable: Readable) -> Verdict:
        if not facts.metrics:
            return Verdict(None, "the capture has no metrics of it")
        names = sorted(name for name, metric in facts.metrics.items() if is_wrong(name, metric))
        return _failed_if(bool(names), f"{why}: {', '.join(names)}")

    return answer


def _values_are_bound(facts: ServiceFacts, readable: Readable) -> Verdict:
    verdict = _no_metric(_has_many_values, f"an attribute has {MOST_VALUES:,} values or more")(facts, readable)
    if verdict.kept and facts.end - facts.start < _HOUR:
        return Verdict(None, "the rule counts the values of an hour, and the capture is shorter")
    return verdict


def _has_many_values(_name: str, metric: MetricFacts) -> bool:
    return any(len(values) >= MOST_VALUES for values in metric.values.values())


def _units_are_useful(facts: ServiceFacts, readable: Readable) -> Verdict:
    if not readable.is_masked:
        return _no_metric(_has_odd_unit, "no unit, or none of UCUM")(facts, readable)
    # A mask hides a unit that is not common, but not that there is none.
    verdict = _no_metric(_has_no_unit, "no unit")(facts, readable)
    if verdict.kept and any(_has_odd_unit(name, metric) for name, metric in facts.metrics.items()):
        return Verdict(None, "the capture masks units that are not common")
    return verdict


def _has_no_unit(_name: str, metric: MetricFacts) -> bool:
    return "" in metric.units


def _has_odd_unit(_name: str, metric: MetricFacts) -> bool:
    return not all(is_ucum_unit(unit) for unit in metric.units)


def _has_two_units(_name: str, metric: MetricFacts) -> bool:
    return len(metric.units) > 1


def _has_two_bounds(_name: str, metric: MetricFacts) -> bool:
    return len(metric.bounds) > 1


def _names_unit(name: str, metric: MetricFacts) -> bool:
    return any(name_spells_unit(name, unit) for unit in metric.units)


def _same_bounds(facts: ServiceFacts, readable: Readable) -> Verdict:
    if not any(metric.bounds for metric in facts.metrics.values()):
        return Verdict(None, "the capture has no histograms of it")
    return _no_metric(_has_two_bounds, "several lists of bounds")(facts, readable)


# All rules of the specification.
RULES: tuple[Rule, ...] = (
    Rule("RES-001", "Normal", "resources have service.instance.id", _has_instance),
    Rule("RES-002", "Important", "each pod has an instance id of its own", _instance_is_unique),
    Rule("RES-003", "Important", "resources of pods have k8s.pod.uid", _has_pod_uid),
    Rule("RES-004", "Important", "attributes stand where the semantic conventions put them", _levels_are_right),
    Rule("RES-005", "Critical", "resources have service.name", _has_name),
    Rule("SPA-001", "Normal", "at most 10 internal spans in a trace", _few_internal),
    Rule("SPA-002", "Normal", "the parent of each span is there", _no_orphans),
    Rule("SPA-003", "Important", "few names of spans", _unanswered("the specification has no criterion for it yet")),
    Rule("SPA-004", "Important", "root spans are not of clients", _no_client_roots),
    Rule("SPA-005", "Important", "at most 20 spans below 5 ms in a trace", _few_short),
    Rule("LOG-001", "Important", "no debug logs for 14 days", _unanswered("no capture takes 14 days")),
    Rule("LOG-002", "Important", "log records have a severity number", _severities_are_set),
    Rule("MET-001", "Important", "attributes of metrics have a bounded number of values", _values_are_bound),
    Rule("MET-002", "Important", "metrics have a unit of UCUM", _units_are_useful),
    Rule("MET-003", "Important", "a metric has one unit", _no_metric(_has_two_units, "several units")),
    Rule("MET-004", "Normal", "the histograms of a metric have the same bounds", _same_bounds),
    Rule("MET-005", "Normal", "names of metrics do not have the unit", _no_metric(_names_unit, "the unit in the name")),
    Rule(
        id="MET-006",
        impact="Important",
        asks="no metric is named as an attribute",
        answer=_unanswered("it needs the list of all attributes of the semantic conventions"),
    ),
    Rule(
        id="SDK-001",
        impact="Low",
        asks="the SDK supports its runtime",
        answer=_unanswered("it needs a list of the runtimes that each SDK supports"),
    ),
)
