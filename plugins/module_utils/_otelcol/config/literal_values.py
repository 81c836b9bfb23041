# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a value is itself: references to variables and placeholders stand for other values. Private.

A literal is a text that the Collector uses as it stands. A reference is such as `${env:TOKEN}` or `$TOKEN`, a
placeholder such as `<token>`, `***`, `xxx` or `CHANGEME`. A scheme is the word before a credential in a header, such as
`Bearer`. The files config_secrets.py, secret_kinds.py, secret_shapes.py and masking.py ask here, and so do rules.
"""

from __future__ import annotations

import re
from typing import Any

# `${…` anywhere, or `$NAME` at the end.
_REFERENCE = re.compile(r"\$\{|\$[A-Za-z_]\w*\Z")
# A whole text that stands for a value which somebody has to fill in, or which somebody has taken out.
_PLACEHOLDER = re.compile(
    r"""
    (?:
        <.*>                                    # <token>
        | \*+                                   # ***
        | [\[(]?(?:FILTERED|HIDDEN|MASKED|REDACTED|REMOVED|SANITIZED)[\])]?  # [REDACTED]
        | (?-i:VALUE)                           # VALUE, but `value` may be a password
        | \.{3,} | …                            # ...
        | x{3,}                                 # xxx
        | 0{8}-(?:0{4}-){3}0{12}                # a UUID of zeros
        | __\w+__                               # __TOKEN__
        | \{\{.*\}\}                            # {{ token }}
        | todo | placeholder
        | change[-_\ ]?(?:me|it)                # change-me
        | (?:replace|insert|your)[-_\ ]\S*      # your-key
    )\Z
    """,
    re.DOTALL | re.IGNORECASE | re.VERBOSE,
)
# The word before a credential in a header, with the blanks behind it: `Bearer `, `Api-Key `.
SCHEME_PATTERN = re.compile(r"(?:Bearer|Basic|Token|Api-?Key|Api-?Token|Splunk)\s{1,4}", re.IGNORECASE)
# Words that say that there is no value, or only whether there is one.
_NO_VALUES = ("true", "false", "null", "nil", "none", "yes", "no", "")
# A value that is one variable with a default, such as `${env:TOKEN:-abcd}`. The group is the default.
_DEFAULT = re.compile(r"\$\{(?:env:)?[A-Za-z_]\w{0,127}:-([^${}]{4,256})\}\Z")


def is_literal(value: str) -> bool:
    """Whether a value is itself: no reference to a variable, no placeholder, no word such as `none`, not empty."""
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
    """Return `abcd` of `${env:TOKEN:-abcd}`; empty if a value is no such reference, or the default no literal."""
    match = _DEFAULT.match(value)
    if match and is_literal(match[1]):
        return match[1]
    return ""


def scalar_text(value: Any) -> str:
    """Return a scalar as text, in which secrets are searched: a password may be a number in YAML."""
    try:
        return str(value)
    except ValueError:  # Python writes no number of more than 4,300 digits in decimal
        return hex(value)
