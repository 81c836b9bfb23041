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
