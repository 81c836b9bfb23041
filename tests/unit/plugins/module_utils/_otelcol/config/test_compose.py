# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.recipe_config_shape import (
    check_config_shape,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.compose import compose
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.layers import Layer
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from hypothesis import given

from ...helpers import cases, recipe, user
from ...strategies import configs

RECEIVE = recipe("receive", {"receivers": {"otlp": {}}, "service": {"pipelines": {"traces": {"receivers": ["otlp"]}}}})
BATCH = recipe("batch", {"processors": {"batch": None}, "service": {"pipelines": {"*": {"processors": ["batch"]}}}})


def pipelines(*layers: Layer) -> Any:
    return compose(layers).config["service"]["pipelines"]


def test_no_layers_make_an_empty_config() -> None:
    assert compose([]).config == {}


def test_recipes_add_up() -> None:
    assert compose([RECEIVE, BATCH]).config == {
        "receivers": {"otlp": {}},
        "processors": {"batch": None},
        "service": {"pipelines": {"traces": {"receivers": ["otlp"], "processors": ["batch"]}}},
    }


def test_the_same_component_twice_is_one_when_equal_or_else_both_recipes_are_named() -> None:
    assert compose([RECEIVE, RECEIVE]).config["receivers"] == {"otlp": {}}
    other = recipe("other", {"receivers": {"otlp": {"a": 1}}})
    with pytest.raises(Problem) as refused:
        compose([RECEIVE, other])
    assert refused.value.wrong == "receive and other configure receivers.otlp differently"
    # Such as durable with `exporters: [otlp_grpc/gateway]`.
    assert "Where an option takes wildcards, write one that matches it, such as `otlp*`." in refused.value.fix
    assert "another component name" in refused.value.fix


def test_telemetry_that_two_recipes_set_is_merged_until_they_disagree() -> None:
    def telemetry(name: str, **settings: Any) -> Layer:
        return recipe(name, {"service": {"telemetry": {"metrics": settings}}})

    merged = compose([telemetry("one", level="basic"), telemetry("two", readers=[1])]).config
    assert merged["service"]["telemetry"] == {"metrics": {"level": "basic", "readers": [1]}}
    with pytest.raises(Problem, match=r"one and two configure service.telemetry.metrics.level differently"):
        compose([telemetry("one", level="basic"), telemetry("two", level="none")])


def test_extensions_are_an_ordered_union() -> None:
    one = recipe("one", {"service": {"extensions": ["b", "a"]}})
    two = recipe("two", {"service": {"extensions": ["a", "c"]}})
    assert compose([one, two]).config["service"]["extensions"] == ["b", "a", "c"]


@cases(
    "key, matched",
    ("*", ["logs", "traces", "traces/2"]),
    ("traces*", ["traces", "traces/2"]),
    ("logs", ["logs"]),
    ("*/2", ["traces/2"]),
)
def test_a_wildcard_stands_for_every_pipeline_of_that_name(key: str, matched: list[str]) -> None:
    declared = recipe("all", {"service": {"pipelines": {"logs": None, "traces": None, "traces/2": None}}})
    export = recipe("export", {"service": {"pipelines": {key: {"exporters": ["debug"]}}}})
    result = pipelines(export, declared)
    assert sorted(name for name, pipeline in result.items() if pipeline.get("exporters") == ["debug"]) == matched


def test_a_wildcard_without_a_match_says_whose_it_is() -> None:
    export = recipe("export", {"service": {"pipelines": {"logs*": {"exporters": ["debug"]}}}})
    with pytest.raises(Problem, match=r"export adds to pipelines 'logs\*', but nothing declares such a pipeline"):
        compose([RECEIVE, export])


