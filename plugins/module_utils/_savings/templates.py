# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Templates of texts: common words stay, any other part is `<*>`. Those of a masked capture are the same. Private.

No template has a word that is not one of `_capture.body_templates.WORDS`, so a report of a capture with readable
values shows no content either.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache

from .._capture.body_templates import WORDS

ANY = "<*>"
_REMEMBERED = 10_000
# A mask of a capture, or what has no space, bracket, quote, comma or `=` in it.
_PART = re.compile(r"<[^<>]*>|[^\s\[\](){}<>\"'`,;=|]+")
_ENDS = ".:!?"
_LEAST_WORDS = 2
"""A pattern with fewer words would match too much."""
_OF_PART = r"\S+"


@lru_cache(_REMEMBERED)
def template_of(text: str) -> str:
    """Return the template of a text."""
    return _PART.sub(_replaced, text)


def pattern_of(template: str) -> str:
    """Return the regular expression (RE2) for the texts of a template; empty if it has too few words to tell them."""
    if len(re.findall(r"[A-Za-z]+", template)) < _LEAST_WORDS:
        return ""
    return f"^{_OF_PART.join(re.escape(part) for part in template.split(ANY))}$".replace(r"\ ", " ")


def quoted(text: str) -> str:
    """Return a text as a literal of OTTL."""
    return json.dumps(text, ensure_ascii=False)


def _replaced(match: re.Match[str]) -> str:
    part = match[0]
    word = part.rstrip(_ENDS)
    is_punctuation = part.isascii() and not part.startswith("<") and not any(map(str.isalnum, part))
    if is_punctuation or word.lower() in WORDS:
        return part
    return ANY if part.startswith("<") else ANY + part[len(word) :]
