# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Statements of OTTL as text: paths, literals, and `set` and `delete_matching_keys` with their conditions. Private.

Example: `set_where(attribute_path("span", "a"), ottl_text("b"), "span.name != nil")` is

    set(span.attributes["a"], "b") where span.name != nil
"""

from __future__ import annotations

import json
from decimal import Decimal


def ottl_text(text: str) -> str:
    """Return a text as a literal of OTTL, which has the quotes and escapes of JSON.

    JSON in ASCII would write some characters, such as emojis, as two escapes (`\\ud83d\\ude00`), which OTTL does not
    read.
    """
    return json.dumps(text, ensure_ascii=False)


def ottl_number(value: float) -> str:
    """Return a number as OTTL reads it, without an exponent: 0.000001 and not 1e-06."""
    return f"{Decimal(repr(value)):f}" if value else "0.0"


def attribute_path(holder: str, name: str) -> str:
    """Return the path of an attribute of a span, an event or a log record."""
    return f"{holder}.attributes[{ottl_text(name)}]"


def set_where(target: str, value: str, *conditions: str) -> str:
    """Return a statement that sets a path to a value where all conditions hold."""
    return f"set({target}, {value})" + _where_clause(conditions)


def delete_keys_where(holder: str, pattern: str, *conditions: str) -> str:
    """Return a statement that deletes the attributes whose names match a pattern (RE2) where all conditions hold."""
    return f"delete_matching_keys({holder}.attributes, {ottl_text(pattern)})" + _where_clause(conditions)


def _where_clause(conditions: tuple[str, ...]) -> str:
    return f" where {' and '.join(conditions)}" if conditions else ""
