# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An option of a recipe has its limits, and an effect."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.recipe_options import check_options
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from ..helpers import cases

OPTIONS: dict[str, Any] = {
    "percent": {"type": "float", "range": [0, 100]},
    "seconds": {"type": "int", "range": [1]},
    "age": {"needs": {"protocols": "grpc"}},
    "ca": {"needs": {"secret": None}},
    "balance": {"needs": {"protocol": "grpc"}},
    "authority": {"needs": {"insecure": False}},
    "places": {"options": {"ca": {"needs": {"insecure": False}}, "share": {"range": [1, 100]}}},
    "places_at_least": {"type": "list", "range": [1]},
    "topics": {"type": "dict", "range": [1]},
    "addresses": {"type": "list", "required": True, "range": [1]},
    "plain": None,
}


@cases(
    "values",
    {},
    {"percent": 0, "seconds": 1},
    {"percent": 100.0, "seconds": 10**9},
    {"age": None, "protocols": ["http"]},
    {"age": "1m", "protocols": ["http", "grpc"]},
    {"ca": "a", "secret": "b", "balance": "round_robin", "protocol": "grpc"},
    {"authority": "a", "insecure": False},
    {"places": {"ca": "a", "insecure": False, "share": 1}},
    {"places": [{"share": None}, {"insecure": True}]},
    {"places": []},
    {"places": None},
    {"places_at_least": ["a"]},
    {"places_at_least": None},
    {"plain": 1},
)
def test_options_may_have_any_value_that_has_an_effect(values: dict[str, Any]) -> None:
    check_options("mine", values, OPTIONS)


@cases(
    "values, text",
    ({"percent": 150.0}, "option 'percent' of recipe 'mine' is 150.0. Give a number from 0 to 100."),
    ({"percent": -1}, "option 'percent' of recipe 'mine' is -1. Give a number from 0 to 100."),
    ({"percent": float("nan")}, "option 'percent' of recipe 'mine' is nan. Give a number from 0 to 100."),
    ({"seconds": 0}, "option 'seconds' of recipe 'mine' is 0. Give 1 or more."),
    (
        {"places_at_least": []},
        "option 'places_at_least' of recipe 'mine' has 0 entries. Give 1 or more, or leave the option out.",
    ),
    ({"addresses": []}, "option 'addresses' of recipe 'mine' has 0 entries. Give 1 or more."),
    ({"topics": {}}, "option 'topics' of recipe 'mine' has 0 entries. Give 1 or more, or leave the option out."),
    ({"seconds": float("nan")}, "option 'seconds' of recipe 'mine' is nan. Give 1 or more."),
    (
        {"age": "1m", "protocols": ["http"]},
        "option 'age' of recipe 'mine' has no effect without grpc in `protocols`. "
        "Set grpc in `protocols`, or remove `age`.",
    ),
    (
        {"ca": "a", "secret": None},
        "option 'ca' of recipe 'mine' has no effect without `secret`. Set `secret`, or remove `ca`.",
    ),
    (
        {"balance": "round_robin", "protocol": "http"},
        "option 'balance' of recipe 'mine' has no effect without grpc in `protocol`. "
        "Set grpc in `protocol`, or remove `balance`.",
    ),
    (
        {"authority": "a", "insecure": True},
        "option 'authority' of recipe 'mine' has no effect without `insecure: false`. "
        "Set `insecure: false`, or remove `authority`.",
    ),
    (
        {"places": [{}, {"ca": "a", "insecure": True}]},
        "option 'places[1].ca' of recipe 'mine' has no effect without `insecure: false`. "
        "Set `insecure: false`, or remove `ca`.",
    ),
    ({"places": {"share": 150}}, "option 'places.share' of recipe 'mine' is 150. Give a number from 1 to 100."),
)
def test_a_number_out_of_range_and_an_option_without_effect_are_refused(values: dict[str, Any], text: str) -> None:
    with pytest.raises(Problem) as refused:
        check_options("mine", values, OPTIONS)
    assert str(refused.value) == text
