# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The content of an answer of a Kubernetes API server, or of a proxy before it: JSON, warnings, errors. Private."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..._otelcol.bounded.json_text import parse_json
from ..._otelcol.config.masking import mask_and_clean

# A header Warning of the API server, such as `299 - "v1 X is deprecated"`: a text in quotes, in which `\` escapes.
_WARNING = re.compile(r'299 \S+ "((?:[^"\\]|\\.)*)"')
# Messages of the API server (apiserver's ErrCallingWebhook, apiextensions' webhook converter). A webhook that rejects
# a request has other messages: `denied the request`, and for a conversion a message without the address.
_WEBHOOK_FAILURE = re.compile(r'failed calling webhook|conversion webhook for .{1,300}? failed: Post "')
# Fields in which Kubernetes and controllers write sentences.
_TEXT_FIELDS = ("message", "reason", "note")
# By these headers a web server or proxy names itself. An API server has none of them.
_SENDER_HEADERS = ("via", "server")


class NotJsonError(Exception):
    """What an answer is in place of JSON, without its text, which may be half of a Secret."""


def parse_object(headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """Return the JSON object of an answer. Raises NotJsonError."""
    answer = _parse_json_object(body)
    if answer is None:
        raise NotJsonError(_describe_answer(headers, body))
    return answer


def _parse_json_object(body: bytes) -> dict[str, Any] | None:
    """Return the JSON object of an answer; None for other JSON, and for what is no JSON."""
    try:
        value = parse_json(body)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _find_header(headers: Mapping[str, str], name: str) -> str:
    """Return a header by its name in lower case; empty without it."""
    for key, value in headers.items():
        if key.lower() == name:
            return value
    return ""


def _describe_answer(headers: Mapping[str, str], body: bytes) -> str:
    """Return the length of an answer, its type, and who sent it."""
    description = f"{len(body)} bytes of {_find_header(headers, 'content-type') or 'no Content-Type'}"
    senders = [_find_header(headers, name) for name in _SENDER_HEADERS]
    known_senders = ", ".join(filter(None, senders))
    return f"{description}, from {known_senders}" if known_senders else description


def parse_status(body: bytes) -> dict[str, Any]:
    """Return the `Status` object of an answer that says no, or what a proxy says in its place."""
    answer = _parse_json_object(body)
    if answer is None:
        return {"message": body.decode(errors="replace").strip()}
    return answer


def list_warnings(headers: Mapping[str, str]) -> list[str]:
    """Return the warnings of the server, such as of deprecated versions and of pods that its policies will refuse."""
    return [match.replace('\\"', '"') for match in _WARNING.findall(_find_header(headers, "warning"))]


def retry_after_seconds(headers: Mapping[str, str]) -> float:
    """Return after how many seconds the server may have time; 0 without such a number. A date counts as none."""
    value = _find_header(headers, "retry-after")
    return float(value) if value.isdecimal() else 0.0


def is_webhook_failure(message: str) -> bool:
    """Return whether the API server could not call a webhook. The cause may be temporary."""
    return bool(_WEBHOOK_FAILURE.search(message))


def clean_sentences(live_object: dict[str, Any]) -> dict[str, Any]:
    """Return an object of a cluster whose event or status has each sentence in one line, without control characters."""
    if "involvedObject" in live_object:
        return {
            **live_object,
            **{key: mask_and_clean(live_object.get(key)) for key in ("involvedObject", *_TEXT_FIELDS)},
        }
    if "status" in live_object:
        return {**live_object, "status": _clean_tree(live_object["status"])}
    return live_object


def _clean_tree(value: Any) -> Any:
    """Return a tree of a status whose sentences are in one line each."""
    if isinstance(value, list):
        return [_clean_tree(element) for element in value]
    if not isinstance(value, dict):
        return value
    tree = {}
    for key, child in value.items():
        tree[key] = mask_and_clean(child) if key in _TEXT_FIELDS else _clean_tree(child)
    return tree
