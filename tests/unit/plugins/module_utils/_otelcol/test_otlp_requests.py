# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A request of OTLP says of which signal it is, and how much it has."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.otlp_requests import (
    count_items,
    describe_item_count,
    measure_resources,
    signal_of_request,
)

from tests.support.cases import cases


@cases("other", {}, {"resourceProfiles": []}, {"resourceSpans": {}})
def test_other_json_is_no_request(other: dict[str, Any]) -> None:
    assert signal_of_request(other) == ""


def test_each_point_of_a_metric_is_an_item_whatever_its_kind() -> None:
    metrics = [{"gauge": {"dataPoints": [{}, {}]}}, {"summary": {"dataPoints": [{}]}}, {"sum": None}, {}]
    assert count_items("metrics", {"resourceMetrics": [{"scopeMetrics": [{"metrics": metrics}, {}]}, {}]}) == 3
    assert count_items("logs", {"resourceLogs": [{"scopeLogs": [{"logRecords": [{}, {}]}]}]}) == 2


@cases(
    "signal, number, words",
    ("traces", 1, "1 span"),
    ("metrics", 2000, "2,000 data points"),
    ("logs", 0, "0 log records"),
)
def test_items_are_counted_in_words(signal: str, number: int, words: str) -> None:
    assert describe_item_count(signal, number) == words


@cases(
    "request_of_spans",
    {"resourceSpans": [{"resource": {}, "scopeSpans": []}, {"schemaUrl": "[ü]"}]},
    {"resourceSpans": [{}]},
    {"resourceSpans": []},
    {},
)
def test_resources_are_measured_as_they_are_written(request_of_spans: dict[str, Any]) -> None:
    text = json.dumps(request_of_spans, separators=(",", ":"), ensure_ascii=False)
    expected = request_of_spans.get("resourceSpans", [])
    measured = list(measure_resources(text))
    assert [resource.content for resource in measured] == expected
    written = [json.dumps(resource, separators=(",", ":"), ensure_ascii=False) for resource in expected]
    assert [resource.size_bytes for resource in measured] == [len(text.encode()) for text in written]


@pytest.mark.parametrize(
    "text", ['{"resourceLogs":[', '{"resourceLogs":[{"a":1}', '{"resourceLogs":[{"a":1},', '{"a":[{"a"']
)
def test_a_request_that_ends_too_early_is_no_json(text: str) -> None:
    with pytest.raises(ValueError, match="line 1"):
        list(measure_resources(text))
