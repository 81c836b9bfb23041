# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.testing import (
    expectations,
    golden,
    read_records,
    written_records,
)

from tests.support.cases import cases


def arrived(signal: str, *given: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    return {signal: list(read_records.read_records(signal, written_records.build_otlp_request(signal, given, "t")))}


SPANS = arrived("spans", {"name": "b", "parent": 1, "attributes": {"y": 1, "x": [1]}, "duration": "3ms"}, {"name": "a"})
METRICS = arrived("metrics", {"name": "up", "value": 0}, {"name": "m", "type": "histogram", "count": 2, "sum": 0})


def test_what_is_written_has_no_ids_and_an_order() -> None:
    assert golden.build_golden_content(SPANS) == {
        "spans": [
            {"name": "a", "kind": "internal", "status": "unset", "duration": "10000000ns"},
            {
                "name": "b",
                "kind": "internal",
                "status": "unset",
                "duration": "3000000ns",
                "attributes": {"x": [1], "y": 1},
            },
        ]
    }
    [span] = [one for one in golden.build_golden_content(SPANS)["spans"] if one["name"] == "b"]
    assert list(span["attributes"]) == ["x", "y"]


@pytest.mark.parametrize("got", [SPANS, METRICS, arrived("logs", {"body": {"a": 1}, "severity": "warn"}), {}])
def test_what_is_written_fits_what_arrived(got: Any) -> None:
    assert (
        expectations.list_record_differences(
            "e", golden.read_golden_expectation(golden.build_golden_content(got), "f"), got
        )
        == []
    )


@cases(
    "change",
    {"attributes": {"z": 1}},
    {"events": [{"name": "e", "attributes": {}}]},
    {"resource": {"r": 1}},
    {"scope": {"name": "s"}},
    {"message": "m"},
    {"status": "error"},
    {"duration": 1},
)
def test_every_change_of_a_record_is_a_difference(change: dict[str, Any]) -> None:
    wanted = golden.read_golden_expectation(golden.build_golden_content(SPANS), "f")
    first, second = SPANS["spans"]
    assert expectations.list_record_differences("e", wanted, {"spans": [first, {**second, **change}]})


def test_another_signal_and_another_record_are_differences() -> None:
    wanted = golden.read_golden_expectation(golden.build_golden_content(SPANS), "f")
    assert expectations.list_record_differences("e", wanted, {**SPANS, **METRICS})
    assert expectations.list_record_differences("e", wanted, {"spans": SPANS["spans"][:1]})


def test_what_a_scrape_says_of_itself_is_not_written() -> None:
    assert [one["name"] for one in golden.build_golden_content(METRICS, ("up",))["metrics"]] == ["m"]


def test_a_pattern_may_be_written_into_the_file() -> None:
    content = {"spans": [{"name": {"like": "?"}}, {"name": "b", "attributes": {"x": [1], "y": 1}}]}
    assert expectations.list_record_differences("e", golden.read_golden_expectation(content, "f"), SPANS) == []


@cases(
    "content, said",
    ([], "the golden file is not a mapping (at f)"),
    ({"span": []}, "there is no key 'span'; did you mean 'spans'?"),
    ({"spans": 2}, "'spans' is not a list of records"),
    ({"spans": ["x"]}, "'spans' is not a list of records"),
)
def test_what_is_no_golden_file_is_refused(content: Any, said: str) -> None:
    with pytest.raises(Problem) as problem:
        golden.read_golden_expectation(content, "f")
    assert said in str(problem.value)
