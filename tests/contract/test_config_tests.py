# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The JSON schema of tests of configs is that of the tables, and takes every test that we have."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from tests.support.checkout import importing_tools

from .role import ROOT

SCHEMA = ROOT / "docs" / "config_tests.schema.json"
FILES = sorted((ROOT / "tests" / "suites").glob("*_test.yml")) + sorted((ROOT / "examples").glob("*/*_test.yml"))


def test_the_schema_is_that_of_the_tables() -> None:
    with importing_tools():
        from tools import config_tests  # noqa: PLC0415 - it imports the checkout's own `plugins`
    assert SCHEMA.read_text(encoding="utf-8") == config_tests.text()


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_the_schema_takes_our_tests(file: Path) -> None:
    """Other YAML readers must read the same, so no key is a word such as `no`."""
    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert [error.message for error in validator.iter_errors(yaml.safe_load(file.read_text(encoding="utf-8")))] == []


@pytest.mark.parametrize("change", [{"test": []}, {"tests": [{"name": "a"}]}, {"policies": [{"without": []}]}])
def test_the_schema_refuses_what_the_module_refuses(change: dict[str, object]) -> None:
    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert list(validator.iter_errors({"config": "a.yaml", **change}))
