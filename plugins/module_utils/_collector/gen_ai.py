# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Attributes of calls of models with content of users, and what a call costs. docs/ai_inference.md has the tables.

Sources: model/gen-ai/registry.yaml and events.yaml of open-telemetry/semantic-conventions-genai (status development, as
of 2026); deprecated/registry-deprecated.yaml and events-deprecated.yaml of open-telemetry/semantic-conventions 1.43;
spec/semantic_conventions.md of OpenInference; opentelemetry-semantic-conventions-ai of OpenLLMetry; "Telemetry" of
Vercel's AI SDK; telemetry/tracing.py of Google's ADK; models/instrumented.py of Pydantic AI. Private.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from .._otelcol.errors import Problem
from .._otelcol.needs.quantities import is_amount

# What users and models say, by the attribute that has it.
CONTENT = {
    "gen_ai.input.messages": "the prompt: the chat history that the model gets",
    "gen_ai.output.messages": "the completion: what the model answers",
    "gen_ai.system_instructions": "the system message",
    "gen_ai.tool.definitions": "tools that the model may call, with their descriptions",
    "gen_ai.tool.call.arguments": "arguments of a tool",
    "gen_ai.tool.call.result": "the result of a tool",
    "gen_ai.retrieval.query.text": "the query of a retrieval",
    "gen_ai.retrieval.documents": "documents that were found",
    "gen_ai.memory.query.text": "the query of a memory",
    "gen_ai.memory.records": "records of a memory",
    "gen_ai.evaluation.explanation": "why an answer was rated so",
    "gen_ai.prompt": "the prompt, before 1.37",
    "gen_ai.completion": "the completion, before 1.37",
    "gen_ai.event.content": "content of an event, in SDKs of Azure",
    "traceloop.entity.input": "input of a step, in OpenLLMetry",
    "traceloop.entity.output": "output of a step, in OpenLLMetry",
    "input.value": "input of a step, in OpenInference",
    "output.value": "output of a step, in OpenInference",
}
# Families of attributes (RE2), whose names have a number or a key.
CONTENT_FAMILIES = {
    r"^gen_ai\.(prompt|completion)\.[0-9]+\.": "one message each, in OpenLLMetry",
    r"^gen_ai\.prompt\.variable": "what an application puts into a prompt",
    r"^traceloop\.(prompt|entity\.input|entity\.output)\.": "prompts and their variables, in OpenLLMetry",
    r"^db\.query\.result\.(document|metadata|vector)": "documents that were found, in OpenLLMetry",
    r"^llm\.(input_messages|output_messages|prompts|completions|choices)": "messages, in OpenInference",
    r"^llm\.(prompt_template|function_call|tools|invocation_parameters)": "what a call is made of, in OpenInference",
    r"(^|\.)message\.(contents?|tool_calls|function_call_arguments_json)(\.|$)": "parts of a message, in OpenInference",
    r"(^|\.)tool_call\.function\.arguments(\.|$)": "arguments of a tool, in OpenInference",
    r"^tool\.(parameters|json_schema)(\.|$)": "parameters of a tool, in OpenInference",
    r"^retrieval\.documents\..*document\.(content|metadata)": "documents that were found, in OpenInference",
    r"^reranker\.(query|input_documents|output_documents)": "query and documents of a reranker, in OpenInference",
    r"^embedding\.(embeddings\..*\.)?(text|vector)$": "what is embedded, in OpenInference",
    r"^ai\.(prompt|values?$|embeddings?$)": "the prompt and what is embedded, in Vercel's AI SDK",
    r"^ai\.(response|result)\.(text|object|reasoning|toolCalls|files|content|body|providerMetadata)": (
        "the answer, in Vercel's AI SDK"
    ),
    r"^ai\.toolCall\.(args|input|result|output)": "arguments and results of tools, in Vercel's AI SDK",
    r"^gcp\.vertex\.agent\.(llm_re|tool_call_args|tool_response|data)": "requests and answers, in Google's ADK",
    r"^(pydantic_ai\.)?(all_messages|final_result|tool_arguments|tool_response)": "messages and tools, in Pydantic AI",
}
# What events of calls of models have in attributes of their own. Source: events-deprecated.yaml.
EVENT_CONTENT = r"^(content|message|tool_calls|arguments)$"
EVENT_NAMES = r"^gen_ai\."
# Errors of calls often repeat the prompt. A span or a log record is of a call if one of its keys begins like this (the
# keys are JSON).
ERROR_TEXT = r"^exception\.(message|stacktrace)$"
CALL_KEYS = r'"(gen_ai|llm|openinference|traceloop|ai|gcp\.vertex\.agent|pydantic_ai)\.'
_MILLION = 1_000_000


