# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.testing import (
    read_records,
    records,
    written_records,
)

from tests.support.cases import cases

M2: dict[str, Any] = {"name": "m", "attributes": {"a": 1}}
ATTRIBUTES = {"text": "a", "whole": 7, "part": 1.5, "switch": True, "list": [1, "b"], "map": {"c": False}}
SPAN = {
    "name": "GET /",
    "kind": "server",
    "status": "error",
    "message": "no",
    "duration": "1.5s",
    "events": [{"name": "exception", "attributes": {"type": "x"}}],
    "attributes": ATTRIBUTES,
    "resource": {"service.name": "cart"},
    "scope": {"name": "lib", "version": "1", "attributes": {"d": 1}},
}


def back(signal: str, *given: dict[str, Any]) -> list[dict[str, Any]]:
    return list(read_records.read_records(signal, written_records.build_otlp_request(signal, given, "t")))


def test_a_span_comes_back_as_it_was_given() -> None:
    [found] = back("spans", SPAN)
    assert {key: found[key] for key in SPAN} == {**SPAN, "duration": 1_500_000_000}
    assert len(found["trace"]) == 32
    assert len(found["id"]) == 16


@cases(
    "signal, record",
    ("logs", {"body": {"a": [1]}, "severity": "warn", "severity_text": "W", "event_name": "e", "attributes": {"b": 1}}),
    ("logs", {"body": "x", "severity": 10}),
    ("metrics", {"name": "m", "type": "gauge", "value": 1.5, "unit": "s", "description": "d"}),
    ("metrics", {"name": "m", "type": "sum", "value": 3, "monotonic": False, "temporality": "delta"}),
    ("metrics", {"name": "m", "type": "histogram", "count": 3, "sum": 6, "bounds": [1], "buckets": [1, 2]}),
)
def test_what_is_given_comes_back(signal: str, record: dict[str, Any]) -> None:
    [found] = back(signal, record)
    assert {key: found[key] for key in record} == record


def test_the_same_name_is_the_same_id_and_digits_stay() -> None:
    digits = "0af7651916cd43dd8448eb211c80319c"
    first, second, other, own = back("spans", {"trace": "a"}, {"trace": "a", "parent": 1}, {}, {"trace": digits})
    assert first["trace"] == second["trace"] != other["trace"]
    assert second["parent"] == records.make_identifier(1, 16)
    assert own["trace"] == digits
    assert first["id"] != second["id"]


def test_neighbours_share_a_resource_and_points_a_metric() -> None:
    given = [{"name": "m", "value": 1, "attributes": {"a": n}, "resource": {"r": n // 2}} for n in range(4)]
    found = written_records.build_otlp_request("metrics", given, "t")["resourceMetrics"]
    points = [[len(m["gauge"]["dataPoints"]) for m in one["scopeMetrics"][0]["metrics"]] for one in found]
    assert points == [[2], [2]]
    apart = written_records.build_otlp_request("metrics", [{"name": "a"}, {"name": "b"}], "t")["resourceMetrics"]
    assert len(apart[0]["scopeMetrics"][0]["metrics"]) == 2


@cases("temporality, begins", ("cumulative", -1), ("delta", 1))
def test_later_points_have_a_later_time_and_deltas_follow_each_other(temporality: str, begins: int) -> None:
    """Or `delta_to_cumulative` drops the second point as one that came twice."""
    given = [{"type": "sum", "temporality": temporality}]
    first, third = (
        written_records.build_otlp_request("metrics", given, "t", minute)["resourceMetrics"][0] for minute in (0, 2)
    )
    points = [one["scopeMetrics"][0]["metrics"][0]["sum"]["dataPoints"][0] for one in (first, third)]
    times = [[int(point[key]) for key in ("startTimeUnixNano", "timeUnixNano")] for point in points]
    minute, zero = 60_000_000_000, times[0][1]
    assert [[(time - zero) // minute for time in pair] for pair in times] == [[-1, 0], [begins, 2]]


def test_a_series_that_is_sent_again_has_its_last_point() -> None:
    points = back(
        "metrics", {"name": "m", "value": 0}, {"name": "m", "value": 2}, {"name": "m", "attributes": {"a": 1}}
    )
    assert [(one["value"], one["attributes"]) for one in read_records.keep_latest_points(points)] == [
        (2, {}),
        (1, {"a": 1}),
    ]
