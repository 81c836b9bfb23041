"""Walks of directed graphs."""

from __future__ import annotations

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.graph import reached

CHAIN = {"a": ["b"], "b": ["c"], "c": []}
CIRCLE = {"a": ["b"], "b": ["c"], "c": ["b"]}


@pytest.mark.parametrize(
    ("after", "start", "found"),
    [(CHAIN, "a", "bc"), (CHAIN, "c", ""), (CIRCLE, "a", "bc"), (CIRCLE, "b", "bc"), ({"a": ["a"]}, "a", "a")],
    ids=["chain", "end", "before a circle", "on a circle", "itself"],
)
def test_all_nodes_ahead_are_reached_and_a_node_reaches_itself_only_on_a_circle(
    after: dict[str, list[str]], start: str, found: str
) -> None:
    assert reached(after, start) == set(found)
