# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/host_blueprint.md names recipes, options, rules and files of inventories/hosts that exist, or gives a reason."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _documents

from .role import ROOT

INVENTORY = ROOT / "inventories" / "hosts"
PAGE = (ROOT / "docs" / "host_blueprint.md").read_text(encoding="utf-8")
STEPS = PAGE.split("\n## Step ")[1:]
NONE = "not offered"
_CODE = re.compile(r"`([^`]+)`")
_OPTION = re.compile(r"\b(otel_host_\w+)")
_AFTER_RECIPE = re.compile(r"recipes? ((?:`[^`]+`(?:, | and )?)+)")
_AFTER_RULE = re.compile(r"rules? ((?:`[^`]+`(?:, | and )?)+)")


@dataclass(frozen=True)
class Row:
    """A point of the blueprint."""

    step: int
    point: str
    input: str
    where: str


def rows() -> list[Row]:
    """Return the rows of all steps."""
    found: list[Row] = []
    for number, step in enumerate(STEPS, 1):
        lines = [line for line in step.splitlines() if line.startswith("| ")][1:]
        found += [Row(number, *(cell.strip() for cell in line.strip("|").split(" | "))) for line in lines]
    return found


ROWS = rows()
OPTIONS: dict[str, Any] = _documents.read_yaml(ROOT / "roles" / "otel_host" / "meta" / "argument_specs.yml")[
    "argument_specs"
]["main"]["options"]
FOLDERS = [ROOT / "roles" / "otel_collector", ROOT / "roles" / "otel_host", INVENTORY]
RECIPES = {path.parent.name for folder in FOLDERS for path in folder.glob("recipes/*/recipe.yml")}
RULES = {rule["id"] for path in INVENTORY.glob("rules/*.yml") for rule in _documents.read_yaml(path)["rules"]}


def named(pattern: re.Pattern[str], text: str) -> set[str]:
    """Return the names in code marks behind a word."""
    return {name for match in pattern.finditer(text) for name in _CODE.findall(match[1])}


def test_all_six_steps_have_their_points() -> None:
    assert [step[0] for step in STEPS] == list("123456")
    assert {row.step for row in ROWS} == set(range(1, 7))
    assert len(ROWS) >= 40


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.point)
def test_a_point_names_what_exists_or_a_reason(row: Row) -> None:
    if row.input.startswith(NONE):
        assert re.match(rf"{NONE}[^:]*: \w.{{20,}}", row.input)
    assert set(_OPTION.findall(row.input)) <= {*OPTIONS, "otel_host_collectors"}
    assert named(_AFTER_RECIPE, row.input) <= RECIPES
    assert named(_AFTER_RULE, row.input) <= RULES
    places = _CODE.findall(row.where)
    assert places
    assert [place for place in places if not (INVENTORY / place).exists()] == []


def test_every_layer_of_the_inventory_is_on_the_page() -> None:
    places = {place.rstrip("/") for row in ROWS for place in _CODE.findall(row.where)}
    folders = {place for place in places if (INVENTORY / place).is_dir()}
    files = {str(path.relative_to(INVENTORY)) for path in INVENTORY.rglob("*") if path.is_file()}
    left = {path for path in files - places if not any(path.startswith(f"{folder}/") for folder in folders)}
    assert left == set()


def test_what_is_not_there_would_be_noticed() -> None:
    assert named(_AFTER_RECIPE, "recipes `none` and `baseline`") - RECIPES == {"none"}
    assert not (INVENTORY / "group_vars/none.yml").exists()
