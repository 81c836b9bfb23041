# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a call of a model costs."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.gen_ai_cost import (
    list_cost_statements,
    read_model_prices,
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
    assert [(price.input_price, price.cached_input_price) for price in read_model_prices(prices)] == [
        (2.0, 2.0),
        (2.5, 0.0),
    ]


@pytest.mark.parametrize("given", WRONG.values(), ids=WRONG)
def test_prices_need_those_of_input_and_output(given: Any) -> None:
    with pytest.raises(Problem, match="`prices` of 'gpt-4o' are no prices of input and output"):
        list(read_model_prices({"gpt-4o": given}))


@pytest.mark.parametrize("given", NO_PRICE.values(), ids=NO_PRICE)
def test_a_price_is_a_number_that_can_be_paid(given: Any) -> None:
    with pytest.raises(Problem, match="in `prices` of 'gpt-4o' is no price"):
        list(read_model_prices({"gpt-4o": given}))


def test_a_small_price_is_written_without_an_exponent() -> None:
    text = " ".join(list_cost_statements({'a "model"': {"input": 0.00001, "output": 1e7}}))
    assert "* 0.00001" in text
    assert "* 10000000" in text
    assert r'== "a \"model\""' in text


def test_without_prices_each_call_says_that_it_has_none() -> None:
    assert not any(text.startswith('set(span.attributes["gen_ai.usage.cost"]') for text in list_cost_statements({}))
    assert any('"no price"' in text for text in list_cost_statements({}))


def test_a_model_is_named_as_it_is_written() -> None:
    """OTTL reads no pairs of surrogates, as which JSON may write a character."""
    text = " ".join(list_cost_statements({"smile-\U0001f600": {"input": 1, "output": 1}}))
    assert '== "smile-\U0001f600"' in text