class ModelPrice(NamedTuple):
    """Prices of a model for a million tokens, in the currency of the user. Cached tokens are part of the input."""

    model: str
    input: float
    output: float
    cached: float


def model_prices(prices: Mapping[str, Any]) -> Iterator[ModelPrice]:
    """Yield the prices of each model. Raises Problem for one without prices of input and output, and for wrong ones."""
    for model, given in prices.items():
        if not isinstance(given, dict) or not {"input", "output"} <= set(given) <= {"input", "output", "cached_input"}:
            fix = f"Write `{model}: {{input: 2.5, output: 10}}`; cached_input is optional."
            raise Problem(f"`prices` of '{model}' are no prices of input and output", fix=fix)
        wrong = next((key for key, price in given.items() if not is_amount(price)), None)
        if wrong is not None:
            raise Problem(f"`{wrong}` in `prices` of '{model}' is no price", fix="Use a number, 0 or more.")
        amounts = {"cached_input": given["input"], **given}
        yield ModelPrice(str(model), *(float(amounts[key]) for key in ("input", "output", "cached_input")))


# The number of tokens of a call, by what it is called in the cache of OTTL, and what it was called before 1.27.
_TOKENS = {
    "input": ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"),
    "output": ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"),
    "cached": ("gen_ai.usage.cache_read.input_tokens", ""),
}
# No convention has a cost; these names are ours, beside those of the tokens.
_COST_KEY, _UNPRICED_KEY = "gen_ai.usage.cost", "gen_ai.usage.unpriced"
_COST, _UNPRICED = f'span.attributes["{_COST_KEY}"]', f'span.attributes["{_UNPRICED_KEY}"]'
# Why a call has no cost yet: what it lacks, or that only a price is missing.
_REASON = 'span.cache["reason"]'
# An embedding has no tokens of an answer.
_ONLY_INPUT = 'span.attributes["gen_ai.operation.name"] == "embeddings"'
# By the conventions, tokens of a cache are part of the input. Some SDKs count them apart.
_WRONG_TOKENS = " or ".join(
    (
        'span.cache["cached"] > span.cache["input"]',
        'span.cache["cached"] < 0.0',
        'span.cache["output"] < 0.0',
    )
)
# The model that answered is more exact than the one that was asked for.
_MODELS = ("gen_ai.request.model", "gen_ai.response.model")


def cost_statements(prices: Mapping[str, Any]) -> list[str]:
    """Return OTTL statements that give a span its cost, or say why it has none. Raises Problem for wrong prices."""
    found = list(_counted_tokens())
    priced = f'{_REASON} == "no price"'
    for attribute in _MODELS:
        for price in model_prices(prices):
            # OTTL reads no pairs of surrogates, as which JSON writes some characters by default.
            model = json.dumps(price.model, ensure_ascii=False)
            of_model = f'span.attributes["{attribute}"] == {model}'
            found.append(f"set({_COST}, {_cost_of(price)}) where {of_model} and {priced}")
    no_cost = f"{_COST} == nil and span.status.code != STATUS_CODE_ERROR"
    found.append(f"set({_UNPRICED}, {_REASON}) where {no_cost}")
    return found


def _counted_tokens() -> Iterator[str]:
    """Yield statements that write the numbers of tokens into the cache, and the reason against a cost."""
    for count, (name, earlier) in _TOKENS.items():
        tokens, before = f'span.attributes["{name}"]', f'span.attributes["{earlier}"]'
        if earlier:
            yield f"set({tokens}, {before}) where {tokens} == nil and {before} != nil"
        yield f'set(span.cache["{count}"], 0.0)'
        yield f'set(span.cache["{count}"], Double({tokens})) where {tokens} != nil'
    asked, answered = (f'span.attributes["{_TOKENS[count][0]}"] != nil' for count in ("input", "output"))
    yield f'set({_REASON}, "no tokens")'
    yield f'set({_REASON}, "no price") where {asked} and ({answered} or {_ONLY_INPUT})'
    # A sum that only grows takes no cost below zero.
    yield f'set({_REASON}, "wrong tokens") where {_REASON} == "no price" and ({_WRONG_TOKENS})'
    yield f"delete_key(span.attributes, {json.dumps(_COST_KEY)}) where {_COST} != nil and Double({_COST}) < 0.0"


def _cost_of(price: ModelPrice) -> str:
    terms = (
        f'(span.cache["input"] - span.cache["cached"]) * {ottl_number(price.input)}',
        f'span.cache["cached"] * {ottl_number(price.cached)}',
        f'span.cache["output"] * {ottl_number(price.output)}',
    )
    return f"({' + '.join(terms)}) / {_MILLION}.0"


