# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.testing.policies import (
    SECRET_KINDS,
    Policy,
    find_policy_breaches,
)

from tests.support.cases import cases

ALL = Policy("p", forbidden_kinds=tuple(SECRET_KINDS))
PLANTED = {
    "email": ["jane.doe@example.com", "to: <a@b.io>", "x a+b@mail.example.org."],
    "card": ["4111 1111 1111 1111", "paid 4111-1111-1111-1111.", "378282246310005"],
    "token": ["Bearer 0f1e2d3c4b5a69788796a5b4", "ghp_0123456789abcdefghijABCDEFGHIJ012345"],
}
HARMLESS = ["cart@1.2", "GET /a@b", "4111 1111 1111 1112", "2026-01-01 00:00:00", "order 12345678901234567890", "a", ""]
HARMLESS += ["1764000000000000000"]
PLACES: list[tuple[str, Any]] = [
    ("spans", lambda value: {"name": value}),
    ("spans", lambda value: {"attributes": {"a": value}}),
    ("spans", lambda value: {"events": [{"name": "e", "attributes": {"a": [1, value]}}]}),
    ("metrics", lambda value: {"resource": {"a": {"b": value}}}),
    ("logs", lambda value: {"body": {"a": value}}),
    ("logs", lambda value: {"scope": {"attributes": {"a": value}}}),
]


@pytest.mark.parametrize(("signal", "place"), PLACES)
@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind in PLANTED for value in PLANTED[kind]])
def test_a_planted_value_is_named_in_every_place_and_never_shown(
    signal: str, place: Any, kind: str, value: str
) -> None:
    lines = list(find_policy_breaches([ALL], {"e": {signal: [place(value)]}}))
    assert any(SECRET_KINDS[kind][0] in line for line in lines)
    assert value not in "".join(lines)


@pytest.mark.parametrize("value", HARMLESS)
def test_what_only_resembles_is_harmless(value: str) -> None:
    assert list(find_policy_breaches([ALL], {"e": {"logs": [{"body": value}]}})) == []


@pytest.mark.parametrize("value", ["***", "Bearer ***"])
def test_what_is_masked_already_is_harmless_under_the_name_of_a_secret(value: str) -> None:
    assert (
        list(
            find_policy_breaches([ALL], {"e": {"logs": [{"attributes": {"password": value, "authorization": value}}]}})
        )
        == []
    )
    assert list(find_policy_breaches([ALL], {"e": {"logs": [{"attributes": {"password": f"{value}hunter2"}}]}})) != []


@cases(
    "policy, said",
    (
        Policy("p", required_by_kind={"spans": {"resource": {"c": {"like": "?*"}}}}),
        ["b: spans[0]: resource.c: expected like"],
    ),
    (
        Policy("p", forbidden_by_kind={"spans": {"resource": {"t": "a"}}}),
        ["a: spans[0]: no record like", "b: spans[0]: no"],
    ),
    (
        Policy("p", exporter_patterns=("b*",), forbidden_by_kind={"spans": {"name": "x"}}),
        ["b: spans[0]: no record like"],
    ),
    (Policy("p", forbidden_by_kind={"logs": {}}), []),
)
def test_a_policy_holds_for_its_exporters_and_signals(policy: Policy, said: list[str]) -> None:
    one, other = {"name": "x", "resource": {"t": "a", "c": "1"}}, {"name": "x", "resource": {"t": "a"}}
    lines = list(find_policy_breaches([policy], {"b": {"spans": [other]}, "a": {"spans": [one]}}))
    assert len(lines) == len(said)
    assert all(text in line for text, line in zip(said, lines, strict=True))
