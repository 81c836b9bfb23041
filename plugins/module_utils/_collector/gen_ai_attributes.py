# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Attributes of calls of models, those with content of users and those that are counted. docs/ai_inference.md has both.

Sources: model/gen-ai/registry.yaml and events.yaml of open-telemetry/semantic-conventions-genai (status development, as
of 2026); deprecated/registry-deprecated.yaml and events-deprecated.yaml of open-telemetry/semantic-conventions 1.43;
spec/semantic_conventions.md of OpenInference; opentelemetry-semantic-conventions-ai of OpenLLMetry; "Telemetry" of
Vercel's AI SDK; telemetry/tracing.py of Google's ADK; models/instrumented.py of Pydantic AI. Private.
"""

from __future__ import annotations

OPERATION = "gen_ai.operation.name"
INPUT_TOKENS = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
# No convention has a cost; these names are ours, beside those of the tokens.
COST = "gen_ai.usage.cost"
UNPRICED = "gen_ai.usage.unpriced"

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
