# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts in conditions of OTTL: the regular expression of a template, and literals. Private.

A template is a text without the parts that differ from record to record: `user <*> logged in`. The regular expression
for its texts is `^user \\S+ logged in$`.
"""

from __future__ import annotations

import json
import re

from .._otelcol.forecast.text_templates import PLACEHOLDER

_LEAST_PATTERN_WORDS = 2
"""A pattern with fewer words would match too much."""
_PLACEHOLDER_PATTERN = r"\S+"


def build_template_pattern(template: str) -> str:
    """Return the regular expression (RE2) for the texts of a template; empty if it has too few words.

    With few words, the expression would match other texts too.
    """
    if len(re.findall(r"[A-Za-z]+", template)) < _LEAST_PATTERN_WORDS:
        return ""
    fixed_parts = [re.escape(part) for part in template.split(PLACEHOLDER)]
    # `re.escape` of Python escapes spaces too. Users read the pattern, so they stay as they are.
    return f"^{_PLACEHOLDER_PATTERN.join(fixed_parts)}$".replace(r"\ ", " ")


def quote_literal(text: str) -> str:
    """Return a text as a literal of OTTL."""
    return json.dumps(text, ensure_ascii=False)
