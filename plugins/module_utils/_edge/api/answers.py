# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an answer of a Kubernetes API server holds, or of a proxy before it. Private."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

_WARNING = re.compile(r'299 \S+ "((?:[^"\\]|\\.)*)"')
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
        found = json.loads(body)
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
