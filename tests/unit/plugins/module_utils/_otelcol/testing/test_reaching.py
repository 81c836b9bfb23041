# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.languages.ottl_language import OttlLanguage
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.testing.branches import list_branches
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.testing.reaching import (
    list_given_parts_taking,
)
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _builds

from tests.support.cases import cases


def first(component: str, settings: Any, signal: str = "traces", examples: Any = ()) -> list[dict[str, Any]]:
    """Return what is given for the last branch of a processor."""
    pipeline = {"receivers": ["otlp"], "processors": [component], "exporters": ["debug"]}
    config = {"processors": {component: settings}, "service": {"pipelines": {signal: pipeline}}}
    found = list_branches(config, OttlLanguage.from_rows(_builds.load_catalogue().ottl_rows))
    return [
        {key: value for key, value in one.items() if key != "to"}
        for one in list_given_parts_taking(found[-1], config, examples)
    ]


@cases(
    "settings, record",
    ({"statements": ['delete_key(attributes, "a")']}, {"attributes": {"a": "text"}}),
    ({"statements": ['delete_matching_keys(attributes, "^a\\\\.b")']}, {"attributes": {"a.b": "text"}}),
    ({"statements": ['keep_keys(attributes, ["a"])']}, {"attributes": {"other": "text"}}),
    ({"statements": ['replace_pattern(name, "x+y", "z") where true']}, {"name": "xy"}),
    ({"statements": ['replace_all_patterns(attributes, "value", "x+", "z")']}, {"attributes": {"key": "x"}}),
    ({"statements": ['replace_match(name, "a*", "z")']}, {"name": "ax"}),
    ({"statements": ['limit(attributes, 1, ["a"])']}, {"attributes": {"key0": "text", "key1": "text"}}),
    ({"statements": ["truncate_all(attributes, 2)"]}, {"attributes": {"key": "xxx"}}),
    ({"statements": ['set(attributes["a"], resource.attributes["b"])']}, {"resource": {"b": "text"}}),
    ({"conditions": ['name == "a"'], "statements": ['set(status.message, "b")']}, {"name": "a"}),
)  # fmt: skip
def test_a_statement_is_given_what_it_changes_and_what_meets_its_conditions(settings: Any, record: Any) -> None:
    (found,) = first("transform", {"trace_statements": [{"context": "span", **settings}]})
    assert found == {"spans": [record]}


@cases(
    "statement",
    "truncate_all(attributes, 100000000000000)",
    'limit(attributes, 20000, ["a"])',
)
def test_a_statement_with_a_bound_beyond_all_records_is_given_no_field(statement: str) -> None:
    assert first("transform", {"trace_statements": [{"context": "span", "statements": [statement]}]}) == [
        {"spans": [{}]}
    ]


@cases(
    "policy, record",
    ({"type": "always_sample"}, {}),
    ({"type": "latency", "latency": {"threshold_ms": 5}}, {"duration": "6ms"}),
    ({"type": "status_code", "status_code": {"status_codes": ["ERROR"]}}, {"status": "error"}),
    ({"type": "numeric_attribute", "numeric_attribute": {"key": "a", "min_value": 5}}, {"attributes": {"a": 5}}),
    ({"type": "boolean_attribute", "boolean_attribute": {"key": "a", "value": False}}, {"attributes": {"a": False}}),
    (
        {
            "type": "string_attribute",
            "string_attribute": {"key": "a", "values": ["b+"], "enabled_regex_matching": True},
        },
        {"attributes": {"a": "b"}},
    ),
)
def test_a_policy_is_given_what_it_keeps(policy: Any, record: Any) -> None:
    assert first("tail_sampling", {"policies": [policy]}) == [{"spans": [record]}]


