# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of modules that run on the controller are said twice: in their documentation and their action plugin."""

from __future__ import annotations

import importlib

import pytest
import yaml

ROOT = "ansible_collections.o11y.opentelemetry.plugins"
MODULES = ("pipeline_validate", "pipeline_migrate")


@pytest.mark.parametrize("name", MODULES)
def test_examples_and_returns_are_yaml(name: str) -> None:
    module = importlib.import_module(f"{ROOT}.modules.{name}")
    assert yaml.safe_load(module.EXAMPLES)
    assert all({"description", "returned", "type"} <= set(value) for value in yaml.safe_load(module.RETURN).values())
