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
# What Kubernetes and controllers say in words.
_SAYING = ("message", "reason", "note")
# By these a web server or proxy names itself. An API server has none of them.
_NAMES = ("via", "server")


class NotJsonError(Exception):
    """What an answer is in place of JSON, without its text, which may be half of a Secret."""


def object_of(headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """Return the JSON object of an answer. Raises NotJsonError."""
    found = _parsed(body)
    if found is None:
        raise NotJsonError(_described(headers, body))
    return found


def _parsed(body: bytes) -> dict[str, Any] | None:
    try:
        found = json_value(body)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _header(headers: Mapping[str, str], name: str) -> str:
    return next((value for key, value in headers.items() if key.lower() == name), "")


def _described(headers: Mapping[str, str], body: bytes) -> str:
    described = f"{len(body)} bytes of {_header(headers, 'content-type') or 'no Content-Type'}"
    names = [found for name in _NAMES if (found := _header(headers, name))]
    return f"{described}, from {', '.join(names)}" if names else described


def status_of(body: bytes) -> dict[str, Any]:
    """Return the `Status` object of an answer that says no, or what a proxy says in its place."""
    found = _parsed(body)
    return {"message": body.decode(errors="replace").strip()} if found is None else found


def warnings_of(headers: Mapping[str, str]) -> list[str]:
    """Return what the server warns of, such as deprecated versions and pods that its policies will refuse."""
    return [match.replace('\\"', '"') for match in _WARNING.findall(_header(headers, "warning"))]


def retry_after(headers: Mapping[str, str]) -> float:
    """Return after how many seconds the server may have time."""
    value = _header(headers, "retry-after")
    return float(value) if value.isdigit() else 0.0


def calls_webhook(message: str) -> bool:
    """Return whether the API server could not call a webhook. The cause may be temporary."""
    return bool(_CALL.search(message))


def readable(item: dict[str, Any]) -> dict[str, Any]:
    """Return an object of a cluster whose conditions, states and events say what they say in one clean line each."""
    if "involvedObject" in item:
        return {**item, **{key: quoted(item.get(key)) for key in ("involvedObject", *_SAYING)}}
    return {**item, "status": _readable(item["status"])} if "status" in item else item


def _readable(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: quoted(item) if key in _SAYING else _readable(item) for key, item in value.items()}
    return [_readable(item) for item in value] if isinstance(value, list) else value
