# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A value that no record can have is refused, with the place of the record in the file of tests."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.testing.read_records import read_records
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.testing.written_records import (
    build_otlp_request,
)

from tests.support.cases import cases


def read_back(record_kind: str, record: dict[str, Any]) -> list[dict[str, Any]]:
    return list(read_records(record_kind, build_otlp_request(record_kind, [record], "t")))


@cases(
    "signal, record, said",
    ("spans", {"nam": "x"}, "there is no field 'nam' in records of spans; did you mean 'name'?"),
    ("spans", "x", "a record must be a mapping"),
    ("spans", {"attributes": "x"}, "'attributes' must be a mapping"),
    ("spans", {"kind": "servr"}, "'servr' is not a kind"),
    ("spans", {"duration": 5}, "'5' is not a duration"),
    ("metrics", {"type": "summary"}, "'summary' is not a type"),
    ("metrics", {"value": "1"}, "the value '1' is not a number"),
    ("metrics", {"value": True}, "the value 'True' is not a number"),
    ("logs", {"severity": "warning"}, "'warning' is not a severity"),
    ("logs", {"severity": ["warn"]}, "'['warn']' is not a severity"),
    ("logs", {"severity": True}, "'True' is not a severity"),
    ("spans", {"duration": f"{'9' * 400}s"}, "9s' is not a duration"),
    ("spans", {"kind": ["server"]}, "'['server']' is not a kind"),
    ("spans", {"events": 5}, "'events' must be a list of mappings"),
    ("spans", {"events": ["a"]}, "'events' must be a list of mappings"),
    ("metrics", {"type": "histogram", "bounds": 5}, "'bounds' must be a list of numbers"),
    ("metrics", {"type": "histogram", "bounds": "5"}, "'bounds' must be a list of numbers"),
    ("metrics", {"type": "histogram", "bounds": ["a"]}, "'bounds' must be a list of numbers"),
    ("metrics", {"type": "histogram", "buckets": 5}, "'buckets' must be a list of counts"),
    ("metrics", {"type": "histogram", "buckets": ["a"]}, "'buckets' must be a list of counts"),
    ("metrics", {"type": "histogram", "buckets": [1.5], "count": 1}, "'buckets' must be a list of counts"),
    ("metrics", {"type": "histogram", "buckets": [-1]}, "'buckets' must be a list of counts"),
    ("metrics", {"type": "histogram", "count": "5"}, "the count '5' is not a whole number"),
    ("metrics", {"type": "histogram", "count": None}, "the count 'None' is not a whole number"),
    ("metrics", {"type": "histogram", "sum": "6"}, "the sum '6' is not a number"),
)
def test_what_no_record_has_is_refused_with_its_place(signal: str, record: Any, said: str) -> None:
    with pytest.raises(Problem) as problem:
        build_otlp_request(signal, [{}, record], "file: tests[0].given")
    assert said in str(problem.value)
    assert f"file: tests[0].given.{signal}[1]" in str(problem.value)


@cases(
    "record, place",
    ({"scope": {"attributes": ["a"]}}, "spans[0].scope"),
    ({"events": [{}, {"attributes": ["a"]}]}, "spans[0].events[1]"),
    ({"events": [{"attributes": "a"}]}, "spans[0].events[0]"),
)
def test_attributes_inside_a_record_are_a_mapping(record: dict[str, Any], place: str) -> None:
    with pytest.raises(Problem) as problem:
        build_otlp_request("spans", [record], "file: tests[0].given")
    assert "'attributes' must be a mapping" in str(problem.value)
    assert f"(at file: tests[0].given.{place})" in str(problem.value)


def test_empty_fields_count_as_missing_ones() -> None:
    empty = {"attributes": None, "scope": {"name": "lib", "attributes": None}, "events": None}
    [found] = read_back("spans", empty)
    assert (found["attributes"], found["scope"]["name"], found["events"]) == ({}, "lib", [])
    [found] = read_back("metrics", {"type": "histogram", "bounds": None, "buckets": None})
    assert (found["bounds"], found["buckets"], found["count"]) == ([], [1], 1)
