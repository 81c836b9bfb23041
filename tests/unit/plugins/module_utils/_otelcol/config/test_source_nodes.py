# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes are found by the path of what they stand for."""

from __future__ import annotations

import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.source_nodes import NodeFinder
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.yaml.mapping_keys import read_key
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.yaml.yaml_nodes import read_document_roots


def test_the_nodes_of_a_path_are_found_but_for_those_behind_an_alias() -> None:
    (root,) = read_document_roots(yaml, "b: &b {c: 2}\na: [1, *b]\n", "f")
    assert root is not None
    finder = NodeFinder(root, read_key)
    found = finder.find_node(("a",))
    assert found is not None
    assert found.key_node is not None
    assert (found.key_node.start, found.value_node.start) == ((1, 0), (1, 3))
    item = finder.find_node(("a", 0))
    assert item is not None
    assert (item.key_node, item.value_node.value) == (None, "1")
    assert finder.find_node(()) == (None, root)
    for path in (("a", 1, "c"), ("a", 2), ("x",), ("a", 0, "c")):
        assert finder.find_node(path) is None
