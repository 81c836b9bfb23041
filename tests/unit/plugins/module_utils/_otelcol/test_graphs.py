"""Walks of directed graphs."""

from __future__ import annotations

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.graphs import find_circle

CHAIN = {"a": ["b"], "b": ["c"], "c": []}
CIRCLE = {"a": ["b"], "b": ["c"], "c": ["b"]}
TWO_CIRCLES = {"a": ["b"], "b": ["a"], "c": ["d"], "d": ["c"]}


@pytest.mark.parametrize(
    ("after", "edges"),
    [
        (CHAIN, []),
        (CIRCLE, [("b", "c"), ("c", "b")]),
        ({"a": ["a"]}, [("a", "a")]),
        ({"a": "bb", "b": ""}, []),
        (TWO_CIRCLES, [("a", "b"), ("b", "a")]),
    ],
    ids=["chain", "circle", "itself", "twice", "two"],
)
def test_a_circle_has_the_edges_that_lead_around(after: dict[str, list[str]], edges: list[tuple[str, str]]) -> None:
    assert find_circle(after) == edges


def test_a_circle_is_looked_for_in_linear_time() -> None:
    assert find_circle({node: range(node + 1, min(node + 50, 20_000)) for node in range(20_000)}) == []
