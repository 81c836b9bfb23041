# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a capture answers the rules of the Instrumentation Score about metrics. Private.

`score_rules.py` has the table of all rules, which names these functions. Each gets what was counted of a service, and
what masks leave readable. Example: a service with a metric `queue.size` without a unit breaks MET-002, for the reason
`no unit, or none of UCUM: queue.size`.
"""

from __future__ import annotations

from collections.abc import Callable

from .captured_records import ReadableValues
from .metric_units import has_unit_in_name, is_ucum_unit
from .rule_answer import KEPT, NO_METRICS, RuleAnswer, RuleOutcome, broken, unanswered
from .service_summary import MOST_VALUES, MetricSummary, ServiceSummary

_HOUR_NANOSECONDS = 3600 * 1_000_000_000


def answer_value_counts(service: ServiceSummary, _readable: ReadableValues) -> RuleAnswer:
    """Answer MET-001: attributes of metrics have a bounded number of values.

    A short capture can show that a service breaks it, but not that it keeps it.
    """
    answer = _answer_for_metrics(service, _has_many_values, f"an attribute has {MOST_VALUES:,} values or more")
    is_short = service.end_nanoseconds - service.start_nanoseconds < _HOUR_NANOSECONDS
    if answer.outcome is RuleOutcome.KEPT and is_short:
        return unanswered("the rule counts the values of an hour, and the capture is shorter")
    return answer


def answer_units(service: ServiceSummary, readable: ReadableValues) -> RuleAnswer:
    """Answer MET-002: metrics have a unit of UCUM.

    A masked capture can show that a unit is missing, but not that each is of UCUM.
    """
    if not readable.is_masked:
        return _answer_for_metrics(service, _has_odd_unit, "no unit, or none of UCUM")
    # A mask hides a unit that is not common, but not that there is none.
    answer = _answer_for_metrics(service, _has_no_unit, "no unit")
    if answer.outcome is RuleOutcome.KEPT and _list_metrics(service, _has_odd_unit):
        return unanswered("the capture masks units that are not common")
    return answer


def answer_one_unit(service: ServiceSummary, _readable: ReadableValues) -> RuleAnswer:
    """Answer MET-003: a metric has one unit."""
    return _answer_for_metrics(service, _has_two_units, "several units")


def answer_bounds(service: ServiceSummary, _readable: ReadableValues) -> RuleAnswer:
    """Answer MET-004: the histograms of a metric have the same bounds."""
    if not any(metric.histogram_bounds for metric in service.summary_by_metric.values()):
        return unanswered("the capture has no histograms of it")
    return _answer_for_metrics(service, _has_two_bounds, "several lists of bounds")


def answer_names(service: ServiceSummary, _readable: ReadableValues) -> RuleAnswer:
    """Answer MET-005: names of metrics do not have the unit, as `queue.size.bytes` has."""
    return _answer_for_metrics(service, _has_unit_in_its_name, "the unit in the name")


# Returns whether a metric, by its name and what was counted of it, breaks a rule.
_BreaksRule = Callable[[str, MetricSummary], bool]


def _answer_for_metrics(service: ServiceSummary, breaks_rule: _BreaksRule, reason: str) -> RuleAnswer:
    """Answer a rule about each metric of a service. The answer names the metrics that break it, after the reason."""
    if not service.summary_by_metric:
        return NO_METRICS
    wrong_metrics = _list_metrics(service, breaks_rule)
    return broken(f"{reason}: {', '.join(wrong_metrics)}") if wrong_metrics else KEPT


def _list_metrics(service: ServiceSummary, breaks_rule: _BreaksRule) -> list[str]:
    """Return the names of the metrics that break a rule, in order."""
    return sorted(name for name, metric in service.summary_by_metric.items() if breaks_rule(name, metric))


def _has_many_values(_name: str, metric: MetricSummary) -> bool:
    """Return whether an attribute of a metric has too many values. No more than MOST_VALUES of them are counted."""
    return any(len(values) >= MOST_VALUES for values in metric.values_by_attribute.values())


def _has_no_unit(_name: str, metric: MetricSummary) -> bool:
    """Return whether some data points of a metric have no unit."""
    return "" in metric.units


def _has_odd_unit(_name: str, metric: MetricSummary) -> bool:
    """Return whether some data points of a metric have no unit, or one that is not of UCUM, such as `bytes`."""
    return not all(is_ucum_unit(unit) for unit in metric.units)


def _has_two_units(_name: str, metric: MetricSummary) -> bool:
    """Return whether data points of a metric have different units. No unit is one of them."""
    return len(metric.units) > 1


def _has_two_bounds(_name: str, metric: MetricSummary) -> bool:
    """Return whether histograms of a metric have different lists of bounds."""
    return len(metric.histogram_bounds) > 1


def _has_unit_in_its_name(name: str, metric: MetricSummary) -> bool:
    """Return whether the name of a metric repeats its unit, as `queue.size.bytes` with unit `By` does."""
    return any(has_unit_in_name(name, unit) for unit in metric.units)