def test_policies_of_a_policy_are_met_together_and_those_of_parts_with_many_traces() -> None:
    below = [
        {"type": "latency", "latency": {"threshold_ms": 5}},
        {"type": "ottl_condition", "ottl_condition": {"span": ['attributes["a"] == 1']}},
    ]
    config = {"tail_sampling": {"policies": [{"type": "and", "and": {"and_sub_policy": below}}]}}
    pipelines = {"traces": {"receivers": ["otlp"], "processors": ["tail_sampling"]}}
    whole = {"processors": config, "service": {"pipelines": pipelines}}
    found = list_branches(whole, OttlLanguage.from_rows(_builds.load_catalogue().ottl_rows))
    (one,) = list_given_parts_taking(found[0], whole, [])
    assert one["spans"] == [{"duration": "6ms", "attributes": {"a": 1}}]
    (many,) = first(
        "tail_sampling", {"policies": [{"type": "probabilistic", "probabilistic": {"sampling_percentage": 1}}]}
    )
    assert len({record["trace"] for record in many["spans"]}) == 300
    (several,) = first("tail_sampling", {"policies": [{"type": "span_count", "span_count": {"min_spans": 3}}]})
    assert several["spans"] == [{"trace": "one"}] * 3


@cases(
    "action, record",
    ({"key": "a", "action": "delete"}, {"attributes": {"a": "text"}}),
    ({"key": "a", "action": "insert", "value": 1}, {}),
    ({"key": "a", "action": "upsert", "from_attribute": "b"}, {"attributes": {"b": "text"}}),
    ({"pattern": "^a", "action": "delete"}, {"attributes": {"a": "text"}}),
    ({"key": "a", "pattern": "(?P<x>b+)", "action": "extract"}, {"attributes": {"a": "b"}}),
    ({"key": "a", "action": "convert", "converted_type": "int"}, {"attributes": {"a": "1"}}),
)
def test_an_action_is_given_the_attribute_that_it_works_on(action: Any, record: Any) -> None:
    assert first("attributes", {"actions": [action]}) == [{"spans": [record]}]


def test_records_of_other_tests_are_tried_with_the_fields_that_are_needed() -> None:
    example = {"spans": [{"name": "a", "attributes": {"b": 1}, "events": [{"name": "x", "attributes": {"y": 1}}]}]}
    condition = 'spanevent.name == "e" and span.attributes["b"] == nil'
    plain, other = first("filter", {"traces": {"spanevent": [condition]}}, examples=[example, {"logs": [{}]}])
    assert plain == {"spans": [{"events": [{"name": "e"}]}]}
    assert other == {"spans": [{"name": "a", "events": [{"name": "e", "attributes": {"y": 1}}]}]}


def test_what_no_literal_says_is_not_given() -> None:
    assert first("filter", {"traces": {"span": ["Len(name) > 3"]}}) == []
    assert first("attributes", {"actions": [{"key": "a", "from_context": "x", "action": "insert"}]}) == []


ROUTES = """
processors: {resource: {attributes: [{key: a, action: delete}]}}
connectors:
  forward: {}
  routing:
    table:
      - {condition: 'attributes["t"] == "a"', pipelines: [traces/a]}
      - {context: request, condition: 'request["x-t"] == "b"', pipelines: [traces/b]}
  span_metrics: {}
service:
  pipelines:
    traces: {receivers: [otlp, zipkin], exporters: [forward]}
    traces/all: {receivers: [forward], exporters: [routing, span_metrics]}
    traces/a: {receivers: [routing], processors: [resource], exporters: [debug]}
    traces/b: {receivers: [routing], exporters: [debug]}
    metrics: {receivers: [span_metrics], processors: [resource], exporters: [debug]}
"""


def test_routes_on_the_way_are_met_too_and_receivers_named() -> None:
    config = yaml.safe_load(ROUTES)
    step, one, two = list_branches(config, OttlLanguage.from_rows(_builds.load_catalogue().ottl_rows))
    record = {"resource": {"a": "text", "t": "a"}}
    assert list(list_given_parts_taking(step, config, [])) == [
        {"to": "otlp", "spans": [record]},
        {"to": "zipkin", "spans": [record]},
    ]
    assert next(list_given_parts_taking(one, config, [])) == {"to": "otlp", "spans": [{"resource": {"t": "a"}}]}
    assert next(list_given_parts_taking(two, config, [])) == {"to": "otlp", "headers": {"x-t": "b"}, "spans": [{}]}
