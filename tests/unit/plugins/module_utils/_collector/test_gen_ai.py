# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a call of a model costs, and which content of it is hidden."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.gen_ai import (
    CONTENT,
    cost_statements,
    model_prices,
    protection,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

WRONG = {
    "a number": 2.5,
    "without output": {"input": 1},
    "another key": {"input": 1, "output": 2, "image": 3},
}
NO_PRICE = {
    "a text": {"input": "1", "output": 2},
    "a truth": {"input": 1, "output": True},
    "below zero": {"input": 1, "output": -2},
    "too large for a number of the Collector": {"input": 10**400, "output": 1},
    "endless": {"input": 1, "output": float("inf")},
    "no number": {"input": 1, "output": float("nan")},
}


def test_tokens_of_a_cache_cost_as_much_as_others_unless_a_price_says_otherwise() -> None:
    prices = {"a": {"input": 2, "output": 10}, "b": {"input": 2.5, "cached_input": 0, "output": 10}}
    assert [(price.input, price.cached) for price in model_prices(prices)] == [(2.0, 2.0), (2.5, 0.0)]


@pytest.mark.parametrize("given", WRONG.values(), ids=WRONG)
def test_prices_need_those_of_input_and_output(given: Any) -> None:
    with pytest.raises(Problem, match="`prices` of 'gpt-4o' are no prices of input and output"):
        list(model_prices({"gpt-4o": given}))


@pytest.mark.parametrize("given", NO_PRICE.values(), ids=NO_PRICE)
def test_a_price_is_a_number_that_can_be_paid(given: Any) -> None:
    with pytest.raises(Problem, match="in `prices` of 'gpt-4o' is no price"):
        list(model_prices({"gpt-4o": given}))


def test_a_small_price_is_written_without_an_exponent() -> None:
    text = " ".join(cost_statements({'a "model"': {"input": 0.00001, "output": 1e7}}))
    assert "* 0.00001" in text
    assert "* 10000000" in text
    assert r'== "a \"model\""' in text


def test_without_prices_each_call_says_that_it_has_none() -> None:
    assert not any(text.startswith('set(span.attributes["gen_ai.usage.cost"]') for text in cost_statements({}))
    assert any('"no price"' in text for text in cost_statements({}))


def removed(statements: list[str]) -> str:
    """Return the pattern of the first statement that removes attributes of spans."""
    (statement,) = [text for text in statements if text.startswith("delete_matching_keys(span.attributes")]
    pattern: str = json.loads(statement[statement.index('"') : -1])
    return pattern


def test_what_is_hashed_is_not_removed() -> None:
    assert not any(re.search(removed(protection(True).spans), name) for name in CONTENT)
    assert all(re.search(removed(protection(False).spans), name) for name in CONTENT)


@pytest.mark.parametrize("hashed", [False, True])
def test_statements_of_a_group_are_about_one_place(hashed: bool) -> None:
    """A statement about events would keep all others of its group from spans without events."""
    for place, group in zip(("span", "spanevent", "log"), protection(hashed), strict=True):
        assert {re.findall(r"\((\w+)\.", text)[0] for text in group} == {place}


def test_a_model_is_named_as_it_is_written() -> None:
    """OTTL reads no pairs of surrogates, as which JSON may write a character."""
    text = " ".join(cost_statements({"smile-\U0001f600": {"input": 1, "output": 1}}))
    assert '== "smile-\U0001f600"' in text
