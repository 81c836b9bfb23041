# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.config.paths import (
    Path,
    Position,
    at,
    dotted,
    leaves,
    section,
)
from hypothesis import given

from ..strategies import anything

TREE = {"service": {"pipelines": {"traces": {"exporters": ["a", "b"]}}}}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), ""),
        (("service",), "service"),
        (("service", "pipelines", "traces/2", "exporters", 0), "service.pipelines.traces/2.exporters[0]"),
        ((0, "a"), "[0].a"),
        ((None, "a"), "None.a"),
        (("a", 1.5), "a.1.5"),
    ],
)
def test_reads_as_people_write_it(path: Path, text: str) -> None:
    assert dotted(path) == text


@pytest.mark.parametrize(
    ("position", "text"),
    [
        (Position(), ""),
        (Position("a.yml"), "a.yml"),
        (Position("a.yml", 3), "a.yml:3"),
        (Position("a.yml", 3, 7), "a.yml:3:7"),
    ],
)
def test_a_position_reads_as_far_as_it_is_known(position: Position, text: str) -> None:
    assert str(position) == text


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("service", "pipelines", "traces", "exporters", 1), "b"),
        (("service", "pipelines", "traces", "exporters", 2), "none"),
        (("service", "nothing", "below"), "none"),
        (("service", "pipelines", "traces", "exporters", "a"), "none"),
        ((), TREE),
    ],
)
def test_leads_to_the_value_or_to_the_default(path: Path, value: Any) -> None:
    assert at(TREE, path, "none") == value


@pytest.mark.parametrize("config", [None, [], "text", {"receivers": None}, {"receivers": ["otlp"]}])
def test_a_section_is_always_a_mapping(config: Any) -> None:
    assert section(config, "receivers") == {}


def test_leaves_come_in_order_with_their_paths() -> None:
    assert list(leaves({"b": [1, {"c": None}], "a": "x"})) == [(("b", 0), 1), (("b", 1, "c"), None), (("a",), "x")]


def test_leaves_of_a_deep_tree_do_not_exhaust_the_stack() -> None:
    tree: Any = "end"
    for _ in range(5000):
        tree = [tree]
    assert [value for _path, value in leaves(tree)] == ["end"]


@given(anything)
def test_every_leaf_is_where_its_path_says(tree: Any) -> None:
    for path, value in leaves(tree):
        assert at(tree, path) is value
        assert isinstance(dotted(path), str)
