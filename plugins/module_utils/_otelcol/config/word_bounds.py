# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a part of a text is a word of its own, and no part of a longer word or of a name. Private.

In `otel-agent: login otel failed`, the first `otel` is part of a name, and the second one is a word of its own. In the
JSON text `login\\notel`, `otel` is a word too, since `\\n` is the escape of a line end.
"""

from __future__ import annotations

import re

# The last characters of an escape are no part of the word behind it.
_AFTER_ESCAPE = "|".join(
    (
        r"(?<=\\[nrtbf])",  # `\n`, a line end as JSON writes it
        r"(?<=\\u[0-9A-Fa-f]{4})",  # `\u001b`, another character as JSON writes it
        r"(?<=%[0-9A-Fa-f]{2})",  # `%22`, a character of a URL
        r"(?<=[\[;]\dm)",  # `[0m`, a colour of a terminal
        r"(?<=[\[;]\d\dm)",  # `[31m`, another one
    )
)
WORD_BEGINNING = rf"(?:(?<!\w)|{_AFTER_ESCAPE})"
"""A regular expression for a place before which stands no letter and no digit, or only the last one of an escape."""
_WORD_BEGINNING = re.compile(WORD_BEGINNING)
_LETTER_OR_DIGIT = re.compile(r"\w")
# What continues the name of a file, object or host: `otel-agent`, `otel/x`, `otel.example`.
_NAME_GOES_ON = re.compile(r"[-/]|\.\w")


def is_own_word(text: str, start: int, end: int) -> bool:
    """Whether a part of a text is a word of its own."""
    is_whole_word = _WORD_BEGINNING.match(text, start) is not None and _LETTER_OR_DIGIT.match(text, end) is None
    return is_whole_word and not _is_part_of_name(text, start, end)


def _is_part_of_name(text: str, start: int, end: int) -> bool:
    """Whether a word of letters alone is part of the name of a file, an object or a host."""
    if not text[start:end].isalpha():
        return False
    follows_a_name = start > 0 and text[start - 1] in "-/"
    return follows_a_name or _NAME_GOES_ON.match(text, end) is not None
