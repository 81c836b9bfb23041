# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Instrumentation Score of a service: how many of the rules that a capture can answer its telemetry keeps. Private.

Source: the specification of the Instrumentation Score, version 0.1, at github.com/instrumentation-score/spec: ids,
impacts and criteria of its rules, the weights of impacts, the formula and the categories. A rule that a capture cannot
answer is named, and does not count. Criteria are tested within the time of the capture.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from .captured_records import Readable
from .service_facts import MOST_VALUES, SETTLED_SECONDS, MetricFacts, ServiceFacts

WEIGHTS = {"Critical": 40, "Important": 30, "Normal": 20, "Low": 10}
CATEGORIES = ((90, "Excellent"), (75, "Good"), (50, "Needs Improvement"), (0, "Poor"))
_MOST_INTERNAL, _MOST_SHORT = 10, 20
_HOUR = 3600 * 1_000_000_000
# The units that metrics have, of UCUM 2.1. The list is a choice, without units of medicine and of old trades. It has
# `B`, `C`, `F`, `H`, `S` and `T` with a prefix alone: they are bel, coulomb, farad, henry, siemens and tesla, and who
# writes them without one means bytes, degrees or a word.
_PREFIX = "(?:da|[YZEPTGMkhdcmunpfazy])"
_METRIC_UNITS = "s|g|m|A|K|J|W|V|N|Hz|Pa|bar|bit|By|Bd|Cel|L|l|eq|mol|rad|sr|cd|lm|lx|Ohm|Wb|Bq|Gy|Sv|eV"
_OTHER_UNITS = r"[KMGT]i(?:By|bit)|dB|min|h|d|wk|mo|a|%|deg|10[*^]|\[(?:degF|ppth|ppm|ppb|pptr|pH|in_i|ft_i|mi_i|psi)\]"
_UNIT = rf"(?:{_PREFIX}?(?:{_METRIC_UNITS})|{_PREFIX}[CFHST]|{_OTHER_UNITS})(?:[+-]?\d+)?|\d+"
_ANNOTATION = r"\{[^{}]+\}"
_COMPONENT = rf"(?:(?:{_UNIT})(?:{_ANNOTATION})?|{_ANNOTATION})"
_UCUM = re.compile(rf"/?{_COMPONENT}(?:[./]{_COMPONENT})*")
# How names of metrics spell units. A unit that is a number or an annotation has no spelling.
_SPELLED = {
    "s": ("s", "sec", "secs", "second", "seconds"),
    "ms": ("ms", "millis", "millisecond", "milliseconds"),
    "us": ("us", "micros", "microsecond", "microseconds"),
    "ns": ("ns", "nanos", "nanosecond", "nanoseconds"),
    "min": ("minute", "minutes"),
    "h": ("hour", "hours"),
    "By": ("byte", "bytes"),
    "kBy": ("kilobyte", "kilobytes"),
    "KiBy": ("kibibyte", "kibibytes"),
    "MBy": ("megabyte", "megabytes"),
    "MiBy": ("mebibyte", "mebibytes"),
    "%": ("percent",),
    "Cel": ("celsius",),
    "W": ("watt", "watts"),
    "J": ("joule", "joules"),
    "V": ("volt", "volts"),
    "Hz": ("hertz",),
}
# Namespaces of attributes that the semantic conventions define for resources alone, and for records alone.
_OF_RESOURCES = ("service.", "telemetry.sdk.", "telemetry.distro.", "deployment.environment", "host.", "os.", "cloud.")
_OF_RECORDS = ("http.", "db.", "rpc.", "messaging.", "exception.", "graphql.", "gen_ai.", "feature_flag.", "thread.")
_NOT_OF_RESOURCES = ("service.peer.",)


class Verdict(NamedTuple):
    """What a rule says of a service: True if it is kept, False if not, None if the capture cannot answer it."""

    kept: bool | None
    why: str = ""


Answer = Callable[[ServiceFacts, Readable], Verdict]
KEPT = Verdict(True)


@dataclass(frozen=True)
class Rule:
    """A rule of the specification: its id, its impact, what it asks for, and how a capture answers it."""

    id: str
    impact: str
    asks: str
    answer: Answer


@dataclass(frozen=True)
class Answered:
    """A rule and what it says of a service."""

    rule: Rule
    verdict: Verdict


@dataclass(frozen=True)
class Score:
    """The score of a service, from 0 to 100; None if no rule is answered."""

    service: str
    points: float | None
    answered: tuple[Answered, ...]

    @property
    def category(self) -> str:
        """The category of the score."""
        return "" if self.points is None else next(name for least, name in CATEGORIES if self.points >= least)

    def of(self, kept: bool | None) -> list[Answered]:
        """Return the rules with a verdict."""
        return [answered for answered in self.answered if answered.verdict.kept is kept]


def score_of(service: str, facts: ServiceFacts, readable: Readable) -> Score:
    """Return the score of a service by the formula of the specification, over the rules that are answered."""
    answered = tuple(Answered(rule, rule.answer(facts, readable)) for rule in RULES)
    all_points = _points(one.rule for one in answered if one.verdict.kept is not None)
    points = _points(one.rule for one in answered if one.verdict.kept)
    return Score(service, 100 * points / all_points if all_points else None, answered)


