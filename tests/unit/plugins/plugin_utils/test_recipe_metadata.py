# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._recipe_metadata import read_recipe

RECIPE = "summary: Mine.\nsignals: [traces]\nmodes: [deployment]\noptions: {}\n"


def write(folder: Path, recipe: str) -> Path:
    """Write a recipe.yml and return its folder."""
    (folder / "recipe.yml").write_text(recipe)
    return folder


@pytest.mark.parametrize("options", ["[a]", "a", "5"])
def test_a_recipe_whose_options_are_no_mapping_is_refused(tmp_path: Path, options: str) -> None:
    folder = write(tmp_path, RECIPE.replace("options: {}", f"options: {options}"))
    with pytest.raises(Problem, match=r"recipe\.yml has `options` that are no mapping"):
        read_recipe(folder)


@pytest.mark.parametrize("options", ["{a: 5}", "{a: [str]}", "{a: }", "{5: {type: str}}"])
def test_a_recipe_with_an_option_that_is_no_mapping_is_refused(tmp_path: Path, options: str) -> None:
    folder = write(tmp_path, RECIPE.replace("options: {}", f"options: {options}"))
    with pytest.raises(Problem, match=r"recipe\.yml has an option '[a5]' that is no mapping\. Write `name: {type"):
        read_recipe(folder)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("{a: {type: odd}}", r"an option 'a' with type 'odd', which is no type\. Types: .*, dict, "),
        ("{a: {type: [str]}}", r"an option 'a' with type '\['str'\]', which is no type"),
        ("{a: {type: list, elements: odd}}", r"an option 'a' with elements 'odd', which is no type"),
        ("{a: {choices: 5}}", r"an option 'a' whose `choices` are no list\. Write `choices: \[a, b\]`"),
        ("{a: {aliases: b}}", r"an option 'a' whose `aliases` are no list"),
        ("{a: {type: int, range: 1}}", r"an option 'a' whose `range` are no list\. Write `range: \[1, 100\]`"),
        ("{a: {type: int, range: []}}", r"an option 'a' with a `range` of no numbers\. Write `range: \[1, 100\]`"),
        ("{a: {type: int, range: ['1']}}", r"an option 'a' with a `range` of no numbers"),
        (
            "{a: {range: [1]}}",
            r"an option 'a' with a `range`, whose type is no number, list or mapping\. Write ",
        ),
        ("{a: {needs: b}, b: {}}", r"an option 'a' whose `needs` are no mapping\. Write `needs: \{b: null\}`"),
        ("{a: {needs: {c: 1}}, b: {}}", r"an option 'a' whose `needs` names 'c', which is no option of it"),
        ("{a: {instead_of: c}, b: {}}", r"an option 'a' whose `instead_of` names 'c', which is no option of it"),
        ("{a: {type: dict, options: 5}}", r"`options` that are no mapping"),
        ("{a: {type: dict, options: {b: {type: odd}}}}", r"an option 'b' with type 'odd'"),
    ],
)
def test_a_recipe_whose_option_ansible_does_not_take_is_refused(tmp_path: Path, options: str, words: str) -> None:
    folder = write(tmp_path, RECIPE.replace("options: {}", f"options: {options}"))
    with pytest.raises(Problem, match=words):
        read_recipe(folder)


@pytest.mark.parametrize("requires", ["otlp_ingest", "{otlp_ingest: }"])
def test_a_recipe_whose_requirements_are_no_list_is_refused(tmp_path: Path, requires: str) -> None:
    folder = write(tmp_path, f"{RECIPE}requires: {requires}\n")
    with pytest.raises(Problem, match=r"recipe\.yml has `requires` that are no list\. Write `requires: \[RECIPE\]`"):
        read_recipe(folder)
