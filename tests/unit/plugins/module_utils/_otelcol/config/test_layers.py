# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config import paths
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.compose import compose
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.config_secrets import find_secrets
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.layers import (
    ComposedConfig,
    Layer,
    is_pattern,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.masking import make_masker
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.variable_references import (
    replace_references,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from hypothesis import given
from hypothesis import strategies as st

from ...helpers import cases, recipe, user
from ...strategies import anything, configs

RECEIVING = {"receivers": {"otlp": {"port": 1}}, "service": {"pipelines": {"traces": {"receivers": ["otlp"]}}}}
BATCHING = {"processors": {"batch": {"size": 8}}, "service": {"pipelines": {"*": {"processors": ["batch"]}}}}
RECEIVE, BATCH = recipe("recipe 'receive'", RECEIVING), recipe("recipe 'batch'", BATCHING)
FILE = Layer(
    "a.yml",
    {"receivers": {"otlp": {"port": 2}}, "exporters": {"debug": None}},
    positions={
        (): paths.Position("a.yml", 1, 1),
        ("receivers", "otlp", "port"): paths.Position("a.yml", 3, 5),
        ("exporters",): paths.Position("a.yml", 4, 1),
    },
)
VARIABLE = user(
    {"service": {"pipelines": {"traces": {"exporters+": ["debug"]}}}},
    positions={("service", "pipelines", "traces", "exporters+", 0): paths.Position("all.yml", 7, 9)},
)
TRACES: paths.Path = ("service", "pipelines", "traces")


@cases(
    "path, place",
    (("receivers", "otlp", "port"), "a.yml:3:5"),  # what the user wrote last counts
    (("exporters", "debug"), "a.yml:4:1"),  # the nearest place around it
    ((*TRACES, "exporters", 0), "all.yml:7:9"),  # appended with key+
    ((*TRACES, "processors", 0), "recipe 'batch'"),  # through a wildcard
    ((*TRACES, "receivers", 0), "recipe 'receive'"),
    (("processors", "batch", "size"), "recipe 'batch'"),
    ((*TRACES, "nothing"), "config"),  # the last layer that has what is around it
    (("connectors",), "config"),
)
def test_every_value_is_found_where_it_was_written(path: paths.Path, place: str) -> None:
    composed = compose([RECEIVE, BATCH, FILE, VARIABLE])
    assert str(composed.locate(path)) == place


def test_a_place_in_a_list_is_found_by_its_value_or_by_the_item_around_it() -> None:
    here = paths.Position("f", 2, 3)
    layer = user({"a+": ["x"]}, positions={("a+", 0): here})
    assert ComposedConfig({"a": ["w", "x"]}, (layer,)).locate(("a", 1)) == here
    layer = user({"a+": [{"k": "x"}]}, positions={("a+", 0, "k"): here})
    assert ComposedConfig({"a": [{"k": "w"}, {"k": "x"}]}, (layer,)).locate(("a", 1, "k")) == here


def test_nothing_is_found_where_there_are_no_layers() -> None:
    assert ComposedConfig({}, ()).locate(("receivers",)) == paths.Position()


@pytest.mark.parametrize(("key", "pattern"), [("*", True), ("traces*", True), ("traces/2", False)])
def test_a_star_makes_a_pattern(key: str, pattern: bool) -> None:
    assert is_pattern(key) is pattern


@given(configs, configs)
def test_every_path_has_a_place(one: Any, two: Any) -> None:
    try:
        composed = compose([user(layer) for layer in (one, two) if isinstance(layer, dict)])
    except Problem:
        return
    for path, _value in paths.iter_leaves(composed.config) if composed.layers else ():
        assert composed.locate(path).file == "config"


TREE = {"service": {"pipelines": {"traces": {"exporters": ["a", "b"]}}}}


@cases(
    "path, text",
    ((), ""),
    (("service",), "service"),
    (("service", "pipelines", "traces/2", "exporters", 0), "service.pipelines.traces/2.exporters[0]"),
    ((0, "a"), "[0].a"),
    ((None, "a"), "None.a"),
    (("a", 1.5), "a.1.5"),
)
def test_reads_as_people_write_it(path: paths.Path, text: str) -> None:
    assert paths.format_path(path) == text


@cases(
    "position, text",
    (paths.Position(), ""),
    (paths.Position("a.yml"), "a.yml"),
    (paths.Position("a.yml", 3), "a.yml:3"),
    (paths.Position("a.yml", 3, 7), "a.yml:3:7"),
)
def test_a_position_reads_as_far_as_it_is_known(position: paths.Position, text: str) -> None:
    assert str(position) == text


@cases(
    "path, value",
    (("service", "pipelines", "traces", "exporters", 1), "b"),
    (("service", "pipelines", "traces", "exporters", 2), "none"),
    (("service", "nothing", "below"), "none"),
    (("service", "pipelines", "traces", "exporters", "a"), "none"),
    ((), TREE),
)
def test_leads_to_the_value_or_to_the_default(path: paths.Path, value: Any) -> None:
    assert paths.value_at(TREE, path, "none") == value


@pytest.mark.parametrize("config", [None, [], "text", {"receivers": None}, {"receivers": ["otlp"]}])
def test_a_section_is_always_a_mapping(config: Any) -> None:
    assert paths.mapping_at(config, "receivers") == {}


def test_leaves_come_in_order_with_their_paths() -> None:
    found = paths.iter_leaves({"b": [1, {"c": None}], "a": "x"})
    assert list(found) == [(("b", 0), 1), (("b", 1, "c"), None), (("a",), "x")]


def test_leaves_of_a_deep_tree_do_not_exhaust_the_stack() -> None:
    tree: Any = "end"
    for _ in range(5000):
        tree = [tree]
    assert [value for _path, value in paths.iter_leaves(tree)] == ["end"]


@given(anything)
def test_every_leaf_is_where_its_path_says(tree: Any) -> None:
    for path, value in paths.iter_leaves(tree):
        assert paths.value_at(tree, path) is value
        assert isinstance(paths.format_path(path), str)


SECRETS: list[tuple[Any, set[str]]] = [
    ({"password": "hunter2"}, {"hunter2"}),
    ({"api": {"key": "abc"}}, {"abc"}),
    ({"headers": {"Authorization": "Bearer abc"}}, {"Bearer abc", "abc"}),
    ({"endpoint": "https://me:pw@host/x"}, {"pw"}),
    ({"dsn": "postgres://me:pw@host"}, {"postgres://me:pw@host", "pw"}),
    ({"list": [{"client_secret": "x"}]}, {"x"}),
    ({"token": 12345}, {"12345"}),
    ({"password": "${env:PASSWORD}"}, set()),
    ({"password": None}, set()),
    ({"password_file": "/etc/x", "token_url": "https://x"}, set()),
    ({"actions": [{"key": "team"}]}, set()),
    ("text", set()),
]


@pytest.mark.parametrize(("config", "secrets"), SECRETS)
def test_a_secret_is_known_by_its_key_or_its_place(config: Any, secrets: set[str]) -> None:
    assert find_secrets(config) == secrets


def test_longer_secrets_go_first_and_words_stay_whole() -> None:
    assert make_masker({"abc", "abcd"})("abc abcd xabc abc.") == "******** ******** xabc ********."


@given(st.dictionaries(st.sampled_from(["password", "token", "x"]), st.text(min_size=1)), st.text())
def test_no_secret_is_left_as_a_word(config: dict[str, str], text: str) -> None:
    for secret in find_secrets(config):
        assert f" {secret} " not in make_masker({secret})(f"{text} {secret} {text}").replace(" ******** ", "")


@cases(
    "given, expected",
    ("plain", "plain"),
    ("${env:A}/${A}", "1/1"),
    ("${env:B:-2}", "2"),
    ("${env:B:-}", ""),
    ("${env:B}", "?"),
    ("$$A", "$A"),
    ("${file:/a}", "${file:/a}"),
    (["${A}", {"a": "${A}"}, 3, None], ["1", {"a": "1"}, 3, None]),
)
def test_references_are_replaced_by_what_is_known(given: Any, expected: Any) -> None:
    assert replace_references(given, {"A": "1"}, "?") == expected
