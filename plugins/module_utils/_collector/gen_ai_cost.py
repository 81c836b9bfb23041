# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a call of a model costs, by the prices of a user: statements of OTTL that write it into the span. Private.

A call is a span of a client of generative AI, which has the numbers of tokens as attributes (gen_ai_attributes.py).
Recipe templates call this file by the filter `cost_statements`. The Collector runs the statements on each span, from
the first to the last:

1. The numbers of tokens go into `span.cache`, which no exporter sends.
2. So does the reason why the call has no cost: what it lacks, or that only a price is missing.
3. Each model that has a price sets the cost of its calls, unless they lack something else.
4. A call that still has no cost, and did not fail, gets the reason as attribute `gen_ai.usage.unpriced`.

Example: with the prices `{gpt: {input: 2.5, output: 10}}` for a million tokens, a call of `gpt` with 1,000 tokens of
input, of which 400 are cached, and 200 of output costs (600 * 2.5 + 400 * 2.5 + 200 * 10) / 1,000,000 = 0.0045.
One statement of each step, where `…` stands for more:

    set(span.cache["input"], Double(span.attributes["gen_ai.usage.input_tokens"])) where …
    set(span.cache["reason"], "no price") where …
    set(span.attributes["gen_ai.usage.cost"], (… + span.cache["output"] * 10.0) / 1000000.0)
      where span.attributes["gen_ai.request.model"] == "gpt" and span.cache["reason"] == "no price"
    set(span.attributes["gen_ai.usage.unpriced"], span.cache["reason"])
      where span.attributes["gen_ai.usage.cost"] == nil and span.status.code != STATUS_CODE_ERROR
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .._otelcol.errors import Problem
from .._otelcol.needs.quantities import is_amount
from .gen_ai_attributes import COST, INPUT_TOKENS, OPERATION, OUTPUT_TOKENS, UNPRICED
from .ottl_builders import attribute_path, ottl_number, ottl_text, set_where

_REQUIRED_PRICES = {"input", "output"}
_ALLOWED_PRICES = {"input", "output", "cached_input"}
# The number of tokens that a price is for, as OTTL writes it.
_TOKENS_PER_PRICE = "1000000.0"


class ModelPrice(NamedTuple):
    """Prices of a model for a million tokens, in the currency of the user. Cached tokens are part of the input."""

    model: str
    input_price: float
    output_price: float
    cached_input_price: float


class _TokenCount(NamedTuple):
    """The number of tokens of a call."""

    cache_path: str
    """Where the statements store the number, as a path of OTTL."""
    attribute: str
    earlier_attribute: str = ""
    """The name of the attribute before 1.27 of the semantic conventions; empty if it had none."""


_INPUT = _TokenCount('span.cache["input"]', INPUT_TOKENS, "gen_ai.usage.prompt_tokens")
_OUTPUT = _TokenCount('span.cache["output"]', OUTPUT_TOKENS, "gen_ai.usage.completion_tokens")
_CACHED = _TokenCount('span.cache["cached"]', "gen_ai.usage.cache_read.input_tokens")
_COST = attribute_path("span", COST)
_UNPRICED = attribute_path("span", UNPRICED)
# Why a call has no cost yet, which is one of the three texts below: see `_list_reason_statements`.
_REASON = 'span.cache["reason"]'
_NO_TOKENS = ottl_text("no tokens")
_NO_PRICE = ottl_text("no price")
_WRONG_TOKENS = ottl_text("wrong tokens")
# The condition that a call needs nothing but a price.
_LACKS_ONLY_PRICE = f"{_REASON} == {_NO_PRICE}"
# The model that answered is more exact than the one that was asked for, so its price is set last.
_MODELS = ("gen_ai.request.model", "gen_ai.response.model")


def list_cost_statements(prices: Mapping[str, Any]) -> list[str]:
    """Return OTTL statements that give a span its cost, or say why it has none. Raises Problem for wrong prices."""
    model_prices = list(read_model_prices(prices))
    return [
        *_list_token_statements(_INPUT),
        *_list_token_statements(_OUTPUT),
        *_list_token_statements(_CACHED),
        *_list_reason_statements(),
        # An SDK may have set a cost. The sum of costs is one that only grows, so it can have none below zero.
        f"delete_key(span.attributes, {ottl_text(COST)}) where {_COST} != nil and Double({_COST}) < 0.0",
        *_list_price_statements(model_prices),
        # A failed call with tokens has its cost, and never a reason (docs/ai_inference.md).
        set_where(_UNPRICED, _REASON, f"{_COST} == nil", "span.status.code != STATUS_CODE_ERROR"),
    ]


