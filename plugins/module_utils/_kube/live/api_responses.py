# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an answer of a Kubernetes API server holds, or of a proxy before it. Private."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..._otelcol.bounded.json_text import json_value
from ..._otelcol.config.masking import quoted

_WARNING = re.compile(r'299 \S+ "((?:[^"\\]|\\.)*)"')
# Messages of the API server (apiserver's ErrCallingWebhook, apiextensions' webhook converter). A webhook that rejects
# a request has other messages: `denied the request`, and for a conversion a message without the address.
_CALL = re.compile(r'failed calling webhook|conversion webhook for .{1,300}? failed: Post "')
# Fields in which Kubernetes and controllers write sentences.
_TEXT_FIELDS = ("message", "reason", "note")
# By these headers a web server or proxy names itself. An API server has none of them.
_SENDER_HEADERS = ("via", "server")


class NotJsonError(Exception):
    """What an answer is in place of JSON, without its text, which may be half of a Secret."""


def object_of(headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """Return the JSON object of an answer. Raises NotJsonError."""
    answer = _parsed(body)
    if answer is None:
        raise NotJsonError(_described(headers, body))
    return answer


def _parsed(body: bytes) -> dict[str, Any] | None:
    """Return the JSON object of an answer; None for other JSON, and for what is no JSON."""
    try:
        value = json_value(body)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _header(headers: Mapping[str, str], name: str) -> str:
    """Return a header by its name in lower case; empty without it."""
    for key, value in headers.items():
        if key.lower() == name:
            return value
    return ""


def _described(headers: Mapping[str, str], body: bytes) -> str:
    """Return the length of an answer, its type, and who sent it."""
    described = f"{len(body)} bytes of {_header(headers, 'content-type') or 'no Content-Type'}"
    senders = [_header(headers, name) for name in _SENDER_HEADERS]
    known_senders = ", ".join(filter(None, senders))
    return f"{described}, from {known_senders}" if known_senders else described


def status_of(body: bytes) -> dict[str, Any]:
    """Return the `Status` object of an answer that says no, or what a proxy says in its place."""
    answer = _parsed(body)
    if answer is None:
        return {"message": body.decode(errors="replace").strip()}
    return answer


def warnings_of(headers: Mapping[str, str]) -> list[str]:
    """Return what the server warns of, such as deprecated versions and pods that its policies will refuse."""
    return [match.replace('\\"', '"') for match in _WARNING.findall(_header(headers, "warning"))]


def retry_after(headers: Mapping[str, str]) -> float:
    """Return after how many seconds the server may have time; 0 without such a number. A date counts as none."""
    value = _header(headers, "retry-after")
    return float(value) if value.isdecimal() else 0.0


def calls_webhook(message: str) -> bool:
    """Return whether the API server could not call a webhook. The cause may be temporary."""
    return bool(_CALL.search(message))


def readable(live: dict[str, Any]) -> dict[str, Any]:
    """Return an object of a cluster whose event or status has each sentence in one line, without control characters."""
    if "involvedObject" in live:
        return {**live, **{key: quoted(live.get(key)) for key in ("involvedObject", *_TEXT_FIELDS)}}
    if "status" in live:
        return {**live, "status": _readable(live["status"])}
    return live


def _readable(value: Any) -> Any:
    """Return a tree of a status whose sentences are in one line each."""
    if isinstance(value, list):
        return [_readable(element) for element in value]
    if not isinstance(value, dict):
        return value
    tree = {}
    for key, below in value.items():
        tree[key] = quoted(below) if key in _TEXT_FIELDS else _readable(below)
    return tree
