# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.testing import expectations

from tests.support.cases import cases


def span(name: str, **attributes: Any) -> dict[str, Any]:
    return {"name": name, "status": "unset", "duration": 10_000_000, "attributes": attributes, "resource": {"r": 1}}


A, B = span("a", x=1, y=True), span("b", x="s-1")


@cases(
    "expected, got",
    ("nothing", []),
    ({"spans": 2}, [A, B]),
    ({"spans": [{"name": "b"}, {"name": "a"}]}, [A, B]),
    ({"spans": [{}, {"name": "a"}]}, [A, B]),
    ({"spans": [{"name": "a", "attributes": {"x": 1, "z": None}, "duration": "10ms"}]}, [A]),
    ({"spans": [{"attributes": {"x": {"like": "s-*"}}, "name": {"unlike": "a*"}}]}, [B]),
    ({"spans": [{"name": "a"}], "others": True}, [A, B]),
    ({"spans": [{"name": "a", "attributes": {"x": 1, "y": True}, "resource": {"r": 1}}], "exact": True}, [A]),
    ({"logs": 0}, [A]),
)
def test_what_fits_has_no_difference(expected: Any, got: list[dict[str, Any]]) -> None:
    assert expectations.list_record_differences("e", expected, {"spans": got}) == []


@cases(
    "expected, got, said",
    ("nothing", [A], "e: expected 0 spans, got 1: {name: a"),
    ({"spans": 1}, [A, B], "e: expected 1 spans, got 2"),
    ({"spans": [{"name": "a"}]}, [], "e: spans[0]: nothing arrived for {name: a}"),
    ({"spans": [{"name": "a"}]}, [A, B], "e: spans: not expected: {name: b"),
    ({"spans": [{"name": "a", "attributes": {"x": 2}}]}, [A], "e: spans[0]: attributes.x: expected 2, got 1"),
    ({"spans": [{"attributes": {"x": None}}]}, [A], "e: spans[0]: attributes.x: expected to be absent, got 1"),
    ({"spans": [{"attributes": {"y": 1}}]}, [A], "e: spans[0]: attributes.y: expected 1, got True"),
    ({"spans": [{"attributes": {"z": {"like": "*"}}}]}, [A], "attributes.z: expected like '*', got nothing"),
    ({"spans": [{"attributes": {"x": 1}}], "exact": True}, [A], "attributes.y: not expected, got True"),
    ({"spans": [{"duration": "1s"}]}, [A], "duration: expected '1s', got 10000000"),
)
def test_each_difference_is_a_line(expected: Any, got: list[dict[str, Any]], said: str) -> None:
    [line] = expectations.list_record_differences("e", expected, {"spans": got})
    assert said in line


def test_a_record_that_fits_several_is_given_to_the_one_that_needs_it() -> None:
    """The first expectation takes both records, the second only one of them: greed would fail."""
    assert (
        expectations.list_record_differences("e", {"spans": [{"resource": {"r": 1}}, {"name": "a"}]}, {"spans": [A, B]})
        == []
    )


def test_a_missing_record_is_compared_with_the_nearest() -> None:
    lines = expectations.list_record_differences(
        "e", {"spans": [{"name": "b", "attributes": {"x": "s-2"}}]}, {"spans": [A, B]}
    )
    assert lines == [
        "e: spans[0]: attributes.x: expected 's-2', got 's-1'",
        "e: spans: not expected: {name: a, status: unset, attributes: {'x': 1, 'y': True}, resource: {'r': 1}}",
    ]
