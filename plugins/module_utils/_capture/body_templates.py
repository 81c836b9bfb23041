# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Templates of log bodies and of names of spans: common words stay, every other part becomes a placeholder. Private.

text_masks.py calls this file. A placeholder is `<` and `>` around the mask of the part, which is cut so that the
placeholder is as long as the part. (A mask is letters that stand for a text, see value_masks.py.) For example:

    user alice has no order-1234      becomes      user <1n6> has no <u8-Syg1q>

A part of one character, such as a digit, becomes `<>`, which is one longer. So equal parts stay equal, a body nearly
keeps its size, and a reader who replaces `<[^<>]*>` by `<*>` has the template.
"""

from __future__ import annotations

import re

from .._otelcol.forecast.text_templates import is_common_part, strip_punctuation
from .value_masks import ValueMasks

# What has no space, bracket, quote, comma or `=` in it: a word, a path, an address, a number.
_PART = re.compile(r"[^\s\[\](){}<>\"'`,;=|]+")
# What stands before and after a mask.
_FRAME_LENGTH = 2
_MOST_REMEMBERED = 20_000


class BodyTemplates:
    """The templates of one run."""

    def __init__(self, masks: ValueMasks) -> None:
        self._parts = _PartReplacements(masks)

    def make_template(self, text: str) -> str:
        """Return the template of a text. Its own `<` and `>` become brackets."""
        replacements = self._parts
        return _PART.sub(lambda match: replacements[match[0]], text.replace("<", "[").replace(">", "]"))


class _PartReplacements(dict[str, str]):
    """What stands in place of each part; a dict, since bodies consist of the same parts again and again."""

    def __init__(self, masks: ValueMasks) -> None:
        super().__init__()
        self._masks = masks

    def __missing__(self, part: str) -> str:
        if len(self) >= _MOST_REMEMBERED:
            self.clear()
        self[part] = replacement = self._replace_part(part)
        return replacement

    def _replace_part(self, part: str) -> str:
        """Return a part as it is, if it is a common word or punctuation, else its placeholder.

        `strip_punctuation` takes punctuation off the end of a part alone, so the rest of the part after the word is
        that.
        """
        if is_common_part(part):
            return part
        word = strip_punctuation(part)
        mask = self._masks.mask_text(word)
        return f"<{mask[: max(len(mask) - _FRAME_LENGTH, 0)]}>{part[len(word) :]}"