def _points(rules: Iterable[Rule]) -> int:
    return sum(WEIGHTS[rule.impact] for rule in rules)


def _unanswered(why: str) -> Answer:
    return lambda _facts, _readable: Verdict(None, why)


def _failed_if(wrong: bool, why: str) -> Verdict:
    return Verdict(False, why) if wrong else KEPT


# ── Resources ──


def _has_instance(facts: ServiceFacts, _readable: Readable) -> Verdict:
    missing = facts.without_instance
    return _failed_if(bool(missing), f"missing in {missing:,} of {facts.resources:,} resources")


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
    on_resources = {name for name in facts.resource_names if name.startswith(_OF_RECORDS)}
    on_records = {name for name in facts.record_names if name.startswith(_OF_RESOURCES)}
    on_records -= {name for name in on_records if name.startswith(_NOT_OF_RESOURCES)}
    wrong = [f"{name} of resources" for name in sorted(on_resources)]
    wrong += [f"{name} of records" for name in sorted(on_records)]
    return _failed_if(bool(wrong), ", ".join(wrong))


def _has_name(facts: ServiceFacts, _readable: Readable) -> Verdict:
    return _failed_if(not facts.name, "resources without service.name")


# ── Spans ──


def _few_internal(facts: ServiceFacts, _readable: Readable) -> Verdict:
    return _few_in_trace(facts, max(facts.spans.internal.values(), default=0), _MOST_INTERNAL, "internal spans")


def _few_short(facts: ServiceFacts, _readable: Readable) -> Verdict:
    return _few_in_trace(facts, max(facts.spans.short.values(), default=0), _MOST_SHORT, "spans below 5 ms")


def _few_in_trace(facts: ServiceFacts, most: int, limit: int, what: str) -> Verdict:
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


def _of_metrics(wrong: Callable[[str, MetricFacts], bool], why: str) -> Answer:
    """Return a rule about each metric of a service. A reader gets the names of those that break it."""

    def answer(facts: ServiceFacts, _readable: Readable) -> Verdict:
        if not facts.metrics:
            return Verdict(None, "the capture has no metrics of it")
        names = sorted(name for name, metric in facts.metrics.items() if wrong(name, metric))
        return _failed_if(bool(names), f"{why}: {', '.join(names)}")

    return answer


def _values_are_bound(facts: ServiceFacts, readable: Readable) -> Verdict:
    verdict = _of_metrics(_has_many_values, f"an attribute has {MOST_VALUES:,} values or more")(facts, readable)
    if verdict.kept and facts.end - facts.start < _HOUR:
        return Verdict(None, "the rule counts the values of an hour, and the capture is shorter")
    return verdict


def _has_many_values(_name: str, metric: MetricFacts) -> bool:
    return any(len(values) >= MOST_VALUES for values in metric.values.values())


def _units_are_useful(facts: ServiceFacts, readable: Readable) -> Verdict:
    if not readable.is_masked:
        return _of_metrics(_has_odd_unit, "no unit, or none of UCUM")(facts, readable)
    # A mask hides a unit that is not common, but not that there is none.
    verdict = _of_metrics(_has_no_unit, "no unit")(facts, readable)
    if verdict.kept and any(_has_odd_unit(name, metric) for name, metric in facts.metrics.items()):
        return Verdict(None, "the capture masks units that are not common")
    return verdict


def _has_no_unit(_name: str, metric: MetricFacts) -> bool:
    return "" in metric.units


def _has_odd_unit(_name: str, metric: MetricFacts) -> bool:
    return any(not _UCUM.fullmatch(unit) for unit in metric.units)


def _has_two_units(_name: str, metric: MetricFacts) -> bool:
    return len(metric.units) > 1


def _has_two_bounds(_name: str, metric: MetricFacts) -> bool:
    return len(metric.bounds) > 1


def _names_unit(name: str, metric: MetricFacts) -> bool:
    words = set(re.split(r"[._\-/]", name.lower()))
    return any(words.intersection(_SPELLED.get(unit, ())) for unit in metric.units)


def _same_bounds(facts: ServiceFacts, readable: Readable) -> Verdict:
    if not any(metric.bounds for metric in facts.metrics.values()):
        return Verdict(None, "the capture has no histograms of it")
    return _of_metrics(_has_two_bounds, "several lists of bounds")(facts, readable)


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
    Rule("MET-003", "Important", "a metric has one unit", _of_metrics(_has_two_units, "several units")),
    Rule("MET-004", "Normal", "the histograms of a metric have the same bounds", _same_bounds),
    Rule(
        "MET-005", "Normal", "names of metrics do not have the unit", _of_metrics(_names_unit, "the unit in the name")
    ),
    Rule(
        *("MET-006", "Important", "no metric is named as an attribute"),
        _unanswered("it needs the list of all attributes of the semantic conventions"),
    ),
    Rule(
        *("SDK-001", "Low", "the SDK supports its runtime"),
        _unanswered("it needs a list of the runtimes that each SDK supports"),
    ),
)
"""All rules of the specification."""
