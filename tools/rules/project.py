# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection and its tests as modules, whatever the working directory."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
_COLLECTION = "ansible_collections.o11y.opentelemetry.plugins"
_CASES = "tests.unit.plugins.module_utils._otelcol.rules"


def import_plugin_module(name: str) -> Any:
    """Return a module of the collection, such as `module_utils._otelcol.config.paths`."""
    _make_importable()
    return import_module(f"{_COLLECTION}.{name}")


def load_rule_cases() -> list[Any]:
    """Return every case of every rule."""
    _make_importable()
    return list(import_module(f"{_CASES}.test_rules").CASES)


def list_rule_findings(case: Any) -> list[Any]:
    """Return what the rule of a case finds."""
    rule_findings: list[Any] = import_module(f"{_CASES}.cases").findings(case)
    return rule_findings


def _make_importable() -> None:
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    import_module("tests.conftest")
