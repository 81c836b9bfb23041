# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a command, out of the documentation of a module."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

SOURCE = Path(__file__).parents[3] / "otelcoltool" / "src"
DOCUMENTATION = """
extends_documentation_fragment: []
options:
  config: {description: A config., type: str}
  profile:
    description:
      - The profile. With O(config), it counts too. O(config_files) is read first.
      - O(config.path) and O(config=x) go. Check mode changes nothing.
    type: str
"""


@pytest.fixture(name="options", scope="module")
def import_options() -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(SOURCE))
        yield import_module("otelcoltool.options")


def test_sentences_about_excluded_options_are_left_out(options: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    module = SimpleNamespace(DOCUMENTATION=DOCUMENTATION)
    monkeypatch.setitem(sys.modules, "otelcoltool.modules.pipeline_sample", module)
    found = options.read_documented_options("sample", ("config",), False)
    assert {name: option.description for name, option in found.items()} == {
        "profile": "The profile. --config-files is read first."
    }
