# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions about the pipelines of a config are asked of its graph; few files read `service.pipelines` themselves."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from itertools import pairwise

import pytest

from .source import files, nodes

GRAPH = "plugins/module_utils/_otelcol/config/pipelines.py"
LIBRARY = "plugins/module_utils/_otelcol"
# Files that need more of a config than its graph has. The list only shrinks.
READS = {
    # Layers with wildcards and `+` are composed before there is a graph.
    f"{LIBRARY}/config/recipe_pipelines.py",
    "plugins/module_utils/_collector/recipe_config_shape.py",
    # What is proposed goes into pipelines by their names.
    "plugins/plugin_utils/_savings_options.py",
    # Whether two configs are the same, whatever they mean.
    "plugins/module_utils/_gitops/synced_parts.py",
    # Rules tell the place of each item, and find what is no text.
    f"{LIBRARY}/rules/configured_components.py",
    f"{LIBRARY}/rules/connector_uses.py",
    f"{LIBRARY}/rules/references.py",
    f"{LIBRARY}/rules/setting_values.py",
    f"{LIBRARY}/rules/structure.py",
    f"{LIBRARY}/rules/view.py",
    f"{LIBRARY}/needs/started_components.py",
    # A migration edits the place of an item; a test and a forecast of a config put other ends into its pipelines.
    f"{LIBRARY}/forecast/size_sinks.py",
    f"{LIBRARY}/migrate/batch_processor.py",
    f"{LIBRARY}/testing/checked_pipelines.py",
    f"{LIBRARY}/testing/followed_counts.py",
    f"{LIBRARY}/testing/harness.py",
    f"{LIBRARY}/testing/pipeline_stages.py",
    f"{LIBRARY}/testing/probes.py",
    f"{LIBRARY}/testing/traced_steps.py",
}
READERS = {"value_at", "list_at", "mappings_at", "mapping_at"}
KEYS = ("service", "pipelines")


def texts(nodes: list[ast.expr]) -> list[str]:
    """Return the texts among some arguments; a tuple is a path, and stands for its items."""
    flat = [part for node in nodes for part in (node.elts if isinstance(node, ast.Tuple) else [node])]
    return [str(part.value) if isinstance(part, ast.Constant) else "" for part in flat]


def is_read(node: ast.AST) -> bool:
    """Whether an expression reads the pipelines of a config: by a path, or key by key."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in READERS:
        return KEYS in pairwise(texts(node.args))
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Subscript):
        return tuple(texts([node.value.slice, node.slice])) == KEYS
    return False


def reads(module_nodes: Iterable[ast.AST]) -> list[int]:
    """Return the lines in which a file, given by its nodes, reads the pipelines of a config."""
    return [node.lineno for node in module_nodes if isinstance(node, ast.expr) and is_read(node)]


def test_few_files_read_pipelines_beside_the_graph() -> None:
    found = {path: reads(nodes(path)) for path in files("plugins/*.py")}
    assert found.pop(GRAPH)
    assert {path for path, lines in found.items() if lines} == READS


@pytest.mark.parametrize(
    "text",
    [
        'mapping_at(config, "service", "pipelines").values()',
        'list_at(config, "service", "pipelines", name, "receivers")',
        'value_at(config, ("service", "pipelines", name))',
        'config["service"]["pipelines"]',
    ],
)
def test_a_read_would_be_noticed(text: str) -> None:
    assert reads(ast.walk(ast.parse(text))) == [1]


@pytest.mark.parametrize(
    "text", ['("service", "pipelines", name)', 'mapping_at(config, "pipelines")', 'config["service"]']
)
def test_a_path_is_no_read(text: str) -> None:
    assert reads(ast.walk(ast.parse(text))) == []
