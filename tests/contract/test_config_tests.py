# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every recipe and example has tests of its configs; their JSON schema is that of the tables, and takes them all."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from tests.support.checkout import import_tools_from_checkout

from .role import RECIPES, ROOT

SCHEMA = ROOT / "docs" / "config_tests.schema.json"
OF_RECIPES, SUITES, EXAMPLES = ROOT / "tests" / "recipes", ROOT / "tests" / "suites", ROOT / "examples"
FILES = [file for folder in (SUITES, OF_RECIPES, EXAMPLES) for file in sorted(folder.rglob("*_test.yml"))]
# Collectors of examples without a test, with the reason.
UNTESTED = {("datadog", "gateway"): "the testbed's Collector has no connector `datadog`"}


def _collectors(folder: Path) -> dict[str, list[str]]:
    """Return the collectors of an inventory, with the names of their recipes."""
    items = yaml.safe_load((folder / "vars.yml").read_text(encoding="utf-8"))["otel_collectors"]
    return {
        item["name"]: [next(iter(one)) if isinstance(one, dict) else one for one in item.get("recipes", ())]
        for item in items
    }


def _tested(folder: Path) -> set[str]:
    return {yaml.safe_load(file.read_text(encoding="utf-8"))["collector"] for file in folder.glob("*_test.yml")}


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_has_tests(name: str) -> None:
    collector = name.replace("_", "-")
    assert name in _collectors(OF_RECIPES).get(collector, ()), (
        f"add a collector with the recipe to {OF_RECIPES}/vars.yml"
    )
    assert collector in _tested(OF_RECIPES), f"say in {OF_RECIPES}/{name}_test.yml what the recipe does"


@pytest.mark.parametrize(
    "folder", [path.parent for path in sorted(EXAMPLES.glob("*/vars.yml"))], ids=lambda path: path.name
)
def test_every_collector_of_an_example_has_tests(folder: Path) -> None:
    missing = {(folder.name, name) for name in set(_collectors(folder)) - _tested(folder)}
    print(*(f"{'/'.join(one)}: {UNTESTED.get(one)}" for one in missing))
    assert missing == {one for one in UNTESTED if one[0] == folder.name}, "add *_test.yml beside vars.yml"


def test_the_schema_is_that_of_the_tables() -> None:
    with import_tools_from_checkout():
        from tools import config_tests  # noqa: PLC0415 - it imports the checkout's own `plugins`
    assert SCHEMA.read_text(encoding="utf-8") == config_tests.format_schema()


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_the_schema_takes_our_tests(file: Path) -> None:
    """Other YAML readers must read the same, so no key is a word such as `no`."""
    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert [error.message for error in validator.iter_errors(yaml.safe_load(file.read_text(encoding="utf-8")))] == []


@pytest.mark.parametrize("change", [{"test": []}, {"tests": [{"name": "a"}]}, {"policies": [{"without": []}]}])
def test_the_schema_refuses_what_the_module_refuses(change: dict[str, object]) -> None:
    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert list(validator.iter_errors({"config": "a.yaml", **change}))
