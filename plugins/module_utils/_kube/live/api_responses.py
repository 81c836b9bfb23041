# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read an answer of a Kubernetes API server, or of a proxy before it: its JSON, its warnings and its error. Private.

`Cluster` in cluster.py sends the requests, and gives their answers to these functions:

    200, b'{"kind": "Pod"}'                        parse_object        → {"kind": "Pod"}
    200, b"<html>", Server: nginx                  parse_object        raises `6 bytes of no Content-Type, from nginx`
    403, b'{"kind": "Status", "message": "…"}'     parse_status        → {"kind": "Status", "message": "…"}
    502, b"Bad Gateway"                            parse_status        → {"message": "Bad Gateway"}
    header `Warning: 299 - "v1 X is deprecated"`   list_warnings       → ["v1 X is deprecated"]
    header `Retry-After: 2`                        retry_after_seconds → 2.0
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..._otelcol.bounded.json_text import parse_json
from ..._otelcol.config.masking import mask_and_clean

# A header Warning of the API server, such as `299 - "v1 X is deprecated"`. In its text, a quote is written as `\"`.
_WARNING = re.compile(r'299 \S+ "((?:[^"\\]|\\.)*)"')
# What the API server says if a webhook gives no answer: `failed calling webhook "m.example.com": …`, and for a webhook
# that converts objects `conversion webhook for example.com/v1, Kind=X failed: Post "https://…": …`. A webhook that
# rejects a request has other messages: `denied the request`, and for a conversion a message without the address.
# Sources: ErrCallingWebhook of k8s.io/apiserver, webhook_converter.go of k8s.io/apiextensions-apiserver.
_WEBHOOK_FAILURE = re.compile(r'failed calling webhook|conversion webhook for .{1,300}? failed: Post "')
# Fields in which Kubernetes and controllers write sentences.
_TEXT_FIELDS = ("message", "reason", "note")
# The headers in which a web server or proxy says its name. An API server sends none of them.
_SENDER_HEADERS = ("via", "server")


class NotJsonError(Exception):
    """An answer is no JSON object. The message says what it is, and does not quote it: it may be half of a Secret."""


def parse_object(headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """Return the JSON object of an answer. Raises NotJsonError, such as for an answer that was cut on its way."""
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
    """Return an answer's length, type and sender, such as `98 bytes of text/html, from nginx`."""
    description = f"{len(body)} bytes of {_find_header(headers, 'content-type') or 'no Content-Type'}"
    senders = [_find_header(headers, name) for name in _SENDER_HEADERS]
    known_senders = ", ".join(filter(None, senders))
    return f"{description}, from {known_senders}" if known_senders else description


def parse_status(body: bytes) -> dict[str, Any]:
    """Return the `Status` object of a refusal. The text of a proxy, which is no JSON, becomes its `message`."""
    answer = _parse_json_object(body)
    if answer is None:
        return {"message": body.decode(errors="replace").strip()}
    return answer


def list_warnings(headers: Mapping[str, str]) -> list[str]:
    """Return the warnings of the server, such as `v1 X is deprecated`, and of pods that its policies will refuse."""
    return [match.replace('\\"', '"') for match in _WARNING.findall(_find_header(headers, "warning"))]


def retry_after_seconds(headers: Mapping[str, str]) -> float:
    """Return after how many seconds the server wants the next request; 0 if it names a date or nothing."""
    value = _find_header(headers, "retry-after")
    return float(value) if value.isdecimal() else 0.0


def is_webhook_failure(message: str) -> bool:
    """Return whether the message of an error says that a webhook gave no answer. It may give one later."""
    return bool(_WEBHOOK_FAILURE.search(message))


def clean_sentences(live_object: dict[str, Any]) -> dict[str, Any]:
    """Return an object whose sentences for people can be shown: in one line, without secrets and control characters.

    Only an event and the status of an object have such sentences. The config in a `spec` must keep its lines. Such as:

        {"status": {"message": "no\\nroute"}} → {"status": {"message": "no route"}}
    """
    is_event = "involvedObject" in live_object
    if is_event:
        cleaned_fields = {key: mask_and_clean(live_object.get(key)) for key in ("involvedObject", *_TEXT_FIELDS)}
        return {**live_object, **cleaned_fields}
    if "status" in live_object:
        return {**live_object, "status": _clean_tree(live_object["status"])}
    return live_object


def _clean_tree(value: Any) -> Any:
    """Return a status, or a part of it, with the same change in all _TEXT_FIELDS of all depths."""
    if isinstance(value, list):
        return [_clean_tree(element) for element in value]
    if not isinstance(value, dict):
        return value
    tree = {}
    for key, child in value.items():
        tree[key] = mask_and_clean(child) if key in _TEXT_FIELDS else _clean_tree(child)
    return tree
