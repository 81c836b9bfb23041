# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table at the top of given_values.py, and settings that are odd."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.given_values import (
    find_texts,
    find_values,
    is_expanded,
    split_key,
)

from tests.support.cases import cases

SETTINGS = {
    "tls": {"ca_file": "/ca.pem", "cert_file": "${env:CERT}", "key_file": None},
    "urls": ["a", None],
    "topics": "b,c",
    "variable": "b,${env:C}",
    "broken": "b,${env:C",
    "empty": "",
    "count": 5,
}
PLACE = ("receivers", "x")


@cases(
    "key, values",
    ("tls.ca_file", [(("tls", "ca_file"), "/ca.pem")]),
    ("tls.cert_file", []),
    ("tls.key_file", []),
    ("tls.missing", []),
    ("tls.*", [(("tls", "ca_file"), "/ca.pem")]),
    ("urls.*", [(("urls", 0), "a"), (("urls", 1), "")]),
    ("topics.*", [(("topics",), "b"), (("topics",), "c")]),
    ("topics", [(("topics",), "b,c")]),
    ("variable.*", []),
    ("variable", []),
    ("broken.*", []),
    ("broken", [(("broken",), "b,${env:C")]),
    ("empty.*", []),
    ("empty", [(("empty",), "")]),
    ("count", [(("count",), 5)]),
    ("count.*", []),
    ("missing", []),
)
def test_a_key_has_the_values_that_are_given_literally(key: str, values: list[tuple[Any, Any]]) -> None:
    assert find_values(SETTINGS, key, PLACE) == [((*PLACE, *path), value) for path, value in values]


@cases("settings", None, [], "count", 5)
def test_what_is_no_mapping_gives_nothing(settings: Any) -> None:
    assert find_values(settings, "count", PLACE) == find_values(settings, "count.*", PLACE) == []


def test_texts_of_several_keys_come_in_the_order_of_the_keys() -> None:
    found = list(find_texts(["count", "topics", "urls.*"], SETTINGS, ()))
    assert found == [(("topics",), "b,c"), (("urls", 0), "a"), (("urls", 1), "")]


@cases("text, expanded", ("${env:A}", True), ("x${a}y", True), ("${env:A", False), ("}${", False), ("a", False))
def test_a_variable_ends_with_a_brace(text: str, expanded: bool) -> None:
    assert is_expanded(text) is expanded


def test_a_key_is_split_at_its_dots() -> None:
    assert split_key("tls.ca_file") == ("tls", "ca_file")
