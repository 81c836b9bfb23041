# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No option is declared, documented, and used nowhere."""

from __future__ import annotations

import ast
import dataclasses
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.backends import BACKENDS
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.options import Collector
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _host_request, _instrumentation_options, _render
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _documents, _yaml

from .role import OPTIONS, PREFIX, ROOT
from .source import files, nodes, tree

RECIPES = ["otlp_ingest", "debug_output"]
CONFIG = {"exporters": {"debug": {"verbosity": "basic"}}}
# Code that handles every field alike reads none of them.
ALIKE = {"from_options", "__eq__", "__hash__"}
SPECS = {
    (path.parts[-3], option)
    for path in ROOT.glob("roles/*/meta/argument_specs.yml")
    for entry in _documents.read_yaml(path)["argument_specs"].values()
    for option in entry["options"]
}
# The options that an action takes by the prefix of their variables.
BY_PREFIX = {PREFIX + name for name in OPTIONS}
BY_PREFIX |= {f"otel_host_{name}" for name in _host_request.list_host_option_names()}
BY_PREFIX |= {_instrumentation_options.PREFIX + name for name in _instrumentation_options.list_option_names()}


def fields_read(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Return the fields of collectors that rendering reads, under every backend and in every mode."""
    read: set[str] = set()

    def watched(self: Collector, name: str) -> Any:
        caller = sys._getframe(1).f_code
        if caller.co_name not in ALIKE and caller.co_filename != dataclasses.__file__:
            read.add(name)
        return object.__getattribute__(self, name)

    monkeypatch.setattr(Collector, "__getattribute__", watched, raising=False)
    for backend in BACKENDS:
        for mode in BACKENDS[backend].modes:
            item = {"name": "one", "backend": backend, "mode": mode, "recipes": RECIPES, "config": CONFIG}
            _render.build_bundle(_render.judge_request(_render.RenderRequest([item], {"namespace": "a"})))
    return read & set(OPTIONS) | set(_keys_read("plugins/plugin_utils/_cluster_options.py"))


def _keys_read(path: str) -> Iterator[str]:
    """Yield the options that are read before there is a collector, as `options["NAME"]`."""
    for node in nodes(path):
        match node:
            case ast.Subscript(value=ast.Name(id="options"), slice=ast.Constant(value=str(name))):
                yield name


def test_rendering_reads_every_option_of_a_collector(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sorted(set(OPTIONS) - fields_read(monkeypatch)) == []


@pytest.mark.parametrize(("role", "option"), sorted(SPECS))
def test_a_role_uses_its_inputs(role: str, option: str) -> None:
    files = [path for folder in ("tasks", "vars", "templates") for path in (ROOT / "roles" / role / folder).rglob("*")]
    word = re.compile(rf"\b{option}\b")
    assert option in BY_PREFIX or any(word.search(path.read_text(encoding="utf-8")) for path in files if path.is_file())


def options_of(path: str) -> set[str]:
    """Return the names of the options that the DOCUMENTATION of a module lists, with their suboptions."""
    (text,) = (
        node.value.value
        for node in tree(path).body
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Constant)
        and [getattr(target, "id", "") for target in node.targets] == ["DOCUMENTATION"]
    )
    return set(_names(_yaml.load(text, path).data.get("options") or {}))


def _names(options: dict[str, Any]) -> list[str]:
    return [name for key, option in options.items() for name in (key, *_names(option.get("suboptions") or {}))]


@cache
def words() -> frozenset[str]:
    """Return every name and text of the code behind the modules."""
    found: set[str] = set()
    for path in files("plugins/module_utils/*.py", "plugins/plugin_utils/*.py", "plugins/action/*.py"):
        for node in nodes(path):
            found |= {getattr(node, "attr", ""), getattr(node, "arg", None) or "", getattr(node, "id", "")}
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
    return frozenset(found)


@pytest.mark.parametrize("path", files("plugins/modules/*.py"), ids=lambda path: Path(path).stem)
def test_the_code_behind_a_module_knows_its_options(path: str) -> None:
    assert sorted(options_of(path) - words()) == []
