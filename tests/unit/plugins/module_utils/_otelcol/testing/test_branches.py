# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.paths import format_path
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.languages.ottl_language import OttlLanguage
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.testing import branches as found_in
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.testing.branch_model import (
    Baseline,
    Branch,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.testing.probes import (
    REASON_RANDOM,
    REASON_SHARED,
    Probes,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.testing.replaced_ends import ReplacedEnds
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _builds

from tests.support.cases import cases


def branches(config: str) -> list[Branch]:
    return found_in.list_branches(yaml.safe_load(config), OttlLanguage.from_rows(_builds.load_catalogue().ottl_rows))


def of(kind: str, settings: str, signal: str = "traces") -> list[Branch]:
    pipelines = f"{{{signal}: {{processors: [{kind}]}}}}"
    return branches(f"processors: {{{kind}: {settings}}}\nservice: {{pipelines: {pipelines}}}")


def test_a_statement_is_compared_with_those_before_it_in_the_context_of_all() -> None:
    one, two = of(
        "transform", "{error_mode: ignore, trace_statements: ['set(resource.attributes[\"a\"], 1)', 'b(span.name)']}"
    )
    group = {"statements": ['set(resource.attributes["a"], 1)'], "context": "span"}
    assert one.settings_without_branch is Baseline.RECORDS_BEFORE
    assert (
        one.settings_with_branch == two.settings_without_branch == {"error_mode": "ignore", "trace_statements": [group]}
    )
    assert two.settings_with_branch == {
        "error_mode": "ignore",
        "trace_statements": [{"statements": [*group["statements"], "b(span.name)"], "context": "span"}],
    }
    assert format_path(two.path) == "processors.transform.trace_statements[1]"
    assert two.signals == ("traces",)


@cases(
    "statement, marked",
    ('set(span.name, "a")', False),
    ('set(attributes["a"], 1) where name == "where"', False),
    ("convert_sum_to_gauge()", False),
    ('set(span.cache["a"], 1)', True),
    ('set(cache["a"], 1) where IsMatch(name, " where ")', True),
    ("set(span.end_time, Now())", True),
)
def test_a_statement_whose_change_no_record_shows_leaves_a_mark_under_its_condition(
    statement: str, marked: bool
) -> None:
    settings = {"transform": {"trace_statements": [{"context": "span", "statements": [statement]}]}}
    pipelines = {"traces": {"processors": ["transform"]}}
    config = yaml.safe_dump({"processors": settings, "service": {"pipelines": pipelines}})
    (branch,) = branches(config)
    assert branch.settings_with_branch is not None
    condition = f" where {statement.partition(') where ')[2]}" if ") where " in statement else ""
    wanted = f'set(resource.attributes["o11y.test.taken"], true){condition}' if marked else statement
    assert branch.settings_with_branch["trace_statements"] == [{"context": "span", "statements": [wanted]}]
    assert branch.description == statement


def test_a_condition_of_a_group_is_asked_alone_and_each_group_follows_the_last() -> None:
    found = of(
        "transform",
        """{metric_statements: [
            {context: metric, conditions: [a, b], statements: [c()]}, {statements: [d(metric.name)]}]}""",
        signal="metrics",
    )
    assert [format_path(branch.path[2:]) for branch in found] == [
        "metric_statements[0].conditions[0]",
        "metric_statements[0].conditions[1]",
        "metric_statements[0].statements[0]",
        "metric_statements[1].statements[0]",
    ]
    mark = ['set(resource.attributes["o11y.test.taken"], true)']
    assert found[1].settings_without_branch is Baseline.RECORDS_BEFORE
    assert found[1].settings_with_branch == {
        "metric_statements": [{"context": "metric", "conditions": ["b"], "statements": mark}]
    }
    first = {"context": "metric", "conditions": ["a", "b"], "statements": ["c()"]}
    assert found[3].settings_with_branch == {
        "metric_statements": [first, {"statements": ["d(metric.name)"], "context": "metric"}]
    }


def test_conditions_of_a_filter_are_asked_in_their_order_by_signal() -> None:
    found = of("filter", "{logs: {log_record: [c]}, traces: {spanevent: [b], span: [a]}, error_mode: silent}")
    assert [(branch.description, branch.signals) for branch in found] == [
        ("a", ("traces",)),
        ("b", ("traces",)),
        ("c", ("logs",)),
    ]
    assert found[1].settings_without_branch == {"error_mode": "silent", "traces": {"span": ["a"]}}
    assert found[1].settings_with_branch == {"error_mode": "silent", "traces": {"span": ["a"], "spanevent": ["b"]}}


def test_policies_and_policies_in_them_are_asked_alone() -> None:
    found = of(
        "tail_sampling",
        """{decision_wait: 1s, policies: [
            {name: a, type: and, and: {and_sub_policy: [{name: b, type: latency, latency: {threshold_ms: 1}}]}},
            {name: c, type: ottl_condition, ottl_condition: {error_mode: ignore, span: [x, y], spanevent: [z]}},
            {name: d, type: drop, drop: {drop_sub_policy: [{name: e, type: always_sample}]}}]}""",
    )
    assert [branch.description for branch in found] == [
        "policy a (and)", "policy b (latency)", "x", "y", "z", "policy d (drop)", "policy e (always_sample)",
    ]  # fmt: skip
    assert {branch.settings_without_branch for branch in found} == {Baseline.NO_RECORDS, Baseline.RECORDS_BEFORE}
    assert found[3].settings_with_branch == {
        "decision_wait": "1s",
        "policies": [
            {"name": "c", "type": "ottl_condition", "ottl_condition": {"error_mode": "ignore", "span": ["y"]}}
        ],
    }
    assert [policy["name"] for policy in (found[5].settings_with_branch or {})["policies"]] == ["all", "d"]


def test_what_cannot_be_asked_is_unknown_and_what_no_pipeline_has_is_left_out() -> None:
    config = """
receivers:
  file_log: {include: [/a], operators: [{type: noop, if: "true"}]}
  file_log/unused: {operators: [{type: noop, if: "x"}]}
processors:
  log_dedup: {conditions: [y]}
  transform: {profile_statements: ["a(profile.time)"]}
  span: {include: {match_type: strict, services: [a]}}
service: {pipelines: {logs: {receivers: [file_log], processors: [log_dedup, transform, span]}}}
"""
    found = branches(config)
    assert [(format_path(one.path), bool(one.unknown_reason), one.settings_with_branch) for one in found] == [
        ("receivers.file_log.operators[0].if", True, None),
        ("processors.log_dedup.conditions[0]", True, None),
        ("processors.transform.profile_statements[0]", True, None),
        ("processors.span.include", True, None),
    ]


def probed(config: dict[str, Any]) -> tuple[Probes, dict[str, Any]]:
    probes = Probes(branches(yaml.safe_dump(config)))
    probes.add_to_config(config, ReplacedEnds("http://sink", {}, "/"))
    return probes, config


def routed(connector: str) -> dict[str, Any]:
    return {
        "processors": {"resource": {"attributes": [{"key": "a", "action": "delete"}]}},
        "connectors": {connector: {"table": [{"condition": "c", "pipelines": ["traces/a"]}]}},
        "exporters": {"otlp_http/0": {"endpoint": "x"}},
        "service": {
            "pipelines": {
                "traces": {"receivers": ["otlp"], "exporters": [connector]},
                "traces/a": {"receivers": [connector], "processors": ["resource"], "exporters": ["otlp_http/0"]},
            }
        },
    }


def test_a_connector_sends_to_the_copies_of_a_pipeline_what_it_sends_to_the_pipeline() -> None:
    probes, config = probed(routed("routing"))
    copies = config["connectors"]["routing"]["table"][0]["pipelines"]
    step = probes.sink_pairs_by_path["processors", "resource", "attributes", 0]
    assert copies[0] == "traces/a"
    assert [config["service"]["pipelines"][name]["receivers"] for name in copies[1:]] == [["routing"]] * 2
    sinks = [config["service"]["pipelines"][name]["exporters"][0] for name in copies[1:]]
    assert [config["exporters"][sink]["endpoint"] for sink in sinks] == [
        f"http://sink/{name.replace(' ', '%20')}" for name in step[0]
    ]


@pytest.mark.parametrize(
    ("before", "after", "taken"),
    [({}, {}, False), ({"spans": [{"a": 1}]}, {"spans": [{"a": 1}]}, False), ({"spans": [{"a": 1}]}, {}, True)],
)
def test_a_branch_is_taken_if_its_two_probes_get_different_records(before: Any, after: Any, taken: bool) -> None:
    probes, _config = probed(routed("routing"))
    path = ("processors", "resource", "attributes", 0)
    names = probes.sink_pairs_by_path[path][0]
    assert probes.find_taken_branches(dict(zip(names, (before, after), strict=True)))[path] is taken


def test_a_pipeline_may_spell_the_ids_of_its_components_with_white_space() -> None:
    """The Collector drops settings below a key that is spelled so, and with them their branches."""
    config = routed("routing/r")
    config["processors"] = {
        "resource/a": {"attributes": [{"key": "a", "action": "delete"}]},
        "resource / b": {"attributes": [{"key": "b", "action": "delete"}]},
    }
    config["service"]["pipelines"]["traces"]["exporters"] = ["routing / r"]
    config["service"]["pipelines"]["traces/a"]["processors"] = ["resource / a", "resource / b"]
    probes, _config = probed(config)
    assert {path[:2] for path, pairs in probes.sink_pairs_by_path.items() if pairs} == {
        ("processors", "resource/a"),
        ("connectors", "routing/r"),
    }


@cases("connector, function, why", ("round_robin", "Clean()", REASON_SHARED), ("routing", "UUID()", REASON_RANDOM))
def test_what_two_probes_cannot_compare_is_unknown(connector: str, function: str, why: str) -> None:
    config = routed(connector)
    statements = [f'set(span.attributes["a"], {function})']
    config["processors"]["transform"] = {"trace_statements": statements}
    config["service"]["pipelines"]["traces/a"]["processors"] = ["transform", "resource"]
    probes, _config = probed(config)
    path = ("processors", "resource", "attributes", 0)
    assert probes.unknown_reasons[path] == why
    assert path not in probes.find_taken_branches({})


@cases(
    "kind, settings",
    ("transform", "{trace_statements: x}"),
    ("transform", "{trace_statements: [{statements: 1}, 2, null]}"),
    ("transform", "x"),
    ("filter", "{traces: [1], trace_conditions: {a: 1}}"),
    ("tail_sampling", "{policies: [1, {type: and, and: [1]}, {type: ottl_condition, ottl_condition: {span: 1}}]}"),
    ("attributes", "{actions: 7}"),
)
def test_settings_that_the_collector_refuses_are_read_too(kind: str, settings: str) -> None:
    assert all(branch.path[:2] == ("processors", kind) for branch in of(kind, settings))
