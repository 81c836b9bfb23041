# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a value is itself: references to variables and placeholders stand for other values. Private."""

from __future__ import annotations

import re
from typing import Any

_REFERENCE = re.compile(r"\$\{|\$[A-Za-z_]\w*\Z")
_PLACEHOLDER = re.compile(
    r"<.*>\Z|\*+\Z|[\[(]?(?:FILTERED|HIDDEN|MASKED|REDACTED|REMOVED|SANITIZED)[\])]?\Z|(?-i:VALUE)\Z|(?:\.{3,}|…)\Z"
    r"|x{3,}\Z|0{8}-(?:0{4}-){3}0{12}\Z|__\w+__\Z|\{\{.*\}\}\Z|todo\Z"
    r"|change[-_ ]?(?:me|it)\Z|(?:replace|insert|your)[-_ ]\S*\Z|placeholder\Z",
    re.DOTALL | re.IGNORECASE,
)
SCHEME_PATTERN = re.compile(r"(?:Bearer|Basic|Token|Api-?Key|Api-?Token|Splunk)\s{1,4}", re.IGNORECASE)
_NO_VALUES = ("true", "false", "null", "nil", "none", "yes", "no", "")
# A variable with a default, which is all of a value.
_DEFAULT = re.compile(r"\$\{(?:env:)?[A-Za-z_]\w{0,127}:-([^${}]{4,256})\}\Z")


def is_literal(value: str) -> bool:
    """Whether a value is itself: no reference to a variable, no placeholder, not empty."""
    text = value.strip()
    if text.lower() in _NO_VALUES or _REFERENCE.search(text):
        return False
    return not is_placeholder(text)


def is_placeholder(value: str) -> bool:
    """Whether a value only holds the place of a secret, as `CHANGEME` or `Basic ...`."""
    return bool(_PLACEHOLDER.match(strip_scheme(value.strip())))


def strip_scheme(value: str) -> str:
    """Return the value of a header without a word such as `Bearer` before it."""
    return SCHEME_PATTERN.sub("", value, count=1)


def is_scheme(value: str) -> bool:
    """Whether a value is a word such as `Bearer` alone."""
    return bool(SCHEME_PATTERN.fullmatch(f"{value} "))


def default_in_reference(value: str) -> str:
    """Return the default of the variable that a value is; empty if there is none, or if it is a placeholder."""
    match = _DEFAULT.match(value)
    if match and is_literal(match[1]):
        return match[1]
    return ""


def scalar_text(value: Any) -> str:
    """Return a scalar as text."""
    try:
        return str(value)
    except ValueError:  # a number of thousands of digits
        return hex(value)