def test_a_wildcard_stands_for_the_pipelines_of_the_users_config() -> None:
    export = recipe("export", {"service": {"pipelines": {"*": {"exporters": ["debug"], "processors": ["batch"]}}}})
    own = user({"service": {"pipelines": {"traces": {"receivers": ["mine"]}, "logs": {"exporters": ["other"]}}}})
    taken_back = user({"service": {"pipelines": {"metrics": {"receivers": ["mine"]}}}})
    result = pipelines(export, taken_back, own, user({"service": {"pipelines": {"metrics": None}}}))
    assert result == {
        "traces": {"receivers": ["mine"], "processors": ["batch"], "exporters": ["debug"]},
        "logs": {"processors": ["batch"], "exporters": ["other"]},  # a list of the user's replaces
    }


def test_a_wildcard_stands_for_no_key_that_is_a_number() -> None:
    own = user({"processors": {1: {}}, "service": {"pipelines": {1: {}, "traces": {}}}})
    added = recipe("added", {"processors": {"*": {"a": 1}}})
    config = compose([added, BATCH, own]).config
    assert config["processors"] == {"batch": {"a": 1}, 1: {}}
    assert config["service"]["pipelines"] == {"traces": {"processors": ["batch"]}, 1: {}}


def test_processors_stand_in_the_recommended_order() -> None:
    ids = ["batch/x", "tail_sampling", "mine", "k8s_attributes", "memory_limiter", "filter", "transform", "also_mine"]
    layer = recipe("many", {"service": {"pipelines": {"traces": {"processors": ids}}}})
    ordered = "memory_limiter k8s_attributes transform mine also_mine filter tail_sampling batch/x"
    assert pipelines(layer)["traces"]["processors"] == ordered.split()


def exporting(name: str, component: str, **settings: Any) -> Layer:
    return recipe(name, {"exporters": {component: settings or None}})


QUEUE = exporting("queue", "otlp*", queue={"storage": "s"})


def test_an_id_with_a_wildcard_adds_settings_to_the_components_of_all_recipes_and_of_the_user() -> None:
    own = user({"exporters": {"otlp/mine": {"queue": {"size": 1}}, "otlp/gone": {}}})
    layers = [QUEUE, exporting("send", "otlp", queue={"on": True}), exporting("print", "debug"), own]
    assert compose([*layers, user({"exporters": {"otlp/gone": None}})]).config["exporters"] == {
        "otlp": {"queue": {"on": True, "storage": "s"}},
        "debug": None,
        "otlp/mine": {"queue": {"storage": "s", "size": 1}},
    }


def test_a_setting_that_a_wildcard_adds_differently_names_both_recipes() -> None:
    with pytest.raises(Problem, match=r"send and queue configure exporters\.otlp/a\.queue\.storage differently"):
        compose([QUEUE, exporting("send", "otlp/a", queue={"storage": None})])


def test_an_id_with_a_wildcard_that_no_component_has_says_whose_it_is() -> None:
    with pytest.raises(
        Problem, match=r"queue adds to exporters 'otlp\*', but nothing declares such an exporter"
    ) as found:
        compose([RECEIVE, QUEUE])
    assert "correct the recipe's options" in found.value.fix


def test_lists_of_telemetry_are_an_ordered_union() -> None:
    def readers(name: str, *given: Any) -> Layer:
        return recipe(name, {"service": {"telemetry": {"metrics": {"readers": list(given)}}}})

    merged = compose([readers("one", {"pull": 1}), readers("two", {"pull": 1}, {"periodic": 2})]).config
    assert merged["service"]["telemetry"]["metrics"]["readers"] == [{"pull": 1}, {"periodic": 2}]


