# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The metrics about calls of models, which are sums over spans. Private.

Recipe `gen_ai_metrics` renders them as settings of a connector, with conditions and values in OTTL: its template calls
`list_call_sums` by the filter `sums_of_calls`, and `model_call_condition` by `calls_of_models`. Example: the sum of the
tokens of prompts is, for `operations: [chat]`,

    - name: traces.gen_ai.input_tokens
      conditions: ['(span.attributes["gen_ai.operation.name"] == "chat") and span.kind != SPAN_KIND_SERVER
                    and span.attributes["gen_ai.usage.input_tokens"] != nil']
      sum: {value: 'Int(span.attributes["gen_ai.usage.input_tokens"])', monotonic: true}

A call that has no cost has attribute `gen_ai.usage.unpriced` instead, whose value is the reason, such as `no price`
(gen_ai_cost.py). The sum of such calls is split by the reason, so that a user sees how many calls lack what.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .gen_ai_attributes import COST, INPUT_TOKENS, OPERATION, OUTPUT_TOKENS, UNPRICED
from .ottl_builders import attribute_path, ottl_text


def model_call_condition(operations: Sequence[str], attribute_name: str = "") -> str:
    """Return the condition of OTTL that a span is a call of a model by its client, and has an attribute.

    A model server makes a span of the same call as its client, with the same tokens. Each call counts once, so spans of
    servers do not count. Without `attribute_name`, the span need not have an attribute.
    """
    operation = attribute_path("span", OPERATION)
    is_operation = " or ".join(f"{operation} == {ottl_text(name)}" for name in operations)
    condition = f"({is_operation}) and span.kind != SPAN_KIND_SERVER"
    if not attribute_name:
        return condition
    return f"{condition} and {attribute_path('span', attribute_name)} != nil"


class CallSum(NamedTuple):
    """A sum over calls of models."""

    name: str
    description: str
    unit: str
    attribute: str
    """Only spans with this attribute are summed."""
    value: str
    """What is summed, as an expression of OTTL."""
    has_reason: bool = False
    """Whether the sum is also split by the value of the attribute UNPRICED, which is a reason."""


def list_call_sums(currency: str) -> list[CallSum]:
    """Return the sums of the recipe `gen_ai_metrics`."""
    return [
        CallSum(
            name="traces.gen_ai.input_tokens",
            description="Tokens of prompts.",
            unit="{token}",
            attribute=INPUT_TOKENS,
            value=f"Int({attribute_path('span', INPUT_TOKENS)})",
        ),
        CallSum(
            name="traces.gen_ai.output_tokens",
            description="Tokens of answers.",
            unit="{token}",
            attribute=OUTPUT_TOKENS,
            value=f"Int({attribute_path('span', OUTPUT_TOKENS)})",
        ),
        CallSum(
            name="traces.gen_ai.cost",
            description="Cost of calls.",
            unit=f"{{{currency}}}",  # an annotation of UCUM, such as `{USD}`
            attribute=COST,
            value=f"Double({attribute_path('span', COST)})",
        ),
        CallSum(
            name="traces.gen_ai.unpriced",
            description="Calls without a known cost.",
            unit="{call}",
            attribute=UNPRICED,
            value="1",  # each call counts as one
            has_reason=True,
        ),
    ]
