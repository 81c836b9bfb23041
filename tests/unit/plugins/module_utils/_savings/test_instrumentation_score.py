# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The score follows the formula of the specification; a rule that a capture cannot answer does not count."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._savings.captured_records import ReadableValues
from ansible_collections.o11y.opentelemetry.plugins.module_utils._savings.instrumentation_score import (
    Score,
    compute_score,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._savings.rule_answer import RuleOutcome
from ansible_collections.o11y.opentelemetry.plugins.module_utils._savings.score_rules import RULES

from .planted import OPEN, found, logs, points, spans

RESOURCE = {"service.name": "cart", "service.instance.id": "i1", "k8s.pod.name": "cart-1", "k8s.pod.uid": "u1"}
SPAN = {"kind": "server", "resource": RESOURCE, "duration": "10ms"}
POINT = {"name": "queue.size", "unit": "By", "resource": RESOURCE}
LOG = {"body": "done", "severity": "info", "resource": RESOURCE}
UNANSWERED = {"SPA-003", "LOG-001", "MET-001", "MET-006", "SDK-001"}


def score(*requests: Any, readable: ReadableValues = OPEN, service: str = "cart") -> Score:
    return compute_score(service, found(*requests, readable=readable).summary_by_service[service], readable)


def broken(told: Score) -> set[str]:
    return {answered.rule.id for answered in told.list_rules(RuleOutcome.BROKEN)}


def unanswered(told: Score) -> set[str]:
    return {answered.rule.id for answered in told.list_rules(RuleOutcome.UNANSWERED)}


def inner(number: int, **more: Any) -> dict[str, Any]:
    return {**SPAN, "trace": "t", "kind": "internal", "id": f"s{number}", **more}


def changed(**more: Any) -> dict[str, Any]:
    return {**RESOURCE, **more}


def test_telemetry_that_keeps_all_rules_has_100_and_names_what_is_not_answered() -> None:
    told = score(spans(SPAN), points(POINT), logs(LOG))
    assert (told.points, told.category) == (100, "Excellent")
    assert unanswered(told) == {*UNANSWERED, "MET-004"}
    assert all(answered.answer.reason for answered in told.list_rules(RuleOutcome.UNANSWERED))


def test_a_data_point_without_a_time_does_not_stretch_the_capture() -> None:
    timed = points(POINT)
    untimed = points(POINT)
    _signal, payload = untimed
    [point] = payload["resourceMetrics"][0]["scopeMetrics"][0]["metrics"][0]["gauge"]["dataPoints"]
    del point["timeUnixNano"]
    facts, stretched = (found(*requests).summary_by_service["cart"] for requests in ((timed,), (timed, untimed)))
    assert (stretched.start_nanoseconds, stretched.end_nanoseconds) == (facts.start_nanoseconds, facts.end_nanoseconds)
    assert facts.start_nanoseconds > 0


def test_the_score_is_the_weight_of_the_kept_rules_of_all_that_are_answered() -> None:
    told = score(spans({**SPAN, "resource": changed(**{"service.instance.id": ""})}))
    # RES-001 of 20 is broken. RES-003, RES-004, SPA-004 and SPA-005 have 30, RES-005 40, SPA-001 and SPA-002 20.
    assert broken(told) == {"RES-001"}
    assert told.points == pytest.approx(100 * (4 * 30 + 40 + 2 * 20) / (4 * 30 + 40 + 3 * 20))


BROKEN = {
    "RES-001": [spans({**SPAN, "resource": {"service.name": "cart"}})],
    "RES-002": [spans(SPAN, {**SPAN, "resource": changed(**{"k8s.pod.name": "b", "k8s.pod.uid": "u2"})})],
    "RES-003": [spans({**SPAN, "resource": changed(**{"k8s.pod.uid": ""})})],
    "RES-004": [spans({**SPAN, "attributes": {"service.version": "1"}})],
    "SPA-001": [spans(*[inner(number) for number in range(11)])],
    "SPA-002": [spans(inner(1, parent="gone"), {**SPAN, "trace": "late", "duration": "60s"})],
    "SPA-004": [spans({**SPAN, "kind": "client"})],
    "SPA-005": [spans(*[inner(number, duration="1ms") for number in range(21)])],
    "LOG-002": [logs({**LOG, "severity": 0})],
    "MET-002": [points({**POINT, "unit": "furlongs"})],
    "MET-003": [points(POINT, {**POINT, "unit": "s"})],
    "MET-004": [points(*[{**POINT, "type": "histogram", "bounds": bounds} for bounds in ([1], [2])])],
    "MET-005": [points({**POINT, "name": "queue.size.bytes"})],
}


@pytest.mark.parametrize("rule", BROKEN)
def test_each_rule_is_broken_by_its_fault(rule: str) -> None:
    assert rule in broken(score(*BROKEN[rule]))
    assert rule not in broken(score(spans(SPAN), points(POINT), logs(LOG)))


def test_many_values_of_an_attribute_break_a_rule() -> None:
    many = [{**POINT, "attributes": {"user.id": str(number)}} for number in range(10_000)]
    assert "MET-001" in broken(score(points(*many)))
    hour = score(points(POINT), points(POINT, minute=60))
    assert "MET-001" not in unanswered(hour) | broken(hour)


def test_telemetry_without_a_name_breaks_the_critical_rule() -> None:
    assert "RES-005" in broken(score(logs({"body": "x", "severity": "info"}), service=""))


def test_every_rule_has_a_case() -> None:
    assert {rule.id for rule in RULES} == {*BROKEN, *UNANSWERED, "RES-005"}


def test_what_a_part_of_a_trace_or_a_mask_hides_is_not_answered() -> None:
    orphan = BROKEN["SPA-002"]
    assert "SPA-002" in unanswered(score(*orphan, readable=ReadableValues(other_pod_count=1)))
    assert "SPA-002" in unanswered(score(spans(inner(1, parent="gone"))))
    assert "MET-002" in unanswered(score(*BROKEN["MET-002"], readable=ReadableValues(is_masked=True)))
    assert {"RES-002", "RES-003"} <= unanswered(score(spans({**SPAN, "resource": {"service.name": "cart"}})))


def test_a_metric_without_a_unit_is_seen_although_another_unit_is_masked() -> None:
    masked = {**POINT, "name": "queue.age", "unit": "furlongs"}
    told = score(points({**POINT, "unit": ""}, masked), readable=ReadableValues(is_masked=True))
    (answered,) = [answered for answered in told.list_rules(RuleOutcome.BROKEN) if answered.rule.id == "MET-002"]
    assert answered.answer.reason == "no unit: queue.size"


@pytest.mark.parametrize(
    "unit",
    [
        "deg",
        "rad",
        "mol",
        "N",
        "Ohm",
        "dB",
        "cd",
        "m2",
        "m/s2",
        "10*6",
        "[degF]",
        "[ppm]",
        "/s",
        "s-1",
        "kW.h",
        "mF",
        "1",
        "%",
        "{request}/s",
        "By/s",
        "Kibit",
        "MiBy",
        "m3",
        "mbar",
    ],
)
def test_a_unit_of_ucum_is_one(unit: str) -> None:
    assert "MET-002" not in broken(score(points({**POINT, "unit": unit})))


@pytest.mark.parametrize(
    "unit",
    [
        "bytes",
        "seconds",
        "requests",
        "count",
        "B",
        "MB",
        "KB",
        "C",
        "sec",
        "/",
        "s/",
        "ratio",
        "{}",
        "[request]",
        "msec",
        "1/",
    ],
)
def test_a_word_that_is_no_unit_of_ucum_is_none(unit: str) -> None:
    assert "MET-002" in broken(score(points({**POINT, "unit": unit})))
