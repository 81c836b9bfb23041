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
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise NotJsonError(_described(headers, body))
    return found


def _described(headers: Mapping[str, str], body: bytes) -> str:
    known = {key.lower(): value for key, value in headers.items()}
    described = f"{len(body)} bytes of {known.get('content-type') or 'no Content-Type'}"
    names = [known[name] for name in _NAMES if known.get(name)]
    return f"{described}, from {', '.join(names)}" if names else described


def status_of(body: bytes) -> dict[str, Any]:
    """Return the `Status` object of an answer that says no, or what a proxy says in its place."""
    try:
        parsed = json.loads(body)
    except ValueError:
        parsed = None
    return parsed if isinstance(parsed, dict) else {"message": body.decode(errors="replace").strip()}


def warnings_of(headers: Mapping[str, str]) -> list[str]:
    """Return what the server warns of, such as deprecated versions and pods that its policies will refuse."""
    said = {key.lower(): value for key, value in headers.items()}.get("warning", "")
    return [match.replace('\\"', '"') for match in _WARNING.findall(said)]


def retry_after(headers: Mapping[str, str]) -> float:
    """Return after how many seconds the server may have time."""
    value = {key.lower(): value for key, value in headers.items()}.get("retry-after", "")
    return float(value) if value.isdigit() else 0.0