def ottl_number(value: float) -> str:
    """Return a number as OTTL reads it, without an exponent."""
    return f"{Decimal(repr(value)):f}" if value else "0.0"


def calls_of_models(operations: Sequence[str], attribute: str = "") -> str:
    """Return the condition of OTTL that a span is a call of a model by its client, and has an attribute.

    A server repeats the tokens of its client.
    """
    names = " or ".join(f'span.attributes["gen_ai.operation.name"] == {json.dumps(name)}' for name in operations)
    condition = f"({names}) and span.kind != SPAN_KIND_SERVER"
    return f'{condition} and span.attributes["{attribute}"] != nil' if attribute else condition


class CallSum(NamedTuple):
    """A sum over calls of models: of `value`, an expression of OTTL, where spans have the attribute."""

    name: str
    description: str
    unit: str
    attribute: str
    value: str
    has_reason: bool = False


def sums_of_calls(currency: str) -> list[CallSum]:
    """Return the sums of the recipe `gen_ai_metrics`."""
    given, made = "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"
    missing = "gen_ai.usage.unpriced"
    return [
        CallSum(
            "traces.gen_ai.input_tokens", "Tokens of prompts.", "{token}", given, f'Int(span.attributes["{given}"])'
        ),
        CallSum(
            "traces.gen_ai.output_tokens", "Tokens of answers.", "{token}", made, f'Int(span.attributes["{made}"])'
        ),
        CallSum("traces.gen_ai.cost", "Cost of calls.", f"{{{currency}}}", "gen_ai.usage.cost", f"Double({_COST})"),
        CallSum("traces.gen_ai.unpriced", "Calls without a known cost.", "{call}", missing, "1", has_reason=True),
    ]


class Protection(NamedTuple):
    """OTTL statements that hide content of calls of models.

    Those of spans and of their events are apart: in one group, all would run once for each event, and so not for a span
    without events.
    """

    spans: list[str]
    events: list[str]
    logs: list[str]


def protection(hashed: bool) -> Protection:
    """Return what removes content of calls of models, or puts a hash in its place where its name is known."""
    of_event, events = json.dumps(EVENT_CONTENT), json.dumps(EVENT_NAMES)
    in_events = f"delete_matching_keys(spanevent.attributes, {of_event}) where IsMatch(spanevent.name, {events})"
    has_error = f'span.status.message != "" and {_of_call("span")}'
    error_status = f"set(span.status.message, {_shown_error(hashed)}) where {has_error}"
    error_event = f"delete_matching_keys(spanevent.attributes, {json.dumps(ERROR_TEXT)}) where {_of_call('span')}"
    logs = _protected("log", hashed)
    body = "SHA256(String(log.body))" if hashed else '"****"'
    # Before 1.36, the name of an event was an attribute.
    for name in ("log.event_name", 'log.attributes["event.name"]'):
        is_event = f"IsMatch({name}, {events})"
        logs.append(f"delete_matching_keys(log.attributes, {of_event}) where {is_event}")
        logs.append(f"set(log.body, {body}) where log.body != nil and {is_event}")
    logs.insert(0, f"delete_matching_keys(log.attributes, {json.dumps(ERROR_TEXT)}) where {_of_call('log')}")
    # Each error is hidden before the attributes that tell that it is one of a call.
    spans = [error_status, *_protected("span", hashed)]
    return Protection(spans, [error_event, *_protected("spanevent", hashed), in_events], logs)


def _shown_error(hashed: bool) -> str:
    return "SHA256(span.status.message)" if hashed else '"****"'


def _of_call(place: str) -> str:
    """Return the condition of OTTL that a span or a log record is of a call of a model."""
    return f"IsMatch(Keys({place}.attributes), {json.dumps(CALL_KEYS)})"


def _protected(place: str, hashed: bool) -> list[str]:
    """Return what hides the attributes of a place; what is hashed is not removed."""
    families = "|".join(CONTENT_FAMILIES)
    whole = "|".join(re.escape(name) for name in CONTENT)
    removed = families if hashed else f"^({whole})$|{families}"
    deletion = f"delete_matching_keys({place}.attributes, {json.dumps(removed)})"
    return [*_hashes(place), deletion] if hashed else [deletion]


def _hashes(place: str) -> Iterator[str]:
    for name in CONTENT:
        content = f'{place}.attributes["{name}"]'
        yield f"set({content}, SHA256(String({content}))) where {content} != nil"
