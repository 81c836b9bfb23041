"""Walks of directed graphs."""

from __future__ import annotations

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.graph import circle, reached

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


@pytest.mark.parametrize(
    ("after", "edges"),
    [(CHAIN, []), (CIRCLE, [("b", "c"), ("c", "b")]), ({"a": ["a"]}, [("a", "a")]), ({"a": "bb", "b": ""}, [])],
    ids=["chain", "circle", "itself", "twice"],
)
def test_a_circle_has_the_edges_that_lead_around(after: dict[str, list[str]], edges: list[tuple[str, str]]) -> None:
    assert circle(after) == edges


def test_a_circle_is_looked_for_in_linear_time() -> None:
    assert circle({node: range(node + 1, min(node + 50, 20_000)) for node in range(20_000)}) == []
