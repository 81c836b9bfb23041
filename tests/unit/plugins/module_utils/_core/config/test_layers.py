# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.config.compose import compose
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.config.layers import Composed, Layer, is_pattern
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.config.paths import Path, Position, leaves
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import Problem
from hypothesis import given

from ..helpers import recipe, user
from ..strategies import configs

RECEIVE = recipe(
    "recipe 'receive'",
    {"receivers": {"otlp": {"port": 1}}, "service": {"pipelines": {"traces": {"receivers": ["otlp"]}}}},
)
BATCH = recipe(
    "recipe 'batch'",
    {"processors": {"batch": {"size": 8}}, "service": {"pipelines": {"*": {"processors": ["batch"]}}}},
)
FILE = Layer(
    "a.yml",
    {"receivers": {"otlp": {"port": 2}}, "exporters": {"debug": None}},
    positions={
        (): Position("a.yml", 1, 1),
        ("receivers", "otlp", "port"): Position("a.yml", 3, 5),
        ("exporters",): Position("a.yml", 4, 1),
    },
)
VARIABLE = user(
    {"service": {"pipelines": {"traces": {"exporters+": ["debug"]}}}},
    positions={("service", "pipelines", "traces", "exporters+", 0): Position("all.yml", 7, 9)},
)
TRACES: Path = ("service", "pipelines", "traces")


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (("receivers", "otlp", "port"), "a.yml:3:5"),  # what the user wrote last counts
        (("exporters", "debug"), "a.yml:4:1"),  # the nearest place around it
        ((*TRACES, "exporters", 0), "all.yml:7:9"),  # appended with key+
        ((*TRACES, "processors", 0), "recipe 'batch'"),  # through a wildcard
        ((*TRACES, "receivers", 0), "recipe 'receive'"),
        (("processors", "batch", "size"), "recipe 'batch'"),
        ((*TRACES, "nothing"), "config"),  # the last layer that has what is around it
        (("connectors",), "config"),
    ],
)
def test_every_value_is_found_where_it_was_written(path: Path, place: str) -> None:
    composed = compose([RECEIVE, BATCH, FILE, VARIABLE])
    assert str(composed.locate(path)) == place


def test_a_place_in_a_list_is_found_by_its_value() -> None:
    layer = user({"a+": ["x"]}, positions={("a+", 0): Position("f", 2, 3)})
    assert Composed({"a": ["w", "x"]}, (layer,)).locate(("a", 1)) == Position("f", 2, 3)


def test_a_place_below_a_list_is_found_by_the_item_around_it() -> None:
    layer = user({"a+": [{"k": "x"}]}, positions={("a+", 0, "k"): Position("f", 2, 3)})
    assert Composed({"a": [{"k": "w"}, {"k": "x"}]}, (layer,)).locate(("a", 1, "k")) == Position("f", 2, 3)


def test_nothing_is_found_where_there_are_no_layers() -> None:
    assert Composed({}, ()).locate(("receivers",)) == Position()


@pytest.mark.parametrize(("key", "pattern"), [("*", True), ("traces*", True), ("traces/2", False)])
def test_a_star_makes_a_pattern(key: str, pattern: bool) -> None:
    assert is_pattern(key) is pattern


@given(configs, configs)
def test_every_path_has_a_place(one: Any, two: Any) -> None:
    try:
        composed = compose([user(layer) for layer in (one, two) if isinstance(layer, dict)])
    except Problem:
        return
    for path, _value in leaves(composed.config) if composed.layers else ():
        assert composed.locate(path).file == "config"
