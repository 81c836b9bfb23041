# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON of pods, servers and users, which may be nested without end. Private."""

from __future__ import annotations

import json
from typing import Any


def parse_json(text: str | bytes) -> Any:
    """Return the value in a text of JSON. Raises ValueError for other text, also if it is nested too deeply.

    `json.loads` raises RecursionError for deep text, which callers who expect ValueError would let through.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


# How a line of JSON writes half of a surrogate pair: as an escape, or in the bytes that UTF-8 has for no character.
_MARKS_OF_HALVES = (b"\\ud", b"\\uD", b"\xed")


def parse_whole_text(line: bytes) -> Any:
    """Return the value in a line of JSON, with U+FFFD in place of each half of a surrogate pair.

    A half is no character, so no file can hold it. The Collector reads it as U+FFFD too. Raises ValueError as
    `parse_json` does.
    """
    value = parse_json(line)
    if not any(mark in line for mark in _MARKS_OF_HALVES):
        return value
    try:
        text = json.dumps(value, ensure_ascii=False)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return parse_json(text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace"))
