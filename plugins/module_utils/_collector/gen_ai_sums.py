# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The metrics about calls of models, which are sums over spans. Private.

Recipe `gen_ai_metrics` renders them as settings of a connector, with conditions and values in OTTL.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .gen_ai_attributes import COST, INPUT_TOKENS, OPERATION, OUTPUT_TOKENS, UNPRICED
from .ottl_builders import attribute_path, ottl_text


def model_call_condition(operations: Sequence[str], attribute_name: str = "") -> str:
    """Return the condition of OTTL that a span is a call of a model by its client, and has an attribute.

    A server repeats the tokens of its client.
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
    """Whether the sum is also split by the value of the attribute, which is a reason."""


def list_call_sums(currency: str) -> list[CallSum]:
    """Return the sums of the recipe `gen_ai_metrics`."""
    input_tokens, output_tokens = (
        f"Int({attribute_path('span', INPUT_TOKENS)})",
        f"Int({attribute_path('span', OUTPUT_TOKENS)})",
    )
    cost = f"Double({attribute_path('span', COST)})"
    return [
        CallSum("traces.gen_ai.input_tokens", "Tokens of prompts.", "{token}", INPUT_TOKENS, input_tokens),
        CallSum("traces.gen_ai.output_tokens", "Tokens of answers.", "{token}", OUTPUT_TOKENS, output_tokens),
        CallSum("traces.gen_ai.cost", "Cost of calls.", f"{{{currency}}}", COST, cost),
        CallSum("traces.gen_ai.unpriced", "Calls without a known cost.", "{call}", UNPRICED, "1", has_reason=True),
    ]
