# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector import recipes
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.recipes import RecipeUse
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem, suggest_word

from ..helpers import cases


def test_a_recipe_is_a_name_or_a_name_with_options() -> None:
    given = {"a": 1}
    used = recipes.read_recipe_uses([" one", {"two": given}, {"three": None}])
    assert used == [RecipeUse("one", {}), RecipeUse("two", given), RecipeUse("three", {})]
    used[1].options["b"] = 2
    assert given == {"a": 1}, "options are copied"


@pytest.mark.parametrize("item", [None, 1, [], {}, {"a": {}, "b": {}}, {"a": [1]}, {1: {}}])
def test_anything_else_is_refused_with_an_example(item: Any) -> None:
    with pytest.raises(Problem) as refused:
        recipes.read_recipe_uses([item])
    assert json.dumps(item, default=str) in refused.value.wrong
    assert "- otlp_ingest" in refused.value.fix


def test_an_unknown_recipe_is_refused_with_the_nearest_and_all_names() -> None:
    with pytest.raises(Problem, match=r"no recipe 'pod_log'; did you mean 'pod_logs'\? Recipes: host, pod_logs\."):
        recipes.check_recipe_exists(RecipeUse("pod_log", {}), ["pod_logs", "host"])


def test_a_mode_that_a_recipe_does_not_have_is_refused_with_those_that_it_has() -> None:
    recipe = {"summary": "Logs of a node.", "modes": ["daemonset", "statefulset"]}
    recipes.check_mode(RecipeUse("pod_logs", {}), recipe, "statefulset")
    with pytest.raises(Problem) as refused:
        recipes.check_mode(RecipeUse("pod_logs", {}), recipe, "deployment")
    assert str(refused.value) == (
        "recipe 'pod_logs' does not work in mode deployment: Logs of a node. Use it in mode daemonset or statefulset."
    )


def test_a_recipe_that_another_needs_is_asked_for_by_name() -> None:
    described = {"one": {"requires": ["two"]}, "two": {}}
    recipes.check_requires([RecipeUse("one", {}), RecipeUse("two", {})], described)
    with pytest.raises(Problem, match=r"recipe 'one' needs recipe 'two'\. Add 'two'"):
        recipes.check_requires([RecipeUse("one", {})], described)


OPTIONS: dict[str, Any] = {
    "percent": {"type": "float", "range": [0, 100]},
    "seconds": {"type": "int", "range": [1]},
    "age": {"needs": {"protocols": "grpc"}},
    "ca": {"needs": {"secret": None}},
    "balance": {"needs": {"protocol": "grpc"}},
    "authority": {"needs": {"insecure": False}},
    "places": {"options": {"ca": {"needs": {"insecure": False}}, "share": {"range": [1, 100]}}},
    "places_at_least": {"type": "list", "range": [1]},
    "topics": {"type": "dict", "range": [1]},
    "addresses": {"type": "list", "required": True, "range": [1]},
    "plain": None,
}


@cases(
    "values",
    {},
    {"percent": 0, "seconds": 1},
    {"percent": 100.0, "seconds": 10**9},
    {"age": None, "protocols": ["http"]},
    {"age": "1m", "protocols": ["http", "grpc"]},
    {"ca": "a", "secret": "b", "balance": "round_robin", "protocol": "grpc"},
    {"authority": "a", "insecure": False},
    {"places": {"ca": "a", "insecure": False, "share": 1}},
    {"places": [{"share": None}, {"insecure": True}]},
    {"places": []},
    {"places": None},
    {"places_at_least": ["a"]},
    {"places_at_least": None},
    {"plain": 1},
)
def test_options_may_have_any_value_that_has_an_effect(values: dict[str, Any]) -> None:
    recipes.check_options("mine", values, OPTIONS)