USER_RULES: list[tuple[str, Any, Any, Any]] = [
    ("mappings merge", {"a": {"x": 1}}, {"a": {"y": 2}}, {"a": {"x": 1, "y": 2}}),
    ("a value replaces", {"a": {"x": 1}}, {"a": {"x": 2}}, {"a": {"x": 2}}),
    ("null deletes", {"a": {"x": 1, "y": 2}}, {"a": {"x": None}}, {"a": {"y": 2}}),
    ("null sets where nothing is", {"a": {}}, {"a": {"x": None}}, {"a": {"x": None}}),
    ("a list replaces", {"a": {"x": [1, 2]}}, {"a": {"x": [3]}}, {"a": {"x": [3]}}),
    ("a mapping replaces a list", {"a": [1]}, {"a": {"x": 1}}, {"a": {"x": 1}}),
    ("key+ appends", {"a": {"x": [1]}}, {"a": {"x+": [2]}}, {"a": {"x": [1, 2]}}),
    ("key+ appends once", {"a": {"x": [1]}}, {"a": {"x+": [1, 2]}}, {"a": {"x": [1, 2]}}),
    ("key+ starts a list", {"a": {}}, {"a": {"x+": [1]}}, {"a": {"x": [1]}}),
    ("key+ starts a list in a mapping that is new", {}, {"a": {"b": {"x+": [1]}}}, {"a": {"b": {"x": [1]}}}),
    ("null empties a section", {"a": {"x": 1}}, {"a": None}, {"a": None}),
    ("key+ sorts no section", {"processors": ["batch"]}, {"processors+": ["a"]}, {"processors": ["batch", "a"]}),
    ("key+ continues null", {"a": {"x": None}}, {"a": {"x+": [1]}}, {"a": {"x": [1]}}),
    ("nothing changes nothing", {"a": 1}, {}, {"a": 1}),
]


@cases("base, over, result", *(row[1:] for row in USER_RULES), ids=[row[0] for row in USER_RULES])
def test_the_user_wins(base: Any, over: Any, result: Any) -> None:
    assert compose([user(base), user(over)]).config == result


@cases(
    "base, more",
    ({"a": {"x": 1}}, {"a": {"x+": [1]}}),
    ({"a": {"x": {}}}, {"a": {"x+": [1]}}),
    ({"a": {}}, {"a": {"x+": 1}}),
)
def test_appending_what_is_no_list_is_refused_with_the_path(base: Any, more: Any) -> None:
    with pytest.raises(Problem, match=r"'a\.x\+' appends to a list, but one side is not a list\. Give a list"):
        compose([user(base), user(more)])


@cases(
    "written, order",
    ({"processors+": ["memory_limiter"]}, ["memory_limiter", "batch"]),
    ({"processors": ["batch", "memory_limiter"]}, ["batch", "memory_limiter"]),
    ids=["appended ones are put in order", "a whole list stays"],
)
def test_the_order_of_processors_is_the_users_only_if_the_list_is(written: Any, order: list[str]) -> None:
    assert (
        pipelines(RECEIVE, BATCH, user({"service": {"pipelines": {"traces": written}}}))["traces"]["processors"]
        == order
    )


def test_the_result_reads_as_people_write_one() -> None:
    service = {"pipelines": {"t": {"exporters": [], "extra": 1, "receivers": []}}, "telemetry": {}, "extensions": []}
    mixed = {"service": service, "mine": 1, "extensions": {}, "receivers": {}}
    config = compose([user(mixed)]).config
    assert list(config) == ["receivers", "extensions", "service", "mine"]
    assert list(config["service"]) == ["extensions", "telemetry", "pipelines"]
    assert list(config["service"]["pipelines"]["t"]) == ["receivers", "exporters", "extra"]


@given(configs, configs, configs)
def test_whatever_is_written_composes_or_is_refused_with_a_way_out(one: Any, two: Any, three: Any) -> None:
    layers = [recipe("one", one), recipe("two", two), user(three if isinstance(three, dict) else {})]
    before = copy.deepcopy([layer.config for layer in layers])
    try:
        check_config_shape("one", one)
        check_config_shape("two", two)
        compose(layers)
    except Problem as problem:
        assert problem.fix
    assert [layer.config for layer in layers] == before


def test_the_result_shares_nothing_with_the_layers() -> None:
    base, over = {"a": {"x": [1]}}, {"b": {"y": [2]}, "a": {"z": [3]}}
    config = compose([user(base), user(over)]).config
    config["a"]["x"].append(9)
    config["b"]["y"].append(9)
    config["a"]["z"].append(9)
    assert (base, over) == ({"a": {"x": [1]}}, {"b": {"y": [2]}, "a": {"z": [3]}})