def read_model_prices(prices: Mapping[str, Any]) -> Iterator[ModelPrice]:
    """Yield the prices of each model. Raises Problem for one without prices of input and output, and for wrong ones."""
    for model, price_fields in prices.items():
        if not isinstance(price_fields, dict) or not _REQUIRED_PRICES <= set(price_fields) <= _ALLOWED_PRICES:
            fix = f"Write `{model}: {{input: 2.5, output: 10}}`; cached_input is optional."
            raise Problem(f"`prices` of '{model}' are no prices of input and output", fix=fix)
        for key, price in price_fields.items():
            if not is_amount(price):
                raise Problem(f"`{key}` in `prices` of '{model}' is no price", fix="Use a number, 0 or more.")
        # Without a price of their own, cached tokens cost as much as others of the input.
        amounts: dict[str, float] = {"cached_input": price_fields["input"], **price_fields}
        yield ModelPrice(
            model=str(model),
            input_price=float(amounts["input"]),
            output_price=float(amounts["output"]),
            cached_input_price=float(amounts["cached_input"]),
        )


def _list_token_statements(count: _TokenCount) -> Iterator[str]:
    """Yield statements that keep a number of tokens; 0 if the span has none."""
    tokens = attribute_path("span", count.attribute)
    if count.earlier_attribute:
        earlier_tokens = attribute_path("span", count.earlier_attribute)
        yield set_where(tokens, earlier_tokens, f"{tokens} == nil", f"{earlier_tokens} != nil")
    yield set_where(count.cache_path, "0.0")
    yield set_where(count.cache_path, f"Double({tokens})", f"{tokens} != nil")


def _list_reason_statements() -> Iterator[str]:
    """Yield statements that keep why a call has no cost. Of the reasons that fit a call, the last one counts:

    | reason | call |
    |---|---|
    | `no tokens` | any |
    | `no price` | its numbers of tokens are known |
    | `wrong tokens` | its numbers of tokens are known, and they contradict each other or are below zero |
    """
    has_input = f"{attribute_path('span', _INPUT.attribute)} != nil"
    has_output = f"{attribute_path('span', _OUTPUT.attribute)} != nil"
    # An embedding has no tokens of an answer.
    has_only_input = f'{attribute_path("span", OPERATION)} == "embeddings"'
    yield set_where(_REASON, _NO_TOKENS)
    yield set_where(_REASON, _NO_PRICE, has_input, f"({has_output} or {has_only_input})")
    # By the conventions, tokens of a cache are part of the input. Some SDKs count them apart.
    exceeds_input = f"{_CACHED.cache_path} > {_INPUT.cache_path}"
    has_wrong_tokens = f"{exceeds_input} or {_CACHED.cache_path} < 0.0 or {_OUTPUT.cache_path} < 0.0"
    yield set_where(_REASON, _WRONG_TOKENS, _LACKS_ONLY_PRICE, f"({has_wrong_tokens})")


def _list_price_statements(model_prices: Sequence[ModelPrice]) -> Iterator[str]:
    """Yield statements that set the cost of a span whose model has a price."""
    for model_attribute in _MODELS:
        for price in model_prices:
            has_model = f"{attribute_path('span', model_attribute)} == {ottl_text(price.model)}"
            yield set_where(_COST, _cost_expression(price), has_model, _LACKS_ONLY_PRICE)


def _cost_expression(price: ModelPrice) -> str:
    """Return the expression for the cost of the tokens of a span."""
    uncached_cost = f"({_INPUT.cache_path} - {_CACHED.cache_path}) * {ottl_number(price.input_price)}"
    cached_cost = f"{_CACHED.cache_path} * {ottl_number(price.cached_input_price)}"
    answer_cost = f"{_OUTPUT.cache_path} * {ottl_number(price.output_price)}"
    return f"({uncached_cost} + {cached_cost} + {answer_cost}) / {_TOKENS_PER_PRICE}"