@cases(
    "values, text",
    ({"percent": 150.0}, "option 'percent' of recipe 'mine' is 150.0. Give a number from 0 to 100."),
    ({"percent": -1}, "option 'percent' of recipe 'mine' is -1. Give a number from 0 to 100."),
    ({"percent": float("nan")}, "option 'percent' of recipe 'mine' is nan. Give a number from 0 to 100."),
    ({"seconds": 0}, "option 'seconds' of recipe 'mine' is 0. Give 1 or more."),
    (
        {"places_at_least": []},
        "option 'places_at_least' of recipe 'mine' has 0 entries. Give 1 or more, or leave the option out.",
    ),
    ({"addresses": []}, "option 'addresses' of recipe 'mine' has 0 entries. Give 1 or more."),
    ({"topics": {}}, "option 'topics' of recipe 'mine' has 0 entries. Give 1 or more, or leave the option out."),
    ({"seconds": float("nan")}, "option 'seconds' of recipe 'mine' is nan. Give 1 or more."),
    (
        {"age": "1m", "protocols": ["http"]},
        "option 'age' of recipe 'mine' has no effect without grpc in `protocols`. "
        "Set grpc in `protocols`, or remove `age`.",
    ),
    (
        {"ca": "a", "secret": None},
        "option 'ca' of recipe 'mine' has no effect without `secret`. Set `secret`, or remove `ca`.",
    ),
    (
        {"balance": "round_robin", "protocol": "http"},
        "option 'balance' of recipe 'mine' has no effect without grpc in `protocol`. "
        "Set grpc in `protocol`, or remove `balance`.",
    ),
    (
        {"authority": "a", "insecure": True},
        "option 'authority' of recipe 'mine' has no effect without `insecure: false`. "
        "Set `insecure: false`, or remove `authority`.",
    ),
    (
        {"places": [{}, {"ca": "a", "insecure": True}]},
        "option 'places[1].ca' of recipe 'mine' has no effect without `insecure: false`. "
        "Set `insecure: false`, or remove `ca`.",
    ),
    ({"places": {"share": 150}}, "option 'places.share' of recipe 'mine' is 150. Give a number from 1 to 100."),
)
def test_a_number_out_of_range_and_an_option_without_effect_are_refused(values: dict[str, Any], text: str) -> None:
    with pytest.raises(Problem) as refused:
        recipes.check_options("mine", values, OPTIONS)
    assert str(refused.value) == text


@cases(
    "config",
    [],
    {"service": []},
    {"service": {"pipelines": {"traces": ["otlp"]}}},
    {"service": {"pipelines": {"traces": {"receivers": "otlp"}}}},
    {"service": {"pipelines": {1: {"receivers": ["otlp"]}}}},
    {"service": {"extensions": 5}},
    {"receivers": {None: {}}},
    {"receiver": {}},
    {None: {}},
    {"service": {"pipelines": {"traces": {"processors": [{}]}}}},
)
def test_a_recipe_of_the_wrong_shape_is_refused_by_name(config: Any) -> None:
    with pytest.raises(Problem, match=r"recipe 'mine' renders no collector config: ") as refused:
        recipes.check_config_shape("recipe 'mine'", config)
    assert refused.value.fix


@cases(
    "config, where",
    ({"service": "${file:a.yml}"}, "service"),
    ({"service": {"extensions": "${env:NAMES}"}}, "service.extensions"),
    ({"service": {"pipelines": "${file:a.yml}"}}, "service.pipelines"),
    ({"service": {"pipelines": {"logs": "${file:a.yml}"}}}, "service.pipelines.logs"),
    ({"service": {"pipelines": {"*": {"receivers": "${env:NAMES}"}}}}, "service.pipelines.*.receivers"),
)
def test_a_recipe_writes_out_what_other_recipes_add_to(config: Any, where: str) -> None:
    with pytest.raises(Problem, match="other recipes add to this, and nobody can add to an expression") as refused:
        recipes.check_config_shape("recipe 'mine'", config)
    assert refused.value.where == where
    assert "in `config` of a collector" in refused.value.fix


@cases(
    "config",
    {},
    {"receivers": None},
    {"service": {"pipelines": {"logs": {"receivers": ["${env:NAME}"]}}}},
    {"service": {"pipelines": {"*": {"receivers": None}, "traces*": None}, "telemetry": {"metrics": 1}}},
)
def test_a_recipe_may_leave_out_what_it_does_not_need(config: Any) -> None:
    recipes.check_config_shape("recipe 'mine'", config)


@cases(
    "problem, text",
    (Problem("it is wrong"), "it is wrong."),
    (Problem("it is wrong", asked="this"), "this: it is wrong."),
    (Problem("it is wrong", where="a.yml:3"), "it is wrong (at a.yml:3)."),
    (Problem("it is wrong", fix="Mend it."), "it is wrong. Mend it."),
    (Problem("is it wrong?", fix="Mend it."), "is it wrong? Mend it."),
    (Problem("wrong", asked="this", where="a:1", fix="Mend it."), "this: wrong (at a:1). Mend it."),
)
def test_says_each_fact_that_is_known_once(problem: Problem, text: str) -> None:
    assert str(problem) == text
    assert problem.args == (text,)


def test_names_the_nearest_word() -> None:
    assert suggest_word("otlp_ingst", ["otlp_forward", "otlp_ingest"]) == "; did you mean 'otlp_ingest'?"
    assert suggest_word("otlpp", [None, 1, "otlp"]) == "; did you mean 'otlp'?"  # type: ignore[list-item]


@pytest.mark.parametrize("known", [[], ["zipkin"], [1, None, ("otlp",)]])
def test_says_nothing_when_no_word_is_near(known: list[str]) -> None:
    assert suggest_word("otlp", known) == ""


@cases("pattern", "*", "*/gateway", "otlp*", "otlp/*", "otlp_*/gateway")
def test_an_id_may_be_any_wildcard(pattern: str) -> None:
    recipes.check_config_shape("recipe 'mine'", {"exporters": {pattern: {"sending_queue": {}}}})
